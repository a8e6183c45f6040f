"""`MemoryTallies`: the tallies of one process, with a file that it can go on from."""

from __future__ import annotations

import os
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from math import fsum
from pathlib import Path
from typing import Final

import msgspec

from clausal.compiler.types import MICROSECONDS
from clausal.enforcement.tallies.definition import Definition, Kind
from clausal.enforcement.tallies.sketches import Sketch, SketchState
from clausal.enforcement.tallies.store import EXACT, Step, StoreError, Watermark

FORMAT: Final = 1


class Exact(msgspec.Struct, tag=True):
    """Entries of a key one by one, by time; ``values`` is empty for kinds that need none."""

    times: list[int] = []
    ids: list[str] = []
    values: list[float | str] = []
    due: int = 64
    """With so many entries it is time to look for those that can be forgotten."""


class _Series:
    """The entries of one key. ``names`` are those of the exact entries."""

    __slots__ = ("exact", "names", "sketch")

    def __init__(self, exact: Exact, sketch: Sketch | None = None) -> None:
        self.exact = exact
        self.sketch = sketch
        self.names = set(exact.ids)

    @property
    def newest(self) -> int:
        if self.sketch is not None:
            return self.sketch.newest
        return self.exact.times[-1] if self.exact.times else 0

    def figure(self, kind: Kind, start: int, end: int) -> float:
        """The figure over the entries from an instant to before another, a rate as its count."""
        if self.sketch is not None:
            return self.sketch.figure(start, end)
        times, values = self.exact.times, self.exact.values
        first, last = bisect_left(times, start), bisect_left(times, end)
        match kind:
            case "count" | "rate":
                return float(last - first)
            case "distinct":
                return float(len(set(values[first:last])))
            case "sum":
                return fsum(values[first:last])  # type: ignore[arg-type] # sums hold numbers

    def add(self, step: Step, definition: Definition) -> None:
        """Take an entry up, unless it was taken up before."""
        if self.sketch is not None and self.sketch.newest < step.floor:
            self.sketch = None
        if self.sketch is not None:
            self._add_to_sketch(self.sketch, step)
            return
        if step.id in self.names:
            return
        exact = self.exact
        place = bisect_right(exact.times, step.at)
        exact.times.insert(place, step.at)
        exact.ids.insert(place, step.id)
        if step.value is not None:
            exact.values.insert(place, step.value)
        self.names.add(step.id)
        if len(exact.times) >= exact.due:
            self._forget(step.floor)
            if len(exact.times) > EXACT:
                self._summarise(definition)

    def _forget(self, floor: int) -> None:
        exact = self.exact
        gone = bisect_left(exact.times, floor)
        self.names.difference_update(exact.ids[:gone])
        del exact.times[:gone], exact.ids[:gone], exact.values[:gone]
        count = len(exact.times)
        exact.due = min(max(64, 2 * count), max(EXACT, count) + 1)

    def _summarise(self, definition: Definition) -> None:
        exact, self.exact = self.exact, Exact()
        sketch = self.sketch = Sketch(definition.kind, definition.over)
        for index, (at, name) in enumerate(zip(exact.times, exact.ids, strict=True)):
            sketch.add(at, name, exact.values[index] if exact.values else None)
        self.names = set()

    def _add_to_sketch(self, sketch: Sketch, step: Step) -> None:
        if step.at // sketch.width not in sketch.buckets:
            sketch.forget(step.floor)
        sketch.add(step.at, step.id, step.value)


class _Tally:
    """The entries of one tally by key, and when those of silent keys were last looked for."""

    __slots__ = ("definition", "series", "swept")

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.series: dict[str, _Series] = {}
        self.swept = 0


class MemoryTallies:
    """Tallies of one process.

    What no window reaches is forgotten: memory is bounded by the events of the longest window and
    the lateness, and by `EXACT` entries, or a sketch of 130 to 260 KB, for each key.

    Attributes:
        watermark: See `Watermark`.
    """

    def __init__(self) -> None:
        self.watermark = Watermark()
        self._tallies: dict[str, _Tally] = {}
        self._lateness = 0

    def known(self) -> Mapping[str, Definition]:
        """The definitions of the tallies that there are entries of; see `TallyStore`."""
        return {name: tally.definition for name, tally in self._tallies.items()}

    def begin(
        self, definitions: Mapping[str, Definition], reset: AbstractSet[str], lateness: int
    ) -> None:
        """Remember definitions, and forget the tallies that begin anew; see `TallyStore`."""
        for name, definition in definitions.items():
            tally = self._tallies.get(name)
            if tally is None or name in reset:
                self._tallies[name] = _Tally(definition)
            else:
                tally.definition = definition
        self._lateness = lateness

    def take(self, steps: Sequence[Step]) -> list[float | None]:
        """Do steps in order; see `TallyStore`."""
        return [self._take(step) for step in steps]

    def _take(self, step: Step) -> float | None:
        tally = self._tallies[step.name]
        definition = tally.definition
        series = tally.series.get(step.key)
        figure: float | None = None
        if step.asked:
            figure = 0.0
            if series is not None:
                figure = series.figure(definition.kind, step.at - definition.over, step.at)
                if definition.kind == "rate":
                    figure *= MICROSECONDS / definition.over
        if step.counts and step.at >= step.floor:
            if series is None:
                self._sweep(tally, step.floor)
                series = tally.series[step.key] = _Series(Exact())
            series.add(step, definition)
        return figure

    def _sweep(self, tally: _Tally, floor: int) -> None:
        """Forget silent keys, so seldom that it costs each event little."""
        if floor - tally.swept >= (tally.definition.over + self._lateness) // 4:
            tally.swept = floor
            for key in [key for key, series in tally.series.items() if series.newest < floor]:
                del tally.series[key]

    @property
    def keys(self) -> int:
        """How many keys of all tallies have entries."""
        return sum(len(tally.series) for tally in self._tallies.values())

    # ── The file ─────────────────────────────────────────────────────────────────────────────────

    def save(self, path: str | Path) -> None:
        """Write everything to a file, whole or not at all.

        Raises:
            OSError: if it cannot be written.
        """
        state = _State(
            FORMAT,
            self.watermark.reached,
            {
                name: _TallyState(
                    tally.definition,
                    {
                        key: series.exact if series.sketch is None else series.sketch.state()
                        for key, series in tally.series.items()
                    },
                )
                for name, tally in self._tallies.items()
            },
        )
        path = Path(path)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(msgspec.msgpack.encode(state))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: str | Path) -> MemoryTallies:
        """Go on from a file that `save` wrote.

        Raises:
            StoreError: if it cannot be read or is not such a file.
        """
        store = cls()
        try:
            state = msgspec.msgpack.decode(Path(path).read_bytes(), type=_State)
            if state.format != FORMAT:
                raise StoreError(f"`{path}` has format {state.format}; this version reads {FORMAT}")
            store.watermark = Watermark(state.reached)
            for name, told in state.tallies.items():
                tally = store._tallies[name] = _Tally(told.definition)
                for key, one in told.series.items():
                    if isinstance(one, Exact):
                        tally.series[key] = _Series(one)
                    else:
                        tally.series[key] = _Series(Exact(), Sketch.restore(one))
        except OSError as error:
            raise StoreError(
                f"`{path}`: {(error.strerror or 'it cannot be read').lower()}"
            ) from None
        except (msgspec.DecodeError, ValueError, RuntimeError) as error:
            raise StoreError(f"`{path}` holds no tallies: {error}") from None
        return store


class _TallyState(msgspec.Struct, frozen=True):
    definition: Definition
    series: dict[str, Exact | SketchState]


class _State(msgspec.Struct, frozen=True):
    format: int
    reached: list[tuple[int, str]]
    tallies: dict[str, _TallyState]
