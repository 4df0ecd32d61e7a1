"""One process trains in a folder, and a folder it must be."""

import os
import sys

import pytest

from translate.errors import OutputError
from translate.runs import prepare


@pytest.mark.fault("R-20")
def test_a_file_in_the_place_of_the_run_is_refused_before_pictures_are_read(tmp_path, photos, small):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(OutputError, match=r"file is a file\. Choose another --out, or move the file") as caught:
            prepare(photos, out=out, words=small, device="cpu")
        assert caught.value.exit_code == 7


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
@pytest.mark.fault("R-19")
def test_a_second_run_in_a_folder_that_is_trained_in_is_refused(tmp_path, photos, contents, small):
    first, second = (prepare(photos, out=tmp_path / "run", words=small, device="cpu") for _ in range(2))
    reports = first.start()
    next(reports)
    before = contents(tmp_path / "run")
    who = rf"Process {os.getpid()} on \S+ is training in .*run\. Wait until it has ended"
    with pytest.raises(OutputError, match=who) as caught:
        list(second.start())
    assert caught.value.exit_code == 7
    assert contents(tmp_path / "run") == before
    for _ in reports:
        pass
    assert first.finished
    assert not (tmp_path / "run" / "running").exists()
    list(prepare(photos, out=tmp_path / "run", words=small, device="cpu").start())  # the lock is gone
