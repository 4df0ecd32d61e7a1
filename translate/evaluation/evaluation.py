"""A model joined with a dataset and a protocol: what `translate eval` measures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.data.folders import Dataset, Split
from translate.devices import Precision
from translate.errors import SettingsError
from translate.evaluation.classification import ClassifierEvaluator
from translate.evaluation.evaluator import Evaluator
from translate.evaluation.judges import default_features, open_judge, seen_features
from translate.evaluation.measures import Dots, Measure, Recognition
from translate.evaluation.pictures import EvaluationSets, open_data, refuse_empty
from translate.features import (
    INCEPTION,
    LITE0,
    LITE0_COMMAND,
    LITE0_SHA256,
    RANDOM,
    has_lite0,
    needed_for_inception,
    read_weights,
)
from translate.inference.translator import Translator
from translate.metrics.likeness import Lpips
from translate.metrics.protocols import find_protocol
from translate.metrics.results import Evaluation
from translate.models.about import About
from translate.models.exports import about_translator
from translate.networks.features.feature_network import FeatureNetwork
from translate.networks.features.inception import Inception
from translate.networks.features.lite0 import Lite0
from translate.progress import Tell, silent
from translate.targets import OneWay
from translate.toys.catalogue import COUNT, drawn_scores
from translate.toys.drawn import Drawn


@dataclass(frozen=True)
class EvaluationSettings:
    """Under which a model is measured.

    Attributes:
        protocol: one of `PROTOCOLS`.
        features: see `open_features`; None: see `default_features`.
        lpips: a file with the linear head of LPIPS for these features.
        split: "held-out" measures on what the run held out of training, "train" on training pictures, for datasets
            without test pictures.
        seed: of subsets and halves.
        size: of pictures that are drawn, in pixels; see `open_data`.
        max_pixels: of a picture that is a file; see `open_data`.
        recognise: a class of ImageNet: how often pictures are taken for it.
        anyway: whether features judge a model whose critics have seen them.
        device: see `devices.engine`.
        precision: see `devices.engine`.
    """

    protocol: str = "cut"
    features: str | Path | None = None
    lpips: str | Path | None = None
    split: Split = "test"
    seed: int = 0
    size: int | None = None
    max_pixels: int | None = None
    recognise: str | None = None
    anyway: bool = False
    device: str = "auto"
    precision: Precision = "auto"


def evaluate(
    model: str | Path,
    data: str | Path | Dataset,
    to: str | None = None,
    *,
    tell: Tell = silent,
    **options: Any,
) -> Evaluation:
    """Translate the test pictures of a dataset and measure what became of them.

    No figure depends on the names, the order or the lossless format of the files: pictures are put into an order by
    what they show before anything is drawn at random.

    Args:
        model: a run's folder, an export file, or a name in weights.
        data: the name of a card, or a folder, or an open dataset, with the model's domains.
        to: the domain to translate to, or None for the model's default; or changes of attributes, or None for all
            that are worth a look.
        tell: is told what is done.
        options: the fields of `EvaluationSettings`.

    Raises:
        SettingsError: the model does not know `to` or the dataset's domains, or there is no such protocol or class; or
            the features are those that its critics have seen.
        DataError: there is no such dataset, or there are too few test pictures.
        WeightsError: the model or the feature network is missing or damaged.
        DeviceError: the device is not there.
    """
    settings = EvaluationSettings(**options)
    protocol, about = find_protocol(settings.protocol), about_translator(model)
    dataset = open_data(data, about, settings.size, settings.max_pixels)
    refuse_empty(dataset, settings.split, about)
    if about.targets.are_sets:
        target = about.targets.choose(to)
        targets = list(dataset.domains)
    else:
        targets = [about.targets.choose(to)] if to else []
        target = to or "all attributes"
    translator = Translator.load(model, settings.device, settings.precision)
    result = Evaluation(about.sha256[:12], dataset.name, target, settings.split, settings.protocol, settings.seed)
    if about.targets.are_sets:
        network = open_judge(settings.features or default_features(about), about, protocol.middle, settings.anyway)
        result.features_sha256 = network.sha256
        head = Lpips(network, read_weights(Path(settings.lpips))) if settings.lpips else None
        sets = EvaluationSets.of(dataset, settings.split, target, protocol.with_train)
        measures = _measures(settings, about, network)
        Evaluator(translator, target, network, head, protocol.antialiased, result, tell).run(sets, measures)
        result.missing += _missing(network, head, about)
    else:
        result.missing.append("FID, KID and what needs features: pictures with attributes are no two sets to compare.")
        if settings.recognise:
            result.missing.append("What a classifier of ImageNet recognises: that is for models of domains.")
    if translator.method.settings.batches == "labelled":
        if isinstance(about.targets, OneWay):
            result.missing.append(
                "What a classifier sees in translations: this needs the model, not one direction of it."
            )
        elif not any(map(len, dataset.train.values())):
            result.missing.append("What a classifier sees in translations: there are no training pictures to teach it.")
        else:
            ClassifierEvaluator(translator, dataset, settings.split, result, tell).run(
                targets or translator.method.targets.shown()
            )
    drawn = next(iter(dataset.train.values()))
    if isinstance(drawn, Drawn):
        tell("scoring by rule", 0, 1)
        for name, score in drawn_scores(dataset.name, translator.batch, drawn.size).items():
            result.add(name, score, COUNT, remark=f"by rule, on unseen pictures drawn at {drawn.size} pixels")
        tell("scoring by rule", 1, 1)
    return result


def _measures(settings: EvaluationSettings, about: About, network: FeatureNetwork) -> list[Measure]:
    """Return what is measured of pictures one by one. Raises as `evaluate`."""
    if not settings.recognise:
        return [Dots()]
    protocol = find_protocol(settings.protocol)
    classifier = network
    if not isinstance(network, Lite0):
        if seen_features(about) & {LITE0, LITE0_SHA256} and not settings.anyway:
            raise SettingsError(
                f"--recognise asks {LITE0}, on which the critics of this model were trained: that would flatter it. Say"
                " --anyway, and the figures are marked, or leave out --recognise."
            )
        classifier = open_judge(LITE0, about, protocol.middle, settings.anyway)
    assert isinstance(classifier, Lite0)
    return [Dots(), Recognition(settings.recognise, classifier, protocol.antialiased)]


def _missing(network: FeatureNetwork, head: Lpips | None, about: About) -> list[str]:
    """Say what was not measured because something is not here or was not settings."""
    found: list[str] = []
    if network.word == RANDOM and not has_lite0():
        found.append(f"What needs features that know objects: say --features {LITE0}, after `{LITE0_COMMAND}`.")
    elif network.word == RANDOM and default_features(about) == RANDOM:
        found.append(f"What needs features that know objects: the critics of this model have seen those of {LITE0}.")
    if not isinstance(network, Inception):
        first = "".join(f", after `{command}`" for command in needed_for_inception())
        found.append(f"FID and KID with the features of published tables: say --features {INCEPTION}{first}.")
    if head is None:
        found.append(f"LPIPS: name its linear head for the features {network.name} with --lpips.")
    return found
