"""Writing a drawn dataset into a folder, with masks and parameters beside the pictures.

DIR/trainA/00000.png ...        pictures of the first domain
DIR/masks/trainA/00000.png ...  coverage of what matters: animal, hair, shoe ..., 0..255
DIR/parameters/trainA.jsonl     what each picture was drawn from, a JSON object a line

Three domains or more are in DIR/train/NAME and DIR/test/NAME instead. Pictures with attributes are in DIR/images,
training and test pictures together, with DIR/list_attr_celeba.txt beside them, as those of CelebA are.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase

import numpy as np

from translate import images
from translate.cards import DatasetCard
from translate.data import celeba
from translate.errors import OutputError
from translate.files import atomic_folder, write_text
from translate.toys.catalogue import draw
from translate.toys.drawn import Drawn


def make(card: DatasetCard, folder: Path, count: int, size: int, seed: int, paired: bool = False) -> Iterator[Path]:
    """Draw `count` training pictures and a fifth as many test pictures of each domain; yield each one's place.

    The folder appears when all is drawn, and not before. With `paired` files of the same name are partners, if the card
    says that it has such.

    Raises:
        SettingsError: the size is too small.
        OutputError: the folder already holds something, is a file, or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder} is not an empty folder. Choose a new one.")
    with atomic_folder(folder) as temporary:
        yield from (folder / path for path in _draw_all(card, temporary, count, size, seed, paired and card.paired))
        if folder.exists():
            folder.rmdir()


def _draw_all(card: DatasetCard, folder: Path, count: int, size: int, seed: int, paired: bool) -> Iterator[Path]:
    amounts = {"train": count, "test": max(count // 5, 1)}
    together = draw(card.name, card.domains[0], "train", sum(amounts.values()), size, seed)
    if together.attributes(0):
        yield from _draw(together, folder, celeba.FOLDERS[0])
        has = {together.name(index): together.attributes(index) for index in range(len(together))}
        celeba.write_list(folder / celeba.LIST, has)
        return
    for letter, domain in zip(ascii_uppercase, card.domains, strict=False):
        for split, amount in amounts.items():
            place = f"{split}{letter}" if len(card.domains) == 2 else f"{split}/{domain}"
            yield from _draw(draw(card.name, domain, split, amount, size, seed, paired), folder, place)


def _draw(drawn: Drawn, folder: Path, place: str) -> Iterator[Path]:
    lines: list[str] = []
    for index in range(len(drawn)):
        sample, name = drawn.sample(index), drawn.name(index)
        mask = np.repeat(np.rint(sample.mask * 255).astype(np.uint8)[..., None], 3, axis=2)
        images.write_pixels(mask, folder / "masks" / place / name)
        images.write_pixels(sample.image, folder / place / name)
        lines.append(json.dumps({"file": name, **sample.parameters, **sample.attributes}))
        yield Path(place, name)
    write_text(folder / "parameters" / f"{place}.jsonl", "\n".join(lines) + "\n")
