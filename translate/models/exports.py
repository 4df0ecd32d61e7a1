"""The export: one safetensors file with the networks that translate and everything needed to use them.

Its metadata has one entry, `translate`, a JSON object with the fields of `About`. Tensors are those of the networks in
`Method.averaged`, named `<number of the network>.<parameter>`, in fp32 or fp16; networks that are read are always fp32.
Discriminators, which an export may hold for further training, are named `D.<number in players()["D"]>.<parameter>`.
An ONNX file has the same entry in its metadata, and one direction of the model as a graph; see `onnx`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from translate.errors import SettingsError, WeightsError
from translate.files import atomic_file
from translate.methods.base import Method, MethodSettings, Translation, settings_class, translation
from translate.methods.generation import Generation, generation
from translate.models.about import FORMAT, About
from translate.models.finding import find_export
from translate.models.onnx import OnnxMethod, open_session, read_metadata, write_onnx
from translate.models.tensor_files import halved, misfits, opened, refuse_poison, sha256_of
from translate.networks.memoryless import without_memory

OF_DISCRIMINATORS = "D."  # in front of the number of a discriminator


def write_export(
    path: Path, shipped: nn.ModuleList, about: About, half: bool = False, discriminators: Sequence[nn.Module] = ()
) -> None:
    """Write an export, whole or not at all.

    Args:
        path: the file.
        shipped: the networks in `Method.averaged`.
        about: what the export says of itself; its `sha256` is filled in here.
        half: store fp16 instead of fp32.
        discriminators: those of `Method.players`, to be trained further; none are needed to translate.

    Raises:
        OutputError: the place cannot be written or the disk is full.
        WeightsError: a weight is too large for fp16.
    """
    states = {"": shipped.state_dict(), OF_DISCRIMINATORS: nn.ModuleList(discriminators).state_dict()}
    named = {prefix + name: tensor for prefix, state in states.items() for name, tensor in state.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    if half:
        tensors = {name: halved(name, tensor) for name, tensor in tensors.items()}
    stamped = about.model_copy(update={"sha256": sha256_of(tensors)})
    with atomic_file(path) as temporary:
        safetensors.torch.save_file(tensors, temporary, {"translate": stamped.model_dump_json()})


def write_graph(path: Path, method: Translation, about: About, to: str | None = None) -> float:
    """Write one direction of a model as ONNX, whole or not at all; return its largest difference to torch.

    Args:
        path: the file.
        method: the model, as `read_export` returns it.
        about: what it says of itself.
        to: as for `Targets.choose`.

    Raises:
        SettingsError: as `Targets.choose`.
        WeightsError, OutputError: as `onnx.write_onnx`.
    """
    target = about.targets.choose(to)
    one_way = about.model_copy(update={"target": target, "only": target})
    return write_onnx(path, method, target, about.size, {"translate": one_way.model_dump_json()})


def read_about(path: Path) -> About:
    """Read what an export says of itself, without its tensors.

    Raises:
        WeightsError: the file is no export, is damaged, or was written by a newer version.
    """
    if not _is_onnx(path):
        with opened(path) as file:
            return _about(path, file.metadata())
    try:
        metadata = read_metadata(path)
    except OSError as error:
        raise WeightsError(f"{path} is not a readable ONNX file: {error}.") from error
    return _about(path, metadata)


def _about(path: Path, metadata: Mapping[str, str] | None) -> About:
    text = (metadata or {}).get("translate")
    if text is None:
        kind = "ONNX" if _is_onnx(path) else "safetensors"
        raise WeightsError(f"{path} is {kind}, but not an export of translate: it does not say how it is built.")
    try:
        tree = dict(json.loads(text))
        if tree["format"] <= FORMAT:
            return About.parse(tree)
    except (ValueError, TypeError, KeyError, RecursionError, SettingsError) as error:
        raise WeightsError(f"{path} is damaged: what it says of itself cannot be read: {error}") from error
    raise WeightsError(
        f"{path} has format {tree['format']}; this version of translate knows up to {FORMAT}. Update translate."
    )


def about_translator(model: str | Path) -> About:
    """Read what a model says of itself, if it translates pictures.

    Raises:
        WeightsError: there is no such model, or as `read_about`.
        SettingsError: it draws pictures from noise.
    """
    return read_about(find_export(model)).translating(model)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], About]:
    """Read the tensors of an export, on the CPU, in fp32, and what it says of itself.

    Raises:
        WeightsError: they are damaged or not finite, or the file is ONNX; or as `read_about`.
    """
    if _is_onnx(path):
        raise WeightsError(f"{path} is ONNX, from which no networks can be read. Use the export that it was made of.")
    with opened(path) as file:
        about = _about(path, file.metadata())
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    if sha256_of(tensors) != about.sha256:
        raise WeightsError(f"{path} is damaged: its tensors do not match their SHA-256. Copy or export it again.")
    refuse_poison(path, tensors)
    return {name: half.float() if half.dtype == torch.float16 else half for name, half in tensors.items()}, about


def read_settings(path: Path, about: About) -> MethodSettings:
    """Read the settings of the method of an export.

    Raises:
        WeightsError: this version does not know such a method.
    """
    try:
        return settings_class(about.method["name"]).parse(about.method)
    except (KeyError, SettingsError) as error:
        raise _cannot_build(path, error) from error


def read_export(path: Path) -> tuple[Translation, About]:
    """Read an export that translates pictures and build its networks, on the CPU, in evaluation mode.

    Raises:
        WeightsError: the file is no export, or its tensors are damaged, do not fit or are not finite.
        SettingsError: it draws pictures from noise.
    """
    method, about = read_any_export(path)
    about.translating(path)
    return translation(method), about


def read_generation(path: Path) -> tuple[Generation, About]:
    """Read an export that draws pictures from noise, as `read_export` reads one that translates.

    Raises:
        WeightsError: as there.
        SettingsError: it translates pictures.
    """
    method, about = read_any_export(path)
    about.drawing(path)
    return generation(method), about


def read_any_export(path: Path) -> tuple[Method, About]:
    """Read an export, whatever it does, as `read_export`. Raises `WeightsError` as that does."""
    if _is_onnx(path):
        about = read_about(path)
        return OnnxMethod(open_session(path), translation(_built(path, about))).eval(), about
    tensors, about = read_tensors(path)
    method = _built(path, about)
    shipped = {name: tensor for name, tensor in tensors.items() if not name.startswith(OF_DISCRIMINATORS)}
    networks = nn.ModuleList(method.averaged())
    if wrong := misfits(networks.state_dict(), shipped):
        raise WeightsError(
            f"{path} does not fit the network of {about.method['name']} that it describes: {len(wrong)} tensors are"
            f" missing, superfluous or of another shape, first {', '.join(wrong[:3])}."
        )
    networks.load_state_dict(shipped, assign=True)
    return method.eval().requires_grad_(False), about


def _is_onnx(path: Path) -> bool:
    return path.suffix.lower() == ".onnx"


def _built(path: Path, about: About) -> Method:
    try:
        with without_memory():
            return read_settings(path, about).build(about.domains, about.size)
    except (ValueError, KeyError, RuntimeError, OverflowError, TypeError) as error:  # the last: sizes beyond all bounds
        raise _cannot_build(path, error) from error


def _cannot_build(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} describes a network that this version of translate cannot build: {error}")
