"""`translate bench` and `translate doctor`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from translate import bench
from translate.bench import compared
from translate.cli import machine
from translate.devices import engine
from translate.errors import SettingsError
from translate.features import has_lite0
from translate.methods.base import settings_class

Run = Callable[..., tuple[int, str, str]]
FIELDS = {"engine": "cpu, fp32", "threads": 2, "size": 256, "train_gmac": 5.0}


def test_bench_and_doctor_speak_json(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("translate.bench.SIDE", 64)
    monkeypatch.setattr(machine, "_quick", lambda: None)
    tiny = ["--set", "method.generator.width=2", "--set", "method.generator.blocks=0"]
    code, out, _ = run("bench", "--size", 32, "--repeats", 1, "--json", *tiny)
    assert code == 0
    assert json.loads(out)["train_steps_s"] > 0
    assert "quick:" not in out
    (tmp_path / "before.json").write_text(out)
    code, out, _ = run("bench", "--size", 32, "--repeats", 1, "--against", tmp_path / "before.json", *tiny)
    assert code == 0
    assert "train_steps_s: " in out
    assert " times what it was" in out
    code, out, _ = run("doctor", "--json")
    assert code == 0
    assert "torch" in json.loads(out)


def test_runs_of_bench_are_compared_speed_by_speed() -> None:
    before = {**FIELDS, "train_steps_s": 2.0, "apply_images_s": 4.0, "quick_steps_s": 0.0}
    now = {**FIELDS, "train_steps_s": 3.0, "apply_images_s": 2.0, "quick_steps_s": 1.0, "new_s": 7.0}
    assert compared(now, before) == {"train_steps_s": 1.5, "apply_images_s": 0.5}
    with pytest.raises(SettingsError, match=r"cannot be compared: threads is 2, and was 1\."):
        compared(now, {**before, "threads": 1})


@pytest.mark.parametrize("content", [None, "no JSON", "[1]"])
def test_bench_says_what_it_can_compare_with(run: Run, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "before.json").write_text(content)
    code, _, err = run("bench", "--against", tmp_path / "before.json")
    assert code == 2
    assert "is nothing that bench can compare with. Write it with: translate bench --json > " in err


@pytest.mark.skipif(not has_lite0(), reason="the extra `features` is not installed")
def test_steps_of_quick_are_those_of_its_settings() -> None:
    steps = machine._quick()
    assert steps is not None
    assert (steps.settings.name, steps.size, steps.batch) == ("cut", 128, 3)


def test_steps_with_spectral_norms_are_counted_and_timed() -> None:
    tree = {"generator": {"width": 2, "blocks": 0}, "discriminator": {"width": 2, "layers": 1, "spectral_norm": True}}
    settings = settings_class("cyclegan").parse(tree)
    _, seconds, gmac = bench._steps(bench.Steps(settings, 32, 2), engine("cpu", "fp32"), 1)
    assert seconds > 0
    assert gmac > 0
