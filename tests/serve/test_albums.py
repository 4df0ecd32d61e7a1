"""Albums go when they are cleared or nobody looks at them, and not under those who do."""

import contextlib
import io
import threading
import zipfile
from typing import Any

import pytest

from tests.conversion.small import TRANSLATOR
from tests.serve.site import encoded, served
from translate.serve.albums import Albums, write_archive
from translate.serve.server import Refused


def test_an_album_that_nobody_uses_is_removed(site, temporary, monkeypatch):
    album = site.album()
    site.paint(album, "a.png", encoded())
    before = set(temporary.glob("*/album-*"))
    monkeypatch.setattr("translate.serve.albums.IDLE_S", -1.0)
    monkeypatch.setattr("translate.serve.server.TIDIED_S", -1.0)
    site.get("/icon.svg")  # of no album; the server tidies before it looks for another request
    site.get("/icon.svg")
    assert site.told_by("GET", f"/albums/{album}/pictures/1") == (
        404,
        {"error": "What was here is cleared, as after an hour of rest. Load the page again."},
    )
    assert set(temporary.glob("*/album-*")) < before
    monkeypatch.undo()
    assert site.paint(site.album(), "a.png", encoded())[0] == 200


def test_an_album_that_is_cleared_goes_with_the_last_who_uses_it(tmp_path):
    albums = Albums(tmp_path)
    name = albums.new().name
    with albums.kept(name) as album:
        _, place = album.place()
        with albums.kept(name):
            albums.clear(name)
        assert place.exists()
        with pytest.raises(Refused, match="is cleared"):
            album.place()
    assert list(tmp_path.iterdir()) == []
    for late in (albums.kept(name), album.kept()):
        with pytest.raises(Refused, match="is cleared"), late:
            pass


def test_an_archive_is_whole_though_its_album_is_cleared_meanwhile(site, monkeypatch):
    def cleared(files: Any, stream: Any) -> None:
        assert site.ask("DELETE", f"/albums/{album}")[0] == 200
        write_archive(files, stream)

    site.paint(album := site.album(), "a.png", encoded())
    monkeypatch.setattr("translate.serve.pictures.write_archive", cleared)
    archive = zipfile.ZipFile(io.BytesIO(site.get(f"/albums/{album}/results.zip")))
    assert archive.testzip() is None
    assert archive.namelist() == ["a.png"]
    assert site.told_by("GET", f"/albums/{album}/results.zip")[0] == 404


def test_a_picture_that_is_painted_when_its_album_is_cleared_leaves_nothing(temporary, model):
    def load(word: str) -> Any:
        assert site.ask("DELETE", f"/albums/{album}")[0] == 200
        return TRANSLATOR

    before = set(temporary.glob("*/album-*"))
    with served(model, load=load) as site:
        status, told = site.paint(album := site.album(), "a.png", encoded())
        assert (status, "is cleared" in told["error"]) == (404, True)
        assert set(temporary.glob("*/album-*")) <= before


@pytest.mark.fault("S-20")
@pytest.mark.parametrize("what", ["copies", "masks"])
def test_copies_and_masks_are_decoded_two_at_once(site, monkeypatch, what):
    """Where three met, the barrier would let them through."""
    third, met = threading.Barrier(3), list[int]()

    def decode(*_: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            third.wait(0.3)
            met.append(1)

    album = site.album()
    number = site.paint(album, "a.png", encoded())[1]["number"]
    monkeypatch.setattr("translate.serve.pictures.thumbnail", decode)
    monkeypatch.setattr("translate.serve.pictures.read_mask", decode)
    asked = {"copies": ("GET", f"pictures/{number}/after"), "masks": ("POST", "masks")}[what]
    users = [
        threading.Thread(target=site.ask, args=(asked[0], f"/albums/{album}/{asked[1]}", b"mask")) for _ in range(3)
    ]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert met == []
