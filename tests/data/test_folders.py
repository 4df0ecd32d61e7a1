import os
import sys

import numpy as np
import pytest

from translate import images
from translate.data.folders import Dataset, Files, Reading, scan
from translate.errors import DataError, ImageDecodeError


def paint(path, value=0, side=4):
    images.write_pixels(np.full((side, side, 3), value, np.uint8), path)


def names(pictures):
    return [pictures.name(index) for index in range(len(pictures))]


@pytest.mark.fault("R-43")
def test_pictures_are_found_by_suffix_below_the_folder_in_the_order_of_bytes(tmp_path):
    for name in ("b.png", "B.PNG", "a/z.jpg", "a/b/c.webp", "a.bmp", "10.png", "9.png", "ä.png"):
        paint(tmp_path / name)
    files = scan(tmp_path)
    assert names(files) == ["10.png", "9.png", "B.PNG", "a.bmp", "a/b/c.webp", "a/z.jpg", "b.png", "ä.png"]
    assert files.ignored == 0
    assert files[3].shape == (4, 4, 3)


@pytest.mark.fault("R-34")
def test_hidden_files_are_ignored_and_counted_and_hidden_folders_are_not_entered(tmp_path):
    for name in ("1.png", ".2.png", "._1.png", "__MACOSX/3.png", ".thumbnails/4.png", "below/__MACOSX/5.png"):
        paint(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "below" / "Thumbs.db").write_text("no picture")
    files = scan(tmp_path)
    assert names(files) == ["1.png"]
    assert files.ignored == 4


def test_a_hidden_folder_on_the_way_to_the_dataset_does_not_matter(tmp_path):
    paint(tmp_path / ".cache" / "__MACOSX" / "1.png")
    assert names(scan(tmp_path / ".cache" / "__MACOSX")) == ["1.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.fault("R-43")
def test_links_that_run_in_circles_end_and_nothing_is_found_twice(tmp_path):
    paint(tmp_path / "trainA" / "1.png")
    paint(tmp_path / "elsewhere" / "2.png")
    folder = tmp_path / "trainA"
    (folder / "again").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    (folder / "itself").symlink_to(folder / "itself")
    files = scan(folder)
    assert names(files) == ["1.png", "up/elsewhere/2.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_nowhere_is_a_picture_that_cannot_be_read(tmp_path):
    (tmp_path / "1.png").symlink_to(tmp_path / "gone.png")
    files = scan(tmp_path)
    assert len(files.fingerprint()) == 16
    with pytest.raises(DataError, match=r"1\.png"):
        files[0]


@pytest.mark.fault("R-43")
def test_a_folder_that_fails_while_it_is_listed_is_refused(tmp_path, monkeypatch):
    paint(tmp_path / "closed" / "1.png")
    listing = os.scandir

    def fail(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(DataError, match=r"Cannot look into .*closed: Permission denied"):
        scan(tmp_path)


@pytest.mark.parametrize("change", ["size", "name", "more", "fewer"])
def test_the_fingerprint_changes_with_the_files(tmp_path, change):
    for index in range(3):
        paint(tmp_path / f"{index}.png")
    before = scan(tmp_path).fingerprint()
    if change == "size":
        (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes() + b"\0")
    elif change == "name":
        (tmp_path / "1.png").rename(tmp_path / "11.png")
    elif change == "more":
        paint(tmp_path / "4.png")
    else:
        (tmp_path / "2.png").unlink()
    assert scan(tmp_path).fingerprint() != before


def test_the_pictures_of_a_folder_are_values(tmp_path):
    paint(tmp_path / "1.png")
    assert scan(tmp_path) == scan(tmp_path) == Files(tmp_path, (tmp_path / "1.png",), 0)


@pytest.mark.fault("F-6")
def test_colours_that_transparency_hides_are_not_seen(tmp_path):
    shown = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    alpha = np.where(np.arange(8) < 4, 255, 0).astype(np.uint8) * np.ones((8, 1), np.uint8)
    for name, hidden in (("black", 0), ("red", (255, 0, 0))):
        pixels = np.where(alpha[..., None] > 0, shown, np.uint8(hidden))
        images.write(images.Picture(pixels, alpha, "PNG"), tmp_path / f"{name}.png")
    files = scan(tmp_path)
    seen = np.where(alpha[..., None] > 0, shown, np.uint8(255))
    assert np.array_equal(files[0], seen)
    assert np.array_equal(files[1], seen)
    dataset = Dataset("x", {"A": files}, {"A": files}).read_with(Reading.of("#00ff00", 64))
    for part in (dataset.train, dataset.test):
        assert part["A"][0][0, 7].tolist() == [0, 255, 0]


@pytest.mark.fault("F-12")
def test_pictures_of_more_pixels_are_read_where_that_is_allowed(tmp_path):
    paint(tmp_path / "1.png", side=9)
    dataset = Dataset("x", {"A": scan(tmp_path)})
    with pytest.raises(ImageDecodeError, match="found 81, limit 80; a larger --max-pixels reads it"):
        dataset.read_with(Reading.of("white", 80)).train["A"][0]
    assert dataset.read_with(Reading.of("white", 81)).train["A"][0].shape == (9, 9, 3)


@pytest.mark.fault("F-12")
def test_files_may_have_the_bytes_that_their_pixels_need():
    assert Reading.of("white", 64_000_000).limits == images.LIMITS
    assert Reading.of("white", 1 << 30).limits.bytes == 8 << 30
