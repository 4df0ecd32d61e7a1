"""Who may ask the page for something, and what the name of an upload may be.

A page of anybody can send requests to a server on this machine, through the browser that shows it. Two things tell them
from our own: the browser says which page a request comes from, in `Origin`, and for which name it looked the server up,
in `Host`, so that a name which leads here is of no use either (DNS rebinding).
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from translate.errors import SettingsError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
DEEPEST = 32  # folders of an upload
LONGEST = 255  # bytes of each part of its name


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        hosts: the names under which the page is asked for, in small letters, besides those of this machine for itself.
        token: the first part of every address; empty: there is none. Who knows it may ask under any name, because
            whoever leads a name here does not know it.
    """

    hosts: frozenset[str] = frozenset()
    token: str = ""

    def refusal(self, headers: Mapping[str, str], writes: bool) -> tuple[int, str] | None:
        """Return a status and a sentence where a request is refused.

        Args:
            headers: of the request.
            writes: whether it does more than look.
        """
        host = headers.get("Host", "")
        name = name_of(host)
        if not name or not (self.token or name in LOOPBACK | self.hosts):
            return 403, (
                f"This page is not served as {name or 'nothing'}. Open the address that `translate demo` printed, or"
                " start it with --allow-host."
            )
        origin = headers.get("Origin")
        if origin is not None and place_of(origin) != host.lower():
            return 403, "Another page asked for this. Only the page itself may."
        if writes and headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return 403, "Another page asked for this. Only the page itself may."
        return None

    def within(self, path: str) -> str | None:
        """Return what follows the token in the path of an address; None where it is wrong."""
        path = path.removeprefix("/")
        if not self.token:
            return path
        token, slash, rest = path.partition("/")
        known = secrets.compare_digest(token.encode(), self.token.encode())
        return rest if slash and known else None


def name_of(host: str) -> str:
    """Return the name in a `Host` header, without its port; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def place_of(origin: str) -> str:
    """Return the name and the port in an `Origin` header, in small letters; empty where there are none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def read_label(name: str) -> PurePosixPath:
    """Read the name of an upload, with its folders: it is shown, and stands in archives, but names no file here.

    Raises:
        SettingsError: it would lead elsewhere where somebody unpacks it, or is no name.
    """
    parts = name.split("/")
    whole = all(part not in ("", ".", "..") and len(part.encode("utf-8", "replace")) <= LONGEST for part in parts)
    plain = all(letter != "\\" and letter.isprintable() for letter in name)
    if not (whole and plain and len(parts) <= DEEPEST) or re.match("[A-Za-z]:", name):
        raise SettingsError(f"{name!a} is no name for a picture: names are like holidays/beach.jpg, without ..")
    return PurePosixPath(*parts)
