"""What a file says beside its pixels: reading it, and keeping as much of it as the user wants."""

import re
from typing import Any, Literal

from PIL import ExifTags, Image, PngImagePlugin

from translate.images.picture import Encoding, Metadata

Tag = ExifTags.Base

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


def metadata_of(file: Image.Image) -> Metadata:
    """Collect what a decoded file says beside its pixels. What is damaged is left out."""
    exif = file.info.get("exif", b"")
    if file.format == "TIFF":  # whose directory is the EXIF block
        try:
            exif = Image.Image.getexif(file).tobytes()
        except Exception:
            exif = b""
    texts = getattr(file, "text", {}) if file.format == "PNG" else {}
    return Metadata(
        exif,
        _bytes(file.info.get("xmp") or texts.get("XML:com.adobe.xmp", b"")),
        _bytes(file.info.get("comment", b"")),
        tuple((str(key), str(text)) for key, text in texts.items() if key != "XML:com.adobe.xmp"),
    )


def _bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def save_options(metadata: Metadata, format: str, encoding: Encoding) -> dict[str, Any]:
    """Return what `Image.save` must be given to write as much metadata as `encoding` wants and `format` holds."""
    options: dict[str, Any] = {}
    if encoding.keep_metadata == "none" and not encoding.note:
        return options
    exif = _exif(metadata.exif, encoding.keep_metadata, encoding.note)
    everything = encoding.keep_metadata == "all"
    xmp = _XMP_OWN.sub(b"", metadata.xmp) if everything else b""
    if format == "GIF":
        comment = encoding.note.encode() or (metadata.comment if everything else b"")
        return {"comment": comment} if comment else {}
    if format == "TIFF":
        if xmp:
            exif[Tag.XMLPacket] = xmp
        return {"tiffinfo": dict(exif.items())} if len(exif) else {}
    if len(exif):
        options["exif"] = exif.tobytes()
    if xmp and format != "PNG":
        options["xmp"] = xmp
    if format == "JPEG":
        if everything and metadata.comment:
            options["comment"] = metadata.comment
        options = {name: value for name, value in options.items() if len(value) < _JPEG_LONGEST}
    if format == "PNG" and everything:
        options["pnginfo"] = info = PngImagePlugin.PngInfo()
        for key, text in metadata.texts:
            info.add_itxt(key, text)
        if xmp:
            info.add_itxt("XML:com.adobe.xmp", xmp.decode(errors="replace"))
    return options


def _exif(source: bytes, keep: Literal["none", "safe", "all"], note: str) -> Image.Exif:
    """Return the tags of an EXIF block that may be kept, and the note. A damaged block counts as an empty one."""
    kept = Image.Exif()
    if source and keep != "none":
        try:
            found = Image.Exif()
            found.load(source)
            exposure, places = found.get_ifd(ExifTags.IFD.Exif), found.get_ifd(ExifTags.IFD.GPSInfo)
            for tag, value in found.items():
                if tag in _SAFE or (keep == "all" and tag not in _OWN):
                    kept[tag] = value
            wanted = {t: v for t, v in exposure.items() if t in _SAFE_EXPOSURE or (keep == "all" and t not in _OWN)}
            if wanted:
                kept[ExifTags.IFD.Exif] = wanted
            if keep == "all" and places:
                kept[ExifTags.IFD.GPSInfo] = dict(places)
            kept.tobytes()  # fails for values that do not fit their tags
        except Exception:
            kept = Image.Exif()
    if note:
        kept[Tag.Software] = note
    return kept
