"""Files of input words, as any system writes them."""

import codecs
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from translate.errors import DataError
from translate.files import decoded


def read_list(path: Path) -> list[str]:
    """Read the names of files and folders: one a line, or parted by zero bytes as `find -print0` writes them.

    A byte order mark says how it is encoded; without one it is UTF-8, or a name holds the bytes of a file's name, or
    those of Windows' Western code page where only this names a file. Empty lines are left out.

    Raises:
        DataError: the file cannot be read or is no list, or names a folder that holds everything, such as "." or "/".
    """
    try:
        content = path.read_bytes()
        words = _words(content)
    except OSError as error:
        raise DataError(f"The list {path} cannot be read: {error.strerror}. Name a file of paths after @.") from error
    except ValueError as error:
        raise DataError(f"The list {path} cannot be read: {error}. Save it as UTF-8, with one path a line.") from error
    for word in words:
        place = PurePath(os.path.normpath(word))
        if set(place.parts) <= {"..", place.anchor}:
            raise DataError(
                f"The list {path} names the folder {word!r}, all of which would be taken. Name such a folder in the"
                " command itself, or take this line out; `find . -type f` lists files alone."
            )
    return words


def write_list(words: Sequence[str]) -> bytes:
    """Return the bytes of a file that `read_list` reads back: lines, or where a word has several, zero bytes."""
    several = any("\n" in word or "\r" in word for word in words)
    return b"".join(os.fsencode(word) + (b"\0" if several else b"\n") for word in words)


def _words(content: bytes) -> list[str]:
    """Raise `ValueError` if these are no words."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = decoded(content)
        if "\0" in text:
            raise ValueError("it has zero bytes in its text")
        return [line for line in re.split(r"[\r\n]+", text) if line]
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\0" not in content:
        return [_name(line) for line in content.splitlines() if line]
    words = content.removesuffix(b"\0").split(b"\0")
    # Text in UTF-16 has letters of ASCII side by side, such as those of a suffix; other files have zeros side by side.
    if not all(words) or any(len(one) == len(other) == 1 for one, other in pairwise(words)):
        raise ValueError("it has zero bytes, but does not part paths by them")
    return [_name(word) for word in words]


def _name(word: bytes) -> str:
    name = os.fsdecode(word)
    try:
        word.decode()
    except UnicodeDecodeError:
        western = word.decode("cp1252", "replace")
        return western if Path(western).exists() and not Path(name).exists() else name
    return name
