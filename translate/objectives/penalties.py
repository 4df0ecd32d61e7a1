"""What holds a player back: bounds on the gradient of a critic, and on how far parameters wander."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from translate.objectives.precision import wide
from translate.parallel import rand_for


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E (||grad D(x_hat)||_2 - 1)^2, Gulrajani et al. 2017, Eq. 3, in fp32 or wider.

    x_hat lies between a real and a generated picture, at a place drawn for each pair from torch's global CPU generator.
    The gradient is that of the sum over the score map.

    Args:
        critic: D, maps (N, C, H, W) to scores (N, ...).
        real: (N, C, H, W), or of any other shape.
        fake: the same shape.
    """
    real, fake = wide(real), wide(fake)
    alpha = rand_for(real, *(1 for _ in real.shape[1:]))
    x_hat = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    with torch.autocast(real.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norms - 1).square().mean()


class HistoricalAverage(nn.Module):
    """||theta - (1/t) sum_i theta_i||^2 over the past of parameters, Salimans et al. 2016, section 3.3.

    The mean is a buffer; like the paper's it includes the present parameters, through which no gradient flows into it.

    Args:
        parameters: those that are to stay near their mean.
    """

    t: Tensor

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        super().__init__()
        self._parameters_seen = list(parameters)
        self.register_buffer("t", torch.zeros((), dtype=torch.long))
        for number, parameter in enumerate(self._parameters_seen):
            self.register_buffer(f"mean_{number}", torch.zeros_like(parameter, requires_grad=False))

    def forward(self) -> Tensor:
        """Take the present parameters into the mean, and return the penalty."""
        self.t += 1
        terms: list[Tensor] = []
        for parameter, average in zip(self._parameters_seen, [*self.buffers()][1:], strict=True):
            with torch.no_grad():
                average += (parameter - average) / self.t
            terms.append((parameter - average).square().sum())
        return torch.stack(terms).sum()
