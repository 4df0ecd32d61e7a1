"""Weights by name: those beside their cards, and those that were fetched or imported into the home of the toolkit.

What is fetched, from the addresses of a card or from the Hugging Face Hub, is kept as an export. Beside it lies
`NAME.json`, a `Receipt` of what was downloaded; it outlives the weights, so that a second download is expected to be
the same.
"""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from translate import cards
from translate.cards import HubWeights, WeightsCard
from translate.downloads import download, length_of
from translate.errors import DownloadError, SettingsError, WeightsError
from translate.exchange import hub
from translate.exchange.importing import ImportRequest, import_weights
from translate.exchange.recognised import ImportOptions
from translate.files import as_output_error, exclusive_lock, sha256, sweep, write_text
from translate.home import in_home
from translate.models.exports import read_any_export
from translate.models.finding import find_export
from translate.progress import Tell
from translate.settings import Settings

_IMPORT = "weights import FILE --as NAME"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Receipt(Settings):
    """What was downloaded, and what became of it."""

    url: str
    revision: str = ""  # on the Hugging Face Hub: the commit
    bytes: int
    sha256: str
    export_sha256: str  # of the file that is kept
    fetched: str  # the time, in UTC


def place_for(name: str) -> Path:
    """Return where weights of a user are kept under a name of their own.

    Raises:
        SettingsError: the name is a card's, or is no name.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name!r} is no name for weights: take small letters, digits, dots, - and _.")
    if name in cards.names("weights"):
        raise SettingsError(f"{name} is the name of known weights. Choose another one.")
    return _place(name)


def receipt(name: str) -> Receipt | None:
    """Return the receipt of fetched weights. Raises `WeightsError` where it is damaged."""
    path = _receipt_path(name)
    try:
        return Receipt.parse(json.loads(path.read_text(encoding="utf-8")), path.name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, SettingsError) as error:
        raise WeightsError(f"{path} is damaged: {error}. Remove it, and fetch {name} again.") from error


def published(name: str) -> WeightsCard | HubWeights:
    """Return what is known about the weights of a name. Raises `SettingsError` where it is no name of any."""
    return HubWeights.parse(name) if name.startswith(cards.ON_HUB) else cards.weights(name)


def fetch(card: WeightsCard | HubWeights, tell: Tell, offline: bool = False) -> Path:
    """Put published weights where they are found by name, unless they are there, and return their file.

    With HF_HUB_OFFLINE=1 nothing is downloaded, as if `offline` were set.

    Raises:
        WeightsError: no address gives the file, it is not the promised one or not what the card says, or it is not
            here and may not be downloaded.
        OutputError: nothing can be written there or, as `in_home` says, anywhere, or another process is fetching the
            same.
    """
    here = cards.weights_here().get(card.name)
    if here:
        return here
    place = _place(card.name)
    if offline or os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"):
        raise WeightsError(
            f"{card.name} is not here, and nothing may be downloaded. Run `translate weights fetch {card.name}` on a"
            f" machine with a network, and copy the file that it names to {place}."
        )
    part = place.with_suffix(".part")
    with as_output_error(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    with exclusive_lock(
        part, f"Another process is fetching {card.name}. Wait until it has ended, and run the command again."
    ):
        try:
            if not place.exists():  # else the other process has just ended
                _fetch(card, place, part, tell)
        finally:
            if place.exists() or part.stat().st_size == 0:
                part.unlink()
    return place


def find(name: str) -> Path:
    """Return the file of weights that are here.

    Raises:
        WeightsError: they are not.
    """
    if not _is_feature_network(name):
        return find_export(name)
    if not _place(name).is_file():
        raise WeightsError(
            f"The weights of {name} are not here yet. Download them with `translate weights fetch {name}`."
        )
    return _place(name)


def verify(name: str) -> str:
    """Check weights from the first to the last byte, and say what they were checked against.

    Raises:
        WeightsError: they are not here, or are damaged.
    """
    path = find(name)
    kept = receipt(name) if path == _place(name) else None
    if kept and sha256(path) != kept.export_sha256:
        raise WeightsError(f"{path} is not the file that was fetched. Remove it, and fetch {name} again.")
    card = cards.weights(name) if cards.ships(path) and name in cards.names("weights") else None
    if card and card.sha256 not in (None, sha256(path)):
        raise WeightsError(
            f"{path} is not the file of its card, which has SHA-256 {card.sha256}. Get the toolkit again."
        )
    if path.suffix != ".pth":
        read_any_export(path)
    origin = f", made from the file with SHA-256 {kept.sha256}" if kept else ""
    return f"{path} is whole{origin}{', with the SHA-256 of its card' if card and card.sha256 else ''}"


def remove(name: str) -> Path:
    """Remove weights from the home of the toolkit, and return what was removed; the receipt stays.

    Raises:
        WeightsError: they are not there.
    """
    path = _place(name)
    if not (NAME.fullmatch(name) or name.startswith(cards.ON_HUB)) or not path.is_file():
        raise WeightsError(f"No weights {name} were fetched or imported, so there is nothing to remove.")
    with as_output_error(path):
        path.unlink()
    return path


def _place(name: str) -> Path:
    if name.startswith(cards.ON_HUB):
        return HubWeights.parse(name).place
    return in_home(f"weights/{name}{'.pth' if _is_feature_network(name) else '.safetensors'}")


def _is_feature_network(name: str) -> bool:
    """Whether it is the name of a feature network."""
    return name in cards.names("weights") and cards.weights(name).features


def _receipt_path(name: str) -> Path:
    return _place(name).with_suffix(".json")


def _fetch(card: WeightsCard | HubWeights, place: Path, part: Path, tell: Tell) -> None:
    sweep(place.parent, place.name)
    before = receipt(card.name)
    if isinstance(card, HubWeights):
        url, commit = _take(card, part, before, tell)
    else:
        size, digest = (
            (before.bytes, before.sha256) if before else (card.bytes, card.sha256 or card.sha256_begins or None)
        )
        url, commit = _download(card, part, size, digest, tell), ""
    found = Receipt(
        url=url,
        revision=commit,
        bytes=part.stat().st_size,
        sha256=sha256(part),
        export_sha256="",
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if isinstance(card, WeightsCard) and card.conversion:
        options = ImportOptions(card.conversion.statistics, card.conversion.skips)
        about = {"source": url, "licence": card.licence, "citation": card.citation, "data": card.data}
        request = ImportRequest(part, domains=card.domains, size=card.conversion.size, options=options, about=about)
        import_weights(request, place)
    else:
        if isinstance(card, HubWeights) or not card.features:
            read_any_export(part)
        part.replace(place)
        part.touch()
    stamped = found.model_copy(update={"export_sha256": sha256(place)})
    write_text(_receipt_path(card.name), stamped.to_json())


def _take(weights: HubWeights, part: Path, before: Receipt | None, tell: Tell) -> tuple[str, str]:
    """Download a file of the Hugging Face Hub; return its address and its commit, which `before` may have fixed."""
    tell("downloading", 0, 1)
    fixed = replace(weights, revision=before.revision) if before else weights
    url, commit = hub.download(fixed, part)
    if before and sha256(part) != before.sha256:
        part.write_bytes(b"")
        raise WeightsError(f"{url} gives another file than on {before.fetched}, when it had SHA-256 {before.sha256}.")
    tell("downloading", 1, 1)
    return url, commit


def _download(card: WeightsCard, part: Path, size: int | None, digest: str | None, tell: Tell) -> str:
    """Download the file of a card from the first address that gives it, and return that address."""

    def tell_megabytes(*counts: int) -> None:
        tell("downloading, in MB,", *(round(count / 1e6) for count in counts))

    failures: list[str] = []
    for url in card.urls:
        if digest is None:
            part.write_bytes(b"")  # else the beginning of another file would go unnoticed
        try:
            download(url, part, size or length_of(url), digest, tell_megabytes)
        except DownloadError as error:
            failures.append(str(error))
        else:
            return url
    raise WeightsError(
        f"{card.name} could not be downloaded: {'; '.join(failures) or 'its card names no address'}. Get the file in"
        f" another way, and use it with `translate {'eval --features FILE' if card.features else _IMPORT}`."
    )
