"""Which device, which number format, which memory layout: decided here once, for training and for inference."""

from dataclasses import dataclass
from typing import Literal

import torch

from translate.errors import DeviceError, SettingsError
from translate.parallel import gpu, world

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Engine:
    """How networks are run.

    Attributes:
        device: where.
        dtype: of convolutions; parameters, statistics and losses stay in fp32.
        memory_format: of pictures and convolution weights.
    """

    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format

    def autocast(self) -> torch.autocast:
        """Return the context in which networks are called."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    @property
    def precision(self) -> str:
        """The name of `dtype` on the command line."""
        return next(name for name, dtype in _DTYPES.items() if dtype == self.dtype)

    def __str__(self) -> str:
        layout = "channels-last" if self.memory_format == torch.channels_last else "contiguous"
        return f"{self.device}, {self.precision}, {layout}"


def engine(device: str = "auto", precision: Precision = "auto") -> Engine:
    """Choose how to run.

    Args:
        device: "auto" (CUDA, then MPS, then CPU), "cpu", "cuda", "cuda:1" or "mps". Of several ranks on a machine
            each takes a GPU of its own.
        precision: "auto" is bf16 where the device multiplies it natively, else fp32.

    Raises:
        SettingsError: the words are not known.
        DeviceError: the device is not there, or has no such number format.
    """
    found = _device(device)
    if precision == "auto":
        dtype = torch.bfloat16 if _has_bf16(found) else torch.float32
    elif precision in _DTYPES:
        dtype = _DTYPES[precision]
    else:
        raise SettingsError(f"Unknown precision {precision!r}; choose auto, {', '.join(_DTYPES)}.")
    if dtype == torch.float16 and found.type == "cpu":
        raise DeviceError("Precision fp16 needs a GPU; choose bf16 or fp32 on a CPU.")
    # On CPUs channels-last measured faster, in fp32 and in bf16. Elsewhere nothing was measured: torch's default.
    return Engine(found, dtype, torch.channels_last if found.type == "cpu" else torch.contiguous_format)


def default_memory(device: torch.device) -> int:
    """Return how many bytes networks may take for a picture: half of what a CUDA GPU has left, 1 GiB elsewhere."""
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 1 << 30


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


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
