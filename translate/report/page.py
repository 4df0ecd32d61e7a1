"""`report.html` of a run: what a person needs to say whether it goes well, in one file without a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from translate.report.curves import loss_curves
from translate.report.html import EMBEDDED, render

Points = Sequence[tuple[int, float]]  # (step, value)

STRIP = 6  # grids that are shown small, below the slider

_HOVERS = (
    "Generator against discriminator: these hover around the dashed line, {:.2f}, where the discriminator can only"
    " guess. Staying at 0 or climbing away is a bad sign."
)
_SHARE = (
    "How often discriminators are right: {:.2f}, the dashed line, is guessing. Near 1 they are hardly ever fooled; if"
    " pictures do not get better then, they have won, which is a bad sign."
)


@dataclass(frozen=True)
class Curve:
    """A loss over the steps, and how to read it."""

    points: Points
    meaning: str
    trend: str  # "falls", "hovers", "free", or "share" of what a discriminator judges rightly
    equilibrium: float | None = None  # where it hovers; of a share, its value when the discriminator can only guess


@dataclass(frozen=True)
class Grid:
    """A sample grid after `step` steps: the bytes of a JPEG file, and of a small one."""

    step: int
    picture: bytes
    small: bytes


@dataclass(frozen=True)
class RunSummary:
    """What the page tells.

    Attributes:
        title: the method and the dataset.
        step: steps done.
        steps: steps in all.
        scores: by name; empty where none are known.
        alarms: in words, with their step.
        judged_from: the step from which on losses and pictures are judged; before, no alarm means nothing.
        grids: by step.
        columns: what a grid shows, in words.
        nearest: the bytes of a JPEG file of drawn pictures above the nearest training pictures; empty for translations.
        losses: by name.
        learning_rate: over the steps.
        facts: numbers of pictures, speed, device and such, by name.
        settings: by name.
        commands: how to use the result.
        next_s: seconds until the next page of a run that goes on, about; None where it does not.
    """

    title: str
    step: int
    steps: int
    scores: Mapping[str, float]
    alarms: Sequence[tuple[int, str]]
    judged_from: int
    grids: Sequence[Grid]
    columns: str
    losses: Mapping[str, Curve]
    learning_rate: Points
    facts: Mapping[str, str]
    settings: Mapping[str, str]
    commands: Sequence[str]
    next_s: float | None = None
    nearest: bytes = b""


def run_page(summary: RunSummary) -> str:
    """Write the page, with everything that it shows.

    Returns:
        the text of an HTML file.
    """
    left = summary.steps - summary.step
    done = f"{summary.step:,} of {summary.steps:,} steps are done"
    now, last = datetime.now().astimezone(), len(summary.grids) - 1
    return render(
        "run.html",
        EMBEDDED,
        title=summary.title,
        progress=f"Finished: all {summary.steps:,} steps are done." if not left else f"{done}; {left:,} are left.",
        written=round(now.timestamp()),
        clock=f"{now:%H:%M:%S on %d %B %Y}",
        next_s=None if summary.next_s is None else round(summary.next_s),
        alarms=summary.alarms,
        unjudged=_unjudged(summary),
        scores=[(name, f"{score:.3f}", _best(name)) for name, score in summary.scores.items()],
        grids=summary.grids,
        strip=list(dict.fromkeys(last * k // (STRIP - 1) for k in range(STRIP))),
        columns=summary.columns,
        nearest=summary.nearest,
        curves=_curves(summary),
        facts=summary.facts,
        commands=summary.commands,
        settings=summary.settings,
    )


def _unjudged(summary: RunSummary) -> str:
    """Say from when on a run is judged; empty where it is already."""
    if summary.step >= summary.judged_from:
        return ""
    later = "" if summary.judged_from <= summary.steps else ", which this run never reaches. Look at the pictures"
    return f"Nothing was judged yet: that begins at step {summary.judged_from:,}{later}."


def _curves(summary: RunSummary) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Return drawings of losses, each with what to expect of them above it, and what they are below it."""
    if not any(curve.points for curve in summary.losses.values()):
        return []
    found: list[tuple[str, str, list[tuple[str, str, str]]]] = []
    for trend, words, equilibrium in _kinds(summary):
        chosen = {
            name: curve
            for name, curve in summary.losses.items()
            if (curve.trend, curve.equilibrium) == (trend, equilibrium) and curve.points
        }
        if chosen:
            drawing = loss_curves({name: curve.points for name, curve in chosen.items()}, level=equilibrium)
            rows = [(name, f"{curve.points[-1][1]:.3f}", curve.meaning) for name, curve in chosen.items()]
            found.append((words, drawing, rows))
    if summary.learning_rate:
        found.append(("Learning rate", loss_curves({"rate": summary.learning_rate}, smoothing=1), []))
    return found


def _kinds(summary: RunSummary) -> list[tuple[str, str, float | None]]:
    """Return the trends of losses with what to expect of them, and the level that they hover around."""
    kinds: list[tuple[str, str, float | None]] = []
    for trend, words in (("hovers", _HOVERS), ("share", _SHARE)):
        equilibria = dict.fromkeys(curve.equilibrium for curve in summary.losses.values() if curve.trend == trend)
        kinds += [
            (trend, words.format(equilibrium), equilibrium) for equilibrium in equilibria if equilibrium is not None
        ]
    kinds.append(("falls", "These should fall and stay low.", None))
    kinds.append(("free", "The level of these says little; sudden jumps are a bad sign.", None))
    return kinds


def _best(name: str) -> str:
    return "0 is perfect" if name.endswith(("error", "distance")) else "1 is perfect"
