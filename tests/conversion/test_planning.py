"""What is found and refused before any work: nothing is translated here, and no picture is read."""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from translate.conversion import planning
from translate.conversion.masks import Masks
from translate.conversion.planning import ConversionPlan, Item, Naming, beside
from translate.conversion.settings import ConversionSettings
from translate.errors import DataError, OutputError, SettingsError

TO = "zebra"
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


def plan(inputs: Sequence[str | Path], out: Path, **options: Any) -> ConversionPlan:
    """Plan for the only target `TO`."""
    return planning.plan(inputs, out, [TO], **options)


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def outputs(found: ConversionPlan, out: Path) -> list[str]:
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
    assert found.items[2] == Item(tmp_path / "in" / "e.JPEG", tmp_path / "out" / "e.jpg", Path("e.JPEG"), TO)
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


@pytest.mark.fault("F-9")
def test_folders_of_systems_are_passed_over_and_counted(tmp_path: Path) -> None:
    housekeeping = ["@eaDir", "#recycle", "#snapshot", "@Recycle", "$Recycle.Bin", "System Volume Information",
                    "lost+found", "__MACOSX"]  # fmt: skip
    put(tmp_path / "a.png")
    put(tmp_path / "deep" / "b.png")
    for name in (*housekeeping, "deep/@eaDir/b.png", ".Trash-1000"):
        put(tmp_path / name / "thumbnail.png")
    for inputs, count in (
        ([tmp_path], 9),
        ([tmp_path / "*"], 9),
        ([tmp_path / "**/*"], 9),
        ([tmp_path / "*/*.png"], 8),
    ):
        found = plan(inputs, tmp_path / "out")
        assert {item.source.name for item in found.items} <= {"a.png", "b.png"}
        assert found.passed_over == count
    (item,) = plan([tmp_path / "@eaDir" / "thumbnail.png"], tmp_path / "out").items
    assert item.output == tmp_path / "out" / "thumbnail.png"
    assert len(plan([tmp_path / "#recycle"], tmp_path / "out").items) == 1


@pytest.mark.fault("I-27")
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


@pytest.mark.fault("F-3")
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Trip [2024]/*.png", ["a.png", "b[1].png"]),  # and not what is in `Trip 2`
        ("Trip [2024]/b[[]1].png", ["b[1].png"]),
        ("Trip [9]/*.png", []),
        ("Trip [0-9]/c.png", ["Trip 2/c.png"]),
        ("Trip*/b[1].png", ["Trip 2/b1.png", "Trip [2024]/b[1].png"]),
        ("Trip*/Day [1]/*.png", ["Trip [2024]/Day [1]/d.png"]),
        ("Trip [2024]/**/*.png", ["a.png", "b[1].png", "Day [1]/d.png"]),
        ("**/Day [1]/*.png", ["Trip [2024]/Day [1]/d.png"]),
        ("Trip [2024]/**", ["a.png", "b[1].png", "Day [1]/d.png"]),
        ("what?/[a-b]*.png", ["a.png"]),  # and not what is in `whats`
        ("Trip [2024]/a.png/*", []),
    ],
)
def test_each_part_of_a_pattern_that_exists_is_a_name(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    for name in (
        "Trip [2024]/a.png",
        "Trip [2024]/b[1].png",
        "Trip [2024]/Day [1]/d.png",
        "Trip 2/c.png",
        "Trip 2/b1.png",
        "Trip 2/Day 2/e.png",
        "what?/a.png",
        "whats/a.png",
        ".hidden/Day [1]/f.png",
    ):
        put(tmp_path / "in" / name)
    if not expected:
        with pytest.raises(DataError, match="There are no pictures in"):
            plan([tmp_path / "in" / pattern], tmp_path / "out")
    else:
        found = plan([tmp_path / "in" / pattern], tmp_path / "out")
        assert sorted(outputs(found, tmp_path / "out")) == sorted(expected)


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


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("gone", "1 input not found."),
        ("notes", "1 file whose names do not end in ."),
        ("gone*.png", "1 input not found."),
        ("films", "2 files whose names do not end in "),
    ],
)
def test_nothing_at_all_is_refused(tmp_path: Path, word: str, found: str) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("x")
    (tmp_path / "films").mkdir()
    for name in ("a.mp4", "a.txt"):
        (tmp_path / "films" / name).write_text("x")
    with pytest.raises(DataError) as caught:
        plan([tmp_path / word], tmp_path / "out")
    assert f"There are no pictures in {tmp_path / word}: {found}" in str(caught.value)
    assert ("(1 film among them: films are named, as in FOLDER/*.mp4)." in str(caught.value)) is (word == "films")
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
        plan(inputs, out, again=lambda item: True)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(("one", "two"), [("in/a.gif", "in/a.png"), ("in/A.png", "in/a.png"), ("in/é.png", "in/É.png")])
@pytest.mark.fault("I-25")
def test_two_pictures_for_one_file_are_refused(tmp_path: Path, one: str, two: str) -> None:
    put(tmp_path / one)
    put(tmp_path / two)
    if len(below(tmp_path)) < 2:
        pytest.skip("names that differ in case are one file here")
    sentence = refusal([tmp_path / "in"], tmp_path / "out")
    assert str(tmp_path / one) in sentence
    assert str(tmp_path / two) in sentence
    assert "would both become" in sentence


@pytest.mark.fault("F-8")
def test_names_that_look_the_same_are_shown_with_what_differs(tmp_path: Path) -> None:
    for name in ("caf\u00e9.png", "cafe\u0301.png"):
        put(tmp_path / "in" / name)
    if len(below(tmp_path)) < 2:
        pytest.skip("these names are one file here")
    sentence = refusal([tmp_path / "in"], tmp_path / "out")
    assert r"in/cafe\u0301.png and " in sentence
    assert r"in/caf\xe9.png would both become" in sentence
    assert "--on-collision" not in sentence


@pytest.mark.fault("F-8")
def test_suffixes_that_differ_in_case_are_kept_apart_as_is_advised(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.JPG"):
        put(tmp_path / "in" / name)
    if len(below(tmp_path)) < 2:
        pytest.skip("these names are one file here")
    assert "say --on-collision suffix" in refusal([tmp_path / "in"], tmp_path / "out")
    found = plan([tmp_path / "in"], tmp_path / "out", naming=Naming(keep_suffix=True))
    assert outputs(found, tmp_path / "out") == ["a.JPG.jpg", "a.jpg"]


def test_equal_names_of_two_folders_are_refused(tmp_path: Path) -> None:
    inputs = [put(tmp_path / "x" / "a.png").parent, put(tmp_path / "y" / "a.png").parent]
    sentence = refusal(inputs, tmp_path / "out")
    assert str(inputs[0] / "a.png") in sentence
    assert str(inputs[1] / "a.png") in sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.fault("I-22")
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


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("in/é.png", "in/e\u0301.png"),  # composed by NFC and by NFD
        ("in/a./b.png", "in/a/b.png"),  # Windows drops a dot and spaces at the end
        ("in/a /b.png", "in/a/b.png"),
    ],
)
@pytest.mark.fault("I-25")
def test_names_that_are_one_on_some_system_are_refused(tmp_path: Path, one: str, two: str) -> None:
    put(tmp_path / one)
    put(tmp_path / two)
    if len(below(tmp_path)) < 2:
        pytest.skip("these names are one file here")
    assert "would both become" in refusal([tmp_path / "in"], tmp_path / "out")


@pytest.mark.fault("I-25")
def test_a_name_that_another_system_reserves_is_a_name_here(tmp_path: Path) -> None:
    """Where CON.jpg is a device, no input can have this name."""
    put(tmp_path / "in" / "CON.jpg")
    assert outputs(plan([tmp_path / "in"], tmp_path / "out"), tmp_path / "out") == ["CON.jpg"]


@pytest.mark.fault("I-25")
def test_what_is_written_beside_a_result_collides_too(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "a.compare.png")
    plan([tmp_path / "in"], tmp_path / "out")
    with pytest.raises(SettingsError, match="would both become"):
        plan([tmp_path / "in"], tmp_path / "out", settings=ConversionSettings(compare="side"))


def test_the_word_of_a_picture_finds_its_place_in_the_tree_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "deep/b.jpg", "deep/er/c.png", "deep/er/.d.png"):
        put(tmp_path / "in" / name)
    monkeypatch.chdir(tmp_path)
    hidden = "in/deep/er/.d.png"
    for inputs in (["in", hidden], ["./in", hidden], [tmp_path / "in", hidden], ["in/**/*", "in/*.png", hidden]):
        items = plan(inputs, Path("out")).items
        assert len(items) == 4
        for item in items:
            assert plan([item.word], Path("out")).items == (item,)


def test_what_follows_the_mark_is_mirrored(tmp_path: Path) -> None:
    put(tmp_path / "in" / "deep" / "a.png")
    for word, expected in (
        ("in/./deep/a.png", "deep/a.png"),
        ("in/./deep", "deep/a.png"),
        ("./in/deep/a.png", "in/deep/a.png"),
        ("in/deep/a.png", "a.png"),
    ):
        assert outputs(plan([f"{tmp_path}/{word}"], tmp_path / "out"), tmp_path / "out") == [expected]


# Shards


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.fault("I-36")
def test_shards_are_all_and_share_nothing(tmp_path: Path, count: int) -> None:
    for number in range(30):
        put(tmp_path / "in" / f"{number % 3}" / f"{number}.png")
    words = [tmp_path / "in", *(f"gone{number}" for number in range(5))]
    whole = plan(words, tmp_path / "out")
    parts = [plan(words, tmp_path / "out", shard=(number, count)) for number in range(1, count + 1)]
    assert sorted(item.word for part in parts for item in part.items) == sorted(item.word for item in whole.items)
    assert sorted(word for part in parts for word in part.missing) == sorted(whole.missing)
    assert all(len(part.items) < 30 for part in parts) or count == 1
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in").rename(tmp_path / "elsewhere" / "pictures")  # another machine
    moved = plan([tmp_path / "elsewhere" / "pictures"], tmp_path / "out", shard=(1, count))
    assert outputs(moved, tmp_path / "out") == outputs(parts[0], tmp_path / "out")


@pytest.mark.fault("I-36")
def test_collisions_are_found_across_shards(tmp_path: Path) -> None:
    for name in "abcdefgh":
        put(tmp_path / "in" / f"{name}.gif")
        put(tmp_path / "in" / f"{name}.bmp")
    for number in (1, 2):
        with pytest.raises(SettingsError, match="would both become"):
            plan([tmp_path / "in"], tmp_path / "out", shard=(number, 2))


# Names


@pytest.mark.fault("I-26")
def test_names_that_become_too_long_are_cut_and_stay_apart(tmp_path: Path) -> None:
    longest = ["x" * 250 + ".gif", "x" * 252 + ".gi", "é" * 125 + ".gif"]
    for name in longest[:1] + longest[2:]:
        put(tmp_path / "in" / name)
    named = put(tmp_path / "in" / longest[1])
    found = plan([tmp_path / "in", named], tmp_path / "out", settings=ConversionSettings(compare="side"))
    names = [item.output.name for item in found.items]
    assert len(set(names)) == 3
    for item in found.items:
        for path in (item.output, beside(item.output, ".compare.png")):
            assert len(os.fsencode(path.name)) <= 255
            assert path.suffix == ".png"


LONG = "x" * 300


@pytest.mark.fault("I-25")
def test_an_output_whose_name_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    for out in (tmp_path / LONG, tmp_path / f"{LONG}.png"):
        with pytest.raises(OutputError, match=r"Cannot write .*: File name too long\. Choose another place"):
            plan([put(tmp_path / "a.png")], out)


@pytest.mark.fault("I-25")
def test_a_folder_that_is_closed_to_us_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.is_dir

    def is_dir(self: Path) -> bool:
        if self.name in ("out", "mask"):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self)

    source = put(tmp_path / "a.png")
    monkeypatch.setattr(Path, "is_dir", is_dir)  # root may look everywhere
    with pytest.raises(OutputError, match=r"Cannot write .*out: Permission denied"):
        plan([tmp_path / "*.png"], tmp_path / "out")
    assert Masks(tmp_path / "mask").find(Item(source, source, Path("a.png"), TO)) == tmp_path / "mask"


@pytest.mark.fault("I-25")
def test_inputs_and_masks_whose_names_are_too_long_fail_alone(tmp_path: Path) -> None:
    words = [str(put(tmp_path / "a.png")), f"{tmp_path}/{LONG}.png"]
    found = plan(words, tmp_path / "out")
    assert (outputs(found, tmp_path / "out"), found.missing) == (["a.png"], (words[1],))
    assert Masks(tmp_path / LONG).find(found.items[0]) == tmp_path / LONG


@pytest.mark.parametrize("name", ["photo.", "photo..", "photo. .png", "CON", "aux.v2.png", "nul.png", " .png"])
@pytest.mark.fault("I-25")
def test_dots_spaces_and_reserved_words_stay_and_get_a_suffix(tmp_path: Path, name: str) -> None:
    found = plan([put(tmp_path / "in" / name)], tmp_path / "out")
    assert outputs(found, tmp_path / "out") == [name if name.endswith(".png") else f"{name}.png"]


def test_a_result_is_there_when_all_that_belongs_to_it_is(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "out" / "a.png")
    assert plan([tmp_path / "in"], tmp_path / "out").existing
    assert not plan([tmp_path / "in"], tmp_path / "out", settings=ConversionSettings(compare="side")).existing
    put(tmp_path / "out" / "a.compare.png")
    assert plan([tmp_path / "in"], tmp_path / "out", settings=ConversionSettings(compare="side")).existing


# Other names


def test_flat_leaves_out_folders_and_refuses_what_collides_then(tmp_path: Path) -> None:
    for name in ("a.jpg", "deep/b.jpg", "deep/er/c.gif"):
        put(tmp_path / "in" / name)
    found = plan([tmp_path / "in"], tmp_path / "out", naming=Naming(flat=True))
    assert outputs(found, tmp_path / "out") == ["a.jpg", "b.jpg", "c.png"]
    put(tmp_path / "in" / "deep" / "a.jpg")
    with pytest.raises(SettingsError, match=r"would both become .*a\.jpg\. Rename one of them, leave out --flat, or"):
        plan([tmp_path / "in"], tmp_path / "out", naming=Naming(flat=True))


def test_the_suffix_of_a_picture_keeps_names_apart_whatever_else_is_there(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.jpeg", "a.bmp", "a.png", "b.gif"):
        put(tmp_path / "in" / name)
    with pytest.raises(SettingsError, match="say --on-collision suffix"):
        plan([tmp_path / "in"], tmp_path / "out")
    found = plan([tmp_path / "in"], tmp_path / "out", naming=Naming(keep_suffix=True))
    names = {item.source.name: item.output.name for item in found.items}
    assert names == {
        "a.jpg": "a.jpg", "a.jpeg": "a.jpeg.jpg", "a.bmp": "a.bmp.png", "a.png": "a.png", "b.gif": "b.gif.png"
    }  # fmt: skip
    alone = plan([tmp_path / "in" / "a.bmp"], tmp_path / "out", naming=Naming(keep_suffix=True))
    assert alone.items[0].output == tmp_path / "out" / "a.bmp.png"
    put(tmp_path / "in" / "a.bmp.png")
    with pytest.raises(SettingsError, match=r"would both become .*a\.bmp\.png\. Rename one of them, or convert"):
        plan([tmp_path / "in"], tmp_path / "out", naming=Naming(keep_suffix=True))


def test_a_place_that_is_an_input_is_refused_and_in_place_has_a_place_for_originals(tmp_path: Path) -> None:
    folder = put(tmp_path / "in" / "deep" / "a.jpg").parent.parent
    with pytest.raises(SettingsError, match=r"is also an input.*or say --in-place"):
        plan([folder], folder)
    (item,) = planning.plan_in_place([folder], TO).items
    assert item.output == item.source == folder / "deep" / "a.jpg"
    assert item.original == folder / ".originals" / "deep" / "a.jpg"
    (item,) = planning.plan_in_place([folder / "deep" / "a.jpg"], TO).items
    assert item.original == folder / "deep" / ".originals" / "a.jpg"
    put(item.original)  # equal: killed before the picture was replaced
    assert planning.plan_in_place([folder / "deep" / "a.jpg"], TO).items == (item,)
    item.source.write_bytes(b"a result")
    assert planning.plan_in_place([folder / "deep"], TO).existing == (replace(item, is_replaced=True),)
    put(tmp_path / "phone" / "c.heic")
    with pytest.raises(OutputError, match=r"b\.heic and 1 more cannot be replaced: HEIF is read, but not written"):
        planning.plan_in_place([put(tmp_path / "phone" / "b.heic").parent], TO)
