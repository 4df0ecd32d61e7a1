"""ACGAN, the conditional GAN and the semi-supervised GAN: pictures with labels, of which each folder is one.

Odena, Olah, Shlens: Conditional Image Synthesis with Auxiliary Classifier GANs. ICML 2017, arXiv 1610.09585. With
pictures x of labels c, z ~ N(0, 1) and a discriminator D that gives a score and the probabilities of the labels,

    L_S = -E log s(D(x)) - E log(1 - s(D(G(c, z))))               Eq. 2, to be minimised by D; s is the sigmoid
    L_C = -E log P(C = c | x) - E log P(C = c | G(c, z))          Eq. 3

D minimises L_S + L_C, G its own form of L_S, by default -E log s(D(G(c, z))), and L_C of what it draws.

With `head = "none"` D is told c instead of reading it: Mirza, Osindero: Conditional Generative Adversarial Nets, 2014,
arXiv 1411.1784, section 3.2. There c comes in after a first layer, here as constant maps beside x.

With `head = "joint"` D is a classifier of K + 1 classes whose last logit, that of drawn pictures, is 0: Salimans et
al., Improved Techniques for Training GANs, NIPS 2016, arXiv 1606.03498, section 5. Its score is D(x) = log Z, where
Z = sum_k exp l_k, so that s(D(x)) = Z / (Z + 1). G is not told c, and minimises feature matching (3.1). With
`data.labels_each` few pictures have labels, of which there is a batch of its own; D is shipped, too, and its error on
test pictures is a score of the run. `lambda_src = 0` is the supervised classifier that it is compared with.

Deviations from ACGAN: c is put beside z as ones and zeros, instead of being multiplied with it as an embedding, and G
sees one batch a step, not two. With `diffaugment` D sees T(x) wherever it saw x (arXiv 2006.10738).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from translate.diffaugment import diffaugment
from translate.methods.base import Term, Update
from translate.methods.generation import Generation, GenerationSettings, as_rgb
from translate.networks.first_weights import initialise
from translate.noise.discriminators import Dcgan as DcganJudge
from translate.noise.discriminators import Judge
from translate.noise.generators import Dcgan, FromNoise
from translate.objectives import CHANCE, OBJECTIVES, ObjectiveName, batch_feature_matching
from translate.parallel import rand_for, randn_for
from translate.schedules import Constant, Schedule
from translate.settings import merge


class Settings(GenerationSettings):
    """The constants of ACGAN; for few labels those of the semi-supervised GAN."""

    labelled = True

    name: Literal["acgan"] = "acgan"
    generator: FromNoise = Dcgan()
    discriminator: Judge = DcganJudge()
    decay: Schedule = Constant()
    head: Literal["auxiliary", "none", "joint"] = "auxiliary"
    """Whether D reads the label beside its score, is told it, or reads it as one of K + 1 classes."""
    objective: ObjectiveName = "vanilla"
    """The adversarial objective."""
    lambda_src: float = Field(1.0, ge=0)
    """Weight, of D, of telling drawn pictures from real ones."""
    lambda_gan: float = Field(1.0, ge=0)
    """Weight, of G, of the adversarial loss; by default 0 with a joint head."""
    lambda_fm: float = Field(0.0, ge=0)
    """Weight, of G, of feature matching; by default 1 with a joint head."""
    lambda_cls: float = Field(1.0, ge=0)
    """Weight, of both, of the labels that D reads."""
    smooth: float = Field(0.0, ge=0, lt=0.5)
    """One-sided label smoothing: real pictures shall get so much less than 1."""
    init_gain: float = Field(0.02, gt=0)
    """Standard deviation of the first weights of convolutions."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_paper_of_the_head(cls, tree: Any) -> Any:
        if not isinstance(tree, dict) or tree.get("head") != "joint":
            return tree
        return merge([{"lambda_gan": 0.0, "lambda_fm": 1.0}, tree])

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        super().check(domains, size, batch)
        OBJECTIVES[self.objective].smoothed(self.smooth)

    def build(self, domains: Sequence[str], size: int) -> "ACGAN":
        return ACGAN(self, domains, size)


class ACGAN(Generation):
    """A generator that is told what to draw, and a discriminator that reads it, or is told as well."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.names, self.latent = tuple(domains), settings.latent
        K, head = len(domains), settings.head
        self.G = settings.generator.build(settings.latent + self.labels, settings.channels, size)
        if head == "none":
            self.D = settings.discriminator.build(3 + K, size)
        else:
            self.D = settings.discriminator.build(3, size, labels=K, scores=head == "auxiliary")
        for network in (self.G, self.D):
            initialise(network, settings.init_gain)

    @property
    def labels(self) -> int:
        return 0 if self.settings.head == "joint" else len(self.names)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def averaged(self) -> list[nn.Module]:
        return [self.G, self.D] if self.settings.head == "joint" else [self.G]

    def terms(self) -> dict[str, Term]:
        s, objective = self.settings, OBJECTIVES[self.settings.objective]
        terms = {
            "GAN": Term.of_generator("how easily D tells drawn pictures", objective),
            "S": Term(
                "how badly D tells real pictures from drawn ones",
                "hovers" if s.lambda_src else "free",
                "D",
                2 * objective.equilibrium if s.lambda_src else None,
            ),
        }
        if s.head != "none":
            terms["C_x"] = Term("how badly D reads the labels of real pictures", "falls", "D")
        if s.head == "auxiliary":
            terms["C_g"] = Term("how badly D reads what was asked for in drawn pictures", "falls")
        if s.lambda_fm:
            terms["FM"] = Term("how much drawn pictures differ from real ones in what D sees")
        return {
            **terms,
            "acc_real": Term("how often D takes real pictures for real", "share", "D", CHANCE),
            "acc_fake": Term("how often D sees that drawn pictures are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        s, K = self.settings, len(self.names)
        x = batch["x"]  # (N, 3, S, S) in [-1, 1]
        x_l, c_l = (batch["x_l"], batch["c_l"]) if "x_l" in batch else (x, batch["c"])  # those with labels, (N, K)
        if s.head == "none":
            x = x_l
        objective = OBJECTIVES[s.objective].smoothed(s.smooth)
        T = partial(diffaugment, operations=s.diffaugment)
        z, c_g = randn_for(x, s.latent).to(x.dtype), one_hot((rand_for(x) * K).long(), K).to(x.dtype)

        with torch.no_grad():
            g = self.sample(z, c_g)
        x_seen = T(x)
        real, read_x, _ = self._judged(x_seen, c_l)
        fake, read_g, _ = self._judged(T(g), c_g)
        L_S = objective.d(real, fake)
        terms, L_D = {"S": L_S}, s.lambda_src * L_S
        if s.head != "none":
            read_l = read_x if x_l is x else self._judged(T(x_l), c_l)[1]
            terms["C_x"] = cross_entropy(read_l.float(), c_l.argmax(1))
            L_D = L_D + s.lambda_cls * terms["C_x"]
        if s.head == "auxiliary":
            L_D = L_D + s.lambda_cls * cross_entropy(read_g.float(), c_g.argmax(1))
        update(D=L_D)
        terms["acc_real"], terms["acc_fake"] = objective.accuracy(real, fake)

        g = self.sample(z, c_g)
        fake, read_g, seen_g = self._judged(T(g), c_g)
        terms["GAN"] = objective.g(fake)
        L_G = s.lambda_gan * terms["GAN"]
        if s.head == "auxiliary":
            terms["C_g"] = cross_entropy(read_g.float(), c_g.argmax(1))
            L_G = L_G + s.lambda_cls * terms["C_g"]
        if s.lambda_fm:
            terms["FM"] = batch_feature_matching(self._judged(x_seen, c_l)[2], seen_g)
            L_G = L_G + s.lambda_fm * terms["FM"]
        update(G=L_G)
        return {name: term.detach() for name, term in terms.items()}

    def _judged(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(N, 3, S, S), (N, K) -> scores (N, 1), logits (N, K) of the labels, and what each layer of D saw."""
        if self.settings.head == "none":
            maps = c.to(x.dtype)[..., None, None].expand(-1, -1, *x.shape[2:])
            x = torch.cat([x, maps], 1)
        judged: tuple[Tensor, Tensor, list[Tensor]] = self.D.read(x)
        return judged

    def sample(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.labels and labels is not None:
            z = torch.cat([z, labels.to(z.dtype)], 1)
        return as_rgb(self.G(z))

    def classify(self, x: Tensor) -> Tensor | None:
        return self.D.read(x)[1] if self.settings.head == "joint" else None
