"""Costs are counted by hand once, and without memory."""

import pytest
import torch

from translate.methods.base import MethodSettings
from translate.methods.cyclegan import Settings as CycleGAN
from translate.methods.discogan import Settings as DiscoGAN
from translate.methods.pretrained import Settings as Single
from translate.methods.stargan import Settings as StarGAN
from translate.models.about import About
from translate.models.costs import costs_of
from translate.networks.discriminators import Critic
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.networks.unet import UNet


def about(settings: MethodSettings, domains: list[str], attributes: bool = False) -> About:
    method = settings.model_dump(mode="json")
    return About(method=method, domains=domains, attributes=attributes, target="", size=128, steps=0, planned=0)


def test_the_full_size_generator_costs_what_its_layers_do() -> None:
    costs = costs_of(about(CycleGAN(), ["a", "b"]))
    assert costs.parameters == 2 * 11_378_179  # 10.1 of the reference
    w, full, half, quarter = 64, 256 * 256, 128 * 128, 64 * 64  # convolutions: pixels x kernel x channels in and out
    ends = 2 * full * 49 * 3 * w
    down = half * 9 * w * 2 * w + quarter * 9 * 2 * w * 4 * w
    blocks = 18 * quarter * 9 * (4 * w) ** 2
    up = quarter * 9 * 4 * w * 2 * w + half * 9 * 2 * w * w  # transposed: pixels that go in
    assert costs.gmac * 1e9 == ends + down + blocks + up
    assert costs.side == 256


@pytest.mark.parametrize(
    ("described", "parameters"),
    [
        (about(Single(), ["a", "b"]), 11_378_179),
        (about(Single(generator=UNet(norm="batch")), ["a", "b"]), 54_413_955),
        (about(DiscoGAN(), ["a", "b"]), 2 * 5_513_856),
        (about(StarGAN(), ["a", "b", "c", "d", "e"]), 8_430_528),
        (about(StarGAN(labels="attributes"), ["a", "b", "c", "d", "e"], attributes=True), 8_430_528 + 44_762_048),
    ],
)
def test_parameters_are_those_of_what_is_shipped(described: About, parameters: int) -> None:
    costs = costs_of(described)
    assert costs.parameters == parameters
    assert costs.gmac > 1


def test_a_label_costs_a_plane_and_a_blurred_half_nothing() -> None:
    small = LabelResnet(width=8, blocks=1)
    one, two = (
        costs_of(about(StarGAN(generator=small, discriminator=Critic(width=2)), list("abcd"[:count]))).gmac
        for count in (2, 3)
    )
    assert (two - one) * 1e9 == pytest.approx(256 * 256 * 49 * 8)
    assert torch.get_default_device().type == "cpu"
    strided, blurred = (
        costs_of(about(Single(generator=Resnet(width=8, downsampling=kind)), ["a", "b"])).gmac  # type: ignore[arg-type]
        for kind in ("strided", "blurred")
    )
    assert blurred > strided  # its convolutions see four times as many pixels
