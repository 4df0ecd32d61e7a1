"""ONNX: one direction of a model as a graph that other programs can run, and running such a file with onnxruntime.

The graph has one input x, (N, 3, H, W) in [-1, 1], and one output y of the same shape. Any N, H and W will do, but the
sides must be multiples of what the metadata calls `multiple`, and at least `smallest`: padding stays with the caller.
Where it has the entry `scale` the model enlarges: in x each pixel of a picture is a square of so many. The metadata
also has the entry `translate`, as a safetensors export has it, and `sha256`: that of all bytes of the file with 64
zeros in the place of this number.
"""

import hashlib
import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from translate.errors import WeightsError
from translate.files import atomic_file
from translate.methods.base import Translation

OPSET = 20  # of the standard operators
TOLERANCE = 1e-4  # the largest difference between onnxruntime and torch in fp32 that is no mistake
MISSING = "ONNX files need more packages: pip install 'image-translate[export]'"
UNSTAMPED = b"0" * 64
LARGEST = 2_000_000_000  # bytes: protobuf ends soon after, and more is no image network


class OnnxMethod(Translation):
    """One direction of a model, run by onnxruntime on the CPU.

    Args:
        session: the running graph.
        described: the method that was exported, without memory.
    """

    cpu_only = "ONNX models"

    def __init__(self, session: Any, described: Translation) -> None:
        super().__init__()
        self.settings, self.targets = described.settings, described.targets
        self._session, self._described = session, described

    def averaged(self) -> list[nn.Module]:
        """Return nothing: weights are in the session."""
        return []

    def generators(self) -> list[nn.Module]:
        """Return the networks without memory."""
        return self._described.generators()

    def translate(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1] to the only target."""
        try:
            (y,) = self._session.run(None, {"x": x.contiguous().numpy()})
        except Exception as error:  # all of onnxruntime's are bare
            if "alloc" in str(error):
                raise MemoryError from error
            raise WeightsError(f"onnxruntime cannot run the model: {_first_line(error)}") from error
        if y.shape != x.shape:
            raise WeightsError(f"The model made {y.shape} of a picture of {tuple(x.shape)}. Export it again.")
        return torch.from_numpy(y)


def write_onnx(path: Path, method: Translation, target: str, size: int, metadata: Mapping[str, str]) -> float:
    """Write a model as a graph for one target, and compare what onnxruntime makes of it with what torch makes.

    Args:
        path: the file, which is left only when both agree.
        method: the model, on the CPU, in fp32 and evaluation mode.
        target: as for `Method.translate`.
        size: pixels, about the side of the pictures to compare with.
        metadata: entries of the file.

    Returns:
        the largest difference in [-1, 1] on three sizes of pictures.

    Raises:
        WeightsError: torch cannot export the model, it is too large for one file, or the two do not agree.
        OutputError: the place cannot be written or the disk is full.
    """
    if not all(importlib.util.find_spec(package) for package in ("onnxruntime", "onnxscript")):
        raise WeightsError(MISSING)
    network, step = _Direction(method, target).eval(), method.settings.multiple
    held = sum(tensor.nbytes for tensor in network.state_dict().values())
    if held >= LARGEST:
        raise WeightsError(f"The model holds {held / 1e9:.1f} GB, and an ONNX file less than 2. Use .safetensors.")
    settings = method.settings
    sides = {"multiple": str(step), "smallest": str(settings.smallest)}
    if settings.scale != 1:
        sides["scale"] = str(settings.scale)
    random = torch.Generator().manual_seed(0)
    pictures = [
        torch.rand(shape, generator=random) * 2 - 1
        for shape in ((2, 3, size, size + step), (1, 3, size, size), (1, 3, size + 3 * step, size))
    ]
    try:
        program = torch.onnx.export(
            network, (pictures[0],), input_names=["x"], output_names=["y"], opset_version=OPSET, dynamo=True,
            dynamic_shapes=({0: "N", 2: "H", 3: "W"},), verbose=False,
        )  # fmt: skip
    except torch.onnx.errors.OnnxExporterError as error:
        raise WeightsError(
            f"torch cannot write {method.settings.name} as ONNX: {_first_line(error.__cause__ or error)}"
        ) from error
    assert program is not None
    program.model.metadata_props.update({**metadata, **sides, "sha256": UNSTAMPED.decode()})
    with atomic_file(path) as temporary:
        program.save(temporary, external_data=False)
        _stamp(temporary)
        running = OnnxMethod(open_session(temporary), method)
        with torch.inference_mode():
            differences = [float((running.translate(x, target) - network(x)).abs().max()) for x in pictures]
        worst = math.nan if any(map(math.isnan, differences)) else max(differences)
        if not worst <= TOLERANCE:
            raise WeightsError(
                f"onnxruntime makes something else of the model than torch: the largest difference is {worst:.1e}, and"
                f" {TOLERANCE:.0e} is allowed. {path} was not written."
            )
    return worst


def open_session(path: Path) -> Any:
    """Make an ONNX file ready to run, with as many threads as torch has, and no operators but the standard ones.

    Raises:
        WeightsError: the file is no ONNX model, is damaged or too large, or onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise WeightsError(MISSING) from error
    if path.stat().st_size >= LARGEST:
        raise WeightsError(f"{path} has {path.stat().st_size / 1e9:.1f} GB; an ONNX file of ours has less than 2.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # only what ends the process: the rest are exceptions as well
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # all of onnxruntime's are bare
        raise WeightsError(f"{path} is not a readable ONNX file: {_first_line(error)}") from error
    _check_stamp(path, session.get_modelmeta().custom_metadata_map.get("sha256", "").encode())
    return session


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of an ONNX file. Raises `WeightsError` as `open_session`."""
    entries: dict[str, str] = open_session(path).get_modelmeta().custom_metadata_map
    return entries


def _check_stamp(path: Path, stamp: bytes) -> None:
    """Raise `WeightsError` if a file is not the one that was stamped; files of earlier versions have no stamp."""
    if stamp and hashlib.sha256(path.read_bytes().replace(stamp, UNSTAMPED)).hexdigest().encode() != stamp:
        raise WeightsError(f"{path} is damaged: it does not match its SHA-256. Copy or export it again.")


def _stamp(path: Path) -> None:
    content = path.read_bytes()
    assert content.count(UNSTAMPED) == 1
    path.write_bytes(content.replace(UNSTAMPED, hashlib.sha256(content).hexdigest().encode()))


class _Direction(nn.Module):
    """What `Method.translate` does with one target."""

    def __init__(self, method: Translation, target: str) -> None:
        super().__init__()
        self.networks = nn.ModuleList(method.averaged())  # the others have no memory
        self._translate, self._target = method.translate, target

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 3, H, W) in [-1, 1]."""
        return self._translate(x, self._target)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
