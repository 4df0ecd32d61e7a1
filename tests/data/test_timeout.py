import threading

import pytest

from translate.data import timeout


@pytest.mark.fault("R-29")
def test_a_disk_that_answers_in_time_is_waited_for_and_nothing_is_left_behind(monkeypatch):
    ended = []
    monkeypatch.setattr(timeout.os, "_exit", ended.append)
    before = threading.active_count()
    with timeout.in_time("a.png"):
        (watching,) = [thread for thread in threading.enumerate() if thread.name.endswith("(_watch)")]
        assert threading.active_count() == before + 1
    watching.join()
    assert (ended, timeout._under_way) == ([], {})
