"""The page says in words how a run goes, and needs no other file."""

import base64
import dataclasses
import time

import pytest

from tests.report.parsing import Page
from translate.report.page import Curve, Grid, RunSummary, run_page

SUMMARY = RunSummary(
    title="cyclegan on photos",
    step=400,
    steps=1000,
    scores={"stripe score": 0.91, "background error": 0.05},
    alarms=[],
    judged_from=100,
    grids=[Grid(step, b"large %d" % step, b"small %d" % step) for step in range(0, 401, 50)],
    columns="Input and result.",
    losses={
        "GAN": Curve([(50, 0.9), (100, 0.3)], "how easily D tells", "hovers", 0.25),
        "acc": Curve([(50, 0.9), (100, 0.7)], "how often D is right", "share", 0.5),
        "cyc": Curve([(50, 0.5), (100, 0.1)], "what is lost", "falls"),
        "own": Curve([(50, 2.0)], "", "free"),
    },
    learning_rate=[(50, 2e-4), (100, 1e-4)],
    facts={"pictures of A": "10 to train on"},
    settings={"method.lambda_cyc": "10.0"},
    commands=["translate apply runs/photos PHOTOS --out RESULTS"],
)


def page(**changes):
    return Page(run_page(dataclasses.replace(SUMMARY, **changes)))


def test_the_page_says_how_far_and_how_well():
    text = page().text
    assert "400 of 1,000 steps are done; 600 are left." in text
    assert "No alarm was raised." in text
    for words in (
        "0.910",
        "1 is perfect",
        "0 is perfect",
        "10 to train on",
        "PHOTOS --out RESULTS",
        "method.lambda_cyc",
    ):
        assert words in text
    assert "Finished: all 400 steps are done." in page(steps=400).text


def test_alarms_stand_first_in_words():
    text = page(alarms=[(300, "Dark becomes bright.")]).text
    assert "Step 300: Dark becomes bright." in text
    assert "No alarm" not in text
    assert text.index("Dark becomes bright") < text.index("stripe score")


@pytest.mark.fault("F-20")
def test_where_nothing_was_judged_the_page_does_not_say_that_all_is_well():
    early = run_page(dataclasses.replace(SUMMARY, step=90))
    assert "No alarm" not in early
    assert "Nothing was judged yet: that begins at step 100." in early
    short = run_page(dataclasses.replace(SUMMARY, step=50, steps=50))
    assert "begins at step 100, which this run never reaches. Look at the pictures." in short


def test_the_newest_grid_is_shown_and_the_slider_reaches_all():
    shown = page()
    grids = [tag for tag in shown.all("div") if "data-step" in tag]
    assert [grid["data-step"] for grid in grids] == [str(step) for step in range(0, 401, 50)]
    assert ["hidden" in grid for grid in grids] == [True] * 8 + [False]
    (slider,) = shown.all("input")
    assert (slider["max"], slider["value"]) == ("8", "8")
    pictures = [base64.b64decode(image["src"].partition(",")[2]) for image in shown.all("img") if "src" in image]
    strip = [SUMMARY.grids[number].small for number in (0, 1, 3, 4, 6, 8)]
    assert pictures == [*(grid.picture for grid in SUMMARY.grids), *strip]


def test_every_loss_stands_below_what_is_expected_of_it():
    text = page().text
    kinds = ("hover around", "discriminators are right: 0.50", "should fall", "says little")
    hover, share, fall, free = (text.index(words) for words in kinds)
    assert hover < text.index("how easily D tells") < share < text.index("how often D is right") < fall
    assert fall < text.index("what is lost") < free < text.rindex("own")
    assert text.index("Learning rate") > free
    dashed = [line for line in page().all("line") if "stroke-dasharray" in line]
    assert len(dashed) == 2


def test_nothing_is_fetched_from_elsewhere():
    shown = page()
    (policy,) = [meta["content"] for meta in shown.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not {"link", "iframe"} & {tag for tag, _ in shown.tags}
    assert shown.all("script") == [{}]  # ours, which is in the page
    addresses = [tag.get("src") or tag.get("href") or "" for _, tag in shown.tags]
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses if address)


@pytest.mark.fault("S-17")
def test_every_name_is_shown_as_a_name():
    evil = '<script>alert("x")</script>'
    shown = page(
        title=evil, alarms=[(1, evil)], scores={evil: 1.0}, columns=evil, facts={evil: evil}, settings={evil: evil},
        commands=[evil], losses={evil: Curve([(1, 1.0)], evil, "free")},
    )  # fmt: skip
    assert shown.all("script") == [{}]
    assert shown.text.count(evil) >= 9


def test_only_the_page_of_a_run_that_goes_on_looks_for_news():
    (running,) = [tag for tag in page(next_s=90.4).all("p") if tag.get("id") == "running"]
    assert running["data-next"] == "90"
    assert abs(int(running["data-written"]) - time.time()) < 60
    assert "news by itself while the run goes on" in page(next_s=1).text
    assert "while the run goes on" not in page().text


def test_small_grids_lead_to_their_large_ones():
    numbers = [int(image["data-grid"]) for image in page().all("img") if "data-grid" in image]
    assert numbers == [0, 1, 3, 4, 6, 8]


@pytest.mark.parametrize("step", [0, 1])
def test_a_run_that_has_just_begun_has_a_page(step):
    shown = page(step=step, grids=SUMMARY.grids[:step], losses={}, learning_rate=[], scores={}, commands=[])
    assert len(shown.all("img")) == 2 * step + 1  # and what a click enlarges
    assert "are left" in shown.text
