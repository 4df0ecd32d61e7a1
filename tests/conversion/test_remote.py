"""Pictures in an object store are converted like those of a folder; shown on a store in memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conversion.small import ABOUT, TRANSLATOR, noise, put, rgb
from translate import places
from translate.conversion import remote_lines
from translate.conversion.job import Job
from translate.conversion.manifest import NAME
from translate.conversion.settings import ConversionSettings
from translate.errors import DataError, OutputError, SettingsError
from translate.places import RemotePath, listing, path_of


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A place of its own in the store, with two pictures and something else."""
    place = path_of(f"memory://{tmp_path.name}")
    put(place / "in" / "one.png", noise(9, 7, 1))
    put(place / "in" / "below" / "two.jpg", noise(9, 7, 2))
    (place / "in" / "readme.txt").write_bytes(b"text")
    return place


@pytest.fixture
def job(store: Path) -> Job:
    return Job(ABOUT, (str(store / "in"),), store / "out")


def names(folder: Path) -> list[str]:
    assert isinstance(folder, RemotePath)
    found = (path.relative_to(folder).as_posix() for path in listing(folder).entries)
    return [name for name in found if not name.startswith(".")]


def statuses(job: Job) -> dict[str, str]:
    return {result.source.name: result.status for result in job.run(TRANSLATOR)}


def test_results_are_those_of_a_folder_and_lie_under_the_same_names(job: Job, store: Path, tmp_path: Path) -> None:
    results = list(job.run(TRANSLATOR))
    assert names(store / "out") == ["below/two.jpg", "one.png"]
    assert [str(result.source) for result in results] == [f"{store}/in/below/two.jpg", f"{store}/in/one.png"]
    assert np.array_equal(rgb(store / "out" / "one.png"), TRANSLATOR(noise(9, 7, 1)))
    here = replace(job, out=tmp_path / "here")
    assert set(statuses(here).values()) == {"done"}
    for name in names(store / "out"):
        assert (tmp_path / "here" / name).read_bytes() == (store / "out" / name).read_bytes()
    again = replace(job, inputs=(results[0].word,), out=store / "again")
    assert statuses(again) == {"two.jpg": "done"}
    assert names(store / "again") == ["below/two.jpg"]


def test_a_folder_is_converted_into_a_store(store: Path, tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    job = Job(ABOUT, (tmp_path / "in",), store / "up")
    assert [statuses(job), statuses(job)] == [{"a.png": "done"}, {"a.png": "skipped"}]
    assert job.count_outdated(job.plan()) == 0


@pytest.mark.fault("F-28")
def test_what_is_there_is_skipped_and_what_has_changed_is_made_again(job: Job, store: Path) -> None:
    assert set(statuses(job).values()) == {"done"}
    assert set(statuses(job).values()) == {"skipped"}
    put(store / "in" / "one.png", noise(9, 7, 3))
    assert job.count_outdated(job.plan()) == 1
    assert statuses(job) == {"two.jpg": "skipped", "one.png": "done"}
    assert statuses(job) == {"two.jpg": "skipped", "one.png": "skipped"}
    assert set(statuses(replace(job, to="horse")).values()) == {"done"}


@pytest.mark.fault("F-28")
def test_many_files_are_no_more_questions_than_one(job: Job, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> int:
        questions: list[Path] = []
        with monkeypatch.context() as patch:
            asking = places._asking
            patch.setattr(places, "_asking", lambda path: (questions.append(path), asking(path))[1])
            again = replace(job, to="horse")
            again.count_outdated(again.plan())
        return len(questions)

    statuses(job)
    few = asked()
    for number in range(20):
        put(store / "in" / f"{number}.png")
    statuses(job)
    assert asked() == few + 2, "for what the second run says of its results, read by each of both"


@pytest.mark.fault("F-27")
def test_a_picture_that_goes_in_between_fails_alone(job: Job, store: Path) -> None:
    plan = job.plan()
    with places._asking(store / "in" / "one.png") as (memory, name):
        memory.rm_file(name)
    gone, done = sorted(job.run(TRANSLATOR, plan), key=lambda result: result.status, reverse=True)
    assert (gone.source.name, done.status) == ("one.png", "done")
    assert gone.reason == "cannot be decoded: there is no such file or bucket, or no longer."


@pytest.mark.fault("F-27")
def test_two_pictures_that_would_become_one_key_are_refused(job: Job, store: Path) -> None:
    put(store / "in" / "one.bmp")
    with pytest.raises(SettingsError, match=rf"{store}/in/one.bmp and {store}/in/one.png would both become"):
        job.plan()


def test_a_pattern_a_list_and_a_part_mean_what_they_mean_in_folders(job: Job, store: Path) -> None:
    def found(*inputs: str, shard: tuple[int, int] = (1, 1)) -> list[str]:
        return [item.relative.as_posix() for item in replace(job, inputs=inputs, shard=shard).plan().items]

    assert found(f"{store}/in/*.png") == ["one.png"]
    assert found(f"{store}/in/**/*.jpg") == ["below/two.jpg"]
    assert found(f"{store}/in/be*") == ["below/two.jpg"]
    assert found(f"{store}/./in") == ["in/below/two.jpg", "in/one.png"]
    assert found(f"{store}/in/one.png") == ["one.png"]
    Path("list.txt").write_text(f"{store}/in/below/two.jpg\n")
    assert found("@list.txt") == ["two.jpg"]
    parts = [name for number in (1, 2) for name in found(f"{store}/in", shard=(number, 2))]
    assert sorted(parts) == ["below/two.jpg", "one.png"]


@pytest.mark.fault("F-27")
def test_what_is_missing_is_named_and_nothing_at_all_is_refused(job: Job, store: Path) -> None:
    job = replace(job, inputs=(*job.inputs, f"{store}/gone"))
    missing = next(job.run(TRANSLATOR))
    assert (str(missing.source), missing.status, missing.word) == (f"{store}/gone", "failed", f"{store}/gone")
    assert "there is no such file" in missing.reason
    with pytest.raises(DataError, match=f"There are no pictures in {store}/gone: 1 input not found"):
        replace(job, inputs=(f"{store}/gone",)).plan()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda job: replace(job, settings=ConversionSettings(preserve_times=True)), "Leave out --preserve-times"),
        (lambda job: replace(job, out=None), "Pictures are replaced on this machine only; found memory://"),
        (lambda job: replace(job, out=path_of(str(job.inputs[0]))), "is also an input"),
    ],
)
def test_what_stores_cannot_do_is_refused(job: Job, change: Callable[[Job], Job], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        change(job).plan()


def test_names_say_what_results_are_because_nothing_is_looked_at(job: Job, store: Path) -> None:
    def suffixes(**options: Any) -> dict[str, str]:
        settings = ConversionSettings(encoding=replace(ConversionSettings().encoding, **options))
        plan = replace(job, settings=settings).plan()
        return {item.source.suffix: item.output.suffix for item in plan.items}

    for suffix in (".webp", ".gif", ".heic", ".bmp", ".tiff"):
        (store / "in" / f"other{suffix}{suffix}").write_bytes(b"not looked at")
    kept = {".png": ".png", ".jpg": ".jpg", ".webp": ".webp", ".heic": ".jpg", ".bmp": ".png", ".tiff": ".tif"}
    assert suffixes() == kept | {".gif": ".gif"}
    assert suffixes(frames="first") == kept | {".gif": ".png"}
    assert suffixes(depth=16) == dict.fromkeys([*kept, ".gif"], ".png") | {".tiff": ".tif"}


@pytest.mark.fault("F-28")
def test_what_made_results_is_kept_now_and_then_and_at_the_end(
    job: Job, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> int:
        place = store / "out" / NAME
        assert isinstance(place, RemotePath)
        return len(listing(place).entries)

    results = job.run(TRANSLATOR)
    next(results)
    assert files() == 0
    results.close()  # type: ignore[attr-defined]  # as where Ctrl-C ends it
    assert files() == 1
    monkeypatch.setattr(remote_lines, "MOST", 1)
    next(replace(job, overwrite=True).run(TRANSLATOR))
    assert files() == 2


@pytest.mark.fault("F-27")
def test_a_store_that_takes_nothing_ends_the_run(job: Job, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: RemotePath, data: bytes) -> int:
        raise PermissionError(13, "the store asks for credentials")

    monkeypatch.setattr(RemotePath, "write_bytes", refuse)
    with pytest.raises(OutputError, match=f"Cannot write {store}/out/.*: the store asks for credentials"):
        list(job.run(TRANSLATOR))
