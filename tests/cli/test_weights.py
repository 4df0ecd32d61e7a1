"""`translate weights` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from translate import cards

Run = Callable[..., tuple[int, str, str]]


def test_a_model_in_weights_is_found_by_name(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    (place / "weights").mkdir()
    (place / "runs/horses/model.safetensors").rename(place / "weights/stripes.safetensors")
    (place / "weights/stripes.jpg").touch()
    (place / "weights/stripes.toml").write_text(
        'title = "Stripes"\npicture = "stripes.jpg"\ndomains = ["A", "B"]\n[figures]\nhours = 2.5\nspeed = "9 in 1 s"'
    )
    monkeypatch.setattr(cards, "shelf", lambda kind: place / kind)
    assert run("weights", "list")[1] == f"stripes: Stripes; ships in {place}/weights/stripes.safetensors\n"
    told = run("weights", "info", "stripes")[1].splitlines()
    assert f"picture: {place}/weights/stripes.jpg" in told
    assert {"figures.hours: 2.5", "figures.speed: 9 in 1 s"} < {*told}
    code, out, _ = run("info", "stripes", "--json")
    assert code == 0
    assert json.loads(out)["domains"] == ["A", "B"]
    code, _, err = run("info", "stripe")
    assert code == 5
    assert "Did you mean stripes?" in err


def test_weights_of_others_are_imported_listed_checked_used_and_removed(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    from translate.networks.resnet import Resnet

    shelf = place / "weights"
    shelf.mkdir()
    (shelf / "junyanz-ponies.toml").write_text('title = "Ponies"\ndomains = ["a", "b"]\n[conversion]\n')
    (shelf / "broken.toml").write_text("title = 3\n")
    monkeypatch.setattr(cards, "shelf", lambda kind: place / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(place / "home"))
    torch.save(Resnet(width=2, blocks=6).build(3, 3).state_dict(), place / "w.pth")

    code, out, _ = run("weights", "import", "w.pth", "--as", "mine", "--domains", "photo, pony")
    assert (code, "translate apply mine PHOTOS" in out) == (0, True)
    assert run("weights", "import", "w.pth", "--as", "mine")[0] == 2  # it is there
    assert run("weights", "import", "w.pth", "--as", "junyanz-ponies")[0] == 2  # that name is taken
    code, out, err = run("weights", "list")
    kept = place / "home/weights/mine.safetensors"
    assert out == f"junyanz-ponies: Ponies; not here\nmine: your own, in {kept}\n"
    assert "Left out: " in err
    assert "broken.toml" in err
    assert [row["name"] for row in json.loads(run("weights", "list", "--json")[1])] == ["junyanz-ponies", "mine"]
    assert run("weights", "path", "mine")[1] == f"{kept}\n"
    assert "is whole" in run("weights", "verify", "mine")[1]
    assert "that of the first download is recorded" in run("weights", "info", "junyanz-ponies")[1]
    code, out, _ = run("info", "mine")
    assert "directions: photo to pony (default: to pony)" in out
    assert "million parameters" in out
    assert json.loads(run("info", "mine", "--json")[1])["costs"]["side"] == 256
    assert run("apply", "mine", "photos", "--out", "ponies", "--size", "16")[0] == 0
    code, out, _ = run("export", "mine", "back.pth", "--format", "junyanz")
    assert (code, "--netG resnet_6blocks --ngf 2 --norm instance" in out) == (0, True)
    assert run("export", "mine", "more.safetensors", "--with-discriminators")[0] == 5
    assert run("export", "mine", "back2.pth")[0] == 2
    code, _, err = run("apply", "junyanz-ponies", "photos", "--out", "x")
    assert (code, "`translate weights fetch junyanz-ponies`" in err) == (5, True)
    assert run("weights", "fetch", "junyanz-ponies", "--offline")[0] == 5
    assert run("weights", "remove", "mine") == (0, f"Removed {kept}.\n", "Next: translate weights list\n")
    assert run("weights", "remove", "mine")[0] == 5


def test_all_models_are_written_on_one_page(run: Run, place: Path) -> None:
    code, out, err = run("weights", "gallery", "--out", place / "all.html")
    assert (code, err) == (0, "")
    assert out == f"Wrote {place}/all.html. Open it in a browser.\n"
    assert 'id="monet"' in (place / "all.html").read_text(encoding="utf-8")
