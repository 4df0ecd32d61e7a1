"""`translate train`."""

import time
from typing import TYPE_CHECKING, Literal

import typer

from translate.cli import train_options as options
from translate.cli.data import fetch_pictures
from translate.cli.options import (
    Device,
    MaybeCompile,
    MaybeMaxPixels,
    MaybePrecision,
    Quiet,
    Set,
    count_or_none,
    read_domains,
)
from translate.cli.terminal import command_line, duration, printable, progress, read_duration, say, say_notes
from translate.errors import SettingsError, exit_code_of

if TYPE_CHECKING:
    from translate.runs import Run
    from translate.training.loop import Report

LONG_S = 12 * 3600.0  # a run that takes longer says so before it begins


def train(
    data: options.Data = None,
    domain: options.Domain = None,
    method: options.Method = None,
    out: options.Out = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    time_: options.Time = None,
    more: options.More = None,
    size: options.Size = None,
    batch: options.Batch = None,
    accumulate: options.Accumulate = None,
    begin_from: options.From = None,
    seed: options.Seed = None,
    device: Device = "auto",
    precision: MaybePrecision = None,
    compile: MaybeCompile = None,
    deterministic: options.Deterministic = False,
    nan_policy: options.NanPolicy = None,
    bad: options.Bad = None,
    max_pixels: MaybeMaxPixels = None,
    workers: options.Workers = 0,
    grace: options.Grace = None,
    config: options.Config = None,
    set_: Set = None,
    download: options.Download = False,
    track: options.Track = None,
    tensorboard: options.Tensorboard = False,
    dry_run: options.DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Learn to translate pictures, or to draw them. The same command again continues a stopped run."""
    from translate import parallel, runs

    seconds = None if time_ is None else read_duration(time_)
    with parallel.joined():
        if download:
            _fetch(data, quiet)
        run = runs.prepare(
            data, domains=read_domains(domain or []), out=out, begin_from=begin_from, config=config, words=set_ or [],
            method=method, steps=steps, epochs=epochs, seconds=seconds, more=more, size=size, batch=_batch(batch),
            accumulate=accumulate, seed=seed, precision=precision, compile=compile, deterministic=deterministic or None,
            nan_policy=nan_policy, bad=bad, device=device, workers=workers, track=track or (), tensorboard=tensorboard,
            max_pixels=count_or_none(max_pixels, "--max-pixels"),
            grace_s=None if grace is None else read_duration(grace),
        )  # fmt: skip
        if parallel.rank() > 0:
            _follow(run, dry_run, quiet)
        elif dry_run:
            _print_estimate(run)
        elif run.finished:
            _print_finished(run)
        else:
            _train(run, quiet)
    if run.interrupted is not None:
        raise typer.Exit(exit_code_of(run.interrupted))


def _fetch(data: str | None, quiet: bool) -> None:
    """Fetch a known dataset, in the first process only."""
    from translate import cards, parallel

    if data is None:
        raise SettingsError("--download needs the name of a dataset; `translate data list` shows them.")
    if parallel.rank() == 0 and not cards.dataset(data).drawn:
        fetch_pictures(data, quiet=quiet)
    parallel.wait()


def _train(run: "Run", quiet: bool) -> None:
    started = time.perf_counter()
    say_notes(run.dataset.notes)
    if not quiet:
        counts = ", ".join(f"{len(pictures)} {domain}" for domain, pictures in run.dataset.train.items())
        batch = f"batches of {run.recipe.training.batch}"
        say(f"{run.recipe.method.name} on {run.dataset.name}: {counts}; {batch}. Running on {run.engine}.")
        _say_how_long(run)
    explained = quiet
    with progress(quiet) as advance:
        for report in run.start(lambda domain, read, total: advance(f"reading {domain}", read, total, "")):
            if run.terms and not explained:
                say(_legend(run))
                explained = True
            advance("training", report.step, run.steps, _describe(report, run))
            say_notes(run.take_notes())
    say_notes(run.take_notes())
    if run.interrupted is not None:
        done = f"Stopped after {run.step} of {run.steps} steps; everything is saved."
        if not run.steps:
            done = "Stopped while pictures were read, before a step was done."
        say(f"{done} Continue with: {command_line()}")
        return
    _print_finished(run, duration(time.perf_counter() - started))


def _print_finished(run: "Run", took: str = "") -> None:
    from translate.runs.finished import lines_of_finished

    print("\n".join(map(printable, lines_of_finished(run, took))))


def _say_how_long(run: "Run") -> None:
    seconds, begun = run.seconds_left(), run.about() is not None
    if seconds is None:
        return
    say(f"{'What is left' if begun else 'This'} will take about {duration(seconds)} on this machine.")
    if not begun and (advice := _shorter(run, seconds)):
        say(advice)


def _shorter(run: "Run", seconds: float) -> str:
    """Say what takes less time than a run that will take so many seconds; nothing where that was asked for, or is fine.

    By default a run is as long as that of its paper.
    """
    if seconds <= LONG_S or run.recipe.training.seconds:
        return ""
    two = run.dataset.targets.are_sets and len(run.dataset.domains) == 2
    quick = "--config quick learns a style in ten minutes, and " if two else ""
    return f"That is {seconds / 86400:.1f} days. {quick}--time 10h does as many steps as fit into ten hours."


def _follow(run: "Run", dry_run: bool, quiet: bool) -> None:
    """Do the part of another process than the first, silently."""
    if dry_run:
        run.estimate_cost()
    elif not run.finished:
        if not quiet:
            run.seconds_left()
        for _ in run.start():
            pass


def _batch(word: str | None) -> int | Literal["auto"] | None:
    if word is None:
        return None
    if word == "auto":
        return "auto"
    if not word.isdecimal():
        raise SettingsError(f"--batch takes a number of pictures, or auto; found {word!r}.")
    return int(word)


def _print_estimate(run: "Run") -> None:
    estimate = run.estimate_cost()
    print(run.recipe.to_json())
    say_notes(run.dataset.notes)
    for domain, pictures in run.dataset.train.items():
        counts = f"{len(pictures)} training pictures, {len(run.dataset.test.get(domain, ()))} test pictures"
        held_out = run.dataset.held_out.get(domain)
        print(f"{domain}: {counts}" + (f", {len(held_out)} held out" if held_out is not None else ""))
    if run.dataset.attributes:
        print(f"attributes: {', '.join(run.dataset.domains)}")
    for player, count in estimate.parameters.items():
        print(f"player {player}: {count:,} parameters")
    thousand, whole = duration(1000 * estimate.seconds_per_step), duration(estimate.seconds)
    print(f"about {thousand} for 1,000 steps, {whole} for all {estimate.steps:,} with what is saved on the way")
    if advice := _shorter(run, estimate.seconds):
        print(advice)
    if estimate.memory_bytes:
        print(f"about {estimate.memory_bytes / 1e9:.1f} GB of memory")
    print(f"would write to {run.out}, running on {run.engine}")


def _legend(run: "Run") -> str:
    """Say in short what to expect of the losses, by their names."""
    trends: dict[str, list[str]] = {}
    for name, term in run.terms.items():
        expected = {
            "falls": "fall",
            "hovers": f"hover around {term.equilibrium or 0:.2f}",
            "free": "may have any level",
        }
        if term.trend in expected:
            trends.setdefault(expected[term.trend], []).append(name)
    listed = "; ".join(f"{', '.join(names)} {trend}" for trend, names in trends.items())
    return f"Losses, when it goes well: {listed}. What each means stands in {run.out / 'report.html'}."


def _describe(report: "Report", run: "Run") -> str:
    """Describe a logged report in a line; the empty one of another report leaves the last line as it is."""
    from translate.memory import peak_memory

    if not report.losses:
        return ""
    shown = [name for name in report.losses if name not in run.terms or run.terms[name].trend != "share"]
    losses = " ".join(f"{name} {report.losses[name]:.2f}" for name in shown)
    skipped = f"  skipped {report.skipped}" if report.skipped else ""
    speed = run.recipe.training.batch / report.seconds_per_step
    memory = peak_memory(run.engine.device)
    taken = f"  {memory / 1e9:.1f} GB" if memory else ""
    return f"epoch {report.step / run.steps_per_epoch:.1f}  {speed:.1f} images/s  {losses}{skipped}{taken}"
