"""The page of all models, made from their cards."""

from collections.abc import Sequence

from translate import cards
from translate.cards import WeightsCard
from translate.errors import TranslateError
from translate.models.exports import read_about
from translate.report.models import Shown, models_page

SHIPS = "Models that ship"
HERE = "Models that are here"
ELSEWHERE = "Models of others, to be fetched"
SUMMARY = "What each model does, how good it is where that was measured, and the command that uses it."


def gallery(known: Sequence[WeightsCard]) -> str:
    """Return the text of an HTML file that shows models; feature networks are left out."""
    groups: dict[str, list[Shown]] = {SHIPS: [], HERE: [], ELSEWHERE: []}
    here = cards.weights_here()
    for card in known:
        if not card.features:
            file = here.get(card.name)
            group = ELSEWHERE if file is None else SHIPS if cards.ships(file) else HERE
            groups[group].append(_shown(card))
    return models_page("Models", SUMMARY, list(groups.items()))


def _shown(card: WeightsCard) -> Shown:
    picture = cards.shelf("weights") / card.picture if card.picture else None
    facts = {
        "from, to": ", ".join(card.domains),
        "known to do wrong": card.failures,
        "learned from": card.data,
        "steps": f"{card.steps:,}" if card.steps else "",
        "on": card.device,
        "licence": card.licence,
        "paper": card.citation,
    }
    figures = {**card.scores, **card.figures}
    return Shown(
        card.name,
        card.title,
        picture.read_bytes() if picture else b"",
        "png" if card.picture.endswith(".png") else "jpeg",
        {name: words for name, words in facts.items() if words},
        {name: f"{value:g}" if isinstance(value, int | float) else value for name, value in figures.items()},
        _commands(card),
        card.command.strip(),
    )


def _commands(card: WeightsCard) -> list[str]:
    """Return how to get and to use a model."""
    file = cards.weights_here().get(card.name)
    if file is None:
        return [f"translate weights fetch {card.name}", f"translate apply {card.name} PHOTOS --out RESULTS"]
    try:
        about = read_about(file)
    except TranslateError:  # it is damaged, which another command says
        return []
    if about.noise:
        return [f"translate sample {card.name} --out DRAWN"]
    to = "" if about.targets.default else f" --to {about.targets.example}"
    how = f" --enlarge {about.scale}" if about.scale != 1 else " --fill" if about.made == "holes" else ""
    return [f"translate apply {card.name} PHOTOS{to}{how} --out RESULTS"]
