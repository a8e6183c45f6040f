"""Sketches: their errors are those that the documentation states."""

from __future__ import annotations

import math
import random

import pytest

from clausal.enforcement.tallies.definition import Kind
from clausal.enforcement.tallies.sketches import Sketch, Sum, hash64
from clausal.enforcement.tallies.store import BUCKETS, FILTER_BITS

OVER = 32_000_000
SEEDS = range(8)


def spread(errors: list[float]) -> float:
    return math.sqrt(sum(error**2 for error in errors) / len(errors))


def filled(kind: Kind, count: int, seed: int) -> Sketch:
    """A window of so many entries, evenly; every value stands twice."""
    sketch = Sketch(kind, OVER)
    for number in range(count):
        name = f"{seed}-{number}"
        value = f"{seed}-{number // 2}" if kind == "distinct" else float(number % 100)
        sketch.add(number * OVER // count, name, None if kind == "count" else value)
    return sketch


@pytest.mark.parametrize(
    ("kind", "expected", "error"),
    [("count", 20_000, 0.016), ("distinct", 10_000, 0.016), ("sum", 990_000, 0.005)],
)
def test_estimates_of_a_whole_window_are_near(kind: Kind, expected: int, error: float) -> None:
    errors = [filled(kind, 20_000, seed).figure(0, OVER) / expected - 1 for seed in SEEDS]
    # Half as much again: eight seeds are few.
    assert spread(errors) < 1.5 * error


@pytest.mark.parametrize(("count", "error"), [(15_600, 0.005), (62_500, 0.02)])
def test_sums_are_right_on_average_where_the_filter_is_not(count: int, error: float) -> None:
    errors = []
    for seed in range(3):
        chance = random.Random(seed)
        bucket, total = Sum(0.0, bytearray(FILTER_BITS // 8)), 0.0
        for number in range(count):
            value = chance.lognormvariate(0, 1)
            bucket.add(hash64(f"{seed}-{number}"), value)
            total += value
        errors.append(bucket.total / total - 1)
    assert spread(errors) < 1.5 * error
    assert errors != [0.0] * 3


@pytest.mark.parametrize("kind", ["count", "sum"])
def test_windows_that_cut_a_bucket_take_their_part(kind: Kind) -> None:
    sketch = filled(kind, 20_000, 1)
    whole = sketch.figure(0, OVER)
    for start, end in [(0.1, 1), (0.35, 0.9), (0.501, 0.52), (0, 0.007)]:
        part = sketch.figure(round(start * OVER), round(end * OVER))
        assert part == pytest.approx((end - start) * whole, rel=0.06)


def test_the_newest_bucket_is_filled_up_to_the_newest_entry() -> None:
    sketch = filled("count", 20_000, 2)
    last = OVER + OVER // BUCKETS // 8
    for number in range(500):
        sketch.add(OVER + number * (last - OVER) // 500, f"new {number}", None)
    assert sketch.figure(OVER, last) == pytest.approx(500, rel=0.05)
    assert sketch.figure(OVER, (OVER + last) // 2) == pytest.approx(250, rel=0.1)


def test_a_late_value_is_told_apart_from_those_of_its_bucket() -> None:
    sketch = filled("distinct", 4000, 3)
    before = sketch.figure(0, OVER)
    for number in range(2000):
        sketch.add(OVER // 2, f"late {number}", f"late {number}")
    assert sketch.figure(0, OVER) == pytest.approx(before + 2000, rel=0.06)


def test_what_is_forgotten_counts_no_more() -> None:
    sketch = filled("count", 20_000, 4)
    sketch.forget(OVER // 2)
    assert len(sketch.buckets) == BUCKETS // 2
    assert sketch.figure(0, OVER) == pytest.approx(10_000, rel=0.05)
