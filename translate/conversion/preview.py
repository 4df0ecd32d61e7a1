"""What is known of pictures before they are translated, from their headers alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from translate import images
from translate.conversion.planning import ConversionPlan, Item
from translate.conversion.settings import ConversionSettings
from translate.errors import ImageDecodeError, OutputError, UnfitPicture
from translate.inference.upsampling import Size, network_size
from translate.models.about import About
from translate.places import RemotePath


@dataclass(frozen=True)
class Preview:
    """What is known of one picture.

    Attributes:
        item: the picture.
        reason: why it will fail; empty, if that is not known.
        size: (H, W) in pixels, of the result; (0, 0) where it is not known, as in an object store.
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


def previews(plan: ConversionPlan, settings: ConversionSettings, about: About) -> Iterator[Preview]:
    """Look at what is planned, for a model; nothing is decoded."""
    size = settings.treatment.of(about).size
    for item in plan.items:
        try:
            yield _preview(item, settings, size, about.size)
        except (ImageDecodeError, UnfitPicture, OutputError) as error:
            yield Preview(item, str(error).removeprefix(f"{item.read_from} "))


def _preview(item: Item, settings: ConversionSettings, size: Size, training: int) -> Preview:
    if isinstance(item.read_from, RemotePath):  # each look would be a download
        return Preview(item, "")
    height, width, mode = images.probe(item.read_from, settings.limits)
    several = images.holds_frames(item.output, settings.encoding)
    frames = images.count_frames(item.read_from, settings.limits) if several else 1
    try:
        settings.limits.check_frames(frames)
        settings.limits.check_pixels(height, width, frames)
    except ValueError as error:
        return Preview(item, str(error), (height, width))
    settings.check_result(height, width, frames)
    height, width = settings.enlarge * height, settings.enlarge * width
    seen = network_size(height, width, "native" if settings.enlarge != 1 else size, training)
    values = height * width * frames * (4 if "A" in mode or mode == "P" else 3)
    return Preview(item, "", (height, width), seen, frames, values * settings.encoding.depth // 8)
