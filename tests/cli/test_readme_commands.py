"""Every command of the README and of the pages of `translate help` works."""

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.video.drawn import write_film
from translate import cards, images, runs

ROOT = Path(__file__).parent.parent.parent
PAGES = (
    "training",
    "methods",
    "settings",
    "datasets",
    "many-gpus",
    "converting",
    "films",
    "evaluating",
    "page",
    "weights",
    "python",
    "layout",
)
Run = Callable[..., tuple[int, str, str]]


LEARNS_PAIRS = {  # settings of ours that make pairs, and what they say that is kept at toy size
    "enlarge": ["data.made=superres2", "method.generator.kind=srresnet"],
    "fill": ["data.made=holes", "method.generator.kind=skip-resnet"],
}


def stopped(*_: object) -> None:
    """Let what would run for ever end at once, as by Ctrl-C."""
    raise KeyboardInterrupt


def documented_commands() -> list[str]:
    text = "\n".join(
        (ROOT / page).read_text(encoding="utf-8")
        for page in ("README.md", *(f"translate/guide/{page}.md" for page in PAGES))
    )
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("quick_features")
def test_every_documented_command_works(
    run: Run, add_test_pictures: Callable[..., None], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At toy size: the words are those of the pages, but runs are shortened and networks narrowed."""
    prepare = runs.prepare

    def shortened(*arguments: Any, **named: Any) -> runs.Run:
        words = [*named["words"], "method.generator.blocks=6", "training.milestone_every=1"]
        if str(named["config"]) == "quick":
            named["method"] = named["method"] or "cut"
        if str(named["config"]) in LEARNS_PAIRS:
            named["method"] = "pix2pix"
            words += LEARNS_PAIRS[str(named["config"])]
        elif named["method"] == "pix2pix":
            words.append("method.generator.kind=skip-resnet")
        named |= {
            "config": place / "tiny.toml",
            "words": words,
            "size": 32,
            "steps": 2,
            "epochs": None,
            "seconds": None,
        }
        return prepare(*arguments, **named)

    monkeypatch.setattr(runs, "prepare", shortened)
    monkeypatch.setattr("translate.bench.SIDE", 64)
    monkeypatch.setattr("translate.serve.server.Server.serve_forever", stopped)
    monkeypatch.setattr("translate.evaluation.evaluation.drawn_scores", lambda *_: {})
    card = cards.dataset("toy-horse2zebra").model_copy(update={"train": 4, "test": 4})
    dataset = cards.dataset
    monkeypatch.setattr(cards, "dataset", lambda name: card if name == card.name else dataset(name))
    monkeypatch.setattr(cards, "folder", lambda name: place / name)
    shutil.copytree(place / "horses", place / "horse2zebra")
    add_test_pictures(12)  # half of them to choose by
    (place / "horses").rename(place / "paintings")
    picture = np.full((40, 40, 3), 128, np.uint8)
    for folder in ("horses", "zebras", "others"):
        shutil.copytree(place / "horse2zebra" / "trainA", place / folder)
    for name in ("holidays/a.jpg", "holidays/below/b.jpg", "stable/a.jpg", "scans/c.png", "scans/d.png", "photo.png"):
        images.write_pixels(picture, place / name)
    write_film(place / "clip.mp4")
    write_film(place / "other.mov")
    commands = documented_commands()
    assert "pip install uv && uv run translate train toy-horse2zebra" in commands
    assert "pip install uv && uv run pytest" in commands
    ran = 0
    for command in commands:
        words = shlex.split(command.removeprefix("pip install uv && uv run "))
        of_others = "weights" in words or "junyanz-style_vangogh" in words  # they download; their test is another one
        far = "--address" in words or any("://" in word or word.endswith(".tar") for word in words)  # these have theirs
        if words[0] == "translate" and not of_others and not far:
            if words[1] == "train" and {"--set", "--time"} & {*words}:  # with other settings it is another run
                words += ["--out", f"runs/{ran}"]
            words = [
                name for word in words for name in ([p.name for p in place.glob(word)] if word[0] == "*" else [word])
            ]
            code, _, err = run(*words[1:])
            assert code == 0, (command, err)
            ran += 1
    assert ran >= 40
