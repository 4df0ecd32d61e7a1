"""What a method in training makes, for people and for alarms: of fixed pictures, or of fixed noise."""

import shlex
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from translate.data.batches import Batches
from translate.data.folders import Dataset, readable
from translate.data.made import held_out_squares, square
from translate.devices import Engine
from translate.inference.sampler import Sampler, noise
from translate.inference.translator import Translator
from translate.methods.base import Method, translation
from translate.methods.generation import Generation
from translate.models.about import About
from translate.report.samples import drawn_grid, sample_grid
from translate.runs.held_out_score import HeldOutScore
from translate.targets import Targets
from translate.tensors import Pixels
from translate.toys.catalogue import drawn_scores, scores_of_drawings
from translate.toys.drawn import Drawn
from translate.training import symptoms
from translate.training.alarms import Probe

SAMPLES = 4  # fixed inputs of each domain in a sample grid, or rows of fixed noise
LABELS = 10  # at most, that are shown side by side
PROBES = 8  # held-out pictures of each domain that are judged
DRAWN = 32  # drawn pictures that are judged
SCORED = 400  # drawn pictures that are scored by rule
TESTED = 1000  # test pictures of each label, at most, that are read
DIRECTIONS = 6  # at most, that are judged
SEEN = 500  # training pictures of each domain that results are compared with


class Shown(ABC):
    """What a method in training makes at the moment."""

    @abstractmethod
    def grid(self) -> Pixels:
        """Make a sample grid (H, W, 3) uint8 of fixed inputs."""

    @abstractmethod
    def make(self, probe: Probe) -> list[Pixels]:
        """Make the pictures (S, S, 3) uint8 that are judged."""

    @abstractmethod
    def distance(self, score: HeldOutScore) -> float:
        """Measure how far they are from held-out pictures."""

    @abstractmethod
    def scores(self) -> dict[str, float]:
        """Score by rule where the pictures are drawn, so that the right answer is known."""


class Translations(Shown):
    """What is made of the held-out pictures of a dataset.

    Args:
        translator: the model.
        dataset: the pictures.
        side: of the squares that are shown, in pixels.
    """

    def __init__(self, translator: Translator, dataset: Dataset, side: int) -> None:
        self._translator, self._dataset, self._side = translator, dataset, side

    def grid(self) -> Pixels:  # noqa: D102
        train = self._dataset.train
        inputs = {domain: held_out_squares(self._dataset, domain, SAMPLES, self._side) for domain in train}
        return sample_grid(self._translator.batch, inputs, self._translator.method.targets, self._dataset.paired)

    def make(self, probe: Probe) -> list[Pixels]:  # noqa: D102
        return self._translator.batch(list(probe.inputs), probe.target)

    def distance(self, score: HeldOutScore) -> float:  # noqa: D102
        return score(self._translator)

    def scores(self) -> dict[str, float]:  # noqa: D102
        if not all(isinstance(pictures, Drawn) for pictures in self._dataset.train.values()):
            return {}
        return drawn_scores(self._dataset.name, self._translator.batch, self._side)


class Drawings(Shown):
    """What is drawn from the noise of seed 0.

    Args:
        sampler: the model.
        dataset: what it learns from.
    """

    def __init__(self, sampler: Sampler, dataset: Dataset) -> None:
        self._sampler, self._dataset = sampler, dataset

    def grid(self) -> Pixels:
        """Draw 4 x 4 pictures, or of a method that is told what to draw, each label in a column of its own."""
        labels = min(self._sampler.method.labels, LABELS)
        if not labels:
            return drawn_grid(list(self._sampler(SAMPLES**2)), SAMPLES)
        z = noise(0, range(SAMPLES), self._sampler.method.latent).repeat_interleave(labels, 0)
        return drawn_grid(self._sampler.of_noise(z, [*range(labels)] * SAMPLES), labels)

    def make(self, probe: Probe) -> list[Pixels]:  # noqa: D102
        return list(self._sampler(DRAWN))

    def distance(self, score: HeldOutScore) -> float:  # noqa: D102
        return score.of_drawings(self._sampler)

    def scores(self) -> dict[str, float]:
        """Score by rule what is drawn of another seed than grids; of labels where these are the domains of the rule."""
        labels = self._sampler.method.labels
        asked = [number % labels for number in range(SCORED)] if labels else []
        scores = scores_of_drawings(self._dataset.name, self._sampler(SCORED, seed=1), asked)
        return {**scores, **self._test_error()}

    def _test_error(self) -> dict[str, float]:
        """Return the share of test pictures whose label is read wrongly, by methods that read some."""
        wrong, count = 0, 0
        for number, domain in enumerate(self._dataset.train):
            pictures = readable(self._dataset.test.get(domain, ()), TESTED)
            squares = [square(picture, self._sampler.about.size) for picture in pictures]
            for start in range(0, len(squares), DRAWN):
                read = self._sampler.read(squares[start : start + DRAWN])
                if read is None:
                    return {}
                wrong, count = wrong + sum(label != number for label in read), count + len(read)
        return {"test error": wrong / count} if count else {}


def shown(method: Method, about: About, engine: Engine, dataset: Dataset, side: int) -> Shown:
    """Return what shows a method in training: values that are not finite as black."""
    if isinstance(method, Generation):
        return Drawings(Sampler(method, about, engine, learning=True), dataset)
    return Translations(Translator(translation(method), about, engine, learning=True), dataset, side)


def probes_of(method: Method, dataset: Dataset, batches: Batches, side: int) -> list[Probe]:
    """Return on what a method is judged, with pictures of so many pixels."""
    if isinstance(method, Generation):
        real = np.concatenate([held_out_squares(dataset, domain, DRAWN, side) for domain in dataset.train])
        seen = np.concatenate(
            [_seen(batches, domain, SEEN // len(dataset.train) + 1, side) for domain in dataset.train]
        )
        return [Probe("noise", dataset.name, real, real, symptoms.thumbnails(seen), drawn_from=seen)]
    held = {domain: np.stack(held_out_squares(dataset, domain, PROBES, side)) for domain in dataset.train}
    targets = translation(method).targets
    ways = [
        (source, target, targets.like(source, target)) for source, target in targets.probes(list(held))[:DIRECTIONS]
    ]
    known = {  # results that should look like their own input are no copies of it
        domain: symptoms.thumbnails(_seen(batches, domain, SEEN, side))
        for domain in dict.fromkeys(like for source, _, like in ways if like != source)
    }
    return [Probe(source, target, held[source], held[like], known.get(like)) for source, target, like in ways]


def columns_of(method: Method, dataset: Dataset) -> str:
    """Say in words what a sample grid shows, and when it is a good sign."""
    if isinstance(method, Generation):
        return _columns_drawn(method)
    targets, ways = translation(method).targets, list[str]()
    for source in dataset.train:
        aims = targets.ways(source)
        back = {target: targets.back(source, target) for target in aims}
        ways += [f"{source}, translated to {target}, and back to {back[target]}" for target in aims if back[target]]
        if alone := [target for target in aims if not back[target]]:
            ways.append(f"{source}, translated to {', to '.join(alone)}")
    if dataset.paired:
        ways = [f"{way}, and what it should have become" for way in ways]
    aim = "translations look like real pictures of what they are translated to and still show what the input shows"
    if any(" and back to " in way for way in ways):
        aim += ", and when the way back leads to the input"
    return f"In every row, from left to right: {'; '.join(ways)}. It goes well when {aim}."


@dataclass(frozen=True)
class Use:
    """What a model is used for: to draw pictures, to enlarge them so many times, or to fill holes."""

    draws: bool = False
    scale: int = 1
    fills: bool = False

    @classmethod
    def of(cls, about: About) -> Self:
        """Return what a model is used for."""
        return cls(bool(about.noise), about.scale, about.made == "holes")


def command_to_use(out: Path, targets: Targets, use: Use) -> str:
    """Return the command that makes pictures with the result of a run, which can be asked for `targets`."""
    model = shlex.quote(str(out))
    if use.draws:
        return f"translate sample {model} --count 64 --out DRAWN --grid drawn.png"
    to = "" if targets.default else f" --to {targets.example}"
    how = f" --enlarge {use.scale}" if use.scale != 1 else " --fill" if use.fills else ""
    return f"translate apply {model} PHOTOS{to}{how} --out RESULTS"


def _columns_drawn(method: Generation) -> str:
    what = f"{SAMPLES**2} pictures, always of the same noise"
    if method.labels:
        named = ", ".join(method.names[:LABELS])
        what = f"In each column one label: {named}; in each row the same noise for all of them"
    return f"{what}. It goes well when each looks like a real picture and they differ from each other."


def _seen(batches: Batches, domain: str, count: int, side: int) -> symptoms.Pictures:
    return np.stack([square(picture, side) for picture in batches.pictures(domain, count)])
