"""Checkpoints: folders from which a run continues exactly where it was.

    checkpoints/00002500/
        weights.safetensors    the method with all its buffers; in bf16 what bf16 holds without loss, such as pools
        average.safetensors    the averaged networks that are shipped
        state.pt               optimisers and counters; tensors and plain values only
        manifest.json          step, settings, and size and SHA-256 of the other files

A checkpoint is written beside its place and renamed, so it is complete or not there.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from translate.errors import DiskFull, Diverged, WeightsError
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
        """Write a checkpoint, then remove the oldest ones, and later ones: damaged ones, which the run fell back from.

        On a full disk older checkpoints than the newest give way first.

        Raises:
            DiskFull: there is no room for a second checkpoint. The newest one is then untouched.
            OutputError: the place cannot be written. Older checkpoints are then untouched.
            Diverged: a weight is not finite. Older checkpoints are then untouched.
        """
        place = self.folder / f"{checkpoint.step:08d}"
        self.refuse_what_is_not_finite(checkpoint)
        sweep(self.folder)
        shutil.rmtree(place, ignore_errors=True)  # there only if it was damaged and the run fell back to an older one
        try:
            self._write(checkpoint, place)
        except DiskFull:
            _remove(self.places()[:-1])
            try:
                self._write(checkpoint, place)
            except DiskFull as error:
                raise DiskFull(f"{error} A checkpoint takes {_size(_bytes(checkpoint))}.") from error
        places = self.places()
        done = places.index(place) + 1
        _remove(places[: max(done - self._keep, 0)] + places[done:])
        return place

    def refuse_full_disk(self, expected: int) -> None:
        """Refuse to begin where there is no room for two checkpoints of so many bytes, with those that are there.

        Raises:
            DiskFull: the disk, on which the folder above `folder` already is, has not as much space left.
        """
        free = shutil.disk_usage(self.folder.parent).free
        if free < max(2 - len(self.places()), 1) * expected:
            raise DiskFull(
                f"The disk of {self.folder.parent} has {_size(free)} left; a checkpoint of this run takes"
                f" {_size(expected)}, and there must be room for two. Free some space or choose another --out."
            )

    def refuse_what_is_not_finite(self, checkpoint: Checkpoint) -> None:
        """Refuse to save values that are not finite. All ranks hold the same, so that all of them stop.

        Raises:
            Diverged: a weight is not finite.
        """
        for name, tensor in [*checkpoint.weights.items(), *checkpoint.average.items()]:
            if not tensor.isfinite().all():
                places = self.places()
                kept = f"The last good one is kept in {places[-1]}." if places else "There is none before it."
                raise Diverged(
                    f"After step {checkpoint.step} {name} holds values that are not finite, so no checkpoint was"
                    f" written. {kept} Try --precision fp32 or a lower rate (method.optimiser.lr)."
                )

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

    def _write(self, checkpoint: Checkpoint, place: Path) -> None:
        with atomic_folder(place) as temporary:
            weights = {name: _without_loss(tensor) for name, tensor in _plain(checkpoint.weights).items()}
            safetensors.torch.save_file(weights, temporary / "weights.safetensors")
            safetensors.torch.save_file(_plain(checkpoint.average), temporary / "average.safetensors")
            with (temporary / "state.pt").open("wb") as stream:  # given a path, torch would not say that a disk is full
                torch.save(dict(checkpoint.state), stream)
            files = {file.name: {"bytes": file.stat().st_size, "sha256": sha256(file)} for file in temporary.iterdir()}
            manifest = {"format": FORMAT, "step": checkpoint.step, "settings": self._settings, "files": files}
            (temporary / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


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
        weights = safetensors.torch.load_file(place / "weights.safetensors")
        return Checkpoint(
            step=manifest["step"],
            weights={name: _in_full(tensor) for name, tensor in weights.items()},
            average=safetensors.torch.load_file(place / "average.safetensors"),
            state=torch.load(place / "state.pt", weights_only=True, map_location="cpu"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Damaged(f"The checkpoint {place} is damaged: {error}.") from error


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _without_loss(tensor: Tensor) -> Tensor:
    """Return the tensor in bf16 if that holds the same values: pictures in a pool, where networks compute in bf16."""
    narrow = tensor.bfloat16()
    return narrow if tensor.dtype == torch.float32 and torch.equal(narrow.float(), tensor) else tensor


def _in_full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


def _remove(places: Sequence[Path]) -> None:
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


def _bytes(tree: Any) -> int:
    """Count the bytes of all tensors in a checkpoint."""
    if isinstance(tree, Checkpoint):
        return sum(_bytes(part) for part in (tree.weights, tree.average, tree.state))
    if isinstance(tree, Mapping):
        return sum(_bytes(below) for below in tree.values())
    return tree.nbytes if isinstance(tree, Tensor) else 0


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
