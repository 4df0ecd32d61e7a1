"""Downloads from a server on this machine that misbehaves in all the ways servers do."""

import contextlib
import hashlib
import http.client
import http.server
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from translate import downloads
from translate.downloads import download
from translate.errors import DownloadError, OutputError

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT by ranges. A path names a misbehaviour; what was asked and sent is remembered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []  # path and range
        self.sent = 0  # bytes of bodies
        self.seen = threading.Event()  # set when the client has what was sent

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, wanted = self.path.strip("/"), self.headers.get("Range", "")
        self.server.asked.append((path, wanted))
        start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0)
        turn = len(self.server.asked)
        if path == "ranges-ignored":
            self.answer(200, CONTENT)
        elif path == "cut":
            self.part(start, CONTENT[start : start + 3000])
        elif path == "cut-and-ranges-ignored":
            self.answer(200, CONTENT[:3000], {"Content-Length": str(len(CONTENT))})
        elif path in ("trickling", "trickling-once") and (path == "trickling" or turn == 1):
            self.part(start, CONTENT[start : start + 100])
            self.wait()
        elif path == "fading" and turn == 1:
            self.part(start, CONTENT[:5000])
            self.server.seen.wait(60)
            self.wfile.write(CONTENT[5000:5100])
            self.wait()
        elif path == "silent":
            self.close_connection = True
        elif path == "busy-once" and turn == 1:
            self.answer(503, b"later")
        elif path.isdigit():
            self.answer(int(path), b"an error page", {"Content-Type": "text/html"})
        elif path == "page":
            self.answer(200, CONTENT, {"Content-Type": "text/html; charset=utf-8"})
        elif path == "short":
            self.answer(200, CONTENT[:-1])
        elif path == "long":
            self.answer(200, CONTENT + b"!")
        elif path == "endless":
            self.answer(200, CONTENT * 9, {"Content-Length": None})
        elif path == "no-length":
            self.answer(200, CONTENT, {"Content-Length": None})
        elif path == "other":
            self.part(start, CONTENT[::-1][start:])
        elif path == "other-part":
            self.part(0, CONTENT[start:])
        elif path == "no-such-range":
            self.answer(416 if wanted else 200, b"" if wanted else CONTENT)
        elif path.startswith("to="):
            self.answer(302, b"", {"Location": path.removeprefix("to=")})
        elif path == "good-after-a-redirect":
            self.answer(307, b"", {"Location": "/good"})
        else:
            self.part(start, CONTENT[start:])

    def part(self, start: int, body: bytes) -> None:
        if start == 0 and "Range" not in self.headers:
            return self.answer(200, body, {"Content-Length": str(len(CONTENT))})
        span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        asked = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        return self.answer(206, body, {"Content-Range": span, "Content-Length": str(len(CONTENT) - asked)})

    def wait(self) -> None:
        """Send nothing more until the client has gone."""
        with contextlib.suppress(ConnectionError):
            self.rfile.read(1)

    def answer(self, code: int, body: bytes, headers: dict[str, str | None] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.server.sent += len(body)  # before the client can know
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def get(server: Server, tmp_path: Path) -> Callable[..., bytes]:
    """Download from a misbehaving path, and return what came."""

    def call(path: str, start: bytes = b"") -> bytes:
        place = tmp_path / "new" / "file.part"
        if start:
            place.parent.mkdir()
            place.write_bytes(start)
        download(server.url(path), place, len(CONTENT), SHA256, lambda *_: None)
        return place.read_bytes()

    return call


Get = Callable[..., bytes]


def left(tmp_path: Path) -> bytes:
    return (tmp_path / "new" / "file.part").read_bytes()


@pytest.mark.parametrize("path", ["good", "no-length", "good-after-a-redirect"])
def test_a_good_server_gives_the_file_at_once(get: Get, server: Server, path: str) -> None:
    assert get(path) == CONTENT
    assert server.sent == len(CONTENT)


def test_the_bytes_on_the_way_are_told(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    download(server.url("cut"), tmp_path / "file", len(CONTENT), SHA256, lambda *counts: told.append(counts))
    assert told == sorted(set(told))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert {3000, 6000, 9000} <= {count for count, _ in told}


@pytest.mark.fault("S-10")
def test_a_connection_that_breaks_off_again_and_again_is_continued(get: Get, server: Server) -> None:
    assert get("cut") == CONTENT
    assert [span for _, span in server.asked] == ["", "bytes=3000-", "bytes=6000-", "bytes=9000-"]
    assert server.sent == len(CONTENT)  # no byte came twice


@pytest.mark.fault("S-10")
def test_a_server_that_brings_nothing_new_is_given_up_and_the_beginning_kept(
    get: Get, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=r"cut-and-ranges-ignored ended after 3,000 of 10,240 bytes"):
        get("cut-and-ranges-ignored")
    assert len(server.asked) == 1 + downloads.ATTEMPTS
    assert left(tmp_path) == CONTENT[:3000]


@pytest.mark.parametrize("code", [403, 404, 410, 501])
@pytest.mark.fault("S-10")
def test_a_refusal_is_believed(get: Get, server: Server, code: int) -> None:
    with pytest.raises(DownloadError, match=f"answers {code} ") as caught:
        get(str(code))
    assert caught.value.exit_code == 4
    assert server.url(str(code)) in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("path", ["429", "500", "503", "silent"])
@pytest.mark.fault("S-10")
def test_a_busy_server_is_asked_again_but_not_for_ever(
    get: Get, server: Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(downloads, "PAUSE_S", 1.0)
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)
    with pytest.raises(DownloadError, match="does not answer" if path == "silent" else f"answers {path}"):
        get(path)
    assert len(server.asked) == downloads.ATTEMPTS
    assert pauses == [1.0, 2.0, 4.0]
    server.asked.clear()
    assert get("busy-once") == CONTENT


def let_looks_take(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let each look at the clock be so much later than the one before."""
    monkeypatch.setattr(downloads.time, "perf_counter", itertools.count(step=seconds).__next__)


@pytest.mark.fault("S-10")
def test_a_server_that_trickles_is_asked_for_the_rest_and_given_up_after_some_attempts(
    get: Get, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(downloads, "PAUSE_S", 1.0)
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)
    let_looks_take(monkeypatch, downloads.TIMEOUT_S)
    with pytest.raises(DownloadError, match="trickling brings less than 1,000 bytes a second"):
        get("trickling")
    assert [span for _, span in server.asked] == ["", "bytes=100-", "bytes=200-", "bytes=300-"]
    assert pauses == [1.0, 2.0, 4.0]
    assert left(tmp_path) == CONTENT[:400]


@pytest.mark.fault("S-10")
def test_a_server_that_trickles_once_is_continued(get: Get, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    let_looks_take(monkeypatch, downloads.TIMEOUT_S)
    monkeypatch.setattr(downloads, "SLOWEST", 4)
    assert get("trickling-once") == CONTENT
    assert [span for _, span in server.asked] == ["", "bytes=100-"]
    assert server.sent == len(CONTENT)


@pytest.mark.fault("S-10")
def test_the_last_half_minute_counts_and_not_what_came_before(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)
    let_looks_take(monkeypatch, downloads.TIMEOUT_S)
    monkeypatch.setattr(downloads, "SLOWEST", 10)

    def tell(done: int, _: int) -> None:
        if done >= 5000:
            server.seen.set()

    download(server.url("fading"), tmp_path / "file", len(CONTENT), SHA256, tell)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [span for _, span in server.asked] == ["", "bytes=5100-"]
    assert len(pauses) == 1  # after silence, when 5,100 bytes had come, there would have been none


@pytest.mark.fault("S-10")
def test_a_slow_line_that_brings_enough_is_left_alone(
    get: Get, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_looks_take(monkeypatch, downloads.TIMEOUT_S / 4)
    monkeypatch.setattr(downloads, "SLOWEST", 4)
    monkeypatch.setattr(downloads, "_CHUNK", 64)  # so 3 to 4 times as many bytes come in a half minute as must
    assert get("good") == CONTENT
    assert server.asked == [("good", "")]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("page", "sends a web page instead of the file"),
        ("short", "offers 10239 bytes instead of 10240"),
        ("long", "offers 10241 bytes instead of 10240"),
        ("endless", "gives more than the expected 10,240 bytes"),
        ("other", "gives another file: its SHA-256 is "),
    ],
)
@pytest.mark.fault("S-10")
def test_another_file_is_refused_and_none_of_it_kept(get: Get, tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(DownloadError, match=reason):
        get(path)
    assert left(tmp_path) == b""


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"])
@pytest.mark.fault("S-10")
def test_redirects_lead_to_http_only(get: Get, server: Server, target: str) -> None:
    with pytest.raises(DownloadError, match=r"answers 302|cannot be reached: unknown url type"):
        get(f"to={target}")
    assert len(server.asked) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "no address", "http://127.0.0.1:1/x"])
@pytest.mark.fault("S-10")
def test_what_is_no_server_is_refused_at_once(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadError, match=r"cannot be (reached|asked)"):
        download(url, tmp_path / "file", 1, "", lambda *_: None)


@pytest.mark.fault("S-10")
def test_certificates_are_checked() -> None:
    (https,) = (handler for handler in downloads._opener().handlers if hasattr(handler, "https_open"))
    context = https._context or http.client.HTTPSConnection("x")._context  # what the handler takes where it has none
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.fault("S-10")
def test_a_name_that_nobody_knows_and_a_server_without_tls_are_refused_at_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match=r"https://127\.0\.0\.1:\d+/good cannot be reached: .*SSL"):
        download(server.url("good").replace("http", "https"), tmp_path / "file", 1, None, lambda *_: None)

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DownloadError, match=r"cannot be reached: .*Name or service not known"):
        download("http://nobody.invalid/x", tmp_path / "file", 1, None, lambda *_: None)


@pytest.mark.fault("S-10")
def test_a_proxy_of_the_environment_is_asked(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    download("http://elsewhere.invalid/good", tmp_path / "file", len(CONTENT), SHA256, lambda *_: None)
    assert server.asked == [("http://elsewhere.invalid/good", "")]


@pytest.mark.fault("S-11")
def test_a_download_continues_where_it_stopped(get: Get, server: Server) -> None:
    assert get("good", CONTENT[:7000]) == CONTENT
    assert server.asked == [("good", "bytes=7000-")]
    assert server.sent == len(CONTENT) - 7000


@pytest.mark.fault("S-11")
def test_a_whole_file_is_not_asked_for_again(get: Get, server: Server) -> None:
    assert get("good", CONTENT) == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("path", ["ranges-ignored", "no-such-range"])
@pytest.mark.fault("S-11")
def test_a_server_without_ranges_is_read_from_the_start(get: Get, server: Server, path: str) -> None:
    assert get(path, CONTENT[:7000]) == CONTENT
    assert server.sent == len(CONTENT)


@pytest.mark.fault("S-11")
def test_another_part_than_asked_for_is_refused(get: Get, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"sends bytes 0-10239/10240 instead of the bytes from 7000 on"):
        get("other-part", CONTENT[:7000])
    assert left(tmp_path) == CONTENT[:7000]


@pytest.mark.parametrize("start", [b"x" * 7000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
@pytest.mark.fault("S-11")
def test_the_beginning_of_another_file_is_forgotten(get: Get, server: Server, start: bytes) -> None:
    assert get("good", start) == CONTENT
    assert server.asked[-1] == ("good", "")
    assert len(server.asked) <= 2


def test_a_place_that_cannot_be_written_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        download(server.url("good"), tmp_path / "file" / "x", len(CONTENT), SHA256, lambda *_: None)
    assert server.asked == []
