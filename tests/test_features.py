"""Feature networks: known by name or file, the same everywhere, and refused where they do not fit."""

import numpy as np
import pytest
import safetensors.torch
import torch
from torchvision.models.squeezenet import squeezenet1_1

from translate.errors import WeightsError
from translate.features import open_features
from translate.files import sha256
from translate.metrics.features import features_of
from translate.metrics.likeness import Lpips
from translate.networks.features.squeezenet import SqueezeNet


def picture(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(0, 255, (3, 64, 64)).astype(np.float32))


@pytest.fixture
def squeezenet(tmp_path):
    """A file of weights with torchvision's names, drawn at random."""
    torch.manual_seed(0)
    weights = squeezenet1_1(weights=None).state_dict()
    torch.save(weights, tmp_path / "squeezenet.pth")
    safetensors.torch.save_file(weights, tmp_path / "squeezenet.safetensors")
    return tmp_path


def test_random_features_are_pinned():
    """The first values were made by this code: features of an older version must stay comparable."""
    (row,) = features_of(open_features("random"), [torch.full((3, 64, 64), 200.0)])
    assert row.shape == (64 + 128 + 256,)
    assert row[:64].max() > 0
    assert row.sum() == pytest.approx(147.36548, rel=1e-4)


def test_features_do_not_depend_on_the_other_pictures():
    network, pictures = open_features("random"), [picture(seed) for seed in range(3)]
    together = features_of(network, pictures)
    for row, alone in zip(together, pictures, strict=True):
        np.testing.assert_array_equal(row, features_of(network, [alone])[0])


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_squeezenet_is_torchvisions_on_pictures_without_their_mean(squeezenet, suffix):
    network = open_features(squeezenet / f"squeezenet{suffix}")
    assert network.sha256 == sha256(squeezenet / f"squeezenet{suffix}")
    assert network.name == f"SqueezeNet {network.sha256[:8]}"
    torch.manual_seed(0)
    reference = squeezenet1_1(weights=None).eval().features
    mean = torch.tensor([122.679, 116.669, 104.006])[:, None, None]
    with torch.inference_mode():
        wanted = reference((picture() - mean)[None]).mean((2, 3)).numpy()
    np.testing.assert_allclose(features_of(network, [picture()]), wanted, rtol=1e-5)


def test_squeezenet_has_the_seven_maps_of_lpips(squeezenet):
    network = open_features(squeezenet / "squeezenet.pth")
    assert isinstance(network, SqueezeNet)
    with torch.inference_mode():
        maps = network.maps(picture()[None])
        assert [layer.shape[1] for layer in maps] == [64, 128, 256, 384, 384, 512, 512]
        assert all((layer >= 0).all() for layer in maps)  # after ReLU
        np.testing.assert_allclose(maps[-1].mean((2, 3)), features_of(network, [picture()]), rtol=1e-5)


def test_the_lpips_head_must_fit(squeezenet):
    head = {f"lin{i}.model.1.weight": torch.ones(1, c, 1, 1) for i, c in enumerate((64, 128, 256, 384, 384, 512, 512))}
    lpips = Lpips(open_features(squeezenet / "squeezenet.pth"), head)
    assert lpips(picture(), picture()) == 0
    assert lpips(picture(), picture(1)) == pytest.approx(lpips(picture(1), picture())) != 0
    with pytest.raises(WeightsError, match="does not belong to the features random"):
        Lpips(open_features(), head)


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"There is no file .*nothing\.pth"):
        open_features(tmp_path / "nothing.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        open_features(tmp_path / "text.pth")
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"holds no known feature network.*conv\.weight"):
        open_features(tmp_path / "other.pth")
    torch.save({"features.3.squeeze.weight": torch.zeros(1)}, tmp_path / "short.pth")
    with pytest.raises(WeightsError, match=r"does not fit SqueezeNet 1\.1"):
        open_features(tmp_path / "short.pth")
