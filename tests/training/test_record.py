import json
import sys

import pytest

from translate.errors import OutputError
from translate.training.record import Record, read_log


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_are_appended_as_json_objects(tmp_path):
    record = Record(tmp_path / "log.jsonl", 0)
    assert read_log(tmp_path / "log.jsonl") == []
    for step in (50, 100):
        record.write({"step": step, "losses": {"GAN_G": 0.5}})
    assert lines(tmp_path / "log.jsonl") == read_log(tmp_path / "log.jsonl")
    assert read_log(tmp_path / "log.jsonl")[1] == {"step": 100, "losses": {"GAN_G": 0.5}}


@pytest.mark.parametrize(("step", "kept"), [(0, []), (99, [50]), (100, [50, 100]), (500, [50, 100, 150])])
def test_lines_after_the_step_a_run_continues_from_are_dropped(tmp_path, step, kept):
    first = Record(tmp_path / "log.jsonl", 0)
    for done in (50, 100, 150):
        first.write({"step": done})
    second = Record(tmp_path / "log.jsonl", step)
    second.write({"step": step + 50})
    assert [line["step"] for line in read_log(tmp_path / "log.jsonl")] == [*kept, step + 50]


@pytest.mark.fault("R-1")
def test_a_last_line_that_was_cut_off_is_left_out_and_replaced(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 50}\n{"step": 100, "los', encoding="utf-8")
    assert read_log(path) == [{"step": 50}]
    Record(path, 100).write({"step": 150})
    assert lines(path) == [{"step": 50}, {"step": 150}]


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert read_log(tmp_path / "log.jsonl") == []
    Record(tmp_path / "log.jsonl", 7)
    assert read_log(tmp_path / "log.jsonl") == []


def test_a_log_that_cannot_be_written_is_refused(tmp_path):
    record = Record(tmp_path / "log.jsonl", 0)
    (tmp_path / "log.jsonl").unlink()
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write .*log\.jsonl"):
        record.write({"step": 1})


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits there")
@pytest.mark.fault("R-4")
def test_what_a_full_disk_refused_is_written_when_there_is_room_again(tmp_path):
    """Without mocks: the system takes half of a line, as a full disk does."""
    import resource

    path = tmp_path / "log.jsonl"
    record = Record(path, 0)
    record.write({"step": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, before[1]))
    try:
        for step in (2, 3):
            with pytest.raises(OutputError, match="The disk is full"):
                record.write({"step": step})
            assert path.read_text(encoding="utf-8") == '{"step": 1}\n'
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    record.write({"step": 4})
    assert [line["step"] for line in lines(path)] == [1, 2, 3, 4]
