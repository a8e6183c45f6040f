"""The stream: batches of events in order of time, and writing them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from clausal.generator import signals
from clausal.generator.clock import HotEvents
from clausal.generator.fields import FIELDS, Kind
from clausal.generator.lines import json_lines
from clausal.generator.plan import NAMES, Plan
from clausal.generator.profiles import PROFILES, Profile
from clausal.generator.signals import Signals
from clausal.generator.tables import Tables
from clausal.generator.world import World, offences

PARQUET: Final = ".parquet"


class Batch:
    """Some events in order of time, and what is kept apart from them; each is made when asked for."""

    def __init__(self, tables: Tables, drawn: signals.Batch) -> None:
        self._tables = tables
        self._drawn = drawn

    @property
    def size(self) -> int:
        """How many events there are."""
        return len(self._drawn.conduct)

    @cached_property
    def events(self) -> pa.RecordBatch:
        """The events, as a platform would send them: a column for each field, named by its path."""
        return self._tables.events(self._drawn)

    @cached_property
    def truth(self) -> pa.RecordBatch:
        """What is truly going on behind each event, in the same order."""
        return self._tables.truth(self._drawn)

    @cached_property
    def verdicts(self) -> pa.RecordBatch:
        """What people found about earlier items, when they found it."""
        return self._tables.verdicts(self._drawn)

    @cached_property
    def appeals(self) -> pa.RecordBatch:
        """Who of these authors would appeal a measure, and how that would end."""
        return self._tables.appeals(self._drawn)


class Stream:
    """One world, of which any batch can be made without those before it.

    Args:
        profile: How large it is.
        seed: What is drawn depends on it alone; from 0 to 2**32 - 1.
        ladder: Give each event the strikes of its account on this ladder (a qualified name, such as
            ``cn.self_media_traffic.fabrication``), in the column ``$history``.

    Raises:
        ValueError: if the seed or the name of the ladder is none.
    """

    def __init__(self, profile: Profile, seed: int, *, ladder: str | None = None) -> None:
        if not 0 <= seed < 2**32:
            raise ValueError("the seed is a number from 0 to 4294967295")
        if ladder is not None and not _is_qualified(ladder):
            raise ValueError(
                f"`{ladder}` is no qualified name of a ladder, such as `cn.policy.ladder`"
            )
        self.profile = profile
        self.plan = Plan(profile, seed)
        self.world = World.draw(
            seed,
            profile.accounts,
            self.plan.clock.seconds,
            offences(profile.rates, profile.events),
        )
        hot = HotEvents.draw(seed, self.plan.clock.seconds)
        machines = profile.rates.get(NAMES[signals.FAKE], 0.0) * profile.events / 100_000
        self._signals = Signals(seed, self.plan, self.world, hot, machines)
        numbers = profile.accounts + len(self.world.offenders) + profile.events
        self._tables = Tables(profile.start, max(9, len(str(numbers))), self.world, seed, ladder)

    @property
    def batches(self) -> int:
        """How many batches there are; each has about 65,536 events."""
        return self.plan.batches

    def batch(self, number: int) -> Batch:
        """A batch, from 0.

        Raises:
            IndexError: if there is no such batch.
        """
        if not 0 <= number < self.batches:
            raise IndexError(number)
        return Batch(self._tables, self._signals.batch(self.plan.rows(number)))

    def __iter__(self) -> Iterator[Batch]:
        return (self.batch(number) for number in range(self.batches))


def batches(
    profile: Profile | str,
    seed: int = 1,
    *,
    events: int | None = None,
    part: tuple[int, int] = (0, 1),
    ladder: str | None = None,
) -> Iterator[pa.RecordBatch]:
    """Events as record batches of Arrow, about 65,536 in each, in order of time.

    The same arguments give the same batches. Memory does not grow with the number of events. Several
    processes can share the work, each with a part of its own.

    Args:
        profile: How large the world is; a name in `PROFILES` will do.
        seed: What is drawn depends on it alone.
        events: How many events, instead of the profile's.
        part: Which part of how many, from 0: ``(0, 2)`` and ``(1, 2)`` are the two halves.
        ladder: See `Stream`.

    Raises:
        ValueError: if there is no such part, or see `Stream`.
    """
    chosen = PROFILES[profile] if isinstance(profile, str) else profile
    if events is not None:
        chosen = replace(chosen, events=events, accounts=min(chosen.accounts, events))
    number, of = part
    if not 0 <= number < of:
        raise ValueError(f"there is no part {number} of {of}, counted from 0")
    stream = Stream(chosen, seed, ladder=ladder)
    first, end = (stream.batches * k // of for k in (number, number + 1))
    return (stream.batch(k).events for k in range(first, end))


@dataclass(frozen=True, slots=True)
class Output:
    """A file to write to: Parquet if it is said so, else lines of JSON."""

    file: IO[bytes]
    parquet: bool = False


def write(stream: Stream, outputs: Mapping[str, Output]) -> int:
    """Write what is asked for; how many events there were.

    Args:
        stream: The world.
        outputs: Where its ``events``, ``truth``, ``verdicts`` and ``appeals`` go, each if wanted.
    """
    count = 0
    with contextlib.ExitStack() as stack:
        sinks: dict[str, Callable[[pa.RecordBatch], None]] = {}
        for batch in stream:
            count += batch.size
            for name, output in outputs.items():
                table = getattr(batch, name)
                if name not in sinks:
                    sinks[name] = _sink(output, table.schema, stack)
                sinks[name](table)
    return count


def _sink(
    output: Output, schema: pa.Schema, stack: contextlib.ExitStack
) -> Callable[[pa.RecordBatch], None]:
    if not output.parquet:
        file = output.file

        def lines(table: pa.RecordBatch) -> None:
            for piece in json_lines(table):
                file.write(piece)

        return lines
    writer = stack.enter_context(
        pq.ParquetWriter(
            output.file,
            schema,
            compression="zstd",
            # Identifiers and instants are nearly all different: a dictionary of them only costs time.
            use_dictionary=[_leaf(field) for field in schema if field.name not in _DISTINCT],
        )
    )
    return lambda table: writer.write_batch(table, row_group_size=max(1, table.num_rows))


def _leaf(field: pa.Field) -> str:
    """What a Parquet file calls the values of a column."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


_DISTINCT: Final = frozenset(
    {
        path
        for path, field in FIELDS.items()
        if field.kind in (Kind.ID, Kind.TIME) and not field.width
    }
) | {"event_id", "review_id", "content_id", "account_id", "time"}


def _is_qualified(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)
