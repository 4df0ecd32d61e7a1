"""DiscoGAN.

Kim, Cha, Kim, Lee, Kim: Learning to Discover Cross-Domain Relations with Generative Adversarial Networks. ICML 2017,
arXiv 1703.05192. With x_A from domain A, x_B from domain B, G_AB: A -> B and G_BA: B -> A, the generators minimise

    L_G = L_GAN_B + L_CONST_A + L_GAN_A + L_CONST_B               section 2.3
    L_CONST_A = E (G_BA(G_AB(x_A)) - x_A)^2                       section 2.2
    L_GAN_B = -E log D_B(G_AB(x_A))                               section 2.2

and the discriminators L_D = L_D_A + L_D_B, where L_D_B = -E log D_B(x_B) - E log(1 - D_B(G_AB(x_A))).

Deviations from the paper, all of them those of the official code: a feature-matching term that the paper does not
mention outweighs the adversarial one by 9 to 1; the sum of these two and the reconstruction term are mixed by a rate
that is low at first; the discriminators move in one step of three and the generators in the two others; L_D is halved.
As there, networks see pictures in [0, 1]. The official code calls G_AB generator_B and G_BA generator_A, and shows
results made with the statistics of their batch; `translate` uses the running ones, so that a result depends on its
picture alone. With `diffaugment` a discriminator sees T(x) wherever it saw x (arXiv 2006.10738).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal

import torch
from pydantic import Field, Tag
from torch import Tensor, nn

from translate.diffaugment import diffaugment
from translate.errors import SettingsError
from translate.methods.base import Layer, MethodSettings, Term, Translation, Update
from translate.networks.discriminators import PatchGAN, WholeImage
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.first_weights import initialise
from translate.objectives import CHANCE, OBJECTIVES, ObjectiveName, batch_feature_matching, mse
from translate.optimisers import Adam, Optimiser
from translate.schedules import Constant, Schedule
from translate.settings import kind_or
from translate.targets import Domains

Judge = Annotated[
    Annotated[WholeImage, Tag("whole-image")] | Annotated[PatchGAN, Tag("patchgan")], kind_or("whole-image")
]


class Settings(MethodSettings):
    """The constants of DiscoGAN; the defaults are those of the official image translation."""

    name: Literal["discogan"] = "discogan"
    generator: EncoderDecoder = EncoderDecoder()
    discriminator: Judge = WholeImage()
    optimiser: Optimiser = Adam(weight_decay=1e-5)
    decay: Schedule = Constant()
    objective: ObjectiveName = "vanilla"
    """The adversarial objective."""
    lambda_gan: float = Field(0.1, ge=0)
    """Weight of the adversarial loss."""
    lambda_fm: float = Field(0.9, ge=0)
    """Weight of feature matching."""
    rate_start: float = Field(0.01, ge=0, le=1)
    """Share of the reconstruction term until step `curriculum`."""
    rate: float = Field(0.5, ge=0, le=1)
    """Its share afterwards."""
    curriculum: int | None = Field(None, ge=0)
    """Steps; by default a tenth of the run."""
    d_every: int = Field(3, ge=2)
    """Steps: the discriminators move in one of them, the generators in the others."""
    init_gain: float = Field(0.02, gt=0)
    """Standard deviation of the first weights."""

    def for_run(self, steps: int) -> "Settings":
        return self if self.curriculum is not None else self.model_copy(update={"curriculum": steps // 10})

    def check_length(self, steps: int) -> None:
        if self.curriculum is not None and steps <= self.curriculum:
            raise SettingsError(
                f"The first {self.curriculum} steps mostly learn to reconstruct (method.curriculum), and the run has"
                f" {steps} in all. Give it more --steps, or set method.curriculum lower."
            )

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        super().check(domains, size, batch)
        if self.generator.bottleneck and size < 80 and batch < 2:
            raise SettingsError(
                f"At {size} pixels the bottleneck of DiscoGAN has a single pixel, which can only be normalised over a"
                " batch of at least 2. Use --batch 64, or --set method.generator.bottleneck=0."
            )

    def build(self, domains: Sequence[str], size: int) -> "DiscoGAN":
        return DiscoGAN(self, domains, size)


class DiscoGAN(Translation):
    """Two generators and two discriminators, named by what they make and what they judge."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        if len(domains) != 2:
            raise ValueError(f"DiscoGAN translates between two domains; found {len(domains)}.")
        self.settings: Settings = settings
        self.targets = Domains(tuple(domains))
        self.G_AB = settings.generator.build(3, 3)
        self.G_BA = settings.generator.build(3, 3)
        self.D_A = settings.discriminator.build(3)
        self.D_B = settings.discriminator.build(3)
        for network in (self.G_AB, self.G_BA, self.D_A, self.D_B):
            initialise(network, settings.init_gain)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G_AB, self.G_BA], "D": [self.D_A, self.D_B]}

    def terms(self) -> dict[str, Term]:
        A, B = self.domains
        objective = OBJECTIVES[self.settings.objective]
        equilibrium = objective.equilibrium
        return {
            "GAN_A": Term.of_generator(f"how easily D_A tells pictures turned into {A}", objective),
            "GAN_B": Term.of_generator(f"how easily D_B tells pictures turned into {B}", objective),
            "D_A": Term(f"how badly D_A tells {A} from pictures turned into {A}", "hovers", "D", equilibrium),
            "D_B": Term(f"how badly D_B tells {B} from pictures turned into {B}", "hovers", "D", equilibrium),
            "FM_A": Term(f"how much pictures turned into {A} differ from {A} in what D_A sees"),
            "FM_B": Term(f"how much pictures turned into {B} differ from {B} in what D_B sees"),
            "CONST_A": Term(f"what {A} loses on the way to {B} and back"),
            "CONST_B": Term(f"what {B} loses on the way to {A} and back"),
            "acc_A_real": Term(f"how often D_A takes {A} for real", "share", "D", CHANCE),
            "acc_A_fake": Term(f"how often D_A sees that pictures turned into {A} are not", "share", "D", CHANCE),
            "acc_B_real": Term(f"how often D_B takes {B} for real", "share", "D", CHANCE),
            "acc_B_fake": Term(f"how often D_B sees that pictures turned into {B} are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x_A, x_B = ((batch[domain] + 1) / 2 for domain in self.domains)  # (N, 3, S, S) in [0, 1]
        if n % self.settings.d_every == 0:
            return self._discriminator_step(x_A, x_B, update)
        return self._generator_step(x_A, x_B, update, n)

    def _generator_step(self, x_A: Tensor, x_B: Tensor, update: Update, n: int) -> dict[str, Tensor]:
        s, objective = self.settings, OBJECTIVES[self.settings.objective]
        T = partial(diffaugment, operations=s.diffaugment, black=0.0)
        rate = s.rate_start if n < (s.curriculum or 0) else s.rate
        x_AB, x_BA = self.G_AB(x_A), self.G_BA(x_B)
        x_ABA, x_BAB = self.G_BA(x_AB), self.G_AB(x_BA)

        (_, real_A), (fake_scores_A, fake_A) = self.D_A.judge(T(x_A)), self.D_A.judge(T(x_BA))
        (_, real_B), (fake_scores_B, fake_B) = self.D_B.judge(T(x_B)), self.D_B.judge(T(x_AB))
        L_GAN_A, L_GAN_B = objective.g(fake_scores_A), objective.g(fake_scores_B)
        L_FM_A, L_FM_B = batch_feature_matching(real_A, fake_A), batch_feature_matching(real_B, fake_B)
        L_CONST_A, L_CONST_B = mse(x_ABA, x_A), mse(x_BAB, x_B)

        L_G_AB = (1 - rate) * (s.lambda_gan * L_GAN_B + s.lambda_fm * L_FM_B) + rate * L_CONST_A
        L_G_BA = (1 - rate) * (s.lambda_gan * L_GAN_A + s.lambda_fm * L_FM_A) + rate * L_CONST_B
        update(G=L_G_AB + L_G_BA)
        terms = {"GAN_A": L_GAN_A, "GAN_B": L_GAN_B, "FM_A": L_FM_A, "FM_B": L_FM_B}
        terms |= {"CONST_A": L_CONST_A, "CONST_B": L_CONST_B}
        return {name: term.detach() for name, term in terms.items()}

    def _discriminator_step(self, x_A: Tensor, x_B: Tensor, update: Update) -> dict[str, Tensor]:
        objective = OBJECTIVES[self.settings.objective]
        T = partial(diffaugment, operations=self.settings.diffaugment, black=0.0)
        with torch.no_grad():
            x_AB, x_BA = self.G_AB(x_A), self.G_BA(x_B)
        real_A, fake_A = self.D_A(T(x_A)), self.D_A(T(x_BA))
        real_B, fake_B = self.D_B(T(x_B)), self.D_B(T(x_AB))
        L_D_A, L_D_B = 0.5 * objective.d(real_A, fake_A), 0.5 * objective.d(real_B, fake_B)
        update(D=L_D_A + L_D_B)
        terms = {"D_A": L_D_A.detach(), "D_B": L_D_B.detach()}
        terms["acc_A_real"], terms["acc_A_fake"] = objective.accuracy(real_A, fake_A)
        terms["acc_B_real"], terms["acc_B_fake"] = objective.accuracy(real_B, fake_B)
        return terms

    def translate(self, x: Tensor, target: str) -> Tensor:
        G = self.G_AB if target == self.domains[1] else self.G_BA
        y: Tensor = G((x + 1) / 2)
        return 2 * y - 1

    def layers(self, picture: Callable[[], Tensor], target: str) -> list[Layer]:
        G = self.G_AB if target == self.domains[1] else self.G_BA
        return [lambda x: (x + 1) / 2, *G.main, lambda y: 2 * y - 1]
