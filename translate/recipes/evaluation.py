"""A model joined with a dataset and a protocol: what `translate eval` measures."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from translate import cards, images
from translate.data.folders import Dataset, Files, Pictures
from translate.data.known import open_known
from translate.data.layouts import open_folder
from translate.data.truth import Drawn, open_drawn
from translate.devices import Precision
from translate.errors import DataError, ImageDecodeError, SettingsError
from translate.evaluation import distances
from translate.evaluation.distances import Estimate
from translate.evaluation.drawn import drawn_scores
from translate.evaluation.features import RANDOM, SIDE, FeatureNetwork, features_of, open_features, read_weights
from translate.evaluation.likeness import WINDOW, Lpips, mean_difference, psnr, ssim, structure_distance
from translate.evaluation.protocols import find_protocol, prepared
from translate.evaluation.truth import background, background_error
from translate.inference.exports import About, find_export, read_about
from translate.inference.translator import Translator
from translate.tensors import Pixels

Split = Literal["test", "train"]
Tell = Callable[[str, int, int], None]  # what is being done, how much of it, and of how much

SUBSETS, SUBSET = 100, 1000  # of a published KID: how many, and pictures in each at most


@dataclass(frozen=True)
class Figure:
    """One number and what it was made of."""

    name: str
    value: float
    low: float | None  # of the 95 % interval, where there is one
    high: float | None
    count: int  # pictures that were judged
    against: int = 0  # pictures that they were compared with as a set
    features: str = ""  # the feature network
    remark: str = ""


@dataclass
class Evaluation:
    """All figures of a model on a dataset, and how they were made."""

    model: str  # the beginning of the SHA-256 of its tensors
    data: str
    to: str
    split: str
    protocol: str
    seed: int
    features_sha256: str = ""  # of the file with the feature network's weights; empty for those that ship with us
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, score: Estimate | float, count: int, against: int = 0, features: str = "", remark: str = ""
    ) -> None:
        """Add a number, with its interval if it has one."""
        if isinstance(score, Estimate):
            self.figures.append(Figure(name, score.value, score.low, score.high, count, against, features, remark))
        else:
            self.figures.append(Figure(name, score, None, None, count, against, features, remark))


def evaluate(
    model: str | Path,
    data: str | Path | Dataset,
    to: str | None = None,
    *,
    protocol: str = "cut",
    features: str | Path = RANDOM,
    lpips: str | Path | None = None,
    split: Split = "test",
    seed: int = 0,
    device: str = "auto",
    precision: Precision = "auto",
    tell: Tell = lambda *_: None,
) -> Evaluation:
    """Translate the test pictures of a dataset and measure what became of them.

    No figure depends on the names, the order or the lossless format of the files: pictures are put into an order by
    what they show before anything is drawn at random.

    Args:
        model: a run's folder, an export file, or a name in weights.
        data: the name of a card, or a folder, or an open dataset, with the model's domains.
        to: the domain to translate to, or None for the model's default.
        protocol: one of `PROTOCOLS`.
        features: see `open_features`.
        lpips: a file with the linear head of LPIPS for these features.
        split: "train" measures on training pictures, for datasets without test pictures.
        seed: of bootstraps and subsets.
        device: see `devices.engine`.
        precision: see `devices.engine`.
        tell: is told what is done.

    Raises:
        SettingsError: the model does not know `to` or the dataset's domains, or there is no such protocol.
        DataError: there is no such dataset, or there are too few test pictures.
        WeightsError: the model or the feature network is missing or damaged.
        DeviceError: the device is not there.
    """
    how, about = find_protocol(protocol), read_about(find_export(model))
    dataset = open_data(data, about)
    drawn = all(isinstance(pictures, Drawn) for pictures in dataset.train.values())
    if about.attributes and not drawn:
        raise SettingsError("A model that changes attributes is measured on drawn datasets only; see `data list`.")
    target = "all attributes" if about.attributes else about.choose(to)
    translator = Translator.load(model, device, precision)
    result = Evaluation(about.sha256[:12], dataset.name, target, split, protocol, seed)
    if not about.attributes:
        network = open_features(features)
        result.features_sha256 = network.sha256
        head = Lpips(network, read_weights(Path(lpips))) if lpips else None
        sets = _Sets.of(dataset, split, target, how.with_train)
        judge = _Judge(translator, target, network, head, how.antialiased, result, tell)
        judge.run(sets)
    if drawn:
        tell("scoring by rule", 0, 1)
        for name, score in drawn_scores(dataset.name, translator.batch, about.size).items():
            result.add(name, score, 200, remark="by rule, on unseen drawn pictures")
        tell("scoring by rule", 1, 1)
    return result


@dataclass(frozen=True)
class _Sets:
    """The pictures that are compared: those to translate by their domain, and the real ones of the target."""

    sources: dict[str, Pictures]
    target: Pictures
    real: tuple[Pictures, ...]

    @classmethod
    def of(cls, dataset: Dataset, split: Split, target: str, with_train: bool) -> "_Sets":
        refuse_empty(dataset, split)
        pictures = dataset.test if split == "test" else dataset.train
        real = [pictures[target]]
        if with_train and split == "test":
            real.append(dataset.train[target])
        sources = {domain: pictures[domain] for domain in dataset.domains if domain != target}
        distances.refuse_too_few(sum(map(len, sources.values())), sum(map(len, real)))
        return cls(sources, real[0], tuple(real))


class _Gathered:
    """Features of pictures, in an order that depends on what the pictures show and on nothing else."""

    def __init__(self) -> None:
        self._rows: list[tuple[bytes, NDArray[Any]]] = []

    def add(self, key: bytes, values: Any) -> None:
        self._rows.append((key, np.asarray(values)))

    def __len__(self) -> int:
        return len(self._rows)

    def array(self) -> NDArray[Any]:
        return np.stack([values for _, values in sorted(self._rows, key=lambda row: row[0])])


class _Judge:
    """Translates and measures, holding one picture at a time and a row of numbers for each that is done."""

    def __init__(
        self,
        translator: Translator,
        target: str,
        network: FeatureNetwork,
        head: Lpips | None,
        antialiased: bool,
        result: Evaluation,
        tell: Tell,
    ) -> None:
        self._translator = translator
        self._target = target
        self._network = network
        self._head = head
        self._antialiased = antialiased
        self._result = result
        self._tell = tell
        self._sizes: set[tuple[int, ...]] = set()
        self._left_out: Counter[str] = Counter()  # pictures for each reason

    def run(self, sets: _Sets) -> None:
        """Measure everything and add the figures to the result."""
        real = self._gather_real(sets.real)
        before, after, pairs = self._gather_translated(sets.sources)
        if len(self._sizes) > 1:
            self._result.notes.append(
                f"The pictures have {len(self._sizes)} different sizes; for distances between distributions each was"
                f" resized to {SIDE} x {SIDE} pixels."
            )
        self._add_distances(real.array(), before.array(), after.array())
        for name, values in pairs.items():
            if len(values):
                features = self._network.name if name in ("structure distance", "LPIPS") else ""
                self._result.add(name, distances.mean(values.array()), len(values), features=features)
        self._add_cycle(sets)
        self._result.notes += [f"Left out of {reason}, {count}." for reason, count in sorted(self._left_out.items())]

    def _gather_real(self, sets: tuple[Pictures, ...]) -> _Gathered:
        gathered, total = _Gathered(), sum(map(len, sets))
        for pictures in sets:
            for _, picture in self._readable(pictures):
                gathered.add(_key(picture), self._features(self._prepared(picture)))
                self._tell("real pictures", len(gathered), total)
        return gathered

    def _gather_translated(self, sources: dict[str, Pictures]) -> tuple[_Gathered, _Gathered, dict[str, _Gathered]]:
        """Return the features of pictures before and after, and what pairs of them measure, by name."""
        before, after, total = _Gathered(), _Gathered(), sum(map(len, sources.values()))
        pairs = {
            name: _Gathered()
            for name in ("SSIM to input", "PSNR to input", "change of input", "cycle error", "structure distance",
                         "LPIPS", "background error")
        }  # fmt: skip
        for domain, pictures in sources.items():
            for index, picture in self._readable(pictures):
                key = _key(picture)
                translated = self._translator(picture, self._target)
                cycled = self._translator(translated, domain)
                x, y = self._prepared(picture), self._prepared(translated)
                before.add(key, self._features(x))
                after.add(key, self._features(y))
                if min(picture.shape[:2]) >= WINDOW:
                    pairs["SSIM to input"].add(key, ssim(picture, translated))
                else:
                    self._left_out[f"SSIM, whose window has {WINDOW} pixels: smaller pictures"] += 1
                pairs["PSNR to input"].add(key, psnr(picture, translated))
                pairs["change of input"].add(key, mean_difference(picture, translated))
                pairs["cycle error"].add(key, mean_difference(picture, cycled))
                pairs["structure distance"].add(key, structure_distance(self._network, x, y))
                if self._head:
                    pairs["LPIPS"].add(key, self._head(x, y))
                mask = _mask(pictures, index)
                if mask is not None and self._has_background(mask, picture):
                    pairs["background error"].add(key, background_error(picture, translated, mask))
                self._tell("translating", len(after), total)
        return before, after, pairs

    def _add_distances(self, real: NDArray[Any], before: NDArray[Any], after: NDArray[Any]) -> None:
        name, seed, count = self._network.name, self._result.seed, len(after)
        biased = f"interval of the biased estimate at {count} and {len(real)} pictures"
        fid = distances.frechet_estimate(after, real, seed)
        self._result.add("FID", fid, count, len(real), name, biased)
        self._result.add("KID", distances.kernel_distance(after, real), count, len(real), name)
        value, deviation = distances.kernel_distance_in_subsets(after, real, SUBSETS, SUBSET, seed)
        size = min(SUBSET, count, len(real))
        remark = f"mean of {SUBSETS} subsets of {size}, standard deviation {deviation:.4g}"
        self._result.add("KID in subsets", value, count, len(real), name, remark)
        untranslated = "what no translation at all would reach"
        self._result.add(
            "FID of inputs", distances.frechet_estimate(before, real, seed), count, len(real), name, untranslated
        )
        kid = distances.kernel_distance(before, real)
        self._result.add("KID of inputs", kid, count, len(real), name, untranslated)
        halves = np.random.default_rng(seed).permutation(len(real))
        half = real[halves[::2]], real[halves[1::2]]
        if len(half[1]) >= distances.FEWEST:
            counts, remark = (len(half[0]), len(half[1])), "what a perfect translation would reach"
            at_half = f"{remark}, at {counts[0]} and {counts[1]} pictures"
            fid = distances.frechet_estimate(*half, seed)
            self._result.add("FID between halves of the real", fid, *counts, name, at_half)
            self._result.add("KID between halves of the real", distances.kernel_distance(*half), *counts, name, remark)
        spread = np.sqrt(after.var(0).sum() / max(before.var(0).sum(), 1e-12))
        remark = "spread of translations as a share of that of their inputs; near 0 all translations are the same"
        self._result.add("diversity", float(spread), count, features=name, remark=remark)

    def _add_cycle(self, sets: _Sets) -> None:
        """Add the cycle error of the target's own pictures, which go through each other domain and back."""
        errors, total = _Gathered(), len(sets.target) * len(sets.sources)
        for domain in sets.sources:
            for _, picture in self._readable(sets.target):
                back = self._translator(self._translator(picture, domain), self._target)
                errors.add(_key(picture), mean_difference(picture, back))
                self._tell("cycles of the target", len(errors), total)
        self._result.add("cycle error of the target", distances.mean(errors.array()), len(errors))

    def _has_background(self, mask: NDArray[Any], picture: Pixels) -> bool:
        if mask.shape != picture.shape[:2]:
            self._left_out["background error: masks of another size than their picture"] += 1
        elif not background(mask).any():
            self._left_out["background error: masks that cover the whole picture"] += 1
        else:
            return True
        return False

    def _readable(self, pictures: Pictures) -> Iterator[tuple[int, Pixels]]:
        for index in range(len(pictures)):
            try:
                picture = pictures[index]
            except ImageDecodeError as error:
                if (note := f"Left out: {error}") not in self._result.notes:
                    self._result.notes.append(note)
            else:
                self._sizes.add(picture.shape)
                yield index, picture

    def _prepared(self, picture: Pixels) -> Tensor:
        return prepared(picture, SIDE, self._antialiased)

    def _features(self, x: Tensor) -> NDArray[Any]:
        row: NDArray[Any] = features_of(self._network, [x])[0]
        return row


def open_data(data: str | Path | Dataset, about: About) -> Dataset:
    """Open a dataset and give its domains the model's names, in order, where it has none of its own.

    Raises:
        SettingsError: its domains are not those of the model.
        DataError: there is no such dataset.
    """
    word = str(data)
    if isinstance(data, Dataset):
        dataset = data
    elif word in cards.names("datasets"):
        card = cards.dataset(word)
        dataset = open_drawn(card, about.size) if card.drawn else open_known(card)
    else:
        dataset = open_folder(Path(data))
    if about.attributes or set(dataset.domains) == set(about.domains):
        return dataset
    if dataset.domains == ("A", "B") and len(about.domains) == 2:
        names = dict(zip("AB", about.domains, strict=True))
        train, test = ({names[domain]: part[domain] for domain in part} for part in (dataset.train, dataset.test))
        return Dataset(dataset.name, train, test, about.target)
    raise SettingsError(
        f"The model knows the domains {', '.join(about.domains)}; {dataset.name} has {', '.join(dataset.domains)}."
        " Give a dataset with the model's domains."
    )


def refuse_empty(dataset: Dataset, split: Split) -> None:
    """Refuse a dataset with a domain that has no pictures in `split`.

    Raises:
        DataError: there is one.
    """
    pictures = dataset.test if split == "test" else dataset.train
    for domain in dataset.domains:
        if not len(pictures.get(domain, ())):
            raise DataError(
                f"{dataset.name} has no {split} pictures of {domain}. Put some beside the others, or measure on the"
                " training pictures with --split train, which flatters the model."
            )


def _mask(pictures: Pictures, index: int) -> NDArray[Any] | None:
    """Return the mask (H, W) in 0..1 of a picture: drawn, or in `masks` beside the folder of the pictures."""
    if isinstance(pictures, Drawn):
        return pictures.sample(index).mask
    if not isinstance(pictures, Files):
        return None
    path = pictures.folder.parent / "masks" / pictures.folder.name / pictures.name(index)
    return images.read(path).rgb[..., 0] / np.float32(255) if path.is_file() else None


def _key(picture: Pixels) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()
