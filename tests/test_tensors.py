"""The border between pictures and tensors."""

import numpy as np
import pytest
import torch

from translate.devices import engine
from translate.tensors import enter, leave, stack


@pytest.mark.parametrize(("dtype", "white"), [(torch.uint8, 255), (torch.uint16, 65535)])
@pytest.mark.fault("I-34")
def test_what_lies_outside_is_clamped_and_the_rest_rounded(dtype: torch.dtype, white: int) -> None:
    x = torch.tensor([-1.0001, 1.0001, -9, 9, -1, 1, 0, 2.8 / white - 1, 1 - 1.2 / white]).reshape(1, 3, 1, 3)
    (picture,) = leave(x, dtype)
    assert picture.transpose(2, 0, 1).ravel().tolist() == [0, white, 0, white, 0, white, white // 2 + 1, 1, white - 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_way_in_and_out(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    pictures = [np.resize(levels, (256, 256, 3))]
    x = enter(stack(pictures), engine("cpu", "fp32"))
    assert (x.min(), x.max()) == (-1, 1)
    (again,) = leave(x, torch.from_numpy(pictures[0]).dtype)
    assert again.dtype == dtype
    assert np.array_equal(again, pictures[0])
