import json
import os
import subprocess
import sys
import textwrap

import albumentations
import numpy as np
import pytest
import torch
from albumentations.core import serialization

from translate import cli, images
from translate.data.augmentation import Augmentation, Augmenter, read_transforms
from translate.data.batches import UnpairedBatches
from translate.data.store import Store
from translate.errors import SettingsError
from translate.runs import prepare


class Painted:
    """Pictures in memory."""

    def __init__(self, pictures):
        self.pictures = list(pictures)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.pictures[index]

    def name(self, index):
        return f"{index}.png"


def noise(side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def ramp(side):
    """A picture whose red is twice its row and whose green is twice its column."""
    rows, columns = np.mgrid[:side, :side]
    return np.stack([2 * rows, 2 * columns, np.full_like(rows, 99)], axis=2).astype(np.uint8)


def saved(transform, path):
    albumentations.save(transform, path, data_format="json" if path.suffix == ".json" else "yaml")
    return path


def nested(flip=0.5):
    """Transforms in transforms, whose draws all show on noise."""
    return albumentations.Compose(
        [
            albumentations.OneOf([albumentations.RandomRotate90(p=1), albumentations.Transpose(p=1)], p=0.5),
            albumentations.SomeOf([albumentations.RandomGamma(p=1), albumentations.GaussNoise(p=1)], n=1, p=1),
            albumentations.Compose([albumentations.HorizontalFlip(p=flip), albumentations.CoarseDropout(p=1)]),
        ],
        seed=3,
    )


def batches(settings, count=3):
    stores = {domain: Store(domain, Painted([noise(36)] * count), settings) for domain in "AB"}
    return UnpairedBatches(stores, settings, 2, seed=0)


def parse(**tree):
    return Augmentation.parse({"size": 32, "load": 36, **tree}, under="data")


# Rotation and affine


def slope(picture, channel):
    """The mean change of a channel of `ramp` along the rows and along the columns, in the middle of the picture."""
    middle = picture[12:-12, 12:-12, channel].astype(float)
    return np.diff(middle, axis=0).mean(), np.diff(middle, axis=1).mean()


def test_rotations_reach_the_angle_of_the_setting_and_change_nothing_else():
    augment = Augmenter(Augmentation(size=64, load=64, flip=0.0, rotation=30))
    angles = []
    for seed in range(60):
        picture = augment(ramp(64), seed)
        down, right = slope(picture, 0)
        angles.append(np.degrees(np.arctan2(right, down)))
        assert np.hypot(down, right) == pytest.approx(2, abs=0.05)  # neither stretched nor shrunk
        assert slope(picture, 1) == pytest.approx((-right, down), abs=0.05)  # nor sheared
        assert (picture[..., 2] == 99).all()  # borders are reflected
    assert max(np.abs(angles)) <= 30.5
    assert min(angles) < -25
    assert max(angles) > 25


def test_affine_shifts_scales_and_shears_by_its_strength_and_does_not_rotate():
    def differences(strength):
        augment = Augmenter(Augmentation(size=64, load=64, flip=0.0, affine=strength))
        found = []
        for seed in range(60):
            picture = augment(ramp(64), seed)
            assert (picture[..., 2] == 99).all()
            (red_down, red_right), (green_down, green_right) = slope(picture, 0), slope(picture, 1)
            moved = picture[32, 32, :2].astype(float) - 64
            found.append([red_down / 2, green_right / 2, red_right / 2, green_down / 2, *moved / 2])
        return np.abs(np.array(found) - [1, 1, 0, 0, 0, 0]).max(axis=0)

    full, slight = differences(1.0), differences(0.1)
    assert (full[:2] > 0.1).all()
    assert (full[:2] < 0.35).all()  # 1 / 0.8 at most
    assert (full[2:4] > 0.1).all()
    assert (full[2:4] < 0.3).all()
    assert (full[4:] > 4).all()
    assert (full[4:] < 12).all()
    assert (slight < full / 4).all()


def test_with_every_strength_at_0_pictures_are_cropped_and_flipped_only():
    plain = albumentations.Compose([albumentations.RandomCrop(32, 32), albumentations.HorizontalFlip(p=0.5)])
    augment = Augmenter(Augmentation(size=32))
    for seed in range(20):
        plain.set_random_seed(seed)
        np.testing.assert_array_equal(augment(noise(36), seed), plain(image=noise(36))["image"])


# Transforms from a file


# Crops of a random side


ZOOM = Augmentation(size=32, load=64, zoom=True, flip=0)


def extent(crop: np.ndarray) -> tuple[float, float, float]:
    """The side of a crop of `ramp`, and its top and left, in pixels of the picture, from the values at its edges."""
    rows, columns = crop[..., 0].astype(float) / 2, crop[..., 1].astype(float) / 2
    side = (rows[-1].mean() - rows[0].mean()) * 32 / 31
    return side, rows[0].mean(), columns[:, 0].mean()


def test_with_zoom_a_crop_is_a_function_of_the_seed_alone():
    picture, other = ramp(64), noise(64)
    first, again = Augmenter(ZOOM), Augmenter(ZOOM)
    crops = [first(picture, seed) for seed in range(5)]
    again(other, 99)
    assert all(np.array_equal(crop, again(picture, seed)) for seed, crop in reversed([*enumerate(crops)]))
    assert all(crop.shape == (32, 32, 3) and crop.dtype == np.uint8 for crop in crops)
    assert len({crop.tobytes() for crop in crops}) == 5


def test_with_zoom_crops_have_sides_from_the_size_to_the_whole_picture_and_lie_everywhere():
    augment = Augmenter(ZOOM)
    found = np.array([extent(augment(ramp(64), seed)) for seed in range(400)])
    sides, tops, lefts = found.T
    assert sides.min() < 34
    assert sides.max() > 62
    middle = np.quantile(sides, [0.25, 0.5, 0.75])
    assert np.abs(middle - [40, 48, 56]).max() < 4  # every side is as likely
    for corner in (tops, lefts):
        assert corner.min() < 2
        assert corner.max() > 25
        assert corner.max() < 33


def test_with_zoom_the_whole_picture_can_be_seen():
    augment = Augmenter(ZOOM)
    whole = ramp(64).reshape(32, 2, 32, 2, 3).mean((1, 3))  # every value is the mean of four
    nearest = min(np.abs(augment(ramp(64), seed).astype(float) - whole).max() for seed in range(300))
    assert nearest < 1


def test_with_zoom_both_pictures_of_a_pair_are_cut_alike():
    one, other = Augmenter(ZOOM).together([ramp(64), 255 - ramp(64)], 3)
    assert np.abs(one.astype(int) + other - 255).max() <= 1


def test_without_zoom_crops_have_the_size_as_before():
    plain = Augmenter(Augmentation(size=32, load=64, flip=0))
    assert {round(extent(plain(ramp(64), seed))[0]) for seed in range(20)} == {32}


@pytest.mark.parametrize("name", ["own.json", "own.yaml", "own.yml", "own"])
def test_saved_transforms_take_the_place_of_all_but_the_crop(tmp_path, name):
    path = tmp_path / name
    kind = "yaml" if "y" in name else "json"
    albumentations.save(albumentations.InvertImg(p=1.0), path, data_format=kind)
    augment = Augmenter(parse(transforms=str(path), load=32))
    for seed in range(10):
        np.testing.assert_array_equal(augment(noise(32), seed), 255 - noise(32))  # never flipped


@pytest.mark.parametrize(
    "transform", [nested(), albumentations.Rotate((-20, 20), p=1), albumentations.RandomCrop(32, 32)]
)
def test_transforms_do_what_they_did_before_they_were_saved(tmp_path, transform):
    settings = parse(transforms=str(saved(transform, tmp_path / "own.json")))
    expected = albumentations.Compose([transform, albumentations.RandomCrop(32, 32)])
    for seed in range(5):
        expected.set_random_seed(seed)
        found = Augmenter(settings)(noise(36), seed)
        np.testing.assert_array_equal(found, expected(image=noise(36))["image"])
        assert (found.shape, found.dtype) == ((32, 32, 3), np.uint8)


@pytest.mark.parametrize("workers", [1, 4])
def test_nested_transforms_do_not_depend_on_workers_and_never_repeat(tmp_path, workers):
    settings = parse(transforms=str(saved(nested(), tmp_path / "own.json")))
    straight = [batches(settings)[n] for n in range(12)]  # six epochs of one picture, three times
    streamed = list(batches(settings).stream(0, 12, workers))
    for one, other in zip(straight, streamed, strict=True):
        assert all(torch.equal(one[domain], other[domain]) for domain in "AB")
    pictures = [picture.numpy().tobytes() for batch in straight for domain in "AB" for picture in batch[domain]]
    assert len(set(pictures)) == len(pictures) == 48


def test_transforms_travel_in_the_settings_and_not_as_a_path(tmp_path):
    path = saved(nested(), tmp_path / "own.json")
    settings = parse(transforms=str(path))
    before = [Augmenter(settings)(noise(36), seed) for seed in range(5)]
    path.unlink()
    again = Augmentation.parse(json.loads(settings.to_json()))
    assert again == settings
    for seed, picture in enumerate(before):
        np.testing.assert_array_equal(Augmenter(again)(noise(36), seed), picture)


def test_held_pictures_stay_as_they_are(tmp_path):
    settings = parse(transforms=str(saved(nested(), tmp_path / "own.json")))
    picture = noise(36)
    for seed in range(10):
        Augmenter(settings)(picture, seed)
    np.testing.assert_array_equal(picture, noise(36))


def test_a_run_continues_only_with_the_same_transforms(tmp_path):
    for folder in ("trainA", "trainB"):
        for index in range(2):
            images.write_pixels(noise(40, index), tmp_path / "data" / folder / f"{index}.png")
    path = saved(nested(), tmp_path / "own.json")
    words = [
        f"data.transforms={path}", "data.size=32", "training.steps=1", "training.precision=fp32", "method.pool=0",
        "method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}",
    ]  # fmt: skip

    def run():
        return prepare(tmp_path / "data", out=tmp_path / "run", device="cpu", words=words)

    list(run().start())
    assert run().finished
    text = (tmp_path / "run" / "settings.json").read_text(encoding="utf-8")
    assert json.loads(text)["data"]["transforms"] == read_transforms(path)
    saved(nested(flip=0.25), path)
    with pytest.raises(SettingsError, match=r"holds a run with other settings: data\.transforms.* was .*, now .*--out"):
        run()


# What is refused


def tree(cls, **arguments):
    return {"__version__": "2.0.8", "transform": {"__class_fullname__": cls, "p": 1.0, **arguments}}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("not JSON", "own.json does not hold transforms that albumentations saved: JSONDecodeError: "),
        ("[1, 2]", "own.json does not hold transforms that albumentations saved: "),
        (tree("os.system", command="x"), "own.json does not hold .* saved: unknown or missing 'os.system'"),
        (tree("builtins.eval"), "own.json does not hold .* saved: unknown or missing 'builtins.eval'"),
        (tree("Lambda", __name__="mine"), "own.json does not hold .* saved: ValueError: .* name mine"),
        (tree("HorizontalFlap"), "own.json does not hold .* saved: unknown or missing 'HorizontalFlap'"),
        (tree("HorizontalFlip", often=True), "own.json does not hold .* saved: .*often"),
        (tree("Rotate", limit="far"), "own.json does not hold .* saved: "),
        (tree("Compose", transforms=[tree("subprocess.Popen")["transform"]]), "saved: unknown .* 'subprocess.Popen'"),
        (tree("FDA", reference_images=["/etc/hostname"], read_fn="open"), "own.json does not hold"),
        (tree("Normalize"), "data.transforms must turn .* at least 32 x 32 .* was \\(32, 32, 3\\) in float32"),
        (tree("ToTensorV2"), "data.transforms "),
        (tree("CenterCrop", height=16, width=16), "data.transforms fails on a picture: CropSizeError: "),
        (tree("ToGray", num_output_channels=1), "data.transforms "),
        (tree("OverlayElements"), "data.transforms fails on a picture: "),
    ],
)  # fmt: skip
def test_files_of_anything_else_are_refused_before_a_run(tmp_path, content, sentence):
    path = tmp_path / "own.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence) as caught:
        parse(transforms=str(path))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_yaml_that_names_python_objects_is_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(f"transform: !!python/object/apply:os.mkdir [{tmp_path / 'made'}]\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="does not hold transforms that albumentations saved: ConstructorError"):
        parse(transforms=str(path))
    assert not (tmp_path / "made").exists()


def test_only_classes_of_albumentations_can_be_named():
    modules = {cls.__module__.split(".")[0] for cls in serialization.SERIALIZABLE_REGISTRY.values()}
    assert modules == {"albumentations"}
    assert list(serialization.NON_SERIALIZABLE_REGISTRY) == ["Lambda"]


def test_a_missing_file_is_exit_code_2(tmp_path, capsys, monkeypatch):
    path = tmp_path / "none.json"
    monkeypatch.setattr(sys, "argv", ["translate", "train", str(tmp_path), "--set", f"data.transforms={path}"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    sentence = f"There is no file {path}, which the setting data.transforms names."
    assert sentence.split() == capsys.readouterr().err.removeprefix("Error: ").split()


@pytest.mark.parametrize("other", ["colour", "rotation", "affine"])
def test_transforms_and_another_augmentation_are_refused(tmp_path, other):
    path = saved(albumentations.InvertImg(), tmp_path / "own.json")
    with pytest.raises(SettingsError, match="transforms take the place of flip, colour, rotation and affine"):
        parse(transforms=str(path), **{other: 0.5})


def test_transforms_that_fail_on_one_picture_only_say_so(tmp_path):
    settings = parse(transforms=str(saved(albumentations.InvertImg(p=1), tmp_path / "own.json")))
    with pytest.raises(SettingsError, match=r"^The setting data\.transforms fails on a picture: CropSizeError: .*\.$"):
        Augmenter(settings)(noise(20), 0)


@pytest.mark.fault("S-25")
def test_importing_and_using_albumentations_asks_nobody():
    program = """
        import socket

        def refuse(*_, **__):
            raise SystemExit("a socket was opened")

        socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
        import numpy as np
        from translate.data.augmentation import Augmentation, Augmenter
        augment = Augmenter(Augmentation(size=32, colour=1.0, affine=1.0))
        assert augment(np.zeros((36, 36, 3), np.uint8), 0).shape == (32, 32, 3)
        print("done")
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
