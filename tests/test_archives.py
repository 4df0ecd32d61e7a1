"""Archives that try to write elsewhere, to fill the disk, or to put two pictures into one file."""

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from translate import archives
from translate.archives import unpack
from translate.errors import DataError

SUFFIXES = frozenset({".jpg", ".png"})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder to unpack into; what is around it is watched by `refusal`."""
    folder = tmp_path / "around" / "folder"
    folder.mkdir(parents=True)
    return folder


def packed(path: Path, entries: Mapping[str, bytes], **attributes: Any) -> Path:
    """Write a zip archive whose entries have these names exactly, and these attributes of ZipInfo."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = name  # the constructor would cut and turn some
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return path


def unpacked(archive: Path, folder: Path) -> dict[str, bytes]:
    unpack(archive, folder, SUFFIXES, lambda *_: None)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(archive: Path, folder: Path) -> str:
    """Return why an archive is refused; nothing may be written anywhere."""
    before = sorted(folder.parents[1].rglob("*"))
    with pytest.raises(DataError) as caught:
        unpack(archive, folder, SUFFIXES, lambda *_: None)
    assert caught.value.exit_code == 4
    assert sorted(folder.parents[1].rglob("*")) == before
    return str(caught.value)


def test_pictures_are_unpacked_without_the_folder_around_them(tmp_path: Path, place: Path) -> None:
    told: list[tuple[int, int]] = []
    archive = packed(tmp_path / "a.zip", {"set/": b"", "set/trainA/1.jpg": b"one", "set/trainB/deep/2.PNG": b"two"})
    unpack(archive, place, SUFFIXES, lambda *counts: told.append(counts))
    assert (place / "trainA/1.jpg").read_bytes() == b"one"
    assert (place / "trainB/deep/2.PNG").read_bytes() == b"two"
    assert told == [(1, 2), (2, 2)]


def test_an_archive_without_a_folder_around_it_keeps_its_folders(tmp_path: Path, place: Path) -> None:
    entries = {"trainA/1.jpg": b"1", "./trainB//1.jpg": b"2"}
    assert unpacked(packed(tmp_path / "a.zip", entries), place) == {"trainA/1.jpg": b"1", "trainB/1.jpg": b"2"}
    assert set(unpacked(packed(tmp_path / "b.zip", {"1.jpg": b"1"}), place / "b")) == {"1.jpg"}


def test_colons_of_flickr_and_dots_at_the_end_become_names_for_every_system(tmp_path: Path, place: Path) -> None:
    entries = {"trainB/2014-08-01 17:41:55.jpg": b"1", "trainA. /what?.png": b"2"}
    found = unpacked(packed(tmp_path / "a.zip", entries), place)
    assert set(found) == {"trainB/2014-08-01 17_41_55.jpg", "trainA/what_.png"}


OUTSIDE = [
    "../x.png", "set/../../x.png", "set/.. /x.png", "set/.../x.png", "/x.png", "//host/share/x.png",
    "C:/x.png", "c:x.png", "set\\..\\x.png", "set\\x.png", "\\\\host\\x.png", "set/x.exe\0.png", "set/\0.png", "\0.png",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.fault("S-15")
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, place: Path, name: str) -> None:
    archive = packed(tmp_path / "a.zip", {"set/trainA/1.png": b"good", name: b"bad"})
    assert f"the name {name!r} leads out of its folder" in refusal(archive, place)


@pytest.mark.parametrize("name", ["../../.bashrc", "/etc/passwd", "..\\run.bat", "x.png\0.exe", "..\\x.png"])
@pytest.mark.fault("S-15")
def test_bad_names_of_what_is_no_picture_or_hidden_are_left_out(tmp_path: Path, place: Path, name: str) -> None:
    archive = packed(tmp_path / "a.zip", {"set/trainA/1.png": b"good", name: b"bad"})
    assert unpacked(archive, place) == {"trainA/1.png": b"good"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "around"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
@pytest.mark.fault("S-15")
def test_links_and_devices_are_left_out(tmp_path: Path, place: Path, kind: int) -> None:
    archive = packed(tmp_path / "a.zip", {"trainA/2.png": b"/etc/passwd"}, external_attr=(kind | 0o777) << 16)
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("trainA/1.png", b"good")
        more.writestr("trainB/1.png", b"good")
    assert set(unpacked(archive, place)) == {"trainA/1.png", "trainB/1.png"}


@pytest.mark.fault("S-15")
def test_permissions_are_not_taken_over(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"1.png": b"1"}, external_attr=(stat.S_IFREG | 0o6777) << 16)
    unpacked(archive, place)
    assert not (place / "1.png").stat().st_mode & 0o7111


@pytest.mark.fault("S-15")
def test_what_is_no_picture_is_left_out(tmp_path: Path, place: Path) -> None:
    names = ["1.py", "inner.zip", "Thumbs.db", ".hidden.png", "__MACOSX/1.png", "trainA/._1.png", ".git/1.png", "png"]
    archive = packed(tmp_path / "a.zip", {"1.png": b"1", **dict.fromkeys(names, b"no")})
    assert unpacked(archive, place) == {"1.png": b"1"}
    assert "it holds no pictures" in refusal(packed(tmp_path / "b.zip", {"1.py": b"no"}), place)


@pytest.mark.fault("S-15")
def test_a_bomb_is_seen_by_its_ratio(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {f"{index}.png": bytes(1 << 20) for index in range(3)})
    assert 500 * archive.stat().st_size < 3 << 20
    assert "would become 3,145,728, which pictures do not: it is a bomb" in refusal(archive, place)


@pytest.mark.fault("S-15")
def test_a_bomb_that_lies_about_its_size_is_stopped_there(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"1.png": bytes(1 << 20)})
    content = archive.read_bytes()
    archive.write_bytes(content.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 1000)))
    with pytest.raises(DataError, match="is damaged"):
        unpacked(archive, place)
    assert (place / "1.png").stat().st_size <= 1000


@pytest.mark.fault("S-15")
def test_a_bomb_is_seen_by_its_size(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(tmp_path / "a.zip", {"1.png": bytes(range(256)), "2.png": bytes(range(256))})
    monkeypatch.setattr(archives, "MAX_BYTES", 511)
    assert "would become 512" in refusal(archive, place)


@pytest.mark.fault("S-15")
def test_a_bomb_is_seen_by_its_entries(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(tmp_path / "a.zip", {f"{index}.txt": b"" for index in range(4)})
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    assert "it has 4 entries, more than 3" in refusal(archive, place)


@pytest.mark.parametrize(
    ("one", "two"),
    [("a/1.png", "a/1.PNG"), ("a/1.png", "A/1.png"), ("a/\u00e9.png", "a/e\u0301.png"), ("a/:.png", "a/_.png"),
     ("a/1.png", "a/./1.png"), ("a/ß.png", "a/SS.png")],
)  # fmt: skip
@pytest.mark.fault("S-15")
def test_pictures_that_would_be_one_file_are_refused(tmp_path: Path, place: Path, one: str, two: str) -> None:
    assert "would be one file" in refusal(packed(tmp_path / "a.zip", {one: b"1", two: b"2", "b/1.png": b"3"}), place)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.fault("S-15")
def test_duplicate_names_are_refused(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"1.png": b"1"})
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("1.png", b"2")
    assert "would be one file" in refusal(archive, place)


@pytest.mark.fault("S-15")
def test_a_picture_inside_a_picture_is_refused(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"a/1.png/2.png": b"1", "a/1.png": b"2", "b/1.png": b"3"})
    assert "'1.png/2.png' lies in a file" in refusal(
        packed(tmp_path / "b.zip", {"1.png/2.png": b"", "1.png": b""}), place
    )
    assert "'a/1.png/2.png' lies in a file" in refusal(archive, place)


@pytest.mark.fault("S-15")
def test_an_encrypted_archive_is_refused(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"1.png": b"1"})
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    archive.write_bytes(content)
    assert "'1.png' is encrypted" in refusal(archive, place)


@pytest.mark.fault("S-15")
def test_other_compressions_are_refused(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("1.png", b"1")
    assert "'1.png' is neither stored nor deflated" in refusal(tmp_path / "a.zip", place)


@pytest.mark.fault("S-15")
def test_truncated_and_damaged_archives_are_refused_at_any_byte(tmp_path: Path, place: Path) -> None:
    whole = packed(tmp_path / "a.zip", {"a/1.png": bytes(range(99)), "b/2.png": b"2" * 99}).read_bytes()
    for cut in range(0, len(whole), 7):
        (tmp_path / "a.zip").write_bytes(whole[:cut])
        with pytest.raises(DataError, match="is damaged or not a zip archive"):
            unpack(tmp_path / "a.zip", place / f"cut {cut}", SUFFIXES, lambda *_: None)
    for index in range(0, len(whole), 3):
        (tmp_path / "a.zip").write_bytes(whole[:index] + bytes([whole[index] ^ 0xFF]) + whole[index + 1 :])
        try:
            found = unpacked(tmp_path / "a.zip", place / f"flip {index}")
        except DataError:
            continue
        assert set(found.values()) <= {bytes(range(99)), b"2" * 99}  # times, permissions and names are not checked


# Compressed tar archives


def tarred(path: Path, entries: Mapping[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    """Write a .tar.gz whose entries have these names exactly, and are of this type."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size, info.type = (len(content) if kind == tarfile.REGTYPE else 0), kind
            info.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
            archive.addfile(info, io.BytesIO(content))
    return path


def test_pictures_of_a_tar_archive_are_unpacked_alike(tmp_path: Path, place: Path) -> None:
    told: list[tuple[int, int]] = []
    entries = {"set/train/1.jpg": b"one", "set/._1.jpg": b"hidden", "set/README": b"no", "set/val/2.jpg": b"two"}
    archive = tarred(tmp_path / "whatever", entries)
    unpack(archive, place, SUFFIXES, lambda *counts: told.append(counts))
    found = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert found == {"train/1.jpg": b"one", "val/2.jpg": b"two"}
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"a/1.jpg": b"1", "../2.jpg": b"2"}, "leads out of its folder"),
        ({"/etc/2.jpg": b"2"}, "leads out of its folder"),
        ({"a/1.jpg": b"1", "a/1.JPG": b"2"}, "would be one file"),
        ({"a/1.txt": b"1"}, "holds no pictures"),
        ({"a/1.jpg": bytes(1 << 20)}, "it is a bomb"),
    ],
)
def test_a_tar_archive_is_refused_as_a_whole(
    tmp_path: Path, place: Path, entries: Mapping[str, bytes], reason: str
) -> None:
    assert reason in refusal(tarred(tmp_path / "a.tar.gz", entries), place)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_of_a_tar_archive_are_no_pictures(tmp_path: Path, place: Path, kind: bytes) -> None:
    assert "holds no pictures" in refusal(tarred(tmp_path / "a.tar.gz", {"a/1.jpg": b""}, kind), place)


def test_a_torn_tar_archive_is_refused(tmp_path: Path, place: Path) -> None:
    archive = tarred(tmp_path / "a.tar.gz", {f"a/{n}.jpg": bytes(range(256)) * 9 for n in range(9)})
    archive.write_bytes(archive.read_bytes()[:100])
    assert "is damaged or not a tar archive" in refusal(archive, place)
