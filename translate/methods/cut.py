"""CUT and FastCUT.

Park, Efros, Zhang, Zhu: Contrastive Learning for Unpaired Image-to-Image Translation. ECCV 2020, arXiv 2007.15651. With
x from domain X, y from domain Y, one generator G: X -> Y whose encoder also yields features, an MLP F for each layer
of them, and a discriminator D, they minimise

    L(G, F) = L_GAN(G, D) + lambda_X L_NCE(G, F, X) + lambda_Y L_NCE(G, F, Y)          Eq. 4 and 5, section 3
    L_NCE(G, F, X) = E sum_l sum_s l(F_l(G_l(G(x)))_s, F_l(G_l(x))_s, F_l(G_l(x))_S\\s)   Eq. 3, here means over l and s
    l(v, v+, v-) = -log exp(v v+ / tau) / (exp(v v+ / tau) + sum_n exp(v v-_n / tau))    Eq. 2

and D minimises (E (D(y) - 1)^2 + E D(G(x))^2) / 2. Places s are 256 at random, the same for all pictures of a batch;
negatives are the other places of the same picture. FastCUT has lambda_X 10, lambda_Y 0 and `flip`: in half of the steps
G sees pictures mirrored, and the features of what it makes of them are mirrored back. `diffaugment`: D sees T(x) for x.

As in the official code D moves first, x and y go through G together, lambda_X and lambda_Y are halved when both are on,
and no gradient reaches G or F by way of the keys v+, v-. So these are taken from the pass that makes the picture, where
that is the same: not with dropout, and not when pictures were mirrored. Options that are not in the paper: `content =
"decoupled"` leaves the positive out of the denominator (hDCE of Jung et al., arXiv 2203.01532, with weights 1),
`lambda_idt` adds E |G(y) - y| until a share of the run is over, `lambda_tv` total variation of G(x), gated by x, and
`keep` E |G(u) - u| with u from a third domain, so that G learns what it shall leave alone.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from translate.contrastive import CONTRASTS, Contrast, PatchFeatures
from translate.diffaugment import diffaugment
from translate.errors import DataError, SettingsError
from translate.methods.base import Layer, MethodSettings, Term, Translation, Update
from translate.networks.blocks import mixes_pictures, together
from translate.networks.critics import Critic, objective_of
from translate.networks.discriminators import PatchGAN
from translate.networks.first_weights import initialise
from translate.networks.generators import TappedGenerator
from translate.networks.resnet import Resnet
from translate.objectives import CHANCE, ObjectiveName, gated_total_variation, l1
from translate.targets import OneWay, Targets


class Settings(MethodSettings):
    """The constants of CUT; the defaults are the official ones. Those of FastCUT are in `--config fastcut`."""

    one_generator = True

    name: Literal["cut"] = "cut"
    generator: TappedGenerator = Resnet(downsampling="blurred", upsampling="bilinear")
    discriminator: Critic = PatchGAN(downsampling="blurred")
    objective: ObjectiveName = "lsgan"
    """The adversarial objective."""
    target: str | None = None
    """The domain to translate to; by default the second."""
    taps: tuple[str, ...] = Field(("pixels", "down1", "down2", "block1", "block5"), min_length=1)
    """What is compared."""
    patches: int = Field(256, ge=2)
    """Places in each of them."""
    features: int = Field(256, ge=1)
    """Width of the MLPs."""
    content: Contrast = "nce"
    """The contrastive loss, see above."""
    tau: float = Field(0.07, gt=0)
    """Temperature of the contrastive loss."""
    lambda_gan: float = Field(1.0, ge=0)
    """Weight of the adversarial loss."""
    lambda_X: float = Field(1.0, ge=0)
    """Weight of the contrastive loss of X."""
    lambda_Y: float = Field(1.0, ge=0)
    """0: y does not go through G."""
    lambda_idt: float = Field(0.0, ge=0)
    """Weight of the L1 identity loss."""
    idt_every: int = Field(1, ge=1)
    """Of so many pictures of a batch lambda_idt and lambda_keep look at one."""
    idt_until: float = Field(1.0, ge=0, le=1)
    """Share of the run after which lambda_idt is 0."""
    idt_steps: int | None = Field(None, ge=0)
    """The same in steps; by default worked out from it."""
    lambda_tv: float = Field(0.0, ge=0)
    """Weight of the gated total variation; 0: none."""
    keep: str | None = None
    """A third domain, of pictures that shall stay as they are."""
    lambda_keep: float = Field(3.0, ge=0)
    """Weight of the L1 distance to them."""
    flip: bool = False
    """Whether half of the steps see pictures mirrored, as in FastCUT."""
    init_gain: float = Field(0.02, gt=0)
    """Of the first weights (Xavier)."""

    def for_run(self, steps: int) -> Self:
        until = round(self.idt_until * steps) if self.idt_steps is None else self.idt_steps
        return self.model_copy(update={"idt_steps": until})

    def target_of(self, targets: Targets) -> str:
        return OneWay.among(targets.names, self.target, self.keep).default

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        if self.keep not in (None, *domains):
            raise DataError(f"There is no domain {self.keep!r} to be kept as it is. The domains: {', '.join(domains)}.")
        super().check(OneWay.among(domains, self.target, self.keep).names, size, batch)
        known = self.generator.taps
        for tap in self.taps:
            if tap not in known:
                raise SettingsError(f"The generator has no tap {tap!r} for method.taps. It has {', '.join(known)}.")

    def build(self, domains: Sequence[str], size: int) -> "CUT":
        return CUT(self, domains)


class CUT(Translation):
    """A generator with an MLP for each of its taps, and a discriminator."""

    targets: OneWay

    def __init__(self, settings: Settings, domains: Sequence[str]) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.targets = OneWay.among(domains, settings.target, settings.keep)
        self.G = settings.generator.build(3, 3)  # X -> Y
        self.D = settings.discriminator.build(3)
        self.F = PatchFeatures(
            [settings.generator.taps[tap] for tap in settings.taps], settings.features, settings.patches
        )
        for network in (self.G, self.D, self.F):
            initialise(network, settings.init_gain, "xavier")

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "F": [self.F], "D": [self.D]}

    def terms(self) -> dict[str, Term]:
        objective = objective_of(self.settings.discriminator, self.settings.objective)
        X, Y = self.targets.source, self.targets.default
        return {
            "GAN": Term.of_generator(f"how easily D tells pictures turned into {Y}", objective),
            "D": Term(f"how badly D tells {Y} from pictures turned into {Y}", "hovers", "D", objective.equilibrium),
            "NCE_X": Term(f"how hard it is to find the places of {X} again in what was made of them"),
            "NCE_Y": Term(f"how hard it is to find the places of {Y} again in what was made of them"),
            "idt": Term(f"how much {Y} changes when it is turned into {Y}"),
            "keep": Term(f"how much {self.settings.keep} changes, which shall stay as it is"),
            "tv": Term(f"how uneven what was made of {X} is where {X} is even"),
            "acc_real": Term(f"how often D takes {Y} for real", "share", "D", CHANCE),
            "acc_fake": Term(f"how often D sees that pictures turned into {Y} are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        x, y = batch[self.targets.source], batch[self.targets.default]  # (N, 3, S, S) in [-1, 1] each
        G, D, s = self.G, self.D, self.settings
        objective = objective_of(s.discriminator, s.objective)
        T = partial(diffaugment, operations=s.diffaugment)
        mirrored = s.flip and bool(torch.rand(()) < 0.5)
        lambda_idt = s.lambda_idt if s.idt_steps is None or n < s.idt_steps else 0.0

        sides = [x, y] if s.lambda_Y else [x, y[:: s.idt_every]] if lambda_idt else [x]
        if s.keep:
            sides.append(batch[s.keep][:: s.idt_every])
        seen = [u.flip(3) if mirrored else u for u in sides]
        encode = partial(G.encode, taps=s.taps)
        passes = together(G, *seen, run=partial(G.tapped, taps=s.taps))
        made, keys = [outputs[0] for outputs in passes], [outputs[1:] for outputs in passes]  # of x, and of y
        y_fake = made[0]

        real, fake = D(T(y)), D(T(y_fake.detach()))
        L_D = objective.d(real, fake) / 2
        update(D=L_D)

        L_GAN = objective.g(D(T(y_fake)))
        if mirrored or mixes_pictures(G):
            with torch.no_grad():
                keys = [*together(G, *sides, run=encode)]
        queries = [*together(G, *(made[:2] if s.lambda_Y else made[:1]), run=encode)]
        if mirrored:
            queries = [[h.flip(3) for h in maps] for maps in queries]
        contrast = CONTRASTS[s.content]
        L_X = self.F.loss(queries[0], keys[0], contrast, s.tau)
        L_content = s.lambda_X * L_X
        terms = {"GAN": L_GAN, "D": L_D, "NCE_X": L_X}
        if s.lambda_Y:
            L_Y = terms["NCE_Y"] = self.F.loss(queries[1], keys[1], contrast, s.tau)
            L_content = (s.lambda_X * L_X + s.lambda_Y * L_Y) / 2
        L_G = s.lambda_gan * L_GAN + L_content
        if lambda_idt:
            every = s.idt_every if s.lambda_Y else 1
            L_idt = terms["idt"] = l1(made[1][::every], seen[1][::every])
            L_G = L_G + lambda_idt * L_idt
        if s.keep:
            L_keep = terms["keep"] = l1(made[-1], seen[-1])
            L_G = L_G + s.lambda_keep * L_keep
        if s.lambda_tv:
            L_tv = terms["tv"] = gated_total_variation(y_fake, seen[0])
            L_G = L_G + s.lambda_tv * L_tv
        update(G=L_G, F=L_G)
        terms["acc_real"], terms["acc_fake"] = objective.accuracy(real, fake)
        return {name: term.detach() for name, term in terms.items()}

    def translate(self, x: Tensor, target: str) -> Tensor:
        y: Tensor = self.G(x)
        return y

    def layers(self, picture: Callable[[], Tensor], target: str) -> list[Layer]:
        return list(self.G.layers)
