"""The page in a real browser: what people do with it, and what other pages may not."""

import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.conversion.small import noise, put, run
from tests.serve import browser
from tests.serve.browser import Browser
from tests.serve.site import Site, served, small_model
from translate.serve.access import Access

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())]

READY = "return !document.body.dataset.busy && document.querySelectorAll('.tile').length === arguments[0]"
SHOWN = (
    "const images = ['before', 'after'].map(id => document.getElementById(id));"
    "return images.every(image => image.complete && image.naturalWidth > 0 && image.offsetWidth > 0)"
)


@pytest.fixture(scope="module")
def driver() -> Iterator[int]:
    with browser.driver() as port:
        yield port


@pytest.fixture(scope="module")
def window(driver: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A window that all tests of this file share."""
    one = Browser(driver, tmp_path_factory.mktemp("browser"))
    yield one
    one.close()


@pytest.fixture
def opened(window: Browser, site: Site) -> Browser:
    """The window, with the page freshly loaded."""
    window.open(f"http://127.0.0.1:{site.port}/")
    window.complaints()
    return window


def upload(window: Browser, *files: Path, selector: str = "#files") -> None:
    before = window.run("return document.querySelectorAll('.tile').length")
    window.type(selector, "\n".join(map(str, files)))
    window.until(READY, before + len(files))


def test_a_photo_is_painted_compared_and_downloaded_as_apply_writes_it(opened, site, tmp_path):
    photo = put(tmp_path / "beach.jpg", noise(120, 160))
    upload(opened, photo)
    opened.until(SHOWN)
    assert opened.text("#shown-name") == "beach.jpg"
    assert "160 \u00d7 120 pixels" in opened.text("#shown-facts")
    at = "return document.querySelector('.stage').style.getPropertyValue('--at')"
    opened.drag("#slider", 0.25)
    assert 20 < float(opened.run(at).removesuffix("%")) < 30
    opened.type("#slider", "\ue014")  # the arrow to the right
    assert float(opened.run(at).removesuffix("%")) > 20
    opened.click("#download")
    (result,) = run([photo], tmp_path / "out").values()
    assert opened.downloaded("beach.jpg") == result.output.read_bytes()
    assert opened.complaints() == []
    inner = ("blob:", "data:", "chrome:")  # the first page of the browser is of the last
    addresses = [address for address in opened.requested() if not address.startswith(inner)]
    assert any("/pictures?" in address for address in addresses)
    assert [address for address in addresses if not address.startswith(f"http://127.0.0.1:{site.port}/")] == []


def test_options_are_those_of_apply_and_pictures_are_painted_again_with_them(opened, tmp_path):
    photo = put(tmp_path / "a.png", noise(40, 50))
    upload(opened, photo)
    opened.run(
        "const form = document.getElementById('options'); form.elements.strength.value = 0.5;"
        "form.elements.take.value = 'lightness'; form.dispatchEvent(new Event('input'))"
    )
    assert opened.text("#strength-shown") == "0.5"
    assert "--strength 0.5 --keep-colour" in opened.run("return document.getElementById('command').textContent")
    opened.click("#again")
    opened.until(READY, 1)
    opened.until(SHOWN)
    opened.click("#download")
    from translate.inference.blending import Blending

    (result,) = run([photo], tmp_path / "out", blending=Blending(0.5, "lightness")).values()
    assert opened.downloaded("a.png") == result.output.read_bytes()
    opened.click("#clear")
    opened.until("return !document.querySelector('.tile') && !document.querySelector('.drop.small')")


def test_a_mask_that_is_changed_while_the_first_is_uploaded_is_the_one_that_counts(opened, tmp_path):
    for name, level in (("first.png", 0), ("second.png", 255)):
        put(tmp_path / name, np.full((40, 50, 3), level, np.uint8))
    opened.run(
        "const real = window.fetch; window.asked = []; const held = new Promise(go => { window.go = go; });"
        "window.fetch = async (address, how) => {"
        "  window.asked.push(address);"
        "  if (address.endsWith('/masks')) await held;"
        "  return real(address, how); };"
    )
    opened.type("#mask", str(tmp_path / "first.png"))
    opened.type("#files", str(put(tmp_path / "a.png", noise(40, 50))))
    opened.until("return window.asked.some(address => address.endsWith('/masks'))")
    opened.type("#mask", str(tmp_path / "second.png"))
    opened.run("window.go()")
    opened.until(READY, 1)
    asked = opened.run("return window.asked")
    assert [address.endswith("/masks") for address in asked] == [False, True, True, False]
    assert "mask=2" in asked[-1]


def test_a_folder_keeps_its_folders_and_what_is_no_picture_is_left_out(opened, tmp_path):
    for number, name in enumerate(("trip/a/x.png", "trip/b/x.png", "trip/.hidden/x.png")):
        put(tmp_path / name, noise(20, 30, number))
    (tmp_path / "trip/notes.txt").write_text("no picture")
    opened.type("#folder", str(tmp_path / "trip"))
    opened.until(READY, 2)
    opened.until("return document.querySelectorAll('.tile img').length === 2")
    opened.click("#archive")
    archive = zipfile.ZipFile(io.BytesIO(opened.downloaded("painted.zip")))
    assert sorted(archive.namelist()) == ["trip/a/x.png", "trip/b/x.png"]


def test_the_camera_takes_a_photo(opened):
    opened.click("#open-camera")
    opened.until("return document.getElementById('live').videoWidth > 0")
    opened.click("#take")
    opened.until(READY, 1)
    opened.until(SHOWN)
    assert opened.text("#shown-name").startswith("camera-")
    assert opened.run(
        "return document.getElementById('live').srcObject.getTracks().every(t => t.readyState == 'ended')"
    )


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(opened, how):
    opened.run(
        """const [how, bytes] = arguments, moved = new DataTransfer();
        moved.items.add(new File([new Uint8Array(bytes)], 'moved.png', { type: 'image/png' }));
        document.dispatchEvent(how === 'paste' ? new ClipboardEvent(how, { clipboardData: moved, bubbles: true })
          : new DragEvent(how, { dataTransfer: moved, bubbles: true, cancelable: true }))""",
        how,
        list(put(Path("moved.png"), noise(30, 30)).read_bytes()),
    )
    opened.until(READY, 1)
    opened.until(SHOWN)


def test_a_broken_file_says_what_is_wrong(opened, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    upload(opened, tmp_path / "broken.jpg")
    assert opened.text("#message").startswith("broken.jpg: cannot be decoded")
    assert opened.run("return document.getElementById('viewer').hidden")


def test_the_page_fits_any_window_and_tabs_are_reached_by_keys(opened):
    for width in (360, 768, 1440):
        opened.resize(width, 800)
        assert opened.run("return document.documentElement.scrollWidth <= window.innerWidth")
    opened.type("#tab-paint", "\ue014")
    assert opened.run("return document.activeElement.id") == "tab-trainings"
    assert not opened.run("return document.getElementById('trainings').hidden")
    assert opened.complaints() == []


@pytest.mark.fault("F-40")
def test_two_users_paint_at_once(opened, site, driver, tmp_path):
    other = Browser(driver, tmp_path / "other")
    try:
        other.open(f"http://127.0.0.1:{site.port}/")
        for window, name in ((opened, "one.png"), (other, "two.png")):
            put(tmp_path / name, noise(60, 60))
            window.type("#files", str(tmp_path / name))
        for window, name in ((opened, "one.png"), (other, "two.png")):
            window.until(READY, 1)
            window.until(SHOWN)
            assert window.text("#shown-name") == name
    finally:
        other.close()


class Evil(BaseHTTPRequestHandler):
    """A page of somebody else, on this machine, so that no browser is in the way of what it asks for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.fault("S-19")
def test_another_page_cannot_ask(window, temporary, tmp_path, monkeypatch):
    refused, refusal = [], Access.refusal

    def recorded(access, headers, writes):
        found = refusal(access, headers, writes)
        refused.append((headers.get("Origin"), found))
        return found

    monkeypatch.setattr(Access, "refusal", recorded)
    evil = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=evil.serve_forever, args=(0.01,)).start()
    try:
        with served(small_model(tmp_path / "model")) as site:
            origin = f"http://127.0.0.1:{evil.server_address[1]}"
            window.open(f"{origin}/")
            for mode in ("no-cors", "cors"):
                window.run(
                    "const [address, mode] = arguments;"
                    "return fetch(address, {method: 'POST', mode, body: 'x'}).then(() => 1, () => 0)",
                    f"http://127.0.0.1:{site.port}/albums",
                    mode,
                )
            assert refused == [(origin, (403, "Another page asked for this. Only the page itself may."))] * 2
    finally:
        evil.shutdown()
        evil.server_close()
