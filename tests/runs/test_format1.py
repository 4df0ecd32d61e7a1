"""Runs of format 1 continue: these were stopped after step 3 of 6 by the version before this test was written.

Beside each lies the export that the same run had when nothing stopped it (torch 2.15, on a CPU). A file here is never
written again; a change that cannot continue these runs needs a new format.
"""

import functools
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from translate import runs
from translate.data import store
from translate.models.exports import read_about
from translate.runs import prepare
from translate.toys.catalogue import drawn_scores

PLACE = Path(__file__).parent / "format1"
SCHEDULE = [
    f"training.{key}={value}"
    for key, value in {"checkpoint_every": 3, "log_every": 2, "sample_every": 100, "milestone_every": 100}.items()
]
SMALL_STARGAN = [
    "method.generator.width=2", "method.generator.blocks=1", "method.discriminator.width=2",
    "method.discriminator.layers=2",
]  # fmt: skip
COMMANDS: dict[str, tuple[str, dict[str, Any], list[str]]] = {  # of each run: the dataset, options, settings
    "cyclegan": (
        "toy-horse2zebra",
        {"method": "cyclegan", "size": 32, "batch": 1},
        [
            "method.generator.width=2", "method.generator.blocks=1", "method.discriminator.width=2",
            "method.discriminator.layers=1", "method.pool=2", "method.warm_up=2",
            "method.diffaugment=colour,translation",
        ],
    ),
    "discogan": (
        "toy-edges2shoes",
        {"method": "discogan", "size": 64, "batch": 2},
        ["method.generator.width=2", "method.discriminator.width=2"],
    ),
    "stargan": (
        "toy-faces-hair", {"method": "stargan", "size": 32, "batch": 4}, [*SMALL_STARGAN, "method.g_every=2"],
    ),
    "stargan-attributes": ("toy-faces", {"method": "stargan", "size": 32, "batch": 4}, SMALL_STARGAN),
}  # fmt: skip


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw only the pictures that steps need, instead of thousands first, and score few. No step depends on either."""
    monkeypatch.setattr(store, "MEMORY", 0)
    monkeypatch.setattr(runs.shown, "SEEN", 4)
    monkeypatch.setattr(runs.shown, "drawn_scores", functools.partial(drawn_scores, count=12))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_run_of_format_1_continues_to_the_export_it_had_without_a_break(name: str, tmp_path: Path) -> None:
    """With the two threads that made the exports the result is theirs to the bit.

    Here one thread sums in another order, and other CPUs do so, too; Adam blows up the last bits where a gradient is
    next to nothing, as of the biases in front of a normalisation, which are left out. Measured in the mean of a tensor
    were 2e-6; three steps move it by 1e-4 or more, and so does a moment that was not restored.
    """
    data, options, words = COMMANDS[name]
    out = shutil.copytree(PLACE / name, tmp_path / "run", ignore=shutil.ignore_patterns("model.safetensors"))
    run = prepare(data, out=out, steps=6, seed=3, precision="fp32", device="cpu", words=[*SCHEDULE, *words], **options)
    steps = [report.step for report in run.start()]
    assert (steps[0], steps[-1]) == (4, 6)
    assert run.finished
    found, expected = (safetensors.torch.load_file(place / "model.safetensors") for place in (out, PLACE / name))
    assert {key: value.dtype for key, value in found.items()} == {key: value.dtype for key, value in expected.items()}
    for key, value in found.items():
        if not key.endswith(".bias"):
            assert float((value.double() - expected[key].double()).abs().mean()) < 1e-5, key


@pytest.mark.parametrize("name", COMMANDS)
def test_what_its_export_says_of_it_is_read(name: str) -> None:
    about = read_about(PLACE / name / "model.safetensors")
    assert (about.format, about.steps, about.planned, about.data) == (1, 6, 6, COMMANDS[name][0])
    assert about.scores


def test_there_is_a_run_of_every_kind() -> None:
    assert {path.name for path in PLACE.iterdir()} == set(COMMANDS)
