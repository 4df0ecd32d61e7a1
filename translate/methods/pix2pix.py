"""pix2pix.

Isola, Zhu, Zhou, Efros: Image-to-Image Translation with Conditional Adversarial Networks. CVPR 2017, arXiv 1611.07004.
With pairs of x from domain X and y from domain Y, a generator G: X -> Y and a discriminator D of pairs, it minimises

    L(G) = L_cGAN(G, D) + lambda_L1 E |y - G(x)|                  Eq. 3 and 4
    L_cGAN(G, D) = -E log s(D(x, G(x)))                           Eq. 1, in the form of section 3.3; s the sigmoid

and D minimises (-E log s(D(x, y)) - E log(1 - s(D(x, G(x))))) / 2. D moves first; G then sees what D has become. There
is no other noise than dropout (section 3.1). In translation it stays on, and batch normalisation uses the statistics of
each picture (section 3.3, at batch 1). With `conditional = false` D sees y alone (Eq. 2). With `diffaugment` D sees
T(x, y), the same T for both (arXiv 2006.10738).

SRGAN (Ledig et al. 2017, arXiv 1609.04802) is the same with other distances to the truth: `lambda_L2` weighs the mean
squared error (Eq. 4), `lambda_content` that between the maps of a frozen network that was trained on ImageNet (Eq. 5),
and `lambda_gan` is 1e-3 (Eq. 3); with 0 there is no D, which is SRResNet. The settings `srresnet` and `srgan` have all
of it.

Deviations from the paper, those of the official PyTorch code: dropout is in the second to fourth level of the decoder
instead of the first to third, and D is of 70 x 70 patches with the learning rate falling in the second half. Another:
in translation dropout draws the same for every picture, so that a result depends on its picture alone. From SRGAN:
maps are those of four depths of the networks at hand instead of the last but one layer of VGG-19, and each channel is
divided by what it varies by on ordinary pictures instead of by 12.75; D is that of pix2pix.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from translate.diffaugment import diffaugment
from translate.errors import SettingsError
from translate.methods.base import Layer, MethodSettings, Term, Translation, Update
from translate.networks.critics import Critic, objective_of, reads_features
from translate.networks.discriminators import PatchGAN
from translate.networks.dropout import Dropout, keep_dropout
from translate.networks.features.kinds import KINDS
from translate.networks.first_weights import initialise
from translate.networks.frozen import Frozen, FrozenName
from translate.networks.generators import Generator
from translate.networks.srresnet import SRResNet
from translate.networks.unet import UNet
from translate.objectives import CHANCE, ObjectiveName, l1, mse
from translate.targets import OneWay


class Settings(MethodSettings):
    """The constants of pix2pix; the defaults are those of the official PyTorch code."""

    batches: ClassVar[Literal["unpaired", "labelled", "paired"]] = "paired"
    one_generator = True

    name: Literal["pix2pix"] = "pix2pix"
    generator: Generator = UNet(norm="untracked", dropout=True)
    discriminator: Critic = PatchGAN(norm="batch")
    objective: ObjectiveName = "vanilla"
    """The adversarial objective."""
    target: str | None = None
    """The domain to translate to; by default the second."""
    conditional: bool = True
    """Whether D sees x beside y."""
    noise: bool = True
    """Whether dropout stays on in translation."""
    lambda_gan: float = Field(1.0, ge=0)
    """Weight of the adversarial loss; 0: no D is trained."""
    lambda_l1: float = Field(100.0, ge=0)
    """Weight of the distance to the truth."""
    lambda_l2: float = Field(0.0, ge=0)
    """Weight of the squared distance to the truth."""
    lambda_content: float = Field(0.0, ge=0)
    """Weight of the squared distance to the truth in frozen features."""
    features: FrozenName = "lite0"
    """What these are of, by its word for `translate eval --features`."""
    init_gain: float = Field(0.02, gt=0)
    """Standard deviation of the first weights."""

    def for_crops(self, size: int, scale: int = 1) -> Self:
        """Fill in the depth of a U-Net, as often as the size can be halved, 8 times at most, and what enlarges."""
        generator = self.generator
        if isinstance(generator, SRResNet):
            generator = generator.model_copy(update={"scale": scale})
        elif isinstance(generator, UNet) and "depth" not in generator.model_fields_set:
            generator = generator.model_copy(update={"depth": max(min(_halvings(size), generator.depth), 2)})
        return super().for_crops(size, scale).model_copy(update={"generator": generator})

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        super().check(domains, size, batch)
        OneWay.among(domains, self.target)
        if self.conditional and reads_features(self.discriminator):
            raise SettingsError(
                "A critic on frozen features sees single pictures, no pairs. Choose another method.discriminator, or"
                " method.conditional=false."
            )

    def check_size(self, size: int) -> None:
        depth = _halvings(size)
        if isinstance(self.generator, UNet) and self.generator.depth > depth > 1:
            raise SettingsError(
                f"Size {size} does not suit a U-Net that halves it {self.generator.depth} times: it must be a multiple"
                f" of {self.generator.multiple}. Choose one, or --set method.generator.depth={depth}."
            )
        super().check_size(size)

    def build(self, domains: Sequence[str], size: int) -> "Pix2Pix":
        return Pix2Pix(self, domains)


class Pix2Pix(Translation):
    """A generator, and a discriminator of pairs."""

    targets: OneWay

    def __init__(self, settings: Settings, domains: Sequence[str]) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.targets = OneWay.among(domains, settings.target)
        self.G = settings.generator.build(3, 3)  # X -> Y
        self.D = settings.discriminator.build(6 if settings.conditional else 3)
        self.phi = Frozen(KINDS[settings.features]()) if settings.lambda_content else None
        for network in (self.G, self.D):
            initialise(network, settings.init_gain)
        if settings.noise:
            keep_dropout(self.G)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def terms(self) -> dict[str, Term]:
        s, Y = self.settings, self.targets.default
        objective = objective_of(s.discriminator, s.objective)
        adversarial = {
            "GAN": Term.of_generator(f"how easily D tells what was made from {Y}", objective),
            "D": Term(f"how badly D tells {Y} from what was made", "hovers", "D", objective.equilibrium),
            "acc_real": Term(f"how often D takes {Y} for real", "share", "D", CHANCE),
            "acc_fake": Term("how often D sees that what was made is not", "share", "D", CHANCE),
        }
        terms = {"L1": Term(f"how far what was made is from the {Y} that belongs to its picture")}
        if s.lambda_l2:
            terms["L2"] = Term("the same, squared")
        if s.lambda_content:
            terms["content"] = Term(f"the same, squared, in what {s.features} sees")
        return {**(adversarial if s.lambda_gan else {}), **terms}

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, y = batch["x"], batch["y"]  # (N, 3, S, S) in [-1, 1] each, the first and the second domain
        if self.targets.source != self.domains[0]:
            x, y = y, x
        G, s = self.G, self.settings
        objective = objective_of(s.discriminator, s.objective)
        T = partial(diffaugment, operations=s.diffaugment)

        def judged(y: Tensor) -> Any:
            return self.D(T(torch.cat([x, y], dim=1) if s.conditional else y))

        y_fake, terms = G(x), dict[str, Tensor]()
        L_GAN = L_L2 = L_content = y_fake.new_zeros(())
        if s.lambda_gan:
            real, fake = judged(y), judged(y_fake.detach())
            L_D = terms["D"] = objective.d(real, fake) / 2
            update(D=L_D)
            L_GAN = terms["GAN"] = objective.g(judged(y_fake))
            terms["acc_real"], terms["acc_fake"] = objective.accuracy(real, fake)

        L_L1 = terms["L1"] = l1(y_fake, y)
        if s.lambda_l2:
            L_L2 = terms["L2"] = mse(y_fake, y)
        if s.lambda_content:
            L_content = terms["content"] = self._content(y_fake, y)
        update(G=s.lambda_gan * L_GAN + s.lambda_l1 * L_L1 + s.lambda_l2 * L_L2 + s.lambda_content * L_content)
        return {name: term.detach() for name, term in terms.items()}

    def _content(self, y_fake: Tensor, y: Tensor) -> Tensor:
        """Return the mean squared error between the maps of the frozen network, the mean over its depths."""
        assert self.phi is not None
        with torch.no_grad():
            truth = self.phi(y)
        deviations = [deviation for _, deviation in self.phi.network.moments()]
        errors = [mse(a / d, b / d) for a, b, d in zip(self.phi(y_fake), truth, deviations, strict=True)]
        return torch.stack(errors).mean()

    def translate(self, x: Tensor, target: str) -> Tensor:
        y: Tensor = self.G(x)
        return y

    def layers(self, picture: Callable[[], Tensor], target: str) -> Sequence[Layer] | None:
        places_count = any(isinstance(layer, Dropout) and layer.stays is not None for layer in self.G.modules())
        return None if places_count else self.G.layers


def _halvings(size: int) -> int:
    """Return how often a size in pixels can be halved."""
    return (size & -size).bit_length() - 1
