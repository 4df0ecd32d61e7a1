"""Nothing beside the pixels is kept unless asked for, and "safe" keeps nothing that tells who or where."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, IptcImagePlugin, PngImagePlugin

from translate.images import Encoding, Picture, encode, read, write

Tag, Gps, Ifd = ExifTags.Base, ExifTags.GPS, ExifTags.IFD
HOLDS_EXIF = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"]
PIXELS = np.full((8, 16, 3), 90, np.uint8)

SAFE = {
    Tag.Make: "SAFE-MAKE",
    Tag.DateTime: "2024:05:06 07:08:09",
    Tag.Copyright: "SAFE-RIGHTS",
    Tag.Artist: "SAFE-ARTIST",
}
SAFE_EXPOSURE = {Tag.DateTimeOriginal: "2023:05:06 07:08:09", Tag.LensModel: "SAFE-LENS", Tag.FNumber: 2.75}
PRIVATE = {Tag.HostComputer: "PRIVATE-HOST", Tag.ImageDescription: "PRIVATE-TEXT", Tag.XPComment: b"PRIVATE-XP"}
PRIVATE_EXPOSURE = {
    Tag.BodySerialNumber: "PRIVATE-BODY", Tag.LensSerialNumber: "PRIVATE-LENS", Tag.CameraOwnerName: "PRIVATE-OWNER",
    Tag.ImageUniqueID: "PRIVATE-ID", Tag.MakerNote: b"PRIVATE-MAKER", Tag.UserComment: b"ASCII\0\0\0PRIVATE-USER",
    Tag.OffsetTime: "PRIVATE-ZONE",
}  # fmt: skip
WRONG = {Tag.Orientation: 6, Tag.Predictor: 2}
XMP = b'<x:xmpmeta><rdf tiff:Orientation="6" a="PRIVATE-XMP"/><xmp:Thumbnails>THUMB</xmp:Thumbnails></x:xmpmeta>'


def talkative(format: str) -> bytes:
    """Return a picture with everything a file of this format can say."""
    exif, stream = Image.Exif(), io.BytesIO()
    for tag, value in (SAFE | PRIVATE | WRONG).items():
        if format != "TIFF" or tag != Tag.Predictor:
            exif[tag] = value
    exif.get_ifd(Ifd.Exif).update(SAFE_EXPOSURE | PRIVATE_EXPOSURE)
    exif.get_ifd(Ifd.GPSInfo).update({Gps.GPSLatitudeRef: "N", Gps.GPSMapDatum: "PRIVATE-PLACE"})
    options: dict[str, Any] = {"exif": exif, "xmp": XMP}
    if format == "TIFF":
        below = {
            Ifd.Exif: SAFE_EXPOSURE | PRIVATE_EXPOSURE,
            Ifd.GPSInfo: {Gps.GPSMapDatum: "PRIVATE-PLACE"},
            Tag.XMLPacket: XMP,
        }
        options = {"tiffinfo": dict(exif.items()) | below}
    if format == "JPEG":
        options["comment"] = b"PRIVATE-COMMENT"
    if format == "PNG":
        options["pnginfo"] = texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", "PRIVATE-COMMENT")
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    Image.fromarray(PIXELS).save(stream, format, **options)
    return stream.getvalue()


def tags_of(data: bytes) -> dict[int, Any]:
    """Return all EXIF tags of a file, those of its directories below included."""
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(Ifd.Exif), **exif.get_ifd(Ifd.GPSInfo)}


@pytest.mark.parametrize("source", HOLDS_EXIF)
@pytest.mark.parametrize("target", [*HOLDS_EXIF, "BMP", "PPM", "GIF"])
@pytest.mark.fault("I-18")
def test_nothing_is_kept_where_that_is_asked_for(source: str, target: str) -> None:
    data = encode(read(talkative(source)), Encoding(target, keep_metadata="none"))
    for secret in (b"PRIVATE", b"SAFE", b"THUMB", b"2024:05", b"2023:05"):
        assert secret not in data


@pytest.mark.parametrize("source", HOLDS_EXIF)
@pytest.mark.parametrize("target", HOLDS_EXIF)
@pytest.mark.fault("I-18", "F-25")
def test_by_default_the_date_is_kept_and_nothing_that_identifies(source: str, target: str) -> None:
    data = encode(read(talkative(source)), Encoding(target))
    for secret in (b"PRIVATE", b"SAFE", b"THUMB"):
        assert secret not in data
    found = tags_of(data)
    assert (found[Tag.DateTime], found[Tag.DateTimeOriginal]) == ("2024:05:06 07:08:09", "2023:05:06 07:08:09")
    assert Tag.OffsetTime not in found


@pytest.mark.parametrize("source", HOLDS_EXIF)
@pytest.mark.parametrize(("target", "depth"), [*((format, 8) for format in HOLDS_EXIF), ("PNG", 16), ("TIFF", 16)])
@pytest.mark.fault("I-18")
def test_safe_keeps_camera_dates_and_rights_and_nothing_private(source: str, target: str, depth: Any) -> None:
    data = encode(read(talkative(source)), Encoding(target, depth=depth, keep_metadata="safe"))
    assert b"PRIVATE" not in data
    assert b"THUMB" not in data
    found = tags_of(data)
    for tag, value in (SAFE | SAFE_EXPOSURE).items():
        assert found[tag] == value, tag
    assert Tag.Orientation not in found
    assert np.abs(read(data).rgb.astype(int) - 90).max() <= 2
    assert read(data).rgb.shape == (16, 8, 3)  # turned once


@pytest.mark.parametrize("source", HOLDS_EXIF)
@pytest.mark.parametrize(("target", "depth"), [*((format, 8) for format in HOLDS_EXIF), ("PNG", 16), ("TIFF", 16)])
@pytest.mark.fault("I-18")
def test_all_keeps_what_is_still_true(source: str, target: str, depth: Any) -> None:
    data = encode(read(talkative(source)), Encoding(target, depth=depth, keep_metadata="all"))
    found = tags_of(data)
    for tag, value in (SAFE | SAFE_EXPOSURE | PRIVATE | PRIVATE_EXPOSURE).items():
        assert found[tag] == value, tag
    assert found[Gps.GPSMapDatum] == "PRIVATE-PLACE"
    assert Tag.Orientation not in found
    assert b"PRIVATE-XMP" in data
    assert b"THUMB" not in data
    assert b"tiff:Orientation" not in data
    if source == target:
        assert (b"PRIVATE-COMMENT" in data) == (source in ("JPEG", "PNG"))
    assert read(data).rgb.shape == (16, 8, 3)
    assert read(data, depth=depth).notes == ()


@pytest.mark.parametrize("keep", ["safe", "all"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01", b"MM\0*\xff\xff\xff\xff"]
)
def test_damaged_metadata_is_left_out(keep: Any, exif: bytes) -> None:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG", exif=exif)
    for format in HOLDS_EXIF:
        assert read(encode(read(stream.getvalue()), Encoding(format, keep_metadata=keep))).rgb.shape == (8, 16, 3)


@pytest.mark.fault("F-11")
@pytest.mark.parametrize("target", HOLDS_EXIF)
def test_a_tag_that_cannot_be_written_is_left_out_alone_and_named(target: str, tmp_path: Path) -> None:
    picture = read(talkative("JPEG"))
    with pytest.MonkeyPatch.context() as patch:
        real = Image.Exif.tobytes

        def tobytes(self: Image.Exif, offset: int = 8) -> bytes:
            if Tag.ImageDescription in self:  # as Pillow fails for values that do not fit their tags
                raise ValueError("odd")
            return real(self, offset)

        patch.setattr(Image.Exif, "tobytes", tobytes)
        notes = write(picture, tmp_path / f"a.{target.lower()}", Encoding(target, keep_metadata="all"))
    found = tags_of((tmp_path / f"a.{target.lower()}").read_bytes())
    for tag, value in (SAFE | SAFE_EXPOSURE | PRIVATE_EXPOSURE).items():
        assert found[tag] == value, tag
    assert Tag.ImageDescription not in found
    assert notes == ("metadata left out: ImageDescription",)


@pytest.mark.fault("F-11")
def test_large_notes_of_makers_give_way_in_a_jpeg(tmp_path: Path) -> None:
    exif, stream = Image.Exif(), io.BytesIO()
    exif[Tag.Make] = "SAFE-MAKE"
    exif.get_ifd(Ifd.Exif).update({**SAFE_EXPOSURE, Tag.MakerNote: b"m" * 70_000})
    Image.fromarray(PIXELS).save(stream, "PNG", exif=exif)
    notes = write(read(stream.getvalue()), tmp_path / "a.jpg", Encoding(keep_metadata="all"))
    found = tags_of((tmp_path / "a.jpg").read_bytes())
    assert (found[Tag.Make], found[Tag.LensModel]) == ("SAFE-MAKE", "SAFE-LENS")
    assert Tag.MakerNote not in found
    assert notes == ("metadata left out: MakerNote",)


@pytest.mark.fault("F-11")
def test_iptc_is_kept_in_jpeg_and_missed_elsewhere(tmp_path: Path) -> None:
    record = b"\x1c\x02\x05\x00\x05title\x1c\x02\x19\x00\x03key"  # object name and a keyword
    stream = io.BytesIO()
    body = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(record).to_bytes(4) + record + b"\0" * (len(record) % 2)
    segment = b"\xff\xed" + (len(body) + 2).to_bytes(2) + body
    Image.fromarray(PIXELS).save(stream, "JPEG", extra=segment)
    picture = read(stream.getvalue())
    assert write(picture, tmp_path / "a.jpg", Encoding(keep_metadata="all")) == ()
    with Image.open(tmp_path / "a.jpg") as image:
        assert IptcImagePlugin.getiptcinfo(image) == {(2, 5): b"title", (2, 25): b"key"}
    assert write(picture, tmp_path / "a.png", Encoding(keep_metadata="all")) == ("metadata left out: IPTC",)
    assert b"title" not in encode(picture, Encoding("JPEG", keep_metadata="safe"))


@pytest.mark.fault("F-11")
@pytest.mark.parametrize("source", ["JPEG", "PNG", "BMP", "TIFF"])
@pytest.mark.parametrize(
    ("target", "depth"), [("JPEG", 8), ("PNG", 8), ("BMP", 8), ("TIFF", 8), ("PNG", 16), ("WEBP", 8)]
)
def test_the_resolution_is_kept_by_safe(source: str, target: str, depth: Any) -> None:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, source, dpi=(300, 150))
    picture = read(stream.getvalue())
    with Image.open(io.BytesIO(encode(picture, Encoding(target, depth=depth, keep_metadata="safe")))) as image:
        found = image.info.get("dpi") or tuple(image.getexif()[tag] for tag in (Tag.XResolution, Tag.YResolution))
    assert tuple(map(float, found)) == pytest.approx((300, 150), abs=0.05)
    with Image.open(io.BytesIO(encode(picture, Encoding(target, depth=depth)))) as image:
        assert image.info.get("dpi", (96, 96)) != pytest.approx((300, 150), abs=0.05)


@pytest.mark.fault("F-11")
def test_formats_without_metadata_say_so(tmp_path: Path) -> None:
    for format in ("BMP", "PPM", "GIF"):
        for keep, notes in (("all", ("metadata left out: EXIF",)), ("none", ()), ("date", ())):
            name = tmp_path / f"a.{format.lower()}"
            assert write(read(talkative("JPEG")), name, Encoding(format, keep_metadata=keep)) == notes  # type: ignore[arg-type]


def test_metadata_a_jpeg_cannot_hold_is_left_out() -> None:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[Tag.ImageDescription] = "x" * 70_000
    Image.fromarray(PIXELS).save(stream, "PNG", exif=exif, xmp=b"y" * 70_000)
    data = encode(read(stream.getvalue()), Encoding("JPEG", keep_metadata="all"))
    assert len(data) < 10_000


@pytest.mark.parametrize(
    "encoding", [*map(Encoding, HOLDS_EXIF), Encoding("PNG", depth=16), Encoding("TIFF", depth=16)]
)
def test_a_note_is_recorded_only_when_asked_for(encoding: Encoding, tmp_path: Path) -> None:
    noted = Encoding(encoding.format, depth=encoding.depth, note="image-translate 1.2, model abc")
    write(Picture(PIXELS, None, ""), tmp_path / "a", noted)
    assert tags_of((tmp_path / "a").read_bytes())[Tag.Software] == noted.note
    assert Tag.Software not in tags_of(encode(Picture(PIXELS, None, ""), encoding))
    kept = Encoding(encoding.format, depth=encoding.depth, note=noted.note, keep_metadata="safe")
    found = tags_of(encode(read(talkative("JPEG")), kept))
    assert (found[Tag.Software], found[Tag.Make]) == (noted.note, "SAFE-MAKE")


def test_a_note_in_formats_without_exif() -> None:
    assert b"my note" in encode(Picture(PIXELS, None, ""), Encoding("GIF", note="my note"))
    for format in ("BMP", "PPM"):
        assert b"my note" not in encode(Picture(PIXELS, None, ""), Encoding(format, note="my note"))


def test_the_first_frame_speaks_for_an_animation() -> None:
    picture = read(talkative("WEBP"))
    other = Picture(255 - picture.rgb, None, "", shown_ms=50)
    for format in ("PNG", "WEBP", "AVIF"):
        assert tags_of(encode([picture, other], Encoding(format, keep_metadata="safe")))[Tag.Make] == "SAFE-MAKE"
