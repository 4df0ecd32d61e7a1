"""Networks of junyanz/pytorch-CycleGAN-and-pix2pix since 2017, and of CUT, which was made from it.

Their layers are those of `networks`, in the same order; what changed over the years is which modules without tensors
stand between them, and so the numbers in the names. Therefore layers are matched by their order.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from translate.errors import SettingsError, WeightsError
from translate.exchange.recognised import (
    ImportOptions,
    RecognisedNetwork,
    convolutions_and_norms,
    in_order,
    on_meta,
    with_our_names,
)
from translate.networks.blocks import Norm, Padding
from translate.networks.discriminators import PatchGAN, PixelGAN
from translate.networks.resnet import Resnet
from translate.networks.unet import UNet

_BLUR = (1.0, 2.0, 1.0)  # what CUT blurs with before it halves
_TENT = (1.0, 3.0, 3.0, 1.0)  # and after it doubled, which is bilinear interpolation
_INSIDE = {  # the numbers of the two convolutions in a block -> padding
    (1, 5): "reflect",
    (1, 6): "reflect",  # with dropout between them
    (0, 3): "zero",
    (0, 4): "zero",
}


def resnet(tensors: Mapping[str, Tensor], options: ImportOptions) -> RecognisedNetwork:
    """Recognise the residual generator, of any year, and that of CUT.

    Raises:
        WeightsError: it differs from the official ones.
    """
    filters = {name: tensor for name, tensor in tensors.items() if name.endswith(".filt")}
    convolutions, norms = convolutions_and_norms(
        {name: tensor for name, tensor in tensors.items() if name not in filters}
    )
    blocks = len({name.partition(".conv_block")[0] for name in convolutions if ".conv_block." in name})
    norm, notes = _norm(convolutions, norms, options)
    blurred = {tuple(tensor.shape[2:]) for tensor in filters.values()}
    _check_filters(filters)
    first, last = next(iter(convolutions.values())), list(convolutions.values())[-1]
    settings = Resnet(
        width=first["weight"].shape[0],
        blocks=blocks,
        norm=norm,
        padding=_padding(list(convolutions)),
        downsampling="blurred" if (3, 3) in blurred else "strided",
        upsampling="bilinear" if (4, 4) in blurred else "transposed",
    )
    channels = first["weight"].shape[1], last["weight"].shape[0]
    network = on_meta(settings, *channels)
    name = f"{'CUT' if filters else 'CycleGAN'} generator of {blocks} blocks"
    return RecognisedNetwork(name, settings, _settled(network, convolutions, norms, norm), *channels, notes).fitted(
        network
    )


def unet(tensors: Mapping[str, Tensor], options: ImportOptions) -> RecognisedNetwork:
    """Recognise the U-Net of pix2pix, of any year.

    Raises:
        WeightsError: it differs from the official ones.
        SettingsError: `options` does not say in what order the decoder is given its two halves.
    """
    if options.skips is None:
        raise SettingsError(
            "In a U-Net what skips levels comes before what comes from below in files since 22 September 2017, and"
            " after it in older ones; the file does not tell. Say --skips first for a newer or --skips last for an"
            " older one."
        )
    convolutions, norms = convolutions_and_norms(tensors)
    norm, notes = _norm(convolutions, norms, options)
    down, up = list(convolutions)[: len(convolutions) // 2], list(convolutions)[len(convolutions) // 2 :]
    if options.skips == "last":
        for module in up[1:]:  # what comes from below has no partner in the innermost level
            weight = convolutions[module]["weight"]
            convolutions[module] = {**convolutions[module], "weight": torch.cat(weight.chunk(2)[::-1])}
    first, last = convolutions[down[0]], convolutions[up[-1]]
    bias = "bias" in first and norm in ("affine", "batch")
    settings = UNet(width=first["weight"].shape[0], depth=len(down), norm=norm, bias=bias)
    channels = first["weight"].shape[1], last["weight"].shape[1]
    network = on_meta(settings, *channels)
    moved = _settled(network, convolutions, norms, norm)
    notes += ("dropout, which pix2pix leaves on in translation, is off, so results do not change from run to run",)
    return RecognisedNetwork(
        f"U-Net of depth {len(down)}", settings, moved, *channels, notes, size=1 << len(down)
    ).fitted(network)


def patchgan(tensors: Mapping[str, Tensor]) -> RecognisedNetwork:
    """Recognise the patch discriminator of CycleGAN or pix2pix. Raises `WeightsError` where it differs from it."""
    convolutions, norms = convolutions_and_norms(tensors)
    norm, _ = _norm(convolutions, norms, ImportOptions(statistics="running"))
    weights = [held["weight"] for held in convolutions.values()]
    settings = PatchGAN(width=weights[0].shape[0], layers=max(len(weights) - 2, 1), norm=norm)
    network = on_meta(settings, weights[0].shape[1])
    moved = _settled(network, convolutions, norms, norm)
    found = RecognisedNetwork("patch discriminator of CycleGAN", settings, moved, weights[0].shape[1], 1)
    return found.fitted(network)


def pixelgan(tensors: Mapping[str, Tensor]) -> RecognisedNetwork:
    """Recognise the discriminator of single pixels. Raises `WeightsError` where it differs from it."""
    convolutions, norms = convolutions_and_norms(tensors)
    norm, _ = _norm(convolutions, norms, ImportOptions(statistics="running"))
    first = next(iter(convolutions.values()))["weight"]
    settings = PixelGAN(width=first.shape[0], norm=norm)
    network = on_meta(settings, first.shape[1])
    moved = _settled(network, convolutions, norms, norm)
    return RecognisedNetwork("pixel discriminator of CycleGAN", settings, moved, first.shape[1], 1).fitted(network)


def _norm(
    convolutions: Mapping[str, Mapping[str, Tensor]], norms: Mapping[str, Mapping[str, Tensor]], options: ImportOptions
) -> tuple[Norm, tuple[str, ...]]:
    """Tell the normalisation, and what there is to say about it."""
    inner = list(convolutions.values())[1]  # it has a norm behind it in every network
    entries = set(next(iter(norms.values()))) if norms else set()
    if not entries:
        return ("instance" if "bias" in inner else "none"), ()
    if "weight" not in entries:
        return "instance", ("running statistics of instance normalisation, which were never used, are left out",)
    if "running_mean" not in entries:
        return "affine", ()
    if options.statistics == "running":
        return "batch", ()
    return "affine", (
        "batch normalisation uses the statistics of each picture, as the official test.py does without --eval; for the"
        " running ones say --statistics running",
    )


def _padding(convolutions: list[str]) -> Padding:
    """Tell the padding from the numbers that padding modules leave free.

    Raises:
        WeightsError: the numbers are not official ones.
    """
    outside: Padding = "zero" if convolutions[0] == "model.0" else "reflect"
    numbers = [int(name.rpartition(".")[2]) for name in convolutions if ".conv_block." in name]
    inside = {_INSIDE.get(pair, "another") for pair in zip(numbers[::2], numbers[1::2], strict=False)}
    if inside - {outside}:
        raise WeightsError(
            f"The residual blocks of this generator are padded in another way than its first layer: convolutions are"
            f" number {numbers[:2]} of a block. No official code does that."
        )
    return outside


def _check_filters(filters: Mapping[str, Tensor]) -> None:
    for name, found in filters.items():
        taps = torch.tensor(_BLUR if found.shape[2] == 3 else _TENT)
        expected = torch.outer(taps, taps) / 16
        if found.shape[1:] != (1, *expected.shape) or not torch.allclose(found, expected.expand_as(found), atol=1e-6):
            raise WeightsError(f"{name} is not the filter of the official CUT, of which only that is known here.")


def _settled(
    network: torch.nn.Module,
    convolutions: Mapping[str, Mapping[str, Tensor]],
    norms: Mapping[str, Mapping[str, Tensor]],
    norm: Norm,
) -> dict[str, Tensor]:
    """Rename all layers. What the running mean of a batch norm took off a bias (before August 2017) goes with it."""
    convolved, normed = ([dict(held) for held in layers.values()] for layers in (convolutions, norms))
    if norm == "batch":
        names = in_order([*convolutions, *norms])
        for place, name in enumerate(names[1:]):
            before = convolutions.get(names[place], {})
            if name in norms and "bias" in before:
                index = list(norms).index(name)
                normed[index]["running_mean"] = normed[index]["running_mean"] - before["bias"]
    return with_our_names(network, convolved, normed)
