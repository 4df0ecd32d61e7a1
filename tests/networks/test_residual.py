"""Generators with `residual`: results are the picture plus a change, which starts at almost 0, for every method."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from translate import Translator
from translate.methods import cut, cyclegan, discogan, stargan
from translate.methods.base import MethodSettings
from translate.methods.pretrained import Settings as Pretrained
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.blocks import Around, Change
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.first_weights import initialise
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet
from translate.networks.unet import UNet

PATCHES = PatchGAN(width=2, layers=1)
METHODS: dict[str, MethodSettings] = {
    "cyclegan": cyclegan.Settings(generator=Resnet(width=4, blocks=1, residual=True), discriminator=PATCHES),
    "cyclegan none": cyclegan.Settings(
        generator=Resnet(width=4, blocks=1, residual=True, norm="none", upsampling="resize"), discriminator=PATCHES
    ),
    "cyclegan unet": cyclegan.Settings(generator=UNet(width=4, depth=4, residual=True), discriminator=PATCHES),
    "cyclegan skip": cyclegan.Settings(generator=SkipResnet(width=4, blocks=1), discriminator=PATCHES),
    "cut": cut.Settings(generator=Resnet(width=4, blocks=1, residual=True), discriminator=PATCHES, taps=("down1",)),
    "cut skip": cut.Settings(generator=SkipResnet(width=4, blocks=1), discriminator=PATCHES, taps=("down1",)),
    "discogan": discogan.Settings(generator=EncoderDecoder(width=4, residual=True)),
    "stargan": stargan.Settings(
        generator=LabelResnet(width=4, blocks=1, residual=True), discriminator=Critic(width=2, layers=4)
    ),
    "pretrained": Pretrained(generator=UNet(width=4, depth=4, residual=True, norm="batch")),
}
DOMAINS = ["a", "b"]


def build(settings: MethodSettings) -> Any:
    torch.manual_seed(0)
    return settings.build(DOMAINS, 64)


def pictures() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 64, 64, generator=generator) * 2 - 1


@pytest.mark.parametrize("settings", METHODS.values(), ids=METHODS)
def test_every_method_starts_as_the_identity_and_moves_from_there(settings):
    method, x = build(settings), pictures()
    target = method.targets.choose("b")
    y = method.translate(x, target)
    assert 0 < float((y - x).detach().abs().mean()) < 0.02
    loss = (y - y.detach().flip(3)).square().mean()
    gradients = torch.autograd.grad(loss, [*method.generators()[0].parameters()], allow_unused=True)
    assert any(gradient is not None and gradient.any() for gradient in gradients)
    shown = method.eval().translate(x, target)
    assert 0 < float((shown - x).detach().abs().mean()) < 0.02


@pytest.mark.parametrize("settings", METHODS.values(), ids=METHODS)
def test_results_are_in_range_in_evaluation_only(settings):
    method, x = build(settings), pictures()
    for network in method.generators():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, 0, 1)
    target = method.targets.choose("b")
    assert method.translate(x, target).abs().max() > 1
    y = method.eval().translate(x, target)
    assert y.abs().max() == 1


@pytest.mark.parametrize("settings", METHODS.values(), ids=METHODS)
def test_an_export_does_what_the_method_does(settings, tmp_path: Path):
    method, x = build(settings).eval().requires_grad_(False), pictures()
    about = About(method=json.loads(settings.to_json()), domains=DOMAINS, target="b", size=64, steps=1, planned=1)
    write_export(tmp_path / "model.safetensors", nn.ModuleList(method.averaged()), about)
    translator = Translator.load(tmp_path / "model.safetensors", device="cpu", precision="fp32")
    torch.testing.assert_close(translator.method.translate(x, "b"), method.translate(x, "b"), rtol=0, atol=1e-5)
    picture = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    result = translator(picture, to="b", size="native")
    assert np.abs(result.astype(int) - picture).mean() < 4


def test_a_shortcut_takes_the_place_of_the_identity():
    torch.manual_seed(0)
    inside, shortcut, x = nn.Conv2d(3, 5, 1), nn.Conv2d(3, 5, 1), pictures()
    torch.testing.assert_close(Around([inside], shortcut)(x), shortcut(x) + inside(x))
    plain = Around([nn.Conv2d(3, 3, 1)])
    torch.testing.assert_close(plain(x), x + plain.residual(x))


def test_the_change_is_twice_what_the_layers_make_and_initialising_keeps_it_small():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)]
    change, x = Change(layers), pictures()
    torch.testing.assert_close(change(x), x + 2 * layers[2](layers[1](layers[0](x))))
    initialise(change, 0.5)
    assert float(layers[0].weight.detach().std()) == pytest.approx(0.5, rel=0.2)
    assert float(layers[2].weight.detach().std()) == pytest.approx(1e-3, rel=0.2)
    assert not layers[2].bias.any()
