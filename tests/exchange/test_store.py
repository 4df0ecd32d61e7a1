"""Weights by name: fetched from a server on this machine, verified, removed; and what a card may say."""

import hashlib
import http.server
import json
import resource
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from translate import cards, downloads, files
from translate.cards import WeightsCard
from translate.errors import DiskFull, OutputError, SettingsError, WeightsError
from translate.exchange import store
from translate.files import exclusive_lock
from translate.home import note_on
from translate.inference.translator import Translator
from translate.methods.pretrained import Settings as Single
from translate.models.about import About
from translate.models.exports import read_about, write_export
from translate.networks.resnet import Resnet

OFFICIAL = [
    "apple2orange", "orange2apple", "summer2winter_yosemite", "winter2summer_yosemite", "horse2zebra", "zebra2horse",
    "monet2photo", "style_monet", "style_cezanne", "style_ukiyoe", "style_vangogh", "sat2map", "map2sat",
    "cityscapes_photo2label", "cityscapes_label2photo", "facades_photo2label", "facades_label2photo",
    "iphone2dslr_flower",
]  # fmt: skip
PIX2PIX = ["edges2shoes", "sat2map", "map2sat", "facades_label2photo", "day2night"]
GENERATOR = Resnet(width=2, blocks=1)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = self.server.files.get(self.path)  # type: ignore[attr-defined]
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.asked = {}, []  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "clone/weights"
    place.mkdir(parents=True)
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / "clone" / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    return place


def checkpoint(tmp_path: Path, seed: int = 0) -> bytes:
    torch.manual_seed(seed)
    torch.save(GENERATOR.build(3, 3).state_dict(), tmp_path / "w.pth")
    return (tmp_path / "w.pth").read_bytes()


def card(shelf: Path, server: Any, **fields: Any) -> WeightsCard:
    url = f"http://127.0.0.1:{server.server_address[1]}"
    tree = {"title": "Birds", "domains": ["photo", "bird"], "urls": [f"{url}/gone", f"{url}/w"], "conversion": {}}
    tree |= fields
    lines = [f"{key} = {json.dumps(value)}" for key, value in tree.items() if key != "conversion"]
    lines += ["[conversion]"] if tree["conversion"] is not None else []
    (shelf / "my-birds.toml").write_text("\n".join(lines))
    return cards.weights("my-birds")


def export(path: Path) -> Path:
    """Write a model that translates photo to bird."""
    torch.manual_seed(0)
    settings = Single(generator=GENERATOR)
    method = settings.build(["photo", "bird"], 16)
    about = About(method=settings.model_dump(mode="json"), domains=["photo", "bird"], target="bird", only="bird",
                  size=16, steps=0, planned=0)  # fmt: skip
    write_export(path, torch.nn.ModuleList(method.averaged()), about)
    return path


def shipped(shelf: Path, **fields: Any) -> Path:
    """Put an export beside a card that promises it, as our own weights are shipped."""
    file = export(shelf / "birds.safetensors")
    tree = {"title": "Birds", "domains": ["photo", "bird"], "bytes": file.stat().st_size, "sha256": files.sha256(file)}
    (shelf / "birds.toml").write_text(
        "\n".join(f"{key} = {json.dumps(value)}" for key, value in (tree | fields).items())
    )
    return file


def quiet(*_: object) -> None:
    pass


def test_what_is_fetched_is_converted_found_by_name_and_remembered(shelf: Path, server: Any, tmp_path: Path) -> None:
    content = server.files["/w"] = checkpoint(tmp_path)
    wanted = card(shelf, server, licence="mine", data="birds")
    file = store.fetch(wanted, quiet)
    about = read_about(file)
    assert about.targets.directions == [("photo", "bird")]
    assert (about.licence, about.data, about.source) == ("mine", "birds", wanted.urls[1])
    picture = np.zeros((16, 16, 3), np.uint8)
    assert Translator.load("my-birds", "cpu", "fp32")(picture).shape == picture.shape
    kept = store.receipt("my-birds")
    assert kept is not None
    assert (kept.sha256, kept.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert kept.sha256 in store.verify("my-birds")
    assert sorted(path.name for path in file.parent.iterdir()) == ["my-birds.json", "my-birds.safetensors"]
    asked = len(server.asked)
    assert store.fetch(wanted, quiet) == store.fetch(wanted, quiet, offline=True) == file
    assert len(server.asked) == asked


def test_a_later_download_must_be_what_the_first_one_was(shelf: Path, server: Any, tmp_path: Path) -> None:
    server.files["/w"] = checkpoint(tmp_path)
    wanted = card(shelf, server)
    store.remove(store.fetch(wanted, quiet).stem)
    server.files["/w"] = checkpoint(tmp_path, seed=1)
    with pytest.raises(WeightsError, match="gives another file: its SHA-256 is"):
        store.fetch(wanted, quiet)
    assert "my-birds" not in cards.weights_here()
    server.files["/w"] = checkpoint(tmp_path)
    assert store.fetch(wanted, quiet).is_file()


def test_a_card_with_a_hash_requires_it(shelf: Path, server: Any, tmp_path: Path) -> None:
    content = server.files["/w"] = checkpoint(tmp_path)
    with pytest.raises(WeightsError, match="gives another file"):
        store.fetch(card(shelf, server, bytes=len(content), sha256="0" * 64), quiet)
    right = card(shelf, server, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    assert store.fetch(right, quiet).is_file()


def test_an_export_is_kept_as_it_is(shelf: Path, server: Any, tmp_path: Path) -> None:
    server.files["/w"] = export(tmp_path / "w.safetensors").read_bytes()
    file = store.fetch(card(shelf, server, conversion=None), quiet)
    assert file.read_bytes() == server.files["/w"]
    assert "is whole" in store.verify("my-birds")


def test_a_feature_network_is_kept_as_it_is_and_is_no_model(shelf: Path, server: Any) -> None:
    content = server.files["/w"] = b"weights"
    known = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    wanted = card(shelf, server, conversion=None, domains=[], features=True, **known)
    with pytest.raises(WeightsError, match="not here yet"):
        store.find("my-birds")
    file = store.fetch(wanted, quiet)
    assert (
        file == store.find("my-birds") == cards.weights_here()["my-birds"] == store.fetch(wanted, quiet, offline=True)
    )
    assert (file.name, file.read_bytes()) == ("my-birds.pth", content)
    assert known["sha256"] in store.verify("my-birds")
    with pytest.raises(WeightsError, match=r"my-birds is a feature network .* translates nothing"):
        Translator.load("my-birds")
    file.write_bytes(b"changed")
    with pytest.raises(WeightsError, match="is not the file that was fetched"):
        store.verify("my-birds")
    assert store.remove("my-birds") == file
    del server.files["/w"]
    with pytest.raises(WeightsError, match=r"use it with `translate eval --features FILE`"):
        store.fetch(wanted, quiet)


def test_where_only_the_beginning_of_a_hash_is_published_that_is_required(
    shelf: Path, server: Any, tmp_path: Path
) -> None:
    content = server.files["/w"] = b"weights"
    whole = hashlib.sha256(content).hexdigest()
    network = {"conversion": None, "domains": [], "features": True}
    with pytest.raises(WeightsError, match=f"gives another file: its SHA-256 is {whole} instead of 00000000"):
        store.fetch(card(shelf, server, sha256_begins="00000000", **network), quiet)
    wanted = card(shelf, server, sha256_begins=whole[:8], **network)
    file = store.fetch(wanted, quiet)
    assert file.read_bytes() == content
    assert whole in store.verify("my-birds")
    store.remove("my-birds")
    file.with_suffix(".part").write_bytes(content[:3])  # of a download that was stopped
    assert store.fetch(wanted, quiet).read_bytes() == content


def test_what_ships_beside_its_card_is_found_and_verified_without_a_network(shelf: Path) -> None:
    file = shipped(shelf)
    assert store.fetch(cards.weights("birds"), quiet, offline=True) == file
    assert Translator.load("birds", "cpu", "fp32").about.target == "bird"
    assert store.verify("birds") == f"{file} is whole, with the SHA-256 of its card"
    with pytest.raises(WeightsError, match="nothing to remove"):
        store.remove("birds")
    other = file.read_bytes()
    shipped(shelf, sha256="0" * 64)
    with pytest.raises(WeightsError, match=f"is not the file of its card, which has SHA-256 {'0' * 64}"):
        store.verify("birds")
    shipped(shelf)
    file.write_bytes(other[:-1] + bytes([other[-1] ^ 1]))
    with pytest.raises(WeightsError, match="is not the file of its card"):
        store.verify("birds")


@pytest.mark.parametrize("name", ["../monet.jpg", "/monet.jpg", "a/b.png", "monet", "monet.svg", ".jpg", "a\nb.jpg\n"])
def test_a_picture_of_a_card_lies_beside_it(shelf: Path, name: str) -> None:
    shipped(shelf, picture=name)
    with pytest.raises(SettingsError, match=r"picture in birds\.toml is wrong"):
        cards.weights("birds")


def test_a_picture_that_is_missing_is_named(shelf: Path) -> None:
    shipped(shelf, picture="birds.jpg")
    with pytest.raises(SettingsError, match=r"birds\.toml names the picture birds\.jpg, which is not beside it"):
        cards.weights("birds")
    (shelf / "birds.jpg").touch()
    assert cards.weights("birds").picture == "birds.jpg"


def test_a_page_of_errors_is_no_weights(shelf: Path, server: Any) -> None:
    server.files["/w"] = b"<html>please log in</html>"
    with pytest.raises(WeightsError, match="not a readable checkpoint"):
        store.fetch(card(shelf, server), quiet)
    assert cards.weights_here() == {}
    del server.files["/w"]
    with pytest.raises(WeightsError, match=r"could not be downloaded: .*404 Not Found.*weights import FILE --as NAME"):
        store.fetch(card(shelf, server), quiet)


@pytest.mark.fault("S-13")
def test_offline_names_the_command_and_the_place(shelf: Path, server: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"`translate weights fetch my-birds` on a machine with a network") as caught:
        store.fetch(card(shelf, server), quiet, offline=True)
    assert str(tmp_path / "home/weights/my-birds.safetensors") in str(caught.value)
    assert server.asked == []


@pytest.mark.fault("S-12")
def test_two_processes_do_not_fetch_the_same(shelf: Path, server: Any, tmp_path: Path) -> None:
    part = tmp_path / "home/weights/my-birds.part"
    part.parent.mkdir(parents=True)
    part.touch()
    with exclusive_lock(part, ""), pytest.raises(OutputError, match="Another process is fetching my-birds"):
        store.fetch(card(shelf, server), quiet)


@pytest.mark.fault("S-14")
def test_a_damaged_file_is_noticed(shelf: Path, server: Any, tmp_path: Path) -> None:
    server.files["/w"] = checkpoint(tmp_path)
    file = store.fetch(card(shelf, server), quiet)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="is not the file that was fetched"):
        store.verify("my-birds")
    with pytest.raises(WeightsError, match="do not match their SHA-256"):
        Translator.load("my-birds", "cpu")


@pytest.mark.fault("S-14")
def test_where_the_home_cannot_be_written_a_temporary_folder_takes_its_place(
    shelf: Path, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_bytes(b"in the way")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server.files["/w"] = checkpoint(tmp_path)
    file = store.fetch(card(shelf, server), quiet)
    assert file.parent.parent.parent == tmp_path
    assert note_on(file)
    assert cards.weights_here() == {"my-birds": file}
    assert store.receipt("my-birds") is not None
    assert "is whole" in store.verify("my-birds")
    assert store.place_for("own").parent == file.parent
    assert store.remove("my-birds") == file
    file.parent.parent.chmod(0o755)
    server.asked.clear()
    with pytest.raises(OutputError, match="not a folder that you own and nobody else can enter"):
        store.fetch(card(shelf, server), quiet)
    assert server.asked == []


def test_a_full_disk_is_said_and_nothing_half_is_found(shelf: Path, server: Any, tmp_path: Path) -> None:
    server.files["/w"] = checkpoint(tmp_path)
    wanted = card(shelf, server)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(DiskFull, match=r"The disk is full: .*my-birds\.part was not written"):
            store.fetch(wanted, quiet)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cards.weights_here() == {}
    assert store.fetch(wanted, quiet).is_file()


@pytest.mark.parametrize("name", ["../x", "A", "", ".x", "a/b", "x" * 65, "-x"])
@pytest.mark.fault("S-16")
def test_names_cannot_lead_elsewhere(shelf: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="is no name for weights"):
        store.place_for(name)
    with pytest.raises(WeightsError, match="nothing to remove"):
        store.remove(name)
    with pytest.raises(SettingsError):
        WeightsCard.parse({"name": name, "title": "t", "domains": ["a", "b"]})


def test_names_of_cards_are_taken(shelf: Path, server: Any) -> None:
    card(shelf, server)
    with pytest.raises(SettingsError, match="my-birds is the name of known weights"):
        store.place_for("my-birds")
    assert store.place_for("own").name == "own.safetensors"


def test_a_broken_card_breaks_only_itself(shelf: Path, server: Any) -> None:
    card(shelf, server)
    (shelf / "broken.toml").write_text("title = 3")
    (shelf / "worse.toml").write_text("title =")
    good, complaints = cards.all_of(cards.weights, "weights")
    assert [one.name for one in good] == ["my-birds"]
    assert len(complaints) == 2
    assert "broken.toml" in complaints[0]


@pytest.mark.parametrize(
    "fields", [{"bytes": 3}, {"sha256": "0" * 64}, {"urls": ["ftp://x"]}, {"bytes": 0}, {"features": True}]
)
def test_a_card_that_cannot_be_checked_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        WeightsCard.parse({"name": "n", "title": "t", "domains": ["a", "b"], **fields})


@pytest.mark.parametrize("name", [f"junyanz-{name}" for name in OFFICIAL] + [f"pix2pix-{name}" for name in PIX2PIX])
def test_every_official_name_has_a_card(name: str) -> None:
    found = cards.weights(name)
    prefix, _, short = name.partition("-")
    folder = "cyclegan/pretrained_models" if prefix == "junyanz" else "pix2pix/models-pytorch"
    assert [url.partition("://")[2] for url in found.urls] == 2 * [f"efrosgans.eecs.berkeley.edu/{folder}/{short}.pth"]
    assert len(found.domains) == 2
    assert found.licence
    assert found.citation
    assert found.conversion is not None
    assert (found.conversion.skips == "first") is (prefix == "pix2pix")


@pytest.mark.parametrize("name", cards.names("weights"))
def test_names_without_a_prefix_are_ours_and_have_their_file(name: str) -> None:
    found = cards.weights(name)
    assert ("-" in name) is (found.conversion is not None)
    if found.conversion is None and not found.features:
        assert store.verify(name).endswith("with the SHA-256 of its card")
        file = store.find_export(name)
        assert (file.stat().st_size, read_about(file).domains) == (found.bytes, found.domains)
        assert found.picture
        assert found.licence
        assert found.data
        assert found.command
        assert found.scores
