"""Known datasets: cards joined with their pictures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase

from translate import cards, images
from translate.archives import unpack
from translate.cards import Archive, DatasetCard
from translate.data.folders import Dataset
from translate.data.layouts import open_folder
from translate.data.pairs import open_halves
from translate.downloads import download, length_of
from translate.errors import DataError, DownloadError, SettingsError
from translate.files import as_output_error, atomic_folder, exclusive_lock, sha256, sweep, write_text
from translate.progress import Tell


def open_known(card: DatasetCard, exclude: Path | None = None, attributes: Sequence[str] | None = None) -> Dataset:
    """Open the stored pictures of a card, with the card's names for the domains.

    Args:
        card: the card; not one of a drawn dataset.
        exclude: as for `open_folder`.
        attributes: as for `open_folder`.

    Raises:
        DataError: the pictures are not here, which the sentence says how to change, or are not those of the card.
        SettingsError: as for `open_folder`.
    """
    folder = cards.folder(card.name)
    if (card.archive or card.files) and not cards.is_filled(folder):
        total = sum(one.bytes or 0 for one in ([card.archive] if card.archive else card.files))
        size = f" ({_megabytes(total):,} MB)" if total else ""
        own = f" Your own folder of this name is called ./{card.name}." if Path(card.name).is_dir() else ""
        raise DataError(
            f"The pictures of {card.name} are not here yet. Download them{size} with"
            f" `translate data fetch {card.name}`, or train with --download.{own}"
        )
    return _with_card_names(card, folder, _opened(card, folder, exclude, attributes))


def _opened(
    card: DatasetCard, folder: Path, exclude: Path | None = None, attributes: Sequence[str] | None = None
) -> Dataset:
    if card.paired:
        return open_halves(folder, exclude)
    return open_folder(folder, exclude, attributes)


def fetch(card: DatasetCard, tell: Tell, source: Path | None = None) -> Path:
    """Put the pictures of a known dataset where `open_known` finds them, unless they are there, and return that folder.

    The archive is `source`, or `NAME.zip` or `NAME.tar.gz` beside that folder if it was put there by hand, or it is
    downloaded. The next call continues a partial download.

    Args:
        card: the card of the dataset.
        tell: is told what is done.
        source: the archive, if it is here already; of a card with several files a folder that holds them.

    Raises:
        SettingsError: there is nothing to fetch.
        DataError: no address gives the archive, or it is not the one that the card describes.
        OutputError: the folder cannot be written, or another process is fetching the same.
    """
    if card.files:
        return _fetch_files(card, cards.folder(card.name), source, tell)
    if card.archive is None:
        why = "is drawn from seeds" if card.drawn else "has no archive on its card"
        raise SettingsError(f"{card.name} {why}, so there is nothing to fetch.")
    folder = cards.folder(card.name)
    _, part = _archives(folder, card.archive)
    if cards.is_filled(folder):
        return folder
    with as_output_error(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    with exclusive_lock(
        part, f"Another process is fetching {card.name}. Wait until it has ended, and run the command again."
    ):
        try:
            if not cards.is_filled(folder):  # else the other process has just ended
                _fetch(card, card.archive, folder, source, tell)
        finally:
            if cards.is_filled(folder) or part.stat().st_size == 0:
                part.unlink()
    return folder


def _fetch_files(card: DatasetCard, folder: Path, source: Path | None, tell: Tell) -> Path:
    """Put the files of a card into its folder: from the folder `source`, or from their addresses."""
    if cards.is_filled(folder):
        return folder
    with atomic_folder(folder) as temporary:
        for file in card.files:
            place = temporary / file.url.rpartition("/")[2]
            if source:
                _check(card.name, file, source / place.name, file.sha256)
                place.write_bytes((source / place.name).read_bytes())
            else:
                _download(card.name, file, file.sha256, place, Path("FOLDER") / place.name, tell)
        _with_card_names(card, temporary, _opened(card, temporary))
    return folder


def _fetch(card: DatasetCard, archive: Archive, folder: Path, source: Path | None, tell: Tell) -> None:
    sweep(folder.parent, folder.name)
    by_hand, part = _archives(folder, archive)
    given = source or (by_hand if by_hand.exists() else None)
    recorded = folder.with_name(f"{folder.name}.sha256")
    expected = archive.sha256 or (recorded.read_text(encoding="ascii").strip() if recorded.is_file() else "")
    if given:
        _check(card.name, archive, given, expected)
    else:
        _download(card.name, archive, expected, part, by_hand, tell)
    if not expected:
        write_text(recorded, sha256(given or part) + "\n")
    with atomic_folder(folder) as temporary:
        unpack(given or part, temporary, images.SUFFIXES, lambda *counts: tell("unpacking", *counts))
        _with_card_names(card, temporary, _opened(card, temporary))


def _archives(folder: Path, archive: Archive) -> tuple[Path, Path]:
    """Return where the archive may be put by hand, and where it is downloaded to."""
    suffix = ".tar.gz" if archive.url.endswith(".tar.gz") else ".zip"
    return folder.with_name(f"{folder.name}{suffix}"), folder.with_name(f"{folder.name}{suffix}.part")


def _download(name: str, archive: Archive, expected: str, part: Path, by_hand: Path, tell: Tell) -> None:
    """Download an archive with the `expected` SHA-256, or any, from the first address that gives it."""

    def tell_megabytes(*counts: int) -> None:
        tell("downloading, in MB,", *map(_megabytes, counts))

    failures: list[str] = []
    for url in (archive.url, *archive.mirrors):
        if not expected:
            part.write_bytes(b"")  # else the beginning of another file would go unnoticed
        try:
            download(url, part, archive.bytes or length_of(url), expected or None, tell_megabytes)
        except DownloadError as error:
            failures.append(str(error))
        else:
            return
    raise DataError(
        f"{name} could not be downloaded: {'; '.join(failures)}. Get the archive in another way, put it at {by_hand},"
        f" and run this again: translate data fetch {name} (or add --from FILE)."
    )


def _check(name: str, archive: Archive, given: Path, expected: str) -> None:
    """Refuse a file that is not the archive, as far as its size and its SHA-256 are known."""
    try:
        size = given.stat().st_size
        is_short = archive.bytes is not None and size != archive.bytes
        found = "" if is_short or not expected else sha256(given)
    except OSError as error:
        raise DataError(f"Cannot read {given}: {error.strerror}.") from error
    if is_short or found != expected:
        wanted = f"{archive.bytes} bytes" if archive.bytes else "a file"
        wanted += f" with SHA-256 {expected}" if expected else ""
        raise DataError(
            f"{given} is not the archive of {name}: it has {f'{size} bytes' if is_short else f'SHA-256 {found}'}."
            f" Wanted is {archive.url}, {wanted}. Replace it, or remove it to have it downloaded."
        )


def _with_card_names(card: DatasetCard, folder: Path, found: Dataset) -> Dataset:
    """Give a dataset the names of its card: domains called A, B, ... get the names that the card has in that order."""
    letters = tuple(ascii_uppercase[: len(card.domains)])
    names = dict(zip(letters, card.domains, strict=True)) if found.domains == letters else {}
    if sorted(names.get(domain, domain) for domain in found.domains) != sorted(card.domains):
        raise DataError(
            f"{folder} holds the domains {', '.join(found.domains)}; {card.name} has {', '.join(card.domains)}."
            " Remove the folder and fetch it again."
        )
    train = {names.get(domain, domain): pictures for domain, pictures in found.train.items()}
    test = {names.get(domain, domain): pictures for domain, pictures in found.test.items()}
    return replace(found, name=card.name, train=train, test=test, target=card.target)


def _megabytes(count: int) -> int:
    return round(count / 1e6)
