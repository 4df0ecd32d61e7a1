"""Braces in words, as shells and WebDataset expand them: `{000..999}` and `{a,b}`."""

import re

from translate.errors import SettingsError

MOST = 1_000_000  # words that one may become
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def expanded(word: str) -> list[str]:
    """Return the words that one with braces stands for, in order; numbers are as long as the longer end if one has a 0.

    Raises:
        SettingsError: they are too many.
    """
    words, done = [word], list[str]()
    while words:
        one = words.pop()
        match = next((found for found in _INNERMOST.finditer(one) if _parts(found[1]) is not None), None)
        if match is None:
            done.append(one)
        else:
            parts = _parts(match[1]) or []
            words += [one[: match.start()] + part + one[match.end() :] for part in reversed(parts)]
        if len(words) + len(done) > MOST:
            raise SettingsError(f"{word} stands for more than {MOST:,} names. Name fewer.")
    return list(dict.fromkeys(done))


def _parts(inside: str) -> list[str] | None:
    """Return what stands between braces; None where these are part of a name."""
    if match := _RANGE.fullmatch(inside):
        first, last = match.groups()
        digits = max(map(len, match.groups())) if "0" in (first[0], last[0]) else 0
        start, stop = int(first), int(last)
        if abs(stop - start) >= MOST:
            raise SettingsError(f"{{{inside}}} stands for more than {MOST:,} names. Name fewer.")
        step = 1 if stop >= start else -1
        return [str(number).zfill(digits) for number in range(start, stop + step, step)]
    return inside.split(",") if "," in inside else None
