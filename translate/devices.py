"""Which device, number format, memory layout, and whether to compile: decided here once, for training and inference."""

import contextlib
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from translate.errors import DeviceError, OutputError, SettingsError
from translate.home import in_home
from translate.parallel import gpu, world

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Compile = Literal["auto", "on", "off"]
ENTRANCES = ("tapped", "encode")  # what a generator is called by in training, beside its own name
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Engine:
    """How networks are run.

    Attributes:
        device: where.
        dtype: of convolutions; parameters, statistics and losses stay in fp32.
        memory_format: of pictures and convolution weights.
        compiled: whether networks are compiled, each at its first call, which then takes half a minute.
        note: why they are not although it would repay; or nothing.
        narrower: a number format to go on in where memory runs out; None: `dtype` was asked for, or is as narrow.
        fixed: why it could be no other, such as "ONNX models run there"; or nothing.
    """

    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format
    compiled: bool = False
    note: str = ""
    narrower: torch.dtype | None = None
    fixed: str = ""

    def ready(self, networks: Iterable[nn.Module]) -> None:
        """Bring networks to the device and into the layout, and have them compiled where that was chosen."""
        for network in networks:
            network.to(self.device).to(memory_format=self.memory_format)
            if self.compiled:
                network.compile()

    def ready_to_train(self, networks: Iterable[nn.Module]) -> None:
        """Have networks that are already there compiled where that was chosen, anew for every shape they are called in.

        Batches of a run have one shape, and in a step there are two or three. CUDA graphs (mode "reduce-overhead") are
        left alone: they overwrite what a network returned when it is called again, but a step calls a generator for the
        translation and for the way back before it takes any gradient.
        """
        if self.compiled:
            torch.compiler.reset()  # torch compiles a module so and so often, and what was only measured counts, too
            for network in networks:
                network.compile(dynamic=False)
                for name in ENTRANCES:
                    if hasattr(network, name):
                        setattr(network, name, torch.compile(getattr(network, name), dynamic=False))

    def autocast(self) -> torch.autocast:
        """Return the context in which networks are called."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def narrowed(self) -> "Engine | None":
        """Return the engine that takes less memory in a narrower number format, where that is allowed."""
        return replace(self, dtype=self.narrower, narrower=None) if self.narrower else None

    @property
    def precision(self) -> str:
        """The name of `dtype` on the command line."""
        return next(name for name, dtype in _DTYPES.items() if dtype == self.dtype)

    def __str__(self) -> str:
        layout = "channels-last" if self.memory_format == torch.channels_last else "contiguous"
        return f"{self.device}, {self.precision}, {layout}{', compiled' if self.compiled else ''}"


def engine(device: str = "auto", precision: Precision = "auto", compile: Compile = "off", gmac: float = 0.0) -> Engine:
    """Choose how to run.

    Args:
        device: "auto" (CUDA, then MPS, then CPU), "cpu", "cuda", "cuda:1" or "mps". Of several ranks on a machine
            each takes a GPU of its own.
        precision: "auto" is bf16 where the device multiplies it natively, fp16 on older GPUs that have tensor cores for
            it, else fp32.
        compile: "auto" compiles networks where the planned work repays it and the machine can.
        gmac: the planned work in units of 10^9 multiply-accumulates.

    Raises:
        SettingsError: the words are not known.
        DeviceError: the device is not there, has no such number format, or cannot be compiled for.
    """
    found = _device(device)
    if precision == "auto":
        dtype = _native(found)
    elif precision in _DTYPES:
        dtype = _DTYPES[precision]
    else:
        raise SettingsError(f"Unknown precision {precision!r}; choose auto, {', '.join(_DTYPES)}.")
    if dtype == torch.float16 and found.type == "cpu":
        raise DeviceError("Precision fp16 needs a GPU; choose bf16 or fp32 on a CPU.")
    # On CPUs channels-last measured faster, in fp32 and in bf16. Elsewhere nothing was measured: torch's default.
    layout = torch.channels_last if found.type == "cpu" else torch.contiguous_format
    wanted = compile == "on" or (compile == "auto" and gmac >= _repaying_gmac(found, dtype))
    lacking = _missing_for_compiling(found) if wanted else ""
    if lacking and compile == "on":
        raise DeviceError(
            f"Networks cannot be compiled for {found}: {lacking}. Install a C++ compiler such as g++, or use"
            " --compile off."
        )
    note = f"Networks are not compiled, which would have been faster: {lacking}." if lacking else ""
    # A CPU computes bf16 slowly where it has none of its own, and has more memory.
    is_wide = precision == "auto" and dtype == torch.float32 and found.type != "cpu"
    return Engine(found, dtype, layout, wanted and not lacking, note, torch.bfloat16 if is_wide else None)


def engine_to_train(device: str = "auto", precision: Precision = "auto", compile: Compile = "auto") -> Engine:
    """Choose how to train: as `engine`, but "auto" compiles on CUDA GPUs, and not on CPUs.

    On 2 cores without AMX a step took 1.03 times as long with compiled generators. On GPUs that was not measured.

    Raises:
        SettingsError, DeviceError: as `engine`.
    """
    found = engine(device, precision)
    return engine(device, precision, "off" if compile == "auto" and found.device.type != "cuda" else compile, math.inf)


@contextlib.contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Let torch compute only what comes out the same every time on the same device, until the block ends, if wanted.

    Raises:
        SettingsError: something in the block does not, on this device.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # wanted by cuBLAS for it
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "use_deterministic_algorithms" not in str(error):
            raise
        what = str(error).split(",")[0]
        raise SettingsError(
            f"Not everything in a step can come out the same every time on this device: {what}. Leave out"
            " --deterministic, or the setting that needs it, such as translation in method.diffaugment."
        ) from error
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _repaying_gmac(device: torch.device, dtype: torch.dtype) -> float:
    """Return the work, in units of 10^9 multiply-accumulates, from which compiling repays.

    It takes half a minute, and for a second size again; further sizes share what the second got. On 2 cores without
    AMX products of matrices are nearly all of the time, so a picture of 256 px takes the 9-block generator (50 GMAC)
    0.31 s instead of 0.33 s. Where AMX makes the products faster the rest weighs more, and there is more to gain; that
    and GPUs were not measured: the numbers below are what some minutes of work are there.
    """
    if device.type == "cpu":
        has_amx = dtype == torch.bfloat16 and torch.cpu._is_amx_tile_supported()
        return 2e4 if has_amx else 1.5e5
    return 5e7 if device.type == "cuda" else math.inf


def _missing_for_compiling(device: torch.device) -> str:
    """Return why torch cannot compile for a device, or nothing. To be sure, something very small is compiled.

    What is compiled is kept in the user's folder, where the next run finds it.
    """
    try:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(in_home("compiled")))
        torch.compile(torch.sin)(torch.zeros(1, device=device))
    except (RuntimeError, OSError, OutputError) as error:
        return str(error).splitlines()[0].rstrip(".")
    return ""


def _device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return _device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() and world() == 1 else "cpu")
    if name == "cuda" and world() > 1:
        return _device(f"cuda:{gpu()}")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise SettingsError(f"Unknown device {name!r}; choose auto, cpu, cuda, cuda:0 or mps.")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"There is no device {name}: {torch.cuda.device_count()} CUDA GPUs found. Use --device cpu or auto."
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("There is no device mps on this machine. Use --device cpu or auto.")
    return torch.device(name)


def _native(device: torch.device) -> torch.dtype:
    """Return the number format that a device is made to multiply in; trainings in fp16 scale their losses."""
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if capability >= (8, 0) else torch.float16 if capability >= (7, 0) else torch.float32
    has_bf16 = device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.bfloat16 if has_bf16 else torch.float32
