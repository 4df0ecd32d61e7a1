"""Reading a film: its frames one after the other, upright, with their times."""

import contextlib
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from translate.errors import ImageDecodeError, UnfitPicture
from translate.images import LIMITS, Array, Depth, Limits, Picture
from translate.video.colours import FULL, Colours
from translate.video.formats import DEMUXERS
from translate.video.frames import Facts, Frame, Time

_WITH_ALPHA = {"vp9": "libvpx-vp9", "vp8": "libvpx"}  # FFmpeg's own decoders of these leave it out
_EXACT = ("mov", "matroska", "avi")  # how the names of demuxers begin whose files say how long they are
_PACKED = {(8, False): "rgb24", (8, True): "rgba", (16, False): "rgb48le", (16, True): "rgba64le"}
_HALVED = ("nv12", "p01", "gray")  # of formats whose names do not say how colour is stored
SHORT_S = 0.25  # seconds that may lack at the end of a whole film


class Film:
    """A film that is there to be read, as often as one likes.

    Attributes:
        facts: what is known of it.
        damaged: packets that could not be decoded, of what was read so far. Those before the first frame do not count,
            as where a recording begins between two whole pictures.
        resized: whether a frame had another size than the first, and was made to fit.
        missing_s: (seconds read, seconds that there should be), once all is read and less was there.

    Raises:
        ImageDecodeError: it is no film, has no pictures, or more pixels a frame than allowed.
        UnfitPicture: its colours are of high dynamic range.
    """

    def __init__(self, path: Path, limits: Limits = LIMITS) -> None:
        self.path = path
        self.damaged, self.resized = 0, False
        self.missing_s: tuple[float, float] | None = None
        self._says_s: float | None = None
        self._turns = 0
        with self._opened() as (container, stream):
            first = next(iter(self._decoded(container, stream)), None)
            if first is None:
                raise _refused(path, "not one of its frames can be decoded")
            self._stored = first.height, first.width
            self.facts = self._facts(container, stream, first)
        self.damaged = 0
        try:
            limits.check_pixels(self.facts.height, self.facts.width)
        except ValueError as error:
            raise _refused(path, str(error)) from error
        if hdr := self.facts.colours.hdr:
            raise UnfitPicture(
                f"{path} is of high dynamic range ({hdr}), which would come out pale: networks know none. Convert it to"
                " an ordinary range (SDR, BT.709) first."
            )

    def frames(self, skipped: int = 0) -> Iterator[Frame]:
        """Yield all frames but the first `skipped`, which are decoded and thrown away.

        Raises:
            ImageDecodeError: it cannot be read any more.
        """
        self.damaged, self.missing_s = 0, None
        last, begun, end = None, None, 0
        with self._opened() as (container, stream):
            for number, raw in enumerate(self._decoded(container, stream)):
                self.damaged = self.damaged if number else 0
                start = raw.pts if raw.pts is not None else end
                start = start if last is None else max(start, last + 1)  # times that stand still cannot be written
                begun, last, end = start if begun is None else begun, start, start + (raw.duration or 0)
                if number >= skipped:
                    yield Frame(Time(start, raw.duration or 0), self._picture(raw))
        read_s = float((end - (begun or 0)) * self.facts.tick)
        if self._says_s is not None and read_s < self._says_s - SHORT_S:
            self.missing_s = read_s, self._says_s

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        with open_container(self.path) as container:
            pictures = av.stream.Disposition.attached_pic | av.stream.Disposition.still_image
            streams = [one for one in container.streams.video if not one.disposition & pictures]
            if not streams:
                sound = ", only sound" if container.streams.audio else ""
                raise _refused(self.path, f"it has no moving pictures{sound}")
            streams[0].thread_type = "AUTO"
            yield container, streams[0]

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        name = _WITH_ALPHA.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
        decoder = stream.codec_context
        if name and name in av.codecs_available:
            decoder = av.CodecContext.create(name, "r")
            decoder.extradata = stream.codec_context.extradata
        packets = packets_of(container, stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:  # cut off in the middle of a packet
                self.damaged += 1
                return
            try:
                yield from decoder.decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError:
                self.damaged += 1

    def _facts(self, container: Any, stream: Any, first: Any) -> Facts:
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        self._turns = round(first.rotation / 90) % 4  # counterclockwise
        self._says_s = _duration_s(container, stream)
        height, width = first.height, first.width
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if self._turns % 2:
            height, width, aspect = width, height, 1 / aspect
        components, name = first.format.components, first.format.name
        context = stream.codec_context
        tags = Colours(context.colorspace, context.color_range, context.color_primaries, context.color_trc)
        if name.startswith("yuvj"):
            tags = Colours(tags.matrix, FULL, tags.primaries, tags.transfer)
        depth: Depth = 16 if max(one.bits for one in components) > 8 else 8
        chroma = re.search(r"4\d\d", name)
        return Facts(
            height, width, stream.time_base, Fraction(rate), stream.frames or round((self._says_s or 0) * rate),
            tags.settled(first.height), depth, any(one.is_alpha for one in components),
            chroma[0] if chroma else "420" if name.startswith(_HALVED) else "444", aspect,
            context.name, tuple(one.codec_context.codec.canonical_name for one in container.streams.audio),
        )  # fmt: skip

    def _picture(self, raw: Any) -> Picture:
        facts, (height, width) = self.facts, self._stored
        self.resized |= (raw.height, raw.width) != self._stored
        packed = raw.reformat(
            width, height, _PACKED[facts.depth, facts.alpha], src_colorspace=facts.colours.swscale,
            src_color_range=facts.colours.range,
        ).to_ndarray()  # fmt: skip
        pixels: Array = np.ascontiguousarray(np.rot90(packed, self._turns))
        alpha = np.ascontiguousarray(pixels[..., 3]) if facts.alpha else None
        return Picture(np.ascontiguousarray(pixels[..., :3]), alpha, "")


def packets_of(container: Any, streams: Any) -> Iterator[Any]:
    """Yield the packets of one stream or of several. Raises FFmpeg's error where the file is cut off within one."""
    try:
        yield from container.demux(streams)
    except IndexError:  # PyAV's, once all is read, where what follows the last whole packet looks like a new stream
        return


def _duration_s(container: Any, stream: Any) -> float | None:
    """Return how long a film should be, in seconds, where its file says it."""
    if not container.format.name.startswith(_EXACT):
        return None
    if stream.duration:
        return float(stream.duration * stream.time_base)
    said = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if said:  # which Matroska counts from the start of the file
        begun = float((stream.start_time or 0) * stream.time_base)
        return 3600 * int(said[1]) + 60 * int(said[2]) + float(said[3]) - begun
    only = len(container.streams.audio) == 0  # else that may be how long its sound is
    return container.duration / av.time_base if only and container.duration else None


def open_container(path: Path) -> Any:
    """Open a file, and nothing that it may name: neither another file nor an address.

    Raises:
        ImageDecodeError: it is no film.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except (av.InvalidDataError, av.ArgumentError) as error:  # the latter: none of the formats that are read
        raise _refused(path, "it is no film, or was cut off, so that its index is missing") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _refused(path, str(getattr(error, "strerror", None) or error)) from error


def _refused(path: Path, reason: str) -> ImageDecodeError:
    return ImageDecodeError(f"{path} cannot be decoded: {' '.join(reason.split())[:300]}.")
