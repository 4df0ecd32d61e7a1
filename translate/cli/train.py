"""`translate train`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from translate.cli.data import fetch_pictures
from translate.cli.options import Device, MaybeCompile, MaybePrecision, Quiet, Set, datasets
from translate.cli.terminal import command_line, duration, progress, read_duration, say
from translate.errors import SettingsError, exit_code_of

if TYPE_CHECKING:
    from translate.runs import Run
    from translate.training.loop import Report


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A dataset's name, or a folder with trainA and trainB, or A and B, or a folder for each domain.",
            autocompletion=datasets,
        ),
    ] = None,
    domain: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER, twice or more, instead of DATA.")] = None,
    method: Annotated[
        str | None, typer.Option(help="The translation method; cyclegan unless the dataset's recipe differs.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME by default.")] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Length in steps: of a rate that decays, the second half decays."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Length in epochs; the same schedule, by epochs.")] = None,
    time_: Annotated[
        str | None, typer.Option("--time", help="Length in time, such as 30m or 1h30m: counted in steps once.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the training crops in pixels, a multiple of 4, at least 32.")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            help="Pictures of each domain in a step; under torchrun, in each process. auto: what fits into memory."
        ),
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Parts of the batch that are worked on one after the other: takes less memory.")
    ] = None,
    begin_from: Annotated[
        str | None, typer.Option("--from", help="Begin with the networks of this model: a run, a file, or a name.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything that is drawn at random.")] = None,
    device: Device = "auto",
    precision: MaybePrecision = None,
    compile: MaybeCompile = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="On a GPU, too, compute the same bits every time; that is slower.")
    ] = False,
    nan_policy: Annotated[
        Literal["stop", "recover"] | None,
        typer.Option(
            help="When losses are not finite again and again: stop, or once go back and on with half the rate.",
            show_default="the recipe's, or stop",
        ),
    ] = None,
    bad: Annotated[
        Literal["skip", "error"] | None,
        typer.Option(
            help="Pictures that cannot be read: skip up to a hundredth, and 100; or stop at the first.",
            show_default="the recipe's, or skip",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Threads that prepare batches ahead.")] = 0,
    grace: Annotated[
        str | None, typer.Option(help="End so long after a signal, such as 25s, even if the step is not done.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings, or small: for a CPU.")] = None,
    set_: Set = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a known dataset first if it is not here; see `translate data`.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write for TensorBoard too; needs the extra `track`.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done and what it would cost, and stop.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Learn to translate between two folders of pictures. The same command again continues a stopped run."""
    from translate import cards, parallel, runs

    seconds = None if time_ is None else read_duration(time_)
    with parallel.joined():
        if download:
            if data is None:
                raise SettingsError("--download needs the name of a dataset; `translate data list` shows them.")
            if parallel.rank() == 0 and not cards.dataset(data).drawn:
                fetch_pictures(data, quiet=quiet)
            parallel.wait()
        run = runs.prepare(
            data, domains=_domains(domain or []), method=method, out=out, steps=steps, epochs=epochs, seconds=seconds,
            size=size, batch=_batch(batch), accumulate=accumulate, seed=seed, device=device, precision=precision,
            compile=compile, deterministic=deterministic or None, nan_policy=nan_policy, bad=bad, workers=workers,
            config=config, tensorboard=tensorboard, words=set_ or [],
            grace_s=None if grace is None else read_duration(grace), begin_from=begin_from,
        )  # fmt: skip
        if parallel.rank() > 0:
            _follow(run, dry_run)
        elif dry_run:
            _print_prospect(run)
        elif run.finished:
            print(f"The run in {run.out} is finished. Use it: {_next(run)}")
        else:
            _train(run, quiet)
    if run.interrupted is not None:
        raise typer.Exit(exit_code_of(run.interrupted))


def _train(run: "Run", quiet: bool) -> None:
    started = time.perf_counter()
    if not quiet:
        counts = ", ".join(f"{len(pictures)} {domain}" for domain, pictures in run.dataset.train.items())
        batch = f"batches of {run.recipe.training.batch}"
        say(f"{run.recipe.method.name} on {run.dataset.name}: {counts}; {batch}. Running on {run.engine}.")
    said, explained = 0, quiet
    with progress(quiet) as advance:
        for report in run.start(lambda domain, read, total: advance(f"reading {domain}", read, total, "")):
            if run.terms and not explained:
                say(_legend(run))
                explained = True
            advance("training", report.step, run.steps, _describe(report, run))
            said = _say_notes(run, said)
    _say_notes(run, said)
    if run.interrupted is not None:
        done = f"Stopped after {run.step} of {run.steps} steps; everything is saved."
        if not run.steps:
            done = "Stopped while pictures were read, before a step was done."
        say(f"{done} Continue with: {command_line()}")
        return
    about = run.about()
    for name, score in (about.scores if about else {}).items():
        print(f"{name}: {score:.3f}")
    print(f"Finished {run.steps} steps in {duration(time.perf_counter() - started)}. In {run.out}:")
    print("  report.html  how it went    samples/ and progress.gif  what it learned    model.safetensors  the result")
    print(f"Next: {_next(run)}")


def _follow(run: "Run", dry_run: bool) -> None:
    """Do the part of another process than the first, silently."""
    if dry_run:
        run.prospect()
    elif not run.finished:
        for _ in run.start():
            pass


def _say_notes(run: "Run", said: int) -> int:
    """Print the notes of a run that were not printed yet; `said` were, and as many are afterwards as is returned."""
    for note in run.notes[said:]:
        say(f"Note: {note}")
    return len(run.notes)


def _next(run: "Run") -> str:
    from translate.runs.monitor import command_to_use

    return command_to_use(run.out, run.dataset)


def _batch(word: str | None) -> int | Literal["auto"] | None:
    if word is None:
        return None
    if word == "auto":
        return "auto"
    if not word.isdecimal():
        raise SettingsError(f"--batch takes a number of pictures, or auto; found {word!r}.")
    return int(word)


def _domains(words: list[str]) -> dict[str, Path]:
    domains: dict[str, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        if not (name and equals and folder):
            raise SettingsError(f"--domain takes NAME=FOLDER; found {word!r}.")
        if name in domains:
            raise SettingsError(f"--domain {name} was given twice, for {domains[name]} and {folder}. Name each once.")
        domains[name] = Path(folder)
    return domains


def _print_prospect(run: "Run") -> None:
    prospect = run.prospect()
    print(prospect.recipe.to_json())
    for domain, pictures in prospect.dataset.train.items():
        counts = f"{len(pictures)} training pictures, {len(prospect.dataset.test.get(domain, ()))} test pictures"
        held_out = prospect.dataset.held_out.get(domain)
        print(f"{domain}: {counts}" + (f", {len(held_out)} held out" if held_out is not None else ""))
    if not prospect.dataset.targets.are_sets:
        print(f"attributes: {', '.join(prospect.dataset.domains)}")
    for player, count in prospect.parameters.items():
        print(f"player {player}: {count:,} parameters")
    thousand, whole = (duration(steps * prospect.seconds_per_step) for steps in (1000, prospect.steps))
    print(f"about {thousand} for 1,000 steps, {whole} for all {prospect.steps:,}")
    if prospect.memory_bytes:
        print(f"about {prospect.memory_bytes / 1e9:.1f} GB of memory, without the decoded pictures")
    print(f"would write to {prospect.out}, running on {run.engine}")


def _legend(run: "Run") -> str:
    """Say in short what to expect of the losses, by their names."""
    courses: dict[str, list[str]] = {}
    for name, term in run.terms.items():
        expected = {"falls": "fall", "hovers": f"hover around {term.balance or 0:.2f}", "free": "may have any level"}
        if term.course in expected:
            courses.setdefault(expected[term.course], []).append(name)
    listed = "; ".join(f"{', '.join(names)} {course}" for course, names in courses.items())
    return f"Losses, when it goes well: {listed}. What each means stands in {run.out / 'report.html'}."


def _describe(report: "Report", run: "Run") -> str:
    """Describe a logged report in a line; the empty one of another report leaves the last line as it is."""
    from translate.devices import peak_memory

    if not report.losses:
        return ""
    shown = [name for name in report.losses if name not in run.terms or run.terms[name].course != "share"]
    losses = " ".join(f"{name} {report.losses[name]:.2f}" for name in shown)
    skipped = f"  skipped {report.skipped}" if report.skipped else ""
    speed = run.recipe.training.batch / report.seconds_per_step
    memory = peak_memory(run.engine.device)
    taken = f"  {memory / 1e9:.1f} GB" if memory else ""
    return f"epoch {report.step / run.steps_per_epoch:.1f}  {speed:.1f} images/s  {losses}{skipped}{taken}"
