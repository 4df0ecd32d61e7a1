"""Discriminators that give a whole picture one score, with the tricks of Salimans et al. (2016)."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, Tag, field_validator
from torch import Tensor, nn

from translate.networks.blocks import Norm, norm_layer
from translate.networks.dropout import Dropout
from translate.noise.generators import SIZES
from translate.settings import Settings, kind_or

DIMENSIONS = 5  # of a kernel of minibatch discrimination, as in the official code


class Whole(Settings):
    """What discriminators of whole pictures have in common."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of what each layer sees that is left out at random."""
    minibatch: int = Field(0, ge=0)
    """Kernels of minibatch discrimination, by which pictures of a batch are compared; 0: none."""

    multiple: ClassVar[int] = 4
    smallest: ClassVar[int] = SIZES[0]

    def layers(self, channels: int, size: int) -> list[nn.Module]:
        """Return the layers up to the last one, of which each ends with its activation."""
        raise NotImplementedError

    def build(self, channels: int, size: int, labels: int = 0, scores: bool = True) -> "WholeDiscriminator":
        """Build the network for pictures of `size` x `size` pixels, with torch's default initialisation.

        Without `scores` a picture's score is log sum exp of the logits of its labels.
        """
        return WholeDiscriminator(self, channels, size, labels, scores)


class Dcgan(Whole):
    """The discriminator of DCGAN (Radford et al. 2016): each layer halves the side, until 4 x 4 pixels are left."""

    kind: Literal["dcgan"] = "dcgan"
    width: int = Field(64, ge=1)
    """Channels after the first layer; twice as many at half the side, 8 times at most."""
    norm: Norm = "batch"
    """Normalisation layers, of all layers but the first and the last."""
    bias: bool = False
    """Of convolutions."""

    def layers(self, channels: int, size: int) -> list[nn.Module]:
        """Return strided 4x4 convolutions with LeakyReLU."""
        widths = [self.width * min(1 << k, 8) for k in range((size // 4).bit_length() - 1)]
        found: list[nn.Module] = []
        for number, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
            norm = [norm_layer(self.norm, after)] if number else []
            convolution = nn.Conv2d(before, after, 4, 2, 1, bias=self.bias)
            found.append(nn.Sequential(convolution, *norm, nn.LeakyReLU(0.2), *_dropout(self.dropout)))
        return found


class Mlp(Whole):
    """A discriminator of fully connected layers, as in the first GAN (Goodfellow et al. 2014, section 5)."""

    kind: Literal["mlp"] = "mlp"
    widths: tuple[Annotated[int, Field(ge=1)], ...] = (1024, 512, 256)
    """Units of each hidden layer."""
    pieces: int = Field(1, ge=1)
    """Linear pieces of a maxout unit (Goodfellow et al. 2013); 1: LeakyReLU instead."""

    @field_validator("widths", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def layers(self, channels: int, size: int) -> list[nn.Module]:
        """Return linear layers with maxout or LeakyReLU."""
        found: list[nn.Module] = []
        for number, (before, after) in enumerate(
            zip([channels * size * size, *self.widths], self.widths, strict=False)
        ):
            first = [nn.Flatten()] if number == 0 else []
            activation = Maxout(self.pieces) if self.pieces > 1 else nn.LeakyReLU(0.2)
            linear = nn.Linear(before, after * self.pieces)
            found.append(nn.Sequential(*first, linear, activation, *_dropout(self.dropout)))
        return found


class WholeDiscriminator(nn.Module):
    """Layers, and of what they see last the score and, if there are labels, their logits."""

    score: nn.Module | None

    def __init__(self, settings: Whole, channels: int, size: int, labels: int, scores: bool) -> None:
        super().__init__()
        self.initialised = isinstance(settings, Mlp)  # as torch does it
        self.layers = nn.ModuleList(settings.layers(channels, size))
        with torch.no_grad():
            seen = nn.Sequential(*self.layers).eval()(torch.zeros(1, channels, size, size))
        self.train()
        features = seen[0].numel()
        is_map, bias = seen.dim() == 4, getattr(settings, "bias", True)
        self.score = None
        if scores:
            self.score = nn.Conv2d(seen.shape[1], 1, 4, bias=bias) if is_map else nn.Linear(features, 1)
        self.labels = nn.Linear(features, labels) if labels else None
        self.minibatch = MinibatchDiscrimination(features, settings.minibatch) if settings.minibatch else None

    def judge(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, C, S, S) in [-1, 1] -> scores (N, 1), unbounded, and what each layer saw, as features to be matched."""
        scores, _, features = self._all(x)
        return scores, features

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, S, S) in [-1, 1] -> scores (N, 1), unbounded."""
        return self._all(x)[0]

    def read(self, x: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(N, C, S, S) in [-1, 1] -> scores (N, 1), logits (N, labels), and what each layer saw."""
        return self._all(x)

    def _all(self, x: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        features: list[Tensor] = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        logits = x.new_zeros(len(x), 0) if self.labels is None else self.labels(x.flatten(1))
        scores = logits.logsumexp(1, keepdim=True) if self.score is None else self.score(x).flatten(1)
        if self.minibatch is not None:
            scores = scores + self.minibatch(x.flatten(1))
        return scores, logits, features


class MinibatchDiscrimination(nn.Module):
    """Lets a discriminator see how alike the pictures of a batch are (Salimans et al. 2016, section 3.2).

    M_i = f(x_i) T, o(x_i)_b = mean_j exp(-||M_ib - M_jb||_1), and a linear layer makes a part of the score of o(x_i).
    The paper sums over j, so that a score depends on the size of the batch. Of several ranks each sees its own part.

    Args:
        features: of f(x).
        kernels: B, how many similarities are measured.
        dimensions: C, in each.
    """

    def __init__(self, features: int, kernels: int, dimensions: int = DIMENSIONS) -> None:
        super().__init__()
        self.kernels = kernels
        self.T = nn.Linear(features, kernels * dimensions, bias=False)
        self.score = nn.Linear(kernels, 1)

    def forward(self, f: Tensor) -> Tensor:
        """(N, features) -> a part of the scores, (N, 1)."""
        with torch.autocast(f.device.type, enabled=False):
            scores: Tensor = self.score(similarities(self.T(f.float() if f.dtype.itemsize < 4 else f), self.kernels))
        return scores


def similarities(M: Tensor, kernels: int) -> Tensor:
    """(N, kernels * dimensions) -> o (N, kernels) in (0, 1]; each picture counts as similar to itself."""
    M = M.reshape(len(M), kernels, -1)
    return torch.exp(-(M[:, None] - M[None]).abs().sum(3)).mean(1)


class Maxout(nn.Module):
    """The largest of several linear pieces (Goodfellow et al. 2013)."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """(N, units * pieces) -> (N, units)."""
        return x.reshape(len(x), -1, self.pieces).amax(2)


def _dropout(share: float) -> Sequence[nn.Module]:
    return [Dropout(share)] if share else []


# What the discriminator of a method that draws may be; where no kind is given, the first.
Judge = Annotated[Annotated[Dcgan, Tag("dcgan")] | Annotated[Mlp, Tag("mlp")], kind_or("dcgan")]
