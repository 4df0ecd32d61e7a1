"""A conversion as a user sees it: progress, failures, the summary; whatever does the work."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from translate.cli.summary import Outcome, latest, listing_failures, result_json
from translate.cli.terminal import Advance, progress, say, say_next, say_notes, stopping
from translate.places import is_remote

if TYPE_CHECKING:
    from translate.conversion.job import Job
    from translate.conversion.pipeline import Result
    from translate.conversion.planning import ConversionPlan


@dataclass(frozen=True)
class Showing:
    """What is printed and written about a conversion.

    Attributes:
        quiet: no progress and no notes.
        as_json: the summary as JSON.
        as_lines: each result as a line of JSON.
        watched: each result in words; Ctrl-C is how it ends well.
        report: write a page.
        grid: write a grid of pictures and results.
        failed: the file for what failed.
        format_said: whether the user chose the format of results.
    """

    quiet: bool = False
    as_json: bool = False
    as_lines: bool = False
    watched: bool = False
    report: bool = False
    grid: bool = False
    failed: Path | None = None
    format_said: bool = False


def show_conversion(
    job: "Job", plan: "ConversionPlan", engine: str, converted: Callable[[Advance], "Iterator[Result]"], how: Showing
) -> None:
    """Run a conversion, and tell what becomes of each picture.

    Args:
        job: what is done.
        plan: of the job.
        engine: on what, in words.
        converted: starts it; it may say how far it is.
        how: what is told.

    Raises:
        SomeFailed: some pictures failed.
        OutputError: as the conversion, or what is written about it cannot be.
    """
    from translate.shards.conversion import are_shards

    results: list[Result] = []
    started = time.perf_counter()
    silent = how.quiet or how.as_json or how.as_lines or how.watched
    with progress(silent) as tell, listing_failures(how.failed, plan, results), stopping(how.watched):
        for result in _shown(converted(tell), how):
            results.append(result)
    took = time.perf_counter() - started
    outcome = Outcome(latest(results), plan.ignored, plan.passed_over, job.goal, job.out, engine, took)
    outcome.write(how.report, how.grid, job.settings.limits)
    if not how.quiet:
        say_notes(outcome.notes(how.format_said or not (job.out and job.out.is_dir())))
    if not how.as_lines:
        outcome.show(how.as_json)
    elif not how.quiet:
        say(outcome.summary())
    has_no_page = are_shards(job.inputs) or any(map(is_remote, (*job.inputs, job.out or "")))
    say_next(outcome.next_step(how.report or has_no_page), how.quiet or how.as_json or how.as_lines)
    outcome.check()


def counting(results: "Iterator[Result]", total: int, tell: Advance) -> "Iterator[Result]":
    """Pass results on, and tell how many there are."""
    for number, result in enumerate(results, start=1):
        tell("translating", number, total, "")
        yield result


def _shown(results: "Iterator[Result]", how: Showing) -> "Iterator[Result]":
    """Pass results on and print them: as lines of JSON, the failures, or where they are watched all that are done."""
    for result in results:
        if how.as_lines:
            print(json.dumps(result_json(result)), flush=True)
        if result.status == "failed":
            say(f"Failed: {result.source}: {result.reason}")
        elif how.watched and not how.quiet and result.status == "done":
            say(f"{result.source} -> {result.output}")
        yield result
