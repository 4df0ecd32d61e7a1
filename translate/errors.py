"""The errors a user can act on, each with the exit code of the command line.

    TranslateError              1
    |-- SettingsError           2   a word or a setting is wrong
    |-- SomeFailed              3   some items of a batch failed, the others are done
    |-- DataError               4   no usable images where they were expected
    |   |-- ImageDecodeError        one file that is not a readable picture
    |   |-- UnfitPicture            one picture of which cannot be made what was asked for
    |   `-- DownloadError           an address does not give the file it should
    |-- WeightsError            5   a model or checkpoint is missing, damaged or refused
    |-- DeviceError             6   the device is not there or does not work
    |   `-- OutOfMemory               it has not enough memory, for a step or for one picture
    |-- OutputError             7   a place cannot be written
    |   |-- DiskFull                the disk is full
    |   `-- DiskReadOnly            nothing can be written on the disk
    |-- Diverged                1   training met non-finite losses three times in a row
    |-- ProcessLost             1   one of several processes that train together has ended
    `-- Interrupted           130   stopped by the user; everything is saved

Messages are sentences: what was wrong, what was found, what to do. Anything that is not a `TranslateError` is a bug.
A command that a signal stopped ends with `exit_code_of` that signal.
"""

import signal
import sys

# The signals that ask to stop. Batch systems send SIGUSR1 to a job that they want to run again later.
STOPPING: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
if sys.platform != "win32":
    STOPPING = (*STOPPING, signal.SIGUSR1)


def exit_code_of(number: int) -> int:
    """Return 130 for Ctrl-C and 143 for SIGTERM, as shells do; for SIGUSR1 75, EX_TEMPFAIL: to be run again."""
    return 75 if signal.Signals(number).name == "SIGUSR1" else 128 + number


class TranslateError(Exception):
    """Base of all errors that a user can act on."""

    exit_code = 1


class SettingsError(TranslateError):
    """A command-line word, a setting or a settings file is wrong.

    Attributes:
        key: the full key of the setting, such as "method.generator.width"; empty where it is not about one.
    """

    exit_code = 2

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class SomeFailed(TranslateError):
    """Some items of a batch failed; the others are done."""

    exit_code = 3


class DataError(TranslateError):
    """A dataset or an input folder does not hold what was expected."""

    exit_code = 4


class ImageDecodeError(DataError):
    """A file that should be a picture cannot be decoded."""


class UnfitPicture(DataError):
    """A picture of which cannot be made what was asked for."""


class DownloadError(DataError):
    """An address does not give the file that it should."""


class WeightsError(TranslateError):
    """A model, export or checkpoint is missing, damaged or refused."""

    exit_code = 5


class DeviceError(TranslateError):
    """The requested device does not exist or does not work."""

    exit_code = 6


class OutOfMemory(DeviceError):
    """A step or a picture needs more memory than there is, or more scratch files than there may be."""


class OutputError(TranslateError):
    """An output place cannot be written, or the disk is full."""

    exit_code = 7


class DiskFull(OutputError):
    """There is no room for what should be written."""


class DiskReadOnly(OutputError):
    """The disk takes no files at all."""


class Diverged(TranslateError):
    """Training met non-finite losses several times in a row."""


class ProcessLost(TranslateError):
    """One of the processes that train together has ended or does not answer."""


class Interrupted(TranslateError):
    """The user asked to stop; the work so far is saved."""

    exit_code = 130


def counted(count: int, noun: str) -> str:
    """Write a count for a sentence: "1 picture", "2 pictures"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
