"""Converting shards: archive in, archive out, whole or absent; the pictures of each are a job of their own."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath

from translate.conversion.inputs import matching
from translate.conversion.job import Job
from translate.conversion.manifest import Manifest
from translate.conversion.masks import Masks
from translate.conversion.pipeline import Result, Status, without_work
from translate.conversion.planning import MIRRORED, ConversionPlan, Item, in_shard
from translate.conversion.presence import presence
from translate.conversion.stamps import stamps_of
from translate.errors import DataError, SettingsError
from translate.files import as_output_error, atomic_file
from translate.inference.translator import Translator
from translate.places import Entry, RemotePath, is_of_disk, listing, path_of, refuse_as_output
from translate.shards.archive import Parts, put_together, take_apart
from translate.shards.braces import expanded

SUFFIX = ".tar"
TAKEN = "another member of its shard gets this name, too; --on-collision suffix keeps them apart"


def are_shards(inputs: Sequence[str | Path]) -> bool:
    """Tell whether words mean shards, which is whether they end in .tar.

    Raises:
        SettingsError: some do, and others do not.
    """
    found = [str(word).lower().endswith(SUFFIX) for word in inputs]
    if any(found) and not all(found):
        raise SettingsError("Shards, which end in .tar, and pictures are converted by different commands. Part them.")
    return any(found)


def plan_shards(job: Job) -> ConversionPlan:
    """Find the shards that a job names, and decide what each becomes. Nothing is written.

    Args:
        job: its inputs are archives, with braces as in `{000..999}.tar`, or patterns; its output is a folder. Its
            shard is a part of the archives.

    Raises:
        SettingsError: two would become one file, or one would replace an input.
        DataError: there are none.
        OutputError: the output cannot be looked at.
    """
    out = job.out
    assert out is not None
    refuse_as_output(out)
    job.settings.treatment.of(job.about)
    if job.settings.compare or (job.settings.mask and job.settings.mask.is_dir()):
        raise SettingsError("Shards go without --compare, and with one mask for all pictures. Leave out the others.")
    found, missing = _find(job.inputs)
    if not found:
        raise DataError(f"There are no shards: {', '.join(missing[:5])} not found.")
    items = [
        Item(
            source,
            out / (target if job.has_several_targets else "") / source.name,
            Path(source.name),
            target,
            listed=entry,
        )
        for source, entry in found.items()
        for target in job.targets
    ]
    _refuse_collisions(items, {path.resolve() for path in found})
    is_there, manifest = presence(out), Manifest(out, job.about, job.settings)
    outdated = manifest.outdated()
    items = [item for item in items if in_shard(item.source.name, job.shard)]
    existing = {item for item in items if not job.overwrite and is_there(item.output) and not outdated(item)}
    waiting = tuple(item for item in items if item not in existing)
    there = manifest.existing(item for item in items if item in existing)
    return ConversionPlan(waiting, tuple(missing), 0, there, place=out)


def _refuse_collisions(items: Sequence[Item], inputs: set[Path]) -> None:
    taken: dict[Path, Item] = {}
    for item in items:
        if item.output.resolve() in inputs:
            raise SettingsError(f"{item.output} is an input and would be replaced. Choose another --out.")
        other = taken.setdefault(item.output, item)
        if other is not item:
            raise SettingsError(
                f"{other.source} and {item.source} would both become {item.output}. Convert them into two folders."
            )


def convert_shards(
    job: Job, plan: ConversionPlan, translator: Translator, done: Callable[[int], object]
) -> Iterator[Result]:
    """Convert shards, one after the other; each is there when all of it is.

    Args:
        job: the same as for `plan_shards`.
        plan: from there.
        translator: the model.
        done: is told how many shards are done.

    Yields:
        A result for each picture of a shard, under the path that it has below its shard, and for each shard that is
        there already, is missing or is none.

    Raises:
        OutputError, DeviceError: as `Job.run`.
    """
    manifest = Manifest(job.out, job.about, job.settings)
    masks = Masks(job.settings.mask) if job.settings.mask else None
    yield from without_work(plan.missing, plan.existing)
    for number, item in enumerate(plan.items, start=1):
        item = replace(item, stamps=stamps_of(item, masks))
        shard, failed = _Shard(job, item, translator), list[Result]()
        try:
            for result in shard.convert():
                failed += [result] if result.status == "failed" else []
                yield result
        except DataError as error:
            yield Result(item.source, item.word, None, "failed", str(error), target=item.target)
        else:
            status: Status = "failed" if failed else "done"
            made = Result(item.source, item.word, item.output, status, _lack(item, failed), item=item)
            for _ in manifest.recorded([made]):
                pass
        done(number)


def _lack(item: Item, failed: Sequence[Result]) -> str:
    """Say what a shard lacks because these have failed; empty: nothing."""
    if not failed:
        return ""
    first = failed[0]
    name = "" if first.source == item.source else f"{first.source.relative_to(item.source)}: "
    return f"{name}{first.reason}{f' (and {len(failed) - 1:,} more)' if len(failed) > 1 else ''}"


@dataclass(frozen=True)
class _Shard:
    job: Job
    item: Item
    translator: Translator

    def convert(self) -> Iterator[Result]:
        """Yield what became of each picture. Raises `DataError` where there is no archive to read."""
        with tempfile.TemporaryDirectory(prefix="translate-shard-") as name:
            folder = Path(name)
            archive = self._here(folder)
            (folder / "in").mkdir()
            parts = self._taken_apart(archive, folder / "in")
            for member, reason in parts.failures.items():
                yield self._result(member, reason)
            results: dict[int, tuple[str, Path]] = {}
            names = {parts.members[number].name for number in parts.carried}
            for number, result in self._translated(parts, folder):
                before = parts.members[number].name
                after = self._name(before, result.output) if result.output else ""
                if result.output and after in names:
                    result = replace(result, output=None, status="failed", reason=TAKEN)
                if result.output:
                    names.add(after)
                    results[number] = after, result.output
                    result = replace(result, output=self.item.output / after)
                yield replace(result, source=self.item.source / before, word=self._word(before), item=None)
            self._write(archive, parts, results, folder)

    def _translated(self, parts: Parts, folder: Path) -> Iterator[tuple[int, Result]]:
        if parts.pictures:
            job = replace(
                self.job,
                inputs=(folder / "in",),
                out=folder / "out",
                to=self.item.target,
                naming=MIRRORED,
                shard=(1, 1),
            )
            for result in job.run(self.translator):
                yield int(result.source.stem), result

    def _taken_apart(self, archive: Path, folder: Path) -> Parts:
        try:
            return take_apart(archive, folder)
        except OSError as error:
            if is_of_disk(error):
                with as_output_error(folder):
                    raise
            raise DataError(f"it cannot be read: {error.strerror or error}") from error

    def _here(self, folder: Path) -> Path:
        """Return the archive on this machine."""
        source = self.item.source
        if not isinstance(source, RemotePath):
            return source
        try:
            source.copy_to(folder / "in.tar")
        except OSError as error:
            raise DataError(f"it cannot be fetched: {error.strerror or error}") from error
        return folder / "in.tar"

    def _write(self, archive: Path, parts: Parts, results: dict[int, tuple[str, Path]], folder: Path) -> None:
        output = self.item.output
        if isinstance(output, RemotePath):
            with as_output_error(output):
                put_together(archive, parts, results, folder / "out.tar")
                output.copy_from(folder / "out.tar")
        else:
            with atomic_file(output) as temporary:
                put_together(archive, parts, results, temporary)

    def _name(self, before: str, result: Path) -> str:
        """Return the name of a result in its archive: that of its picture, with the suffix of what was written."""
        path = PurePosixPath(before)
        if path.suffix == result.suffix:
            return before
        return before + result.suffix if self.job.naming.keep_suffix else str(path.with_suffix(result.suffix))

    def _result(self, member: str, reason: str) -> Result:
        source = self.item.source / member.lstrip("/") if member else self.item.source
        return Result(source, self._word(member), None, "failed", reason, target=self.item.target)

    def _word(self, member: str) -> str:
        return f"{self.item.source}/{member}" if member else self.item.word


def _find(words: Sequence[str | Path]) -> tuple[dict[Path, Entry | None], list[str]]:
    """Return the archives that words mean, in order, with what a store says of them; and the words that mean none."""
    found: dict[Path, Entry | None] = {}
    missing: list[str] = []
    listings: dict[Path, dict[RemotePath, Entry]] = {}
    for word in chain.from_iterable(expanded(str(one)) for one in words):
        path = path_of(word)
        matches: dict[Path, Entry | None] = {}
        if isinstance(path, RemotePath):
            if path.parent not in listings:
                listings[path.parent] = listing(path.parent).entries
            matches = {
                file: entry for file, entry in listings[path.parent].items()
                if file == path or (file.parent == path.parent and fnmatchcase(file.name, path.name))
            }  # fmt: skip
        else:
            matches = {file: None for file in matching(path) if file.is_file()}
        if not matches:
            missing.append(word)
        found |= matches
    return found, missing
