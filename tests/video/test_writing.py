"""What is encoded in parts and joined is one film, with the times and the colours that it was given."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.video.drawn import TICK, UNEVEN, drawn, sound_of, times_of, write_film
from translate import video
from translate.errors import OutputError, SettingsError
from translate.images import Encoding, Picture
from translate.video import formats, writing
from translate.video.colours import Colours
from translate.video.frames import Facts, Frame, Time
from translate.video.joining import check_sounds, join
from translate.video.reading import Film
from translate.video.writing import coding_of, write_part


def facts(height: int = 48, width: int = 64, **more: Any) -> Facts:
    return Facts(height, width, TICK, Fraction(25), len(UNEVEN), **more)


def frames(known: Facts, times: tuple[int, ...] = UNEVEN) -> list[Frame]:
    """Draw frames, the last of which is shown for 700 ticks."""
    made = []
    for number, time in enumerate(times):
        rgb = drawn(UNEVEN.index(time), known.height, known.width)
        alpha = np.full(rgb.shape[:2], 100, np.uint8) if known.alpha else None
        rgb = rgb * np.uint16(257) if known.depth == 16 else rgb
        alpha = alpha if alpha is None or known.depth == 8 else alpha * np.uint16(257)
        following = times[number + 1] if number + 1 < len(times) else time + 700
        made.append(Frame(Time(time, following - time), Picture(rgb, alpha, "")))
    return made


def written(out: Path, known: Facts, source: Path | None = None, **encoding: Any) -> tuple[Path, tuple[str, ...]]:
    """Write a film in two parts; return it, and what was left out."""
    how = Encoding(**encoding)
    coding = coding_of(out, known, how.quality, alpha=True)
    all_frames, parts = frames(known), []
    for number, some in enumerate((all_frames[:6], all_frames[6:])):
        path = out.parent / f"{number}.part"
        parts.append((path, write_part(path, some, coding)))
    return out, join(parts, out, out, known, source, how)


@pytest.mark.parametrize("encoder", ["libx264", "mpeg4"])
@pytest.mark.parametrize(
    ("rate", "read"),
    [(Fraction(24), Fraction(24)), (Fraction(2_160_000, 82_801), None), (Fraction(1, 3600), None)],
    ids=["film", "recording", "slides"],
)
def test_a_film_says_its_rate_and_any_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str, rate: Fraction, read: Fraction | None
) -> None:
    monkeypatch.setattr(writing, "_is_there", lambda name: name == encoder)
    out, _ = written(tmp_path / "a.mkv", replace(facts(), rate=rate))
    assert len(times_of(out)) == len(UNEVEN)
    if read:
        assert Film(out).facts.rate == read


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_two_parts_become_one_film_to_the_tick(tmp_path: Path, suffix: str) -> None:
    out, left_out = written(tmp_path / f"a{suffix}", facts())
    tick = TICK if suffix in (".mp4", ".mov") else Fraction(1, 1000)  # Matroska counts milliseconds
    assert times_of(out) == [round(time * TICK / tick) * tick for time in UNEVEN]
    assert left_out == ()
    film = Film(out)
    for number, frame in enumerate(film.frames()):
        assert np.abs(frame.picture.rgb.astype(int) - drawn(number)).mean() < 4
    assert film.damaged == 0
    assert film.missing_s is None
    if suffix == ".mp4":
        with av.open(str(out)) as container:
            assert container.streams.video[0].duration == UNEVEN[-1] + 700


@pytest.mark.parametrize("colours", [Colours(1, 1, 1, 1), Colours(6, 1, 6, 6), Colours(1, 2, 1, 13)], ids=str)
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_colours_are_written_as_they_were_and_tagged(tmp_path: Path, suffix: str, colours: Colours) -> None:
    out, _ = written(tmp_path / f"a{suffix}", facts(colours=colours))
    film = Film(out)
    found = film.facts.colours
    assert (found.matrix, found.range, found.primaries) == (colours.matrix, colours.range, colours.primaries)
    (first, *_) = film.frames()
    assert np.abs(first.picture.rgb.astype(int) - drawn(0)).mean() < 4
    with av.open(str(out)) as container:
        (raw, *_) = container.decode(video=0)
        assert (raw.colorspace, raw.color_range) == (colours.matrix, colours.range)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_ten_bits_are_kept(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    out, _ = written(tmp_path / f"a{suffix}", facts(depth=16))
    film = Film(out)
    (first, *_) = film.frames()
    assert film.facts.depth == 16
    assert np.abs(first.picture.rgb / 257 - drawn(0)).mean() < 4
    assert capfd.readouterr() == ("", "")  # encoders like to talk


def test_transparency_is_kept_in_webm(tmp_path: Path) -> None:
    out, _ = written(tmp_path / "a.webm", facts(alpha=True))
    film = Film(out)
    *_, last = film.frames()
    assert last.picture.alpha is not None
    assert np.abs(last.picture.alpha.astype(int) - 100).max() < 8
    assert not coding_of(tmp_path / "a.mp4", facts(alpha=True), 95, alpha=True).alpha
    assert not coding_of(tmp_path / "a.webm", facts(alpha=True), 95, alpha=False).alpha


@pytest.mark.fault("I-31")
@pytest.mark.parametrize(("suffix", "pixels"), [(".mp4", "yuv444p"), (".webm", "yuv420p")])
def test_odd_sides_are_kept(tmp_path: Path, suffix: str, pixels: str) -> None:
    known = facts(47, 63)
    coding = coding_of(tmp_path / f"a{suffix}", known, 95, alpha=True)
    assert coding.pixels == pixels
    assert ("its sides are odd" in " ".join(coding.notes)) == (pixels == "yuv444p")
    out, _ = written(tmp_path / f"a{suffix}", known)
    assert {frame.picture.rgb.shape for frame in Film(out).frames()} == {(47, 63, 3)}


def test_a_higher_quality_is_nearer_and_larger(tmp_path: Path) -> None:
    sizes, errors = [], []
    for quality in (95, 20):
        out, _ = written(tmp_path / f"{quality}.mp4", facts(), quality=quality)
        (first, *_) = Film(out).frames()
        sizes.append(out.stat().st_size)
        errors.append(np.abs(first.picture.rgb.astype(int) - drawn(0)).mean())
    assert sizes[0] > sizes[1]
    assert errors[0] < errors[1]


def test_sound_is_copied_and_what_metadata_is_kept_is_chosen(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [512 * n for n in range(len(UNEVEN))], sound="aac", title="Us")
    for keep, kept in (
        ("date", {}),
        ("safe", {"title": "Us"}),
        ("all", {"title": "Us", "location": "+48.1000+011.5000/"}),
    ):
        out, left_out = written(tmp_path / f"{keep}.mp4", facts(), source, keep_metadata=keep)
        assert sound_of(out) == sound_of(source)
        assert left_out == ()
        with av.open(str(out)) as film:
            found = {key: value for key, value in film.metadata.items() if key in ("title", "location")}
        assert found == kept


@pytest.mark.fault("I-31")
@pytest.mark.parametrize(("damaged", "said"), [(1, "1 piece of its sound or subtitles is"), (3, "3 pieces of")])
def test_sound_that_is_damaged_is_left_out(tmp_path: Path, damaged: int, said: str) -> None:
    source = write_film(tmp_path / "in.ts", sound="aac")
    content, packets = bytearray(source.read_bytes()), sound_of(source)
    for _, packet in packets[-2 * damaged :: 2]:
        content[content.index(packet[:20])] = 0  # in its header, without which it is no packet of an MP4
    source.write_bytes(content)
    out, (note,) = written(tmp_path / "out.mp4", Film(source).facts, source)
    assert note.startswith(said)
    assert note.endswith("damaged and left out")
    assert len(sound_of(out)) == len(packets) - damaged
    assert len(times_of(out)) == len(UNEVEN)


@pytest.mark.fault("I-31")
def test_what_ffmpeg_refuses_is_said(tmp_path: Path) -> None:
    coding = coding_of(tmp_path / "a.mp4", facts(), 90, alpha=False)
    with pytest.raises(OutputError, match=r"libx264 cannot encode this: FFmpeg says '.*'\. Name another kind"):
        write_part(tmp_path / "part", frames(facts(47, 63)), replace(coding, facts=facts(47, 63)))
    times = write_part(tmp_path / "part", frames(facts()), coding)
    part = tmp_path / "part", times[::-1]
    with pytest.raises(OutputError, match=r"a\.mp4 cannot be written: FFmpeg says 'Invalid argument'"):
        join([part], tmp_path / "b.mp4", tmp_path / "a.mp4", facts(), None, Encoding())


def test_sound_that_has_no_place_is_refused_before_any_work(tmp_path: Path) -> None:
    known = facts(sounds=("aac",))
    check_sounds(tmp_path / "a.mkv", known)
    with pytest.raises(
        OutputError, match=r"\.webm cannot hold the sound of this film, aac\. Name a file that ends in \.mp4"
    ):
        check_sounds(tmp_path / "a.webm", known)


def test_subtitles_are_copied_where_there_is_a_place(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,100 --> 00:00:00,400\nHello\n")
    plain = write_film(tmp_path / "plain.mkv")
    with (
        av.open(str(plain)) as film,
        av.open(str(tmp_path / "a.srt")) as words,
        av.open(str(tmp_path / "in.mkv"), "w") as made,
    ):
        streams = [made.add_stream_from_template(one.streams[0]) for one in (film, words)]
        streams[1].metadata["language"] = "eng"
        for stream, container in zip(streams, (film, words), strict=True):
            for packet in container.demux():
                if packet.size:
                    packet.stream = stream
                    made.mux(packet)
    out, left_out = written(tmp_path / "out.mkv", facts(), tmp_path / "in.mkv")
    with av.open(str(out)) as film:
        subtitles = film.streams.subtitles[0]
        assert subtitles.language == "eng"
        (packet,) = [one for one in film.demux(subtitles) if one.size]
        assert (bytes(packet), packet.pts) == (b"Hello", 100)
    assert left_out == ()
    _, left_out = written(tmp_path / "out.mp4", facts(), tmp_path / "in.mkv")
    assert left_out == ("its subtitle (subrip) was left out, which mp4 cannot hold",)


@pytest.mark.fault("I-31")
def test_without_an_encoder_those_that_are_there_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_is_there", lambda encoder: encoder == "libvpx-vp9")
    with pytest.raises(
        OutputError, match=r"no encoder for \.mp4: it lacks libx264, .*It writes \.webm \(libvpx-vp9\)\. Name"
    ):
        coding_of(tmp_path / "a.mp4", facts(), 95, alpha=True)
    deep = coding_of(tmp_path / "a.webm", facts(depth=16), 95, alpha=True)
    assert deep.notes == ("its colours were written with 8 bits, because libvpx-vp9 takes no more",)
    with pytest.raises(
        OutputError, match=r"Films are not written as \.flv\. Name one of \.mp4, \.m4v, \.mov, \.mkv, \.webm"
    ):
        coding_of(tmp_path / "a.flv", facts(), 95, alpha=True)


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    video.check_installed()
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"Films need one more package: pip install 'image-translate\[video\]'"):
        video.check_installed()


def test_films_are_known_by_their_suffixes() -> None:
    assert video.is_film(Path("a.MP4"))
    assert not video.is_film(Path("a.gif"))
    assert video.suffix_of(Path("a.AVI")) == ".mp4"
    assert video.suffix_of(Path("a.MKV")) == ".MKV"
