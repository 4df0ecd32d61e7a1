"""How a run is carried out, which is no part of what it is: a run may continue with another of these."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Execution:
    """How a run is carried out.

    Attributes:
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: threads that prepare batches ahead.
        grace_s: seconds after a signal when the process ends, wherever it is; None: the step is waited for.
        tensorboard: whether to write for TensorBoard.
    """

    device: str = "auto"
    workers: int = 0
    grace_s: float | None = None
    tensorboard: bool = False
