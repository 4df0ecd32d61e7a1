"""What network a file of named tensors belongs to, told from names and shapes alone.

The marks of the networks, in the order in which they are tried:

    .filt, model.0, 4x4              CUT's discriminator   model.model.                       U-Net
    main.0, 7x7                      StarGAN's generator   main.0, 4x4, with biases           StarGAN's discriminator
    main.0, 4x4, without             DiscoGAN's generator  conv1, bn2                         DiscoGAN's discriminator
    model.0 or model.1, 7x7          ResNet                net.0, 1x1                         PixelGAN
    model.0, 4x4                     PatchGAN
"""

from collections.abc import Mapping

from torch import Tensor

from translate.errors import WeightsError
from translate.exchange import discogan, junyanz, stargan
from translate.exchange.recognised import ImportOptions, RecognisedNetwork


def recognise(tensors: Mapping[str, Tensor], options: ImportOptions) -> RecognisedNetwork:
    """Recognise a network and give its tensors our names.

    Args:
        tensors: as `read_checkpoint` returns them.
        options: what names and shapes do not tell.

    Raises:
        WeightsError: it is none of the networks of the official codes.
        SettingsError: it may be two of them, and `options` does not say which.
    """
    try:
        found = _found(tensors, options)
    except (LookupError, ValueError, RuntimeError) as error:  # where a layer should be there is none
        raise WeightsError(f"{_opening(tensors)} is incomplete: {error}.") from error
    if found is None:
        raise WeightsError(
            f"{_opening(tensors)} is none of CycleGAN, pix2pix, CUT, DiscoGAN or StarGAN as their authors wrote them."
        )
    return found


def _opening(tensors: Mapping[str, Tensor]) -> str:
    return f"The network that begins with {', '.join(list(tensors)[:3])}"


def _found(tensors: Mapping[str, Tensor], options: ImportOptions) -> RecognisedNetwork | None:
    def has(name: str, kernel: int) -> bool:
        return name in tensors and tensors[name].dim() == 4 and tensors[name].shape[2] == kernel

    if any(name.endswith(".filt") for name in tensors) and has("model.0.weight", 4):
        raise WeightsError(
            "This is the discriminator of CUT, which blurs before it halves; here discriminators do not. Import the"
            " generator alone."
        )
    if any(name.startswith("model.model.") for name in tensors):
        return junyanz.unet(tensors, options)
    if has("main.0.weight", 7):
        return stargan.generator(tensors)
    if has("main.0.weight", 4) and "main.0.bias" in tensors:
        return stargan.discriminator(tensors)
    if has("main.0.weight", 4):
        return discogan.generator(tensors, options)
    if has("conv1.weight", 4) and "bn2.weight" in tensors:
        return discogan.discriminator(tensors, options)
    if has("model.0.weight", 7) or has("model.1.weight", 7):
        return junyanz.resnet(tensors, options)
    if has("net.0.weight", 1):
        return junyanz.pixelgan(tensors)
    if has("model.0.weight", 4):
        return junyanz.patchgan(tensors)
    return None
