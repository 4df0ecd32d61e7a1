"""The page, from its first to its last moment."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from translate import images
from translate.errors import OutputError
from translate.images import Limits
from translate.serve.access import LOOPBACK, Access, name_of
from translate.serve.albums import Albums
from translate.serve.choices import Models
from translate.serve.painting import Painter
from translate.serve.pictures import Pictures
from translate.serve.runs import Runs
from translate.serve.scratch import scratch_folder
from translate.serve.server import Server
from translate.serve.trainings import Trainings

THIS_MACHINE = Access()
PORTS = range(7860, 7880)  # tried one after the other where the user names none
LAST_S = 20.0  # seconds that a picture which is being painted has left when the page ends


@dataclass(frozen=True)
class Place:
    """Where the page is served, and to whom.

    Attributes:
        host: an address of this machine; by default only itself can reach it.
        port: None: the first free one of `PORTS`; 0: any that is free.
        access: who may ask.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    access: Access = THIS_MACHINE

    @property
    def is_private(self) -> bool:
        """Whether this machine alone can reach it."""
        return self.host in LOOPBACK and self.access.hosts <= LOOPBACK

    def address(self, port: int) -> str:
        """Return the address to open in a browser on this machine."""
        host = name_of(f"[{self.host}]" if ":" in self.host else self.host)
        host = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host  # noqa: S104
        token = f"{self.access.token}/" if self.access.token else ""
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/{token}"


@contextlib.contextmanager
def opened(
    models: Models, place: Place, tell: Callable[[str], None], limits: Limits = images.LIMITS
) -> Iterator[Server]:
    """Make the server, which its `serve_forever` then runs; at the end uploads and results are removed.

    Args:
        models: what can be chosen.
        place: where it is served.
        tell: is told of mistakes of ours, with a traceback.
        limits: of pictures.

    Raises:
        OutputError: the place is taken, or there is no room for uploads.
    """
    with scratch_folder() as folder:
        painter = Painter(models, limits)
        trainings = Trainings(folder)
        albums = Albums(folder)
        pictures = Pictures(models, painter, albums, place.is_private)
        routes = {**pictures.routes(), **Runs(trainings, place.is_private).routes()}
        ports = PORTS if place.port is None else [place.port]
        server = _bound(place, ports, lambda port: Server((place.host, port), place.access, routes, tell, albums.tidy))
        try:
            yield server
        finally:
            server.server_close()
            trainings.close()
            painter.wait(LAST_S)


def _bound(place: Place, ports: Sequence[int], make: Callable[[int], Server]) -> Server:
    for port in ports:
        try:
            return make(port)
        except OSError as error:
            if port == ports[-1]:
                raise OutputError(
                    f"The page cannot be served at {place.host}:{port}: {error.strerror}. Choose another --port."
                ) from error
    raise AssertionError("There are ports to try.")
