"""Compiled steps do what others do. Slow: what is compiled here takes a minute for each method."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from translate import images
from translate.data.batches import KINDS
from translate.devices import Engine, engine_to_train
from translate.errors import DeviceError, SettingsError
from translate.methods.base import settings_class
from translate.networks.memoryless import without_memory
from translate.runs import Run, prepare
from translate.toys.catalogue import draw
from translate.training.loop import Training, TrainingSettings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),  # torch itself looks at it
]

STEPS = 6  # so that all players have moved
CASES: dict[str, tuple[int, dict[str, Any]]] = {  # size in pixels, and settings
    "cut": (
        32,
        {
            "generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1}, "patches": 16,
            "taps": ["pixels", "down1", "block1"], "features": 8, "flip": True,
        },
    ),
    "cyclegan": (32, {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1}, "pool": 2}),
    "discogan": (64, {"generator": {"width": 2}, "discriminator": {"width": 2}}),
    "stargan": (32, {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 4}}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    """How compiled steps are run; what is compiled is kept in the folder of the test."""
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    try:
        return engine_to_train("cpu", "fp32", "on")
    except DeviceError as error:
        pytest.skip(str(error))


def weights_after(name: str, engine: Engine, accumulate: int) -> dict[str, Tensor]:
    """Train in float64."""
    size, tree = CASES[name]
    method = settings_class(name).parse(tree)
    torch.manual_seed(0)
    built = method.build("ab", size).double()
    with without_memory():
        shadow = method.build("ab", size).double()
    training = Training(built, shadow, engine, TrainingSettings(batch=4, accumulate=accumulate))
    torch.manual_seed(1)
    for _ in range(STEPS):
        noise = KINDS[method.batches].noise("ab", 4, size)
        training.train_step(
            {key: (x.double() - 127.5) / 127.5 if x.ndim == 4 else x.double() for key, x in noise.items()}
        )
    assert int(training.players.skipped) == 0
    return built.state_dict()


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_compiled_steps_move_weights_as_others_do(name: str, accumulate: int, compiler: Engine) -> None:
    expected = weights_after(name, replace(compiler, compiled=False), accumulate)
    found = weights_after(name, compiler, accumulate)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=0, atol=1e-8, msg=key)


def made(place: Path, out: str, **options: Any) -> Run:
    words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}"]
    words += ["training.log_every=1", "training.checkpoint_every=2"]
    return prepare(
        place / "pictures", out=place / out, size=32, steps=4, words=words, precision="fp32", device="cpu", **options
    )


def test_a_compiled_run_continues_exactly_and_its_files_are_those_of_others(tmp_path: Path) -> None:
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        drawn = draw("toy-horse2zebra", domain, "train", 3, 36)
        for index in range(3):
            images.write_pixels(drawn[index], tmp_path / "pictures" / f"train{letter}" / drawn.name(index))
    whole, plain, stopped = (
        made(tmp_path, "whole", compile="on"),
        made(tmp_path, "plain"),
        made(tmp_path, "stopped", compile="on"),
    )
    list(whole.start())
    list(plain.start())
    for report in stopped.start():
        if report.step == 3:
            break
    with pytest.raises(SettingsError, match=r"training\.compile was 'on', now 'auto'"):
        made(tmp_path, "stopped")
    again = made(tmp_path, "stopped", compile="on")
    list(again.start())
    assert whole.finished
    assert again.finished
    for file in ("model", "checkpoints/00000004/weights", "checkpoints/00000004/average"):
        first, second, other = (
            safetensors.torch.load_file(run.out / f"{file}.safetensors") for run in (whole, again, plain)
        )
        assert first.keys() == second.keys() == other.keys()
        for name, value in first.items():
            assert torch.equal(value, second[name])
            if "pool" not in name:  # weights differ by ten steps of Adam at most, pictures that they made by more
                torch.testing.assert_close(value, other[name], rtol=0, atol=2e-3)
