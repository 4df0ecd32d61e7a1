"""Notebooks show results and models, and the one of the guide runs as it stands there."""

import ast
import base64
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from torch import nn

from tests.conversion.small import ABOUT, TRANSLATOR, noise, put, run
from translate.models.exports import write_export
from translate.report.notebook import SIDE, result_html
from translate.run_folder import RunFolder

NOTEBOOK = Path(__file__).parent.parent.parent / "translate/guide/python.ipynb"


def pictures(html: str) -> list[tuple[int, int]]:
    """Return the sizes of the pictures in it."""
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in found]


def test_a_result_shows_both_pictures_and_what_became_of_it(tmp_path):
    put(tmp_path / "in/wide.png", noise(30, 2 * SIDE))
    (tmp_path / "in/bad.png").write_bytes(b"no picture")
    results = run([tmp_path / "in"], tmp_path / "out")
    shown = results["wide.png"]._repr_html_()
    assert pictures(shown) == [(SIDE, 15)] * 2
    assert "wide.png -&gt; " in shown
    assert "<br>done" in shown
    failed = results["bad.png"]._repr_html_()
    assert pictures(failed) == []
    assert "<br>failed: cannot be decoded" in failed


@pytest.mark.fault("S-17")
def test_names_are_shown_as_names():
    evil = '"><script>'
    assert "<script>" not in result_html(Path(evil), Path(evil), [evil])
    assert "<script>" not in ABOUT.model_copy(update={"licence": evil, "scores": {evil: 1.0}})._repr_html_()


def test_a_model_shows_what_it_does_and_what_made_it():
    shown = ABOUT.model_copy(update={"scores": {"KID": 1.5}})._repr_html_()
    assert ABOUT.summary in shown
    for words in ("cyclegan", "16 pixels", "1 of 1", "1.5"):
        assert words in shown


def cells() -> list[str]:
    tree = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (tree["nbformat"], len({cell["id"] for cell in tree["cells"]})) == (4, len(tree["cells"]))
    assert not [cell for cell in tree["cells"] if cell.get("outputs")]
    return ["".join(cell["source"]) for cell in tree["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_of_the_guide_runs_as_it_stands_there(tmp_path, monkeypatch):
    def train(data: str, steps: int, out: str) -> None:
        assert (data, steps) == ("toy-horse2zebra", 200)
        write_export(RunFolder(out).export, nn.ModuleList(TRANSLATOR.method.averaged()), ABOUT)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("translate.runs.train", train)
    put(tmp_path / "holidays/beach.jpg", noise(48, 64))
    names, shown = {"__name__": "notebook"}, []
    for cell in cells():
        *before, last = ast.parse(cell).body
        exec(compile(ast.Module(before, []), "cell", "exec"), names)
        assert isinstance(last, ast.Expr)
        shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
    model, result, difference, own = shown
    assert "monet" in model._repr_html_()
    assert pictures(result._repr_html_()) == [(64, 48)] * 2
    assert difference > 1
    assert own.summary == ABOUT.summary
