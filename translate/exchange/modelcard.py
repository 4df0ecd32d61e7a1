"""The page of a model on the Hugging Face Hub, README.md, made of what its export says of itself."""

import json

from translate.cards import HubWeights
from translate.models.about import About
from translate.models.costs import Costs

# What the Hub knows by these names; of others it shows "other", and the page says which.
LICENCES = (
    "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0", "gpl-3.0", "mit", "unlicense",
)  # fmt: skip

_PAGE = """\
---
{head}---

# {title}

{what}

```sh
translate weights fetch {name}
translate {use}
```

`translate` is the command of image-translate; loading the file runs no code from it.

| | |
| --- | --- |
{rows}
"""


def model_card(weights: HubWeights, about: About, costs: Costs, megabytes: float) -> str:
    """Write the page of a model that lies, or will lie, where `weights` says."""
    return _PAGE.format(
        head="".join(f"{key}: {json.dumps(value)}\n" for key, value in _head(about).items()),
        title=weights.repository.partition("/")[2],
        what=about.summary,
        name=weights.name,
        use=_use(weights.name, about),
        rows="\n".join(f"| {_cell(key)} | {_cell(value)} |" for key, value in _facts(about, costs, megabytes).items()),
    )


def _use(name: str, about: About) -> str:
    """Return the command that makes pictures with a model, without its first word."""
    if about.noise:
        return f"sample {name} --out DRAWN"
    return f"apply {name} PHOTOS --out RESULTS" + ("" if about.targets.default else f" --to {about.targets.example}")


def _head(about: About) -> dict[str, str | list[str]]:
    licence = about.licence.lower()
    known: dict[str, str | list[str]] = {"license": licence if licence in LICENCES else "other"} if licence else {}
    return {
        **known,
        "pipeline_tag": "unconditional-image-generation" if about.noise else "image-to-image",
        "tags": ["image-translate", about.method["name"]],
    }


def _facts(about: About, costs: Costs, megabytes: float) -> dict[str, str]:
    pictures = ", ".join(f"{count:,} {domain}" for domain, count in about.train.items())
    facts = {
        "method": about.method["name"],
        "trained on": about.data + (f": {pictures}" if pictures else ""),
        "training": f"{about.steps:,} steps at {about.size} x {about.size} pixels" if about.steps else "",
        "converted from": about.source,
        **{f"notes {number}": note for number, note in enumerate(about.notes, start=1)},
        **{f"score: {name}": f"{value:.4g}" for name, value in about.scores.items()},
        "parameters": f"{costs.parameters / 1e6:.2f} million",
        "cost": f"{costs.gmac:.2f} GMAC for a picture of {costs.side} x {costs.side} pixels",
        "size": f"{megabytes:.1f} MB",
        "SHA-256 of the tensors": about.sha256,
        "licence": about.licence or "not stated, so others may not use it without asking",
        "citation": about.citation,
    }
    return {name: fact for name, fact in facts.items() if fact}


def _cell(text: str) -> str:
    """Keep a text within its cell of a table."""
    return " ".join(text.replace("|", "\\|").split())
