"""CycleGAN.

Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks. ICCV 2017,
arXiv 1703.10593. With x from domain X, y from domain Y, G: X -> Y and F: Y -> X, the generators minimise

    L(G, F) = L_GAN(G, D_Y) + L_GAN(F, D_X)                       Eq. 1, least squares instead of logarithms (section 4)
            + lambda_cyc (E |F(G(x)) - x| + E |G(F(y)) - y|)      Eq. 2
            + lambda_idt (E |G(y) - y| + E |F(x) - x|)            section 5.2

and D_Y, D_X minimise (E (D_Y(y) - 1)^2 + E D_Y(G(x))^2) / 2 and its mirror image, where G(x) comes from a history of 50
generated images (section 4). With `diffaugment` a discriminator sees T(y) wherever it saw y (arXiv 2006.10738). In the
first `warm_up` steps the generators learn to draw (as in the initialization phase of CartoonGAN, Chen et al. 2018,
section 3.2.2, which compares features): they minimise (lambda_cyc + lambda_idt) (E |G(x) - x| + E |F(y) - y|), whose
gradients are as large as those that follow. Where they were smaller, Adam's first steps afterwards destroyed them.

Deviations from the paper, all of them those of the official PyTorch code: the identity term is on by default (5, an
absolute weight), the generators' adversarial term is not halved, and the two discriminators move together after the two
generators, judging pictures made before the generators moved.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from translate.diffaugment import diffaugment
from translate.errors import SettingsError
from translate.methods.base import Layer, MethodSettings, Term, Translation, Update
from translate.networks.blocks import together
from translate.networks.critics import Critic, objective_of
from translate.networks.discriminators import PatchGAN
from translate.networks.first_weights import initialise
from translate.networks.generators import Generator
from translate.networks.resnet import Resnet
from translate.objectives import CHANCE, ObjectiveName, l1
from translate.pool import Pool
from translate.targets import Domains


class Settings(MethodSettings):
    """The constants of CycleGAN; the defaults are the official ones."""

    name: Literal["cyclegan"] = "cyclegan"
    generator: Generator = Resnet()
    discriminator: Critic = PatchGAN()
    objective: ObjectiveName = "lsgan"
    """The adversarial objective."""
    lambda_cyc: float = Field(10.0, ge=0)
    """Weight of the cycle-consistency loss."""
    lambda_idt: float = Field(5.0, ge=0)
    """Weight of the identity loss."""
    warm_up: int = Field(0, ge=0)
    """First steps, in which generators learn to copy."""
    pool: int = Field(50, ge=0)
    """Images, for each domain."""
    init_gain: float = Field(0.02, gt=0)
    """Standard deviation of the first weights."""

    def check_length(self, steps: int) -> None:
        if steps <= self.warm_up:
            raise SettingsError(
                f"In the first {self.warm_up} steps generators only learn to copy (method.warm_up), and the run has"
                f" {steps} in all. Give it more --steps, or set method.warm_up lower."
            )

    def build(self, domains: Sequence[str], size: int) -> "CycleGAN":
        return CycleGAN(self, domains, size)


class CycleGAN(Translation):
    """Two generators and two discriminators, named by what they make and what they judge."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        if len(domains) != 2:
            raise ValueError(f"CycleGAN translates between two domains; found {len(domains)}.")
        self.settings: Settings = settings
        self.targets = Domains(tuple(domains))
        self.G = settings.generator.build(3, 3)  # X -> Y
        self.F = settings.generator.build(3, 3)  # Y -> X
        self.D_X = settings.discriminator.build(3)
        self.D_Y = settings.discriminator.build(3)
        self.pool_X = Pool(settings.pool, (3, size, size))
        self.pool_Y = Pool(settings.pool, (3, size, size))
        for network in (self.G, self.F, self.D_X, self.D_Y):
            initialise(network, settings.init_gain)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G, self.F], "D": [self.D_X, self.D_Y]}

    def terms(self) -> dict[str, Term]:
        X, Y = self.domains
        objective = objective_of(self.settings.discriminator, self.settings.objective)
        equilibrium = objective.equilibrium
        return {
            "GAN_G": Term.of_generator(f"how easily D_Y tells pictures turned into {Y}", objective),
            "GAN_F": Term.of_generator(f"how easily D_X tells pictures turned into {X}", objective),
            "D_X": Term(f"how badly D_X tells {X} from pictures turned into {X}", "hovers", "D", equilibrium),
            "D_Y": Term(f"how badly D_Y tells {Y} from pictures turned into {Y}", "hovers", "D", equilibrium),
            "cyc_X": Term(f"what {X} loses on the way to {Y} and back"),
            "cyc_Y": Term(f"what {Y} loses on the way to {X} and back"),
            "idt_X": Term(f"how much {X} changes when it is turned into {X}"),
            "idt_Y": Term(f"how much {Y} changes when it is turned into {Y}"),
            "acc_X_real": Term(f"how often D_X takes {X} for real", "share", "D", CHANCE),
            "acc_X_fake": Term(f"how often D_X sees that pictures turned into {X} are not", "share", "D", CHANCE),
            "acc_Y_real": Term(f"how often D_Y takes {Y} for real", "share", "D", CHANCE),
            "acc_Y_fake": Term(f"how often D_Y sees that pictures turned into {Y} are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, y = (batch[domain] for domain in self.domains)  # (N, 3, S, S) each
        G, F, D_X, D_Y = self.G, self.F, self.D_X, self.D_Y
        lambda_cyc, lambda_idt = self.settings.lambda_cyc, self.settings.lambda_idt
        objective = objective_of(self.settings.discriminator, self.settings.objective)
        T = partial(diffaugment, operations=self.settings.diffaugment)

        y_fake, y_same = together(G, x, y) if lambda_idt else (G(x), y)
        x_fake, x_same = together(F, y, x) if lambda_idt else (F(y), x)
        x_cycled, y_cycled = F(y_fake), G(x_fake)

        L_GAN_G, L_GAN_F = objective.g(D_Y(T(y_fake))), objective.g(D_X(T(x_fake)))
        L_cyc_X, L_cyc_Y = l1(x_cycled, x), l1(y_cycled, y)
        L_idt_X, L_idt_Y = l1(x_same, x), l1(y_same, y)
        L_G = L_GAN_G + L_GAN_F + lambda_cyc * (L_cyc_X + L_cyc_Y) + lambda_idt * (L_idt_X + L_idt_Y)
        if n < self.settings.warm_up:
            L_G = (lambda_cyc + lambda_idt) * (l1(y_fake, x) + l1(x_fake, y))

        real_Y, fake_Y = together(D_Y, T(y), T(self.pool_Y.query(y_fake)))
        real_X, fake_X = together(D_X, T(x), T(self.pool_X.query(x_fake)))
        L_D_Y, L_D_X = 0.5 * objective.d(real_Y, fake_Y), 0.5 * objective.d(real_X, fake_X)
        L_D = L_D_X + L_D_Y

        update(G=L_G, D=L_D)
        terms = {"GAN_G": L_GAN_G, "GAN_F": L_GAN_F, "cyc_X": L_cyc_X, "cyc_Y": L_cyc_Y}
        terms |= {"idt_X": L_idt_X, "idt_Y": L_idt_Y, "D_X": L_D_X, "D_Y": L_D_Y}
        terms["acc_X_real"], terms["acc_X_fake"] = objective.accuracy(real_X, fake_X)
        terms["acc_Y_real"], terms["acc_Y_fake"] = objective.accuracy(real_Y, fake_Y)
        return {name: term.detach() for name, term in terms.items()}

    def translate(self, x: Tensor, target: str) -> Tensor:
        y: Tensor = self.G(x) if target == self.domains[1] else self.F(x)
        return y

    def layers(self, picture: Callable[[], Tensor], target: str) -> Sequence[Layer] | None:
        return self.G.layers if target == self.domains[1] else self.F.layers
