"""What is done to a picture around the network: what it sees, and what is taken of its result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from translate import images
from translate.data.damage import DAMAGES
from translate.errors import SettingsError
from translate.images import WHITE, Colour, Picture
from translate.inference.blending import UNBLENDED, Blending, luma
from translate.inference.holes import Holes, check_holes, filled, holes_in, marked
from translate.inference.passes import check_passes
from translate.inference.sizes import full_size, network_input
from translate.inference.upsampling import Size
from translate.models.about import About
from translate.tensors import Pixels, as_pixels, as_tensor

MADE_BY = "One that has is made by `translate train FOLDER --method pix2pix --set data.made={}`."
CHROMA = Blending(take="chroma")


@dataclass(frozen=True)
class Treatment:
    """How a picture becomes its result.

    Attributes:
        size: what the network sees, see `network_size`.
        blending: how much of the result to take.
        background: what is seen where full transparency hides the colours.
        fill: take the result in holes only, see `holes_in`, and let all else stay as it is.
        enlarge: how many times as large as its picture the result is. The network then sees all of the picture, each
            pixel as a square, and the result is blended with a bicubic enlargement.
        colours: whether the model has learned to colour, which `of` finds out. The network then sees the luma of the
            picture, and the result has the same.
        passes: over how many shifted passes the result is the mean, see `passes`.
    """

    size: Size = "auto"
    blending: Blending = UNBLENDED
    background: Colour = WHITE
    fill: bool = False
    enlarge: int = 1
    colours: bool = False
    passes: int = 1

    def __post_init__(self) -> None:
        check_passes(self.passes)
        if self.fill and self.blending != UNBLENDED:
            raise SettingsError("--fill goes with none of --strength, --keep-colour and --colour-only.")
        if self.enlarge != 1 and isinstance(self.size, int):
            raise SettingsError("--enlarge shows networks all of a picture, so it does not go with --size.")

    def of(self, about: About) -> "Treatment":
        """Return the treatment for a model. Raises `SettingsError` where it has not learned what is asked of it."""
        if self.fill and about.made != "holes":
            raise SettingsError(
                f"This model has not learned to fill holes, which --fill asks of it. {MADE_BY.format('holes')}"
            )
        if self.enlarge not in (1, about.scale):
            raise SettingsError(
                f"This model has not learned to enlarge, which --enlarge asks of it. {MADE_BY.format('superres4')}"
                if about.scale == 1
                else f"This model enlarges {about.scale} times; found --enlarge {self.enlarge}."
            )
        is_fine = about.scale != 1 or (about.made in DAMAGES and DAMAGES[about.made].is_fine)
        size: Size = "native" if is_fine and self.size == "auto" else self.size
        return replace(self, size=size, colours=about.made == "colour")

    def advice(self, about: About) -> str:
        """Say what a user of this model may not know; empty: nothing."""
        if about.made == "holes" and not self.fill:
            return "This model fills holes; --fill shows it where they are, and keeps all else as it is."
        if about.scale != self.enlarge:
            return f"This model enlarges: --enlarge {about.scale} makes results {about.scale} times as large."
        return ""

    def prepared(self, frames: Sequence[Picture], mask: Pixels | None, training: int) -> "list[Prepared]":
        """Make a picture, or all frames of one, ready for the network.

        Args:
            frames: the picture.
            mask: see `mask_weights`; None for all of it.
            training: the side of the training crops, in pixels.

        Raises:
            UnfitPicture: there is nothing to fill.
        """
        holes = self.holes([(frame.rgb.shape[:2], frame.alpha) for frame in frames], mask)
        visible = [as_tensor(images.visible(frame, self.background)) for frame in frames]
        return [
            Prepared(self, self._enlarged(frame), self.seen(x, training, some), mask, some)
            for frame, x, some in zip(frames, visible, holes, strict=True)
        ]

    def holes(
        self, frames: Sequence[tuple[tuple[int, int], Pixels | None]], mask: Pixels | None
    ) -> Sequence[Holes | None]:
        """Return the holes of each frame, of which (H, W) and the alpha are given; None where nothing is to be filled.

        Raises:
            UnfitPicture: there is nothing to fill.
        """
        if not self.fill:
            return [None] * len(frames)
        found = [holes_in(size, mask, alpha) for size, alpha in frames]
        check_holes(found, mask is not None)
        return found

    def seen(self, x: Tensor, training: int, holes: Holes | None = None) -> Tensor:
        """Return what the network sees of pictures (N, 3, H, W), which is (N, 3, h, w)."""
        if self.enlarge != 1:
            return x.repeat_interleave(self.enlarge, 2).repeat_interleave(self.enlarge, 3)
        small = network_input(grey(x) if self.colours else x, self.size, training)
        return small if holes is None else marked(x, small, holes)

    def ground(self, x: Tensor) -> Tensor:
        """Return floats (N, 3, H, W) in [-1, 1] at the size of their results, with which these are blended."""
        if self.enlarge == 1:
            return x
        return interpolate(x, scale_factor=self.enlarge, mode="bicubic", antialias=True).clamp(-1, 1)

    def finished(
        self, x: Tensor, small: Tensor, output: Tensor, mask: Pixels | None = None, holes: Holes | None = None
    ) -> Tensor:
        """Return the results of pictures.

        Args:
            x: (N, 3, H, W), at the size of the results.
            small: what the network saw.
            output: what it made of it.
            mask: see `mask_weights`.
            holes: where alone the result is taken; None: everywhere.
        """
        if holes is not None:
            return filled(x, output, holes)
        if self.colours:
            small = output = full_size(grey(x), small, output, CHROMA)
        return full_size(x, small, output, self.blending, mask)

    def _enlarged(self, picture: Picture) -> Picture:
        if self.enlarge == 1:
            return picture
        height, width = (self.enlarge * side for side in picture.rgb.shape[:2])
        alpha = None if picture.alpha is None else images.resize_plane(picture.alpha, height, width)
        return replace(picture, rgb=images.resize(picture.rgb, height, width), alpha=alpha)


AS_IT_IS = Treatment()


def grey(x: Tensor) -> Tensor:
    """Return the luma of pictures (N, 3, H, W), of uint8 or uint16, or floats, in three channels."""
    values = luma(x.to(torch.float32))[:, None]
    return (values if x.is_floating_point() else values.round()).to(x.dtype).expand_as(x)


@dataclass(frozen=True)
class Prepared:
    """A picture that is ready for the network.

    Attributes:
        treatment: how it becomes its result.
        picture: at the size of its result.
        small: (1, 3, h, w), what the network sees.
        mask: see `mask_weights`.
        holes: where alone the result is taken; None: everywhere.
    """

    treatment: Treatment
    picture: Picture
    small: Tensor
    mask: Pixels | None = None
    holes: Holes | None = None

    def finished(self, output: Tensor) -> Picture:
        """Return the result, of which the network made `output`, (1, 3, h, w)."""
        x, alpha = as_tensor(self.picture.rgb), self.picture.alpha
        rgb = as_pixels(self.treatment.finished(x, self.small, output, self.mask, self.holes))
        if alpha is not None and self.holes is not None:
            alpha = np.where(self.holes, np.iinfo(alpha.dtype).max, alpha).astype(alpha.dtype)
        return replace(self.picture, rgb=rgb, alpha=alpha)
