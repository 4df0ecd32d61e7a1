"""Translating pictures and measuring what became of them, one picture at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from translate import images
from translate.data.folders import Files, Pictures
from translate.errors import ImageDecodeError
from translate.evaluation.measures import Measure
from translate.evaluation.pictures import EvaluationSets
from translate.evaluation.thumbnails import SHOWN, Samples, png
from translate.evaluation.truth import TO_TRUTH, compared, holes_in
from translate.inference.translator import Translator
from translate.metrics import estimates
from translate.metrics.features import FEWEST, features_of, refuse_too_few
from translate.metrics.frechet import frechet_estimate
from translate.metrics.kernel import kernel_distance, kernel_distance_in_subsets
from translate.metrics.likeness import WINDOW, Lpips, mean_difference, psnr, ssim, structure_distance
from translate.metrics.neighbours import Nearest
from translate.metrics.ordered_rows import OrderedRows, key_of
from translate.metrics.protocols import prepared
from translate.metrics.results import Evaluation, Example
from translate.networks.features.feature_network import FeatureNetwork
from translate.progress import Tell
from translate.tensors import Pixels
from translate.toys.drawn import Drawn
from translate.toys.stripes import background, background_error

SUBSETS, SUBSET = 100, 1000  # of a published KID: how many, and pictures in each at most


class Evaluator:
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
        self._order: list[tuple[bytes, str, int]] = []  # key, domain and index of each translated picture, by key

    def run(self, sets: EvaluationSets, measures: Sequence[Measure] = ()) -> None:
        """Measure everything and add the figures to the result.

        Args:
            sets: the pictures.
            measures: of pictures one by one.
        """
        real = OrderedRows()
        for _, picture in self._each("real pictures", sets.target):
            real.add(key_of(picture), self._features(self._prepared(picture)))
            for measure in measures:
                measure.see_real(picture)
        before, after, pairs = self._gather_translated(sets, measures)
        refuse_too_few(len(after), len(real))  # of those that could be read
        translations, others = Nearest(after.array()), Nearest(real.array())
        for index, picture in self._each("training pictures", sets.training):
            row = self._features(self._prepared(picture))
            translations.see(index, row)
            others.see(index, row)
            if sets.with_train:
                real.add(key_of(picture), row)
        if len(self._sizes) > 1:
            self._result.notes.append(
                f"The pictures have {len(self._sizes)} different sizes; for distances between distributions each was"
                f" resized to {self._network.side} x {self._network.side} pixels."
            )
        self._add_distances(real.array(), before.array(), after.array())
        self._add_neighbours(translations, others, sets)
        for name, values in pairs.items():
            if len(values):
                features = self._network.name if name.startswith(("structure distance", "LPIPS")) else ""
                self._result.add(name, estimates.mean(values.array()), len(values), features=features)
        if not len(pairs["background error"]):
            self._result.missing.append("Background error: no picture has a mask, as in masks/testA/NAME.")
        for measure in measures:
            measure.add(self._result)
        self._add_cycle(sets)
        self._result.notes += [f"Left out of {reason}, {count}." for reason, count in sorted(self._left_out.items())]

    def _gather_translated(
        self, sets: EvaluationSets, measures: Sequence[Measure]
    ) -> tuple[OrderedRows, OrderedRows, dict[str, OrderedRows]]:
        """Return the features of pictures before and after, and what pairs of them measure, by name."""
        before, after, samples = OrderedRows(), OrderedRows(), Samples()
        total = sum(map(len, sets.sources.values()))
        pairs = {
            name: OrderedRows()
            for name in ("SSIM to input", "PSNR to input", "change of input", "cycle error", "structure distance",
                         "LPIPS", "background error", *TO_TRUTH)
        }  # fmt: skip
        for domain, pictures in sets.sources.items():
            for index, picture in self._readable(pictures):
                key = key_of(picture)
                translated = self._translated(picture)
                back = self._translator.about.targets.back(domain, self._target)
                cycled = [self._translator(translated, back)] if back else []
                x, y = self._prepared(picture), self._prepared(translated)
                before.add(key, self._features(x))
                after.add(key, self._features(y))
                if min(picture.shape[:2]) >= WINDOW:
                    pairs["SSIM to input"].add(key, ssim(picture, translated))
                else:
                    self._left_out[f"SSIM, whose window has {WINDOW} pixels: smaller pictures"] += 1
                pairs["PSNR to input"].add(key, psnr(picture, translated))
                pairs["change of input"].add(key, mean_difference(picture, translated))
                for returned in cycled:
                    pairs["cycle error"].add(key, mean_difference(picture, returned))
                pairs["structure distance"].add(key, structure_distance(self._network, x, y))
                if self._head:
                    pairs["LPIPS"].add(key, self._head(x, y))
                if sets.paired:
                    self._compare_to_truth(key, picture, translated, sets.target, index, pairs)
                for measure in measures:
                    measure.see(picture, translated)
                mask = _mask(pictures, index)
                if mask is not None and self._has_background(mask, picture):
                    pairs["background error"].add(key, background_error(picture, translated, mask))
                self._order.append((key, domain, index))
                samples.offer(key, (picture, translated, *cycled), f"{domain} {pictures.name(index)}")
                self._tell("translating", len(after), total)
        self._order.sort(key=lambda row: row[0])
        self._result.samples += samples.examples()
        return before, after, pairs

    def _compare_to_truth(
        self,
        key: bytes,
        picture: Pixels,
        translated: Pixels,
        truths: Pictures,
        index: int,
        pairs: dict[str, OrderedRows],
    ) -> None:
        """Add how near a translation is to what it should have become, and how near its input was."""
        try:
            truth = truths[index]
        except ImageDecodeError:  # noted where real pictures are read
            return
        if truth.shape != picture.shape:
            self._left_out["comparison with the truth: pairs of different sizes"] += 1
            return
        head = self._head
        lpips = (lambda x, y: head(self._prepared(x), self._prepared(y))) if head else None
        for name, value in compared(picture, translated, truth, self._translator.about, lpips):
            pairs[name].add(key, value)

    def _translated(self, picture: Pixels) -> Pixels:
        """Translate a picture as `apply` does, with holes filled if it has such."""
        if (holes := holes_in(picture, self._translator.about)).any():
            mask = holes.astype(np.uint8) * np.uint8(255)
            return self._translator(picture, self._target, fill=True, mask=mask)
        return self._translator(picture, self._target)

    def _add_distances(self, real: NDArray[Any], before: NDArray[Any], after: NDArray[Any]) -> None:
        name, seed, count = self._network.name, self._result.seed, len(after)
        biased = f"interval of the biased estimate at {count} and {len(real)} pictures"
        fid = frechet_estimate(after, real)
        self._result.add("FID", fid, count, len(real), name, biased)
        self._result.add("KID", kernel_distance(after, real), count, len(real), name)
        self._add_distance_in_subsets(real, after)
        untranslated = "what no translation at all would reach"
        fid = frechet_estimate(before, real)
        self._result.add("FID of inputs", fid, count, len(real), name, untranslated)
        kid = kernel_distance(before, real)
        self._result.add("KID of inputs", kid, count, len(real), name, untranslated)
        halves = np.random.default_rng(seed).permutation(len(real))
        half = real[halves[::2]], real[halves[1::2]]
        if len(half[1]) >= FEWEST:
            counts, remark = (len(half[0]), len(half[1])), "what a perfect translation would reach"
            at_half = f"{remark}, at {counts[0]} and {counts[1]} pictures"
            fid = frechet_estimate(*half)
            self._result.add("FID between halves of the real", fid, *counts, name, at_half)
            self._result.add("KID between halves of the real", kernel_distance(*half), *counts, name, remark)
        spread = np.sqrt(after.var(0).sum() / max(before.var(0).sum(), 1e-12))
        remark = "spread of translations as a share of that of their inputs; near 0 all translations are the same"
        self._result.add("diversity", float(spread), count, features=name, remark=remark)

    def _add_distance_in_subsets(self, real: NDArray[Any], after: NDArray[Any]) -> None:
        """Add KID as it is published, if there are subsets: all pictures of a set are one, whose deviation is none."""
        fewer, name = min(len(after), len(real)), self._network.name
        size = SUBSET if fewer > SUBSET else fewer // 2
        if size < FEWEST:
            self._result.missing.append(f"KID in subsets: these need {2 * FEWEST} pictures of each set; found {fewer}.")
            return
        value, deviation = kernel_distance_in_subsets(after, real, SUBSETS, size, self._result.seed)
        remark = f"mean of {SUBSETS} subsets of {size}, standard deviation {deviation:.4g}"
        self._result.add("KID in subsets", value, len(after), len(real), name, remark)

    def _add_neighbours(self, translations: Nearest, others: Nearest, sets: EvaluationSets) -> None:
        """Add how near to training pictures translations are, and show the nearest."""
        if (translations.indices < 0).any():
            self._result.missing.append("Distance to training: no training picture of the target can be read here.")
            return
        against, name = len(sets.training), self._network.name
        remark = "of translations to the nearest training picture of the target"
        self._result.add(
            "distance to training", estimates.mean(translations.distances), len(translations.distances), against, name,
            remark,
        )  # fmt: skip
        if sets.unseen:
            remark = "the same of real pictures that were not trained on; translations that are far nearer are copies"
            self._result.add(
                "distance to training of the real", estimates.mean(others.distances), len(others.distances), against,
                name, remark,
            )  # fmt: skip
        for place in np.argsort(translations.distances, kind="stable")[:SHOWN]:
            _, domain, index = self._order[place]
            picture, near = sets.sources[domain][index], int(translations.indices[place])
            shown = (picture, self._translated(picture), sets.training[near])
            words = f"{sets.sources[domain].name(index)}, {translations.distances[place]:.4g} from"
            self._result.neighbours.append(Example(tuple(map(png, shown)), f"{words} {sets.training.name(near)}"))

    def _add_cycle(self, sets: EvaluationSets) -> None:
        """Add the cycle error of the target's own pictures, which go through each other domain and back."""
        targets = self._translator.about.targets
        domains = [domain for domain in sets.sources if targets.back(self._target, domain)]
        if not domains:
            self._result.missing.append("Cycle errors: the model translates in one direction.")
            return
        errors, total = OrderedRows(), len(sets.target) * len(domains)
        for domain in domains:
            for _, picture in self._readable(sets.target):
                back = self._translator(self._translator(picture, domain), self._target)
                errors.add(key_of(picture), mean_difference(picture, back))
                self._tell("cycles of the target", len(errors), total)
        self._result.add("cycle error of the target", estimates.mean(errors.array()), len(errors))

    def _each(self, what: str, pictures: Pictures) -> Iterator[tuple[int, Pixels]]:
        """Yield all readable pictures and tell how many are done."""
        for done, (index, picture) in enumerate(self._readable(pictures), start=1):
            yield index, picture
            self._tell(what, done, len(pictures))

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
        return prepared(picture, self._network.side, self._antialiased)

    def _features(self, x: Tensor) -> NDArray[Any]:
        row: NDArray[Any] = features_of(self._network, [x])[0]
        return row


def _mask(pictures: Pictures, index: int) -> NDArray[Any] | None:
    """Return the mask (H, W) in 0..1 of a picture: drawn, or in `masks` beside the folder of the pictures."""
    if isinstance(pictures, Drawn):
        return pictures.sample(index).mask
    if not isinstance(pictures, Files):
        return None
    path = pictures.folder.parent / "masks" / pictures.folder.name / pictures.name(index)
    if not path.is_file():
        return None
    return images.laid_on(images.read(path, pictures.reading.limits), (0, 0, 0)).rgb[..., 0] / np.float32(255)
