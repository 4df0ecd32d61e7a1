"""Alarms, the page, and TensorBoard, over the steps of a run."""

import sys
from pathlib import Path

import pytest

from translate import cards
from translate.data.made import fills_holes
from translate.methods.cyclegan import CycleGAN
from translate.models.about import About
from translate.report import tracking
from translate.runs import prepare
from translate.runs.shown import Use, command_to_use
from translate.targets import Domains
from translate.training import alarms
from translate.training.record import read_log

TOY = "toy-horse2zebra"


def test_a_run_that_inverts_says_so_once_and_after_a_break_too_it_was_said(tmp_path, monkeypatch, interrupt, shelf):
    """Staged: translations are the inverted inputs from the first step on."""
    monkeypatch.setattr(alarms, "EARLIEST", 0)
    monkeypatch.setattr(CycleGAN, "translate", lambda method, x, target: -x)
    words = ["training.steps=6", "training.log_every=1"]
    place = tmp_path / "datasets"
    place.mkdir()
    card = (shelf / f"{TOY}.toml").read_text(encoding="utf-8")
    (place / f"{TOY}.toml").write_text(card.replace("test = 3", "test = 8"), encoding="utf-8")
    monkeypatch.setattr(cards, "shelf", lambda kind: place)
    first = prepare(TOY, out=tmp_path / "run", words=words, device="cpu")
    interrupt(first, after=3)
    assert [note.split(":")[0] for note in first.notes] == ["Alarm at step 2"]
    assert "dark becomes bright" in first.notes[0]
    second = prepare(TOY, out=tmp_path / "run", words=words, device="cpu")
    list(second.start())
    assert second.notes == []
    assert [line["name"] for line in read_log(tmp_path / "run" / "alarms.jsonl")] == ["inverted"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Step 2: From horse to zebra dark becomes bright" in page
    assert "Finished: all 6 steps" in page
    assert "stripe score" in page
    assert page.count("data-step=") == len(list((tmp_path / "run" / "samples").iterdir()))


@pytest.mark.fault("R-48")
def test_a_run_without_the_backend_of_tensorboard_goes_on(tmp_path, monkeypatch, shelf):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run = prepare(TOY, out=tmp_path / "run", device="cpu", tensorboard=True)
    list(run.start())
    assert run.finished
    assert [note for note in run.notes if "TensorBoard is not installed" in note] == run.notes


def test_the_page_is_there_from_the_first_step_and_looks_for_news_until_the_run_ends(tmp_path, interrupt, shelf):
    run, running = prepare(TOY, out=tmp_path / "run", device="cpu"), 'id="running"'
    seen = [running in run.folder.report.read_text(encoding="utf-8") for _ in run.start()]
    assert seen[:-1] == [True] * len(seen[:-1])
    page = run.folder.report.read_text(encoding="utf-8")
    assert (running in page, "Finished: all 4 steps" in page) == (False, True)
    stopped = prepare(TOY, out=tmp_path / "stopped", device="cpu")
    interrupt(stopped, after=1)
    page = stopped.folder.report.read_text(encoding="utf-8")
    assert (running in page, "1 of 4 steps are done" in page) == (False, True)


def test_a_run_is_written_for_what_was_asked_for(tmp_path, monkeypatch, shelf):
    seen = []
    monkeypatch.setattr(tracking.Trackio, "__init__", lambda _, session: seen.append(session.settings["method.name"]))
    monkeypatch.setattr(
        tracking.Trackio, "scalars", lambda _, values, step: seen.append(("learning rate" in values, step))
    )
    monkeypatch.setattr(tracking.Trackio, "grid", lambda _, pixels, step: seen.append(step))
    monkeypatch.setattr(tracking.Trackio, "close", lambda _: seen.append("closed"))
    list(prepare(TOY, out=tmp_path / "run", device="cpu", track=["trackio"]).start())
    assert seen == ["cyclegan", 0, (True, 1), (True, 2), 2, (True, 3), (True, 4), 4, "closed"]


def test_the_command_to_use_a_result_says_what_it_has_learned() -> None:
    domains, out = Domains(("A", "B"), "B"), Path("runs/x")
    assert command_to_use(out, domains, Use()) == "translate apply runs/x PHOTOS --out RESULTS"
    assert command_to_use(out, domains, Use(scale=4)) == "translate apply runs/x PHOTOS --enlarge 4 --out RESULTS"
    assert command_to_use(out, domains, Use(fills=True)) == "translate apply runs/x PHOTOS --fill --out RESULTS"
    assert command_to_use(out, Domains(("A", "B"), ""), Use()).endswith("--to A --out RESULTS")
    assert command_to_use(out, domains, Use(draws=True)).startswith("translate sample runs/x")
    told = {"domains": ["A", "B"], "target": "B", "size": 32, "steps": 0, "planned": 0}
    about = About(method={"name": "pix2pix", "scale": 2}, recipe={"data": {"made": "holes"}}, **told)
    assert Use.of(about) == Use(scale=2, fills=True)


@pytest.mark.usefixtures("shelf")
def test_pairs_with_holes_are_known(tmp_path: Path) -> None:
    for made, expected in (("holes", True), ("colour", False)):
        run = prepare(TOY, method="pix2pix", words=[f"data.made={made}"], out=tmp_path / made, device="cpu")
        assert fills_holes(run.dataset) is expected
