"""Every alarm is raised by a staged failure, and none by runs that go well."""

import numpy as np
import pytest

from translate.methods import base
from translate.methods.base import Term
from translate.training import symptoms
from translate.training.alarms import Alarms, Probe
from translate.training.record import read_log

SIDE, STEPS = 64, 1000
TERMS = {
    "GAN": Term("", "hovers", "G", 0.25),
    "D": Term("", "hovers", "D", 0.25),
    "acc": Term("", "share", "D", 0.5),
    "cyc": Term(""),
    "critic": Term("", "free", "D"),
}
HEALTHY = {"GAN": 0.35, "D": 0.2, "acc": 0.99, "cyc": 0.0001, "critic": -20.0}


def landscapes(seed, count=8):
    """Pictures with soft light and shade, (count, 64, 64, 3) uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    pictures = []
    for _ in range(count):
        waves = [np.sin(2 * np.pi * (a * x + b * y) + c) for a, b, c in random.uniform(-2, 2, (3, 3))]
        pictures.append(128 + 35 * np.stack(waves, -1) + random.normal(0, 2, (SIDE, SIDE, 3)))
    return np.clip(pictures, 0, 255).astype(np.uint8)


INPUTS, TARGETS, SEEN = landscapes(0), landscapes(1), landscapes(2, 32)
PROBE = Probe("photo", "painting", INPUTS, TARGETS, symptoms.thumbnails(SEEN))


@pytest.fixture
def alarms(tmp_path):
    return started(tmp_path)


def started(folder, step=0):
    """The alarms of a run of 1000 steps, as they are when it starts or continues; `told` is what was said since."""
    told = []
    alarms = Alarms(folder / "alarms.jsonl", step, STEPS, TERMS, told.append)
    alarms.told = told
    return alarms


def log(losses, steps=range(10, STEPS + 1, 10), skipped=0):
    return [{"step": step, "losses": losses, "skipped": skipped} for step in steps]


def names(alarms):
    return [alarm.name for alarm in alarms.told]


def checkerboard(pictures):
    pattern = np.where(np.add.outer(np.arange(SIDE), np.arange(SIDE)) % 2, 8, -8)[..., None]
    return np.clip(pictures.astype(int) + pattern, 0, 255).astype(np.uint8)


def spotted(pictures):
    spoiled = pictures.copy()
    spoiled[:, 20:24, 36:40] = 255
    return spoiled


def grey(pictures):
    return (128 + (pictures.astype(float) - 128) / 10).astype(np.uint8)


def rainbow(pictures):
    hues = np.sin(np.arange(SIDE)[:, None] / 2 + np.array([0, 2.1, 4.2]))  # (S, 3), of as good as equal lightness
    return np.clip(pictures + 60 * hues, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("faded", grey),
        ("striped", rainbow),
        ("striped", lambda x: rainbow(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)),
    ],
)
@pytest.mark.fault("F-20")
def test_grey_pictures_and_stripes_of_colours_are_said(alarms, name, spoil):
    alarms.look_at_pictures(PROBE, spoil(INPUTS), 500)
    assert name in names(alarms)


@pytest.mark.fault("F-20")
def test_it_is_known_from_which_step_on_a_run_is_judged(tmp_path):
    assert [Alarms(tmp_path / "alarms.jsonl", 0, steps, TERMS, print).first for steps in (20, 1000, 4000)] == [
        100,
        100,
        400,
    ]


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("inverted", lambda x: 255 - x, "From photo to painting dark becomes bright"),
        ("collapsed", lambda x: np.repeat(x[:1], len(x), axis=0), "different pictures become nearly the same"),
        ("checkerboard", checkerboard, "method.generator.upsampling=resize"),
        ("droplets", spotted, "conspicuous spots"),
        ("memorised", lambda x: SEEN[: len(x)], "copies of training pictures of painting"),
    ],
)
@pytest.mark.fault("R-25")
def test_what_is_wrong_with_pictures_is_said_in_words(alarms, name, spoil, words):
    alarms.look_at_pictures(PROBE, spoil(INPUTS), 500)
    assert names(alarms) == [name]
    assert words in alarms.told[0].text


@pytest.mark.parametrize("outputs", [INPUTS, INPUTS // 2 + 60, TARGETS, INPUTS[..., ::-1]], ids=str)
def test_good_translations_raise_no_alarm(alarms, outputs):
    alarms.look_at_pictures(PROBE, outputs, 500)
    assert names(alarms) == []


@pytest.mark.parametrize(
    ("losses", "name"),
    [
        ({"D": 0.002, "GAN": 0.98}, "discriminator-won"),
        ({"D": 0.6}, "discriminator-lost"),
        ({"GAN": 0.01}, "discriminator-lost"),
    ],
)
@pytest.mark.fault("R-25")
def test_a_discriminator_that_wins_or_loses_is_said(alarms, losses, name):
    alarms.look_at_losses(log({**HEALTHY, **losses}))
    assert names(alarms) == [name]
    assert "discriminator" in alarms.told[0].text


@pytest.mark.parametrize("losses", [{}, {"D": 0.25, "GAN": 0.25}, {"D": 0.29, "GAN": 0.3}, {"D": 0.03, "GAN": 0.8}])
def test_losses_of_healthy_runs_raise_no_alarm(alarms, losses):
    history = log({**HEALTHY, **losses})
    for end in range(len(history)):
        alarms.look_at_losses(history[: end + 1])
    assert names(alarms) == []


def test_one_bad_report_among_good_ones_is_no_alarm(alarms):
    history = log(HEALTHY)
    history[-3]["losses"] = {**HEALTHY, "D": 0.0001}
    alarms.look_at_losses(history)
    assert names(alarms) == []


def test_steps_that_were_skipped_are_said(alarms):
    alarms.look_at_losses(log(HEALTHY, steps=[10], skipped=2))
    assert names(alarms) == ["skipped"]
    assert "In 2 steps" in alarms.told[0].text
    assert "--precision fp32" in alarms.told[0].text


def test_a_run_that_has_just_begun_is_not_judged(alarms):
    alarms.look_at_losses(log({**HEALTHY, "D": 0.0}, steps=range(10, 100, 10)))
    alarms.look_at_losses(log({**HEALTHY, "D": 0.0}, steps=[970, 1000]))  # too few reports
    alarms.look_at_pictures(PROBE, 255 - INPUTS, 99)
    few = Probe("photo", "painting", INPUTS[:3], TARGETS[:3])
    alarms.look_at_pictures(few, 255 - INPUTS[:3], 500)
    assert names(alarms) == []


def test_an_alarm_is_said_once_over_the_whole_run_and_again_only_for_steps_that_are_done_again(tmp_path, alarms):
    for step in (500, 600):
        alarms.look_at_pictures(PROBE, 255 - INPUTS, step)
    assert names(alarms) == ["inverted"]
    stored = read_log(tmp_path / "alarms.jsonl")
    continued = started(tmp_path, step=600)
    continued.look_at_pictures(PROBE, 255 - INPUTS, 700)
    assert names(continued) == []
    assert [alarm.step for alarm in continued.raised] == [500]
    back = started(tmp_path, step=400)
    back.look_at_pictures(PROBE, 255 - INPUTS, 500)
    assert names(back) == ["inverted"]
    assert read_log(tmp_path / "alarms.jsonl") == stored


@pytest.mark.parametrize("name", base.available())
def test_the_losses_of_every_method_have_words(name):
    domains = ("photo", "painting")
    terms = base.settings_class(name)().build(domains, 64).terms()
    assert {term.player for term in terms.values()} == {"G", "D"}
    assert all(term.meaning for term in terms.values())
    assert all((term.equilibrium is not None) == (term.trend in ("hovers", "share")) for term in terms.values())
