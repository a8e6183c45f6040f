"""Randomness that every row can have alone: numbers as a function of seed, name and index.

A stream is the SplitMix64 sequence (Steele, Lea and Flood, *Fast splittable pseudorandom number
generators*, OOPSLA 2014) with a start of its own for each seed and name; ``index`` says which of its
words is meant. So any event, in any batch and any process, can be drawn without those before it.

NumPy promises the same numbers for the same seed only on one build and one machine, except for
`RandomState`, which can only be read in order. What is drawn must not depend on either, so nothing of
``numpy.random`` is used: words come from arithmetic on 64-bit integers, and distributions from tables
of quantiles. The tables are rounded far above the last bits in which mathematical libraries differ,
and looking one up is exact. What is left is addition, multiplication, division and square roots,
which IEEE 754 defines to the last bit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_STEP: Final = 0x9E3779B97F4A7C15
_WRAP: Final = 2**64
QUARTER: Final = 65_536
"""How many values a quarter of a word has."""
_FINE: Final = 10
_OCTAVES: Final = 53
"""A tail has so many halvings, and each of them is cut into 2**_FINE steps."""


class Draws:
    """The numbers that belong to the rows of ``index``, under one seed."""

    def __init__(self, seed: int, index: Ints) -> None:
        self._seed = seed
        self._at = index.astype(np.uint64)
        self._at += np.uint64(1)
        self._at *= np.uint64(_STEP)
        self._scratch = np.empty_like(self._at)

    def words(self, name: str) -> Words:
        """64 random bits for each row."""
        word = self._at + np.uint64(_start(self._seed, name))
        shifted = self._scratch
        word ^= np.right_shift(word, np.uint64(30), out=shifted)
        word *= np.uint64(0xBF58476D1CE4E5B9)
        word ^= np.right_shift(word, np.uint64(27), out=shifted)
        word *= np.uint64(0x94D049BB133111EB)
        word ^= np.right_shift(word, np.uint64(31), out=shifted)
        return word

    def quarters(self, name: str) -> tuple[Ints, Ints, Ints, Ints]:
        """Four times 16 random bits for each row, ready to look up a table with."""
        parts = self.words(name).astype("<u8", copy=False).view("<u2").reshape(-1, 4)
        # Tables are looked up several times as fast with numbers of the machine's own size.
        first, second, third, fourth = (parts[:, k].astype(np.int64) for k in range(4))
        return first, second, third, fourth

    def shares(self, name: str) -> Floats:
        """A number from 0 to 1, without 1, for each row."""
        return (self.words(name) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, name: str, limits: Ints | int) -> Ints:
        """A whole number from 0 to the limit, without the limit, for each row."""
        found: Ints = (self.shares(name) * limits).astype(np.int64)
        return found


@cache
def _start(seed: int, name: str) -> int:
    """Where the stream of a name begins: far from all others, whatever names there are."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % _WRAP


# ── Tables for a quarter of a word ───────────────────────────────────────────────────────────────


def threshold(probability: float) -> int:
    """A quarter is below this with the probability."""
    return round(probability * QUARTER)


def choice(weights: Sequence[float]) -> Bytes:
    """A table from a quarter to the number of a choice."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64) / math.fsum(weights))
    edges = np.round(edges * QUARTER).astype(np.int64)
    table: Bytes = np.searchsorted(edges, np.arange(QUARTER), side="right").astype(np.int8)
    return np.minimum(table, np.int8(len(weights) - 1))


def _middles() -> Floats:
    return (np.arange(QUARTER) + 0.5) / QUARTER


@cache
def beta(a: float, b: float, missing: float = 0.0) -> Floats:
    """Quantiles of Beta(a, b) to three decimals; the first share of the table is NaN, for missing."""
    x = np.linspace(0.0, 1.0, 200_001)
    density = x ** (a - 1) * (1 - x) ** (b - 1)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    gaps = threshold(missing)
    wanted = (np.arange(QUARTER - gaps) + 0.5) / (QUARTER - gaps)
    values = np.round(np.interp(wanted, mass / mass[-1], x), 3)
    table: Floats = np.concatenate([np.full(gaps, np.nan), values])
    return table


@cache
def normal() -> Floats:
    """Quantiles of the standard normal distribution, to four decimals."""
    quantile = NormalDist().inv_cdf
    upper = [round(quantile(0.5 + (k + 0.5) / QUARTER), 4) for k in range(QUARTER // 2)]
    return np.array([-value for value in reversed(upper)] + upper)


# ── Tables for a whole word, fine where the distribution has its tail ────────────────────────────


def survival(words: Words) -> Ints:
    """The place of a word in the table of a tail: the smaller the word, the rarer."""
    share = ((words >> np.uint64(11)) | np.uint64(1)).astype(np.float64)
    # The bits of a number are its exponent and then its leading digits: a logarithm for nothing.
    place: Ints = (share.view(np.uint64) >> np.uint64(52 - _FINE)).astype(np.int64)
    place -= 1023 << _FINE
    return place


@cache
def _survivals() -> Floats:
    """The share of a distribution that lies above each place of a tail's table."""
    octave, step = np.divmod(np.arange(_OCTAVES << _FINE), 1 << _FINE)
    share: Floats = (1 + (step + 0.5) / (1 << _FINE)) * 2.0 ** (octave - _OCTAVES)
    return share


def tail(inverse: Callable[[Floats], Floats]) -> Floats:
    """A table from the place of a word to the value that is exceeded with that probability."""
    return rounded(inverse(_survivals()))


def rounded(values: Floats, digits: int = 9) -> Floats:
    """The values to so many significant digits, in which all mathematical libraries agree."""
    return np.array([float(f"{value:.{digits - 1}e}") for value in values.tolist()])


@cache
def exponential() -> Floats:
    """The tail of the exponential distribution with mean 1."""
    return tail(lambda share: -np.log(share))


@cache
def pareto(alpha: float, least: float) -> Floats:
    """The tail of a Pareto distribution."""
    return tail(lambda share: least * share ** (-1 / alpha))


@cache
def lognormal(median: float, sigma: float) -> Floats:
    """Quantiles of a log-normal distribution by the place of a word: fine above, coarse below."""
    quantile = NormalDist().inv_cdf
    return tail(
        lambda share: np.array(
            [median * math.exp(-sigma * quantile(value)) for value in share.tolist()]
        )
    )


@cache
def gamma(shape: float) -> Floats:
    """The tail of a gamma distribution with scale 1 and a shape below 1.

    With ``t = x ** shape`` the density becomes ``exp(-t ** (1 / shape))``, which has no pole.
    """
    t = np.linspace(0.0, 45.0**shape, 400_001)
    density = np.exp(-(t ** (1 / shape)))
    above = np.cumsum((density[1:] + density[:-1])[::-1])
    share = np.concatenate([[0.0], above / above[-1]])
    return tail(lambda wanted: np.interp(wanted, share, t[::-1] ** (1 / shape)))


_LEAST_MEAN: Final = -20
_MOST_MEAN: Final = 4
"""Poisson means from 2**-20 to 2**4 are drawn by inversion; above, a normal distribution will do."""


@cache
def _poisson() -> tuple[Floats, Floats]:
    """Means, so many to each doubling, and the probability of none for each of them."""
    octave, step = np.divmod(np.arange((_MOST_MEAN - _LEAST_MEAN) << _FINE), 1 << _FINE)
    means = (1 + (step + 0.5) / (1 << _FINE)) * 2.0 ** (octave + _LEAST_MEAN)
    return means, rounded(np.array([math.exp(-mean) for mean in means.tolist()]), 12)


def poisson(means: Floats, shares: Floats, deviates: Floats) -> Ints:
    """Poisson numbers with the means, each from a share (0..1) and a standard normal deviate."""
    count = np.zeros(len(means), dtype=np.int64)
    large = np.flatnonzero(means >= 2.0**_MOST_MEAN)
    if len(large):
        mean = means[large]
        count[large] = np.maximum(mean + np.sqrt(mean) * deviates[large] + 0.5, 0).astype(np.int64)
    rows = np.flatnonzero((means >= 2.0**_LEAST_MEAN) & (means < 2.0**_MOST_MEAN))
    place = (means[rows].view(np.uint64) >> np.uint64(52 - _FINE)).astype(np.int64)
    place -= (1023 + _LEAST_MEAN) << _FINE
    near, none = _poisson()
    mean, term = near[place], none[place]
    left = shares[rows] - term
    number = 0
    # Inversion by search: each round settles those whose share lies below the sum of the terms.
    while len(rows):
        more = left >= 0
        rows, mean, term, left = rows[more], mean[more], term[more], left[more]
        number += 1
        count[rows] = number
        term = term * mean / number
        left = left - term
        if number > 200:
            break
    return count
