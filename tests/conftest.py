"""What holds for every test: no network, one thread, nothing of who runs it; and pictures that several rooms draw."""

import atexit
import gc
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

torch.set_num_threads(1)

# Models, tokens, ranks and colours of the user are none of a test's; what it wants of these it sets itself. This is
# done once, so that it holds for fixtures of a session and for the processes that tests start, too.
USERS = ("TRANSLATE_", "SLURM_", "HF_", "HUGGING", "TORCHELASTIC_", "GROUP_", "ROLE_", "MASTER_", "XDG_", "LC_")
NAMES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "FORCE_COLOR", "NO_COLOR", "TERM", "PYTHONIOENCODING",
         "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "TORCH_HOME", "TORCHINDUCTOR_CACHE_DIR")  # fmt: skip
for name in list(os.environ):
    if name.upper().startswith(USERS) or name.upper() in NAMES:
        del os.environ[name]
PLACE = Path(tempfile.mkdtemp(prefix="translate-tests-"))
HOME = PLACE / "home"
HOME.mkdir()
atexit.register(shutil.rmtree, PLACE, ignore_errors=True)
os.environ |= {"HOME": str(HOME), "USERPROFILE": str(HOME), "LOCALAPPDATA": str(HOME)}
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
os.environ |= {"COLUMNS": "120", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("it needs a CUDA device")


def pytest_collection_finish() -> None:
    """Let garbage be looked for among what tests make, not in all that was imported."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _empty_working_folder() -> Iterator[None]:
    """Let every test begin in a new folder, so that neither runs nor settings of who runs it are found."""
    before = Path.cwd()
    os.chdir(tempfile.mkdtemp(dir=PLACE))  # removed at the end: something may still want to go back to it
    yield
    os.chdir(before)


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_disks() -> Iterator[None]:
    """Let nothing be flushed to a disk: what tests in this process write need not survive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"A test tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture
def quick_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure with random features of 32 pixels, as if the extra `features` were not installed."""
    monkeypatch.setattr("translate.networks.features.random_convolutions.RandomConvolutions.side", 32)
    for module in ("judges", "evaluation"):
        monkeypatch.setattr(f"translate.evaluation.{module}.has_lite0", lambda: False)


@pytest.fixture(scope="session")
def coarse_noise() -> Callable[..., NDArray[Any]]:
    """Draw (height, width, 4), as a function of both and of the depth: noise in blocks of 8 pixels, small on disk."""

    def draw(height: int, width: int, depth: int = 8) -> NDArray[Any]:
        chance = np.random.default_rng(height * 601 + width)
        blocks = chance.integers(0, 256, (height // 8 + 1, width // 8 + 1, 4), np.uint8)
        rgba = blocks.repeat(8, 0).repeat(8, 1)[:height, :width].copy()
        return rgba if depth == 8 else rgba * np.uint16(257)

    return draw
