"""A job: one record that is planned and run in the same way for every caller."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conversion.small import ABOUT, TRANSLATOR
from translate import images
from translate.conversion.job import Job
from translate.conversion.manifest import NAME
from translate.conversion.pipeline import Result
from translate.conversion.planning import EMPTY, Naming
from translate.conversion.settings import ConversionSettings
from translate.errors import DataError, SettingsError
from translate.inference.blending import Blending


def put(path: Path, seed: int = 0) -> Path:
    images.write_pixels(np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8), path)
    return path


def rgb(path: Path) -> NDArray[Any]:
    return images.read(path).rgb


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def statuses(results: list[Result]) -> list[str]:
    return [result.status for result in results]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job for one.png and below/two.png in `in`, to the default target."""
    put(tmp_path / "in" / "one.png", 1)
    put(tmp_path / "in" / "below" / "two.png", 2)
    return Job(ABOUT, (tmp_path / "in",), tmp_path / "out")


def test_every_item_says_its_target(job: Job, tmp_path: Path) -> None:
    picture = tmp_path / "in" / "one.png"
    for other, targets in (
        (job, ["zebra", "zebra"]),
        (replace(job, to="horse"), ["horse", "horse"]),
        (replace(job, to="all"), ["horse", "zebra", "horse", "zebra"]),
        (replace(job, out=None), ["zebra", "zebra"]),
        (replace(job, inputs=(picture,), out=tmp_path / "x.png"), ["zebra"]),
    ):
        assert [item.target for item in other.plan().items] == targets
        assert other.goal in ("zebra", "horse", "horse, zebra")


def test_to_all_fills_a_folder_for_each_target(job: Job, tmp_path: Path) -> None:
    (tmp_path / "in" / "torn.png").write_bytes(b"torn")
    job = replace(job, to="all")
    results = list(job.run(TRANSLATOR))
    assert below(tmp_path / "out") == [
        NAME,
        *(f"{to}/{name}" for to in ABOUT.domains for name in ("below/two.png", "one.png")),
    ]
    assert {(result.source.name, result.target): result.status for result in results} == {
        ("one.png", "horse"): "done", ("one.png", "zebra"): "done", ("two.png", "horse"): "done",
        ("two.png", "zebra"): "done", ("torn.png", "horse"): "failed", ("torn.png", "zebra"): "failed",
    }  # fmt: skip
    for domain in ABOUT.domains:
        expected = TRANSLATOR(rgb(tmp_path / "in" / "one.png"), to=domain)
        assert np.array_equal(rgb(tmp_path / "out" / domain / "one.png"), expected)
    assert (len(job.plan().items), len(job.plan().existing)) == (2, 4)


def test_to_all_is_no_file(job: Job, tmp_path: Path) -> None:
    job = replace(job, inputs=(tmp_path / "in" / "one.png",), out=tmp_path / "b.png", to="all")
    with pytest.raises(SettingsError, match="which only one result can become"):
        job.plan()


def test_a_wrong_domain_and_missing_pictures_are_refused_at_once(job: Job, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no domain 'zebr'"):
        replace(job, to="zebr").run(TRANSLATOR)
    with pytest.raises(DataError, match="no pictures"):
        replace(job, inputs=(tmp_path / "gone",)).run(TRANSLATOR)
    assert not (tmp_path / "out").exists()


def test_only_a_part_of_the_plan_is_run_where_a_part_is_given(job: Job) -> None:
    plan = job.plan()
    parts = [list(job.run(TRANSLATOR, replace(EMPTY, items=(item,)))) for item in plan.items]
    assert [statuses(part) for part in parts] == [["done"], ["done"]]
    assert list(job.run(TRANSLATOR, EMPTY)) == []
    assert statuses(list(job.run(TRANSLATOR))) == ["skipped", "skipped"]


def test_what_another_model_or_other_settings_made_is_made_again(job: Job) -> None:
    list(job.run(TRANSLATOR))
    assert job.count_outdated(job.plan()) == 0
    others = [
        replace(job, to="horse"),
        replace(job, about=ABOUT.model_copy(update={"sha256": "1" * 64})),
        replace(job, settings=ConversionSettings(blending=Blending(0.5))),
    ]
    for other in others:
        plan = other.plan()
        assert (len(plan.items), other.count_outdated(plan)) == (2, 2)
        assert statuses(list(other.run(TRANSLATOR))) == ["done", "done"]
        assert other.plan().items == ()
    last = others[-1]
    assert len(replace(last, overwrite=True).plan().items) == 2
    assert len(replace(last, settings=replace(last.settings, batch=7)).plan().items) == 0


def test_names_and_shards_are_those_that_were_asked_for(job: Job, tmp_path: Path) -> None:
    flat = replace(job, naming=Naming(flat=True), settings=ConversionSettings(compare="side"))
    parts = [replace(flat, shard=(number, 2)) for number in (1, 2)]
    assert sum(len(part.plan()) for part in parts) == 2
    for part in parts:
        list(part.run(TRANSLATOR))
    assert below(tmp_path / "out") == [NAME, "one.compare.png", "one.png", "two.compare.png", "two.png"]


def test_pictures_are_replaced_where_there_is_no_other_place(job: Job, tmp_path: Path) -> None:
    before = rgb(tmp_path / "in" / "one.png")
    job = replace(job, out=None)
    assert statuses(list(job.run(TRANSLATOR))) == ["done", "done"]
    assert np.array_equal(rgb(tmp_path / "in" / ".originals" / "one.png"), before)
    assert np.array_equal(rgb(tmp_path / "in" / "one.png"), TRANSLATOR(before))
    assert statuses(list(job.run(TRANSLATOR))) == ["skipped", "skipped"]


def test_a_note_names_the_model_and_all_targets(job: Job) -> None:
    noted = replace(job, about=ABOUT.model_copy(update={"sha256": "abc" * 20}), to="all").with_note()
    assert noted.settings.encoding.note.endswith(", model abcabcabcabc, to horse, zebra")
    assert job.settings.encoding.note == ""


def test_a_watched_folder_may_be_empty_at_first(tmp_path: Path) -> None:
    looks: list[int] = []

    def wait() -> None:
        looks.append(len(looks))
        if looks[-1] == 0:
            put(tmp_path / "in" / "one.png")

    (tmp_path / "in").mkdir()
    result = next(Job(ABOUT, (tmp_path / "in",), tmp_path / "out").watch(TRANSLATOR, wait))
    assert (result.status, result.output, looks) == ("done", tmp_path / "out" / "one.png", [0, 1])


def test_a_job_can_be_sent_to_another_process(job: Job) -> None:
    assert pickle.loads(pickle.dumps(job)).plan() == job.plan()
