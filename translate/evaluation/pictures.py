"""What a model is measured on: a dataset with its domains, and of it the pictures that are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from translate import cards
from translate.data import celeba
from translate.data.folders import Dataset, Pictures, Reading, Split, fingerprints
from translate.data.known import open_known
from translate.data.layouts import open_folder, open_single
from translate.data.made import make_pairs
from translate.data.pairs import open_pairs, pair_up
from translate.errors import DataError, SettingsError
from translate.images import LIMITS
from translate.methods.base import settings_class
from translate.metrics.features import refuse_too_few
from translate.models.about import About
from translate.toys.catalogue import open_drawn
from translate.toys.drawn import Drawn

SIDE = 256  # pixels of drawn pictures for models that were trained on others


def open_data(
    data: str | Path | Dataset, about: About, size: int | None = None, max_pixels: int | None = None
) -> Dataset:
    """Open a dataset and give its domains the model's names, in order, where it has none of its own.

    What the model's run held out of these training pictures is held out here, too.

    Args:
        data: the name of a card, a folder, or the dataset.
        about: the model.
        size: pixels of pictures that are drawn; by default those of training for a model that was trained on this
            dataset, 256 for others, which were trained on photos.
        max_pixels: of a picture that is a file; by default as many as in training. What stands behind transparency is
            also as in training.

    Raises:
        SettingsError: its domains or attributes are not those of the model, or there is a size and it is not drawn.
        DataError: there is no such dataset.
    """
    word, wanted = str(data), None if about.targets.are_sets else about.domains
    if isinstance(data, Dataset):
        dataset = data
    elif word in cards.names("datasets"):
        card = cards.dataset(word)
        side = size or (about.size if about.data == card.name else SIDE)
        pairs = _learns_from_pairs(about)
        dataset = open_drawn(card, side, wanted, pairs) if card.drawn else open_known(card, attributes=wanted)
    elif wanted and Path(data).is_dir() and not (Path(data) / celeba.LIST).is_file():
        raise SettingsError(
            f"The model changes the attributes {', '.join(wanted)}; {data} has no list of them, {celeba.LIST}. Give a"
            " dataset with the model's attributes."
        )
    else:
        dataset = _open_folder(Path(data), about, wanted)
    if not isinstance(data, Dataset):
        dataset = dataset.read_with(_reading_of(about, max_pixels))
        made = about.recipe.get("data", {}).get("made")
        dataset = make_pairs(dataset, made) if made else pair_up(dataset) if _learns_from_pairs(about) else dataset
    if size is not None and not all(isinstance(pictures, Drawn) for pictures in dataset.train.values()):
        raise SettingsError(f"The pictures of {dataset.name} have the sizes of their files; --size is for drawn ones.")
    if set(dataset.domains) == set(about.domains) and about.targets.are_sets is dataset.targets.are_sets:
        if not about.targets.are_sets:
            return dataset
        train, test = ({domain: part[domain] for domain in about.domains if domain in part}
                       for part in (dataset.train, dataset.test))  # fmt: skip
        return _holding_out(replace(dataset, train=train, test=test), about)
    if dataset.domains == ("A", "B") and len(about.domains) == 2:
        names = dict(zip("AB", about.domains, strict=True))
        train, test = ({names[domain]: part[domain] for domain in part} for part in (dataset.train, dataset.test))
        meant = ", ".join(f"{letter} = {domain}" for letter, domain in names.items())
        named = Dataset(f"{dataset.name} ({meant})", train, test, about.target, paired=dataset.paired)
        return _holding_out(named, about)
    raise SettingsError(
        f"The model knows the domains {', '.join(about.domains)}; {dataset.name} has {', '.join(dataset.domains)}."
        f" Say which folder is which: {' '.join(f'--domain {name}=FOLDER' for name in about.domains)}."
    )


def _learns_from_pairs(about: About) -> bool:
    return settings_class(about.method["name"]).batches == "paired"


def _open_folder(folder: Path, about: About, attributes: Sequence[str] | None) -> Dataset:
    """Open a folder as the run of the model would."""
    trained = about.recipe.get("data", {})
    if trained.get("made"):
        return open_single(folder, "pictures")
    if not _learns_from_pairs(about):
        return open_folder(folder, attributes=attributes, to_measure=True)
    try:
        return open_pairs(folder, kind=trained.get("pairs"))
    except DataError:
        return open_folder(folder, to_measure=True)  # of test pictures alone


def _reading_of(about: About, max_pixels: int | None) -> Reading:
    """Return how the run of a model has read its files; as by default where it says nothing of that."""
    trained = about.recipe.get("data", {})
    return Reading.of(trained.get("background", "white"), max_pixels or trained.get("max_pixels", LIMITS.pixels))


def _holding_out(dataset: Dataset, about: About) -> Dataset:
    """Hold out what the model's run did, if these pictures are here as they were then."""
    if dataset.held_out or not about.held_out:
        return dataset
    try:
        parted = dataset.holding_out(about.recipe["data"]["held_out"])
    except (DataError, SettingsError):  # fewer pictures than the run had, or drawn ones
        return dataset
    return parted if fingerprints(parted.held_out) == about.held_out else dataset


def refuse_empty(dataset: Dataset, split: Split, about: About) -> None:
    """Refuse a dataset with a domain that has no pictures in `split`.

    Raises:
        DataError: there is one; the sentence names what can be measured on instead.
    """
    if split == "held-out" and not (about.held_out and fingerprints(dataset.held_out) == about.held_out):
        if about.held_out:
            raise DataError(
                f"The pictures that the run of this model held out are not in {dataset.name} as they were. Give the"
                " training pictures of the run, unchanged."
            )
        raise DataError(
            "The run of this model held no pictures out of training, as one with --set data.held_out=100 does. Leave"
            " out --split held-out."
        )
    pictures = dataset.pictures(split)
    for domain in dataset.train:
        if not len(pictures.get(domain, ())):
            others = "on the training pictures with --split train, which flatters the model"
            if dataset.held_out:
                others = f"on those that the run held out of training with --split held-out, or {others}"
            raise DataError(
                f"{dataset.name} has no {split} pictures of {domain}. Put some beside the others, or measure {others}."
            )


@dataclass(frozen=True)
class EvaluationSets:
    """The pictures that are compared: those to translate by their domain, and real ones of the target."""

    sources: dict[str, Pictures]
    target: Pictures
    training: Pictures  # of the target
    unseen: bool  # whether those of the target are no training pictures
    with_train: bool  # whether the training pictures are among the real ones
    paired: bool = False  # whether real picture n is what picture n of the others should become

    @classmethod
    def of(cls, dataset: Dataset, split: Split, target: str, with_train: bool) -> "EvaluationSets":
        """Take the pictures of a dataset that `refuse_empty` let pass. Raises `DataError` where there are too few."""
        pictures, unseen = dataset.pictures(split), split != "train"
        sources = {domain: pictures[domain] for domain in dataset.domains if domain != target}
        sets = cls(sources, pictures[target], dataset.train[target], unseen, with_train and unseen, dataset.paired)
        if sets.with_train and not len(sets.training):
            raise DataError(
                f"{dataset.name} has no training pictures of {target}, which the protocol train+test counts among the"
                " real ones. Choose another --protocol."
            )
        real = len(sets.target) + (len(sets.training) if sets.with_train else 0)
        refuse_too_few(sum(map(len, sources.values())), real)
        return sets
