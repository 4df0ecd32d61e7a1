"""StarGAN.

Choi, Choi, Kim, Ha, Kim, Choo: StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image
Translation. CVPR 2018, arXiv 1711.09020. One generator G(x, c) translates x to the domain c, one discriminator D judges
both whether a picture is real and of which domain it is. With c' the domain that x comes from they minimise

    L_D = -L_adv + lambda_cls L_cls(x, c')                                   Eq. 5
    L_G = L_adv + lambda_cls L_cls(G(x, c), c) + lambda_rec L_rec            Eq. 6
    L_rec = E |x - G(G(x, c), c')|                                           Eq. 4
    L_adv = E D(x) - E D(G(x, c)) - lambda_gp E (||grad D(x_hat)|| - 1)^2    Eq. 8

As in the official code the target labels are a permutation of the labels of the batch, D learns classes from real
pictures only, G moves in every fifth step, on the same batch and after D, and the gradient penalty is that of the sum
over the score map. Deviation from the official code: its learning rate falls by 0.1 % in all, by an oversight; here it
falls to nearly 0.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from translate.errors import DataError, SettingsError
from translate.methods.base import Adam, Method, MethodSettings, Update
from translate.networks.discriminators import Critic
from translate.networks.generators import LabelResnet
from translate.objectives import gradient_penalty, l1, wgan_d, wgan_g


class Settings(MethodSettings):
    """The constants of StarGAN; the defaults are the official ones."""

    batches: ClassVar[Literal["unpaired", "labelled"]] = "labelled"

    name: Literal["stargan"] = "stargan"
    generator: LabelResnet = LabelResnet()
    discriminator: Critic = Critic()
    optimiser: Adam = Adam(lr=1e-4)
    lambda_cls: float = Field(1.0, ge=0)
    lambda_rec: float = Field(10.0, ge=0)
    lambda_gp: float = Field(10.0, ge=0)
    g_every: int = Field(5, ge=1)  # steps: G moves in one of them, D in all

    @property
    def multiple(self) -> int:
        return self.generator.multiple

    @property
    def smallest(self) -> int:
        return max(self.generator.smallest, self.discriminator.smallest)

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        if len(domains) < 2:
            raise DataError(f"StarGAN translates between two or more domains; found only {', '.join(domains)}.")
        if batch < 2:
            raise SettingsError(
                "StarGAN needs a batch of at least 2: it takes target domains from the other pictures of the batch, and"
                " with one picture there is nothing to learn. Use --batch 16, as the paper does."
            )
        self.check_size(size)

    def check_size(self, size: int) -> None:
        if size % self.discriminator.smallest:
            raise SettingsError(
                f"Size {size} does not suit {self.name} with a critic of {self.discriminator.layers} layers:"
                f" it must be a multiple of {self.discriminator.smallest} pixels."
            )
        super().check_size(size)

    def build(self, domains: Sequence[str], size: int) -> "StarGAN":
        return StarGAN(self, domains, size)


class StarGAN(Method):
    """One generator and one discriminator for any number of domains."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.domains = tuple(domains)
        self.G = settings.generator.build(3, 3, len(domains))
        self.D = settings.discriminator.build_with_labels(3, len(domains), size)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, c_org = batch["x"], batch["c"]  # (N, 3, S, S) in [-1, 1], (N, labels) one-hot
        G, D, s = self.G, self.D, self.settings
        c = c_org[torch.randperm(len(x)).to(x.device)]

        with torch.no_grad():
            x_fake = G(x, c)
        real, real_logits = D(x)
        fake, _ = D(x_fake)
        L_adv_D = wgan_d(real, fake)
        L_cls_D = _classification(real_logits, c_org)
        L_gp = gradient_penalty(lambda x_hat: D(x_hat)[0], x, x_fake)
        update(D=L_adv_D + s.lambda_cls * L_cls_D + s.lambda_gp * L_gp)
        terms = {"adv_D": L_adv_D, "cls_D": L_cls_D, "gp": L_gp}

        if (n + 1) % s.g_every == 0:
            x_fake = G(x, c)
            fake, fake_logits = D(x_fake)
            L_adv_G, L_cls_G = wgan_g(fake), _classification(fake_logits, c)
            L_rec = l1(x, G(x_fake, c_org))
            update(G=L_adv_G + s.lambda_cls * L_cls_G + s.lambda_rec * L_rec)
            terms |= {"adv_G": L_adv_G, "cls_G": L_cls_G, "rec": L_rec}
        return {name: term.detach() for name, term in terms.items()}

    def translate(self, x: Tensor, target: str) -> Tensor:
        c = x.new_zeros(len(x), len(self.domains))
        c[:, self.domains.index(target)] = 1
        y: Tensor = self.G(x, c)
        return y

    def sources(self, target: str) -> tuple[str, ...]:
        return self.domains


def _classification(logits: Tensor, c: Tensor) -> Tensor:
    """-E log D_cls(c | x) for one-hot labels (N, labels), Eq. 2 and 3."""
    return cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), c)
