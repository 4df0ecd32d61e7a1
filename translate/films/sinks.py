"""Where frames go: into a film, which is encoded in parts and joined at the end, or into a folder of pictures."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path
from typing import Protocol

from translate import images
from translate.errors import counted
from translate.files import atomic_file
from translate.images import Encoding
from translate.video.frames import Facts, Frame, Time
from translate.video.joining import check_sounds, join
from translate.video.writing import coding_of, write_part

_FILE = "part.mkv"  # of a part


class Sink(Protocol):
    """What frames are written to.

    Attributes:
        identity: all that changes what is written.
        notes: what a user may want to know, as short phrases.
    """

    identity: str
    notes: tuple[str, ...]

    def write(self, folder: Path, frames: Iterable[Frame], before: int) -> list[Time]:
        """Write one part.

        Args:
            folder: of the part.
            frames: of it.
            before: how many there were in the parts before.

        Returns:
            the times of its frames.
        """
        ...

    def finish(self, parts: list[tuple[Path, list[Time]]]) -> tuple[str, ...]:
        """Make the result of all parts; return what a user may want to know, as short phrases."""
        ...


class FilmSink:
    """A film.

    Args:
        output: the file.
        facts: of the film that is written.
        film: where sound and subtitles come from; None: there are none.
        encoding: quality, transparency, and what is kept of the metadata.

    Raises:
        OutputError: such films are not written here, or cannot hold the sound.
    """

    def __init__(self, output: Path, facts: Facts, film: Path | None, encoding: Encoding) -> None:
        check_sounds(output, facts)
        self._output, self._film, self._encoding = output, film, encoding
        self._coding = coding_of(output, facts, encoding.quality, encoding.alpha == "keep")
        self.identity, self.notes = repr(self._coding), self._coding.notes
        if facts.alpha and not self._coding.alpha and encoding.alpha == "keep":
            self.notes = (*self.notes, f"transparency was laid on a colour, {output.suffix} holds none; .webm does")

    def write(self, folder: Path, frames: Iterable[Frame], before: int) -> list[Time]:
        """Encode one part."""
        return write_part(folder / _FILE, map(self._opaque, frames), self._coding)

    def finish(self, parts: list[tuple[Path, list[Time]]]) -> tuple[str, ...]:
        """Join all parts."""
        files = [(folder / _FILE, times) for folder, times in parts]
        with atomic_file(self._output) as temporary:
            return join(files, temporary, self._output, self._coding.facts, self._film, self._encoding)

    def _opaque(self, frame: Frame) -> Frame:
        if frame.picture.alpha is None or self._coding.alpha:
            return frame
        return replace(frame, picture=images.laid_on(frame.picture, self._encoding.background))


class PictureSink:
    """A folder of pictures, named by their numbers from 1 on.

    Args:
        folder: where they are written.
        suffix: of their format.
        encoding: how they are written.
        times: the file whose times they get; None: they are of now.
    """

    def __init__(self, folder: Path, suffix: str, encoding: Encoding, times: Path | None = None) -> None:
        self._folder, self._suffix, self._encoding, self._times = folder, suffix, encoding, times
        self.identity = suffix
        self.notes: tuple[str, ...] = ()

    def write(self, folder: Path, frames: Iterable[Frame], before: int) -> list[Time]:
        """Write the pictures of one part."""
        times: list[Time] = []
        for number, frame in enumerate(frames, before + 1):
            images.write(frame.picture, picture_of(self._folder, number, self._suffix), self._encoding, self._times)
            times.append(frame.time)
        return times

    def finish(self, parts: list[tuple[Path, list[Time]]]) -> tuple[str, ...]:
        """Tell of pictures that follow the last one, as an earlier, longer film leaves them."""
        after = sum(len(times) for _, times in parts) + 1
        old = list(takewhile(Path.exists, (picture_of(self._folder, n, self._suffix) for n in count(after))))
        if not old:
            return ()
        return (f"{counted(len(old), 'picture')} that lay there before follow its last, from {old[0].name} on",)


def picture_of(folder: Path, number: int, suffix: str) -> Path:
    """Return where a frame is written; the first has number 1."""
    return folder / f"{number:06}{suffix}"
