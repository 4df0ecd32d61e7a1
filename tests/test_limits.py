"""No big room, file or function, and no files that import each other in a circle: so the house stays readable."""

import ast
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "translate"
SOURCES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

ROOM = 0.09  # of the lines of the package
FILE = 320  # lines
FUNCTION = 70  # lines, with its docstring; in cli without its signature, which is a line for each option
PARAMETERS = 8  # without self; in cli they are the options of a command

Function = ast.FunctionDef | ast.AsyncFunctionDef


def large_rooms(sources: dict[str, str]) -> set[str]:
    lines = Counter[str]()
    for module, source in sources.items():
        lines[module.split(".")[1]] += len(source.splitlines())
    return {room for room, count in lines.items() if count > ROOM * lines.total()}


def long_files(sources: dict[str, str]) -> set[str]:
    return {module for module, source in sources.items() if len(source.splitlines()) > FILE}


def functions(sources: dict[str, str]) -> list[tuple[str, Function]]:
    """List all functions, also methods and inner ones, by the module and their own name."""
    found: list[tuple[str, Function]] = []
    for module, source in sources.items():
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]
        found += [(f"{module}.{node.name}", node) for node in nodes]
    return found


def long_functions(sources: dict[str, str]) -> set[str]:
    def length(name: str, node: Function) -> int:
        start = node.body[0].lineno if name.split(".")[1] == "cli" else node.lineno
        return (node.end_lineno or 0) - start + 1

    return {name for name, node in functions(sources) if length(name, node) > FUNCTION}


def wide_functions(sources: dict[str, str]) -> set[str]:
    def width(node: Function) -> int:
        names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        return len([name for name in names if name is not None and name.arg not in ("self", "cls")])

    outside = {module: source for module, source in sources.items() if module.split(".")[1] != "cli"}
    return {name for name, node in functions(outside) if width(node) > PARAMETERS}


def imported(module: str, sources: dict[str, str]) -> set[str]:
    """Return the modules that one imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(sources[module])):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {
                full if (full := f"{node.module}.{alias.name}") in sources else node.module for alias in node.names
            }
    return {name for name in names if name in sources}


def circles(sources: dict[str, str]) -> set[frozenset[str]]:
    """Return the groups of modules each of which imports, over others, every one of its group."""
    direct = {module: imported(module, sources) for module in sources}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = direct[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    reach = {module: reached(module) for module in sources}
    return {
        frozenset(other for other in reach[module] if module in reach[other])
        for module in sources
        if module in reach[module]
    }


def test_no_room_is_large():
    assert not large_rooms(SOURCES)


def test_no_file_is_long():
    assert not long_files(SOURCES)


def test_no_function_is_long():
    assert not long_functions(SOURCES)


def test_no_function_has_many_parameters():
    assert not wide_functions(SOURCES)


def test_no_files_import_each_other_in_a_circle():
    assert not circles(SOURCES)


# The rules themselves can fail


def test_a_room_above_a_share_of_all_lines_is_found():
    rooms = {f"translate.{room}.a": "x = 0\n" * 9 for room in "abcdefghijk"}
    assert large_rooms(rooms | {"translate.a.b": "x = 0\n"}) == {"a"}
    assert not large_rooms({f"translate.{number}": "x = 0\n" for number in range(12)})


def test_a_long_file_is_found():
    assert long_files({"translate.a": "\n" * (FILE + 1), "translate.b": "\n" * FILE}) == {"translate.a"}


@pytest.mark.parametrize(("lines", "long"), [(FUNCTION, False), (FUNCTION + 1, True)])
def test_a_long_function_is_found_also_in_a_class(lines, long):
    source = "class A:\n    @property\n    def f(self):\n" + "        0\n" * (lines - 1)
    assert long_functions({"translate.a": source}) == ({"translate.a.f"} if long else set())


@pytest.mark.parametrize(("lines", "long"), [(FUNCTION, False), (FUNCTION + 1, True)])
def test_a_command_is_long_without_its_options(lines, long):
    source = "def f(\n" + "    a,\n" * 40 + "):\n" + "    0\n" * lines
    assert long_functions({"translate.cli.a": source}) == ({"translate.cli.a.f"} if long else set())


@pytest.mark.parametrize("signature", ["a, b, c, d, e, f, g, h, i", "self, a, b, /, c, d, *e, f, g, h, **i"])
def test_a_function_with_many_parameters_is_found_outside_cli(signature):
    source = f"def f({signature}): 0"
    fewer = f"def g({signature.replace('a, ', '', 1)}): 0"
    assert wide_functions({"translate.a": source + "\n" + fewer}) == {"translate.a.f"}
    assert not wide_functions({"translate.cli.a": source})


def test_circles_are_found_also_inside_functions_and_over_others():
    sources = {
        "translate.a": "from translate import b",
        "translate.b": "import translate.c.d",
        "translate.c.d": "def f():\n    from translate.a import x",
        "translate.c.e": "from translate.c.d import y",
        "translate.f": "import translate.a",
    }
    assert circles(sources) == {frozenset({"translate.a", "translate.b", "translate.c.d"})}
    assert not circles({"translate.a": "from translate.b import c", "translate.b": "import os"})
