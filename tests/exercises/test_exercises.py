"""Exercises: what is measured has known answers, and what is left shows it."""

import numpy as np
import pytest
import torch

from translate import images
from translate.exercises.figures import HIGH, WIDE, figure
from translate.exercises.points import MIXTURES, noise
from translate.exercises.report import run
from translate.exercises.training import Exercise, train

GAUSSIAN, RING, GRID = (MIXTURES[name] for name in ("gaussian", "ring", "grid"))


def drawn(mixture, count=2000):
    return mixture.draw(count, torch.Generator().manual_seed(0)).double().numpy()


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_the_data_itself_has_all_modes(name, modes):
    found = MIXTURES[name].measure(drawn(MIXTURES[name]))
    assert (found["modes"], found["of"]) == (modes, modes)
    assert found["near"] > 0.99


def test_points_of_one_mode_are_one_mode_and_points_between_are_none():
    one = np.tile([1.0, 0.0], (100, 1))
    assert RING.measure(one) == {"modes": 1, "of": 8, "near": 1}
    assert RING.measure(np.zeros((100, 2)))["near"] == 0
    nearly = np.concatenate([one, np.tile([0.0, 1.0], (1, 1))])  # a hundredth of all is too few to count
    assert RING.measure(nearly)["modes"] == 1


def test_the_distance_on_a_line_is_by_how_much_points_are_to_be_moved():
    best = GAUSSIAN.measure(drawn(GAUSSIAN, 10_000))
    assert best["W1"] < 0.02
    assert (best["mean"], best["deviation"]) == pytest.approx((4, 0.5), abs=0.02)
    assert GAUSSIAN.measure(drawn(GAUSSIAN, 10_000) + 0.3)["W1"] == pytest.approx(0.3, abs=0.02)
    collapsed = GAUSSIAN.measure(np.full((1000, 1), 4.0))["W1"]
    assert collapsed == pytest.approx(0.5 * np.sqrt(2 / np.pi), abs=0.01)


def test_noise_on_a_line_covers_it_in_order():
    z = noise(50, 1, torch.Generator().manual_seed(0))[:, 0]
    assert (z.diff() > 0).all()
    assert -1 <= float(z.min()) < -0.95
    assert noise(50, 2, torch.Generator()).shape == (50, 2)


@pytest.mark.parametrize("objective", ["vanilla", "wgan", "wgan-gp"])
def test_every_objective_trains_and_the_same_seed_gives_the_same(objective):
    ends = [[*train(Exercise(RING, objective, minibatch=objective == "vanilla", steps=2, seed=1), 1)] for _ in "ab"]
    assert [state.step for state in ends[0]] == [0, 1, 2]
    assert all(np.isfinite([state.L_D, state.L_G]).all() for state in ends[0][1:])
    assert np.array_equal(*(states[-1].drawn(5, 2) for states in ends))
    if objective == "wgan":
        largest = max(float(p.detach().abs().max()) for p in ends[0][-1].D.parameters())
        assert largest == pytest.approx(0.1)


def test_points_on_a_line_are_drawn_nearer_after_a_while():
    states = train(Exercise(GAUSSIAN, steps=100), 100)  # each as long as the next is not asked for
    far, near = (GAUSSIAN.measure(state.drawn(500, 1))["W1"] for state in states)
    assert near < far / 2


@pytest.mark.parametrize(("name", "shape"), [("gaussian", (HIGH, WIDE, 3)), ("grid", (WIDE, WIDE, 3))])
def test_an_exercise_leaves_an_animation_and_a_page(tmp_path, name, shape):
    told = []
    found = run(name, Exercise(MIXTURES[name], steps=2), tmp_path, lambda *words: told.append(words))
    assert told[-1] == ("training", 2, 2)
    assert set(found) in ({"W1", "mean", "deviation"}, {"modes", "of", "near"})
    assert images.count_frames(tmp_path / "progress.gif") == 3
    assert images.read(tmp_path / "figure.png").rgb.shape == shape
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert ("figure 1 of Goodfellow" in page) is (name == "gaussian")


def test_data_and_what_is_drawn_have_their_colours():
    (state,) = [*train(Exercise(RING, steps=1), 1)][-1:]
    pixels = figure(state, RING)
    assert (pixels == 170).all(2).any()  # grey
    assert ((pixels[..., 1] > 100) & (pixels[..., 0] < 60)).any()  # green
