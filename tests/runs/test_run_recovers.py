"""What a run tries again: a step without enough memory, and losses that are not finite."""

import signal

import numpy as np
import pytest
import torch

from translate.data.batches import UnpairedBatches
from translate.errors import Diverged, OutOfMemory
from translate.methods.cyclegan import CycleGAN
from translate.runs import prepare
from translate.training.loop import Training
from translate.training.record import read_log

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


@pytest.mark.parametrize(("where", "kept"), [(Training, "train_step"), (UnpairedBatches, "__getitem__")])
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.fault("R-27", "R-28")
def test_a_step_for_which_memory_was_short_once_is_done_again_exactly(
    tmp_path, finished, monkeypatch, where, kept, before, contents, untimed
):
    """In the step itself, or in a thread that prepares its batch."""
    original, short = getattr(where, kept), []

    def once(self, argument):
        if not short and before == (argument if where is UnpairedBatches else self.step):
            short.append(True)
            raise MemoryError
        return original(self, argument)

    monkeypatch.setattr(where, kept, once)
    run = prepare(TOY, out=tmp_path / "run", device="cpu", workers=2)
    steps = [report.step for report in run.start() if report.losses]
    assert steps == ([1, 2, 3, 3, 4] if before else [1, 2, 3, 4])
    assert run.finished
    assert run.notes == ["There was not enough memory for a step. It is tried once more from the newest checkpoint."]
    one, two = contents(finished[0]), contents(run.out)
    clocked = ("log.jsonl", "report.html", "state.pt", "manifest.json")  # say times, or the same in another order
    assert all(one[name][0] == two[name][0] for name in one if not name.endswith(clocked))
    assert untimed(run.out / "log.jsonl") == untimed(finished[0] / "log.jsonl")


@pytest.mark.fault("R-27")
def test_memory_that_is_short_twice_stops_the_run_and_the_newest_checkpoint_is_kept(tmp_path, monkeypatch):
    step = Training.train_step

    def full(self, batch):
        if self.step == 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        step(self, batch)

    monkeypatch.setattr(Training, "train_step", full)
    with pytest.raises(OutOfMemory, match=r"not enough memory for a step\. Start again with --accumulate 2") as caught:
        list(prepare(TOY, out=tmp_path / "run", device="cpu").start())
    assert caught.value.exit_code == 6
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["00000002"]


def break_steps(monkeypatch, is_broken):
    """Let steps not be finite of whose rate and number that is said; two such steps in a row are too many."""
    step = CycleGAN.step

    def some_broken(self, batch, update, n):
        if not is_broken(update._optimisers["G"].param_groups[0]["lr"], n):
            return step(self, batch, update, n)
        return step(self, batch, lambda **losses: update(**{name: loss * np.nan for name, loss in losses.items()}), n)

    monkeypatch.setattr(CycleGAN, "step", some_broken)
    monkeypatch.setattr("translate.training.loop.PATIENCE", 2)


@pytest.mark.fault("R-22")
def test_a_run_that_recovers_goes_on_with_half_the_rate_also_when_it_was_stopped_since(tmp_path, monkeypatch, untimed):
    break_steps(monkeypatch, lambda rate, n: n >= 2 and rate * (n - 1) > 1e-4)  # the last two of four, at full rate
    whole = prepare(TOY, out=tmp_path / "whole", nan_policy="recover", device="cpu")
    list(whole.start())
    assert whole.finished
    rates = {line["step"]: line["learning_rate"] for line in read_log(whole.out / "log.jsonl")}
    assert rates == pytest.approx({1: 2e-4, 2: 2e-4, 3: 2e-4 / 3, 4: 1e-4 / 3})
    (note,) = whole.notes
    assert note.startswith("The losses were not finite in 2 steps in a row, up to step 4. The last good checkpoint is ")
    assert note.endswith(" The run goes on from there with half the learning rate.")
    skipped = read_log(whole.out / "skipped.jsonl")
    assert [(line["step"], line["seed"], [*line["pictures"]]) for line in skipped] == [
        (3, 0, ["horse", "zebra"]),
        (4, 0, ["horse", "zebra"]),
    ]
    stopped = prepare(TOY, out=tmp_path / "stopped", nan_policy="recover", device="cpu")
    for report in stopped.start():
        if report.step == 3 and report.losses:  # the second time
            signal.raise_signal(signal.SIGINT)
    assert (stopped.step, stopped.interrupted) == (3, signal.SIGINT)
    list(prepare(TOY, out=tmp_path / "stopped", nan_policy="recover", device="cpu").start())
    assert untimed(stopped.out / "log.jsonl") == untimed(whole.out / "log.jsonl")
    assert (stopped.out / "model.safetensors").read_bytes() == (whole.out / "model.safetensors").read_bytes()


@pytest.mark.fault("R-22")
def test_a_run_that_recovers_before_its_first_checkpoint_begins_again(tmp_path, monkeypatch):
    break_steps(monkeypatch, lambda rate, n: rate > 1.5e-4)
    run = prepare(TOY, out=tmp_path / "run", nan_policy="recover", device="cpu")
    list(run.start())
    assert run.finished
    (note,) = run.notes
    assert "up to step 2. No checkpoint was written yet." in note
    assert note.endswith(" The run begins again with half the learning rate.")
    rates = {line["step"]: line["learning_rate"] for line in read_log(run.out / "log.jsonl")}
    assert rates == pytest.approx({1: 1e-4, 2: 1e-4, 3: 2e-4 / 3, 4: 1e-4 / 3})


@pytest.mark.fault("R-22")
def test_a_run_that_stopped_may_recover_and_does_so_once(tmp_path, monkeypatch):
    break_steps(monkeypatch, lambda rate, n: n >= 2)
    with pytest.raises(Diverged, match="--nan-policy recover halves it and goes on") as caught:
        list(prepare(TOY, out=tmp_path / "run", device="cpu").start())
    assert caught.value.exit_code == 1
    run = prepare(TOY, out=tmp_path / "run", nan_policy="recover", device="cpu")
    with pytest.raises(Diverged, match="up to step 4"):
        list(run.start())
    assert sum("half the learning rate" in note for note in run.notes) == 1
    assert [path.name for path in (run.out / "checkpoints").iterdir()] == ["00000002"]
