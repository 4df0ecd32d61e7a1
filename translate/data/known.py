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
from translate.downloads import download
from translate.errors import DataError, DownloadError, SettingsError
from translate.files import as_output_error, atomic_folder, exclusive_lock, sha256, sweep
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
    if card.archive and not cards.is_filled(folder):
        own = f" Your own folder of this name is called ./{card.name}." if Path(card.name).is_dir() else ""
        raise DataError(
            f"The pictures of {card.name} are not here yet. Download them ({_megabytes(card.archive.bytes):,} MB) with"
            f" `translate data fetch {card.name}`, or train with --download.{own}"
        )
    return _with_card_names(card, folder, open_folder(folder, exclude, attributes))


def fetch(card: DatasetCard, tell: Tell, source: Path | None = None) -> Path:
    """Put the pictures of a known dataset where `open_known` finds them, unless they are there, and return that folder.

    The archive is `source`, or `NAME.zip` beside that folder if it was put there by hand, or it is downloaded. The next
    call continues a partial download.

    Args:
        card: the card of the dataset.
        tell: is told what is done.
        source: the archive, if it is here already.

    Raises:
        SettingsError: there is nothing to fetch.
        DataError: no address gives the archive, or it is not the one that the card describes.
        OutputError: the folder cannot be written, or another process is fetching the same.
    """
    if card.archive is None:
        why = "is drawn from seeds" if card.drawn else "has no archive on its card"
        raise SettingsError(f"{card.name} {why}, so there is nothing to fetch.")
    folder = cards.folder(card.name)
    _, part = _archives(folder)
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


def _fetch(card: DatasetCard, archive: Archive, folder: Path, source: Path | None, tell: Tell) -> None:
    sweep(folder.parent, folder.name)
    by_hand, part = _archives(folder)
    given = source or (by_hand if by_hand.exists() else None)
    if given:
        _check(card.name, archive, given)
    else:
        _download(card.name, archive, part, by_hand, tell)
    with atomic_folder(folder) as temporary:
        unpack(given or part, temporary, images.SUFFIXES, lambda *counts: tell("unpacking", *counts))
        _with_card_names(card, temporary, open_folder(temporary))


def _archives(folder: Path) -> tuple[Path, Path]:
    """Return where the archive may be put by hand, and where it is downloaded to."""
    return folder.with_name(f"{folder.name}.zip"), folder.with_name(f"{folder.name}.zip.part")


def _download(name: str, archive: Archive, part: Path, by_hand: Path, tell: Tell) -> None:
    """Download an archive from the first address that gives it."""

    def tell_megabytes(*counts: int) -> None:
        tell("downloading, in MB,", *map(_megabytes, counts))

    failures: list[str] = []
    for url in (archive.url, *archive.mirrors):
        try:
            download(url, part, archive.bytes, archive.sha256, tell_megabytes)
        except DownloadError as error:
            failures.append(str(error))
        else:
            return
    raise DataError(
        f"{name} could not be downloaded: {'; '.join(failures)}. Get the archive in another way, put it at {by_hand},"
        f" and run this again: translate data fetch {name} (or add --from FILE)."
    )


def _check(name: str, archive: Archive, given: Path) -> None:
    """Refuse a file that is not the archive."""
    try:
        size = given.stat().st_size
        found = f"{size} bytes" if size != archive.bytes else f"SHA-256 {sha256(given)}"
    except OSError as error:
        raise DataError(f"Cannot read {given}: {error.strerror}.") from error
    if found != f"SHA-256 {archive.sha256}":
        raise DataError(
            f"{given} is not the archive of {name}: it has {found}. Wanted is {archive.url}, {archive.bytes} bytes with"
            f" SHA-256 {archive.sha256}. Replace it, or remove it to have it downloaded."
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
