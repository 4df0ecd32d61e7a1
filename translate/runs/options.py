"""Everything that may be said about a run becomes its recipe, one layer over the other.

From the lowest: defaults, the recipe of the dataset's card, a file of settings, words such as "method.lambda_idt=0",
and options, which are settings under a short name.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from translate.cards import DatasetCard
from translate.errors import SettingsError
from translate.methods.base import available, settings_class
from translate.runs.recipe import Recipe
from translate.settings import Tree, flat, merge, read_toml, read_word

PRESETS = Path(__file__).parent / "presets"  # settings that have proved themselves, for `--config NAME`

OPTIONS = {  # which setting an option is; None leaves it as it is
    "method": "method.name",
    "steps": "training.steps",  # length of the run
    "epochs": "training.epochs",  # length of the run, instead
    "seconds": "training.seconds",  # length of the run, instead: steps are counted once, from the speed of a few
    "more": "training.more",  # steps by which a run that is there is made longer than it was first planned
    "size": "data.size",  # side of the training crops, in pixels
    "batch": "training.batch",  # pictures of each domain in a step, for each of the ranks that train together; or AUTO
    "accumulate": "training.accumulate",  # parts of a batch that are worked on one after the other, in less memory
    "seed": "training.seed",
    "precision": "training.precision",
    "compile": "training.compile",  # whether generators are compiled; by default on CUDA GPUs
    "deterministic": "training.deterministic",  # whether a GPU, too, computes the same bits every time
    "nan_policy": "training.nan_policy",  # when losses are not finite: stop, or go on at half the rate
    "max_pixels": "data.max_pixels",  # of a picture, at most
    "bad": "data.bad",  # pictures that cannot be read: skip a hundredth and 100 at most, or stop at the first
}
LENGTHS = ("steps", "epochs", "seconds")  # only one of which is given
AUTO = "auto"  # as a batch: what fits into memory


def resolve(
    card: DatasetCard | None, config: str | Path | None, words: Sequence[str], options: Mapping[str, Any]
) -> Recipe:
    """Lay settings over each other and check them.

    Args:
        card: of the dataset, if it has one.
        config: a TOML file of settings, or the name of one in `presets/`.
        words: settings such as "method.lambda_idt=0".
        options: by the names in `OPTIONS`.

    Raises:
        SettingsError: a setting is wrong; the sentence says where it came from.
    """
    layers = [(f"--set {word}", read_word(word)) for word in words]
    layers.append(("the command's options", _tree(options)))
    said = merge(tree for _, tree in layers)  # in any order: a kind, and what belongs to it
    preset = _preset(config, _method_in(said))
    file = _read(preset or Path(config)) if config else {}
    given = merge([file, said])
    layers.insert(0, (f"the file {config}", file))
    advice = _advice(card, given, preset is not None)
    try:
        recipe = Recipe.parse(merge([advice, given]))
        _check_critics(recipe, said)
        return recipe
    except SettingsError as error:
        name = card.name if card else "no dataset"
        told = _with_full_key(error, given, _method_in(merge([advice, given])))
        raise _with_source(told, [(f"the recipe of {name}", advice), *layers]) from error


def _check_critics(recipe: Recipe, said: Tree) -> None:
    """Refuse an objective where there are several critics, each of which has its own. Raises `SettingsError`."""
    judge = getattr(recipe.method, "discriminator", None)
    if getattr(judge, "kind", "") == "several" and "objective" in (said.get("method") or {}):
        raise SettingsError(
            "Each of several critics has an objective of its own, in method.discriminator.critics, so method.objective"
            " would change nothing. Leave it out, or choose one critic with method.discriminator.kind.",
            "method.objective",
        )


def _preset(config: str | Path | None, method: str | None) -> Path | None:
    """Return the file of ours that `config` is the name of; None where it is a file of the user, or nothing.

    NAME-METHOD.toml is what NAME is for a method that it has no settings for itself.
    """
    if config is None or Path(config).exists():
        return None
    presets = _presets()
    if str(config) not in presets:
        raise SettingsError(f"There is no settings file {config}. Name a file, or one of ours: {', '.join(presets)}.")
    own = _method_in(_read(presets[str(config)]))
    if method in (None, own):
        return presets[str(config)]
    if other := presets.get(f"{config}-{method}"):
        return other
    methods = [str(own), *(name.removeprefix(f"{config}-") for name in presets if name.startswith(f"{config}-"))]
    known = " and ".join([*([", ".join(methods[:-1])] if methods[1:] else []), methods[-1]])
    raise SettingsError(f"The settings {config} are for {known}, not for {method}. Leave out --config, or --method.")


def _presets() -> dict[str, Path]:
    return {path.stem: path for path in sorted(PRESETS.glob("*.toml"))}


def _read(path: Path) -> Tree:
    """Read a file of settings, laid over those of ours that it `extends`, whatever files of that name there are."""
    tree, presets = read_toml(path), _presets()
    if "extends" not in tree:
        return tree
    name = tree.pop("extends")
    if str(name) not in presets:
        raise SettingsError(f"{path} extends {name!r}, which are no settings of ours. Ours: {', '.join(presets)}.")
    return merge([_read(presets[name]), tree])


def _method_in(tree: Tree) -> str | None:
    method = tree.get("method")
    return method.get("name") if isinstance(method, dict) else None


def _tree(options: Mapping[str, Any]) -> Tree:
    """Return the options that were given as a tree of settings."""
    given = {name: options[name] for name in OPTIONS if options.get(name) is not None}
    if given.get("batch") == AUTO:
        del given["batch"]
    lengths = [name for name in LENGTHS if name in given]
    if len(lengths) > 1:
        raise SettingsError("Give one of --steps, --epochs and --time.")
    tree: Tree = {"training": {}, "data": {}}
    if lengths:
        tree["training"] = {"steps": None, "seconds": None}  # a recipe may have set another
    for name, value in given.items():
        part, key = OPTIONS[name].split(".")
        tree.setdefault(part, {})[key] = value
    return tree


def _advice(card: DatasetCard | None, given: Tree, whole: bool) -> Tree:
    """Return the card's recipe; of its method only the name, if another one is `given`, or if that is a `whole` one."""
    advice = merge([{"method": {"name": "cyclegan"}}, card.recipe if card else {}])
    chosen = _method_in(given) or str(advice["method"]["name"])
    if chosen != advice["method"]["name"] or whole:
        own = card.methods.get(chosen, {}) if card and not whole else {}
        advice = {**advice, "method": {"name": chosen, **own}}
    if chosen not in available():
        return advice
    known, said = settings_class(chosen), given.get("method") or {}
    if any(said.get(key) in words for key, words in known.brings_rates.items()):
        advice["method"] = {key: value for key, value in advice["method"].items() if key != "optimiser"}
    return merge([known.advice, advice])


def _with_full_key(error: SettingsError, given: Tree, method: str | None) -> SettingsError:
    """Name the setting that was meant where the beginning of its key was left out, such as `method.`."""
    begin = error.key.split(".")[0]
    if begin in Recipe.model_fields or begin not in given:
        return error
    try:
        known = flat(json.loads(Recipe.parse({"method": {"name": method}}).to_json()))
    except SettingsError:  # there is no such method
        return error
    for key in flat({begin: given[begin]}):
        ends = {".".join(full.split(".")[-1 - key.count(".") :]): full for full in reversed(list(known))}
        close = difflib.get_close_matches(key, ends, n=1, cutoff=0.75)
        if close:
            return SettingsError(f"Unknown setting {key}. Did you mean {ends[close[0]]}?", error.key)
    return error


def _with_source(error: SettingsError, layers: Sequence[tuple[str, Tree]]) -> SettingsError:
    """Add to a refusal where its key came from: the last of the layers that has it."""
    for source, tree in reversed(layers):
        if error.key and _holds(tree, error.key.split(".")):
            return SettingsError(f"{error} It comes from {source}.", error.key)
    return error


def _holds(tree: object, path: Sequence[str]) -> bool:
    return not path or (isinstance(tree, dict) and path[0] in tree and _holds(tree[path[0]], path[1:]))
