import numpy as np
import pytest
from PIL import Image

from translate import cards, images
from translate.data.check import Finding, check
from translate.data.layouts import open_folder
from translate.toys.catalogue import open_drawn


def photo(seed, height=256, width=300):
    """A coloured picture that no other seed resembles."""
    random = np.random.default_rng(seed)
    return images.resize(random.integers(0, 256, (8, 8, 3), np.uint8), height, width)


@pytest.fixture
def folder(tmp_path):
    """A dataset without warts."""
    for seed, place in enumerate(("trainA/1", "trainA/2", "trainB/1", "trainB/2", "testA/1", "testB/1")):
        images.write_pixels(photo(seed), tmp_path / f"{place}.png")
    return tmp_path


def findings(folder):
    return {finding.what: finding.files for finding in check(open_folder(folder))}


def test_nothing_is_found_in_a_clean_dataset(folder):
    assert check(open_folder(folder)) == []


def test_a_drawn_dataset_has_no_files_to_look_at():
    assert check(open_drawn(cards.dataset("toy-horse2zebra"), 64)) == []


def test_unreadable_pictures_are_found_with_the_reason(folder):
    (folder / "trainB" / "3.png").write_bytes((folder / "trainB" / "1.png").read_bytes()[:900])
    found = findings(folder)
    assert list(found) == ["train B: cannot be read"]
    assert found["train B: cannot be read"][0].startswith(f"{folder / 'trainB' / '3.png'} cannot be decoded: ")


def test_exact_duplicates_are_found_although_they_were_encoded_anew(folder):
    pixels = images.read(folder / "trainA" / "1.png").rgb
    images.write_pixels(pixels, folder / "trainA" / "copy.bmp")
    Image.fromarray(pixels).save(folder / "trainA" / "other.png", compress_level=0)
    changed = pixels.copy()
    changed[0, 0, 0] ^= 1
    images.write_pixels(changed, folder / "trainA" / "one-level-off.png")
    assert findings(folder) == {"train A: exact duplicates": ("1.png = copy.bmp = other.png",)}


@pytest.mark.parametrize(("place", "other"), [("testA", "test A"), ("trainB", "train B")])
@pytest.mark.fault("R-42")
def test_a_picture_that_stands_in_two_folders_is_found_although_it_was_recompressed(folder, place, other):
    pixels = images.read(folder / "trainA" / "1.png").rgb
    images.write(images.Picture(pixels, None, ""), folder / place / "again.jpg", images.Encoding(quality=80))
    assert findings(folder) == {f"train A and {other}: nearly the same picture": ("1.png = again.jpg",)}


def test_greyscale_files_are_found_among_coloured_ones(folder):
    for name, seed in (("grey", 11), ("grey-too", 12)):
        Image.fromarray(photo(seed)).convert("L").save(folder / "trainA" / f"{name}.png")
    assert findings(folder) == {"train A: greyscale files": ("grey-too.png", "grey.png")}


def test_a_folder_of_greyscale_files_alone_is_nothing_unusual(folder):
    for name in ("1.png", "2.png"):
        Image.open(folder / "trainB" / name).convert("L").save(folder / "trainB" / name)
    assert findings(folder) == {}


def test_pictures_stored_in_colour_without_any_are_found(folder):
    Image.fromarray(photo(11)).convert("L").convert("RGB").save(folder / "trainA" / "3.png")
    assert findings(folder) == {"train A: stored in colour, but without any": ("3.png",)}


@pytest.mark.parametrize(("height", "width", "small"), [(255, 400, True), (400, 255, True), (256, 256, False)])
def test_pictures_below_256_pixels_are_found(folder, height, width, small):
    images.write_pixels(photo(11, height, width), folder / "testB" / "2.png")
    assert findings(folder) == ({"test B: shorter side below 256 px": ("2.png",)} if small else {})


def test_the_most_serious_findings_come_first(folder):
    images.write_pixels(photo(11, 200, 200), folder / "trainA" / "small.png")
    images.write_pixels(photo(12), folder / "trainA" / "once.png")
    images.write_pixels(photo(12), folder / "trainA" / "twice.png")
    images.write_pixels(photo(1), folder / "testA" / "2.png")
    (folder / "testB" / "broken.jpg").write_bytes(b"broken")
    assert [finding.what for finding in check(open_folder(folder))] == [
        "test B: cannot be read",
        "train A and test A: nearly the same picture",
        "train A: exact duplicates",
        "train A: shorter side below 256 px",
    ]


def test_a_finding_is_a_value(folder):
    images.write_pixels(photo(11, 99, 99), folder / "testB" / "2.png")
    assert check(open_folder(folder)) == [Finding("test B: shorter side below 256 px", ("2.png",))]


@pytest.mark.fault("F-6")
def test_pictures_that_differ_in_hidden_colours_alone_are_equal(folder):
    pixels, alpha = photo(9), np.full((256, 300), 255, np.uint8)
    alpha[:100] = 0
    for name, hidden in (("x", 0), ("y", 200)):
        stored = np.where(alpha[..., None] > 0, pixels, np.uint8(hidden))
        images.write(images.Picture(stored, alpha, "PNG"), folder / "trainA" / f"{name}.png")
    assert findings(folder) == {"train A: exact duplicates": ("x.png = y.png",)}


@pytest.mark.fault("F-5")
def test_pictures_of_nearly_one_level_are_found(folder):
    images.write_pixels((photo(9) // 9).astype(np.uint8), folder / "trainA" / "dark.png")
    assert findings(folder) == {"train A: less than an eighth of the levels, so nearly one colour": ("dark.png",)}
