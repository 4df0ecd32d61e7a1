"""`translate export` as a user meets it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from translate import images

Run = Callable[..., tuple[int, str, str]]


def test_a_run_is_exported_as_one_file(run: Run, train: Run, place: Path) -> None:
    train()
    code, out, _ = run("export", "runs/horses", "given/away.safetensors", "--half")
    assert (code, out) == (0, "Wrote given/away.safetensors, 0.0 MB.\n")
    assert "directions: B to A, A to B (default: to B)" in run("info", "given/away.safetensors")[1]
    assert run("apply", "given/away.safetensors", "photos", "--out", "results")[0] == 0
    before = (place / "given/away.safetensors").read_bytes()
    code, _, err = run("export", "runs/horses", "given/away.safetensors")
    assert code == 7
    assert err == (
        "Error: given/away.safetensors is already there. Name another file, or replace this one with --overwrite.\n"
    )
    assert (place / "given/away.safetensors").read_bytes() == before
    assert run("export", "runs/horses", "given/away.safetensors", "--overwrite")[0] == 0
    assert (place / "given/away.safetensors").read_bytes() == (place / "runs/horses/model.safetensors").read_bytes()


@pytest.mark.timeout(600)
def test_a_run_is_exported_as_a_graph(run: Run, train: Run, place: Path) -> None:
    train()
    code, out, _ = run("export", "runs/horses", "horses.onnx", "--to", "A")
    assert code == 0
    assert re.fullmatch(r"Largest difference between .*: \d\.\de-\d\d of .* Opset 20\.\nWrote horses.onnx, .*\n", out)
    assert "directions: B to A (default: to A)" in run("info", "horses.onnx")[1]
    code, _, err = run("apply", "horses.onnx", "photos", "--out", "results")
    assert (code, "Running on cpu, fp32, channels-last: ONNX models run there." in err) == (0, True)
    assert images.read(place / "results/below/b.png").rgb.shape == (37, 50, 3)
    code, _, err = run("apply", "horses.onnx", "photos", "--out", "more", "--to", "B")
    assert (code, err) == (
        2,
        "Error: The model translates to A alone. For B, export its run again with --to B, or train that direction.\n",
    )
    code, _, err = run("export", "horses.onnx", "horses.safetensors")
    assert code == 5
    assert "is ONNX already, which only onnxruntime runs" in err
