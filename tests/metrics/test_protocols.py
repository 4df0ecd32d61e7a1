import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from translate.errors import SettingsError
from translate.metrics.protocols import find_protocol, prepared

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)


def test_a_picture_of_the_right_size_is_not_touched():
    for antialiased in (False, True):
        x = prepared(PICTURE[:40], 40, antialiased)
        np.testing.assert_array_equal(x.permute(1, 2, 0).numpy(), PICTURE[:40])


def test_only_clean_fid_smooths():
    plain, clean = (prepared(PICTURE, 20, find_protocol(name).antialiased) for name in ("cut", "clean-fid"))
    x = torch.from_numpy(PICTURE).permute(2, 0, 1).float()[None]
    np.testing.assert_allclose(plain, functional.interpolate(x, (20, 20), mode="bilinear")[0])
    channels = [Image.fromarray(PICTURE[..., channel].astype(np.float32)) for channel in range(3)]  # as clean-fid
    wanted = [np.asarray(channel.resize((20, 20), Image.Resampling.BICUBIC)).clip(0, 255) for channel in channels]
    np.testing.assert_array_equal(clean, np.stack(wanted))
    assert clean.var() < plain.var()


def test_an_unknown_protocol_is_refused_with_the_nearest():
    assert find_protocol("train+test").with_train
    assert find_protocol("train+test reals") is find_protocol("train+test")
    with pytest.raises(SettingsError, match=r"no protocol 'cleanfid'\. Did you mean clean-fid"):
        find_protocol("cleanfid")
