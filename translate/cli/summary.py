"""What `translate apply` tells at its end, and what it writes beside the results."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from translate.cli.options import models
from translate.cli.terminal import duration, printable, say, say_next, show
from translate.errors import OutputError, SettingsError, SomeFailed, counted

if TYPE_CHECKING:
    from translate.conversion.job import Job
    from translate.conversion.pipeline import Result
    from translate.conversion.planning import ConversionPlan, Item
    from translate.devices import Engine
    from translate.images import Limits
    from translate.tensors import Pixels

GRID = 32  # pictures, at most, in a grid
GRID_SIDE = 256  # pixels of each
GRID_COLUMNS = 4  # of pictures and their results
GRID_GAP = 8  # pixels


def show_models(model: str | None) -> None:
    """Print which models are here, and what to type next. Raises `SettingsError` where one was named already."""
    if model is not None:
        raise SettingsError(f"What should {printable(model)} translate? Name pictures or folders, and --out RESULTS.")
    from translate import cards

    known = {name: cards.weights(name) for name in cards.names("weights")}
    here = [name for name in models("") if name not in known or not known[name].features]
    titles = {name: known[name].title if name in known else "your own" for name in here}
    width = max(map(len, titles)) + 2
    print("\n".join(["Name a model and pictures. These models are here:", ""]))
    print("\n".join(f"  {printable(name):<{width}}{title}" for name, title in titles.items()))
    print("\nNext: translate apply monet PHOTOS --out painted    (translate weights list knows more)")


def running_on(engine: "Engine", asked: str) -> str:
    """Say on which device, and why on this one where the device `asked` for was "auto"."""
    why = engine.fixed or ("no GPU was found" if engine.device.type == "cpu" else "a GPU was found")
    return f"Running on {engine}{f': {why}' if asked == 'auto' else ''}."


def show_plan(job: "Job", plan: "ConversionPlan", running: str, as_json: bool) -> None:
    """Print what would be done: what becomes of each picture, how large, and how it would be run."""
    from translate.conversion.preview import previews

    lines: list[str] = []
    items: list[dict[str, Any]] = []
    most_bytes = 0
    for preview in previews(plan, job.settings, job.about):
        source, output = printable(preview.item.source), printable(preview.item.output)
        sizes = (
            f"{_pixels(preview.size)} pixels, seen at {_pixels(preview.seen)}" if preview.frames else "not looked at"
        )
        frames = f", {preview.frames} frames" if preview.frames > 1 else ""
        lines.append(f"{source} -> {output}: {printable(preview.reason) or sizes + frames}")
        facts = {name: value for name, value in asdict(preview).items() if name != "item"}
        items.append({"source": str(preview.item.source), "output": str(preview.item.output), **facts})
        most_bytes += preview.most_bytes
    lines += [f"Not found: {printable(word)}" for word in plan.missing]
    lines.append(
        f"{counted(len(plan.items), 'picture')} to {job.goal}; {len(plan.existing)} already there,"
        f" {len(plan.missing)} not found, {plan.ignored} ignored (no pictures){passed_over(plan.passed_over)}."
    )
    lines += [f"Results take {most_bytes / 1e6:.1f} MB at most, which is without compression.", running]
    existing = [{"source": str(item.source), "output": str(item.output)} for item in plan.existing]
    tree = {"to": job.goal, "items": items, "existing": existing, "missing": plan.missing, "ignored": plan.ignored}
    tree["passed_over"] = plan.passed_over
    show({**tree, "model": job.about.sha256, "most_bytes": most_bytes, "running": running}, lines, as_json)
    say_next("the same command without --dry-run", as_json)


def passed_over(folders: int) -> str:
    """Say how many folders of a system were not entered, if there were some."""
    return f", {counted(folders, 'system folder')} passed over" if folders else ""


def result_json(result: "Result") -> dict[str, Any]:
    """Return what JSON output says of a result; its paths can be opened, whatever bytes and signs are in them."""
    return {
        "source": str(result.source),
        "output": str(result.output) if result.output else None,
        "status": result.status,
        "reason": result.reason,
        "notes": result.notes,
    }


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"


def latest(results: "Iterable[Result]") -> "list[Result]":
    """Return the last result of each picture: one that was half copied when it failed has another one later."""
    return list({(result.word, result.target): result for result in results}.values())


@contextlib.contextmanager
def listing_failures(place: Path | None, plan: "ConversionPlan", results: "Sequence[Result]") -> Iterator[None]:
    """Write into the file `place`, if any, what has failed in the block; if that is broken off, also what is left.

    Raises:
        OutputError: the file cannot be written.
    """
    from translate.conversion.lists import write_list
    from translate.files import write_bytes

    def write(left: "Sequence[Item]") -> None:
        if place:
            words = [result.word for result in latest(results) if not result.output] + [item.word for item in left]
            write_bytes(place, write_list(words))

    try:
        yield
    except BaseException:
        begun = len(results) - len(plan.missing) - len(plan.existing)
        with contextlib.suppress(OutputError):
            write(plan.items[max(begun, 0) :])
        raise
    write(())


@dataclass(frozen=True)
class Outcome:
    """What became of all pictures."""

    results: "Sequence[Result]"
    ignored: int
    passed_over: int
    target: str
    out: Path | None  # None: the places of the pictures
    engine: str
    elapsed_s: float

    def count(self, status: str) -> int:
        """Count the pictures that were "done", "skipped" or "failed"."""
        return sum(result.status == status for result in self.results)

    def write(self, report: bool, grid: bool, limits: "Limits") -> None:
        """Write what was asked for: the page with sliders, the grid.

        Raises:
            ImageDecodeError: a picture of the grid cannot be read any more, or is larger than `limits`.
            OutputError: a file cannot be written.
        """
        from translate import files, images
        from translate.report.gallery import Row, gallery

        folder = Path() if self.out is None else self.out if self.out.is_dir() else self.out.parent
        if report:
            rows = [Row(result.source, result.output, result.reason, result.status) for result in self.results]
            page = gallery(f"To {self.target}", self.summary(), rows, folder, limits)
            files.write_text(folder / "report.html", page)
            say(f"Look at {folder / 'report.html'}.")
        written = [result for result in self.results if result.output]
        if grid and written:
            pairs = [self._pair(result, limits) for result in written[:GRID]]
            lines = [pairs[start : start + GRID_COLUMNS] for start in range(0, len(pairs), GRID_COLUMNS)]
            images.write_pixels(images.sheet(lines, GRID_GAP), folder / "grid.compare.png")

    def notes(self, suffixes_said: bool) -> list[str]:
        """Say what reading and writing changed, once for all pictures that it happened to.

        Args:
            suffixes_said: whether the user chose the format of results, so that another suffix needs no note.
        """
        happened: dict[str, list[Path]] = {}
        for result in self.results:
            before, after = result.source.suffix, result.output.suffix if result.output else ""
            renamed = result.status == "done" and before.lower() != after and not suffixes_said
            for note in (*result.notes, *([f"{before or 'no suffix'} became {after}"] if renamed else [])):
                happened.setdefault(note, []).append(result.source)
        return [
            f"{note}: {sources[0]}{f' and {len(sources) - 1:,} more' if len(sources) > 1 else ''}"
            for note, sources in happened.items()
        ]

    def summary(self) -> str:
        """Say in a sentence what became of all pictures, how fast, and where they are."""
        words = ", ".join(f"{self.count(status)} {status}" for status in ("done", "skipped", "failed"))
        rate = f", {self.count('done') / self.elapsed_s:.2f} pictures/s" if self.count("done") else ""
        took = f" in {duration(self.elapsed_s)}{rate}"
        where = "in place of their pictures, which are kept in .originals" if self.out is None else f"in {self.out}"
        place = f" Results are {printable(where)}." if any(result.output for result in self.results) else ""
        return f"{words}, {self.ignored} ignored (no pictures){passed_over(self.passed_over)}{took}.{place}"

    def show(self, as_json: bool) -> None:
        """Print the summary."""
        items = [result_json(result) for result in self.results]
        counts = {status: self.count(status) for status in ("done", "skipped", "failed")}
        tree = {"to": self.target, "out": self.out, "engine": self.engine, **counts, "ignored": self.ignored}
        tree["passed_over"] = self.passed_over
        show({**tree, "elapsed_s": round(self.elapsed_s, 3), "results": items}, [self.summary()], as_json)

    def next_step(self, report: bool) -> str:
        """Return what may be typed next, after results with a page that shows them, or none that could, or without."""
        if not any(result.output for result in self.results):
            return ""
        if self.out is None:
            return "translate undo PLACE puts the originals back, should you want them"
        with_ = "--strength 0.6, for weaker results" if report else "--report, for a page of all before and after"
        return f"the same command with {with_}"

    def check(self) -> None:
        """Raise `SomeFailed` if pictures failed."""
        if failed := self.count("failed"):
            others = "; the others are done" if failed < len(self.results) else ""
            raise SomeFailed(
                f"{failed} of {counted(len(self.results), 'picture')} failed, for the reasons above{others}."
            )

    def _pair(self, result: "Result", limits: "Limits") -> "Pixels":
        """Show a picture under its name, and beside it its result, under what it was translated to."""
        from translate import images
        from translate.data.made import square

        pictures = [images.read(path, limits) for path in (result.source, result.output) if path]
        tiles = [square(images.laid_on(picture, images.WHITE).rgb, GRID_SIDE) for picture in pictures]
        captions = (printable(result.source.name), f"to {result.target}")
        return images.sheet([tiles], captions=captions)
