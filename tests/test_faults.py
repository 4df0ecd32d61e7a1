"""Every fault that should be survived has a test with its number, or a reason here why not.

The numbers are those of a table of faults that this project was made to withstand: R-1 to R-50 happen to trainings, I-1
to I-38 to pictures and to those who convert them, S-1 to S-18, S-24 and S-25 to weights, downloads and archives.
"""

import re
from pathlib import Path

FAULTS = {f"{letter}{number:02}" for letter, count in (("r", 50), ("i", 38)) for number in range(1, count + 1)}
OF_WEIGHTS = {*range(1, 19), 24, 25}
REASONS = {"i31": "Odd films: none are read."}


def test_every_fault_has_a_test_or_a_reason() -> None:
    tested: set[str] = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        for marks in re.findall(r"^def test_((?:[a-z]\d\d_)+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            tested |= set(re.findall(r"[ri]\d\d", marks))
    assert tested | set(REASONS) == FAULTS
    assert not tested & set(REASONS)


def test_every_fault_of_weights_has_a_test() -> None:
    tested: set[int] = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        tested |= {int(n) for n in re.findall(r"^def test_s(\d+)_", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert tested >= OF_WEIGHTS
