"""Pictures of a dataset on the Hugging Face Hub, which a server on this machine plays: hf://datasets/OWNER/NAME."""

import hashlib
import http.server
import json
import re
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.conversion.small import ABOUT, TRANSLATOR, noise, put
from tests.playing_hub import answer, say_nothing, served
from translate import places
from translate.conversion.job import Job
from translate.copies import copied
from translate.errors import DataError
from translate.places import listing, path_of
from translate.progress import silent

pytest.importorskip("huggingface_hub")

SET = path_of("hf://datasets/me/birds")
TREE = re.compile(r"/api/datasets/me/birds/tree/main/?([^?]*)")
FILE = re.compile(r"/datasets/me/birds/resolve/main/(.+)")


class Hub(http.server.ThreadingHTTPServer):
    """A hub of one dataset, me/birds."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.refusal = 0  # the status of all answers
        self.asked: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub
    answer, log_message = answer, say_nothing

    def do_GET(self) -> None:
        hub = self.server
        hub.asked.append(self.path)
        if hub.refusal:
            return self.answer(hub.refusal, b"{}", **{"X-Error-Message": "Please log in."})
        if tree := TREE.match(self.path):
            found = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in hub.files.items() if name.startswith(f"{tree[1]}/" if tree[1] else "")
            ]  # fmt: skip
            return self.answer(200, json.dumps(found).encode()) if found else self.missing()
        if self.path == "/api/datasets/me/birds":
            return self.answer(200, json.dumps({"id": "me/birds", "sha": "a" * 40}).encode())
        file = FILE.match(self.path)
        if file is None or file[1] not in hub.files:
            return self.missing()
        return self.answer(200, hub.files[file[1]], ETag='"1"', **{"X-Repo-Commit": "a" * 40})

    def do_HEAD(self) -> None:
        self.do_GET()

    def missing(self) -> None:
        self.answer(404, b"{}", **{"X-Error-Code": "EntryNotFound"})


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Play a hub with two pictures and a text."""
    with Hub() as running, served(running, tmp_path, monkeypatch):
        for number in range(2):
            running.files[f"in/{number}.png"] = put(tmp_path / "a.png", noise(9, 7, number)).read_bytes()
        running.files["README.md"] = b"text"
        forget()
        yield running
    forget()


def forget() -> None:
    """Let the next question make a store of its own: fsspec keeps them, too."""
    places._store.cache_clear()
    fsspec.get_filesystem_class("hf").clear_instance_cache()


def statuses(job: Job) -> dict[str, str]:
    return {result.source.name: result.status for result in job.run(TRANSLATOR)}


@pytest.mark.fault("F-28")
def test_pictures_are_converted_and_made_again_when_they_change(hub: Hub, tmp_path: Path) -> None:
    job = Job(ABOUT, (f"{SET}/**/*.png",), tmp_path / "out")
    assert statuses(job) == {"0.png": "done", "1.png": "done"}
    assert len([path for path in hub.asked if "/resolve/" in path]) == 2
    hub.files["in/1.png"] = put(tmp_path / "a.png", noise(9, 7, 9)).read_bytes()
    assert statuses(job) == {"0.png": "skipped", "1.png": "done"}


def test_a_file_is_read_in_part_and_a_folder_is_copied(hub: Hub) -> None:
    assert (SET / "README.md").read_bytes(2) == b"te"  # type: ignore[call-arg]
    folder = copied(places.RemotePath(SET / "in"), silent)
    assert (folder / "1.png").read_bytes() == hub.files["in/1.png"]


@pytest.mark.fault("F-27")
def test_a_picture_that_goes_in_between_fails_alone(hub: Hub, tmp_path: Path) -> None:
    job = Job(ABOUT, (str(SET / "in"),), tmp_path / "out")
    plan = job.plan()
    hub.files.pop("in/0.png")
    gone, done = job.run(TRANSLATOR, plan)
    assert gone.reason == "cannot be decoded: there is no such file or bucket, or no longer."
    assert done.status == "done"


@pytest.mark.fault("F-27")
@pytest.mark.parametrize("status", [401, 403])
def test_a_dataset_that_is_not_public_asks_for_credentials(hub: Hub, status: int) -> None:
    hub.refusal = status
    with pytest.raises(DataError, match="asks for credentials, or refuses those that it found: Please log in"):
        listing(places.RemotePath(SET))
