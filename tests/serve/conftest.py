"""A page for all tests of a file, and a place for its temporary files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.site import Site, served, small_model


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The system's temporary folder, which is another one for these tests."""
    place = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(place))
        yield place


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The word of a tiny model."""
    return small_model(tmp_path_factory.mktemp("runs") / "stripes")


@pytest.fixture(scope="module")
def site(temporary: Path, model: str) -> Iterator[Site]:
    """A page that is served to all tests of a file."""
    with served(model) as one:
        yield one
