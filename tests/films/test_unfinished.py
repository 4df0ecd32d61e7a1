"""The parts of a film that is being made."""

import contextlib
from pathlib import Path

import pytest

from translate.films import unfinished
from translate.films.unfinished import Unfinished


def stopped(output: Path) -> None:
    """Make one part of a film, and be stopped then."""
    film = Unfinished(output, "film")
    with contextlib.suppress(KeyboardInterrupt), film.held():
        film.add(lambda folder: ([], None))
        raise KeyboardInterrupt


@pytest.mark.parametrize(("identity", "later", "expected"), [("film", 0, 1), ("other", 0, 0), ("film", 1, 0)])
def test_parts_of_another_film_or_format_are_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str, later: int, expected: int
) -> None:
    stopped(tmp_path / "a.mp4")
    monkeypatch.setattr(unfinished, "_FORMAT", unfinished._FORMAT + later)
    film = Unfinished(tmp_path / "a.mp4", identity)
    with film.held():
        assert len(film.parts) == expected
