import signal
import threading

import pytest

from translate.training.stop import StopSignals

SIGNALS = [signal.SIGINT, signal.SIGTERM]


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
