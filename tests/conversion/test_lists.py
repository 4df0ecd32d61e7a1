"""Lists of input words, as any system writes them."""

import codecs
import os
from pathlib import Path

import pytest

from translate.conversion.inputs import find
from translate.conversion.lists import read_list, write_list
from translate.errors import DataError

NAMES = ["in/a.png", "in/über é 写真.png"]
TEXT = "\r\n".join([*NAMES, ""])


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def found(*words: str) -> tuple[list[str], list[str]]:
    """Return the pictures and the missing words."""
    inputs = find(words)
    return [source.as_posix() for source, _ in inputs.pictures.values()], inputs.missing


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, *NAMES, "elsewhere/b.png")
    monkeypatch.chdir(tmp_path)


@pytest.mark.fault("I-27")
def test_a_list_names_inputs_once_and_missing_ones_fail() -> None:
    Path("list.txt").write_bytes(b"in/a.png\r\n\nelsewhere\nin/gone.png\nhttps://example.org/x.png\nin/a.png\n")
    pictures = ["in/a.png", "elsewhere/b.png"]
    assert found("@list.txt") == (pictures, ["in/gone.png", "https://example.org/x.png"])
    assert found("@list.txt", "elsewhere/b.png") == found("@list.txt")


def test_a_list_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DataError, match=r"The list gone\.txt cannot be read: No such file"):
        read_list(Path("gone.txt"))


def test_a_file_whose_name_starts_with_an_at_sign_can_be_named() -> None:
    put(Path(), "@a.png")
    assert found("./@a.png") == (["@a.png"], [])
    assert list(find([Path("@a.png")]).pictures.values()) == [(Path("@a.png"), Path("@a.png"))]


@pytest.mark.fault("F-8")
def test_a_picture_that_is_called_like_a_list_is_a_picture() -> None:
    put(Path(), "@a.png", "@album/c.png")
    assert found("@a.png") == (["@a.png"], [])
    assert found("@album") == (["@album/c.png"], [])
    Path("a.png").write_text("in/a.png")  # also beside a file of that name, because nobody calls a list so
    assert found("@a.png") == (["@a.png"], [])
    Path("@list").write_text("x")
    Path("list").write_text("in/a.png")
    assert found("@list") == (["in/a.png"], [])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.png", "sub/./with space.png", "ünï 写真 🐴.png", "-rf.png", "tab\there.png", "b"],
        ["a.png", "new\nline.png", "\r.png"],
        [os.fsdecode(b"bad\xff.png"), "b.png"],
    ],
)
def test_lists_are_read_as_they_were_written(words: list[str]) -> None:
    Path("list.txt").write_bytes(write_list(words))
    assert read_list(Path("list.txt")) == words


@pytest.mark.fault("F-2")
@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),  # what `>` of Windows PowerShell writes
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-8-sig"),  # what its `Set-Content -Encoding UTF8` writes
        TEXT.replace("\r\n", "\n").encode(),
        "\0".join(NAMES).encode(),
        codecs.BOM_UTF8 + "\0".join([*NAMES, ""]).encode(),
    ],
)
def test_a_list_is_decoded_by_its_byte_order_mark(content: bytes) -> None:
    Path("list.txt").write_bytes(content)
    assert read_list(Path("list.txt")) == NAMES
    assert found("@list.txt") == (NAMES, [])


@pytest.mark.fault("F-2")
def test_names_in_the_western_code_page_are_found() -> None:
    put(Path(), "für/café € é.jpg")
    Path("list.txt").write_bytes("für/café € é.jpg\r\nfür/gone é.jpg\r\n".encode("cp1252"))
    pictures, missing = found("@list.txt")
    assert pictures == ["für/café € é.jpg"]
    assert [os.fsencode(word) for word in missing] == [b"f\xfcr/gone \xe9.jpg"]


@pytest.mark.fault("F-2")
def test_names_of_other_bytes_than_utf_8_are_themselves() -> None:
    name = os.fsdecode("café.jpg".encode("latin-1"))
    put(Path(), name, "café.jpg")
    Path("list.txt").write_bytes(os.fsencode(name) + b"\n")
    assert read_list(Path("list.txt")) == [name]


@pytest.mark.fault("F-2")
@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-16-le"),  # without its mark
        TEXT.encode("utf-16-be"),
        b"in/a.png\r\n" + TEXT.encode("utf-16-le"),  # appended to a list of another encoding
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\2\0\0\1\0\1\0\0",  # a picture
        b"in/a.png\0\0elsewhere\0",
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le") + b"\n",
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
    ],
)
def test_what_is_no_list_is_refused_and_names_nothing(content: bytes) -> None:
    Path("list.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"^The list list\.txt cannot be read: .*\. Save it as UTF-8, with one path a"):
        find(["@list.txt"])


@pytest.mark.fault("F-2")
@pytest.mark.parametrize("word", [".", "/", "..", "./", "//", "../..", "/./", "in/.."])
def test_a_list_cannot_name_everything(word: str) -> None:
    Path("list.txt").write_text(f"in/a.png\n{word}\n")
    with pytest.raises(DataError, match=r"The list list\.txt names the folder '.*', all of which would be taken\."):
        find(["@list.txt"])


@pytest.mark.fault("F-3")
def test_lists_hold_names_and_no_patterns() -> None:
    put(Path(), "Trip 2/a.png", "b[1].png", "b1.png")
    Path("list.txt").write_text("Trip [2024]/a.png\nin/*.png\nb[1].png\n")
    assert found("@list.txt") == (["b[1].png"], ["Trip [2024]/a.png", "in/*.png"])
