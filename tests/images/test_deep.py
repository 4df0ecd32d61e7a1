"""16 bits: what is read, converted and written is exact."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, TiffImagePlugin

from translate import images
from translate.errors import ImageDecodeError, OutputError
from translate.images import Encoding, Picture, encode, read
from translate.images.colour import SRGB
from translate.images.profiles import wide_to_srgb

Deep = NDArray[np.uint16]


def noise(*shape: int) -> Deep:
    return np.random.default_rng(5).integers(0, 65536, shape, dtype=np.uint16)


def png(samples: Deep, *extra: tuple[bytes, bytes]) -> bytes:
    height, width, channels = samples.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def tiff(samples: Deep, head: bytes = b"II*\0\x08\0\0\0", **tags: Any) -> bytes:
    """Return a TIFF of one strip without compression, with the tags of these names."""
    height, width, channels = samples.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2(ifh=head)
    bits = 8 * samples.dtype.itemsize
    pixels = samples.astype(samples.dtype.newbyteorder("<" if head[:1] == b"I" else ">")).tobytes()
    for tag, value in {256: width, 257: height, 258: (bits,) * channels, 259: 1, 262: 2 if channels > 2 else 1, 273: 0,
                       277: channels, 278: height, 279: len(pixels)}.items():  # fmt: skip
        directory[tag] = value
    for name, value in tags.items():
        directory[ExifTags.Base[name]] = value
    stream = io.BytesIO()
    stream.write(head)
    directory.save(stream)
    return stream.getvalue() + pixels


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.fault("I-11")
def test_every_16_bit_png_is_read_truly(channels: int) -> None:
    samples = noise(7, 5, channels)
    picture = read(png(samples), depth=16)
    colours = samples[..., : 3 if channels > 2 else 1]
    assert picture.rgb.dtype == np.uint16
    assert np.array_equal(picture.rgb, np.broadcast_to(colours, (7, 5, 3)))
    assert (picture.alpha is not None) == (channels in (2, 4))
    assert picture.alpha is None or np.array_equal(picture.alpha, samples[..., -1])
    assert picture.notes == ()
    eight = read(png(samples))
    assert np.array_equal(eight.rgb, np.rint(picture.rgb / 257))
    assert eight.alpha is None or np.array_equal(eight.alpha, np.rint(samples[..., -1] / 257))
    assert eight.notes == ("reduced to 8 bits a channel",)


@pytest.mark.parametrize("head", [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"])
@pytest.mark.parametrize(("channels", "extra"), [(1, None), (3, None), (4, 2), (4, 0), (4, None)])
@pytest.mark.fault("I-11")
def test_every_16_bit_tiff_is_read_truly(head: bytes, channels: int, extra: int | None) -> None:
    samples = noise(7, 5, channels)
    picture = read(tiff(samples, head, **({} if extra is None else {"ExtraSamples": extra})), depth=16)
    assert np.array_equal(picture.rgb, np.broadcast_to(samples[..., :3], (7, 5, 3)))
    assert (picture.alpha is not None) == (channels == 4 and extra != 0)
    assert picture.alpha is None or np.array_equal(picture.alpha, samples[..., 3])


@pytest.mark.fault("I-11")
def test_a_transparent_16_bit_colour_is_alpha() -> None:
    samples = noise(4, 4, 3)
    transparent = b"".join(int(level).to_bytes(2) for level in samples[1, 2])
    for depth in (8, 16):
        picture = read(png(samples, (b"tRNS", transparent)), depth=depth)  # type: ignore[arg-type]
        expected = np.full((4, 4), 2**depth - 1)
        expected[1, 2] = 0
        assert np.array_equal(picture.alpha, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.fault("I-9")
def test_deep_pictures_are_turned_as_others(orientation: int) -> None:
    samples = noise(3, 5, 3)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    shallow = io.BytesIO()
    Image.fromarray((samples >> 8).astype(np.uint8)).save(shallow, "PNG", exif=exif)
    expected = read(shallow.getvalue()).rgb
    for data in (png(samples, (b"eXIf", exif.tobytes()[6:])), tiff(samples, Orientation=orientation)):
        assert np.array_equal(read(data, depth=16).rgb >> 8, expected)
    grey = io.BytesIO()
    Image.fromarray(samples[..., 0]).save(grey, "PNG", exif=exif)
    assert np.array_equal(read(grey.getvalue(), depth=16).rgb[..., 0] >> 8, expected[..., 0])


@pytest.mark.parametrize("planes", [3, 4])
@pytest.mark.fault("I-11")
def test_16_bit_planes_are_refused_because_they_would_be_read_wrongly(planes: int) -> None:
    with pytest.raises(ImageDecodeError, match="stored apart; save it with interleaved"):
        read(tiff(noise(4, 4, planes), PlanarConfiguration=2))


@pytest.mark.parametrize(
    ("samples", "tags", "expected"),
    [
        (np.array([[[0], [300], [65535]]], np.uint16), {"PhotometricInterpretation": 0}, [65535, 65235, 0]),
        (np.array([[[0], [1 << 31], [2**32 - 1]]], np.uint32), {}, [0, 32768, 65535]),
    ],
)
@pytest.mark.fault("I-12")
def test_grey_of_unusual_tiffs(samples: Any, tags: dict[str, int], expected: list[int]) -> None:
    assert read(tiff(samples, **tags), depth=16).rgb[0, :, 0].tolist() == expected


@pytest.mark.fault("I-12")
def test_twelve_bits_are_scaled_by_their_range() -> None:
    packed = np.array([[[0x12], [0x3F], [0xFF]]], np.uint8)  # the levels 0x123 and 0xfff
    assert read(tiff(packed, BitsPerSample=12, ImageWidth=2), depth=16).rgb[0, :, 0].tolist() == [
        round(0x123 * 65535 / 4095),
        65535,
    ]


def test_depth_16_scales_what_has_8_bits() -> None:
    rgba = (noise(4, 6, 4) >> 8).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, "PNG")
    picture = read(stream.getvalue(), depth=16)
    assert np.array_equal(np.dstack([picture.rgb, picture.alpha]), rgba * np.uint16(257))  # type: ignore[list-item]
    assert picture.notes == ()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (300, 2), (17, 23)])
def test_16_bits_are_written_exactly(format: str, alpha: bool, shape: tuple[int, int]) -> None:
    samples = noise(*shape, 4)
    data = encode(Picture(samples[..., :3], samples[..., 3] if alpha else None, ""), Encoding(format, depth=16))
    again = read(data, depth=16)
    assert again.format == format
    assert np.array_equal(again.rgb, samples[..., :3])
    assert (again.alpha is not None) == alpha
    assert again.alpha is None or np.array_equal(again.alpha, samples[..., 3])
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == SRGB
    eight = Picture((samples[..., :3] >> 8).astype(np.uint8), None, "")
    assert np.array_equal(read(encode(eight, Encoding(format, depth=16)), depth=16).rgb, eight.rgb * np.uint16(257))


def test_16_bits_become_8_where_those_are_written() -> None:
    samples = noise(9, 9, 4)
    again = read(encode(Picture(samples[..., :3], samples[..., 3], ""), Encoding("PNG")))
    assert np.array_equal(again.rgb, np.rint(samples[..., :3] / 257))
    assert np.array_equal(again.alpha, np.rint(samples[..., 3] / 257))
    with pytest.raises(OutputError, match="JPEG holds 8 bits"):
        encode(Picture(samples[..., :3], None, ""), Encoding("JPEG", depth=16))


def test_resize_keeps_16_bits() -> None:
    assert np.array_equal(images.resize(noise(9, 7, 3), 9, 7), noise(9, 7, 3))
    ramp = np.broadcast_to(np.linspace(0, 65535, 64)[:, None], (64, 3)).astype(np.uint16)[None].repeat(8, 0)
    small = images.resize(ramp, 4, 16)
    assert small.dtype == np.uint16
    assert np.abs(small[0, 1:-1, 0].astype(int) - np.linspace(0, 65535, 64).reshape(16, 4).mean(1)[1:-1]).max() < 300


# Colour profiles


def changed(**tags: bytes) -> bytes:
    """Return the sRGB profile with other contents of some tags, appended."""
    (count,) = struct.unpack_from(">I", SRGB, 128)
    result = bytearray(SRGB)
    for n in range(count):
        name = SRGB[132 + 12 * n : 136 + 12 * n].decode()
        if name in tags:
            struct.pack_into(">II", result, 136 + 12 * n, len(result), len(tags[name]))
            result += tags[name]
    struct.pack_into(">I", result, 0, len(result))
    return bytes(result)


def numbers(kind: bytes, layout: str, *values: int) -> bytes:
    return kind + bytes(4) + struct.pack(f">{layout}", *values)


def fixed(*values: float) -> list[int]:
    return [round(value * 65536) for value in values]


# Of Display P3 and ProPhoto RGB (ROMM), adapted to D50.
P3 = {
    "rXYZ": numbers(b"XYZ ", "3i", *fixed(0.5151, 0.2412, -0.0011)),
    "gXYZ": numbers(b"XYZ ", "3i", *fixed(0.2920, 0.6922, 0.0419)),
    "bXYZ": numbers(b"XYZ ", "3i", *fixed(0.1571, 0.0666, 0.7841)),
}
CURVES = {
    "linear": numbers(b"curv", "I", 0),
    "gamma": numbers(b"curv", "IHH", 1, 563, 0),  # 2.2
    "table": numbers(b"curv", "I9H", 9, *(round(65535 * (n / 8) ** 1.8) for n in range(9))) + bytes(2),
    "para0": numbers(b"para", "HHi", 0, 0, *fixed(1.8)),
    "para1": numbers(b"para", "HH3i", 1, 0, *fixed(2.2, 1.05, -0.05)),
    "para2": numbers(b"para", "HH4i", 2, 0, *fixed(2.2, 1.05, -0.05, 0)),
    "para3": numbers(b"para", "HH5i", 3, 0, *fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
    "para4": numbers(b"para", "HH7i", 4, 0, *fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0)),
}


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("primaries", [{}, P3], ids=["sRGB", "P3"])
@pytest.mark.fault("I-14")
def test_profiles_in_16_bits_agree_with_littlecms(curve: str, primaries: dict[str, bytes]) -> None:
    profile = changed(**primaries, rTRC=CURVES[curve], gTRC=CURVES[curve], bTRC=CURVES[curve])
    samples = (noise(64, 64, 3) >> 8) * np.uint16(257)
    stream = io.BytesIO()
    Image.fromarray((samples >> 8).astype(np.uint8)).save(stream, "PNG", icc_profile=profile)
    by_littlecms = read(stream.getvalue())
    picture = read(png(samples, (b"iCCP", b"x\0\0" + zlib.compress(profile))), depth=16)
    assert by_littlecms.notes == picture.notes == ()
    difference = np.abs(picture.rgb / 257 - by_littlecms.rgb)
    assert difference.max() < 1.6  # littlecms rounds to 8 bits in between as well
    assert difference.mean() < 0.3


@pytest.mark.fault("I-14")
def test_what_littlecms_alone_can_convert_is_reduced() -> None:
    samples = noise(8, 8, 3)
    table = changed(rXYZ=b"", gXYZ=b"", bXYZ=b"")
    assert wide_to_srgb(samples, table) is None
    assert wide_to_srgb(samples, SRGB[:140]) is None
    assert wide_to_srgb(samples, changed(rTRC=numbers(b"para", "HH4i", 2, 0, *fixed(2.2, 0.9, 0, 0.1)))) is None
    assert wide_to_srgb(samples, changed(rTRC=numbers(b"para", "HHi", 0, 0, *fixed(-2.2)))) is None
    assert wide_to_srgb(samples[..., :1], SRGB[:-1]) is None  # grey, but the profile is for RGB
    picture = read(png(samples, (b"iCCP", b"x\0\0" + zlib.compress(table))), depth=16)
    assert picture.rgb.dtype == np.uint16
    assert picture.notes[0] == "reduced to 8 bits a channel"


@pytest.mark.fault("I-14")
def test_a_grey_profile_in_16_bits() -> None:
    data = bytearray(changed(rTRC=CURVES["linear"]).replace(b"rTRC", b"kTRC", 1))
    data[16:20] = b"GRAY"
    picture = wide_to_srgb(np.array([[[0], [32768], [65535]]], np.uint16), bytes(data))
    assert picture is not None
    assert (
        np.abs(picture[0].astype(int) - [[0], [48195], [65535]]).max() <= 12
    )  # half the light; the matrix has 16 bits
