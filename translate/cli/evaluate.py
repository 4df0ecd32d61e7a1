"""`translate eval`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from translate.cli.data import brought
from translate.cli.options import Device, Json, MaybeMaxPixels, Model, Precision, count_or_none, read_domains
from translate.cli.terminal import progress, say, say_next, show
from translate.errors import SettingsError
from translate.places import is_remote, path_of
from translate.run_folder import RunFolder

if TYPE_CHECKING:
    from translate.evaluation.checkpoint_choice import Choice
    from translate.metrics.results import Evaluation, Metric


Data = Annotated[str | None, typer.Argument(help="A dataset's name, or a folder, with the model's domains.")]
Domain = Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of test pictures, twice, instead of DATA.")]
To = Annotated[str | None, typer.Option(help="The domain to translate to, unless the model has a default.")]
Protocol = Annotated[
    str,
    typer.Option(help="cut: test pictures against test pictures; clean-fid: smoothed resizing; train+test reals."),
]
Features = Annotated[
    str | None,
    typer.Option(
        help="lite0, the default where the extra features is installed; random, the default elsewhere, which"
        " ships with translate; inception, that of published tables, vgg16, resnet18, resnet50 or"
        " efficientnet_b0, once their weights are fetched; or a file with weights of one of these or of SqueezeNet 1.1."
        " Those that the model's critics have seen are refused."
    ),
]
Recognise = Annotated[
    str | None,
    typer.Option(help="A class of ImageNet, such as zebra: how many results lite0 takes for one."),
]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Use features that the model's critics have seen; figures are marked.")
]
LpipsHead = Annotated[Path | None, typer.Option(help="A file with the linear head of LPIPS for the features.")]
Split = Annotated[
    Literal["test", "held-out", "train"],
    typer.Option(help="Without test pictures: those that the run held out, or those that it was trained on."),
]
EveryCheckpoint = Annotated[
    bool,
    typer.Option(
        "--every-checkpoint",
        help="Choose the milestone of a run with the lowest KID, best on pictures that it held out; measure it once"
        " on others. Not for models of attributes: what a classifier sees in their translations does not say how"
        " real these look.",
    ),
]
Report = Annotated[
    bool,
    typer.Option(
        "--report", help="Write evaluation.html too, into the run's folder, or here where MODEL is no folder."
    ),
]
Seed = Annotated[int, typer.Option(help="Of subsets and halves.")]
Size = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Pixels of drawn pictures: by default those of training on the same dataset, 256 for other models.",
    ),
]


def evaluate(
    model: Model,
    data: Data = None,
    domain: Domain = None,
    to: To = None,
    protocol: Protocol = "cut",
    features: Features = None,
    recognise: Recognise = None,
    anyway: Anyway = False,
    lpips: LpipsHead = None,
    split: Split = "test",
    every_checkpoint: EveryCheckpoint = False,
    report: Report = False,
    seed: Seed = 0,
    size: Size = None,
    max_pixels: MaybeMaxPixels = None,
    device: Device = "auto",
    precision: Precision = "auto",
    json_: Json = False,
) -> None:
    """Measure a model: distances to real pictures, structure, cycles, diversity, and truth where it is known."""
    if every_checkpoint and split != "test":
        raise SettingsError(f"--every-checkpoint measures the chosen one on test pictures. Leave out --split {split}.")
    from translate.data.layouts import open_tests
    from translate.evaluation.checkpoint_choice import evaluate_every_checkpoint
    from translate.evaluation.evaluation import evaluate as measure

    if (data is None) is not bool(domain):
        raise SettingsError("What should be measured on? Give a dataset, or --domain NAME=FOLDER for each domain.")
    if data is not None and is_remote(data):
        data = str(brought(path_of(data), json_))
    folders = {name: brought(place, json_) for name, place in read_domains(domain or []).items()}
    pictures = data if data is not None else open_tests(folders)
    options = {
        "protocol": protocol, "features": features, "lpips": lpips, "split": split, "seed": seed, "size": size,
        "recognise": recognise, "anyway": anyway, "device": device, "precision": precision,
        "max_pixels": count_or_none(max_pixels, "--max-pixels"),
    }  # fmt: skip
    choice = None
    with progress(json_) as advance:

        def tell(what: str, done: int, total: int) -> None:
            advance(what, done, total, "")

        if every_checkpoint:
            choice = evaluate_every_checkpoint(model, pictures, to, tell=tell, **options)
        result = choice.measured if choice else measure(model, pictures, to, tell=tell, **options)
    if report:
        from translate.evaluation.reporting import write_report

        place = RunFolder(model if Path(model).is_dir() else "").evaluation
        write_report(place, result, choice)
        say(f"Wrote {place}.")
    for note in result.notes:
        say(f"Note: {note}")
    for what in result.missing:
        say(f"Not measured: {what}")
    if choice:
        show({**asdict(choice), "measured": _tree(result)}, [*_choice_lines(choice), "", *_lines(result)], json_)
    else:
        show(_tree(result), _lines(result), json_)
    say_next(f"translate compare {model} ANOTHER_MODEL --data {data or 'DATA'} --out page.html", json_)


def _tree(result: "Evaluation") -> dict[str, Any]:
    """Return the result as it is printed as JSON: every figure says protocol and seed itself."""
    tree = asdict(result)
    del tree["samples"]
    tree["neighbours"] = [example.words for example in result.neighbours]
    for figure in tree["figures"]:
        figure |= {"protocol": result.protocol, "seed": result.seed}
    return tree


def _choice_lines(choice: "Choice") -> list[str]:
    lines = [choice.pictures, f"    step        KID  n = {choice.count} against {choice.against}; {choice.features}"]
    for candidate in choice.candidates:
        words, kid = ", ".join(choice.marks(candidate)), candidate.kid
        interval = f"[{kid.low:.4g}, {kid.high:.4g}]"
        lines.append(f"{candidate.step:>8,}  {kid.value:>9.4g}  {interval:<22}  {words}".rstrip())
    return lines


def _lines(result: "Evaluation") -> list[str]:
    head = f"{result.data} to {result.to}, model {result.model}, {result.split} pictures"
    lines = [f"{head}, protocol {result.protocol}, seed {result.seed}; in brackets 95 % intervals"]
    width = max((len(figure.name) for figure in result.figures), default=0)
    for figure in result.figures:
        interval = "" if figure.low is None else f"[{figure.low:.4g}, {figure.high:.4g}]"
        lines.append(f"{figure.name:<{width}}  {figure.value:>9.4g}  {interval:<22}  {_words(figure)}".rstrip())
    return lines


def _words(figure: "Metric") -> str:
    counts = f"n = {figure.count}" + (f" against {figure.against}" if figure.against else "")
    features = f"features {figure.features}" if figure.features else ""
    return "; ".join(part for part in (counts, features, figure.remark) if part)
