"""DCGAN, and the GANs that differ from it by what the players minimise.

Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.
ICLR 2016, arXiv 1511.06434. With x from the pictures, z ~ N(0, 1) and D a score without a sigmoid, D and G minimise

    vanilla     -E log s(D(x)) - E log(1 - s(D(G(z))))    -E log s(D(G(z)))        Goodfellow et al. 2014, Eq. 1, s. 3
    saturating  the same                                  E log(1 - s(D(G(z))))    the same, Eq. 1
    lsgan       E (D(x) - 1)^2 + E D(G(z))^2              E (D(G(z)) - 1)^2        Mao et al. 2017, Eq. 2
    chi2        E (D(x) - 1)^2 + E (D(G(z)) + 1)^2        E D(G(z))^2              the same, Eq. 9
    hinge       E [1 - D(x)]+ + E [1 + D(G(z))]+          -E D(G(z))               Lim and Ye 2017
    wgan        -E D(x) + E D(G(z)), |theta_D| <= c       -E D(G(z))               Arjovsky et al. 2017, algorithm 1
    wgan-gp     the same + lambda E (||grad D|| - 1)^2    the same                 Gulrajani et al. 2017, Eq. 3

where s is the sigmoid. D moves in every step, G in the last of `n_critic`, on noise of its own. With `wgan` the first
25 turns of G, and each 500th, come after 100 steps of D, and D is clipped before it moves, as in the official code.

Salimans et al., Improved Techniques for Training GANs, NIPS 2016, arXiv 1606.03498, add what is off by default: feature
matching ||E f(x) - E f(G(z))||^2 (3.1), here the mean square, summed over layers; minibatch discrimination (3.2), a
setting of D; historical averaging (3.3); one-sided label smoothing (3.4). Virtual batch normalisation (3.5) is not
here: what came after it does well without.

Deviations from DCGAN: z is normal instead of uniform, as in most code since, and the last layer of D is a convolution
of 4 x 4 pixels without a bias, as in the PyTorch example. Those objectives that have a factor of 1/2 in LSGAN's paper
stand without. With `diffaugment` D sees T(x) wherever it saw x (arXiv 2006.10738).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from translate.diffaugment import diffaugment
from translate.errors import SettingsError
from translate.methods.base import Term, Update
from translate.methods.generation import Generation, GenerationSettings, as_rgb
from translate.networks.blocks import OF_BATCHES
from translate.networks.first_weights import initialise
from translate.noise.discriminators import Dcgan as DcganJudge
from translate.noise.discriminators import Judge
from translate.noise.generators import Dcgan, FromNoise
from translate.objectives import (
    CHANCE,
    OBJECTIVES,
    AnyObjectiveName,
    HistoricalAverage,
    Objective,
    batch_feature_matching,
    gradient_penalty,
)
from translate.parallel import randn_for
from translate.schedules import Constant, Schedule
from translate.settings import merge

LONG_TURN, LONG_AGAIN = 100, 500  # of WGAN: steps of D in a long turn, and each how manieth turn is one
ADVICE: dict[str, dict[str, Any]] = {  # what the papers of critics train with
    "wgan": {"optimiser": {"kind": "rmsprop", "lr": 5e-5}, "n_critic": 5, "long_turns": 25},
    "wgan-gp": {
        "optimiser": {"lr": 1e-4, "beta1": 0.5, "beta2": 0.9},
        "n_critic": 5,
        "discriminator": {"norm": "none", "bias": True},
    },
}


class Settings(GenerationSettings):
    """The constants of DCGAN. Those of WGAN and WGAN-GP are taken with their objectives."""

    brings_rates: ClassVar[Mapping[str, Sequence[str]]] = {"objective": tuple(ADVICE)}

    name: Literal["dcgan"] = "dcgan"
    generator: FromNoise = Dcgan()
    discriminator: Judge = DcganJudge()
    decay: Schedule = Constant()
    objective: AnyObjectiveName = "vanilla"
    """What the players minimise."""
    n_critic: int = Field(1, ge=1)
    """Steps of D for one of G; by default 5 with a critic."""
    long_turns: int = Field(0, ge=0)
    """Turns of G at the beginning before each of which D does 100 steps, as before each 500th; 0: none."""
    clip: float = Field(0.01, gt=0)
    """Of WGAN: the largest absolute weight of D."""
    lambda_gp: float = Field(10.0, ge=0)
    """Of WGAN-GP: weight of the gradient penalty."""
    lambda_gan: float = Field(1.0, ge=0)
    """Weight of the adversarial loss of G."""
    lambda_fm: float = Field(0.0, ge=0)
    """Weight of feature matching, in place of or beside it."""
    lambda_ha: float = Field(0.0, ge=0)
    """Weight of historical averaging, of both players."""
    smooth: float = Field(0.0, ge=0, lt=0.5)
    """One-sided label smoothing: real pictures shall get so much less than 1."""
    init_gain: float = Field(0.02, gt=0)
    """Standard deviation of the first weights of convolutions."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_paper_of_the_objective(cls, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        advice = dict(ADVICE.get(str(tree.get("objective")), {}))
        chosen = tree.get("discriminator")
        if isinstance(chosen, dict) and chosen.get("kind", "dcgan") != "dcgan":
            advice.pop("discriminator", None)
        return merge([advice, tree])

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        super().check(domains, size, batch)
        OBJECTIVES[self.objective].smoothed(self.smooth)
        if OBJECTIVES[self.objective].bound == "penalty" and getattr(self.discriminator, "norm", "none") in OF_BATCHES:
            raise SettingsError(
                "The gradient penalty of WGAN-GP is one of single pictures, which batch normalisation mixes."
                " Use method.discriminator.norm=none or instance."
            )

    def check_length(self, steps: int) -> None:
        first = self.long_turns * LONG_TURN
        if steps < 2 * first:
            raise SettingsError(
                f"In the first {first} steps the generator moves only {self.long_turns} times (method.long_turns), and"
                f" the run has {steps} in all. Give it {2 * first} --steps or more, or set method.long_turns lower."
            )

    def moves_generator(self, n: int) -> bool:
        """Whether G moves in step `n`, the last of a turn."""
        k, first = self.n_critic, self.long_turns * LONG_TURN
        if n < first:
            return (n + 1) % LONG_TURN == 0
        n -= first
        until_again = (LONG_AGAIN - self.long_turns) * k
        if not first or n < until_again:
            return (n + 1) % k == 0
        place = (n - until_again) % (LONG_TURN + (LONG_AGAIN - 1) * k)  # each period begins with a long turn
        return place == LONG_TURN - 1 if place < LONG_TURN else (place - LONG_TURN + 1) % k == 0

    def build(self, domains: Sequence[str], size: int) -> "DCGAN":
        return DCGAN(self, domains, size)


class DCGAN(Generation):
    """A generator of pictures from noise, and a discriminator."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.names, self.latent = tuple(domains), settings.latent
        self.G = settings.generator.build(settings.latent, settings.channels, size)
        self.D = settings.discriminator.build(3, size)
        for network in (self.G, self.D):
            initialise(network, settings.init_gain)
        if settings.lambda_ha:
            self.past_G, self.past_D = (HistoricalAverage(network.parameters()) for network in (self.G, self.D))

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def terms(self) -> dict[str, Term]:
        s, objective = self.settings, OBJECTIVES[self.settings.objective]
        D = Term("how badly D tells real pictures from drawn ones", "hovers", "D", 2 * objective.equilibrium)
        if objective.bound:
            D = Term("minus how far drawn pictures seem from real ones to the critic: near 0 is good", "free", "D")
        terms = {"GAN": Term.of_generator("how easily D tells drawn pictures", objective), "D": D}
        if objective.bound == "penalty":
            terms["gp"] = Term("how far the slope of the critic is from 1", "falls", "D")
        if s.lambda_fm:
            terms["FM"] = Term("how much drawn pictures differ from real ones in what D sees")
        if s.lambda_ha:
            terms["HA_G"] = Term("how far the weights of G are from their mean so far", "free")
            terms["HA_D"] = Term("how far the weights of D are from their mean so far", "free", "D")
        return {
            **terms,
            "acc_real": Term("how often D takes real pictures for real", "share", "D", CHANCE),
            "acc_fake": Term("how often D sees that drawn pictures are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, s = batch["x"], self.settings  # (N, 3, S, S) in [-1, 1]
        objective = OBJECTIVES[s.objective].smoothed(s.smooth)
        if objective.bound == "clip":
            clip(self.D, s.clip)
        terms = self._discriminator_step(x, update, objective)
        if s.moves_generator(n):
            terms |= self._generator_step(x, update, objective)
        return {name: term.detach() for name, term in terms.items()}

    def _discriminator_step(self, x: Tensor, update: Update, objective: Objective) -> dict[str, Tensor]:
        D, s = self.D, self.settings
        T = partial(diffaugment, operations=s.diffaugment)
        with torch.no_grad():
            g = self.sample(randn_for(x, s.latent).to(x.dtype))
        x, g = T(x), T(g)
        real, fake = D(x), D(g)

        terms = {"D": objective.d(real, fake)}
        L_D = terms["D"]
        if objective.bound == "penalty":
            terms["gp"] = gradient_penalty(D, x, g)
            L_D = L_D + s.lambda_gp * terms["gp"]
        if s.lambda_ha:
            terms["HA_D"] = self.past_D()
            L_D = L_D + s.lambda_ha * terms["HA_D"]
        update(D=L_D)
        terms["acc_real"], terms["acc_fake"] = objective.accuracy(real, fake)
        return terms

    def _generator_step(self, x: Tensor, update: Update, objective: Objective) -> dict[str, Tensor]:
        D, s = self.D, self.settings
        T = partial(diffaugment, operations=s.diffaugment)
        g = self.sample(randn_for(x, s.latent).to(x.dtype))
        fake, features_g = D.judge(T(g))

        terms = {"GAN": objective.g(fake)}
        L_G = s.lambda_gan * terms["GAN"]
        if s.lambda_fm:
            _, features_x = D.judge(T(x))
            terms["FM"] = batch_feature_matching(features_x, features_g)
            L_G = L_G + s.lambda_fm * terms["FM"]
        if s.lambda_ha:
            terms["HA_G"] = self.past_G()
            L_G = L_G + s.lambda_ha * terms["HA_G"]
        update(G=L_G)
        return terms

    def sample(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return as_rgb(self.G(z))


@torch.no_grad()
def clip(network: nn.Module, c: float) -> None:
    """Bring all parameters of a network into [-c, c], those of its normalisation layers, too."""
    for parameter in network.parameters():
        parameter.clamp_(-c, c)
