"""What is done to each picture before a network sees it. The only place that knows albumentations."""

import json
import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from translate.errors import SettingsError
from translate.settings import Settings
from translate.tensors import Pixels

TARGET = "target"  # in place of a domain, until that is known: the one that is learned


class Augmentation(Settings):
    """What is done to a picture after it was resized to load x load pixels.

    It is rotated and distorted, then cropped, flipped and coloured; or it goes through the user's own transforms and is
    then cropped.
    """

    size: int = 256
    """Side of the random crop, in pixels."""
    load: int | None = Field(None, ge=32)
    """Side before the crop, in pixels; by default size x 286 / 256."""
    magnify: dict[str, Annotated[float, Field(ge=1, le=8)]] = Field({})
    """By domain: how many times larger its pictures are loaded, so that brush strokes are; a number is the target's."""
    zoom: bool = False
    """Whether the crop has a random side, of size to load pixels, and is then resized to size."""
    flip: float = Field(0.5, ge=0, le=1)
    """Probability of a left-right flip."""
    colour: float = Field(0.0, ge=0, le=1)
    """Strength of random brightness, contrast, saturation and hue."""
    rotation: float = Field(0.0, ge=0, le=180)
    """Largest random rotation, either way, in degrees."""
    affine: float = Field(0.0, ge=0, le=1)
    """Strength of random shift, scale and shear."""
    transforms: dict[str, Any] | None = None
    """Instead of the four above: what `albumentations.save` wrote."""
    made: (
        Literal["superres2", "superres4", "holes", "colour", "edges", "worn", "worn-twice"] | dict[str, Any] | None
    ) = None
    """Damage that makes pairs of one folder; or a file that `albumentations.save` wrote."""

    @field_validator("magnify", mode="before")
    @classmethod
    def _of_the_target(cls, value: Any) -> Any:
        return {TARGET: value} if isinstance(value, int | float) else value

    @field_validator("size")
    @classmethod
    def _fits(cls, size: int) -> int:
        if size < 32 or size % 4:
            raise ValueError("it must be a multiple of 4 and at least 32 pixels")
        return size

    @field_validator("transforms", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        """Put what a file holds in the place of its path, so that a run does not depend on the file."""
        return read_transforms(Path(value)) if isinstance(value, str) else value

    @field_validator("made", mode="before")
    @classmethod
    def _read_made(cls, value: Any) -> Any:
        """Put what a file holds in the place of its path, as above."""
        if isinstance(value, str) and Path(value).suffix in (".json", ".yaml", ".yml"):
            return read_transforms(Path(value), "data.made")
        return value

    @model_validator(mode="after")
    def _transforms_work(self) -> Self:
        if self.transforms is None:
            return self
        if self.colour or self.rotation or self.affine:
            raise ValueError("transforms take the place of flip, colour, rotation and affine; set one or the other")
        draws, augment = np.random.default_rng(0), Augmenter(self)
        for seed in range(8):  # before a run has begun; not everything is done to each picture
            augment(draws.integers(0, 256, (self.load_size, self.load_size, 3), np.uint8), seed)
        return self

    @property
    def load_size(self) -> int:
        """The side in pixels to which pictures are resized before the crop."""
        return max(self.load or round(self.size * 286 / 256), self.size)

    def load_size_of(self, domain: str) -> int:
        """The same for the pictures of a domain, which may be magnified."""
        return round(self.load_size * self.magnify.get(domain, 1.0))


class Augmenter:
    """Augments pictures. It is for one thread, since it cannot be seeded by two at once.

    Raises:
        SettingsError: the user's transforms cannot be built.
    """

    def __init__(self, settings: Augmentation) -> None:
        albumentations = _albumentations()
        self._size = settings.size
        self._own = settings.transforms is not None
        crop = _crop(settings)
        if settings.transforms is None:
            steps = [*_warp(settings), crop, albumentations.HorizontalFlip(p=settings.flip), *_colour(settings)]
        else:
            steps = [_built(settings.transforms), crop]
        self._pipeline = albumentations.Compose(steps, additional_targets={"partner": "image"})

    def __call__(self, picture: Pixels, seed: int) -> Pixels:
        """Augment a picture.

        Args:
            picture: (load, load, 3) uint8; it stays as it is.
            seed: of all draws, in 0..2^32 - 1.

        Returns:
            (size, size, 3) uint8.

        Raises:
            SettingsError: the user's transforms fail on the picture, or return something else.
        """
        return self.together([picture], seed)[0]

    def together(self, pictures: Sequence[Pixels], seed: int) -> list[Pixels]:
        """Augment a picture or a pair of pictures of equal size; the same is done to both. As above otherwise."""
        # albumentations 2.0.8 repeats its draws in every worker and every epoch unless it is seeded for each picture.
        self._pipeline.set_random_seed(seed)
        named = dict(zip(("image", "partner"), pictures, strict=False))
        if not self._own:
            augmented = self._pipeline(**named)
            return [augmented[name] for name in named]
        try:
            augmented = self._pipeline(**{name: picture.copy() for name, picture in named.items()})
        except Exception as error:  # whatever a transform does when it does not suit the picture
            raise SettingsError(f"The setting data.transforms fails on a picture: {_first_line(error)}") from error
        return [self._checked(augmented[name]) for name in named]

    def _checked(self, picture: Any) -> Pixels:
        """Return what the user's transforms made of a picture, if a network can be given it."""
        shape, dtype = tuple(picture.shape), str(picture.dtype).removeprefix("torch.")
        if (shape, dtype) != ((self._size, self._size, 3), "uint8"):
            raise SettingsError(
                f"The setting data.transforms must turn a picture into one of at least {self._size} x {self._size}"
                f" pixels in 3 channels of uint8; after the crop it was {shape} in {dtype}. Leave out what turns"
                " pictures into network inputs, such as Normalize and ToTensorV2."
            )
        checked: Pixels = picture
        return checked


class OwnTransforms:
    """The user's own transforms as damage: called with a picture (H, W, 3) uint8 and a generator of random numbers.

    Raises:
        SettingsError: they cannot be built, fail on the picture, or return one of another size.
    """

    def __init__(self, tree: dict[str, Any], setting: str) -> None:
        self._tree, self._setting, self._thread = tree, setting, threading.local()
        _built(tree, setting)

    def __call__(self, picture: Pixels, draws: np.random.Generator) -> Pixels:
        """Return what they make of it; nothing is drawn but from the generator."""
        if not hasattr(self._thread, "pipeline"):
            self._thread.pipeline = _albumentations().Compose([_built(self._tree, self._setting)])
        self._thread.pipeline.set_random_seed(int(draws.integers(2**32)))
        try:
            changed: Pixels = self._thread.pipeline(image=picture.copy())["image"]
        except Exception as error:  # as above
            raise SettingsError(f"The setting {self._setting} fails on a picture: {_first_line(error)}") from error
        if changed.shape != picture.shape or changed.dtype != np.uint8:
            raise SettingsError(
                f"The setting {self._setting} must keep the size of pictures and uint8; of {picture.shape} it made"
                f" {changed.shape} in {changed.dtype}."
            )
        return changed


def read_transforms(path: Path, setting: str = "data.transforms") -> dict[str, Any]:
    """Read what `albumentations.save` wrote, as JSON or, if the file's name ends so, as YAML.

    Returns:
        the tree that `albumentations.from_dict` takes, with every argument.

    Raises:
        SettingsError: the file is missing, broken, or holds something else than albumentations' own transforms.
    """
    albumentations = _albumentations()
    kind = "yaml" if path.suffix in (".yaml", ".yml") else "json"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # wrong arguments are left out with a warning
            # Classes are looked up among albumentations' own, by name; nothing is imported and no code is run.
            tree = albumentations.to_dict(albumentations.load(path, data_format=kind))
            plain: dict[str, Any] = json.loads(json.dumps(tree))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no file {path}, which the setting {setting} names.") from error
    except Exception as error:  # whatever albumentations does when a file holds something else
        raise SettingsError(
            f"{path} does not hold transforms that albumentations saved: {_first_line(error)}"
            " Write it with albumentations.save(transform, path)."
        ) from error
    return plain


def _crop(settings: Augmentation) -> Any:
    albumentations, size = _albumentations(), settings.size
    if not settings.zoom:
        return albumentations.RandomCrop(size, size)
    area = 3  # OpenCV's interpolation that averages what becomes one pixel
    return albumentations.RandomSizedCrop((size, settings.load_size), (size, size), interpolation=area)


def _built(tree: dict[str, Any], setting: str = "data.transforms") -> Any:
    try:
        return _albumentations().from_dict(tree)
    except Exception as error:  # as above
        raise SettingsError(f"The setting {setting} cannot be built: {_first_line(error)}") from error


def _warp(settings: Augmentation) -> list[Any]:
    """One resampling for rotation, and shift by up to a tenth, scale by up to a fifth and shear by up to 10 degrees."""
    import cv2

    if not settings.rotation and not settings.affine:
        return []
    strength = settings.affine
    affine = _albumentations().Affine(
        scale=(1 - 0.2 * strength, 1 + 0.2 * strength),
        translate_percent=(-0.1 * strength, 0.1 * strength),
        rotate=(-settings.rotation, settings.rotation),
        shear=(-10 * strength, 10 * strength),
        keep_ratio=True,
        interpolation=cv2.INTER_CUBIC,
        border_mode=cv2.BORDER_REFLECT_101,
        p=1.0,
    )
    return [affine]


def _colour(settings: Augmentation) -> list[Any]:
    if not settings.colour:
        return []
    strength = 0.4 * settings.colour
    jitter = _albumentations().ColorJitter(
        (1 - strength, 1 + strength),
        (1 - strength, 1 + strength),
        (1 - strength, 1 + strength),
        (-strength / 4, strength / 4),
        p=0.8,
    )
    return [jitter]


def _albumentations() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else importing it asks the network for a newer version
    import albumentations
    import cv2

    cv2.setNumThreads(0)
    return albumentations


def _first_line(error: Exception) -> str:
    if isinstance(error, KeyError):  # a class that albumentations does not have, or an entry that the file lacks
        return f"unknown or missing {error}."
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0].rstrip('.')[:200]}."
