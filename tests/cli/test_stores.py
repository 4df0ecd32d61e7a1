"""Object stores on the command line: addresses where pictures are named; shown on a store in memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conversion.small import export
from translate.places import path_of

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("quick_features")


@pytest.fixture
def store(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder has a model, and the store a copy of that folder's pictures."""
    export(place / "m.safetensors", ("A", "B"))
    monkeypatch.setenv("TRANSLATE_HOME", str(place / "home"))
    found = path_of(f"memory://{place.name}")
    for folder in ("horses", "photos"):
        for path in (place / folder).rglob("*.*"):
            (found / path.relative_to(place)).write_bytes(path.read_bytes())
    return found


def test_pictures_of_a_store_are_converted_into_it(run: Run, store: Path) -> None:
    words = ("apply", "m.safetensors", f"{store}/photos", "--out", f"{store}/out", "--device", "cpu")
    code, out, err = run(*words, "--dry-run")
    assert code == 0
    assert f"{store}/photos/a.jpg -> {store}/out/a.jpg: not looked at" in out
    code, out, err = run(*words)
    assert (code, out.splitlines()[0][:31]) == (0, "2 done, 0 skipped, 0 failed, 0 "), err
    assert f"Results are in {store}/out." in out
    assert "--report" not in err + out, "stores go without"
    assert (store / "out" / "below" / "b.png").is_file()
    tree = json.loads(run(*words, "--json")[1])
    assert (tree["skipped"], tree["results"][0]["output"]) == (2, f"{store}/out/a.jpg")


def test_one_picture_may_come_from_a_store_and_go_to_one(run: Run, store: Path) -> None:
    words = ("apply", "m.safetensors", f"{store}/photos/a.jpg", "--device", "cpu", "--out")
    assert run(*words, f"{store}/one.png")[0] == 0
    assert (store / "one.png").read_bytes()[:4] == b"\x89PNG"
    assert run(*words, "sheet.png", "--strengths", "0.5,1")[0] == 0
    assert Path("sheet.png").is_file()


@pytest.mark.fault("F-27")
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--watch"], 2, "--watch, --report and --compare grid are for pictures and results on this machine; found"),
        (["--report"], 2, "--watch, --report and --compare grid"),
        (["--mask", "memory://m.png"], 2, "Masks lie on this machine; found memory://m.png"),
    ],
)
def test_what_is_for_this_machine_alone_is_refused(
    run: Run, store: Path, words: list[str], code: int, sentence: str
) -> None:
    found, _, err = run("apply", "m.safetensors", f"{store}/photos", "--out", "out", *words)
    assert (found, sentence in err) == (code, True), err


@pytest.mark.fault("F-29")
def test_what_is_trained_on_is_brought_here_first(run: Run, store: Path, place: Path) -> None:
    code, _, err = run("train", f"{store}/horses", "--config", "tiny.toml")
    assert code == 2
    assert f"Bring {store}/horses here: translate data fetch {store}/horses" in err
    code, _, err = run("train", "--domain", f"a={store}/horses", "--domain", "b=photos", "--config", "tiny.toml")
    assert (code, f"Bring {store}/horses here" in err) == (2, True)
    code, out, err = run("data", "fetch", f"{store}/horses")
    copy = place / "home" / "remote" / "memory" / store.name / "horses"
    assert out == f"The pictures of {store}/horses are in {copy}. Next: translate train {copy}\n"
    assert "copying 12/12" in err
    assert run("train", copy, "--config", "tiny.toml", "--device", "cpu", "--quiet", "--out", "run")[0] == 0


def test_data_check_and_eval_look_at_a_copy(run: Run, store: Path, place: Path) -> None:
    tree = json.loads(run("data", "check", f"{store}/horses", "--json")[1])
    assert tree["counts"]["train A"] == 4
    named = [f"{letter}={store}/horses/train{letter}" for letter in "AB"]
    tree = json.loads(run("data", "check", "--domain", named[0], "--domain", named[1], "--json")[1])
    assert tree["counts"] == {"train A": 4, "train B": 4}
    code, _, err = run("eval", "m.safetensors", f"{store}/horses", "--split", "train", "--device", "cpu")
    assert "test pictures" in err or code == 0, err
