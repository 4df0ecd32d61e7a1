"""The log of a run: one JSON object a line in `log.jsonl`."""

import json
import os
from pathlib import Path
from typing import Any

from translate.files import as_output_error, write_text


class Record:
    """Appends to a log. When a run continues, lines after the step it continues from are dropped first."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._waiting = ""  # lines that could not be written yet
        lines = [line for line in read_log(path) if line["step"] <= step] if step else []
        write_text(path, "".join(json.dumps(line) + "\n" for line in lines))

    def write(self, line: dict[str, Any]) -> None:
        """Append one line, and before it those that could not be written.

        Raises:
            OutputError: it cannot be written. It is tried again with the next one.
        """
        self._waiting += json.dumps(line) + "\n"
        with as_output_error(self._path):
            whole = self._path.stat().st_size
            try:
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(self._waiting)
            except OSError:
                os.truncate(self._path, whole)  # half a line, if the disk is full
                raise
        self._waiting = ""


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a log; a last line that was cut off by a power failure is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
