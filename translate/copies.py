"""Folders of object stores, copied to this machine: for what reads pictures many times, such as training.

A hidden file in the copy has a line of JSON for each file that came whole: its name, and what the listing said of it.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from translate.errors import DataError, counted
from translate.files import as_output_error, atomic_file, exclusive_lock, is_hidden, sweep_dead_writers
from translate.home import in_home
from translate.places import Entry, RemotePath, is_of_disk, listing
from translate.progress import Tell

INDEX = ".copied.jsonl"
THREADS = 16  # that wait for the store


def copied(address: RemotePath, tell: Tell) -> Path:
    """Copy a folder of an object store into the home, and return the folder that holds the copy.

    Files that are there already stay, those that have changed in the store come again, those that have gone are
    removed. The same call continues a copy that was stopped.

    Args:
        address: of the folder.
        tell: is told how many files have come, and of how many.

    Raises:
        SettingsError: a package is missing.
        DataError: there is no such folder, or files do not come whole.
        OutputError: the home cannot be written, or another process is copying the same.
    """
    entries = {path.relative_to(address): entry for path, entry in listing(address).entries.items() if path != address}
    entries = {path: entry for path, entry in entries.items() if not any(map(is_hidden, path.parts))}
    if not entries:
        raise DataError(f"There are no files below {address}. Name a folder that holds pictures.")
    folder = in_home(Path("remote", address.parts[0].rstrip(":"), *address.parts[1:]).as_posix())
    with as_output_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(folder, f"Another process is copying {address}. Wait until it has ended, and try again."):
        _copy(address, folder, entries, tell)
    return folder


def _copy(address: RemotePath, folder: Path, entries: dict[Path, Entry], tell: Tell) -> None:
    known = _known(folder)
    for path in known.keys() - entries.keys():
        (folder / path).unlink(missing_ok=True)
    waiting = [
        path for path, entry in entries.items() if known.get(path) != entry or not _has(folder / path, entry.size)
    ]
    for parent in {(folder / path).parent for path in waiting}:
        sweep_dead_writers(parent)
    done, failures = len(entries) - len(waiting), list[str]()
    tell("copying", done, len(entries))
    pool = ThreadPoolExecutor(THREADS)
    try:
        with as_output_error(folder), (folder / INDEX).open("a", encoding="utf-8") as index:
            reasons = pool.map(lambda path: _one(address, folder, path, entries[path]), waiting)
            for path, reason in zip(waiting, reasons, strict=True):
                if reason:
                    failures.append(f"{address / path}: {reason}")
                else:
                    index.write(json.dumps([path.as_posix(), *entries[path]]) + "\n")
                    done += 1
                    tell("copying", done, len(entries))
    finally:
        pool.shutdown(cancel_futures=True)
    if failures:
        raise DataError(
            f"{counted(len(failures), 'file')} of {len(entries):,} did not come: {failures[0]}. The same command tries"
            " again; what came is kept."
        )


class _NotWhole(Exception):
    """Why a file did not come whole, so that it gets no name."""


def _one(address: RemotePath, folder: Path, path: Path, entry: Entry) -> str:
    """Copy a file; return why it did not come, or nothing. Raises `OutputError` where it cannot be written."""
    try:
        with atomic_file(folder / path) as temporary:
            _bring(address / path, temporary, entry.size)
    except _NotWhole as failure:
        return str(failure)
    return ""


def _bring(source: RemotePath, file: Path, size: int) -> None:
    try:
        source.copy_to(file)
    except OSError as error:
        if is_of_disk(error):
            raise
        raise _NotWhole(error.strerror or error) from error
    if (found := file.stat().st_size) != size:
        raise _NotWhole(f"it came with {found:,} bytes instead of {size:,}")


def _has(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size


def _known(folder: Path) -> dict[Path, Entry]:
    try:
        lines = (folder / INDEX).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there is none yet
        return {}
    return dict(_read(lines))


def _read(lines: list[str]) -> Iterator[tuple[Path, Entry]]:
    for line in lines:
        try:
            name, size, mark = json.loads(line)
            yield Path(name), Entry(int(size), str(mark))
        except (ValueError, TypeError):  # it was torn
            continue
