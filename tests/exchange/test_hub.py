"""The Hugging Face Hub, as a server on this machine that the real library talks to: fetched from, and published to."""

import base64
import hashlib
import http.server
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import translate
from tests.playing_hub import answer, say_nothing, served
from translate import cards, cli
from translate.cards import HubWeights
from translate.errors import OutputError, SettingsError, WeightsError
from translate.exchange import hub, store
from translate.exchange.modelcard import model_card
from translate.files import exclusive_lock
from translate.inference.translator import Translator
from translate.methods.pretrained import Settings as Single
from translate.models.about import About
from translate.models.costs import costs_of
from translate.models.exports import read_about, write_export
from translate.models.finding import find_export
from translate.networks.resnet import Resnet

huggingface_hub = pytest.importorskip("huggingface_hub")

OLD, NEW = "a" * 40, "b" * 40  # commits
TOKEN = "hf_of_nobody_at_all"
ABOUT = About(
    method=Single(generator=Resnet(width=2, blocks=1)).model_dump(mode="json"), domains=["photo", "bird"],
    target="bird", only="bird", size=16, steps=30, planned=30, data="birds", train={"photo": 4, "bird": 5},
    licence="MIT",
)  # fmt: skip


class Hub(http.server.ThreadingHTTPServer):
    """A hub of one repository, me/birds: its files by commit, the newest last."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.commits: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []
        self.refusal: tuple[int, str] | None = None  # status and X-Error-Code of all answers
        self.promised = ""  # instead of the right SHA-256
        self.made: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub
    answer, log_message = answer, say_nothing

    def do_GET(self) -> None:
        hub, path = self.server, self.path.partition("?")[0].split("/")[1:]
        hub.asked.append(f"{self.command} {self.path}")
        if hub.refusal:
            return self.answer(hub.refusal[0], b"{}", **{"X-Error-Code": hub.refusal[1]})
        if "/me/birds" not in self.path or not hub.commits:
            return self.answer(404, b"{}", **{"X-Error-Code": "RepoNotFound"})
        revision = path[5] if path[4:5] == ["revision"] else path[3] if path[2] == "resolve" else "main"
        commit = list(hub.commits)[-1] if revision == "main" else {"v1": OLD}.get(revision, revision)
        if commit not in hub.commits:
            return self.answer(404, b"{}", **{"X-Error-Code": "RevisionNotFound"})
        held = hub.commits[commit]
        if path[4:5] == ["tree"]:
            tree = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in held]
            return self.answer(200, json.dumps(tree).encode())
        if path[0] == "api":
            siblings = [
                {"rfilename": name, "size": len(content), "blobId": "0" * 40, "lfs": {
                    "sha256": hub.promised or hashlib.sha256(content).hexdigest(), "size": len(content),
                    "pointerSize": 100}}
                for name, content in held.items()
            ]  # fmt: skip
            return self.answer(200, json.dumps({"id": "me/birds", "sha": commit, "siblings": siblings}).encode())
        content = held[path[-1]]
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return self.answer(200, content, ETag=etag, **{"X-Repo-Commit": commit})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        hub, body = self.server, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub.asked.append(f"{self.command} {self.path}")
        if hub.refusal or self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(hub.refusal[0] if hub.refusal else 401, b"{}")
        if self.path == "/api/repos/create":
            hub.made = json.loads(body)
            hub.commits = hub.commits or {"0" * 40: {}}
            return self.answer(200, json.dumps({"url": f"{hub.url}/me/birds"}).encode())
        if self.path == "/api/validate-yaml":
            return self.answer(200, b'{"errors": [], "warnings": []}')
        if "/preupload/" in self.path:
            files = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                     for file in json.loads(body)["files"]]  # fmt: skip
            return self.answer(200, json.dumps({"files": files}).encode())
        lines = [json.loads(line)["value"] for line in body.splitlines()]
        files = {line["path"]: base64.b64decode(line["content"]) for line in lines if "path" in line}
        hub.commits[NEW] = {**list(hub.commits.values())[-1], **files}
        return self.answer(
            200, json.dumps({"commitUrl": f"{hub.url}/me/birds/commit/{NEW}", "commitOid": NEW}).encode()
        )


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / "clone" / kind)
    with Hub() as running, served(running, tmp_path, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


def export(path: Path, seed: int = 0, **fields: Any) -> bytes:
    torch.manual_seed(seed)
    about = ABOUT.model_copy(update=fields)
    method = Single.parse(about.method).build(about.domains, about.size)
    write_export(path, torch.nn.ModuleList(method.averaged()), about)
    return path.read_bytes()


def quiet(*_: object) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "parts", "short"),
    [
        ("hf:me/birds", ("me/birds", "", "model.safetensors"), "hf:me/birds"),
        ("hf:me/birds:model.safetensors", ("me/birds", "", "model.safetensors"), "hf:me/birds"),
        (
            "hf:Me_1/b.i-r@v1.0:x.safetensors",
            ("Me_1/b.i-r", "v1.0", "x.safetensors"),
            "hf:Me_1/b.i-r@v1.0:x.safetensors",
        ),
    ],
)
def test_a_name_says_where_weights_are(name: str, parts: tuple[str, str, str], short: str) -> None:
    weights = HubWeights.parse(name)
    assert (weights.repository, weights.revision, weights.file) == parts
    assert weights.name == short
    assert HubWeights.parse(weights.name) == weights


@pytest.mark.parametrize(
    "name",
    ["hf:", "hf:birds", "hf:me/birds/x", "hf:../birds", "hf:me/..", "hf:me/.git", "hf:me/birds@../x", "hf:/etc/passwd",
     "hf:me/birds:../x.safetensors", "hf:me/birds:w.pth", "hf:me/birds:a/b.safetensors", "hf:me/birds@", "hf:me\\x/y",
     "hf:me/birds\n", "HF:me/birds", "hf:-x/birds"],
)  # fmt: skip
@pytest.mark.fault("S-16")
def test_names_cannot_lead_elsewhere(name: str) -> None:
    with pytest.raises(SettingsError, match="is no name on the Hugging Face Hub"):
        HubWeights.parse(name)


def test_what_is_fetched_is_found_by_name_and_remembered(server: Hub, tmp_path: Path) -> None:
    first, later = export(tmp_path / "w.safetensors"), export(tmp_path / "w.safetensors", seed=1)
    server.commits[OLD] = {"model.safetensors": first}
    with pytest.raises(WeightsError, match=r"hf:me/birds are not here yet.*`translate weights fetch hf:me/birds`"):
        find_export("hf:me/birds")
    assert server.asked == []
    file = store.fetch(store.published("hf:me/birds"), quiet)
    assert file.read_bytes() == first
    kept = store.receipt("hf:me/birds")
    assert kept is not None
    assert (kept.revision, kept.sha256) == (OLD, hashlib.sha256(first).hexdigest())
    assert kept.url == f"{server.url}/me/birds/resolve/{OLD}/model.safetensors"
    assert sorted(path.name for path in file.parent.iterdir()) == ["model.json", "model.safetensors"]

    asked = len(server.asked)
    assert find_export("hf:me/birds:model.safetensors") == file
    assert Translator.load("hf:me/birds", "cpu", "fp32").about.target == "bird"
    assert cards.weights_here() == {"hf:me/birds": file}
    assert kept.sha256 in store.verify("hf:me/birds")
    assert store.fetch(store.published("hf:me/birds"), quiet, offline=True) == file
    assert len(server.asked) == asked

    server.commits[NEW] = {"model.safetensors": later}
    store.remove("hf:me/birds")
    assert store.fetch(store.published("hf:me/birds"), quiet).read_bytes() == first  # the commit is recorded
    assert store.fetch(store.published("hf:me/birds@main"), quiet).read_bytes() == later
    assert store.fetch(store.published("hf:me/birds@v1"), quiet).read_bytes() == first
    assert {*cards.weights_here()} == {"hf:me/birds", "hf:me/birds@main", "hf:me/birds@v1"}


def test_files_that_are_not_the_promised_ones_are_refused(server: Hub, tmp_path: Path) -> None:
    server.commits[OLD] = {
        "model.safetensors": export(tmp_path / "w.safetensors"),
        "README.md": b"",
        "w.safetensors": b"?",
    }
    server.promised = "0" * 64
    with pytest.raises(WeightsError, match=f"hf:me/birds is damaged: what came has not the SHA-256 {'0' * 64}"):
        store.fetch(store.published("hf:me/birds"), quiet)
    server.promised = ""
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        store.fetch(store.published("hf:me/birds:w.safetensors"), quiet)
    with pytest.raises(
        WeightsError, match=r"me/birds has no x\.safetensors\. It has model\.safetensors, w\.safetensors;"
    ):
        store.fetch(store.published("hf:me/birds:x.safetensors"), quiet)
    assert cards.weights_here() == {}
    store.fetch(store.published("hf:me/birds"), quiet)
    store.remove("hf:me/birds")
    server.commits[OLD]["model.safetensors"] = export(tmp_path / "w.safetensors", seed=1)
    with pytest.raises(WeightsError, match="gives another file than on 20"):
        store.fetch(store.published("hf:me/birds"), quiet)
    assert cards.weights_here() == {}


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ((404, "RepoNotFound"), "has no me/birds, or it is private: then set HF_TOKEN"),
        ((401, ""), "answers 401 for me/birds: the token does not allow it, or is none"),
        ((403, "GatedRepo"), "for those who have accepted its conditions"),
        ((404, "RevisionNotFound"), "has no such revision"),
        ((403, ""), "answers 403 for me/birds: the token does not allow it"),
        ((400, ""), "answers 400 for me/birds"),
        ((418, ""), "answers 418 for me/birds"),
    ],
)
def test_errors_of_the_hub_are_one_sentence(server: Hub, refusal: tuple[int, str], sentence: str) -> None:
    server.refusal = refusal
    with pytest.raises(WeightsError, match=sentence) as caught:
        store.fetch(store.published("hf:me/birds"), quiet)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    server.refusal = (403, "")
    with pytest.raises(OutputError, match="answers 403 for me/birds: the token does not allow it"):
        hub.publish("me/birds", {"README.md": b"x"}, public=False, overwrite=False)


@pytest.mark.fault("S-13")
def test_without_a_network_a_sentence_names_the_way(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WeightsError, match=r"`translate weights fetch hf:me/birds` on a machine with") as caught:
        store.fetch(store.published("hf:me/birds"), quiet, offline=True)
    assert str(tmp_path / "home/weights/hf/me/birds/model.safetensors") in str(caught.value)
    assert server.asked == []
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(WeightsError, match="cannot be reached"):
        store.fetch(store.published("hf:me/birds"), quiet)


@pytest.mark.fault("S-12")
def test_two_processes_do_not_fetch_the_same(server: Hub, tmp_path: Path) -> None:
    part = tmp_path / "home/weights/hf/me/birds/model.part"
    part.parent.mkdir(parents=True)
    part.touch()
    with exclusive_lock(part, ""), pytest.raises(OutputError, match="Another process is fetching hf:me/birds"):
        store.fetch(store.published("hf:me/birds"), quiet)


def test_without_the_extra_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsError, match=r"pip install 'image-translate\[hub\]'"):
        store.fetch(store.published("hf:me/birds"), quiet)
    with pytest.raises(OutputError, match=r"pip install 'image-translate\[hub\]'"):
        hub.publish("me/birds", {}, public=False, overwrite=False)


# Publishing


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["translate", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out, printed.err


def test_what_is_published_can_be_fetched_by_others(
    server: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = export(tmp_path / "w.safetensors")
    words = ("weights", "publish", tmp_path / "w.safetensors", "hf:me/birds")
    code, out, err = run(capsys, monkeypatch, *words, "--dry-run")
    assert (code, err, server.asked) == (0, "", [])
    assert "its owner alone sees" in out
    assert f"SHA-256 {hashlib.sha256(content).hexdigest()}" in out
    assert 'license: "mit"' in out

    code, out, _ = run(capsys, monkeypatch, *words)
    assert (code, out) == (0, f"Published at {server.url}/me/birds. Next: translate weights fetch hf:me/birds\n")
    assert server.made["name"] == "birds"
    assert server.made.get("visibility") == "private" or server.made.get("private") is True
    assert server.commits[NEW]["model.safetensors"] == content
    assert b"translate apply hf:me/birds PHOTOS" in server.commits[NEW]["README.md"]

    code, _, err = run(capsys, monkeypatch, *words)
    assert (code, "has model.safetensors and README.md already" in err) == (7, True)
    assert run(capsys, monkeypatch, *words, "--overwrite", "--public")[0] == 0

    assert "hf:me/birds is " in run(capsys, monkeypatch, "weights", "fetch", "hf:me/birds")[1]
    assert run(capsys, monkeypatch, "weights", "list")[1].startswith("hf:me/birds: of the Hugging Face Hub, in ")
    assert f"fetched.revision: {NEW}" in run(capsys, monkeypatch, "weights", "info", "hf:me/birds")[1]
    assert "directions: photo to bird" in run(capsys, monkeypatch, "info", "hf:me/birds")[1]


def test_from_python_a_model_is_published_and_loaded_by_the_name_of_its_repository(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = export(tmp_path / "w.safetensors")
    local = translate.Translator.from_pretrained(tmp_path / "w.safetensors", device="cpu")
    assert server.asked == []
    assert local.push_to_hub("me/birds") == f"{server.url}/me/birds"
    assert server.made.get("visibility") == "private" or server.made.get("private") is True
    assert server.commits[NEW]["model.safetensors"] == content
    assert b"translate apply hf:me/birds PHOTOS" in server.commits[NEW]["README.md"]
    with pytest.raises(OutputError, match="already"):
        local.push_to_hub("hf:me/birds")
    for name in ("me/birds", "hf:me/birds"):
        loaded = translate.Translator.from_pretrained(name, device="cpu")
        assert loaded.about.sha256 == local.about.sha256
        server.asked.clear()
    translate.Translator.from_pretrained("me/birds", device="cpu")
    assert server.asked == []  # it is here now
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="nothing may be downloaded"):
        translate.Translator.from_pretrained("me/others")
    monkeypatch.setattr(type(local.method), "cpu_only", "ONNX models")
    with pytest.raises(WeightsError, match="ONNX models cannot be published"):
        local.push_to_hub("me/birds")


def test_nothing_is_published_without_a_token_or_to_another_name(
    server: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tmp_path / "w.safetensors", licence="")
    monkeypatch.delenv("HF_TOKEN")
    code, _, err = run(capsys, monkeypatch, "weights", "publish", tmp_path / "w.safetensors", "hf:me/birds")
    assert (code, "Publishing needs a token" in err, "states no licence" in err) == (7, True, True)
    for name in ("me/birds", "hf:me/birds@main", "hf:me/birds:x.safetensors"):
        assert run(capsys, monkeypatch, "weights", "publish", tmp_path / "w.safetensors", name)[0] == 2
    assert server.asked == []


def test_the_page_of_a_model_says_what_its_file_says(tmp_path: Path) -> None:
    export(tmp_path / "w.safetensors", scores={"FID": 81.25}, citation="A | B\nC", licence="my own")
    about = read_about(tmp_path / "w.safetensors")
    page = model_card(HubWeights("me/birds"), about, costs_of(about), 1.25)
    card = huggingface_hub.ModelCard(page)
    tags = ["image-translate", "single"]
    assert card.data.to_dict() == {"license": "other", "pipeline_tag": "image-to-image", "tags": tags}
    assert "\nTranslates pictures from photo to bird.\n" in card.text
    for row in ("| trained on | birds: 4 photo, 5 bird |", "| score: FID | 81.25 |", "| licence | my own |",
                "| citation | A \\| B C |", f"| SHA-256 of the tensors | {about.sha256} |"):  # fmt: skip
        assert row in card.text
