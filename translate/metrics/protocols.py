"""Which pictures are compared, and how they are resized first: the numbers of different protocols do not compare."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from translate import images
from translate.errors import SettingsError
from translate.settings import nearest
from translate.tensors import Pixels


@dataclass(frozen=True)
class Protocol:
    """How a distance between distributions is measured."""

    with_train: bool = False  # whether training pictures of the target are among the real ones
    antialiased: bool = False  # whether a picture that shrinks is smoothed first
    middle: float = 127.5  # the grey level that Inception sees as 0


PROTOCOLS = {
    # Test pictures, translated, against the target's test pictures; bilinear without smoothing, as pytorch-fid resizes:
    # CUT, Park et al. 2020. Of horse2zebra these are 120 translations against 140 zebras.
    "cut": Protocol(),
    # The same with bicubic resizing that smooths and does not round: Parmar et al. 2022, arXiv 2104.11222.
    "clean-fid": Protocol(antialiased=True, middle=128.0),
    # Against all pictures of the target, those for training and those for testing: GAN Compression, Li et al. 2020.
    "train+test": Protocol(with_train=True),
}

SPOKEN = {"train+test reals": "train+test"}  # other names


def find_protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        SettingsError: there is none.
    """
    name = SPOKEN.get(name, name)
    if name not in PROTOCOLS:
        raise SettingsError(f"There is no protocol {name!r}.{nearest(name, PROTOCOLS)} Known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def prepared(picture: Pixels, side: int, antialiased: bool) -> Tensor:
    """Turn a picture (H, W, 3) uint8 into what feature networks see: (3, side, side) in fp32 of 0..255."""
    samples = images.resize_unrounded(picture, side, side) if antialiased else picture
    x = torch.from_numpy(np.ascontiguousarray(samples)).permute(2, 0, 1).to(torch.float32)
    if x.shape[1:] == (side, side):
        return x
    return functional.interpolate(x[None], (side, side), mode="bilinear", align_corners=False)[0]
