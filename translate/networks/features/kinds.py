"""The feature networks that are known, by the words that settings have for them."""

from translate.networks.features.feature_network import FeatureNetwork
from translate.networks.features.inception import Inception
from translate.networks.features.lite0 import Lite0
from translate.networks.features.random_convolutions import RandomConvolutions
from translate.networks.features.squeezenet import SqueezeNet
from translate.networks.features.torchvision_networks import VGG16, EfficientNetB0, ResNet18, ResNet50

TORCHVISION: list[type[FeatureNetwork]] = [VGG16, EfficientNetB0, ResNet50, ResNet18]
OTHERS: list[type[FeatureNetwork]] = [RandomConvolutions, Lite0, SqueezeNet, Inception]
KINDS = {kind.word: kind for kind in OTHERS + TORCHVISION}
