"""The frozen feature networks of a run's critics: filled with weights, and part of what the run is."""

from collections.abc import Mapping

from torch import nn

from translate.features import find_weights
from translate.networks.frozen import frozen_in


def fill_frozen(method: nn.Module) -> None:
    """Give the frozen feature networks of a method their weights. Raises `WeightsError` where these are not here."""
    for frozen in frozen_in(method):
        found = find_weights(frozen.network.word)
        frozen.fill(found.tensors, found.sha256)


def frozen_hashes(method: nn.Module) -> dict[str, str]:
    """Return the SHA-256 of the weights that each feature network in a method is given, by its name.

    Raises:
        WeightsError: the weights are not here.
    """
    return {word: find_weights(word).sha256 for word in {frozen.network.word: None for frozen in frozen_in(method)}}


def names_of_frozen(method: nn.Module) -> set[str]:
    """Return the SHA-256 of the weights of all feature networks in a method; for those without a file their word."""
    return {frozen.sha256 or frozen.network.word for frozen in frozen_in(method)}


def seen_before(origin: Mapping[str, str] | None) -> list[str]:
    """Return the features that the critics of the model saw from which a run began; see `PretrainedStart.origin`."""
    return [name for name in (origin or {}).get("critic_features", "").split(",") if name]
