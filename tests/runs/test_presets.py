"""The settings of ours that `--config` knows by name."""

from pathlib import Path
from typing import Any

import pytest

from translate import cards, features
from translate.errors import DataError, SettingsError, TranslateError, WeightsError
from translate.networks.unet import UNet
from translate.runs import prepare
from translate.runs.options import resolve


def test_a_preset_is_what_it_says_for_the_method_that_is_asked_for() -> None:
    for words, options, expected in (
        ([], {}, "cut"),
        ([], {"method": "cut"}, "cut"),
        ([], {"method": "cyclegan"}, "cyclegan"),
        (["method.name=cyclegan"], {}, "cyclegan"),
        ([], {"method": "pix2pix"}, "pix2pix"),
    ):
        recipe = resolve(None, "quick", words, options)
        assert recipe.method.name == expected
        assert recipe.data.zoom is (expected != "pix2pix")
        assert recipe == resolve(None, "quick" if expected == "cut" else f"quick-{expected}", [], {})


def test_both_quick_presets_have_the_same_networks_and_optimisers() -> None:
    cut, cyclegan = (resolve(None, "quick", [], {"method": method}) for method in ("cut", "cyclegan"))
    for name in ("generator", "discriminator", "optimiser", "optimisers", "lambda_idt"):
        assert getattr(cut.method, name) == getattr(cyclegan.method, name), name
    assert cut.data == cyclegan.data
    assert cut.with_training(steps=1).training == cyclegan.with_training(steps=1).training


def test_the_preset_for_paintings_is_quick_but_for_what_it_says() -> None:
    quick, painting = resolve(None, "quick", [], {}), resolve(None, "painting", [], {})
    assert painting.data.magnify == {"target": 1.6}
    words = ["data.zoom=false", "data.magnify={target=1.6}", "method.lambda_tv=2"]
    assert painting == resolve(None, "quick", words, {}) != quick


def test_a_file_of_settings_extends_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text('extends = "painting"\n[data]\nload = 300\n')
    expected = resolve(None, "painting", ["data.load=300"], {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").mkdir()  # such as a folder of results
    assert resolve(None, own, [], {}) == expected


@pytest.mark.parametrize("name", ['"paintings"', '"own.toml"', "[1]"])
def test_a_file_extends_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(f"extends = {name}\n")
    with pytest.raises(
        SettingsError, match=r"own\.toml extends .*, which are no settings of ours\. Ours: cut, enlarge"
    ):
        resolve(None, "own.toml", [], {})


@pytest.mark.parametrize(
    ("config", "method", "sentence"),
    [
        (
            "quick",
            "stargan",
            "The settings quick are for cut, cyclegan and pix2pix, not for stargan. Leave",
        ),
        ("fastcut", "cyclegan", "The settings fastcut are for cut, not for cyclegan. Leave out --config,"),
    ],
)
def test_a_preset_for_another_method_is_refused(config: str, method: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        resolve(None, config, [], {"method": method})


@pytest.mark.parametrize("name", sorted(cards.names("datasets")))
@pytest.mark.parametrize("method", ["cut", "cyclegan"])
def test_a_preset_takes_nothing_of_the_method_of_a_card(name: str, method: str) -> None:
    card = cards.dataset(name)
    recipe = resolve(card, "quick", [], {"method": method})
    alone = resolve(None, "quick", [], {"method": method})
    assert recipe.method == alone.method
    assert (recipe.data.size, recipe.training.steps, recipe.training.batch) == (128, alone.training.steps, 3)


def test_a_generator_of_another_kind_takes_nothing_of_that_of_a_preset() -> None:
    words = ["method.generator.width=8", "method.generator.kind=unet"]
    generator = resolve(None, "quick", words, {"method": "pix2pix"}).method.generator
    assert isinstance(generator, UNet)
    assert generator.width == 8


def test_words_and_options_lie_over_a_preset() -> None:
    recipe = resolve(None, "quick", ["method.lambda_X=0.2", "training.seed=5"], {"steps": 7})
    assert (recipe.method.lambda_X, recipe.training.seed, recipe.training.steps) == (0.2, 5, 7)
    with pytest.raises(SettingsError, match=r"Unknown setting method\.lambda_cyc.*It comes from --set method"):
        resolve(None, "quick", ["method.lambda_cyc=1"], {})


@pytest.mark.parametrize("method", ["cut", "cyclegan"])
def test_without_the_extra_one_sentence_says_what_to_install(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(features, "LITE0_PACKAGE", "there_is_no_such_package")
    with pytest.raises(WeightsError) as refusal:
        prepare(photos, config="quick", method=method, out=tmp_path / "run", device="cpu")
    assert refusal.value.exit_code == 5
    assert str(refusal.value) == "The features lite0 need one more package: pip install 'image-translate[features]'"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "error", "code", "sentence"),
    [
        ({"size": 32, "words": ["method.discriminator.critics=[{critic = {layers = 4}}]"]}, SettingsError, 2,
         "Size 32 does not suit cut with these networks: it must be a multiple of 4 and at least 48 pixels"),
        ({"words": ['method.taps=["pixels"]']}, SettingsError, 2,
         "no tap 'pixels' for method.taps. It has stem, down1, down2, block1, block2, block3, block4, block5, block6"),
        ({"domains": "abc"}, DataError, 4,
         "cut translates between two domains; found 3: a, b, c. Use --method stargan for more"),
    ],
    ids=["size", "tap", "domains"],
)  # fmt: skip
def test_what_quick_cannot_do_is_one_sentence(
    photos: Path, tmp_path: Path, options: dict[str, Any], error: type[TranslateError], code: int, sentence: str
) -> None:
    domains = options.pop("domains", None)
    data = None if domains else photos
    folders = dict.fromkeys(domains, photos / "trainA") if domains else None
    with pytest.raises(error, match=sentence) as refusal:
        prepare(data, domains=folders, config="quick", out=tmp_path / "run", device="cpu", **options)
    assert refusal.value.exit_code == code


def test_srresnet_and_srgan_have_the_same_generator_and_the_published_weights() -> None:
    alone, adversarial = (resolve(None, name, [], {}) for name in ("srresnet", "srgan"))
    assert alone.method.generator == adversarial.method.generator
    assert (alone.data.made, alone.data.size, alone.training.batch) == ("superres4", 96, 16)
    assert adversarial.method.lambda_gan == 1e-3
    assert [alone.method.optimiser.lr * factor for factor in (1, 0.1)] == [
        pytest.approx(adversarial.method.optimiser.lr * adversarial.method.decay.factor(step, 200_000))
        for step in (100_000, 100_001)
    ]


@pytest.mark.parametrize("made", ["superres2", "superres4"])
def test_the_generator_enlarges_as_much_as_the_pairs_that_are_made(photos: Path, tmp_path: Path, made: str) -> None:
    words = [f"data.made={made}", "method.generator.width=4"]
    run = prepare(photos / "trainA", config="srresnet", words=words, out=tmp_path / "run", device="cpu")
    assert run.recipe.method.scale == run.recipe.method.generator.scale == int(made[-1])
    assert run.dataset.domains == ("coarse", "fine")


def test_the_preset_that_fills_holes_makes_them_in_one_folder_of_pictures(photos: Path, tmp_path: Path) -> None:
    words = ["method.generator.width=2", "data.size=32"]
    run = prepare(photos / "trainA", config="fill", words=words, out=tmp_path / "run", device="cpu")
    assert run.dataset.domains == ("holed", "whole")
    generator = run.recipe.method.generator
    assert (generator.kind, generator.depth, generator.norm) == ("unet", 5, "batch")
    assert run.recipe.data.load_size == 36  # so that crops of every size hold most of a picture
    with pytest.raises(SettingsError, match="Size 48 does not suit a U-Net that halves it 5 times"):
        prepare(photos / "trainA", config="fill", words=["data.size=48"], out=tmp_path / "other", device="cpu")
