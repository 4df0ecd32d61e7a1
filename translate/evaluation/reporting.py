"""What was measured of a model, on a page: what `translate eval --report` writes."""

from collections.abc import Sequence
from pathlib import Path

from translate.evaluation.checkpoint_choice import Choice
from translate.files import write_text
from translate.metrics.results import Evaluation, Example
from translate.report.evaluation import Album, Strip, Table, evaluation_page

HEADS = ("", "value", "95 % interval", "pictures", "against", "features", "protocol", "seed", "")


def write_report(place: Path, result: Evaluation, choice: Choice | None = None) -> None:
    """Write the page.

    Args:
        place: the HTML file.
        result: what was measured.
        choice: how the checkpoint that was measured was chosen, if it was.

    Raises:
        OutputError: it cannot be written.
    """
    tables = [Table("Figures", HEADS, [_cells(result, number) for number in range(len(result.figures))])]
    if choice:
        tables.append(_candidates(choice))
    summary = f"Model {result.model}, {result.split} pictures of {result.data}."
    if result.features_sha256:
        summary += f" The file with the feature network has the SHA-256 {result.features_sha256}."
    albums = [
        Album(
            "Samples",
            "From left to right: input, translated and, where the model leads back, translated back.",
            _strips(result.samples),
        ),
        Album(
            "Translations that are nearest to a training picture",
            "From left to right: input, translated, the training picture of the target that it is nearest to, in the"
            " features of the figures. A copy would be the same picture again.",
            _strips(result.neighbours),
        ),
    ]
    remarks = [*result.notes, *(f"Not measured: {what}" for what in result.missing)]
    title = f"{result.data} to {result.to}"
    write_text(place, evaluation_page(title, summary, tables, [one for one in albums if one.strips], remarks))


def _cells(result: Evaluation, number: int) -> Sequence[str]:
    figure = result.figures[number]
    return (
        figure.name,
        f"{figure.value:.4g}",
        "" if figure.low is None else f"{figure.low:.4g} to {figure.high:.4g}",
        str(figure.count),
        str(figure.against or ""),
        figure.features,
        result.protocol,
        str(result.seed),
        figure.remark,
    )


def _candidates(choice: Choice) -> Table:
    rows = [
        (
            f"{candidate.step:,}",
            f"{candidate.kid.value:.4g}",
            f"{candidate.kid.low:.4g} to {candidate.kid.high:.4g}",
            ", ".join(choice.marks(candidate)),
        )
        for candidate in choice.candidates
    ]
    words = f"{choice.pictures} {choice.count} translations against {choice.against} pictures, {choice.features}."
    return Table("Checkpoints", ("step", "KID", "95 % interval", ""), rows, words)


def _strips(examples: Sequence[Example]) -> list[Strip]:
    return [Strip(example.pictures, example.words) for example in examples]
