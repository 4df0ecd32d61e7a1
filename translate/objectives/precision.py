"""The number format in which losses are computed."""

import torch
from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """Widen half-precision values to fp32; others stay as they are."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
