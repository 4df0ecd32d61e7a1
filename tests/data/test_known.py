"""Known datasets: fetched from a server on this machine, and opened by the names of their cards."""

import functools
import hashlib
import http.server
import shutil
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from translate import cards, downloads, files, images
from translate.cards import Archive, DatasetCard
from translate.data import known
from translate.data.known import fetch, open_known
from translate.errors import DataError, OutputError, SettingsError
from translate.home import note_on

FOLDERS = ("trainA", "trainB", "testA", "testB")


class Server(http.server.ThreadingHTTPServer):
    """Serves the files of a folder, and remembers what was asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.asked: list[str] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(http.server.SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)
    (tmp_path / "www").mkdir()
    with Server(tmp_path / "www") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty shelf, and an empty home."""
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / "clone" / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    (tmp_path / "clone/datasets").mkdir(parents=True)
    return tmp_path / "clone/datasets"


@pytest.fixture
def archive(tmp_path: Path, server: Server) -> Path:
    """The archive of the birds, on the server."""
    pixels = np.full((4, 4, 3), 7, np.uint8)
    path = tmp_path / "www/birds.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for folder in FOLDERS:
            for name in ("1.png", "2.png"):
                images.write_pixels(pixels, tmp_path / "drawn.png")
                opened.write(tmp_path / "drawn.png", f"birds/{folder}/{name}")
        opened.writestr("birds/README.txt", "no picture")
    return path


@pytest.fixture
def card(archive: Path, server: Server) -> DatasetCard:
    """A card whose first address is dead."""
    return described(archive, server, "dead.zip", "birds.zip")


def described(archive: Path, server: Server, *names: str) -> DatasetCard:
    content = archive.read_bytes()
    url, *mirrors = (server.url(name) for name in names)
    entry = Archive(url=url, mirrors=mirrors, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return DatasetCard(name="birds", title="Birds", domains=["sparrow", "crow"], target="sparrow", archive=entry)


def quiet(*_: object) -> None:
    """Nothing is told."""


def test_a_dataset_is_fetched_from_a_mirror_and_opened_by_the_names_of_its_card(
    card: DatasetCard, server: Server, shelf: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    assert fetch(card, lambda *words: told.append(words)) == shelf / "birds"
    assert server.asked == ["/dead.zip", "/birds.zip"]
    assert told[-1] == ("unpacking", 8, 8)
    assert [path.name for path in shelf.iterdir()] == ["birds"]  # neither the archive nor a part of it
    assert sorted(path.name for path in (shelf / "birds").iterdir()) == sorted(FOLDERS)
    dataset = open_known(card)
    assert (dataset.name, dataset.domains, dataset.target) == ("birds", ("sparrow", "crow"), "sparrow")
    assert list(dataset.places()) == ["train sparrow", "train crow", "test sparrow", "test crow"]
    assert dataset.train["sparrow"].folder == shelf / "birds/trainA"  # type: ignore[attr-defined]


def test_what_is_there_is_not_fetched_again(card: DatasetCard, server: Server, shelf: Path) -> None:
    fetch(card, quiet)
    server.asked.clear()
    assert fetch(card, quiet) == shelf / "birds"
    assert server.asked == []


def test_data_goes_into_the_home_where_there_is_no_clone(
    card: DatasetCard, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "__file__", str(tmp_path / "clone/cards.py"))
    assert fetch(card, quiet) == tmp_path / "home/datasets/birds"
    assert not list(shelf.iterdir())
    assert open_known(card).domains == ("sparrow", "crow")


def test_missing_pictures_are_refused_with_the_command_that_fetches_them(
    card: DatasetCard, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shelf / "birds").mkdir()
    with pytest.raises(DataError, match=r"Download them \(0 MB\) with `translate data fetch birds`") as caught:
        open_known(card)
    assert caught.value.exit_code == 4
    assert "./birds" not in str(caught.value)
    monkeypatch.chdir(shelf)
    with pytest.raises(DataError, match=r"Your own folder of this name is called \./birds\."):
        open_known(card)


@pytest.mark.fault("S-10")
def test_when_no_address_works_all_reasons_and_the_way_by_hand_are_told(
    archive: Path, server: Server, shelf: Path
) -> None:
    card = described(archive, server, "dead.zip", "deader.zip")
    with pytest.raises(DataError) as caught:
        fetch(card, quiet)
    assert str(caught.value) == (
        f"birds could not be downloaded: {server.url('dead.zip')} answers 404 Not Found; {server.url('deader.zip')}"
        f" answers 404 Not Found. Get the archive in another way, put it at {shelf / 'birds.zip'}, and run this again:"
        " translate data fetch birds (or add --from FILE)."
    )
    assert not list(shelf.iterdir())


@pytest.mark.fault("S-11")
def test_what_came_before_an_error_is_continued(card: DatasetCard, archive: Path, shelf: Path) -> None:
    content = archive.read_bytes()
    (shelf / "birds.zip.part").write_bytes(content[:100])
    archive.rename(archive.with_suffix(".away"))
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(card, quiet)
    assert (shelf / "birds.zip.part").read_bytes() == content[:100]
    archive.with_suffix(".away").rename(archive)
    fetch(card, quiet)
    assert [path.name for path in shelf.iterdir()] == ["birds"]


@pytest.mark.parametrize("place", ["by hand", "--from"])
@pytest.mark.fault("S-13")
def test_an_archive_that_is_here_is_used_without_the_network_and_kept(
    card: DatasetCard, archive: Path, server: Server, shelf: Path, tmp_path: Path, place: str
) -> None:
    here = archive.rename(shelf / "birds.zip" if place == "by hand" else tmp_path / "mine.zip")
    fetch(card, quiet, here if place == "--from" else None)
    assert open_known(card).domains == ("sparrow", "crow")
    assert server.asked == []
    assert here.exists()
    assert not (shelf / "birds.zip.part").exists()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: content[:-1], "it has [0-9]+ bytes. Wanted is http"),
        (lambda content: b"x" + content[1:], "it has SHA-256 [0-9a-f]{64}. Wanted is http"),
    ],
)
@pytest.mark.fault("S-14")
def test_an_archive_that_is_here_and_wrong_is_refused_and_left_alone(
    card: DatasetCard, archive: Path, server: Server, shelf: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    (shelf / "birds.zip").write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(DataError, match=rf"birds\.zip is not the archive of birds: {reason}"):
        fetch(card, quiet)
    assert [path.name for path in shelf.iterdir()] == ["birds.zip"]
    assert server.asked == []
    with pytest.raises(DataError, match=r"Cannot read .*nowhere"):
        fetch(card, quiet, shelf / "nowhere")


@pytest.mark.fault("S-14")
def test_where_nothing_can_be_written_a_temporary_folder_takes_its_place(
    card: DatasetCard, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "__file__", str(tmp_path / "clone/cards.py"))
    (tmp_path / "home").write_text("in the way")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = fetch(card, quiet)
    assert folder.parent.parent.parent == tmp_path
    assert note_on(folder)
    assert len(open_known(card).train["crow"]) == 2


@pytest.mark.fault("S-12")
def test_two_processes_get_one_download(card: DatasetCard, server: Server, shelf: Path) -> None:
    refused: list[str] = []

    def tell(what: str, done: int, total: int) -> None:
        if not refused:
            with pytest.raises(OutputError) as caught:  # locks are of open files, so this is another process to them
                fetch(card, quiet)
            refused.append(str(caught.value))

    fetch(card, tell)
    assert refused == ["Another process is fetching birds. Wait until it has ended, and run the command again."]
    assert server.asked == ["/dead.zip", "/birds.zip"]
    assert open_known(card).domains == ("sparrow", "crow")
    assert [path.name for path in shelf.iterdir()] == ["birds"]


@pytest.mark.fault("S-12")
def test_who_comes_just_after_the_other_process_finds_its_result(
    card: DatasetCard, server: Server, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = files.exclusive_lock

    def after_the_other(path: Path, refusal: str) -> object:
        monkeypatch.setattr(known, "exclusive_lock", lock)
        fetch(card, quiet)
        path.touch()
        server.asked.clear()
        return lock(path, refusal)

    monkeypatch.setattr(known, "exclusive_lock", after_the_other)
    fetch(card, quiet)
    assert server.asked == []
    assert [path.name for path in shelf.iterdir()] == ["birds"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.fault("S-15")
def test_an_interrupted_extraction_leaves_nothing_but_the_archive(
    card: DatasetCard, shelf: Path, error: BaseException
) -> None:
    def tell(what: str, done: int, total: int) -> None:
        if (what, done) == ("unpacking", 3):
            raise error

    with pytest.raises((KeyboardInterrupt, OutputError)):
        fetch(card, tell)
    assert [path.name for path in shelf.iterdir()] == ["birds.zip.part"]
    fetch(card, quiet)
    assert len(list((shelf / "birds").rglob("*.png"))) == 8


@pytest.mark.fault("S-15")
def test_what_a_killed_extraction_left_is_swept(card: DatasetCard, shelf: Path) -> None:
    for name in ("birds", "others"):
        (shelf / f".{name}.0123{files.PARTIAL}/trainA").mkdir(parents=True)
    fetch(card, quiet)
    assert sorted(path.name for path in shelf.iterdir()) == [f".others.0123{files.PARTIAL}", "birds"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["../evil.png", "trainA/1.png"], "leads out of its folder"),
        (["trainA/1.png"], "is not a dataset with two or more domains"),
        (["train/cats/1.png", "train/dogs/1.png"], "holds the domains cats, dogs; birds has sparrow, crow"),
    ],
)
@pytest.mark.fault("S-15")
def test_the_right_bytes_with_wrong_content_leave_nothing(
    archive: Path, server: Server, shelf: Path, tmp_path: Path, names: list[str], reason: str
) -> None:
    with zipfile.ZipFile(archive, "w") as opened:
        for name in names:
            opened.write(tmp_path / "drawn.png", name)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=reason):
        fetch(described(archive, server, "birds.zip"), quiet)
    left = set(tmp_path.rglob("*")) - set(before)
    assert {path.name for path in left} <= {"birds.zip.part"}


def test_domains_may_be_folders_of_their_own_names(card: DatasetCard, shelf: Path, tmp_path: Path) -> None:
    for name in ("sparrow", "crow"):
        images.write_pixels(np.zeros((4, 4, 3), np.uint8), shelf / "birds/train" / name / "1.png")
    dataset = open_known(card)
    assert (set(dataset.domains), dataset.target) == ({"sparrow", "crow"}, "sparrow")


@pytest.mark.parametrize(("drawn", "why"), [(True, "is drawn from seeds"), (False, "has no archive on its card")])
def test_without_an_archive_there_is_nothing_to_fetch(card: DatasetCard, drawn: bool, why: str) -> None:
    with pytest.raises(SettingsError, match=f"birds {why}, so there is nothing to fetch"):
        fetch(card.model_copy(update={"archive": None, "drawn": drawn}), quiet)


@pytest.fixture
def boots(tmp_path: Path, server: Server) -> DatasetCard:
    """A card of pairs side by side in a .tar.gz, whose SHA-256 nobody knows."""
    with tarfile.open(tmp_path / "www/boots.tar.gz", "w:gz") as opened:
        for name in ("train/1.png", "train/2.png", "val/1.png"):
            images.write_pixels(np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3), tmp_path / "drawn.png")
            opened.add(tmp_path / "drawn.png", f"boots/{name}")
    entry = Archive(url=server.url("boots.tar.gz"), sha256="")
    return DatasetCard(
        name="boots", title="Boots", domains=["edges", "boots"], target="boots", paired=True, archive=entry
    )  # fmt: skip


def test_pairs_side_by_side_are_fetched_and_opened_as_such(boots: DatasetCard, shelf: Path) -> None:
    fetch(boots, quiet)
    found = open_known(boots)
    assert (found.paired, found.domains, found.target) == (True, ("edges", "boots"), "boots")
    assert [len(found.train["edges"]), len(found.test["boots"])] == [2, 1]
    assert np.array_equal(found.train["boots"][0], np.arange(96, dtype=np.uint8).reshape(4, 8, 3)[:, 4:])


def test_the_sum_of_the_first_download_is_expected_from_then_on(
    boots: DatasetCard, server: Server, shelf: Path, tmp_path: Path
) -> None:
    fetch(boots, quiet)
    content = (tmp_path / "www/boots.tar.gz").read_bytes()
    assert (shelf / "boots.sha256").read_text().strip() == hashlib.sha256(content).hexdigest()
    shutil.rmtree(shelf / "boots")
    fetch(boots, quiet)  # the same again
    shutil.rmtree(shelf / "boots")
    changed = tmp_path / "other.tar.gz"
    changed.write_bytes(content + b"0")
    with pytest.raises(
        DataError, match=r"is not the archive of boots: it has SHA-256 .* Wanted is .*a file with SHA-256"
    ):
        fetch(boots, quiet, changed)
    (tmp_path / "www/boots.tar.gz").write_bytes(content + b"0")
    with pytest.raises(DataError, match="gives another file"):
        fetch(boots, quiet)
