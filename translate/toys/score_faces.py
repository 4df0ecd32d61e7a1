"""The judges of toy-faces and toy-faces-hair."""

from collections.abc import Iterable

import numpy as np

from translate.tensors import Pixels
from translate.toys.drawn import DATASETS, Drawn, Sample
from translate.toys.faces import HAIR, attributes
from translate.toys.read_attributes import read_attributes
from translate.toys.unseen import Translate, translated

_HAIR = {name: {other: int(other == name) for other in HAIR} for name in HAIR}  # what each hair colour means
TARGETS: dict[str, dict[str, int]] = {f"{name}=1": becomes for name, becomes in _HAIR.items()}
TARGETS |= {f"{name}={value}": {name: value} for name in ("glasses", "smile") for value in (0, 1)}


def judge_faces(translate: Translate, size: int, count: int) -> dict[str, float]:
    """Change one attribute at a time of every face that is not as wanted already, and read what became of it.

    Returns:
        "target attribute": how often it became what was wanted; "kept attributes": how often hair colour, glasses and
        smile stayed what they were, where they should. Both are means over the targets, 0..1. With "lowest" they are
        those of the worst target.
    """
    drawn = Drawn("toy-faces", "face", "test", count, size)
    return _summary(_rates(translated(translate, drawn, target), becomes) for target, becomes in TARGETS.items())


def judge_hair(translate: Translate, size: int, count: int) -> dict[str, float]:
    """Turn the faces of each domain into every other one, and read what became of them; as `judge_faces` otherwise."""
    domains = {domain: Drawn("toy-faces-hair", domain, "test", count, size) for domain in DATASETS["toy-faces-hair"]}
    return _summary(
        _rates(translated(translate, drawn, target), _HAIR[f"{target}_hair"])
        for source, drawn in domains.items()
        for target in domains
        if target != source
    )


def _rates(pairs: Iterable[tuple[Sample, Pixels]], becomes: dict[str, int]) -> tuple[float, float]:
    """Return how often faces that are not yet what they should become did so, and how often they kept the rest."""
    reached: list[bool] = []
    kept: list[bool] = []
    for sample, picture in pairs:
        before = attributes(sample.parameters)
        wanted = before | becomes
        if wanted == before:
            continue
        now = read_attributes(picture, sample.parameters)
        for names in (tuple(HAIR), ("glasses",), ("smile",)):
            right = all(now[name] == wanted[name] for name in names)
            (reached if becomes.keys() & names else kept).append(right)
    return float(np.mean(reached)), float(np.mean(kept))


def _summary(rates: Iterable[tuple[float, float]]) -> dict[str, float]:
    reached, kept = np.array(list(rates)).T
    return {
        "target attribute": float(reached.mean()),
        "kept attributes": float(kept.mean()),
        "lowest target attribute": float(reached.min()),
        "lowest kept attributes": float(kept.min()),
    }
