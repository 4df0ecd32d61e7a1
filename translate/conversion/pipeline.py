"""Translating many pictures: decoding, the network and encoding at the same time, in order."""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Literal, TypeVar

from translate import images
from translate.conversion.before_after import Compare, comparison, suffix_of
from translate.conversion.inputs import is_address
from translate.conversion.isolation import Call, Readers, read_here
from translate.conversion.masks import find_mask, read_mask
from translate.conversion.planning import AS_IT_IS, Item, Plan, beside
from translate.devices import enough_memory
from translate.errors import ImageDecodeError, OutOfMemory, OutputError, SettingsError, WeightsError
from translate.files import atomic_file, sweep_ended
from translate.images import Encoding, Limits, Picture
from translate.inference.blending import WHOLLY, Blending
from translate.inference.finishing import finished, seen
from translate.inference.translator import TOO_LARGE, Translator
from translate.inference.upsampling import Size
from translate.tensors import Pixels

A = TypeVar("A")
B = TypeVar("B")

THREADS = 4  # that decode and encode while the network runs
TOGETHER = 16  # pictures, at most, that an accelerator gets in one pass without being asked
TOGETHER_PIXELS = 2_000_000  # and no more than these

MISSING = "it does not exist, cannot be read, or matches nothing"
ELSEWHERE = "it is an address, and nothing is downloaded here; download it, and name the file"


@dataclass(frozen=True)
class Conversion:
    """How pictures are translated.

    Attributes:
        size: what the network sees, see `seen_size`. Results have the size of their pictures.
        batch: how many neighbours of equal size share a pass through the network; None: as the device likes it.
        blending: how much of the result to take.
        mask: a picture, white where the result is to be and black where the picture stays; or a folder that mirrors the
            pictures with one for each.
        compare: write picture and result into one more file, beside the result.
        preserve_times: give results the times of their pictures.
        encoding: how results are written, the same as in the plan.
        limits: larger pictures fail.
        isolate: decode in processes of their own, so that a picture that crashes its decoder fails alone.
    """

    size: Size = "auto"
    batch: int | None = None
    blending: Blending = WHOLLY
    mask: Path | None = None
    compare: Compare | None = None
    preserve_times: bool = False
    encoding: Encoding = AS_IT_IS
    limits: Limits = images.LIMITS
    isolate: bool = False

    def __post_init__(self) -> None:
        if (self.batch is not None and self.batch < 1) or (isinstance(self.size, int) and self.size < 1):
            raise SettingsError(f"--batch and --size must be at least 1; found batch {self.batch}, size {self.size}.")

    @property
    def besides(self) -> str:
        """What `planning.plan` is to expect beside each result."""
        return suffix_of(self.compare) if self.compare else ""


AS_USUAL = Conversion()


@dataclass(frozen=True)
class Result:
    """What became of one picture."""

    source: Path  # the picture, or an input that is missing
    word: str  # the input word that means this picture alone, to try it again
    output: Path | None  # the file that holds the result
    status: Literal["done", "failed", "skipped"]
    reason: str = ""  # why it was not done; one line
    notes: tuple[str, ...] = ()  # what reading or writing changed that a user may want to know
    size: tuple[int, int] | None = None  # of the output, (H, W) in pixels
    target: str = ""  # what it was translated to, where the plan says it


def convert(translator: Translator, plan: Plan, to: str | None = None, how: Conversion = AS_USUAL) -> Iterator[Result]:
    """Translate what is planned; every result has the size of its picture, and an animation's all of its frames.

    Args:
        translator: the model.
        plan: what to do. A result is yielded for each of its items, the missing and the existing included.
        to: what to translate to where the plan does not say it, or None for the model's default.
        how: everything else.

    Raises:
        SettingsError: the model does not know the domain; raised at once.
        OutputError: a file cannot be written. What was written before stays.
        DeviceError: the device failed, or there is not enough memory to read or write pictures.
    """
    unsaid = to is not None or any(not item.target for item in plan.items)
    target = translator.about.choose(to) if unsaid else ""
    return _convert(translator, plan, target, how)


def _convert(translator: Translator, plan: Plan, target: str, how: Conversion) -> Iterator[Result]:
    for word in plan.missing:
        yield Result(Path(word), word, None, "failed", ELSEWHERE if is_address(word) else MISSING)
    for item in plan.existing:
        yield Result(item.source, item.word, item.output, "skipped", "the output is already there", target=item.target)
    written = [place for item in plan.items for place in (item.output, item.original) if place]
    for folder in {place.parent for place in written}:
        sweep_ended(folder)  # what runs left that were killed
    most = how.batch or (1 if translator.engine.device.type == "cpu" else TOGETHER)
    with Readers() if how.isolate else nullcontext(read_here) as call:
        pool = ThreadPoolExecutor(THREADS)
        try:
            with enough_memory(TOO_LARGE):
                decoded = _ahead(
                    pool, lambda item: _decode(item, how, translator.about.size, call), plan.items, most + 1
                )
                jobs = chain.from_iterable(decoded)
                translated = _translate(translator, jobs, target, most, None if how.batch else TOGETHER_PIXELS)
                whole = (list(frames) for _, frames in groupby(translated, lambda job: (job.source, job.target)))
                yield from _ahead(pool, lambda frames: _encode(frames, how), whole, most + 1)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Job:
    item: Item
    picture: Picture  # one frame of an animation, or a still
    mask: Pixels | None  # (h, w), of any size
    small: Pixels  # (h, w, 3), what the network sees
    made: Pixels  # (h, w, 3), what it made of it; before, the same as `small`

    @property
    def source(self) -> Path:
        return self.item.source

    @property
    def target(self) -> str:
        return self.item.target

    @property
    def like(self) -> tuple[int, int, str]:
        """What jobs share that are translated together: the size of what the network sees, and the target."""
        return *self.small.shape[:2], self.target

    def with_result(self, made: Pixels, notes: tuple[str, ...]) -> "_Job":
        return replace(self, made=made, picture=replace(self.picture, notes=(*self.picture.notes, *notes)))


def _ahead(pool: ThreadPoolExecutor, function: Callable[[A], B], values: Iterable[A], depth: int) -> Iterator[B]:
    """Yield function(value) in order, computed in `pool`, at most `depth` values ahead of the caller."""
    waiting: deque[Future[B]] = deque()
    for value in values:
        waiting.append(pool.submit(function, value))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    yield from (future.result() for future in waiting)


def _decode(item: Item, how: Conversion, training: int, call: Call) -> list[_Job | Result]:
    try:
        asked = (item.source, how.limits, how.encoding.depth)
        several = images.holds_frames(item.output, how.encoding)
        frames = call(images.read_frames, *asked) if several else [call(images.read, *asked)]
        images.check_fits(frames[0], images.format_of(item.output, how.encoding))
        mask = None if how.mask is None else read_mask(find_mask(how.mask, item), how.limits, call)
    except (ImageDecodeError, OutputError) as error:
        return [
            Result(
                item.source, item.word, None, "failed", str(error).removeprefix(f"{item.source} "), target=item.target
            )
        ]
    small = [seen(images.visible(frame, how.encoding.background), how.size, training) for frame in frames]
    return [_Job(item, frame, mask, one, one) for frame, one in zip(frames, small, strict=True)]


def _translate(
    translator: Translator, decoded: Iterable[_Job | Result], target: str, most: int, pixels: int | None
) -> Iterator[_Job | Result]:
    """Translate jobs, at most `most` neighbours of equal size and `pixels` together; what has failed is passed on."""
    for like, group in groupby(decoded, lambda job: job.like if isinstance(job, _Job) else None):
        count = max(1, min(most, pixels // (like[0] * like[1]))) if like and pixels else most
        while some := list(islice(group, count)):
            jobs, already = [job for job in some if isinstance(job, _Job)], len(translator.given_up)
            try:
                made = translator.batch([job.small for job in jobs], jobs[0].target or target) if jobs else []
            except (WeightsError, OutOfMemory, OutputError) as error:  # find out which; only scratch files were written
                item = jobs[0].item
                failed = Result(item.source, item.word, None, "failed", str(error), target=item.target)
                yield from [failed] if len(jobs) == 1 else _translate(translator, jobs, target, 1, None)
            else:
                notes = translator.given_up_since(already)
                yield from (job.with_result(one, notes) for job, one in zip(jobs, made, strict=True)) if jobs else some


def _keep(source: Path, original: Path) -> None:
    """Copy a picture that is about to be replaced, once."""
    if not original.exists():
        with atomic_file(original) as temporary:
            shutil.copy2(source, temporary)


def _encode(frames: list[_Job | Result], how: Conversion) -> Result:
    """Write the frames of one file, or return why one of them failed."""
    jobs: list[_Job] = []
    for job in frames:
        if isinstance(job, Result):
            return job
        jobs.append(job)
    item, before = jobs[0].item, [job.picture for job in jobs]
    pixels = [finished(job.picture.rgb, job.small, job.made, how.blending, job.mask) for job in jobs]
    after = [replace(picture, rgb=rgb) for picture, rgb in zip(before, pixels, strict=True)]
    if how.compare:  # first, so that the result is the last sign that all is there
        images.write(comparison(before, after, how.compare), beside(item.output, how.besides))
    if item.original:
        _keep(item.source, item.original)
    times = item.source if how.preserve_times else None
    notes = (*before[0].notes, *images.write(after, item.output, how.encoding, times))
    return Result(item.source, item.word, item.output, "done", "", notes, after[0].rgb.shape[:2], item.target)
