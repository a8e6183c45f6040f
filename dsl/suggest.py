"""The nearest name that exists: what an author most likely meant to write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len

_LONGEST: Final = 80
"""Names longer than this are compared for equality only: nobody mistypes so long a name, and the
work of a comparison grows with the product of the lengths."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name in `known` that `name` was most likely meant to be, or None.

    Best is a name that differs only in case, width or the kind of dash; then one with the same
    words in another order; then the one with the fewest slips (a character missing, added, wrong,
    or swapped with its neighbour), if these are at most a third of the name, a Chinese character
    counting as two; then one that ends in `name` after a dot. The order of `known` does not
    matter, and `name` itself is never the answer.
    """
    folded = _fold(name)
    allowed = cell_len(folded) // 3
    best: tuple[int, int, int, str] | None = None
    for candidate in set(known) - {name}:
        rank = _rank(folded, _fold(candidate), allowed)
        if rank is None:
            continue
        key = (*rank, -_common_start(name, candidate), candidate)
        if best is None or key < best:
            best = key
    return None if best is None else best[-1]


def _rank(name: str, candidate: str, allowed: int) -> tuple[int, int] | None:
    """The kind of likeness and its distance, the smaller the nearer; None when there is none."""
    if name == candidate:
        return 0, 0
    words = _words(name)
    if len(words) > 1 and words == _words(candidate):
        return 1, 0
    slips = _slips(name, candidate, allowed)
    if slips is not None:
        return 2, slips
    if name and candidate.endswith(f".{name}"):
        return 3, len(candidate)
    return None


def _fold(name: str) -> str:
    """Full-width, upper-case and kebab-case spellings of one name become the same."""
    return unicodedata.normalize("NFKC", name).casefold().replace("-", "_")


def _words(name: str) -> list[str]:
    return sorted(re.split(r"[_.]", name))


def _common_start(left: str, right: str) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _slips(left: str, right: str, allowed: int) -> int | None:
    """The optimal string alignment distance (Damerau-Levenshtein with each swap untouched after).

    None when it is more than `allowed`.
    """
    if abs(len(left) - len(right)) > allowed or max(len(left), len(right)) > _LONGEST:
        return None
    before_last: list[int] = []
    last = list(range(len(right) + 1))
    for i, one in enumerate(left, 1):
        row = [i]
        for j, other in enumerate(right, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one != other))
            if i > 1 and j > 1 and one == right[j - 2] and left[i - 2] == other:
                best = min(best, before_last[j - 2] + 1)
            row.append(best)
        if min(row) > allowed:
            return None
        before_last, last = last, row
    return last[-1] if last[-1] <= allowed else None
