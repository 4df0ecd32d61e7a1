"""The README is short and true, and the worked examples of the guide work as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import translate.methods
from translate import Translator, cards, images
from translate.cli import guide
from translate.methods import base
from translate.runs import options, prepare

ROOT = Path(__file__).parent.parent


def block(page: str, language: str, number: int = 0, section: str = "") -> str:
    """Return a block of code on a page of the guide, or in one section of it; without `number` the first."""
    text = (ROOT / f"translate/guide/{page}.md").read_text(encoding="utf-8")
    text = text.split(f"## {section}\n")[1].split("\n## ")[0] if section else text
    return str(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[number])


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for domain in "AB":
        for index in range(3):
            pixels = random.integers(0, 256, (40, 40, 3), np.uint8)
            images.write_pixels(pixels, tmp_path / "paintings" / domain / f"{index}.png")
    return tmp_path / "paintings"


# Their terms; in the order of the page.
OWN_METHODS = {"dualgan": {"adv", "rec", "D", "gp"}, "gcgan": {"GAN", "gc", "idt", "D"}}


@pytest.mark.parametrize("name", OWN_METHODS)
def test_your_own_method_trains_and_translates(tmp_path, monkeypatch, paintings, name):
    source = block("methods", "python", [*OWN_METHODS].index(name))
    assert len(source.splitlines()) < 70
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(translate.methods, "__path__", [*translate.methods.__path__, str(tmp_path)])
    assert name in base.available()
    words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}"]
    run = prepare(paintings, method=name, size=32, steps=2, out=tmp_path / "run", words=words, device="cpu")
    losses = [report.losses for report in run.start() if report.losses]
    assert losses[-1].keys() == OWN_METHODS[name]
    picture = np.full((40, 60, 3), 128, np.uint8)
    translator = Translator.load(tmp_path / "run", device="cpu")
    made = {target: translator(picture, to=target) for target in translator.about.targets.all()}
    assert made["B"].shape == picture.shape
    assert [*made] == (["A", "B"] if name == "dualgan" else ["B"])
    assert name != "dualgan" or not np.array_equal(made["A"], made["B"])


def test_your_own_dataset_has_names_and_a_recipe(tmp_path, monkeypatch, paintings):
    shelf = tmp_path / "datasets"
    shelf.mkdir()
    (shelf / "holidays2paintings.toml").write_text(block("datasets", "toml"))
    for domain in "AB":
        shutil.copytree(paintings / domain, shelf / "holidays2paintings" / f"train{domain}")
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / kind)
    words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}"]
    run = prepare("holidays2paintings", size=32, steps=1, out=tmp_path / "run", words=words, device="cpu")
    assert run.dataset.domains == ("photo", "painting")
    recipe = run.recipe
    assert (recipe.training.epochs, recipe.data.rotation, len(recipe.method.diffaugment)) == (100, 10.0, 3)
    list(run.start())
    assert Translator.load(tmp_path / "run", device="cpu").about.target == "painting"


FAKES = {  # of Slurm: a job of two tasks on two machines; and of `translate`, which says with what it was called
    "scontrol": 'if [ "$1" = show ]; then printf "node1\\nnode2\\n"; else echo "$@" >> requeued; fi',
    "srun": 'code=0; for task in 0 1; do SLURM_PROCID=$task SLURM_LOCALID=0 "$@" || code=$?; done; exit $code',
    "translate": 'echo "$RANK $LOCAL_RANK $WORLD_SIZE $MASTER_ADDR $MASTER_PORT: $@" >> called; exit $(cat code)',
}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
@pytest.mark.parametrize(("code", "again"), [(75, True), (0, False), (1, False), (143, False)])
@pytest.mark.fault("R-11")
def test_a_slurm_job_whose_time_is_over_is_put_into_the_queue_again(tmp_path: Path, code: int, again: bool) -> None:
    """75 is how `translate train` ends after SIGUSR1, with everything saved."""
    for name, script in FAKES.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "code").write_text(str(code))
    job = block("many-gpus", "sh", 1)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "4711"}
    subprocess.run(["bash", "-c", job], cwd=tmp_path, env=environment, check=False)
    called = [f"{rank} 0 2 node1 29500: train paintings --batch 2" for rank in range(2)]
    assert (tmp_path / "called").read_text().splitlines() == called
    requeued = tmp_path / "requeued"
    assert (requeued.read_text() if requeued.exists() else "") == ("requeue 4711\n" if again else "")
    assert "--requeue --signal=USR1@120" in job


def test_the_readme_is_short_and_names_all_shipped_models_and_pages():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    shipped = {path.stem: cards.weights(path.stem) for path in (ROOT / "weights").glob("*.safetensors")}
    for name, card in shipped.items():
        distances = [round(score) for key, score in card.scores.items() if key.startswith("SqueezeNet KID")]
        after, before = distances or list(card.scores.values())[:2]  # or decibels
        phrase = card.title[0].lower() + card.title[1:]
        assert re.search(rf"\| `{name}` \| {phrase} \| ([^|]*: )?{before}, {after}( \([^|]*\))? \|", text)
    assert {f"[{page}](translate/guide/{page}.md)" for page in guide.ORDER} <= {
        *re.findall(r"\[[a-z-]+\]\([^)]*\)", text)
    }
    assert {path.stem for path in (ROOT / "translate/guide").iterdir()} == {*guide.ORDER}


def test_the_page_on_settings_names_all_of_ours():
    found = {path.stem for path in options.PRESETS.glob("*.toml")}
    found -= {name for name in found if any(name == f"{own}-{method}" for own in found for method in base.available())}
    text = (ROOT / "translate/guide/settings.md").read_text(encoding="utf-8").split("| `--config` | |\n")[1]
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    assert {*re.findall("`(.*?)`", " ".join(rows))} == found
