"""Ray: what is refused before it starts, and a cluster of this machine that loses a worker."""

import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conversion.small import export, noise, put
from translate.cluster.connection import own_version, refuse_others
from translate.cluster.conversion import Cluster, convert_on_ray
from translate.conversion.job import Job
from translate.conversion.planning import EMPTY
from translate.errors import DeviceError, SettingsError
from translate.models.exports import about_translator


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return export(tmp_path / "m.safetensors")


@pytest.fixture
def job(model: Path, tmp_path: Path) -> Job:
    put(tmp_path / "in" / "0.png")
    return Job(about_translator(model), (tmp_path / "in",), tmp_path / "out")


@pytest.mark.fault("F-31")
@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            {"10.0.0.1": "0.2", "10.0.0.2": "0.1"},
            "The worker 10.0.0.2 has image-translate 0.1, and this machine has 0.2",
        ),
        ({"10.0.0.1": "", "10.0.0.2": ""}, "The worker 10.0.0.1, like 1 more has no image-translate, and this machine"),
    ],
)
def test_workers_of_another_version_are_refused(found: dict[str, str], sentence: str) -> None:
    refuse_others("0.2", {"10.0.0.1": "0.2"})
    with pytest.raises(DeviceError, match=sentence):
        refuse_others("0.2", found)
    assert own_version()


def test_a_plan_of_nothing_starts_no_cluster(job: Job, model: Path) -> None:
    assert list(convert_on_ray(job, EMPTY, model, Cluster("127.0.0.1:1"))) == []


@pytest.mark.fault("F-31")
def test_a_missing_package_is_named(job: Job, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"--engine ray needs more packages: pip install 'image-translate\[ray\]'"):
        list(convert_on_ray(job, job.plan(), model, Cluster()))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.fault("F-31")
def test_an_address_that_nothing_answers_at_is_named_at_once(job: Job, model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for one in (address, f"ray://{address}"):
            with pytest.raises(DeviceError, match=f"There is no Ray cluster at {one}: Connection refused. Start one"):
                list(convert_on_ray(job, job.plan(), model, Cluster(one)))


@pytest.mark.slow
@pytest.mark.fault("F-31")
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_with_another_version_is_refused(job: Job, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = own_version()
    monkeypatch.setattr("translate.cluster.connection.own_version", lambda: "9.9")
    with pytest.raises(
        DeviceError, match=rf"^The worker [\d.]+ has image-translate {version}, and this machine has 9.9"
    ):
        list(convert_on_ray(job, job.plan(), model, Cluster()))


@pytest.mark.slow  # Ray waits
@pytest.mark.fault("F-31")
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_named(job: Job, model: Path) -> None:
    with pytest.raises(DeviceError, match=r"There is no Ray cluster at auto: .* Start one with `ray start --head`"):
        list(convert_on_ray(job, job.plan(), model, Cluster("auto")))
    assert DeviceError.exit_code == 6


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.fault("F-31")
def test_a_killed_worker_loses_nothing_and_a_poison_picture_fails_alone(
    job: Job, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poison picture kills the process that decodes it, as a decoder may that has a fault."""
    for number in range(199):
        put(tmp_path / "in" / f"{number}.png", noise(9, 7, number))
    (tmp_path / "in" / "poison.png").write_bytes(b"poison")
    (tmp_path / "sitecustomize.py").write_text(POISON)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ['PYTHONPATH']}")
    results, killed = [], 0
    for result in convert_on_ray(job, job.plan(), model, Cluster(workers=2)):
        results.append(result)
        if not killed:
            killed = next(workers())
            os.kill(killed, signal.SIGKILL)
    found = Counter(result.status for result in results)
    assert (found["done"], found["failed"], len(results)) == (199, 1, 200)
    assert len({result.source for result in results}) == 200
    (failed,) = [result for result in results if result.status == "failed"]
    assert failed.source.name == "poison.png"
    assert "its decoder crashed with SIGKILL" in failed.reason
    assert len([*(tmp_path / "out").glob("*.png")]) == 199
    assert len(job.plan().items) == 1


POISON = """
import os, signal, sys
if "multiprocessing.spawn" in " ".join(sys.orig_argv):
    from pathlib import Path
    from translate.images import reading
    read = reading.read
    opened = reading._stream
    def stream(source, limits):
        if isinstance(source, Path) and source.name == "poison.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return opened(source, limits)
    reading._stream = stream
"""


def workers() -> Iterator[int]:
    """Yield the processes of actors of this user's cluster."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if b"MapWorker" in (place / "cmdline").read_bytes():
                yield int(place.name)
        except OSError:
            continue
