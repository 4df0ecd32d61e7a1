"""EBGAN and BEGAN: the discriminator is an autoencoder, and what it cannot rebuild has a high energy.

Zhao, Mathieu, LeCun: Energy-based Generative Adversarial Networks. ICLR 2017, arXiv 1609.03126. With D(v) the energy of
a picture, how far it is from what the autoencoder makes of it, the players minimise

    L_D = E D(x) + E [m - D(G(z))]+                               Eq. 1
    L_G = E D(G(z)) + lambda_pt PT(S)                             Eq. 2 and section 2.3

where PT, the pulling-away term (Eq. 4), is the mean squared cosine between the codes S of different drawn pictures.

With `balance = "equilibrium"` it is BEGAN: Berthelot, Schumm, Metz, arXiv 1703.10717, where L(v) is the mean absolute
difference, and k holds both players in balance (section 3.4):

    L_D = L(x) - k L(G(z_D)),  L_G = L(G(z_G)),  k <- k + lambda_k (gamma L(x) - L(G(z_G))) in [0, 1]

M = L(x) + |gamma L(x) - L(G(z_G))| (section 3.4.1) says how far it has converged: it should fall.

Deviations: z is normal; the energy of EBGAN is the mean square over the pixels of a picture, so that its margin is the
same at every size; and both have the networks of BEGAN. D sees real and drawn pictures one after the other, and G
those that it drew for D, as in BEGAN's official code. Each part of a batch that is worked on in parts (`accumulate`)
moves k. With `diffaugment` D sees T(x) wherever it saw x (arXiv 2006.10738).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import relu

from translate.diffaugment import diffaugment
from translate.methods.base import Term, Update
from translate.methods.generation import Generation, GenerationSettings, as_rgb
from translate.networks.first_weights import initialise
from translate.noise.autoencoder import Autoencoder, Decoder, ToBeJudged, pulling_away
from translate.objectives import CHANCE
from translate.objectives.precision import wide
from translate.optimisers import Adam, Optimiser
from translate.parallel import mean, randn_for
from translate.schedules import Constant, Schedule
from translate.settings import merge


class Settings(GenerationSettings):
    """The constants of EBGAN; with `balance = "equilibrium"` those of BEGAN."""

    brings_rates: ClassVar[Mapping[str, Sequence[str]]] = {"balance": ("equilibrium",)}

    name: Literal["ebgan"] = "ebgan"
    generator: ToBeJudged = Decoder()
    discriminator: Autoencoder = Autoencoder()
    optimiser: Optimiser = Adam(lr=2e-4)
    decay: Schedule = Constant()
    latent: int = Field(64, ge=1)
    """Numbers in the noise of a picture."""
    balance: Literal["margin", "equilibrium"] = "margin"
    """What keeps D from winning: EBGAN's margin, or BEGAN's k."""
    margin: float = Field(0.2, gt=0)
    """Of EBGAN: the energy, in mean squares of [-1, 1], from which on D lets a drawn picture be."""
    lambda_pt: float = Field(0.1, ge=0)
    """Of EBGAN: weight of the pulling-away term."""
    gamma: float = Field(0.5, gt=0, le=1)
    """Of BEGAN: the energy of drawn pictures as a share of that of real ones; lower: better pictures, less variety."""
    lambda_k: float = Field(1e-3, gt=0)
    """Of BEGAN: how fast k moves."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_paper_of_the_balance(cls, tree: Any) -> Any:
        if not isinstance(tree, dict) or tree.get("balance") != "equilibrium":
            return tree
        return merge([{"optimiser": {"lr": 8e-5}}, tree])

    def build(self, domains: Sequence[str], size: int) -> "EBGAN":
        return EBGAN(self, domains, size)


class EBGAN(Generation):
    """A generator, and a discriminator that is an autoencoder."""

    k: Tensor

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.names, self.latent = tuple(domains), settings.latent
        self.G = settings.generator.build(settings.latent, settings.channels, size)
        self.D = settings.discriminator.build(3, size)
        initialise(self.G)
        self.register_buffer("k", torch.zeros(()))

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def terms(self) -> dict[str, Term]:
        terms = {
            "D_x": Term("the energy of real pictures: how badly D rebuilds them", "falls", "D"),
            "D_g": Term("the energy of drawn pictures", "free"),
        }
        if self.settings.balance == "equilibrium":
            terms["k"] = Term("how much drawn pictures count for D", "free", "D")
            terms["M"] = Term("BEGAN's measure of convergence", "falls")
        else:
            terms["PT"] = Term("how alike the codes of drawn pictures are", "falls")
        return {
            **terms,
            "acc_real": Term("how often D rebuilds real pictures better than halfway", "share", "D", CHANCE),
            "acc_fake": Term("how often D rebuilds drawn pictures worse than halfway", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, s = batch["x"], self.settings  # (N, 3, S, S) in [-1, 1]
        T = partial(diffaugment, operations=s.diffaugment)
        g = self.sample(randn_for(x, s.latent).to(x.dtype))

        real, _ = self._energies(T(x))  # (N,) each
        fake, _ = self._energies(T(g.detach()))
        if s.balance == "margin":
            L_D = real.mean() + relu(s.margin - fake).mean()
        else:
            L_D = real.mean() - self.k * fake.mean()
        update(D=L_D)
        halfway = mean((real.mean() + fake.mean()).detach() / 2)
        terms = {"D_x": real.mean(), "acc_real": (real < halfway).float().mean()}
        terms["acc_fake"] = (fake > halfway).float().mean()

        energies, codes = self._energies(T(g))
        terms["D_g"] = energies.mean()
        if s.balance == "margin":
            terms["PT"] = pulling_away(codes)
            update(G=terms["D_g"] + s.lambda_pt * terms["PT"])
        else:
            update(G=terms["D_g"])
            balance = mean((s.gamma * terms["D_x"] - terms["D_g"]).detach())
            terms["M"] = terms["D_x"] + balance.abs()
            terms["k"] = self.k.clone()
            self.k.add_(s.lambda_k * balance.to(self.k)).clamp_(0, 1)
        return {name: term.detach() for name, term in terms.items()}

    def _energies(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) -> the energy of each picture, (N,), and its codes (N, code)."""
        rebuilt, codes = self.D(v)
        difference = wide(rebuilt) - wide(v)
        apart = difference.square() if self.settings.balance == "margin" else difference.abs()
        return apart.mean((1, 2, 3)), codes

    def sample(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        x = as_rgb(self.G(z))
        return x if self.training else x.clamp(-1, 1)
