"""A generator and a discriminator of points, and how they learn from each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from translate.exercises.points import Mixture, Points, noise
from translate.noise.discriminators import MinibatchDiscrimination
from translate.objectives import OBJECTIVES, AnyObjectiveName, gradient_penalty
from translate.schedules import Linear

WIDTH = 128  # of the two hidden layers of each network
KERNELS = 8  # of minibatch discrimination
BATCH = 128
LAMBDA_GP, N_CRITIC = 0.1, 5  # of critics: those of WGAN-GP's own code for points
CLIP = 0.1  # of WGAN: 0.01 learns too slowly to be watched
DECAY = Linear()  # of the rates
AVERAGE = 0.99  # of the generator whose points are shown


@dataclass(frozen=True)
class Exercise:
    """What is trained.

    Attributes:
        mixture: what is to be drawn.
        objective: what the players minimise.
        minibatch: whether D compares the points of a batch.
        steps: of G.
        seed: of everything.
    """

    mixture: Mixture
    objective: AnyObjectiveName = "vanilla"
    minibatch: bool = False
    steps: int = 3000
    seed: int = 0


@dataclass(frozen=True)
class State:
    """How it stands after `step` steps, until the next state is asked for: networks move on.

    Attributes:
        step: of G.
        L_D: what D minimises.
        L_G: what G minimises.
        G: the average of the generator so far.
        D: the discriminator, which gives scores.
    """

    step: int
    L_D: float
    L_G: float
    G: nn.Module
    D: nn.Module

    @torch.no_grad()
    def drawn(self, count: int, dimensions: int) -> Points:
        """Draw (count, dimensions) of always the same noise."""
        z = noise(count, dimensions, torch.Generator().manual_seed(1))
        drawn: Points = self.G(z).double().numpy()
        return drawn


class Judge(nn.Module):
    """Two hidden layers and a score, to which minibatch discrimination adds a part."""

    def __init__(self, dimensions: int, minibatch: bool) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(dimensions, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
        self.score = nn.Linear(WIDTH, 1)
        self.minibatch = MinibatchDiscrimination(WIDTH, KERNELS) if minibatch else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, dimensions) -> (N, 1), unbounded."""
        f = self.hidden(x)
        scores: Tensor = self.score(f)
        return scores if self.minibatch is None else scores + self.minibatch(f)


def train(exercise: Exercise, every: int) -> Iterator[State]:
    """Train, and say how it stands before the first step and after each `every` steps.

    The rates fall linearly in the second half: at full rate the players circle around where they would settle.
    """
    torch.manual_seed(exercise.seed)
    random = torch.Generator().manual_seed(exercise.seed)
    mixture, objective = exercise.mixture, OBJECTIVES[exercise.objective]
    d = mixture.dimensions
    G = nn.Sequential(nn.Linear(d, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, d))
    D = Judge(d, exercise.minibatch)
    average = AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))  # type: ignore[no-untyped-call]
    movers = move_G, move_D = [_mover(network, objective.bound) for network in (G, D)]
    rates = [LambdaLR(mover, lambda done: DECAY.factor(done + 1, exercise.steps)) for mover in movers]
    yield State(0, float("nan"), float("nan"), average, D)
    for step in range(1, exercise.steps + 1):
        for _ in range(N_CRITIC if objective.bound else 1):
            x, g = mixture.draw(BATCH, random), G(noise(BATCH, d, random)).detach()
            L_D = objective.d(D(x), D(g))
            if objective.bound == "penalty":
                L_D = L_D + LAMBDA_GP * gradient_penalty(D, x, g)
            move_D.zero_grad()
            torch.autograd.backward(L_D)
            move_D.step()
            if objective.bound == "clip":
                with torch.no_grad():
                    for parameter in D.parameters():
                        parameter.clamp_(-CLIP, CLIP)
        L_G = objective.g(D(G(noise(BATCH, d, random))))
        move_G.zero_grad()
        torch.autograd.backward(L_G)
        move_G.step()
        average.update_parameters(G)
        for rate in rates:
            rate.step()
        if step % every == 0 or step == exercise.steps:
            yield State(step, float(L_D.detach()), float(L_G.detach()), average, D)


def _mover(network: nn.Module, bound: str) -> torch.optim.Optimizer:
    if bound == "clip":
        return torch.optim.RMSprop(network.parameters(), 5e-4)
    return torch.optim.Adam(network.parameters(), 1e-3, (0.5, 0.9 if bound else 0.999))
