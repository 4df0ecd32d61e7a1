"""What this installation can do."""

import importlib.metadata
import platform
import tempfile
from pathlib import Path

import torch

from translate import images
from translate.devices import engine
from translate.errors import TranslateError
from translate.files import write_text

PACKAGES = ("image-translate", "torch", "torchvision", "albumentations", "opencv-python-headless", "kornia", "pillow",
            "numpy", "typer", "pydantic", "safetensors")  # fmt: skip


def examine() -> dict[str, str]:
    """Return facts by name: versions, devices, picture formats, whether this folder can be written.

    Bad ones begin with "PROBLEM".
    """
    facts = {"python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "PROBLEM: not installed"
    facts["engine"] = f"{engine()}, {torch.get_num_threads()} threads"
    facts["GPUs"] = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none"
    facts["picture suffixes"] = " ".join(sorted(images.SUFFIXES))
    try:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            write_text(Path(folder) / "test", "test")
        facts["this folder"] = "can be written"
    except (OSError, TranslateError) as error:
        facts["this folder"] = f"PROBLEM: {error}"
    return facts
