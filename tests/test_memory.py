from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from translate import memory

MUCH = 1e9  # GMAC


LIMITS = {  # of groups in a tree of version 2, and in that of version 1: limit, taken, and of that by files
    "memory.max": "memory.limit_in_bytes",
    "memory.current": "memory.usage_in_bytes",
    "inactive_file": "total_inactive_file",
}


def group(place: Path, version: int, limit: str, taken: int, files: int) -> None:
    """Make a control group as Linux shows it."""
    limits, usage, stat = LIMITS if version == 2 else LIMITS.values()
    place.mkdir(parents=True, exist_ok=True)
    (place / limits).write_text(f"{limit}\n")
    (place / usage).write_text(f"{taken}\n")
    (place / "memory.stat").write_text(f"anon 5\n{stat} {files}\nfile 70\n")


@pytest.mark.parametrize(
    ("version", "said", "tree"),
    [(2, "0::/job/step\n", ""), (1, "5:cpu,cpuacct:/else\n4:memory:/job/step\n0::/\n", "memory")],
)
def test_limits_of_containers_and_batch_systems_count_as_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, said: str, tree: str
) -> None:
    (tmp_path / "cgroup").write_text(said)
    root = tmp_path / "fs"

    def left() -> list[int]:
        return memory._left_to_groups(tmp_path / "cgroup", root)

    assert left() == []  # a container in which nothing of this is shown
    group(root / tree, version, "max" if version == 2 else str(2**63 - 4096), 50, 0)
    assert [free for free in left() if free < 2**62] == []
    group(root / tree / "job" / "step", version, "max" if version == 2 else str(2**63 - 4096), 20, 0)
    group(root / tree / "job", version, "1000", 300, 40)
    assert [free for free in left() if free < 2**62] == [740]
    group(root / tree / "job", version, "1000", 1200, 40)
    assert min(left()) == 0
    monkeypatch.setattr(memory, "_left_to_groups", lambda *_: [3 << 20, 1 << 60])
    assert memory.available_memory() == 3 << 20
    assert memory.default_memory(torch.device("cpu")) == 3 << 19


def test_a_processs_group_that_is_the_root_of_its_container_is_found(tmp_path: Path) -> None:
    """Version 1 names the group as the machine does, of which the container sees no path."""
    (tmp_path / "cgroup").write_text("4:memory:/docker/0123\n")
    group(tmp_path / "memory", 1, "1000", 300, 0)
    assert memory._left_to_groups(tmp_path / "cgroup", tmp_path) == [700]


def test_memory_that_is_released_is_that_of_every_kind_of_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[str] = []
    for name in ("cuda", "mps"):
        monkeypatch.setattr(getattr(torch, name), "empty_cache", lambda name=name: emptied.append(name))
    for there, expected in ((False, ["cuda"]), (True, ["cuda", "mps"])):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=there: there)
        memory.release_memory()
        assert emptied == expected
        emptied.clear()


def test_what_memory_there_is_is_counted_where_the_system_counts_it() -> None:
    for counted in (memory.available_memory(), memory.peak_memory(torch.device("cpu"))):
        assert counted is None or 1 << 20 < counted < 1 << 50


def test_freed_memory_is_kept_where_the_c_library_can_be_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda what, bytes: said.append((what.value, bytes.value)))
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    memory.keep_freed_memory()
    assert said == [(-3, memory.LARGE), (-1, memory.KEPT)]
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    memory.keep_freed_memory()
