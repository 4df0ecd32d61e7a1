"""What is done to a picture around the network: what it sees, and what is taken of its result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from translate import images
from translate.errors import SettingsError
from translate.images import WHITE, Colour, Picture
from translate.inference.blending import UNBLENDED, Blending
from translate.inference.holes import Holes, check_holes, filled, holes_in, marked
from translate.inference.sizes import full_size, network_input
from translate.inference.upsampling import Size
from translate.models.about import About
from translate.tensors import Pixels, as_pixels, as_tensor


@dataclass(frozen=True)
class Treatment:
    """How a picture becomes its result.

    Attributes:
        size: what the network sees, see `network_size`.
        blending: how much of the result to take.
        background: what is seen where full transparency hides the colours.
        fill: take the result in holes only, see `holes_in`, and let all else stay as it is.
    """

    size: Size = "auto"
    blending: Blending = UNBLENDED
    background: Colour = WHITE
    fill: bool = False

    def __post_init__(self) -> None:
        if self.fill and self.blending != UNBLENDED:
            raise SettingsError("--fill goes with none of --strength, --keep-colour and --colour-only.")

    def of(self, about: About) -> "Treatment":
        """Return the treatment for a model. Raises `SettingsError` where it has not learned what is asked of it."""
        if self.fill and about.made != "holes":
            raise SettingsError(
                "This model has not learned to fill holes, which --fill asks of it. One that has is made by"
                " `translate train FOLDER --method pix2pix --set data.made=holes`."
            )
        return self

    def advice(self, about: About) -> str:
        """Say what a user of this model may not know; empty: nothing."""
        if about.made == "holes" and not self.fill:
            return "This model fills holes; --fill shows it where they are, and keeps all else as it is."
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
        return [
            Prepared(
                self, frame, self.seen(as_tensor(images.visible(frame, self.background)), training, some), mask, some
            )
            for frame, some in zip(frames, holes, strict=True)
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
        small = network_input(x, self.size, training)
        return small if holes is None else marked(x, small, holes)

    def finished(
        self, x: Tensor, small: Tensor, output: Tensor, mask: Pixels | None = None, holes: Holes | None = None
    ) -> Tensor:
        """Return the results (N, 3, H, W) of pictures `x`, of which the network saw `small` and made `output`."""
        return full_size(x, small, output, self.blending, mask) if holes is None else filled(x, output, holes)


AS_IT_IS = Treatment()


@dataclass(frozen=True)
class Prepared:
    """A picture that is ready for the network.

    Attributes:
        treatment: how it becomes its result.
        picture: as it was read.
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
