"""What holds for every test: no network, one thread; and pictures that tests of several rooms draw."""

import os
import socket
from collections.abc import Callable
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
os.environ.setdefault("COLUMNS", "120")

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

torch.set_num_threads(1)


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
