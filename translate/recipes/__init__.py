"""A dataset joined with a method and a schedule: what `translate train` runs."""

from translate.recipes.prepare import Options, prepare, train
from translate.recipes.prospect import Prospect
from translate.recipes.recipe import Recipe
from translate.recipes.run import Run

__all__ = ["Options", "Prospect", "Recipe", "Run", "prepare", "train"]
