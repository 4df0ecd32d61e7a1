"""`translate sample`, and what other commands say of a model that draws."""

import contextlib
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import translate
from translate import images
from translate.cli.sample import FRAMES
from translate.errors import SettingsError
from translate.methods.base import available, settings_class
from translate.runs import Run
from translate.settings import read_word

WORDS = ("--set", "method.generator.width=2", "--set", "method.discriminator.width=2", "--set", "method.latent=3",
         "--size", "32", "--batch", "2", "--steps", "2", "--device", "cpu", "--precision", "fp32")  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def model(run, place, kept):
    """A run of DCGAN on photos, made once."""
    if not (kept / "run").exists():
        code, out, err = run("train", "photos", "--method", "dcgan", "--out", kept / "run", *WORDS)
        assert code == 0, err
        assert "Draws pictures of photos from 3 numbers." in out
        assert f"Next: translate sample {kept / 'run'} --count 64" in out
    shutil.copytree(kept / "run", place / "drawn")
    return "drawn"


def test_pictures_are_drawn_and_picture_i_is_the_same_whatever_the_count(run, model, place):
    code, out, _ = run("sample", model, "--count", 18, "--out", "many", "--grid", "all.png", "--device", "cpu")
    assert code == 0
    assert "Wrote 18 pictures of seed 0 into many" in out
    assert run("sample", model, "--count", 3, "--out", "few", "--device", "cpu")[0] == 0
    for path in sorted((place / "few").iterdir()):
        assert path.read_bytes() == (place / "many" / path.name).read_bytes()
    assert len(list((place / "many").iterdir())) == 18
    assert images.read(place / "all.png").rgb.shape == (3 * 66 - 2, 8 * 66 - 2, 3)
    assert run("sample", model, "--count", 1, "--seed", 1, "--out", "other", "--device", "cpu")[0] == 0
    assert (place / "other" / "00000.png").read_bytes() != (place / "few" / "00000.png").read_bytes()


def test_the_way_between_two_seeds_begins_and_ends_with_their_pictures(run, model, place):
    assert run("sample", model, "--between", "4,7", "--out", "way", "--device", "cpu")[0] == 0
    strip = images.read(place / "way" / "between-4-7.png").rgb
    assert strip.shape == (64, FRAMES * 66 - 2, 3)
    shown = [frame.shown_ms for frame in images.read_frames(place / "way" / "between-4-7.gif")]
    assert sum(shown) == (2 * FRAMES - 3) * 200 + 2000  # there and back; equal neighbours are one longer frame
    for seed, left in ((4, 0), (7, (FRAMES - 1) * 66)):
        run("sample", model, "--count", 1, "--seed", seed, "--out", f"seed{seed}", "--device", "cpu")
        picture = images.read(place / f"seed{seed}" / "00000.png").rgb
        assert np.abs(strip[::2, left : left + 64 : 2].astype(int) - picture).max() <= 1


def test_a_model_that_draws_is_told_and_used_as_such(run, model, place):
    code, out, err = run("info", model)
    assert code == 0
    assert "Draws pictures of photos from 3 numbers." in out
    assert "translate sample drawn" in err
    for words in (("apply", model, "photos", "--out", "x"), ("eval", model, "photos"),
                  ("compare", model, "monet", "--out", "x.html")):  # fmt: skip
        code, _, err = run(*words)
        assert (code, "drawn draws pictures from noise and translates none. Use: translate sample drawn" in err) == (
            2,
            True,
        )
    assert run("export", model, "a.onnx")[0] == 2
    assert "Next: translate sample drawn" in run("weights", "info", model)[2]
    code, out, err = run("export", model, "half.safetensors", "--half")
    assert (code, "Next: translate sample half.safetensors" in err) == (0, True)
    assert run("sample", "half.safetensors", "--count", 2, "--grid", "half.png", "--device", "cpu")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--out", "x", "--label", "7"), 2, "The model is not told what to draw: it draws photos."),
        ((), 2, "Drawn pictures need a place"),
        (("--between", "1", "--out", "x"), 2, "--between takes two seeds, such as 1,2; found '1'."),
        (("--grid", "photos/a.jpg"), 7, "is already there"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(run, model, words, code, sentence):
    found, _, err = run("sample", model, *words)
    assert (found, sentence in err) == (code, True)


def test_a_model_that_translates_draws_nothing(run):
    code, _, err = run("sample", "monet", "--out", "x")
    assert (code, "monet translates pictures and draws none from noise. Use: translate apply monet" in err) == (2, True)


def test_which_of_two_domains_is_to_be_drawn_must_be_said(run, place):
    code, _, err = run("train", "horses", "--method", "dcgan", *WORDS)
    assert (code, "horses has A, B" in err) == (4, True)
    code, _, err = run("train", "horses", "--method", "cyclegan", "--set", "data.only=A", "--size", "32")
    assert (code, "data.only=A names one domain" in err) == (2, True)


def test_a_model_that_is_told_draws_what_it_is_asked_for(run, place):
    code, out, err = run("train", "horses", "--method", "acgan", "--out", "told", *WORDS)
    assert (code, "each of one of the labels A, B" in out) == (0, True), err
    labels = ["A", "B"]
    for label in labels:
        assert run("sample", "told", "--label", label, "--count", 2, "--out", label, "--device", "cpu")[0] == 0
    one, other = ((place / label / "00000.png").read_bytes() for label in labels)
    assert one != other
    code, _, err = run("sample", "told", "--label", "a", "--out", "x")
    assert (code, "The model has no label 'a'" in err) == (2, True)
    code, _, err = run("train", "photos", "--method", "acgan", "--out", "x", *WORDS)
    assert (code, "those of photos have none" in err) == (4, True)
    code, _, err = run("train", "photos", "--method", "dcgan", "--set", "data.labels_each=3", *WORDS)
    assert (code, "data.labels_each is for methods that draw by labels" in err) == (2, True)


PAGE = (Path(translate.__file__).parent / "guide" / "generating.md").read_text(encoding="utf-8")


def test_what_the_page_says_can_be_said(run, place, monkeypatch):
    """Its train commands are prepared, its other commands known, and its settings those of some method that draws."""
    prepared = []
    monkeypatch.setattr(Run, "start", lambda self, tell: prepared.append(self.recipe.method.name) or iter(()))
    monkeypatch.setattr(Run, "seconds_left", lambda self: None)
    monkeypatch.setattr(sys.modules["translate.runs.prepare"], "steps_within", lambda *_: 5)
    lines = [line.split("  #")[0].split() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
             for line in block.splitlines()]  # fmt: skip
    for words in lines:
        if words[1] == "train":
            assert run(*[word.replace("FOLDER", "photos") for word in words[1:]], "--device", "cpu")[0] == 0, words
        else:
            assert run(words[1], "--help")[0] == 0
    assert prepared == ["dcgan", "dcgan", "dcgan", "acgan"]
    for key, value in re.findall(r"method\.([a-z_.]+)=([a-z0-9.-]+)", PAGE):
        tree = read_word(f"{key}={value}")
        fits = []
        for name in available():
            with contextlib.suppress(SettingsError):
                fits.append(settings_class(name).parse({"name": name, **tree}))
        assert fits or value == "k", key
    named = re.findall(r"--method ([a-z0-9]+)", PAGE)
    assert {*named} <= {*available()}
