"""The files of MNIST: read, refused where they are damaged, fetched file by file."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from translate import cards
from translate.cards import Archive, DatasetCard
from translate.data import known
from translate.data.idx import open_idx
from translate.data.layouts import open_folder
from translate.errors import DataError
from translate.images import read_idx

LABELS = np.array([2, 0, 2, 1, 0, 2], np.uint8)


def packed(values: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return head + values.tobytes()


def write(folder: Path, begin: str = "train", count: int = 6) -> None:
    pictures = np.repeat(np.arange(count, dtype=np.uint8), 28 * 28).reshape(count, 28, 28) + 10
    folder.mkdir(exist_ok=True)
    (folder / f"{begin}-images-idx3-ubyte.gz").write_bytes(gzip.compress(packed(pictures), mtime=0))
    (folder / f"{begin}-labels-idx1-ubyte").write_bytes(packed(LABELS[:count]))


def test_each_label_is_a_domain_and_pictures_get_a_border_of_black(tmp_path):
    write(tmp_path / "digits")
    write(tmp_path / "digits", "t10k", 2)
    dataset = open_folder(tmp_path / "digits")
    assert {name: len(pictures) for name, pictures in dataset.train.items()} == {"0": 2, "1": 1, "2": 3}
    assert {name: len(pictures) for name, pictures in dataset.test.items()} == {"0": 1, "2": 1}
    twos = dataset.train["2"]
    assert [int(twos[i][16, 16, 0]) for i in range(3)] == [10, 12, 15]
    assert twos[0].shape == (32, 32, 3)
    assert not twos[0][:2].any()
    assert not twos[0][:, -2:].any()
    assert [twos.name(i) for i in range(3)] == ["train-00000", "train-00002", "train-00005"]
    assert twos.fingerprint() != dataset.train["0"].fingerprint()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x00\x08", b"\x00\x00\x09\x01\x00\x00\x00\x00", packed(LABELS)[:-1], packed(LABELS) + b"x",
     gzip.compress(packed(LABELS), mtime=0)[:-9], b"\x1f\x8bnonsense", b"\x00\x00\x08\xff"],
)  # fmt: skip
def test_what_is_no_whole_file_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match="Fetch it again"):
        read_idx(tmp_path / "x")


def test_a_label_is_wanted_for_each_picture(tmp_path):
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(packed(LABELS[:4]))
    with pytest.raises(DataError, match="a label for each picture is wanted"):
        open_idx(tmp_path)


def test_files_are_fetched_one_by_one_and_checked(tmp_path, monkeypatch):
    write(tmp_path / "here")
    files = []
    for path in sorted((tmp_path / "here").iterdir()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        files.append(Archive(url=f"https://example.org/{path.name}", bytes=len(content), sha256=digest))
    card = DatasetCard(name="few", title="Few digits", domains=["0", "1", "2"], target="", files=files)
    monkeypatch.setattr(cards, "folder", lambda name: tmp_path / name)
    with pytest.raises(DataError, match="not here yet"):
        known.open_known(card)
    assert known.fetch(card, lambda *_: None, tmp_path / "here") == tmp_path / "few"
    assert list(known.open_known(card).train) == ["0", "1", "2"]
    (tmp_path / "here" / "train-labels-idx1-ubyte").write_bytes(b"other")
    with pytest.raises(DataError, match="is not the archive of again"):
        known.fetch(card.model_copy(update={"name": "again"}), lambda *_: None, tmp_path / "here")
    assert not (tmp_path / "again").exists()


def test_the_card_of_mnist_names_the_four_files_by_their_sums():
    card = cards.dataset("mnist")
    assert [file.url.rpartition("/")[2][:6] for file in card.files] == ["train-", "train-", "t10k-i", "t10k-l"]
    assert all(file.bytes and file.sha256 and file.mirrors for file in card.files)
    assert len(card.domains) == 10
