"""The scale of losses alone; how players use it is tested with them."""

import pytest
import torch

from translate.training.loss_scale import FIRST, LossScale

FINITE, OVERFLOW = torch.tensor(True), torch.tensor(False)


def test_it_is_halved_by_every_overflow_down_to_1_and_says_when_it_is_lowest() -> None:
    scale, values = LossScale(torch.device("cpu")), []
    for _ in range(14):
        assert bool(scale.lowest) == (float(scale.value) == 1)
        scale.update(OVERFLOW)
        values.append(float(scale.value))
    assert values == [max(FIRST / 2**n, 1) for n in range(1, 15)]


def test_it_is_doubled_when_no_step_overflowed_for_long_and_an_overflow_begins_the_count_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("translate.training.loss_scale.PATIENCE", 3)
    scale, values = LossScale(torch.device("cpu")), []
    for finite in (FINITE, FINITE, OVERFLOW, FINITE, FINITE, FINITE, FINITE):
        scale.update(finite)
        values.append(float(scale.value) / FIRST)
    assert values == [1, 1, 0.5, 0.5, 0.5, 1, 1]


def test_it_continues_from_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.training.loss_scale.PATIENCE", 2)
    scale, again = LossScale(torch.device("cpu")), LossScale(torch.device("cpu"))
    scale.update(OVERFLOW)
    scale.update(FINITE)
    again.load({name: value.clone() for name, value in scale.state().items()})
    for each in (scale, again):
        each.update(FINITE)
        assert float(each.value) == FIRST
