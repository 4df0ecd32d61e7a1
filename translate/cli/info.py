"""`translate info`."""

from dataclasses import asdict

from translate.cli.options import Json, Model
from translate.cli.terminal import lines_of, say_next, show

NESTED = ("method", "recipe", "costs")  # said below


def info(model: Model, json_: Json = False) -> None:
    """Tell what a model is, where it comes from and what it costs."""
    from translate.models.costs import costs_of
    from translate.models.exports import read_about
    from translate.models.finding import find_export
    from translate.settings import flat

    path = find_export(model)
    about = read_about(path)
    costs = costs_of(about)
    megabytes = round(path.stat().st_size / 1e6, 2)
    tree = {"file": str(path), "megabytes": megabytes, **about.model_dump(), "costs": asdict(costs)}
    told = {name: value for name, value in tree.items() if value not in ("", [], {}) and name not in NESTED}
    lines = lines_of(flat(told)) + lines_of(flat(about.recipe or {"method": about.method}))
    costed = [
        f"{costs.parameters / 1e6:>10.2f} million parameters",
        f"{costs.gmac:>10.2f} GMAC for a picture of {costs.side} x {costs.side} pixels",
        f"{megabytes:>10.2f} MB",
    ]
    if about.noise:
        show(tree, [*lines, about.summary, *costed], json_)
        say_next(f"translate sample {model} --count 64 --out DRAWN", json_)
        return
    targets = about.targets
    directions = ", ".join(f"{source} to {target}" for source, target in targets.directions)
    default = f" (default: to {targets.default})" if targets.default else ""
    lines.append(
        f"directions: {directions}{default}" if directions else f"{targets.summary} Say --to {targets.example}."
    )
    to = "" if targets.default else f" --to {targets.example}"
    show(tree, [*lines, *costed], json_)
    say_next(f"translate apply {model} PHOTOS{to} --out RESULTS", json_)
