"""Sample grids: what the generators make of fixed inputs."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from translate import images
from translate.tensors import Pixels

Translate = Callable[[Sequence[Pixels], str], list[Pixels]]  # pictures of one size, target domain -> pictures


def sample_grid(translate: Translate, inputs: Mapping[str, Sequence[Pixels]]) -> Pixels:
    """Draw input | translated | cycled for every ordered pair of domains, side by side.

    Args:
        translate: turns pictures (S, S, 3) uint8 into pictures of a domain.
        inputs: pictures (S, S, 3) uint8 of each domain.

    Returns:
        (H, W, 3) uint8, with as many rows as the domain with the fewest pictures has.
    """
    rows = min(map(len, inputs.values()))
    columns: list[Sequence[Pixels]] = []
    captions: list[str] = []
    for source in inputs:
        pictures = inputs[source][:rows]
        for target in inputs:
            if target != source:
                translated = translate(pictures, target)
                columns += [pictures, translated, translate(translated, source)]
                captions += [source, f"to {target}", f"back to {source}"]
    return images.sheet(list(zip(*columns, strict=True)), captions=captions)


def attribute_grid(translate: Translate, pictures: Sequence[Pixels], targets: Sequence[str]) -> Pixels:
    """Draw input | translated to each of `targets`, such as "Young=0", side by side.

    Args:
        translate: turns pictures (S, S, 3) uint8 into pictures with changed attributes.
        pictures: (S, S, 3) uint8.
        targets: changes of attributes.

    Returns:
        (H, W, 3) uint8, with a row for each picture.
    """
    columns = [pictures, *(translate(pictures, target) for target in targets)]
    return images.sheet(list(zip(*columns, strict=True)), captions=["input", *targets])


def square(picture: Pixels, side: int) -> Pixels:
    """Crop the middle square out of (H, W, 3) and resize it to (side, side, 3)."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return images.resize(np.ascontiguousarray(picture[top : top + edge, left : left + edge]), side, side)
