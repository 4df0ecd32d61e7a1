"""Tar shards and a cluster on the command line."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conversion.small import export

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shards(place: Path) -> Path:
    """The working folder has a model, and a shard of its photos."""
    export(place / "m.safetensors", ("A", "B"))
    with tarfile.open(place / "0.tar", "w") as made:
        made.add(place / "photos" / "a.jpg", "a.jpg")
        made.add(place / "photos" / "below" / "b.png", "b.png")
    return place


@pytest.mark.fault("F-30")
def test_shards_are_planned_converted_and_skipped(run: Run, shards: Path) -> None:
    words = ("apply", "m.safetensors", "{0..1}.tar", "--out", "out", "--device", "cpu")
    assert run(*words, "--dry-run")[1] == "0.tar -> out/0.tar\n1 to do, 0 already there, 1 not found.\n"
    code, out, err = run(*words)
    assert (code, out[:33]) == (3, "2 done, 0 skipped, 1 failed, 0 ig"), err
    assert "Failed: 1.tar: it does not exist" in err
    assert "shards 1/1" in err
    assert "--report" not in err + out, "shards go without"
    with tarfile.open("out/0.tar") as made:
        assert made.getnames() == ["a.jpg", "b.png"]
    with tarfile.open("0.tar") as made:
        cut = made.getmember("b.png").offset_data + 3
    whole = Path("0.tar").read_bytes()
    Path("0.tar").write_bytes(whole[:cut])
    for _ in range(2):  # it is made, and this is said, again
        code, _, err = run(*words[:2], "0.tar", *words[3:], "--quiet")
        assert (code, "the archive is cut short" in err) == (3, True), err
    Path("0.tar").write_bytes(whole)
    assert run(*words[:2], "0.tar", *words[3:], "--quiet")[0] == 0
    lines = run(*words[:2], "0.tar", *words[3:], "--jsonl")[1].splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["skipped"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["0.tar", "--watch"], "Shards go with none of --watch, --report, --compare, --failed and --in-place"),
        (["0.tar", "photos"], "Shards, which end in .tar, and pictures are converted by different commands"),
        (["photos", "--engine", "ray", "--watch"], "--engine ray converts what is there, without --watch"),
        (["0.tar", "--engine", "ray"], "Shards are converted by --engine local"),
    ],
)
def test_what_does_not_go_together_is_refused(run: Run, shards: Path, words: list[str], sentence: str) -> None:
    code, _, err = run("apply", "m.safetensors", *words, "--out", "out")
    assert (code, sentence in err) == (2, True), err


@pytest.mark.fault("F-31")
def test_a_cluster_is_planned_here(run: Run, shards: Path) -> None:
    words = ("apply", "m.safetensors", "photos", "--out", "out", "--engine", "ray", "--address", "10.0.0.1:1")
    out = run(*words, "--dry-run")[1]
    assert out.splitlines()[-1] == "2 to do, 0 already there, 0 not found."
