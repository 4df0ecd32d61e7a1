"""Every fault that a training should survive has a test with its number, or a reason here why it has none.

The numbers are those of a table of faults that this project was made to withstand: R-1 to R-50 happen to trainings.
"""

import re
from pathlib import Path

FAULTS = range(1, 51)
REASONS = {
    44: "Operations without a deterministic kernel on CUDA: needs a GPU. On a CPU R-45 holds without a flag.",
}


def test_every_fault_has_a_test_or_a_reason() -> None:
    tested: set[int] = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        for numbers in re.findall(r"^def test_((?:r\d\d_)+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            tested |= {int(number) for number in re.findall(r"\d\d", numbers)}
    assert tested | set(REASONS) == set(FAULTS)
    assert not tested & set(REASONS)
