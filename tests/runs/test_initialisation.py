"""Fine-tuning: a run that begins with the networks of a model."""

import json
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from translate import images
from translate.errors import SettingsError, WeightsError
from translate.methods.base import settings_class
from translate.models.about import About
from translate.models.exports import read_about, write_export
from translate.run_folder import RunFolder
from translate.runs import Run, prepare
from translate.runs.initialisation import PretrainedStart

WORDS = [
    "method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}", "method.pool=2",
    "training.log_every=1", "training.checkpoint_every=1",
]  # fmt: skip


def made(photos: Path, out: Path, begin_from: Path | None = None, words: Sequence[str] = (), seed: int = 1) -> Run:
    return prepare(
        photos, out=out, size=32, steps=2, seed=seed, device="cpu", precision="fp32", words=[*WORDS, *words],
        begin_from=begin_from,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = made(photos, tmp_path_factory.mktemp("trained") / "run", seed=0)
    list(run.start())
    return run


@pytest.fixture
def model(trained: Run, tmp_path: Path) -> Path:
    return Path(shutil.copy(trained.out / "model.safetensors", tmp_path / "old.safetensors"))


def with_discriminators(trained: Run, path: Path) -> dict[str, torch.Tensor]:
    """Write an export that has the run's discriminators, and return their tensors as a method names them."""
    torch.manual_seed(7)
    method = trained.recipe.method.build(trained.dataset.domains, 32)
    about = read_about(trained.out / "model.safetensors")
    write_export(path, torch.nn.ModuleList(method.averaged()), about, discriminators=method.players()["D"])
    return {name: tensor for name, tensor in method.state_dict().items() if name.startswith("D_")}


@pytest.mark.parametrize("place", ["the run", "its export"])
def test_a_run_begins_with_the_averaged_generators_of_a_model(
    photos: Path, trained: Run, model: Path, tmp_path: Path, place: str
) -> None:
    run = made(photos, tmp_path / "run", trained.out if place == "the run" else model)
    reports = run.start()
    next(reports)
    begun = images.read(run.out / "samples" / "00000000.png").rgb
    assert np.array_equal(begun, images.read(sorted((trained.out / "samples").glob("*.png"))[-1]).rgb)
    list(reports)
    assert run.finished
    sha256 = read_about(model).sha256
    origin = {"name": "run" if place == "the run" else "old.safetensors", "sha256": sha256}
    assert run.about().origin == origin
    assert json.loads((run.out / "settings.json").read_text(encoding="utf-8"))["from"] == origin
    assert trained.about().origin is None


def test_discriminators_are_taken_where_the_file_has_them(photos: Path, trained: Run, tmp_path: Path) -> None:
    expected = with_discriminators(trained, tmp_path / "both.safetensors")
    rate = ["method.optimiser.lr=1e-12", "training.steps=1"]
    for name, has_them in (("both.safetensors", True), ("plain.safetensors", False)):
        if not has_them:
            shutil.copy(trained.out / "model.safetensors", tmp_path / name)
        run = prepare(
            photos, out=tmp_path / name[:4], size=32, device="cpu", precision="fp32", words=[*WORDS, *rate],
            begin_from=tmp_path / name, seed=1,
        )  # fmt: skip
        list(run.start())
        weights = safetensors.torch.load_file(run.out / "checkpoints" / "00000001" / "weights.safetensors")
        same = [torch.allclose(weights[key].float(), tensor, atol=1e-9) for key, tensor in expected.items()]
        assert all(same) == has_them


def test_a_stopped_run_continues_to_the_bit_without_the_file(photos: Path, model: Path, tmp_path: Path) -> None:
    whole = made(photos, tmp_path / "whole", model)
    list(whole.start())
    first = made(photos, tmp_path / "run", model)
    for report in first.start():
        if report.step == 1 and not report.saved:
            signal.raise_signal(signal.SIGINT)
    assert first.step == 1
    model.unlink()
    second = made(photos, tmp_path / "run", model)
    list(second.start())
    one, two = ((run.out / "model.safetensors").read_bytes() for run in (whole, second))
    assert one == two


def test_another_beginning_is_another_run(photos: Path, trained: Run, model: Path, tmp_path: Path) -> None:
    list(made(photos, tmp_path / "run", model).start())
    with pytest.raises(SettingsError, match=r"from\.name was 'old\.safetensors', now None"):
        made(photos, tmp_path / "run")
    with_discriminators(trained, model)
    with pytest.raises(SettingsError, match=r"holds a run with other settings: from\.sha256 was '\w+', now '\w+'\."):
        made(photos, tmp_path / "run", model)


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["method.generator.width=3"], "method.generator.width is 2, here 3."),
        (["method.generator={width = 2, blocks = 2}"], "method.generator.blocks is 1, here 2."),
    ],
)
def test_other_generators_are_refused_with_the_differing_setting(
    photos: Path, model: Path, tmp_path: Path, words: list[str], difference: str
) -> None:
    with pytest.raises(WeightsError) as caught:
        made(photos, tmp_path / "run", model, words)
    assert str(caught.value) == f"{model} has other generators: {difference} Give the settings that it was made with."
    assert not (tmp_path / "run").exists()


def test_other_discriminators_are_refused(photos: Path, trained: Run, tmp_path: Path) -> None:
    with_discriminators(trained, tmp_path / "both.safetensors")
    run = made(photos, tmp_path / "run", tmp_path / "both.safetensors", ["method.discriminator.width=4"])
    with pytest.raises(WeightsError, match=r"The discriminators in .* do not fit into this run: size mismatch"):
        list(run.start())


@pytest.mark.parametrize("name", ["single", "pix2pix"])
def test_cut_begins_with_a_generator_that_was_trained_otherwise(photos: Path, tmp_path: Path, name: str) -> None:
    generator = {"width": 2, "blocks": 1, "downsampling": "blurred", "upsampling": "bilinear"}
    settings = settings_class(name).parse({"name": name, "generator": {"kind": "resnet", **generator}})
    torch.manual_seed(5)
    method = settings.build(["A", "B"], 32)
    path = tmp_path / "official.safetensors"
    about = About(method=json.loads(settings.to_json()), domains=["A", "B"], target="B", size=32, steps=0, planned=0)
    write_export(path, torch.nn.ModuleList(method.averaged()), about)
    words = ['method.taps=["down1"]', "method.generator={width = 2, blocks = 1}", "method.discriminator.layers=1"]
    options: dict[str, Any] = {"size": 32, "device": "cpu", "precision": "fp32", "steps": 1, "begin_from": path}
    run = prepare(photos, out=tmp_path / "run", method="cut", words=[*words, "method.optimiser.lr=1e-12"], **options)
    list(run.start())
    weights = safetensors.torch.load_file(run.out / "checkpoints" / "00000001" / "weights.safetensors")
    for key, tensor in method.averaged()[0].state_dict().items():
        torch.testing.assert_close(weights[f"G.{key}"], tensor, rtol=0, atol=1e-9)
    words = [f"method.generator.{key}={value}" for key, value in generator.items()]
    with pytest.raises(WeightsError, match=rf"method\.name is '{name}', here 'cyclegan'"):
        prepare(photos, out=tmp_path / "other", method="cyclegan", words=words, **options)


@pytest.mark.parametrize("damage", ["gone", "no model", "flipped"])
def test_a_model_that_is_not_there_or_damaged_is_refused(
    photos: Path, model: Path, tmp_path: Path, damage: str
) -> None:
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data if damage == "flipped" else b"nothing")
    if damage == "gone":
        model.unlink()
    with pytest.raises(WeightsError, match=r"There is no model|not a readable safetensors file|is damaged"):
        list(made(photos, tmp_path / "run", model).start())
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_model_of_another_number_of_domains_is_refused(tmp_path: Path) -> None:
    for name in "abc":
        for index in range(2):
            images.write_pixels(np.zeros((40, 40, 3), np.uint8), tmp_path / "three" / name / f"{index}.png")
    words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 4}"]
    three = {name: tmp_path / "three" / name for name in "abc"}
    two = {name: tmp_path / "three" / name for name in "ab"}
    options = {"method": "stargan", "size": 32, "batch": 2, "steps": 1, "device": "cpu", "words": words}
    run = prepare(domains=three, out=tmp_path / "run", **options)
    list(run.start())
    with pytest.raises(WeightsError, match=r"knows 3 domains or attributes, a, b, c; this dataset has 2\."):
        prepare(domains=two, out=tmp_path / "other", begin_from=run.out, **options)


def test_pix2pix_begins_from_a_generator_of_a_file_of_others(tmp_path: Path) -> None:
    generator = {"kind": "unet", "width": 2, "depth": 5, "norm": "affine"}
    single = settings_class("single").parse({"name": "single", "generator": generator})
    model = single.build(("label", "photo"), 32)
    about = About(method=single.model_dump(mode="json"), **About.of_targets(model.targets), size=32, steps=0, planned=0)
    write_export(tmp_path / "official.safetensors", nn.ModuleList(model.averaged()), about)
    start = PretrainedStart.find(tmp_path / "official.safetensors", RunFolder(tmp_path / "run"))
    ours = settings_class("pix2pix").parse({"name": "pix2pix", "generator": {"width": 2, "depth": 5}})
    start.check(ours, 2)
    method = ours.build(("label", "photo"), 32)
    start.load(method)
    assert all(torch.equal(one, other) for one, other in zip(method.G.parameters(), model.G.parameters(), strict=True))
    with pytest.raises(WeightsError, match="width"):
        start.check(settings_class("pix2pix").parse({"name": "pix2pix", "generator": {"depth": 5}}), 2)
