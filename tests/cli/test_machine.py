"""`translate bench` and `translate doctor`."""

import json
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_bench_and_doctor_speak_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.bench.SIDE", 64)
    tiny = ["--set", "method.generator.width=2", "--set", "method.generator.blocks=0"]
    code, out, _ = run("bench", "--size", 32, "--repeats", 1, "--json", *tiny)
    assert code == 0
    assert json.loads(out)["train_steps_s"] > 0
    code, out, _ = run("doctor", "--json")
    assert code == 0
    assert "torch" in json.loads(out)
