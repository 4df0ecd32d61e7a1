"""Encoding frames: the encoder that a container and a film ask for, and parts of a film as files of their own."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from translate.errors import OutputError
from translate.images import Picture, to_depth
from translate.video.colours import Colours
from translate.video.formats import WRITTEN, container_of
from translate.video.frames import Facts, Frame, Time

BEST, PER_QUALITY = 14, 0.35  # the constant rate factor of x264 at a quality of 100, and what is added for each below
_SCALE = {"libvpx-vp9": 63 / 51, "libsvtav1": 63 / 51, "libaom-av1": 63 / 51}  # of these the factor ends at 63
_LOOKAHEAD = 10  # frames that are held to see what comes: with the 40 of x264, those of 720p take 90 MB more
_OPTIONS = {
    "libx264": {"preset": "medium", "rc-lookahead": str(_LOOKAHEAD)},
    "libx265": {"preset": "medium", "x265-params": f"log-level=none:rc-lookahead={_LOOKAHEAD}"},
    "libvpx-vp9": {"b": "0", "cpu-used": "4", "row-mt": "1"},
    "libsvtav1": {"preset": "8"},
    "libaom-av1": {"cpu-used": "6", "row-mt": "1"},
    "mpeg4": {"qmin": "2", "qmax": "5"},
}
_ODD = ("libvpx-vp9",)  # encoders that halve the colour of odd sides, too
_TICK = Fraction(1, 1000)  # of parts, whose times mean nothing


@dataclass(frozen=True)
class Coding:
    """How the frames of a film are encoded.

    Attributes:
        encoder: FFmpeg's name.
        pixels: FFmpeg's name of the format of the pixels.
        quality: 1..100.
        facts: of the film that is written.
    """

    encoder: str
    pixels: str
    quality: int
    facts: Facts

    @property
    def alpha(self) -> bool:
        """Whether transparency is encoded."""
        return self.pixels.startswith("yuva")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user may want to know, as short phrases."""
        notes = []
        if self.facts.depth == 16 and "10" not in self.pixels:
            notes.append(f"its colours were written with 8 bits, because {self.encoder} takes no more")
        if "420" not in self.pixels and self.facts.chroma == "420":
            notes.append(
                f"its sides are odd, so its colour is written in full ({self.pixels}), which some players lack"
            )
        return tuple(notes)


def coding_of(out: Path, facts: Facts, quality: int, alpha: bool) -> Coding:
    """Choose how a film is encoded.

    Args:
        out: where it will be, whose suffix decides.
        facts: of the film that is written.
        quality: 1..100.
        alpha: whether transparency is wanted, if the film has any and the container can hold it.

    Raises:
        OutputError: such films are not written, or this PyAV has no encoder for them.
    """
    container = container_of(out)
    wanted: list[tuple[tuple[str, ...], bool, bool]] = [(container.shallow, False, False)]  # encoders, deep, alpha
    if facts.depth == 16:
        wanted.insert(0, (container.deep, True, False))
    if alpha and facts.alpha and container.alpha:
        wanted.insert(0, (container.alpha, False, True))
    for encoders, deep, transparent in wanted:
        for encoder in filter(_is_there, encoders):
            if pixels := _pixels(encoder, facts, deep, transparent):
                return Coding(encoder, pixels, quality, facts)
    there = [f"{suffix} ({', '.join(found)})" for suffix, found in _encoders_there().items() if found]
    raise OutputError(
        f"This PyAV has no encoder for {out.suffix}: it lacks {', '.join(container.shallow)}. It writes"
        f" {', '.join(there) or 'no films at all'}. Name such a file, or a folder with --format png for frames."
    )


@contextlib.contextmanager
def as_refusal(what: str) -> Iterator[None]:
    """Turn what FFmpeg refuses, which is no error of the disk, into an `OutputError` that says what it was."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OutputError(f"{what}: FFmpeg says {error.strerror!r}. Name another kind of file in --out.") from error


def write_part(path: Path, frames: Iterable[Frame], coding: Coding) -> list[Time]:
    """Encode frames into a file of their own, and return their times, which only `join` writes.

    No frame refers to a later one, so that packets are in the order of time; the file is some 10 % larger for it.

    Raises:
        OSError: it cannot be written.
        OutputError: the encoder refuses the frames.
    """
    os.environ.setdefault("SVT_LOG", "1")  # errors only
    facts, times = coding.facts, list[Time]()
    rate = max(facts.rate.limit_denominator(1001), Fraction(1, 1001))  # MPEG-4 takes no finer one
    with as_refusal(f"{coding.encoder} cannot encode this"), av.open(str(path), "w", format="matroska") as part:
        stream = part.add_stream(coding.encoder, rate=rate, options=_options(coding))
        stream.time_base = _TICK
        context: Any = stream.codec_context
        context.height, context.width, context.pix_fmt = facts.height, facts.width, coding.pixels
        context.time_base, context.sample_aspect_ratio = 1 / rate, facts.aspect
        context.max_b_frames = 0
        _tag(context, facts.colours)
        number = 0
        for frame in frames:
            raw = _raw(frame.picture, coding)
            raw.pts, raw.time_base, raw.duration = len(times), 1 / rate, 1
            times.append(frame.time)
            number = _mux(part, context.encode(raw), stream, number)
        number = _mux(part, context.encode(None), stream, number)
    if number != len(times):
        raise OutputError(f"{coding.encoder} made {number} of {len(times)} frames. Name another kind of file in --out.")
    return times


def _mux(part: Any, packets: Iterable[Any], stream: Any, number: int) -> int:
    for packet in packets:
        packet.time_base, packet.stream = _TICK, stream
        packet.pts = packet.dts = number
        part.mux(packet)
        number += 1
    return number


def _raw(picture: Picture, coding: Coding) -> Any:
    deep, colours = "10" in coding.pixels, coding.facts.colours
    samples = picture.rgb
    if coding.alpha:
        opaque = np.full(samples.shape[:2], np.iinfo(samples.dtype).max, samples.dtype)
        samples = np.dstack([samples, opaque if picture.alpha is None else picture.alpha])
    samples = np.ascontiguousarray(to_depth(samples, 16 if deep else 8))
    packed = {(False, False): "rgb24", (False, True): "rgba", (True, False): "rgb48le", (True, True): "rgba64le"}
    raw: Any = av.VideoFrame.from_ndarray(samples, format=packed[deep, coding.alpha])
    raw = raw.reformat(format=coding.pixels, dst_colorspace=colours.swscale, dst_color_range=colours.range)
    _tag(raw, colours)
    return raw


def _tag(tagged: Any, colours: Colours) -> None:
    """Say what the numbers mean: of the encoder and of each frame, or players guess."""
    tagged.colorspace, tagged.color_range = colours.matrix, colours.range
    tagged.color_primaries, tagged.color_trc = colours.primaries, colours.transfer


def _options(coding: Coding) -> dict[str, str]:
    factor = (BEST + PER_QUALITY * (100 - coding.quality)) * _SCALE.get(coding.encoder, 1)
    constant = {} if coding.encoder == "mpeg4" else {"crf": str(round(factor))}
    return {**_OPTIONS.get(coding.encoder, {}), **constant}


def _pixels(encoder: str, facts: Facts, deep: bool, alpha: bool) -> str:
    """Return the format of pixels that is nearest to a film's, of those that an encoder takes; empty: there is none."""
    taken = {one.name for one in av.Codec(encoder, "w").video_formats or ()}
    halved = [] if (facts.height % 2 or facts.width % 2) and encoder not in _ODD else ["420"]
    kinds = [facts.chroma] if facts.chroma != "420" else halved
    for chroma in (*kinds, *halved, "444", "422"):
        name = f"yuv{'a' * alpha}{chroma}p{'10le' * deep}"
        if name in taken:
            return name
    return ""


def _is_there(encoder: str) -> bool:
    try:
        av.Codec(encoder, "w")
    except ValueError:
        return False
    return True


def _encoders_there() -> dict[str, list[str]]:
    return {suffix: [one for one in container.shallow if _is_there(one)] for suffix, container in WRITTEN.items()}
