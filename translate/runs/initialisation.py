"""Fine-tuning: a run that begins with the networks of a model instead of random ones."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from translate.errors import WeightsError
from translate.methods.base import PRETRAINED, Method, MethodSettings
from translate.models.exports import OF_DISCRIMINATORS, read_about, read_settings, read_tensors
from translate.models.finding import find_export
from translate.run_folder import RunFolder
from translate.runs.identity import model_of_run
from translate.settings import differences

DECIDING = ("name", "labels", "generator")  # settings of a method that say what its generators are


def _of_tensors(generator: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a generator but for what has no tensors, which files of others do not tell."""
    norm = "affine" if generator.get("norm") == "untracked" else generator.get("norm")
    return {**{key: value for key, value in generator.items() if key != "dropout"}, "norm": norm}


@dataclass(frozen=True)
class PretrainedStart:
    """The model that a run begins from.

    Attributes:
        path: its export; not needed any more when the run has a checkpoint.
        origin: its name, the SHA-256 of its tensors, and with commas between them the features that its critics saw,
            if they had some. The run and its exports carry it.
    """

    path: Path
    origin: dict[str, str]

    @classmethod
    def find(cls, model: str | Path, run: RunFolder) -> "PretrainedStart":
        """Find a model: a file, a run folder, or a name in `weights/`; or the one that `run` began from, if it is gone.

        Raises:
            WeightsError: there is no such model, or it is damaged.
        """
        try:
            path = find_export(model)
        except WeightsError:
            origin = model_of_run(run)
            if origin is None or origin["name"] != Path(model).name:
                raise
            return cls(Path(model), origin)
        about = read_about(path)
        seen = {"critic_features": ",".join(about.critic_features)} if about.critic_features else {}
        return cls(path, {"name": Path(model).name, "sha256": about.sha256, **seen})

    def check(self, settings: MethodSettings, domains: int) -> None:
        """Refuse a model whose generators are others than those of a run with `settings` between so many domains.

        Raises:
            WeightsError: they differ; the sentence names the settings.
        """
        if not self.path.exists():
            return
        about = read_about(self.path)
        before = read_settings(self.path, about)
        theirs, ours = (
            {key: value for key, value in json.loads(one.to_json()).items() if key in DECIDING}
            for one in (before, settings)
        )
        if settings.one_generator and before.one_generator:
            if before.name == PRETRAINED:
                theirs["generator"], ours["generator"] = (_of_tensors(one["generator"]) for one in (theirs, ours))
            theirs["name"] = settings.name  # whatever it is trained by
        if changes := differences(theirs, ours):
            listed = "; ".join(f"method.{key} is {was!r}, here {now!r}" for key, (was, now) in changes.items())
            raise WeightsError(f"{self.path} has other generators: {listed}. Give the settings that it was made with.")
        if "labels" in ours and len(about.domains) != domains:
            raise WeightsError(
                f"{self.path} knows {len(about.domains)} domains or attributes, {', '.join(about.domains)};"
                f" this dataset has {domains}. There must be as many."
            )

    def load(self, method: Method) -> None:
        """Put the model's generators into `method`, and its discriminators if the file has them.

        Raises:
            WeightsError: the file is damaged, or its tensors do not fit.
        """
        tensors, _ = read_tensors(self.path)
        discriminators = {
            name.removeprefix(OF_DISCRIMINATORS): tensor
            for name, tensor in tensors.items()
            if name.startswith(OF_DISCRIMINATORS)
        }
        generators = {name: tensor for name, tensor in tensors.items() if not name.startswith(OF_DISCRIMINATORS)}
        self._fill(method.averaged(), generators, "generators")
        if discriminators:
            self._fill(method.discriminators(), discriminators, "discriminators")

    def _fill(self, networks: list[nn.Module], tensors: Mapping[str, Tensor], what: str) -> None:
        try:
            nn.ModuleList(networks).load_state_dict(dict(tensors))
        except RuntimeError as error:
            reason = str(error).splitlines()[1].strip()
            raise WeightsError(f"The {what} in {self.path} do not fit into this run: {reason}") from error
