"""Pairs are judged against what they should have become."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from translate import images
from translate.data.damage import DAMAGES, HOLE
from translate.evaluation.evaluator import Evaluator
from translate.evaluation.pictures import open_data
from translate.evaluation.truth import TO_TRUTH, compared
from translate.metrics.ordered_rows import OrderedRows
from translate.models.about import About

ABOUT = About(method={"name": "pix2pix"}, domains=["A", "B"], target="B", size=32, steps=0, planned=0)


def about(made: str, scale: int = 1) -> About:
    recipe = {"data": {"made": made}}
    return ABOUT.model_copy(update={"recipe": recipe, "method": {"name": "pix2pix", "scale": scale}})


def test_a_translation_and_its_input_are_compared_with_the_truth() -> None:
    truth = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    grey = np.full_like(truth, 128)
    found = dict(compared(grey, truth, truth, ABOUT, lambda x, y: float((x != y).mean())))
    assert (found["L1 to truth"], found["SSIM to truth"], found["LPIPS to truth"]) == pytest.approx((0, 1, 0))
    assert found["L1 of inputs to truth"] > 0.1
    assert found["PSNR of inputs to truth"] < 20 < found["PSNR to truth"]
    assert not any("bicubic" in name or "holes" in name for name in found)
    assert not any("SSIM" in name for name in dict(compared(grey[:8], grey[:8], truth[:8], ABOUT, None)))
    assert {*found} <= {*TO_TRUTH}


def test_a_pair_of_different_sizes_is_left_out() -> None:
    evaluator: Any = object.__new__(Evaluator)
    evaluator._head, evaluator._left_out = None, Counter()
    evaluator._translator = type("Translator", (), {"about": ABOUT})
    truth, rows = np.zeros((32, 32, 3), np.uint8), {name: OrderedRows() for name in TO_TRUTH}
    evaluator._compare_to_truth(b"1", truth, truth, [truth, truth[:8]], 0, rows)
    evaluator._compare_to_truth(b"2", truth, truth, [truth, truth[:8]], 1, rows)
    assert (len(rows["PSNR to truth"]), sum(evaluator._left_out.values())) == (1, 1)


@pytest.mark.parametrize(("height", "width"), [(32, 24), (30, 23)])
def test_what_enlarges_has_to_be_better_than_bicubic(height: int, width: int) -> None:
    truth = images.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8), height, width)
    coarse = DAMAGES["superres4"].do(truth, np.random.default_rng(0))
    found = dict(compared(coarse, truth, truth, about("superres4", 4), None))
    assert found["PSNR of inputs to truth"] + 3 < found["PSNR of bicubic to truth"] < found["PSNR to truth"]
    assert {*found} <= {*TO_TRUTH}


def test_only_what_is_in_holes_counts_for_what_fills_them() -> None:
    truth = np.full((32, 32, 3), 100, np.uint8)
    truth[:16] = 60
    holed = truth.copy()
    holed[:8, :8] = HOLE
    filled = truth.copy()
    filled[:8, :8] += 10
    filled[20:] = 0  # elsewhere
    found = dict(compared(holed, filled, truth, about("holes"), None))
    known = (60 * (512 - 64) + 100 * 512) / (1024 - 64)
    assert found["L1 in holes to truth"] == 10
    assert found["L1 in holes of mean colour to truth"] == round(known) - 60
    assert found["PSNR in holes to truth"] == pytest.approx(10 * np.log10(255**2 / 100))
    assert {*found} <= {*TO_TRUTH}


def test_pictures_with_holes_are_translated_as_apply_does() -> None:
    asked: list[dict[str, Any]] = []

    class Translator:
        about = about("holes")

        def __call__(self, picture: Any, to: str, **words: Any) -> Any:
            asked.append(words)
            return picture

    evaluator: Any = object.__new__(Evaluator)
    evaluator._translator, evaluator._target = Translator(), "whole"
    picture = np.zeros((8, 8, 3), np.uint8)
    evaluator._translated(picture)
    picture[:4] = HOLE
    evaluator._translated(picture)
    assert asked[0] == {}
    assert (asked[1]["fill"], asked[1]["mask"].tolist()) == (True, [[255] * 8] * 4 + [[0] * 8] * 4)


def test_folders_are_opened_as_the_run_of_the_model_did(tmp_path: Path) -> None:
    for number in range(20):
        images.write_pixels(np.full((8, 16, 3), number, np.uint8), tmp_path / "photos" / f"{number}.png")
    method = {"name": "pix2pix"}
    told = {"size": 32, "steps": 0, "planned": 0, "target": "B"}
    side = open_data(tmp_path / "photos", About(method=method, domains=["A", "B"], recipe={"data": {}}, **told))
    assert side.paired
    assert list(side.test) == ["A", "B"]
    told["target"] = "colour"
    recipe = {"data": {"made": "colour"}}
    made = open_data(tmp_path / "photos", About(method=method, domains=["grey", "colour"], recipe=recipe, **told))
    assert (made.paired, len(made.test["grey"])) == (True, 2)
