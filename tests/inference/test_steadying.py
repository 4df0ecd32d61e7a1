"""Frames of a drawn film become steady along its motion, and start anew where it is cut."""

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate.errors import SettingsError
from translate.inference.steadying import CUT, Steady
from translate.tensors import as_pixels, as_tensor

HEIGHT, WIDTH = 64, 96
STEP = 3  # pixels that the drawn film moves to the left from frame to frame
Frames = list[NDArray[np.uint8]]


def film(seed: int, count: int = 8) -> Frames:
    """Draw a landscape of soft blots that passes by."""
    random = np.random.default_rng(seed)
    wide = cv2.GaussianBlur(random.integers(0, 256, (HEIGHT, WIDTH + STEP * count, 3)).astype(np.float32), (0, 0), 3)
    wide = cv2.normalize(wide, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, STEP * n : STEP * n + WIDTH]) for n in range(count)]


def flickering(frames: Frames, seed: int = 9) -> Frames:
    """Paint as a network does that adds other dots to each frame."""
    random = np.random.default_rng(seed)
    return [np.clip(frame + random.normal(10, 20, frame.shape), 0, 255).astype(np.uint8) for frame in frames]


def steadied(seen: Frames, painted: Frames, steady: Steady) -> Frames:
    return [as_pixels(steady(as_tensor(one), as_tensor(other))) for one, other in zip(seen, painted, strict=True)]


def flicker(frames: Frames) -> float:
    """Return by how many levels a frame differs from the one before, where that has moved to."""
    pairs = zip(frames[3:], frames[2:], strict=False)
    return float(np.mean([np.abs(one[:, :-STEP].astype(int) - before[:, STEP:]).mean() for one, before in pairs]))


def test_flicker_is_less_than_half_of_frame_by_frame() -> None:
    seen = film(0)
    painted = flickering(seen)
    assert flicker(seen) == 0
    assert flicker(painted) > 20
    assert flicker(steadied(seen, painted, Steady(0.8))) < 0.5 * flicker(painted)
    weak = flicker(steadied(seen, painted, Steady(0.3)))
    assert flicker(steadied(seen, painted, Steady(0.8))) < weak < flicker(painted)


def test_the_noise_of_the_film_itself_goes_with_the_flicker() -> None:
    random = np.random.default_rng(7)
    clean = film(8, 12)
    noisy = [np.clip(frame + random.normal(0, 3, frame.shape), 0, 255).round().astype(np.uint8) for frame in clean]
    brighter = [np.minimum(frame, 215) + np.uint8(40) for frame in noisy]
    assert flicker(steadied(noisy, brighter, Steady(0.8))) < 0.5 * flicker(brighter)


def test_the_detail_of_the_input_is_not_washed_out_where_it_moves_by_parts_of_pixels() -> None:
    random = np.random.default_rng(11)
    wide = cv2.GaussianBlur(random.integers(0, 256, (2 * HEIGHT, 4 * WIDTH, 3)).astype(np.float32), (0, 0), 3)
    wide = cv2.normalize(wide, None, 20, 235, cv2.NORM_MINMAX)
    seen = [
        cv2.resize(wide[:, 5 * n : 5 * n + 2 * WIDTH], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)
        for n in range(12)
    ]
    last = steadied(seen, seen, Steady(0.8))[-1].astype(np.float32)
    sharp = [float(np.abs(cv2.Laplacian(frame, cv2.CV_32F)).mean()) for frame in (last, seen[-1].astype(np.float32))]
    assert sharp[0] > 0.9 * sharp[1]


def test_what_a_network_adds_in_every_frame_stays_and_the_detail_of_the_input_with_it() -> None:
    seen = film(1)
    brighter = [np.minimum(frame, 215) + np.uint8(40) for frame in seen]
    for one, other in zip(steadied(seen, brighter, Steady()), brighter, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 1


def test_a_cut_is_seen_and_nothing_is_carried_over_it() -> None:
    before, after = film(2, 4), film(3, 4)
    painted = flickering([*before, *after])
    steady = Steady()
    outputs = steadied(before, painted[:4], steady)
    assert steady.trust > 0.8
    outputs += steadied(after[:1], painted[4:5], steady)
    assert steady.trust < CUT
    np.testing.assert_array_equal(outputs[4], painted[4])
    steadied(after[1:], painted[5:], steady)
    assert steady.trust > 0.8


def test_a_frame_by_frame_film_and_a_first_frame_stay_as_they_are() -> None:
    seen = film(4, 3)
    painted = flickering(seen)
    assert all(map(np.array_equal, steadied(seen, painted, Steady(0)), painted))
    assert np.array_equal(steadied(seen, painted, Steady())[0], painted[0])


@pytest.mark.parametrize("size", [(64, 96), (33, 44)], ids=str)
def test_it_continues_from_what_is_known_of_the_frame_before_to_the_bit(size: tuple[int, int]) -> None:
    seen = [np.ascontiguousarray(frame[: size[0], : size[1]]) for frame in film(5)]
    painted = flickering(seen)
    whole = steadied(seen, painted, Steady())
    first = Steady()
    parts = steadied(seen[:4], painted[:4], first)
    parts += steadied(seen[4:], painted[4:], Steady(trace=first.trace))
    assert all(map(np.array_equal, whole, parts))


def test_sixteen_bits_are_steadied_as_eight_are() -> None:
    seen = film(6, 4)
    painted = flickering(seen)
    deep = [[frame * np.uint16(257) for frame in frames] for frames in (seen, painted)]
    for one, other in zip(steadied(seen, painted, Steady()), steadied(*deep, Steady()), strict=True):  # type: ignore[arg-type]
        assert other.dtype == np.uint16
        assert np.abs(one.astype(float) - other / 257).max() < 1


@pytest.mark.parametrize("size", [(1, 1), (9, 7), (3, 200), (16, 16)], ids=str)
def test_frames_of_any_size_are_steadied(size: tuple[int, int]) -> None:
    x: Tensor = torch.full((1, 3, *size), 100, dtype=torch.uint8)
    steady = Steady(0.5)
    assert torch.equal(steady(x, x + 20), x + 20)
    assert torch.equal(steady(x, x + 40), x + 30)


@pytest.mark.parametrize("weight", [-0.1, 1.0, float("nan")], ids=str)
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(SettingsError, match="--steady is 0, frame by frame, or more, and below 1; found"):
        Steady(weight)
