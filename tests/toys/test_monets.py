import numpy as np
import pytest

from translate.toys import monets
from translate.toys.catalogue import draw, drawn_scores
from translate.toys.landscapes import LAND

TOY = "toy-monet2photo"


def pictures(domain, count=12):
    return [draw(TOY, domain, "train", count, 64).sample(index) for index in range(count)]


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
    p = draw(TOY, "monet", "train", 1, 64).parameters(0)
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


# Scores

COUNT = 24


def distance(translate):
    scores = drawn_scores(TOY, translate, 64, COUNT)
    assert list(scores) == ["colour distance"]
    return scores["colour distance"]


def test_photos_are_as_far_as_photos_are():
    assert distance(lambda pictures, target: list(pictures)) == 1


def test_true_monets_of_the_same_landscapes_are_near():
    photos = draw(TOY, "photo", "test", COUNT, 64)
    truth = {}
    for index in range(COUNT):
        strokes = {name: 0.5 * sum(monets.PAINTING[name]) for name in monets.PAINTING.keys() - monets.SCENERY.keys()}
        sample = photos.sample(index)
        truth[sample.image.tobytes()] = monets.paint_monet(sample.parameters | strokes, 64)[0]
    assert distance(lambda pictures, _: [truth[picture.tobytes()] for picture in pictures]) < 0.3


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_for_all_is_not_near(level):
    assert distance(lambda pictures, _: [0 * picture + level for picture in pictures]) > 0.5


def test_pictures_are_turned_into_monets():
    targets = set()
    distance(lambda pictures, target: (targets.add(target), list(pictures))[1])
    assert targets == {"monet"}
