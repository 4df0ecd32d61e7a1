"""Files in object stores, as paths: shown on a store in memory, and on ones that refuse."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from translate import places
from translate.errors import DataError, OutputError, SettingsError
from translate.places import RemotePath, is_remote, listing, path_of


@pytest.fixture
def folder(tmp_path: Path) -> RemotePath:
    """A folder of its own in the store, which all tests share."""
    found = path_of(f"memory://{tmp_path.name}")
    assert isinstance(found, RemotePath)
    return found


class Failing:
    """A store that answers each question with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: object, **__: object) -> None:
            raise self._error

        return refuse


@pytest.mark.parametrize(
    ("word", "remote"),
    [("s3://b/k", True), ("gs://b", True), ("hf://datasets/o/n", True), ("memory://x", True), ("s3:/b/k", False),
     ("https://a/b.jpg", False), ("photos", False), ("hf:o/n", False), ("-", False)],
)  # fmt: skip
def test_addresses_of_known_stores_are_told_from_paths(word: str, remote: bool) -> None:
    assert is_remote(word) is remote
    assert isinstance(path_of(word), RemotePath) is remote
    assert str(path_of(word)) == (word if remote else str(Path(word)))


def test_a_path_keeps_its_address_through_what_paths_can_do() -> None:
    path = path_of("s3://bucket/photos/a b.jpg")
    assert [str(one) for one in (path.parent, path.with_name("c.png"), path.parent / "d" / "e.png")] == [
        "s3://bucket/photos", "s3://bucket/photos/c.png", "s3://bucket/photos/d/e.png",
    ]  # fmt: skip
    assert (path.suffix, path.stem, path.as_posix()) == (".jpg", "a b", "s3://bucket/photos/a b.jpg")
    assert path.resolve() == path == pickle.loads(pickle.dumps(path)) == path.absolute()
    assert Path("/out") / path.relative_to(path_of("s3://bucket")) == Path("/out/photos/a b.jpg")
    assert type(path.relative_to(path.parent)) is type(Path())


def test_a_file_is_written_looked_at_and_read(folder: RemotePath, tmp_path: Path) -> None:
    file = folder / "below" / "a.png"
    assert not folder.is_dir()
    file.write_bytes(b"12345")
    assert (file.read_bytes(), file.read_bytes(2)) == (b"12345", b"12")
    assert (folder.is_dir(), folder.exists(), folder.is_file(), file.is_file()) == (True, True, False, True)
    file.copy_to(tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"12345"
    (folder / "b").copy_from(tmp_path / "here")
    assert folder.takes_files()
    assert [str(path.relative_to(folder)) for path in listing(folder).entries] == ["b", "below/a.png"]


def test_a_listing_says_sizes_and_marks_that_change(folder: RemotePath) -> None:
    (folder / "a").write_bytes(b"1")
    before = listing(folder).entries[folder / "a"]
    (folder / "a").write_bytes(b"2")
    after = listing(folder).entries[folder / "a"]
    assert before.size == after.size == 1
    assert before.mark != after.mark
    assert listing(folder / "a").entries == {folder / "a": after}
    assert listing(folder / "nothing").entries == {}


def test_what_is_no_file_here_cannot_be_opened_by_its_address() -> None:
    with pytest.raises(FileNotFoundError):
        path_of("memory://x/y").open("rb")


@pytest.mark.fault("F-27")
@pytest.mark.parametrize("key", ["a//b.png", "a/../../b.png", "./b.png"])
def test_a_key_that_is_no_path_is_named_and_never_used_as_one(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    class Odd:
        def invalidate_cache(self) -> None: ...

        def find(self, name: str, detail: bool) -> dict[str, dict[str, object]]:
            return {f"bucket/{word}": {"type": "file", "size": 1, "ETag": '"1"'} for word in (key, "c.png", "empty/")}

    monkeypatch.setattr(places, "_store", lambda scheme: Odd())
    found = listing(RemotePath("s3://bucket"))
    assert found.odd == (f"s3://bucket/{key}",)
    assert found.entries == {RemotePath("s3://bucket/c.png"): (1, "1")}


class NoCredentialsError(Exception):
    """Called as in botocore, which raises it without a base of its own."""


class HttpError(Exception):
    """As gcsfs raises it."""

    code = 401


def hidden() -> FileNotFoundError:
    """Return what hf says of a dataset that is not public."""
    error = FileNotFoundError("datasets/o/n (repository not found)")
    error.__cause__ = HttpError()
    return error


@pytest.mark.fault("F-27")
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoCredentialsError("Unable to locate credentials"), "asks for credentials, or refuses .*: Unable to locate"),
        (PermissionError(13, "Forbidden"), "asks for credentials, or refuses those that it found: Forbidden"),
        (HttpError("Anonymous caller has no access, 401"), "asks for credentials, or refuses .*: Anonymous caller has"),
        (OSError("Forbidden: b/o\nYou have no access"), "asks for credentials, or refuses .*: Forbidden: b/o You have"),
        (hidden(), r"asks for credentials, or refuses .*: datasets/o/n \(repository not found\)"),
        (ValueError("Could not\nconnect"), "the store does not answer as it should: Could not connect"),
    ],
)
def test_whatever_a_store_raises_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    monkeypatch.setattr(places, "_store", lambda scheme: Failing(error))
    with pytest.raises(DataError, match=f"^s3://b/k cannot be listed: .*{sentence}"):
        listing(RemotePath("s3://b/k"))
    with pytest.raises(OSError, match=sentence):
        RemotePath("s3://b/k").read_bytes(7)
    assert not RemotePath("s3://b/k").takes_files()


@pytest.mark.fault("F-27")
def test_what_is_not_there_is_so_whatever_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_store", lambda scheme: Failing(FileNotFoundError("b/credentials.png")))
    assert listing(RemotePath("gs://b/credentials.png")).entries == {}
    with pytest.raises(FileNotFoundError, match="there is no such file or bucket"):
        RemotePath("gs://b/credentials.png").read_bytes(7)


def test_a_full_disk_of_this_machine_is_not_laid_to_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "_store", lambda scheme: Failing(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match=r"^\[Errno 28\]"):
        RemotePath("s3://b/k").copy_to(tmp_path / "k")


@pytest.mark.fault("F-27")
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    places._store.cache_clear()
    with pytest.raises(SettingsError, match=r"^s3:// needs more packages: pip install 'image-translate\[remote\]'"):
        listing(RemotePath("s3://bucket"))


def test_results_are_not_written_where_each_file_is_a_commit() -> None:
    with pytest.raises(OutputError, match="each file would be a commit"):
        places.refuse_as_output(path_of("hf://datasets/o/n"))
    places.refuse_as_output(path_of("s3://bucket"))
    places.refuse_as_output(Path("hf"))
