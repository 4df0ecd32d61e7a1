"""Many pictures: what is found and refused before any work, what becomes of each, and what stays when it ends early."""

import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image

from tests.conversion.small import ABOUT, TRANSLATOR, made
from translate import files, images
from translate.conversion import manifest, pipeline, planning
from translate.conversion.job import Job
from translate.conversion.lists import write_list
from translate.conversion.pipeline import Result, convert
from translate.conversion.planning import ConversionPlan, Item, plan_in_place
from translate.conversion.settings import ConversionSettings
from translate.errors import DataError, DeviceError, OutputError, SettingsError, WeightsError
from translate.images import Encoding, Limits
from translate.inference import steadying
from translate.inference.blending import Blending
from translate.inference.fallback import SMALLER
from translate.inference.translator import Translator


def noise(height: int, width: int, *channels: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, *channels), dtype=np.uint8)


def put(path: Path, pixels: NDArray[Any] | None = None, format: str | None = None, **options: Any) -> Path:
    """Write a picture, 9 x 7 pixels of noise unless others are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(9, 7, 3) if pixels is None else pixels).save(path, format, **options)
    return path


def rgb(path: Path) -> NDArray[np.uint8]:
    return images.read(path).rgb


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def plan(inputs: Sequence[str | Path], out: Path, to: str = "zebra", **options: Any) -> ConversionPlan:
    return planning.plan(inputs, out, [to], **options)


def run(
    inputs: Sequence[str | Path],
    out: Path,
    translator: Translator = TRANSLATOR,
    to: str = "zebra",
    overwrite: bool = False,
    **options: Any,
) -> dict[str, Result]:
    """Plan and convert; return the results by the name of their source."""
    settings = ConversionSettings(**options)
    found = plan(inputs, out, to, settings=settings, again=lambda item: overwrite)
    results = list(convert(translator, found, settings))
    assert len(results) == len(found) == len(found.items) + len(found.missing) + len(found.existing)
    return {result.source.name: result for result in results}


# What becomes of the pictures


def test_a_file_that_is_named_is_tried_whatever_its_name(tmp_path: Path) -> None:
    hidden, strange = put(tmp_path / ".a.png"), put(tmp_path / "b.part", format="PNG")
    (tmp_path / "c.txt").write_text("no picture")
    results = run([hidden, strange, tmp_path / "c.txt"], tmp_path / "out")
    assert [result.status for result in results.values()] == ["done", "done", "failed"]
    assert below(tmp_path / "out") == [".a.png", "b.png"]


@pytest.mark.fault("I-27")
def test_what_is_missing_is_kept_and_fails(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    words = [str(tmp_path / name) for name in ("gone.png", "*.gone", "a.png", "**x", "empty")]
    assert plan(words, tmp_path / "out").missing == (words[0], words[1], words[3])
    results = run(words, tmp_path / "out")
    assert results["gone.png"] == Result(
        tmp_path / "gone.png", words[0], None, "failed", "it does not exist, cannot be read, or matches nothing"
    )
    assert results["a.png"].status == "done"


@pytest.mark.fault("I-27")
def test_an_address_is_not_fetched(tmp_path: Path) -> None:
    word = "https://example.org/a.jpg"
    result = run([word, put(tmp_path / "a.png")], tmp_path / "out")["a.jpg"]
    assert (result.word, result.status, result.reason) == (word, "failed", pipeline.ELSEWHERE)
    with pytest.raises(DataError, match=f"no pictures in {word}: 1 input not found and addresses are not downloaded"):
        plan([word], tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "%d.png",
        os.fsdecode(b"bad\xff.png"),
        "with space.png",
        "new\nline.png",
        "-rf.png",
        "ünï 写真 🐴.png",
        "x" * 200 + ".png",
        "x" * 251 + ".png",
        "사진.png",
        "a'b\"c$d.png",
    ],
)
@pytest.mark.fault("I-26")
def test_odd_names_stay(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "in" / name)
    monkeypatch.chdir(tmp_path / "in")
    assert run([name], Path("../one"))[name].status == "done"
    assert run(["."], Path("../all"))[name].status == "done"
    assert [path.name for path in (tmp_path / "one").iterdir()] == [name]
    assert [path.name for path in (tmp_path / "all").iterdir()] == [name]


def test_one_file_becomes_the_file_that_is_named(tmp_path: Path) -> None:
    source = put(tmp_path / "a.png")
    results = run([source], tmp_path / "deep" / "b.webp")
    assert results["a.png"].output == tmp_path / "deep" / "b.webp"
    with Image.open(tmp_path / "deep" / "b.webp") as image:
        assert (image.format, image.size) == ("WEBP", (7, 9))


@pytest.mark.fault("I-22")
def test_an_output_folder_inside_an_input_is_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.png")
    put(tmp_path / "sub" / "b.png")
    monkeypatch.chdir(tmp_path)
    for word in (".", "*", "**/*.png", tmp_path):
        results = run([word], Path("sub/out"), overwrite=True)
        assert sorted(results) == ["a.png", "b.png"]
        assert below(tmp_path / "sub" / "out") == ["a.png", "sub/b.png"]


@pytest.mark.fault("I-1", "I-8")
def test_every_picture_of_a_mixed_folder(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    put(folder / "rgb.png", noise(9, 7, 3))
    put(folder / "grey.png", noise(12, 8))
    put(folder / "alpha.png", noise(10, 11, 4))
    put(folder / "deep" / "alpha.webp", noise(6, 5, 4), lossless=True, exact=True)
    put(folder / "sixteen.png", noise(8, 8).astype(np.uint16) * 257)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    put(folder / "turned.jpg", noise(16, 24, 3), exif=turned)
    put(folder / "lies.jpg", noise(5, 6, 4), "PNG")
    put(folder / "cut.png", noise(40, 40, 3)).write_bytes((folder / "cut.png").read_bytes()[:900])
    (folder / "empty.jpg").touch()
    (folder / "te\nxt.png").write_text("no picture\nat all")
    (folder / "notes.txt").write_text("x")
    (folder / "dangling.png").symlink_to("nowhere")

    assert plan([folder], out).ignored == 1
    results = run([folder], out)
    failed = {name: result for name, result in results.items() if result.status == "failed"}
    assert set(failed) == {"cut.png", "empty.jpg", "te\nxt.png", "dangling.png"}
    for result in failed.values():
        assert result.output is None
        assert result.reason.startswith("cannot be decoded: ")
        assert "\n" not in result.reason
    assert "truncated" in failed["cut.png"].reason
    done = [result for result in results.values() if result.status == "done"]
    names = ["alpha.png", "deep/alpha.webp", "grey.png", "lies.png", "rgb.png", "sixteen.png", "turned.jpg"]
    assert below(out) == names
    assert len(done) == len(names)
    for result in done:
        assert result.output is not None
        before, after = images.read(result.source), images.read(result.output)
        assert after.rgb.shape == before.rgb.shape
        assert result.size == before.rgb.shape[:2]
        assert not after.notes  # the suffix tells the truth
        assert (after.alpha is None) == (before.alpha is None)
        assert before.alpha is None or np.array_equal(after.alpha, before.alpha)
        if result.output.suffix == ".png":
            assert np.array_equal(after.rgb, TRANSLATOR.picture(before).rgb)
    assert results["turned.jpg"].size == (24, 16)
    assert results["sixteen.png"].notes == ("reduced to 8 bits a channel",)
    assert "its content is PNG" in results["lies.jpg"].notes[0]


def test_all_frames_of_an_animation_are_translated(tmp_path: Path) -> None:
    pixels = [noise(9, 7, 4, seed=seed) for seed in range(3)]
    frames = [images.Picture(frame[..., :3], frame[..., 3], "", shown_ms=30 * n + 30) for n, frame in enumerate(pixels)]
    for name in ("a.png", "b.webp", "c.avif"):
        images.write(frames, tmp_path / "in" / name)
    opaque = [replace(frame, alpha=None) for frame in frames]
    images.write(opaque, tmp_path / "in" / "d.gif")
    put(tmp_path / "in" / "e.png", noise(9, 7, 3))
    results = run([tmp_path / "in"], tmp_path / "out", batch=2)
    assert below(tmp_path / "out") == ["a.png", "b.webp", "c.avif", "d.gif", "e.png"]
    for name, result in results.items():
        assert (result.status, result.notes, result.size) == ("done", (), (9, 7)), name
        before, after = (images.read_frames(tmp_path / place / name) for place in ("in", "out"))
        assert [frame.shown_ms for frame in after] == [frame.shown_ms for frame in before]
        for frame, translated in zip(before, after, strict=True):
            assert frame.alpha is None or np.array_equal(frame.alpha, translated.alpha)
            if name.endswith("png"):
                assert np.array_equal(translated.rgb, TRANSLATOR.picture(frame).rgb)


def test_nothing_is_carried_along_a_motion_in_a_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steadying, "Trace", None)
    assert run([put(tmp_path / "a.png")], tmp_path / "out")["a.png"].status == "done"


def test_where_one_frame_is_held_the_first_is_translated(tmp_path: Path) -> None:
    frames = [images.Picture(noise(9, 7, 3, seed=seed), None, "", shown_ms=50) for seed in range(3)]
    images.write(frames, tmp_path / "a.gif")
    result = run([tmp_path / "a.gif"], tmp_path / "out", encoding=Encoding("JPEG"))["a.gif"]
    assert result.notes == ("first of several frames",)
    assert below(tmp_path / "out") == ["a.jpg"]


def test_sixteen_bits_go_all_the_way(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (9, 7), dtype=np.uint16)
    put(tmp_path / "in" / "deep.png", deep)
    put(tmp_path / "in" / "shallow.jpg", noise(9, 7, 3))
    results = run([tmp_path / "in"], tmp_path / "out", encoding=Encoding(depth=16))
    assert below(tmp_path / "out") == ["deep.png", "shallow.png"]
    assert all(result.notes == () for result in results.values())
    before, after = (images.read(tmp_path / place / "deep.png", depth=16).rgb for place in ("in", "out"))
    assert np.array_equal(after, TRANSLATOR(before))
    assert len(np.unique(after % 257)) > 20  # not 8 bits in disguise
    assert np.abs(after / 257 - TRANSLATOR(np.rint(before / 257).astype(np.uint8))).mean() < 3


def test_the_encoding_is_passed_on(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera"
    put(tmp_path / "in" / "a.jpg", noise(9, 7, 3), exif=exif)
    put(tmp_path / "in" / "b.png", noise(9, 7, 4))
    encoding = Encoding("WEBP", keep_metadata="safe", note="made by a model")
    run([tmp_path / "in"], tmp_path / "out", encoding=encoding)
    assert below(tmp_path / "out") == ["a.webp", "b.webp"]
    with Image.open(tmp_path / "out" / "a.webp") as image:
        assert dict(image.getexif()) == {ExifTags.Base.Make: "a camera", ExifTags.Base.Software: "made by a model"}
    results = run([tmp_path / "in" / "b.png"], tmp_path / "b.jpg")
    assert results["b.png"].notes == ("transparency laid on white, JPEG holds none",)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a.jpg", Encoding("PNG")),
        ("a.jpg", Encoding(depth=16)),
        ("a.heic", Encoding()),
        ("folder", Encoding("JPEG", depth=16)),
    ],
)
def test_an_output_that_cannot_be_written_so_is_refused_by_the_plan(
    tmp_path: Path, name: str, encoding: Encoding
) -> None:
    with pytest.raises(OutputError):
        plan([put(tmp_path / "in.png")], tmp_path / name, settings=ConversionSettings(encoding=encoding))


@pytest.mark.fault("I-17")
def test_what_a_format_cannot_hold_fails_before_it_is_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "in" / "long.png", noise(1, 16_384, 3))
    translator = made()
    monkeypatch.setattr(translator, "tensor", lambda *_: pytest.fail("translated"))
    result = run([tmp_path / "in"], tmp_path / "out", translator=translator, encoding=Encoding("WEBP"))["long.png"]
    assert result.status == "failed"
    assert "WEBP holds 16383 pixels a side; found 16384" in result.reason


@pytest.mark.fault("I-5")
def test_the_pixel_limit_is_passed_on(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    assert run([tmp_path / "in"], tmp_path / "out", limits=Limits(pixels=63))["a.png"].status == "done"
    result = run([tmp_path / "in"], tmp_path / "other", limits=Limits(pixels=62))["a.png"]
    assert "found 63, limit 62; a larger --max-pixels reads it" in result.reason


@pytest.mark.fault("I-5")
def test_a_mask_may_have_as_many_pixels_as_a_picture(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    mask = put(tmp_path / "mask.png", noise(10, 7, 3))
    result = run([tmp_path / "in"], tmp_path / "out", mask=mask, limits=Limits(pixels=69))["a.png"]
    assert "mask.png cannot be decoded: it has too many pixels, found 70, limit 69" in result.reason
    assert run([tmp_path / "in"], tmp_path / "out", mask=mask, limits=Limits(pixels=70))["a.png"].status == "done"


def test_the_target_is_passed_on(tmp_path: Path) -> None:
    source = put(tmp_path / "a.png")
    run([source], tmp_path / "out", to="horse")
    assert np.array_equal(rgb(tmp_path / "out" / "a.png"), TRANSLATOR(rgb(source), "horse"))


@pytest.mark.parametrize("options", [{"batch": 0}, {"size": 0}, {"size": -3}], ids=str)
def test_wrong_words_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="must be at least 1"):
        ConversionSettings(**options)


@pytest.mark.parametrize("batch", [2, 3, 100])
@pytest.mark.fault("I-21")
def test_the_result_does_not_depend_on_the_batch(tmp_path: Path, batch: int) -> None:
    for number in range(12):
        put(tmp_path / "in" / f"{number:02}.png", noise(9, 7 + number // 5, 3, seed=number))
    put(tmp_path / "in" / "03.png").write_bytes(b"broken")
    single, together = (
        run([tmp_path / "in"], tmp_path / "single"),
        run([tmp_path / "in"], tmp_path / "batch", batch=batch),
    )
    assert list(single) == list(together)
    assert [result.status for result in single.values()] == [result.status for result in together.values()]
    assert len(below(tmp_path / "batch")) == 11
    for name in below(tmp_path / "single"):
        assert (tmp_path / "batch" / name).read_bytes() == (tmp_path / "single" / name).read_bytes()


def test_neighbours_of_equal_size_share_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, width in enumerate([8, 8, 8, 9, 8]):
        put(tmp_path / "in" / f"{number}.png", noise(9, width, 3))
    translator, sizes = made(), []
    real = translator.tensor
    monkeypatch.setattr(translator, "tensor", lambda x, to, *_: sizes.append(len(x)) or real(x, to))
    run([tmp_path / "in"], tmp_path / "out", translator=translator, batch=2)
    assert sizes == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("size", "seen"),
    [("native", (30, 50)), (12, (12, 20)), (29, (29, 48)), (30, (30, 50)), (400, (30, 50)), (1, (1, 2))],
)
@pytest.mark.parametrize("upright", [True, False])
def test_a_size_changes_what_the_network_sees_but_not_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Any, seen: tuple[int, int], upright: bool
) -> None:
    pixels = noise(30, 50, 4)
    source = put(tmp_path / "a.png", pixels.swapaxes(0, 1) if upright else pixels)
    translator, shapes = made(), []
    real = translator.tensor
    monkeypatch.setattr(translator, "tensor", lambda x, to, *_: shapes.append(tuple(x.shape)) or real(x, to))
    result = run([source], tmp_path / "out", translator=translator, size=size)["a.png"]
    assert shapes == [(1, 3, *(seen[::-1] if upright else seen))]
    assert result.size == ((50, 30) if upright else (30, 50))
    before, after = images.read(source), images.read(tmp_path / "out" / "a.png")
    assert after.rgb.shape == before.rgb.shape
    assert np.array_equal(after.alpha, before.alpha)


def test_what_is_there_is_skipped_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        put(tmp_path / "in" / name)
    old = put(tmp_path / "out" / "a.png", noise(2, 2, 3)).read_bytes()
    (item,) = plan([tmp_path / "in"], tmp_path / "out").existing
    assert item == Item(tmp_path / "in" / "a.png", tmp_path / "out" / "a.png", Path("a.png"), "zebra")
    results = run([tmp_path / "in"], tmp_path / "out")
    assert results["a.png"] == Result(
        item.source, f"{tmp_path}/in/./a.png", item.output, "skipped", "the output is already there", target="zebra"
    )
    assert results["b.png"].status == "done"
    assert (tmp_path / "out" / "a.png").read_bytes() == old
    assert [result.status for result in run([tmp_path / "in"], tmp_path / "out").values()] == ["skipped", "skipped"]
    assert [r.status for r in run([tmp_path / "in"], tmp_path / "out", overwrite=True).values()] == ["done", "done"]
    assert rgb(tmp_path / "out" / "a.png").shape == (9, 7, 3)


# What ends early


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.fault("I-33")
def test_a_result_that_is_not_finite_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    for number in range(4):
        put(tmp_path / "in" / f"{number}.png", np.full((8, 8, 3), 255 if number == 1 else 100, np.uint8))
    translator = made()
    monkeypatch.setattr(translator, "_whole", lambda x, target: torch.where(x > 0.9, torch.nan, x))
    results = run([tmp_path / "in"], tmp_path / "out", translator=translator, batch=batch)
    assert [result.status for result in results.values()] == ["done", "failed", "done", "done"]
    assert "the model produced values that are not finite" in results["1.png"].reason.lower()
    assert results["1.png"].output is None
    assert below(tmp_path / "out") == ["0.png", "2.png", "3.png"]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.fault("I-33")
def test_one_colour_of_a_whole_picture_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    for number, pixels in enumerate((noise(30, 40, 3), noise(30, 40, 3) // 8, noise(30, 40, 3))):
        put(tmp_path / "in" / f"{number}.png", pixels)  # the second is all but one colour itself
    put(tmp_path / "in" / "3.png", noise(3, 4, 3))  # of few pixels, which may well become equal
    translator = made()
    monkeypatch.setattr(translator, "_whole", lambda x, target: torch.full_like(x, 0.3))
    results = run([tmp_path / "in"], tmp_path / "dead", translator=translator, batch=batch, size="native")
    assert [result.status for result in results.values()] == ["failed", "done", "failed", "done"]
    assert results["0.png"].reason.startswith("The model made one colour of the whole picture")
    assert below(tmp_path / "dead") == ["1.png", "3.png"]
    with pytest.raises(WeightsError, match="one colour"):
        translator.batch([noise(30, 40, 3) * np.uint16(257)])


@pytest.mark.fault("I-23")
def test_a_full_disk_stops_and_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        put(tmp_path / "in" / f"{number}.png")
    real, count = files._flush, []

    def flush(file: Path) -> None:
        count.append(file)
        if "3.png" in file.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(files, "_flush", flush)
    results: list[Result] = []
    with pytest.raises(OutputError, match="disk is full") as caught:
        results.extend(convert(TRANSLATOR, plan([tmp_path / "in"], tmp_path / "out")))
    assert caught.value.exit_code == 7
    assert [result.source.name for result in results] in ([], ["0.png", "1.png", "2.png"])
    kept = below(tmp_path / "out")
    assert {"0.png", "1.png", "2.png"} <= set(kept) <= {f"{number}.png" for number in range(8)} - {"3.png"}
    assert len(kept) < 7  # it stopped
    monkeypatch.undo()
    again = run([tmp_path / "in"], tmp_path / "out")
    assert sorted(name for name, result in again.items() if result.status == "skipped") == kept
    assert len(below(tmp_path / "out")) == 8


@pytest.mark.skipif(os.name != "posix", reason="no such limit here")
@pytest.mark.fault("I-23")
def test_a_write_that_the_system_refuses_stops_and_keeps_what_was_written(tmp_path: Path) -> None:
    """No error is made up here: the system ends a file that grows past a limit, as a full disk does."""
    import resource

    old = put(tmp_path / "out" / "2.png").read_bytes()
    for number in range(4):
        put(tmp_path / "in" / f"{number}.png", noise(300, 300, 3) if number == 2 else None)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"The disk is full: .*2\.png was not written"):
            run([tmp_path / "in"], tmp_path / "out", overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert set(below(tmp_path / "out")) <= {"0.png", "1.png", "2.png", "3.png"}
    assert (tmp_path / "out" / "2.png").read_bytes() == old
    assert np.array_equal(rgb(tmp_path / "out" / "0.png"), TRANSLATOR(rgb(tmp_path / "in" / "0.png")))


def stopped(
    tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch, batch: int | None = None
) -> Callable[[], list[Result]]:
    """Prepare a conversion of six pictures whose third pass through the network raises `error`."""
    for number in range(6):
        put(tmp_path / "in" / f"{number}.png")
    translator, passes = made(), []
    real = translator.method.translate

    def fail(x: torch.Tensor, target: str) -> torch.Tensor:
        passes.append(x)
        if len(passes) == 3:
            raise error
        return real(x, target)

    monkeypatch.setattr(translator, "_whole", fail)
    settings = ConversionSettings(batch=batch)
    return lambda: list(convert(translator, plan([tmp_path / "in"], tmp_path / "out"), settings))


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (torch.AcceleratorError("CUDA error: unknown error"), DeviceError),
        (KeyError("a bug"), KeyError),
    ],
)
def test_an_early_end_leaves_whole_files_and_no_threads(
    tmp_path: Path, error: BaseException, raised: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = threading.active_count()
    with pytest.raises(raised):
        stopped(tmp_path, error, monkeypatch)()
    assert threading.active_count() == threads
    assert set(below(tmp_path / "out")) <= {"0.png", "1.png"}
    for name in below(tmp_path / "out"):
        assert np.array_equal(rgb(tmp_path / "out" / name), TRANSLATOR(rgb(tmp_path / "in" / name)))


@pytest.mark.fault("I-19")
def test_a_picture_that_is_too_large_in_every_way_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = {result.source.name: result for result in stopped(tmp_path, MemoryError(), monkeypatch)()}
    assert "not enough memory for pictures of this size" in results["2.png"].reason
    assert [name for name, result in results.items() if result.status == "failed"] == ["2.png"]
    assert below(tmp_path / "out") == ["0.png", "1.png", "3.png", "4.png", "5.png"]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.fault("I-19")
def test_what_was_done_in_smaller_parts_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("translate.inference.fallback.LEAST", 1)
    results = stopped(tmp_path, torch.OutOfMemoryError("out of memory"), monkeypatch, batch)()
    assert [result.status for result in results] == ["done"] * 6
    assert sum(result.notes == (SMALLER,) for result in results) == batch
    for name in below(tmp_path / "out"):
        expected = TRANSLATOR(rgb(tmp_path / "in" / name)).astype(int)
        assert np.abs(rgb(tmp_path / "out" / name) - expected).max() <= 1


@pytest.mark.fault("I-19")
def test_a_scratch_disk_without_room_fails_its_picture_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "in" / "large.png", noise(90, 90, 3))
    put(tmp_path / "in" / "small.png", noise(9, 9, 3))
    translator = made()
    translator.budget.memory = 3 * 2 * 4 * 1000  # of 1000 pixels
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 0))
    results = run([tmp_path / "in"], tmp_path / "out", translator=translator, size="native")
    assert "Set TMPDIR to a folder on a larger disk" in results["large.png"].reason
    assert results["small.png"].status == "done"


def test_a_full_memory_while_encoding_is_a_device_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan([put(tmp_path / "a.png")], tmp_path / "out")

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "write", fail)
    with pytest.raises(DeviceError, match="--size PX"):
        list(convert(TRANSLATOR, found))


def test_a_consumer_may_stop(tmp_path: Path) -> None:
    for number in range(9):
        put(tmp_path / "in" / f"{number}.png")
    threads, results = threading.active_count(), convert(TRANSLATOR, plan([tmp_path / "in"], tmp_path / "out"))
    assert next(results).status == "done"
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == threads
    assert len(below(tmp_path / "out")) < 9


def test_only_a_few_pictures_are_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        put(tmp_path / "in" / f"{number:02}.png")
    held, lock, most, real_read, real_write = 0, threading.Lock(), 0, images.read_frames, images.write

    def change(by: int) -> None:
        nonlocal held, most
        with lock:
            held += by
            most = max(most, held)

    def read(*arguments: Any) -> list[images.Picture]:
        change(1)
        return real_read(*arguments)

    def write(*arguments: Any) -> tuple[str, ...]:
        change(-1)
        return real_write(*arguments)

    monkeypatch.setattr(images, "read_frames", read)
    monkeypatch.setattr(images, "write", write)
    run([tmp_path / "in"], tmp_path / "out", batch=2)
    assert held == 0
    assert most <= 3 * (2 + 1)  # decoded ahead, in the network, waiting to be written
    assert len(below(tmp_path / "out")) == 30


def test_what_was_only_planned_is_not_read_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(41):
        put(tmp_path / "in" / f"{number:02}.png")
    read, real = [], images.read_frames

    def slow(*arguments: Any) -> list[images.Picture]:
        read.append(arguments)
        time.sleep(0.005)
        return real(*arguments)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "read_frames", slow)
    translator = made()
    monkeypatch.setattr(translator, "tensor", fail)
    with pytest.raises(KeyboardInterrupt):
        run([tmp_path / "in"], tmp_path / "out", translator=translator, batch=20)
    assert len(read) < 35


def test_reading_ahead_overlaps_with_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(tmp_path / "in" / f"{number}.png")
    translator, second, real = made(), threading.Event(), images.read_frames

    def read(source: Path, *arguments: Any) -> list[images.Picture]:
        if source.name == "1.png":
            second.set()
        return real(source, *arguments)

    def wait(x: torch.Tensor, target: str) -> torch.Tensor:
        assert second.wait(10)  # the network has the first picture
        return x

    monkeypatch.setattr(images, "read_frames", read)
    monkeypatch.setattr(translator, "_whole", wait)
    run([tmp_path / "in"], tmp_path / "out", translator=translator)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.fault("I-28")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in run([tmp_path / "pipe.png"], tmp_path / "out")["pipe.png"].reason


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
@pytest.mark.fault("I-28")
def test_a_device_and_a_huge_file_are_refused_without_reading(tmp_path: Path) -> None:
    with (tmp_path / "sparse.png").open("wb") as stream:
        stream.truncate(1 << 40)
    results = run(["/dev/zero", tmp_path / "sparse.png"], tmp_path / "out")
    assert "not a regular file" in results["zero"].reason
    assert "it has more than 512 MiB" in results["sparse.png"].reason


# Blending and masks


def test_the_strength_and_the_mask_reach_the_file(tmp_path: Path) -> None:
    source = put(tmp_path / "in" / "a.png", noise(20, 30, 4))
    put(tmp_path / "mask.png", np.repeat(np.array([[0, 255]], np.uint8), 2, axis=0).repeat(7, axis=1))
    before, whole = rgb(source), TRANSLATOR.picture(images.read(source)).rgb
    for number, options in enumerate(
        [{"blending": Blending(0.0)}, {"mask": tmp_path / "mask.png"}, {"blending": Blending(0.5)}]
    ):
        run([source], tmp_path / f"{number}", **options)
    kept, masked, half = (rgb(tmp_path / f"{number}" / "a.png") for number in range(3))
    assert np.array_equal(kept, before)
    assert np.array_equal(masked[:, :10], before[:, :10])
    assert np.array_equal(masked[:, 20:], whole[:, 20:])
    assert not np.array_equal(half, before)
    assert not np.array_equal(half, whole)
    assert np.array_equal(images.read(tmp_path / "1" / "a.png").alpha, images.read(source).alpha)


# How files are written


def test_the_network_sees_the_background_where_colours_are_hidden(tmp_path: Path) -> None:
    pixels = noise(20, 30, 4)
    pixels[..., 3] = 255
    pixels[:, 15:, 3] = 0
    for name, level in (("black", 0), ("green", 99)):
        pixels[:, 15:, :3] = level
        put(tmp_path / "in" / f"{name}.png", pixels)
    run([tmp_path / "in"], tmp_path / "white")
    run([tmp_path / "in"], tmp_path / "red", encoding=Encoding(background=(255, 0, 0)))
    black, green, red = (
        images.read(tmp_path / name) for name in ("white/black.png", "white/green.png", "red/black.png")
    )
    assert np.array_equal(black.rgb, green.rgb)  # what is hidden has no influence
    assert not np.array_equal(black.rgb, red.rgb)
    assert np.array_equal(red.alpha, pixels[..., 3])
    run([tmp_path / "in"], tmp_path / "kept", blending=Blending(0.0))
    assert np.array_equal(rgb(tmp_path / "kept" / "green.png"), pixels[..., :3])


def test_the_first_frame_alone_is_a_still_in_a_format_for_stills(tmp_path: Path) -> None:
    frames = [images.Picture(noise(9, 7, 3, seed=seed), None, "", shown_ms=50) for seed in range(3)]
    for name in ("a.gif", "b.webp", "c.png"):
        images.write(frames, tmp_path / "in" / name)
    results = run([tmp_path / "in"], tmp_path / "out", encoding=Encoding(frames="first"))
    assert below(tmp_path / "out") == ["a.png", "b.webp", "c.png"]
    for name, result in results.items():
        assert result.output is not None
        assert len(images.read_frames(result.output)) == 1
        assert result.notes == ("first of several frames",), name


def test_times_are_kept_where_asked_for_and_permissions_follow_the_umask(tmp_path: Path) -> None:
    source = put(tmp_path / "in" / "a.png")
    source.chmod(0o600)
    os.utime(source, ns=(1_000_000_000_000_000_123, 1_100_000_000_000_000_456))
    run([tmp_path / "in"], tmp_path / "out")
    assert (tmp_path / "out" / "a.png").stat().st_mtime > 1_700_000_000
    run([tmp_path / "in"], tmp_path / "kept", preserve_times=True)
    kept = (tmp_path / "kept" / "a.png").stat()
    assert kept.st_mtime_ns == 1_100_000_000_000_000_456
    umask = os.umask(0)
    os.umask(umask)
    assert kept.st_mode & 0o777 == 0o666 & ~umask


def test_pictures_are_replaced_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before a picture is replaced, the next run does it; what is done is not done twice."""
    sources = [put(tmp_path / "in" / name, noise(9, 7, 3, seed=n)) for n, name in enumerate(("a.png", "deep/b.png"))]
    before = [source.read_bytes() for source in sources]
    torn = put(tmp_path / "in" / "torn.png")
    torn.write_bytes(b"torn")
    write = images.write

    def killed(picture: Any, path: Path, *options: Any) -> Any:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return write(picture, path, *options)

    monkeypatch.setattr(images, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        list(convert(TRANSLATOR, plan_in_place([tmp_path / "in"], "zebra")))
    monkeypatch.undo()
    assert sources[1].read_bytes() == before[1]
    results = {result.source.name: result for result in convert(TRANSLATOR, plan_in_place([tmp_path / "in"], "zebra"))}
    assert {name: result.status for name, result in results.items()} == {
        "a.png": "skipped", "b.png": "done", "torn.png": "failed"
    }  # fmt: skip
    assert below(tmp_path / "in") == [".originals/a.png", ".originals/deep/b.png", "a.png", "deep/b.png", "torn.png"]
    for source, content in zip(sources, before, strict=True):
        original = tmp_path / "in" / ".originals" / source.relative_to(tmp_path / "in")
        assert original.read_bytes() == content
        assert np.array_equal(rgb(source), TRANSLATOR(rgb(original)))
    assert torn.read_bytes() == b"torn"
    assert len(plan_in_place([tmp_path / "in"], "zebra").existing) == 2


# Promises about many runs


@pytest.mark.fault("I-24")
def test_a_killed_run_continues_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at any moment: what was being written stays behind as a hidden partial file."""
    for number in range(5):
        put(tmp_path / "in" / f"{number}.png")
    run([tmp_path / "in"], tmp_path / "whole")
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target.name == "3.png":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # nobody cleans up after a kill
    with pytest.raises(KeyboardInterrupt):
        run([tmp_path / "in"], tmp_path / "out")
    monkeypatch.undo()
    left = [name for name in below(tmp_path / "out") if name.endswith(".partial")]
    assert left
    assert plan([tmp_path / "out"], tmp_path / "next").ignored == 0  # what is partial is no input
    assert "3.png" not in below(tmp_path / "out")
    monkeypatch.setattr(files, "is_alive", lambda process: False)
    again = run([tmp_path / "in"], tmp_path / "out")
    assert not any(name.endswith(".partial") for name in below(tmp_path / "out"))
    assert again["3.png"].status == "done"
    assert again["0.png"].status == "skipped"
    for name in below(tmp_path / "whole"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.fault("I-35")
def test_the_same_command_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "c.webp", "d.tif"):
        put(tmp_path / "in" / name, noise(70, 90, 3))
    for out in ("one", "two"):
        run([tmp_path / "in"], tmp_path / out, blending=Blending(0.7), compare="side")
    assert len(below(tmp_path / "one")) == 8
    for name in below(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.fault("I-36")
def test_two_runs_to_one_folder_leave_whole_files(tmp_path: Path) -> None:
    for number in range(6):
        put(tmp_path / "in" / f"{number}.png")
    found = [plan([tmp_path / "in"], tmp_path / "out") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda one: list(convert(TRANSLATOR, one)), found))
    assert [[result.status for result in results] for results in both] == [["done"] * 6] * 2
    assert below(tmp_path / "out") == [f"{number}.png" for number in range(6)]
    for name in below(tmp_path / "out"):
        assert np.array_equal(rgb(tmp_path / "out" / name), TRANSLATOR(rgb(tmp_path / "in" / name)))


@pytest.mark.fault("I-36")
def test_parts_that_run_at_once_do_all_and_share_nothing(tmp_path: Path) -> None:
    for number in range(12):
        put(tmp_path / "in" / f"{number}.png")
    run([tmp_path / "in"], tmp_path / "whole")
    for count in range(1, 8):
        out = tmp_path / f"out{count}"
        found = [plan([tmp_path / "in"], out, shard=(part, count)) for part in range(1, count + 1)]
        with ThreadPoolExecutor(count) as pool:
            parts = list(pool.map(lambda one: list(convert(TRANSLATOR, one)), found))
        done = [result.source.name for part in parts for result in part if result.status == "done"]
        assert sorted(done) == below(out) == below(tmp_path / "whole")
        for name in done:
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.fault("I-38")
def test_a_broken_device_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with TORCH_USE_CUDA_DSA")
    with pytest.raises(DeviceError, match=r"The device failed: CUDA error: device-side assert triggered\. ") as caught:
        stopped(tmp_path, error, monkeypatch)()
    assert caught.value.exit_code == 6
    assert set(below(tmp_path / "out")) <= {"0.png", "1.png"}


# What is in the way of one result


@pytest.mark.fault("F-10")
def test_what_is_in_the_way_of_a_result_fails_its_picture_alone(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "deep/c.png", "e.png"):
        put(tmp_path / "in" / name)
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    (tmp_path / "out" / "deep").write_text("a file")
    results = run([tmp_path / "in"], tmp_path / "out")
    assert {name: result.status for name, result in results.items()} == {
        "a.png": "done", "b.png": "failed", "c.png": "failed", "e.png": "done"
    }  # fmt: skip
    assert results["b.png"].reason.startswith(f"Cannot write {tmp_path / 'out' / 'b.png'}: ")
    assert results["c.png"].reason.startswith(f"Cannot write {tmp_path / 'out' / 'deep' / 'c.png'}: ")
    assert below(tmp_path / "out") == ["a.png", "deep", "e.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="paths may have other lengths")
@pytest.mark.fault("F-10")
def test_a_path_that_becomes_too_long_fails_its_picture_alone(tmp_path: Path) -> None:
    """Linux opens no path of 4096 bytes or more."""
    out = tmp_path / "out"
    while len(str(out)) < 3700:
        out /= "o" * 200
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "/".join(["d" * 200] * 3) / "b.png")
    results = run([tmp_path / "in"], out)
    assert {name: result.status for name, result in results.items()} == {"a.png": "done", "b.png": "failed"}
    assert "File name too long" in results["b.png"].reason


@pytest.mark.fault("F-10")
def test_a_disk_that_is_read_only_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        put(tmp_path / "in" / f"{number}.png")

    def flush(file: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files, "_flush", flush)
    with pytest.raises(OutputError, match="Read-only file system") as caught:
        run([tmp_path / "in"], tmp_path / "out")
    assert caught.value.exit_code == 7


@pytest.mark.fault("F-10")
def test_a_manifest_that_cannot_be_written_is_noted(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    (tmp_path / "out" / manifest.NAME).mkdir(parents=True)
    (result,) = Job(ABOUT, (tmp_path / "in",), tmp_path / "out").run(TRANSLATOR)
    assert result.status == "done"
    assert result.notes == (".translate.jsonl cannot be written, so what made it is forgotten",)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is closed to root")
@pytest.mark.fault("I-22")
def test_a_folder_that_is_read_only_is_an_output_error(tmp_path: Path) -> None:
    source, out = put(tmp_path / "a.png"), tmp_path / "out"
    out.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        run([source], out)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no such folder here")
@pytest.mark.fault("I-22")
def test_a_place_closed_to_root_as_well_is_an_output_error(tmp_path: Path) -> None:
    source = put(tmp_path / "a.png")
    with pytest.raises(OutputError, match=r"Cannot write /proc/self/out/a\.png: .* Choose another place") as caught:
        run([source], Path("/proc/self/out"))
    assert caught.value.exit_code == 7


@pytest.mark.fault("I-22")
def test_a_place_below_a_file_is_an_output_error(tmp_path: Path) -> None:
    source = put(tmp_path / "a.png")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"Cannot write .*Not a directory|Cannot write .*exists"):
        run([source], tmp_path / "file" / "out")


@pytest.mark.parametrize(("device", "expected"), [("cpu", [1, 1, 1, 1]), ("cuda", [3, 1])])
def test_an_accelerator_gets_as_many_neighbours_as_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, expected: list[int]
) -> None:
    for number in range(4):
        put(tmp_path / "in" / f"{number}.png")
    translator, sizes = made(), []
    translator.budget.engine = replace(translator.engine, device=torch.device(device))
    monkeypatch.setattr(pipeline, "TOGETHER_PIXELS", 3 * 9 * 7 + 5)
    monkeypatch.setattr(translator, "tensor", lambda x, to, *_: sizes.append(len(x)) or x)
    run([tmp_path / "in"], tmp_path / "out", translator=translator)
    assert sizes == expected


def test_a_failure_can_be_tried_again_in_its_place(tmp_path: Path) -> None:
    good = put(tmp_path / "in" / "deep" / "a.png").read_bytes()
    put(tmp_path / "in" / "b.png")
    (tmp_path / "in" / "deep" / "a.png").write_bytes(b"broken")
    results = run([tmp_path / "in", tmp_path / "gone.png"], tmp_path / "out").values()
    (tmp_path / "failed.txt").write_bytes(write_list([result.word for result in results if not result.output]))
    (tmp_path / "in" / "deep" / "a.png").write_bytes(good)
    again = run([f"@{tmp_path / 'failed.txt'}"], tmp_path / "out")
    assert {name: result.status for name, result in again.items()} == {"a.png": "done", "gone.png": "failed"}
    assert below(tmp_path / "out") == ["b.png", "deep/a.png"]
