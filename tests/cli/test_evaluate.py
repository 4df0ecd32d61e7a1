"""`translate eval` as a user meets it."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch

from translate import images
from translate.features import has_lite0
from translate.models.exports import read_about
from translate.toys.catalogue import draw

pytestmark = pytest.mark.usefixtures("quick_features")

Run = Callable[..., tuple[int, str, str]]


def test_eval_prints_a_table_and_as_json_every_figure_with_its_origin(
    run: Run, train: Run, add_test_pictures: Callable[..., None]
) -> None:
    train("--out", "short", "--quiet")
    add_test_pictures()
    words = ("eval", "short", "horses", "--device", "cpu", "--seed", 3)
    code, out, err = run(*words)
    assert code == 0, err
    assert out.startswith("horses to B, model ")
    assert "protocol cut, seed 3" in out
    assert re.search(r"^KID +\S+ +\[.+\] +n = 6 against 6; features random$", out, re.MULTILINE)
    code, out, _ = run(*words, "--json")
    figure = next(figure for figure in json.loads(out)["figures"] if figure["name"] == "FID")
    assert figure["low"] < figure["value"] < figure["high"]
    assert (figure["protocol"], figure["seed"], figure["features"], figure["count"]) == ("cut", 3, "random", 6)


def test_eval_chooses_among_the_checkpoints_of_a_run(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translate.evaluation.evaluator.SUBSETS", 2)
    train("--out", "short", "--quiet", "--set", "training.milestone_every=2")
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        drawn = draw("toy-horse2zebra", domain, "test", 8, 40)
        for index in range(2, 8):
            images.write_pixels(drawn[index], place / "horses" / f"test{letter}" / drawn.name(index))
    words = ("eval", "short", "horses", "--device", "cpu", "--every-checkpoint")
    code, out, err = run(*words, "--report")
    assert code == 0, err
    assert f"Wrote {Path('short/evaluation.html')}.\n" in err
    page = (place / "short/evaluation.html").read_text()
    assert all(word in page for word in ("Checkpoints", "chosen", "KID of inputs", "Not measured: LPIPS", "png;base64"))
    assert out.startswith("Chosen on one half of the test pictures")
    assert re.search(r"^ +2 .+\n +3 .+final$", out, re.MULTILINE)
    assert len(re.findall(r"^ +\d .+  chosen", out, re.MULTILINE)) == 1
    assert re.search(r"^KID .+ n = 4 against 4", out, re.MULTILINE)
    tree = json.loads(run(*words, "--json")[1])
    assert [found["step"] for found in tree["candidates"]] == [2, 3]
    assert tree["measured"]["figures"][0]["protocol"] == "cut"
    for split in ("train", "held-out"):
        code, _, err = run(*words, "--split", split)
        assert (code, f"Leave out --split {split}" in err) == (2, True)


def test_eval_refuses_what_it_cannot_measure(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(place / "home"))
    train("--out", "short", "--quiet")
    code, _, err = run("eval", "short", "horses", "--device", "cpu")
    assert (code, "at least 4 pictures in each set; found 2 and 2" in err) == (4, True)
    code, _, err = run("eval", "short", "horses", "--to", "C")
    assert (code, "The model has no domain 'C'" in err) == (2, True)
    shutil.copytree(place / "horses/trainA", place / "pets/cat")
    shutil.copytree(place / "horses/trainB", place / "pets/dog")
    code, _, err = run("eval", "short", "pets")
    assert (code, "The model knows the domains A, B; pets has cat, dog." in err) == (2, True)
    shutil.rmtree(place / "horses/testB")
    code, _, err = run("eval", "short", "horses")
    assert (code, "horses has no test pictures of B." in err, "--split train" in err) == (4, True, True)
    code, out, err = run("eval", "short", "horses", "--split", "train", "--device", "cpu")
    assert (code, "train pictures, protocol cut" in out) == (0, True), err
    code, _, err = run("eval", "short", "horses", "--split", "train", "--features", "inception")
    assert (code, "`translate weights fetch inception`" in err) == (5, True)
    code, _, err = run("eval", "short", "horses", "--protocol", "cute")
    assert (code, "Did you mean cut?" in err) == (2, True)
    code, _, err = run("eval", "short", "horses", "--size", 64)
    assert (code, "--size is for drawn ones" in err) == (2, True)
    code, _, err = run("eval", "short", "horses", "--split", "train", "--features", "nothing.pth")
    assert (code, "There is no file nothing.pth" in err) == (5, True)


@pytest.mark.skipif(not has_lite0(), reason="the extra `features` is not installed")
def test_eval_tells_what_results_are_taken_for(
    run: Run, train: Run, add_test_pictures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translate.networks.features.lite0.Lite0.side", 32)
    train("--out", "short", "--quiet")
    add_test_pictures()
    code, _, err = run("eval", "short", "horses", "--recognise", "zebras")
    assert (code, "ImageNet has no class 'zebras'. Did you mean zebra?" in err) == (2, True)
    code, out, err = run("eval", "short", "horses", "--recognise", "zebra", "--device", "cpu")
    assert code == 0, err
    for suffix in ("", " of inputs", " of the real"):
        line = rf"^taken for zebra{suffix} +\S+ +\[.+\] +n = 6; features EfficientNet-Lite0 57934424$"
        assert re.search(line, out, re.MULTILINE)


def test_eval_refuses_features_that_critics_have_seen(
    run: Run, train: Run, add_test_pictures: Callable[..., None], place: Path
) -> None:
    train("--out", "short", "--quiet")
    add_test_pictures()
    about = read_about(place / "short/model.safetensors").model_copy(update={"critic_features": ["random"]})
    tensors = safetensors.torch.load_file(place / "short/model.safetensors")
    safetensors.torch.save_file(tensors, place / "seen.safetensors", {"translate": about.model_dump_json()})
    code, _, err = run("eval", "seen.safetensors", "horses", "--features", "random")
    assert (code, "trained on the features random" in err, "--anyway" in err) == (2, True, True)
    code, out, err = run("eval", "seen.safetensors", "horses", "--features", "random", "--anyway", "--device", "cpu")
    assert (code, "features random, which the critics have seen" in out) == (0, True), err


@pytest.mark.fault("F-18")
def test_eval_takes_a_folder_for_each_domain_of_the_model(
    run: Run, place: Path, add_test_pictures: Callable[..., None]
) -> None:
    domains = ("--domain", "pony=horses/trainA", "--domain", "okapi=horses/trainB")
    run("train", *domains, "--config", "tiny.toml", "--device", "cpu", "--out", "short", "--quiet")
    add_test_pictures()
    (place / "horses/testA").rename(place / "before")
    (place / "horses/testB").rename(place / "after")
    words = ("eval", "short", "--device", "cpu")
    code, out, err = run(*words, "--domain", "pony=before", "--domain", "okapi=after")
    assert code == 0, err
    assert "pony2okapi to okapi, model " in out
    assert "n = 6 against 6; features random" in out
    assert "Give a dataset, or --domain NAME=FOLDER for each domain" in run(*words)[2]
    assert "--domain pony=FOLDER --domain okapi=FOLDER" in run(*words, "--domain", "a=before", "--domain", "b=after")[2]
