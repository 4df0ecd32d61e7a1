"""What a file says beside its pixels: reading it, and keeping as much of it as the user wants."""

import re
import struct
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from translate.images.picture import Encoding, Keep, Metadata

Tag = ExifTags.Base

# What is kept by default, so that galleries sort as before: when a picture was taken, and not in which time zone.
_DATE = {Tag.DateTime}
_DATE_EXPOSURE = {
    Tag.DateTimeOriginal, Tag.DateTimeDigitized, Tag.SubsecTime, Tag.SubsecTimeOriginal, Tag.SubsecTimeDigitized,
}  # fmt: skip
# What "safe" keeps: camera, lens, exposure, dates, author and copyright. Whatever is not named is dropped: places,
# serial numbers, owners, unique numbers, time zones (which tell where), comments, thumbnails, maker notes.
_SAFE = {
    Tag.Make, Tag.Model, Tag.DateTime, Tag.Artist, Tag.Copyright, Tag.XResolution, Tag.YResolution, Tag.ResolutionUnit,
}  # fmt: skip
_SAFE_EXPOSURE = {
    Tag.ExifVersion, Tag.DateTimeOriginal, Tag.DateTimeDigitized, Tag.SubsecTime, Tag.SubsecTimeOriginal,
    Tag.SubsecTimeDigitized, Tag.ExposureTime, Tag.FNumber, Tag.ExposureProgram, Tag.ISOSpeedRatings,
    Tag.SensitivityType, Tag.RecommendedExposureIndex, Tag.ShutterSpeedValue, Tag.ApertureValue, Tag.BrightnessValue,
    Tag.ExposureBiasValue, Tag.MaxApertureValue, Tag.MeteringMode, Tag.LightSource, Tag.Flash, Tag.FocalLength,
    Tag.FocalLengthIn35mmFilm, Tag.ExposureMode, Tag.WhiteBalance, Tag.DigitalZoomRatio, Tag.SceneCaptureType,
    Tag.LensMake, Tag.LensModel, Tag.LensSpecification,
}  # fmt: skip

# How the source stores its pixels, or what it refers to by its own offsets: never true of another file.
_OWN = {
    Tag.Orientation, Tag.NewSubfileType, Tag.SubfileType, Tag.ImageWidth, Tag.ImageLength, Tag.BitsPerSample,
    Tag.Compression, Tag.PhotometricInterpretation, Tag.FillOrder, Tag.StripOffsets, Tag.SamplesPerPixel,
    Tag.RowsPerStrip, Tag.StripByteCounts, Tag.MinSampleValue, Tag.MaxSampleValue, Tag.PlanarConfiguration,
    Tag.GrayResponseUnit, Tag.GrayResponseCurve, Tag.TransferFunction, Tag.WhitePoint, Tag.PrimaryChromaticities,
    Tag.Predictor, Tag.ColorMap, Tag.HalftoneHints, Tag.TileWidth, Tag.TileLength, Tag.TileOffsets, Tag.TileByteCounts,
    Tag.SubIFDs, Tag.ExtraSamples, Tag.SampleFormat, Tag.SMinSampleValue, Tag.SMaxSampleValue, Tag.JPEGTables,
    Tag.JpegIFOffset, Tag.JpegIFByteCount, Tag.YCbCrCoefficients, Tag.YCbCrSubSampling, Tag.YCbCrPositioning,
    Tag.ReferenceBlackWhite, Tag.XMLPacket, Tag.InterColorProfile, Tag.ImageResources, Tag.ExifInteroperabilityOffset,
    Tag.ExifImageWidth, Tag.ExifImageHeight, Tag.ComponentsConfiguration,
    Tag.T6Options, Tag.IPTCNAA, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop,
}  # fmt: skip

_XMP_OWN = re.compile(
    rb'tiff:Orientation="\d*"|<tiff:Orientation>.*?</tiff:Orientation>|<xmp:Thumbnails>.*?</xmp:Thumbnails>', re.DOTALL
)
_JPEG_LONGEST = 65_000  # bytes of a JPEG segment, less what heads it


_IPTC = 0x0404  # the number of the IPTC record among Photoshop's resources
_ORDER = (Tag.MakerNote, Tag.UserComment)  # what gives way first where there is no room, then the longest


def metadata_of(file: Image.Image) -> Metadata:
    """Collect what a decoded file says beside its pixels. What is damaged is left out."""
    exif = file.info.get("exif", b"")
    if file.format == "TIFF":  # whose directory is the EXIF block
        try:
            exif = Image.Image.getexif(file).tobytes()
        except Exception:
            exif = b""
    texts = getattr(file, "text", {}) if file.format == "PNG" else {}
    resources = file.info.get("photoshop")
    iptc = resources.get(_IPTC, b"") if isinstance(resources, dict) else b""
    return Metadata(
        exif,
        _bytes(file.info.get("xmp") or texts.get("XML:com.adobe.xmp", b"")),
        _bytes(file.info.get("comment", b"")),
        tuple((str(key), str(text)) for key, text in texts.items() if key != "XML:com.adobe.xmp"),
        iptc if isinstance(iptc, bytes) else b"",
        None if _is_guessed(file) else _dpi(file.info.get("dpi")),
    )


def _bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def _is_guessed(file: Image.Image) -> bool:
    """Whether Pillow says 72 dpi of a JPEG that states nothing, as it does where there is an EXIF block."""
    if file.format not in ("JPEG", "MPO") or file.info.get("jfif_unit") or file.info.get("dpi") != (72, 72):
        return False
    try:
        return Tag.XResolution not in file.getexif()
    except Exception:  # whatever a damaged block leads to
        return True


def _dpi(found: Any) -> tuple[float, float] | None:
    """Return the resolution that a file states, if it is one."""
    try:
        across, down = (float(value) for value in found)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 1 <= across < 65536 and 1 <= down < 65536 else None


def save_options(metadata: Metadata, format: str, encoding: Encoding) -> dict[str, Any]:
    """Return what `Image.save` must be given to write as much metadata as `encoding` wants and `format` holds."""
    return _kept(metadata, format, encoding)[0]


def left_out(metadata: Metadata, format: str, encoding: Encoding) -> tuple[str, ...]:
    """Return what of the metadata that `encoding` wants is not written, as a short phrase if there is anything."""
    dropped = _kept(metadata, format, encoding)[1]
    return (f"metadata left out: {', '.join(dropped)}",) if dropped else ()


def _kept(metadata: Metadata, format: str, encoding: Encoding) -> tuple[dict[str, Any], list[str]]:
    """Return what `Image.save` is given, and what is left out although it is wanted."""
    options: dict[str, Any] = {}
    keep, everything = encoding.keep_metadata, encoding.keep_metadata == "all"
    if keep == "none" and not encoding.note:
        return options, []
    if format == "GIF":
        comment = encoding.note.encode() or (metadata.comment if everything else b"")
        return ({"comment": comment} if comment else {}), ["EXIF"] if metadata.exif and keep in ("safe", "all") else []
    exif, dropped = _exif(metadata.exif, keep, encoding.note)
    if format in ("BMP", "PPM"):
        dropped = ["EXIF"] if metadata.exif and keep in ("safe", "all") else []
    dpi = metadata.dpi if keep in ("safe", "all") else None
    if dpi and format in ("JPEG", "PNG", "BMP"):
        options["dpi"] = dpi
    elif dpi and Tag.XResolution not in exif:
        exif[Tag.XResolution], exif[Tag.YResolution], exif[Tag.ResolutionUnit] = *dpi, 2  # inches
    xmp = _XMP_OWN.sub(b"", metadata.xmp) if everything else b""
    if everything and metadata.iptc and format != "JPEG":
        dropped.append("IPTC")
    if format == "TIFF":
        if xmp:
            exif[Tag.XMLPacket] = xmp
        return {"tiffinfo": dict(exif.items())} if len(exif) else {}, dropped
    if format == "JPEG":
        _shorten(exif, dropped)
    if len(exif):
        options["exif"] = exif.tobytes()
    if xmp and format != "PNG":
        options["xmp"] = xmp
    if format == "JPEG" and everything:
        options |= {"comment": metadata.comment} if metadata.comment else {}
        options |= {"extra": _iptc_segment(metadata.iptc)} if metadata.iptc else {}
        names = {"xmp": "XMP", "comment": "comment", "extra": "IPTC"}
        long = [name for name in names if len(options.get(name, b"")) >= _JPEG_LONGEST]
        dropped += [names[name] for name in long]
        options = {name: value for name, value in options.items() if name not in long}
    if format == "PNG" and everything:
        options["pnginfo"] = info = PngImagePlugin.PngInfo()
        for key, text in metadata.texts:
            info.add_itxt(key, text)
        if xmp:
            info.add_itxt("XML:com.adobe.xmp", xmp.decode(errors="replace"))
    return options, dropped


def _exif(source: bytes, keep: Keep, note: str) -> tuple[Image.Exif, list[str]]:
    """Return the tags of an EXIF block that may be kept, and the note; and the names of those that cannot be written.

    A damaged block counts as an empty one.
    """
    kept, dropped = Image.Exif(), list[str]()
    if source and keep != "none":
        try:
            found = Image.Exif()
            found.load(source)
            parts = {None: found, ExifTags.IFD.Exif: found.get_ifd(ExifTags.IFD.Exif)}
            if keep == "all":
                parts[ExifTags.IFD.GPSInfo] = found.get_ifd(ExifTags.IFD.GPSInfo)
        except Exception:
            parts, dropped = {}, ["EXIF, which is damaged"]
        for ifd, tags in parts.items():
            wanted: dict[int, Any] = {}
            for tag in tags:
                if not _is_wanted(tag, ifd, keep):
                    continue
                try:
                    _block(ifd, {tag: tags[tag]}).tobytes()  # fails for values that do not fit their tags
                except Exception:
                    dropped.append(_name_of(tag, ifd))
                else:
                    wanted[tag] = tags[tag]
            if ifd is not None and wanted:
                kept[ifd] = wanted
            elif wanted:
                kept.update(wanted)
    if note:
        kept[Tag.Software] = note
    return kept, dropped


def _is_wanted(tag: int, ifd: int | None, keep: Keep) -> bool:
    if keep == "all":
        return tag not in _OWN or ifd == ExifTags.IFD.GPSInfo
    if keep == "safe":
        return tag in (_SAFE if ifd is None else _SAFE_EXPOSURE)
    return tag in (_DATE if ifd is None else _DATE_EXPOSURE)


def _block(ifd: int | None, tags: dict[int, Any]) -> Image.Exif:
    block = Image.Exif()
    if ifd is None:
        block.update(tags)
    else:
        block[ifd] = tags
    return block


def _name_of(tag: int, ifd: int | None) -> str:
    names = ExifTags.GPSTAGS if ifd == ExifTags.IFD.GPSInfo else ExifTags.TAGS
    return names.get(tag, f"EXIF {tag:#06x}")


def _shorten(exif: Image.Exif, dropped: list[str]) -> None:
    """Take tags out until a JPEG can hold the rest: notes of makers first, then the longest."""
    while len(exif) and len(exif.tobytes()) >= _JPEG_LONGEST:
        places = [(None, exif), *((ifd, exif[ifd]) for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo) if ifd in exif)]
        tags = [(ifd, tag, value) for ifd, part in places for tag, value in part.items() if not isinstance(value, dict)]
        ifd, tag, _ = min(tags, key=lambda one: (_ORDER.index(one[1]) if one[1] in _ORDER else 9, -len(str(one[2]))))
        del dict(places)[ifd][tag]
        dropped.append(_name_of(tag, ifd))


def _iptc_segment(record: bytes) -> bytes:
    """Return the segment APP13 of a JPEG: Photoshop's resources, of which this is the only one."""
    padded = record + b"\0" * (len(record) % 2)
    body = b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(record)) + padded
    return b"\xff\xed" + struct.pack(">H", min(len(body) + 2, 65535)) + body
