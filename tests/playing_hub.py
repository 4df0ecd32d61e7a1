"""What tests that play the Hugging Face Hub share: a server on this machine, to which the real library talks."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def answer(handler: http.server.BaseHTTPRequestHandler, code: int, body: bytes, **headers: str) -> None:
    """Answer a request with bytes and headers."""
    handler.send_response(code)
    for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def say_nothing(handler: http.server.BaseHTTPRequestHandler, *words: object) -> None:
    """Take the place of what prints each request."""


@contextmanager
def served(hub: http.server.ThreadingHTTPServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the library take `hub` for the one in the world, and keep what it keeps in `folder`."""
    url = f"http://127.0.0.1:{hub.server_address[1]}"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TRANSLATE_HOME", str(folder / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)  # HF_ENDPOINT is read at import
    template = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(folder / "token"))
    thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
    thread.start()
    yield
    hub.shutdown()
    thread.join()
