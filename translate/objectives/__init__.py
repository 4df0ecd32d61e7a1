"""What players minimise: adversarial objectives, penalties and distances."""

from translate.objectives.adversarial import (
    CHANCE,
    OBJECTIVES,
    WGAN,
    AnyObjectiveName,
    CriticName,
    Objective,
    ObjectiveName,
    Scores,
    joint,
    lsgan_d,
    lsgan_g,
    vanilla_d,
    vanilla_g,
    wgan_accuracy,
    wgan_d,
    wgan_g,
)
from translate.objectives.distances import batch_feature_matching, gated_total_variation, l1, mse
from translate.objectives.penalties import HistoricalAverage, gradient_penalty

__all__ = [
    "CHANCE",
    "OBJECTIVES",
    "WGAN",
    "AnyObjectiveName",
    "CriticName",
    "HistoricalAverage",
    "Objective",
    "ObjectiveName",
    "Scores",
    "batch_feature_matching",
    "gated_total_variation",
    "gradient_penalty",
    "joint",
    "l1",
    "lsgan_d",
    "lsgan_g",
    "mse",
    "vanilla_d",
    "vanilla_g",
    "wgan_accuracy",
    "wgan_d",
    "wgan_g",
]
