"""Translating one image of any kind, or one batch of pictures of equal size."""

import contextlib
import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from translate import images
from translate.devices import Compile, Engine, Precision, default_memory, engine, enough_memory, is_full, release_memory
from translate.errors import DeviceError, OutOfMemory, SettingsError, WeightsError
from translate.images import WHITE, Colour, Picture
from translate.inference import strips, tiles
from translate.inference.blending import WHOLLY, Blending
from translate.inference.finishing import finished, finished_tensor, seen, seen_tensor
from translate.inference.upsampling import Size
from translate.methods.base import Translation
from translate.models.exports import About, find_export, read_export
from translate.models.onnx import OnnxMethod
from translate.tensors import Pixels, enter, leave, levels, stack

TOO_LARGE = (
    "There is not enough memory for pictures of this size, not even in small parts. Use --size PX, which makes the"
    " short side PX pixels before translating, a smaller --batch, or another --device."
)
LEAST = 1 << 26  # bytes of `Translator.memory` that a full memory leaves of it; smaller parts would not help

# What is given up where memory runs out, in this order, as notes of the picture that it happens to.
ALONE = "memory ran out, so pictures are translated one by one from here on"
NARROWER = "memory ran out, so pictures are translated in bf16 from here on"
SMALLER = "memory ran out, so it was translated in smaller parts"
ON_CPU = "memory ran out, so it was translated on the CPU"

Image = TypeVar("Image")  # a path, a picture of Pillow, an array or a tensor
A = TypeVar("A")

# Of all that run compiled networks: the first call compiles, which torch does in one thread.
_COMPILING = threading.Lock()


class Translator:
    """A trained model, ready to translate. Safe to use from several threads.

    Attributes:
        about: what the model says of itself.
        engine: how it is run.
        memory: bytes that networks may take for a picture; what needs more is translated strip by strip. It becomes
            less when the device has less.
        given_up: what was given up so far because memory ran out: `ALONE` and so on, in the order in which it happened.
        tile_approx: whether networks that cannot be run so may translate overlapping tiles instead, see `patches`.
    """

    def __init__(
        self,
        method: Translation,
        about: About,
        engine: Engine,
        memory: int | None = None,
        tile_approx: bool = False,
        on_cpu: "Translator | None" = None,
    ) -> None:
        self.about = about
        self.engine = engine
        self.tile_approx = tile_approx
        self.memory = default_memory(engine.device) if memory is None else memory
        self.given_up: list[str] = []
        self._alone = False
        self._on_cpu = on_cpu
        self._method = method
        engine.ready(method.averaged())  # only these have memory: the others of the method were built without
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
            memory: see `Translator`; None is the default of the device.
            tile_approx: see `Translator`.
            compile: see `devices.engine`.
            pictures: how many are planned, which decides where `compile` is "auto".
            allow_cpu_fallback: keep a copy on the CPU, for pictures that are too large for another device in every way.

        Raises:
            WeightsError: there is no such model, or it is damaged.
            DeviceError: the device is not there, or cannot be compiled for, or it is an ONNX model, which runs on the
                CPU in fp32 only.
        """
        method, about = read_export(find_export(model))
        if isinstance(method, OnnxMethod):
            if device not in ("auto", "cpu") or precision not in ("auto", "fp32") or compile == "on":
                raise DeviceError("ONNX models run on the CPU in fp32. Leave out --device, --precision and --compile.")
            device, precision, compile = "cpu", "fp32", "off"
        gmac = strips.gmac(method.generators(), about.size**2)  # as if they had the training size
        chosen, on_cpu = engine(device, precision, compile, pictures * gmac), None
        if allow_cpu_fallback and chosen.device.type != "cpu":
            there = engine("cpu", "auto" if precision == "fp16" else precision)
            on_cpu = cls(copy.deepcopy(method), about, there, memory, tile_approx)
        return cls(method, about, chosen, memory, tile_approx, on_cpu)

    @property
    def method(self) -> Translation:
        """The model itself."""
        return self._method

    def __call__(
        self,
        image: Image,
        to: str | None = None,
        *,
        size: Size = "auto",
        blending: Blending = WHOLLY,
        mask: Pixels | None = None,
        out: str | Path | None = None,
    ) -> Image:
        """Translate one image; what comes back has the same kind and size.

        Args:
            image: an array (H, W, 3) of uint8 or uint16 in RGB; a tensor (3, H, W) or (N, 3, H, W) in [-1, 1]; a
                picture of Pillow, which becomes RGB, or RGBA where it has transparency; or the path of a file, of
                whose frames the first is taken.
            to: the domain, or changes of attributes such as "Young=0", or None for the model's default.
            size: what the network sees, see `seen_size`.
            blending: how much of the result to take.
            mask: (H, W) of uint8 in any size, 255 where the result is to be and 0 where the image stays.
            out: for a path, the file to write, whose path comes back.

        Raises:
            SettingsError: the model does not know `to`, or a path comes without `out`.
            ImageDecodeError: the file is no readable picture.
            OutputError: the file cannot be written.
            WeightsError: the model produced values that are not finite, or one colour.
            OutOfMemory: there is not enough memory.
            DeviceError: the device failed.
            ValueError: the image is of no such kind.
        """
        result: Any
        if isinstance(image, Tensor):
            result = self._of_tensor(image, to, size, blending, mask)
        elif isinstance(image, np.ndarray):
            _check(image)
            result = self.picture(Picture(image, None, ""), to, size, blending, mask).rgb
        elif isinstance(image, str | Path):
            if out is None:
                raise SettingsError(f"The result of {image} needs a place; name a file with out=.")
            images.write(self.picture(images.read(Path(image)), to, size, blending, mask), Path(out))
            result = type(image)(out)
        else:
            result = images.to_pillow(self.picture(images.from_pillow(image), to, size, blending, mask))
        returned: Image = result
        return returned

    def picture(
        self,
        picture: Picture,
        to: str | None = None,
        size: Size = "auto",
        blending: Blending = WHOLLY,
        mask: Pixels | None = None,
        background: Colour = WHITE,
    ) -> Picture:
        """Translate a decoded picture; everything but its colours stays.

        Arguments and errors are those of a call, but for `background`: what the network sees where full transparency
        hides the colours. What had to be given up is noted in the picture.
        """
        already, small = len(self.given_up), seen(images.visible(picture, background), size, self.about.size)
        rgb = finished(picture.rgb, small, self.batch([small], to)[0], blending, mask)
        return replace(picture, rgb=rgb, notes=(*picture.notes, *self.given_up_since(already)))

    def batch(self, pictures: Sequence[Pixels], to: str | None = None) -> list[Pixels]:
        """Translate pictures of equal size, (H, W, 3) RGB each, all uint8 or all uint16, to such pictures.

        Raises:
            SettingsError: the model does not know the domain or the attributes in `to`.
            WeightsError: the model produced values that are not finite, or one colour.
            OutOfMemory: there is not enough memory.
            DeviceError: the device failed.
            OutputError: the disk has no room for the scratch files of a large picture.
            ValueError: a picture is no such array.
        """
        for picture in pictures:
            _check(picture)
        target = self.about.targets.choose(to)

        def work(translator: Translator) -> list[Pixels]:
            x = stack(pictures)
            return translator._within_memory(lambda: translator._batch(x, target), x)

        return self._or_on_cpu(work)

    def given_up_since(self, count: int) -> tuple[str, ...]:
        """Return what was given up after as many things as `count`, each once."""
        return tuple(dict.fromkeys(self.given_up[count:]))

    @torch.inference_mode()
    def tensor(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1] of any size: padded by reflection as networks need, then cropped back."""
        large = self._in_strips(x, target)
        if large is not None:
            return large
        height, width = x.shape[-2:]
        x = _pad(x, self._method.settings.multiple, self._method.settings.smallest)
        passes = torch.split(x, max(1, self._together(height, width)))
        return torch.cat([self._whole(pictures, target) for pictures in passes])[..., :height, :width]

    def _batch(self, x: Tensor, target: str) -> list[Pixels]:
        """Translate (N, 3, H, W) of uint8 or uint16 to N pictures (H, W, 3)."""
        y = self._in_strips(x, target)
        if y is None:
            y = self.tensor(enter(x, self.engine), target)
            _check_finite(y)
        made = leave(y, x.dtype)
        for before, after in zip(x, made, strict=True):
            _check_alive(before, after)
        return made

    def _or_on_cpu(self, work: "Callable[[Translator], A]") -> A:
        """Return work(self), or where memory runs out in every way, that of the copy on the CPU if there is one."""
        try:
            with enough_memory(TOO_LARGE):
                return work(self)
        except OutOfMemory:
            if self._on_cpu is None:
                raise
        release_memory()
        self.given_up.append(ON_CPU)
        return self._on_cpu._or_on_cpu(work)

    def _within_memory(self, work: Callable[[], A], x: Tensor) -> A:
        """Return work(), which translates `x`. Where memory runs out it is done again, with less."""
        count, _, height, width = x.shape
        while True:
            tried = self._alone, self.engine, self.memory
            try:
                return work()
            except (MemoryError, RuntimeError) as error:
                if not is_full(error):
                    raise
                another_did = (self._alone, self.engine, self.memory) != tried  # another thread, in the meantime
                if not another_did and not self._give_up(height, width, count):
                    raise
            release_memory()

    def _give_up(self, height: int, width: int, count: int) -> bool:
        """Take the next rung down for `count` pictures of a size; return whether there was one."""
        allowed = min(self.memory, strips.needed(self._method.generators(), height * width, self.engine))
        if min(count, self._together(height, width)) > 1:
            self._alone = True
            self.given_up.append(ALONE)
        elif narrowed := self.engine.narrowed():
            self.engine = narrowed
            self.given_up.append(NARROWER)
        elif allowed > LEAST:
            self.memory = allowed // 2
            self.given_up.append(SMALLER)
        else:
            return False
        return True

    def _together(self, height: int, width: int) -> int:
        """Return how many pictures may share a pass; 0: not even one can be translated as a whole."""
        count = self.memory // strips.needed(self._method.generators(), height * width, self.engine)
        # On a CPU one pass for each picture is as fast, and then the result cannot depend on the others.
        return min(count, 1) if self._alone or self.engine.device.type == "cpu" else count

    def _whole(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W), whose sides suit the networks, in one pass."""
        with self.engine.autocast(), self._turn:
            return self._method.translate(x.contiguous(memory_format=self.engine.memory_format), target)

    @torch.inference_mode()
    def _in_strips(self, x: Tensor, target: str) -> Tensor | None:
        """Translate what is larger than memory strip by strip.

        Args:
            x: (N, 3, H, W), in [-1, 1] or, so that only strips of it become floats, of uint8 or uint16.
            target: as for `batch`.

        Returns:
            the same shape and kind; None: it can be translated as a whole.

        Raises:
            OutOfMemory: it cannot, the method knows nothing else, and tiles are not allowed.
        """
        height, width = x.shape[-2:]
        if self._together(height, width):
            return None
        x = _pad(x, self._method.settings.multiple, self._method.settings.smallest)
        y, size = torch.empty_like(x), (x.shape[2], x.shape[3])
        for picture, result in zip(torch.split(x, 1), torch.split(y, 1), strict=True):
            read, write = partial(_read, picture, self.engine), partial(_write, result)
            with self.engine.autocast():
                layers = self._method.layers(read(0, x.shape[2]), target)
            if layers is not None:
                strips.translate(layers, read, size, write, self.engine, self.memory)
            elif self.tile_approx:
                pixels = self.memory // strips.needed(self._method.generators(), 1, self.engine)
                side = tiles.side_of(pixels, self._method.settings.multiple)
                tiles.translate(read, size, write, side, partial(self._whole, target=target))
            else:
                raise OutOfMemory(
                    f"A picture of {width} x {height} pixels needs more memory than there is or --memory allows, and"
                    " this model cannot be run strip by strip. Use --size PX, more --memory, or --tile-approx, which"
                    " translates tiles apart: they may differ in colour."
                )
        return y[..., :height, :width]

    @torch.inference_mode()
    def _of_tensor(self, image: Tensor, to: str | None, size: Size, blending: Blending, mask: Pixels | None) -> Tensor:
        if not image.is_floating_point() or image.ndim not in (3, 4) or image.shape[-3] != 3:
            raise ValueError(
                f"An image tensor is (3, H, W) or (N, 3, H, W) in floats; found {tuple(image.shape)} of {image.dtype}."
            )
        target = self.about.targets.choose(to)

        def work(translator: Translator) -> Tensor:
            x = image.to(translator.engine.device, torch.float32).reshape(-1, *image.shape[-3:])
            small = seen_tensor(x, size, self.about.size)
            y = translator._within_memory(lambda: translator.tensor(small, target).float(), small)
            _check_finite(y)
            return finished_tensor(x, small, y, blending, mask).reshape(image.shape).to(image)

        return self._or_on_cpu(work)


def _read(picture: Tensor, engine: Engine, top: int, bottom: int) -> Tensor:
    rows = picture[:, :, top:bottom]
    return rows.clone() if rows.is_floating_point() else enter(rows, engine)  # layers may work in place


def _write(result: Tensor, top: int, rows: Tensor) -> None:
    _check_finite(rows)
    result[:, :, top : top + rows.shape[2]] = rows if result.is_floating_point() else levels(rows, result.dtype)


def _check_finite(y: Tensor) -> None:
    if not y.isfinite().all():
        raise WeightsError("The model produced values that are not finite. Try --precision fp32 or another model.")


def _check_alive(before: Tensor, after: Pixels) -> None:
    """Refuse a result (H, W, 3) of one colour where the picture (3, H, W) is far from it."""
    white, few = np.iinfo(after.dtype).max, after[::16, ::16]
    if after.size < 3 * 256 or (few != few[0, 0]).any() or (np.ptp(after, axis=(0, 1)) > 0).any():
        return
    some = before[:, ::16, ::16].float()  # in which torch knows the largest of 16 bits
    if some.max() - some.min() > white / 4:
        raise WeightsError("The model made one colour of the whole picture. Try another model, or an earlier one.")


def _check(picture: Pixels) -> None:
    if picture.dtype not in (np.uint8, np.uint16) or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            f"A picture is an (H, W, 3) array of uint8 or uint16 in RGB; found {picture.shape} of {picture.dtype}."
        )


def _pad(x: Tensor, multiple: int, smallest: int) -> Tensor:
    """Pad (N, C, H, W) at the right and bottom to multiples of `multiple`, at least `smallest`, by reflection."""
    for axis in (-2, -1):
        length = x.shape[axis]
        wanted = max(-(-length // multiple) * multiple, smallest)
        if wanted > length:
            # A reflection that runs to and fro also serves pictures narrower than the padding.
            there = torch.arange(wanted, device=x.device) % max(2 * length - 2, 1)
            x = x.index_select(axis, torch.where(there < length, there, 2 * length - 2 - there))
    return x
