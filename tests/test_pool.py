"""The history of generated images: what is stored, what comes back, and that its state is complete."""

import math
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from translate.pool import Pool

SHAPE = (3, 2, 2)


def numbered(*numbers: float) -> Tensor:
    """Return a batch in which each image is filled with its number."""
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1).repeat(1, *SHAPE)


def numbers(batch: Tensor) -> list[float]:
    """Read `numbered` back; images must not be mixed."""
    flat = batch.flatten(1)
    assert torch.equal(flat, flat[:, :1].expand_as(flat))
    return flat[:, 0].tolist()


def held(pool: Pool) -> list[float]:
    return numbers(pool.images[: int(pool.count)])


@dataclass
class Reference:
    """The rule in plain Python: the query of the official code, and nothing stored that is not finite."""

    size: int
    stored: list[float] = field(default_factory=list)

    def query(self, image: float) -> float:
        p, index = float(torch.rand(())), int(torch.randint(self.size, ()))
        if len(self.stored) < self.size:
            if math.isfinite(image):
                self.stored.append(image)
            return image
        if p > 0.5 and math.isfinite(image):
            old, self.stored[index] = self.stored[index], image
            return old
        return image


def test_while_it_fills_the_pool_returns_what_it_is_given():
    pool = Pool(50, SHAPE)  # 50 images, the size of the paper
    for n in range(1, 51):
        assert numbers(pool.query(numbered(n))) == [n]
        assert pool.count == n
    assert held(pool) == list(range(1, 51))


def test_a_full_pool_returns_an_old_image_half_of_the_time():
    torch.manual_seed(0)
    pool = Pool(50, SHAPE)
    pool.query(numbered(*range(50)))
    trials = 2000
    old = sum(numbers(pool.query(numbered(n))) != [n] for n in range(100, 100 + trials))
    assert abs(old - trials / 2) < 4 * math.sqrt(trials / 4)  # 4 standard deviations of a fair coin
    assert pool.count == 50
    assert pool.images.shape == (50, *SHAPE)


def test_every_slot_is_drawn_equally_often():
    torch.manual_seed(0)
    pool = Pool(5, SHAPE)
    pool.query(numbered(*range(5)))
    replaced = dict.fromkeys(range(5), 0)
    for n in range(100, 2100):
        before = held(pool)
        pool.query(numbered(n))
        for slot, (old, new) in enumerate(zip(before, held(pool), strict=True)):
            replaced[slot] += old != new
    expected = 2000 / 2 / 5
    assert all(abs(count - expected) < 4 * math.sqrt(expected) for count in replaced.values())


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("size", [1, 2, 50])
def test_the_rule_is_that_of_the_plain_reference(size, batch):
    pool, reference = Pool(size, SHAPE), Reference(size)
    swaps = 0
    for start in range(0, 60 + 2 * size, batch):
        given = [float(start + n) for n in range(batch)]
        torch.manual_seed(start)
        found = numbers(pool.query(numbered(*given)))
        torch.manual_seed(start)
        assert found == [reference.query(image) for image in given]
        assert held(pool) == reference.stored
        swaps += found != given
    assert swaps > 5


def test_images_of_a_batch_are_taken_in_order():
    pool = Pool(2, SHAPE)
    for seed in range(100):  # the third image may get one of the first two, which were stored just before
        pool.count.zero_()
        torch.manual_seed(seed)
        first, second, third = numbers(pool.query(numbered(1, 2, 3)))
        assert (first, second) == (1, 2)
        if third != 3:
            assert held(pool) == ([3, 2] if third == 1 else [1, 3])
            return
    pytest.fail("the third image was never exchanged")


def test_the_number_of_draws_does_not_depend_on_what_is_held():
    states = []
    for filled in (0, 3, 5):
        pool = Pool(5, SHAPE)
        pool.query(numbered(*range(filled)) if filled else torch.zeros(1, *SHAPE))
        torch.manual_seed(0)
        pool.query(numbered(7, 8))
        states.append(torch.get_rng_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


@pytest.mark.parametrize("size", [0, 1, 3])
def test_what_comes_back_has_no_gradient_and_shares_no_memory_with_the_pool(size):
    torch.manual_seed(0)
    pool = Pool(size, SHAPE)
    for n in range(20):
        images = numbered(n).requires_grad_()
        found = pool.query(images * 1)
        assert not found.requires_grad
        before = pool.images.clone()
        found.fill_(-1)
        assert torch.equal(pool.images, before)
    assert not pool.images.requires_grad


def test_what_was_given_may_be_overwritten_afterwards():
    pool, batch = Pool(2, SHAPE), numbered(1, 2)
    pool.query(batch)
    batch.fill_(9)
    assert held(pool) == [1, 2]


def test_size_zero_switches_the_pool_off():
    pool = Pool(0, SHAPE)
    state = torch.get_rng_state()
    for n in range(5):
        assert numbers(pool.query(numbered(n, n + 10))) == [n, n + 10]
    assert pool.count == 0
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("filled", [0, 1, 3])
def test_an_image_that_is_not_finite_is_returned_and_never_stored(filled, bad):
    for seed in range(20):  # both sides of the coin
        pool = Pool(3, SHAPE)
        if filled:
            pool.query(numbered(*range(filled)))
        torch.manual_seed(seed)
        image = numbered(7)
        image[0, 1, 0, 1] = bad  # one value is enough
        found = pool.query(image)
        assert torch.equal(found.isnan(), image.isnan())
        assert torch.equal(found.isinf(), image.isinf())
        assert held(pool) == list(range(filled))
        assert pool.images.isfinite().all()


def test_the_plain_reference_agrees_on_images_that_are_not_finite():
    pool, reference = Pool(2, SHAPE), Reference(2)
    for n in range(100):
        image = math.inf if n % 3 == 0 else float(n)
        torch.manual_seed(n)
        found = numbers(pool.query(numbered(image)))
        torch.manual_seed(n)
        assert found == [reference.query(image)]
        assert held(pool) == reference.stored


@pytest.mark.parametrize("before", [1, 3, 20])
def test_a_restored_pool_continues_identically(before):
    torch.manual_seed(0)
    pool, restored = Pool(3, SHAPE), Pool(3, SHAPE)
    for n in range(before):
        pool.query(numbered(n))
    state = {name: entry.clone() for name, entry in pool.state_dict().items()}
    assert set(state) == {"images", "count"}

    def continued(pool: Pool) -> list[float]:
        torch.manual_seed(1)
        return [number for n in range(100, 120) for number in numbers(pool.query(numbered(n)))]

    expected = continued(pool)
    restored.load_state_dict(state)
    assert continued(restored) == expected
    assert held(restored) == held(pool)


@pytest.mark.parametrize("size", [0, 2])
@pytest.mark.parametrize("given", [torch.bfloat16, torch.float32, torch.float64])
def test_images_come_back_in_the_dtype_of_the_pool(given, size):
    pool = Pool(size, SHAPE)
    for n in range(10):
        assert pool.query(numbered(n).to(given)).dtype == torch.float32
    assert pool.double().query(numbered(1).to(given)).dtype == torch.float64


def test_layout_in_memory_does_not_matter():
    torch.manual_seed(0)
    images = [torch.randn(2, 3, 4, 5) for _ in range(10)]
    pools = Pool(2, (3, 4, 5)), Pool(2, (3, 4, 5)).to(memory_format=torch.channels_last)
    for n, image in enumerate(images):
        found = []
        for pool, layout in zip(pools, (torch.contiguous_format, torch.channels_last), strict=True):
            torch.manual_seed(n)
            found.append(pool.query(image.to(memory_format=layout)))
        assert torch.equal(*found)
