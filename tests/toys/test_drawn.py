import numpy as np
import pytest

from translate import cards
from translate.errors import SettingsError
from translate.toys import faces
from translate.toys.catalogue import TOYS, draw, open_drawn

TOY = "toy-horse2zebra"
DOMAINS = [(dataset, domain) for dataset, toy in TOYS.items() for domain in toy.painters]


@pytest.mark.parametrize(("dataset", "domain"), DOMAINS)
def test_a_picture_is_a_pure_function_of_its_names_and_index(dataset, domain):
    first = draw(dataset, domain, "train", count=9, size=48, seed=3)
    again = draw(dataset, domain, "train", count=4, size=48, seed=3)
    np.testing.assert_array_equal(first.sample(3).image, again.sample(3).image)
    np.testing.assert_array_equal(first.sample(3).mask, again.sample(3).mask)
    assert first.sample(3).parameters == again.sample(3).parameters


@pytest.mark.parametrize(("dataset", "domain"), DOMAINS)
def test_index_split_and_seed_each_change_the_picture(dataset, domain):
    pictures = [
        draw(dataset, domain, split, count=2, size=32, seed=seed)[index]
        for split in ("train", "test")
        for seed in (0, 1)
        for index in (0, 1)
    ]
    assert len({picture.tobytes() for picture in pictures}) == 8


def test_the_two_domains_are_not_paired():
    horse, zebra = (draw(TOY, domain, "train", count=1, size=32).sample(0) for domain in ("horse", "zebra"))
    assert all(horse.parameters[name] != zebra.parameters[name] for name in ("position", "horizon", "neck"))


@pytest.mark.parametrize(("dataset", "domain"), DOMAINS)
def test_samples_have_the_promised_shapes_types_and_ranges(dataset, domain):
    drawn = draw(dataset, domain, "test", count=8, size=64)
    for sample in map(drawn.sample, range(len(drawn))):
        assert sample.image.shape == (64, 64, 3)
        assert sample.image.dtype == np.uint8
        assert sample.mask.shape == (64, 64)
        assert sample.mask.dtype == np.float32
        assert sample.mask.min() == 0
        assert sample.mask.max() == 1
        assert set(sample.parameters) == set(TOYS[dataset].painters[domain].ranges)
        assert all(type(value) is float for value in sample.parameters.values())


@pytest.mark.parametrize(("dataset", "domain"), DOMAINS)
def test_the_size_changes_the_resolution_and_not_the_scene(dataset, domain):
    small, large = (draw(dataset, domain, "train", count=6, size=size) for size in (64, 256))
    for index in range(6):
        few, many = small.sample(index), large.sample(index)
        assert few.parameters == many.parameters
        image = many.image.reshape(64, 4, 64, 4, 3).mean((1, 3))
        mask = many.mask.reshape(64, 4, 64, 4).mean((1, 3))
        assert np.abs(image - few.image).mean() < 3  # of 255
        assert np.abs(mask - few.mask).mean() < 0.01


@pytest.mark.parametrize("domain", ["horse", "zebra"])
def test_the_animal_fills_an_eighth_to_a_quarter_of_the_picture_and_touches_no_side(domain):
    drawn = draw(TOY, domain, "train", count=40, size=64)
    for sample in map(drawn.sample, range(40)):
        assert 0.12 < sample.mask.mean() < 0.26
        assert sample.mask[:, [0, -1]].max() == 0
        assert sample.mask[[0, -1]].max() == 0


def test_the_mask_is_where_the_coat_is():
    horse, zebra = TOYS[TOY].painters["horse"], TOYS[TOY].painters["zebra"]
    drawn = draw(TOY, "horse", "train", count=8, size=64)
    for sample in map(drawn.sample, range(8)):
        coat = {name: 0.5 * sum(limits) for name, limits in zebra.ranges.items() if name not in horse.ranges}
        twin, mask = zebra.paint(sample.parameters | coat, 64)
        np.testing.assert_array_equal(mask, sample.mask)
        changed = np.abs(twin.astype(int) - sample.image).max(2) > 0
        assert not changed[sample.mask == 0].any()
        assert changed[sample.mask > 0.5].mean() > 0.95


def test_the_two_domains_share_everything_but_the_coat():
    def describe(domain):
        samples = list(map(draw(TOY, domain, "train", count=120, size=32).sample, range(120)))
        outside = np.mean([sample.image[sample.mask == 0].mean(0) for sample in samples], axis=0)
        return outside, np.mean([sample.mask for sample in samples], axis=0)

    (horse_colour, horse_mask), (zebra_colour, zebra_mask) = describe("horse"), describe("zebra")
    np.testing.assert_allclose(horse_colour, zebra_colour, atol=5)  # of 255
    assert abs(horse_mask.mean() - zebra_mask.mean()) < 0.01
    horse, zebra = TOYS[TOY].painters["horse"].ranges, TOYS[TOY].painters["zebra"].ranges
    assert all(horse[name] == zebra[name] for name in set(horse) & set(zebra))
    assert set(horse) ^ set(zebra) == {"chestnut", "depth", "hair", "stripe_period", "stripe_phase", "stripe_wave"}


def test_horses_are_brown_and_zebras_are_black_and_white():
    for k in range(20):
        horse = draw(TOY, "horse", "train", count=20, size=64).sample(k)
        red, green, blue = horse.image[horse.mask > 0.99].mean(0)
        assert red > 1.3 * green > 1.3 * blue
        zebra = draw(TOY, "zebra", "train", count=20, size=64).sample(k)
        grey = zebra.image[zebra.mask > 0.99].mean(1)
        assert np.quantile(grey, 0.2) < 0.15 * 255
        assert np.quantile(grey, 0.8) > 0.7 * 255
        assert np.ptp(zebra.image[zebra.mask > 0.99].astype(int), axis=1).mean() < 0.06 * 255


def test_animals_face_both_ways_and_graze_or_look_up():
    drawn = draw(TOY, "zebra", "train", count=60, size=32)
    parameters = [drawn.sample(k).parameters for k in range(60)]
    assert 15 < sum(p["facing"] > 0 for p in parameters) < 45
    assert min(p["neck"] for p in parameters) < -25
    assert max(p["neck"] for p in parameters) > 45


@pytest.mark.parametrize(("dataset", "domain"), DOMAINS)
def test_parameters_and_attributes_are_known_without_drawing(dataset, domain):
    drawn = draw(dataset, domain, "train", count=3, size=32)
    assert drawn.parameters(2) == drawn.sample(2).parameters
    assert drawn.attributes(2) == drawn.sample(2).attributes
    with pytest.raises(IndexError, match="3 drawn pictures"):
        drawn.parameters(3)


def test_faces_have_all_attributes_or_the_wanted_ones_in_their_order():
    card = cards.dataset("toy-faces").model_copy(update={"train": 20})
    drawn, dataset = draw("toy-faces", "face", "train", 20, 32), open_drawn(card, 32)
    assert dataset.attributes == ("black_hair", "blond_hair", "red_hair", "glasses", "smile")
    assert dataset.has.dtype == np.float32
    for index, has in enumerate(dataset.has):
        assert has.tolist() == list(drawn.attributes(index).values())
    chosen = open_drawn(card, 32, ["smile", "red_hair"])
    assert chosen.attributes == ("smile", "red_hair")
    np.testing.assert_array_equal(chosen.has, dataset.has[:, [4, 2]])


def test_domains_of_faces_differ_in_their_hair():
    for domain in ("black", "blond", "red"):
        drawn = draw("toy-faces-hair", domain, "train", 20, 32)
        assert all(faces.attributes(drawn.parameters(k))[f"{domain}_hair"] for k in range(20))
        assert drawn.attributes(0) == {}


@pytest.mark.parametrize(("name", "wanted"), [("toy-faces", "smiles"), (TOY, "smile")])
def test_attributes_that_are_not_there_are_refused(name, wanted):
    with pytest.raises(SettingsError, match=f"attribute of {name} '{wanted}'"):
        open_drawn(cards.dataset(name), 32, [wanted])


def test_a_drawn_domain_is_a_sequence_of_named_pictures():
    drawn = draw(TOY, "horse", "test", count=3, size=32)
    assert len(drawn) == len(list(drawn)) == 3
    assert [drawn.name(k) for k in range(3)] == ["00000.png", "00001.png", "00002.png"]


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_is_refused(index):
    with pytest.raises(IndexError, match="3 drawn pictures"):
        draw(TOY, "horse", "test", count=3, size=32)[index]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("toy-hors2zebra", "horse", "train", 1, 64), "Did you mean toy-horse2zebra"),
        ((TOY, "zebras", "train", 1, 64), "Did you mean zebra"),
        ((TOY, "zebra", "tests", 1, 64), "Did you mean test"),
        ((TOY, "zebra", "test", 1, 31), "at least 32 pixels; found 31"),
        ((TOY, "zebra", "test", -1, 64), "cannot be negative; found -1"),
    ],
)
def test_wrong_words_are_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(SettingsError, match=sentence):
        draw(*arguments)
