"""How near translations come to what they should have become, beside what does without the model."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from translate import images
from translate.data.damage import HOLE
from translate.metrics.likeness import WINDOW, mean_difference, psnr, ssim
from translate.models.about import About
from translate.tensors import Pixels

Lpips = Callable[[Pixels, Pixels], float]
OF = ("", "of inputs ", "of bicubic ")
IN_HOLES = ("", "of mean colour ")
TO_TRUTH = [
    *(f"{name} {of}to truth" for name in ("PSNR", "SSIM", "L1", "LPIPS") for of in OF),
    *(f"{name} in holes {of}to truth" for name in ("PSNR", "L1") for of in IN_HOLES),
]


def holes_in(picture: Pixels, about: About) -> NDArray[np.bool_]:
    """Return which pixels (H, W) of a picture are holes that were made to train a model; none for other models."""
    if about.made != "holes":
        return np.zeros(picture.shape[:2], np.bool_)
    return np.asarray((picture == HOLE).all(axis=2))


def compared(
    picture: Pixels, translated: Pixels, truth: Pixels, about: About, lpips: Lpips | None
) -> Iterator[tuple[str, float]]:
    """Yield figures, by the names in `TO_TRUTH`, of a translation and of what it has to be better than.

    That is the picture as it is; where the model enlarges, its bicubic enlargement; and in holes, the mean of all
    that is known around them.

    Args:
        picture: (H, W, 3), what was translated.
        translated: of equal size.
        truth: of equal size.
        about: the model.
        lpips: a distance of pictures.
    """
    rivals = {"": translated, "of inputs ": picture}
    if about.scale != 1:
        rivals["of bicubic "] = _bicubic(picture, about.scale)
    for of, image in rivals.items():
        yield f"PSNR {of}to truth", psnr(truth, image)
        yield f"L1 {of}to truth", mean_difference(truth, image)
        if min(truth.shape[:2]) >= WINDOW:
            yield f"SSIM {of}to truth", ssim(truth, image)
        if lpips:
            yield f"LPIPS {of}to truth", lpips(truth, image)
    holes = holes_in(picture, about)
    if holes.any() and not holes.all():
        mean = np.broadcast_to(picture[~holes].mean(axis=0).round().astype(picture.dtype), picture.shape)
        for of, image in (("", translated), ("of mean colour ", mean)):
            yield f"PSNR in holes {of}to truth", psnr(truth[holes], image[holes])
            yield f"L1 in holes {of}to truth", mean_difference(truth[holes], image[holes])


def _bicubic(coarse: Pixels, scale: int) -> Pixels:
    """Enlarge the picture whose pixels are squares in a coarse one (H, W, 3), to the same size."""
    height, width = coarse.shape[:2]
    small = np.ascontiguousarray(coarse[::scale, ::scale])
    return images.resize(small, scale * small.shape[0], scale * small.shape[1])[:height, :width]
