"""Translating one image of any kind, or one batch of pictures of equal size."""

import contextlib
import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from translate import images
from translate.devices import Compile, Engine, Precision, engine
from translate.errors import DeviceError, OutOfMemory, SettingsError
from translate.images import Picture
from translate.inference import in_place, strips
from translate.inference.blending import UNBLENDED, Blending
from translate.inference.checks import check_alive, check_array, check_finite, check_tensor
from translate.inference.fallback import ON_CPU, MemoryBudget
from translate.inference.large import translate_in_parts
from translate.inference.passes import mean_of_passes
from translate.inference.rewriting import Rewriting
from translate.inference.sizes import padded
from translate.inference.treatment import AS_IT_IS, Treatment
from translate.inference.upsampling import Size
from translate.memory import enough_memory, keep_freed_memory, release_memory
from translate.methods.base import Translation
from translate.models.about import About
from translate.models.exports import read_export
from translate.models.finding import find_export
from translate.tensors import Pixels, enter, leave, levels, stack

TOO_LARGE = (
    "There is not enough memory for pictures of this size, not even in small parts. Use --size PX, which makes the"
    " short side PX pixels before translating, a smaller --batch, or another --device."
)

Image = TypeVar("Image")  # a path, a picture of Pillow, an array or a tensor
A = TypeVar("A")

# Of all that run compiled networks: the first call compiles, which torch does in one thread.
_COMPILING = threading.Lock()


class Translator:
    """A trained model, ready to translate. Safe to use from several threads.

    Attributes:
        method: the model itself.
        about: what the model says of itself.
        budget: how it is run, with how much memory, and what was given up because memory ran out.
        tile_approx: whether networks that cannot be run strip by strip may translate overlapping tiles, see `tiles`.
        learning: whether the model is still in training. Then what it makes is shown, whatever it is: values that are
            not finite as black; a finished model that makes such pictures, or one colour, is refused.
    """

    def __init__(
        self,
        method: Translation,
        about: About,
        engine: Engine,
        memory: int | None = None,
        tile_approx: bool = False,
        on_cpu: "Translator | None" = None,
        learning: bool = False,
    ) -> None:
        self.method = method
        self.about = about
        self.tile_approx, self.learning = tile_approx, learning
        self.budget = MemoryBudget(engine, memory, method.generators())
        self._on_cpu = on_cpu
        engine.ready(method.averaged())  # only these have memory: the others of the method were built without
        if engine.device.type == "cpu":
            keep_freed_memory()
        self._rewriting = Rewriting(method.settings.multiple)
        self._turn = _COMPILING if engine.compiled else contextlib.nullcontext()

    @classmethod
    def load(
        cls,
        model: str | Path,
        device: str = "auto",
        precision: Precision = "auto",
        memory: int | None = None,
        tile_approx: bool = False,
        compile: Compile = "auto",
        pictures: int = 1,
        allow_cpu_fallback: bool = False,
    ) -> Self:
        """Load a model.

        Args:
            model: a run folder, an export file, or a name in `weights/`.
            device: see `devices.engine`.
            precision: see `devices.engine`.
            memory: bytes that networks may take for a picture; None: what suits the device and the networks.
            tile_approx: see `Translator`.
            compile: see `devices.engine`.
            pictures: how many are planned, which decides where `compile` is "auto".
            allow_cpu_fallback: keep a copy on the CPU, for pictures that are too large for another device in every way.

        Raises:
            WeightsError: there is no such model, or it is damaged.
            DeviceError: the device is not there, or cannot be compiled for, or the model is one that runs on the CPU in
                fp32 only.
        """
        method, about = read_export(find_export(model))
        if method.cpu_only:
            if device not in ("auto", "cpu") or precision not in ("auto", "fp32") or compile == "on":
                raise DeviceError(
                    f"{method.cpu_only} run on the CPU in fp32. Leave out --device, --precision and --compile."
                )
            chosen = replace(engine("cpu", "fp32"), fixed=f"{method.cpu_only} run there")
            return cls(method, about, chosen, memory, tile_approx)
        gmac = strips.gmac(method.generators(), about.size**2)  # as if they had the training size
        chosen, on_cpu = engine(device, precision, compile, pictures * gmac), None
        if allow_cpu_fallback and chosen.device.type != "cpu":
            other = engine("cpu", "auto" if precision == "fp16" else precision)
            on_cpu = cls(copy.deepcopy(method), about, other, memory, tile_approx)
        return cls(method, about, chosen, memory, tile_approx, on_cpu)

    def __repr__(self) -> str:
        """Name the model, what it is asked for, and how it runs."""
        default = f", default {self.about.target}" if self.about.target else ""
        name = str(self.about.method.get("name", type(self.method).__name__))
        return f"<Translator {name} to {', '.join(self.about.targets.names)}{default}; running on {self.engine}>"

    @property
    def engine(self) -> Engine:
        """How networks are run at the moment."""
        return self.budget.engine

    def __call__(
        self,
        image: Image,
        to: str | None = None,
        *,
        size: Size = "auto",
        blending: Blending = UNBLENDED,
        mask: Pixels | None = None,
        fill: bool = False,
        enlarge: int = 1,
        out: str | Path | None = None,
    ) -> Image:
        """Translate one image; what comes back has the same kind and, unless it is enlarged, the same size.

        Args:
            image: an array (H, W, 3) of uint8 or uint16 in RGB; a tensor (3, H, W) or (N, 3, H, W) in [-1, 1]; a
                picture of Pillow, which becomes RGB, or RGBA where it has transparency; or the path of a file, of
                whose frames the first is taken.
            to: the domain, or changes of attributes such as "Young=0", or None for the model's default.
            size: what the network sees, see `network_size`.
            blending: how much of the result to take.
            mask: (H, W) of uint8 in any size, 255 where the result is to be and 0 where the image stays.
            fill: fill holes: where the mask is white, or without one where the image is transparent.
            enlarge: how many times as large the result is.
            out: for a path, the file to write, whose path comes back.

        Raises:
            SettingsError: the model does not know `to`, or has not learned what is asked of it; or a path comes
                without `out`.
            ImageDecodeError: the file is no readable picture.
            UnfitPicture: there is nothing to fill.
            OutputError: the file cannot be written.
            WeightsError: the model produced values that are not finite, or one colour.
            OutOfMemory: there is not enough memory.
            DeviceError: the device failed.
            ValueError: the image is of no such kind.
        """
        treatment = Treatment(size, blending, fill=fill, enlarge=enlarge)
        result: Any
        if isinstance(image, Tensor):
            check_tensor(image)
            x = image.to(torch.float32).reshape(-1, *image.shape[-3:])
            y = self._of_floats(x, to, treatment, mask)
            result = y.reshape(*image.shape[:-2], *y.shape[-2:]).to(image)
        elif isinstance(image, np.ndarray):
            check_array(image)
            result = self.picture(Picture(image, None, ""), to, treatment, mask).rgb
        elif isinstance(image, str | Path):
            if out is None:
                raise SettingsError(f"The result of {image} needs a place; name a file with out=.")
            images.write(self.picture(images.read(Path(image)), to, treatment, mask), Path(out))
            result = type(image)(out)
        else:
            result = images.to_pillow(self.picture(images.from_pillow(image), to, treatment, mask))
        returned: Image = result
        return returned

    def picture(
        self, picture: Picture, to: str | None = None, treatment: Treatment = AS_IT_IS, mask: Pixels | None = None
    ) -> Picture:
        """Translate a decoded picture; everything but its colours stays, and what had to be given up is noted in it.

        Args:
            picture: the picture.
            to: as for a call, whose errors these are.
            treatment: how.
            mask: as for a call.
        """
        already = len(self.budget.fallbacks)
        (prepared,) = treatment.of(self.about).prepared([picture], mask, self.about.size)
        result = prepared.finished(self.tensor(prepared.small, to, treatment.passes))
        return replace(result, notes=(*result.notes, *self.budget.fallbacks_since(already)))

    def batch(self, pictures: Sequence[Pixels], to: str | None = None) -> list[Pixels]:
        """Translate pictures of equal size, (H, W, 3) RGB each, all uint8 or all uint16, to such pictures.

        Networks see all of them. Errors are those of `tensor`, and ValueError: a picture is no such array.
        """
        for picture in pictures:
            check_array(picture)
        return leave(self.tensor(stack(pictures), to))

    def tensor(self, x: Tensor, to: str | None = None, passes: int = 1) -> Tensor:
        """Translate what networks see, of any size; with less and less memory where that runs out.

        Args:
            x: (N, 3, H, W) in RGB, of uint8, uint16, or floats in [-1, 1].
            to: as for a call.
            passes: over how many shifted passes to take the mean, see `mean_of_passes`.

        Returns:
            the same shape and kind. Of floats the range is that of the network.

        Raises:
            SettingsError: the model does not know `to`.
            WeightsError: the model produced values that are not finite, or of uint8 or uint16 one colour.
            OutOfMemory: there is not enough memory.
            DeviceError: the device failed.
            OutputError: the disk has no room for the scratch files of a large picture.
        """
        target = self.about.targets.choose(to)
        return self._or_on_cpu(
            lambda translator: mean_of_passes(lambda some: translator._within_budget(some, target), x, passes)
        )

    @torch.inference_mode()
    def _of_floats(self, x: Tensor, to: str | None, treatment: Treatment, mask: Pixels | None) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1] as a call does, all of it on the device."""
        target, treatment = self.about.targets.choose(to), treatment.of(self.about)
        (holes,) = treatment.holes([((x.shape[2], x.shape[3]), None)], mask)

        def work(translator: Translator) -> Tensor:
            whole = x.to(translator.engine.device)
            small = treatment.seen(whole, translator.about.size, holes)
            output = mean_of_passes(lambda some: translator._within_budget(some, target), small, treatment.passes)
            return treatment.finished(treatment.ground(whole), small, output, mask, holes)

        return self._or_on_cpu(work)

    def _or_on_cpu(self, work: "Callable[[Translator], A]") -> A:
        """Return work(self), or where memory runs out in every way, that of the copy on the CPU if there is one."""
        try:
            with enough_memory(TOO_LARGE):
                return work(self)
        except OutOfMemory:
            if self._on_cpu is None:
                raise
        release_memory()
        self.budget.fallbacks.append(ON_CPU)
        return self._on_cpu._or_on_cpu(work)

    def _within_budget(self, x: Tensor, target: str) -> Tensor:
        count, _, height, width = x.shape
        return self.budget.retry(lambda: self._once(x, target), count, height, width)

    @torch.inference_mode()
    def _once(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) of any size: padded by reflection as networks need, then cropped back."""
        height, width = x.shape[-2:]
        together = self.budget.together(height, width)
        if together:
            settings = self.method.settings
            passes = torch.split(padded(enter(x, self.engine), settings.multiple, settings.smallest), together)
            y = torch.cat([self._whole(some, target) for some in passes])[..., :height, :width]
            if self.learning:
                y = y.nan_to_num(-1.0, 1.0, -1.0)
            check_finite(y)
            y = (y if x.is_floating_point() else levels(y, x.dtype)).to(x)
        else:
            tile = (lambda part: self._whole(part, target)) if self.tile_approx else None
            y = translate_in_parts(self.method, x, target, self.budget, tile, self._rewriting)
        if not x.is_floating_point():
            y = y.contiguous(memory_format=torch.channels_last)  # as pictures are, and so without another copy
            for before, after in () if self.learning else zip(x, y, strict=True):
                check_alive(before, after)
        return y

    def _whole(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W), whose sides suit the networks, in one pass."""
        engine = self.engine
        x = x.contiguous(memory_format=engine.memory_format)
        with engine.autocast(), self._turn:
            if engine.device.type == "cpu" and len(x) == 1 and not engine.compiled and not self.learning:
                layers = self.method.layers(lambda: x, target)
                if layers is not None:
                    return in_place.run(self._rewriting(layers, engine), x)
            return self.method.translate(x, target)
