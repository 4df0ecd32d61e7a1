"""The feature networks that are known, by the words that settings have for them."""

from translate.networks.features.feature_network import FeatureNetwork
from translate.networks.features.inception import Inception
from translate.networks.features.lite0 import Lite0
from translate.networks.features.random_convolutions import RandomConvolutions
from translate.networks.features.squeezenet import SqueezeNet

KINDS: dict[str, type[FeatureNetwork]] = {
    kind.word: kind for kind in (RandomConvolutions, Lite0, SqueezeNet, Inception)
}
