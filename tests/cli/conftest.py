"""A working folder as a user has it, and the command line in it."""

import hashlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from translate import cards, cli, images
from translate.toys.catalogue import draw

TINY = """
[data]
size = 32
[method.generator]
width = 2
blocks = 1
[method.discriminator]
width = 2
layers = 1
[training]
steps = 3
precision = "fp32"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line in this process; return (exit code, stdout, stderr)."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a dataset `horses`, a tiny settings file, and a folder of photos."""
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        for split, count in (("train", 4), ("test", 2)):
            drawn = draw("toy-horse2zebra", domain, split, count, 40)
            for index in range(count):
                images.write_pixels(drawn[index], tmp_path / "horses" / f"{split}{letter}" / drawn.name(index))
    for name in ("a.jpg", "below/b.png"):
        images.write_pixels(draw("toy-horse2zebra", "horse", "test", 1, 50)[0][:37], tmp_path / "photos" / name)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def train(run: Run, place: Path) -> Run:
    """Call `translate train horses` with more words."""

    def call(*words: object) -> tuple[int, str, str]:
        return run("train", "horses", "--config", "tiny.toml", "--device", "cpu", *words)

    return call


@pytest.fixture
def add_test_pictures(place: Path) -> Callable[..., None]:
    """Fill `horses` up to so many test pictures of each domain; six can be measured."""

    def add(count: int = 6) -> None:
        for letter, domain in (("A", "horse"), ("B", "zebra")):
            drawn = draw("toy-horse2zebra", domain, "test", count, 40)
            for index in range(2, count):
                images.write_pixels(drawn[index], place / "horses" / f"test{letter}" / drawn.name(index))

    return add


@pytest.fixture
def stored(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf with the card `ponies`, whose archive is `ponies.zip` in the working folder; no address works."""
    with zipfile.ZipFile(place / "ponies.zip", "w") as archive:
        for path in (place / "horses").rglob("*.png"):
            archive.write(path, path.relative_to(place))
    content = (place / "ponies.zip").read_bytes()
    shelf = place / "clone/datasets"
    shelf.mkdir(parents=True)
    (shelf / "ponies.toml").write_text(
        'title = "Ponies"\ndomains = ["pony", "zebra"]\ntarget = "zebra"\ncitation = "Me, 2026"\n'
        f'[archive]\nurl = "http://127.0.0.1:1/ponies.zip"\nbytes = {len(content)}\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    monkeypatch.setattr(cards, "shelf", lambda kind: shelf)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return shelf
