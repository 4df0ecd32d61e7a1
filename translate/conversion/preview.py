"""What is known of pictures before they are translated, from their headers alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from translate import images
from translate.conversion.planning import ConversionPlan, Item
from translate.conversion.settings import ConversionSettings
from translate.errors import ImageDecodeError, OutputError
from translate.inference.upsampling import network_size


@dataclass(frozen=True)
class Preview:
    """What is known of one picture.

    Attributes:
        item: the picture.
        reason: why it will fail; empty, if that is not known.
        size: (H, W) in pixels, of the picture and of its result.
        seen: (h, w) in pixels, of what the network sees.
        frames: how many are translated.
        most_bytes: of the result, without compression.
    """

    item: Item
    reason: str
    size: tuple[int, int] = (0, 0)
    seen: tuple[int, int] = (0, 0)
    frames: int = 0
    most_bytes: int = 0


def previews(plan: ConversionPlan, settings: ConversionSettings, training: int) -> Iterator[Preview]:
    """Look at what is planned, for a model with training pictures of `training` pixels; nothing is decoded."""
    for item in plan.items:
        try:
            yield _preview(item, settings, training)
        except (ImageDecodeError, OutputError) as error:
            yield Preview(item, str(error).removeprefix(f"{item.read_from} "))


def _preview(item: Item, settings: ConversionSettings, training: int) -> Preview:
    height, width, mode = images.probe(item.read_from, settings.limits)
    several = images.holds_frames(item.output, settings.encoding)
    frames = images.count_frames(item.read_from, settings.limits) if several else 1
    pixels, channels = height * width * frames, 4 if "A" in mode or mode == "P" else 3
    try:
        settings.limits.check_frames(frames)
        settings.limits.check_pixels(height, width, frames)
    except ValueError as error:
        return Preview(item, str(error), (height, width))
    seen = network_size(height, width, settings.size, training)
    return Preview(item, "", (height, width), seen, frames, pixels * channels * settings.encoding.depth // 8)
