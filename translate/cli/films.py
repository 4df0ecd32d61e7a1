"""`translate apply` of films."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from translate.cli.pipes import STREAM
from translate.cli.summary import result_json, running_on
from translate.cli.terminal import Advance, duration, printable, progress, say, say_next, say_notes, show
from translate.errors import SettingsError, SomeFailed, counted

if TYPE_CHECKING:
    from translate.conversion.job import Job
    from translate.conversion.pipeline import Result
    from translate.films.job import FilmJob, FilmPlan
    from translate.inference.translator import Translator


# Options of `apply` that say nothing of films.
REFUSED = ("strengths", "in_place", "report", "watch", "compare", "failed", "shard", "isolate", "flat", "on_collision",
           "jsonl")  # fmt: skip
OF_PICTURES = ("max_frames", "max_file_mb")  # and nothing of films, but of pictures that become one


def are_films(inputs: Sequence[str], out: Path | None, fps: str | None) -> bool:
    """Tell whether a command is about films: it names one, or asks for one. Raises `SettingsError` for a lone --fps."""
    from translate import video

    if any(video.is_film(Path(word)) for word in inputs) or (out is not None and video.is_film(out)):
        return True
    if fps is not None:
        raise SettingsError("--fps is for a film that is made of pictures: name it in --out, such as film.mp4.")
    return False


def convert(job: "Job", fps: str | None, load: "Callable[..., Translator]", context: typer.Context) -> None:
    """Convert what a job says; see `FilmJob` for errors.

    Args:
        job: its words, place, target and settings.
        fps: frames a second, of pictures that become a film.
        load: loads the model; its keyword `pictures` is how many there are.
        context: of the command, whose other options are looked up here.
    """
    from translate import video

    from_film = any(video.is_film(Path(word)) for word in job.inputs)
    refused = (*REFUSED, *OF_PICTURES) if from_film else REFUSED
    if wrong := [name for name in refused if str(context.get_parameter_source(name)).endswith("COMMANDLINE")]:
        raise SettingsError(f"--{wrong[0].replace('_', '-')} does not go with films.")
    asked, dry_run, quiet, as_json = (context.params[name] for name in ("device", "dry_run", "quiet", "json_"))
    video.check_installed()
    from translate.films.job import FilmJob
    from translate.films.sources import read_rate

    assert job.out is not None
    if STREAM in (*job.inputs, str(job.out)):
        raise SettingsError("Films go through no pipes, which - stands for. Name files, or ./- for one called so.")
    if fps is not None and from_film:
        raise SettingsError("A film keeps the times of its frames; --fps is for a film that is made of pictures.")
    settings = job.settings if fps is None else replace(job.settings, fps=read_rate(fps))
    films = FilmJob(job.about, job.inputs, job.out, job.to, settings, job.overwrite)
    plan = films.plan()
    if dry_run:
        _show_plan(films, plan, as_json)
        return
    translator = load(pictures=sum(films.facts(film)["frames"] for film in plan.films))
    if not quiet:
        say(f"To {films.target}. {running_on(translator.engine, asked)}")
    results, started, counter = list["Result"](), time.perf_counter(), _Counter()
    with progress(quiet or as_json) as advance:
        for result in films.run(translator, plan, partial(counter.tell, advance)):
            results.append(result)
            if result.status == "failed":
                say(f"Failed: {result.source}: {result.reason}")
            say_notes([] if quiet else [f"{note}: {result.source}" for note in result.notes])
    _show_results(results, counter.frames, time.perf_counter() - started, as_json)
    if not (quiet or as_json) and counter.frames and job.settings.steady:
        say_next("the same command with --steady 0, should things leave a trail where they move")


class _Counter:
    """Counts the frames that are written now."""

    def __init__(self) -> None:
        self.frames = 0

    def tell(self, advance: Advance, what: str, done: int, total: int) -> None:
        self.frames += 1
        advance(printable(what), done, total if done <= total else 0, "")


def _show_results(results: "Sequence[Result]", frames: int, took_s: float, as_json: bool) -> None:
    counts = {status: sum(one.status == status for one in results) for status in ("done", "skipped", "failed")}
    words = ", ".join(f"{count} {status}" for status, count in counts.items())
    rate = f" {counted(frames, 'frame')} in {duration(took_s)}, {frames / took_s:.2f} frames/s." if frames else ""
    places = [printable(one.output) for one in results if one.output]
    line = f"Films: {words}.{rate}" + (f" Results are in {', '.join(places)}." if places else "")
    items = [result_json(one) for one in results]
    show({**counts, "frames": frames, "elapsed_s": round(took_s, 3), "results": items}, [line], as_json)
    if failed := counts["failed"]:
        raise SomeFailed(f"{failed} of {counted(len(results), 'film')} failed, for the reasons above.")


def _show_plan(films: "FilmJob", plan: "FilmPlan", as_json: bool) -> None:
    """Print what would be done."""
    lines: list[str] = []
    items: list[dict[str, Any]] = []
    for film in plan.films:
        facts: dict[str, Any] = films.facts(film)
        items.append({"source": str(film.source), "output": str(film.output), **facts})
        said = facts["reason"] or (
            f"{facts['width']} x {facts['height']} pixels, {facts['frames'] or 'an unknown number of'} frames,"
            f" {float(Fraction(facts['rate'])):.3f} a second"
        )
        lines.append(f"{printable(film.source)} -> {printable(film.output)}: {said}")
    lines += [f"Not found: {printable(word)}" for word in plan.missing]
    lines.append(f"{counted(len(plan.films), 'film')} to {films.target}; {len(plan.existing)} already there.")
    existing = [{"source": str(item.source), "output": str(item.output)} for item in plan.existing]
    show({"to": films.target, "items": items, "existing": existing, "missing": plan.missing}, lines, as_json)
    say_next("the same command without --dry-run", as_json)
