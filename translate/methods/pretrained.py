"""One generator from the first domain to the second, and no way to train it.

This is no paper but a place for generators that others have trained: of CycleGAN and CUT they publish one direction, of
pix2pix there is only one.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor, nn

from translate.errors import SettingsError
from translate.methods.base import Layer, MethodSettings, Translation
from translate.networks.generators import AnyGenerator
from translate.networks.resnet import Resnet
from translate.targets import OneWay


class Settings(MethodSettings):
    """What the generator is."""

    one_generator = True

    name: Literal["single"] = "single"
    generator: AnyGenerator = Resnet()

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        raise SettingsError("A single generator cannot be trained. Choose another --method, such as cyclegan.")

    def build(self, domains: Sequence[str], size: int) -> "Single":
        return Single(self, domains)


class Single(Translation):
    """A generator, whatever its pictures look like to it."""

    def __init__(self, settings: Settings, domains: Sequence[str]) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.targets = OneWay(tuple(domains), domains[1])
        self.G = settings.generator.build(3, 3)
        self.black = settings.generator.black

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G]}

    def translate(self, x: Tensor, target: str) -> Tensor:
        y: Tensor = self.G(self._seen(x))
        return self._shown(y)

    def layers(self, picture: Callable[[], Tensor], target: str) -> Sequence[Layer] | None:
        layers = self.G.layers
        return None if layers is None else [self._seen, *layers, self._shown]

    def _seen(self, x: Tensor) -> Tensor:
        """[-1, 1] -> [black, 1]."""
        return x if self.black == -1 else (x + 1) / 2

    def _shown(self, y: Tensor) -> Tensor:
        """[black, 1] -> [-1, 1]."""
        return y if self.black == -1 else 2 * y - 1
