"""Several models on one dataset: what `translate compare` shows."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from translate import cards
from translate.data.folders import Dataset, Split, held_out
from translate.errors import DataError, ImageDecodeError, OutputError, SettingsError
from translate.evaluation.evaluation import EvaluationSettings, evaluate
from translate.evaluation.judges import default_features
from translate.evaluation.pictures import open_data, refuse_empty
from translate.evaluation.thumbnails import png
from translate.files import write_text
from translate.inference.translator import Translator
from translate.metrics.results import Evaluation, Metric
from translate.models.about import About
from translate.models.exports import about_translator
from translate.progress import Tell, silent
from translate.report.comparison import Column, Row, comparison_page
from translate.targets import OneWay
from translate.tensors import Pixels

OF_INPUTS = (" of inputs", " of the real", "seen rightly")  # how the names of figures end that no model changes


def compare(
    models: Sequence[str | Path],
    out: str | Path,
    data: str | Path | Dataset | None = None,
    to: str | None = None,
    *,
    pictures: int = 12,
    tell: Tell = silent,
    **options: Any,
) -> Path:
    """Write a page with what several models make of the same pictures, and what each scores.

    Args:
        models: two or more, each a run's folder, an export file, or a name in weights.
        out: the HTML file to write.
        data: as for `evaluate`, or None for the known dataset that the first model was trained on.
        to: the domain to translate to, or None for the models' default; or one for each model, in their order and with
            commas, which must be the same folder of the dataset; or changes of attributes.
        pictures: how many of each other domain are shown, or of those whose attributes are others.
        tell: is told what is done.
        options: of the scores: the fields of `EvaluationSettings`.

    Returns:
        `out`.

    Raises:
        SettingsError: there are fewer than two models, one is given twice, they translate to different domains or know
            different attributes, or neither the models nor the arguments say which pictures or what to change.
        DataError: as `evaluate`, or there is no picture to change.
        WeightsError, DeviceError: as `evaluate`.
        OutputError: the page cannot be written.
    """
    settings = EvaluationSettings(**options)
    if Path(out).is_dir():
        raise OutputError(f"{out} is a folder. Name the HTML file to write.")
    names = [str(model) for model in models]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise SettingsError(f"A comparison needs two or more different models; found {', '.join(names) or 'none'}.")
    abouts = {name: about_translator(model) for name, model in zip(names, models, strict=True)}
    first, targets = abouts[names[0]], _targets(abouts, to)
    target = targets[names[0]]
    if data is None and first.data not in cards.names("datasets"):
        raise SettingsError(f"Where {names[0]} has its pictures from is not known. Give a dataset with --data.")
    data = first.data if data is None else data
    datasets = {name: open_data(data, about, settings.size, settings.max_pixels) for name, about in abouts.items()}
    dataset = datasets[names[0]]
    options["features"] = settings.features or default_features(*abouts.values())
    refuse_empty(dataset, settings.split, first)
    sources = (
        {domain: held_out(dataset, domain, pictures) for domain in dataset.domains if domain != target}
        if dataset.targets.are_sets
        else {"picture": _lacking(dataset, settings.split, target, pictures)}
    )  # the first ones, by their names
    columns: list[Column] = []
    outputs: list[list[bytes]] = []
    for model, name in zip(models, names, strict=True):
        result = evaluate(model, datasets[name], targets[name], tell=_about(name, tell), **options)
        scores = {figure.name: _words(figure) for figure in result.figures if not figure.name.endswith(OF_INPUTS)}
        columns.append(Column(name, scores))
        translator = Translator.load(model, settings.device, settings.precision)
        outputs.append([png(translator(picture, targets[name])) for shown in sources.values() for picture in shown])
    inputs = [
        (f"{domain} {number + 1}", picture) for domain in sources for number, picture in enumerate(sources[domain])
    ]
    rows = [
        Row(name, png(picture), translated)
        for (name, picture), translated in zip(inputs, zip(*outputs, strict=True), strict=True)
    ]
    write_text(Path(out), comparison_page(f"{dataset.name} to {target}", _summary(result, settings), columns, rows))
    return Path(out)


def _targets(abouts: Mapping[str, About], to: str | None) -> dict[str, str]:
    """Return what each model, by its name, is asked for.

    Raises:
        SettingsError: these are not the same domain of a dataset whose domains are named by their order.
    """
    if len({() if about.targets.are_sets else about.targets.names for about in abouts.values()}) > 1:
        raise SettingsError(
            "The models know different attributes, or the same in another order, or some none. Compare those that were"
            " trained on the same."
        )
    are_sets = all(about.targets.are_sets for about in abouts.values())
    words = to.split(",") if to and "," in to and are_sets else [to] * len(abouts)
    if len(words) != len(abouts):
        raise SettingsError(f"--to names {len(words)} domains for {len(abouts)} models. Name one, or one for each.")
    targets = {name: about.targets.choose(word) for (name, about), word in zip(abouts.items(), words, strict=True)}
    places = {abouts[name].domains.index(target) for name, target in targets.items()} if are_sets else set(targets)
    if len(set(targets.values())) > 1 and len(places) > 1:
        found = ", ".join(f"{name} to {target}" for name, target in targets.items())
        advice = "Name one with --to, or one for each."
        if all(isinstance(about.targets, OneWay) for about in abouts.values()):
            advice = "Compare those that can be asked for the same."
        raise SettingsError(f"The models translate to different domains: {found}. {advice}")
    return targets


def _lacking(dataset: Dataset, split: Split, changes: str, count: int) -> Sequence[Pixels]:
    """Return the first readable pictures of which an attribute is not yet as `changes` say.

    Raises:
        DataError: there are none.
    """
    shown: list[Pixels] = []
    columns = [dataset.domains.index(name) for name in dataset.targets.asked(changes)]
    for name, pictures in dataset.pictures(split).items():
        labels = torch.from_numpy(dataset.labels(name, split))
        differs = (dataset.targets.change(labels, changes) != labels)[:, columns].any(1)
        for index in differs.nonzero().flatten().tolist():
            with contextlib.suppress(ImageDecodeError):
                shown.append(pictures[index])
            if len(shown) == count:
                return shown
    if not shown:
        raise DataError(
            f"No readable {split} picture of {dataset.name} lacks {changes}. Name another change with --to."
        )
    return shown


def _summary(result: Evaluation, settings: EvaluationSettings) -> str:
    """Say what the scores of all models were made of, and what the inputs reach."""
    main = next(figure for figure in result.figures if figure.name in ("KID", f"seen as {result.to}"))
    how = main.remark
    if main.features:
        how = f"against {main.against} pictures, protocol {settings.protocol}, features {main.features}"
    fixed = [figure for figure in result.figures if figure.name.endswith(OF_INPUTS)]
    of_inputs = "; ".join(f"{figure.name} {_words(figure)}" for figure in fixed)
    return (
        f"Test pictures of {result.data}. Scores: {main.count} translations {how}, seed {settings.seed}; in brackets"
        f" 95 % intervals. {of_inputs}."
    )


def _about(name: str, tell: Tell) -> Tell:
    return lambda what, done, total: tell(f"{name}: {what}", done, total)


def _words(figure: Metric) -> str:
    interval = "" if figure.low is None else f" [{figure.low:.4g}, {figure.high:.4g}]"
    return f"{figure.value:.4g}{interval}"
