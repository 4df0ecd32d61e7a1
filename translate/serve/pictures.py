"""The addresses of the first tab: the page itself, its models, and what is painted."""

import contextlib
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from translate import images
from translate.conversion.masks import read_mask
from translate.errors import ImageDecodeError
from translate.report.thumbnails import thumbnail
from translate.serve.access import read_label
from translate.serve.albums import Album, Albums, Painted, write_archive
from translate.serve.choices import Models
from translate.serve.pages import FILES, page, static
from translate.serve.painting import NAME, SHOWN, Painter, Upload
from translate.serve.server import Refused, Route, Visit

SIDES = (640, 1600)  # pixels of the longer side of copies: in the gallery, and where a browser does not show a format
DECODED = 2  # pictures for copies and masks, at once, each of which may take hundreds of MB
KINDS = {"PPM": "image/x-portable-anymap", "TIFF": "image/tiff"}


class Pictures:
    """Answers for the page, the models and the albums.

    Args:
        models: what can be chosen.
        painter: paints with them.
        albums: where uploads and results lie.
        trains: whether the page may begin trainings.
    """

    def __init__(self, models: Models, painter: Painter, albums: Albums, trains: bool) -> None:
        self._models, self._painter, self._albums, self._trains = models, painter, albums, trains
        self._decoding = threading.BoundedSemaphore(DECODED)

    def routes(self) -> Mapping[tuple[str | None, ...], Route]:
        """Return what is answered where, see `Server`."""
        return {
            ("GET", ""): self._page,
            **{("GET", name): self._static for name in FILES},
            ("GET", "models", None): self._model_picture,
            ("POST", "albums"): self._begin,
            ("DELETE", "albums", None): self._remove,
            ("POST", "albums", None, "masks"): self._take_mask,
            ("POST", "albums", None, "pictures"): self._paint,
            ("GET", "albums", None, "pictures", None): self._result,
            ("GET", "albums", None, "pictures", None, "before"): self._before,
            ("GET", "albums", None, "pictures", None, "after"): self._after,
            ("GET", "albums", None, "results.zip"): self._archive,
        }

    def _page(self, request: Visit) -> None:
        limits = self._painter.limits
        text = page(self._models.choices(), limits, self._trains)
        request.send(text.encode(), "text/html; charset=utf-8")

    def _static(self, request: Visit) -> None:
        content, kind = static(request.parts[0])
        request.send(content, kind)

    def _model_picture(self, request: Visit) -> None:
        choices = self._models.choices()
        number = request.parts[1]
        picture = choices[int(number)].picture if number in map(str, range(len(choices))) else None
        if picture is None:
            raise Refused(404, "This model has no picture.")
        request.send_file(picture, _kind(picture))

    def _begin(self, request: Visit) -> None:
        request.reply({"album": self._albums.new().name})

    def _remove(self, request: Visit) -> None:
        self._albums.clear(request.parts[1])
        request.reply({})

    def _take_mask(self, request: Visit) -> None:
        with self._album(request) as album:
            with self._uploaded(request, album, PurePosixPath("mask")) as upload:
                try:
                    with self._decoding:
                        read_mask(upload.file, self._painter.limits)
                except ImageDecodeError as error:
                    raise Refused(422, str(error).replace(str(upload.file), "The mask")) from error
            album.masks[upload.number] = upload.file
        request.reply({"mask": upload.number})

    def _paint(self, request: Visit) -> None:
        label = read_label(request.words.get("name", ""))
        with self._album(request) as album, self._uploaded(request, album, label) as upload:
            painted = self._painter.paint(album, upload, request.words)
        request.reply(painted)

    @contextlib.contextmanager
    def _uploaded(self, request: Visit, album: Album, label: PurePosixPath) -> Iterator[Upload]:
        """Take an upload into an album; it is removed where it does not arrive whole, or the block fails."""
        limits = self._painter.limits
        self._albums.refuse_full_disk(min(request.announced, limits.bytes))
        number, folder = album.place()
        file = folder / NAME
        try:
            request.save(file, limits.bytes, f"{label} has more than {limits.mebibytes} MiB, which this page takes.")
            yield Upload(label, number, file)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _result(self, request: Visit) -> None:
        with self._painted(request) as painted:
            name = "" if "shown" in request.words else painted.label.name
            request.send_file(painted.output, _kind(painted.output), name)

    def _before(self, request: Visit) -> None:
        with self._painted(request) as painted:
            self._copy(request, painted.source)

    def _after(self, request: Visit) -> None:
        with self._painted(request) as painted:
            self._copy(request, painted.output)

    def _copy(self, request: Visit, path: Path) -> None:
        """Send a small copy of a picture, which is made when it is first asked for."""
        side = SIDES["large" in request.words]
        with self._decoding:
            copy = thumbnail(path, path.parent / "small", self._painter.limits, side)
        if copy is None:
            raise Refused(404, "There is no copy of this picture.")
        request.send_file(copy, "image/jpeg")

    def _archive(self, request: Visit) -> None:
        with self._album(request) as album:
            files = list(album.archived())
            if not files:
                raise Refused(404, "Nothing is painted yet.")
            request.send_stream(lambda stream: write_archive(files, stream), "application/zip", "painted.zip")

    def _album(self, request: Visit) -> contextlib.AbstractContextManager[Album]:
        return self._albums.kept(request.parts[1])

    @contextlib.contextmanager
    def _painted(self, request: Visit) -> Iterator[Painted]:
        with self._album(request) as album:
            painted = album.painted.get(request.parts[3])
            if painted is None:
                raise Refused(404, "This picture is not here any more.")
            yield painted


def _kind(path: Path) -> str:
    """Return the media type of a file that we have written."""
    name = images.SUFFIXES.get(path.suffix.lower(), "")
    return KINDS.get(name, f"image/{name.lower()}" if name in SHOWN else "application/octet-stream")
