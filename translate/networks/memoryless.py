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
    """Leaves out random initial values. Drawing them for tensors without memory loads torch's compiler: 4 seconds."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if function in (nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_):
            return given["tensor"]
        return function(*args, **given)
