"""A small classifier, trained on real pictures, of the domain of a picture or of its attributes.

This is how the paper of StarGAN evaluates translations (Choi et al. 2018, arXiv 1711.09020, section 5.5), with a
ResNet-18. The discriminator cannot do it: it was trained together with the generator.
"""

import hashlib
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from translate.data.augmentation import Augmentation
from translate.data.batches import LabelledBatches
from translate.data.folders import Dataset
from translate.data.store import Store
from translate.files import atomic_file
from translate.home import in_home
from translate.metrics.protocols import prepared
from translate.progress import Tell
from translate.tensors import Pixels

SIDE = 64  # pixels: pictures are resized to such squares
WIDTHS = (32, 64, 128, 128)  # of the convolutions
STEPS = 600
BATCH = 32
RATE = 2e-3  # of Adam, at the beginning; it falls linearly to 0
SEED = 0


class Classifier(nn.Module):
    """Four convolutions with batch normalisation, the spatial mean, and one linear layer; 0.24 million weights.

    Args:
        labels: how many domains or attributes there are.
        exclusive: whether a picture has one label only: its domain.
    """

    def __init__(self, labels: int, exclusive: bool) -> None:
        super().__init__()
        self.exclusive = exclusive
        layers: list[nn.Module] = []
        for before, width in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(before, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1], labels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, labels) of pictures (N, 3, 64, 64) of 0..255."""
        logits: Tensor = self.head(self.layers(x / 127.5 - 1).mean((2, 3)))
        return logits

    @torch.inference_mode()
    def read(self, picture: Pixels) -> NDArray[np.int_]:
        """Return which labels (labels,) a picture (H, W, 3) has, 1 or 0 for each."""
        logits = self(prepared(picture, SIDE, antialiased=True)[None])[0]
        seen = functional.one_hot(logits.argmax(), len(logits)) if self.exclusive else logits > 0
        return seen.numpy().astype(int)


def trained_classifier(dataset: Dataset, tell: Tell) -> Classifier:
    """Train a classifier on the training pictures of a dataset, or read the one that was trained on them before.

    The same pictures give the same classifier, up to the last bits on another machine. It is kept in the home; a
    damaged one is trained again.

    Args:
        dataset: with two domains or more, or with attributes.
        tell: is told what is done.

    Raises:
        DataError: too many pictures cannot be read.
        OutputError: it cannot be kept.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        classifier = Classifier(len(dataset.domains), dataset.has is None)
    words = [str(part) for part in (SIDE, WIDTHS, STEPS, BATCH, RATE, SEED, dataset.domains, dataset.fingerprint())]
    name = hashlib.sha256("\n".join(words).encode("utf-8", "backslashreplace")).hexdigest()[:16]
    place = in_home(f"classifiers/{name}.safetensors")
    if kept := _read_kept(place):
        classifier.load_state_dict(kept)
        return classifier.eval()
    _train(classifier, dataset, tell)
    with atomic_file(place) as temporary:
        learned = classifier.state_dict()
        safetensors.torch.save_file(learned, temporary, {"sha256": _sha256(learned)})
    return classifier.eval()


def _read_kept(place: Path) -> dict[str, Tensor]:
    """Read the weights that were learned before; nothing where there are none, or the file is damaged."""
    try:
        with safetensors.safe_open(place, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            digest = (file.metadata() or {}).get("sha256")
    except (OSError, safetensors.SafetensorError):
        return {}
    return tensors if digest == _sha256(tensors) else {}


def _sha256(tensors: dict[str, Tensor]) -> str:
    return hashlib.sha256(safetensors.torch.save(tensors)).hexdigest()


def _train(classifier: Classifier, dataset: Dataset, tell: Tell) -> None:
    augmentation = Augmentation(size=SIDE)
    stores = {
        name: Store(name, pictures, augmentation, tell, dataset.labels(name))
        for name, pictures in dataset.train.items()
    }
    batches = LabelledBatches(stores, augmentation, BATCH, SEED)
    loss = functional.cross_entropy if classifier.exclusive else functional.binary_cross_entropy_with_logits
    optimiser = torch.optim.Adam(classifier.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, STEPS)
    for step in range(STEPS):
        batch = batches[step]
        optimiser.zero_grad()
        loss(classifier(batch["x"].float()), batch["c"]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        tell("training a classifier", step + 1, STEPS)
