"""Whether translations to domains or attributes show what they should, as a classifier of real pictures sees them."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from translate.data.folders import Dataset, Pictures, Split
from translate.errors import ImageDecodeError
from translate.evaluation.thumbnails import Samples
from translate.inference.translator import Translator
from translate.metrics import estimates
from translate.metrics.classifier import Classifier, trained_classifier
from translate.metrics.likeness import mean_difference
from translate.metrics.ordered_rows import OrderedRows, key_of
from translate.metrics.results import Evaluation
from translate.progress import Tell
from translate.tensors import Pixels

Labels = NDArray[np.int_]  # (labels,) of 0 and 1


class ClassifierEvaluator:
    """Translates pictures to every label that they do not have, and asks a classifier what they are now."""

    def __init__(self, translator: Translator, dataset: Dataset, split: Split, result: Evaluation, tell: Tell) -> None:
        self._translator = translator
        self._dataset = dataset
        self._split: Split = split
        self._result = result
        self._tell = tell
        self._asked = OrderedRows()  # 1 for each translation that shows what was asked for
        self._kept = OrderedRows()  # the share of the other attributes that it still has
        self._changes, self._cycles = OrderedRows(), OrderedRows()
        self._samples = Samples()

    def run(self, targets: list[str]) -> None:
        """Add the figures to the result.

        Args:
            targets: domains, or changes of attributes.
        """
        classifier = trained_classifier(self._dataset, self._tell)
        count = sum(map(len, self._dataset.train.values()))
        judge = f"by a classifier that was trained on {count:,} real training pictures"
        real = OrderedRows()
        for picture, labels in self._labelled("real pictures"):
            real.add(key_of(picture), (classifier.read(picture) == labels).mean())
        for target in targets:
            asked = self._examine(classifier, target)
            if len(asked):
                self._result.add(f"seen as {target}", estimates.share(asked.array()), len(asked), remark=judge)
        add = self._result.add
        if len(self._asked):
            add(
                "seen as asked", estimates.share(self._asked.array()), len(self._asked), remark=f"all of these, {judge}"
            )
        if len(self._kept):
            remark = f"other attributes of translations that are seen as before, {judge}"
            add("attributes kept", estimates.share(self._kept.array()), len(self._kept), remark=remark)
        remark = "real pictures, seen by the same as what they are: the most that can be reached"
        add("seen rightly", estimates.share(real.array()), len(real), remark=remark)
        if not self._dataset.targets.are_sets:
            for name, values in (("change of input", self._changes), ("cycle error", self._cycles)):
                if len(values):
                    add(name, estimates.mean(values.array()), len(values), remark="of all these translations")
            self._result.samples += self._samples.examples()

    def _examine(self, classifier: Classifier, target: str) -> OrderedRows:
        """Translate what is not yet as wanted to `target`; return 1 for each that then shows it, else 0."""
        found, known = OrderedRows(), list(self._dataset.domains)
        targets = self._translator.method.targets
        asked = np.array([name in targets.asked(target) for name in known])
        for picture, labels in self._labelled(f"to {target}"):
            wanted = targets.change(torch.from_numpy(labels)[None], target)[0].numpy()
            if (wanted == labels).all():
                continue
            key, translated = key_of(picture), self._translator(picture, target)
            seen = classifier.read(translated)
            for values in (found, self._asked):
                values.add(key, float((seen == wanted)[asked].all()))
            others = ~asked & (wanted == labels)
            if others.any():
                self._kept.add(key, (seen == labels)[others].mean())
            if not targets.are_sets:
                before = ",".join(f"{name}={value}" for name, value in zip(known, labels, strict=True))
                back = self._translator(translated, before)
                self._changes.add(key, mean_difference(picture, translated))
                self._cycles.add(key, mean_difference(picture, back))
                self._samples.offer(key, (picture, translated, back), f"to {target}")
        return found

    def _labelled(self, what: str) -> Iterator[tuple[Pixels, Labels]]:
        """Yield readable pictures with their labels, and tell how many are done."""
        sets = self._dataset.pictures(self._split)
        done, total = 0, sum(map(len, sets.values()))
        for name, pictures in sets.items():
            labels = self._dataset.labels(name, self._split).astype(int)
            for index in range(len(pictures)):
                picture = self._read(pictures, index)
                if picture is not None:
                    yield picture, labels[index]
                done += 1
                self._tell(what, done, total)

    def _read(self, pictures: Pictures, index: int) -> Pixels | None:
        try:
            return pictures[index]
        except ImageDecodeError as error:
            if (note := f"Left out: {error}") not in self._result.notes:
                self._result.notes.append(note)
            return None
