"""Trainings are shown as they stand, and begun, stopped and continued by one command."""

import dataclasses
import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from tests.conversion.small import ABOUT, TRANSLATOR, put
from tests.serve.site import Site, served
from translate.files import write_text
from translate.models.exports import write_export
from translate.run_folder import RunFolder
from translate.serve import trainings
from translate.serve.access import Access
from translate.serve.running import Place
from translate.serve.trainings import Trainings

ASKED = {"source": "holidays", "aim": "art/paintings"}
WORDS = [
    "train", "--domain", "photo=holidays", "--domain", "paintings=art/paintings", "--config", "painting",
    "--out", "runs/photo2paintings",
]  # fmt: skip


@dataclasses.dataclass
class Fake:
    """A process that does nothing."""

    words: list[str]
    pid: int = 4711
    exitcode: int | None = None

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        assert timeout == trainings.ENDING_S
        self.exitcode = self.exitcode or 130


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    """The processes that were begun, of which none is one."""
    found: list[Fake] = []

    def start(words: Sequence[str], log: Path) -> Fake:
        log.write_text("reading\nStep 3 of 9\n\n")
        found.append(Fake(list(words)))
        return found[-1]

    def interrupt(pid: int, number: int) -> None:
        assert (pid, number) == (4711, signal.SIGINT)
        found[-1].exitcode = 130

    monkeypatch.setattr(trainings.Trainings.__init__, "__defaults__", (start,))
    monkeypatch.setattr(trainings.os, "kill", interrupt)
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures in some folders."""
    monkeypatch.chdir(tmp_path)
    for name in ("holidays/a.jpg", "holidays/b.jpg", "art/paintings/a.png", "art/paintings/b.png", "alone/a.png",
                 ".hidden/a.png", ".hidden/b.png", "runs/x/a.png", "runs/x/b.png", "c.png", "d.png"):  # fmt: skip
        put(tmp_path / name)
    (tmp_path / "words").mkdir()
    return tmp_path


@pytest.fixture
def site(here: Path, temporary: Path, model: str, begun: list[Fake]) -> Iterator[Site]:
    with served(model) as one:
        yield one


def post(site: Site, path: str, document: Any = None) -> tuple[int, Any]:
    return site.told_by("POST", path, json.dumps(document).encode())


def runs_of(site: Site) -> dict[str, Any]:
    return {run["name"]: run for run in json.loads(site.get("/trainings"))["runs"]}


def a_run(here: Path, name: str = "stripes", step: int = 1) -> RunFolder:
    """Write what a run leaves in its folder."""
    folder = RunFolder(here / "runs" / name)
    write_export(folder.export, nn.ModuleList(TRANSLATOR.method.averaged()), ABOUT)
    write_text(folder.settings, json.dumps({"training": {"steps": 1}}))
    write_text(folder.log, json.dumps({"step": step, "losses": {}}) + "\n")
    write_text(folder.report, "<script>1</script>")
    write_text(folder.curves, "<svg/>")
    put(folder.grid(1))
    return folder


def test_folders_of_pictures_are_offered_and_nothing_else(site):
    assert json.loads(site.get("/trainings"))["folders"] == ["art/paintings", "holidays"]


def test_folders_after_a_large_one_are_offered_and_not_all_of_that_is_looked_at(here, monkeypatch):
    looked_at: list[str] = []
    for number in range(60):
        (here / f"holidays/{number}.jpg").touch()
    monkeypatch.setattr(trainings, "LOOKED_AT", 50)
    monkeypatch.setattr(trainings, "IN_EACH", 20)
    monkeypatch.setattr(trainings, "is_hidden", lambda name: looked_at.append(name) or name.startswith("."))
    assert Trainings(here).folders() == ["art/paintings", "holidays"]
    assert len([name for name in looked_at if name.endswith(".jpg")]) == 20
    monkeypatch.setattr(trainings, "LOOKED_AT", 4)  # the first, alone, art and holidays
    assert Trainings(here).folders() == ["holidays"]


def test_a_training_is_begun_stopped_and_continued_by_one_command(site, here, begun):
    assert post(site, "/trainings", ASKED) == (200, {"name": "photo2paintings"})
    assert [process.words for process in begun] == [WORDS]
    run = runs_of(site)["photo2paintings"]
    assert (run["state"], run["ours"], run["message"]) == ("running", True, "Step 3 of 9")
    assert run["command"] == f"translate {' '.join(WORDS)}"
    for path, asked in (("/trainings", ASKED), ("/trainings/photo2paintings/continue", None)):
        status, told = post(site, path, asked)
        assert (status, told["error"]) == (
            507,
            "photo2paintings is being trained. Wait until it has ended, or stop it.",
        )
    assert post(site, "/trainings/photo2paintings/stop") == (200, {})
    run = runs_of(site)["photo2paintings"]
    assert (run["state"], run["failed"], run["continues"]) == ("stopped", False, True)
    assert post(site, "/trainings/photo2paintings/continue")[0] == 200
    assert post(site, "/trainings/photo2paintings/stop") == (200, {})
    assert post(site, "/trainings", ASKED) == (200, {"name": "photo2paintings"})  # the same folders: it goes on
    assert [process.words for process in begun] == [WORDS] * 3
    begun[-1].exitcode = 4
    assert runs_of(site)["photo2paintings"]["failed"]
    put(here / "other/paintings/a.png")
    (here / "other/paintings/b.png").write_bytes((here / "other/paintings/a.png").read_bytes())
    site_trainings_are_looked_for_again(site)
    assert post(site, "/trainings", {**ASKED, "aim": "other/paintings"}) == (200, {"name": "photo2paintings-2"})


def site_trainings_are_looked_for_again(site: Site) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainings, "FRESH_S", -1.0)
        assert "other/paintings" in json.loads(site.get("/trainings"))["folders"]


def test_a_page_that_ends_stops_what_it_has_begun_and_waits(here, temporary, model, begun):
    with served(model) as site:
        post(site, "/trainings", ASKED)
    assert [process.exitcode for process in begun] == [130]
    with served(model) as site:  # which knows how to go on
        assert runs_of(site) == {}  # nothing was done yet
        write_text(RunFolder("runs/photo2paintings").settings, "{}")
        assert runs_of(site)["photo2paintings"]["continues"]
        assert post(site, "/trainings/photo2paintings/continue")[0] == 200
    assert [process.words for process in begun] == [WORDS] * 2


def test_a_training_that_goes_on_in_a_terminal_is_shown_to_run_there(site, here, begun):
    post(site, "/trainings", ASKED)
    begun[-1].exitcode = 4
    run = runs_of(site)["photo2paintings"]
    assert (run["state"], run["ours"], run["failed"], run["message"]) == ("stopped", False, True, "Step 3 of 9")
    write_text(RunFolder(here / "runs/photo2paintings").running, "Process 1 on another machine")
    run = runs_of(site)["photo2paintings"]
    assert (run["state"], run["ours"], run["failed"], run["message"]) == ("running", False, False, "")
    assert post(site, "/trainings/photo2paintings/stop")[0] == 400


def test_a_run_that_is_damaged_or_removed_hides_no_other(site, here, monkeypatch):
    put(a_run(here, "good").samples / "favourite.png")
    write_text(a_run(here, "damaged").log, '{"step": 1, \n')
    write_text(a_run(here, "odd").log, "3\n")
    gone, real = a_run(here, "gone"), Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        """Remove the settings after the first look at them."""
        found = real(path, **options)
        if path.name == gone.settings.name and path.parent.name == "gone":
            gone.settings.unlink()
        return found

    monkeypatch.setattr(Path, "stat", stat)
    assert list(runs_of(site)) == ["good"]
    assert runs_of(site)["good"]["grids"] == [1]
    assert site.ask("GET", "/trainings/good/grids/1")[0] == 200


@pytest.mark.fault("S-16", "S-27")
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"source": "/etc", "aim": "holidays"}, "This page offers no folder '/etc'."),
        ({"source": "../x", "aim": "holidays"}, "This page offers no folder '../x'."),
        ({"source": "holidays --method x", "aim": "holidays"}, "This page offers no folder"),
        ({"source": "holidays", "aim": "holidays"}, "A style is learned from two folders."),
        ({"source": "holidays"}, "aim"),
        ({**ASKED, "config": "evil.toml"}, "config"),
    ],
)
def test_what_the_form_does_not_ask_for_is_refused(site, begun, asked, sentence):
    status, told = post(site, "/trainings", asked)
    assert status == 400
    assert sentence in told["error"]
    assert begun == []


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"x" * 70_000])
def test_what_is_no_request_is_refused(site, begun, body):
    assert site.told_by("POST", "/trainings", body)[0] in (400, 413)
    assert begun == []


def test_a_run_that_was_begun_elsewhere_is_shown_and_left_alone(site, here):
    folder = a_run(here)
    run = runs_of(site)["stripes"]
    assert (run["state"], run["step"], run["steps"], run["grids"]) == ("finished", 1, 1, [1])
    assert (run["ours"], run["continues"]) == (False, False)
    assert run["command"] == "translate apply runs/stripes PHOTOS --out RESULTS"
    for what in ("stop", "continue"):
        status, told = post(site, f"/trainings/stripes/{what}")
        assert (status, "stripes" in told["error"]) == (400, True)
    write_text(folder.running, f"Process 1 on {socket.gethostname()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "kill", lambda *_: None)
        assert runs_of(site)["stripes"]["state"] == "running"
    folder.running.unlink()
    write_text(folder.export, "damaged")
    assert runs_of(site)["stripes"]["state"] == "stopped"


def test_its_report_can_neither_ask_the_page_nor_be_taken_for_it(site, here):
    folder = a_run(here)
    status, headers, body = site.ask("GET", "/trainings/stripes/report")
    assert (status, body) == (200, folder.report.read_bytes())
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "connect-src" not in policy
    assert site.get("/trainings/stripes/curves") == b"<svg/>"
    assert site.get("/trainings/stripes/grids/1") == folder.grid(1).read_bytes()
    for path in ("/trainings/stripes/grids/2", "/trainings/stripes/grids/..", "/trainings/../report",
                 "/trainings/%2e%2e%2fstripes/report", "/trainings/nothing/curves"):  # fmt: skip
        assert site.ask("GET", path)[0] in (400, 404)
    shutil.rmtree(folder.path)
    assert site.ask("GET", "/trainings/stripes/report")[0] == 400


def test_others_than_this_machine_look_and_begin_nothing(here, temporary, model, begun):
    a_run(here)
    with served(model, Place(port=0, access=Access(frozenset({"photos.example"})))) as site:
        told = json.loads(site.get("/trainings"))
        assert told["folders"] is None
        assert [run["name"] for run in told["runs"]] == ["stripes"]
        assert post(site, "/trainings", ASKED)[0] == 404
        assert b'id="begin"' not in site.get("/")


@pytest.mark.slow  # another process imports torch
def test_a_process_is_begun_and_stopped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = trainings.start_process(["train", "nothing"], tmp_path / "log.txt")
    process.join(120)
    assert process.exitcode == 4
    found = Trainings(tmp_path)
    assert found.names() == []
    assert "There is no" in (tmp_path / "log.txt").read_text()
