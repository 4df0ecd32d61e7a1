"""The U-Net: the official names, shapes and sizes."""

import itertools

import pytest
import torch

from translate.errors import SettingsError
from translate.methods.cyclegan import Settings as CycleGAN
from translate.networks.unet import UNet


def shapes(settings: UNet) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(entry.shape) for name, entry in settings.build(3, 3).state_dict().items()}


def official(depth: int) -> dict[str, tuple[int, ...]]:
    """Write out the convolutions of the official checkpoints with batch norm: levels lie in each other."""
    widths = [64 * min(1 << level, 8) for level in range(depth)]
    table = {"model.model.0.weight": (64, 3, 4, 4), "model.model.3.weight": (128, 3, 4, 4), "model.model.3.bias": (3,)}
    place = "model.model.1.model"
    for outer, inner in itertools.pairwise(widths[:-1]):
        table |= {f"{place}.1.weight": (inner, outer, 4, 4), f"{place}.5.weight": (2 * inner, outer, 4, 4)}
        place += ".3.model"
    return table | {f"{place}.{index}.weight": (512, 512, 4, 4) for index in (1, 3)}


@pytest.mark.parametrize(
    ("settings", "parameters", "entries"),
    [  # measured on the network definitions of junyanz/pytorch-CycleGAN-and-pix2pix
        (UNet(norm="batch"), 54_413_955, 82),
        (UNet(norm="batch", depth=7), 41_828_995, 70),
        (UNet(), 54_409_603, None),
    ],
)
def test_sizes_are_the_official_ones(settings: UNet, parameters: int, entries: int | None) -> None:
    with torch.device("meta"):
        network = settings.build(3, 3)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert entries in (None, len(network.state_dict()))


@pytest.mark.parametrize("depth", [7, 8])
@pytest.mark.parametrize("dropout", [False, True])
def test_names_and_shapes_are_the_official_ones(depth: int, dropout: bool) -> None:
    found = shapes(UNet(norm="batch", depth=depth, dropout=dropout))
    assert {name: shape for name, shape in found.items() if len(shape) == 4 or ("bias" in name and shape == (3,))} == (
        official(depth)
    )


@pytest.mark.parametrize("depth", [2, 3, 5])
@pytest.mark.parametrize("norm", ["instance", "affine", "batch", "none"])
def test_pictures_keep_their_size_and_every_pixel_sees_the_bottom(depth: int, norm: str) -> None:
    torch.manual_seed(0)
    settings = UNet.parse({"width": 2, "depth": depth, "norm": norm})
    network = settings.build(3, 3).eval()
    x = torch.randn(1, 3, settings.smallest, 2 * settings.multiple, requires_grad=True)
    y = network(x)
    assert y.shape == x.shape
    assert y.abs().max() <= 1
    assert all(parameter.requires_grad for parameter in network.parameters())
    y.sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).float().mean() > 0.9


def test_dropout_acts_in_training_only_and_where_it_is_widest() -> None:
    torch.manual_seed(0)
    network, x = UNet(width=2, depth=6, dropout=True).build(3, 3), torch.randn(1, 3, 64, 64)
    assert sum(isinstance(layer, torch.nn.Dropout) for layer in network.modules()) == 1
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_cyclegan_takes_it_as_its_generator() -> None:
    settings = CycleGAN.parse({"generator": {"kind": "unet", "depth": 7}})
    assert settings.generator == UNet(depth=7)
    assert settings.multiple == 128
    assert CycleGAN.parse({"generator": {"blocks": 6}}).generator == CycleGAN().generator.model_copy(
        update={"blocks": 6}
    )
    with pytest.raises(SettingsError, match="Size 192 does not suit cyclegan"):
        settings.check_size(192)
    with pytest.raises(SettingsError, match=r"Unknown setting generator\.blocks"):
        CycleGAN.parse({"generator": {"kind": "unet", "blocks": 6}})
