"""Networks of torchvision, with weights drawn at random: found by a word, the same as there, and usable by critics."""

import functools

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from translate import cards
from translate.errors import SettingsError, WeightsError
from translate.evaluation.judges import open_judge
from translate.features import open_features
from translate.files import sha256
from translate.metrics.features import features_of
from translate.models.about import About
from translate.networks.features.kinds import TORCHVISION
from translate.networks.memoryless import without_memory
from translate.networks.projected import Projected
from translate.runs.frozen_features import fill_frozen, frozen_hashes, names_of_frozen

WORDS = [kind.word for kind in TORCHVISION]
SMALL = "efficientnet_b0"


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr("translate.networks.features.torchvision_networks.SAMPLES", 1)


@functools.cache
def weights(word):
    """Weights of the right shapes, drawn at random, without those of the classifier, which take long to draw."""
    drawn = torch.Generator().manual_seed(0)
    found = {}
    for name, tensor in reference(word).state_dict().items():
        if tensor.ndim > 1:
            found[name] = torch.randn(tensor.shape, generator=drawn) * (2 / tensor[0].numel()) ** 0.5
        elif tensor.ndim:
            found[name] = torch.rand(tensor.shape, generator=drawn) + ("bias" not in name and "mean" not in name)
        else:
            found[name] = torch.tensor(7)
    return found


def reference(word):
    """Torchvision's own network, without its classifier, and without weights."""
    with without_memory():
        network = get_model(word, weights=None)
    network.fc = network.classifier = torch.nn.Identity()
    return network


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A shelf whose cards know the beginnings of the SHA-256 of files in a home; a torch that has fetched nothing."""
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / kind)
    (tmp_path / "weights").mkdir()
    return tmp_path


def keep(home, word, folder="home/weights", name=None):
    """Save weights where they would be after a download, and write their card."""
    path = home / folder / (name or f"{word}.pth")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights(word), path)
    (home / f"weights/{word}.toml").write_text(
        'title = "x"\nfeatures = true\nurls = ["http://127.0.0.1:1/net-1234.pth"]\n'
        f'sha256_begins = "{sha256(path)[:8]}"\n'
    )
    return path


@pytest.mark.parametrize("word", WORDS)
def test_maps_and_features_are_those_of_torchvision(word, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(weights(word), path)
    network = open_features(path)
    assert (network.word, network.sha256) == (word, sha256(path))
    x = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32))
    theirs = reference(word)
    theirs.load_state_dict(weights(word), assign=True)
    theirs.eval()
    normalised = (x / 255 - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    seen = []
    places = {"vgg16": (9, 16, 23, 30), SMALL: (2, 3, 5, 7)}
    stages = (
        [theirs.features[place] for place in places[word]]
        if word in places
        else [theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4]
    )
    last = theirs.features[-1] if word in places else theirs.layer4
    for stage in (*stages, last):
        stage.register_forward_hook(lambda _, __, h: seen.append(h.detach().clone()))
    with torch.inference_mode():
        if word in places:
            theirs.features(normalised)
        else:
            h = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(normalised))))
            theirs.layer4(theirs.layer3(theirs.layer2(theirs.layer1(h))))
        maps = network.maps(x)
    assert [tuple(h.shape[1:]) for h in maps] == [
        (count, 64 // side, 96 // side) for count, side in zip(network.channels, (4, 8, 16, 32), strict=True)
    ]
    for h, expected in zip(maps, seen, strict=False):
        torch.testing.assert_close(h, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(features_of(network, [x[0]])[0], seen[-1].mean((2, 3))[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("word", [SMALL, "resnet18"])
def test_critics_see_maps_whose_scale_is_known(word, home):
    keep(home, word)
    torch.manual_seed(0)
    critic = Projected(features=word, width=4).build(3)
    fill_frozen(critic)
    x = torch.rand(2, 3, 64, 64).mul(2).sub(1).requires_grad_()
    scores = critic(x)
    assert [tuple(one.shape[1:]) for one in scores] == [(1, side, side) for side in (16, 8, 4, 2)]
    (gradient,) = torch.autograd.grad(sum(one.sum() for one in scores), x)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
    again = Projected(features=word, width=4).build(3)
    fill_frozen(again)
    for one, other in zip(critic.frozen.network.moments(), again.frozen.network.moments(), strict=True):
        assert all(map(torch.equal, one, other))
        assert (one[1] > 0).all()


def test_without_weights_they_have_shapes_only():
    with without_memory():
        critics = [Projected(features=word, width=4).build(3) for word in WORDS]
    for critic in critics:
        assert [one.shape[-1] for one in critic(torch.zeros(1, 3, 64, 64, device="meta"))] == [16, 8, 4, 2]


def test_they_are_found_where_they_were_fetched_or_where_torchvision_keeps_them(home):
    path = keep(home, SMALL)
    assert open_features(SMALL).sha256 == sha256(path)
    path.unlink()
    with pytest.raises(
        WeightsError, match=r"EfficientNet-B0 are not here\. .*`translate weights fetch efficientnet_b0`"
    ):
        open_features(SMALL)
    keep(home, SMALL, "torch/checkpoints", "net-1234.pth")
    assert open_features(SMALL).filled


def test_a_damaged_or_another_file_is_refused(home):
    path = keep(home, SMALL)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"efficientnet_b0\.pth is damaged\. Remove it, and run `translate weights"):
        open_features(SMALL)
    short = {name: tensor for name, tensor in weights(SMALL).items() if name != "features.0.0.weight"}
    torch.save(short, home / "short.pth")
    with pytest.raises(WeightsError, match=r"does not fit torchvision's efficientnet_b0: .*features"):
        open_features(home / "short.pth")


def test_what_critics_saw_does_not_judge(home):
    path = keep(home, SMALL)
    critic = Projected(features=SMALL, width=4).build(3)
    assert frozen_hashes(critic) == {SMALL: sha256(path)}
    fill_frozen(critic)
    about = About.model_construct(critic_features=sorted(names_of_frozen(critic)))
    with pytest.raises(SettingsError, match="critics of this model were trained on the features EfficientNet-B0"):
        open_judge(SMALL, about, 127.5, anyway=False)
    assert open_judge(SMALL, about, 127.5, anyway=True).name.endswith("which the critics have seen")


def test_the_words_of_critics_are_known_networks_with_cards():
    assert set(Projected.model_fields["features"].annotation.__args__) == {"lite0", *WORDS}
    for word in WORDS:
        card = cards.weights(word)
        assert card.features
        assert card.urls[0].endswith(f"{card.sha256_begins}.pth")
