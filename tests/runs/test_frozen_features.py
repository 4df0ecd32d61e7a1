"""A run whose critics hold a frozen network: it is filled, kept nowhere, and named in what the run leaves."""

import numpy as np
import pytest
import safetensors.torch
from torch import nn

from translate import images, runs
from translate.methods.cyclegan import Settings
from translate.models.exports import read_about
from translate.networks.features.random_convolutions import RandomConvolutions
from translate.networks.frozen import Frozen

WORDS = ["method.generator={width = 2, blocks = 0}", "method.discriminator={width = 2, layers = 1}"]


class Critic(nn.Module):
    """The critic of a method, and beside it what a frozen network sees."""

    def __init__(self, critic):
        super().__init__()
        self.critic, self.frozen = critic, Frozen(RandomConvolutions())

    def forward(self, x):
        return self.critic(x) + self.frozen(x)[0].mean()


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    for domain in "AB":
        for index in range(3):
            images.write_pixels(random.integers(0, 256, (40, 40, 3), np.uint8), tmp_path / f"data/{domain}/{index}.png")
    return tmp_path / "data"


def train(data, out, **more):
    list(runs.prepare(data, size=32, steps=2, out=out, words=WORDS, device="cpu", **more).start())
    return out


def test_the_frozen_network_is_filled_kept_nowhere_and_named(pictures, tmp_path, monkeypatch):
    build = Settings.build

    def with_frozen(self, *arguments):
        method = build(self, *arguments)
        method.D_X = Critic(method.D_X)
        return method

    monkeypatch.setattr(Settings, "build", with_frozen)
    run = train(pictures, tmp_path / "run")
    assert read_about(run / "model.safetensors").critic_features == ["random"]
    for file in run.rglob("*.safetensors"):
        assert not [name for name in safetensors.torch.load_file(file) if "frozen" in name or "weight_0" in name]
    monkeypatch.undo()
    tuned = read_about(train(pictures, tmp_path / "tuned", begin_from=run) / "model.safetensors")
    assert tuned.critic_features == ["random"]  # its generators have been made to please them


def test_others_name_none(pictures, tmp_path):
    assert read_about(train(pictures, tmp_path / "run") / "model.safetensors").critic_features == []
