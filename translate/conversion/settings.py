"""How pictures are converted: the settings that hold for all of them."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from translate import images
from translate.conversion.before_after import Compare, suffix_of
from translate.errors import SettingsError, UnfitPicture
from translate.images import Encoding, Limits
from translate.inference.blending import UNBLENDED, Blending
from translate.inference.steadying import WEIGHT, check_weight
from translate.inference.treatment import Treatment
from translate.inference.upsampling import Size

_AS_IT_IS = Encoding()


@dataclass(frozen=True)
class ConversionSettings:
    """How pictures are translated, and how results are written.

    Attributes:
        size: what the network sees, see `network_size`. Results have the size of their pictures, unless enlarged.
        batch: how many neighbours of equal size share a pass through the network; None: as suits the device.
        blending: how much of the result to take.
        mask: a picture, white where the result is to be and black where the picture stays; or a folder that mirrors the
            pictures with one for each.
        fill: fill holes, which are white in the mask, or without one transparent; all else stays as it is.
        enlarge: how many times as large as their pictures results are.
        compare: write picture and result into one more file, beside the result.
        preserve_times: give results the times of their pictures.
        encoding: how results are written.
        limits: larger pictures fail.
        isolate: decode in processes of their own, so that a picture that crashes its decoder fails alone.
        passes: over how many shifted passes results are the mean, see `mean_of_passes`.
        steady: how much of a frame, of an animation or a film, is carried over from the one before, see `Steady`.
        fps: frames a second, of a film that is made of pictures; None: an animation's own times, 25 of stills.
    """

    size: Size = "auto"
    batch: int | None = None
    blending: Blending = UNBLENDED
    mask: Path | None = None
    fill: bool = False
    enlarge: int = 1
    compare: Compare | None = None
    preserve_times: bool = False
    encoding: Encoding = _AS_IT_IS
    limits: Limits = images.LIMITS
    isolate: bool = False
    passes: int = 1
    steady: float = WEIGHT
    fps: Fraction | None = None

    def __post_init__(self) -> None:
        if (self.batch is not None and self.batch < 1) or (isinstance(self.size, int) and self.size < 1):
            raise SettingsError(f"--batch and --size must be at least 1; found batch {self.batch}, size {self.size}.")
        check_weight(self.steady)
        _ = self.treatment  # which refuses what does not go together

    @property
    def treatment(self) -> Treatment:
        """What is done to pictures around the network."""
        return Treatment(
            self.size, self.blending, self.encoding.background, self.fill, self.enlarge, passes=self.passes
        )

    def check_result(self, height: int, width: int, frames: int = 1) -> None:
        """Raise `UnfitPicture` where the result of a picture of so many pixels and frames would be over the limits."""
        try:
            self.limits.check_pixels(self.enlarge * height, self.enlarge * width, frames)
        except ValueError as error:
            raise UnfitPicture(f"Enlarged {self.enlarge} times, {error}.") from error

    @property
    def comparison_suffix(self) -> str:
        """How the name of the file beside each result ends, in place of the result's suffix; empty: there is none."""
        return suffix_of(self.compare) if self.compare else ""


DEFAULT = ConversionSettings()
