"""Files that are either whole or absent, whatever happens to their writer."""

import errno
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from translate import files
from translate.errors import OutputError
from translate.files import (
    PARTIAL,
    as_output_error,
    atomic_file,
    atomic_folder,
    exclusive_lock,
    sha256,
    sweep,
    sweep_dead_writers,
    write_text,
)

Atomic = Callable[[Path], AbstractContextManager[Path]]


def fill(temporary: Path, atomic: Atomic, text: str = "new") -> None:
    """Write `text` into what `atomic` yielded, a file or a folder."""
    if atomic is atomic_folder:
        (temporary / "deep").mkdir()
        temporary = temporary / "deep" / "file"
    temporary.write_text(text, encoding="utf-8")


def write_and_raise(path: Path, atomic: Atomic, error: BaseException) -> None:
    with atomic(path) as temporary:
        fill(temporary, atomic)
        raise error


def content(path: Path) -> str:
    return (path / "deep" / "file" if path.is_dir() else path).read_text(encoding="utf-8")


BOTH = pytest.mark.parametrize("atomic", [atomic_file, atomic_folder])


@BOTH
def test_what_was_written_appears_whole_and_nothing_else_stays(atomic, tmp_path: Path):
    path = tmp_path / "new" / "deeper" / "result"
    with atomic(path) as temporary:
        fill(temporary, atomic)
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename across disks would copy
    assert content(path) == "new"
    assert [entry.name for entry in path.parent.iterdir()] == ["result"]


@BOTH
@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)])
def test_a_block_that_raises_leaves_nothing_and_its_error_passes(atomic, error, tmp_path: Path):
    with pytest.raises(type(error)) as caught:
        write_and_raise(tmp_path / "result", atomic, error)
    assert caught.value is error
    assert not list(tmp_path.iterdir())


def test_a_block_that_raises_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "result"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        write_and_raise(path, atomic_file, RuntimeError())
    assert content(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="it is seen in /proc")
@BOTH
@pytest.mark.fault("R-2")
def test_content_is_on_the_disk_before_the_name_and_the_name_before_anything_else(atomic, tmp_path, monkeypatch):
    order: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.replace

    def note(call: str, path: Path) -> None:
        order.append((call, "temporary" if path.name.endswith(PARTIAL) else path.name))

    def noted_sync(handle: int) -> None:
        note("fsync", Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    def noted_rename(path: Path, target: Path) -> Path:
        note("rename", target)
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    with atomic(tmp_path / "result") as temporary:
        fill(temporary, atomic)
    written = {"temporary"} if atomic is atomic_file else {"file", "deep", "temporary"}
    assert {name for call, name in order[: len(written)] if call == "fsync"} == written
    assert order[len(written) :] == [("rename", "result"), ("fsync", tmp_path.name)]


def test_a_file_is_replaced(tmp_path: Path):
    path = tmp_path / "result"
    write_text(path, "a long old text")
    write_text(path, "new")
    assert content(path) == "new"


def test_a_block_that_wrote_nothing_is_an_error_and_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "result"
    write_text(path, "old")
    with pytest.raises(OutputError, match="Cannot write"), atomic_file(path):
        pass
    assert content(path) == "old"


def test_a_folder_that_exists_is_not_touched(tmp_path: Path):
    path = tmp_path / "result"
    with atomic_folder(path) as temporary:
        fill(temporary, atomic_folder, "old")
    with pytest.raises(OutputError, match="Cannot write"), atomic_folder(path) as temporary:
        fill(temporary, atomic_folder)
    assert content(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


@BOTH
def test_two_writers_do_not_meet(atomic, tmp_path: Path):
    with atomic(tmp_path / "one") as first, atomic(tmp_path / "two") as second:
        assert first != second
        fill(first, atomic, "1")
        fill(second, atomic, "2")
    assert (content(tmp_path / "one"), content(tmp_path / "two")) == ("1", "2")
    with atomic_file(tmp_path / "same") as first, atomic_file(tmp_path / "same") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert content(tmp_path / "same") in ("1", "2")


WRITES = """
import os, sys
from pathlib import Path
from translate.files import atomic_folder, write_text

os.umask = None  # threads that make files at the same time would see what it is set to
write_text(Path(sys.argv[1], "result"), "x")
with atomic_folder(Path(sys.argv[1], "folder")) as temporary:
    os.close(os.open(temporary / "inner", os.O_CREAT, 0o600))
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(mask, tmp_path: Path):
    subprocess.run([sys.executable, "-c", WRITES, tmp_path], check=True, umask=mask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"result": 0o666 & ~mask, "folder": 0o777 & ~mask, "inner": 0o666 & ~mask}


def test_text_is_utf_8_with_line_feeds(tmp_path: Path):
    write_text(tmp_path / "result", "é\n日本\n")
    assert (tmp_path / "result").read_bytes() == "é\n日本\n".encode()


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "画" * 85, "🐴" * 63], ids=["ascii", "latin", "han", "emoji"])
def test_any_name_the_disk_takes_can_be_written(name, tmp_path: Path):
    assert 252 <= len(name.encode()) <= 255  # the limit of most file systems, in bytes
    write_text(tmp_path / name, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


# Places that cannot be written


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@BOTH
def test_a_full_disk_is_said_and_nothing_is_left(atomic, number, tmp_path: Path, monkeypatch):
    path = tmp_path / "result"
    if atomic is atomic_file:
        write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError) as caught, atomic(path) as temporary:
        fill(temporary, atomic)
    assert str(caught.value) == f"The disk is full: {path} was not written. Free some space and run the command again."
    assert caught.value.exit_code == 7
    assert list(tmp_path.iterdir()) == ([path] if atomic is atomic_file else [])
    if atomic is atomic_file:
        assert content(path) == "old"


@BOTH
def test_a_place_that_is_no_folder_is_said(atomic, tmp_path: Path):
    write_text(tmp_path / "file", "old")
    path = tmp_path / "file" / "result"
    with pytest.raises(OutputError) as caught, atomic(path) as temporary:
        fill(temporary, atomic)
    assert str(caught.value).startswith(f"Cannot write {path}: ")
    assert str(caught.value).endswith(". Choose another place or change its permissions.")
    assert content(tmp_path / "file") == "old"


@BOTH
def test_a_failing_rename_leaves_nothing(atomic, tmp_path: Path, monkeypatch):
    def refused(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OutputError, match="Permission denied"), atomic(tmp_path / "result") as temporary:
        fill(temporary, atomic)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "free", "full"),
    [  # what torch.save and safetensors say, without an errno
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), 1 << 40, True),
        (RuntimeError("Error while serializing: I/O error: File too large (os error 27)"), 1 << 40, True),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 704 vs 598"), 0, True),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), 0, True),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), 1 << 40, False),
        (RuntimeError("size mismatch"), 0, False),
        (ValueError("a bug"), 0, False),
    ],
)
def test_libraries_that_report_a_full_disk_in_words_are_understood(error, free, full, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free) if folder.exists() else 1 / 0)
    with (
        pytest.raises(OutputError if full else type(error)) as caught,
        as_output_error(tmp_path / "not" / "yet" / "there"),
    ):
        raise error
    assert str(caught.value).startswith("The disk is full") == full


def test_an_error_that_was_already_explained_is_not_explained_again(tmp_path: Path):
    with pytest.raises(OutputError, match=r"^The disk is full: inner\.$"), as_output_error(tmp_path / "outer"):
        raise OutputError("The disk is full: inner.")


# Killed writers


WRITER = """
import hashlib, itertools, json, sys
from pathlib import Path
from translate.files import atomic_file, atomic_folder

def written(path, n):
    body = f"{n:08d}" * 20_000
    text = json.dumps({"n": n, "body": body, "sha256": hashlib.sha256(body.encode()).hexdigest()})
    with path.open("w") as stream:
        for start in range(0, len(text), 8192):  # in pieces, so that a kill often falls between them
            stream.write(text[start:start + 8192])
            stream.flush()

place = Path(sys.argv[1])
for n in itertools.count():
    if sys.argv[2] == "file":
        with atomic_file(place / "state") as temporary:
            written(temporary, n)
    else:
        with atomic_folder(place / f"step-{n}") as temporary:
            written(temporary / "one", n)
            written(temporary / "two", n)
    print(n, flush=True)
"""


def number_in(path: Path) -> int:
    """Check a file of `WRITER` against the sum it carries and return its number."""
    found = json.loads(path.read_text())
    assert hashlib.sha256(found["body"].encode()).hexdigest() == found["sha256"]
    return found["n"]


def killed_after(writes: int, place: Path, kind: str) -> int:
    """Kill -9 a writer some time after it said that it wrote so often; return the last number it said."""
    command = [sys.executable, "-c", WRITER, str(place), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(writes):
            last = int(writer.stdout.readline())
        writer.kill()
        said = writer.stdout.read().splitlines()
    assert writer.returncode != 0
    return int(said[-1]) if said else last


@pytest.mark.fault("R-1")
def test_a_killed_writer_never_leaves_a_damaged_file(tmp_path: Path):
    draw = random.Random(0)
    for _ in range(10):
        last = killed_after(draw.randint(1, 8), tmp_path, "file")
        assert number_in(tmp_path / "state") in (last, last + 1)  # it may have been renamed and not yet said
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.fault("R-1")
def test_a_killed_writer_never_leaves_half_a_folder(tmp_path: Path):
    draw = random.Random(1)
    for turn in range(6):
        place = tmp_path / str(turn)
        last = killed_after(draw.randint(1, 4), place, "folder")
        sweep(place)
        folders = sorted(int(path.name.removeprefix("step-")) for path in place.iterdir())
        assert folders in (list(range(last + 1)), list(range(last + 2)))
        for n in folders:
            assert number_in(place / f"step-{n}" / "one") == number_in(place / f"step-{n}" / "two") == n


@pytest.mark.fault("R-1")
def test_sweeping_takes_leftovers_only(tmp_path: Path):
    keep = ["state", ".hidden", "state.partial", f"x{PARTIAL}.txt"]
    for name in keep:
        (tmp_path / name).write_text("x")
    (tmp_path / ".state.0123456789ab.partial").write_text("x")
    (tmp_path / ".step-3.0123456789ab.partial" / "deep").mkdir(parents=True)
    (tmp_path / ".step-3.0123456789ab.partial" / "deep" / "file").write_text("x")
    sweep(tmp_path)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(keep)


@BOTH
def test_what_a_killed_writer_leaves_has_the_name_that_is_swept(atomic, tmp_path: Path):
    with atomic(tmp_path / "result") as temporary:
        fill(temporary, atomic)
        sweep(tmp_path)
        assert not temporary.exists()
        temporary.mkdir() if atomic is atomic_folder else temporary.touch()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no asking there")
@pytest.mark.fault("R-1")
def test_only_what_ended_writers_of_this_machine_left_is_swept(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        pass
    with atomic_file(tmp_path / "mine") as mine:
        mine.touch()
        machine = mine.name.split(".")[2].split("-")[0]
        others = [f".a.{'0' * 8}-{ended.pid}-01234567{PARTIAL}", f".a.0123{PARTIAL}", ".hidden", f".a.b.c{PARTIAL}"]
        for name in (*others, f".a.{machine}-1-01234567{PARTIAL}"):
            (tmp_path / name).touch()
        left = tmp_path / f".a[1].b.{machine}-{ended.pid}-89abcdef{PARTIAL}"
        left.touch()
        sweep_dead_writers(tmp_path)
        assert not left.exists()
        assert mine.exists()
        assert all((tmp_path / name).exists() for name in others)
        assert (tmp_path / f".a.{machine}-1-01234567{PARTIAL}").exists()  # the first process lives always
        sweep_dead_writers(tmp_path / "none")


def test_sweeping_a_folder_that_is_not_there_does_nothing(tmp_path: Path):
    sweep(tmp_path / "none")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # FIPS 180-4, the examples of the standard
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
    ids=["empty", "abc", "a million a"],
)
def test_sha256_is_that_of_the_standard(data, expected, tmp_path: Path):
    (tmp_path / "file").write_bytes(data)
    assert sha256(tmp_path / "file") == expected


@pytest.mark.fault("F-8")
def test_text_keeps_the_bytes_of_names_that_are_not_utf_8(tmp_path: Path):
    write_text(tmp_path / "unreadable.txt", os.fsdecode(b"caf\xe9 \xc3\xa9.png") + " cannot be decoded.\n")
    assert (tmp_path / "unreadable.txt").read_bytes() == b"caf\xe9 \xc3\xa9.png cannot be decoded.\n"


@pytest.mark.fault("F-3")
def test_sweeping_a_name_with_brackets_is_no_pattern(tmp_path: Path):
    for name in (".run [12].x.partial", ".run 1.x.partial"):
        (tmp_path / name).touch()
    sweep(tmp_path, "run [12]")
    assert [path.name for path in tmp_path.iterdir()] == [".run 1.x.partial"]


def test_sweeping_one_name_leaves_the_leftovers_of_others(tmp_path: Path):
    for name in ("birds", "birds2", "cats"):
        (tmp_path / f".{name}.0123{PARTIAL}").mkdir()
    sweep(tmp_path, "birds")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".birds2.0123{PARTIAL}", f".cats.0123{PARTIAL}"]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.fault("R-19")
def test_who_holds_a_place_is_alone_until_the_end(kind: str, tmp_path: Path):
    place = tmp_path / "place"
    place.mkdir() if kind == "folder" else place.touch()
    with exclusive_lock(place, "not now"):
        with pytest.raises(OutputError, match="not now"), exclusive_lock(place, "not now"):
            pass
        with (
            pytest.raises(OutputError, match="not now"),
            exclusive_lock(place, "not now"),
        ):  # the refused one took nothing away
            pass
    with exclusive_lock(place, "not now"):
        pass
    with pytest.raises(OutputError, match="Cannot write"), exclusive_lock(tmp_path / "nowhere", "not now"):
        pass


def test_a_walk_is_in_order_and_passes_by_what_is_hidden_excluded_or_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b", "a", "deep/c", ".hidden/d", "__MACOSX/e", ".f", "runs/g", "closed/h"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    scandir, errors = os.scandir, []

    def closed(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    found = [path.relative_to(tmp_path).as_posix() for path in files.walk(tmp_path, errors.append, tmp_path / "runs")]
    assert found == [".f", "a", "b", "deep/c"]
    assert [error.filename for error in errors] == [str(tmp_path / "closed")]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
@pytest.mark.fault("R-20")
def test_a_disk_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with exclusive_lock(tmp_path, "not now"), exclusive_lock(tmp_path, "not now"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
@pytest.mark.fault("R-19")
def test_a_killed_process_holds_nothing(tmp_path: Path):
    holding = (
        "import sys; from pathlib import Path; from translate.files import exclusive_lock\n"
        "with exclusive_lock(Path(sys.argv[1]), ''):"
    )
    command = [sys.executable, "-c", f"{holding}\n    print('held', flush=True); sys.stdin.read()", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="not now"), exclusive_lock(tmp_path, "not now"):
            pass
        process.kill()
    with exclusive_lock(tmp_path, "not now"):
        pass
