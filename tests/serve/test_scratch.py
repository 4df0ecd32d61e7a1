"""Uploads and results go when the page ends, and those of a page that was killed when the next one begins."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from translate.serve.scratch import FRESH_S, PREFIX, scratch_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> Path:
    """Let a folder be older than one that may not be locked yet."""
    then = folder.stat().st_mtime - FRESH_S - 1
    os.utime(folder, (then, then))
    return folder


@pytest.mark.fault("S-28")
def test_the_folder_is_private_and_goes_however_the_page_ends(place: Path) -> None:
    def end_badly() -> None:
        with scratch_folder() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            (folder / "album").mkdir()
            (folder / "album" / "picture").write_bytes(b"private")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        end_badly()
    assert not list(place.iterdir())


@pytest.mark.fault("S-28")
def test_what_a_killed_page_left_is_swept_and_what_an_open_one_has_stays(place: Path) -> None:
    left, young, other = place / f"{PREFIX}left", place / f"{PREFIX}young", place / "translate-other"
    for folder in (left, young, other):
        folder.mkdir()
        (folder / "picture").touch()
    (place / f"{PREFIX}link").symlink_to(other)
    with scratch_folder() as first:
        aged(first)
        aged(left)
        aged(other)
        with scratch_folder() as second:
            assert first.exists()
            assert second != first
    assert {path.name for path in place.iterdir()} == {f"{PREFIX}link", f"{PREFIX}young", "translate-other"}
    assert (other / "picture").exists()
