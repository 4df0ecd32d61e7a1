"""The network of published FIDs: torch-fidelity's, with known weights, which are here only once they were asked for."""

import importlib.util
import shutil
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from translate import cards
from translate.errors import WeightsError
from translate.features import needed_for_inception, open_features
from translate.files import sha256
from translate.metrics.features import features_of
from translate.metrics.protocols import find_protocol, prepared
from translate.networks.features import inception

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Weights of the right shapes, drawn at random: the right names are those of torch-fidelity."""
    drawn = torch.Generator().manual_seed(0)
    with torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: {})
        patch.setattr(torch.nn.Module, "load_state_dict", lambda *_: None)
        shapes = FeatureExtractorInceptionV3("shapes", ["2048"], "none").state_dict()
    weights = {
        name: torch.tensor(7)
        if not tensor.shape
        else torch.rand(tensor.shape, generator=drawn) * (2 / np.sqrt(tensor[0].numel()) if tensor.ndim > 1 else 1)
        for name, tensor in shapes.items()
    }
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(weights, path)
    return path


def test_its_features_and_maps_are_those_of_torch_fidelity(file):
    network = open_features(file, middle=128.0)
    assert network.name == f"Inception {sha256(file)[:8]}"
    x = prepared(PICTURE, network.side, antialiased=False).round()
    (wanted,) = FeatureExtractorInceptionV3("reference", ["2048"], str(file))(x[None].byte())
    np.testing.assert_allclose(features_of(network, [x]), wanted, rtol=1e-5)
    with torch.inference_mode():
        maps = network.maps(x[None])
    assert [tuple(found.shape[1:]) for found in maps] == [
        (64, 73, 73), (192, 35, 35), (288, 35, 35), (768, 17, 17), (2048, 8, 8)
    ]  # fmt: skip
    np.testing.assert_allclose(maps[-1].mean((2, 3)), wanted, rtol=1e-5)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A file of weights, and a network in whose place there is nothing: its features are its input."""
    monkeypatch.setattr(inception, "_extractor", lambda *_: nn.Sequential(nn.Flatten(), nn.Identity()))
    torch.save({inception.Inception.key: torch.zeros(1)}, tmp_path / "small.pth")
    return tmp_path / "small.pth"


def test_each_protocol_has_the_input_of_its_authors(small):
    seen = {}
    for name in ("cut", "clean-fid", "train+test"):
        how = find_protocol(name)
        network = open_features(small, how.middle)
        seen[name] = network.features(prepared(PICTURE, network.side, how.antialiased)[None])
        white = torch.full((1, 3, 299, 299), 255.0)
        assert network.features(white).unique().item() == (127 / 128 if name == "clean-fid" else 1.0)
    plain = torch.from_numpy(PICTURE).permute(2, 0, 1)[None] / 255
    plain = torch.nn.functional.interpolate(plain, (299, 299), mode="bilinear", align_corners=False)
    torch.testing.assert_close(seen["cut"], (2 * plain - 1).flatten(1), rtol=0, atol=1e-5)  # as pytorch-fid
    assert seen["train+test"].equal(seen["cut"])
    assert not seen["clean-fid"].allclose(seen["cut"], atol=1e-2)


def test_what_is_missing_is_said(monkeypatch, tmp_path, small):
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path))
    assert needed_for_inception() == ["translate weights fetch inception"]
    with pytest.raises(WeightsError, match=r"not here\..* `translate weights fetch inception`, or name their file"):
        open_features("inception")
    (tmp_path / "weights").mkdir()
    shutil.copy(small, tmp_path / "weights/inception.pth")
    assert needed_for_inception() == []
    with pytest.raises(WeightsError, match=r"inception\.pth is damaged"):
        open_features("inception")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert needed_for_inception() == ["pip install 'image-translate[metrics]'"]


def test_fetched_weights_are_checked_and_opened_by_name(monkeypatch, tmp_path, small):
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path))
    card = cards.weights("inception")
    assert card.sha256.startswith("6726825d")  # which is in the names of the files, too
    assert all(url.endswith("inception-2015-12-05-6726825d.pth") for url in card.urls)
    (tmp_path / "weights").mkdir()
    shutil.copy(small, tmp_path / "weights/inception.pth")
    monkeypatch.setattr(cards, "weights", lambda _: card.model_copy(update={"sha256": sha256(small)}))
    assert open_features("inception").side == 299


def test_without_torch_fidelity_the_package_is_named(monkeypatch, tmp_path):
    torch.save({inception.Inception.key: torch.zeros(1)}, tmp_path / "small.pth")
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(WeightsError, match=r"needs one more package: pip install 'image-translate\[metrics\]'"):
        open_features(tmp_path / "small.pth")


def test_weights_of_other_shapes_are_refused(tmp_path):
    torch.save({inception.Inception.key: torch.zeros(1)}, tmp_path / "short.pth")
    with pytest.raises(WeightsError, match="does not fit the Inception network of torch-fidelity"):
        open_features(tmp_path / "short.pth")
