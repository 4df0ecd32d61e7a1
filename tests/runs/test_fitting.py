"""How many steps fit into a time is tested with the runs; here, how many pictures fit into memory."""

import importlib
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from translate import images
from translate.errors import DataError, SettingsError
from translate.runs import Run, fitting, prepare
from translate.training.loop import Training

MB = 10**6
TINY = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}", "method.pool=2"]
TINY_STARGAN = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 4}"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of A and 100 of B."""
    place = tmp_path_factory.mktemp("photos")
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    for folder, number in (("trainA", 3), ("trainB", 100)):
        for index in range(number):
            images.write_pixels(picture, place / folder / f"{index}.png")
    return place


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pictures in every step. Steps do nothing, and take 100 MB and as much for each picture. 1 PB is free."""
    batches: list[int] = []

    def step(self: Training, batch: dict[str, torch.Tensor]) -> None:
        batches.append(len(next(iter(batch.values()))))

    monkeypatch.setattr(Training, "train_step", step)
    monkeypatch.setattr(fitting, "peak_memory", lambda _: 100 * MB * (1 + batches[-1]))
    monkeypatch.setattr(fitting, "available_memory", lambda: 10**15)
    return batches


def made(photos: Path, out: Path, words: list[str] = TINY, **options: Any) -> Run:
    options = {"batch": "auto", "steps": 2, "precision": "fp32", "device": "cpu", **options}
    return prepare(photos, out=out, size=32, words=words, **options)


def batch_of(run: Run) -> int:
    return run.recipe.training.batch


@pytest.mark.parametrize(("free", "batch"), [(599, 1), (600, 2), (999, 2), (1000, 4), (3399, 8), (3400, 16)])
def test_on_a_cpu_what_a_batch_would_take_must_be_free_twice(
    photos: Path, tmp_path: Path, tried: list[int], monkeypatch: pytest.MonkeyPatch, free: int, batch: int
) -> None:
    monkeypatch.setattr(fitting, "available_memory", lambda: free * MB)
    assert batch_of(made(photos, tmp_path / "run")) == batch
    assert set(tried) == {1, 2}  # the rest is reckoned
    assert not (tmp_path / "run").exists()


def test_several_ranks_share_what_is_free(
    photos: Path, tmp_path: Path, tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "available_memory", lambda: 3400 * MB)
    monkeypatch.setattr(fitting, "neighbours", lambda: 2)
    assert batch_of(made(photos, tmp_path / "run")) == 4


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
@pytest.mark.fault("R-26")
def test_on_a_gpu_the_largest_batch_that_is_not_refused_is_taken(
    photos: Path, tmp_path: Path, tried: list[int], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    step = Training.train_step

    def refused(self: Training, batch: dict[str, torch.Tensor]) -> None:
        step(self, batch)
        if tried[-1] > 4:
            raise error

    monkeypatch.setattr(Training, "train_step", refused)
    run = made(photos, tmp_path / "run", batch=1)
    assert fitting._tried(run.recipe, run.dataset, run.engine, 1, 100) == 4
    assert fitting._tried(run.recipe, run.dataset, run.engine, 1, 3) == 2
    assert fitting._tried(run.recipe, run.dataset, run.engine, 3, 100) == 3


def test_no_batch_is_larger_than_16_on_a_cpu_or_than_an_epoch(
    photos: Path, tmp_path: Path, tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert batch_of(made(photos, tmp_path / "run")) == 16
    monkeypatch.setattr(fitting, "LARGEST", 1000)
    assert batch_of(made(photos, tmp_path / "run")) == 64  # of 100 pictures


def test_a_batch_can_be_split_into_the_parts_that_were_asked_for(
    photos: Path, tmp_path: Path, tried: list[int]
) -> None:
    assert batch_of(made(photos, tmp_path / "run", accumulate=3)) == 12


def test_a_method_that_needs_two_pictures_begins_with_two(photos: Path, tmp_path: Path, tried: list[int]) -> None:
    assert batch_of(made(photos, tmp_path / "run", TINY_STARGAN, method="stargan")) == 16
    assert tried[0] == 2


def test_what_the_method_refuses_is_refused_before_anything_is_tried(
    photos: Path, tmp_path: Path, tried: list[int]
) -> None:
    with pytest.raises(SettingsError, match="Size 32 does not suit cyclegan"):
        made(photos, tmp_path / "run", ["method.discriminator.layers=4"])
    domains = dict.fromkeys("abc", photos / "trainA")
    with pytest.raises(DataError, match="between two domains; found 3"):
        prepare(domains=domains, out=tmp_path / "run", size=32, words=TINY, batch="auto", device="cpu")
    assert tried == []


def test_what_was_tried_is_not_counted_as_taken(
    photos: Path, tmp_path: Path, tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[int] = []
    monkeypatch.setattr(fitting, "reset_peak_memory", lambda _: forgotten.append(len(tried)))
    made(photos, tmp_path / "run")
    assert forgotten[-1] == len(tried)


def test_where_nobody_knows_what_is_free_a_number_is_asked_for(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "available_memory", lambda: None)
    with pytest.raises(SettingsError, match=r"how much memory is free on this machine\. Give a number as --batch"):
        made(photos, tmp_path / "run")


def test_the_batch_is_measured_once_and_the_run_is_an_ordinary_one(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "LARGEST", 2)
    first = made(photos, tmp_path / "run")
    assert batch_of(first) == 2
    assert list(first.start())[-1].step == 2
    monkeypatch.setattr(fitting, "available_memory", lambda: 1 / 0)
    assert made(photos, tmp_path / "run").finished
    assert made(photos, tmp_path / "run", batch=2).finished
    with pytest.raises(SettingsError, match=r"training\.batch was 2, now 4"):
        made(photos, tmp_path / "run", batch=4)
    other = made(photos, tmp_path / "other", batch=2)
    list(other.start())
    assert (first.out / "model.safetensors").read_bytes() == (other.out / "model.safetensors").read_bytes()


def test_a_run_of_a_given_time_counts_its_steps_once(tmp_path, photos, monkeypatch, small):
    clock = itertools.count(step=0.125)  # each look at the clock is an eighth of a second later
    monkeypatch.setattr("translate.runs.cost_estimate.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("translate.runs.fitting.STEPS", 1)

    def made(seconds):
        words = [word for word in small if "steps" not in word]
        return prepare(photos, out=tmp_path / "run", words=words, seconds=seconds, device="cpu")

    first = made(0.5)
    assert first.recipe.training.steps == 3  # 0.9 * 0.5 s at an eighth of a second each
    assert not first.out.exists()
    list(first.start())
    monkeypatch.setattr(importlib.import_module("translate.runs.prepare"), "steps_within", lambda *_: 1 / 0)
    assert made(0.5).finished
    with pytest.raises(SettingsError, match=r"training\.seconds was 0\.5, now 0\.75"):
        made(0.75)


@pytest.mark.fault("F-19")
def test_a_run_of_a_given_time_is_fitted_again_by_the_speed_of_its_first_steps(photos, small):
    words = [word for word in small if "steps" not in word] + ["training.steps=20", "training.seconds=10.0"]
    recipe = prepare(photos, words=words, device="cpu").recipe
    assert [fitting.pause_of(recipe, step) for step in (0, 14, 15)] == [15, 15, None]
    assert fitting.pause_of(recipe.with_training(steps=400), 0) == 40
    assert fitting.pause_of(recipe.with_training(seconds=None), 0) is None
    assert fitting.refitted(recipe, 2, 0.1).training.steps == 90  # 0.9 * 10 s at a tenth of a second each
    assert fitting.refitted(recipe, 2, 0.45 / 0.98).training.steps == 20  # 19.6 would fit
    assert fitting.refitted(recipe, 2, 100.0).training.steps == 3  # it is over its time already


@pytest.mark.fault("F-19")
def test_what_was_decided_when_a_run_was_fitted_again_is_kept_when_it_is_stopped(
    tmp_path, photos, monkeypatch, small, interrupt
):
    monkeypatch.setattr(fitting, "STEPS", 2)
    monkeypatch.setattr(importlib.import_module("translate.runs.prepare"), "steps_within", lambda *_: 20)
    module = importlib.import_module("translate.runs.run")

    def made(name, steps):
        decided = []
        monkeypatch.setattr(
            module, "refitted", lambda recipe, *_: decided.append(1) or recipe.with_training(steps=steps)
        )
        words = [word for word in small if "steps" not in word] + ["training.log_every=1"]
        return prepare(photos, out=tmp_path / name, words=words, seconds=9.0, device="cpu"), decided

    whole, decided = made("whole", 8)
    notes = [whole.notes for _ in whole.start()][-1]
    assert (whole.finished, whole.step, len(decided)) == (True, 8, 1)
    assert any("8 steps instead of 20, to end in its time" in note for note in notes)
    assert json.loads((whole.out / "settings.json").read_text())["training"]["steps"] == 8
    for after in (1, 2, 5):
        interrupt(made(f"{after}", 8)[0], after)
        second, decided = made(f"{after}", 8 if after < 2 else 1 / 3)
        list(second.start())
        assert (second.finished, len(decided)) == (True, int(after < 2))
        assert (second.out / "model.safetensors").read_bytes() == (whole.out / "model.safetensors").read_bytes()
