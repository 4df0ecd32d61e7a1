import numpy as np
import pytest

from translate.toys.catalogue import draw
from translate.toys.stripes import background_error, stripe_score, striped

SIZES = [64, 128]
COUNT = 12  # masks per control


def animals(domain, size, count=COUNT):
    return list(map(draw("toy-horse2zebra", domain, "test", count=count, size=size).sample, range(count)))


def picture(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(image, sigma):
    places = np.arange(image.shape[0])
    line = np.exp(-0.5 * ((places[:, None] - places) / sigma) ** 2)
    line /= line.sum(1, keepdims=True)
    return np.einsum("ij,jkc,lk->ilc", line, image, line, optimize=True)


def smooth_field(random, size, sigma):
    field = blurred(random.normal(size=(size, size, 1)), sigma)
    return field / field.std()


def checkerboard(cell):
    def fill(random, size):
        rows, columns = np.mgrid[:size, :size] // cell
        return 255 * ((rows + columns) % 2)[..., None]

    return fill


def brown_and_white_stripes(random, size):
    white = np.sin(2 * np.pi * np.arange(size) / (0.083 * size)) > 0
    return np.where(white[None, :, None], (230, 230, 225), (115, 70, 38))


FILLS = {
    "black or white noise": lambda random, size: 255 * random.integers(0, 2, (size, size, 1)),
    "grey noise": lambda random, size: random.integers(0, 256, (size, size, 1)),
    "coloured noise": lambda random, size: random.integers(0, 256, (size, size, 3)),
    "checkerboard of 1": checkerboard(1),
    "checkerboard of 2": checkerboard(2),
    "checkerboard of 3": checkerboard(3),
    "checkerboard of 4": checkerboard(4),
    "black": lambda random, size: 0,
    "white": lambda random, size: 255,
    "grey": lambda random, size: 128,
    "brown coat": lambda random, size: np.array([150, 85, 45]) * (1 + 0.25 * smooth_field(random, size, size / 16)),
    "patches": lambda random, size: 127.5 + 127.5 * np.tanh(4 * smooth_field(random, size, size / 16)),
    "brown and white stripes": brown_and_white_stripes,
}


@pytest.mark.parametrize("size", SIZES)
def test_every_drawn_zebra_is_striped(size):
    assert (
        min(stripe_score(zebra.image, zebra.mask) for zebra in animals("zebra", size, 200 if size == 64 else 30)) > 0.95
    )


@pytest.mark.parametrize("size", SIZES)
def test_no_drawn_horse_is_striped(size):
    assert (
        max(stripe_score(horse.image, horse.mask) for horse in animals("horse", size, 200 if size == 64 else 30)) < 0.05
    )


@pytest.mark.parametrize("size", SIZES)
def test_zebras_that_are_slightly_blurred_and_faded_are_still_striped(size):
    for zebra in animals("zebra", size):
        faded = 127.5 + 0.8 * (blurred(zebra.image.astype(float), 0.7 * size / 64) - 127.5)
        assert stripe_score(picture(faded), zebra.mask) > 0.8


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fill", FILLS)
def test_other_patterns_on_the_same_masks_are_not_striped(fill, size):
    for k, zebra in enumerate(animals("zebra", size)):
        values = FILLS[fill](np.random.default_rng(k), size)
        image = np.where(zebra.mask[..., None] > 0, picture(np.broadcast_to(values, (size, size, 3))), zebra.image)
        assert stripe_score(image, zebra.mask) < 0.2


@pytest.mark.parametrize("size", SIZES)
def test_a_zebra_with_one_half_painted_over_scores_about_half(size):
    for zebra in animals("zebra", size):
        middle = int(np.median(np.nonzero(zebra.mask > 0.5)[1]))
        image = zebra.image.copy()
        image[:, middle:][zebra.mask[:, middle:] > 0] = (120, 70, 40)
        assert 0.35 < stripe_score(image, zebra.mask) < 0.6
        assert not striped(image, zebra.mask)[:, middle + size // 16 :].any()


def test_the_background_does_not_count():
    zebra = animals("zebra", 64, 1)[0]
    rows, _ = np.mgrid[:64, :64]
    image = np.where(zebra.mask[..., None] > 0, zebra.image, picture(255 * (rows // 3 % 2))[..., None])
    assert stripe_score(image, zebra.mask) == stripe_score(zebra.image, zebra.mask)
    assert not striped(image, zebra.mask)[zebra.mask < 0.95].any()


def test_the_background_error_is_the_mean_difference_outside_the_animal():
    horse = animals("horse", 64, 1)[0]
    image = np.maximum(horse.image, 51)
    assert background_error(image, image, horse.mask) == 0
    assert background_error(image, image - 51, horse.mask) == pytest.approx(0.2)
    assert background_error(image - 51, image, horse.mask) == pytest.approx(0.2)


def test_the_animal_and_the_pixels_that_touch_it_are_not_background():
    mask = np.zeros((16, 16), np.float32)
    mask[6:9, 6:9] = 1
    source = np.zeros((16, 16, 3), np.uint8)
    translated = source.copy()
    translated[5:10, 5:10] = 255
    assert background_error(source, translated, mask) == 0
    translated[4, 7] = 255
    assert background_error(source, translated, mask) == pytest.approx(1 / (16 * 16 - 25))


def test_a_mask_without_background_or_without_animal_is_refused():
    image = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="covers the whole picture"):
        background_error(image, image, np.ones((32, 32), np.float32))
    with pytest.raises(ValueError, match="nothing to score"):
        stripe_score(image, np.zeros((32, 32), np.float32))


def test_shapes_that_disagree_are_refused():
    image = np.zeros((32, 32, 3), np.uint8)
    mask = np.zeros((32, 32), np.float32)
    with pytest.raises(ValueError, match=r"found \(16, 32, 3\) and \(32, 32\)"):
        background_error(image, image[:16], mask)
    with pytest.raises(ValueError, match=r"found \(32, 32\) and \(32, 32\)"):
        stripe_score(image[..., 0], mask)
