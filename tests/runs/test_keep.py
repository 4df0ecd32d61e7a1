"""A third domain whose pictures shall stay as they are."""

from pathlib import Path

import numpy as np

from translate import Translator, images
from translate.models.exports import read_about
from translate.runs import prepare
from translate.runs.finished import lines_of_finished
from translate.training.record import read_log


def test_a_run_that_learns_what_to_leave_alone_is_one_between_the_other_two(tmp_path: Path) -> None:
    random, folders = np.random.default_rng(0), {name: tmp_path / name for name in ("horse", "other", "zebra")}
    for folder in folders.values():
        for index in range(7):
            images.write_pixels(random.integers(0, 256, (40, 40, 3), np.uint8), folder / f"{index}.png")
    words = [
        "generator={width = 2, blocks = 1}",
        "discriminator={width = 2, layers = 1}",
        "taps=['block1']",
        "patches=9",
    ]
    words = ["method.keep=other", "data.held_out=4", *(f"method.{word}" for word in words)]
    run = prepare(domains=folders, method="cut", out=tmp_path / "run", size=32, batch=2, steps=2, words=words,
                  precision="fp32", device="cpu")  # fmt: skip
    list(run.start())
    assert all(line["losses"]["keep"] > 0 for line in read_log(run.out / "log.jsonl"))
    about = Translator.load(run.out, device="cpu").about
    assert about.targets.summary == "Translates pictures from horse to zebra."
    assert set(read_about(run.folder.best).scores) == {"held-out distance"}
    commands = "\n".join(lines_of_finished(run))
    assert f"Next: translate apply {run.out} PHOTOS --out RESULTS" in commands
