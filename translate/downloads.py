"""Downloads that continue where they stopped, and end well only with the promised bytes.

Certificates are checked, redirects are followed to http and https only, and proxies are taken from the environment.
"""

import http
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from translate import files
from translate.errors import DownloadError

TIMEOUT_S = 30.0  # of silence
SLOWEST = 1000  # bytes a second over `TIMEOUT_S`; what brings less is as good as silent
ATTEMPTS = 4  # in a row that bring nothing new, or too slowly
PAUSE_S = 1.0  # after the first of them; doubled after each further one

_CHUNK = 1 << 20  # bytes
_BUSY = frozenset({408, 429, 500, 502, 503, 504})  # answers that may be better in a moment


class _Failure(Exception):
    """Why an attempt failed, whether another one may do better, and whether what it brought came too slowly."""

    def __init__(self, reason: str, again: bool, slow: bool = False) -> None:
        super().__init__(reason)
        self.again, self.slow = again, slow


def length_of(url: str) -> int:
    """Ask how many bytes `url` gives, for files whose size is not known.

    Raises:
        DownloadError: the address gives nothing, or does not say.
    """
    failures = 0
    while True:
        try:
            with _ask(url, 0) as response:
                length = response.headers.get("Content-Length") or ""
                _refuse_something_else(response, 0, None)
            if not length.isdecimal():
                raise _Failure("does not say how long its file is", again=False)
            return int(length)
        except _Failure as failure:
            failures += 1
            if not failure.again or failures == ATTEMPTS:
                raise DownloadError(f"{url} {failure}") from failure
            time.sleep(PAUSE_S * 2 ** (failures - 1))


def download(url: str, path: Path, size: int, sha256: str | None, tell: Callable[[int, int], None]) -> None:
    """Download `url` into `path`, continuing what is there. After an error the beginning of the file stays there.

    Args:
        url: of the file, http or https.
        path: of the result, which is incomplete until this function returns.
        size: of the whole file in bytes.
        sha256: of the whole file, in hexadecimal, or its beginning; None: not known; then `path` should be empty.
        tell: is told how many bytes are there, and of how many.

    Raises:
        DownloadError: the address gives nothing, something else, or too little in too long.
        OutputError: `path` cannot be written, or the disk is full.
    """
    with files.as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if _length(path) > size:
            _empty(path)
    continued = _length(path) > 0
    furthest, failures = _length(path), 0
    while True:
        if _length(path) == size:
            found = files.sha256(path)
            if found.startswith(sha256 or ""):
                return
            _empty(path)
            if not continued:
                raise DownloadError(f"{url} gives another file: its SHA-256 is {found} instead of {sha256}")
            continued, furthest = False, 0  # what was there was the beginning of another file
        try:
            _receive(url, path, size, tell)
        except _Failure as failure:
            failures = 0 if _length(path) > furthest and not failure.slow else failures + 1
            furthest = max(furthest, _length(path))
            if not failure.again or failures == ATTEMPTS:
                raise DownloadError(f"{url} {failure}") from failure
            if failures:
                time.sleep(PAUSE_S * 2 ** (failures - 1))


def _receive(url: str, path: Path, size: int, tell: Callable[[int, int], None]) -> None:
    """Ask once for what is missing, and write what comes. Raises `_Failure` when that is not all."""
    have = _length(path)
    with _ask(url, have) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server sends everything, asked or not
        _refuse_something_else(response, have, size)
        with files.as_output_error(path), path.open("r+b") as stream:
            stream.truncate(have)
            stream.seek(have)
            since, before = time.perf_counter(), have
            while have <= size and (chunk := _read(response)):
                stream.write(chunk)
                have += len(chunk)
                tell(min(have, size), size)
                if have < size and (passed := time.perf_counter() - since) >= TIMEOUT_S:
                    if have - before < SLOWEST * passed:
                        raise _Failure(f"brings less than {SLOWEST:,} bytes a second", again=True, slow=True)
                    since, before = since + passed, have
    if have > size:
        _empty(path)
        raise _Failure(f"gives more than the expected {size:,} bytes", again=False)
    if have < size:
        raise _Failure(f"ended after {have:,} of {size:,} bytes", again=True)


def _ask(url: str, start: int) -> http.client.HTTPResponse:
    """Open `url` from byte `start` on, or from the beginning where the server refuses that."""
    headers = {"User-Agent": "image-translate", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 (the opener knows http and https only)
        response: http.client.HTTPResponse = _opener().open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _ask(url, 0)
        phrase = http.client.responses.get(error.code, "")
        raise _Failure(f"answers {error.code} {phrase}".rstrip(), again=error.code in _BUSY) from error
    except urllib.error.URLError as error:
        raise _Failure(f"cannot be reached: {error.reason}", again=isinstance(error.reason, TimeoutError)) from error
    except (TimeoutError, ConnectionError) as error:
        raise _Failure(f"does not answer: {error}", again=True) from error
    except (http.client.HTTPException, ValueError) as error:
        raise _Failure(f"cannot be asked: {error}", again=False) from error
    return response


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens http and https; the opener of `urllib` would also read local files and FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _refuse_something_else(response: http.client.HTTPResponse, have: int, size: int | None) -> None:
    """Refuse what cannot be the file from byte `have` on, before anything of it is written."""
    length, kind = response.headers.get("Content-Length"), response.headers.get("Content-Type", "")
    if kind.startswith("text/"):
        raise _Failure("sends a web page instead of the file", again=False)
    if size is not None and length not in (None, str(size - have)):
        raise _Failure(f"offers {length} bytes instead of {size - have}", again=False)
    span = response.headers.get("Content-Range", "")
    if response.status == http.HTTPStatus.PARTIAL_CONTENT and not span.startswith(f"bytes {have}-"):
        raise _Failure(f"sends {span or 'an unknown part'} instead of the bytes from {have} on", again=False)


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException):
        return b""  # silence or a closed connection: what came before it is kept


def _length(path: Path) -> int:
    return path.stat().st_size


def _empty(path: Path) -> None:
    path.write_bytes(b"")
