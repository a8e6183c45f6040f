"""Near-duplicates of texts: sets of shingles, their MinHash fingerprints, and an index of those.

A text is folded, as policies search it, and taken as the set of the runs of three letters or digits in
it; white space and punctuation are left out, so that `全城 停水！` is `全城停水`. Two texts are as alike
as Jaccard says: the runs that both have, among those that either has.

The index finds candidates: of the 128 numbers of a fingerprint, those of one of 32 bands of 4 must all
agree. Two texts of likeness s are found with a chance of 1 - (1 - s⁴)³²: 99.98 % at 70 %, 98.8 % at
60 %, 87 % at 50 %, 56 % at 40 %. What is found is compared exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from clausal.compiler.text.fold import fold

LENGTH: Final = 3
"""Characters of a shingle."""
BANDS: Final = 32
ROWS: Final = 4
SEED: Final = 20240501

ESTIMATE_ERROR: Final = 0.5 / math.sqrt(BANDS * ROWS)
"""The standard error of how like two texts are by their fingerprints, where it is greatest: 4.4 %."""

METHOD: Final = f"rensa R{RMinHash.ALGORITHM_VERSION} {BANDS}x{ROWS} {SEED} shingles {LENGTH}"
"""How fingerprints are made: those that were made otherwise cannot be compared."""

_PIECE: Final = 256
"""As many texts are given to the library at once: its answers are lists of Python's numbers."""

_SILENT: Final = re.compile(r"[\W_]+")

Fingerprints = NDArray[np.uint32]
"""One fingerprint a row."""
_Keys = NDArray[np.uint64]


def shingles(text: str) -> frozenset[str]:
    """The shingles of a text; a shorter text is one shingle, and an empty one has none.

    >>> sorted(shingles("全城 停水！"))
    ['全城停', '城停水']
    """
    folded = fold(text)
    # A text without letters and digits, of emoji say, is taken as it is.
    letters = _SILENT.sub("", folded) or folded.strip()
    if len(letters) <= LENGTH:
        return frozenset({letters} if letters else ())
    return frozenset([letters[i : i + LENGTH] for i in range(len(letters) - LENGTH + 1)])


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """How alike two texts are, from 0 to 1, by their shingles."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def fingerprints(texts: Iterable[frozenset[str]]) -> Fingerprints:
    """The fingerprints of texts, by their shingles; these are taken as they are needed."""
    texts = iter(texts)
    pieces: list[Fingerprints] = [np.empty((0, BANDS * ROWS), dtype=np.uint32)]
    while piece := list(islice(texts, _PIECE)):
        rows = RMinHash.digests_from_token_sets(map(list, piece), BANDS * ROWS, SEED)
        pieces.append(np.array(rows, dtype=np.uint32))
    return np.concatenate(pieces)


def _keys(prints: Fingerprints) -> _Keys:
    """64 bits for each band of each fingerprint; of other bands they differ."""
    bands = prints.reshape(len(prints), BANDS, ROWS).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, BANDS + 1, dtype=np.uint64), bands.shape[:2]).copy()
    for row in range(ROWS):
        # The finaliser of SplitMix64: every bit of what went in changes half of those that come out.
        keys += bands[:, :, row] + np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(30)
        keys *= np.uint64(0xBF58476D1CE4E5B9)
        keys ^= keys >> np.uint64(27)
        keys *= np.uint64(0x94D049BB133111EB)
        keys ^= keys >> np.uint64(31)
    return keys


class _Segment:
    """The bands of some fingerprints, sorted."""

    def __init__(self, first: int, prints: Fingerprints) -> None:
        keys = _keys(prints).reshape(-1)
        order = np.argsort(keys)
        self.first = first
        self.size = len(prints)
        self._keys = keys[order]
        self._rows = (order // BANDS).astype(np.int32)

    def find(self, keys: _Keys) -> list[list[int]]:
        """For each row of keys the rows that share a band, each once."""
        # Sorted, they are looked for in one walk through memory: it takes a quarter of the time.
        order = np.argsort(keys, axis=None)
        flat = keys.reshape(-1)[order]
        left = np.searchsorted(self._keys, flat, "left")
        found: list[list[int]] = [[] for _ in keys]
        # Most keys are nowhere: only those that are there need their end.
        there = np.flatnonzero(self._keys[np.minimum(left, len(self._keys) - 1)] == flat)
        right = np.searchsorted(self._keys, flat[there], "right")
        rows = (order[there] // BANDS).tolist()
        for row, start, end in zip(rows, left[there].tolist(), right.tolist(), strict=True):
            found[row] += self._rows[start:end].tolist()
        return [sorted({self.first + row for row in rows}) for rows in found]


class FingerprintIndex:
    """Fingerprints by their numbers, counted from 0 as they are added, and which may be alike.

    New ones go into a small segment; segments are joined as they grow, so that adding a million one
    by one sorts each about twenty times.
    """

    def __init__(self) -> None:
        self._prints: Fingerprints = np.empty((0, BANDS * ROWS), dtype=np.uint32)
        self._segments: list[_Segment] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, prints: Fingerprints) -> None:
        """Add fingerprints, in order."""
        if not len(prints):
            return
        self._reserve(len(prints))
        first = self._size
        self._prints[first : first + len(prints)] = prints
        self._size += len(prints)
        while self._segments and self._segments[-1].size <= 2 * (self._size - first):
            first = self._segments.pop().first
        self._segments.append(_Segment(first, self._prints[first : self._size]))

    def _reserve(self, more: int) -> None:
        if self._size + more > len(self._prints):
            room = max(self._size + more, self._size * 3 // 2)
            grown = np.empty((room, BANDS * ROWS), dtype=np.uint32)
            grown[: self._size] = self._prints[: self._size]
            self._prints = grown

    def candidates(self, prints: Fingerprints) -> list[list[int]]:
        """For each fingerprint the numbers of those that share a band with it, ascending."""
        found: list[list[int]] = [[] for _ in prints]
        keys = _keys(prints)
        for segment in self._segments:
            for candidates, more in zip(found, segment.find(keys), strict=True):
                candidates.extend(more)
        return found

    def estimates(self, print_: Fingerprints, numbers: Sequence[int]) -> list[tuple[float, int]]:
        """The numbers with how like they may be, the likeliest first, the lower of equals first.

        The standard error is at most `ESTIMATE_ERROR`.
        """
        agree: NDArray[Any] = (self._prints[list(numbers)] == print_).mean(axis=1)
        order = np.argsort(-agree, kind="stable")
        return [(float(agree[place]), numbers[place]) for place in order.tolist()]
