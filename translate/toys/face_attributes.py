"""Reading hair colour, glasses and smile off a picture of a drawn face, by rule, and scoring changes of them.

The parameters say where hair, frames and mouth are; what is there is taken from the picture alone. So a translation is
read like a drawn face.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels
from translate.toys import faces
from translate.toys.drawn import Drawn, Sample, Translate, translated
from translate.toys.painting import Parameters, Plane
from translate.toys.stripes import INSIDE, LUMINANCE

HAIR_DISTANCE = 0.25  # between a hair's pixel and the nearest shade of its colour, as a vector in [0, 1]^3
HAIR_SHARE = 0.6  # of the hair's pixels that must have the colour
FRAME_CONTRAST = 0.12  # in luminance 0..1, by which a frame is darker than what is beside it
FRAME_SHARE = 0.7  # of the frame's pixels that must be darker
RIM = 0.03  # from the middle of a rim, in half heights of the head, to which a pixel's middle is the rim
BESIDE = (0.09, 0.16)  # the band beside a rim, in half heights of the head
MOUTH_BOX = (0.42, 0.20)  # half width and half height of where a mouth can be, in half heights of the head
MOUTH_CONTRAST = 0.08  # in luminance 0..1, by which lips are darker than the skin
MOUTH_AREA = (0.08, 0.5)  # of the lips in the box, as a share: less or more is no mouth
MOUTH_SPREAD = 0.08  # standard deviation of the height of the lips' middle, in half heights of the head: more is noise
RISE = 0.07  # of the corners above the middle of the mouth, in half heights of the head; more is a smile

_HAIR = {name: {other: int(other == name) for other in faces.HAIR} for name in faces.HAIR}  # labels of each colour
TARGETS: dict[str, dict[str, int]] = {f"{name}=1": becomes for name, becomes in _HAIR.items()}
TARGETS |= {f"{name}={value}": {name: value} for name in ("glasses", "smile") for value in (0, 1)}


def read_attributes(image: Pixels, parameters: Parameters) -> dict[str, int | None]:
    """Return 1 or 0 for each attribute that the picture of a face shows, or None where there is nothing to read.

    A hair colour is there when at least 60 % of the hair's pixels are near one of its shades. Glasses are there when at
    least 70 % of the rims' pixels are darker than the skin beside them. The mouth is what is darker than the skin
    around it; a smile is one whose corners are above its middle. Without a mouth there is neither a smile nor none.

    Controls, which the tests hold: in at least 98 % of drawn faces each attribute is read as it was drawn; of noise and
    of an even colour no hair colour, no glasses and no mouth are read.

    Args:
        image: (S, S, 3).
        parameters: what the face was drawn from, of which only the place and the shape of things are used.
    """
    size = image.shape[0]
    colours = image.astype(np.float32) / np.float32(255)
    head = faces.place(parameters, size)
    luminance = np.asarray(colours @ LUMINANCE, np.float32)
    hair: dict[str, int | None] = dict(_hair_colours(colours, faces.paint_face(parameters, size)[1]))
    glasses = _glasses(luminance, faces.rims(parameters, head))
    return hair | {"glasses": glasses, "smile": _smile(luminance, parameters, head)}


def _hair_colours(colours: NDArray[np.float32], mask: Plane) -> dict[str, int]:
    pixels = colours[mask > INSIDE]
    ends = np.array(list(faces.HAIR.values()), np.float32)  # (colours, 2, 3)
    shades = np.stack([(1 - share) * ends[:, 0] + share * ends[:, 1] for share in (0.0, 0.5, 1.0)], 1)
    distance = np.linalg.norm(pixels[:, None, None] - shades, axis=-1).min(-1)  # (N, colours)
    has = (distance < HAIR_DISTANCE) & (distance == distance.min(1, keepdims=True))
    return {name: int(share >= HAIR_SHARE) for name, share in zip(faces.HAIR, has.mean(0), strict=True)}


def _glasses(luminance: Plane, rims: Plane) -> int:
    beside = (np.abs(rims) > BESIDE[0]) & (np.abs(rims) < BESIDE[1])
    darker = luminance[np.abs(rims) < RIM] < np.median(luminance[beside]) - FRAME_CONTRAST
    return int(darker.mean() >= FRAME_SHARE)


def _smile(luminance: Plane, parameters: Parameters, head: faces.Head) -> int | None:
    u, v = head.u, head.v - parameters["mouth"]
    box = (np.abs(u) < MOUTH_BOX[0]) & (np.abs(v) < MOUTH_BOX[1])
    lips = box & (luminance < np.median(luminance[box]) - MOUTH_CONTRAST)
    if not MOUTH_AREA[0] < lips.sum() / box.sum() < MOUTH_AREA[1]:
        return None
    corners, middle = lips & (np.abs(u) > 0.6 * faces.MOUTH), lips & (np.abs(u) < 0.4 * faces.MOUTH)
    if not corners.any() or not middle.any() or v[middle].std() > MOUTH_SPREAD:
        return None
    return int(v[middle].mean() - v[corners].mean() > RISE)


def score_changes(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Change one attribute at a time of every face that is not as wanted already, and read what became of it.

    Returns:
        "target attribute": how often it became what was wanted; "kept attributes": how often hair colour, glasses and
        smile stayed what they were, where they should. Both are means over the targets, 0..1. With "lowest" they are
        those of the worst target.
    """
    face = unseen["face"]
    return _summary(_rates(translated(translate, face, target), becomes) for target, becomes in TARGETS.items())


def score_hair(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Turn the faces of each domain into every other one, and read what became of them; as `score_changes` else."""
    return _summary(
        _rates(translated(translate, drawn, target), _HAIR[f"{target}_hair"])
        for source, drawn in unseen.items()
        for target in unseen
        if target != source
    )


def _rates(pairs: Iterable[tuple[Sample, Pixels]], becomes: dict[str, int]) -> tuple[float, float]:
    """Return how often faces that are not yet what they should become did so, and how often they kept the rest."""
    reached: list[bool] = []
    kept: list[bool] = []
    for sample, picture in pairs:
        before = faces.attributes(sample.parameters)
        wanted = before | becomes
        if wanted == before:
            continue
        now = read_attributes(picture, sample.parameters)
        for names in (tuple(faces.HAIR), ("glasses",), ("smile",)):
            right = all(now[name] == wanted[name] for name in names)
            (reached if becomes.keys() & names else kept).append(right)
    return float(np.mean(reached)), float(np.mean(kept))


def _summary(rates: Iterable[tuple[float, float]]) -> dict[str, float]:
    reached, kept = np.array(list(rates)).T
    return {
        "target attribute": float(reached.mean()),
        "kept attributes": float(kept.mean()),
        "lowest target attribute": float(reached.min()),
        "lowest kept attributes": float(kept.min()),
    }
