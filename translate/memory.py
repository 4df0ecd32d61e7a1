"""Memory: how much of it there is, what to do when it is full, and what was used at most."""

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from translate.errors import DeviceError, OutOfMemory

# Of MPS and CUDA; of torch on a CPU, on Windows also; of cuBLAS and cuDNN.
_FULL = ("out of memory", "allocate memory", "not enough memory", "ALLOC_FAILED")
KEPT = 1 << 28  # bytes
LARGE = 1 << 25  # bytes of blocks that are given back anyway; the most that can be asked for
_GROUPS = Path("/sys/fs/cgroup")


def default_memory(device: torch.device) -> int:
    """Return how many bytes networks may take for a picture: half of what is free.

    But for CUDA GPUs it is 1 GiB at most, also where nobody knows what is free.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    free = available_memory()
    return 1 << 30 if free is None else min(free // 2, 1 << 30)


def peak_memory(device: torch.device) -> int | None:
    """Return the most bytes that this process has taken, on a CUDA GPU or else in all; None if nobody counts them."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "linux":
        return _bytes_said("/proc/self/status", "VmHWM:")
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak_memory(device: torch.device) -> None:
    """Let `peak_memory` forget what was taken and given back before, where the system can do that."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with contextlib.suppress(OSError):  # only on Linux
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def available_memory() -> int | None:
    """Return how many bytes this process can take before the machine, or a group that it is in, has none left.

    None: nobody counts them.
    """
    counted = _left_to_groups(Path("/proc/self/cgroup"), _GROUPS)
    if (free := _bytes_said("/proc/meminfo", "MemAvailable:")) is not None:
        counted.append(free)
    return min(counted, default=None)


def release_memory() -> None:
    """Give back to the device what nothing needs any more: objects that hold each other, and what torch keeps."""
    gc.collect()
    torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def keep_freed_memory() -> None:
    """Let this process keep up to `KEPT` bytes that it freed, as far as its C library can be told so.

    The GNU library gives large blocks back at once, and for each activation of a network the system fills new pages
    with zeros: a tenth of the time that a picture of 256 px takes.
    """
    with contextlib.suppress(OSError, TypeError, AttributeError):  # there is no such library, or another one
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(ctypes.c_int(-3), ctypes.c_int(LARGE))  # M_MMAP_THRESHOLD
        mallopt(ctypes.c_int(-1), ctypes.c_int(KEPT))  # M_TRIM_THRESHOLD


def _bytes_said(file: str, name: str) -> int | None:
    """Return a number of bytes in a file of Linux, which has lines such as "VmHWM: 12 kB"."""
    with contextlib.suppress(OSError):
        for line in Path(file).read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return 1024 * int(line.split()[1])
    return None


def _left_to_groups(said: Path, root: Path) -> list[int]:
    """Return how many bytes each control group of Linux that limits this process has left.

    Containers and batch systems set such limits, of which /proc/meminfo knows nothing. Version 2 has one tree of
    groups, version 1 one of its own for memory; a limit holds for all groups below. In a container the tree may begin
    with the container's own group, whatever its path is said to be. What files that were read take is no loss.

    Args:
        said: the file that says in which groups this process is.
        root: where the trees are.
    """
    left: list[int] = []
    with contextlib.suppress(OSError):
        for line in said.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                tree, names = root, ("memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                tree = root / "memory"
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            else:
                continue
            group = Path(path.lstrip("/"))
            counted = [_left_to_group(tree / place, *names) for place in (group, *group.parents)]
            left += [free for free in counted if free is not None]
    return left


def _left_to_group(group: Path, limit: str, usage: str, files: str) -> int | None:
    """Return the bytes that a group has left, by the names of what says so; None if it has no limit."""
    with contextlib.suppress(OSError, ValueError):  # there is no such group here, or its limit is "max"
        taken = int((group / usage).read_text(encoding="ascii"))
        lines = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        given_back = next((int(line.split()[1]) for line in lines if line.split()[0] == files), 0)
        return max(int((group / limit).read_text(encoding="ascii")) - taken + given_back, 0)
    return None


@contextlib.contextmanager
def reserving_memory(share: float, device: torch.device) -> Iterator[None]:
    """Refuse this process the last `share` of a CUDA GPU's memory until the block ends."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.set_per_process_memory_fraction(1 - share, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


@contextlib.contextmanager
def enough_memory(refusal: str) -> Iterator[None]:
    """Turn what a full memory raises, which differs from device to device, into `OutOfMemory`.

    Args:
        refusal: what to say of a full memory.

    Raises:
        OutOfMemory: the memory is full.
        DeviceError: the device is broken.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if is_full(error):
            raise OutOfMemory(refusal) from error
        if isinstance(error, torch.AcceleratorError):  # nothing works on the device after it
            reason = str(error).splitlines()[0]
            raise DeviceError(f"The device failed: {reason}. Run the command again, or with --device cpu.") from error
        raise


def is_full(error: Exception) -> bool:
    """Tell whether an error says that there is no more memory, which each device and library says in its own words."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error) for sign in _FULL)
