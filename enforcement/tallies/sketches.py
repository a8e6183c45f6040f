"""Many entries of one key in little memory: a window cut into buckets, a sketch in each.

Counts and different values are estimated by HyperLogLog, which knows an event that it has seen.
Sums are added up exactly, and a Bloom filter knows the event; where the filter may be wrong, what it
lets pass weighs more, so that the sum is right on average.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
from datasketches import hll_sketch, hll_union, tgt_hll_type

from clausal.enforcement.tallies.definition import Kind
from clausal.enforcement.tallies.store import BUCKETS, FILTER_BITS, FILTER_PROBES

LOG_REGISTERS: Final = 12
"""4,096 registers: a standard error of 1.6 %, in 2 KB."""


def hash64(text: str) -> int:
    """64 bits that stand for a text, the same in every process."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


class Sum(msgspec.Struct, tag=True):
    """The sum of a bucket's entries, and which were added."""

    total: float
    filter: bytearray
    used: int = 0

    def add(self, name: int, value: float) -> None:
        """Add an entry, unless it was added before."""
        # What passes at this filling stands for what did not, in the same proportion.
        passed = 1 - (self.used / FILTER_BITS) ** FILTER_PROBES
        fresh = False
        for probe in range(FILTER_PROBES):
            place = (name >> (16 * probe)) & (FILTER_BITS - 1)
            byte, bit = place >> 3, 1 << (place & 7)
            if not self.filter[byte] & bit:
                self.filter[byte] |= bit
                self.used += 1
                fresh = True
        if fresh:
            self.total += value / passed


Bucket = Any
"""A `hll_sketch`, or a `Sum`."""


class Sketch:
    """The entries of one key of one tally.

    Args:
        kind: What is made of them.
        over: The length of the window, in microseconds.
    """

    __slots__ = ("_known", "buckets", "kind", "newest", "width")

    def __init__(self, kind: Kind, over: int) -> None:
        self.kind: Final = kind
        self.width = max(1, over // BUCKETS)
        self.newest = 0
        self.buckets: dict[int, Bucket] = {}
        # The union of the buckets that no longer change, for the figure that is asked for next.
        self._known: tuple[int, int, hll_sketch] | None = None

    def add(self, at: int, id: str, value: float | str | None) -> None:
        """Take an entry up; one that was taken up before changes nothing."""
        number = at // self.width
        bucket = self.buckets.get(number)
        if bucket is None:
            bucket = self.buckets[number] = self._new()
        if isinstance(bucket, Sum):
            assert isinstance(value, float)
            bucket.add(hash64(id), value)
        else:
            bucket.update(hash64(value if isinstance(value, str) else id))
            if self._known is not None and self._known[0] <= number < self._known[1]:
                self._known = None
        self.newest = max(self.newest, at)

    def forget(self, floor: int) -> None:
        """Drop the buckets that lie wholly before an instant."""
        for number in [one for one in self.buckets if (one + 1) * self.width <= floor]:
            del self.buckets[number]

    def figure(self, start: int, end: int) -> float:
        """The estimate for the entries from one instant to before another."""
        if self.kind == "distinct":
            return float(round(self._different(start, end)))
        total = 0.0
        for number, share in self._shares(start, end):
            bucket = self.buckets[number]
            total += share * (bucket.total if isinstance(bucket, Sum) else bucket.get_estimate())
        return total if self.kind == "sum" else float(round(total))

    def _shares(self, start: int, end: int) -> Iterator[tuple[int, float]]:
        """The buckets that a window reaches into, and how much of what is in each lies inside.

        Entries are taken to lie evenly between the beginning of a bucket and its end or, if that is
        sooner, the newest entry.
        """
        width = self.width
        for number in range(start // width, (end - 1) // width + 1):
            if number in self.buckets:
                first = number * width
                last = max(first + 1, min(first + width, self.newest + 1))
                inside = min(end, last) - max(start, first)
                if inside > 0:
                    yield number, inside / (last - first)

    def _different(self, start: int, end: int) -> float:
        """Different values: a bucket takes part when at least half of it lies inside."""
        numbers = [number for number, share in self._shares(start, end) if share >= 0.5]
        if not numbers:
            return 0.0
        first, last = numbers[0], numbers[-1]
        if self._known is None or self._known[:2] != (first, last):
            union = hll_union(LOG_REGISTERS)
            for number in numbers[:-1]:
                union.update(self.buckets[number])
            self._known = (first, last, union.get_result(tgt_hll_type.HLL_8))
        union = hll_union(LOG_REGISTERS)
        union.update(self._known[2])
        union.update(self.buckets[last])
        estimate: float = union.get_estimate()
        return estimate

    def _new(self) -> Bucket:
        if self.kind == "sum":
            return Sum(0.0, bytearray(FILTER_BITS // 8))
        return hll_sketch(LOG_REGISTERS, tgt_hll_type.HLL_8)

    # ── As data ──────────────────────────────────────────────────────────────────────────────────

    def state(self) -> SketchState:
        """The sketch as data."""
        return SketchState(
            self.kind,
            self.width,
            self.newest,
            {
                number: bucket if isinstance(bucket, Sum) else bytes(bucket.serialize_compact())
                for number, bucket in self.buckets.items()
            },
        )

    @classmethod
    def restore(cls, state: SketchState) -> Sketch:
        """The sketch that `state` told.

        Raises:
            ValueError: if it is none.
        """
        sketch = cls(state.kind, BUCKETS)
        sketch.width, sketch.newest = state.width, state.newest
        for number, bucket in state.buckets.items():
            if isinstance(bucket, Sum) != (state.kind == "sum"):
                raise ValueError("a sketch holds buckets of another kind")
            sketch.buckets[number] = (
                bucket if isinstance(bucket, Sum) else hll_sketch.deserialize(bucket)
            )
        return sketch


class SketchState(msgspec.Struct, frozen=True, tag=True):
    """A sketch as data; a bucket of sums as it is, others as the library writes them."""

    kind: Literal["count", "distinct", "sum", "rate"]
    width: int
    newest: int
    buckets: dict[int, Sum | bytes]
