"""What is uploaded is painted as `translate apply` paints it, and comes back under its own name."""

import errno
import io
import struct
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conversion.small import TRANSLATOR, noise, run
from tests.serve.site import Site, encoded, served
from translate import images
from translate.inference.blending import Blending
from translate.serve.running import Place


def rotated_photo() -> bytes:
    """A JPEG that is to be turned, of a camera, taken on a day."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = 6, "A camera", "2026:11:30 12:00:00"
    return encoded("JPEG", exif=exif)


def of_job(folder: Path, name: str, content: bytes, **options: Any) -> bytes:
    """What `translate apply` writes for a file and these settings."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    (result,) = run([folder / name], folder / "out", **options).values()
    assert result.output is not None
    return result.output.read_bytes()


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ({}, {}),
        ({"strength": "0.5", "take": "lightness"}, {"blending": Blending(0.5, "lightness")}),
        ({"take": "colour", "size": "32"}, {"blending": Blending(1.0, "colour"), "size": 32}),
        ({"size": "native", "to": "horse"}, {"size": "native"}),
        ({"metadata": "safe"}, {"encoding": images.Encoding(keep_metadata="safe")}),
        ({"metadata": "none"}, {"encoding": images.Encoding(keep_metadata="none")}),
    ],
)
def test_a_result_has_the_bytes_that_apply_writes(site, tmp_path, words, options):
    content = rotated_photo()
    status, told = site.paint(album := site.album(), "photo.jpg", content, **words)
    assert (status, told["name"], told["size"]) == (200, "photo.jpg", [7, 9])
    made = site.result(album, told["number"])
    if "to" in words:
        assert made != of_job(tmp_path, "photo.jpg", content, **options)  # which goes to zebra
    else:
        assert made == of_job(tmp_path, "photo.jpg", content, **options)
    camera = Image.open(io.BytesIO(made)).getexif().get(0x010F)
    assert camera == ("A camera" if words.get("metadata") == "safe" else None)


def test_a_mask_leaves_the_photo_where_it_is_black(site, tmp_path):
    half = np.zeros((9, 7, 3), np.uint8)
    half[:, :3] = 255
    images.write_pixels(half, tmp_path / "mask.png")
    album = site.album()
    status, told = site.told_by("POST", f"/albums/{album}/masks", (tmp_path / "mask.png").read_bytes())
    assert status == 200
    _, painted = site.paint(album, "a.png", encoded(), mask=told["mask"])
    made = site.result(album, painted["number"])
    assert made == of_job(tmp_path, "a.png", encoded(), mask=tmp_path / "mask.png")
    assert (np.asarray(Image.open(io.BytesIO(made)))[:, 3:] == noise(9, 7)[:, 3:]).all()
    status, refused = site.paint(site.album(), "a.png", encoded(), mask=told["mask"])  # of another album
    assert (status, refused["error"]) == (400, "The mask is not here any more. Choose it again.")


@pytest.mark.parametrize(
    ("name", "format", "becomes"),
    [
        ("holidays/day 1/ü.JPG", "JPEG", "holidays/day 1/ü.jpg"),
        ("a.b.jpeg", "JPEG", "a.b.jpg"),
        ("lies.png", "JPEG", "lies.jpg"),
        ("still.gif", "GIF", "still.png"),
        ("no suffix", "PNG", "no suffix.png"),
        (".hidden", "PNG", ".hidden.png"),
    ],
)
def test_a_result_keeps_the_name_of_its_picture(site, name, format, becomes):
    _, told = site.paint(album := site.album(), name, encoded(format))
    assert told["name"] == becomes
    _, headers, _ = site.ask("GET", f"/albums/{album}/pictures/{told['number']}")
    quoted = becomes.split("/")[-1].replace(" ", "%20").replace("ü", "%C3%BC")
    assert headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quoted}"
    _, headers, _ = site.ask("GET", f"/albums/{album}/pictures/{told['number']}?shown")
    assert "Content-Disposition" not in headers


@pytest.mark.fault("F-40")
def test_an_archive_keeps_folders_and_tells_equal_names_apart(site):
    album = site.album()
    assert site.told_by("GET", f"/albums/{album}/results.zip") == (404, {"error": "Nothing is painted yet."})
    names = ["trip/a/x.jpg", "trip/b/x.jpg", "x.jpg", "x.jpg", "X.JPG", "y.png"]
    numbers = [site.paint(album, name, encoded("JPEG", seed=n))[1]["number"] for n, name in enumerate(names)]
    archive = zipfile.ZipFile(io.BytesIO(site.get(f"/albums/{album}/results.zip")))
    assert archive.testzip() is None
    found = archive.namelist()
    assert found == ["trip/a/x.jpg", "trip/b/x.jpg", "x.jpg", "x-2.jpg", "X-3.jpg", "y.jpg"]
    assert [archive.read(name) for name in found] == [site.result(album, number) for number in numbers]


def test_what_browsers_do_not_show_is_shown_as_a_copy(site):
    album = site.album()
    _, told = site.paint(album, "scan.tif", encoded("TIFF", 1700, 40))
    assert (told["name"], told["shown"]) == ("scan.tif", False)
    for which in ("before", "after"):
        for query, longest in (("", 640), ("?large", 1600)):
            copy = site.get(f"/albums/{album}/pictures/{told['number']}/{which}{query}")
            assert max(Image.open(io.BytesIO(copy)).size) == longest


def header_of_a_png(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has hardly any pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + rows + chunk(b"IEND", b"")


@pytest.mark.fault("S-20")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "cannot be decoded"),
        (b"", "there are no bytes"),
        (encoded()[:-30], "cannot be decoded"),
        (header_of_a_png(30_000, 30_000), "too many pixels, found 900000000, limit 64000000; a larger --max-pixels"),
    ],
    ids=["no picture", "nothing", "half of one", "900 megapixels"],
)
def test_what_cannot_be_read_is_refused_with_the_reason(site, temporary, content, reason):
    before = set(temporary.rglob("picture"))
    status, told = site.paint(album := site.album(), "trip/a.png", content)
    assert status == 422
    assert told["error"].startswith("trip/a.png: ")
    assert reason in told["error"]
    assert not told["error"].endswith("..")
    assert site.told_by("GET", f"/albums/{album}/pictures/1")[0] == 404
    status, told = site.told_by("POST", f"/albums/{album}/masks", content)
    assert status == 422
    assert told["error"].startswith("The mask cannot be decoded: ")
    assert reason in told["error"]
    assert set(temporary.rglob("picture")) == before


@pytest.mark.fault("S-20")
def test_uploads_that_are_too_large_are_not_taken(temporary, model):
    before = set(temporary.rglob("picture"))
    with served(model, limits=images.Limits(mebibytes=1)) as site:
        album = site.album()
        status, told = site.paint(album, "a.png", bytes(2 << 20))
        assert (status, told["error"]) == (413, "a.png has more than 1 MiB, which this page takes.")
        address = f"/albums/{album}/pictures?name=a.png&model={model}"
        status, _, _ = site.ask("POST", address, None, {"Content-Length": str(1 << 40)})  # and sends nothing
        assert status == 413
        assert set(temporary.rglob("picture")) == before


@pytest.mark.fault("S-20")
def test_a_page_takes_so_many_pictures_and_no_more_than_the_disk_has_room_for(site, monkeypatch):
    monkeypatch.setattr("translate.serve.albums.MOST", 1)
    album = site.album()
    assert site.paint(album, "a.png", encoded())[0] == 200
    status, told = site.paint(album, "a.png", encoded())
    assert (status, told["error"]) == (507, "A page holds 1 pictures. Download them, then begin anew.")
    monkeypatch.setattr("translate.serve.albums.ROOM", 1 << 60)
    status, told = site.paint(site.album(), "a.png", encoded())
    assert (status, "is nearly full" in told["error"]) == (507, True)


@pytest.mark.fault("S-20")
def test_an_upload_that_cannot_be_written_is_refused_with_the_reason(site, temporary, monkeypatch):
    before, real = set(temporary.rglob("picture")), Path.open

    def full(path: Path, *options: Any) -> Any:
        if path.name == "picture":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *options)

    album = site.album()
    monkeypatch.setattr(Path, "open", full)
    status, told = site.paint(album, "a.png", encoded())
    assert (status, told["error"].startswith("The disk is full: ")) == (507, True)
    monkeypatch.undo()
    assert set(temporary.rglob("picture")) == before
    assert site.told == []


@pytest.mark.fault("S-21")
@pytest.mark.parametrize(
    "name",
    ["../a.png", "a/../../b.png", "/etc/passwd", "", "a//b.png", "./a.png", "..", "a\\b.png", "C:a.png", "a\0.png",
     "a\nb.png", "x" * 300, "/".join("d" * 40)],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(site, temporary, name):
    status, told = site.paint(site.album(), name, encoded())
    assert status == 400
    assert "is no name for a picture" in told["error"]
    assert not [path for path in temporary.rglob("*") if path.name in ("passwd", "a.png", "b.png")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"model": "/etc/passwd"}, "This page has no model '/etc/passwd'."),
        ({"strength": "2"}, "--strength is between 0"),
        ({"strength": "much"}, "The strength is a number from 0 to 1; found 'much'."),
        ({"size": "0"}, "The size is auto, native or a number of pixels; found '0'."),
        ({"size": "9" * 9}, "The size is auto, native or a number of pixels"),
        ({"take": "some"}, "What is taken of a result is all, lightness or colour; found 'some'."),
        ({"metadata": "much"}, "What is kept of metadata is one of none, date, safe, all; found 'much'."),
        ({"to": "cow"}, "cow"),
        ({"fill": "1"}, "This model has not learned to fill holes"),
    ],
)
def test_options_that_are_wrong_are_refused(site, words, sentence):
    status, told = site.paint(site.album(), "a.png", encoded(), **words)
    assert status == 400
    assert sentence in told["error"]


@pytest.mark.fault("S-20", "F-40")
def test_two_users_are_both_served_and_see_their_own_pictures(temporary, model):
    """One waits for a model to load, the other one sees the page and asks for a picture, too."""
    loading, may_load = threading.Event(), threading.Event()

    def load(word: str) -> Any:
        loading.set()
        assert may_load.wait(60)
        return TRANSLATOR

    with served(model, load=load) as site:
        albums, told = [site.album(), site.album()], dict[str, Any]()

        def paint(album: str, seed: int) -> None:
            told[album] = site.paint(album, "a.png", encoded(seed=seed))

        users = [threading.Thread(target=paint, args=(album, seed)) for seed, album in enumerate(albums)]
        users[0].start()
        assert loading.wait(60)
        assert b"translate" in site.get("/")
        users[1].start()
        may_load.set()
        for user in users:
            user.join()
        assert [told[album][0] for album in albums] == [200, 200]
        one, two = (site.result(album, told[album][1]["number"]) for album in albums)
        assert one != two
        assert site.told_by("DELETE", f"/albums/{albums[0]}") == (200, {})
        assert site.told_by("GET", f"/albums/{albums[0]}/pictures/1")[0] == 404
        assert site.result(albums[1], "1") == two


def test_a_page_with_a_token_answers_under_it_alone(temporary, model):
    from translate.serve.access import Access

    with served(model, Place(port=0, access=Access(token="secret"))) as site:
        for path in ("/", "/secre/", "/secret", "/secret-/", "/albums"):
            assert site.ask("GET", path)[0] == 404
        assert site.get("/secret/page.js")
        status, _, _ = site.ask("POST", "/secret/albums", b"", {"Host": "printer.lan"})
        assert status == 200


def test_a_mistake_of_ours_is_told_in_the_terminal(temporary, model, monkeypatch):
    with served(model) as site:
        monkeypatch.setattr("translate.serve.pictures.page", lambda *_: 1 / 0)
        status, told = site.told_by("GET", "/")
        assert (status, "a mistake in translate" in told["error"]) == (500, True)
        assert "ZeroDivisionError" in site.told[0]


def test_models_are_shown_with_their_words_and_pictures(site: Site, tmp_path: Path):
    text = site.get("/").decode()
    assert f'value="{site.model}"' in text
    assert 'data-targets="horse,zebra"' in text
    assert site.told_by("GET", "/models/0") == (404, {"error": "This model has no picture."})
    assert site.told_by("GET", "/models/00")[0] == 404
