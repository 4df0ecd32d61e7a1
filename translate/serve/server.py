"""The server of the page: one thread for each connection, one file in each upload, errors as sentences in JSON."""

import json
import os
import shutil
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from translate.errors import (
    DataError,
    DeviceError,
    DiskFull,
    OutputError,
    SettingsError,
    TranslateError,
    WeightsError,
)
from translate.files import as_output_error
from translate.serve.access import Access
from translate.serve.chunks import Chunks
from translate.serve.headers import HEADERS, policy_of

AT_ONCE = 64  # connections; what comes on top of them is closed at once
SILENT_S = 60.0  # seconds without a byte after which a connection is given up
CHUNK = 1 << 20  # bytes
DRAINED = 8 << 20  # bytes of a body that nobody wants which are read, so that the browser looks at the answer
TIDIED_S = 60.0  # seconds between two times that what nobody needs any more is cleared away
UNFORESEEN = "This is a mistake in translate. The terminal that runs `translate demo` tells more."

STATUS: tuple[tuple[type[TranslateError], int], ...] = (  # the first that fits
    (SettingsError, 400),
    (DataError, 422),
    (WeightsError, 422),
    (DeviceError, 503),
    (DiskFull, 507),
    (OutputError, 507),
)


class Refused(Exception):
    """A request that is answered with a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Gone(Exception):
    """Whoever asked has closed the connection."""


Route = Callable[["Visit"], None]


class Server(ThreadingHTTPServer):
    """Serves routes, each called with a `Visit`.

    Args:
        address: host and port; port 0 is any that is free.
        access: who may ask.
        routes: by method and the fixed parts of an address, with None for each part that varies.
        tell: is told of errors that nobody expected.
        tidy: clears away what nobody needs any more; called now and then.

    Raises:
        OSError: the address cannot be taken.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        address: tuple[str, int],
        access: Access,
        routes: Mapping[tuple[str | None, ...], Route],
        tell: Callable[[str], None],
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.access, self.routes, self.tell, self.policy = access, routes, tell, policy_of(access)
        self._tidy, self._tidied = tidy, time.monotonic()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, Visit)

    def server_bind(self) -> None:
        """Take the address; the parent would ask the network for the name of the machine."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def service_actions(self) -> None:
        """Tidy, if that was some time ago; the loop of the parent calls this at least twice a second."""
        if time.monotonic() - self._tidied > TIDIED_S:
            self._tidied = time.monotonic()
            self._tidy()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, if there is room for one more."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections break, and errors of ours are answered and told where they are met."""

    def find(self, method: str, parts: list[str]) -> Route | None:
        """Return the route of an address."""
        for (verb, *fixed), route in self.routes.items():
            same = (part in (None, word) for part, word in zip(fixed, parts, strict=False))
            if verb == method and len(fixed) == len(parts) and all(same):
                return route
        return None


class Visit(BaseHTTPRequestHandler):
    """One request and the way to answer it."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = SILENT_S
    parts: list[str]  # of the address, below the token
    words: dict[str, str]  # of the query
    announced = 0  # bytes of the body
    _unread = 0  # of these
    _is_begun = False  # the answer, which cannot be another one any more

    def do_GET(self) -> None:  # noqa: D102
        self._answer()

    def do_POST(self) -> None:  # noqa: D102
        self._answer()

    def do_DELETE(self) -> None:  # noqa: D102
        self._answer()

    def _answer(self) -> None:
        self._unread, self._is_begun = 0, False
        try:
            self._unread = self.announced = self._announced()
            self._route()(self)
        except Refused as error:
            self.fail(error.status, str(error))
        except TranslateError as error:
            self.fail(next((status for kind, status in STATUS if isinstance(error, kind)), 500), str(error))
        except (Gone, ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            self.server.tell(traceback.format_exc())
            self.fail(500, UNFORESEEN)

    def _announced(self) -> int:
        """Return how many bytes the body has."""
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refused(411, "An upload says in Content-Length how many bytes it has.")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal() and len(length) < 16):
            self.close_connection = True
            raise Refused(400, f"Content-Length is a number; found {length!a}.")
        return int(length)

    def _route(self) -> Route:
        headers = {name.title(): value for name, value in self.headers.items()}
        refusal = self.server.access.refusal(headers, writes=self.command != "GET")
        if refusal:
            raise Refused(*refusal)
        try:
            address = urlsplit(self.path)
            self.words = dict(parse_qsl(address.query, keep_blank_values=True, max_num_fields=32))
        except ValueError:
            raise Refused(400, "This is no address of the page.") from None
        path = self.server.access.within(address.path)
        self.parts = [unquote(part) for part in (path or "").split("/")]
        route = None if path is None else self.server.find(self.command, self.parts)
        if route is None:
            raise Refused(404, "There is nothing at this address. Open the one that `translate demo` printed.")
        return route

    def save(self, place: Path, most: int, refusal: str) -> None:
        """Write the body into a file.

        Raises:
            Refused: it has more than `most` bytes; says `refusal`.
            OutputError: the file cannot be written.
        """
        if self._unread > most:
            raise Refused(413, refusal)
        with as_output_error(place), place.open("wb") as stream:
            for chunk in iter(lambda: self._read(CHUNK), b""):
                stream.write(chunk)

    def body(self, most: int) -> Any:
        """Return the body, read as JSON."""
        if self._unread > most:
            raise Refused(413, f"This takes {most} bytes at most.")
        try:
            return json.loads(b"".join(iter(lambda: self._read(CHUNK), b"")))
        except ValueError:
            raise Refused(400, "This is no JSON.") from None

    def _read(self, most: int) -> bytes:
        try:
            chunk = self.rfile.read1(min(most, self._unread)) if self._unread else b""
        except OSError as error:  # silent for too long, or broken: no error of the file that this is written into
            raise Gone from error
        if self._unread and not chunk:
            raise Gone
        self._unread -= len(chunk)
        return chunk

    def reply(self, document: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.send(json.dumps(document).encode(), "application/json", status)

    def fail(self, status: int, sentence: str) -> None:
        """Answer with a sentence; where another answer was begun, break that off, so that it is seen to be no whole."""
        if self._is_begun:
            self.close_connection = True
            return
        try:
            self.reply({"error": sentence}, status)
        except (Gone, OSError):
            self.close_connection = True

    def send(self, content: bytes, kind: str, status: int = 200, policy: str = "") -> None:
        """Answer with bytes."""
        self._begin(status, kind, len(content), policy=policy)
        self.wfile.write(content)

    def send_file(self, path: Path, kind: str, name: str = "") -> None:
        """Answer with a file; with a `name` browsers save it."""
        try:
            stream = path.open("rb")
        except OSError:
            raise Refused(404, "This picture is not here any more.") from None
        with stream:
            self._begin(200, kind, os.fstat(stream.fileno()).st_size, name)
            shutil.copyfileobj(stream, self.wfile, CHUNK)

    def send_stream(self, write: Callable[[Any], None], kind: str, name: str) -> None:
        """Answer with what `write` writes, of which nobody knows how long it is, into a stream that only goes on."""
        self.close_connection = True
        self._begin(200, kind, None, name)
        if not self._knows_chunks:
            write(self.wfile)
            return
        chunks = Chunks(self.wfile)
        write(chunks)
        chunks.end()

    @property
    def _knows_chunks(self) -> bool:
        return self.request_version >= "HTTP/1.1"

    def _begin(self, status: int, kind: str, length: int | None, name: str = "", policy: str = "") -> None:
        while self._unread and self._unread <= DRAINED:
            self._read(CHUNK)
        self.close_connection = self.close_connection or self._unread > 0  # or the rest would be the next request
        self._is_begun = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        elif self._knows_chunks:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        if name:
            self.send_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(name, safe='')}")
        self.send_header("Content-Security-Policy", policy or self.server.policy)
        for header, value in HEADERS:
            self.send_header(header, value)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer to what is no request of ours."""
        self.close_connection = True
        self._unread, self._is_begun = 0, False
        self.fail(code, f"This is no request that the page makes: {message or HTTPStatus(code).phrase}.")

    def version_string(self) -> str:
        """Name the program, and not its version."""
        return "translate"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal for what the user should know."""
