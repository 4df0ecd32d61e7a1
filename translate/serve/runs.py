"""The addresses of the second tab: how trainings go, and whether they go on."""

from collections.abc import Mapping

from translate.serve.headers import SANDBOX
from translate.serve.server import Refused, Route, Visit
from translate.serve.trainings import Request, Trainings

MOST = 1 << 16  # bytes of a request


class Runs:
    """Answers for trainings.

    Args:
        trainings: what is there, and what is begun.
        trains: whether they may be begun, stopped and continued.
    """

    def __init__(self, trainings: Trainings, trains: bool) -> None:
        self._trainings, self._trains = trainings, trains

    def routes(self) -> Mapping[tuple[str | None, ...], Route]:
        """Return what is answered where, see `Server`."""
        seen: dict[tuple[str | None, ...], Route] = {
            ("GET", "trainings"): self._list,
            ("GET", "trainings", None, "report"): self._report,
            ("GET", "trainings", None, "curves"): self._curves,
            ("GET", "trainings", None, "grids", None): self._grid,
        }
        changed: dict[tuple[str | None, ...], Route] = {
            ("POST", "trainings"): self._begin,
            ("POST", "trainings", None, "stop"): self._stop,
            ("POST", "trainings", None, "continue"): self._continue,
        }
        return {**seen, **(changed if self._trains else {})}

    def _list(self, visit: Visit) -> None:
        runs = self._trainings.described()
        if not self._trains:
            runs = [{**run, "ours": False, "continues": False} for run in runs]
        visit.reply({"runs": runs, "folders": self._trainings.folders() if self._trains else None})

    def _report(self, visit: Visit) -> None:
        report = self._trainings.folder(visit.parts[1]).report
        try:
            content = report.read_bytes()
        except OSError:
            raise Refused(404, "There is no report yet.") from None
        visit.send(content, "text/html; charset=utf-8", policy=SANDBOX)

    def _curves(self, visit: Visit) -> None:
        visit.send_file(self._trainings.folder(visit.parts[1]).curves, "image/svg+xml")

    def _grid(self, visit: Visit) -> None:
        folder, step = self._trainings.folder(visit.parts[1]), visit.parts[3]
        grids = {str(int(path.stem)): path for path in folder.grids()}
        if step not in grids:
            raise Refused(404, "There is no such grid.")
        visit.send_file(grids[step], "image/png")

    def _begin(self, visit: Visit) -> None:
        asked = visit.body(MOST)
        if not isinstance(asked, dict):
            raise Refused(400, "This is no request that the page makes.")
        visit.reply({"name": self._trainings.begin(Request.parse(asked))})

    def _stop(self, visit: Visit) -> None:
        self._trainings.stop(visit.parts[1])
        visit.reply({})

    def _continue(self, visit: Visit) -> None:
        self._trainings.resume(visit.parts[1])
        visit.reply({"name": visit.parts[1]})
