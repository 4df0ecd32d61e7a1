"""The export: one safetensors file with the networks that translate and everything needed to use them.

Its metadata has one entry, `translate`, a JSON object with the fields of `About`. Tensors are those of the networks in
`Method.averaged`, named `<number of the network>.<parameter>`, in fp32 or fp16; networks that are read are always fp32.
Discriminators, where they are wanted for further training, are named `D.<number in players()["D"]>.<parameter>`.
An ONNX file has the same entry in its metadata, and one direction of the model as a graph; see `onnx`.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from translate import cards
from translate.errors import SettingsError, WeightsError
from translate.files import atomic_file
from translate.methods.base import MethodSettings, Translation, settings_class
from translate.models.onnx import OnnxMethod, open_session, read_metadata, write_onnx
from translate.run_folder import EXPORT, RunFolder
from translate.settings import Settings, is_plain, nearest
from translate.targets import Attributes, Domains, OneWay, Targets

FORMAT = 1
LONGEST_HEADER = 10_000_000  # bytes; the safetensors of a network have some 10,000
LARGEST = 1e9  # of a weight: what is larger, or not finite, was not learned


class About(Settings):
    """What an export says of itself."""

    format: int = FORMAT
    method: dict[str, Any]  # the method's settings
    domains: list[str]  # or the names of attributes
    attributes: bool = False  # whether pictures have attributes instead of a domain
    target: str  # what pictures are translated to by default; empty: it must be said
    only: str = ""  # the one target that the file can translate to; empty: all
    size: int  # pixels: the side of the training crops
    steps: int  # training steps done
    planned: int  # training steps of the whole run
    recipe: dict[str, Any] = Field(default_factory=dict)  # all settings of the run
    values: tuple[float, float] = (-1.0, 1.0)  # black and white in the tensors that the networks take and return
    channels: Literal["RGB"] = "RGB"  # in this order
    data: str = ""  # the dataset's name
    train: dict[str, int] = Field(default_factory=dict)  # training pictures of each domain
    held_out: dict[str, str] = Field(default_factory=dict)  # fingerprints of what was held out of these
    origin: dict[str, str] | None = None  # name and SHA-256 of the model that training began from
    critic_features: list[str] = Field(default_factory=list)  # SHA-256 of those that critics saw, or words for them
    scores: dict[str, float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    source: str = ""  # where networks that were trained elsewhere come from
    notes: list[str] = Field(default_factory=list)  # what was chosen when they were converted
    licence: str = ""
    citation: str = ""
    sha256: str = ""  # of the tensors as they are stored

    @field_validator("domains")
    @classmethod
    def _become_folders(cls, domains: list[str]) -> list[str]:
        for domain in domains:
            if not is_plain(domain):
                raise ValueError(f"{domain!r} cannot be the name of a folder")
        return domains

    @property
    def targets(self) -> Targets:
        """What the model can be asked for."""
        names = tuple(self.domains)
        if self.only:
            otherwise = "" if self.source else "For {0}, export its run again with --to {0}, or train that direction."
            return OneWay(names, self.only, otherwise)
        return Attributes(names) if self.attributes else Domains(names, self.target)

    @staticmethod
    def of_targets(targets: Targets) -> dict[str, Any]:
        """Return the fields that say what a model can be asked for, the inverse of `targets`."""
        return {
            "domains": list(targets.names),
            "attributes": isinstance(targets, Attributes),
            "target": targets.default,
            "only": targets.default if isinstance(targets, OneWay) else "",
        }


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
    states = {"": shipped.state_dict(), "D.": nn.ModuleList(discriminators).state_dict()}
    named = {prefix + name: tensor for prefix, state in states.items() for name, tensor in state.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    if half:
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    stamped = about.model_copy(update={"sha256": _hash(tensors)})
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
    said = about.model_copy(update={"target": target, "only": target})
    return write_onnx(path, method, target, about.size, {"translate": said.model_dump_json()})


def find_export(model: str | Path) -> Path:
    """Find the export that MODEL means: a file, a run folder, or the name of weights that are here.

    Raises:
        WeightsError: there is none, or it has to be fetched first.
        SettingsError: it begins like a name on the Hugging Face Hub, and is none.
    """
    path = Path(model)
    known = {name: file for name, file in cards.weights_here().items() if file.suffix != ".pth"}
    try:
        if path.is_file():
            return path
        if (export := RunFolder(path).export).is_file():
            return export
        if path.is_dir() and str(model) not in known:  # pictures may lie in a folder with the name of a model
            raise WeightsError(f"{path} holds no {EXPORT}; it appears with the first checkpoint of a run.")
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror}. Give a run's folder or an export file."
        ) from error
    name = str(model)
    if name in cards.names("weights") and cards.weights(name).features:
        raise WeightsError(f"{name} is a feature network for `translate eval --features`; it translates nothing.")
    on_hub = name.startswith(cards.ON_HUB)
    name = cards.HubWeights.parse(name).name if on_hub else name
    if name in known:
        return known[name]
    if on_hub or name in cards.names("weights"):
        raise WeightsError(
            f"The weights of {name} are not here yet. Download them with `translate weights fetch {name}`."
        )
    names = f"a name in weights ({', '.join(known)})" if known else "a name in weights, of which there are none here"
    close = nearest(name, [*known, *cards.names("weights")])
    raise WeightsError(f"There is no model {model}.{close} Give a run's folder, an export file, or {names}.")


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


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; it stays the same file while it is open, also where another is put into its place.

    Raises:
        WeightsError: it is damaged, or its header would take too much time and memory.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
        if length > LONGEST_HEADER:
            raise WeightsError(
                f"{path} is not a readable safetensors file: its header would have {length:,} bytes, where networks"
                f" have less than {LONGEST_HEADER:,}."
            )
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}.") from error


def refuse_poison(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights that would only make pictures of nothing. Raises `WeightsError` with the first name."""
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    if broken := next((name for name, tensor in floats.items() if not (tensor.abs() < LARGEST).all()), None):
        raise WeightsError(
            f"{path} holds values that are not finite or larger than {LARGEST:.0e}, first in {broken}. Use an earlier"
            " checkpoint."
        )


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
    if _hash(tensors) != about.sha256:
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
    """Read an export and build its networks, on the CPU, in evaluation mode.

    Raises:
        WeightsError: the file is no export, or its tensors are damaged, do not fit or are not finite.
    """
    if _is_onnx(path):
        about = read_about(path)
        return OnnxMethod(open_session(path), _built(path, about)).eval(), about
    tensors, about = read_tensors(path)
    method = _built(path, about)
    shipped = {name: tensor for name, tensor in tensors.items() if not name.startswith("D.")}
    networks = nn.ModuleList(method.averaged())
    if wrong := misfits(networks.state_dict(), shipped):
        raise WeightsError(
            f"{path} does not fit the network of {about.method['name']} that it describes: {len(wrong)} tensors are"
            f" missing, superfluous or of another shape, first {', '.join(wrong[:3])}."
        )
    networks.load_state_dict(shipped, assign=True)
    return method.eval().requires_grad_(False), about


def misfits(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    """Name the tensors that are missing or of another shape than those of `wanted`, and those that are too many."""
    wrong = [name for name, tensor in wanted.items() if name not in tensors or tensors[name].shape != tensor.shape]
    return wrong + [name for name in tensors if name not in wanted]


def _is_onnx(path: Path) -> bool:
    return path.suffix.lower() == ".onnx"


def _built(path: Path, about: About) -> Translation:
    try:
        return build_without_memory(read_settings(path, about), about.domains, about.size)
    except (ValueError, KeyError, RuntimeError, OverflowError, TypeError) as error:  # the last: sizes beyond all bounds
        raise _cannot_build(path, error) from error


def _cannot_build(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} describes a network that this version of translate cannot build: {error}")


def build_without_memory(settings: MethodSettings, domains: Sequence[str], size: int) -> Translation:
    """Build a method whose tensors have shapes but no memory; the caller gives memory to what it needs."""
    with torch.device("meta"), _Undrawn():
        return settings.build(domains, size)


class _Undrawn(TorchFunctionMode):
    """Leaves out random initial values. Drawing them for tensors without memory loads torch's compiler: 4 seconds."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if function in (nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_):
            return given["tensor"]
        return function(*args, **given)


def _halved(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():  # the counters of batch normalisation
        return tensor
    half = tensor.to(torch.float16)
    if not half.isfinite().all():
        raise WeightsError(
            f"{name} has weights of up to {tensor.abs().max():.0f}, too large for fp16. Leave out --half."
        )
    return half


def _hash(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
