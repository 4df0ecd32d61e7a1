"""Every milestone of a run measured, one of them chosen: what `translate eval --every-checkpoint` does.

The KID of the best of many is too good, because chance helped to choose it. So the choice is made on pictures that are
neither trained on nor measured in the end, and the chosen one is measured once: on those that the run held out, or on
half of the test pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from translate.data.folders import Dataset, Files, Pictures, halves
from translate.errors import ImageDecodeError, SettingsError, WeightsError
from translate.evaluation.evaluation import EvaluationSettings, evaluate
from translate.evaluation.judges import default_features, open_judge
from translate.evaluation.pictures import open_data, refuse_empty
from translate.inference.translator import Translator
from translate.metrics.estimates import Estimate
from translate.metrics.features import features_of, refuse_too_few
from translate.metrics.kernel import kernel_distance
from translate.metrics.protocols import find_protocol, prepared
from translate.metrics.results import Evaluation
from translate.models.exports import read_about
from translate.models.finding import find_export
from translate.networks.features.feature_network import FeatureNetwork
from translate.progress import Tell, silent
from translate.run_folder import EXPORT, RunFolder
from translate.toys.drawn import Drawn

DRAWN = "Chosen on pictures drawn from another seed than those for training and testing."
HELD_OUT = "Chosen on pictures that the run held out of training, measured on all test pictures."
HALF = (
    "Chosen on one half of the test pictures, measured on the other; what a picture shows says in which it is. A run"
    " with --set data.held_out=100 chooses on pictures held out of training and is measured on all test pictures."
)


@dataclass(frozen=True)
class Candidate:
    """A checkpoint and its KID on the pictures for choosing."""

    step: int
    file: str
    kid: Estimate
    final: bool  # whether it is the run's own export


@dataclass(frozen=True)
class Choice:
    """All checkpoints of a run, the chosen one, and what it is worth on other pictures."""

    candidates: list[Candidate]  # by step
    chosen: int  # step of the one with the lowest KID
    pictures: str  # on which it was chosen, in words
    count: int  # of translated pictures
    against: int  # of real pictures
    features: str  # the feature network
    measured: Evaluation

    def marks(self, candidate: Candidate) -> list[str]:
        """Say what is special about a candidate."""
        marks = {"chosen": candidate.step == self.chosen, "final": candidate.final}
        return [mark for mark, has in marks.items() if has]


def evaluate_every_checkpoint(
    run: str | Path,
    data: str | Path | Dataset,
    to: str | None = None,
    *,
    tell: Tell = silent,
    **options: Any,
) -> Choice:
    """Choose the checkpoint of a run with the lowest KID, and measure it once on other pictures.

    Args:
        run: a run's folder with milestones.
        data: as for `evaluate`.
        to: the domain to translate to.
        tell: is told what is done.
        options: the fields of `EvaluationSettings`; the split is the test pictures.

    Raises:
        SettingsError: as `evaluate`, or the model changes attributes.
        DataError: as `evaluate`, half of the test pictures is too few, or what the run held out is not there any more.
        WeightsError: as `evaluate`, or the run holds no milestones.
        DeviceError: the device is not there.
    """
    settings = EvaluationSettings(**options)
    protocol, files = find_protocol(settings.protocol), _checkpoints(Path(run))
    about = read_about(files[max(files)]).translating(run)
    if not about.targets.are_sets:
        raise SettingsError(
            "A model that changes attributes has no KID to choose by, and what a classifier sees in its translations"
            " does not say how real they look. Leave out --every-checkpoint, and look at its samples."
        )
    target, dataset = about.targets.choose(to), open_data(data, about, settings.size, settings.max_pixels)
    network = open_judge(settings.features or default_features(about), about, protocol.middle, settings.anyway)
    refuse_empty(dataset, "test", about)
    if about.held_out:
        refuse_empty(dataset, "held-out", about)
    choosing, measuring = (dataset.held_out, dataset.test) if dataset.held_out else _parted(dataset.test)
    for part in (measuring, choosing):
        count, against = sum(len(part[domain]) for domain in dataset.domains if domain != target), len(part[target])
        refuse_too_few(count, against)
    sources = {domain: choosing[domain] for domain in dataset.domains if domain != target}
    seen = _Seen(network, protocol.antialiased, tell)
    real = seen.features({target: choosing[target]}, "real pictures")
    candidates: list[Candidate] = []
    for step, path in files.items():
        fake = seen.features(
            sources, f"step {step:,}", Translator.load(path, settings.device, settings.precision), target
        )
        candidates.append(Candidate(step, str(path), kernel_distance(fake, real), path.name == EXPORT))
    chosen = min(candidates, key=lambda candidate: candidate.kid.value)
    measured = evaluate(chosen.file, replace(dataset, test=measuring), target, tell=tell, **options)
    if about.steps < about.planned:
        measured.notes.append(f"The run has done {about.steps:,} of {about.planned:,} steps.")
    words = HELD_OUT if dataset.held_out else DRAWN if isinstance(choosing[target], Drawn) else HALF
    return Choice(candidates, chosen.step, words, len(fake), len(real), network.name, measured)


@dataclass(frozen=True)
class _Seen:
    """Pictures as a feature network sees them."""

    network: FeatureNetwork
    antialiased: bool
    tell: Tell

    def features(
        self, sets: Mapping[str, Pictures], what: str, translator: Translator | None = None, target: str = ""
    ) -> NDArray[Any]:
        """Return the features (N, d) of all readable pictures, or of their translations."""
        rows: list[NDArray[Any]] = []
        total = sum(map(len, sets.values()))
        for pictures in sets.values():
            for index in range(len(pictures)):
                try:
                    picture = pictures[index]
                except ImageDecodeError:  # the final evaluation names such pictures
                    continue
                shown = translator(picture, target) if translator else picture
                rows.append(features_of(self.network, [prepared(shown, self.network.side, self.antialiased)])[0])
                self.tell(what, len(rows), total)
        refuse_too_few(len(rows), len(rows))  # of those that could be read
        return np.stack(rows)


def _checkpoints(run: Path) -> dict[int, Path]:
    """Return the milestones of a run and its own export by their steps; of two with the same step the export."""
    milestones = RunFolder(run).all_milestones()
    if not milestones:
        raise WeightsError(
            f"{run} holds no milestones, which a run writes after each tenth of its steps. Name the folder of such a"
            " run, or leave out --every-checkpoint."
        )
    export = find_export(run)
    steps = {read_about(path).steps: path for path in [*milestones, export]}
    return {step: steps[step] for step in sorted(steps)}


def _parted(test: Mapping[str, Pictures]) -> tuple[dict[str, Pictures], dict[str, Pictures]]:
    """Return pictures to choose on and pictures to measure on, by domain; none was trained on."""
    choosing: dict[str, Pictures] = {}
    measuring: dict[str, Pictures] = {}
    for domain, pictures in test.items():
        if isinstance(pictures, Drawn):
            choosing[domain], measuring[domain] = replace(pictures, seed=pictures.seed + 1), pictures
        else:
            assert isinstance(pictures, Files)  # there are no others
            choosing[domain], measuring[domain] = halves(pictures)
    return choosing, measuring
