"""Checkpoints of other programs, read without running anything that is in them.

A `.pth` file is a pickle, and a pickle is a program. Only tensors and plain values are taken; a file that wants more is
refused with what it wanted, and never tried again in a less safe way.
"""

import pickletools
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from translate.errors import SettingsError, WeightsError
from translate.models.tensor_files import opened, refuse_poison

PREFIXES = ("module.", "_orig_mod.")  # put before every name by DataParallel and by torch.compile

_PLAIN = re.compile(r"collections\.OrderedDict|torch\.\w*(Storage|Tensor|Size)|torch\._utils\._rebuild_\w+")


def read_checkpoint(path: Path, part: str | None = None) -> dict[str, Tensor]:
    """Read the named tensors of a file, in fp32 where they are floats and without prefixes of wrappers.

    Args:
        path: a file of `torch.save` or of safetensors.
        part: which of the networks in the file, where there are several.

    Raises:
        WeightsError: the file is missing, damaged, holds no named tensors, or wants to run code.
        SettingsError: the file holds several networks and `part` names none of them.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    content = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_pickle(path)
    tensors = _strip(_network(path, content, part))
    refuse_poison(path, tensors)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    with opened(path) as file:
        if "translate" in (file.metadata() or {}):
            raise WeightsError(f"{path} is an export of translate already. Use it as it is, wherever a model is named.")
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)


def _read_pickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles of a later protocol, which may be read or not
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise errors of every kind
        unsafe = _unsafe_imports(path)
        if not unsafe:
            reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise WeightsError(f"{path} is not a readable checkpoint of PyTorch: {reason}. Get it again.") from error
        raise WeightsError(
            f"{path} was refused: it is a program that wants to run {', '.join(unsafe[:5])}, and nothing of it was run."
            " Make a file of tensors from it where it may do harm, such as a container without a network:"
            " torch.save(torch.load(FILE, weights_only=False).state_dict(), NEW)."
        ) from error


def _unsafe_imports(path: Path) -> list[str]:
    """List what a pickle would import besides what tensors are made of. It is read, not run."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # not a zip archive, or of a later pickle protocol than torch writes
        return sorted(name for name in _imports(path) if not _PLAIN.fullmatch(name))


def _imports(path: Path) -> set[str]:
    """Name what the pickles at the beginning of a file import: the old form of `torch.save` has several in a row."""
    names: set[str] = set()
    words: list[str] = []
    with path.open("rb") as stream:
        try:
            while True:
                for code, argument, _ in pickletools.genops(stream):
                    if code.name == "GLOBAL":
                        names.add(str(argument).replace(" ", "."))
                    elif code.name == "STACK_GLOBAL":
                        names.add(".".join(words[-2:]))
                    elif isinstance(argument, str):
                        words.append(argument)
        except Exception:  # raw numbers follow the pickles
            return names


def _network(path: Path, content: Any, part: str | None) -> dict[str, Tensor]:
    """Find the tensors in what a file holds: themselves, or in one of the dictionaries of a training's bundle."""
    if isinstance(content, Mapping):
        networks = {str(name): value for name, value in content.items() if _is_network(value)}
        if _is_network(content) and part is None:
            return _tensors(content)
        if part in networks:
            return _tensors(networks[part])
        if part is None and len(networks) == 1:
            return _tensors(next(iter(networks.values())))
        if networks:
            raise SettingsError(f"{path} holds several networks: {', '.join(networks)}. Name one with --part.")
        if part is not None:
            raise SettingsError(f"{path} has no part {part!r}. Leave out --part.")
    raise WeightsError(f"{path} holds no named tensors, so there is no network in it.")


def _is_network(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(tensor, Tensor) for tensor in value.values())


def _tensors(network: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {str(name): tensor for name, tensor in network.items() if isinstance(tensor, Tensor)}


def _strip(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take off prefixes that all names have."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _strip({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors
