"""Joining encoded parts into a film, with the sound and the subtitles of the film that they come from, as they are."""

import contextlib
import heapq
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av

from translate.errors import OutputError, counted
from translate.images import Encoding
from translate.video.formats import WRITTEN, container_of
from translate.video.frames import Facts, Time
from translate.video.reading import open_container, packets_of
from translate.video.writing import as_refusal

_DATES = ("creation_time", "date", "com.apple.quicktime.creationdate")
_SAFE = (*_DATES, "title", "artist", "author", "album_artist", "copyright", "make", "model")
_KEPT: dict[str, tuple[str, ...]] = {"none": (), "date": _DATES, "safe": _SAFE}
_COPIED = ("audio", "subtitle")
Part = tuple[Path, Sequence[Time]]  # a file, and when its frames are shown


def check_sounds(out: Path, facts: Facts) -> None:
    """Raise `OutputError` where a container cannot hold the sound of a film."""
    refused = set(facts.sounds) - _held(container_of(out).name)
    if refused:
        fitting = [suffix for suffix, one in WRITTEN.items() if set(facts.sounds) <= _held(one.name)]
        raise OutputError(
            f"{out.suffix} cannot hold the sound of this film, {', '.join(sorted(refused))}."
            f" Name a file that ends in {' or '.join(fitting)}."
        )


def join(
    parts: Sequence[Part], place: Path, out: Path, facts: Facts, source: Path | None, encoding: Encoding
) -> tuple[str, ...]:
    """Write one film of parts. Nothing is encoded again; sound that is damaged is left out.

    Args:
        parts: as `write_part` wrote them, in order.
        place: the file that is written.
        out: how it will be called, whose suffix decides what is written.
        facts: of the film that is written.
        source: the film whose other streams are copied; None: there is none.
        encoding: what is kept of the metadata.

    Returns:
        what was left out, as short phrases.

    Raises:
        ImageDecodeError: the source cannot be read any more.
        OSError: the film cannot be written.
        OutputError: its container cannot hold it.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(as_refusal(f"{out} cannot be written"))
        name = container_of(out).name
        options = _FAST if name in ("mp4", "mov") else {}
        output = stack.enter_context(av.open(str(place), "w", format=name, options=options))
        template: Any = stack.enter_context(av.open(str(parts[0][0]))).streams.video[0]
        pictures: Any = output.add_stream_from_template(template, opaque=True)  # its decoder may be no encoder
        if "alpha_mode" in template.metadata:  # which its decoder does not see
            pictures.codec_context.pix_fmt = "yuva420p"
        pictures.time_base = facts.tick
        if template.codec_context.name == "hevc" and options:
            pictures.codec_context.codec_tag = "hvc1"  # without which Apple's players show nothing
        if encoding.note:
            output.metadata["comment"] = encoding.note
        if source is None:
            for packet in _packets(parts, pictures, facts.tick):
                output.mux(packet)
            return ()
        original = stack.enter_context(open_container(source))
        kept = _KEPT.get(encoding.keep_metadata, tuple(original.metadata))
        output.metadata.update({key: value for key, value in original.metadata.items() if key in kept})
        others, left_out = _others(original, output)
        copied = _Copied(original, others)
        for packet in heapq.merge(_packets(parts, pictures, facts.tick), copied.packets(), key=_when):
            try:
                output.mux(packet)
            except av.FFmpegError as error:
                if isinstance(error, OSError) or packet.stream is pictures:
                    raise
                copied.lost += 1
        return (*left_out, *copied.notes)


class _Copied:
    """The sound and subtitles of a film.

    Args:
        original: the film.
        streams: those that are written, by those of the film.

    Attributes:
        lost: how many packets could not be read or written.
    """

    def __init__(self, original: Any, streams: dict[Any, Any]) -> None:
        self._original, self._streams = original, streams
        self.lost = 0

    def packets(self) -> Iterator[Any]:
        """Yield the packets that are written."""
        try:
            for packet in packets_of(self._original, list(self._streams)) if self._streams else ():
                if packet.size:
                    packet.stream = self._streams[packet.stream]
                    yield packet
        except av.FFmpegError:  # cut off in the middle of one
            self.lost += 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What is lost, in a short phrase."""
        verb = "is" if self.lost == 1 else "are"
        said = f"{counted(self.lost, 'piece')} of its sound or subtitles {verb} damaged and left out"
        return (said,) if self.lost else ()


_FAST = {"movflags": "faststart"}  # what plays it finds how to at its beginning


def _packets(parts: Sequence[Part], stream: Any, tick: Fraction) -> Iterator[Any]:
    for path, times in parts:
        with av.open(str(path)) as part:
            packets = (packet for packet in part.demux(video=0) if packet.size)
            for packet, time in zip(packets, times, strict=True):
                packet.time_base, packet.stream = tick, stream
                packet.pts = packet.dts = time.start
                packet.duration = time.duration
                yield packet


def _others(original: Any, output: Any) -> tuple[dict[Any, Any], tuple[str, ...]]:
    """Add streams for the sound and subtitles of a film; return them by those of the film, and what has no place."""
    streams: dict[Any, Any] = {}
    left_out: list[str] = []
    for stream in original.streams:
        if stream.type not in _COPIED:
            continue
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
        if codec not in _held(output.format.name):
            left_out.append(f"its {stream.type} ({codec}) was left out, which {output.format.name} cannot hold")
            continue
        streams[stream] = copy = output.add_stream_from_template(stream)
        copy.time_base = stream.time_base
        copy.disposition = stream.disposition
        copy.metadata.update({key: stream.metadata[key] for key in ("language", "title") if key in stream.metadata})
    return streams, tuple(left_out)


def _when(packet: Any) -> float:
    time = packet.dts if packet.dts is not None else packet.pts
    return float((time or 0) * packet.time_base)


@cache
def _held(container: str) -> frozenset[str]:
    """Return the names of the codecs that a container can hold."""
    with av.open(io.BytesIO(), "w", format=container) as output:
        return frozenset(output.supported_codecs)
