"""A run from its first step to its last, and what lies in its folder then."""

import itertools
import shutil
from types import SimpleNamespace

import pytest

import translate
from translate import runs
from translate.errors import OutputError
from translate.runs import prepare
from translate.training.record import read_log

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


def test_a_run_leaves_everything_behind(finished):
    out, reports = finished
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    steps = ["00000002", "00000004"]
    files = ["average.safetensors", "manifest.json", "state.pt", "weights.safetensors"]
    assert names == {
        "settings.json", "log.jsonl", "alarms.jsonl", "report.html", "losses.svg", "progress.gif", "model.safetensors",
        *(f"samples/{step}.png" for step in ("00000000", *steps)),
        *(f"checkpoints/{step}/{file}" for step in steps for file in files),
    }  # fmt: skip
    assert (reports[0].step, reports[-1].step, reports[-1].saved) == (0, 4, True)
    assert [line["step"] for line in read_log(out / "log.jsonl")] == [1, 2, 3, 4]


def test_a_finished_run_says_so_and_is_left_alone(copied, contents):
    before = contents(copied)
    run = prepare(TOY, out=copied, device="cpu")
    assert run.finished
    assert translate.train(TOY, out=copied, device="cpu") == copied / "model.safetensors"
    assert contents(copied) == before


def test_a_run_is_finished_only_when_everything_is_there(tmp_path):
    """The export of a finished run has scores, so one without never says that it is."""
    run = prepare(TOY, out=tmp_path / "run", device="cpu")
    for _ in run.start():
        assert not run.finished
    assert run.finished
    assert run.about().scores


@pytest.mark.fault("R-4")
def test_a_disk_that_is_full_for_a_while_costs_a_note_and_no_step(tmp_path, finished, monkeypatch, untimed):
    write, full = runs.results.images.write_pixels, [True]

    def refused(*arguments):
        if full:
            raise OutputError("The disk is full: a grid was not written.")
        write(*arguments)

    monkeypatch.setattr(runs.results.images, "write_pixels", refused)
    run = prepare(TOY, out=tmp_path / "run", device="cpu")
    for report in run.start():
        if report.step == 3:
            full.clear()
    assert run.finished
    assert run.notes == ["The disk is full: a grid was not written. The run goes on without it."]
    assert [path.name for path in (run.out / "samples").iterdir()] == ["00000004.png"]
    assert untimed(run.out / "log.jsonl") == untimed(finished[0] / "log.jsonl")


@pytest.mark.fault("R-5")
def test_a_run_without_room_for_two_checkpoints_is_refused_before_the_first_step(tmp_path, photos, monkeypatch, small):
    run = prepare(photos, out=tmp_path / "run", words=small, device="cpu")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match=r"has 0\.0 MB left; a checkpoint of this run takes 0\.\d MB"):
        list(run.start())
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.fault("R-21")
def test_a_clock_that_runs_backwards_changes_nothing(tmp_path, finished, monkeypatch, interrupt):
    clock = itertools.count(10**9, -1000)
    for name in ("time", "perf_counter", "monotonic"):
        monkeypatch.setattr(f"translate.runs.run.time.{name}", lambda: next(clock))
    first = prepare(TOY, out=tmp_path / "run", device="cpu")
    interrupt(first, 2)
    list(prepare(TOY, out=tmp_path / "run", device="cpu").start())
    assert (first.out / "model.safetensors").read_bytes() == (finished[0] / "model.safetensors").read_bytes()
