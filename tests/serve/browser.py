"""A real browser: Chromium, spoken to by the protocol of https://www.w3.org/TR/webdriver2/ through its driver.

The client of the protocol is a few requests, and the one on the package index brings a dozen packages.
"""

import base64
import contextlib
import http.client
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of the name of an element
PATIENCE_S = 60.0
LOOK_S = 0.05  # between two looks


def missing() -> str:
    """Say what of the browser is not installed; empty: nothing."""
    programs = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "its driver": ("chromedriver",)}
    absent = [what for what, names in programs.items() if not any(map(shutil.which, names))]
    return f"there is no {' and no '.join(absent)}" if absent else ""


class Browser:
    """An open window.

    Args:
        port: where the driver listens.
        folder: for what is downloaded and for the profile.
        dark: whether the user prefers a dark page.
    """

    def __init__(self, port: int, folder: Path, dark: bool = False) -> None:
        self._port, self.downloads = port, folder / "downloads"
        self.downloads.mkdir(parents=True)
        binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}", *(["--force-dark-mode"] if dark else [])]
        options = {"args": flags, "binary": binary, "prefs": {"download.default_directory": str(self.downloads)}}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}
        self._session = ""
        made = self._do("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"

    def close(self) -> None:
        self._do("DELETE", "")

    def open(self, address: str) -> None:
        self._do("POST", "/url", {"url": address})

    def resize(self, width: int, height: int) -> None:
        self._do("POST", "/window/rect", {"width": width, "height": height})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script returns, or what its promise becomes."""
        return self._do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, script: str, *arguments: Any) -> Any:
        """Return what a script returns as soon as that is something."""
        last = time.monotonic() + PATIENCE_S
        while time.monotonic() < last:
            if found := self.run(script, *arguments):
                return found
            time.sleep(LOOK_S)
        raise AssertionError(f"This did not become true: {script}. {self.run('return document.body.innerText')}")

    def click(self, selector: str) -> None:
        self._do("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into an element, or name files for one that takes them, a line for each."""
        self._do("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def text(self, selector: str) -> str:
        return str(self._do("GET", f"/element/{self._find(selector)}/text"))

    def drag(self, selector: str, share: float) -> None:
        """Press the mouse in the middle of an element, and let it go at this share of its width."""
        element = self._find(selector)
        width = self._do("GET", f"/element/{element}/rect")["width"]
        origin = {"origin": {ELEMENT: element}, "y": 0}
        steps = [
            {"type": "pointerMove", **origin, "x": 0},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", **origin, "x": round((share - 0.5) * width), "duration": 50},
            {"type": "pointerUp", "button": 0},
        ]
        self._do("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]})

    def picture(self) -> bytes:
        """Return what the window shows, as a PNG."""
        return base64.b64decode(self._do("GET", "/screenshot"))

    def downloaded(self, name: str) -> bytes:
        """Return what was downloaded under a name, when all of it is there."""
        last = time.monotonic() + PATIENCE_S
        while not (self.downloads / name).exists():
            assert time.monotonic() < last, list(self.downloads.iterdir())
            time.sleep(LOOK_S)
        return (self.downloads / name).read_bytes()

    def requested(self) -> list[str]:
        """Return the addresses of all requests of the window so far."""
        lines = [json.loads(line["message"])["message"] for line in self._log("performance")]
        return [line["params"]["request"]["url"] for line in lines if line["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Return what the browser complained of: scripts that failed, what a policy refused."""
        return [line["message"] for line in self._log("browser") if line["level"] == "SEVERE"]

    def _log(self, kind: str) -> Any:
        return self._do("POST", "/se/log", {"type": kind})

    def _find(self, selector: str) -> str:
        return str(self._do("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT])

    def _do(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, f"{self._session}{path}", None if body is None else json.dumps(body))
            answer = json.loads(connection.getresponse().read())["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{answer['error']}: {answer['message']}")
        return answer


@contextlib.contextmanager
def driver() -> Iterator[int]:
    """Start what speaks to browsers, and return its port."""
    command = [str(shutil.which("chromedriver")), "--port=0"]
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stdout=log) as process:
        try:
            last, port = time.monotonic() + PATIENCE_S, ""
            while not port:
                assert time.monotonic() < last
                log.seek(0)
                port = log.read().partition("successfully on port ")[2].partition(".\n")[0]
                time.sleep(LOOK_S)
            yield int(port)
        finally:
            process.terminate()
