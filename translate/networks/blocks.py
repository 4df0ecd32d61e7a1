"""The parts that generators and discriminators share."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from translate.networks.dropout import Dropout
from translate.parallel import count, mean, world

# affine: instance normalisation with learned weights; untracked: batch normalisation without running statistics
Norm = Literal["instance", "affine", "batch", "untracked", "none"]
Padding = Literal["reflect", "zero"]

OF_BATCHES: tuple[Norm, ...] = ("batch", "untracked")  # those that mix the pictures of a batch


def instance_norm(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Normalise every channel of every image to mean 0 and variance 1 over its own pixels (Ulyanov et al. 2016, Eq. 5).

    On a CPU it is done image by image with the batch-norm kernel, which at batch 1 is the same formula. It is faster
    there in channels-last, and `torch.nn.functional.instance_norm` of torch 2.15 returns a wrong gradient when the
    gradient that comes in is channels-last at batch 1, whatever the layout of the input. A graph that is exported, for
    any batch, has the operator itself.

    Args:
        x: (N, C, H, W) with H * W > 1.
        weight: (C,), multiplied afterwards.
        bias: (C,), added after that.
        eps: added to the variance.

    Returns:
        (N, C, H, W) in the memory format of `x`.
    """
    if x.device.type != "cpu" or torch.compiler.is_exporting():
        return F.instance_norm(x, weight=weight, bias=bias, eps=eps)
    images = [F.batch_norm(image, None, None, weight, bias, training=True, eps=eps) for image in torch.split(x, 1)]
    return images[0] if len(images) == 1 else torch.cat(images)


class InstanceNorm(nn.Module):
    """`instance_norm` as a layer, without running statistics, so training and evaluation agree.

    Args:
        channels: gives every channel a learned weight and bias; None leaves them out.
    """

    def __init__(self, channels: int | None = None) -> None:
        super().__init__()
        self.weight = None if channels is None else nn.Parameter(torch.ones(channels))
        self.bias = None if channels is None else nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return instance_norm(x, self.weight, self.bias)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation (Ioffe and Szegedy 2015) with the statistics of the whole batch, of which ranks hold parts.

    `torch.nn.SyncBatchNorm` does this for GPUs only. Statistics are computed in fp32 or wider.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if world() == 1 or not self.training:
            return super().forward(x)
        y, expectation, variance = _normalised_over_ranks(x, self.weight, self.bias, self.eps)
        self._remember(expectation, variance, count(x) * x[0, 0].numel())
        return y

    def _remember(self, expectation: Tensor, variance: Tensor, values: int) -> None:
        """Take the statistics (C,) of so many values of each channel into the running ones."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(expectation.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_((variance * values / (values - 1)).to(self.running_var.dtype), self.momentum)


def _normalised_over_ranks(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise (N, C, H, W) over all ranks; return it, and the mean and the variance (C,), without gradients."""
    wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    expectation = mean(wide.mean((0, 2, 3), keepdim=True))  # (1, C, 1, 1)
    centred = wide - expectation
    variance = mean(centred.square().mean((0, 2, 3), keepdim=True))
    y = torch.addcmul(bias.view(1, -1, 1, 1), centred, weight.view(1, -1, 1, 1) * (variance + eps).rsqrt())
    return y.to(x.dtype), expectation.detach().flatten(), variance.detach().flatten()


class UntrackedBatchNorm(InstanceNorm):
    """Batch normalisation that keeps no running statistics: in evaluation it uses those of each picture.

    So the official pix2pix translates, picture by picture, and a result depends on its picture alone.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        if world() == 1:
            return F.batch_norm(x, None, None, self.weight, self.bias, training=True)
        return _normalised_over_ranks(x, self.weight, self.bias, 1e-5)[0]


class ReflectionPad(nn.Module):
    """Reflection padding that keeps the dtype: autocast would widen it to fp32 and copy twice.

    On GPUs the gradient of torch's own is a sum in any order. Where that is not allowed it is put together from slices.
    """

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H + 2 pixels, W + 2 pixels)."""
        if x.is_meta:  # its shape is all there is, and autocast knows no such device
            return F.pad(x, (self.pixels,) * 4, mode="reflect")
        with torch.autocast(x.device.type, enabled=False):
            if torch.are_deterministic_algorithms_enabled():
                return _reflected(_reflected(x, self.pixels, 2), self.pixels, 3)
            return F.pad(x, (self.pixels,) * 4, mode="reflect")


def _reflected(x: Tensor, pixels: int, axis: int) -> Tensor:
    """Make `x` longer by so many pixels at both ends of an axis."""
    last = x.shape[axis] - 1
    ends = x.narrow(axis, 1, pixels), x.narrow(axis, last - pixels, pixels)
    return torch.cat([ends[0].flip(axis), x, ends[1].flip(axis)], axis)


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Build the normalisation layer called `norm` for `channels` channels."""
    if norm == "instance":
        return InstanceNorm()
    if norm == "affine":
        return InstanceNorm(channels)
    if norm == "batch":
        return BatchNorm(channels)
    if norm == "untracked":
        return UntrackedBatchNorm(channels)
    return nn.Identity()


def padded(padding: Padding, convolution: nn.Conv2d) -> list[nn.Module]:
    """Let a convolution of stride 1 keep the size; two layers in either case, so names do not depend on the padding."""
    pixels = convolution.kernel_size[0] // 2
    if padding == "reflect":
        return [ReflectionPad(pixels), convolution]
    convolution.padding = (pixels, pixels)
    return [nn.Identity(), convolution]


class Residual(nn.Module):
    """x + f(x), or s(x) + f(x), with no activation after the sum."""

    shortcut: nn.Conv2d | None  # s: 1 x 1, in place of the identity

    def __init__(self) -> None:
        super().__init__()
        self.shortcut = None  # of each block: a value of the class would hide the module that takes its place

    @property
    def residual(self) -> nn.Sequential:
        """f, which keeps the height and the width, and without a shortcut the channels."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H, W)."""
        residual: Tensor = self.residual(x)
        return (x if self.shortcut is None else self.shortcut(x)) + residual


class Around(Residual):
    """Layers and the way around them.

    Args:
        layers: those of f.
        shortcut: s; the identity where there is none.
    """

    def __init__(self, layers: Sequence[nn.Module], shortcut: nn.Conv2d | None = None) -> None:
        super().__init__()
        self.inside = nn.Sequential(*layers)
        self.shortcut = shortcut

    @property
    def residual(self) -> nn.Sequential:
        """f."""
        return self.inside


class Change(Around):
    """x + 2 f(x), where f is a whole generator without its last activation and starts at almost 0.

    A generator that begins as the identity need not learn to keep colours, skies and detail.

    Args:
        layers: those of f; the last one is its last convolution.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__([*layers, Times(2.0)])
        self.restart()

    def restart(self) -> None:
        """Draw the weights of the last convolution of f so small that f is almost 0."""
        last = [layer for layer in self.inside.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][-1]
        nn.init.normal_(last.weight, 0.0, 1e-3)
        if last.bias is not None:
            nn.init.zeros_(last.bias)


class Times(nn.Module):
    """Every value times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.factor * x


class InRange(nn.Module):
    """Clamps results that are shown to [black, 1]; in training it does nothing, or there would be no gradients."""

    def __init__(self, black: float = -1.0) -> None:
        super().__init__()
        self.black = black

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x if self.training else x.clamp(self.black, 1.0)


def blurred_half() -> nn.Module:
    """(N, C, h, w) -> (N, C, ceil(h/2), ceil(w/2)): every second pixel of what (1, 2, 1) / 4 blurs (Zhang 2019)."""
    return nn.Sequential(ReflectionPad(1), nn.AvgPool2d(2, stride=1), nn.AvgPool2d(2))


class ResidualBlock(Residual):
    """x + f(x) with two padded 3x3 convolutions and no activation after the sum (CycleGAN, appendix 7.2)."""

    def __init__(self, channels: int, norm: Norm, dropout: bool, bias: bool, padding: Padding = "reflect") -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            *padded(padding, nn.Conv2d(channels, channels, 3, bias=bias)),
            norm_layer(norm, channels),
            nn.ReLU(inplace=True),
            *([Dropout(0.5)] if dropout else []),
            *padded(padding, nn.Conv2d(channels, channels, 3, bias=bias)),
            norm_layer(norm, channels),
        )

    @property
    def residual(self) -> nn.Sequential:
        """f."""
        return self.conv_block


def normalise_spectrally(network: nn.Module) -> None:
    """Divide the weights of all convolutions that are trained by their largest singular value (Miyato et al. 2018).

    It is estimated by one power iteration in every pass in training mode, whose vectors are buffers.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.requires_grad:
            spectral_norm(layer)


def mixes_pictures(network: nn.Module) -> bool:
    """Whether what a network makes of a picture depends on its batch: by statistics of it, or draws for all of it."""
    kinds = nn.BatchNorm2d | UntrackedBatchNorm | nn.Dropout
    return any(isinstance(layer, kinds) for layer in network.modules())


def together(
    network: nn.Module, *batches: Tensor, run: Callable[[Tensor], Sequence[Any]] | None = None
) -> tuple[Any, ...]:
    """Apply a network to several batches in one pass where that gives the same result, else one after the other.

    Instance normalisation treats images one by one, so they may share a pass. Batch statistics must be kept apart, and
    draws, which are those of one whole batch.

    Args:
        network: maps (N, C, H, W) to a tensor, or to lists of tensors, of as many pictures each.
        batches: (N_i, C, H, W) each.
        run: does so with the network, in place of calling it.

    Returns:
        the outputs, in order.
    """
    run = run or network
    if mixes_pictures(network):
        return tuple(run(batch) for batch in batches)
    return tuple(_split(run(torch.cat(batches)), [len(batch) for batch in batches]))


def _split(output: Tensor | Sequence[Any], sizes: list[int]) -> list[Any]:
    """Return the parts of an output, which may be in lists, that belong to so many pictures each."""
    if isinstance(output, Tensor):
        return list(torch.split(output, sizes))
    return [list(parts) for parts in zip(*(_split(one, sizes) for one in output), strict=True)]
