"""`translate apply` as a user meets it; the letters and numbers in names are rows of the conventions that they hold."""

import errno
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from tests.conversion.small import TINY, export
from translate import cli, files, images
from translate.inference.fallback import ON_CPU
from translate.inference.translator import Translator
from translate.methods.pix2pix import Settings as Pix2Pix
from translate.models.about import About
from translate.models.exports import write_export

Apply = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model and the folder `photos`: a.jpg and below/b.png."""
    export(tmp_path / "m.safetensors")
    for name in ("a.jpg", "below/b.png"):
        images.write_pixels(noise(9, 14), tmp_path / "photos" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run_undo(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Apply:
    """Call `translate undo` with more words; return (exit code, stdout, stderr)."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", "undo", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def apply(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Apply:
    """Call `translate apply m.safetensors` with more words; return (exit code, stdout, stderr)."""

    def call(*words: object) -> tuple[int, str, str]:
        device = () if "--device" in words else ("--device", "cpu")
        monkeypatch.setattr(sys, "argv", ["translate", "apply", "m.safetensors", *map(str, words), *device])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def filler(place: Path) -> Path:
    """Say of the model that it has learned to fill holes."""
    method = TINY.build(["holed", "whole"], 16)
    about = About(
        method=TINY.model_dump(), domains=["holed", "whole"], target="whole", size=16, steps=1, planned=1,
        recipe={"data": {"made": "holes"}},
    )  # fmt: skip
    write_export(place / "m.safetensors", nn.ModuleList(method.averaged()), about)
    return place


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def tree(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in below(folder)}


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


# What is printed


def test_stdout_is_one_document_whatever_stderr_says(apply: Apply, place: Path) -> None:
    (place / "photos/torn.png").write_bytes(b"torn")
    for words, code in (((), 3), (("--dry-run",), 0)):
        found, out, err = apply("photos", "--out", "results", "--json", *words)
        assert found == code
        assert isinstance(json.loads(out), dict)
    code, out, err = apply("photos", "--out", "others")
    assert (code, len(out.splitlines())) == (3, 1)
    assert out.startswith("2 done, 0 skipped, 1 failed, 0 ignored (no pictures) in ")
    assert "Failed: photos/torn.png: cannot be decoded" in err


def test_each_result_is_a_line_of_json_where_that_is_asked_for(apply: Apply, place: Path) -> None:
    (place / "photos/torn.png").write_bytes(b"torn")
    code, out, err = apply("photos", "gone.png", "--out", "results", "--jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert {line["source"]: line["status"] for line in lines} == {
        "gone.png": "failed", "photos/a.jpg": "done", "photos/torn.png": "failed", "photos/below/b.png": "done"
    }  # fmt: skip
    assert lines[1]["output"] == "results/a.jpg"
    assert "2 done, 0 skipped, 2 failed" in err
    assert apply("photos/a.jpg", "--out", "results", "--jsonl", "--quiet")[1:] == (
        '{"source": "photos/a.jpg", "output": "results/a.jpg", "status": "skipped",'
        ' "reason": "the output is already there", "notes": []}\n',
        "",
    )
    for word in ("--json", "--dry-run"):
        assert apply("photos", "--out", "x", "--jsonl", word)[0] == 2


@pytest.mark.parametrize("colour", [{}, {"FORCE_COLOR": "1"}], ids=str)
def test_into_a_pipe_progress_is_plain_lines(
    apply: Apply, monkeypatch: pytest.MonkeyPatch, colour: dict[str, str]
) -> None:
    for name, value in colour.items():
        monkeypatch.setenv(name, value)
    code, out, err = apply("photos", "--out", "results")
    assert code == 0
    assert "translating 2/2\n" in err
    assert not {"\r", "\x1b"} & {*out, *err}


def test_a_quiet_run_prints_its_summary_and_its_failures_alone(apply: Apply, place: Path) -> None:
    images.write_pixels(noise(9, 14), place / "photos/c.bmp")
    assert ".bmp became .png: photos/c.bmp" in apply("photos", "--out", "results")[2]
    code, out, err = apply("photos", "--out", "others", "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("3 done, ")
    (place / "photos/torn.png").write_bytes(b"torn")
    code, _, err = apply("photos", "--out", "others", "--quiet")
    assert (code, len(err.splitlines())) == (3, 2)


@pytest.mark.parametrize(
    ("environment", "bars", "coloured"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
    ],
    ids=str,
)
def test_what_the_environment_says_of_the_terminal_is_heeded(
    apply: Apply, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], bars: bool, coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, _, err = apply("photos", "--out", "results")
    assert ("\x1b[2K" in err) == bars
    assert ("\x1b[32m" in err or "\x1b[36m" in err) == coloured


@pytest.mark.parametrize("columns", [60, 100])
def test_help_is_as_wide_as_the_terminal(apply: Apply, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, apply("--help")[1].splitlines())) == columns


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["photos", "--out", "x"], 0),
        (["photos", "--out", "x", "--strength", "2"], 2),
        (["photos", "--out", "x", "--to", "unicorn"], 2),
        (["photos", "--out", "x", "--sise", "3"], 2),
        (["photos", "torn.png", "--out", "x"], 3),
        (["nowhere", "--out", "x"], 4),
        (["photos", "--out", "x", "--device", "cuda:7"], 6),
        (["photos", "--out", "file/x"], 7),
    ],
    ids=str,
)
def test_exit_codes(apply: Apply, place: Path, words: list[str], code: int) -> None:
    (place / "torn.png").write_bytes(b"torn")
    (place / "file").write_text("x")
    assert apply(*words)[0] == code


def test_a_missing_and_a_damaged_model_are_5(apply: Apply, place: Path) -> None:
    (place / "m.safetensors").write_bytes((place / "m.safetensors").read_bytes()[:-1])
    assert apply("photos", "--out", "x")[0] == 5
    (place / "m.safetensors").unlink()
    assert apply("photos", "--out", "x")[0] == 5


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGUSR1", 75)])
def test_a_stopped_command_ends_with_the_code_of_its_signal(
    apply: Apply, place: Path, monkeypatch: pytest.MonkeyPatch, number: str, code: int
) -> None:
    tensor = Translator.tensor

    def stopped(self: Translator, *words: Any) -> Any:
        if (place / "x/a.jpg").exists():
            signal.raise_signal(signal.Signals[number])
        return tensor(self, *words)

    monkeypatch.setattr(Translator, "tensor", stopped)
    for name in "cdefg":
        shutil.copy(place / "photos/a.jpg", place / f"photos/{name}.jpg")
    found, out, err = apply("photos", "--out", "x")
    assert (found, out) == (code, "")
    assert "Stopped; every written file is whole. Continue with: translate apply m.safetensors photos --out x" in err


def test_an_error_says_what_happened_to_which_file_and_what_to_do(apply: Apply, place: Path) -> None:
    (place / "photos/torn.png").write_bytes((place / "photos/below/b.png").read_bytes()[:60])
    code, out, err = apply("photos/torn.png", "photos/gone.png", "--out", "results")
    lines = [line for line in err.splitlines() if not line.startswith(("To zebra", "translating"))]
    assert lines == [
        "Failed: photos/gone.png: it does not exist, cannot be read, or matches nothing",
        "Failed: photos/torn.png: cannot be decoded: Truncated File Read.",
        "Error: 2 of 2 pictures failed, for the reasons above.",
    ]
    assert (code, out.split(" in ")[0]) == (3, "0 done, 0 skipped, 2 failed, 0 ignored (no pictures)")
    code, out, err = apply("nothing", "--out", "results")
    assert (code, out) == (4, "")
    assert err == "Error: There are no pictures in nothing: 1 input not found.\n"
    (place / "texts").mkdir()
    (place / "texts/a.txt").touch()
    assert "no pictures in texts: 1 file whose names do not end in .apng," in apply("texts", "--out", "results")[2]
    err = apply("nothing", "texts", "--out", "results")[2]
    assert "in nothing, texts: 1 input not found and 1 file whose names do not" in err


def test_names_in_errors_reach_no_terminal_as_they_are(apply: Apply, place: Path) -> None:
    (place / "mask\x1b[31m\n").mkdir()
    for words in (["no\x1b[31m\n", "--out", "x"], ["photos", "--out", "x", "--mask", "mask\x1b[31m\n"]):
        err = apply(*words)[2]
        assert r"\x1b[31m\n" in err
        assert "\x1b" not in err
        assert not any(line.startswith((":", "/", ".")) for line in err.splitlines())


def test_the_device_is_said_and_why_and_never_another_one(
    apply: Apply, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    words = ("photos", "--overwrite", "--out", "results", "--precision", "fp32", "--device")
    said = "To zebra with m.safetensors. Running on cpu, fp32, channels-last"
    assert f"{said}.\n" in apply(*words, "cpu")[2]
    assert f"{said}: no GPU was found.\n" in apply(*words, "auto")[2]
    code, _, err = apply(*words, "cuda")
    assert (code, err) == (6, "Error: There is no device cuda: 0 CUDA GPUs found. Use --device cpu or auto.\n")


@pytest.mark.parametrize(("encoding", "letter"), [("ascii", rb"\xfc"), ("utf-8", "\u00fc".encode())])
def test_stdout_escapes_what_its_encoding_lacks(
    apply: Apply, place: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, letter: bytes
) -> None:
    (place / "photos/a.jpg").rename(place / "photos/\u00fcn\u00ef.jpg")
    shutil.copy(place / "photos/\u00fcn\u00ef.jpg", os.fsdecode(b"photos/bad\xff.jpg"))
    stdout = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert apply("photos", "--out", "results", "--dry-run")[0] == 0
    stdout.flush()
    printed = stdout.buffer.getvalue()
    assert b"photos/" + letter + b"n" in printed
    assert rb"photos/bad\udcff.jpg" in printed


def test_a_dry_run_says_what_becomes_of_each_picture_and_touches_nothing(apply: Apply, place: Path) -> None:
    frames = [images.Picture(noise(90, 60, seed=n), None, "", shown_ms=50) for n in range(3)]
    images.write(frames, place / "photos/c.gif")
    images.write_pixels(noise(300, 400, 4)[..., :3], place / "photos/d.png")
    (place / "photos/torn.png").write_bytes(b"torn")
    before = tree(place)
    words = ("photos", "--out", "results", "--dry-run", "--precision", "fp32")
    assert "Not found: gone.png\n1 picture to" in apply("photos/a.jpg", "gone.png", *words[1:])[1]
    code, out, err = apply(*words)
    assert (code, err) == (0, "Next: the same command without --dry-run\n")
    assert out.splitlines() == [
        "photos/a.jpg -> results/a.jpg: 14 x 9 pixels, seen at 14 x 9",
        "photos/c.gif -> results/c.gif: 60 x 90 pixels, seen at 32 x 48, 3 frames",
        "photos/d.png -> results/d.png: 400 x 300 pixels, seen at 100 x 75",
        "photos/torn.png -> results/torn.png: cannot be decoded: it is none of JPEG, PNG, WEBP, TIFF, BMP, GIF, AVIF,"
        " PPM, or its header is damaged.",
        "photos/below/b.png -> results/below/b.png: 14 x 9 pixels, seen at 14 x 9",
        "5 pictures to zebra; 0 already there, 0 not found, 0 ignored (no pictures).",
        "Results take 0.4 MB at most, which is without compression.",
        "To zebra with m.safetensors. Running on cpu, fp32, channels-last.",
    ]
    document = json.loads(apply(*words, "--json")[1])
    assert document["most_bytes"] == sum(item["most_bytes"] for item in document["items"]) == 425_556
    assert len(document["model"]) == 64
    out = apply(*words, "--max-pixels", "16k")[1]
    assert "c.gif: it has too many pixels, found 16200, limit 16000; a larger --max-pixels reads it\n" in out
    assert "c.gif: it has more than 2 frames; a larger --max-frames reads it\n" in apply(*words, "--max-frames", 2)[1]
    assert apply(*words, "--device", "cuda:7")[0] == 6
    assert tree(place) == before


@pytest.mark.fault("I-6", "I-28")
def test_what_is_too_large_is_said_with_the_option_that_allows_it(apply: Apply, place: Path) -> None:
    frames = [images.Picture(noise(9, 14, seed=n), None, "", shown_ms=50) for n in range(3)]
    images.write(frames, place / "c.gif")
    with (place / "d.png").open("wb") as stream:
        stream.truncate(3 << 20)  # sparse
    words = ("c.gif", "d.png", "--out", "results", "--max-frames")
    code, _, err = apply(*words, 2, "--max-file-mb", 2)
    assert code == 3
    assert "Failed: c.gif: cannot be decoded: it has more than 2 frames; a larger --max-frames reads it.\n" in err
    assert "Failed: d.png: cannot be decoded: it has more than 2 MiB; a larger --max-file-mb reads it.\n" in err
    assert "d.png: cannot be decoded: it is none of JPEG," in apply(*words, 3, "--max-file-mb", 3)[2]
    assert len(images.read_frames(place / "results/c.gif")) == 3


@pytest.mark.fault("I-19")
def test_what_was_given_up_is_said(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    load, tensor, allowed = Translator.load, Translator.tensor, []

    def loaded(*words: Any, **options: Any) -> Translator:
        allowed.append(options["allow_cpu_fallback"])
        return load(*words, **options)

    def small(self: Translator, *words: Any) -> Any:
        self.budget.fallbacks.append(ON_CPU)
        return tensor(self, *words)

    monkeypatch.setattr(Translator, "load", loaded)
    monkeypatch.setattr(Translator, "tensor", small)
    note = "Note: memory ran out, so it was translated on the CPU"
    assert f"{note}: photos/a.jpg and 1 more\n" in apply("photos", "--out", "x", "--allow-cpu-fallback")[2]
    assert json.loads(apply("photos", "--out", "y", "--json")[1])["results"][0]["notes"] == [ON_CPU]
    assert allowed == [True, False]


# Where results are


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["photos/a.jpg", "--out", "x.png"], ["x.png"]),
        (["photos/a.jpg", "--out", "x"], ["x/a.jpg"]),
        (["photos", "--out", "x"], ["x/a.jpg", "x/below/b.png"]),
        (["photos/**/*.png", "--out", "x"], ["x/below/b.png"]),
        (["@list.txt", "--out", "x"], ["x/b.png"]),
        (["photos", "--out", "x", "--flat"], ["x/a.jpg", "x/b.png"]),
        (
            ["photos", "--out", "x", "--format", "webp", "--on-collision", "suffix"],
            ["x/a.jpg.webp", "x/below/b.png.webp"],
        ),
    ],
    ids=str,
)
def test_inputs_and_places(apply: Apply, place: Path, words: list[str], expected: list[str]) -> None:
    (place / "list.txt").write_text("photos/below/b.png\n")
    before = below(place)
    code, _, err = apply(*words)
    assert code == 0, err
    assert sorted({*below(place)} - {*before, ".translate.jsonl", "x/.translate.jsonl"}) == expected


def test_a_terminal_is_not_sent_a_picture(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = apply("photos/a.jpg", "--out", "-")
    assert (code, out) == (2, "")
    assert err.startswith("Error: A terminal cannot show pictures. Send stdout to a file")


def test_what_is_there_is_skipped_if_this_command_would_make_it(apply: Apply, place: Path) -> None:
    for words, begin in (
        ([], "2 done, 0 skipped"),
        ([], "0 done, 2 skipped"),
        (["--batch", 2, "--quiet"], "0 done, 2 skipped"),
        (["--strength", 0.5], "2 done, 0 skipped"),
        (["--strength", 0.5], "0 done, 2 skipped"),
        (["--to", "horse", "--dry-run"], "photos/a.jpg -> "),
        (["--to", "horse"], "2 done, 0 skipped"),
        (["--to", "horse", "--overwrite"], "2 done, 0 skipped"),
    ):
        code, out, err = apply("photos", "--out", "results", *words)
        assert (code, out[: len(begin)]) == (0, begin)
        again = words[:1] in (["--strength"], ["--to"]) and out.startswith("2") and "--overwrite" not in words
        assert (
            "Note: 2 results of another model, other settings or older pictures, to be made again.\n" in err
        ) == again
    (place / "results/.translate.jsonl").unlink()  # nobody knows
    assert apply("photos", "--out", "results")[1].startswith("0 done, 2 skipped")


def test_pictures_are_replaced_only_when_that_is_said_twice(apply: Apply, place: Path) -> None:
    before = tree(place)
    code, out, err = apply("photos", "--in-place")
    assert (code, out, err.count("say --yes")) == (2, "", 1)
    assert "photos/a.jpg -> photos/a.jpg: 14 x 9" in apply("photos", "--in-place", "--dry-run")[1]
    for words in (["--out", "x"], ["--compare", "side"], ["--flat"], ["--to", "all"]):
        assert apply("photos", "--in-place", "--yes", *words)[0] == 2
    assert apply("photos")[0] == 2
    assert apply("photos", "--out", "photos")[0] == 2
    assert tree(place) == before
    code, out, _ = apply("photos", "--in-place", "--yes")
    assert code == 0
    assert out.endswith(" Results are in place of their pictures, which are kept in .originals.\n")
    after = tree(place)
    for name in ("a.jpg", "below/b.png"):
        assert after[f"photos/.originals/{name}"] == before[f"photos/{name}"] != after[f"photos/{name}"]
    assert apply("photos", "--in-place", "--yes")[1].startswith("0 done, 2 skipped")


# How results are written


def test_another_suffix_and_lost_transparency_are_said(apply: Apply, place: Path) -> None:
    images.write_pixels(noise(9, 14), place / "photos/c.bmp")
    with_alpha = images.Picture(noise(9, 14), noise(9, 14, 1)[..., 0], "")
    for number in range(3):
        images.write(with_alpha, place / f"photos/{number}.png")
    err = apply("photos", "--out", "results")[2]
    assert "Note: .bmp became .png: photos/c.bmp\n" in err
    assert "transparency" not in err
    err = apply("photos", "--out", "others", "--format", "jpg")[2]
    assert "became" not in err
    assert "became" not in apply("photos/a.jpg", "--out", "a.webp")[2]
    assert "Note: transparency laid on white, JPEG holds none: photos/0.png and 2 more\n" in err
    assert "transparency" not in apply("photos", "--out", "opaque", "--alpha", "drop")[2]
    assert images.read(place / "opaque/0.png").alpha is None


def test_words_reach_the_files(apply: Apply, place: Path) -> None:
    frames = [images.Picture(noise(9, 14, seed=n), np.zeros((9, 14), np.uint8), "", shown_ms=50) for n in range(2)]
    images.write(frames, place / "c.webp", images.Encoding(quality=100))
    os.utime(place / "c.webp", (1_000_000_000, 1_000_000_000))
    words = ("--frame", "first", "--alpha", "drop", "--background", "#102030", "--preserve-times")
    code, _, err = apply("c.webp", "--out", "x.png", *words)
    assert code == 0, err
    (still,) = images.read_frames(place / "x.png")
    assert still.alpha is None
    assert (still.rgb == (16, 32, 48)).all()
    assert (place / "x.png").stat().st_mtime == 1_000_000_000
    assert apply("c.webp", "--out", "y.png", "--background", "no colour")[0] == 2


# What a shell is told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_names_of_runs_and_weights_are_completed(
    apply: Apply, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(place / "home"))
    for name in ("runs/mine/model", "runs/other/model", "home/weights/runny", "home/weights/other"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(place / "m.safetensors", place / f"{name}.safetensors")
    for name, value in {
        "_TRANSLATE_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "translate apply run",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": "run",
        "COMP_WORDS": "translate apply run",
        "COMP_CWORD": "2",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["translate"])
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # which Typer takes for the command otherwise
    with pytest.raises(SystemExit):
        cli.main()
    assert re.findall(r"[\w/]*(?:mine|other|runny)", capsys.readouterr().out) == ["runs/mine", "runs/other", "runny"]


def test_completing_does_not_import_torch() -> None:
    code = "import sys, translate.cli.options as o; o.models(''); o.datasets(''); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# What is written beside them


def test_a_grid_names_its_pictures_and_what_they_became(apply: Apply, place: Path) -> None:
    assert apply("photos", "--out", "results", "--compare", "grid", "--to", "all")[0] == 0
    grid = images.read(place / "results/grid.compare.png").rgb
    assert grid.shape == (276, 4 * (2 * 256 + 2) + 3 * 8, 3)
    for number, (name, target) in enumerate(
        [("a.jpg", "horse"), ("a.jpg", "zebra"), ("b.png", "horse"), ("b.png", "zebra")]
    ):
        pair = grid[:, number * 522 :][:, :514]
        assert np.array_equal(pair[:20], images.captioned(pair[20:], {0: name, 258: f"to {target}"})[:20])


# Promises


def test_nothing_but_files_is_opened(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refused)
    assert apply("photos", "--out", "results", "--report", "--compare", "side")[0] == 0


def test_a_run_ends_with_a_summary_and_its_failures_are_an_input_again(apply: Apply, place: Path) -> None:
    good = (place / "photos/below/b.png").read_bytes()
    (place / "photos/below/b.png").write_bytes(good[:60])
    code, out, _ = apply("photos", "--out", "results", "--failed", "failed.txt", "--report")
    assert code == 3
    said = r"1 done, 0 skipped, 1 failed, 0 ignored \(no pictures\) in [\d.]+ s, [\d.]+ pictures/s\."
    assert re.fullmatch(said + r" Results are in results\.\n", out)
    page = (place / "results/report.html").read_text()
    assert "below/b.png" in page
    assert "cannot be decoded" in page
    (place / "photos/below/b.png").write_bytes(good)
    code, out, _ = apply("@failed.txt", "--out", "results", "--failed", "failed.txt")
    assert (code, out.split(",")[0]) == (0, "1 done")
    seen = [name for name in below(place / "results") if not name.startswith(".thumbnails/")]
    assert seen == [".translate.jsonl", "a.jpg", "below/b.png", "report.html"]
    assert (place / "failed.txt").read_text() == ""


@pytest.mark.fault("F-8")
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_paths_in_json_can_be_opened(apply: Apply, place: Path) -> None:
    shutil.rmtree(place / "photos/below")
    for name in (b"caf\xe9.png", b"new\nline.png", "é 写真\x1b.png".encode()):
        shutil.copy(place / "photos/a.jpg", place / "photos" / os.fsdecode(name))
    planned = json.loads(apply("photos", "--out", "results", "--dry-run", "--json")[1])
    assert {Path(item["source"]) for item in planned["items"]} == set((place / "photos").relative_to(place).iterdir())
    lines = [json.loads(line) for line in apply("photos", "--out", "results", "--jsonl")[1].splitlines()]
    for line in (*lines, *json.loads(apply("photos", "--out", "results", "--json")[1])["results"]):
        assert Path(line["source"]).is_file()
        assert Path(line["output"]).is_file()
    assert len(lines) == 4


@pytest.mark.fault("F-10")
def test_what_was_not_done_is_listed_however_a_run_ends(
    apply: Apply, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        shutil.copy(place / "photos/a.jpg", place / "photos" / f"{number:02}.jpg")
    (place / "photos/00.jpg").write_bytes(b"broken")
    (place / "results/01.jpg").mkdir(parents=True)
    real = files._flush

    def flush(file: Path) -> None:
        if "04.jpg" in file.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(files, "_flush", flush)
    code, _, err = apply("photos", "--out", "results", "--failed", "failed.txt")
    assert code == 7
    assert "The disk is full: results/04.jpg was not written." in err
    listed = {word.removeprefix("photos/./") for word in (place / "failed.txt").read_text().splitlines()}
    assert listed >= {"00.jpg", "01.jpg", *(f"{number:02}.jpg" for number in range(4, 12)), "a.jpg", "below/b.png"}
    monkeypatch.undo()
    monkeypatch.chdir(place)
    (place / "results/01.jpg").rmdir()
    code, _, _ = apply("@failed.txt", "--out", "results", "--failed", "failed.txt")
    assert (code, (place / "failed.txt").read_text()) == (3, "photos/./00.jpg\n")
    assert len(list((place / "results").glob("*.jpg"))) == 12


@pytest.mark.fault("F-13")
def test_what_was_edited_is_converted_again(apply: Apply, place: Path) -> None:
    images.write_pixels(noise(9, 14), place / "mask.png")
    words = ("photos", "--out", "results", "--mask", "mask.png")
    assert apply(*words)[1].startswith("2 done")
    assert apply(*words)[1].startswith("0 done, 2 skipped")
    before = (place / "results/a.jpg").read_bytes()
    images.write_pixels(255 - noise(9, 14), place / "photos/a.jpg")
    assert apply(*words)[1].startswith("1 done, 1 skipped")
    assert (place / "results/a.jpg").read_bytes() != before
    images.write_pixels(255 - noise(9, 14), place / "mask.png")
    assert apply(*words)[1].startswith("2 done")


@pytest.mark.fault("F-13")
def test_a_result_of_which_nothing_is_known_is_kept_and_noted_where_it_is_older(apply: Apply, place: Path) -> None:
    apply("photos/a.jpg", "--out", "a.jpg")
    assert "older" not in apply("photos/a.jpg", "--out", "a.jpg")[2]
    os.utime(place / "a.jpg", ns=(0, 0))
    (place / ".translate.jsonl").unlink()
    code, out, err = apply("photos/a.jpg", "--out", "a.jpg")
    assert (code, out.split(",")[0]) == (0, "0 done")
    assert "Note: the result is older than its picture; --overwrite makes it again: photos/a.jpg\n" in err


@pytest.mark.fault("F-13")
def test_a_single_result_is_made_again_when_its_picture_was_edited(apply: Apply, place: Path) -> None:
    apply("photos/a.jpg", "--out", "a.jpg")
    before = (place / "a.jpg").read_bytes()
    images.write_pixels(255 - noise(9, 14), place / "photos/a.jpg")
    assert apply("photos/a.jpg", "--out", "a.jpg")[1].startswith("1 done")
    assert (place / "a.jpg").read_bytes() != before
    assert apply("photos/a.jpg", "--out", "a.jpg")[1].startswith("0 done, 1 skipped")


@pytest.mark.fault("F-17")
def test_in_place_results_are_made_again_from_the_originals(apply: Apply, run_undo: Apply, place: Path) -> None:
    before = tree(place)
    words = ("photos", "--in-place", "--yes")
    apply(*words)
    first = tree(place)
    _, out, err = apply(*words, "--strength", "0.5")
    assert out.startswith("2 done, 0 skipped")
    assert "Note: 2 results of another model, other settings or older pictures, to be made again.\n" in err
    half = tree(place)
    apply("photos", "--out", "elsewhere", "--overwrite")
    assert run_undo("photos")[:2] == (0, "Put back 2 originals.\n")
    apply("photos", "--out", "half", "--strength", "0.5")
    for name in ("a.jpg", "below/b.png"):
        assert half[f"photos/.originals/{name}"] == before[f"photos/{name}"]
        assert half[f"photos/{name}"] == tree(place)[f"half/{name}"] != first[f"photos/{name}"]
    apply(*words)
    assert tree(place / "photos").keys() == {
        ".originals/.translate.jsonl", ".originals/a.jpg", ".originals/below/b.png", "a.jpg", "below/b.png"
    }  # fmt: skip
    assert apply(*words, "--overwrite")[1].startswith("2 done")


@pytest.mark.fault("F-17")
def test_what_was_edited_after_it_was_replaced_stays(apply: Apply, run_undo: Apply, place: Path) -> None:
    apply("photos", "--in-place", "--yes")
    (place / "photos/a.jpg").write_bytes(b"my own work")
    code, out, err = apply("photos", "--in-place", "--yes", "--overwrite")
    assert (code, out.split(",")[:2]) == (0, ["1 done", " 1 skipped"])
    assert "Note: it was changed since it was converted; move it away" in err
    code, out, err = run_undo("photos")
    assert (code, out) == (3, "Put back 1 original.\n")
    assert "Left: photos/a.jpg: it was changed since it was converted" in err
    assert (place / "photos/a.jpg").read_bytes() == b"my own work"
    (place / "photos/a.jpg").unlink()
    assert run_undo("photos")[:2] == (0, "Put back 1 original.\n")


@pytest.mark.fault("F-17")
@pytest.mark.parametrize("again", ["photos", ".", "photos/below", "photos/below/b.png"])
def test_originals_are_put_back_bit_for_bit(apply: Apply, run_undo: Apply, place: Path, again: str) -> None:
    for name in ("a.jpg", "below/b.png"):
        os.utime(place / "photos" / name, ns=(10**18, 10**18 + 7))
    before = tree(place / "photos")
    apply("photos", "--in-place", "--yes")
    (place / "photos/below/.originals").mkdir()  # empty
    assert run_undo(again, "--dry-run")[1].endswith(f"Would put back {2 if again in ('photos', '.') else 1} original"
                                                    f"{'s' if again in ('photos', '.') else ''}.\n")  # fmt: skip
    assert run_undo(again)[0] == 0
    assert run_undo("photos")[0] == (4 if again in ("photos", ".") else 0)  # none are left then
    (place / "photos/below/.originals").rmdir()
    assert tree(place / "photos") == before
    assert not (place / "photos/.originals").exists()
    for name in ("a.jpg", "below/b.png"):
        assert (place / "photos" / name).stat().st_mtime_ns == 10**18 + 7


@pytest.mark.fault("F-17")
def test_originals_are_put_back_on_another_disk_and_what_cannot_be_stays_alone(
    apply: Apply, run_undo: Apply, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename, refused = tree(place / "photos"), Path.replace, [errno.EACCES, errno.EXDEV]
    os.utime(place / "photos/below/b.png", ns=(10**18, 10**18 + 7))

    def replace(path: Path, target: Path) -> Path:
        if ".originals" in path.parts:
            raise OSError(refused.pop(0), "refused")
        return rename(path, target)

    apply("photos", "--in-place", "--yes")
    monkeypatch.setattr(Path, "replace", replace)
    code, out, err = run_undo("photos")
    assert (code, out) == (3, "Put back 1 original.\n")
    assert "Left: photos/a.jpg: Cannot write photos/a.jpg: refused" in err
    assert (place / "photos/.originals/a.jpg").read_bytes() == before["a.jpg"]
    refused.append(errno.EXDEV)
    assert run_undo("photos", "--json")[0] == 0
    assert tree(place / "photos") == before
    assert (place / "photos/below/b.png").stat().st_mtime_ns == 10**18 + 7


@pytest.mark.fault("F-24")
def test_a_picture_that_was_half_copied_counts_once(apply: Apply, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (place / "photos/a.jpg").read_bytes()
    (place / "photos/a.jpg").write_bytes(whole[: len(whole) // 2])
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            (place / "photos/a.jpg").write_bytes(whole)
        if len(looks) == 6:
            raise KeyboardInterrupt(signal.SIGINT)

    monkeypatch.setattr("time.sleep", sleep)
    code, out, err = apply("photos", "--out", "results", "--watch", "--failed", "failed.txt")
    assert "Failed: photos/a.jpg" in err
    assert (code, out.split(", 0 ignored")[0]) == (0, "2 done, 0 skipped, 0 failed")
    assert (place / "failed.txt").read_text() == ""


# Holes


def test_holes_are_filled_and_what_has_none_fails_alone(apply: Apply, filler: Path) -> None:
    rgba = noise(20, 24, 4)
    rgba[..., 3] = 255
    rgba[5:9, 6:12, 3] = 0
    Image.fromarray(rgba).save(filler / "photos" / "torn.png")
    code, _, err = apply("photos", "--out", "out", "--fill")
    assert code == 3
    assert "a.jpg: Nothing in it is transparent, so there is nothing to fill. Erase what is to be filled" in err
    assert below(filler / "out") == [".translate.jsonl", "torn.png"]
    result = images.read(filler / "out" / "torn.png")
    known = rgba[..., 3] == 255
    assert np.array_equal(result.rgb[known], rgba[known][:, :3])
    assert result.alpha is None or (result.alpha == 255).all()
    assert not np.array_equal(result.rgb[~known], rgba[~known][:, :3])


def test_results_that_were_not_filled_are_made_again(apply: Apply, filler: Path) -> None:
    half = np.zeros((9, 14, 3), np.uint8)
    half[:, :7] = 255
    images.write_pixels(half, filler / "half.png")
    _, _, err = apply("photos", "--out", "out", "--mask", "half.png")
    assert "This model fills holes; --fill shows it where they are" in err
    assert "2 done" in apply("photos", "--out", "out", "--mask", "half.png", "--fill")[1]
    assert "2 skipped" in apply("photos", "--out", "out", "--mask", "half.png", "--fill")[1]


def test_a_model_that_fills_nothing_is_refused(apply: Apply, place: Path) -> None:
    code, _, err = apply("photos", "--out", "out", "--fill")
    assert code == 2
    assert "has not learned to fill holes, which --fill asks of it" in err
    assert not (place / "out").exists()


# Enlarging


@pytest.fixture
def enlarger(place: Path) -> Path:
    """Put a model in its place that enlarges four times."""
    settings = Pix2Pix.parse({"generator": {"kind": "srresnet", "width": 2, "blocks": 1}}).for_crops(16, 4)
    about = About(
        method=settings.model_dump(), domains=["coarse", "fine"], target="fine", size=16, steps=1, planned=1
    )  # fmt: skip
    method = settings.build(about.domains, 16)
    write_export(place / "m.safetensors", nn.ModuleList(method.averaged()), about)
    return place


def test_results_are_four_times_as_large_with_alpha_and_metadata(apply: Apply, enlarger: Path) -> None:
    rgba = noise(10, 12, 4)
    Image.fromarray(rgba).save(enlarger / "photos" / "c.png", pnginfo=None, dpi=(300, 300))
    code, out, err = apply("photos", "--out", "out", "--enlarge", 4, "--keep-metadata", "safe", "--compare", "side")
    assert (code, "3 done" in out) == (0, True)
    found = {path: images.read(enlarger / "out" / path) for path in ("a.jpg", "below/b.png", "c.png")}
    assert [(picture.rgb.shape[:2], picture.alpha is None) for picture in found.values()] == [
        ((36, 56), True), ((36, 56), True), ((40, 48), False),
    ]  # fmt: skip
    assert [round(dots) for dots in found["c.png"].metadata.dpi or ()] == [300, 300]
    assert images.read(enlarger / "out" / "c.compare.png").rgb.shape[1] >= 2 * 48
    assert (
        "3 skipped"
        in apply("photos", "--out", "out", "--enlarge", 4, "--keep-metadata", "safe", "--compare", "side")[1]
    )
    assert "photos/a.jpg -> out/a.jpg: 56 x 36 pixels, seen at 56 x 36" in apply(
        "photos", "--out", "out", "--enlarge", 4, "--dry-run", "--overwrite"
    )[1]  # fmt: skip
    _, out, err = apply("photos", "--out", "out")  # the same size
    assert "--enlarge 4 makes results 4 times as large" in err
    assert "3 done" in out


def test_what_would_be_too_large_fails_alone_with_the_limit(apply: Apply, enlarger: Path) -> None:
    images.write_pixels(noise(20, 20), enlarger / "photos" / "large.png")
    words = ("photos", "--out", "out", "--enlarge", 4, "--max-pixels", "3k")
    sentence = "large.png: Enlarged 4 times, it has too many pixels, found 6400, limit 3000; a larger --max-pixels"
    assert sentence in apply(*words, "--dry-run")[1].replace("photos/large.png -> out/large.png", "large.png")
    code, _, err = apply(*words)
    assert (code, sentence in err) == (3, True)
    assert below(enlarger / "out") == [".translate.jsonl", "a.jpg", "below/b.png"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--enlarge", "2"], "This model enlarges 4 times; found --enlarge 2."),
        (["--enlarge", "4", "--size", "64"], "so it does not go with --size"),
        (["--enlarge", "4", "--fill"], "has not learned to fill holes"),
    ],
)
def test_what_it_does_not_do_is_refused(apply: Apply, enlarger: Path, words: list[str], sentence: str) -> None:
    code, _, err = apply("photos", "--out", "out", *words)
    assert (code, sentence in err) == (2, True)


def test_a_model_that_does_not_enlarge_is_refused_with_what_does(apply: Apply, place: Path) -> None:
    code, _, err = apply("photos", "--out", "out", "--enlarge", 4)
    assert code == 2
    assert "not learned to enlarge, which --enlarge asks of it. One that has is made by `translate train FOLDER" in err
