import numpy as np

from translate.toys import monets
from translate.toys.drawn import Drawn
from translate.toys.landscapes import LAND

TOY = "toy-monet2photo"


def pictures(domain, count=12):
    return [Drawn(TOY, domain, "train", count, 64).sample(index) for index in range(count)]


def roughness(image):
    """Return the mean difference between neighbours, of 255."""
    return np.abs(np.diff(image.astype(int), axis=0)).mean() + np.abs(np.diff(image.astype(int), axis=1)).mean()


def test_a_painting_is_of_the_same_kind_of_landscape():
    assert {*LAND} < {*monets.SCENERY}
    assert monets.SCENERY.items() <= monets.PAINTING.items()
    photo, monet = (np.mean([sample.mask.mean() for sample in pictures(domain)]) for domain in ("photo", "monet"))
    assert abs(photo - monet) < 0.05


def test_a_painting_of_a_photo_has_its_land_and_its_lights():
    for sample in pictures("photo", 4):
        strokes = {"strokes": 0.3, "violet": 0.9, "glow": 0.9}
        painted, land = monets.paint_monet(sample.parameters | strokes, 64)
        np.testing.assert_array_equal(land, sample.mask)
        before, after = (image.mean(2).reshape(16, 4, 16, 4).mean((1, 3)).ravel() for image in (sample.image, painted))
        assert np.corrcoef(before, after)[0, 1] > 0.9


def test_other_strokes_paint_the_same_landscape_in_other_strokes():
    p = Drawn(TOY, "monet", "train", 1, 64).parameters(0)
    one, other = (monets.paint_monet(p | {"strokes": strokes}, 64)[0].astype(int) for strokes in (0.2, 0.7))
    assert (np.abs(one - other).max(2) > 0).mean() > 0.9
    assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() < 4


def test_paintings_are_rougher_and_more_violet_in_the_shadows():
    photos, paintings = pictures("photo"), pictures("monet")
    assert min(roughness(sample.image) for sample in paintings) > max(roughness(sample.image) for sample in photos)

    def shadow(sample):
        red, green, blue = sample.image[sample.image.sum(2) < np.quantile(sample.image.sum(2), 0.1)].mean(0)
        return (red + blue) / 2 - green

    assert np.mean([shadow(sample) for sample in paintings]) > 20 + np.mean([shadow(sample) for sample in photos])
