"""The training doctor: says, once and in words, what goes wrong in a run and which setting helps. It stops nothing.

The thresholds lie between what healthy runs and staged failures measure; the comments give both. Healthy were toy runs
of all three methods with good scores, and horse2zebra and monet2photo at 128 pixels.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from translate.methods.base import Term
from translate.training import symptoms
from translate.training.record import Record, read_log
from translate.training.symptoms import Floats, Pictures

WARM_UP = 0.1  # of the run: before, nothing is judged but numbers that are not finite
EARLIEST = 100  # steps: and before these neither, for nothing can be learned yet
LONG = 0.1  # of the run: losses are judged by their median over so many steps
FEWEST_REPORTS = 5  # in that time, or losses are not judged
FEWEST_PICTURES = 4  # of each domain, or pictures are not judged

WON = 0.05  # of its equilibrium: a discriminator's loss. Healthy: from 0.09 (DiscoGAN, edges) over 0.6; won: towards 0
LOST = 1.5  # of its equilibrium: a discriminator's loss. Healthy: up to 1.2
FOOLED = 0.5  # of its equilibrium: a generator's adversarial term. Healthy: from 0.95
INVERTED = -0.4  # correlation. Healthy: from 0.3; a horse2zebra that came out inverted: -0.85
COLLAPSED = 0.2  # of the variety of pictures. Healthy: from 0.6; one picture with some noise: 0.04
CHECKED = 3.0  # levels. Healthy: resized 0.4, transposed 2.4; a pattern of 12 levels in every second pixel: 6 or more
FADED = 0.25  # of the contrast of pictures. Healthy: from 0.6; one grey: 0
STRIPED = 4.0  # times what real pictures measure, and as many levels. Healthy: up to 1.3 times; a rainbow: 20 times
SPOTTED = 2.0  # of what the most conspicuous spots of real pictures measure. Healthy: up to 1.2; a white spot: 2.5
MEMORISED = 0.5  # of the distance of unseen real pictures to the training pictures. Healthy: from 2.5; copies: 0


@dataclass(frozen=True)
class Alarm:
    """Something that goes wrong.

    Attributes:
        name: one word; each is said once in a run.
        step: when it was seen.
        text: what is seen, and what helps.
    """

    name: str
    step: int
    text: str


@dataclass(frozen=True)
class Probe:
    """Pictures on which one direction of translation is judged.

    Attributes:
        source: the domain the inputs are from.
        target: what they are translated to, as `Method.translate` takes it.
        inputs: (N, S, S, 3) uint8.
        targets: real pictures of the target that were not trained on, (N, S, S, 3) uint8.
        seen: thumbnails of those that were, (M, 192); None if outputs cannot be copies of them.
        drawn_from: of pictures that are drawn from noise, those that were trained on, (M, S, S, 3) uint8; their inputs
            stand for real pictures. None of translations.
    """

    source: str
    target: str
    inputs: Pictures
    targets: Pictures
    seen: Floats | None = None
    drawn_from: Pictures | None = None


class Alarms:
    """The alarms of a run, kept in a file of one JSON object a line.

    Args:
        path: the file. Alarms after step `step` are dropped from it: the run continues there.
        step: the step the run starts or continues from.
        steps: the length of the run.
        terms: what the losses mean.
        tell: is told every new alarm.
    """

    def __init__(
        self, path: Path, step: int, steps: int, terms: Mapping[str, Term], tell: Callable[[Alarm], None]
    ) -> None:
        self._record = Record(path, step)
        self._warm = max(WARM_UP * steps, EARLIEST)
        self._steps, self._terms, self._tell = steps, terms, tell
        self.raised = [Alarm(**line) for line in read_log(path)]

    @property
    def first(self) -> int:
        """The step from which on losses and pictures are judged; beyond the end in a run that is too short for it."""
        return math.ceil(self._warm)

    def look_at_losses(self, log: Sequence[Mapping[str, Any]]) -> None:
        """Judge the newest line of a run's log in the light of the lines before."""
        self._raise(skipped(log))
        if log and log[-1]["step"] >= self._warm:
            recent = [line for line in log if line["step"] > log[-1]["step"] - LONG * self._steps]
            if len(recent) >= FEWEST_REPORTS:
                self._raise(losses(recent, self._terms))

    def look_at_pictures(self, probe: Probe, outputs: Pictures, step: int) -> None:
        """Judge translations (N, S, S, 3) uint8 of the inputs of `probe`."""
        if step >= self._warm and min(len(probe.inputs), len(probe.targets)) >= FEWEST_PICTURES:
            self._raise(pictures(probe, outputs, step))

    def _raise(self, found: Sequence[Alarm]) -> None:
        for alarm in found:
            if alarm.name not in [known.name for known in self.raised]:
                self._record.write(asdict(alarm))
                self.raised.append(alarm)
                self._tell(alarm)


def skipped(log: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """Look for steps in which something was not finite."""
    if not log or not log[-1]["skipped"]:
        return []
    seen = f"In {log[-1]['skipped']} steps a loss or a gradient was not finite; they were skipped."
    seen += " Which, and the pictures they were done on, are in skipped.jsonl."
    help_ = "If it happens more often, use --precision fp32 or a lower rate (method.optimiser.lr)."
    return [Alarm("skipped", log[-1]["step"], f"{seen} {help_}")]


def losses(recent: Sequence[Mapping[str, Any]], terms: Mapping[str, Term]) -> list[Alarm]:
    """Look for a discriminator that wins or loses for as long as the lines `recent` of a log."""
    found: list[Alarm] = []
    step = recent[-1]["step"]
    for name, term in terms.items():
        values = [line["losses"][name] for line in recent if name in line["losses"]]
        if term.trend != "hovers" or not term.equilibrium or not values:
            continue
        share = median(values) / term.equilibrium
        if term.player == "D" and share < WON:
            text = (
                f"The discriminator wins: {name} has been near 0 for long, so the generator learns little from it."
                " Often it knows the training pictures by heart: --set method.diffaugment=colour,translation,cutout,"
                " more pictures, or a smaller method.discriminator.width help."
            )
            found.append(Alarm("discriminator-won", step, text))
        if (term.player == "D" and share > LOST) or (term.player == "G" and share < FOOLED):
            text = (
                f"The discriminator loses: {name} has been far from {term.equilibrium:.2f}, where both are even, for"
                " long, so it teaches nothing. A larger method.discriminator.width or a lower method.optimiser.lr"
                " helps."
            )
            found.append(Alarm("discriminator-lost", step, text))
    return found


def pictures(probe: Probe, outputs: Pictures, step: int) -> list[Alarm]:
    """Look for what is wrong with the outputs, (N, S, S, 3) uint8, that were made of the inputs of `probe`."""
    way, inputs, targets, drawn = _way(probe), probe.inputs, probe.targets, probe.drawn_from is not None
    found: list[Alarm] = []
    if not drawn and symptoms.agreement(inputs, outputs) < INVERTED:
        text = (
            f"{way} dark becomes bright and bright becomes dark. That rarely goes away: start again with another"
            " --seed; with CycleGAN method.lambda_idt=5 holds brightness and colours."
        )
        found.append(Alarm("inverted", step, text))
    if symptoms.variety(outputs, inputs, targets) < COLLAPSED:
        help_ = (
            "a larger weight of the cycle or the content (lambda_cyc, lambda_rec, lambda_X, lambda_l1) or more varied"
            " pictures help."
        )
        if drawn:
            help_ = "or, where the method has them, method.discriminator.minibatch=16 or method.objective=wgan-gp help."
        what = "noise becomes" if drawn else "pictures become"
        text = f"{way} different {what} nearly the same picture. A lower rate (method.optimiser.lr), {help_}"
        found.append(Alarm("collapsed", step, text))
    if symptoms.contrast(outputs, inputs, targets) < FADED:
        text = (
            f"{way} pictures lose their light and shade, and become grey or of one colour. A lower rate"
            " (method.optimiser.lr) or a smaller batch helps; so does a longer run where it has just begun."
        )
        found.append(Alarm("faded", step, text))
    if symptoms.stripes(outputs) > STRIPED * (max(map(symptoms.stripes, (inputs, targets))) + 1):
        text = (
            f"{way} pictures get stripes of colours, like a rainbow. A lower rate (method.optimiser.lr),"
            " --precision fp32 or another --seed helps."
        )
        found.append(Alarm("striped", step, text))
    if symptoms.checkerboard(outputs) > max(map(symptoms.checkerboard, (inputs, targets))) + CHECKED:
        text = (
            f"{way} pictures get a checkerboard of 2 or 4 pixels. With CycleGAN --set"
            " method.generator.upsampling=resize avoids it; otherwise longer training often does."
        )
        found.append(Alarm("checkerboard", step, text))
    if symptoms.droplets(outputs) > SPOTTED * max(map(symptoms.droplets, (inputs, targets))):
        text = (
            f"{way} pictures get conspicuous spots that real ones do not have. A lower rate"
            " (method.optimiser.lr) or method.diffaugment=colour,translation,cutout helps."
        )
        found.append(Alarm("droplets", step, text))
    if probe.seen is not None:
        unseen = symptoms.nearest(targets, probe.seen)
        if symptoms.nearest(outputs, probe.seen) < MEMORISED * unseen:
            third = "a smaller generator" if drawn else "a larger weight of the cycle or the content"
            text = (
                f"{way} pictures become copies of training pictures of {probe.target}. More pictures, --set"
                f" method.diffaugment=colour,translation,cutout or {third} help."
            )
            found.append(Alarm("memorised", step, text))
    return found


def _way(probe: Probe) -> str:
    return f"From {probe.source} to {probe.target}"
