"""Sample grids: what the generators make of fixed inputs, or of fixed noise."""

from collections.abc import Callable, Mapping, Sequence

from translate import images
from translate.targets import Targets
from translate.tensors import Pixels

LEGIBLE = 64  # pixels: drawn pictures that are smaller are enlarged to be looked at

Translate = Callable[[Sequence[Pixels], str], list[Pixels]]  # pictures of one size, target domain -> pictures


def sample_grid(
    translate: Translate, inputs: Mapping[str, Sequence[Pixels]], targets: Targets, paired: bool = False
) -> Pixels:
    """Draw pictures and what becomes of them, side by side: for each domain, or the one collection, of `inputs`.

    Where there is a way back, every translation stands between its input and the input as it came back; else one input
    stands beside all its translations.

    Args:
        translate: turns pictures (S, S, 3) uint8 into pictures of a target.
        inputs: pictures (S, S, 3) uint8 of each domain.
        targets: what the model can be asked for.
        paired: whether the inputs of one domain are what those of the other should become; then they stand beside it.

    Returns:
        (H, W, 3) uint8, with as many rows as the domain with the fewest pictures has.
    """
    rows = min(map(len, inputs.values()))
    columns: list[Sequence[Pixels]] = []
    captions: list[str] = []
    for source in inputs:
        pictures = inputs[source][:rows]
        ahead = True  # the input is still to be shown
        for target in targets.ways(source):
            back = targets.back(source, target)
            if ahead or back:
                columns, captions, ahead = [*columns, pictures], [*captions, source], False
            translated = translate(pictures, target)
            columns, captions = [*columns, translated], [*captions, f"to {target}"]
            if paired:
                columns, captions = [*columns, inputs[target][:rows]], [*captions, f"true {target}"]
            if back:
                columns, captions = [*columns, translate(translated, back)], [*captions, f"back to {back}"]
    return images.sheet(list(zip(*columns, strict=True)), captions=captions)


def drawn_grid(pictures: Sequence[Pixels], columns: int) -> Pixels:
    """Lay drawn pictures (S, S, 3) uint8 out in rows of so many; small ones are enlarged."""
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    return images.sheet(rows, scale=-(-LEGIBLE // pictures[0].shape[0]))


def beside_nearest(pictures: Sequence[Pixels], nearest: Sequence[Pixels]) -> Pixels:
    """Lay drawn pictures (S, S, 3) uint8 out in a row, above the training picture that is nearest to each."""
    return images.sheet([pictures, nearest], scale=-(-LEGIBLE // pictures[0].shape[0]))
