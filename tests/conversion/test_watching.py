"""Watching, without waiting: every look at a folder is given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from translate.conversion.pipeline import Result
from translate.conversion.planning import ConversionPlan, Item, plan
from translate.conversion.settings import ConversionSettings
from translate.conversion.watching import complete, watch

A, B = Path("a.png"), Path("b.png")


def ready(*listings: dict[Path, tuple[int, int]]) -> list[list[Path]]:
    return list(complete({path: (stamp,) for path, stamp in listing.items()} for listing in listings))


@pytest.mark.fault("I-30")
def test_a_file_is_taken_when_it_did_not_change_between_two_looks() -> None:
    growing = [{A: (size, size)} for size in (1, 2, 3, 3, 3)]
    assert ready(*growing) == [[], [], [], [A], []]


@pytest.mark.fault("I-30")
def test_a_changed_file_is_taken_again_once_complete() -> None:
    stamps = [(1, 1), (1, 1), (1, 2), (2, 3), (2, 3), (2, 3)]
    assert ready(*({A: stamp} for stamp in stamps)) == [[], [A], [], [], [A], []]


@pytest.mark.fault("I-30")
def test_a_file_that_comes_by_renaming_or_goes_is_no_trouble() -> None:
    assert ready({}, {B: (1, 1)}, {A: (1, 1)}, {A: (1, 1)}, {}, {A: (1, 1)}, {A: (1, 1)}) == [
        [], [], [], [A], [], [], [],
    ]  # fmt: skip


@pytest.mark.fault("I-30")
def test_a_burst_is_taken_together() -> None:
    many: dict[Path, tuple[int, int]] = {Path(f"{number}.png"): (number, number) for number in range(1000)}
    assert ready(many, many, many) == [[], list(many), []]


class Stop(Exception):
    pass


@pytest.mark.fault("I-30")
def test_only_complete_and_new_pictures_are_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a real folder: a slow writer, the results inside the folder, and a picture that is deleted while waiting."""
    folder, out = tmp_path / "in", tmp_path / "in" / "out"
    folder.mkdir()
    slow, gone = folder / "slow.png", folder / "gone.png"
    looks = iter(
        [
            lambda: slow.write_bytes(b"1"),
            lambda: (slow.write_bytes(b"12"), gone.write_bytes(b"1")),
            lambda: gone.unlink(),
            lambda: None,
            lambda: None,
        ]
    )
    translated: list[list[str]] = []

    def wait() -> None:
        step = next(looks, None)
        if step is None:
            raise Stop
        step()

    def convert(translator: object, plan: ConversionPlan, settings: object) -> Iterator[Result]:
        translated.append([item.source.name for item in plan.items])
        for item in plan.items:
            item.output.parent.mkdir(exist_ok=True)
            item.output.write_bytes(b"result")
            yield Result(item.source, item.word, item.output, "done", target=item.target)

    monkeypatch.setattr("translate.conversion.watching.convert", convert)
    results: list[Result] = []
    with pytest.raises(Stop):
        results.extend(watch(None, lambda: plan([folder], out, ["b"]), wait))  # type: ignore[arg-type]
    assert translated == [["slow.png"]]
    assert not list(out.glob("out/*"))


@pytest.mark.fault("I-30")
def test_a_listed_file_that_has_gone_is_left_out() -> None:
    items = (Item(Path("nowhere/x.png"), Path("y.png"), Path("x.png"), "b"),)
    looks: list[int] = []

    def wait() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise Stop

    with pytest.raises(Stop):
        list(watch(None, lambda: ConversionPlan(items, (), 0, ()), wait))  # type: ignore[arg-type]


@pytest.mark.fault("F-13")
def test_a_picture_whose_mask_has_changed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, mask = tmp_path / "a.png", tmp_path / "mask.png"
    picture.write_bytes(b"1")
    mask.write_bytes(b"1")
    item = Item(picture, tmp_path / "out.png", Path("a.png"), "b")
    looks = iter([lambda: None, lambda: None, lambda: mask.write_bytes(b"12"), lambda: None, lambda: None])
    taken: list[int] = []

    def wait() -> None:
        step = next(looks, None)
        if step is None:
            raise Stop
        step()

    def convert(translator: object, plan: ConversionPlan, settings: object) -> Iterator[Result]:
        taken.append(mask.stat().st_size)
        yield Result(picture, "a.png", item.output, "done")

    monkeypatch.setattr("translate.conversion.watching.convert", convert)
    with pytest.raises(Stop):
        list(watch(None, lambda: ConversionPlan((item,), (), 0, ()), wait, ConversionSettings(mask=mask)))  # type: ignore[arg-type]
    assert taken == [1, 2]
