"""Translating many pictures: decoding, the network and encoding at the same time, in order."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from translate import images
from translate.conversion.ahead import ahead
from translate.conversion.before_after import comparison
from translate.conversion.inputs import is_address
from translate.conversion.isolation import ReadCall, Readers, read_here
from translate.conversion.masks import Masks, mask_notes, read_mask
from translate.conversion.planning import ConversionPlan, Item, beside
from translate.conversion.settings import DEFAULT, ConversionSettings
from translate.conversion.stamps import stamps_of
from translate.errors import (
    DiskFull,
    DiskReadOnly,
    ImageDecodeError,
    OutOfMemory,
    OutputError,
    UnfitPicture,
    WeightsError,
)
from translate.files import atomic_file, sweep_dead_writers, takes_files
from translate.inference.steadying import Steady
from translate.inference.translator import TOO_LARGE, Translator
from translate.inference.treatment import Prepared, Treatment
from translate.memory import enough_memory
from translate.places import RemotePath, is_remote, path_of

THREADS = 4  # that decode and encode while the network runs
REMOTE_THREADS = 16  # the same where they mostly wait for an object store
TOGETHER = 16  # pictures, at most, that an accelerator gets in one pass without being asked
TOGETHER_PIXELS = 2_000_000  # and no more than these

MISSING = "it does not exist, cannot be read, or matches nothing"
ELSEWHERE = "it is an address, and nothing is downloaded here; download it, and name the file"
THERE = "the output is already there"
AGAIN = "what could be read is already there, and --overwrite makes it again"
UNLISTED = "there is no such file, it matches nothing, or its key is no path, as in a//b or a/../b"

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    """What became of one picture."""

    source: Path  # the picture, or an input that is missing
    word: str  # the input word that means this picture alone, to try it again
    output: Path | None  # the file that holds the result
    status: Status
    reason: str = ""  # why it was not done; one line
    notes: tuple[str, ...] = ()  # what reading or writing changed that a user may want to know
    size: tuple[int, int] | None = None  # of the output, (H, W) in pixels
    target: str = ""  # what it was translated to; empty for an input that is missing
    item: Item | None = field(default=None, compare=False, repr=False)  # what was planned, if it was written

    def _repr_html_(self) -> str:
        """Show it in a notebook: before and after."""
        from translate.report.notebook import result_html  # which commands have no use for

        return result_html(self.source, self.output, (f"{self.status}: {self.reason}".removesuffix(": "), *self.notes))


def without_work(missing: Iterable[str], existing: Iterable[Item]) -> Iterator[Result]:
    """Yield the results of what is missing, and of what is there already; where that lacks something, it has failed."""
    for word in missing:
        reason = UNLISTED if is_remote(word) else ELSEWHERE if is_address(word) else MISSING
        yield Result(path_of(word), word, None, "failed", reason)
    for item in existing:
        reason, notes = f"{item.lacks}; {AGAIN}" if item.lacks else THERE, (item.note,) if item.note else ()
        status: Status = "failed" if item.lacks else "skipped"
        yield Result(item.source, item.word, item.output, status, reason, notes, target=item.target)


def convert(
    translator: Translator,
    plan: ConversionPlan,
    settings: ConversionSettings = DEFAULT,
    readers: Readers | None = None,
) -> Iterator[Result]:
    """Translate what is planned; every result has the size of its picture, and an animation's all of its frames.

    Args:
        translator: the model.
        plan: what to do, made for the same settings. A result is yielded for each of its items, the missing and the
            existing included.
        settings: how pictures are translated and written.
        readers: what decodes where `settings.isolate` is set, if it is to live on.

    Raises:
        OutputError: the disk is full or read-only, or the folder of all results takes no files. What was written before
            stays. Where only a file or a folder is in the way of a result, its picture fails.
        DeviceError: the device failed, or there is not enough memory to read or write pictures.
    """
    yield from without_work(plan.missing, plan.existing)
    written = [place for item in plan.items for place in (item.output, item.original) if place]
    for folder in {place.parent for place in written if not isinstance(place, RemotePath)}:
        with suppress(OSError):  # its path is too long, or it is closed to us: the error comes again
            sweep_dead_writers(folder)  # what runs left that were killed
    masks = Masks(settings.mask) if settings.mask else None
    treatment = settings.treatment.of(translator.about)
    most = settings.batch or (1 if translator.engine.device.type == "cpu" else TOGETHER)
    own = Readers() if settings.isolate and readers is None else nullcontext(readers or read_here)
    with own as call:
        places = (place for item in plan.items[:1] for place in (item.source, item.output))
        are_remote = any(isinstance(place, RemotePath) for place in places)
        pool = ThreadPoolExecutor(REMOTE_THREADS if are_remote else THREADS)
        try:
            with enough_memory(TOO_LARGE):
                work = _Work(settings, treatment, translator.about.size, call, masks)
                decoded = ahead(pool, work.decode, plan.items, most + 1)
                pixels = None if settings.batch else TOGETHER_PIXELS
                translated = _translate(translator, chain.from_iterable(decoded), most, pixels)
                whole = (list(frames) for _, frames in groupby(translated, lambda frame: (frame.source, frame.target)))
                yield from ahead(pool, lambda frames: _encode(frames, settings, plan.place), whole, most + 1)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Frame:
    item: Item
    prepared: Prepared  # one frame of an animation, or a still
    output: Tensor  # (1, 3, h, w), what the network made of it; before, what it sees

    @property
    def source(self) -> Path:
        return self.item.source

    @property
    def target(self) -> str:
        return self.item.target

    @property
    def like(self) -> tuple[int, int, str]:
        """What frames have in common that are translated together: the size that the network sees, and the target."""
        return self.output.shape[2], self.output.shape[3], self.target

    def with_output(self, output: Tensor, notes: tuple[str, ...]) -> "_Frame":
        picture = self.prepared.picture
        noted = replace(picture, notes=(*picture.notes, *notes))
        return replace(self, output=output, prepared=replace(self.prepared, picture=noted))


@dataclass(frozen=True)
class _Work:
    """What is the same for all pictures that are decoded."""

    settings: ConversionSettings
    treatment: Treatment
    training: int  # the side of the training crops, in pixels
    call: ReadCall
    masks: Masks | None

    def decode(self, item: Item) -> list[_Frame | Result]:
        """Read a picture and make its frames ready for the network, or say why not."""
        item = replace(item, stamps=stamps_of(item, self.masks))  # before it is read: what changes later is newer
        limits, encoding = self.settings.limits, self.settings.encoding
        try:
            asked = (item.read_from, limits, encoding.depth)
            several = images.holds_frames(item.output, encoding)
            frames = self.call(images.read_frames, *asked) if several else [self.call(images.read, *asked)]
            height, width, _ = frames[0].rgb.shape
            self.settings.check_result(height, width, len(frames))
            mask = None if self.masks is None else read_mask(self.masks.find(item), limits, self.call)
            if mask is not None:
                notes = mask_notes(mask, height, width)
                frames[0] = replace(frames[0], notes=(*frames[0].notes, *notes))
            prepared = self.treatment.prepared(frames, mask, self.training)
            images.check_fits(prepared[0].picture, images.format_of(item.output, encoding))
        except (ImageDecodeError, UnfitPicture, OutputError) as error:
            return [_failed(item, str(error).removeprefix(f"{item.read_from} "))]
        return [_Frame(item, one, one.small) for one in prepared]


def _translate(
    translator: Translator, decoded: Iterable[_Frame | Result], most: int, pixels: int | None
) -> Iterator[_Frame | Result]:
    """Translate frames, at most `most` neighbours of equal size and `pixels` together; failures are passed on."""
    for like, group in groupby(decoded, lambda frame: frame.like if isinstance(frame, _Frame) else None):
        count = max(1, min(most, pixels // (like[0] * like[1]))) if like and pixels else most
        while some := list(islice(group, count)):
            frames, already = [frame for frame in some if isinstance(frame, _Frame)], len(translator.budget.fallbacks)
            try:
                outputs = _together(translator, frames) if frames else []
            except (WeightsError, OutOfMemory, OutputError) as error:  # find out which; only scratch files were written
                alone = len(frames) == 1
                yield from [_failed(frames[0].item, str(error))] if alone else _translate(translator, frames, 1, None)
            else:
                notes = translator.budget.fallbacks_since(already)
                translated = [frame.with_output(output, notes) for frame, output in zip(frames, outputs, strict=True)]
                yield from translated if frames else some


def _together(translator: Translator, frames: Sequence[_Frame]) -> Sequence[Tensor]:
    """Translate what the network sees of frames, which is of equal size; return (1, 3, h, w) for each."""
    together, passes = torch.cat([frame.prepared.small for frame in frames]), frames[0].prepared.treatment.passes
    return torch.split(translator.tensor(together, frames[0].target, passes), 1)


def _failed(item: Item, reason: str) -> Result:
    return Result(item.source, item.word, None, "failed", reason, target=item.target)


def _keep(source: Path, original: Path) -> None:
    """Copy a picture that is about to be replaced, once."""
    if not original.exists():
        with atomic_file(original) as temporary:
            shutil.copy2(source, temporary)


def _encode(frames: list[_Frame | Result], settings: ConversionSettings, place: Path | None) -> Result:
    """Write the frames of one file, or return why one of them failed, or why they cannot be written."""
    translated: list[_Frame] = []
    for frame in frames:
        if isinstance(frame, Result):
            return frame
        translated.append(frame)
    try:
        return _written(translated, settings)
    except (DiskFull, DiskReadOnly):
        raise
    except OutputError as error:
        if place and not (place.takes_files() if isinstance(place, RemotePath) else takes_files(place)):
            raise
        return _failed(translated[0].item, str(error))


def _written(frames: list[_Frame], settings: ConversionSettings) -> Result:
    item, before = frames[0].item, [frame.prepared.picture for frame in frames]
    steady = Steady(settings.steady if len(frames) > 1 else 0)
    outputs = [steady(frame.prepared.small, frame.output) for frame in frames]
    after = [frame.prepared.finished(output) for frame, output in zip(frames, outputs, strict=True)]
    if settings.compare:  # first, so that the result is the last sign that all is there
        images.write(comparison(before, after, settings.compare), beside(item.output, settings.comparison_suffix))
    if item.original:
        _keep(item.source, item.original)
    times = item.read_from if settings.preserve_times else None
    notes = (*before[0].notes, *images.write(after, item.output, settings.encoding, times))
    return Result(item.source, item.word, item.output, "done", "", notes, after[0].rgb.shape[:2], item.target, item)
