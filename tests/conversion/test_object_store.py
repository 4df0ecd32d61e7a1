"""A store that speaks the language of S3, on this machine: the same as on the one in memory, and what that cannot show.

Each is slow because a server is started. `pytest -m slow -s` prints the figures.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.conversion.small import ABOUT, TRANSLATOR, noise, put
from translate import places
from translate.conversion.job import Job
from translate.errors import DataError, OutputError
from translate.places import RemotePath, listing, path_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("ignore"),  # of the server and of what speaks to it
]
PICTURES = 1000
TURNS = 5
MOST = 1.3  # times the CPU of the same conversion in a folder


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start a server in a process of its own, so that its CPU is not counted; yield its address."""
    words = [sys.executable, "-c", "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if "http://" in line)
    match = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert match
    threading.Thread(target=process.stderr.read, daemon=True).start()  # it waits where nobody reads its log
    yield match[0]
    process.kill()
    process.wait()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> RemotePath:
    name = re.sub(r"\W|_", "-", request.node.name)[:60].strip("-").lower()
    environment = {
        "AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    forget_stores()
    with places._asking(RemotePath(f"s3://{name}")) as (store, _):
        store.mkdir(name)
    return RemotePath(f"s3://{name}")


def forget_stores() -> None:
    """Let the next question look for credentials again: fsspec keeps its stores, too."""
    places._store.cache_clear()
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def statuses(job: Job) -> list[str]:
    return sorted(result.status for result in job.run(TRANSLATOR))


@pytest.mark.fault("F-28")
def test_a_bucket_is_converted_continued_and_brought_up_to_date(bucket: RemotePath) -> None:
    for number in range(3):
        put(bucket / "in" / f"{number}.png", noise(9, 7, number))
    (bucket / "in" / "empty.png").write_bytes(b"")
    with places._asking(bucket) as (store, name):
        store.pipe_file(f"{name}/in//odd.png", b"1")
    job = Job(ABOUT, (str(bucket / "in"),), bucket / "out")
    results = {result.source.name: result.reason for result in job.run(TRANSLATOR) if result.status == "failed"}
    assert results == {
        "empty.png": "cannot be decoded: there are no bytes.",
        "odd.png": "there is no such file, it matches nothing, or its key is no path, as in a//b or a/../b",
    }
    assert statuses(job) == ["failed"] * 2 + ["skipped"] * 3
    put(bucket / "in" / "1.png", noise(9, 7, 9))
    assert statuses(job) == ["done", "failed", "failed", "skipped", "skipped"]


@pytest.mark.fault("F-27")
def test_missing_buckets_and_credentials_are_named(bucket: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket / "in" / "0.png")
    with pytest.raises(DataError, match="no pictures in s3://not-there/in: 1 input not found"):
        Job(ABOUT, ("s3://not-there/in",), bucket / "out").plan()
    with pytest.raises(OutputError, match=r"Cannot write s3://not-there/out/0.png: there is no such file or bucket"):
        list(Job(ABOUT, (str(bucket / "in"),), path_of("s3://not-there/out")).run(TRANSLATOR))
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    forget_stores()
    with pytest.raises(DataError, match="the store asks for credentials, or refuses those that it found: Unable to"):
        listing(bucket)


@pytest.mark.fault("F-28")
def test_nothing_is_lost_by_errors_and_a_killed_process(
    bucket: RemotePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a hundred questions is answered 500, and the process is killed in the middle."""
    for number in range(PICTURES):
        (bucket / "in" / f"{number}.png").write_bytes(put(tmp_path / "a.png", noise(9, 7, number)).read_bytes())
    words = [sys.executable, "-c", RUN, str(bucket)]
    process = subprocess.Popen(words, env=dict(os.environ), cwd=Path(__file__).parent.parent.parent)
    while process.poll() is None and len(names(bucket / "out")) < PICTURES // 5:
        time.sleep(0.2)
    process.kill()
    process.wait()
    before = len(names(bucket / "out"))
    assert before < PICTURES
    again = subprocess.run(words, env=dict(os.environ), cwd=Path(__file__).parent.parent.parent, check=False)
    assert again.returncode == 0
    assert len(names(bucket / "out")) == PICTURES
    print(f"\nkilled after {before} of {PICTURES}; the rest was done by the same command")


RUN = """
import random, sys
sys.path[:0] = ["tests/conversion"]
from botocore.httpsession import URLLib3Session
from aiobotocore.httpsession import AIOHTTPSession
import botocore.awsrequest
send = AIOHTTPSession.send
async def failing(self, request):
    response = await send(self, request)
    if random.random() < 0.01:
        response.status_code = 500
        for name in [name for name in response.headers if name.lower().startswith("x-amz-checksum")]:
            del response.headers[name]  # an error has none of its own
    return response
AIOHTTPSession.send = failing
from small import ABOUT, TRANSLATOR, Job
from translate.places import path_of
job = Job(ABOUT, (sys.argv[1] + "/in",), path_of(sys.argv[1] + "/out"))
results = list(job.run(TRANSLATOR))
sys.exit(any(result.status == "failed" for result in results))
"""


def names(folder: Path) -> list[str]:
    assert isinstance(folder, RemotePath)
    return [path.name for path in listing(folder).entries if path.suffix == ".png"]


def test_there_and_back_costs_little_more_than_a_folder(bucket: RemotePath, tmp_path: Path) -> None:
    """With the shipped model and pictures of 128 pixels; the CPU of this process, without the server's, in turns.

    A read and a write cost some 8 ms, nearly all of it in botocore: with pictures of 64 pixels it is 1.4 times.
    """
    from translate.inference.translator import Translator

    translator = Translator.load("monet", "cpu")
    for number in range(PICTURES):
        picture = put(tmp_path / "in" / str(number % TURNS) / f"{number}.jpg", noise(128, 128, number))
        (bucket / "in" / str(number % TURNS) / picture.name).write_bytes(picture.read_bytes())

    def cpu_s(place: Path, turn: int) -> float:
        job = Job(translator.about, (str(place / "in" / str(turn)),), place / "out" / str(turn))
        started = time.process_time()
        assert [result.status for result in job.run(translator)] == ["done"] * (PICTURES // TURNS)
        return time.process_time() - started

    turns = [(cpu_s(tmp_path, turn), cpu_s(bucket, turn)) for turn in range(TURNS)]
    local, remote = map(sum, zip(*turns, strict=True))
    print(f"\n{PICTURES} pictures: {local:.1f} s of CPU in a folder, {remote:.1f} s in a bucket:", remote / local)
    assert remote <= MOST * local
