"""Features that a model's critics have seen do not judge it, unless that is wanted and said."""

import pytest
import torch
from torch import nn

from translate import images
from translate.errors import SettingsError
from translate.evaluation import judges
from translate.evaluation.evaluation import evaluate
from translate.evaluation.judges import default_features, open_judge, seen_features
from translate.features import LITE0_SHA256
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import read_about, write_export
from translate.networks.resnet import Resnet
from translate.toys.catalogue import draw

TINY = Settings(generator=Resnet(width=2, blocks=0))
UNSEEN = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=32, steps=1, planned=1)
SEEN_LITE0 = UNSEEN.model_copy(update={"critic_features": [LITE0_SHA256]})
SEEN_RANDOM = UNSEEN.model_copy(update={"critic_features": ["random"]})


def test_an_export_says_what_its_critics_have_seen(tmp_path):
    networks = nn.ModuleList(TINY.build(UNSEEN.domains, UNSEEN.size).averaged())
    write_export(tmp_path / "model.safetensors", networks, SEEN_LITE0)
    assert seen_features(read_about(tmp_path / "model.safetensors")) == {LITE0_SHA256}
    assert seen_features(UNSEEN) == set()


@pytest.mark.parametrize("installed", [True, False])
def test_the_best_features_are_taken_that_no_critic_has_seen(monkeypatch, installed):
    monkeypatch.setattr(judges, "has_lite0", lambda: installed)
    assert default_features(UNSEEN) == ("lite0" if installed else "random")
    assert default_features(UNSEEN, SEEN_LITE0) == "random"
    assert default_features(SEEN_RANDOM) == ("lite0" if installed else "random")


def test_what_was_seen_is_refused_or_marked():
    assert open_judge("random", SEEN_LITE0, 127.5, anyway=False).name == "random"
    assert open_judge("random", UNSEEN, 127.5, anyway=True).name == "random"
    with pytest.raises(SettingsError, match=r"critics of this model were trained on the features random, .* --anyway"):
        open_judge("random", SEEN_RANDOM, 127.5, anyway=False)
    assert open_judge("random", SEEN_RANDOM, 127.5, anyway=True).name == "random, which the critics have seen"


def test_a_file_is_known_by_its_sha256(tmp_path):
    weights = open_judge("random", UNSEEN, 127.5, anyway=False).state_dict()
    torch.save(dict(weights), tmp_path / "random.pth")
    sha256 = judges.open_features(tmp_path / "random.pth").sha256
    about = UNSEEN.model_copy(update={"critic_features": [sha256]})
    with pytest.raises(SettingsError, match=f"the features random {sha256[:8]}, so"):
        open_judge(tmp_path / "random.pth", about, 127.5, anyway=False)
    open_judge("random", about, 127.5, anyway=False)


@pytest.mark.usefixtures("quick_features")
def test_evaluate_refuses_and_marks(tmp_path):
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        for split in ("train", "test"):
            drawn = draw("toy-horse2zebra", domain, split, 4, 32)
            for index in range(4):
                images.write_pixels(drawn[index], tmp_path / f"data/{split}{letter}/{index}.png")
    networks = nn.ModuleList(TINY.build(UNSEEN.domains, UNSEEN.size).averaged())
    write_export(tmp_path / "model.safetensors", networks, SEEN_RANDOM)
    with pytest.raises(SettingsError, match="so these would flatter it"):
        evaluate(tmp_path / "model.safetensors", tmp_path / "data", features="random", device="cpu")
    about = SEEN_RANDOM.model_copy(update={"critic_features": [judges.LITE0_SHA256]})
    write_export(tmp_path / "lite0.safetensors", networks, about)
    with pytest.raises(SettingsError, match=r"--recognise asks lite0, .* Say --anyway, .* or leave out --recognise"):
        evaluate(tmp_path / "lite0.safetensors", tmp_path / "data", recognise="zebra", device="cpu")
    result = evaluate(tmp_path / "model.safetensors", tmp_path / "data", features="random", anyway=True, device="cpu")
    assert {figure.features for figure in result.figures} == {"", "random, which the critics have seen"}
