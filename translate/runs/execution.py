"""How a run is carried out, which is no part of what it is: a run may continue with another of these."""

from collections.abc import Sequence
from dataclasses import dataclass

from translate.errors import SettingsError
from translate.report.tracking import TRACKERS


@dataclass(frozen=True)
class Execution:
    """How a run is carried out.

    Attributes:
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: threads that prepare batches ahead.
        grace_s: seconds after a signal when the process ends, wherever it is; None: the step is waited for.
        track: for which programs to write losses and samples, as `tracking.TRACKERS` calls them.
        tensorboard: whether to do so for TensorBoard, too.
    """

    device: str = "auto"
    workers: int = 0
    grace_s: float | None = None
    track: Sequence[str] = ()
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in self.trackers:
            if name not in TRACKERS:
                raise SettingsError(f"Nothing to track with is called {name!r}; there are {', '.join(TRACKERS)}.")

    @property
    def trackers(self) -> list[str]:
        """All programs to write for."""
        return [*dict.fromkeys([*self.track, *(["tensorboard"] if self.tensorboard else [])])]
