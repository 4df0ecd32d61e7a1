"""Translating what appears in a folder, as soon as it is complete."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from translate.conversion.masks import Masks
from translate.conversion.pipeline import Result, convert
from translate.conversion.planning import ConversionPlan, Item
from translate.conversion.settings import DEFAULT, ConversionSettings
from translate.conversion.stamps import Stamp, stamps_of
from translate.errors import DataError
from translate.inference.translator import Translator

Stamps = tuple[Stamp | None, ...]  # of a picture, and of its mask


def watch(
    translator: Translator,
    make_plan: Callable[[], ConversionPlan],
    wait: Callable[[], None],
    settings: ConversionSettings = DEFAULT,
) -> Iterator[Result]:
    """Translate new pictures for ever; results and errors are those of `convert`.

    Args:
        translator: the model.
        make_plan: returns the plan for the pictures that are there now. It may raise `DataError` if there are none.
        wait: returns when it is time to look again.
        settings: as for `convert`.
    """
    items: dict[Path, list[Item]] = {}  # by source: one for each target
    place: Path | None = None

    def listings() -> Iterator[dict[Path, Stamps]]:
        nonlocal place
        while True:
            items.clear()
            with contextlib.suppress(DataError):  # no pictures yet
                plan = make_plan()
                place = plan.place
                for item in plan.items:
                    items.setdefault(item.source, []).append(item)
            masks = Masks(settings.mask) if settings.mask else None
            stamps = {source: stamps_of(these[0], masks) for source, these in items.items()}
            yield {source: stamp for source, stamp in stamps.items() if stamp[0]}  # others have gone again
            wait()

    for sources in filter(None, complete(listings())):
        new = tuple(item for source in sources for item in items[source])
        yield from convert(translator, ConversionPlan(new, (), 0, (), place=place), settings)


def complete(listings: Iterable[Mapping[Path, Stamps]]) -> Iterator[list[Path]]:
    """Yield, for each listing, the files that are as they were in the one before, once for each state of a file."""
    before: Mapping[Path, Stamps] = {}
    taken: dict[Path, Stamps] = {}
    for listing in listings:
        ready = [path for path, stamp in listing.items() if before.get(path) == stamp != taken.get(path)]
        taken |= {path: listing[path] for path in ready}
        before = listing
        yield ready
