"""Everything that decides what a run computes, but for the pictures."""

from typing import Any, Literal, Self

from pydantic import Field, SerializeAsAny, field_validator

from translate.data.augmentation import Augmentation
from translate.data.folders import Reading
from translate.data.pairs import SideBySide
from translate.errors import SettingsError
from translate.images import LIMITS, read_colour
from translate.methods.base import MethodSettings, settings_class
from translate.metrics.features import FEWEST
from translate.settings import Settings
from translate.training.loop import TrainingSettings


class DataSettings(Augmentation):
    """Which pictures, and what is done to them."""

    only: str | None = None
    """Of several domains the one that a method draws, or all, as one kind; other methods take all."""
    labels_each: int | None = Field(None, ge=1)
    """Pictures of each label whose label is known, for methods that learn with few; by default all."""
    attributes: tuple[str, ...] | None = None
    """Of a list of attributes; by default StarGAN's five, or all."""
    held_out: int = Field(0, ge=0)
    """Pictures of each domain that are not trained on, to choose a checkpoint by."""
    pairs: SideBySide | None = None
    """Where partners are, for methods that need pairs; by default found out."""
    bad: Literal["skip", "error"] = "skip"
    """A hundredth of pictures that cannot be read, or all but none."""

    background: str = "white"
    """What is seen where full transparency hides the colours: a name, or #ffffff. `apply` has the same option."""
    max_pixels: int = Field(LIMITS.pixels, ge=1)
    """The most pixels a picture may have; larger ones cannot be read."""

    @field_validator("background")
    @classmethod
    def _is_colour(cls, background: str) -> str:
        try:
            read_colour(background)
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return background

    @property
    def reading(self) -> Reading:
        """How the files of pictures are read."""
        return Reading.of(self.background, self.max_pixels)

    @field_validator("held_out")
    @classmethod
    def _suffices(cls, held_out: int) -> int:
        if 0 < held_out < FEWEST:
            raise ValueError(f"it must be 0 or at least {FEWEST}, the fewest that a KID needs")
        return held_out


class Recipe(Settings):
    """A method, what is done to pictures, and a schedule."""

    method: SerializeAsAny[MethodSettings]
    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()

    def with_training(self, **changes: Any) -> Self:
        """Return the same recipe with other settings of its schedule."""
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})

    @field_validator("method", mode="plain")
    @classmethod
    def _by_name(cls, value: Any) -> MethodSettings:
        if isinstance(value, MethodSettings):
            return value
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise SettingsError(
                f"The setting method is a table with a name, such as method.name=cyclegan; found {value!r}."
            )
        return settings_class(value["name"]).parse(value, under="method")
