"""Films are read as they are meant to be seen; what is none says so."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.video.drawn import TICK, UNEVEN, drawn, write_film
from translate.errors import ImageDecodeError, UnfitPicture
from translate.images import Limits
from translate.video.frames import Facts
from translate.video.reading import Film


def test_frames_have_their_times_to_the_tick_and_their_colours(tmp_path: Path) -> None:
    film = Film(write_film(tmp_path / "a.mp4"))
    frames = list(film.frames())
    assert [frame.time.start for frame in frames] == list(UNEVEN)
    assert film.facts.tick == TICK
    assert (film.facts.height, film.facts.width, film.facts.count, film.facts.depth) == (48, 64, 10, 8)
    for number, frame in enumerate(frames):
        assert np.abs(frame.picture.rgb.astype(int) - drawn(number)).mean() < 4
    assert (film.damaged, film.resized, film.missing_s) == (0, False, None)
    assert [frame.time.start for frame in film.frames(skipped=7)] == list(UNEVEN[7:])


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_a_rotation_is_applied_once(tmp_path: Path, rotation: int, turns: int) -> None:
    film = Film(write_film(tmp_path / "a.mp4", rotation=rotation))
    (first, *_) = film.frames()
    expected = np.rot90(drawn(0), turns)
    assert (film.facts.height, film.facts.width) == expected.shape[:2] == first.picture.rgb.shape[:2]
    assert np.abs(first.picture.rgb.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (6, 1, 6, 6), (1, 2, 1, 1), (9, 1, 9, 14)], ids=str)
def test_colours_mean_what_their_tags_say(tmp_path: Path, tags: tuple[int, int, int, int]) -> None:
    film = Film(write_film(tmp_path / "a.mp4", tags=tags))
    (first, *_) = film.frames()
    assert np.abs(first.picture.rgb.astype(int) - drawn(0)).mean() < 4
    colours = film.facts.colours
    assert (colours.matrix, colours.range, colours.primaries, colours.transfer) == tags


@pytest.mark.parametrize(("size", "matrix"), [((48, 64), 6), ((720, 64), 1)])
def test_untagged_colours_are_taken_for_what_is_usual(tmp_path: Path, size: tuple[int, int], matrix: int) -> None:
    film = Film(write_film(tmp_path / "a.mkv", [0, 512], size=size, tags=(2, 0, 2, 2)))
    assert (film.facts.colours.matrix, film.facts.colours.range) == (matrix, 1)


def test_ten_bits_are_read_as_sixteen(tmp_path: Path) -> None:
    film = Film(write_film(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p10le"))
    (first, *_) = film.frames()
    assert first.picture.rgb.dtype == np.uint16
    assert np.abs(first.picture.rgb / 257 - drawn(0)).mean() < 4


def test_transparency_in_webm_is_read(tmp_path: Path) -> None:
    options = {"crf": "10", "b": "0", "cpu-used": "8"}
    film = Film(write_film(tmp_path / "a.webm", codec="libvpx-vp9", pixels="yuva420p", options=options))
    frames = list(film.frames())
    assert film.facts.alpha
    assert len(frames) == len(UNEVEN)
    alpha = frames[-1].picture.alpha
    assert alpha is not None
    assert np.abs(alpha.astype(int) - np.linspace(255, 0, 64)).mean() < 4


def test_odd_sides_are_read(tmp_path: Path) -> None:
    film = Film(write_film(tmp_path / "a.mp4", pixels="yuv444p", size=(47, 63)))
    assert {frame.picture.rgb.shape for frame in film.frames()} == {(47, 63, 3)}
    assert film.facts.chroma == "444"


@pytest.mark.fault("I-31")
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_film_that_is_cut_off_says_how_much_was_read(tmp_path: Path, name: str) -> None:
    times = [512 * number for number in range(50)]
    options = {"g": "5"}
    path = write_film(tmp_path / name, times, options=options)
    if name == "a.mp4":  # with its index in front, as on web pages
        with (
            av.open(str(path)) as film,
            av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "faststart"}) as other,
        ):
            stream = other.add_stream_from_template(film.streams.video[0])
            for packet in film.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    other.mux(packet)
        path = tmp_path / "b.mp4"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    film = Film(path)
    count = len(list(film.frames()))
    assert 10 < count < 45
    assert film.missing_s is not None
    read, said = film.missing_s
    assert said == pytest.approx(2.0, abs=0.05)
    assert read == pytest.approx(count / 25, abs=0.1)


@pytest.mark.fault("I-31")
def test_an_flv_that_is_cut_off_within_its_last_packet_is_read_up_to_there(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.flv", [512 * number for number in range(50)], sound="aac")
    with av.open(str(path)) as film:
        last = max(packet.pos for packet in film.demux(audio=0) if packet.size)
    path.write_bytes(path.read_bytes()[: last + 8])  # where what is left of it looks like one of another stream
    assert len(list(Film(path).frames())) == 50


@pytest.mark.fault("I-31")
def test_what_is_no_film_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("I am a poem.")
    (tmp_path / "empty.mkv").touch()
    (tmp_path / "folder.mp4").mkdir()
    whole = write_film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "torn.mp4").write_bytes(whole[: len(whole) // 2])
    with av.open(str(tmp_path / "sound.mp4"), "w") as film:
        stream = film.add_stream("aac", rate=48_000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        samples.sample_rate = 48_000
        film.mux([*stream.encode(samples), *stream.encode()])
    for name, reason in {
        "text.mp4": "it is no film, or was cut off", "empty.mkv": "it is no film, or was cut off",
        "torn.mp4": "it is no film, or was cut off, so that its index is missing", "folder.mp4": "directory",
        "sound.mp4": "it has no moving pictures, only sound", "gone.mp4": "No such file",
    }.items():  # fmt: skip
        with pytest.raises(ImageDecodeError, match=f"{name} cannot be decoded: .*{reason}"):
            Film(tmp_path / name)


@pytest.mark.fault("I-31")
def test_a_playlist_that_names_other_files_is_no_film(tmp_path: Path) -> None:
    write_film(tmp_path / "secret.mp4")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{tmp_path}/secret.mp4'\n")
    (tmp_path / "live.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.mp4\n#EXT-X-ENDLIST\n")
    for name in ("list.mp4", "live.mp4"):
        with pytest.raises(ImageDecodeError, match="it is no film"):
            Film(tmp_path / name)


@pytest.mark.fault("I-31")
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_a_high_dynamic_range_is_refused(tmp_path: Path, transfer: int, name: str) -> None:
    path = write_film(tmp_path / "a.mp4", [0, 512], pixels="yuv420p10le", tags=(9, 1, 9, transfer))
    with pytest.raises(UnfitPicture, match=rf"of high dynamic range \({name}\).*Convert it to an ordinary range"):
        Film(path)


def test_frames_of_too_many_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ImageDecodeError, match="too many pixels, found 3072, limit 3000; a larger --max-pixels reads it"
    ):
        Film(write_film(tmp_path / "a.mp4"), Limits(pixels=3000))


def test_what_is_made_of_pictures_has_square_pixels_in_the_colours_of_screens() -> None:
    facts = Facts(4, 6, Fraction(1, 25), Fraction(25), 3)
    assert (facts.aspect, facts.colours.matrix, facts.colours.hdr) == (1, 1, "")
