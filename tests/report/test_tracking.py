"""Losses and grids are written for other programs, of which stand-ins are here; and these never stop a run."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from translate.errors import SettingsError
from translate.report.tracking import TRACKERS, Board, Session
from translate.run_folder import RunFolder
from translate.runs.execution import Execution

GRID = np.zeros((8, 8, 3), np.uint8)
MODULES = {"tensorboard": "torch.utils.tensorboard", "trackio": "trackio", "wandb": "wandb"}


class StandIn(SimpleNamespace):
    """The modules of all three; writes down what it is called with, and fails from the call `fails` on."""

    def __init__(self):
        super().__init__(calls=[], fails=None, Image=lambda pixels: pixels.shape)

    def call(self, name, /, *words, **named):
        if self.fails is not None and len(self.calls) >= self.fails:
            raise OSError("disk full")
        self.calls.append((name, *words, named))

    def SummaryWriter(self, folder, purge_step):  # noqa: N802
        self.call("open", folder, purge_step)
        return self

    def init(self, **named):
        print("greetings")
        self.call("open", **named)
        return self

    def add_scalar(self, name, value, step):
        self.call("log", {name: value}, step=step)

    def add_image(self, name, pixels, step, dataformats):
        self.call("log", {name: pixels.shape}, step=step)

    def log(self, values, step):
        self.call("log", values, step=step)

    def flush(self):
        pass

    def close(self):
        self.call("close")

    finish = close


@pytest.fixture
def stand_in(monkeypatch):
    for name in ("WANDB_MODE", "TRACKIO_SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    module = StandIn()
    for name in MODULES.values():
        monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.fixture
def session(tmp_path):
    return Session(RunFolder(tmp_path / "birds"), 50, {"training.steps": 60})


@pytest.mark.parametrize("tracker", TRACKERS)
def test_scalars_and_grids_are_written_with_their_step(session, stand_in, tracker, capsys):
    board = Board(tracker, session, pytest.fail)
    board.scalars({"cyc": 0.5}, 60)
    board.grid(GRID, 60)
    board.close()
    assert stand_in.calls[0][0] == "open"
    assert stand_in.calls[1:] == [
        ("log", {"cyc": 0.5}, {"step": 60}), ("log", {"samples": (8, 8, 3)}, {"step": 60}), ("close", {}),
    ]  # fmt: skip
    assert capsys.readouterr().out == ""  # that is for results


def test_a_run_that_continues_is_the_same_one_for_each_program(session, stand_in, tmp_path):
    for tracker in TRACKERS:
        Board(tracker, session, pytest.fail)
    event_files, trackio, wandb = stand_in.calls
    assert event_files[1:3] == (tmp_path / "birds/tensorboard", 51)
    assert trackio[-1] == {
        "project": "image-translate", "name": f"birds-{session.identifier}", "config": {"training.steps": 60},
        "resume": "allow",
    }  # fmt: skip
    assert (wandb[-1]["id"], wandb[-1]["name"], wandb[-1]["dir"]) == (session.identifier, "birds", tmp_path / "birds")
    assert session.identifier != Session(RunFolder(tmp_path / "below/birds"), 0, {}).identifier


@pytest.mark.parametrize(("said", "mode", "resume"), [(None, "offline", None), ("online", "online", "allow"),
                                                      ("disabled", "disabled", None)])  # fmt: skip
def test_nothing_is_sent_by_wandb_unless_that_was_asked_for(session, stand_in, monkeypatch, said, mode, resume):
    if said:
        monkeypatch.setenv("WANDB_MODE", said)
    Board("wandb", session, pytest.fail)
    assert (stand_in.calls[0][-1]["mode"], stand_in.calls[0][-1]["resume"]) == (mode, resume)


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.fault("R-48")
def test_a_program_that_fails_is_told_once_and_given_up(session, stand_in, tracker):
    told, stand_in.fails = [], 3
    board = Board(tracker, session, told.append)
    for step in range(5):
        board.scalars({"cyc": 0.5}, step)
        board.grid(GRID, step) if step > 2 else None
    board.close()
    title = TRACKERS[tracker][0]
    assert told == [f"Writing for {title} failed and is given up; the run goes on: disk full"]
    assert len(stand_in.calls) == 3


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.fault("R-48")
def test_a_program_that_is_not_installed_is_told_once(session, monkeypatch, tracker):
    monkeypatch.setitem(sys.modules, MODULES[tracker], None)
    told = []
    board = Board(tracker, session, told.append)
    board.scalars({"cyc": 0.5}, 1)
    board.grid(GRID, 1)
    board.close()
    title, requirement, _ = TRACKERS[tracker]
    assert told == [f"{title} is not installed, so nothing is written for it: pip install {requirement}"]


def test_programs_are_named_once_and_known():
    assert Execution(track=["wandb", "tensorboard", "wandb"], tensorboard=True).trackers == ["wandb", "tensorboard"]
    assert Execution().trackers == []
    with pytest.raises(SettingsError, match=r"called 'mlflow'; there are tensorboard, trackio, wandb\."):
        Execution(track=["mlflow"])
