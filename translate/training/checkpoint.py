"""Checkpoints: folders from which a run continues exactly where it was.

    checkpoints/00002500/
        weights.safetensors    the method with all its buffers
        average.safetensors    the averaged networks that are shipped
        state.pt               optimisers and counters; tensors and plain values only
        manifest.json          step, settings, and size and SHA-256 of the other files

A checkpoint is written beside its place and renamed, so it is complete or not there.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from translate.errors import WeightsError
from translate.files import atomic_folder, sha256, sweep

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds."""

    step: int
    weights: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    state: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: where they are.
        settings: what the run was made with; a JSON object that every checkpoint carries.
        keep: how many of the newest are kept.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], keep: int) -> None:
        self.folder = folder
        self._settings = settings
        self._keep = keep

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, then remove the oldest ones, and later ones, which the run fell back from.

        Raises:
            OutputError: the place cannot be written or the disk is full. Older checkpoints are then untouched.
        """
        place = self.folder / f"{checkpoint.step:08d}"
        sweep(self.folder)
        shutil.rmtree(place, ignore_errors=True)  # there only if it was damaged and the run fell back to an older one
        with atomic_folder(place) as temporary:
            safetensors.torch.save_file(_plain(checkpoint.weights), temporary / "weights.safetensors")
            safetensors.torch.save_file(_plain(checkpoint.average), temporary / "average.safetensors")
            torch.save(dict(checkpoint.state), temporary / "state.pt")
            files = {file.name: {"bytes": file.stat().st_size, "sha256": sha256(file)} for file in temporary.iterdir()}
            manifest = {"format": FORMAT, "step": checkpoint.step, "settings": self._settings, "files": files}
            (temporary / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        places = self.places()
        done = places.index(place) + 1
        for other in places[: max(done - self._keep, 0)] + places[done:]:
            shutil.rmtree(other, ignore_errors=True)
        return place

    def places(self) -> list[Path]:
        """List the checkpoint folders, oldest first."""
        return sorted(place for place in self.folder.glob("[0-9]*") if place.is_dir())

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Read the newest checkpoint that is whole.

        Returns:
            the checkpoint, or None before the first one; and a sentence for each damaged one that was passed over.

        Raises:
            WeightsError: there are checkpoints, but every one of them is damaged, or a newer version wrote them.
        """
        damaged: list[str] = []
        for place in reversed(self.places()):
            try:
                return _read(place), damaged
            except _Damaged as error:
                damaged.append(str(error))
        if damaged:
            raise WeightsError(f"No checkpoint in {self.folder} is whole. {damaged[0]} Start again with another --out.")
        return None, []


class _Damaged(WeightsError):
    """An older checkpoint may still be whole."""


def _read(place: Path) -> Checkpoint:
    try:
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] > FORMAT:
            raise WeightsError(f"The checkpoint {place} was written by a newer version of translate. Update translate.")
        for name, facts in manifest["files"].items():
            if sha256(place / name) != facts["sha256"]:
                raise _Damaged(f"The checkpoint {place} is damaged: {name} does not match its SHA-256.")
        if manifest["step"] != int(place.name):
            raise _Damaged(f"The checkpoint {place} is damaged: manifest.json names step {manifest['step']}.")
        return Checkpoint(
            step=manifest["step"],
            weights=safetensors.torch.load_file(place / "weights.safetensors"),
            average=safetensors.torch.load_file(place / "average.safetensors"),
            state=torch.load(place / "state.pt", weights_only=True, map_location="cpu"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Damaged(f"The checkpoint {place} is damaged: {error}.") from error


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
