"""What a model is measured on: a dataset with its domains, and of it the pictures that are compared."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from translate import cards
from translate.data import celeba
from translate.data.folders import Dataset, Pictures
from translate.data.known import open_known
from translate.data.layouts import open_folder
from translate.data.truth import open_drawn
from translate.errors import DataError, SettingsError
from translate.evaluation import distances
from translate.inference.exports import About

Split = Literal["test", "train"]


def open_data(data: str | Path | Dataset, about: About) -> Dataset:
    """Open a dataset and give its domains the model's names, in order, where it has none of its own.

    Raises:
        SettingsError: its domains or attributes are not those of the model.
        DataError: there is no such dataset.
    """
    word, wanted = str(data), about.domains if about.attributes else None
    if isinstance(data, Dataset):
        dataset = data
    elif word in cards.names("datasets"):
        card = cards.dataset(word)
        dataset = open_drawn(card, about.size, wanted) if card.drawn else open_known(card, attributes=wanted)
    elif wanted and Path(data).is_dir() and not (Path(data) / celeba.LIST).is_file():
        raise SettingsError(
            f"The model changes the attributes {', '.join(wanted)}; {data} has no list of them, {celeba.LIST}. Give a"
            " dataset with the model's attributes."
        )
    else:
        dataset = open_folder(Path(data), attributes=wanted)
    if set(dataset.domains) == set(about.domains) and about.attributes is bool(dataset.attributes):
        if about.attributes:
            return dataset
        train, test = ({domain: part[domain] for domain in about.domains if domain in part}
                       for part in (dataset.train, dataset.test))  # fmt: skip
        return replace(dataset, train=train, test=test)
    if dataset.domains == ("A", "B") and len(about.domains) == 2:
        names = dict(zip("AB", about.domains, strict=True))
        train, test = ({names[domain]: part[domain] for domain in part} for part in (dataset.train, dataset.test))
        return Dataset(dataset.name, train, test, about.target)
    raise SettingsError(
        f"The model knows the domains {', '.join(about.domains)}; {dataset.name} has {', '.join(dataset.domains)}."
        " Give a dataset with the model's domains."
    )


def refuse_empty(dataset: Dataset, split: Split) -> None:
    """Refuse a dataset with a domain that has no pictures in `split`.

    Raises:
        DataError: there is one.
    """
    pictures = dataset.test if split == "test" else dataset.train
    for domain in dataset.train:
        if not len(pictures.get(domain, ())):
            raise DataError(
                f"{dataset.name} has no {split} pictures of {domain}. Put some beside the others, or measure on the"
                " training pictures with --split train, which flatters the model."
            )


@dataclass(frozen=True)
class Sets:
    """The pictures that are compared: those to translate by their domain, and real ones of the target."""

    sources: dict[str, Pictures]
    target: Pictures
    training: Pictures  # of the target
    held_out: bool  # whether those of the target are no training pictures
    with_train: bool  # whether the training pictures are among the real ones

    @classmethod
    def of(cls, dataset: Dataset, split: Split, target: str, with_train: bool) -> "Sets":
        """Take the pictures of a dataset. Raises `DataError` where there are too few."""
        refuse_empty(dataset, split)
        pictures = dataset.test if split == "test" else dataset.train
        held_out = split == "test"
        sources = {domain: pictures[domain] for domain in dataset.domains if domain != target}
        sets = cls(sources, pictures[target], dataset.train[target], held_out, with_train and held_out)
        real = len(sets.target) + (len(sets.training) if sets.with_train else 0)
        distances.refuse_too_few(sum(map(len, sources.values())), real)
        return sets
