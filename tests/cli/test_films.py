"""`translate apply` of films as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from tests.conversion.small import ABOUT, TINY
from tests.video.drawn import times_of, write_film
from translate.models.exports import write_export

Apply = Callable[..., tuple[int, str, str]]


@pytest.fixture
def apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Apply) -> Apply:
    """Call `translate apply m.safetensors` with more words, in a folder with this model and the film `clip.mp4`."""
    write_export(tmp_path / "m.safetensors", nn.ModuleList(TINY.build(ABOUT.domains, ABOUT.size).averaged()), ABOUT)
    write_film(tmp_path / "clip.mp4", sound="aac")
    monkeypatch.chdir(tmp_path)
    return lambda *words: run("apply", "m.safetensors", *words, "--device", "cpu")


def test_a_film_is_translated_with_progress_and_is_there_the_next_time(apply: Apply, tmp_path: Path) -> None:
    code, out, err = apply("clip.mp4", "--out", "painted.mp4", "--size", "16")
    assert (code, out.startswith("Films: 1 done, 0 skipped, 0 failed. 10 frames in ")) == (0, True)
    assert out.endswith("frames/s. Results are in painted.mp4.\n")
    assert "clip.mp4 10/10" in err
    assert "Next: the same command with --steady 0" in err
    assert times_of(tmp_path / "painted.mp4") == times_of(tmp_path / "clip.mp4")
    code, out, _ = apply("clip.mp4", "--out", "painted.mp4", "--size", "16", "--json")
    assert (code, json.loads(out)["skipped"]) == (0, 1)


def test_what_would_be_done_is_told(apply: Apply, tmp_path: Path) -> None:
    (tmp_path / "torn.mp4").write_text("torn")
    code, out, _ = apply("clip.mp4", "torn.mp4", "gone.mp4", "--out", "x", "--dry-run")
    assert code == 0
    assert "clip.mp4 -> x/clip.mp4: 64 x 48 pixels, 10 frames, " in out
    assert "torn.mp4 -> x/torn.mp4: cannot be decoded: it is no film" in out
    assert "Not found: gone.mp4\n2 films to zebra; 0 already there.\n" in out
    items = json.loads(apply("clip.mp4", "--out", "x", "--dry-run", "--json")[1])["items"]
    assert (items[0]["height"], items[0]["frames"], items[0]["reason"]) == (48, 10, "")
    assert not (tmp_path / "x").exists()


@pytest.mark.fault("I-31")
def test_a_film_that_fails_is_named_with_its_reason(apply: Apply, tmp_path: Path) -> None:
    (tmp_path / "torn.mp4").write_text("torn")
    code, out, err = apply("torn.mp4", "--out", "x.mp4")
    assert (code, out) == (3, "Films: 0 done, 0 skipped, 1 failed.\n")
    assert "Failed: torn.mp4: cannot be decoded: it is no film, or was cut off, so that its index is missing." in err
    assert "1 of 1 film failed, for the reasons above." in err


def test_the_limits_of_pictures_hold_for_those_that_become_a_film(apply: Apply, tmp_path: Path) -> None:
    code, _, err = apply("clip.mp4", "--out", "frames", "--format", "png")
    assert code == 0
    code, _, err = apply("frames", "--out", "x.mp4", "--max-file-mb", "1", "--max-pixels", "100")
    assert (code, "a larger --max-pixels reads it" in err) == (3, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("clip.mp4", "--out", "x.mp4", "--fps", "25"), "A film keeps the times of its frames; --fps is for a film"),
        (("photos", "--out", "x", "--fps", "25"), "--fps is for a film that is made of pictures: name it in --out"),
        (("clip.mp4", "--out", "x.mp4", "--report"), "--report does not go with films."),
        (("clip.mp4", "--out", "x.mp4", "--max-frames", "5"), "--max-frames does not go with films."),
        (
            ("clip.mp4", "--out", "x.mp4", "--steady", "1"),
            "--steady is 0, frame by frame, or more, and below 1; found 1",
        ),
        (("clip.mp4", "--in-place", "--yes"), "--in-place does not go with films."),
        (("clip.mp4", "--out", "-"), "Films go through no pipes, which - stands for."),
        (("-", "--out", "x.mp4"), "Films go through no pipes, which - stands for."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_go_with_films_is_refused(apply: Apply, words: tuple[str, ...], sentence: str) -> None:
    code, _, err = apply(*words)
    assert (code, sentence in err) == (2, True)


@pytest.mark.fault("I-31")
def test_without_the_extra_it_says_what_to_install(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.video.formats.importlib.util.find_spec", lambda name: None)
    code, _, err = apply("clip.mp4", "--out", "x.mp4")
    assert (code, err) == (2, "Error: Films need one more package: pip install 'image-translate[video]'\n")
