"""Copies of folders of object stores: whole, continued, brought up to date; shown on a store in memory."""

from pathlib import Path

import pytest

from translate import places
from translate.copies import INDEX, copied
from translate.errors import DataError, OutputError
from translate.files import exclusive_lock
from translate.home import home
from translate.places import RemotePath
from translate.progress import silent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RemotePath:
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    found = RemotePath(f"memory://{tmp_path.name}/set")
    for name in ("A/1.png", "A/2.png", "B/1.png"):
        (found / name).write_bytes(name.encode())
    (found / ".hidden" / "x").write_bytes(b"1")
    return found


def below(place: Path) -> dict[str, bytes]:
    files = (path for path in place.rglob("*") if path.is_file() and path.name != INDEX)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in sorted(files)}


def brought(folder: RemotePath, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """Copy a folder; return where to, and the names of what came."""
    came: list[str] = []
    copy = RemotePath.copy_to
    with monkeypatch.context() as patch:
        patch.setattr(RemotePath, "copy_to", lambda path, file: (came.append(path.name), copy(path, file))[1])
        place = copied(folder, silent)
    return place, sorted(came)


@pytest.mark.fault("F-29")
def test_a_copy_is_made_once_and_then_brought_up_to_date(folder: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    place = copied(folder, lambda *words: told.append(words))
    assert place == home() / "remote" / "memory" / folder.parts[1] / "set"
    assert below(place) == {name: name.encode() for name in ("A/1.png", "A/2.png", "B/1.png")}
    assert told == [("copying", done, 3) for done in range(4)]
    assert brought(folder, monkeypatch) == (place, [])
    (folder / "A" / "1.png").write_bytes(b"changed")
    with places._asking(folder / "B" / "1.png") as (memory, name):
        memory.rm_file(name)
    (place / "A" / "2.png").write_bytes(b"cut")
    assert brought(folder, monkeypatch)[1] == ["1.png", "2.png"]
    assert below(place) == {"A/1.png": b"changed", "A/2.png": b"A/2.png"}


@pytest.mark.fault("F-29")
def test_what_came_whole_is_kept_when_others_do_not(folder: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(path: RemotePath, file: Path) -> None:
        if path.name == "2.png":
            file.write_bytes(b"A")
        elif path.parent.name == "B":
            raise PermissionError(13, "the store asks for credentials")
        else:
            file.write_bytes(path.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(RemotePath, "copy_to", short)
        sentence = f"2 files of 3 did not come: {folder}/A/2.png: it came with 1 bytes instead of 7. The same command"
        with pytest.raises(DataError, match=sentence):
            copied(folder, silent)
    place, came = brought(folder, monkeypatch)
    assert came == ["1.png", "2.png"]
    assert len(below(place)) == 3


def test_an_empty_folder_and_a_second_process_are_refused(folder: RemotePath) -> None:
    with pytest.raises(DataError, match="There are no files below memory://"):
        copied(folder / "nothing", silent)
    place = copied(folder, silent)
    with exclusive_lock(place, ""), pytest.raises(OutputError, match="Another process is copying"):
        copied(folder, silent)


def test_a_torn_line_of_the_index_counts_as_none(folder: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    place = copied(folder, silent)
    lines = (place / INDEX).read_text().splitlines()
    (place / INDEX).write_text("\n".join([*lines[:2], lines[2][:9], "{}", "[1]"]))
    assert len(brought(folder, monkeypatch)[1]) == 1
