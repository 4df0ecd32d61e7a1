"""`translate apply` with a model that was just trained."""

import importlib.metadata
import json
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from translate import devices, images
from translate.toys.catalogue import draw

Run = Callable[..., tuple[int, str, str]]


def test_results_are_written_as_asked_for(run: Run, train: Run, place: Path) -> None:
    train()
    words = ["--format", "tif", "--depth", "16", "--note", "--keep-metadata", "safe", "--max-pixels", "2k"]
    assert run("apply", "runs/horses", "photos", "--out", "results", *words)[0] == 0
    result = images.read(place / "results/below/b.tif", depth=16)
    assert result.notes == ()
    assert len(np.unique(result.rgb % 257)) > 20  # not 8 bits in disguise
    sha256 = json.loads(run("info", "runs/horses", "--json")[1])["sha256"]
    version = importlib.metadata.version("image-translate")
    assert f"image-translate {version}, model {sha256[:12]}, to B".encode() in result.metadata.exif
    code, _, err = run("apply", "runs/horses", "photos", "--out", "small", "--max-pixels", "0.5k")
    assert code == 3
    assert "too many pixels, found 1850, limit 500" in err


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--to", "unicorn"], 2, "no domain 'unicorn'"),
        (["--size", "big"], 2, "native or a number"),
        (["--memory", "0"], 2, "Invalid value for '--memory'"),
        (["--device", "cuda:7"], 6, "Use --device cpu"),
        (["--max-pixels", "many"], 2, "a number such as 5000, 64M or 1.5G; found 'many'"),
        (["--max-pixels", "0"], 2, "a number such as"),
        (["--format", "jpg", "--depth", "16"], 7, "JPEG holds 8 bits a channel"),
        (["--device", "gpu"], 2, "choose auto, cpu, cuda"),
        (["--device", "cuda"], 6, "There is no device cuda: 0 CUDA GPUs found. Use --device cpu or auto."),
        (["--device", "mps"], 6, "There is no device mps on this machine. Use --device cpu or auto."),
        (["--shard", "0/3"], 2, "--shard takes I/N"),
        (["--shard", "4/3"], 2, "--shard takes I/N"),
        (["--strength", "2"], 2, "--strength is between 0"),
        (["--keep-colour", "--colour-only"], 2, "exclude each other"),
    ],
)
@pytest.mark.fault("I-37")
def test_wrong_words_for_apply_get_one_sentence(
    run: Run, train: Run, place: Path, words: list[str], code: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    found, _, err = run("apply", "runs/horses", "photos", "--out", "results", *words)
    assert found == code
    assert part in err
    assert not (place / "results").exists()


def test_pictures_that_cannot_be_read_are_listed_and_the_rest_is_converted(run: Run, train: Run, place: Path) -> None:
    train()
    (place / "photos/broken.jpg").write_bytes((place / "photos/a.jpg").read_bytes()[:300])
    (place / "photos/notes.txt").write_text("no picture")
    code, out, err = run("apply", "runs/horses", "photos", "--out", "results")
    assert code == 3
    assert "2 done, 0 skipped, 1 failed, 1 ignored" in out
    assert "broken.jpg" in err
    assert "1 of 3 pictures failed, for the reasons above; the others are done." in err
    assert "Results are in results." in out
    assert not (place / "results/broken.jpg").exists()
    code, out, err = run("apply", "runs/horses", "photos/broken.jpg", "--out", "none")
    assert code == 3
    assert "1 of 1 picture failed, for the reasons above.\n" in err
    assert "Results are in" not in out


def test_apply_says_why_networks_are_not_compiled(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(function: object) -> None:
        raise RuntimeError("No working C++ compiler found")

    train()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(place))
    monkeypatch.setattr(torch, "compile", broken)
    code, _, err = run("apply", "runs/horses", "photos", "--out", "results", "--compile", "on")
    assert code == 6
    assert "cannot be compiled for cpu: No working C++ compiler found. Install" in err
    monkeypatch.setattr(devices, "_repaying_gmac", lambda *_: 0.0)
    code, _, err = run("apply", "runs/horses", "photos", "--out", "results", "--device", "cpu")
    assert code == 0
    assert "Note: Networks are not compiled" in err


def test_a_dry_apply_lists_pairs_and_writes_nothing(run: Run, train: Run, place: Path) -> None:
    train()
    code, out, _ = run("apply", "runs/horses", "photos", "--out", "results", "--dry-run")
    assert code == 0
    assert "photos/a.jpg -> results/a.jpg" in out
    assert not (place / "results").exists()


def test_pictures_larger_than_the_memory_become_the_same(run: Run, train: Run, place: Path) -> None:
    train()
    large = np.random.default_rng(0).integers(0, 256, (900, 1500, 3), np.uint8)
    images.write_pixels(large, place / "large.png")
    for out, words in (("whole.png", []), ("strips.png", ["--memory", 0.01])):
        assert run("apply", "runs/horses", "large.png", "--out", out, "--precision", "fp32", *words)[0] == 0
    whole, strips = (images.read(place / name).rgb.astype(int) for name in ("whole.png", "strips.png"))
    assert np.abs(whole - strips).max() <= 1


def test_an_output_folder_that_is_the_input_is_refused(run: Run, train: Run, place: Path) -> None:
    train()
    assert run("apply", "runs/horses", "photos", "--out", "photos")[0] == 2


def test_a_model_of_many_domains_is_told_where_to_translate(run: Run, place: Path) -> None:
    for domain in ("a", "b", "c"):
        for index in range(2):
            picture = draw("toy-horse2zebra", "horse", "test", 2, 40)[index]
            images.write_pixels(picture, place / "moods" / "train" / domain / f"{index}.png")
    small = ["generator.width=1", "generator.blocks=0", "discriminator.width=1", "discriminator.layers=3"]
    words = [word for key in small for word in ("--set", f"method.{key}")]
    training = ("train", "moods", "--method", "stargan", "--size", 32, "--batch", 2, "--steps", 1, "--device", "cpu")
    for _ in range(2):
        code, out, _ = run(*training, *words)
        assert code == 0
        assert "translate apply runs/moods PHOTOS --to a --out RESULTS" in out
    code, out, _ = run("info", "runs/moods")
    assert code == 0
    assert "a to b" in out
    assert "default" not in out
    for extra in ([], ["--dry-run"]):
        code, out, err = run("apply", "runs/moods", "photos", "--out", "results", *extra)
        assert (code, out) == (2, "")
        assert err == "Error: The model knows the domains a, b, c; name one with --to.\n"
        assert not (place / "results").exists()
    for domain in ("a", "b", "c"):
        code, out, _ = run("apply", "runs/moods", "photos", "--out", domain, "--to", domain, "--json")
        assert (code, json.loads(out)["done"], json.loads(out)["to"]) == (0, 2, domain)


def test_failures_are_an_input_again(run: Run, train: Run, place: Path) -> None:
    train()
    good = (place / "photos/below/b.png").read_bytes()
    (place / "photos/below/b.png").write_bytes(good[:100])
    assert run("apply", "runs/horses", "photos", "--out", "results", "--failed", "failed.txt")[0] == 3
    assert (place / "failed.txt").read_text() == "photos/./below/b.png\n"
    (place / "photos/below/b.png").write_bytes(good)
    code, out, _ = run("apply", "runs/horses", "@failed.txt", "--out", "results", "--failed", "failed.txt")
    assert (code, out.split(",")[0]) == (0, "1 done")
    assert (place / "results/below/b.png").exists()
    assert (place / "failed.txt").read_text() == ""
    assert run("apply", "runs/horses", "@failed.txt", "--out", "results")[0] == 4


def test_a_report_and_comparisons_lie_beside_the_results(run: Run, train: Run, place: Path) -> None:
    train()
    words = ("apply", "runs/horses", "photos", "--out", "results", "--report", "--compare")
    code, out, err = run(*words, "split")
    assert code == 0
    assert "pictures/s" in out
    assert "Look at results/report.html" in err
    page = (place / "results/report.html").read_text()
    assert '"../photos/below/b.png"' in page
    assert '"below/b.png"' in page
    assert (place / "results/below/b.compare.png").exists()
    assert run(*words, "grid")[0] == 0
    assert images.read(place / "results/grid.compare.png").rgb.shape == (276, 2 * (2 * 256 + 2) + 8, 3)
    code, _, err = run(*words, "grid", "--max-pixels", "10")  # all are there, but the grid shows them once more
    assert (code, "limit 10; a larger --max-pixels reads it" in err) == (4, True)


def test_a_grid_shows_transparent_pictures_on_white(run: Run, train: Run, place: Path) -> None:
    train()
    clear = np.zeros((8, 8), np.uint8)
    images.write(images.Picture(np.zeros((8, 8, 3), np.uint8), clear, ""), place / "clear.png")
    assert run("apply", "runs/horses", "clear.png", "--out", "results", "--compare", "grid")[0] == 0
    assert images.read(place / "results/grid.compare.png").rgb[20:].min() == 255


def test_shards_do_everything_once(run: Run, train: Run, place: Path) -> None:
    train()
    done = [
        json.loads(run("apply", "runs/horses", "photos", "--out", "results", "--shard", f"{part}/3", "--json")[1])
        for part in (1, 2, 3)
    ]
    assert sum(one["done"] for one in done) == 2
    assert sum(one["skipped"] for one in done) == 0


def test_blending_words_change_the_result(run: Run, train: Run, place: Path) -> None:
    train()
    images.write_pixels(np.zeros((4, 4, 3), np.uint8), place / "black.png")
    before = images.read(place / "photos/below/b.png").rgb
    results = []
    for words in ([], ["--strength", 0], ["--mask", "black.png"], ["--keep-colour"], ["--colour-only"], ["--size", 8]):
        assert run("apply", "runs/horses", "photos/below/b.png", "--out", "x.png", "--overwrite", *words)[0] == 0
        results.append(images.read(place / "x.png").rgb)
    assert np.array_equal(results[1], before)
    assert np.array_equal(results[2], before)
    others = [results[index].tobytes() for index in (0, 1, 3, 4, 5)]
    assert len(set(others)) == len(others)


def test_ctrl_c_ends_a_watch_with_its_summary(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt(signal.SIGINT)

    monkeypatch.setattr("translate.cli.apply.time.sleep", sleep)
    code, out, err = run("apply", "runs/horses", "photos", "--out", "results", "--watch")
    assert code == 0
    assert "2 done" in out
    assert "photos/a.jpg -> results/a.jpg" in err
