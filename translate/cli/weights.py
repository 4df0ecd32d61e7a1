"""`translate weights ...`."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.cli.options import Json
from translate.cli.stopping import Stoppable
from translate.cli.terminal import lines_of, printable, progress, say, show
from translate.errors import SettingsError

Name = Annotated[str, typer.Argument(help="A name that `translate weights list` shows.")]

app = typer.Typer(cls=Stoppable, no_args_is_help=True, help="List, fetch and import weights that others have trained.")


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the known weights, and which of them are here."""
    from translate import cards

    known, complaints = cards.all_of(cards.weights, "weights")
    for complaint in complaints:
        say(f"Left out: {complaint}")
    here = cards.weights_here()
    own = [name for name in sorted(here) if name not in cards.names("weights")]
    rows = [{**card.model_dump(), "file": here.get(card.name)} for card in known]
    rows += [{"name": name, "file": here[name]} for name in own]

    def where(name: str) -> str:
        file = here.get(name)
        return "not here" if file is None else f"{'ships' if cards.ships(file) else 'is'} in {file}"

    lines = [f"{card.name}: {card.title}; {where(card.name)}" for card in known]
    show(rows, [*lines, *(f"{name}: your own, in {here[name]}" for name in own)], json_)


@app.command("info")
def info(name: Name, json_: Json = False) -> None:
    """Tell what is known about weights: picture, addresses, licence, citation, scores and other figures."""
    from translate import cards
    from translate.exchange.store import receipt
    from translate.settings import flat

    card, kept = cards.weights(name), receipt(name)
    here = cards.weights_here().get(name)
    tree = {**card.model_dump(), "file": here and str(here), "fetched": kept.model_dump() if kept else None}
    if card.picture:
        tree["picture"] = str(cards.shelf("weights") / card.picture)
    lines = lines_of(flat({key: value for key, value in tree.items() if value}))
    lines += [] if card.sha256 else ["sha256: not known; that of the first download is recorded and expected again"]
    show(tree, lines, json_)


@app.command("fetch")
def fetch(
    name: Name,
    offline: Annotated[
        bool, typer.Option("--offline", help="Download nothing; HF_HUB_OFFLINE=1 does the same.")
    ] = False,
) -> None:
    """Download known weights and keep them as a model. The same command again continues a stopped download."""
    from translate import cards
    from translate.exchange.store import fetch as get
    from translate.exchange.store import receipt

    card, before = cards.weights(name), receipt(name)
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    with progress() as advance:
        file = get(card, lambda what, done, total: advance(what, done, total, ""), offline)
    kept = receipt(name)
    if kept and not before and card.sha256 is None:
        say(
            f"Note: nobody has said which SHA-256 {kept.url} has. It is {kept.sha256} now, which is recorded and"
            " expected from a later download."
        )
    use = f"eval RUN DATA --features {name}" if card.features else f"apply {name} PHOTOS --out RESULTS"
    print(f"{name} is {printable(file)}. Next: translate {use}")


@app.command("verify")
def verify(name: Name) -> None:
    """Check weights from the first to the last byte."""
    from translate.exchange.store import verify as check

    print(f"{check(name)}.")


@app.command("path")
def path(name: Name) -> None:
    """Print where weights are."""
    from translate.exchange.store import find

    print(find(name))


@app.command("remove")
def remove(name: Name) -> None:
    """Remove weights that were fetched or imported."""
    from translate.exchange.store import remove as take_away

    print(f"Removed {printable(take_away(name))}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A generator: a .pth or .ckpt file, or .safetensors.")],
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Keep it among the known weights, under this name.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; by default FILE with .safetensors.")] = None,
    back: Annotated[Path | None, typer.Option(help="The generator of the other direction.")] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DOMAIN=FILE",
            help="The discriminator that judges a domain, to train further; only FILE for that of a StarGAN.",
        ),
    ] = None,
    domains: Annotated[str | None, typer.Option(metavar="A,B", help="Names of the domains, from A to B.")] = None,
    attributes: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Names of the attributes, for a StarGAN of such.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=8, help="Pixels that it was trained at, where the network does not tell.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Which network of a file that holds several.")] = None,
    statistics: Annotated[
        Literal["picture", "running"], typer.Option(help="What batch normalisation uses.")
    ] = "picture",
    skips: Annotated[
        Literal["first", "last"] | None, typer.Option(help="Order in a U-Net: last before 22 September 2017.")
    ] = None,
    channels: Annotated[Literal["rgb", "bgr"], typer.Option(help="Order of colours in a DiscoGAN.")] = "bgr",
    licence: Annotated[str, typer.Option(help="What its authors allow, to be kept with it.")] = "",
) -> None:
    """Convert a checkpoint of CycleGAN, pix2pix, CUT, StarGAN or DiscoGAN; what it is, is seen from the file."""
    from translate.exchange.found import Choices
    from translate.exchange.importing import Import, import_weights
    from translate.exchange.store import place_for

    if as_ is not None and out is not None:
        raise SettingsError("--as and --out exclude each other. Give one of them.")
    place = place_for(as_) if as_ is not None else out or file.with_suffix(".safetensors")
    if place.exists():
        raise SettingsError(f"{place} is already there. Choose another --as or --out, or remove it.")
    wish = Import(
        file,
        back,
        _judges(judge or []),
        _names(domains),
        _names(attributes),
        size,
        part,
        Choices(statistics, skips, channels),
        {"licence": licence},
    )
    about = import_weights(wish, place)
    for note in about.notes:
        say(f"Note: {note}.")
    print(f"{about.source}: {printable(place)}. Next: translate apply {as_ or printable(place)} PHOTOS --out RESULTS")


def _names(word: str | None) -> list[str] | None:
    return None if word is None else [name.strip() for name in word.split(",")]


def _judges(words: list[str]) -> dict[str, Path]:
    judges: dict[str, Path] = {}
    for word in words:
        domain, _, file = word.rpartition("=")
        if domain in judges:
            raise SettingsError(f"--judge {domain} was given twice. Name each discriminator once.")
        judges[domain] = Path(file)
    return judges
