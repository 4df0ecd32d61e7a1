"""Requests that are none of the page's are refused with a sentence, and nothing of them stays."""

import http.client
import json
import re
import socket

import pytest

from tests.serve.site import Site, served
from translate.errors import OutputError
from translate.serve.access import Access
from translate.serve.pages import FILES
from translate.serve.running import Place
from translate.serve.server import Server, Visit


@pytest.mark.fault("S-19")
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{}", "127.0.0.1.evil.example", "", "0.0.0.0:{}", "[::2]:{}"]
)
def test_a_name_that_leads_here_is_refused(site: Site, host: str) -> None:
    for method in ("GET", "POST"):
        status, _, body = site.ask(method, "/", b"", {"Host": host.format(site.port)})
        assert status == 403
        assert "--allow-host" in json.loads(body)["error"]


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "LOCALHOST", "[::1]:{}"])
def test_this_machine_may_call_itself_by_all_its_names(site: Site, host: str) -> None:
    assert site.ask("GET", "/", None, {"Host": host.format(site.port)})[0] == 200


@pytest.mark.fault("S-19")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_may_not_ask(site: Site, headers: dict[str, str]) -> None:
    headers = {name: value.format(site.port) for name, value in headers.items()}
    status, answered, body = site.ask("POST", "/albums", b"", headers)
    assert (status, json.loads(body)["error"]) == (403, "Another page asked for this. Only the page itself may.")
    assert not [name for name in answered if name.startswith("Access-Control")]


def test_the_page_itself_may_ask(site: Site) -> None:
    headers = {"Origin": f"http://127.0.0.1:{site.port}", "Sec-Fetch-Site": "same-origin"}
    assert site.ask("POST", "/albums", b"", headers)[0] == 200


@pytest.mark.fault("S-19")
def test_a_page_is_served_under_other_names_only_where_that_was_said(temporary, model) -> None:
    with served(model, Place(port=0, access=Access(frozenset({"me-monet.hf.space"})))) as site:
        headers = {"Host": "me-monet.hf.space", "Origin": "https://me-monet.hf.space"}
        status, answered, _ = site.ask("POST", "/albums", b"", headers)
        assert status == 200
        assert "frame-ancestors https://huggingface.co" in answered["Content-Security-Policy"]
        assert site.ask("POST", "/albums", b"", {**headers, "Origin": "https://you-monet.hf.space"})[0] == 403


def test_nothing_is_fetched_from_elsewhere_and_all_that_is_named_is_there(site: Site) -> None:
    _, headers, page = site.ask("GET", "/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"unsafe|http|\*", policy)
    for text in (page, *(site.get(f"/{name}") for name in FILES)):
        assert not re.search(rb"(?<!w3.org)//[a-z]+\.[a-z]", text.replace(b"http://www.w3.org", b""))
    named = set(re.findall(r'(?:href|src)="([\w.-]+\.\w+)"', page.decode()))
    assert named == {"page.css", "page.js", "icon.svg"}
    modules = {word for name in FILES for word in re.findall(rb"from './([\w.]+)'", site.get(f"/{name}"))}
    assert {word.decode() for word in modules} | named == set(FILES)
    ids = set(re.findall(r'id="([\w-]+)"', page.decode()))
    for name in ("page.js", "stage.js", "trainings.js"):
        assert set(re.findall(r"find\('([\w-]+)'\)", site.get(f"/{name}").decode())) <= ids


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/../pages.py", {}, 404),
        ("GET", "/albums/x/pictures/1", {}, 404),
        ("PUT", "/", {}, 501),
        ("HEAD", "/nothing", {}, 501),
        ("POST", "/albums", {"Transfer-Encoding": "chunked"}, 411),
        ("POST", "/albums", {"Content-Length": "-1"}, 400),
        ("POST", "/albums", {"Content-Length": "many"}, 400),
        ("GET", f"/?{'a=&' * 33}", {}, 400),
        ("GET", "http://[/", {}, 400),
        ("GET", "/", {"Origin": "http://["}, 403),
    ],
)
def test_other_requests_are_refused(site: Site, method: str, path: str, headers: dict[str, str], status: int) -> None:
    found, answered, body = site.ask(method, path, None, headers)
    assert (found, answered["Content-Type"]) == (status, "application/json")
    assert method == "HEAD" or json.loads(body)["error"].endswith(".")
    assert site.told == []


def test_what_is_no_request_is_answered_with_a_sentence(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"This is no request that the page makes" in answer


def spoken(site: Site, words: str) -> bytes:
    """Return all that is answered to words on one connection, to which nothing more is said."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(words.replace("\n", "\r\n").encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.fault("S-19")
@pytest.mark.parametrize("begin", ["GET /icon.svg", "POST /albums", "DELETE /albums/x", "GET /nothing"])
def test_a_body_that_nobody_reads_is_no_request(site: Site, begin: str) -> None:
    inner = "GET /page.css HTTP/1.1\nHost: 127.0.0.1\n\n"
    length = len(inner.replace("\n", "\r\n"))
    asked = f"{begin} HTTP/1.1\nHost: 127.0.0.1\nContent-Length: {length}\n\n{inner}"
    assert spoken(site, asked).count(b"HTTP/1.1 ") == 1
    assert spoken(site, asked + inner).count(b"HTTP/1.1 ") == 2  # the connection is kept for the next one


def test_a_long_body_that_nobody_reads_ends_the_connection(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.serve.server.DRAINED", 10)
    inner = "GET /page.css HTTP/1.1\nHost: 127.0.0.1\n\n"
    answer = spoken(site, f"GET /icon.svg HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 60\n\n{inner}")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer


def test_an_answer_that_breaks_off_is_seen_to_be_no_whole(temporary, model, monkeypatch) -> None:
    def one(visit: Visit) -> None:
        visit.send_stream(lambda stream: (stream.write(b"first"), stream.flush(), 1 / 0), "text/plain", "a.txt")

    monkeypatch.setattr("translate.serve.pictures.Pictures._static", lambda _, visit: one(visit))
    with served(model) as site:
        with pytest.raises(http.client.IncompleteRead) as caught:
            site.ask("GET", "/icon.svg")
        assert caught.value.partial == b"first"
        assert "ZeroDivisionError" in site.told[0]
        asked = "GET /icon.svg HTTP/{}\nHost: 127.0.0.1\n\n"
        for version in ("1.0", "1.1"):
            answer = spoken(site, asked.format(version) * 2)
            assert answer.count(b"HTTP/1.1 ") == 1
            assert answer.endswith(b"\r\n\r\n" + (b"first" if version == "1.0" else b"5\r\nfirst\r\n"))
        assert "error" not in answer.decode()


def test_what_nobody_needs_is_tidied_while_the_page_is_open(monkeypatch) -> None:
    tidied: list[int] = []
    server = Server(("127.0.0.1", 0), Access(), {}, lambda _: None, lambda: tidied.append(1))
    with server:
        server.service_actions()
        assert tidied == []  # it has just begun
        monkeypatch.setattr("translate.serve.server.TIDIED_S", -1.0)
        server.service_actions()
        assert tidied == [1]


@pytest.mark.fault("S-20", "F-40")
def test_an_upload_that_breaks_off_leaves_nothing(site: Site, temporary) -> None:
    album, before = site.album(), set(temporary.rglob("*"))
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        head = f"POST /albums/{album}/pictures?name=a.png&model={site.model} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        connection.sendall(f"{head}Content-Length: 5000\r\n\r\n".encode() + bytes(2000))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(4096) == b""  # the server has closed it, after it cleared away
    assert {path for path in set(temporary.rglob("*")) - before if path.is_file()} == set()
    assert site.told == []


def test_connections_above_the_most_are_closed(temporary, model, monkeypatch) -> None:
    monkeypatch.setattr("translate.serve.server.AT_ONCE", 2)
    with served(model) as site:
        first = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(2)]
        with socket.create_connection(("127.0.0.1", site.port)) as third:
            assert third.recv(1) == b""
        for connection in first:
            connection.close()


def test_a_port_that_is_taken_is_refused_and_without_one_the_next_is_tried(temporary, model, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        ports, before = [one.getsockname()[1] for one in (taken, other)], set(temporary.iterdir())
        refusal = f"cannot be served at 127.0.0.1:{ports[0]}: .* another --port"
        with pytest.raises(OutputError, match=refusal), served(model, Place(port=ports[0])):
            pass
        other.close()
        monkeypatch.setattr("translate.serve.running.PORTS", ports)
        with served(model, Place()) as site:
            assert site.port == ports[1]
    assert set(temporary.iterdir()) == before


@pytest.mark.parametrize(
    ("place", "address", "private"),
    [
        (Place(), "http://127.0.0.1:1/", True),
        (Place("::1"), "http://[::1]:1/", True),
        (Place("0.0.0.0", access=Access(token="abc")), "http://127.0.0.1:1/abc/", False),
        (Place("192.168.1.5", access=Access(frozenset({"192.168.1.5"}))), "http://192.168.1.5:1/", False),
        (Place(access=Access(frozenset({"photos.example"}))), "http://127.0.0.1:1/", False),
    ],
)
def test_the_address_is_one_to_open_here(place: Place, address: str, private: bool) -> None:
    assert (place.address(1), place.is_private) == (address, private)
