"""`translate compare` as a user meets it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_compare_writes_a_page_and_refuses_a_single_model(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run("compare", "short", "--out", "page.html")
    assert (code, "needs two or more different models; found short" in err) == (2, True)
    given: dict[str, Any] = {}

    def write(models: list[str], out: Path, data: str, to: str | None, **options: Any) -> None:
        given.update(options, models=models, data=data, to=to)
        out.write_text("page")

    monkeypatch.setattr("translate.evaluation.comparison.compare", write)
    code, out, err = run("compare", "first", "second", "--data", "horses", "--out", "page.html", "--pictures", 3)
    assert (code, out) == (0, "Wrote page.html, 0.0 MB. Open it in a browser.\n"), err
    assert (given["models"], given["data"], given["to"], given["pictures"]) == (["first", "second"], "horses", None, 3)
