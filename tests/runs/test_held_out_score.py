from pathlib import Path

import numpy as np
import pytest

from translate import images
from translate.data.folders import Dataset
from translate.features import LITE0, RANDOM, find_weights
from translate.inference.translator import Translator
from translate.models.exports import read_about
from translate.runs import held_out_score, prepare
from translate.runs.held_out_score import NAME, HeldOutScore

WORDS = [
    "method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}", "data.held_out=4",
    "training.milestone_every=2", "training.checkpoint_every=2",
]  # fmt: skip


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for domain, middle in (("A", 60), ("B", 190)):
        for index in range(8):
            pixels = (middle + random.integers(-50, 50, (40, 40, 3))).astype(np.uint8)
            images.write_pixels(pixels, tmp_path / "paintings" / f"train{domain}" / f"{index}.png")
    return tmp_path / "paintings"


def run(paintings: Path, out: Path, steps: int) -> None:
    list(prepare(paintings, size=32, steps=steps, out=out, words=WORDS, device="cpu").start())


def test_the_best_export_is_kept_beside_the_last(
    tmp_path: Path, paintings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([5.0, 3.0, 4.0])
    monkeypatch.setattr(HeldOutScore, "__call__", lambda self, translator: next(values))
    run(paintings, tmp_path / "run", steps=6)
    best, last = (read_about(tmp_path / "run" / name) for name in ("best.safetensors", "model.safetensors"))
    assert (best.steps, best.scores, last.steps) == (4, {NAME: 3.0}, 6)
    assert Translator.load(tmp_path / "run" / "best.safetensors", device="cpu").about.sha256 != last.sha256


def test_without_held_out_pictures_there_is_no_best(tmp_path: Path, paintings: Path) -> None:
    list(prepare(paintings, size=32, steps=2, out=tmp_path / "run", words=WORDS[:2], device="cpu").start())
    assert not (tmp_path / "run" / "best.safetensors").exists()


def dataset() -> Dataset:
    random = np.random.default_rng(0)

    class Noise(list):  # type: ignore[type-arg]
        def name(self, index: int) -> str:
            return str(index)

        def fingerprint(self) -> str:
            return "noise"

    sets = {
        domain: Noise((middle + random.integers(-50, 50, (32, 32, 3))).astype(np.uint8) for _ in range(6))
        for domain, middle in (("A", 60), ("B", 190))
    }
    return Dataset("noise", sets, held_out=sets)


def test_what_looks_like_the_target_is_nearer_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, paintings: Path
) -> None:
    monkeypatch.setattr(held_out_score, "has_lite0", lambda: False)
    run(paintings, tmp_path / "run", steps=2)
    translator = Translator.load(tmp_path / "run", device="cpu")
    score = HeldOutScore(dataset(), [], 32)
    assert score.features == RANDOM
    distances = []
    for shift in (0, 130):
        made = lambda pictures, to, shift=shift: [  # noqa: E731
            np.clip(picture.astype(int) + (shift if to == "B" else -shift), 0, 255).astype(np.uint8)
            for picture in pictures
        ]
        monkeypatch.setattr(translator, "batch", made)
        distances.append(score(translator))
    assert distances[1] < 0.1 * distances[0]


def test_features_that_critics_saw_do_not_judge() -> None:
    assert HeldOutScore(dataset(), [], 32).features.startswith("EfficientNet-Lite0")
    assert HeldOutScore(dataset(), [find_weights(LITE0).sha256], 32).features == RANDOM
