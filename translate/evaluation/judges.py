"""Which feature networks may judge a model: none that its critics have seen, which it has learned to please."""

from pathlib import Path

from translate.errors import SettingsError
from translate.features import LITE0, LITE0_SHA256, RANDOM, has_lite0, open_features
from translate.models.about import About
from translate.networks.features.feature_network import FeatureNetwork

SEEN = ", which the critics have seen"  # behind the name of features


def seen_features(about: About) -> set[str]:
    """Return the SHA-256 of the feature networks that critics of a model had, or words for those without a file."""
    return set(about.critic_features)


def default_features(*abouts: About) -> str:
    """Return the word for the best features that are here and that no critic of these models has seen."""
    seen = set().union(*map(seen_features, abouts))
    return LITE0 if has_lite0() and not seen & {LITE0, LITE0_SHA256} else RANDOM


def open_judge(word: str | Path, about: About, middle: float, anyway: bool) -> FeatureNetwork:
    """Open a feature network that measures a model.

    Args:
        word: as for `open_features`.
        about: the model.
        middle: as for `open_features`.
        anyway: whether features that its critics have seen are taken all the same; their name then says so.

    Raises:
        SettingsError: the critics have seen these features.
        WeightsError: as `open_features`.
    """
    network = open_features(word, middle)
    if {network.sha256 or network.word, network.word} & seen_features(about):
        if not anyway:
            raise SettingsError(
                f"The critics of this model were trained on the features {network.name}, so these would flatter it."
                " Name others with --features, or say --anyway, and the figures are marked."
            )
        network.name += SEEN
    return network
