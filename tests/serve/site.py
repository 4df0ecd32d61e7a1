"""A page that is served in this process, with a tiny model, and what asks it."""

import contextlib
import http.client
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image
from torch import nn

from tests.conversion.small import ABOUT, TRANSLATOR, noise
from translate import images
from translate.inference.translator import Translator
from translate.models.exports import write_export
from translate.run_folder import RunFolder
from translate.serve.choices import Models
from translate.serve.running import Place, opened


def encoded(format: str = "PNG", height: int = 9, width: int = 7, seed: int = 0, **options: Any) -> bytes:
    """Return the bytes of a picture of noise."""
    stream = io.BytesIO()
    Image.fromarray(noise(height, width, seed)).save(stream, format, **options)
    return stream.getvalue()


def small_model(folder: Path) -> str:
    """Write the export of the tiny translator, and return its word."""
    write_export(RunFolder(folder).export, nn.ModuleList(TRANSLATOR.method.averaged()), ABOUT)
    return str(folder)


class Site:
    """Asks a page that is served."""

    def __init__(self, port: int, model: str, told: list[str]) -> None:
        self.port, self.model, self.told = port, model, told

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Host": f"127.0.0.1:{self.port}", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def get(self, path: str) -> bytes:
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def told_by(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """Return the status, and what the answer says in JSON."""
        status, headers, answer = self.ask(method, path, body)
        assert headers["Content-Type"] == "application/json"
        return status, json.loads(answer)

    def album(self) -> str:
        return str(self.told_by("POST", "/albums", b"")[1]["album"])

    def paint(self, album: str, name: str, content: bytes, **words: str) -> tuple[int, Any]:
        query = urlencode({"model": self.model, "name": name, **words})
        return self.told_by("POST", f"/albums/{album}/pictures?{query}", content)

    def result(self, album: str, number: str) -> bytes:
        return self.get(f"/albums/{album}/pictures/{number}")


@contextlib.contextmanager
def served(
    model: str,
    place: Place | None = None,
    limits: images.Limits = images.LIMITS,
    load: Callable[[str], Translator] = lambda word: TRANSLATOR,
) -> Iterator[Site]:
    """Serve a page with one model, at a free port."""
    told: list[str] = []
    with opened(Models([model], load), place or Place(port=0), told.append, limits) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Site(server.server_address[1], model, told)
        finally:
            server.shutdown()
            thread.join()
