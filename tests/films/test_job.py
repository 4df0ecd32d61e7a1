"""Films are translated as pictures are, in parts that stay; whatever is wrong with them is a sentence."""

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.conversion.small import ABOUT, TRANSLATOR, made
from tests.video.drawn import UNEVEN, drawn, sound_of, times_of, write_film
from translate import images
from translate.conversion.pipeline import AGAIN, Result
from translate.conversion.words import settings_of
from translate.errors import DataError, DiskFull, OutputError, SettingsError
from translate.films import conversion, sinks
from translate.films.job import FilmJob
from translate.films.unfinished import place_of
from translate.images import Picture
from translate.inference.steadying import Steady
from translate.inference.translator import Translator
from translate.inference.treatment import Treatment
from translate.video.reading import Film

Frames = list[np.ndarray[Any, Any]]


def job(source: Path | str, out: Path, **words: Any) -> FilmJob:
    own = {name: words.pop(name) for name in ("to", "overwrite") if name in words}
    return FilmJob(ABOUT, (source,), out, settings=settings_of(words), **own)


def run(source: Path | str, out: Path, translator: Translator = TRANSLATOR, **words: Any) -> Result:
    (result,) = job(source, out, **words).run(translator)
    return result


def rgb(path: Path) -> Frames:
    return [frame.picture.rgb for frame in Film(path).frames()]


def distance(one: Frames, other: Frames) -> float:
    """Return the mean difference of frames in levels, of squares of 8 pixels, in which encoding hides nothing."""
    pairs = zip(one, other, strict=True)
    return float(np.mean([np.abs(_squares(a) - _squares(b)).mean() for a, b in pairs]))


def _squares(frame: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return frame.reshape(frame.shape[0] // 8, 8, frame.shape[1] // 8, 8, 3).mean((1, 3))


def expected(path: Path, weight: float, **treatment: Any) -> Frames:
    """Translate the frames of a film one by one, as pictures are."""
    steady, how, results = Steady(weight), Treatment(**treatment).of(ABOUT), []
    for frame in Film(path).frames():
        (ready,) = how.prepared([Picture(frame.picture.rgb, None, "")], None, ABOUT.size)
        results.append(ready.finished(steady(ready.small, TRANSLATOR.tensor(ready.small))).rgb)
    return results


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_film(tmp_path / "in/clip.mp4", sound="aac", title="Us")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "PART", 4)


@pytest.mark.parametrize("steady", [0.0, 0.8])
def test_frames_are_translated_as_pictures_are_and_steadied(clip: Path, tmp_path: Path, steady: float) -> None:
    out = tmp_path / "out.mp4"
    result = run(clip, out, steady=steady)
    assert (result.status, result.output, result.size, result.target) == ("done", out, (48, 64), "zebra")
    assert times_of(out) == times_of(clip)
    assert sound_of(out) == sound_of(clip)
    assert distance(rgb(out), expected(clip, steady)) < 4
    assert not place_of(out).exists()


def test_the_options_of_pictures_have_their_meaning(clip: Path, tmp_path: Path) -> None:
    run(clip, tmp_path / "same.mp4", strength=0.0)
    assert distance(rgb(tmp_path / "same.mp4"), rgb(clip)) < 4
    mask = tmp_path / "mask.png"
    images.write_pixels(np.zeros((48, 64, 3), np.uint8), mask)
    result = run(clip, tmp_path / "masked.mp4", mask=mask)
    assert distance(rgb(tmp_path / "masked.mp4"), rgb(clip)) < 4
    assert result.notes[0].startswith("its mask has no place lighter than")
    run(clip, tmp_path / "small.mp4", size=16, to="horse", steady=0)
    assert len(rgb(tmp_path / "small.mp4")) == len(UNEVEN)


def test_a_stopped_film_goes_on_after_its_last_whole_part(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    out, translator, seen = tmp_path / "out.mp4", made(), list[int]()
    tensor = translator.tensor

    def stopped(x: Any, *words: Any) -> Any:
        seen.append(len(x))
        if len(seen) == 8:
            raise KeyboardInterrupt
        return tensor(x, *words)

    monkeypatch.setattr(translator, "tensor", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(clip, out, translator)
    assert not out.exists()
    assert [part.name for part in sorted(place_of(out).glob("0*"))] == ["000000"]
    told: list[int] = []
    (result,) = job(clip, out).run(translator, None, lambda what, done, total: told.append(done))
    assert result.status == "done"
    assert told == [5, 6, 7, 8, 9, 10]
    assert len(seen) == 8 + 6
    assert times_of(out) == times_of(clip)
    assert distance(rgb(out), expected(clip, 0.8)) < 4
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [".translate.jsonl"]


def test_parts_of_another_model_or_film_are_thrown_away(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    out = tmp_path / "out.mp4"
    finish = sinks.FilmSink.finish
    monkeypatch.setattr(sinks.FilmSink, "finish", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(clip, out)
    monkeypatch.setattr(sinks.FilmSink, "finish", finish)
    told: list[int] = []
    (result,) = job(clip, out, strength=0.0).run(TRANSLATOR, None, lambda what, done, total: told.append(done))
    assert (result.status, told[0]) == ("done", 1)
    assert distance(rgb(out), rgb(clip)) < 4


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.fault("I-31")
def test_a_full_disk_ends_a_film_and_its_parts_stay(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    out, write_part = tmp_path / "out.mp4", sinks.write_part

    def full(path: Path, *words: Any) -> Any:
        times = write_part(path, *words)
        if len(list(path.parent.parent.glob("0*"))) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return times

    monkeypatch.setattr(sinks, "write_part", full)
    with pytest.raises(DiskFull, match="The disk is full"):
        run(clip, out)
    assert [part.name for part in sorted(place_of(out).glob("0*"))] == ["000000", "000001"]
    monkeypatch.setattr(sinks, "write_part", write_part)
    assert run(clip, out).status == "done"
    assert times_of(out) == times_of(clip)


def test_a_finished_film_is_skipped_until_something_has_changed(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert [run(clip, out).status for _ in range(2)] == ["done", "skipped"]
    assert run(clip, out, steady=0.5).status == "done"
    assert run(clip, out, steady=0.5, overwrite=True).status == "done"
    write_film(clip, UNEVEN[:4])
    assert run(clip, out, steady=0.5, overwrite=False).status == "done"
    assert len(times_of(out)) == 4


def test_a_film_becomes_a_folder_of_frames_and_these_a_film(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None
) -> None:
    folder, translator = tmp_path / "frames", made()
    tensor, calls = translator.tensor, list[int]()

    def stopped(x: Any, *words: Any) -> Any:
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return tensor(x, *words)

    monkeypatch.setattr(translator, "tensor", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(clip, folder, translator, format="png")
    assert run(clip, folder, translator, format="png").output == folder / "000001.png"
    names = sorted(path.name for path in folder.glob("*.png"))
    assert names == [f"{number:06}.png" for number in range(1, 11)]
    assert all(map(np.array_equal, [images.read(folder / name).rgb for name in names], expected(clip, 0.8)))
    assert run(clip, folder, format="png").status == "skipped"
    run(clip, folder, format="png", preserve_times=True, overwrite=True)
    assert {(folder / name).stat().st_mtime_ns for name in names} == {clip.stat().st_mtime_ns}
    result = run(folder, tmp_path / "again.mkv", strength=0.0, fps=Fraction(10))
    assert result.status == "done"
    assert times_of(tmp_path / "again.mkv") == [Fraction(number, 10) for number in range(10)]
    assert distance(rgb(tmp_path / "again.mkv"), expected(clip, 0.8)) < 4


def test_frames_of_an_earlier_longer_film_are_told(clip: Path, tmp_path: Path, small_parts: None) -> None:
    folder = tmp_path / "frames"
    assert run(clip, folder, format="png").notes == ()
    images.write_pixels(drawn(0), folder / "000020.png")  # which no film wrote
    write_film(clip, UNEVEN[:6])
    result = run(clip, folder, format="png")
    assert (result.status, *result.notes) == (
        "done",
        "4 pictures that lay there before follow its last, from 000007.png on",
    )


@pytest.mark.parametrize("word", ["*.png", "@names.txt"])
def test_a_film_of_a_pattern_or_a_list_has_the_times_of_its_first_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        images.write_pixels(drawn(number), tmp_path / f"{number}.png")
        os.utime(tmp_path / f"{number}.png", ns=(10**18, 10**18 + number))
    (tmp_path / "names.txt").write_text("0.png\n1.png\n")
    assert run(word, tmp_path / "out.mp4", preserve_times=True).status == "done"
    assert (tmp_path / "out.mp4").stat().st_mtime_ns == 10**18


def test_an_animation_becomes_a_film_with_all_of_its_frames(tmp_path: Path) -> None:
    frames = [Picture(drawn(number), None, "", shown_ms=shown) for number, shown in enumerate((40, 200, 60))]
    images.write(frames, tmp_path / "a.webp")
    assert run(tmp_path / "a.webp", tmp_path / "a.mp4").status == "done"
    assert times_of(tmp_path / "a.mp4") == [Fraction(0), Fraction(4, 100), Fraction(24, 100)]


def test_a_pattern_that_no_shell_expanded_means_its_films(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_film(tmp_path / name, UNEVEN[:2])
    plan = FilmJob(ABOUT, (tmp_path / "*.mp4", tmp_path / "*.mkv", tmp_path / "a.mp4"), tmp_path / "out").plan()
    assert [film.source.name for film in plan.films] == ["a.mp4", "b.mp4"]
    assert plan.missing == (str(tmp_path / "*.mkv"),)


def test_films_keep_their_names_in_a_folder(tmp_path: Path) -> None:
    films = [write_film(tmp_path / "in" / name, UNEVEN[:2]) for name in ("a.mkv", "b.avi", "c.mp4")]
    many = FilmJob(ABOUT, (*films, tmp_path / "gone.mp4"), tmp_path / "out")
    results = list(many.run(TRANSLATOR))
    assert [(one.source.name, one.status) for one in results] == [
        ("gone.mp4", "failed"), ("a.mkv", "done"), ("b.avi", "done"), ("c.mp4", "done")
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".jsonl") == [
        "a.mkv", "b.mp4", "c.mp4"
    ]  # fmt: skip


@pytest.mark.fault("I-31")
def test_a_film_that_is_cut_off_is_translated_as_far_as_it_goes_and_fails(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mkv", [512 * number for number in range(50)], options={"g": "5"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    result = run(path, tmp_path / "out.mkv")
    assert result.status == "failed"
    assert result.reason.endswith("of 2.0 s, so it is cut off or damaged")
    assert 10 < len(times_of(tmp_path / "out.mkv")) < 45


@pytest.mark.fault("I-31")
def test_the_result_of_a_cut_film_is_not_taken_for_whole_and_made_again_when_all_is_there(tmp_path: Path) -> None:
    path, out = write_film(tmp_path / "a.mkv", [512 * number for number in range(50)], options={"g": "5"}), tmp_path
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    first = run(path, out / "out.mkv")
    made = (out / "out.mkv").stat()
    again = run(path, out / "out.mkv")
    assert (again.status, again.output, again.reason) == ("failed", first.output, f"{first.reason}; {AGAIN}")
    assert (out / "out.mkv").stat() == made
    path.write_bytes(whole)
    assert [run(path, out / "out.mkv").status for _ in range(2)] == ["done", "skipped"]
    assert len(times_of(out / "out.mkv")) == 50


@pytest.mark.fault("I-31")
def test_a_film_that_is_damaged_within_fails_and_one_that_begins_in_the_middle_does_not(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mkv", [512 * number for number in range(20)], options={"g": "5"})
    with av.open(str(path)) as film:
        places = [(packet.pos, packet.size) for packet in film.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    found, size = content.index(b"\xa3", places[7][0]), places[7][1]
    content[found + 8 : found + 8 + size // 2] = bytes(size // 2)
    path.write_bytes(content)
    result = run(path, tmp_path / "out.mkv")
    assert (result.status, result.reason) == ("failed", "it is damaged, 1 piece passed over")
    assert len(times_of(tmp_path / "out.mkv")) == 19
    recorded = write_film(tmp_path / "b.ts", [512 * number for number in range(20)], options={"g": "5"})
    recorded.write_bytes(recorded.read_bytes()[188 * 8 :])
    assert run(recorded, tmp_path / "b.mp4").status == "done"
    assert 10 < len(times_of(tmp_path / "b.mp4")) < 20


def test_a_film_of_pictures_is_made_again_when_one_of_them_or_the_rate_has_changed(tmp_path: Path) -> None:
    for number in range(3):
        images.write_pixels(drawn(number), tmp_path / f"in/{number}.png")
    out = tmp_path / "out.mp4"
    assert [run(tmp_path / "in", out).status for _ in range(2)] == ["done", "skipped"]
    images.write_pixels(drawn(9), tmp_path / "in/1.png")
    assert [run(tmp_path / "in", out).status for _ in range(2)] == ["done", "skipped"]
    assert [run(tmp_path / "in", out, fps=Fraction(10)).status for _ in range(2)] == ["done", "skipped"]
    assert times_of(out)[1] == Fraction(1, 10)


@pytest.mark.fault("I-31")
def test_what_cannot_be_translated_fails_alone(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "in/torn.mp4").write_bytes(b"torn")
    films = (tmp_path / "in/torn.mp4", clip)
    results = list(FilmJob(ABOUT, films, tmp_path / "out").run(TRANSLATOR))
    assert [one.status for one in results] == ["failed", "done"]
    assert results[0].reason.startswith("cannot be decoded: it is no film")
    assert run(clip, tmp_path / "a.webm").reason.startswith(".webm cannot hold the sound of this film, aac.")


def test_transparency_is_kept_or_laid_on_a_colour(tmp_path: Path) -> None:
    options = {"crf": "10", "b": "0", "cpu-used": "8"}
    path = write_film(tmp_path / "a.webm", UNEVEN[:3], "libvpx-vp9", "yuva420p", options=options)
    assert run(path, tmp_path / "b.webm").notes == ()
    assert Film(tmp_path / "b.webm").facts.alpha
    assert run(path, tmp_path / "b.mp4", background="red").notes == (
        "transparency was laid on a colour, .mp4 holds none; .webm does",
    )
    assert rgb(tmp_path / "b.mp4")[0][24, -1].tolist() == pytest.approx([255, 0, 0], abs=30)


@pytest.mark.fault("I-31")
@pytest.mark.parametrize(
    ("words", "out", "sentence"),
    [
        ({}, "in/clip.mp4", "clip.mp4 would be replaced by its result. Choose another place"),
        ({}, "in", "clip.mp4 would be replaced by its result. Choose another place"),
        ({"to": "all"}, "x.mp4", "one target at a time"),
        ({"frame": "first"}, "x.mp4", "--frame first makes stills"),
        ({"depth": 16}, "x.mp4", "A film keeps its own depth"),
        ({"format": "png"}, "x.mp4", "--out is a folder for frames"),
        ({"format": "gif"}, "x.gif", "--out is a folder for frames"),
        ({"compare": "side"}, "x.mp4", "--compare does not go with films"),
    ],
)
def test_what_does_not_go_with_films_is_refused(
    clip: Path, tmp_path: Path, words: dict[str, Any], out: str, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        job(clip, tmp_path / out, **words).plan()


@pytest.mark.fault("I-31")
def test_other_places_and_inputs_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"not written as \.flv\. Name one of .* or a folder for frames, with --fo"):
        job(clip, tmp_path / "x.flv").plan()
    with pytest.raises(DataError, match=r"There are no films: .*gone\.mp4 not found"):
        job(tmp_path / "gone.mp4", tmp_path / "x.mp4").plan()
    images.write_pixels(drawn(0), tmp_path / "a.png")
    with pytest.raises(SettingsError, match=r"a\.png is no film\. Convert pictures and films with commands of their"):
        FilmJob(ABOUT, (clip, tmp_path / "a.png"), tmp_path / "x").plan()
    with pytest.raises(SettingsError, match="Several films would become"):
        FilmJob(ABOUT, (clip, write_film(tmp_path / "other/clip.mp4")), tmp_path / "x").plan()
    with pytest.raises(SettingsError, match="All frames of a film have one mask"):
        job(clip, tmp_path / "x.mp4", mask=tmp_path).plan()
    with pytest.raises(SettingsError, match=r"on this machine; found s3://photos/clip\.mp4"):
        job("s3://photos/clip.mp4", tmp_path / "x.mp4").plan()
