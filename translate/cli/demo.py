"""`translate demo`."""

import os
import secrets
import sys
import webbrowser
from functools import partial
from typing import Annotated

import typer

from translate.cli.options import Compile, Device, Precision, count_of, models
from translate.cli.terminal import say, say_notes, stopping

EVERYWHERE = "0.0.0.0"  # noqa: S104

_MODELS = "What can be chosen: runs, export files, names of weights; without, all that are here."
Models = Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help=_MODELS, autocompletion=models)]
_HOST = "The address of this machine that it is served at; 127.0.0.1: to itself alone."
Host = Annotated[str, typer.Option(help=_HOST)]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="By default the first free one from 7860 on.")]
_ALLOW = "A name that the page may be asked for by, such as that of a proxy; may be said for each."
AllowHost = Annotated[list[str] | None, typer.Option(metavar="NAME", help=_ALLOW)]
_SHARE = (
    "Serve it to all who reach this machine and have the address, which then holds a secret. No tunnel is made, and"
    " nothing is encrypted: for a network that you trust."
)
Share = Annotated[bool, typer.Option("--share", help=_SHARE)]
Open = Annotated[bool, typer.Option("--open/--no-open", help="Open it in the browser.")]
MaxPixels = Annotated[str, typer.Option(help="The most pixels a picture may have, such as 120M.")]
MaxFrames = Annotated[int, typer.Option(min=1, help="The most frames an animation may have.")]
MaxFileMb = Annotated[int, typer.Option(min=1, help="The most MiB an upload may have.")]


def demo(
    model: Models = None,
    host: Host = "127.0.0.1",
    port: Port = None,
    allow_host: AllowHost = None,
    share: Share = False,
    open_: Open = True,
    max_pixels: MaxPixels = "64M",
    max_frames: MaxFrames = 2000,
    max_file_mb: MaxFileMb = 512,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Compile = "off",
) -> None:
    """Open a page in the browser: drop photos, look, download; and watch trainings. Ctrl-C ends it."""
    from translate import images
    from translate.inference.translator import Translator
    from translate.serve.access import Access
    from translate.serve.choices import Models as Choices
    from translate.serve.running import Place, opened

    limits = images.Limits(count_of(max_pixels, "--max-pixels"), max_frames, max_file_mb)
    load = partial(Translator.load, device=device, precision=precision, compile=compile)
    choices = Choices(model or (), load)
    token = secrets.token_urlsafe(16) if share else ""
    host = EVERYWHERE if share and host == "127.0.0.1" else host
    names = frozenset(name.lower() for name in allow_host or [])
    place = Place(host, port, Access(names if host in (EVERYWHERE, "::") else names | {host}, token))
    with opened(choices, place, say, limits) as server, stopping(ends_well=True):
        address = place.address(server.server_address[1])
        print(f"{address}  (Ctrl-C ends it)", flush=True)
        if share:
            say_notes([
                f"everybody who reaches this machine and has the secret in that address may use the page: for them,"
                f" {address.split('/')[2]} is the name or the address of this machine. Nothing is encrypted, and no"
                " tunnel leads here from elsewhere."
            ])  # fmt: skip
        if open_ and _has_screen():
            webbrowser.open(address)
        server.serve_forever()


def _has_screen() -> bool:
    """Whether a browser would have somewhere to open; on Linux one in the terminal would take that."""
    screens = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stderr is not None and sys.stderr.isatty() and bool(sys.platform in ("darwin", "win32") or screens)
