"""A result that is there is skipped if it is what the command would make."""

import os
from dataclasses import replace
from pathlib import Path

from translate.conversion.manifest import NAME, fingerprint, outdated, read_fingerprints, recorded
from translate.conversion.pipeline import Result
from translate.conversion.planning import Item
from translate.conversion.settings import ConversionSettings
from translate.images import Encoding, Limits
from translate.inference.blending import Blending
from translate.models.about import About

ABOUT = About(method={}, domains=["a", "b"], target="b", size=16, steps=1, planned=1, sha256="1" * 64)
SETTINGS = ConversionSettings()


def done(output: Path, target: str = "a") -> Result:
    return Result(Path("a.png"), "a.png", output, "done", target=target)


def item(output: Path, target: str = "a") -> Item:
    return Item(Path("a.png"), output, Path("a.png"), target)


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
    results = [done(tmp_path / "x.png"), done(odd), done(tmp_path / "b" / "y.png", "b"), done(tmp_path)]
    failed = Result(Path("z.png"), "z.png", None, "failed")
    assert list(recorded([*results, failed], tmp_path, ABOUT, SETTINGS)) == [*results, failed]
    assert set(read_fingerprints(tmp_path)) == {tmp_path / "x.png", odd, tmp_path / "b" / "y.png"}
    items = [item(tmp_path / "x.png"), item(odd), item(tmp_path / "b" / "y.png", "b"), item(tmp_path / "unknown.png")]
    to_b = [replace(one, target="b") for one in items]
    for asked, settings, expected in (
        (items, SETTINGS, []), (to_b, SETTINGS, to_b[:2]), (items, ConversionSettings(size=8), items[:3])
    ):  # fmt: skip
        assert list(filter(outdated(tmp_path, ABOUT, settings), asked)) == expected
    assert not any(map(outdated(None, ABOUT, ConversionSettings(size=8)), items))


def test_of_several_lines_the_last_counts_and_torn_ones_do_not(tmp_path: Path) -> None:
    assert read_fingerprints(tmp_path) == {}
    (tmp_path / NAME).write_bytes(b'["a", "1"]\n["b", "1"]\n["a", "2"]\n{}\n[1, 2]\n\xff\n["b", "3')
    assert read_fingerprints(tmp_path) == {tmp_path / "a": "2", tmp_path / "b": "1"}
