"""What leaves for other programs, or for further training."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from translate import Translator, images, runs
from translate.errors import SettingsError, WeightsError
from translate.exchange.exporting import discriminators_of, write_official
from translate.exchange.importing import ImportRequest, import_weights
from translate.exchange.recognised import ImportOptions
from translate.methods.cyclegan import Settings
from translate.methods.discogan import Settings as DiscoGAN
from translate.models.about import About
from translate.models.exports import read_export, read_tensors, write_export
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.resnet import Resnet
from translate.networks.unet import UNet


def about(settings: Settings) -> About:
    method = settings.model_dump(mode="json")
    return About(method=method, domains=["a", "b"], target="b", size=32, steps=1, planned=1)


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("target", ["a", "b"])
def test_a_file_for_the_official_code_comes_back_as_it_was(tmp_path: Path, norm: str, target: str) -> None:
    torch.manual_seed(0)
    method = Settings.parse({"generator": {"width": 2, "blocks": 6, "norm": norm}}).build(["a", "b"], 32).eval()
    options = write_official(tmp_path / "w.pth", method, target)
    assert options.startswith(f"--model test --no_dropout --netG resnet_6blocks --ngf 2 --norm {norm}")
    assert options.endswith("--eval") is (norm == "batch")  # which then uses the running statistics, as here
    import_weights(
        ImportRequest(tmp_path / "w.pth", options=ImportOptions(statistics="running")), tmp_path / "w.safetensors"
    )
    back, x = Translator.load(tmp_path / "w.safetensors", "cpu", "fp32"), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(back.tensor(x, "B"), method.translate(x, target), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "generator", [Resnet(width=2, blocks=3), Resnet(width=2, blocks=6, upsampling="resize"), UNet(width=1, depth=3)]
)
def test_what_the_official_code_cannot_build_is_refused(tmp_path: Path, generator: Resnet | UNet) -> None:
    method = Settings(generator=generator).build(["a", "b"], 32)
    with pytest.raises(SettingsError, match=r"test\.py builds generators of 6 or 9 blocks.*; this one is .*\}\.$"):
        write_official(tmp_path / "w.pth", method, "b")  # in one line
    other = DiscoGAN(generator=EncoderDecoder(width=1)).build(["a", "b"], 64)
    with pytest.raises(SettingsError, match="discogan has other generators than those of junyanz"):
        write_official(tmp_path / "w.pth", other, "b")
    assert list(tmp_path.iterdir()) == []


def test_discriminators_are_those_of_the_newest_checkpoint_and_are_trained_further(tmp_path: Path) -> None:
    for letter in "AB":
        for number in range(3):
            noise = np.random.default_rng(number).integers(0, 256, (36, 36, 3), np.uint8)
            images.write_pixels(noise, tmp_path / "data" / f"train{letter}" / f"{number}.png")
    words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}"]
    how = {"size": 32, "steps": 2, "device": "cpu", "precision": "fp32"}
    export = runs.train(tmp_path / "data", out=tmp_path / "run", words=words, **how)
    networks, said = read_export(export)
    judges = discriminators_of(tmp_path / "run", said)
    both = tmp_path / "both.safetensors"
    write_export(both, nn.ModuleList(networks.averaged()), said, half=True, discriminators=judges)
    kept = safetensors.torch.load_file(tmp_path / "run/checkpoints/00000002/weights.safetensors")
    runs.train(
        tmp_path / "data",
        out=tmp_path / "more",
        words=[*words, "method.optimiser.lr=1e-12"],
        seed=1,
        begin_from=both,
        **how,
    )
    further = safetensors.torch.load_file(tmp_path / "more/checkpoints/00000002/weights.safetensors")
    for number, name in enumerate(("D_X", "D_Y")):
        mine = {key.removeprefix(f"{name}."): value for key, value in kept.items() if key.startswith(f"{name}.")}
        assert mine
        found = read_tensors(both)[0]
        assert all(torch.equal(found[f"D.{number}.{key}"], value.half().float()) for key, value in mine.items())
        assert all(torch.allclose(further[f"{name}.{key}"], value, atol=1e-3) for key, value in mine.items())
    with pytest.raises(WeightsError, match="has no checkpoints, and only these hold discriminators"):
        discriminators_of(tmp_path / "data", said)
