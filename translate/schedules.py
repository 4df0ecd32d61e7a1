"""Learning-rate schedules: pure functions of the position in the run."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Tag, field_validator

from translate.settings import Settings, kind_or


class Linear(Settings):
    """The full rate at first, then a fall to nearly 0; with the defaults that of the official CycleGAN code."""

    kind: Literal["linear"] = "linear"
    start: float = Field(0.5, ge=0, le=1)
    """Share of the run after which the rate falls."""

    def factor(self, unit: int, units: int) -> float:
        """Return the factor on the rate in unit `unit` of `units`, counted from 1: an epoch, or a step."""
        constant = int(units * self.start)
        return constant_then_linear(unit, constant, units - constant)


class Steps(Settings):
    """The rate is multiplied by a factor at several places of the run."""

    kind: Literal["steps"] = "steps"
    at: tuple[float, ...] = (0.5, 0.75)
    """Shares of the run."""
    by: float = Field(0.1, gt=0, le=1)
    """Factor on the learning rate at each of these places."""

    @field_validator("at", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        """Take a list: what a validator has seen is no JSON any more, of which a list would do."""
        return tuple(value) if isinstance(value, list) else value

    def factor(self, unit: int, units: int) -> float:
        """Return the factor on the rate in unit `unit` of `units`, counted from 1: an epoch, or a step."""
        return self.by ** sum(unit > share * units for share in self.at)


class Constant(Settings):
    """The same rate from the first step to the last."""

    kind: Literal["none"] = "none"

    def factor(self, unit: int, units: int) -> float:
        """Return 1."""
        return 1.0


def _by_kind(value: Any) -> Any:
    """Take "linear", "steps" or "none" for the schedule of that kind with its defaults."""
    return {"kind": value} if isinstance(value, str) else value


Schedule = Annotated[
    Annotated[Linear, Tag("linear")] | Annotated[Steps, Tag("steps")] | Annotated[Constant, Tag("none")],
    kind_or("linear"),
    BeforeValidator(_by_kind),
]


def constant_then_linear(unit: int, constant: int, decay: int) -> float:
    """Return the factor on the learning rate in unit `unit`, which counts from 1: an epoch, or a step.

    1 for `constant` units, then falling linearly over `decay` units; the last one is 1 / (decay + 1), never 0. With
    epochs as units and 100 + 100 of them this is the schedule of the official CycleGAN code.
    """
    return 1.0 - max(0, unit - constant) / (decay + 1)
