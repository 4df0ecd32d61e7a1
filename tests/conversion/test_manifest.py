"""A result that is there is skipped if it is what the command would make."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from translate.conversion.manifest import NAME, Line, Manifest, fingerprint, read_lines
from translate.conversion.masks import Masks
from translate.conversion.pipeline import Result
from translate.conversion.planning import Item
from translate.conversion.settings import ConversionSettings
from translate.conversion.stamps import stamps_of
from translate.images import Encoding, Limits
from translate.inference.blending import Blending
from translate.models.about import About

ABOUT = About(method={}, domains=["a", "b"], target="b", size=16, steps=1, planned=1, sha256="1" * 64)
SETTINGS = ConversionSettings()


def item(output: Path, target: str = "a", source: Path = Path("a.png")) -> Item:
    return Item(source, output, Path("a.png"), target)


def done(output: Path, target: str = "a", source: Path = Path("a.png")) -> Result:
    one = item(output, target, source)
    read = replace(one, stamps=stamps_of(one, None))
    return Result(source, "a.png", output, "done", target=target, item=read)


def test_whatever_changes_a_result_changes_its_fingerprint_and_nothing_else() -> None:
    found = [fingerprint(ABOUT, "b", SETTINGS), fingerprint(ABOUT, "a", SETTINGS)]
    found.append(fingerprint(ABOUT.model_copy(update={"sha256": "2" * 64}), "b", SETTINGS))
    for settings in (
        ConversionSettings(size=64), ConversionSettings(blending=Blending(0.5)), ConversionSettings(mask=Path("m.png")),
        ConversionSettings(encoding=Encoding(quality=90)), ConversionSettings(encoding=Encoding(alpha="drop")),
    ):  # fmt: skip
        found.append(fingerprint(ABOUT, "b", settings))
    assert len(set(found)) == len(found)
    same = replace(SETTINGS, batch=3, compare="side", preserve_times=True, limits=Limits(1, 1, 1), isolate=True)
    assert fingerprint(ABOUT, "b", same) == found[0]


def test_only_what_is_known_to_be_made_otherwise_is_outdated(tmp_path: Path) -> None:
    odd = tmp_path / "below" / os.fsdecode(b"bad\xff\n.png")
    results = [done(tmp_path / "x.png"), done(odd), done(tmp_path / "b" / "y.png", "b")]
    failed = Result(Path("z.png"), "z.png", None, "failed")
    assert list(Manifest(tmp_path, ABOUT, SETTINGS).recorded([*results, failed])) == [*results, failed]
    assert set(read_lines(tmp_path)) == {Path("x.png"), odd.relative_to(tmp_path), Path("b/y.png")}
    items = [item(tmp_path / "x.png"), item(odd), item(tmp_path / "b" / "y.png", "b"), item(tmp_path / "unknown.png")]
    to_b = [replace(one, target="b") for one in items]
    for asked, settings, expected in (
        (items, SETTINGS, []), (to_b, SETTINGS, to_b[:2]), (items, ConversionSettings(size=8), items[:3])
    ):  # fmt: skip
        assert list(filter(Manifest(tmp_path, ABOUT, settings).outdated(), asked)) == expected
    one = tmp_path / "x.png"  # as the only result
    assert not any(map(Manifest(one, ABOUT, SETTINGS).outdated(), items[:1]))
    assert all(map(Manifest(one, ABOUT, ConversionSettings(size=8)).outdated(), items[:1]))


@pytest.mark.fault("F-13")
def test_results_of_what_has_changed_are_outdated(tmp_path: Path) -> None:
    source, mask, out = tmp_path / "a.png", tmp_path / "mask.png", tmp_path / "out"
    out.mkdir()
    for path in (source, mask):
        path.write_bytes(b"1")
    settings = ConversionSettings(mask=mask)
    one = item(out / "a.png", source=source)

    def made() -> Manifest:
        read = replace(one, stamps=stamps_of(one, Masks(mask)))
        found = Manifest(out, ABOUT, settings)
        list(found.recorded([Result(source, "a.png", one.output, "done", target="a", item=read)]))
        assert not found.outdated()(one)  # in the same run, as --watch asks
        return Manifest(out, ABOUT, settings)

    for change in (
        lambda: source.write_bytes(b"12"), lambda: os.utime(source, ns=(0, 1)), lambda: mask.write_bytes(b"12"),
        lambda: os.utime(mask, ns=(0, 1)), mask.unlink,
    ):  # fmt: skip
        assert not made().outdated()(one)
        change()
        assert Manifest(out, ABOUT, settings).outdated()(one)


@pytest.mark.fault("F-13")
def test_lines_of_older_versions_say_nothing_of_pictures(tmp_path: Path) -> None:
    made = fingerprint(ABOUT, "a", SETTINGS)
    (tmp_path / NAME).write_text(f'["x.png", "{made}"]\n')
    assert not Manifest(tmp_path, ABOUT, SETTINGS).outdated()(item(tmp_path / "x.png"))
    assert Manifest(tmp_path, ABOUT, ConversionSettings(size=8)).outdated()(item(tmp_path / "x.png"))


def test_of_several_lines_the_last_counts_and_torn_ones_do_not(tmp_path: Path) -> None:
    assert read_lines(tmp_path) == {}
    torn = b'["a", "1"]\n["b", "1", [[1, 2]], "c"]\n["a", "2"]\n{}\n[1, 2]\n\xff\n["b", "3'
    (tmp_path / NAME).write_bytes(torn)
    assert read_lines(tmp_path) == {Path("a"): Line("2"), Path("b"): Line("1", [[1, 2]], "c")}
