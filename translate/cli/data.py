"""`translate data ...`."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from translate.cli.options import Json, MaybeMaxPixels, count_or_none, read_domains
from translate.cli.stopping import Stoppable
from translate.cli.terminal import lines_of, printable, progress, say, say_next, say_notes, show
from translate.errors import SettingsError, counted
from translate.places import RemotePath, is_remote, path_of

if TYPE_CHECKING:
    from translate.cards import DatasetCard
    from translate.data.folders import Dataset

_PAIRS = "Look pairs over: whether partners are all there, equal in size, and lie on each other; auto finds out which."
app = typer.Typer(
    cls=Stoppable,
    no_args_is_help=True,
    help="Look at datasets, fetch known ones, draw toy ones, check your own.",
)


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the known datasets, and which of them are here."""
    from translate import cards

    known, complaints = cards.all_of(cards.dataset, "datasets")
    for complaint in complaints:
        say(f"Left out: {complaint}")
    show(
        [{**card.model_dump(), "pictures": _pictures(card)} for card in known],
        [f"{card.name}: {card.title} ({', '.join(card.domains)}); {_pictures(card)}" for card in known],
        json_,
    )
    say_next("translate train NAME --download", json_)


@app.command("info")
def info(name: str, json_: Json = False) -> None:
    """Tell what is known about a dataset: source, licence, citation, recipe."""
    from translate import cards

    card = cards.dataset(name)
    tree = {**card.model_dump(), "pictures": _pictures(card)}
    spoken = {**tree, **{f"archive.{key}": value for key, value in (tree["archive"] or {}).items()}, "archive": None}
    show(tree, lines_of({key: value for key, value in spoken.items() if value}), json_)
    say_next(f"translate train {name} --download", json_)


@app.command("fetch")
def fetch(
    name: Annotated[
        str, typer.Argument(help="A dataset with an archive, such as horse2zebra, or a folder in an object store.")
    ],
    source: Annotated[
        Path | None, typer.Option("--from", help="The archive, or the folder of files, if you have it already.")
    ] = None,
) -> None:
    """Download a known dataset, or a folder of an object store. The same command again continues a stopped download."""
    if is_remote(name):
        folder = brought(path_of(name))
        print(f"The pictures of {name} are in {folder}. Next: translate train {shlex.quote(str(folder))}")
        return
    folder = fetch_pictures(name, source)
    print(f"The pictures of {name} are in {folder}. Next: translate train {name}")


def fetch_pictures(name: str, source: Path | None = None, quiet: bool = False) -> Path:
    """Fetch a known dataset under progress bars and return its folder; one that is here is left as it is."""
    from translate import cards
    from translate.data.known import fetch as get
    from translate.home import note_on

    with progress(quiet) as advance:
        folder = get(cards.dataset(name), lambda what, done, total: advance(what, done, total, ""), source)
    say_notes([note_on(folder)])
    return folder


def brought(place: Path, quiet: bool = False) -> Path:
    """Return a folder; of one in an object store the copy in the home, which is made, or brought up to date."""
    if not isinstance(place, RemotePath):
        return place
    from translate.copies import copied
    from translate.home import note_on

    with progress(quiet) as advance:
        folder = copied(place, lambda what, done, total: advance(what, done, total, ""))
    say_notes([note_on(folder)])
    return folder


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(help="A drawn dataset, such as toy-horse2zebra.")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    count: Annotated[
        int, typer.Option(min=1, help="Training pictures of each domain; a fifth as many test pictures come on top.")
    ] = 200,
    size: Annotated[int, typer.Option(help="Side in pixels.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds draw other pictures.")] = 0,
    paired: Annotated[bool, typer.Option("--paired", help="Files of the same name are partners.")] = False,
) -> None:
    """Draw a toy dataset into a folder, with the masks and parameters it was drawn from."""
    from translate import cards
    from translate.toys.make import make as draw

    card = cards.dataset(name)
    if not card.drawn:
        raise SettingsError(f"{name} is not a drawn dataset; `translate data list` shows them.")
    if paired and not card.paired:
        known = map(cards.dataset, cards.names("datasets"))
        having = [other.name for other in known if other.drawn and other.paired]
        raise SettingsError(f"{name} has no pairs. Drawn ones that have: {', '.join(having)}.")
    total = len(card.domains) * (count + max(count // 5, 1))
    with progress() as advance:
        for done, _ in enumerate(draw(card, folder, count, size, seed, paired), start=1):
            advance("drawing", done, total, "")
    data = f"./{folder}" if str(folder) in cards.names("datasets") else str(folder)  # a card's name means the card
    advice = {
        "--method": "pix2pix" if paired else card.recipe.get("method", {}).get("name", "cyclegan"),
        "--size": card.recipe.get("data", {}).get("size", 256),
        "--batch": card.recipe.get("training", {}).get("batch", 1),
    }
    words = " ".join(f"{option} {value}" for option, value in advice.items())
    print(f"Drew {counted(total, 'picture')} into {folder}. Next: translate train {shlex.quote(data)} {words}")


@app.command("check")
def check(
    data: Annotated[str | None, typer.Argument(help="A dataset's name or folder.")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER, twice or more, instead of DATA.")] = None,
    pairs: Annotated[Literal["auto", "side-by-side"] | None, typer.Option(help=_PAIRS)] = None,
    max_pixels: MaybeMaxPixels = None,
    json_: Json = False,
) -> None:
    """Look a dataset over: unreadable, grey, small, duplicate pictures, and training pictures among the test ones."""
    from translate.data.check import check as examine
    from translate.data.folders import Reading
    from translate.images import LIMITS

    if (data is None) is (not domain):
        raise SettingsError("What should be looked over? Name a dataset, a folder, or two --domain NAME=FOLDER.")
    folders = {name: brought(place, json_) for name, place in read_domains(domain or []).items()}
    dataset = _opened(str(brought(path_of(data), json_)) if data and is_remote(data) else data, folders, pairs)
    most = count_or_none(max_pixels, "--max-pixels")
    dataset = dataset.read_with(Reading(limits=LIMITS.with_pixels(most) if most else LIMITS))
    counts = {place: len(pictures) for place, pictures in dataset.places().items()}
    findings = examine(dataset)
    lines = [f"{place}: {counted(count, 'picture')}" for place, count in counts.items()]
    for finding in findings:
        lines += [f"{finding.what} ({len(finding.files)})", *(f"    {printable(name)}" for name in finding.files[:10])]
        lines += [f"    and {len(finding.files) - 10} more"] if len(finding.files) > 10 else []
    lines += [] if findings else ["Nothing unusual."]
    say_notes(dataset.notes)
    tree = {"counts": counts, "notes": dataset.notes, "findings": [asdict(finding) for finding in findings]}
    show(tree, lines, json_)
    named = "--domain NAME=FOLDER --domain NAME=FOLDER"
    if data and len(dataset.train) == 1:
        named = f"--domain photo=PHOTOS --domain {shlex.quote(f'{dataset.domains[0]}={data}')} --config painting"
    elif data:
        named = shlex.quote(data)
    named += " --method pix2pix" if pairs else ""
    named += " --set data.pairs=side-by-side" if pairs == "side-by-side" else ""
    say_next(f"translate train {named}", json_)


def _opened(data: str | None, domains: dict[str, Path], pairs: Literal["auto", "side-by-side"] | None) -> "Dataset":
    """Open what is to be looked over; as pairs, which are then refused where partners are missing or do not fit."""
    from translate import cards
    from translate.data.known import open_known
    from translate.data.layouts import open_domains, open_folder, open_single, subfolders
    from translate.data.pairs import open_pairs, pair_up

    if data is None:
        found = open_domains(domains)
        return pair_up(found) if pairs else found
    if data in cards.names("datasets"):
        if cards.dataset(data).drawn:
            raise SettingsError(
                f"{data} is drawn from seeds and has no files. Draw some: translate data make {data} DIR"
            )
        found = open_known(cards.dataset(data))
        return pair_up(found) if pairs else found
    folder = Path(data)
    if pairs:
        return open_pairs(folder, kind=None if pairs == "auto" else pairs)
    has_domains = subfolders(folder) or not folder.is_dir()
    return open_folder(folder) if has_domains else open_single(folder, folder.resolve().name, whole=True)


def _pictures(card: "DatasetCard") -> str:
    """Say where the pictures of a dataset are."""
    from translate import cards

    folder = cards.folder(card.name)
    if card.drawn:
        return "drawn from seeds"
    if cards.is_filled(folder):
        return f"in {folder}"
    parts = [card.archive] if card.archive else card.files
    total = sum(part.bytes or 0 for part in parts)
    to_fetch = f", {total / 1e6:,.0f} MB to fetch" if total else ""
    return f"not here{to_fetch or (', to be fetched' if parts else '')}"
