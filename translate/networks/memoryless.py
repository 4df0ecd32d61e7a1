"""Networks without memory, to know their shapes, or to give memory only to those that need it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def without_memory() -> Iterator[None]:
    """Let networks that are built in the block have tensors with shapes but no memory."""
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    """Leaves out initial values that are random, or computed from such.

    For tensors without memory these would load torch's compiler, which takes 4 seconds.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if function in (nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_):
            return given["tensor"]
        if function in (torch.Tensor.normal_, torch.Tensor.uniform_):
            return args[0]
        # What spectral normalisation does to weights, and to vectors of their height and width.
        if function in (torch.mv, torch.vdot):
            return args[0].new_empty(args[0].shape[:-1])
        if function in (nn.functional.normalize, torch.Tensor.div):
            return args[0]
        return function(*args, **given)
