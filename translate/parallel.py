"""Several processes that train together, as `torchrun` starts them: the only place that knows torch.distributed.

Every process (rank) has its own part of each batch and does the same steps with it. Weights, optimisers and replay
buffers are equal in all of them, because whatever mixes pictures is that of the whole batch:

    mean(x)              the mean over the ranks, with gradient: losses, batch statistics
    mean_detached(xs)    the same without gradient, of many tensors at once: gradients
    gather(x)            the whole batch, from the parts of it that the ranks hold
    local_part(whole)    this rank's part of a whole batch
    permuted(x)          this rank's part of the whole batch in a random order
    rand_for(x, ...)     a uniform draw for each picture of x; randn_for(x, ...) a normal one
    count(x)             how many pictures the whole batch has

torch's CPU generator has the same seed in all ranks, and what is drawn is drawn for the whole batch: so each rank has
its part of the same draws. In a process that trains alone means and parts are what they are given. Pictures of the
whole batch lie in the order of the ranks.
"""

import contextlib
import os
import select
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from translate.errors import ProcessLost

Whole = TypeVar("Whole", Tensor, range)

STEP = timedelta(minutes=10)  # the longest that one rank may be behind another within a step
PATIENCE = timedelta(days=30)  # while rank 0 does what only it does, such as scoring; then only its death is an error
LEAVE_S = 10.0  # seconds in which a rank must have ended after another one did, before it is ended

_LOST = (
    "Another process of this run has ended or does not answer, so this one ends too. The reason is what that one said"
    " last. The same command again continues from the newest checkpoint."
)
_patient: Any = None  # the group of all ranks, with the longer limit
_single = False  # whether this rank works for itself


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Train together with the other processes that `torchrun` started, if it did, until the block ends.

    RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT in the environment say who they are and where to meet.

    Raises:
        ProcessLost: another process has ended before the block did, or does not answer.
    """
    global _patient
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    gpus = torch.cuda.is_available() and dist.is_nccl_available()
    with _answered():
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=STEP)
        _patient = dist.new_group(backend="gloo", timeout=PATIENCE)
    lines, leaving = _lines(), threading.Event()
    watch = threading.Thread(target=_watch, args=(lines, leaving), daemon=True)
    watch.start()
    try:
        yield
        wait()
    finally:
        leaving.set()
        for line in lines:
            with contextlib.suppress(OSError):  # the other end may be gone
                line.shutdown(socket.SHUT_RDWR)
        watch.join()
        for line in lines:
            line.close()
        _patient = None
        dist.destroy_process_group()


def rank() -> int:
    """Return the number of this process; 0 writes, the others are silent."""
    return dist.get_rank() if world() > 1 else 0


def world() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() and not _single else 1


def neighbours() -> int:
    """Return how many of these processes share this machine, or all of them if `torchrun` does not say."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", world())) if world() > 1 else 1


@contextlib.contextmanager
def single_process() -> Iterator[None]:
    """Let this rank work for itself until the block ends, as a process that trains alone; all ranks must do so."""
    global _single
    _single = True
    try:
        yield
    finally:
        _single = False


def gpu() -> int:
    """Return the number of the GPU that is meant for this process, on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0")) if world() > 1 else 0


def local_part(whole: Whole) -> Whole:
    """Return this rank's part of a whole batch, or of positions or draws for one: equally many for each rank."""
    size = len(whole) // world()
    return whole[rank() * size : (rank() + 1) * size]


def count(x: Tensor) -> int:
    """Return how many pictures the whole batch has that `x` (N, ...) is this rank's part of."""
    return world() * len(x)


def gather(x: Tensor) -> Tensor:
    """Return the whole batch (ranks * N, ...) that `x` (N, ...) is this rank's part of, without gradient."""
    if world() == 1:
        return x
    parts = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(world())]
    with _answered():
        dist.all_gather(parts, x.detach().contiguous())
    return torch.cat(parts)


def permuted(x: Tensor) -> Tensor:
    """Return this rank's part of the whole batch of `x` (N, ...) in a random order, without gradient."""
    return local_part(gather(x)[torch.randperm(count(x)).to(x.device)])


def rand_for(x: Tensor, *shape: int) -> Tensor:
    """Draw uniformly from [0, 1) for each picture of `x` (N, ...): (N, *shape), in fp32 or wider."""
    return local_part(torch.rand(count(x), *shape, dtype=_wide(x))).to(x.device)


def randn_for(x: Tensor, *shape: int) -> Tensor:
    """Draw from the normal distribution for each picture of `x` (N, ...): (N, *shape), in fp32 or wider."""
    return local_part(torch.randn(count(x), *shape, dtype=_wide(x))).to(x.device)


def mean(x: Tensor) -> Tensor:
    """Return the mean of `x` over the ranks. Gradients flow into the `x` of all of them."""
    if world() == 1:
        return x
    averaged: Tensor = _Mean.apply(x)
    return averaged


def mean_detached(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the mean of each tensor over the ranks, without gradient: all in one message."""
    if world() == 1:
        return tensors
    flat = mean(torch.cat([tensor.detach().reshape(-1) for tensor in tensors]))
    pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
    return [piece.view(tensor.shape) for piece, tensor in zip(pieces, tensors, strict=True)]


def greatest(value: int) -> int:
    """Return the greatest of the values that the ranks give: what one of them knows, all of them know."""
    if world() == 1:
        return value
    shared = torch.tensor(value)
    with _answered():
        dist.all_reduce(shared, dist.ReduceOp.MAX)
    return int(shared)


def same_on_all_ranks(*values: int) -> bool:
    """Whether every rank passed the same values."""
    mine = torch.tensor([values])
    return bool((gather(mine) == mine).all())


def wait() -> None:
    """Wait for all ranks, however long one of them takes."""
    if world() > 1:
        with _answered():
            dist.barrier(_patient)


def _wide(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)


class _Mean(torch.autograd.Function):
    """The mean over the ranks is its own adjoint, so its backward is itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        with _answered():
            dist.all_reduce(total)
        return total / world()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _Mean.apply(gradient)


def _lines() -> list[socket.socket]:
    """Connect rank 0 with every other rank. A line breaks when the process at its other end ends, however it does."""
    with contextlib.ExitStack() as opened:
        if rank() == 0:
            server = opened.enter_context(socket.create_server(("", 0)))
            server.settimeout(STEP.total_seconds())
            greatest(server.getsockname()[1])
            lines = [server.accept()[0] for _ in range(world() - 1)]
        else:
            lines = [socket.create_connection((os.environ["MASTER_ADDR"], greatest(0)))]
    for line in lines:
        line.settimeout(None)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":  # a machine without power is noticed after 10 + 4 * 5 seconds
            for option, value in ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4)):
                line.setsockopt(socket.IPPROTO_TCP, option, value)
    return lines


def _watch(lines: Sequence[socket.socket], leaving: threading.Event) -> None:
    """Wait until a line breaks, then end this process, whatever it does, unless it is leaving by itself.

    A rank that waits for another in a step leaves by itself; but it may be reading pictures, or wait for a GPU.
    """
    select.select(lines, [], [])  # nothing is ever sent
    if not leaving.wait(LEAVE_S):
        print(f"Error: {_LOST}", file=sys.stderr, flush=True)
        os._exit(ProcessLost.exit_code)


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """Say in a sentence that another rank is gone; torch's message is the address of a socket."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessLost(f"{_LOST} torch says: {str(error).splitlines()[0]:.200}") from error
