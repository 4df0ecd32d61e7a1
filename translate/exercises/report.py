"""What an exercise leaves: an animation, a page that explains it, and what was measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from translate import images
from translate.exercises.figures import figure, strip
from translate.exercises.training import Exercise, State, train
from translate.files import write_text
from translate.objectives import OBJECTIVES
from translate.progress import Tell
from translate.report.curves import loss_curves
from translate.report.html import EMBEDDED, render
from translate.run_folder import RunFolder

FRAMES = 60  # of an animation
MEASURED = 10_000  # points

_ON_A_LINE = (
    "Black, dotted: the density of the data. Green: that of what G draws. Blue, dotted: how sure D is that a point is"
    " data; where it can only guess, it is one half everywhere. The arrows lead from noise z to G(z). This is figure 1"
    " of Goodfellow et al. 2014. It goes well when green lies on black and blue is flat at one half."
)
_IN_THE_PLANE = (
    "Grey: the data. Green: what G draws. It goes well when every grey spot has its green points. Where G draws a few"
    " spots only, its modes have collapsed: D judges points one by one and does not see that they are all alike. With"
    " --minibatch it does (Salimans et al. 2016), and with --objective wgan-gp its slope leads to all of them."
)


def run(name: str, exercise: Exercise, out: Path, tell: Tell) -> dict[str, float]:
    """Train, and write `progress.gif`, `figure.png` and `report.html` into a folder; return what was measured.

    Args:
        name: of the exercise.
        exercise: what is trained.
        out: the folder.
        tell: is told the step.

    Raises:
        OutputError: something cannot be written.
    """
    frames, states, measured = list[images.Array](), list[State](), dict[str, float]()
    for state in train(exercise, max(exercise.steps // FRAMES, 1)):
        frames.append(figure(state, exercise.mixture))
        states.append(state)
        measured = exercise.mixture.measure(state.drawn(MEASURED, exercise.mixture.dimensions))
        tell("training", state.step, exercise.steps)
    folder = RunFolder(out)
    images.write_animation(frames, folder.animation, frame_ms=100)
    images.write_pixels(frames[-1], out / "figure.png")
    write_text(folder.report, _page(name, exercise, frames, states, measured))
    return measured


def _page(
    name: str,
    exercise: Exercise,
    frames: Sequence[images.Array],
    states: Sequence[State],
    measured: Mapping[str, float],
) -> str:
    title = f"{name}, {exercise.objective}{', with minibatch discrimination' if exercise.minibatch else ''}"
    losses = {
        "D": [(state.step, state.L_D) for state in states[1:]],
        "G": [(state.step, state.L_G) for state in states[1:]],
    }
    objective = OBJECTIVES[exercise.objective]
    level = objective.equilibrium if objective.g_hovers else None
    hint = (
        "" if level is None else f" Where D can only guess, that of G is {level:.2f}, the dashed line, half that of D."
    )
    content = {
        "title": title,
        "words": _ON_A_LINE if exercise.mixture.dimensions == 1 else _IN_THE_PLANE,
        "last": _png(frames[-1]),
        "steps": _png(strip(frames)),
        "measured": [(key, f"{value:.3f}") for key, value in measured.items()],
        "hint": hint,
        "curves": loss_curves(losses, level=level),
    }
    return render("exercise.html", EMBEDDED, **content)


def _png(pixels: images.Array) -> bytes:
    return images.encode(images.Picture(pixels, None, ""), images.Encoding("PNG"))
