"""Imports go down only. The floors of the README are held here; a new room must be put on one of them."""

import ast
import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "translate"

FLOORS: dict[str, int] = {
    "errors": 0,
    "progress": 0,
    "settings": 1,
    "files": 1,
    "home": 1,
    "archives": 1,
    "places": 1,
    "parallel": 1,
    "run_folder": 1,
    "networks": 2,
    "noise": 2,
    "objectives": 2,
    "pool": 2,
    "contrastive": 2,
    "settings_reference": 2,
    "optimisers": 2,
    "schedules": 2,
    "diffaugment": 2,
    "targets": 2,
    "images": 2,
    "video": 2,
    "tensors": 2,
    "devices": 2,
    "memory": 2,
    "cards": 2,
    "downloads": 2,
    "copies": 2,
    "methods": 3,
    "data": 3,
    "features": 3,
    "training": 4,
    "models": 4,
    "metrics": 4,
    "toys": 4,
    "report": 4,
    "inference": 5,
    "exchange": 5,
    "runs": 6,
    "evaluation": 6,
    "conversion": 6,
    "films": 6,
    "shards": 6,
    "cluster": 6,
    "exercises": 6,
    "bench": 6,
    "doctor": 6,
    "serve": 7,
    "cli": 8,
}
DOORS = ("__init__", "__main__")  # of the package: they may import anything, and nobody imports them
BESIDE = {
    ("tensors", "devices"),
    ("networks", "objectives"),
    ("noise", "networks"),
    ("video", "images"),
    ("films", "conversion"),
    ("shards", "conversion"),
    ("bench", "conversion"),
    ("cluster", "conversion"),
}  # the only pairs on one floor where the first may import the second
OWNERS = {  # who may import a library; everybody may import the others
    "PIL": {"images"},
    "pillow_heif": {"images"},
    "albumentations": {"data"},
    "cv2": {"data", "images", "metrics", "inference"},  # 16-bit colours; medians and connected spots; optical flow
    "av": {"video"},
    "huggingface_hub": {"exchange"},
    "fsspec": {"places"},
    "ray": {"cluster"},
    "jinja2": {"report", "serve"},
    "typer": {"cli", "__main__"},
    "rich": {"cli", "__main__"},
}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """translate/methods/base.py -> translate.methods.base; a folder's __init__.py is the folder itself."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def room(module: str) -> str:
    """translate.methods.base -> methods; the package itself is its own __init__."""
    return [*module.split("."), "__init__"][1]


def imports(tree: ast.AST) -> list[str]:
    """List the full name of everything that is imported, also inside functions. A relative import starts with a dot."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            names += [f"{source}.{alias.name}" for alias in node.names]
    return sorted(set(names))


def is_method(module: str) -> bool:
    parts = module.split(".")
    return parts[:2] == ["translate", "methods"] and parts[2:3] not in ([], ["base"], ["generation"])


def unsafe_loads(tree: ast.AST) -> list[int]:
    """List the lines that call torch.load, which runs code from the file, without weights_only=True."""
    lines: list[int] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("torch", "torch.serialization"):
            lines += [node.lineno for alias in node.names if alias.name == "load"]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "torch.serialization.load"):
            values = [keyword.value for keyword in node.keywords if keyword.arg == "weights_only"]
            if not any(isinstance(value, ast.Constant) and value.value is True for value in values):
                lines.append(node.lineno)
    return lines


def complaints(module: str, source: str) -> list[str]:
    """Say what is wrong with the imports of a module of the package."""
    tree, own = ast.parse(source), room(module)
    if own not in FLOORS and own not in DOORS:
        return [f"{module}: the room {own} is on no floor; add it to the table"]
    found = [f"{module}:{line}: torch.load without weights_only=True" for line in unsafe_loads(tree)]
    for name in imports(tree):
        library = name.split(".")[0]
        if name.startswith("."):
            found.append(f"{module}: the import {name} is relative")
        elif library != "translate":
            if own not in OWNERS.get(library, {own}):
                found.append(f"{module}: only {', '.join(sorted(OWNERS[library]))} may import {library}")
        elif own not in DOORS:
            other = room(name)
            if other not in FLOORS:
                found.append(f"{module}: {name} is in no room of the table")
            elif own == other:
                if is_method(module) and is_method(name):
                    found.append(f"{module}: a method imports the method {name}")
            elif FLOORS[other] > FLOORS[own]:
                found.append(f"{module}: {name} is on floor {FLOORS[other]}, above floor {FLOORS[own]}")
            elif FLOORS[other] == FLOORS[own] and (own, other) not in BESIDE:
                found.append(f"{module}: {name} is on the same floor")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_go_down_only(path):
    assert not complaints(module_name(path), path.read_text(encoding="utf-8"))


def test_there_is_something_to_check():
    rooms = {room(module_name(path)) for path in SOURCES}
    assert {"errors", "settings", "networks", "methods", "training"} <= rooms


def test_the_page_about_the_layout_shows_these_floors():
    shown: dict[str, int] = {}
    for line in (ROOT / "translate/guide/layout.md").read_text(encoding="utf-8").splitlines():
        floor, *rooms = line.split() or [""]
        if floor.isdigit() and line.startswith(f"{floor}  "):
            shown |= dict.fromkeys(rooms, int(floor))
    assert shown == FLOORS


def project() -> dict[str, Any]:
    """Read what pyproject.toml says of the package."""
    tree: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return tree


@pytest.mark.fault("S-24")
def test_every_dependency_is_bounded_and_has_its_reason_in_the_readme():
    wanted = [*project()["dependencies"], *chain(*project()["optional-dependencies"].values())]
    unbounded = [line for line in wanted if not re.search(r"<\d|==\d", line)]
    assert not unbounded
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Dependencies\n")[1].split("\n## ")[0]
    first_column = " ".join(re.findall(r"^\| (.*?) \|", section, re.MULTILINE))
    assert {re.split(r"[\[<>=]", line)[0] for line in wanted} <= {*re.findall(r"[a-z0-9-]+", first_column)}


@pytest.mark.fault("S-24")
def test_nothing_installs_anything_while_it_runs():
    for path in SOURCES:
        found = {name.split(".")[0] for name in imports(ast.parse(path.read_text(encoding="utf-8")))}
        assert not found & {"subprocess", "pip", "ensurepip", "pty"}, path


@pytest.mark.fault("S-18")
def test_no_table_is_written_whose_cells_a_spreadsheet_would_run():
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not {name.split(".")[0] for name in imports(tree)} & {"csv", "pandas", "openpyxl"}, path
        words = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [word for word in words if re.search(r"\.(csv|tsv|xlsx?)$", word)], path


@pytest.mark.parametrize("folder", ["datasets", "weights", "translate/datasets", "translate/weights"])
def test_cards_and_weights_lie_beside_no_python(folder):
    assert not list((ROOT / folder).glob("**/*.py"))


# The rules themselves can fail


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("translate.helpers", "", "the room helpers is on no floor"),
        ("translate.helpers.strings", "import os", "the room helpers is on no floor"),
        ("translate.errors", "import translate.settings", "translate.settings is on floor 1, above floor 0"),
        ("translate.settings", "from translate.files import sha256", "translate.files.sha256 is on the same floor"),
        ("translate.devices", "from translate.tensors import stack", "translate.tensors.stack is on the same floor"),
        ("translate.networks.blocks", "from translate import images", "translate.images is on the same floor"),
        (
            "translate.pool",
            "def f():\n    from translate.methods import base",
            "translate.methods.base is on floor 3, above floor 2",
        ),
        ("translate.data.batches", "import translate.methods.base", "translate.methods.base is on the same floor"),
        ("translate.training.loop", "from translate.report.curves import loss_curves", "is on the same floor"),
        ("translate.training.loop", "import translate.runs as r", "above floor 4"),
        ("translate.runs", "if TYPE_CHECKING:\n    import translate.cli", "above floor 6"),
        ("translate.runs", "from translate import Translator", "translate.Translator is in no room"),
        ("translate.runs", "import translate", "translate is in no room"),
        ("translate.runs", "import translate.__main__", "translate.__main__ is in no room"),
        ("translate.methods.stargan", "from translate.methods.cyclegan import CycleGAN", "imports the method"),
        ("translate.methods.stargan", "from translate.methods import cyclegan", "imports the method"),
        ("translate.methods.stargan", "import translate.methods.cyclegan", "imports the method"),
        ("translate.methods.stargan", "from . import base", "is relative"),
        ("translate.methods.stargan", "from .cyclegan import CycleGAN", "is relative"),
        ("translate.report.samples", "from PIL import Image", "only images may import PIL"),
        ("translate.report.samples", "import PIL.Image", "only images may import PIL"),
        ("translate.report.curves", "def f():\n    import cv2", "only data, images, inference, metrics may import cv2"),
        ("translate.training.loop", "from albumentations.core import Compose", "only data may import albumentations"),
        ("translate.runs", "import rich.progress", "only __main__, cli may import rich"),
        ("translate.__init__", "import typer", "only __main__, cli may import typer"),
        ("translate.training.checkpoint", "import torch\ntorch.load(path)", "torch.load without weights_only"),
        ("translate.training.checkpoint", "torch.load(path, weights_only=False)", "torch.load without weights_only"),
        ("translate.training.checkpoint", "torch.load(path, weights_only=safe)", "torch.load without weights_only"),
        ("translate.training.checkpoint", "from torch import load", "torch.load without weights_only"),
    ],
)
def test_what_is_forbidden_is_seen(module, source, complaint):
    (found,) = complaints(module, source)
    assert complaint in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("translate.__init__", "from translate.cli import main\nfrom translate.runs import train"),
        ("translate.__main__", "from translate.cli import main\nimport typer"),
        ("translate.tensors", "from translate.devices import Engine"),
        ("translate.images", "from PIL import Image\nfrom translate.files import atomic_file"),
        ("translate.images.deep", "def f():\n    import cv2"),
        ("translate.data.batches", "import cv2, albumentations\nfrom translate import images"),
        ("translate.data.batches", "from translate.data.folders import Pictures"),
        ("translate.methods.base", "import translate.methods"),
        ("translate.methods.stargan", "from translate.methods.base import Method\nfrom translate.methods import base"),
        ("translate.runs", "from translate import cards, images\nfrom translate.training.loop import Training"),
        ("translate.training.checkpoint", "torch.load(path, map_location='cpu', weights_only=True)"),
        ("translate.training.checkpoint", "json.load(stream)"),
        ("translate.cli", "import rich, typer, translate.runs"),
    ],
)
def test_what_is_allowed_is_let_through(module, source):
    assert not complaints(module, source)
