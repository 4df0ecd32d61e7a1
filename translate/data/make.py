"""Writing a drawn dataset into a folder, with masks and parameters beside the pictures.

DIR/trainA/00000.png ...        pictures of the first domain
DIR/masks/trainA/00000.png ...  coverage of the animal, 0..255
DIR/parameters/trainA.jsonl     what each picture was drawn from, a JSON object a line
"""

import json
from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase

import numpy as np

from translate import images
from translate.cards import DatasetCard
from translate.data.truth import Drawn
from translate.errors import OutputError
from translate.files import write_text


def make(card: DatasetCard, folder: Path, count: int, size: int, seed: int) -> Iterator[Path]:
    """Draw `count` training pictures and a fifth as many test pictures of each domain; yield each picture's path.

    Raises:
        SettingsError: the size is too small.
        OutputError: the folder already holds something, is a file, or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder} is not an empty folder. Choose a new one.")
    for letter, domain in zip(ascii_uppercase, card.domains, strict=False):
        for split, amount in (("train", count), ("test", max(count // 5, 1))):
            drawn = Drawn(card.name, domain, split, amount, size, seed)
            lines: list[str] = []
            for index in range(amount):
                sample, place = drawn.sample(index), Path(f"{split}{letter}") / drawn.name(index)
                mask = np.repeat(np.rint(sample.mask * 255).astype(np.uint8)[..., None], 3, axis=2)
                images.write_pixels(mask, folder / "masks" / place)
                images.write_pixels(sample.image, folder / place)
                lines.append(json.dumps({"file": place.name, **sample.parameters}))
                yield folder / place
            write_text(folder / "parameters" / f"{split}{letter}.jsonl", "\n".join(lines) + "\n")
