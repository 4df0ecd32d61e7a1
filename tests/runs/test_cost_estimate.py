"""What a run would cost is measured without a trace."""

import pytest

from translate.data import store
from translate.runs import cost_estimate, prepare

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


def test_preparing_and_looking_ahead_write_nothing(tmp_path):
    run = prepare(TOY, out=tmp_path / "run", device="cpu")
    estimate = run.estimate_cost()
    assert list(tmp_path.iterdir()) == []
    method = run.recipe.method
    generator, discriminator = method.generator.build(3, 3), method.discriminator.build(3)
    expected = {
        "G": 2 * sum(parameter.numel() for parameter in generator.parameters()),
        "D": 2 * sum(parameter.numel() for parameter in discriminator.parameters()),
    }
    assert estimate.parameters == expected
    assert (estimate.steps, run.out) == (4, tmp_path / "run")
    assert {domain: len(pictures) for domain, pictures in run.dataset.train.items()} == {"horse": 6, "zebra": 6}
    assert estimate.seconds_per_step > 0
    assert estimate.memory_bytes is None or estimate.memory_bytes > 1 << 20


@pytest.mark.fault("F-25")
def test_decoded_pictures_count_as_memory_unless_they_are_too_many_to_be_held(photos, tmp_path, small, monkeypatch):
    monkeypatch.setattr(cost_estimate, "peak_memory", lambda _: 1000)
    words = [*small, "data.load=40"]
    run = prepare(photos, out=tmp_path / "run", words=words, device="cpu")
    assert run.estimate_cost().memory_bytes == 1000 + 2 * 3 * 40 * 40 * 3
    monkeypatch.setattr(store, "MEMORY", 3 * 40 * 40 * 3 - 1)
    assert run.estimate_cost().memory_bytes == 1000


def test_an_estimate_knows_the_steps_of_epochs(tmp_path):
    assert prepare(TOY, out=tmp_path / "run", epochs=5, batch=4, device="cpu").estimate_cost().steps == 10
