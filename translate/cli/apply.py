"""`translate apply` and `translate info`."""

import importlib.metadata
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from translate.cli.options import Device, Json, MaxPixels, Model, Precision, count_of
from translate.cli.terminal import duration, lines_of, printable, progress, say, show
from translate.errors import SettingsError, SomeFailed

if TYPE_CHECKING:
    from translate.inference.folder import Plan, Result


def apply(
    model: Model,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders (with all below them), or globs.")
    ],
    out: Annotated[Path, typer.Option(help="A folder; for a single picture also a file.")],
    to: Annotated[
        str | None, typer.Option(help="The domain to translate to; may be left out where the model has a default.")
    ] = None,
    size: Annotated[
        str, typer.Option(help="What the network sees: native, or the shorter side in pixels. Results keep their size.")
    ] = "native",
    batch: Annotated[int, typer.Option(min=1, help="Pictures of equal size translated together.")] = 1,
    device: Device = "auto",
    precision: Precision = "auto",
    memory: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help="GiB that networks may take for a picture: 1 on a CPU, half of what is free on a GPU. Larger pictures"
            " are translated strip by strip, with the same result.",
        ),
    ] = None,
    format: Annotated[
        Literal["auto", "jpg", "png", "webp", "tif", "avif", "gif", "bmp", "ppm"],
        typer.Option(help="Of the results; auto is the picture's own if that can hold them, else png."),
    ] = "auto",
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of jpg, webp and avif.")] = 95,
    depth: Annotated[
        Literal["8", "16"], typer.Option(help="Bits a channel, read, translated and written; 16 in png and tif.")
    ] = "8",
    keep_metadata: Annotated[
        Literal["none", "safe", "all"],
        typer.Option(help="safe: camera, dates, author and copyright. all: also places, serial numbers, comments."),
    ] = "none",
    note: Annotated[bool, typer.Option("--note", help="Record model and version in the results' metadata.")] = False,
    max_pixels: MaxPixels = "64M",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do results again that are already there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and stop.")] = False,
    json_: Json = False,
) -> None:
    """Translate pictures. Folders are mirrored, results that are already there are skipped."""
    if size != "native" and not (size.isdecimal() and int(size) > 0):
        raise SettingsError(f"--size takes native or a number of pixels; found {size!r}.")
    from translate import images
    from translate.inference import folder
    from translate.inference.exports import find_export, read_about
    from translate.inference.translator import Translator

    about, limit = read_about(find_export(model)), count_of(max_pixels, "--max-pixels")
    target, version = about.choose(to), importlib.metadata.version("image-translate")
    encoding = images.Encoding(
        format=None if format == "auto" else images.SUFFIXES[f".{format}"],
        quality=quality,
        depth=16 if depth == "16" else 8,
        keep_metadata=keep_metadata,
        note=f"image-translate {version}, model {about.sha256[:12]} to {target}" if note else "",
    )
    plan = folder.plan(inputs, out, overwrite, encoding)
    if dry_run:
        _show_plan(plan, target, json_)
        return
    translator = Translator.load(model, device, precision, None if memory is None else int(memory * 2**30))
    results: list[Result] = []
    total = len(plan.items) + len(plan.existing) + len(plan.missing)
    started = time.perf_counter()
    with progress(json_) as advance:
        for result in folder.convert(
            translator, plan, target, "native" if size == "native" else int(size), batch, encoding, limit
        ):
            results.append(result)
            if result.status == "failed":
                say(f"Failed: {printable(result.source)}: {result.reason}")
            advance("translating", len(results), total, "")
    failed = _show_results(results, plan.ignored, target, out, time.perf_counter() - started, json_)
    if failed:
        raise SomeFailed(f"{failed} of {total} pictures failed, for the reasons above; the others are done.")


def info(model: Model, json_: Json = False) -> None:
    """Tell what a model is."""
    from translate.inference.exports import find_export, read_about

    path = find_export(model)
    about = read_about(path)
    tree = {"file": str(path), "megabytes": round(path.stat().st_size / 1e6, 2), **about.model_dump()}
    directions = ", ".join(f"{source} to {target}" for source, target in about.directions)
    default = f" (default: to {about.target})" if about.target else ""
    show(tree, [*lines_of(tree), f"directions: {directions}{default}"], json_)


def _show_plan(plan: "Plan", target: str, as_json: bool) -> None:
    def pairs(items: Any) -> list[dict[str, str]]:
        return [{"source": printable(item.source), "output": printable(item.output)} for item in items]

    lines = [f"{pair['source']} -> {pair['output']}" for pair in pairs(plan.items)]
    lines.append(
        f"{len(plan.items)} pictures to {target}; {len(plan.existing)} already there, {len(plan.missing)} not found,"
        f" {plan.ignored} ignored (no pictures)."
    )
    tree = {"to": target, "items": pairs(plan.items), "existing": pairs(plan.existing), "missing": plan.missing}
    show({**tree, "ignored": plan.ignored}, lines, as_json)


def _show_results(
    results: "list[Result]", ignored: int, target: str, out: Path, elapsed_s: float, as_json: bool
) -> int:
    """Print what became of all pictures; return how many failed."""
    counts = {status: sum(result.status == status for result in results) for status in ("done", "skipped", "failed")}
    items = [
        {
            "source": printable(result.source),
            "output": printable(result.output) if result.output else None,
            "status": result.status,
            "reason": result.reason,
            "notes": result.notes,
        }
        for result in results
    ]
    tree = {"to": target, "out": str(out), **counts, "ignored": ignored, "elapsed_s": round(elapsed_s, 3)}
    words = ", ".join(f"{count} {status}" for status, count in counts.items())
    rate = f", {counts['done'] / elapsed_s:.2f} pictures/s" if counts["done"] else ""
    line = f"{words}, {ignored} ignored (no pictures) in {duration(elapsed_s)}{rate}. Results are in {out}."
    show({**tree, "results": items}, [line], as_json)
    return counts["failed"]
