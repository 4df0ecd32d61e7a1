"""Decoders that crash, in processes of their own."""

import importlib
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from tests.conversion.small import TRANSLATOR, below, put, rgb, run
from translate import images
from translate.conversion import pipeline

CRASHING = """
import os
import signal

from translate import images

whole, first = images.read_frames, images.read


def crash(source):
    if source.name.startswith("crash") or source.parts[-2:] == ("masks", "h.png"):
        os.kill(os.getpid(), signal.SIGSEGV)


def read_frames(source, *arguments):
    crash(source)
    return whole(source, *arguments)


def read(source, *arguments):
    crash(source)
    return first(source, *arguments)
"""


@pytest.mark.skipif(os.name != "posix", reason="no such signal here")
@pytest.mark.fault("I-32")
def test_a_decoder_that_crashes_fails_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "crash1.png", "crash2.png", "crash3.jpg", "d.png", "e.png", "f.png", "h.png"):
        put(tmp_path / "in" / name)
        put(tmp_path / "masks" / name, np.full((2, 2, 3), 255, np.uint8))
    (tmp_path / "in" / "torn.png").write_bytes(b"torn")
    (tmp_path / "crashing.py").write_text(CRASHING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(images, "read_frames", importlib.import_module("crashing").read_frames)
    monkeypatch.setattr(images, "read", importlib.import_module("crashing").read)
    monkeypatch.setattr(pipeline, "THREADS", 2)
    results = run([tmp_path / "in"], tmp_path / "out", isolate=True, mask=tmp_path / "masks")
    monkeypatch.undo()
    failed = {name: result.reason for name, result in results.items() if result.status == "failed"}
    assert failed.pop("torn.png").startswith("cannot be decoded: it is none of JPEG")
    crashed = "cannot be decoded: its decoder crashed with SIGSEGV."
    assert failed.pop("h.png") == f"{tmp_path / 'masks' / 'h.png'} {crashed}"
    assert failed == dict.fromkeys(["crash1.png", "crash2.png", "crash3.jpg"], crashed)
    assert below(tmp_path / "out") == ["a.png", "d.png", "e.png", "f.png"]
    for name in below(tmp_path / "out"):
        assert np.array_equal(rgb(tmp_path / "out" / name), TRANSLATOR(rgb(tmp_path / "in" / name)))
    assert multiprocessing.active_children() == []
