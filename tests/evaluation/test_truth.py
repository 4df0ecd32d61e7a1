"""Pairs are judged against what they should have become."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from translate import images
from translate.evaluation.evaluator import TO_TRUTH, Evaluator
from translate.evaluation.pictures import open_data
from translate.metrics.ordered_rows import OrderedRows, key_of
from translate.models.about import About


def test_a_translation_and_its_input_are_compared_with_the_truth() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (32, 32, 3), np.uint8)
    grey = np.full_like(truth, 128)
    evaluator = object.__new__(Evaluator)
    evaluator._head, evaluator._left_out = None, Counter()
    rows = {name: OrderedRows() for name in TO_TRUTH}
    evaluator._compare_to_truth(key_of(grey), grey, truth, [grey, truth], 1, rows)  # type: ignore[arg-type]
    found = {name: float(values.array()[0]) for name, values in rows.items() if len(values)}
    assert (found["L1 to truth"], found["SSIM to truth"]) == pytest.approx((0, 1))
    assert found["L1 of inputs to truth"] > 0.1
    assert found["PSNR of inputs to truth"] < 20 < found["PSNR to truth"]
    evaluator._compare_to_truth(key_of(grey), grey, grey, [truth[:8]], 0, rows)  # type: ignore[arg-type]
    assert sum(evaluator._left_out.values()) == 1


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
