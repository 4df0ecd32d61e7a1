"""Where frames come from: a film, or pictures in the order of their names."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from translate import images
from translate.errors import SettingsError, UnfitPicture
from translate.images import Depth, Limits
from translate.video.frames import Facts, Frame, Time


class Source(Protocol):
    """What frames are read from."""

    @property
    def facts(self) -> Facts:
        """What is known before all is read."""
        ...

    def frames(self, skipped: int = 0) -> Iterator[Frame]:
        """Yield all frames but the first `skipped`."""
        ...


RATE = Fraction(25)  # frames a second, of stills
SHOWN_MS = 100  # of a frame of an animation that does not say how long it is shown, as in browsers


class PictureFrames:
    """Pictures as the frames of a film, all of one size.

    Args:
        paths: of the pictures, in any order: frame2 comes before frame10.
        rate: frames a second; None: `RATE`.
        limits: of each picture.
        depth: bits of the samples.

    Raises:
        ImageDecodeError: the first picture cannot be read.
    """

    def __init__(self, paths: Sequence[Path], rate: Fraction | None, limits: Limits, depth: Depth = 8) -> None:
        self._paths, rate = sorted(paths, key=_natural), rate or RATE
        self._limits, self._depth = limits, depth
        first = images.read(self._paths[0], limits, depth)
        height, width = first.rgb.shape[:2]
        alpha = first.alpha is not None
        self.facts = Facts(height, width, 1 / rate, rate, len(paths), depth=depth, alpha=alpha)

    def frames(self, skipped: int = 0) -> Iterator[Frame]:
        """Yield all frames but the first `skipped`.

        Raises:
            ImageDecodeError: a picture cannot be read.
            UnfitPicture: a picture has another size than the first, or is an animation.
        """
        size = self.facts.height, self.facts.width
        for number, path in list(enumerate(self._paths))[skipped:]:
            if images.count_frames(path, self._limits) > 1:
                raise UnfitPicture(f"{path} is an animation, which becomes a film on its own. Name it alone.")
            picture = images.read(path, self._limits, self._depth)
            if picture.rgb.shape[:2] != size:
                found, first = (f"{width} x {height}" for height, width in (picture.rgb.shape[:2], size))
                raise UnfitPicture(
                    f"{path} has {found} pixels, and {self._paths[0]} {first}: the frames of a film have one size."
                )
            yield Frame(Time(number, 1), picture)


class Animation:
    """The frames of one animated picture.

    Args:
        path: of the picture.
        rate: frames a second; None: frames keep their times.
        limits: of it.
        depth: bits of the samples.

    Raises:
        ImageDecodeError: it cannot be read.
    """

    def __init__(self, path: Path, rate: Fraction | None, limits: Limits, depth: Depth = 8) -> None:
        pictures = images.read_frames(path, limits, depth)
        shown = [1 if rate else max(round(picture.shown_ms or SHOWN_MS), 1) for picture in pictures]
        tick = 1 / rate if rate else Fraction(1, 1000)
        starts = accumulate(shown, initial=0)
        self._frames = [Frame(Time(*time), picture) for *time, picture in zip(starts, shown, pictures, strict=False)]
        (height, width, _), alpha = pictures[0].rgb.shape, any(one.alpha is not None for one in pictures)
        count = len(pictures)
        self.facts = Facts(height, width, tick, count / (sum(shown) * tick), count, depth=depth, alpha=alpha)

    def frames(self, skipped: int = 0) -> Iterator[Frame]:
        """Yield all frames but the first `skipped`."""
        yield from self._frames[skipped:]


def read_rate(word: str) -> Fraction:
    """Read frames a second, such as 25, 23.976 or 30000/1001. Raises `SettingsError` where it is no such number."""
    try:
        rate = Fraction(word)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise SettingsError(f"--fps takes frames a second, such as 25, 23.976 or 30000/1001; found {word!r}.")
    of_television = round(rate * 1001 / 1000) * Fraction(1000, 1001)  # 24000/1001, which is written 23.976 or 23.98
    return of_television if rate.denominator > 1 and abs(rate - of_television) < Fraction(1, 200) else rate


def _natural(path: Path) -> tuple[str, list[tuple[int, str]]]:
    """Return what to sort pictures by: numbers in their names count as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return str(path.parent), [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
