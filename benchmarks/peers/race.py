"""What is made of the times of a race."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles


def spread(times: Sequence[float]) -> tuple[float, float, float]:
    """The median and the quartiles."""
    if len(times) < 2:
        return times[0], times[0], times[0]
    low, _, high = quantiles(times, n=4, method="inclusive")
    return median(times), low, high


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """How many times the time of ``other`` ``one`` takes: the median of the ratios within rounds.

    One that was slow had fewer rounds; then it is the ratio of the medians.
    """
    if len(one) != len(other):
        return median(one) / median(other)
    return median(left / right for left, right in zip(one, other, strict=True))
