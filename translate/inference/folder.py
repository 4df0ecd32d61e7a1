"""Translating many pictures: first a plan, which refuses everything that can be refused, then the work."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice, takewhile
from pathlib import Path
from typing import Literal, TypeVar

from translate import images
from translate.errors import DataError, ImageDecodeError, OutputError, SettingsError, WeightsError
from translate.images import Encoding, Picture
from translate.inference.translator import Translator, enough_memory
from translate.tensors import Pixels

Size = Literal["native"] | int
A = TypeVar("A")
B = TypeVar("B")

THREADS = 4  # that decode and encode while the network runs
_AS_IT_IS = Encoding()


@dataclass(frozen=True)
class Item:
    """A file to translate and the file it becomes."""

    source: Path
    output: Path


@dataclass(frozen=True)
class Plan:
    """What is to be done, in the order of the inputs and, within a folder, of the names."""

    items: tuple[Item, ...]
    missing: tuple[str, ...]  # inputs that do not exist, cannot be read or match nothing
    ignored: int  # how many files found in folders are no pictures, by their suffix
    existing: tuple[Item, ...]  # whose output is already there, and is to stay


@dataclass(frozen=True)
class Result:
    """What became of one picture."""

    source: Path  # the picture, or an input that is missing
    output: Path | None  # the file that holds the result
    status: Literal["done", "failed", "skipped"]
    reason: str = ""  # why it was not done; one line
    notes: tuple[str, ...] = ()  # what reading or writing changed that a user may want to know
    size: tuple[int, int] | None = None  # of the output, (H, W) in pixels


def plan(inputs: Sequence[str | Path], out: Path, overwrite: bool = False, encoding: Encoding = _AS_IT_IS) -> Plan:
    """Find the pictures and decide what each becomes. Nothing is written.

    Args:
        inputs: files; folders, with all below them; or patterns with `*`, `**`, `?` and `[...]`. What folders and
            patterns hold is chosen by suffix, without hidden files; what is named itself is taken as it is.
        out: a folder, which mirrors the folders of the inputs and is left out where it lies inside one; for one input
            file also a file. Stems stay; suffixes say what is written, see `images.output_suffix`.
        overwrite: translate again what is already there.
        encoding: how results will be written.

    Raises:
        SettingsError: two pictures would become one file (also where names differ only in case), a result would replace
            an input, or `out` is a file.
        DataError: there are no pictures at all.
        OutputError: the format asked for, by `encoding` or by `out`, is not written or does not hold the depth.
    """
    paths, hole = [Path(word) for word in inputs], out.resolve()
    if hole in [path.resolve() for path in paths]:
        raise SettingsError(f"--out {out} is also an input, whose pictures would be replaced. Choose another place.")
    missing: list[str] = []
    found: dict[Path, tuple[Path, Path]] = {}  # by resolved place: the picture, and its path below `out`
    ignored: set[Path] = set()
    for path in paths:
        for source, root in _find(path, missing):
            place, relative = source.parent.resolve() / source.name, source.relative_to(root)
            inside_out = hole in place.parents and root.resolve() in hole.parents
            if source != path and (inside_out or any(map(_hidden, relative.parts))):
                continue
            if source == path or source.suffix.lower() in images.SUFFIXES:
                found.setdefault(place, (source, relative))
            else:
                ignored.add(place)
    if not found:
        raise DataError(
            f"There are no pictures in {', '.join(map(str, paths))}: {len(missing)} inputs are missing, and"
            f" {len(ignored)} files are no pictures, whose names end in {', '.join(sorted(images.SUFFIXES))}."
        )
    if out.is_dir() or not (out.exists() or out.suffix.lower() in images.SUFFIXES):
        items = [
            Item(source, out / relative.with_suffix(images.output_suffix(source, encoding)))
            for source, relative in found.values()
        ]
    elif [source for source, _ in found.values()] == paths[:1]:
        items = [Item(paths[0], out)]
    else:
        raise SettingsError(f"--out {out} is the name of a file, which only one input file can become. Name a folder.")
    for item in items:
        images.format_of(item.output, encoding)
    _refuse_collisions(items, {str(place).casefold() for place in found})
    existing = {item for item in items if item.output.is_file() and not overwrite}
    waiting, there = [item for item in items if item not in existing], [item for item in items if item in existing]
    return Plan(tuple(waiting), tuple(missing), len(ignored), tuple(there))


def convert(
    translator: Translator,
    plan: Plan,
    to: str | None = None,
    size: Size = "native",
    batch: int = 1,
    encoding: Encoding = _AS_IT_IS,
    max_pixels: int = images.MAX_PIXELS,
) -> Iterator[Result]:
    """Translate what is planned; every result has the size of its picture, and an animation's all of its frames.

    Args:
        translator: the model.
        plan: what to do. A result is yielded for each of its items, the missing and the existing included.
        to: the domain to translate to, or None for the model's default.
        size: "native", or pixels: the short side that larger pictures have in the network; it is enlarged again.
        batch: how many neighbours of equal size share a pass through the network.
        encoding: how results are written, the same as in the plan.
        max_pixels: larger pictures fail; the frames of an animation count together.

    Raises:
        SettingsError: an argument is wrong; raised at once.
        OutputError: a file cannot be written. What was written before stays.
        DeviceError: there is not enough memory.
    """
    if batch < 1 or (size != "native" and size < 1):
        raise SettingsError(f"--batch and --size must be at least 1; found batch {batch} and size {size}.")
    return _convert(translator, plan, translator.about.choose(to), size, batch, encoding, max_pixels)


def _convert(
    translator: Translator, plan: Plan, target: str, size: Size, batch: int, encoding: Encoding, max_pixels: int
) -> Iterator[Result]:
    for word in plan.missing:
        yield Result(Path(word), None, "failed", "it does not exist, cannot be read, or matches nothing")
    for item in plan.existing:
        yield Result(item.source, item.output, "skipped", "the output is already there")
    pool = ThreadPoolExecutor(THREADS)
    try:
        with enough_memory():
            decoded = _ahead(pool, lambda item: _decode(item, size, encoding, max_pixels), plan.items, batch + 1)
            translated = _translate(translator, chain.from_iterable(decoded), target, batch)
            whole = (list(frames) for _, frames in groupby(translated, lambda job: job.source))
            yield from _ahead(pool, lambda frames: _encode(frames, encoding), whole, batch + 1)
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Job:
    item: Item
    picture: Picture  # one frame of an animation, or a still
    pixels: Pixels  # (h, w, 3), what the network takes, and then what it made of it

    @property
    def source(self) -> Path:
        return self.item.source


def _ahead(pool: ThreadPoolExecutor, function: Callable[[A], B], values: Iterable[A], depth: int) -> Iterator[B]:
    """Yield function(value) in order, computed in `pool`, at most `depth` values ahead of the caller."""
    waiting: deque[Future[B]] = deque()
    for value in values:
        waiting.append(pool.submit(function, value))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    yield from (future.result() for future in waiting)


def _decode(item: Item, size: Size, encoding: Encoding, max_pixels: int) -> list[_Job | Result]:
    try:
        if images.holds_frames(item.output, encoding):
            frames = images.read_frames(item.source, max_pixels, encoding.depth)
        else:
            frames = [images.read(item.source, max_pixels, encoding.depth)]
        images.check_fits(frames[0], images.format_of(item.output, encoding))
    except (ImageDecodeError, OutputError) as error:
        return [Result(item.source, None, "failed", str(error).removeprefix(f"{item.source} "))]
    return [_Job(item, frame, _seen(frame.rgb, size)) for frame in frames]


def _seen(rgb: Pixels, size: Size) -> Pixels:
    """Return what the network sees of a picture (H, W, 3)."""
    height, width, _ = rgb.shape
    scale = 1 if size == "native" else min(1, size / min(height, width))
    return rgb if scale == 1 else images.resize(rgb, round(height * scale), round(width * scale))


def _translate(
    translator: Translator, decoded: Iterable[_Job | Result], target: str, batch: int
) -> Iterator[_Job | Result]:
    """Translate the pixels of jobs, neighbours of equal size together; what has failed is passed on."""
    for _, group in groupby(decoded, lambda job: job.pixels.shape if isinstance(job, _Job) else None):
        while some := list(islice(group, batch)):
            jobs = [job for job in some if isinstance(job, _Job)]
            try:
                made = translator.batch([job.pixels for job in jobs], target) if jobs else []
            except WeightsError as error:  # not finite: find out which
                failed = Result(jobs[0].item.source, None, "failed", str(error))
                yield from [failed] if len(jobs) == 1 else _translate(translator, jobs, target, 1)
            else:
                made_of = zip(jobs, made, strict=True)
                yield from (replace(job, pixels=pixels) for job, pixels in made_of) if jobs else some


def _encode(frames: list[_Job | Result], encoding: Encoding) -> Result:
    """Write the frames of one file, or return why one of them failed."""
    jobs: list[_Job] = []
    for job in frames:
        if isinstance(job, Result):
            return job
        jobs.append(job)
    item, (height, width, _) = jobs[0].item, jobs[0].picture.rgb.shape
    results = [replace(job.picture, rgb=images.resize(job.pixels, height, width)) for job in jobs]
    lost = images.write(results, item.output, encoding)
    return Result(item.source, item.output, "done", notes=(*jobs[0].picture.notes, *lost), size=(height, width))


def _find(path: Path, missing: list[str]) -> Iterator[tuple[Path, Path]]:
    """Yield all files that an input means, each with the folder whose place the output folder takes."""
    try:
        if path.exists():
            root, matches = (path if path.is_dir() else path.parent), [path]
        else:
            root = Path(*takewhile(lambda part: not set(part) & set("*?["), path.parts))
            matches = sorted(root.glob(str(path.relative_to(root)))) if root != path else []
    except (OSError, ValueError):  # a folder above is closed to us; pathlib refuses the pattern
        matches = []
    if not matches:
        missing.append(str(path))
    for match in matches:
        yield from ((file, root) for file in (_walk(match, missing) if match.is_dir() else [match]))


def _walk(folder: Path, missing: list[str]) -> Iterator[Path]:
    """Yield all files below `folder` by name, but those in hidden folders; linked folders are followed."""
    seen: set[Path] = set()  # a linked folder may contain itself
    for parent, below, names in os.walk(folder, onerror=lambda error: missing.append(error.filename), followlinks=True):
        here = Path(parent).resolve()
        below[:] = [] if here in seen else sorted(name for name in below if not _hidden(name))
        yield from (Path(parent, name) for name in sorted(names) if here not in seen)
        seen.add(here)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _refuse_collisions(items: Sequence[Item], inputs: set[str]) -> None:
    taken: dict[str, Item] = {}
    for item in items:
        place = str(item.output.parent.resolve() / item.output.name).casefold()
        if place in inputs:
            raise SettingsError(f"{item.output} is an input and would be replaced. Choose another --out.")
        other = taken.setdefault(place, item)
        if other is not item:
            both = f"{other.source} and {item.source} would both become {item.output}"
            raise SettingsError(f"{both}. Rename one of them, or convert them into different folders.")
