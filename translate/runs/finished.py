"""What a finished run is told by: what it learned, where that is, and how to go on."""

import shlex
from pathlib import Path

from translate.models.about import About
from translate.models.exports import read_about
from translate.runs.held_out_score import NAME
from translate.runs.run import Run
from translate.runs.shown import Use, command_to_use


def lines_of_finished(run: Run, took: str = "") -> list[str]:
    """Say what a run has learned, what lies in its folder, and what to type next.

    Args:
        run: all its steps are done.
        took: how long they took, in words; empty where they were done before.
    """
    about, folder = run.about(), run.folder
    if about is None:
        return []
    learned = f"{about.summary} Trained by {run.recipe.method.name} on {run.dataset.name}."
    head = f"Finished {about.steps:,} steps in {took}." if took else f"The run in {run.out} is finished."
    rows = [(folder.export, f"the result, after {about.steps:,} steps{_scores(about)}")]
    use = [command_to_use(run.out, about.targets, Use.of(about))]
    if folder.best.exists() and (best := read_about(folder.best)).steps != about.steps:
        rows.append((folder.best, f"the best on held-out pictures, after {best.steps:,} steps{_scores(best)}"))
        use.append(command_to_use(folder.best, best.targets, Use.of(best)))
    elif folder.best.exists():
        rows.append((folder.best, f"the same: the last step was the best on held-out pictures{_scores(best)}"))
    if grids := folder.grids():
        fixed = "noise" if about.noise else "pictures"
        rows.append((grids[-1], f"what it makes of the same {fixed}; {folder.animation.name} shows all along"))
    rows.append((folder.report, "how it went, to be opened in a browser"))
    width = max(len(str(path)) for path, _ in rows)
    return [
        f"{head} {learned}",
        *(f"  {path!s:<{width}}  {words}" for path, words in rows),
        f"Next: {use[0]}",
        *(f"With the best: {command}" for command in use[1:]),
        *_longer(run, about),
    ]


def _longer(run: Run, about: About) -> list[str]:
    """Say how to train on: the same run for longer, or a new one that begins with its networks."""
    more = about.steps_added + max((about.steps - about.steps_added) // 2, 1)
    model, place = (shlex.quote(str(path)) for path in (run.out, _free(run.out)))
    return [
        f"Not good enough yet? The same command with --more {more} makes the run longer, with the rates of a new one.",
        f"Other settings or pictures: --from {model} --out {place} begins with its networks.",
    ]


def _free(folder: Path) -> Path:
    """Return a place beside a folder where nothing is."""
    number = 2
    while (place := Path(f"{folder}-{number}")).exists():
        number += 1
    return place


def _scores(about: About) -> str:
    names = {NAME: "KID times 1000"}
    return "".join(f", {names.get(name, name)} {score:.3f}" for name, score in about.scores.items())
