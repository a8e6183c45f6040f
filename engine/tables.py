"""Tables of events in, tables of decisions out.

Rules are found by batches (`clausal.engine._batch`), and columns of decisions are made of columns of
rules (`clausal.engine.decided`). Only rows with something unusual are decided one by one, by what
makes all decisions: what is refused or has a history, rules with a rollout, and versions of which the
milder one applies.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from clausal.compiler.bundle import Artifact
from clausal.compiler.program import integers
from clausal.engine._batch import BATCH_LIMIT, Columns, Found, Matcher, Sheet
from clausal.engine.columns import (
    ColumnReader,
    RecordBatch,
    Schema,
    arrow,
    batches_of,
    read_columns,
    row_of,
)
from clausal.engine.consequences import identifier
from clausal.engine.decided import Results, Rows, Tabulator, decisions_schema
from clausal.engine.decision import Decision
from clausal.engine.lacks import Lacks
from clausal.engine.problem import EventError
from clausal.engine.render import rfc3339

if TYPE_CHECKING:
    from clausal.engine._core import Core
    from clausal.engine.decide import Context

_T = TypeVar("_T")

_ROWS: Final = 65_536
"""As many rows one thread takes at once."""
_ENOUGH: Final = 256
"""From as many rows on, a batch says how often conditions hold."""


class Piece(NamedTuple):
    """Rows that were matched.

    Attributes:
        batch: The record batch that they are in.
        reader: Knows what its columns are.
        start, stop: Its first row, and the one after its last.
        fired, undetermined: The rules of each row.
        acted: int64, the instant of each act, in microseconds since 1970.
        odd: The rows, from the first on, that are to be read one by one.
    """

    batch: RecordBatch
    reader: ColumnReader
    start: int
    stop: int
    fired: Found
    undetermined: Found
    acted: bytearray
    odd: Sequence[int]


class TableEvaluator:
    """Decides tables of events with one bundle. Threads may share it."""

    def __init__(self, artifact: Artifact, core: Core, context: Context) -> None:
        """Get ready to decide tables.

        Args:
            artifact: The bundle.
            core: What reads and decides single events.
            context: What makes decisions.
        """
        meta = artifact.meta
        self._slots = meta.slots
        self._required = frozenset(at for at, slot in enumerate(meta.slots) if slot.required)
        self._matcher = Matcher(artifact.program, meta.slots, time_slot=meta.time_slot)
        self._artifact = artifact
        self._core = core
        self._time_slot = meta.time_slot
        self._context = context
        self._tuned = False

    # ── Matching ─────────────────────────────────────────────────────────────────────────────────

    def _pieces(
        self,
        source: Any,
        work: Callable[[Piece], _T],
        *,
        threads: int,
        batch: int = BATCH_LIMIT,
        rows: int = _ROWS,
    ) -> Iterator[_T]:
        """Match the rows of a source, and do something with those that were; in order.

        Args:
            source: As of `batches_of`.
            work: What is done, by the thread that matched.
            threads: How many threads match at once.
            batch: How many events are matched at once, 512 at most.
            rows: As many rows one thread takes at once; so much is in memory for each of them.

        Raises:
            TableError: if the columns cannot hold events.
        """
        if threads < 1:
            raise ValueError(f"expected at least one thread, got {threads}")
        schema, batches = batches_of(source)
        reader = ColumnReader(self._matcher, self._slots, schema)
        sheets: SimpleQueue[Sheet] = SimpleQueue()
        for _ in range(threads):
            sheets.put(Sheet(self._matcher))

        def match(record: RecordBatch, columns: Columns, start: int, stop: int) -> _T:
            sheet = sheets.get()
            try:
                found = sheet.match(columns, start, stop, batch=batch)
            finally:
                sheets.put(sheet)
            return work(Piece(record, reader, start, stop, *found))

        def tasks() -> Iterator[tuple[RecordBatch, Columns, int, int]]:
            for record in batches:
                columns = reader.read(record)
                self._tune(columns)
                for start in range(0, record.num_rows, rows):
                    yield record, columns, start, min(start + rows, record.num_rows)

        if threads == 1:
            for task in tasks():
                yield match(*task)
            return
        waiting: deque[Future[_T]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for task in tasks():
                    waiting.append(pool.submit(match, *task))
                    if len(waiting) > 2 * threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _tune(self, columns: Columns) -> None:
        """Learn from the first rows in which order conditions are best tried."""
        if not self._tuned and columns.rows >= _ENOUGH:
            self._tuned = True
            sheet = Sheet(self._matcher)
            sheet.match(columns, 0, min(columns.rows, BATCH_LIMIT))
            self._matcher.tune(sheet)

    def match(self, source: Any, *, threads: int, batch: int = BATCH_LIMIT) -> Iterator[Any]:
        """The rules of each row, as record batches of `matches_schema`."""
        names = self._names()

        def work(piece: Piece) -> RecordBatch:
            errors: dict[int, str] = {}
            rules: dict[int, tuple[list[int], list[int]]] = {}
            columns = piece.batch.columns
            for row in piece.odd:
                try:
                    values = self._core.read(row_of(columns, piece.start + row, piece.reader.paths))
                    self._core.decided(values, None, False)
                    acted = values.value(self._time_slot)
                    assert isinstance(acted, float)
                    rules[row] = self._core.run(values, int(acted))
                except EventError as error:
                    errors[row] = str(error)
            return _matches(piece, names, rules, errors)

        return self._pieces(source, work, threads=threads, batch=batch)

    def matches_table(self, batches: Iterable[RecordBatch]) -> Any:
        """What `match` gives, as one table."""
        return arrow().Table.from_batches(batches, matches_schema())

    def decisions_table(self, batches: Iterable[RecordBatch]) -> Any:
        """What `evaluate` gives, as one table."""
        return arrow().Table.from_batches(batches, decisions_schema(self._context.zone))

    def columns_of(self, names: Sequence[str]) -> list[str]:
        """The columns that are read, of all those of a table; see `read_columns`."""
        return read_columns(names, self._slots)

    def _names(self) -> tuple[list[str], list[int]]:
        """The names of all rules, each once, and which of them each rule has."""
        corpus = self._artifact.corpus
        numbers: dict[str, int] = {}
        of_rule = [
            numbers.setdefault(f"{corpus.versions[rule.version].policy}.{rule.name}", len(numbers))
            for rule in corpus.rules
        ]
        return list(numbers), of_rule

    # ── Deciding ─────────────────────────────────────────────────────────────────────────────────

    def decisions(
        self, source: Any, *, decided_at: int | None, threads: int, batch: int = BATCH_LIMIT
    ) -> Iterator[Decision | EventError]:
        """The decision for each row, or what is wrong with it."""
        for piece, loud in self._pieces(
            source,
            lambda piece: (piece, self._loud(piece, decided_at)),
            threads=threads,
            batch=batch,
        ):
            acted = memoryview(piece.acted).cast("q")
            names = self._event_ids(piece).to_pylist()
            for row in range(piece.stop - piece.start):
                if row in loud:
                    yield loud[row]
                    continue
                at = acted[row] if decided_at is None else decided_at
                zone = self._context.zone
                yield Decision(
                    event_id=names[row],
                    acted_at=rfc3339(acted[row], zone),
                    decided_at=rfc3339(at, zone),
                    bundle=self._context.bundle,
                )

    def _loud(self, piece: Piece, decided_at: int | None) -> Results:
        """The decisions for rows of which any rule has a say, and the refusals of rows."""
        rows = set(piece.odd)
        for found in (piece.fired, piece.undetermined):
            rows.update(arrow("compute").list_parent_indices(_lists(found)).to_pylist())
        if decided_at is not None:
            acted = memoryview(piece.acted).cast("q")
            rows.update(row for row, instant in enumerate(acted) if instant > decided_at)
        return self._one_by_one(piece, sorted(rows), decided_at)

    def _one_by_one(self, piece: Piece, rows: Iterable[int], decided_at: int | None) -> Results:
        results: dict[int, Decision | EventError] = {}
        columns = piece.batch.columns
        for row in rows:
            try:
                event = row_of(columns, piece.start + row, piece.reader.paths)
                results[row] = self._core.evaluate(event, None, decided_at, False)
            except EventError as error:
                results[row] = error
        return results

    @cached_property
    def _tabulator(self) -> Tabulator:
        return Tabulator(self._artifact.corpus, self._context, self._lacks)

    @cached_property
    def _lacks(self) -> Lacks:
        return Lacks(self._artifact.program)

    def _decided(self, piece: Piece, decided_at: int | None) -> RecordBatch:
        """The decisions of a piece as columns."""
        pa, pc = arrow(), arrow("compute")
        count = piece.stop - piece.start
        acted = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(piece.acted)])
        alone = set(piece.odd)
        fired = _lists(piece.fired)
        decided = acted
        if decided_at is not None:
            decided = pa.repeat(pa.scalar(decided_at, pa.int64()), count)
            alone.update(pc.indices_nonzero(pc.greater(acted, decided_at)).to_pylist())
            # Where other versions are in force at the decision, they may be milder.
            first, last = self._segment(decided_at)
            with_rules = pc.unique(pc.list_parent_indices(fired))
            then = acted.take(with_rules)
            other = pc.or_(pc.less(then, first), pc.greater(then, last))
            alone.update(with_rules.filter(other).to_pylist())
        rows = Rows(
            count,
            fired,
            _lists(piece.undetermined),
            acted,
            lambda slot: self._ids(piece, slot),
            lambda slot: self._there(piece, slot),
            lambda rule, row: self._lacking(piece, rule, row),
        )
        return self._tabulator.tabulate(
            rows, decided, alone, lambda those: self._one_by_one(piece, those, decided_at)
        )

    def _segment(self, instant: int) -> tuple[int, int]:
        """The first and the last instant at which the same versions are in force as at this one."""
        boundaries = integers("q", self._artifact.program.boundaries)
        after = bisect_right(boundaries, instant)
        return (
            boundaries[after - 1] if after else -(2**63),
            boundaries[after] - 1 if after < len(boundaries) else 2**63 - 1,
        )

    def _there(self, piece: Piece, slot: int) -> Any:
        """Whether rows have a value in a slot: for each, or for all of them."""
        column = piece.reader.column_of(slot, piece.batch)
        if column is None or column.null_count == len(column):
            return False
        if column.null_count == 0:
            return True
        return column.slice(piece.start, piece.stop - piece.start).is_valid()

    def _lacking(self, piece: Piece, rule: int, row: int) -> tuple[int, ...]:
        """The slots whose values a rule lacks that is undetermined in a row."""
        slots = self._lacks.reads(rule) | self._required
        event = piece.reader.row_of(piece.batch, piece.start + row, slots)
        return tuple(self._core.lacking(self._core.read(event), rule))

    def _event_ids(self, piece: Piece) -> Any:
        """What the events call themselves, as an array of strings."""
        slot = self._context.id_slot
        if slot is None:
            return arrow().nulls(piece.stop - piece.start, arrow().string())
        return self._ids(piece, slot)

    def _ids(self, piece: Piece, slot: int) -> Any:
        """The values of a slot as decisions write them, as an array of strings."""
        pa = arrow()
        count = piece.stop - piece.start
        column = piece.reader.column_of(slot, piece.batch)
        if column is None:
            return pa.nulls(count, pa.string())
        column = column.slice(piece.start, count)
        if pa.types.is_string(column.type):
            return column
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return column.cast(pa.string())
        # Numbers and the like are written as decisions write them; what failed has no name.
        names: list[str | None] = []
        for value in column.to_pylist():
            number = (
                float(value) if isinstance(value, int) and not isinstance(value, bool) else value
            )
            known = isinstance(number, bool | str | float)
            names.append(identifier(number) if known else None)
        return pa.array(names, pa.string())

    def evaluate(
        self, source: Any, *, decided_at: int | None, threads: int, batch: int = BATCH_LIMIT
    ) -> Iterator[Any]:
        """The decisions, as record batches of `decisions_schema`."""
        return self._pieces(
            source,
            lambda piece: self._decided(piece, decided_at),
            threads=threads,
            batch=batch,
        )


# ── Schemas ──────────────────────────────────────────────────────────────────────────────────────


def matches_schema() -> Schema:
    """The columns of `Bundle.match_table`."""
    pa = arrow()
    rules = pa.list_(pa.dictionary(pa.int32(), pa.string()))
    return pa.schema(
        [
            pa.field("fired", rules, nullable=False),
            pa.field("undetermined", rules, nullable=False),
            pa.field("error", pa.string()),
        ]
    )


# ── Columns out ──────────────────────────────────────────────────────────────────────────────────


def _matches(
    piece: Piece,
    names: tuple[list[str], list[int]],
    rules: dict[int, tuple[list[int], list[int]]],
    errors: dict[int, str],
) -> RecordBatch:
    pa = arrow()
    count = piece.stop - piece.start
    schema = matches_schema()
    columns = []
    dictionary = pa.array(names[0], pa.string())
    of_rule = pa.array(names[1], pa.int32())
    for place, found in enumerate((piece.fired, piece.undetermined)):
        starts, numbers = found.starts(), found.numbers()
        if rules:
            starts, numbers = _with(
                starts, numbers, {row: both[place] for row, both in rules.items()}
            )
        indices = pa.Array.from_buffers(
            pa.int32(), len(numbers) // 4, [None, pa.py_buffer(numbers)]
        )
        offsets = pa.Array.from_buffers(pa.int32(), count + 1, [None, pa.py_buffer(starts)])
        values = pa.DictionaryArray.from_arrays(of_rule.take(indices), dictionary)
        columns.append(pa.ListArray.from_arrays(offsets, values))
    if errors:
        told = pa.array([errors.get(row) for row in range(count)], pa.string())
    else:
        told = pa.nulls(count, pa.string())
    return pa.RecordBatch.from_arrays([*columns, told], schema=schema)


def _with(starts: bytes, numbers: bytes, rules: dict[int, list[int]]) -> tuple[bytes, bytes]:
    """The rules of each row, where for some rows they were found in another way."""
    old_starts, old = memoryview(starts).cast("i"), memoryview(numbers).cast("i")
    new_starts, new = array("i", [0]), array("i")
    for row in range(len(old_starts) - 1):
        new.extend(rules.get(row, old[old_starts[row] : old_starts[row + 1]]))
        new_starts.append(len(new))
    return new_starts.tobytes(), new.tobytes()


def _lists(found: Found) -> Any:
    """The rules of each row as lists."""
    pa = arrow()
    starts, numbers = found.starts(), found.numbers()
    offsets, values = (
        pa.Array.from_buffers(pa.int32(), len(data) // 4, [None, pa.py_buffer(data)])
        for data in (starts, numbers)
    )
    return pa.ListArray.from_arrays(offsets, values)
