"""A single generator: applied like any other model, and not trained."""

import pytest
import torch

from translate.errors import SettingsError
from translate.methods import base, pretrained
from translate.methods.discogan import Settings as DiscoGAN
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.resnet import Resnet
from translate.networks.unet import UNet


def made(generator: Resnet | UNet | EncoderDecoder) -> pretrained.Single:
    torch.manual_seed(0)
    return pretrained.Settings(generator=generator).build(["a", "b"], 64).eval()


def test_it_is_no_method_to_train_with() -> None:
    assert "single" not in base.available()
    assert base.settings_class("single") is pretrained.Settings
    with pytest.raises(SettingsError, match="A single generator cannot be trained"):
        pretrained.Settings().check(["a", "b"], 256, 1)


@pytest.mark.parametrize("generator", [Resnet(width=2, blocks=1), EncoderDecoder(width=2)])
def test_its_layers_do_what_it_does_as_a_whole(generator: Resnet | EncoderDecoder) -> None:
    method, x = made(generator), torch.rand(1, 3, 64, 64).mul(2).sub(1)
    expected, layers = method.translate(x, "b"), method.layers(lambda: x, "b")
    assert layers is not None
    y = x.clone()
    for layer in layers:
        y = layer(y)
    torch.testing.assert_close(y, expected)


def test_a_u_net_is_no_chain_of_layers() -> None:
    assert made(UNet(width=2, depth=3)).layers(lambda: torch.zeros(1, 3, 8, 8), "b") is None


def test_pictures_are_brought_into_the_range_of_the_network() -> None:
    alone = made(EncoderDecoder(width=2))
    both = DiscoGAN(generator=EncoderDecoder(width=2)).build(["a", "b"], 64).eval()
    both.G_AB.load_state_dict(alone.G.state_dict())
    x = torch.rand(1, 3, 64, 64).mul(2).sub(1)
    torch.testing.assert_close(alone.translate(x, "b"), both.translate(x, "b"))
