import sys

import numpy as np
import pytest

from translate.report.tensorboard import Board

GRID = np.zeros((8, 8, 3), np.uint8)


class Writer:
    """Stands in for torch's; fails from the second scalar on."""

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.written = folder, purge_step, []

    def add_scalar(self, name, value, step):
        if len(self.written) == 2:
            raise OSError("disk full")
        self.written.append((name, value, step))

    def add_image(self, name, pixels, step, dataformats):
        self.written.append((name, pixels.shape, step))

    def flush(self):
        pass

    close = flush


@pytest.fixture
def writer(monkeypatch):
    """Puts the stand-in where torch's writer is imported from."""
    module = type(sys)("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)


def test_scalars_and_grids_are_written_with_their_step(tmp_path, writer):
    board = Board(tmp_path, 50, pytest.fail)
    assert (board._writer.folder, board._writer.purge_step) == (tmp_path, 51)
    board.scalars({"cyc": 0.5}, 60)
    board.grid(GRID, 60)
    assert board._writer.written == [("cyc", 0.5, 60), ("samples", (8, 8, 3), 60)]
    board.close()


def test_r_48_a_writer_that_fails_is_told_once_and_given_up(tmp_path, writer):
    told = []
    board = Board(tmp_path, 0, told.append)
    for step in range(5):
        board.scalars({"cyc": 0.5}, step)
        board.grid(GRID, step) if step > 2 else None
    board.close()
    assert told == ["Writing for TensorBoard failed and is given up; the run goes on: disk full"]


@pytest.mark.fault("R-48")
def test_without_tensorboard_that_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    told = []
    board = Board(tmp_path, 0, told.append)
    board.scalars({"cyc": 0.5}, 1)
    board.grid(GRID, 1)
    board.close()
    assert len(told) == 1
    assert told[0].startswith("TensorBoard is not installed")
