"""The classifier learns what real pictures show, is the same every time, and is trained once."""

import numpy as np
import pytest
import torch

from translate.data.folders import Dataset
from translate.metrics import classifier
from translate.metrics.classifier import trained_classifier


class Plain:
    """Pictures of one colour in some noise."""

    def __init__(self, colour, count=12):
        self.colour, self.count = colour, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        noise = np.random.default_rng(index).integers(0, 60, (40, 40, 3), np.uint8)
        return noise + np.array(self.colour, np.uint8)

    def name(self, index):
        return f"{index}.png"

    def fingerprint(self):
        return str(self.colour)


DOMAINS = Dataset("colours", {"red": Plain((190, 0, 0)), "green": Plain((0, 190, 0)), "blue": Plain((0, 0, 190))})


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(classifier, "STEPS", 12)
    monkeypatch.setattr(classifier, "BATCH", 8)


def quiet(*_):
    pass


def test_it_tells_domains_apart_and_is_the_same_again(monkeypatch, tmp_path):
    first = trained_classifier(DOMAINS, quiet)
    assert [first.read(pictures[20]).tolist() for pictures in DOMAINS.train.values()] == np.eye(3, dtype=int).tolist()
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "elsewhere"))
    torch.manual_seed(5)
    again = trained_classifier(DOMAINS, quiet)
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_is_kept_for_the_same_pictures_only(monkeypatch):
    first = trained_classifier(DOMAINS, quiet)
    trained = []
    monkeypatch.setattr(classifier, "_train", lambda *_: trained.append(1))
    kept = trained_classifier(DOMAINS, quiet)
    assert torch.equal(first.head.weight, kept.head.weight)
    assert not trained
    trained_classifier(Dataset("colours", {**DOMAINS.train, "blue": Plain((0, 0, 180))}), quiet)
    assert trained


@pytest.mark.parametrize("damage", ["flip", "truncate"])
@pytest.mark.fault("S-14")
def test_one_that_is_damaged_is_trained_again(tmp_path, damage):
    first = trained_classifier(DOMAINS, quiet)
    (file,) = (tmp_path / "home/classifiers").iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-1] + (bytes([content[-1] ^ 1]) if damage == "flip" else b""))
    again = trained_classifier(DOMAINS, quiet)
    assert torch.equal(first.head.weight, again.head.weight)
    assert file.read_bytes() == content


def test_attributes_may_be_there_together():
    train = {"all": Plain((0, 0, 0), 12)}
    has = np.array([[1, 1], [0, 0]] * 6, np.float32)
    net = trained_classifier(Dataset("faces", train, attributes=("a", "b"), has=has), quiet)
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.copy_(torch.tensor([1.0, 1.0]))
    assert net.read(train["all"][0]).tolist() == [1, 1]
