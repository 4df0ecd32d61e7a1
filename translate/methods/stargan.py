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
falls to nearly 0. With `diffaugment` D sees T(x) wherever it saw x, in the penalty too (arXiv 2006.10738).

Options that are not in the paper: another `objective` in place of Eq. 8, and discriminators on frozen features, whose
objective is the hinge loss unless another one is chosen. Neither has a gradient penalty. Of several critics each has
its own objective, and the first also reads the labels.

A label is a domain, or a set of attributes that a picture has or has not. Then L_cls is a binary cross-entropy, summed
over the attributes, and what is not to be changed must be known at inference: D, which learned to read the attributes
of real pictures, reads them off the input. So a model of attributes ships D as well; the official code takes them from
the dataset's list instead.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, interpolate

from translate.diffaugment import diffaugment
from translate.errors import DataError, SettingsError
from translate.methods.base import Layer, MethodSettings, Term, Translation, Update
from translate.networks.blocks import OF_BATCHES
from translate.networks.critics import LabelCritic, LabelSeveralDiscriminators, objective_of
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.frozen import frozen_in
from translate.networks.label_resnet import LabelResnet
from translate.objectives import CHANCE, WGAN, Objective, ObjectiveName, gradient_penalty, l1
from translate.optimisers import Adam, Optimiser
from translate.parallel import permuted
from translate.targets import Attributes, Domains, Targets


class Settings(MethodSettings):
    """The constants of StarGAN; the defaults are the official ones."""

    batches: ClassVar[Literal["unpaired", "labelled"]] = "labelled"

    name: Literal["stargan"] = "stargan"
    generator: LabelResnet = LabelResnet()
    discriminator: LabelCritic = Critic()
    objective: ObjectiveName | None = None
    """Of D and G: by default that of the paper with its gradient penalty, or hinge for critics on frozen features."""
    labels: Literal["domains", "attributes"] = "domains"
    """What the dataset has."""
    exclusive: tuple[tuple[str, ...], ...] = (
        ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
        ("black_hair", "blond_hair", "red_hair"),
    )
    """Attributes of which a picture has exactly one: CelebA's, and those of toy-faces."""
    optimiser: Optimiser = Adam(lr=1e-4)
    lambda_cls: float = Field(1.0, ge=0)
    """Weight of the loss of classification."""
    lambda_rec: float = Field(10.0, ge=0)
    """Weight of the loss of reconstruction."""
    lambda_gp: float = Field(10.0, ge=0)
    """Weight of the gradient penalty."""
    g_every: int = Field(5, ge=1)
    """Steps: G moves in one of them, D in all."""

    def for_targets(self, targets: Targets) -> Self:
        return self.model_copy(update={"labels": "attributes" if isinstance(targets, Attributes) else "domains"})

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        if len(domains) < 2 and self.labels == "domains":
            raise DataError(f"StarGAN translates between two or more domains; found only {', '.join(domains)}.")
        if batch < 2:
            raise SettingsError(
                "StarGAN needs a batch of at least 2: it takes target domains from the other pictures of the batch, and"
                " with one picture there is nothing to learn. Use --batch 16, as the paper does."
            )
        self.check_size(size)

    @property
    def penalised(self) -> bool:
        """Whether L_adv is that of Eq. 8, with its gradient penalty."""
        return self.objective is None and isinstance(self.discriminator, Critic | PatchGAN)

    @property
    def adversarial(self) -> Objective:
        """L_adv for D and for G, without a penalty."""
        return WGAN if self.penalised else objective_of(self.discriminator, self.objective or "hinge")

    def check_size(self, size: int) -> None:
        if self.penalised and isinstance(self.discriminator, PatchGAN) and self.discriminator.norm in OF_BATCHES:
            raise SettingsError(
                "The gradient penalty of StarGAN is one of single pictures, which batch normalisation mixes."
                " Use method.discriminator.norm=instance or none."
            )
        super().check_size(size)

    def build(self, domains: Sequence[str], size: int) -> "StarGAN":
        return StarGAN(self, domains, size)


class StarGAN(Translation):
    """One generator and one discriminator for any number of domains."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.targets: Domains | Attributes = (
            Domains(tuple(domains))
            if settings.labels == "domains"
            else Attributes(tuple(domains), exclusive=settings.exclusive)
        )
        self.G = settings.generator.build(3, 3, len(domains))
        self.D = settings.discriminator.build_with_labels(3, len(domains), size)
        if settings.labels == "attributes" and frozen_in(self.reader):
            raise SettingsError(
                "A model of attributes ships the critic that reads them off a picture; one on frozen features cannot be"
                " shipped. Use method.discriminator.kind=critic or patchgan, or put such a one first of several."
            )
        self.size = size
        self.classification = {"domains": _one_of, "attributes": _each}[settings.labels]

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    @property
    def reader(self) -> nn.Module:
        """The network that reads labels: D, or the first of several critics."""
        return self.D.critics[0] if isinstance(self.D, LabelSeveralDiscriminators) else self.D

    def averaged(self) -> list[nn.Module]:
        return [self.G] if self.settings.labels == "domains" else [self.G, self.reader]

    def terms(self) -> dict[str, Term]:
        objective = self.settings.adversarial
        adv_D = Term("how badly D tells real from translated pictures", "hovers", "D", 2 * objective.equilibrium)
        if self.settings.penalised:
            adv_D = Term("minus the distance D sees between real and translated pictures", "free", "D")
        return {
            "adv_D": adv_D,
            "adv_G": Term.of_generator("how easily D tells translated pictures", objective),
            "gp": Term("how far the slope of D is from 1", "falls", "D"),
            "cls_D": Term("how badly D reads the label of real pictures", "falls", "D"),
            "cls_G": Term("how badly D reads the label that pictures were translated to"),
            "rec": Term("what pictures lose on the way to another label and back"),
            "acc_real": Term("how often D takes pictures for real", "share", "D", CHANCE),
            "acc_fake": Term("how often D sees that translated pictures are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, c_org = batch["x"], batch["c"]  # (N, 3, S, S) in [-1, 1], (N, labels) of 0 and 1
        G, D, s = self.G, self.D, self.settings
        objective = s.adversarial
        T = partial(diffaugment, operations=s.diffaugment)
        c = permuted(c_org)

        with torch.no_grad():
            x_fake = G(x, c)
        real, real_logits = D(T(x))
        fake, _ = D(T(x_fake))
        L_adv_D, L_cls_D = objective.d(real, fake), self.classification(real_logits, c_org)
        L_D = L_adv_D + s.lambda_cls * L_cls_D
        terms = {"adv_D": L_adv_D, "cls_D": L_cls_D}
        if s.penalised:
            L_gp = terms["gp"] = gradient_penalty(lambda x_hat: D(T(x_hat))[0], x, x_fake)
            L_D = L_D + s.lambda_gp * L_gp
        update(D=L_D)
        terms["acc_real"], terms["acc_fake"] = objective.accuracy(real, fake)

        if (n + 1) % s.g_every == 0:
            x_fake = G(x, c)
            fake, fake_logits = D(T(x_fake))
            L_adv_G, L_cls_G = objective.g(fake), self.classification(fake_logits, c)
            L_rec = l1(x, G(x_fake, c_org))
            update(G=L_adv_G + s.lambda_cls * L_cls_G + s.lambda_rec * L_rec)
            terms |= {"adv_G": L_adv_G, "cls_G": L_cls_G, "rec": L_rec}
        return {name: term.detach() for name, term in terms.items()}

    def translate(self, x: Tensor, target: str) -> Tensor:
        y: Tensor = self.G(x, self._labels(x, target))
        return y

    def layers(self, picture: Callable[[], Tensor], target: str) -> list[Layer]:
        c = self._labels(picture(), target)
        return [*self.G.layers(c)]

    def _labels(self, x: Tensor, target: str) -> Tensor:
        """Return the labels (N, labels), 0 or 1, that pictures (N, 3, H, W) in [-1, 1] are translated to."""
        before = x.new_zeros(len(x), len(self.domains)) if self.settings.labels == "domains" else self._read(x)
        return self.targets.change(before, target)

    def _read(self, x: Tensor) -> Tensor:
        """Read the attributes (N, labels), 0 or 1, off (N, 3, H, W) in [-1, 1], which is seen at the training size."""
        logits: Tensor = self.reader(interpolate(x, (self.size, self.size), mode="bilinear", antialias=True))[1]
        return (logits > 0).to(x.dtype)


def _one_of(logits: Tensor, c: Tensor) -> Tensor:
    """-E log D_cls(c | x) for one-hot labels (N, labels), Eq. 2 and 3."""
    return cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), c)


def _each(logits: Tensor, c: Tensor) -> Tensor:
    """-E log D_cls(c | x) for attributes (N, labels) of 0 and 1, Eq. 2 and 3, summed over the attributes."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return binary_cross_entropy_with_logits(logits, c, reduction="sum") / len(c)
