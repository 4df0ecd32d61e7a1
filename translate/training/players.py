"""Moving the players of a method: gradients, the non-finite guard, optimisers, and the averaged networks."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from translate.errors import SettingsError
from translate.methods.base import Method
from translate.parallel import mean, mean_detached
from translate.training.loss_scale import LossScale


class Players:
    """The optimisers of a method's players; calling it is the `update` that `Method.step` is given.

    From a loss or a gradient on that is not finite, no player moves until `end_step`. That is decided on the device, so
    nothing waits for a GPU; `skipped` says in how many steps it happened, `failed` and `in_a_row` in how many it was no
    matter of the scale.

    Gradients are those of the whole batch, of which several ranks may hold parts. DistributedDataParallel is of no use
    here: it averages what `backward` leaves in all parameters, but each loss has a gradient for its player only. What
    is not finite on one rank is not finite in the mean, so all ranks skip the same steps.

    Args:
        method: whose players they are.
        parts: into how many parts a batch is split. With one, players move as soon as they are called; with more they
            move in `end_step`, by the mean of the gradients of all parts.
        scale: of the losses; gradients in fp16 need one.
    """

    def __init__(self, method: Method, parts: int = 1, scale: LossScale | None = None) -> None:
        self._parameters = {
            name: [parameter for network in networks for parameter in network.parameters() if parameter.requires_grad]
            for name, networks in method.players().items()
        }
        settings = method.settings
        for name in (*settings.optimisers, *settings.rates):
            if name not in self._parameters:
                raise SettingsError(
                    f"{settings.name} has no player {name!r}. Its players: {', '.join(self._parameters)}."
                )
        chosen = {name: settings.optimisers.get(name, settings.optimiser) for name in self._parameters}
        self._optimisers = {name: chosen[name].build(parameters) for name, parameters in self._parameters.items()}
        self._rates = {name: chosen[name].lr * settings.rates.get(name, 1.0) for name in self._parameters}
        device = next(method.parameters()).device
        self.skipped = torch.zeros((), dtype=torch.long, device=device)
        self.failed = torch.zeros((), dtype=torch.long, device=device)
        self.in_a_row = torch.zeros((), dtype=torch.long, device=device)
        self._parts = parts
        self.moved = torch.ones((), dtype=torch.bool, device=device)  # whether all was finite in the last step
        self._called: dict[str, None] = {}  # who is to move, in this order
        self._finite = torch.ones((), dtype=torch.bool, device=device)  # what they were called with
        self._scale = scale

    def __call__(self, **losses: Tensor) -> None:
        """Take each loss's gradient with respect to its players' parameters only, then move all named players."""
        self._finite &= mean(torch.stack([loss.detach() for loss in losses.values()])).isfinite().all()
        factor = self._scale.value if self._scale else 1.0
        with torch.autocast(self._finite.device.type, enabled=False):
            for names, loss in _by_loss(losses):
                parameters = [parameter for name in names for parameter in self._parameters[name]]
                found = torch.autograd.grad(factor * loss if self._scale else loss, parameters, allow_unused=True)
                used = [
                    (one, gradient) for one, gradient in zip(parameters, found, strict=True) if gradient is not None
                ]
                gradients = mean_detached([gradient for _, gradient in used])
                self._finite &= torch.nn.utils.get_total_norm(gradients).isfinite()
                for (parameter, _), gradient in zip(used, gradients, strict=True):
                    if self._scale or self._parts > 1:
                        gradient = gradient / (factor * self._parts)
                    if parameter.grad is None:
                        parameter.grad = _laid_out_like(parameter, gradient)
                    else:
                        parameter.grad += gradient
        self._called |= dict.fromkeys(losses)
        if self._parts == 1:
            self._move()

    def _move(self) -> None:
        """Move the players that were called since the last time, if all was finite in this step so far."""
        for name in self._called:
            optimiser: Any = self._optimisers[name]
            if optimiser.defaults.get("fused"):
                optimiser.found_inf = (~self._finite).float()  # how these are told to stay where they are
                optimiser.step()
            elif self._finite:  # waits for the device
                optimiser.step()
            optimiser.zero_grad()
        if self._called:
            torch.clear_autocast_cache()  # it holds half-precision copies of the weights as they were
        self._called = {}

    def end_step(self) -> None:
        """Move the players that were called and have not moved, and count whether all was finite in this step."""
        self._move()
        self.skipped += ~self._finite
        counted = self._scale.lowest if self._scale else 1  # an overflow says little while the scale can be lowered
        self.failed += torch.where(self._finite, 0, counted)
        self.in_a_row = torch.where(self._finite, 0, self.in_a_row + counted)
        if self._scale:
            self._scale.update(self._finite)
        self.moved = self._finite
        self._finite = torch.ones_like(self._finite)

    def set_learning_rate(self, factor: float) -> float:
        """Set the learning rates to `factor` times those of the settings, and return that of the first player."""
        for name, optimiser in self._optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = self._rates[name] * factor
        return next(iter(self._rates.values())) * factor

    def state(self) -> dict[str, Any]:
        """Return everything the next step depends on."""
        optimisers = {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()}
        counts = {"skipped": self.skipped, "failed": self.failed, "in_a_row": self.in_a_row}
        state = {"optimisers": optimisers, **counts}
        return {**state, "scale": self._scale.state()} if self._scale else state

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        for name, optimiser in self._optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
            for parameter, held in optimiser.state.items():  # moments may come from a device with another layout
                moments = {key: value for key, value in held.items() if value.shape == parameter.shape}
                held.update({key: _laid_out_like(parameter, value) for key, value in moments.items()})
        self.skipped.copy_(state["skipped"])
        self.in_a_row.copy_(state["in_a_row"])
        if "failed" in state:  # older runs did not count them
            self.failed.copy_(state["failed"])
        if self._scale and "scale" in state:  # it is not where the run went on with another number format
            self._scale.load(state["scale"])


def _by_loss(losses: Mapping[str, Tensor]) -> list[tuple[list[str], Tensor]]:
    """Join the names that are given the same tensor: what they share is computed once."""
    joined: dict[int, tuple[list[str], Tensor]] = {}
    for name, loss in losses.items():
        joined.setdefault(id(loss), ([], loss))[0].append(name)
    return list(joined.values())


def _laid_out_like(parameter: Tensor, values: Tensor) -> Tensor:
    """Give a gradient or a moment the memory layout of its parameter: fused Adam takes for granted that they agree."""
    if values.stride() == parameter.stride():
        return values
    return torch.empty_like(parameter).copy_(values)


class Average:
    """An exponential moving average (Yazici et al. 2019) of the networks in `Method.averaged`.

    The decay after step n is min(limit, (1 + n) / (10 + n)), so the random start is soon forgotten.

    Args:
        method: the method in training.
        shadow: the same method, whose averaged networks become the average; its other networks are not used.
        limit: the decay reached in the end.
    """

    def __init__(self, method: Method, shadow: Method, limit: float) -> None:
        self.method = shadow
        self.networks = nn.ModuleList(shadow.averaged())
        self._source = nn.ModuleList(method.averaged())
        self._limit = limit
        copies = {name: tensor.detach().clone() for name, tensor in self._source.state_dict().items()}
        self.networks.load_state_dict(copies, assign=True)
        shadow.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, n: int) -> None:
        """Take in the networks after step `n`."""
        decay = min(self._limit, (1 + n) / (10 + n))
        take_in = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        take_in([*self.networks.parameters()], [*self._source.parameters()], n)
        for kept, new in zip(self.networks.buffers(), self._source.buffers(), strict=True):
            kept.copy_(new)
