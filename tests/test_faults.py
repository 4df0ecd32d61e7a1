"""Every fault of the table has a test that is marked with it, or a reason why not."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
TABLE, REASONS = (TESTS / "faults.md").read_text(encoding="utf-8").split("\n## Without a test\n")


def numbers(table: str) -> list[str]:
    return re.findall(r"^\| ([RISF]-\d+) \|", table, re.MULTILINE)


def marks(source: str) -> list[str]:
    """List the faults that the tests of a file are marked with."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    marked = [call for call in calls if ast.unparse(call.func) == "pytest.mark.fault"]
    return [ast.literal_eval(argument) for call in marked for argument in call.args]


def test_every_fault_has_a_test_or_a_reason() -> None:
    tested = {fault for path in TESTS.rglob("test_*.py") for fault in marks(path.read_text(encoding="utf-8"))}
    assert tested.isdisjoint(numbers(REASONS))
    assert tested.union(numbers(REASONS)) == set(numbers(TABLE))


def test_the_table_counts_its_faults() -> None:
    counted = [
        f"{letter}-{number}" for letter, count in (("R", 50), ("I", 38), ("S", 30)) for number in range(1, count + 1)
    ]
    found = numbers(TABLE)
    assert found[: len(counted)] == counted
    from_others = [int(fault.removeprefix("F-")) for fault in found[len(counted) :]]  # their own list has more
    assert from_others == sorted(set(from_others))


def test_marks_are_read() -> None:
    source = """
@pytest.mark.parametrize("x", ["R-1"])
@pytest.mark.fault("R-2", "I-30")
def test_something(x): ...
"""
    assert marks(source) == ["R-2", "I-30"]
