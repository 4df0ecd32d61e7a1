"""What methods from noise to pictures have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field
from torch import Tensor

from translate.errors import DataError, SettingsError
from translate.methods.base import Method, MethodSettings
from translate.noise.generators import SIZES
from translate.targets import Domains, Targets


class GenerationSettings(MethodSettings):
    """What the settings of every method that draws pictures from noise have in common."""

    batches: ClassVar[Literal["unpaired", "labelled", "paired"]] = "labelled"
    draws = True
    advice: ClassVar[Mapping[str, Any]] = {"data": {"size": 64, "load": 64}, "training": {"batch": 64}}

    latent: int = Field(100, ge=1)
    """Numbers in the noise of a picture."""
    grey: bool = False
    """Whether pictures are grey: one channel is drawn, and shown as three."""

    @property
    def channels(self) -> int:
        """What a generator draws."""
        return 1 if self.grey else 3

    def for_targets(self, targets: Targets) -> Self:
        if self.labelled and not isinstance(targets, Domains):
            raise DataError(
                f"{self.name} is told what to draw by folders, one for each label, but these pictures have attributes."
                " Use --method dcgan."
            )
        return self

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        if self.labelled and len(domains) < 2:
            raise DataError(
                f"{self.name} learns pictures with labels, and those of {domains[0]} have none. Put the pictures of"
                " each label into a folder of their own, or use --method dcgan."
            )
        if batch < 2:
            raise SettingsError(f"{self.name} needs a batch of at least 2 pictures. Use --batch 64.")
        self.check_size(size)

    def check_size(self, size: int) -> None:
        if size not in SIZES:
            raise SettingsError(
                f"{self.name} draws pictures of {', '.join(map(str, SIZES))} pixels a side; found {size}. Choose one of"
                " these as --size."
            )

    def build(self, domains: Sequence[str], size: int) -> "Generation":
        raise NotImplementedError


class Generation(Method):
    """A method from noise to pictures.

    Attributes:
        latent: numbers in the noise of a picture.
        names: of what it draws: one, or each label.
    """

    latent: int
    names: tuple[str, ...]

    @property
    def labels(self) -> int:
        """How many labels it is told; none for methods that are not."""
        return len(self.names) if self.settings.labelled else 0

    def sample(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Draw a picture from each noise vector.

        Args:
            z: (N, latent), from N(0, 1).
            labels: (N, labels) of 0 and 1, for methods that are told what to draw.

        Returns:
            (N, 3, S, S) in [-1, 1].
        """
        raise NotImplementedError

    def classify(self, x: Tensor) -> Tensor | None:
        """Return logits (N, labels) of pictures (N, 3, S, S) in [-1, 1]; None where the method reads no labels."""
        return None


def as_rgb(x: Tensor) -> Tensor:
    """(N, 1, S, S) or (N, 3, S, S) -> (N, 3, S, S)."""
    return x.expand(-1, 3, -1, -1)


def generation(method: Method) -> Generation:
    """Return a method that is known to draw from noise. Raises `SettingsError` where it translates pictures."""
    if not isinstance(method, Generation):
        raise SettingsError(f"{method.settings.name} translates pictures; it draws none from noise.")
    return method
