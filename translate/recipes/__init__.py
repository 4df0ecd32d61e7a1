"""A dataset joined with a method and a schedule: what `translate train` runs."""

from translate.recipes.prepare import Options, prepare, train
from translate.recipes.recipe import Recipe
from translate.recipes.run import Prospect, Run

__all__ = ["Options", "Prospect", "Recipe", "Run", "prepare", "train"]
