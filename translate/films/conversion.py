"""Converting one film, in parts that stay when it is stopped."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from translate import images
from translate.conversion.manifest import fingerprint
from translate.conversion.masks import Masks, mask_notes, read_mask
from translate.conversion.pipeline import Result, Status
from translate.conversion.planning import Item
from translate.conversion.settings import ConversionSettings
from translate.conversion.stamps import stamp_of, stamps_of
from translate.errors import (
    DiskFull,
    DiskReadOnly,
    ImageDecodeError,
    OutOfMemory,
    OutputError,
    UnfitPicture,
    WeightsError,
    counted,
)
from translate.files import as_output_error, takes_files
from translate.films.painting import Painted, painted
from translate.films.sinks import FilmSink, PictureSink, Sink
from translate.films.sources import Animation, PictureFrames, Source
from translate.films.unfinished import Unfinished
from translate.inference.steadying import Steady, Trace
from translate.inference.translator import Translator
from translate.progress import Tell
from translate.video import is_film
from translate.video.frames import Frame, Time
from translate.video.reading import Film

PART = 64  # frames, which is what is lost at most when a film is stopped


def opened(item: Item, settings: ConversionSettings) -> tuple[Source, Sink]:
    """Open what the frames of a film are read from, and what those of its result are written to.

    Args:
        item: its source is a film, or where the pictures lie that are its parts; its output is a film, or the first of
            its pictures.
        settings: how.

    Raises:
        ImageDecodeError, UnfitPicture: it cannot be read, or would become too large.
        OutputError: such films are not written.
    """
    encoding, limits, output = settings.encoding, settings.limits, item.output
    if not item.parts:
        source: Source = Film(item.source, limits)
    elif len(item.parts) == 1 and images.count_frames(item.parts[0], limits) > 1:
        source = Animation(item.parts[0], settings.fps, limits, encoding.depth)
    else:
        source = PictureFrames(item.parts, settings.fps, limits, encoding.depth)
    facts = source.facts
    settings.check_result(facts.height, facts.width)
    made = replace(facts, height=settings.enlarge * facts.height, width=settings.enlarge * facts.width)
    if is_film(output):
        return source, FilmSink(output, made, None if item.parts else item.source, encoding)
    times = item.source if settings.preserve_times else None
    return source, PictureSink(output.parent, output.suffix, replace(encoding, frames="first"), times)


def convert_film(translator: Translator, item: Item, settings: ConversionSettings, tell: Tell) -> Result:
    """Translate a film; go on where it was stopped, if it was.

    Args:
        translator: the model.
        item: what is read and written, see `opened`.
        settings: how.
        tell: takes how many frames are written.

    Raises:
        OutputError: the disk is full or read-only, or the folder of the result takes no files, or another process makes
            the same film. The parts that were written stay.
        DeviceError: the device failed, or there is not enough memory to read or write frames.
    """
    try:
        return _converted(translator, item, settings, tell)
    except (DiskFull, DiskReadOnly):
        raise
    except (ImageDecodeError, UnfitPicture, WeightsError, OutOfMemory, OutputError) as error:
        if isinstance(error, OutputError) and not takes_files(item.output.parent):
            raise
        return Result(
            item.source, item.word, None, "failed", str(error).removeprefix(f"{item.source} "), target=item.target
        )


def _converted(translator: Translator, item: Item, settings: ConversionSettings, tell: Tell) -> Result:
    already = len(translator.budget.fallbacks)
    masks = Masks(settings.mask) if settings.mask else None
    item = replace(item, stamps=stamps_of(item, masks))  # before it is read: what changes later is newer
    source, sink = opened(item, settings)
    facts = source.facts
    mask = None if masks is None else read_mask(masks.find(item), settings.limits)
    notes = () if mask is None else mask_notes(mask, facts.height, facts.width)
    made = fingerprint(translator.about, item.target, settings)
    identity = json.dumps([str(item.source.resolve()), item.stamps, made, sink.identity])
    unfinished = Unfinished(item.output, identity)
    with unfinished.held():
        steady = Steady(settings.steady, unfinished.trace())
        done = sum(len(times) for _, times in unfinished.parts)
        frames = painted(translator, source.frames(done), item.target, settings, mask, steady)
        for first in frames:
            part = chain([first], islice(frames, PART - 1))
            done += _add_part(part, sink, unfinished, done, lambda count: tell(item.source.name, count, facts.count))
        notes += (*sink.notes, *sink.finish(unfinished.parts))
    if settings.preserve_times and is_film(item.output):
        with as_output_error(item.output):
            times = (item.source if stamp_of(item.source) else item.parts[0]).stat()  # a pattern or a list is no file
            os.utime(item.output, ns=(times.st_atime_ns, times.st_mtime_ns))
    notes += translator.budget.fallbacks_since(already)
    status, reason, more = _ending(source)
    size = settings.enlarge * facts.height, settings.enlarge * facts.width
    return Result(item.source, item.word, item.output, status, reason, (*notes, *more), size, item.target, item)


def _add_part(
    part: Iterable[Painted], sink: Sink, unfinished: Unfinished, before: int, tell: Callable[[int], None]
) -> int:
    """Write a part; return how many frames it has."""
    trace: Trace | None = None
    count = 0

    def frames() -> Iterator[Frame]:
        nonlocal trace, count
        for one in part:
            yield one.frame
            trace, count = one.trace, count + 1
            tell(before + count)

    def write(folder: Path) -> tuple[list[Time], Trace | None]:
        return sink.write(folder, frames(), before), trace

    unfinished.add(write)
    return count


def _ending(source: Source) -> tuple[Status, str, tuple[str, ...]]:
    """Tell whether all of a film was read: the status of its result, the reason, and notes."""
    if not isinstance(source, Film):
        return "done", "", ()
    notes = ("its frames change their size; all have that of the first",) if source.resized else ()
    if source.missing_s:
        read, said = source.missing_s
        return "failed", f"it ends after {read:.1f} of {said:.1f} s, so it is cut off or damaged", notes
    if source.damaged:
        return "failed", f"it is damaged, {counted(source.damaged, 'piece')} passed over", notes
    return "done", "", notes
