"""What a film is, before and after it is translated."""

from dataclasses import dataclass
from fractions import Fraction

from translate.images import Depth, Picture
from translate.video.colours import STILLS, Colours


@dataclass(frozen=True)
class Time:
    """When a frame is shown, in ticks of its film: from when on, and for how long; 0: until the next one."""

    start: int
    duration: int


@dataclass(frozen=True)
class Frame:
    """One frame, and when it is shown."""

    time: Time
    picture: Picture


@dataclass(frozen=True)
class Facts:
    """What is known of a film before all of it is read.

    Attributes:
        height: of a frame, upright, in pixels.
        width: of a frame, upright, in pixels.
        tick: in seconds.
        rate: frames a second, on average.
        count: of the frames; 0: not known, else nearly right.
        colours: what its numbers mean.
        depth: bits of the samples that its frames are read with.
        alpha: whether it has transparency.
        chroma: how its colour is stored: "444", or in half of the columns, "422", or also of the rows, "420".
        aspect: of a pixel, width to height.
        codec: what it is encoded with; empty: it is made of pictures.
        sounds: the codecs of its sound tracks.
    """

    height: int
    width: int
    tick: Fraction
    rate: Fraction
    count: int
    colours: Colours = STILLS
    depth: Depth = 8
    alpha: bool = False
    chroma: str = "420"
    aspect: Fraction = Fraction(1)
    codec: str = ""
    sounds: tuple[str, ...] = ()
