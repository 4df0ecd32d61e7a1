"""Networks of SKTBrain/DiscoGAN. They have the names of ours, but know pictures as OpenCV reads them: blue first."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from translate.exchange.recognised import ImportOptions, RecognisedNetwork, on_meta
from translate.networks.discriminators import WholeImage
from translate.networks.encoder_decoder import EncoderDecoder


def generator(tensors: Mapping[str, Tensor], options: ImportOptions) -> RecognisedNetwork:
    """Recognise the generator. Raises `WeightsError` where it differs from the official ones."""
    weights = [name for name, tensor in tensors.items() if tensor.dim() == 4]
    bottleneck = tensors["main.11.weight"].shape[0] if len(weights) == 10 and "main.11.weight" in tensors else 0
    width, in_channels = tensors["main.0.weight"].shape[:2]
    settings = EncoderDecoder(width=width, bottleneck=bottleneck)
    channels = in_channels, tensors[weights[-1]].shape[1]
    network = on_meta(settings, *channels)
    found = RecognisedNetwork("DiscoGAN generator", settings, tensors, *channels, _notes(options), size=64).fitted(
        network
    )
    return found if options.channels == "rgb" else _flipped(found, ("main.0.weight", weights[-1]))


def discriminator(tensors: Mapping[str, Tensor], options: ImportOptions) -> RecognisedNetwork:
    """Recognise the discriminator. Raises `WeightsError` where it differs from the official one."""
    width, in_channels = tensors["conv1.weight"].shape[:2]
    settings = WholeImage(width=width)
    network = on_meta(settings, in_channels)
    found = RecognisedNetwork(
        "DiscoGAN discriminator", settings, tensors, in_channels, 1, _notes(options), size=64
    ).fitted(network)
    return found if options.channels == "rgb" else _flipped(found, ("conv1.weight",))


def _notes(options: ImportOptions) -> tuple[str, ...]:
    if options.channels == "rgb":
        return ()
    return (
        "blue comes first in pictures of the official code, so the first and the last layer are turned round to take"
        " RGB; where the network was trained on RGB say --channels rgb",
    )


def _flipped(found: RecognisedNetwork, names: tuple[str, ...]) -> RecognisedNetwork:
    """Turn the order of the colours round, which is the second axis of these weights."""
    flipped = {name: found.tensors[name].flip(1) for name in names}
    return replace(found, tensors={**found.tensors, **flipped})
