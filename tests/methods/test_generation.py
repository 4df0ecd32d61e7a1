"""The contract of methods that draw pictures from noise, shown by one that is as small as it can be."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from translate import cards
from translate.devices import engine
from translate.errors import SettingsError
from translate.methods.base import MethodSettings, Update, translation
from translate.methods.generation import Generation
from translate.objectives import OBJECTIVES
from translate.runs.options import resolve
from translate.training.loop import Training, TrainingSettings

SIDE = 8


class Settings(MethodSettings):
    name: Literal["dots"] = "dots"
    width: int = 4

    def build(self, domains: Sequence[str], size: int) -> "Dots":
        return Dots(self, domains[0], size)


class Dots(Generation):
    """A linear layer that draws and a linear layer that judges."""

    latent = 3

    def __init__(self, settings: Settings, domain: str, size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.domain, self.size = domain, size
        self.G = nn.Sequential(nn.Linear(self.latent, 3 * size * size), nn.Tanh())
        self.D = nn.Linear(3 * size * size, 1)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def sample(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        drawn: Tensor = self.G(z).reshape(-1, 3, self.size, self.size)
        return drawn

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x = batch[self.domain]
        fake = self.sample(torch.randn(len(x), self.latent).to(x))
        hinge = OBJECTIVES["hinge"]
        L_D = hinge.d(self.D(x.flatten(1)), self.D(fake.detach().flatten(1)))
        L_G = hinge.g(self.D(fake.flatten(1)))
        update(D=L_D, G=L_G)
        return {"D": L_D.detach(), "G": L_G.detach()}


def test_all_that_training_needs_is_a_method() -> None:
    torch.manual_seed(0)
    settings = Settings()
    training = Training(
        settings.build(["digits"], SIDE), settings.build(["digits"], SIDE), engine("cpu", "fp32"), TrainingSettings()
    )
    z = torch.randn(5, Dots.latent)
    method = training.average.method
    assert isinstance(method, Dots)
    before = method.sample(z)
    for _ in range(3):
        training.train_step({"digits": torch.full((2, 3, SIDE, SIDE), 255, dtype=torch.uint8)})
    after = method.sample(z)
    assert after.shape == (5, 3, SIDE, SIDE)
    assert float(after.mean()) > float(before.mean())  # the pictures are white


def test_what_draws_from_noise_translates_nothing() -> None:
    with pytest.raises(SettingsError, match=r"^dots draws pictures from noise; it translates none\.$"):
        translation(Settings().build(["digits"], SIDE))


def test_a_method_says_how_many_networks_it_has() -> None:
    assert Settings().networks == ()


@pytest.mark.parametrize(
    ("method", "words", "rate"),
    [
        ("dcgan", [], 5e-4),
        ("dcgan", ["method.objective=hinge"], 5e-4),
        ("dcgan", ["method.objective=wgan"], 5e-5),
        ("dcgan", ["method.objective=wgan-gp", "method.optimiser.lr=3e-4"], 3e-4),
        ("ebgan", [], 5e-4),
        ("ebgan", ["method.balance=equilibrium"], 8e-5),
    ],
)
def test_the_rate_of_a_card_gives_way_to_one_that_an_objective_brings(method, words, rate):
    recipe = resolve(cards.dataset("toy-digits"), None, words, {"method": method})
    assert recipe.method.optimiser.lr == rate
