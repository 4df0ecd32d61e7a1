"""A dataset joined with a method and a schedule: what `translate train` runs."""

from translate.runs.cost_estimate import CostEstimate
from translate.runs.execution import Execution
from translate.runs.prepare import prepare, train
from translate.runs.recipe import Recipe
from translate.runs.run import Run

__all__ = ["CostEstimate", "Execution", "Recipe", "Run", "prepare", "train"]
