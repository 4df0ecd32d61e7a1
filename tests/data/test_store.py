import io
import threading

import numpy as np
import pytest
from PIL import Image

from translate import images
from translate.data import store, timeout
from translate.data.augmentation import Augmentation
from translate.data.batches import UnpairedBatches
from translate.data.store import Store, held_bytes
from translate.errors import DataError, ImageDecodeError


class Painted:
    """Pictures in memory; `None` is one that cannot be decoded."""

    def __init__(self, pictures):
        self.pictures = list(pictures)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        if self.pictures[index] is None:
            raise ImageDecodeError(f"{self.name(index)} cannot be decoded: it is broken.")
        return self.pictures[index]

    def name(self, index):
        return f"{index}.png"

    def fingerprint(self):
        return "painted"


def plain(value, side=36):
    return np.full((side, side, 3), value, np.uint8)


def numbered(count, start=0):
    return [plain(start + index) for index in range(count)]


@pytest.mark.parametrize("shape", [(100, 100), (47, 91), (20, 30)])
def test_pictures_are_resized_once_by_antialiased_bicubic_like_pillows(shape):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    made = Store("A", Painted([picture]), Augmentation(size=32))
    expected = Image.fromarray(picture).resize((36, 36), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(made.read(0), np.asarray(expected))


def test_pictures_of_a_magnified_domain_are_held_larger_and_cropped_as_the_others():
    settings = Augmentation(size=32, load=40, magnify={"monet": 1.5})
    stores = {domain: Store(domain, Painted(numbered(3)), settings) for domain in ("photo", "monet")}
    assert [store.read(0).shape for store in stores.values()] == [(40, 40, 3), (60, 60, 3)]
    assert [held_bytes(domain, 3, settings) for domain in stores] == [3 * 40 * 40 * 3, 3 * 60 * 60 * 3]
    batch = UnpairedBatches(stores, settings, 2, seed=0)[0]
    assert {domain: tuple(pictures.shape) for domain, pictures in batch.items()} == dict.fromkeys(
        stores, (2, 3, 32, 32)
    )


@pytest.mark.fault("R-38")
def test_small_pictures_are_enlarged_and_counted():
    sides = [(31, 200), (200, 31), (32, 32), (33, 200), (300, 300)]
    made = Store("A", Painted(np.zeros((*side, 3), np.uint8) for side in sides), Augmentation(size=32))
    assert (made.census.pictures, made.census.enlarged, made.census.unreadable) == (5, 2, {})
    assert all(made.read(number).shape == (36, 36, 3) for number in range(5))


@pytest.mark.fault("R-35")
def test_a_hundredth_of_the_pictures_may_be_unreadable_and_is_skipped_and_counted():
    pictures = numbered(100)
    pictures[7] = None
    made = Store("A", Painted(pictures), Augmentation(size=32))
    assert len(made) == made.census.pictures == 100
    assert made.census.unreadable == {7: "7.png cannot be decoded: it is broken."}
    assert made.readable == [number for number in range(100) if number != 7]
    assert [int(made.read(number)[0, 0, 0]) for number in made.readable] == made.readable
    assert made.read(7) is None


@pytest.mark.parametrize(("broken", "count"), [(1, 99), (2, 199), (3, 3), (1, 1)])
@pytest.mark.fault("R-35")
def test_more_unreadable_pictures_are_refused(broken, count):
    pictures = [None] * broken + [plain(1)] * (count - broken)
    with pytest.raises(DataError) as caught:
        Store("horse", Painted(pictures), Augmentation(size=32))
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith(
        f"{broken} of {count} pictures of domain horse cannot be read, more than 1 %."
        " The first: 0.png cannot be decoded: it is broken."
    )


@pytest.mark.fault("R-35")
def test_of_very_many_pictures_a_hundred_may_be_unreadable_and_with_bad_error_none(monkeypatch):
    monkeypatch.setattr(store, "MOST_UNREADABLE", 1)
    pictures = [plain(1)] * 200
    pictures[5] = None
    assert len(Store("A", Painted(pictures), Augmentation(size=32)).readable) == 199
    with pytest.raises(DataError, match=r"1 of 200 pictures of domain A cannot be read, and none may be so with --bad"):
        Store("A", Painted(pictures), Augmentation(size=32), strict=True)
    pictures[6] = None
    with pytest.raises(DataError, match=r"2 of 200 pictures of domain A cannot be read, more than 1\. The first: 5\."):
        Store("A", Painted(pictures), Augmentation(size=32))


@pytest.mark.fault("R-42")
def test_equal_pictures_have_the_same_number_in_all_stores():
    painted = [Painted(map(plain, shades)) for shades in ([1, 2, 3], [3, 3, 4, 1])]
    one, other = (Store("A", pictures, Augmentation(size=32)) for pictures in painted)
    assert (len(one.contents()), len(other.contents())) == (3, 3)
    assert len(one.contents() & other.contents()) == 2


def test_reading_is_reported_picture_by_picture():
    told = []
    Store("A", Painted(numbered(3)), Augmentation(size=32), lambda *words: told.append(words))
    assert told == [("A", 1, 3), ("A", 2, 3), ("A", 3, 3)]


@pytest.mark.parametrize(("memory", "reads"), [(10 * 36 * 36 * 3, 10), (10 * 36 * 36 * 3 - 1, 0)])
def test_pictures_are_held_in_memory_only_if_they_all_fit(monkeypatch, memory, reads):
    monkeypatch.setattr(store, "MEMORY", memory)
    told = []
    Store("A", Painted(numbered(10)), Augmentation(size=32), lambda *words: told.append(words))
    assert len(told) == reads


@pytest.mark.fault("R-36")
def test_a_flipped_bit_in_a_jpeg_is_another_picture_and_no_error():
    """Nobody can tell: the format has no checksum. Only a file that does not decode is found."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(buffer, "JPEG")
    whole = bytearray(buffer.getvalue())
    whole[len(whole) // 2] ^= 4
    before, after = (images.read(bytes(content)).rgb for content in (buffer.getvalue(), whole))
    made = Store("A", Painted([before, after]), Augmentation(size=32))
    assert made.census.unreadable == {}
    assert not np.array_equal(made.read(0), made.read(1))


@pytest.mark.fault("R-29")
def test_a_disk_that_does_not_answer_ends_the_process_with_what_it_waits_for(monkeypatch, capsys):
    ended, answered = [], threading.Event()

    class Stuck(Painted):
        def __getitem__(self, index):
            answered.wait()
            return super().__getitem__(index)

    def end(code):
        ended.append(code)
        answered.set()

    monkeypatch.setattr(timeout.os, "_exit", end)
    monkeypatch.setattr(timeout, "PATIENCE_S", 0.01)
    Store("A", Stuck(numbered(1)), Augmentation(size=32))
    said = "Error: A disk has not answered for 0.01 s. What is being read: 0.png. When it does again, the same command"
    assert ended == [DataError.exit_code]
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.fault("R-37")
def test_a_picture_that_breaks_later_is_said_to_be_broken_until_too_many_are(monkeypatch):
    monkeypatch.setattr(store, "MEMORY", 0)
    pictures, labels = Painted(numbered(200)), np.arange(200, dtype=np.float32)[:, None]
    made = Store("A", pictures, Augmentation(size=32), labels=labels)
    assert made.readable == range(200)
    pictures.pictures[1] = pictures.pictures[199] = None
    assert not made.is_broken(1)
    assert [None if picture is None else int(picture[0, 0, 0]) for picture in map(made.read, (0, 1, 2, 199))] == [
        0, None, 2, None,
    ]  # fmt: skip
    assert [made.is_broken(number) for number in (0, 1, 2, 199)] == [False, True, False, True]
    assert (made.name(1), made.label(1).tolist()) == ("1.png", [1.0])
    assert list(made.census.unreadable) == [1, 199]
    pictures.pictures[7] = None
    with pytest.raises(DataError, match=r"3 of 200 pictures of domain A cannot be read, more than 1 %\. The first: 1"):
        made.read(7)


def test_a_picture_that_is_known_to_be_broken_is_not_read_again(monkeypatch):
    monkeypatch.setattr(store, "MEMORY", 0)
    pictures = Painted([None, *numbered(199)])
    made = Store("A", pictures, Augmentation(size=32))
    assert made.read(0) is None
    pictures.pictures[0] = plain(9)
    assert made.read(0) is None
