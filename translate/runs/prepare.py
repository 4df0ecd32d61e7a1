"""From words to a run: settings are resolved, the dataset is found, and both are checked."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from translate import cards
from translate.cards import DatasetCard
from translate.data.augmentation import TARGET
from translate.data.batches import batches_for
from translate.data.collection import ALL, one_collection, open_collection
from translate.data.damage import damage
from translate.data.folders import Dataset
from translate.data.known import open_known
from translate.data.layouts import open_domains, open_folder, open_single
from translate.data.made import make_pairs
from translate.data.pairs import open_pairs, pair_up
from translate.devices import Engine, engine_to_train
from translate.errors import DataError, Interrupted, SettingsError
from translate.parallel import joined, world
from translate.places import is_remote
from translate.run_folder import RunFolder
from translate.runs.execution import Execution
from translate.runs.fitting import largest_batch, steps_within
from translate.runs.identity import batch_of_run, more_of_run, steps_of_run
from translate.runs.initialisation import PretrainedStart
from translate.runs.options import AUTO, OPTIONS, resolve
from translate.runs.recipe import Recipe
from translate.runs.run import Run
from translate.settings import is_plain, nearest
from translate.toys.catalogue import open_drawn


def prepare(
    data: str | Path | None = None,
    *,
    domains: Mapping[str, Path] | None = None,
    out: str | Path | None = None,
    begin_from: str | Path | None = None,
    config: str | Path | None = None,
    words: Sequence[str] = (),
    **options: Any,
) -> Run:
    """Resolve settings, find the dataset, and check both. Nothing is written.

    Args:
        data: the name of a card, or a folder. Not needed with `domains`.
        domains: a folder for each domain.
        out: the run's folder; by default `runs/` and the name of the dataset.
        begin_from: a model whose networks to begin with, instead of random ones.
        config: a TOML file of settings, or the name of one in `presets/`.
        words: settings such as "method.lambda_idt=0", which lie over those of `config`.
        options: settings by their short names in `OPTIONS`, which lie over `words`; and the fields of `Execution`.

    Raises:
        SettingsError: a setting is wrong, or `out` holds another run.
        DataError: there is no such dataset, or a domain is empty.
        DeviceError: the device is not there.
        WeightsError: there is no such model to begin from, or it has other networks.
        OutputError: `out` is a file.
    """
    execution = _execution(options)
    card = _card(data, domains)
    recipe = resolve(card, config, words, options)
    dataset = _dataset(card, data, domains, recipe, exclude=Path(out or "runs")).read_with(recipe.data.reading)
    if recipe.data.made:
        dataset = make_pairs(dataset, recipe.data.made)
    dataset = _wanted(dataset.holding_out(recipe.data.held_out), recipe)
    _refuse_unusable(dataset)
    batches_for(recipe.method.batches, dataset)
    recipe = _magnified(recipe, dataset)
    scale = damage(recipe.data.made).scale if recipe.data.made else recipe.method.scale
    method = recipe.method.for_targets(dataset.targets).for_crops(recipe.data.size, scale)
    recipe = recipe.model_copy(update={"method": method})
    folder = RunFolder(out or Path("runs") / dataset.name)
    engine = engine_to_train(execution.device, recipe.training.precision, recipe.training.compile)
    fitted = options.get("batch") == AUTO
    recipe = recipe.with_training(batch=_whole_batch(recipe, dataset, folder, engine, fitted))
    _check_batch(recipe, dataset)
    if recipe.training.seconds and not recipe.training.steps:
        steps = steps_of_run(folder) or steps_within(recipe, dataset, engine, recipe.training.seconds)
        recipe = recipe.with_training(steps=steps)
    recipe = recipe.with_training(more=_steps_added(recipe, folder))
    if recipe.training.steps:
        recipe.method.check_length(recipe.training.steps)
    pretrained = None
    if begin_from:
        pretrained = PretrainedStart.find(begin_from, folder)
        pretrained.check(recipe.method, len(dataset.domains))
    return Run(recipe, dataset, folder, engine, execution, pretrained)


def train(data: str | Path | None = None, **options: Any) -> Path:
    """Train, or continue a run, and return the path of its export. What `torchrun` started trains together.

    Args:
        data: the name of a card, or a folder. Not needed with `domains`.
        options: as for `prepare`.

    Raises:
        TranslateError: as `prepare` and `Run.start` do.
        Interrupted: a signal stopped the run; everything is saved.
        ProcessLost: another process that trains with this one has ended.
    """
    with joined():
        run = prepare(data, **options)
        if not run.finished:
            for _ in run.start():
                pass
    if run.interrupted is not None:
        raise Interrupted(f"The run in {run.out} was stopped and is saved; call train again to continue it.")
    return run.folder.export


def _execution(options: Mapping[str, Any]) -> Execution:
    """Take how the run is carried out from the options, and refuse what is neither that nor a setting."""
    names = [field.name for field in fields(Execution)]
    for name in options:
        if name not in (*OPTIONS, *names):
            raise SettingsError(f"There is no option {name}.{nearest(name, [*OPTIONS, *names])}")
    return Execution(**{name: options[name] for name in names if name in options})


def _card(data: str | Path | None, domains: Mapping[str, Path] | None) -> DatasetCard | None:
    if data is None and not domains:
        raise SettingsError("What should be learned from? Name a dataset, a folder, or two --domain NAME=FOLDER.")
    if data is not None and domains:
        raise SettingsError("Give a dataset or --domain NAME=FOLDER, not both.")
    return cards.dataset(str(data)) if str(data) in cards.names("datasets") else None


def _wanted(dataset: Dataset, recipe: Recipe) -> Dataset:
    """Return the part of a dataset that the method is to learn from.

    Raises:
        DataError, SettingsError: as `one_collection`; or the method learns from several domains at once.
    """
    method, only = recipe.method, recipe.data.only
    if recipe.data.labels_each and not (method.draws and method.labelled):
        raise SettingsError(
            f"data.labels_each is for methods that draw by labels; {method.name} does not. Leave it out."
        )
    if method.draws and not method.labelled:
        return one_collection(dataset, only, method.name)
    if only not in (None, ALL):
        raise SettingsError(f"data.only={only} names one domain, and {method.name} learns from several. Leave it out.")
    return dataset


def _refuse_unusable(dataset: Dataset) -> None:
    for name in dataset.domains:
        if not is_plain(name):
            raise SettingsError(f"{name!r} cannot be the name of a domain: results are put into folders of such names.")
    for domain, pictures in dataset.train.items():
        if len(pictures) < 2:
            raise DataError(f"Domain {domain} has one picture, which teaches nothing. Add more.")


def _magnified(recipe: Recipe, dataset: Dataset) -> Recipe:
    """Return the recipe with the name of the domain that `data.magnify` calls the target.

    Raises:
        SettingsError: a domain that shall be magnified is not there, or belongs to pairs.
    """
    magnify = dict(recipe.data.magnify)
    if not magnify:
        return recipe
    if recipe.method.batches == "paired":
        raise SettingsError("Both pictures of a pair are loaded at one size. Leave out data.magnify.", "data.magnify")
    if TARGET in magnify and TARGET not in dataset.train:
        magnify.setdefault(recipe.method.target_of(dataset.targets), magnify.pop(TARGET))
    for domain in magnify:
        if domain not in dataset.train:
            raise SettingsError(
                f"There is no domain {domain!r} to be magnified.{nearest(domain, dataset.train)} The domains:"
                f" {', '.join(dataset.train)}.",
                "data.magnify",
            )
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"magnify": magnify})})


def _whole_batch(recipe: Recipe, dataset: Dataset, folder: RunFolder, engine: Engine, fitted: bool) -> int:
    """Return the batch of all ranks together; settings say that of each, or it is fitted into its memory.

    The run in `folder` keeps its own, whatever the number of ranks.

    Raises:
        SettingsError: as many ranks as there are now cannot share that batch.
    """
    before, ranks = batch_of_run(folder) or (0, 1)
    each = recipe.training.batch
    if fitted:
        each = before // ranks or largest_batch(recipe, dataset, engine)
    whole = before if each * ranks == before else each * world()
    if whole % world():
        raise SettingsError(
            f"The run in {folder} has a batch of {whole} pictures, which {world()} processes cannot share equally."
            " Continue it with a number of processes that divides it."
        )
    return whole


def _steps_added(recipe: Recipe, folder: RunFolder) -> int:
    """Return by how many steps the run is longer than first planned: as the settings say, or as that in `folder` is.

    Raises:
        SettingsError: there is no run to lengthen, or none that has a checkpoint to go on from.
    """
    before, more = more_of_run(folder), recipe.training.more
    if more > (before or 0) and not any(folder.checkpoints.glob("[0-9]*")):
        found = "has no checkpoint to go on from" if folder.export.exists() else "is no run"
        raise SettingsError(
            f"--more lengthens a run by steps, and {folder} {found}. Say with --steps how long a new one is; with"
            " --from it begins with the networks of another."
        )
    return more or before or 0


def _check_batch(recipe: Recipe, dataset: Dataset) -> None:
    batch, parts = recipe.training.batch, recipe.training.accumulate
    if batch % (parts * world()):
        raise SettingsError(
            f"A batch of {batch // world()} pictures cannot be split into {parts} equal parts. Change --batch or"
            " --accumulate."
        )
    recipe.method.check(dataset.domains, recipe.data.size, batch // parts)


def _dataset(
    card: DatasetCard | None,
    data: str | Path | None,
    domains: Mapping[str, Path] | None,
    recipe: Recipe,
    exclude: Path,
) -> Dataset:
    for place in (data or "", *(domains or {}).values()):
        if is_remote(place):
            raise SettingsError(
                f"Training reads pictures many times, from this machine. Bring {place} here: translate data fetch"
                f" {place}"
            )
    paired = recipe.method.batches == "paired" and not recipe.data.made
    if recipe.data.made and (domains or recipe.method.batches != "paired"):
        raise SettingsError(
            "The setting data.made makes pairs of one folder of pictures, for a method that learns from pairs. Name the"
            " folder, and --method pix2pix."
        )
    if domains:
        found = open_domains(domains, exclude, 1 if recipe.method.draws else 2)
        return pair_up(found) if paired else found
    if card and card.drawn:
        return open_drawn(card, recipe.data.load_size, recipe.data.attributes, paired)
    if card:
        found = open_known(card, exclude, recipe.data.attributes)
        return pair_up(found) if paired else found
    folder = Path(str(data))
    if not folder.exists() and folder.name == str(data):
        known = cards.names("datasets")
        raise DataError(
            f"{data} is neither a folder nor a known dataset.{nearest(folder.name, known)} Known: {', '.join(known)}."
        )
    if recipe.data.made:
        return open_single(folder, "pictures", exclude)
    if paired:
        return open_pairs(folder, exclude, recipe.data.pairs)
    if recipe.method.draws and recipe.data.attributes is None:
        return open_collection(folder, exclude)
    return open_folder(folder, exclude, recipe.data.attributes)
