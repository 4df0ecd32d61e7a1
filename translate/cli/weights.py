"""`translate weights ...`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.cli.options import Json, Model
from translate.cli.stopping import Stoppable
from translate.cli.terminal import lines_of, printable, progress, say, say_next, say_notes, show
from translate.errors import SettingsError

Name = Annotated[
    str, typer.Argument(help="A name that `translate weights list` shows, or hf:OWNER/REPOSITORY\\[@REVISION][:FILE].")
]

app = typer.Typer(cls=Stoppable, no_args_is_help=True, help="List, fetch, import and publish weights.")


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the known weights, and which of them are here."""
    from translate import cards

    known, complaints = cards.all_of(cards.weights, "weights")
    for complaint in complaints:
        say(f"Left out: {complaint}")
    here = cards.weights_here()
    others = [name for name in sorted(here) if name not in cards.names("weights")]
    rows = [{**card.model_dump(), "file": here.get(card.name)} for card in known]
    rows += [{"name": name, "file": here[name]} for name in others]

    def where(name: str) -> str:
        file = here.get(name)
        return "not here" if file is None else f"{'ships' if cards.ships(file) else 'is'} in {file}"

    lines = [f"{card.name}: {card.title}; {where(card.name)}" for card in known]
    for name in others:
        origin = "of the Hugging Face Hub" if name.startswith(cards.ON_HUB) else "your own"
        lines.append(f"{name}: {origin}, in {here[name]}")
    show(rows, lines, json_)
    say_next("translate apply NAME PHOTOS --out RESULTS (what is not here: translate weights fetch NAME)", json_)


@app.command("gallery")
def gallery(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("models.html"),
) -> None:
    """Write one page of all models that are known: pictures, words, figures and commands."""
    from translate import cards
    from translate.exchange.showing import gallery as page
    from translate.files import write_text

    known, complaints = cards.all_of(cards.weights, "weights")
    for complaint in complaints:
        say(f"Left out: {complaint}")
    write_text(out, page(known))
    print(f"Wrote {printable(out)}. Open it in a browser.")


@app.command("info")
def info(name: Name, json_: Json = False) -> None:
    """Tell what is known about weights: picture, addresses, licence, citation, scores and other figures."""
    from translate import cards
    from translate.exchange.store import receipt
    from translate.models.finding import find_export
    from translate.settings import flat

    kept = receipt(name)
    if name in cards.names("weights"):
        card, file = cards.weights(name), cards.weights_here().get(name)
        tree = {**card.model_dump(), "picture": str(cards.shelf("weights") / card.picture) if card.picture else ""}
        known = card.sha256 is not None
        last = [] if known else ["sha256: not known; that of the first download is recorded and expected again"]
    else:
        file, tree = find_export(name), {"name": name}
        last = [f"what it is and what it costs: translate info {name}"]
    tree |= {"file": str(file) if file else None, "fetched": kept.model_dump() if kept else None}
    lines = lines_of(flat({key: value for key, value in tree.items() if value}))
    show(tree, [*lines, *last], json_)
    say_next(f"translate {_use(name) if file else f'weights fetch {name}'}", json_)


@app.command("fetch")
def fetch(
    name: Name,
    offline: Annotated[
        bool, typer.Option("--offline", help="Download nothing; HF_HUB_OFFLINE=1 does the same.")
    ] = False,
) -> None:
    """Download known weights and keep them as a model. The same command again continues a stopped download."""
    from translate.cards import WeightsCard
    from translate.exchange.store import fetch as get
    from translate.exchange.store import published, receipt
    from translate.home import note_on

    known, before = published(name), receipt(name)
    with progress() as advance:
        file = get(known, lambda what, done, total: advance(what, done, total, ""), offline)
    kept = receipt(name)
    if kept and not before and kept.revision:
        say(
            f"Note: this is commit {kept.revision}, with SHA-256 {kept.sha256}. Both are recorded and expected from a"
            " later download."
        )
    elif kept and not before and isinstance(known, WeightsCard) and not (known.sha256 or known.sha256_begins):
        say(
            f"Note: nobody has said which SHA-256 {kept.url} has. It is {kept.sha256} now, which is recorded and"
            " expected from a later download."
        )
    say_notes([note_on(file)])
    print(f"{name} is {printable(file)}. Next: translate {_use(name)}")


@app.command("verify")
def verify(name: Name) -> None:
    """Check weights from the first to the last byte."""
    from translate.exchange.store import verify as check

    print(f"{check(name)}.")
    say_next(f"translate {_use(name)}")


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
    say_next("translate weights list")


@app.command("publish")
def publish(
    model: Model,
    place: Annotated[
        str, typer.Argument(metavar="hf:OWNER/REPOSITORY", help="Where to; it is made if there is no such repository.")
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Show a repository that is made to everybody, instead of to its owner.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are already there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be written, and stop.")] = False,
    json_: Json = False,
) -> None:
    """Upload a model, and a page about it, to the Hugging Face Hub. It needs a token: HF_TOKEN or `hf auth login`."""
    from translate.exchange.publishing import publication
    from translate.files import sha256

    ready = publication(model, place)
    name, file = ready.weights.name, ready.file
    if not ready.licence:
        say("Note: the model states no licence. Add one with `translate export MODEL FILE --licence WORDS`.")
    tree = {"to": name, "public": public, "file": str(file), "sha256": sha256(file), "page": ready.page}
    if dry_run:
        seen = "everybody sees" if public else "its owner alone sees"
        size = f"{file.stat().st_size / 1e6:.1f} MB"
        lines = [
            f"To {name}, which {seen} if it has to be made:",
            f"{ready.weights.file}: {printable(file)}, {size}, SHA-256 {tree['sha256']}",
            f"README.md:\n{ready.page}",
        ]
        show(tree, lines, json_)
        return
    url = ready.send(public, overwrite)
    show({**tree, "url": url}, [f"Published at {url}. Next: translate weights fetch {name}"], json_)


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
    from translate.exchange.importing import ImportRequest, import_weights
    from translate.exchange.recognised import ImportOptions
    from translate.exchange.store import place_for
    from translate.files import as_output_error
    from translate.home import note_on

    if as_ is not None and out is not None:
        raise SettingsError("--as and --out exclude each other. Give one of them.")
    place = place_for(as_) if as_ is not None else out or file.with_suffix(".safetensors")
    with as_output_error(place):  # its name may be too long, a folder above it closed to us
        taken = place.exists()
    if taken:
        raise SettingsError(f"{place} is already there. Choose another --as or --out, or remove it.")
    request = ImportRequest(
        file,
        back,
        _discriminators(judge or []),
        _names(domains),
        _names(attributes),
        size,
        part,
        ImportOptions(statistics, skips, channels),
        {"licence": licence},
    )
    about = import_weights(request, place)
    for note in about.notes:
        say(f"Note: {note}.")
    say_notes([note_on(place)])
    print(f"{about.source}: {printable(place)}. Next: translate apply {as_ or printable(place)} PHOTOS --out RESULTS")


def _use(name: str) -> str:
    """Return the command that uses weights."""
    from translate import cards
    from translate.models.exports import read_about
    from translate.models.finding import find_export

    if name in cards.names("weights") and cards.weights(name).features:
        return f"eval RUN DATA --features {name}"
    draws = read_about(find_export(name)).noise
    return f"sample {name} --out DRAWN" if draws else f"apply {name} PHOTOS --out RESULTS"


def _names(word: str | None) -> list[str] | None:
    return None if word is None else [name.strip() for name in word.split(",")]


def _discriminators(words: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for word in words:
        domain, _, file = word.rpartition("=")
        if domain in files:
            raise SettingsError(f"--judge {domain} was given twice. Name each discriminator once.")
        files[domain] = Path(file)
    return files
