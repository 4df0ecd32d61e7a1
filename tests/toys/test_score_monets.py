import pytest

from translate.toys import monets
from translate.toys.drawn import Drawn
from translate.toys.scores import drawn_scores

TOY = "toy-monet2photo"
COUNT = 24


def distance(translate):
    scores = drawn_scores(TOY, translate, 64, COUNT)
    assert list(scores) == ["colour distance"]
    return scores["colour distance"]


def test_photos_are_as_far_as_photos_are():
    assert distance(lambda pictures, target: list(pictures)) == 1


def test_true_monets_of_the_same_landscapes_are_near():
    photos = Drawn(TOY, "photo", "test", COUNT, 64)
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
