import os
import signal
import subprocess
import sys
import threading

import pytest

from translate.errors import STOPPING, exit_code_of
from translate.training.stop import StopSignals

SIGNALS = list(STOPPING)


@pytest.fixture(params=SIGNALS, ids=lambda number: number.name)
def number(request):
    """A signal whose handler, outside of the context, only notes that it acted."""
    return request.param


@pytest.fixture
def acted(number):
    """The signals that acted as they do outside of the context."""
    received = []
    before = {known: signal.signal(known, lambda got, _: received.append(got)) for known in SIGNALS}
    yield received
    for known, handler in before.items():
        signal.signal(known, handler)


@pytest.mark.fault("R-6", "R-7")
def test_the_first_signal_is_only_noted_and_the_second_acts(number, acted):
    with StopSignals() as stop:
        assert stop.received is None
        signal.raise_signal(number)
        assert (stop.received, acted) == (number, [])
        signal.raise_signal(number)
        assert (stop.received, acted) == (number, [number])


def test_after_one_signal_the_other_acts_as_well(number, acted):
    with StopSignals() as stop:
        signal.raise_signal(number)
        other = next(known for known in SIGNALS if known != number)
        signal.raise_signal(other)
        assert (stop.received, acted) == (number, [other])


@pytest.mark.parametrize("stopped", [False, True])
def test_the_handlers_are_as_before_afterwards(number, acted, stopped):
    before = [signal.getsignal(known) for known in SIGNALS]
    with StopSignals():
        assert [signal.getsignal(known) for known in SIGNALS] != before
        if stopped:
            signal.raise_signal(number)
    assert [signal.getsignal(known) for known in SIGNALS] == before


def test_the_handlers_are_as_before_after_an_error(number, acted):
    before = [signal.getsignal(known) for known in SIGNALS]
    with pytest.raises(ZeroDivisionError), StopSignals():
        raise ZeroDivisionError
    assert [signal.getsignal(known) for known in SIGNALS] == before


@pytest.fixture
def heard():
    """Ctrl-C raises KeyboardInterrupt, which it does not where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_a_second_ctrl_c_is_a_keyboard_interrupt():
    with StopSignals() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_in_another_thread_it_changes_nothing():
    before = [signal.getsignal(known) for known in SIGNALS]
    found = []

    def work():
        with StopSignals() as stop:
            found.append(([signal.getsignal(known) for known in SIGNALS], stop.received))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(before, None)]
    assert [signal.getsignal(known) for known in SIGNALS] == before


@pytest.mark.fault("R-6")
def test_exit_codes_are_those_that_shells_and_batch_systems_know():
    assert {number.name: exit_code_of(number) for number in SIGNALS} == {"SIGINT": 130, "SIGTERM": 143, "SIGUSR1": 75}


@pytest.mark.fault("R-9")
def test_a_signal_ends_at_once_what_can_be_done_again(number, acted):
    done = []

    def work():
        done.append("begun")
        signal.raise_signal(number)
        done.append("not dropped")

    with StopSignals() as stop:
        assert stop.drop(lambda: 7) == 7
        assert stop.drop(work) is None
        assert stop.drop(lambda: done.append("after the signal")) is None
        assert (stop.received, acted, done) == (number, [], ["begun"])


@pytest.mark.fault("R-9")
def test_outside_of_it_a_signal_ends_nothing(number, acted):
    with StopSignals() as stop:
        stop.drop(lambda: None)
        signal.raise_signal(number)
        assert (stop.received, acted) == (number, [])


@pytest.mark.fault("R-9")
def test_an_error_of_the_work_passes_and_the_next_signal_is_only_noted(number, acted):
    with StopSignals() as stop:
        with pytest.raises(ZeroDivisionError):
            stop.drop(lambda: 1 / 0)
        signal.raise_signal(number)
        assert (stop.received, acted) == (number, [])


STUCK = """
import signal, threading
from translate.training.stop import StopSignals
with StopSignals(grace_s=0.01):
    signal.raise_signal(signal.{number})
    threading.Event().wait()  # as a disk that does not answer
"""


@pytest.mark.fault("R-7", "R-29")
def test_after_the_grace_the_process_ends_whatever_it_waits_for(number):
    command = [sys.executable, "-c", STUCK.format(number=number.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (exit_code_of(number), "")
    assert done.stderr == "Ended after 0.01 s, without a checkpoint of the last steps.\n"


@pytest.mark.fault("R-7")
def test_who_is_done_within_the_grace_goes_on(number, acted, monkeypatch):
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    before = set(threading.enumerate())
    with StopSignals(grace_s=60.0):
        signal.raise_signal(number)
        (timer,) = set(threading.enumerate()) - before
    timer.join()
    assert ended == []
