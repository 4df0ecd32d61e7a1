"""A model becomes a repository on the Hugging Face Hub: its export, and a page about it."""

from dataclasses import dataclass
from pathlib import Path

from translate.cards import HubWeights
from translate.errors import SettingsError, WeightsError
from translate.exchange import hub
from translate.exchange.modelcard import model_card
from translate.models.costs import costs_of
from translate.models.exports import read_any_export
from translate.models.finding import find_export


@dataclass(frozen=True)
class Publication:
    """What is to be published.

    Attributes:
        weights: where to.
        file: the export.
        page: the text of README.md.
        licence: what the model says that others may do with it; empty where it says nothing.
    """

    weights: HubWeights
    file: Path
    page: str
    licence: str

    def send(self, public: bool = False, overwrite: bool = False) -> str:
        """Upload both; arguments, what is returned, and errors are those of `hub.publish`."""
        contents: dict[str, Path | bytes] = {self.weights.file: self.file, "README.md": self.page.encode()}
        return hub.publish(self.weights.repository, contents, public, overwrite)


def publication(model: str | Path, place: str) -> Publication:
    """Prepare a model to be published. Nothing is sent.

    Args:
        model: see `find_export`.
        place: as in hf:OWNER/REPOSITORY.

    Raises:
        SettingsError: `place` is no such name, or names more than a repository.
        WeightsError: there is no such model, it is damaged, or is ONNX.
    """
    weights = HubWeights.parse(place)
    if weights != HubWeights(weights.repository):
        raise SettingsError(
            f"A model is published as the newest of a repository; found {place}. Say hf:OWNER/REPOSITORY."
        )
    file = find_export(model)
    if file.suffix.lower() == ".onnx":
        raise WeightsError(f"{file} is ONNX. Publish the model that it was made of.")
    _, about = read_any_export(file)
    page = model_card(weights, about, costs_of(about), file.stat().st_size / 1e6)
    return Publication(weights, file, page, about.licence)
