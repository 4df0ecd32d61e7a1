"""No test sees the home, the working folder or the environment of who runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from translate import cards, parallel
from translate.cli.options import models
from translate.home import home

CONFIG = str(Path(__file__).parent.parent / "pyproject.toml")
PLANTED = "planted"
ENVIRONMENT = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "SLURM_RESTART_COUNT": "3", "HF_TOKEN": PLANTED,
    "HF_HUB_OFFLINE": "1", "FORCE_COLOR": "1", "https_proxy": "http://127.0.0.1:1", "COLUMNS": "20",
}  # fmt: skip


@pytest.mark.fault("F-26")
def test_nothing_of_the_user_is_seen() -> None:
    assert not list(Path.cwd().iterdir())
    assert not home().exists()
    assert not list(Path.home().glob(".cache/translate*"))  # libraries may keep things there
    assert PLANTED not in {path.stem for path in cards.weights_here().values()} | set(models(""))
    assert parallel.world() == 1
    assert not set(os.environ) & (set(ENVIRONMENT) - {"COLUMNS"})
    assert os.environ["COLUMNS"] == "120"


@pytest.mark.slow  # torch is imported by another process
@pytest.mark.fault("F-26")
def test_what_lies_in_the_home_and_in_the_working_folder_is_not_found(tmp_path: Path) -> None:
    folders = {name: str(tmp_path / name) for name in ("HOME", "XDG_CACHE_HOME", "TRANSLATE_HOME")}
    for place in ("HOME/.cache/translate", "XDG_CACHE_HOME/translate", "TRANSLATE_HOME"):
        (tmp_path / place / "weights").mkdir(parents=True)
        (tmp_path / place / "weights" / f"{PLANTED}.safetensors").write_bytes(b"a model")
    (tmp_path / "runs" / PLANTED).mkdir(parents=True)
    (tmp_path / "runs" / PLANTED / "model.safetensors").write_bytes(b"a model")
    words = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-c", CONFIG]
    done = subprocess.run(
        [*words, "-k", "nothing_of_the_user", __file__], cwd=tmp_path, env={**os.environ, **ENVIRONMENT, **folders},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout
