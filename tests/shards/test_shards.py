"""Shards: archives of pictures become archives of results, whole or not at all."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conversion.small import ABOUT, TRANSLATOR, noise
from translate import images
from translate.conversion.job import Job
from translate.conversion.pipeline import AGAIN, Result
from translate.conversion.planning import Naming
from translate.conversion.settings import ConversionSettings
from translate.errors import DataError, SettingsError
from translate.images import Encoding, Picture
from translate.places import path_of
from translate.shards.braces import expanded
from translate.shards.conversion import are_shards, convert_shards, plan_shards


def picture(seed: int = 0, format: str = "PNG") -> bytes:
    return images.encode(Picture(noise(9, 7, seed), None, ""), Encoding(format=format))


def shard(path: Path, members: Mapping[str, bytes], extra: Sequence[tarfile.TarInfo] = ()) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            made.addfile(info, io.BytesIO(content))
        for info in extra:
            made.addfile(info)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
    return path


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as opened:
        return {one.name: (opened.extractfile(one) or io.BytesIO()).read() for one in opened.getmembers()}


def run(job: Job) -> list[Result]:
    return list(convert_shards(job, plan_shards(job), TRANSLATOR, lambda done: None))


def reasons(results: Sequence[Result]) -> dict[str, str]:
    return {str(result.source.name): result.reason for result in results if result.status == "failed"}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Two shards of a folder: of samples in WebDataset's way, and of one picture."""
    members = {"a/0.png": picture(0), "a/0.json": b"{}", "a/0.seg.png": b"a map", "a/1.two.jpg": picture(1, "JPEG")}
    shard(tmp_path / "in" / "000.tar", members)
    shard(tmp_path / "in" / "001.tar", {"2.png": picture(2)})
    return Job(ABOUT, (f"{tmp_path}/in/{{000..001}}.tar",), tmp_path / "out")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("{000..002}.tar", ["000.tar", "001.tar", "002.tar"]),
        ("{8..10}", ["8", "9", "10"]),
        ("{08..10}", ["08", "09", "10"]),
        ("{1..0}", ["1", "0"]),
        ("{a,b}-{0..1}", ["a-0", "a-1", "b-0", "b-1"]),
        ("{a,{1..2}}", ["a", "1", "2"]),
        ("{plain}{}", ["{plain}{}"]),
    ],
)
def test_braces_stand_for_what_they_do_in_a_shell(word: str, words: list[str]) -> None:
    assert expanded(word) == words


@pytest.mark.parametrize("word", ["{0..9999999}", "{0..9999}{0..9999}"])
def test_braces_that_stand_for_too_many_are_refused(word: str) -> None:
    with pytest.raises(SettingsError, match="stands for more than 1,000,000 names"):
        expanded(word)


def test_a_shard_becomes_one_of_the_same_names_in_the_same_order(job: Job, tmp_path: Path) -> None:
    results = run(job)
    assert [result.status for result in results] == ["done"] * 3
    assert str(results[0].source) == f"{tmp_path}/in/000.tar/a/0.png"
    made = contents(tmp_path / "out" / "000.tar")
    assert [*made] == ["a/0.png", "a/0.json", "a/0.seg.png", "a/1.two.jpg"]
    assert (made["a/0.json"], made["a/0.seg.png"]) == (b"{}", b"a map")
    assert np.array_equal(images.read(made["a/0.png"]).rgb, TRANSLATOR(noise(9, 7, 0)))
    with tarfile.open(tmp_path / "out" / "000.tar") as opened:
        assert {member.mtime for member in opened.getmembers()} == {1_700_000_000}
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["000.tar", "001.tar"]


def test_what_is_there_is_skipped_and_what_has_changed_is_made_again(job: Job, tmp_path: Path) -> None:
    run(job)
    assert [result.status for result in run(job)] == ["skipped"] * 2
    shard(tmp_path / "in" / "001.tar", {"3.png": picture(3), "4.png": picture(4)})
    assert [result.status for result in run(job)] == ["skipped", "done", "done"]
    assert [*contents(tmp_path / "out" / "001.tar")] == ["3.png", "4.png"]
    assert len(run(replace(job, overwrite=True))) == 4


def test_a_shard_is_made_again_when_the_mask_has_changed_and_only_then(job: Job, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    images.write_pixels(noise(9, 7), mask)
    job = replace(job, inputs=(tmp_path / "in" / "001.tar",), settings=ConversionSettings(mask=mask))
    assert [result.status for _ in range(2) for result in run(job)] == ["done", "skipped"]
    images.write_pixels(noise(18, 14), mask)
    assert [result.status for _ in range(2) for result in run(job)] == ["done", "skipped"]


@pytest.mark.fault("F-30")
def test_of_a_shard_that_is_cut_short_the_whole_members_are_converted(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "in" / "000.tar"
    whole = path.read_bytes()
    ends = {"within the third": 512 + 1024 + 512 + 512 + 512 + 2, "before the end mark": 512 * 9}
    for end in ends.values():
        path.write_bytes(whole[:end])
        results = run(replace(job, overwrite=True))
        assert "the archive is cut short" in "".join(reasons(results).values())
        assert [*contents(tmp_path / "out" / "000.tar")][:2] == ["a/0.png", "a/0.json"]
    path.write_bytes(whole[:100])
    (failed,) = [result for result in run(replace(job, overwrite=True)) if result.status == "failed"]
    assert "is no tar archive, or its beginning is damaged" in failed.reason


@pytest.mark.fault("F-30")
def test_a_shard_that_lacks_something_is_not_taken_for_whole_the_next_time(job: Job, tmp_path: Path) -> None:
    first, second = tmp_path / "in" / "000.tar", tmp_path / "in" / "001.tar"
    whole = first.read_bytes()
    first.write_bytes(whole[: 512 * 9])
    shard(second, {"2.png": picture(2), "torn.png": b"torn", "void.png": b""})
    run(job)
    cut, torn = run(job)
    assert [cut.status, torn.status] == ["failed", "failed"]
    assert cut.reason == f"the archive is cut short; its members up to a/0.seg.png are whole; {AGAIN}"
    assert torn.reason.startswith("torn.png: cannot be decoded: ")
    assert torn.reason.endswith(f" (and 1 more); {AGAIN}")
    first.write_bytes(whole)
    shard(second, {"2.png": picture(2)})
    assert [result.status for result in run(job)] == ["done"] * 3
    assert [result.status for result in run(job)] == ["skipped"] * 2


@pytest.mark.fault("F-30")
@pytest.mark.parametrize("name", ["../evil.png", "/tmp/evil.png", "a/../../evil.png", "a\\..\\evil.png"])
def test_a_member_that_leads_out_is_left_out_and_named(job: Job, tmp_path: Path, name: str) -> None:
    link = tarfile.TarInfo("link.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    shard(tmp_path / "in" / "001.tar", {name: picture(), "good.png": picture()}, [link])
    found = reasons(run(job))
    assert found.pop("link.png") == "it is a link or a device, so it is left out"
    assert [*found.values()] == ["its name leads out of the archive, so it is left out"]
    assert [*contents(tmp_path / "out" / "001.tar")] == ["good.png"]
    assert not [*tmp_path.rglob("*evil*")]


@pytest.mark.fault("F-30")
def test_a_broken_picture_is_named_and_left_out_alone(job: Job, tmp_path: Path) -> None:
    shard(tmp_path / "in" / "001.tar", {"bad.png": b"bad", "bad.txt": b"its text", "good.png": picture()})
    assert [*reasons(run(job))] == ["bad.png"]
    assert [*contents(tmp_path / "out" / "001.tar")] == ["bad.txt", "good.png"]


@pytest.mark.fault("F-30")
def test_a_shard_is_whole_or_absent(job: Job, tmp_path: Path) -> None:
    results = convert_shards(job, plan_shards(job), TRANSLATOR, lambda done: None)
    next(results)
    assert not [*(tmp_path / "out").glob("*")]
    results.close()  # type: ignore[attr-defined]  # as where Ctrl-C ends it
    assert not [*(tmp_path / "out").glob("*")]


def test_two_members_that_would_get_one_name_are_kept_apart_where_that_is_asked_for(job: Job, tmp_path: Path) -> None:
    shard(tmp_path / "in" / "001.tar", {"a.bmp": picture(1, "BMP"), "a.png": picture(2)})
    assert "--on-collision suffix keeps them apart" in reasons(run(job))["a.png"]
    run(replace(job, naming=Naming(keep_suffix=True), overwrite=True))
    assert [*contents(tmp_path / "out" / "001.tar")] == ["a.bmp.png", "a.png"]


def test_shards_of_a_store_become_shards_of_a_store(job: Job, tmp_path: Path) -> None:
    place = path_of(f"memory://{tmp_path.name}")
    for name in ("000.tar", "001.tar"):
        (place / "in" / name).write_bytes((tmp_path / "in" / name).read_bytes())
    run(job)
    for words in (f"{place}/in/{{000..001}}.tar", f"{place}/in/*.tar"):
        job = replace(job, inputs=(words,), out=place / "out")
        assert {result.status for result in run(job)} <= {"done", "skipped"}
        assert contents(place / "out" / "000.tar") == contents(tmp_path / "out" / "000.tar")
    assert [result.status for result in run(job)] == ["skipped"] * 2


def test_parts_for_several_machines_share_nothing(job: Job) -> None:
    parts = [[item.source.name for item in plan_shards(replace(job, shard=(n, 2))).items] for n in (1, 2)]
    assert sorted(parts[0] + parts[1]) == ["000.tar", "001.tar"]


@pytest.mark.fault("F-30")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"inputs": ("in/000.tar", "other/000.tar")}, "in/000.tar and other/000.tar would both become out/000.tar"),
        ({"out": Path("in")}, "in/000.tar is an input and would be replaced"),
        ({"settings": ConversionSettings(compare="side")}, "Shards go without --compare"),
        ({"settings": ConversionSettings(mask=Path("in"))}, "one mask for all pictures"),
    ],
)
def test_what_cannot_be_is_refused(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shard(tmp_path / "other" / "000.tar", {})
    job = replace(job, inputs=("in/000.tar",), out=Path("out"))
    with pytest.raises(SettingsError, match=sentence):
        plan_shards(replace(job, **changes))


@pytest.mark.fault("F-30")
def test_missing_shards_are_named_and_none_at_all_is_refused(job: Job, tmp_path: Path) -> None:
    job = replace(job, inputs=(f"{tmp_path}/in/{{001..002}}.tar",))
    assert reasons(run(job)) == {"002.tar": "it does not exist, cannot be read, or matches nothing"}
    with pytest.raises(DataError, match=r"There are no shards: gone.tar, pipe:cat.tar not found"):
        plan_shards(replace(job, inputs=("gone.tar", "pipe:cat.tar")))


@pytest.mark.parametrize("name", ["a" * 300, "a**"])
def test_names_that_no_disk_takes_and_no_pattern_are_missing(job: Job, tmp_path: Path, name: str) -> None:
    words = (f"{tmp_path}/in/001.tar", f"{tmp_path}/in/{name}.tar")
    assert plan_shards(replace(job, inputs=words)).missing == words[1:]


def test_shards_are_told_by_their_suffix_and_not_mixed_with_pictures() -> None:
    assert are_shards(["a.tar", "s3://b/{0..9}.TAR"])
    assert not are_shards(["a", "tar"])
    with pytest.raises(SettingsError, match="converted by different commands"):
        are_shards(["a.tar", "b.jpg"])
