"""From words to a run: settings are resolved, the dataset is found, and both are checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from translate import cards
from translate.cards import DatasetCard
from translate.data.folders import Dataset
from translate.data.known import open_known
from translate.data.layouts import open_domains, open_folder
from translate.devices import Compile, Engine, Precision, engine_to_train
from translate.errors import DataError, Interrupted, SettingsError
from translate.parallel import joined, world
from translate.run_folder import RunFolder
from translate.runs.execution import Execution
from translate.runs.fitting import largest_batch, steps_within
from translate.runs.identity import batch_of_run, steps_of_run
from translate.runs.initialisation import Beginning
from translate.runs.recipe import Recipe
from translate.runs.run import Run
from translate.settings import Tree, is_plain, merge, nearest, read_toml, read_word
from translate.toys.catalogue import open_drawn

PRESETS = Path(__file__).parent / "presets"  # settings that have proved themselves, for `--config NAME`


class Options(TypedDict, total=False):
    """What may be said about a run by name; None leaves a setting as it is."""

    domains: Mapping[str, Path]  # a folder for each domain
    method: str | None  # the name of a method; by default the recipe's, or cyclegan
    out: str | Path | None  # the run's folder; by default `runs/` and the name of the dataset
    steps: int | None  # length of the run in steps
    epochs: int | None  # length of the run in epochs, instead
    seconds: float | None  # length of the run in time, instead: steps are counted once, from the speed of a few
    size: int | None  # side of the training crops, in pixels
    batch: int | Literal["auto"] | None  # pictures of each domain in a step, for each of the ranks that train together
    accumulate: int | None  # parts of a batch that are worked on one after the other, in less memory
    seed: int | None
    device: str  # "auto", "cpu", "cuda", "cuda:1" or "mps"
    precision: Precision | None
    compile: Compile | None  # whether generators are compiled; by default on CUDA GPUs
    deterministic: bool | None  # whether a GPU, too, computes the same bits every time
    nan_policy: Literal["stop", "recover"] | None  # when losses are not finite: stop, or go on at half the rate
    bad: Literal["skip", "error"] | None  # pictures that cannot be read: skip a hundredth and 100 at most, or none
    workers: int  # threads that prepare batches ahead
    grace_s: float | None  # seconds after a signal when the process ends, wherever it is; None: steps are waited for
    begin_from: str | Path | None  # a model whose networks to begin with, instead of random ones
    config: str | Path | None  # a TOML file of settings, or the name of one in `presets/`
    tensorboard: bool  # whether to write for TensorBoard
    words: Sequence[str]  # settings such as "method.lambda_idt=0"


def prepare(data: str | Path | None = None, **options: Unpack[Options]) -> Run:
    """Resolve settings, find the dataset, and check both. Nothing is written.

    Settings are laid over each other: defaults, the card's recipe, the file `config`, `words`, the other options.

    Args:
        data: the name of a card, or a folder. Not needed with `domains`.
        options: see `Options`.

    Raises:
        SettingsError: a setting is wrong, or `out` holds another run.
        DataError: there is no such dataset, or a domain is empty.
        DeviceError: the device is not there.
        WeightsError: there is no such model to begin from, or it has other networks.
        OutputError: `out` is a file.
    """
    domains = options.get("domains")
    card = _card(data, domains)
    config = options.get("config")
    layers = [(f"the file {config}", _read_config(config))] if config else []
    layers += [(f"--set {word}", read_word(word)) for word in options.get("words", ())]
    layers.append(("the command's options", _named(options)))
    said = merge(tree for _, tree in layers)
    advice = _advice(card, said)
    try:
        recipe = Recipe.parse(merge([advice, said]))
    except SettingsError as error:
        raise _with_source(error, [(f"the recipe of {data}", advice), *layers]) from error
    dataset = _dataset(card, data, domains, recipe, exclude=Path(options.get("out") or "runs"))
    dataset = dataset.holding_out(recipe.data.held_out)
    for name in dataset.domains:
        if not is_plain(name):
            raise SettingsError(f"{name!r} cannot be the name of a domain: results are put into folders of such names.")
    for domain, pictures in dataset.train.items():
        if len(pictures) < 2:
            raise DataError(f"Domain {domain} has one picture, which teaches nothing. Add more.")
    recipe = recipe.model_copy(update={"method": recipe.method.for_targets(dataset.targets)})
    folder = RunFolder(options.get("out") or Path("runs") / dataset.name)
    found = engine_to_train(options.get("device", "auto"), recipe.training.precision, recipe.training.compile)
    if options.get("batch") == "auto":
        recipe = _filled(recipe, dataset, folder, found)
    recipe = _for_all_ranks(recipe, folder)
    batch, parts = recipe.training.batch, recipe.training.accumulate
    if batch % (parts * world()):
        raise SettingsError(
            f"A batch of {batch // world()} pictures cannot be split into {parts} equal parts. Change --batch or"
            " --accumulate."
        )
    recipe.method.check(dataset.domains, recipe.data.size, batch // parts)
    if recipe.training.seconds and not recipe.training.steps:
        recipe = _fitted(recipe, recipe.training.seconds, dataset, folder, found)
    beginning = None
    if model := options.get("begin_from"):
        beginning = Beginning.find(model, folder)
        beginning.check(recipe.method, len(dataset.domains))
    execution = Execution(
        options.get("device", "auto"),
        options.get("workers", 0),
        options.get("grace_s"),
        options.get("tensorboard", False),
    )
    return Run(recipe, dataset, folder, found, execution, beginning)


def _read_config(config: str | Path) -> Tree:
    """Read a file of settings, or the one of ours with that name."""
    presets = {path.stem: path for path in PRESETS.glob("*.toml")}
    path = Path(config)
    if not path.exists() and str(config) in presets:
        path = presets[str(config)]
    elif not path.exists():
        raise SettingsError(f"There is no settings file {config}. Name a file, or one of ours: {', '.join(presets)}.")
    return read_toml(path)


def train(data: str | Path | None = None, **options: Unpack[Options]) -> Path:
    """Train, or continue a run, and return the path of its export. What `torchrun` started trains together.

    Args:
        data: the name of a card, or a folder. Not needed with `domains`.
        options: see `Options`.

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


def _card(data: str | Path | None, domains: Mapping[str, Path] | None) -> DatasetCard | None:
    if data is None and not domains:
        raise SettingsError("What should be learned from? Name a dataset, a folder, or two --domain NAME=FOLDER.")
    if data is not None and domains:
        raise SettingsError("Give a dataset or --domain NAME=FOLDER, not both.")
    return cards.dataset(str(data)) if str(data) in cards.names("datasets") else None


def _named(options: Options) -> Tree:
    """Return the settings among the options as a tree."""
    lengths = {key: options.get(key) for key in ("steps", "epochs", "seconds")}
    said = {key: value for key, value in lengths.items() if value is not None}
    if len(said) > 1:
        raise SettingsError("Give one of --steps, --epochs and --time.")
    names = ("batch", "accumulate", "seed", "precision", "compile", "deterministic", "nan_policy")
    training = {key: options.get(key) for key in names}
    if training["batch"] == "auto":
        del training["batch"]
    tree: Tree = {"training": {key: value for key, value in training.items() if value is not None}}
    if said:
        tree["training"] |= {"steps": None, "seconds": None, **said}  # a recipe may have set another
    tree["data"] = {key: value for key in ("size", "bad") if (value := options.get(key)) is not None}
    if options.get("method"):
        tree["method"] = {"name": options["method"]}
    return tree


def _for_all_ranks(recipe: Recipe, folder: RunFolder) -> Recipe:
    """Return the recipe with the batch of all ranks together. The run in `folder` keeps its own, whatever their number.

    Raises:
        SettingsError: as many ranks as there are now cannot share that batch.
    """
    batch, ranks = batch_of_run(folder) or (0, world())
    if recipe.training.batch * ranks != batch:  # no such run, or another number of ranks, and of pictures for each
        batch = recipe.training.batch * world()
    if batch % world():
        raise SettingsError(
            f"The run in {folder} has a batch of {batch} pictures, which {world()} processes cannot share equally."
            " Continue it with a number of processes that divides it."
        )
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"batch": batch})})


def _with_source(error: SettingsError, layers: Sequence[tuple[str, Tree]]) -> SettingsError:
    """Add to a refusal where its key came from: the last of the layers that has it."""
    for source, tree in reversed(layers):
        if error.key and _holds(tree, error.key.split(".")):
            return SettingsError(f"{error} It comes from {source}.", error.key)
    return error


def _holds(tree: object, path: Sequence[str]) -> bool:
    return not path or (isinstance(tree, dict) and path[0] in tree and _holds(tree[path[0]], path[1:]))


def _fitted(recipe: Recipe, seconds: float, dataset: Dataset, folder: RunFolder, engine: Engine) -> Recipe:
    """Return the recipe with the steps that fit into `seconds`; those of the run in `folder` if there is one."""
    steps = steps_of_run(folder) or steps_within(recipe, dataset, engine, seconds)
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"steps": steps})})


def _filled(recipe: Recipe, dataset: Dataset, folder: RunFolder, engine: Engine) -> Recipe:
    """Return the recipe with the largest batch of a rank that fits into memory; or as the run in `folder` began."""
    batch, ranks = batch_of_run(folder) or (largest_batch(recipe, dataset, engine), 1)
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"batch": batch // ranks})})


def _advice(card: DatasetCard | None, said: Tree) -> Tree:
    """Return the card's recipe; of its method only the name, if the user chose another one."""
    advice = merge([{"method": {"name": "cyclegan"}}, card.recipe if card else {}])
    method = said.get("method")
    chosen = method.get("name") if isinstance(method, dict) else None
    return advice if chosen in (None, advice["method"]["name"]) else {**advice, "method": {"name": chosen}}


def _dataset(
    card: DatasetCard | None,
    data: str | Path | None,
    domains: Mapping[str, Path] | None,
    recipe: Recipe,
    exclude: Path,
) -> Dataset:
    if domains:
        return open_domains(domains, exclude)
    if card and card.drawn:
        return open_drawn(card, recipe.data.load_size, recipe.data.attributes)
    if card:
        return open_known(card, exclude, recipe.data.attributes)
    folder = Path(str(data))
    if not folder.exists() and folder.name == str(data):
        known = cards.names("datasets")
        raise DataError(
            f"{data} is neither a folder nor a known dataset.{nearest(folder.name, known)} Known: {', '.join(known)}."
        )
    return open_folder(folder, exclude, recipe.data.attributes)
