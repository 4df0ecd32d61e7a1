"""What a model was measured to be: figures, each with what it was made of."""

from dataclasses import dataclass, field

from translate.metrics.estimates import Estimate


@dataclass(frozen=True)
class Metric:
    """One number and what it was made of."""

    name: str
    value: float
    low: float | None  # of the 95 % interval, where there is one
    high: float | None
    count: int  # pictures that were judged
    against: int = 0  # pictures that they were compared with as a set
    features: str = ""  # the feature network
    remark: str = ""


@dataclass(frozen=True)
class Example:
    """Pictures that belong together, to be looked at."""

    pictures: tuple[bytes, ...]  # PNG files
    words: str = field(default="", compare=False)  # names of files and such


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
    figures: list[Metric] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # what was not measured, and what that takes
    samples: list[Example] = field(default_factory=list)  # input, translation, and back
    neighbours: list[Example] = field(default_factory=list)  # input, translation, and the nearest training picture

    def add(
        self, name: str, score: Estimate | float, count: int, against: int = 0, features: str = "", remark: str = ""
    ) -> None:
        """Add a number, with its interval if it has one."""
        if isinstance(score, Estimate):
            self.figures.append(Metric(name, score.value, score.low, score.high, count, against, features, remark))
        else:
            self.figures.append(Metric(name, score, None, None, count, against, features, remark))
