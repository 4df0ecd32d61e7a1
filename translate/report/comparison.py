"""A page that sets models side by side, and on which a person votes without knowing which is which.

It is one file: pictures are in it, votes stay in the browser until they are saved.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from translate.report.html import EMBEDDED, embedded, head, text

_STYLE = """\
  body { margin: 2rem; font-family: sans-serif; line-height: 1.45; background: #fff; color: #222; }
  table { border-collapse: collapse; }
  th, td { padding: .3rem .6rem .3rem 0; vertical-align: top; text-align: left; overflow-wrap: anywhere; }
  thead td { font-size: .85rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
  th[scope=row] { font-size: .85rem; font-weight: normal; }
  img { display: block; width: 16rem; height: auto; }
  button { font-size: 1rem; padding: .3rem .9rem; }
  #trial { display: flex; flex-wrap: wrap; gap: 1rem; }
  #trial figure { margin: 0; }
"""

_TOP = """\
<body data-key="{key}">
<h1>{title}</h1>
<p>{summary}</p>
<p><button id="toggle">Vote blind</button> <button id="save">Save votes</button> <span id="count"></span></p>
<section id="blind" hidden>
<p id="question">Which is the better translation of the input?</p>
<div id="trial"></div>
<p><button data-vote="left">A</button> <button data-vote="right">B</button> <button data-vote="neither">neither</button>
</p>
</section>
<table>
"""
_SCRIPT = """<script>
const key = document.body.dataset.key;
const table = document.querySelector('table');
const models = [...document.querySelectorAll('thead th[scope=col]')].map(cell => cell.textContent).slice(1);
const rows = [...document.querySelectorAll('tbody tr')].map(row => ({
  name: row.querySelector('th').textContent, images: [...row.querySelectorAll('img')].map(image => image.src)}));
const find = id => document.getElementById(id);
let votes = [];
try { votes = JSON.parse(localStorage.getItem(key)) || []; } catch { }  // a browser may refuse to keep anything
let trial = null;

function open_trials() {
  const done = new Set(votes.map(vote => JSON.stringify([vote.input, ...[vote.left, vote.right].sort()])));
  const trials = [];
  for (const row of rows)
    for (let i = 0; i < models.length; i++)
      for (let j = 0; j < i; j++)
        if (!done.has(JSON.stringify([row.name, ...[models[i], models[j]].sort()]))) trials.push([row, i, j]);
  return trials;
}
function picture(address, caption) {
  const figure = document.createElement('figure'), image = document.createElement('img');
  image.src = address; image.alt = caption;
  figure.append(image, caption);
  return figure;
}
function ask() {
  const trials = open_trials();
  find('count').textContent = `${votes.length} votes, ${trials.length} left`;
  find('trial').replaceChildren();
  trial = null;
  find('question').textContent =
    trials.length ? 'Which is the better translation of the input?' : 'Everything is voted on. Thank you.';
  if (!trials.length) return;
  const [row, i, j] = trials[Math.floor(Math.random() * trials.length)];
  const [left, right] = Math.random() < .5 ? [i, j] : [j, i];
  trial = {input: row.name, left: models[left], right: models[right]};
  find('trial').append(picture(row.images[0], 'input'), picture(row.images[left + 1], 'A'),
    picture(row.images[right + 1], 'B'));
}
for (const button of document.querySelectorAll('[data-vote]')) button.onclick = () => {
  if (!trial) return;
  votes.push({...trial, vote: button.dataset.vote});
  try { localStorage.setItem(key, JSON.stringify(votes)); } catch { }
  ask();
};
find('toggle').onclick = () => {
  table.hidden = !table.hidden;
  find('blind').hidden = !table.hidden;
  find('toggle').textContent = table.hidden ? 'Show everything' : 'Vote blind';
};
find('save').onclick = () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify({page: key, models, votes}, null, 2)]));
  link.download = 'votes.json';
  link.click();
};
ask();
if (location.hash === '#blind') find('toggle').click();
</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Column:
    """A model and what it scores, in words by name."""

    model: str
    scores: dict[str, str]


@dataclass(frozen=True)
class Row:
    """A picture and its translations, one for each column, as the bytes of PNG files."""

    name: str
    source: bytes
    outputs: tuple[bytes, ...]


def comparison_page(title: str, summary: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Write the page: pictures in rows, models in columns, scores in the header.

    In the blind mode the input and two translations are shown, in random order and without names. `votes.json` has, for
    each vote, the input, the models that were on the left and on the right, and "left", "right" or "neither". Votes are
    kept for pages with the same pictures only.

    Returns:
        the text of an HTML file.
    """
    parts = [
        head(title, _STYLE, EMBEDDED),
        _TOP.format(title=text(title), summary=text(summary), key=_key(columns, rows)),
    ]
    heads = "".join(f'<th scope="col">{text(word)}</th>' for word in ["", *(column.model for column in columns)])
    parts.append(f"<thead>\n<tr>{heads}</tr>\n")
    for name in dict.fromkeys(name for column in columns for name in column.scores):
        cells = "".join(f"<td>{text(column.scores.get(name, ''))}</td>" for column in columns)
        parts.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>\n')
    parts.append("</thead>\n<tbody>\n")
    for row in rows:
        cells = "".join(
            f"<td>{embedded(output, f'{row.name} by {column.model}')}</td>"
            for output, column in zip(row.outputs, columns, strict=True)
        )
        parts.append(f'<tr><th scope="row">{embedded(row.source, row.name)}{text(row.name)}</th>{cells}</tr>\n')
    return "".join([*parts, "</tbody>\n</table>\n", _SCRIPT])


def _key(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    found = hashlib.sha256("\n".join(column.model for column in columns).encode("utf-8", "backslashreplace"))
    for row in rows:
        for png in (row.source, *row.outputs):
            found.update(hashlib.sha256(png).digest())
    return f"translate votes {found.hexdigest()[:16]}"
