"""What a run is made with, as `settings.json` in its folder says, and whether a command may continue it."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from translate.data.folders import Dataset, fingerprints
from translate.errors import SettingsError
from translate.files import write_text
from translate.networks.memoryless import without_memory
from translate.parallel import world
from translate.run_folder import RunFolder
from translate.runs.frozen_features import frozen_hashes
from translate.runs.recipe import Recipe
from translate.settings import differences

# Settings that cannot change the result; a run may continue with other ones.
_FREE = frozenset(
    {"ranks", "data.bad", "training.nan_policy"}
    | {f"training.{key}" for key in ("log_every", "sample_every", "checkpoint_every", "keep", "milestone_every")}
)


def identity_of(recipe: Recipe, dataset: Dataset, folder: RunFolder, model: Mapping[str, str] | None) -> dict[str, Any]:
    """Return everything that decides what a run in `folder` computes.

    Args:
        recipe: its settings.
        dataset: its pictures.
        folder: the folder of the run, which may have begun with another number of ranks.
        model: the name and SHA-256 of the model it begins from.

    Raises:
        WeightsError: the features that its critics see with are not here.
    """
    with without_memory():
        features = frozen_hashes(recipe.method.build(dataset.domains, recipe.data.size))
    return {
        **json.loads(recipe.to_json()),
        "dataset": {
            "name": dataset.name,
            "target": dataset.target,
            "domains": dataset.fingerprint(),
            "held_out": fingerprints(dataset.held_out),
        },
        "ranks": (batch_of_run(folder) or (0, world()))[1],  # when the run began
        "from": model,
        **({"features": features} if features else {}),
    }


def write_identity(folder: RunFolder, identity: Mapping[str, Any]) -> None:
    """Write what the run in `folder` is made with."""
    write_text(folder.settings, json.dumps(identity, indent=2) + "\n")


def refuse_another_run(folder: RunFolder, identity: Mapping[str, Any]) -> None:
    """Refuse to continue the run in `folder`, if there is one, with what would change its result.

    Raises:
        SettingsError: something differs, which is listed; or the file is damaged.
    """
    path = folder.settings
    if not path.exists():
        return
    try:
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(f"{path} is damaged: {error}. Restore it, or choose another --out.") from error
    changed = differences(_filled(before), identity)
    found = {key: values for key, values in changed.items() if key not in _FREE and not _lengthens(key, *values)}
    if [key for key in found if key.startswith("dataset.")] == ["dataset.name"]:  # equal pictures elsewhere
        del found["dataset.name"]
    if found:
        changes = "; ".join(f"{key} was {was!r:.80}, now {now!r:.80}" for key, (was, now) in found.items())
        raise SettingsError(
            f"{folder} holds a run with other settings: {changes}."
            f" Repeat its command to continue it, or choose another --out.{_longer(found)}"
            f"{_grown(found, folder)}"
        )


def steps_of_run(folder: RunFolder) -> int | None:
    """Return the length of the run in `folder`, if there is one and its settings can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        steps: int | None = _read(folder)["training"]["steps"]
        return steps
    return None


def batch_of_run(folder: RunFolder) -> tuple[int, int] | None:
    """Return the batch of the run in `folder`, of all ranks together, and with how many ranks it began."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        identity = _read(folder)
        return identity["training"]["batch"], identity.get("ranks", 1)  # of which older runs knew one
    return None


def more_of_run(folder: RunFolder) -> int | None:
    """Return by how many steps the run in `folder`, if there is one, was lengthened."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        more: int = _read(folder)["training"].get("more", 0)  # older runs could not be
        return more
    return None


def model_of_run(folder: RunFolder) -> dict[str, str] | None:
    """Return the name and SHA-256 of the model that the run in `folder` began from."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        model: dict[str, str] | None = _read(folder)["from"]
        return model
    return None


def _longer(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Say how a run is made longer, to whom tried it with another length."""
    for key, say in (("training.steps", lambda more: more), ("training.epochs", lambda _: "STEPS")):
        was, now = changed.get(key, (None, None))
        if isinstance(was, int) and isinstance(now, int) and now > was:
            return f" To make it longer, repeat its command with --more {say(now - was)}."
    return ""


def _grown(changed: Mapping[str, tuple[Any, Any]], folder: RunFolder) -> str:
    """Say how a run goes on with other pictures, to whom has added or removed some."""
    if not all(key.startswith(("dataset.name", "dataset.domains", "dataset.held_out")) for key in changed):
        return ""
    return f" To go on with these pictures from what it has learned, begin another run: --from {folder} --out FOLDER."


def _lengthens(key: str, was: Any, now: Any) -> bool:
    """Whether a changed setting makes a run longer than it was, which leaves the steps before as they are."""
    return key == "training.more" and now > was


def _read(folder: RunFolder) -> Any:
    return json.loads(folder.settings.read_text(encoding="utf-8"))


def _filled(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings that are newer than a run their defaults: that is what it was made with."""
    filled = {"ranks": 1, **identity}
    with contextlib.suppress(KeyError, SettingsError):  # then what differs is shown as it stands there
        recipe = Recipe.parse({layer: identity[layer] for layer in ("method", "data", "training")})
        filled |= json.loads(recipe.to_json())
    return filled
