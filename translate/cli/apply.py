"""`translate apply`."""

import importlib.metadata
import json
import re
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from translate.cli.options import Compile, Device, Json, Model, Precision, Quiet, count_of
from translate.cli.pipes import STREAM, through_pipes
from translate.cli.summary import Outcome, running_on, show_plan, told
from translate.cli.terminal import printable, progress, say, say_notes, stopping
from translate.errors import SettingsError, counted

if TYPE_CHECKING:
    from translate.conversion.pipeline import Result

POLL_S = 1.0  # seconds between two looks of --watch; a file is complete when it did not change in between

# Titles in --help.
LOOK = "What results look like"
FILES = "How they are written"
PLACES = "Where they are written"
BESIDE = "What is written beside them"
WORK = "Much work, and large pictures"


def apply(
    model: Model,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Pictures, folders (with all below them), globs, @FILE with one of these a line, or - for stdin.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="A folder; for a single picture also a file, or - for stdout.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="The domain to translate to, changes of attributes such as Blond_Hair=1,Young=0, or all of them, each"
            " into a folder of its name; may be left out where the model has a default."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do results again that are already there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and stop.")] = False,
    size: Annotated[
        str,
        typer.Option(
            rich_help_panel=LOOK,
            help="What the network sees: auto (a short side of twice the training size), native (all of it), or the"
            " short side in pixels. Results have the size of their pictures, and their detail.",
        ),
    ] = "auto",
    strength: Annotated[
        float, typer.Option(rich_help_panel=LOOK, help="0 keeps the picture, 1 takes the result.")
    ] = 1.0,
    keep_colour: Annotated[
        bool, typer.Option("--keep-colour", rich_help_panel=LOOK, help="Take only the lightness of the result.")
    ] = False,
    colour_only: Annotated[
        bool, typer.Option("--colour-only", rich_help_panel=LOOK, help="Take only the colour of the result.")
    ] = False,
    mask: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=LOOK,
            help="A picture, white where to translate, or a folder that mirrors the inputs with one for each.",
        ),
    ] = None,
    background: Annotated[
        str,
        typer.Option(
            rich_help_panel=LOOK,
            help="What the network sees where full transparency hides the colours, and what transparency is laid on"
            " where it is not kept: a name, or #ffffff.",
        ),
    ] = "white",
    format: Annotated[
        Literal["auto", "jpg", "png", "webp", "tif", "avif", "gif", "bmp", "ppm"],
        typer.Option(rich_help_panel=FILES, help="auto is the picture's own if that can hold the result, else png."),
    ] = "auto",
    quality: Annotated[int, typer.Option(min=1, max=100, rich_help_panel=FILES, help="Of jpg, webp and avif.")] = 95,
    depth: Annotated[
        Literal["8", "16"],
        typer.Option(rich_help_panel=FILES, help="Bits a channel, read, translated and written; 16 in png and tif."),
    ] = "8",
    alpha: Annotated[
        Literal["keep", "drop"], typer.Option(rich_help_panel=FILES, help="What becomes of transparency.")
    ] = "keep",
    frame: Annotated[
        Literal["all", "first"], typer.Option(rich_help_panel=FILES, help="Of animations: first makes a still.")
    ] = "all",
    keep_metadata: Annotated[
        Literal["none", "safe", "all"],
        typer.Option(
            rich_help_panel=FILES,
            help="safe: camera, dates, author and copyright. all: also places, serial numbers, comments.",
        ),
    ] = "none",
    note: Annotated[
        bool, typer.Option("--note", rich_help_panel=FILES, help="Record model and version in the metadata.")
    ] = False,
    preserve_times: Annotated[
        bool, typer.Option("--preserve-times", rich_help_panel=FILES, help="Give files the times of their pictures.")
    ] = False,
    flat: Annotated[
        bool, typer.Option("--flat", rich_help_panel=PLACES, help="In one folder, without those of the pictures.")
    ] = False,
    on_collision: Annotated[
        Literal["error", "suffix"],
        typer.Option(
            rich_help_panel=PLACES,
            help="Where a.jpg and a.png would become one file: refuse, or keep the suffix where another follows, as in"
            " a.jpg.png.",
        ),
    ] = "error",
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            rich_help_panel=PLACES,
            help="Instead of --out: replace the pictures, which are kept in .originals. Needs --yes.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", rich_help_panel=PLACES, help="Replace pictures indeed.")] = False,
    compare: Annotated[
        Literal["side", "split", "grid", "gif"] | None,
        typer.Option(
            rich_help_panel=BESIDE,
            help="Before and after: in NAME.compare.png, in turns in NAME.compare.gif, or all in one grid.compare.png.",
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", rich_help_panel=BESIDE, help="report.html: before and after, with sliders.")
    ] = False,
    failed: Annotated[
        Path | None,
        typer.Option(rich_help_panel=BESIDE, help="Write what failed to this file, an input again as @FILE."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, rich_help_panel=WORK, help="Pictures of equal size translated together.", show_default="by device"
        ),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            rich_help_panel=WORK,
            help="GiB that networks may take for a picture: 1 on a CPU, half of what is free on a GPU. Larger pictures"
            " are translated strip by strip, with the same result.",
        ),
    ] = None,
    tile_approx: Annotated[
        bool,
        typer.Option(
            "--tile-approx",
            rich_help_panel=WORK,
            help="Where a model cannot be run strip by strip, translate larger pictures in overlapping tiles. Each has"
            " statistics of its own, so they may differ in colour.",
        ),
    ] = False,
    allow_cpu_fallback: Annotated[
        bool,
        typer.Option(
            "--allow-cpu-fallback",
            rich_help_panel=WORK,
            help="Translate on the CPU, slowly, what is too large for a GPU even strip by strip.",
        ),
    ] = False,
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate",
            rich_help_panel=WORK,
            help="Decode in processes of their own: a crashing decoder fails its file alone.",
        ),
    ] = False,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N", rich_help_panel=WORK, help="Do the I-th of N parts, for several machines or processes."
        ),
    ] = "1/1",
    watch: Annotated[
        bool, typer.Option("--watch", rich_help_panel=WORK, help="Go on with pictures that appear, until Ctrl-C.")
    ] = False,
    max_pixels: Annotated[
        str,
        typer.Option(
            rich_help_panel=WORK,
            help="The most pixels a picture may have, all frames of an animation together, such as 120M.",
        ),
    ] = "64M",
    max_frames: Annotated[
        int, typer.Option(min=1, rich_help_panel=WORK, help="The most frames an animation may have.")
    ] = 2000,
    max_file_mb: Annotated[
        int, typer.Option(min=1, rich_help_panel=WORK, help="The most MiB the file of a picture may have.")
    ] = 512,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Compile = "auto",
    quiet: Quiet = False,
    json_: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print each result on stdout as a line of JSON, as soon as it is there.")
    ] = False,
) -> None:
    """Translate pictures. Folders are mirrored, results that are already there are skipped."""
    part = _part_of(shard)
    if size not in ("auto", "native") and not (size.isdecimal() and int(size) > 0):
        raise SettingsError(f"--size takes auto, native or a number of pixels; found {size!r}.")
    if keep_colour and colour_only:
        raise SettingsError("--keep-colour and --colour-only exclude each other. Give one of them.")
    if jsonl and (json_ or dry_run):
        raise SettingsError("--jsonl goes with neither --json nor --dry-run.")
    if in_place is (out is not None):
        raise SettingsError("Results need one place: name it with --out, or replace the pictures with --in-place.")
    if in_place and (overwrite or flat or compare or report or watch or to == "all" or format != "auto"):
        raise SettingsError(
            "--in-place goes with none of --overwrite, --flat, --compare, --report, --watch, --format and --to all."
        )
    if in_place and not (yes or dry_run):
        raise SettingsError(
            "--in-place replaces pictures, and keeps them in .originals. Look with --dry-run, then say --yes, too."
        )
    from translate import images
    from translate.conversion import manifest, pipeline, planning
    from translate.conversion.watching import watch as watched
    from translate.inference.blending import Blending
    from translate.inference.translator import Translator
    from translate.models.exports import find_export, read_about
    from translate.models.onnx import OnnxMethod

    about = read_about(find_export(model))
    targets = about.choices(to)
    target = None if targets else about.choose(to)
    meant = target or ", ".join(targets)
    version = importlib.metadata.version("image-translate")
    how = pipeline.Conversion(
        size=size if size in ("auto", "native") else int(size),  # type: ignore[arg-type]  # mypy forgets the words
        batch=batch,
        blending=Blending(strength, "lightness" if keep_colour else "colour" if colour_only else "all"),
        mask=mask,
        compare=compare if compare != "grid" else None,
        preserve_times=preserve_times,
        encoding=images.Encoding(
            format=None if format == "auto" else images.SUFFIXES[f".{format}"],
            quality=quality,
            depth=16 if depth == "16" else 8,
            keep_metadata=keep_metadata,
            note=f"image-translate {version}, model {about.sha256[:12]}, to {meant}" if note else "",
            alpha=alpha,
            background=images.read_colour(background),
            frames=frame,
        ),
        limits=images.Limits(count_of(max_pixels, "--max-pixels"), max_frames, max_file_mb),
        isolate=isolate,
    )
    load = partial(
        Translator.load,
        model,
        device,
        precision,
        None if memory is None else int(memory * 2**30),
        tile_approx,
        compile,
        allow_cpu_fallback=allow_cpu_fallback,
    )
    if out and (STREAM in inputs or str(out) == STREAM):
        if targets or dry_run or watch or compare or report or failed or json_ or jsonl:
            raise SettingsError(
                "- is one picture without a name, and goes with none of --to all, --dry-run, --watch, --compare,"
                " --report, --failed, --json and --jsonl."
            )
        notes = through_pipes(inputs, out, load, meant, how)
        say_notes([] if quiet else notes)
        return
    outdated = manifest.outdated(out, about, meant, how)
    if out:
        naming = planning.Naming(flat, on_collision == "suffix")
        look = partial(
            planning.plan, inputs, out, overwrite, how.encoding, part, how.besides, targets, naming, outdated
        )
    else:
        look = partial(planning.plan_in_place, inputs, how.encoding, part)
    plan = planning.Plan((), (), 0, ()) if watch and not dry_run else look()
    total = len(plan.items) + len(plan.existing) + len(plan.missing)
    translator = load(pictures=0 if dry_run else len(plan.items))  # none: nothing is compiled
    is_onnx = isinstance(translator.method, OnnxMethod)
    running = f"To {meant} with {printable(model)}. {running_on(translator.engine, device, is_onnx)}"
    if dry_run:
        show_plan(plan, how, about, meant, running, json_)
        return
    if not quiet:
        say(running)
        again = 0 if overwrite else sum(item.output.exists() and outdated(item) for item in plan.items)
        say_notes([translator.engine.note, _said_again(again)])
    converted = pipeline.convert(translator, plan, target, how)
    results: list[Result] = []
    started = time.perf_counter()
    with progress(quiet or json_ or jsonl or watch) as advance, stopping(watch):
        new = watched(translator, look, lambda: time.sleep(POLL_S), target, how) if watch else iter(())
        for result in manifest.recorded(chain(converted, new), out, about, meant, how):
            results.append(result)
            if jsonl:
                print(json.dumps(told(result)), flush=True)
            if result.status == "failed":
                say(f"Failed: {result.source}: {result.reason}")
            elif watch and not quiet and result.status == "done":
                say(f"{result.source} -> {result.output}")
            advance("translating", len(results), total, "")
    outcome = Outcome(results, plan.ignored, meant, out, str(translator.engine), time.perf_counter() - started)
    outcome.write(failed, report, compare == "grid", how.limits)
    if not quiet:
        say_notes(outcome.notes(suffixes_said=format != "auto" or not (out and out.is_dir())))
    if not jsonl:
        outcome.show(json_)
    elif not quiet:
        say(outcome.summary())
    outcome.check()


def _said_again(count: int) -> str:
    return f"{counted(count, 'result')} of another model or other settings, to be made again." if count else ""


def _part_of(shard: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise SettingsError(f"--shard takes I/N, such as 1/4 for the first of four parts; found {shard!r}.")
    return int(match[1]), int(match[2])
