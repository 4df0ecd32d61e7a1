"""A run that was finished is made longer."""

import shutil

import pytest

import translate
from translate.errors import SettingsError
from translate.methods.cyclegan import Settings
from translate.runs import prepare
from translate.training.loop import RunPlan, TrainingSettings
from translate.training.record import read_log

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


def longer(out, **options):
    return prepare(TOY, out=out, more=4, device="cpu", **options)


@pytest.mark.fault("F-21")
def test_a_finished_run_goes_on_for_more_steps_with_the_rates_of_a_new_one(copied, finished):
    run = longer(copied)
    assert not run.finished
    list(run.start())
    assert run.finished
    assert (run.about().steps, run.about().planned, run.about().scores != {}) == (8, 8, True)
    rates = [line["learning_rate"] for line in read_log(copied / "log.jsonl")]
    assert rates == [*rates[:4], *rates[:4]]
    assert rates[3] < rates[0]
    assert run.take_notes() == [
        "The run is lengthened from 4 to 8 steps. In these the learning rate does its schedule again, from 100.0% of"
        f" the full one to 33.3%. The result so far is kept: {copied / 'milestones' / '00000004.safetensors'}."
    ]
    before = (finished[0] / "model.safetensors").read_bytes()
    assert (copied / "milestones" / "00000004.safetensors").read_bytes() == before != run.folder.export.read_bytes()


@pytest.mark.fault("F-21", "R-12")
def test_a_longer_run_that_was_stopped_continues_to_the_bit(copied, tmp_path, interrupt, untimed):
    other = shutil.copytree(copied, tmp_path / "other")
    list(longer(other).start())
    run = longer(copied)
    interrupt(run, after=6)
    assert run.interrupted
    assert prepare(TOY, out=copied, device="cpu").recipe.training.more == 4  # what is said once holds
    again = longer(copied)
    list(again.start())
    assert (again.finished, again.take_notes()) == (True, [])
    assert (copied / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert untimed(copied / "log.jsonl") == untimed(other / "log.jsonl")


@pytest.mark.fault("R-16")
def test_a_longer_run_falls_back_behind_its_old_end(copied, tmp_path, interrupt):
    other = shutil.copytree(copied, tmp_path / "other")
    list(longer(other).start())
    (copied / "checkpoints" / "00000004" / "manifest.json").write_text("damaged", encoding="utf-8")
    list(longer(copied).start())
    assert (copied / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


def test_the_same_command_again_changes_nothing_and_the_first_one_neither(copied, contents):
    list(longer(copied).start())
    before = contents(copied)
    assert longer(copied).finished
    assert translate.train(TOY, out=copied, device="cpu") == copied / "model.safetensors"
    assert contents(copied) == before
    run = prepare(TOY, out=copied, more=6, device="cpu")
    list(run.start())
    assert (run.finished, run.about().planned) == (True, 10)
    assert sorted(path.name for path in (copied / "milestones").iterdir()) == [
        "00000004.safetensors", "00000008.safetensors",
    ]  # fmt: skip
    with pytest.raises(SettingsError, match=r"training\.more was 6, now 4"):
        longer(copied)


def test_only_what_can_go_on_is_made_longer(copied, tmp_path):
    with pytest.raises(
        SettingsError, match=r"--more lengthens a run by steps, and .*none is no run\. Say with --steps"
    ):
        longer(tmp_path / "none")
    shutil.rmtree(copied / "checkpoints")
    with pytest.raises(SettingsError, match="run has no checkpoint to go on from"):
        longer(copied)


def test_a_run_counted_in_epochs_keeps_its_rates_and_has_those_of_steps_afterwards():
    plan = RunPlan.of(TrainingSettings(epochs=4), Settings(name="cyclegan"), 10)
    longer = RunPlan.of(TrainingSettings(epochs=4, more=4), Settings(name="cyclegan"), 10)
    assert (plan.steps, longer.steps, longer.sample_every) == (40, 44, plan.sample_every)
    factors = [longer.learning_rate_factor(n) for n in range(44)]
    assert factors[:40] == [plan.learning_rate_factor(n) for n in range(40)]
    assert factors[40:] == pytest.approx([1, 1, 2 / 3, 1 / 3])
    assert factors[20:40:10] == pytest.approx([2 / 3, 1 / 3])
