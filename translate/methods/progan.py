"""Progressive growing of GANs.

Karras, Aila, Laine, Lehtinen: Progressive Growing of GANs for Improved Quality, Stability, and Variation. ICLR 2018,
arXiv 1710.10196. G and D begin with small pictures, and their side is doubled again and again during a run. In each
stage a new block fades in first: its result is mixed with that of the block before, enlarged, by a share t that grows
from 0 to 1, and real pictures are mixed in the same way (section 2). They minimise, with x^ between real and drawn,

    L_D = E D(G(z)) - E D(x) + lambda E (||grad D(x^)|| - 1)^2 + epsilon E D(x)^2        appendix A.1
    L_G = -E D(G(z))

Weights are N(0, 1) and scaled when they are used, which equalises learning rates (4.1); the features of each pixel of G
are normalised (4.2); and D is told how much the pictures of a batch vary (3).

Which blocks are used, and t, are functions of the step, so a run resumes within a stage as between two.

Deviations: stages are equally long parts of the run, the first half of each fades; the batch stays the same at all
sizes; optimisers are not reset between stages, as blocks that are new have no moments yet; D moves once for each step
of G, on one batch instead of four times on it. With `diffaugment` D sees T(x) wherever it saw x (arXiv 2006.10738).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from translate.diffaugment import diffaugment
from translate.errors import SettingsError
from translate.methods.base import Term, Update
from translate.methods.generation import Generation, GenerationSettings, as_rgb
from translate.noise.progressive import (
    Progressive,
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    depth_of,
    doubled,
)
from translate.objectives import CHANCE, WGAN, gradient_penalty
from translate.optimisers import Adam, Optimiser
from translate.parallel import randn_for
from translate.schedules import Constant, Schedule


class Settings(GenerationSettings):
    """The constants of progressive growing."""

    name: Literal["progan"] = "progan"
    generator: Progressive = Progressive()
    discriminator: Progressive = Progressive()
    optimiser: Optimiser = Adam(lr=1e-3, beta1=0.0, beta2=0.99)
    decay: Schedule = Constant()
    latent: int = Field(512, ge=1)
    """Numbers in the noise of a picture."""
    start: Literal[4, 8, 16] = 8
    """Side of the first pictures, in pixels."""
    grow: int | None = Field(None, ge=1)
    """Steps in which it grows to its full size, in stages of equal length; by default all of the run."""
    fade: float = Field(0.5, gt=0, le=1)
    """Share of a stage in which its block fades in."""
    lambda_gp: float = Field(10.0, ge=0)
    """Weight of the gradient penalty."""
    epsilon: float = Field(1e-3, ge=0)
    """Weight that keeps the scores of real pictures near 0."""

    def for_run(self, steps: int) -> "Settings":
        return self if self.grow is not None else self.model_copy(update={"grow": steps})

    def check_length(self, steps: int) -> None:
        if self.grow is not None and steps < self.grow:
            raise SettingsError(
                f"Networks grow for {self.grow} steps (method.grow), and the run has {steps} in all. Give it more"
                " --steps, or leave method.grow out, which then is the length of the run."
            )

    def grown(self, n: int, size: int) -> float:
        """Return how far networks have grown in step `n` for pictures of `size` pixels, see `depth_of`."""
        stages = (size // self.start).bit_length()
        length = -(-(self.grow or 1) // stages)
        depth = min(n // length, stages - 1)
        t = min((n - depth * length + 1) / max(self.fade * length, 1), 1.0)
        return depth - 1 + t if depth else 0.0

    def build(self, domains: Sequence[str], size: int) -> "ProGAN":
        return ProGAN(self, domains, size)


class ProGAN(Generation):
    """A generator and a critic that grow."""

    def __init__(self, settings: Settings, domains: Sequence[str], size: int) -> None:
        super().__init__()
        self.settings: Settings = settings
        self.names, self.latent, self.size = tuple(domains), settings.latent, size
        start, channels = settings.start, settings.channels
        self.G = ProgressiveGenerator(settings.generator, settings.latent, channels, start, size)
        self.D = ProgressiveDiscriminator(settings.discriminator, 3, start, size)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"G": [self.G], "D": [self.D]}

    def terms(self) -> dict[str, Term]:
        return {
            "GAN": Term.of_generator("how easily D tells drawn pictures", WGAN),
            "D": Term("minus how far drawn pictures seem from real ones to the critic: near 0 is good", "free", "D"),
            "gp": Term("how far the slope of the critic is from 1", "falls", "D"),
            "drift": Term("how far the scores of real pictures are from 0", "free", "D"),
            "side": Term("pixels a side of what is learned at the moment", "free"),
            "acc_real": Term("how often D takes real pictures for real", "share", "D", CHANCE),
            "acc_fake": Term("how often D sees that drawn pictures are not", "share", "D", CHANCE),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        s, grown = self.settings, self.settings.grown(n, self.size)
        self.G.grown.fill_(grown)
        T = partial(diffaugment, operations=s.diffaugment)
        D = partial(self.D, grown=grown)
        x = at_depth(batch["x"], s.start, grown)  # (N, 3, s, s) in [-1, 1], s the side of the stage

        with torch.no_grad():
            g = as_rgb(self.G(randn_for(x, s.latent).to(x.dtype)))
        x, g = T(x), T(g)
        real, fake = D(x), D(g)
        L_W, L_drift = WGAN.d(real, fake), real.float().square().mean()
        L_gp = gradient_penalty(D, x, g) if s.lambda_gp else torch.zeros_like(L_W)
        update(D=L_W + s.lambda_gp * L_gp + s.epsilon * L_drift)

        g = as_rgb(self.G(randn_for(x, s.latent).to(x.dtype)))
        L_GAN = WGAN.g(D(T(g)))
        update(G=L_GAN)
        terms = {"GAN": L_GAN, "D": L_W, "gp": L_gp, "drift": L_drift, "side": L_W.new_tensor(float(x.shape[2]))}
        terms["acc_real"], terms["acc_fake"] = WGAN.accuracy(real, fake)
        return {name: term.detach() for name, term in terms.items()}

    def sample(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        x = as_rgb(self.G(z)).clamp(-1, 1)
        return interpolate(x, size=(self.size, self.size), mode="nearest")


def at_depth(x: Tensor, start: int, grown: float) -> Tensor:
    """Shrink pictures (N, 3, S, S) to the size of a depth; while its block fades in, what is finer comes with it."""
    depth, t = depth_of(grown)
    x = avg_pool2d(x, x.shape[2] // (start << depth))
    return x if t == 1 else torch.lerp(doubled(avg_pool2d(x, 2)), x, t)
