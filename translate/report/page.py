"""`report.html` of a run: what a person needs to say whether it goes well, in one file without a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from translate.report.curves import loss_curves
from translate.report.html import EMBEDDED, embedded, head, table, text

Points = Sequence[tuple[int, float]]  # (step, value)

STRIP = 6  # grids that are shown small, below the slider

_STYLE = """\
  body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; font-family: sans-serif; line-height: 1.45;
    background: #fff; color: #222; }
  h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
  h3 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
  img, svg { max-width: 100%; height: auto; }
  #grids img { width: 100%; cursor: zoom-in; }
  .strip img { cursor: pointer; }
  dialog { max-width: 98vw; max-height: 98vh; padding: .5rem; border: 0; }
  dialog img { display: block; max-width: none; min-width: 94vw; cursor: zoom-out; }
  dialog::backdrop { background: #000c; }
  input { width: 100%; }
  .strip { display: flex; gap: .5rem; }
  .strip img { display: block; }
  figure { flex: 1; margin: 0; font-size: .8rem; }
  .alarm { border-left: .3rem solid #b00; padding: .4rem .8rem; background: #fdf1f1; }
  .fine { border-left: .3rem solid #2a7a2a; padding: .4rem .8rem; background: #f1f8f1; }
  table { border-collapse: collapse; font-size: .9rem; }
  td, th { padding: .2rem 1rem .2rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; }
"""

_TOP = """\
<body>
<h1>{title}</h1>
<p>{progress}</p>
"""
_RUNNING = """<p id="running" data-written="{written}" data-next="{next_s}">This page is of {clock}, and looks for
 news by itself while the run goes on.</p>
"""
_SLIDER = """<div id="grids">
{grids}</div>
<input id="slider" type="range" min="0" max="{last}" value="{last}" aria-label="sample grids over the steps"
 oninput="const grids = document.getElementById('grids').children, chosen = grids[this.value];
 for (const grid of grids) grid.hidden = grid !== chosen;
 document.getElementById('step').textContent = chosen.dataset.step">
<p>After <span id="step">{step}</span> steps. Move the slider to see the same inputs earlier; click to enlarge.</p>
"""
_HOVERS = (
    "Generator against discriminator: these hover around the dashed line, {:.2f}, where the discriminator can only"
    " guess. Staying at 0 or climbing away is a bad sign."
)
_SHARE = (
    "How often discriminators are right: {:.2f}, the dashed line, is guessing. Near 1 they are hardly ever fooled; if"
    " pictures do not get better then, they have won, which is a bad sign."
)
_NEAREST = (
    "Above what was drawn, below the training picture that is nearest to it. It goes well when they are alike in kind,"
    " not in every stroke; copies would be an alarm."
)
_TAIL = """<dialog id="large" onclick="this.close()"><img alt="enlarged"></dialog>
<script>
const slider = document.getElementById('slider'), large = document.getElementById('large');
let touched = 0;
if (slider) slider.addEventListener('input', () => touched = Date.now());
document.addEventListener('click', event => {
  const image = event.target.closest('#grids img, .strip img');
  if (!image) return;
  if (image.closest('.strip')) {
    slider.value = image.dataset.grid;
    slider.dispatchEvent(new Event('input'));
  } else {
    large.firstElementChild.src = image.src;
    large.showModal();
  }
});
const running = document.getElementById('running');
if (running) {
  const place = 'translate ' + location.pathname, next = Math.min(Math.max(running.dataset.next, 5), 60);
  const old = () => Date.now() / 1000 - running.dataset.written > Math.max(4 * running.dataset.next, 900);
  try {
    const kept = JSON.parse(sessionStorage.getItem(place) || '{}');
    for (const [number, details] of document.querySelectorAll('details').entries())
      details.open = (kept.open || [])[number] || false;
    if (slider && 'grid' in kept) {
      slider.value = kept.grid;
      slider.dispatchEvent(new Event('input'));
    }
    if ('scroll' in kept) window.addEventListener('load', () => window.scrollTo(0, kept.scroll));
  } catch { }
  const again = () => {
    if (old()) running.textContent = 'There was no news for long: the run has probably stopped.';
    else if (document.hidden || large.open || Date.now() - touched < 20000) setTimeout(again, 5000);
    else {
      try {
        const kept = {scroll: window.scrollY, open: [...document.querySelectorAll('details')].map(one => one.open)};
        if (slider && slider.value !== slider.max) kept.grid = slider.value;
        sessionStorage.setItem(place, JSON.stringify(kept));
      } catch { }
      location.reload();
    }
  };
  setTimeout(again, 1000 * next);
}
</script>
</body>
</html>
"""


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
    progress = f"Finished: all {summary.steps:,} steps are done." if not left else f"{done}; {left:,} are left."
    parts = [head(summary.title, _STYLE, EMBEDDED), _TOP.format(title=text(summary.title), progress=text(progress))]
    if summary.next_s is not None:
        now = datetime.now().astimezone()
        clock = f"{now:%H:%M:%S on %d %B %Y}"
        parts.append(_RUNNING.format(written=round(now.timestamp()), next_s=round(summary.next_s), clock=clock))
    parts += _alarms(summary)
    if summary.scores:
        parts.append("<h2>Scores on unseen pictures, whose right answers are known</h2>\n")
        parts.append(table([(name, f"{score:.3f}", _best(name)) for name, score in summary.scores.items()]))
    parts += _samples(summary)
    if summary.nearest:
        image = embedded(summary.nearest, "drawn pictures and the training pictures that are nearest to them", "jpeg")
        parts.append(f"<h2>Is anything learned by heart?</h2>\n<p>{_NEAREST}</p>\n{image}\n")
    parts += _curves(summary)
    parts.append("<h2>The run</h2>\n" + table(list(summary.facts.items())))
    if summary.commands:
        parts.append("<h2>Use it</h2>\n<pre>" + text("\n".join(summary.commands)) + "</pre>\n")
    parts.append("<h2>Settings</h2>\n<details><summary>all of them</summary>\n")
    parts.append(table(list(summary.settings.items())) + "</details>\n")
    return "".join([*parts, _TAIL])


def _alarms(summary: RunSummary) -> list[str]:
    if not summary.alarms and summary.step < summary.judged_from:
        later = "" if summary.judged_from <= summary.steps else ", which this run never reaches. Look at the pictures"
        return [f"<p>Nothing was judged yet: that begins at step {summary.judged_from:,}{later}.</p>\n"]
    if not summary.alarms:
        return ['<p class="fine">No alarm was raised.</p>\n']
    return [f'<p class="alarm">Step {step:,}: {text(words)}</p>\n' for step, words in summary.alarms]


def _samples(summary: RunSummary) -> list[str]:
    if not summary.grids:
        return []
    last = len(summary.grids) - 1
    grids = [
        f'<div data-step="{grid.step}"{" hidden" if number < last else ""}>{_image(grid.picture, grid.step)}</div>\n'
        for number, grid in enumerate(summary.grids)
    ]
    slider = _SLIDER.format(grids="".join(grids), last=last, step=summary.grids[last].step)
    strip = [
        f"<figure>{_image(summary.grids[k].small, summary.grids[k].step, k)}{summary.grids[k].step}</figure>\n"
        for k in dict.fromkeys(last * k // (STRIP - 1) for k in range(STRIP))
    ]
    words = f"<p>{text(summary.columns)}</p>\n"
    return ["<h2>What it makes of the same inputs</h2>\n", words, slider, '<div class="strip">\n', *strip, "</div>\n"]


def _image(jpeg: bytes, step: int, number: int | None = None) -> str:
    """Return an image of a grid; of a small one, `number` says which of the large ones it stands for."""
    image = embedded(jpeg, f"sample grid after {step} steps", "jpeg")
    return image if number is None else image.replace("<img ", f'<img data-grid="{number}" ', 1)


def _curves(summary: RunSummary) -> list[str]:
    if not any(curve.points for curve in summary.losses.values()):
        return []
    parts = ["<h2>Losses</h2>\n"]
    kinds: list[tuple[str, str, float | None]] = []
    for trend, words in (("hovers", _HOVERS), ("share", _SHARE)):
        equilibria = dict.fromkeys(curve.equilibrium for curve in summary.losses.values() if curve.trend == trend)
        kinds += [
            (trend, words.format(equilibrium), equilibrium) for equilibrium in equilibria if equilibrium is not None
        ]
    kinds.append(("falls", "These should fall and stay low.", None))
    kinds.append(("free", "The level of these says little; sudden jumps are a bad sign.", None))
    for trend, words, equilibrium in kinds:
        chosen = {
            name: curve
            for name, curve in summary.losses.items()
            if (curve.trend, curve.equilibrium) == (trend, equilibrium) and curve.points
        }
        if chosen:
            parts.append(f"<h3>{words}</h3>\n")
            parts.append(loss_curves({name: curve.points for name, curve in chosen.items()}, level=equilibrium))
            rows = [(name, f"{curve.points[-1][1]:.3f}", curve.meaning) for name, curve in chosen.items()]
            parts.append(table(rows))
    if summary.learning_rate:
        parts += ["<h3>Learning rate</h3>\n", loss_curves({"rate": summary.learning_rate}, smoothing=1)]
    return parts


def _best(name: str) -> str:
    return "0 is perfect" if name.endswith(("error", "distance")) else "1 is perfect"
