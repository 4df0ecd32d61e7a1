"""From the words of a command to a run: the dataset is found, and what cannot be trained is refused."""

import re
import shutil
import signal

import numpy as np
import pytest

import translate
from translate import images, runs
from translate.errors import DataError, Interrupted, SettingsError
from translate.runs import prepare

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


@pytest.mark.parametrize(
    ("data", "domains", "error", "sentence"),
    [
        (None, None, SettingsError, "Name a dataset, a folder, or two --domain"),
        (TOY, {"a": ".", "b": "."}, SettingsError, "Give a dataset or --domain NAME=FOLDER, not both"),
        ("toy-hors2zebra", None, DataError, f"neither a folder nor a known dataset. Did you mean {TOY}"),
        ("gone/photos", None, DataError, "There is no dataset folder gone/photos. Wanted are the folders trainA"),
    ],
)
def test_a_wrong_dataset_is_refused_with_a_sentence(tmp_path, monkeypatch, data, domains, error, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        prepare(data, domains=domains, device="cpu")
    assert sentence in str(caught.value).replace("\\", "/")


def test_a_run_is_called_as_its_dataset_unless_said_otherwise(tmp_path, photos, small):
    assert prepare(TOY, device="cpu").out.as_posix() == f"runs/{TOY}"
    assert prepare(photos, words=small, device="cpu").out.name == photos.name
    named = {"day": photos / "trainA", "night": photos / "trainB"}
    run = prepare(domains=named, words=small, device="cpu")
    assert (run.out.as_posix(), run.dataset.target) == ("runs/day2night", "night")
    assert prepare(TOY, out=tmp_path / "else", device="cpu").out == tmp_path / "else"


def test_a_batch_is_split_into_equal_parts_or_refused(tmp_path):
    run = prepare(TOY, out=tmp_path / "run", batch=4, accumulate=2, device="cpu")
    assert (run.recipe.training.batch, run.recipe.training.accumulate) == (4, 2)
    with pytest.raises(SettingsError, match="A batch of 3 pictures cannot be split into 2 equal parts"):
        prepare(TOY, out=tmp_path / "run", batch=3, accumulate=2, device="cpu")


@pytest.mark.parametrize(
    ("magnify", "sentence"),
    [
        ("monett=1.5", "There is no domain 'monett' to be magnified. Did you mean monet? The domains: photo, monet."),
        ("monet=0.5", "data.magnify"),
    ],
)
def test_only_a_domain_that_is_there_is_magnified(photos, small, magnify, sentence):
    named = {"photo": photos / "trainA", "monet": photos / "trainB"}
    words = [*small, f"data.magnify={{{magnify}}}"]
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        prepare(domains=named, words=words, device="cpu")


@pytest.mark.parametrize(
    ("method", "words", "magnified"),
    [
        ("cut", [], "monet"),
        ("cut", ["method.target=photo"], "photo"),
        ("cut", ["method.keep=other"], "monet"),
        ("cyclegan", [], "monet"),
    ],
)
def test_the_target_is_magnified_whatever_it_is_called(photos, method, words, magnified):
    named = {"photo": photos / "trainA", "monet": photos / "trainB"}
    named |= {"other": photos / "trainA"} if "method.keep=other" in words else {}
    words = [*words, "data.magnify={target=1.5}"]
    assert prepare(domains=named, words=words, method=method, device="cpu").recipe.data.magnify == {magnified: 1.5}


def test_what_is_said_of_the_target_lies_over_the_preset(photos):
    named = {"photo": photos / "trainA", "monet": photos / "trainB"}
    for word in ("2", "{target=2}", "{monet=2}", "{target=3, monet=2}"):
        words = [f"data.magnify={word}"]
        recipe = prepare(domains=named, config="painting", words=words, device="cpu").recipe
        assert recipe.data.magnify == {"monet": 2.0}, word


def test_pairs_are_not_magnified(tmp_path):
    words = ["data.made=holes", "data.magnify={whole=2.0}"]
    with pytest.raises(SettingsError, match="Both pictures of a pair are loaded at one size"):
        prepare(TOY, words=words, method="pix2pix", out=tmp_path / "run", device="cpu")


def test_the_python_face_trains_and_continues(tmp_path, finished, monkeypatch):
    start = runs.Run.start

    def interrupted(run, *arguments):
        for report in start(run, *arguments):
            if report.step == 1 and not report.saved:
                signal.raise_signal(signal.SIGINT)
            yield report

    with monkeypatch.context() as patch:
        patch.setattr(runs.Run, "start", interrupted)
        with pytest.raises(Interrupted, match="call train again to continue it") as caught:
            translate.train(TOY, out=tmp_path / "run", device="cpu")
    assert caught.value.exit_code == 130
    path = translate.train(TOY, out=tmp_path / "run", device="cpu")
    assert path == tmp_path / "run" / "model.safetensors"
    assert path.read_bytes() == (finished[0] / "model.safetensors").read_bytes()


@pytest.mark.fault("R-41")
def test_a_domain_with_one_picture_is_refused(tmp_path, photos, small):
    here = shutil.copytree(photos, tmp_path / "photos")
    for index in (1, 2):
        (here / "trainA" / f"{index}.png").unlink()
    with pytest.raises(DataError, match="Domain A has one picture"):
        prepare(here, out=tmp_path / "run", words=small, device="cpu")


def test_only_stargan_learns_attributes(tmp_path):
    for n in range(2):
        images.write_pixels(np.zeros((40, 40, 3), np.uint8), tmp_path / "images" / f"{n}.png")
    (tmp_path / "list_attr_celeba.txt").write_text("2\nHat\n0.png 1\n1.png -1\n")
    with pytest.raises(DataError, match=r"these pictures have attributes\. Use --method stargan"):
        prepare(tmp_path, out=tmp_path / "run")


def test_what_labels_there_are_is_said_by_the_dataset(tmp_path, photos):
    words = ["method.labels=attributes", "method.discriminator.layers=4"]
    run = prepare(photos, method="stargan", size=32, batch=2, out=tmp_path / "run", words=words)
    assert run.recipe.method.labels == "domains"


@pytest.mark.fault("F-6")
def test_what_stands_behind_transparency_is_a_setting_of_the_run(photos, small):
    assert prepare(photos, words=small, device="cpu").recipe.data.background == "white"
    run = prepare(photos, words=[*small, "data.background=#102030"], device="cpu")
    assert run.dataset.train["A"].reading.background == (16, 32, 48)
    assert '"background": "#102030"' in run.recipe.to_json()
    with pytest.raises(SettingsError, match=r"data\.background.*A colour is written like white or #ffffff"):
        prepare(photos, words=[*small, "data.background=ghost"], device="cpu")


@pytest.mark.fault("F-12")
def test_how_large_pictures_may_be_is_a_setting_of_the_run(photos, small):
    run = prepare(photos, words=small, max_pixels=40 * 40 - 1, device="cpu")
    with pytest.raises(DataError, match=r"3 of 3 pictures of domain A cannot be read.*a larger --max-pixels reads it"):
        list(run.start())
    assert prepare(photos, words=small, max_pixels=90_000_000, device="cpu").recipe.data.max_pixels == 90_000_000


@pytest.mark.parametrize(
    ("method", "word"), [("cyclegan", "method.warm_up=20"), ("discogan", "method.curriculum=20")], ids=str
)
@pytest.mark.fault("F-19")
def test_a_run_that_is_over_before_its_first_phase_is_refused(tmp_path, photos, method, word):
    run = {"method": method, "batch": 2, "out": tmp_path / "run", "words": [word], "device": "cpu"}
    with pytest.raises(SettingsError, match=rf"first 20 steps .*\({word.split('=')[0]}\), and the run has 20 in all"):
        prepare(photos, steps=20, **run)
    assert prepare(photos, steps=21, **run).recipe.training.steps == 21
