"""What is found and refused before any work: nothing is translated here, and no picture is read."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from translate.errors import DataError, SettingsError
from translate.inference.planning import Item, Plan, plan, read_list, write_list

HEADERS = {
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".webp": b"RIFF....WEBP",
    ".avif": b"....ftypavif",
    ".tiff": b"II*\0",
}


def put(path: Path) -> Path:
    """Write a file that begins as its suffix promises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(HEADERS.get(path.suffix.lower(), b"something else"))
    return path


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def outputs(found: Plan, out: Path) -> list[str]:
    return [item.output.relative_to(out).as_posix() for item in found.items]


# What is found


def test_the_tree_of_a_folder_is_mirrored(tmp_path: Path) -> None:
    for name in (
        "b.png",
        "a.jpg",
        "deep/er/c.png",
        "deep/d.webp",
        "e.JPEG",
        "f.gif",
        "g.tiff",
        "h.bmp",
        "i.avif",
        "j.v2.png",
    ):
        put(tmp_path / "in" / name)
    found = plan([tmp_path / "in"], tmp_path / "out")
    names = ["a.jpg", "b.png", "e.jpg", "f.png", "g.tif", "h.png", "i.avif", "j.v2.png", "deep/d.webp", "deep/er/c.png"]
    assert outputs(found, tmp_path / "out") == names
    assert found.items[2] == Item(tmp_path / "in" / "e.JPEG", tmp_path / "out" / "e.jpg", Path("e.JPEG"))
    assert (found.missing, found.ignored, found.existing) == ((), 0, ())


def test_a_plan_touches_nothing(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    plan([tmp_path / "in"], tmp_path / "out")
    assert below(tmp_path) == ["in/a.png"]
    assert not (tmp_path / "out").exists()


def test_what_is_hidden_is_no_input_and_what_is_no_picture_is_counted(tmp_path: Path) -> None:
    for name in ("a.png", ".b.png", ".c/d.png", "__MACOSX/e.png", "__MACOSX/._a.png"):
        put(tmp_path / name)
    for name in ("notes.txt", "movie.mp4", "raw.dng", ".DS_Store"):
        (tmp_path / name).write_text("x")
    for inputs in ([tmp_path], [tmp_path / "*"], [tmp_path / "**/*"], [tmp_path, tmp_path / "*"]):
        found = plan(inputs, tmp_path / "out")
        assert outputs(found, tmp_path / "out") == ["a.png"]
        assert found.ignored == 3


def test_inputs_are_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = put(tmp_path / "in" / "a.png")
    monkeypatch.chdir(tmp_path)
    inputs = [picture, "in/a.png", "in", "./in/../in", "in/*.png", tmp_path / "in"]
    assert len(plan(inputs, Path("out")).items) == 1


def test_patterns_are_expanded_and_mirror_what_is_below_their_fixed_part(tmp_path: Path) -> None:
    for name in ("x/1.png", "x/2.png", "x/10.jpg", "x/y/3.png", "z/y/4.png"):
        put(tmp_path / name)

    def matched(pattern: str) -> list[str]:
        return outputs(plan([tmp_path / pattern], tmp_path / "out"), tmp_path / "out")

    assert matched("x/?.png") == ["1.png", "2.png"]
    assert matched("x/[23].png") == ["2.png"]
    assert matched("*/y/*.png") == ["x/y/3.png", "z/y/4.png"]
    assert matched("x/**/*.png") == ["1.png", "2.png", "y/3.png"]
    assert matched("[z]") == ["z/y/4.png"]


def test_a_name_with_signs_of_a_pattern_is_a_name_where_it_exists(tmp_path: Path) -> None:
    put(tmp_path / "a[1].png")
    put(tmp_path / "b[2]" / "c.png")
    put(tmp_path / "a1.png")
    assert outputs(plan([tmp_path / "a[1].png", tmp_path / "b[2]"], tmp_path / "out"), tmp_path / "out") == [
        "a[1].png",
        "c.png",
    ]


def test_a_folder_that_cannot_be_listed_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "closed" / "b.png")
    put(tmp_path / "in" / ".closed" / "c.png")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = plan([tmp_path / "in"], tmp_path / "out")
    assert found.missing == (str(tmp_path / "in" / "closed"),)
    assert outputs(found, tmp_path / "out") == ["a.png"]


@pytest.mark.parametrize("word", ["gone", "notes", "gone*.png"])
def test_nothing_at_all_is_refused(tmp_path: Path, word: str) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"There are no pictures in .*\.png") as caught:
        plan([tmp_path / word], tmp_path / "out")
    assert str(tmp_path / word) in str(caught.value)
    assert ("1 files are no pictures" in str(caught.value)) == (word == "notes")
    assert caught.value.exit_code == 4


def test_linked_folders_are_followed_but_not_for_ever(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "b.png")
    put(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    assert outputs(plan([tmp_path / "in"], tmp_path / "out"), tmp_path / "out") == ["a.png", "link/b.png"]


# What is refused


def refusal(inputs: Sequence[str | Path], out: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        plan(inputs, out, overwrite=True)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(("one", "two"), [("in/a.gif", "in/a.png"), ("in/A.png", "in/a.png"), ("in/é.png", "in/É.png")])
def test_two_pictures_for_one_file_are_refused(tmp_path: Path, one: str, two: str) -> None:
    put(tmp_path / one)
    put(tmp_path / two)
    if len(below(tmp_path)) < 2:
        pytest.skip("names that differ in case are one file here")
    sentence = refusal([tmp_path / "in"], tmp_path / "out")
    assert str(tmp_path / one) in sentence
    assert str(tmp_path / two) in sentence
    assert "would both become" in sentence


def test_equal_names_of_two_folders_are_refused(tmp_path: Path) -> None:
    inputs = [put(tmp_path / "x" / "a.png").parent, put(tmp_path / "y" / "a.png").parent]
    sentence = refusal(inputs, tmp_path / "out")
    assert str(inputs[0] / "a.png") in sentence
    assert str(inputs[1] / "a.png") in sentence
    assert not (tmp_path / "out").exists()


def test_an_output_never_replaces_an_input(tmp_path: Path) -> None:
    picture = put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "b.gif")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for out in (picture.parent, tmp_path / "link", tmp_path / "in" / ".." / "in"):
        assert "is also an input" in refusal([tmp_path / "in"], out)
        assert "is an input and would be replaced" in refusal([picture], out)
        assert "is an input and would be replaced" in refusal([tmp_path / "in" / "*.png"], out)
    assert "is also an input" in refusal([picture], picture)
    put(tmp_path / "other" / "in" / "a.png")
    assert "is an input and would be replaced" in refusal([tmp_path / "other", picture], tmp_path)


def test_a_folder_may_be_called_like_a_picture(tmp_path: Path) -> None:
    source = put(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    assert outputs(plan([source], tmp_path / "b.png"), tmp_path) == ["b.png/a.png"]


@pytest.mark.parametrize("inputs", [["in"], ["in/a.png", "in/b.png"], ["in/a*.png"]])
@pytest.mark.parametrize("out", ["new.png", "there"])
def test_several_pictures_do_not_become_one_file(tmp_path: Path, inputs: list[str], out: str) -> None:
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "b.png")
    (tmp_path / "there").write_text("x")
    assert "is the name of a file" in refusal([tmp_path / name for name in inputs], tmp_path / out)


def test_a_folder_inside_the_output_folder_is_an_input(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    for word in ("in", "in/*.png"):
        assert outputs(plan([tmp_path / word], tmp_path), tmp_path) == ["a.png"]
