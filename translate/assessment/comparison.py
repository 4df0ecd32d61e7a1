"""Several models on one dataset: what `translate compare` shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from translate import cards
from translate.assessment.evaluation import Conditions, evaluate
from translate.assessment.judging import Tell
from translate.assessment.shown import png
from translate.assessment.subject import open_data
from translate.data.folders import held_out
from translate.errors import OutputError, SettingsError
from translate.evaluation.figures import Figure
from translate.files import write_text
from translate.inference.exports import find_export, read_about
from translate.inference.translator import Translator
from translate.report.comparison import Column, Row, comparison_page

OF_INPUTS = (
    "FID of inputs", "KID of inputs", "FID between halves of the real", "KID between halves of the real",
    "distance to training of the real",
)  # fmt: skip


def compare(
    models: Sequence[str | Path],
    out: str | Path,
    data: str | Path | None = None,
    to: str | None = None,
    *,
    pictures: int = 12,
    tell: Tell = lambda *_: None,
    **conditions: Any,
) -> Path:
    """Write a page with what several models make of the same pictures, and what each scores.

    Args:
        models: two or more, each a run's folder, an export file, or a name in weights.
        out: the HTML file to write.
        data: as for `evaluate`, or None for the known dataset that the first model was trained on.
        to: the domain to translate to, or None for the models' default.
        pictures: how many of each other domain are shown.
        tell: is told what is done.
        conditions: of the scores: the fields of `Conditions`.

    Returns:
        `out`.

    Raises:
        SettingsError: there are fewer than two models, one is given twice, they translate to different domains, or
            nobody says which pictures.
        DataError, WeightsError, DeviceError: as `evaluate`.
        OutputError: the page cannot be written.
    """
    given = Conditions(**conditions)
    if Path(out).is_dir():
        raise OutputError(f"{out} is a folder. Name the HTML file to write.")
    names = [str(model) for model in models]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise SettingsError(f"A comparison needs two or more different models; found {', '.join(names) or 'none'}.")
    abouts = [read_about(find_export(model)) for model in models]
    if any(about.attributes for about in abouts):
        raise SettingsError("Models that change attributes cannot be compared on a page yet.")
    targets = {about.choose(to): name for about, name in zip(abouts, names, strict=True)}
    if len(targets) > 1:
        found = ", ".join(f"{name} to {target}" for target, name in targets.items())
        raise SettingsError(f"The models translate to different domains: {found}. Name one with --to.")
    (target,) = targets
    if data is None:
        if abouts[0].data not in cards.names("datasets"):
            raise SettingsError(f"Where {names[0]} has its pictures from is not known. Give a dataset with --data.")
        data = abouts[0].data
    dataset = open_data(data, abouts[0])
    sources = {
        domain: held_out(dataset, domain, pictures) for domain in dataset.domains if domain != target
    }  # the first ones, by their names
    columns: list[Column] = []
    outputs: list[list[bytes]] = []
    for model, name in zip(models, names, strict=True):
        result = evaluate(model, dataset, target, tell=_about(name, tell), **conditions)
        scores = {figure.name: _words(figure) for figure in result.figures if figure.name not in OF_INPUTS}
        columns.append(Column(name, scores))
        translator = Translator.load(model, given.device, given.precision)
        outputs.append([png(translator(picture, target)) for shown in sources.values() for picture in shown])
    inputs = [
        (f"{domain} {number + 1}", picture) for domain in sources for number, picture in enumerate(sources[domain])
    ]
    rows = [
        Row(name, png(picture), translated)
        for (name, picture), translated in zip(inputs, zip(*outputs, strict=True), strict=True)
    ]
    kid = next(figure for figure in result.figures if figure.name == "KID")
    of_inputs = "; ".join(f"{figure.name} {_words(figure)}" for figure in result.figures if figure.name in OF_INPUTS)
    summary = (
        f"Test pictures of {dataset.name}. Scores: {kid.count} translations against {kid.against} pictures, protocol"
        f" {given.protocol}, features {kid.features}, seed {given.seed}; in brackets 95 % intervals. {of_inputs}."
    )
    write_text(Path(out), comparison_page(f"{dataset.name} to {target}", summary, columns, rows))
    return Path(out)


def _about(name: str, tell: Tell) -> Tell:
    return lambda what, done, total: tell(f"{name}: {what}", done, total)


def _words(figure: Figure) -> str:
    interval = "" if figure.low is None else f" [{figure.low:.4g}, {figure.high:.4g}]"
    return f"{figure.value:.4g}{interval}"
