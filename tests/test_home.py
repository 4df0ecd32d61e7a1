"""The user's folder, and the temporary one that takes its place: found, made for the user alone, or refused."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from translate import home
from translate.errors import OutputError
from translate.home import homes, in_home, note_on


@pytest.mark.parametrize(
    ("system", "variables", "place"),
    [
        ("linux", {}, "user/.cache/translate"),
        ("darwin", {}, "user/Library/Caches/translate"),
        ("win32", {}, "user/AppData/Local/translate/Cache"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/translate/Cache"),
        ("linux", {"LOCALAPPDATA": "local"}, "user/.cache/translate"),
        ("darwin", {"XDG_CACHE_HOME": "caches"}, "caches/translate"),
        ("linux", {"XDG_CACHE_HOME": "caches", "TRANSLATE_HOME": "here"}, "here"),
    ],
)
def test_the_home_is_where_the_system_or_the_user_wants_it(
    system: str, variables: dict[str, str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRANSLATE_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in variables.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "user")
    assert home.home() == tmp_path / place


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home into which nothing can be written, not even by the superuser; return the system's temporary folder."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "file/home"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def test_what_can_be_written_into_the_home_belongs_there(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "new/home"))
    assert in_home("weights/a") == tmp_path / "new/home/weights/a"
    assert homes() == [tmp_path / "new/home"]
    assert note_on(in_home("weights/a")) == ""
    assert not any(closed.iterdir())


def test_a_home_below_the_working_folder_may_be_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSLATE_HOME", "new/home")
    assert in_home("a") == Path("new/home/a")


@pytest.mark.skipif(sys.platform == "win32", reason="no owners and modes")
@pytest.mark.fault("S-14")
def test_where_the_home_is_closed_a_temporary_folder_for_the_user_alone_takes_its_place(closed: Path) -> None:
    before = os.umask(0)
    try:
        place = in_home("weights/a")
    finally:
        os.umask(before)
    folder = closed / f"translate-{os.getuid()}"
    assert place == folder / "weights/a"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert homes() == [home.home(), folder]
    assert note_on(place).startswith(f"Nothing can be written into {home.home()}, so {place} is where it is")
    assert in_home("weights/a") == place  # the second time it is there already


@pytest.mark.fault("S-14")
def test_a_read_only_home_is_closed_but_what_is_in_it_is_found(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    (tmp_path / "home/weights").mkdir(parents=True)
    (tmp_path / "home/weights/a").touch()
    monkeypatch.setattr(os, "access", lambda place, mode: tmp_path / "home" not in (place, *place.parents))
    assert in_home("weights/a") == tmp_path / "home/weights/a"
    assert in_home("weights/b").parent.parent.parent == closed


def test_the_temporary_folder_is_left_alone_when_the_home_is_open_again(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = in_home("weights/a")
    place.parent.mkdir()
    place.touch()
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    assert homes() == [tmp_path / "home"]
    assert in_home("weights/a") == tmp_path / "home/weights/a"


@pytest.mark.skipif(sys.platform == "win32", reason="no owners and modes")
@pytest.mark.parametrize("found", ["a link", "a file", "open to a group", "somebody else's"])
@pytest.mark.fault("S-14")
def test_a_temporary_folder_that_is_not_the_users_own_is_refused_and_not_looked_into(
    found: str, closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, real = closed / f"translate-{os.getuid()}", closed / "real"
    real.mkdir(0o700)
    if found == "a link":
        place.symlink_to(real)
    elif found == "a file":
        place.touch(0o600)
    else:
        place.mkdir(0o700)
    if found == "open to a group":
        place.chmod(0o710)
    if found == "somebody else's":
        user = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: user)
        place.rename(closed / f"translate-{user}")
    with pytest.raises(OutputError, match=r"not a folder that you own and nobody else can enter\. Set TRANSLATE_HOME"):
        in_home("weights/a")
    assert homes() == [home.home()]
    assert not any(real.iterdir())


@pytest.mark.fault("S-14")
def test_a_system_without_a_temporary_folder_is_refused(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(closed / "gone"))
    with pytest.raises(OutputError, match=r"Nothing can be written into .*home: No such file or directory\. Set"):
        in_home("weights/a")
    assert homes() == [home.home()]
