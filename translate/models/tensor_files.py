"""Safetensors files and the tensors in them: opened with care, checked, halved, hashed."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from translate.errors import WeightsError

LONGEST_HEADER = 10_000_000  # bytes; the safetensors of a network have some 10,000
LARGEST = 1e9  # of a weight: what is larger, or not finite, was not learned


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; it stays the same file while it is open, also where another is put into its place.

    Raises:
        WeightsError: it is damaged, or its header would take too much time and memory.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
        if length > LONGEST_HEADER:
            raise WeightsError(
                f"{path} is not a readable safetensors file: its header would have {length:,} bytes, where networks"
                f" have less than {LONGEST_HEADER:,}."
            )
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}.") from error


def refuse_poison(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights that would only make pictures of nothing. Raises `WeightsError` with the first name."""
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    if broken := next((name for name, tensor in floats.items() if not (tensor.abs() < LARGEST).all()), None):
        raise WeightsError(
            f"{path} holds values that are not finite or larger than {LARGEST:.0e}, first in {broken}. Use an earlier"
            " checkpoint."
        )


def misfits(required: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    """Name the tensors that are missing or of another shape than those of `required`, and those that are too many."""
    wrong = [name for name, tensor in required.items() if name not in tensors or tensors[name].shape != tensor.shape]
    return wrong + [name for name in tensors if name not in required]


def halved(name: str, tensor: Tensor) -> Tensor:
    """Return a tensor in fp16 if it holds floats. Raises `WeightsError` if one is too large for that."""
    if not tensor.is_floating_point():  # the counters of batch normalisation
        return tensor
    half = tensor.to(torch.float16)
    if not half.isfinite().all():
        raise WeightsError(
            f"{name} has weights of up to {tensor.abs().max():.0f}, too large for fp16. Leave out --half."
        )
    return half


def sha256_of(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of named tensors on the CPU: of their names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
