"""Pictures and labels in the files of MNIST (LeCun et al. 1998), which are called IDX, packed by gzip or not."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from translate import images
from translate.data.folders import Dataset
from translate.errors import DataError
from translate.tensors import Pixels

SPLITS = {"train": "train", "test": "t10k"}  # how the names of their files begin
SMALLEST = 32  # pixels: smaller pictures get a border of black


@dataclass(frozen=True)
class IdxPictures:
    """The pictures of one label.

    Attributes:
        split: "train" or "test".
        images: all of them, (N, H, W).
        places: which of these have the label.
    """

    split: str
    images: NDArray[np.uint8]
    places: NDArray[np.int_]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Pixels:
        grey = self.images[self.places[index]]
        missing = [max(SMALLEST - side, 0) for side in grey.shape]
        borders = [(pixels // 2, pixels - pixels // 2) for pixels in missing]
        return np.repeat(np.pad(grey, borders)[..., None], 3, axis=2)

    def name(self, index: int) -> str:
        """Return the split, and the number of the picture in its file."""
        return f"{self.split}-{self.places[index]:05d}"

    def fingerprint(self) -> str:
        """Hash all pixels."""
        return hashlib.sha256(self.images[self.places].tobytes()).hexdigest()[:16]


def holds_idx(root: Path) -> bool:
    """Whether a folder holds the training pictures and labels of such a set."""
    return root.is_dir() and all(_place(root, "train", part) for part in ("images-idx3", "labels-idx1"))


def open_idx(root: Path) -> Dataset:
    """Open a folder with train-images-idx3-ubyte and train-labels-idx1-ubyte, each with .gz or not, and t10k- likewise.

    Raises:
        DataError: a file is damaged, or there are not as many labels as pictures.
    """
    parts: dict[str, dict[str, IdxPictures]] = {}
    for split, begin in SPLITS.items():
        found = [_place(root, begin, part) for part in ("images-idx3", "labels-idx1")]
        if not all(found):
            continue
        pictures, labels = (images.read_idx(path) for path in found if path)
        if pictures.ndim != 3 or labels.ndim != 1 or len(pictures) != len(labels):
            raise DataError(
                f"{found[0]} holds {pictures.shape} and {found[1]} {labels.shape}: a label for each picture is wanted."
            )
        parts[split] = {
            str(label): IdxPictures(split, pictures, np.flatnonzero(labels == label)) for label in np.unique(labels)
        }
    return Dataset(root.resolve().name, parts["train"], parts.get("test", {}))


def _place(root: Path, begin: str, part: str) -> Path | None:
    places = [root / f"{begin}-{part}-ubyte{suffix}" for suffix in ("", ".gz")]
    return next((place for place in places if place.is_file()), None)
