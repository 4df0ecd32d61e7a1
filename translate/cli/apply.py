"""`translate apply`."""

import re
import time
from functools import partial
from typing import TYPE_CHECKING

import typer

from translate.cli import apply_options as options
from translate.cli import films
from translate.cli.converting import Showing, counting, show_conversion
from translate.cli.engines import apply_on_ray, apply_to_shards
from translate.cli.options import Compile, Device, Json, Precision, Quiet, count_of
from translate.cli.pipes import STREAM, check_pipes, through_pipes
from translate.cli.summary import running_on, show_models, show_plan
from translate.cli.terminal import printable, say, say_notes
from translate.errors import SettingsError, counted
from translate.places import is_remote

if TYPE_CHECKING:
    from pathlib import Path

    from translate.conversion.job import Job
    from translate.conversion.planning import ConversionPlan
    from translate.inference.translator import Translator
    from translate.inference.upsampling import Size

POLL_S = 1.0  # seconds between two looks of --watch; a file is complete when it did not change in between


def apply(
    context: typer.Context,
    model: options.MaybeModel = None,
    inputs: options.Inputs = None,
    out: options.Out = None,
    to: options.To = None,
    overwrite: options.Overwrite = False,
    dry_run: options.DryRun = False,
    size: options.Size = "auto",
    strength: options.Strength = 1.0,
    strengths: options.Strengths = None,
    keep_colour: options.KeepColour = False,
    colour_only: options.ColourOnly = False,
    mask: options.Mask = None,
    fill: options.Fill = False,
    enlarge: options.Enlarge = 1,
    background: options.Background = "white",
    passes: options.Passes = 1,
    steady: options.Steady = 0.8,
    format: options.Format = "auto",
    quality: options.Quality = 95,
    depth: options.Depth = "8",
    alpha: options.Alpha = "keep",
    frame: options.Frames = "all",
    fps: options.Fps = None,
    keep_metadata: options.KeepMetadata = "date",
    note: options.Note = False,
    preserve_times: options.PreserveTimes = False,
    flat: options.Flat = False,
    on_collision: options.OnCollision = "error",
    in_place: options.InPlace = False,
    yes: options.Yes = False,
    compare: options.Compare = None,
    report: options.Report = False,
    failed: options.Failed = None,
    batch: options.Batch = None,
    memory: options.Memory = None,
    tile_approx: options.TileApprox = False,
    allow_cpu_fallback: options.AllowCpuFallback = False,
    isolate: options.Isolate = False,
    shard: options.Shard = "1/1",
    engine: options.Engine = "local",
    address: options.Address = None,
    workers: options.Workers = None,
    gpus: options.Gpus = 0.0,
    watch: options.Watch = False,
    max_pixels: options.MaxPixels = "64M",
    max_frames: options.MaxFrames = 2000,
    max_file_mb: options.MaxFileMb = 512,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Compile = "auto",
    quiet: Quiet = False,
    json_: Json = False,
    jsonl: options.Jsonl = False,
) -> None:
    """Translate pictures. Folders are mirrored, results that are already there are skipped."""
    if model is None or not inputs:
        show_models(model)
        return
    part, network_size = _part_of(shard), _network_size(size)
    if jsonl and (json_ or dry_run):
        raise SettingsError("--jsonl goes with neither --json nor --dry-run.")
    if in_place is (out is not None):
        raise SettingsError("Results need one place: name it with --out, or replace the pictures with --in-place.")
    if in_place:
        conflicting = flat or compare or report or watch or to == "all" or format != "auto"
        _check_in_place(bool(conflicting), yes or dry_run)
    if watch or report or compare == "grid":
        _refuse_stores(*inputs, out or "")
    from translate import images
    from translate.cluster.conversion import Cluster, Loading
    from translate.conversion.job import Job
    from translate.conversion.planning import EMPTY, Naming
    from translate.conversion.strengths import read_strengths, write_strength_sheet
    from translate.conversion.words import settings_of
    from translate.inference.translator import Translator
    from translate.models.exports import about_translator
    from translate.shards.conversion import are_shards

    limits = images.Limits(count_of(max_pixels, "--max-pixels"), max_frames, max_file_mb)
    settings = settings_of({
        "size": network_size, "batch": batch, "mask": mask, "fill": fill, "enlarge": enlarge, "strength": strength,
        "compare": None if compare == "grid" else compare, "preserve_times": preserve_times, "isolate": isolate,
        "limits": limits, "keep_colour": keep_colour, "colour_only": colour_only, "format": format, "quality": quality,
        "depth": depth, "alpha": alpha, "background": background, "frame": frame, "keep_metadata": keep_metadata,
        "passes": passes, "steady": steady,
    })  # fmt: skip
    naming = Naming(flat=flat, keep_suffix=on_collision == "suffix")
    job = Job(about_translator(model), tuple(inputs), out, to, settings, naming, part, overwrite)
    job = job.with_note() if note else job
    bytes_, kept = None if memory is None else int(memory * 2**30), {"allow_cpu_fallback": allow_cpu_fallback}
    load = partial(Translator.load, model, device, precision, bytes_, tile_approx, compile, **kept)
    if films.are_films(inputs, out, fps):
        films.convert(job, fps, load, context)
        return
    if strengths:
        say(f"Wrote {write_strength_sheet(job, load(), read_strengths(strengths))}. Next: convert with --strength.")
        return
    if out and (STREAM in inputs or str(out) == STREAM):
        check_pipes(bool(dry_run or watch or compare or report or failed or json_ or jsonl), job)
        notes = through_pipes(job, load)
        say_notes([] if quiet else notes)
        return
    how = Showing(quiet, json_, jsonl, watch, report, compare == "grid", failed, format != "auto")
    if are_shards(inputs):
        if engine != "local":
            raise SettingsError("Shards are converted by --engine local, a part on each machine with --shard.")
        apply_to_shards(job, load, how, dry_run)
        return
    if engine == "ray":
        loading = Loading(precision, bytes_, tile_approx, compile)
        apply_on_ray(job, model, Cluster(address, workers, gpus), loading, how, dry_run)
        return
    plan = EMPTY if watch and not dry_run else job.plan()
    translator = load(pictures=0 if dry_run else len(plan.items))  # 0: nothing is compiled
    running = f"To {job.goal} with {printable(model)}. {running_on(translator.engine, device)}"
    if dry_run:
        show_plan(job, plan, running, json_)
        return
    if not quiet:
        say(running)
        say_notes(_worth_knowing(job, translator, None if overwrite else plan))
    converted = job.watch(translator, lambda: time.sleep(POLL_S)) if watch else job.run(translator, plan)
    show_conversion(job, plan, str(translator.engine), lambda tell: counting(converted, len(plan), tell), how)


def _worth_knowing(job: "Job", translator: "Translator", plan: "ConversionPlan | None") -> list[str]:
    """Return notes on what the model does, on the device, and on results that the plan makes again."""
    made = "of another model, other settings or older pictures, to be made again"
    count = job.count_outdated(plan) if plan else 0
    outdated = f"{counted(count, 'result')} {made}." if count else ""
    return [job.settings.treatment.advice(job.about), translator.engine.note, outdated]


def _network_size(size: str) -> "Size":
    if size == "auto":
        return "auto"
    if size == "native":
        return "native"
    if not (size.isdecimal() and int(size) > 0):
        raise SettingsError(f"--size takes auto, native or a number of pixels; found {size!r}.")
    return int(size)


def _check_in_place(conflicting: bool, confirmed: bool) -> None:
    if conflicting:
        raise SettingsError("--in-place goes with none of --flat, --compare, --report, --watch, --format and --to all.")
    if not confirmed:
        raise SettingsError(
            "--in-place replaces pictures, and keeps them in .originals. Look with --dry-run, then say --yes, too."
        )


def _refuse_stores(*places: "str | Path") -> None:
    """Refuse addresses where pictures are looked at again and again."""
    if found := [place for place in places if is_remote(place)]:
        raise SettingsError(
            f"--watch, --report and --compare grid are for pictures and results on this machine; found {found[0]}."
        )


def _part_of(shard: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise SettingsError(f"--shard takes I/N, such as 1/4 for the first of four parts; found {shard!r}.")
    return int(match[1]), int(match[2])
