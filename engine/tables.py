"""Tables of events in, tables of decisions out.

Most events satisfy no rule: for them nothing is made but a place in the columns that come out. The
rules of all others are found by batches too (`clausal.engine._batch`), and their decisions are then
made one by one, by what makes all decisions.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from clausal.compiler.bundle import Artifact
from clausal.engine._batch import BATCH_LIMIT, Columns, Found, Matcher, Sheet
from clausal.engine.columns import ColumnReader, RecordBatch, Schema, arrow, batches_of, row_of
from clausal.engine.consequences import identifier
from clausal.engine.decision import Decision
from clausal.engine.problem import EventError
from clausal.engine.render import rfc3339

if TYPE_CHECKING:
    from clausal.engine._core import Core
    from clausal.engine.decide import Context

_ROWS: Final = 32_768
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
        self._matcher = Matcher(artifact.program, meta.slots, time_slot=meta.time_slot)
        self._artifact = artifact
        self._core = core
        self._time_slot = meta.time_slot
        self._context = context
        self._tuned = False

    # ── Matching ─────────────────────────────────────────────────────────────────────────────────

    def pieces(
        self, source: Any, *, threads: int, batch: int = BATCH_LIMIT, rows: int = _ROWS
    ) -> Iterator[Piece]:
        """Match the rows of a source, in order.

        Args:
            source: As of `batches_of`.
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

        def match(record: RecordBatch, columns: Columns, start: int, stop: int) -> Piece:
            sheet = sheets.get()
            try:
                found = sheet.match(columns, start, stop, batch=batch)
            finally:
                sheets.put(sheet)
            return Piece(record, reader, start, stop, *found)

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
        waiting: deque[Future[Piece]] = deque()
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
        for piece in self.pieces(source, threads=threads, batch=batch):
            errors: dict[int, str] = {}
            rules: dict[int, tuple[list[int], list[int]]] = {}
            for row in piece.odd:
                try:
                    values = self._core.read(
                        row_of(piece.batch, piece.start + row, piece.reader.paths)
                    )
                    self._core.decided(values, None, False)
                    acted = values.value(self._time_slot)
                    assert isinstance(acted, float)
                    rules[row] = self._core.run(values, int(acted))
                except EventError as error:
                    errors[row] = str(error)
            yield _matches(piece, names, rules, errors)

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
        for piece in self.pieces(source, threads=threads, batch=batch):
            loud = self.loud(piece, decided_at)
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

    def loud(self, piece: Piece, decided_at: int | None) -> dict[int, Decision | EventError]:
        """The decisions for rows of which any rule has a say, and the refusals of rows."""
        rows = set(piece.odd)
        for found in (piece.fired, piece.undetermined):
            starts = memoryview(found.starts()).cast("i")
            before = 0
            if starts[-1] == 0:
                continue
            for row in range(piece.stop - piece.start):
                after = starts[row + 1]
                if after != before:
                    rows.add(row)
                    before = after
        if decided_at is not None:
            acted = memoryview(piece.acted).cast("q")
            rows.update(row for row, instant in enumerate(acted) if instant > decided_at)
        results: dict[int, Decision | EventError] = {}
        for row in sorted(rows):
            try:
                event = row_of(piece.batch, piece.start + row, piece.reader.paths)
                results[row] = self._core.evaluate(event, None, decided_at, False)
            except EventError as error:
                results[row] = error
        return results

    def _event_ids(self, piece: Piece) -> Any:
        """What the events call themselves, as an array of strings."""
        pa = arrow()
        count = piece.stop - piece.start
        slot = self._context.id_slot
        column = None if slot is None else piece.reader.column_of(slot, piece.batch)
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
            number = float(value) if isinstance(value, int) and value is not bool(value) else value
            known = isinstance(number, bool | str | float)
            names.append(identifier(number) if known else None)
        return pa.array(names, pa.string())

    def evaluate(
        self, source: Any, *, decided_at: int | None, threads: int, batch: int = BATCH_LIMIT
    ) -> Iterator[Any]:
        """The decisions, as record batches of `decisions_schema`."""
        schema = decisions_schema(self._context.zone)
        for piece in self.pieces(source, threads=threads, batch=batch):
            loud = self.loud(piece, decided_at)
            yield _decided(
                piece, self._event_ids(piece), loud, decided_at, schema, self._context.bundle
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


def decisions_schema(zone: str) -> Schema:
    """The columns of `Bundle.evaluate_table`: those of a decision, and the refusal."""
    pa = arrow()
    instant = pa.timestamp("us", zone)
    both = pa.struct([("zh", pa.string()), ("en", pa.string())])
    target = pa.struct([("kind", pa.string()), ("id", pa.string())])
    numbers = pa.list_(pa.int32())
    finding = pa.struct(
        [
            ("policy", pa.string()),
            ("version", pa.string()),
            ("rule", pa.string()),
            ("severity", pa.string()),
            ("mode", pa.string()),
            (
                "clauses",
                pa.list_(
                    pa.struct(
                        [
                            ("notice", pa.string()),
                            ("id", pa.string()),
                            ("quote", pa.string()),
                            ("fingerprint", pa.string()),
                        ]
                    )
                ),
            ),
            ("title", both),
            ("reason", both),
        ]
    )
    measure = pa.struct(
        [
            ("sanction", pa.string()),
            ("title", both),
            ("grade", pa.int32()),
            ("target", target),
            ("mode", pa.string()),
            ("arguments", pa.string()),
            ("start", pa.string()),
            ("end", pa.string()),
            ("permanent", pa.bool_()),
            ("once", pa.bool_()),
            ("until_fixed", pa.list_(pa.string())),
            ("interim", pa.bool_()),
            ("review", pa.int32()),
            ("findings", numbers),
            ("steps", pa.list_(pa.struct([("ladder", pa.string()), ("step", pa.int32())]))),
            ("yields_to", pa.int32()),
            ("notice", both),
        ]
    )
    undetermined = pa.struct(
        [
            ("policy", pa.string()),
            ("version", pa.string()),
            ("rule", pa.string()),
            ("mode", pa.string()),
            ("lacks", pa.list_(pa.struct([("field", pa.string()), ("cause", pa.string())]))),
        ]
    )
    standing = pa.struct(
        [
            ("ladder", pa.string()),
            ("target", target),
            ("mode", pa.string()),
            ("active", pa.int32()),
            ("step", pa.int32()),
            ("if_clean", pa.int32()),
            ("findings", numbers),
        ]
    )
    problem = pa.struct([("path", pa.string()), ("expected", pa.string()), ("got", pa.string())])
    return pa.schema(
        [
            pa.field("event_id", pa.string()),
            pa.field("acted_at", instant),
            pa.field("decided_at", instant),
            pa.field("bundle", pa.dictionary(pa.int8(), pa.string()), nullable=False),
            pa.field("findings", pa.list_(finding), nullable=False),
            pa.field("measures", pa.list_(measure), nullable=False),
            pa.field("undetermined", pa.list_(undetermined), nullable=False),
            pa.field("ladders", pa.list_(standing), nullable=False),
            pa.field("errors", pa.list_(problem), nullable=False),
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


_LISTS: Final = ("findings", "measures", "undetermined", "ladders")


def _decided(
    piece: Piece,
    event_ids: Any,
    loud: dict[int, Decision | EventError],
    decided_at: int | None,
    schema: Schema,
    bundle: str,
) -> RecordBatch:
    """The decisions of a piece as columns."""
    pa = arrow()
    count = piece.stop - piece.start
    instants = array("q", bytes(piece.acted))
    decided = instants if decided_at is None else array("q", [decided_at]) * count
    refused: dict[int, list[object]] = {}
    told: dict[str, dict[int, list[object]]] = {name: {} for name in _LISTS}
    ids: dict[int, str | None] = {}
    for row, result in loud.items():
        if isinstance(result, EventError):
            refused[row] = [msgspec.to_builtins(problem) for problem in result.problems]
            continue
        instants[row] = result._acted_at  # noqa: SLF001 - as a number
        decided[row] = result._decided_at  # noqa: SLF001
        value = result.to_dict()
        ids[row] = result.event_id
        for name in _LISTS:
            items = value[name]
            assert isinstance(items, list | tuple)
            if items:
                told[name][row] = [_flat(name, item) for item in items]
    if ids or refused:
        known = event_ids.to_pylist()
        event_ids = pa.array(
            [
                None if row in refused else ids[row] if row in ids else known[row]
                for row in range(count)
            ],
            pa.string(),
        )
    absent = pa.array([row in refused for row in range(count)]) if refused else None
    kind = pa.int64()
    acted_at = pa.Array.from_buffers(kind, count, [None, pa.py_buffer(instants)])
    at = pa.Array.from_buffers(kind, count, [None, pa.py_buffer(decided)])
    arrays = [
        event_ids,
        _without(acted_at, absent).cast(schema.field("acted_at").type),
        _without(at, absent).cast(schema.field("decided_at").type),
        pa.DictionaryArray.from_arrays(
            pa.Array.from_buffers(pa.int8(), count, [None, pa.py_buffer(bytes(count))]),
            pa.array([bundle]),
        ),
        *(_lists(told[name], count, schema.field(name).type) for name in _LISTS),
        _lists(refused, count, schema.field("errors").type),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _without(values: Any, absent: Any) -> Any:
    """The values, with nulls where they are to be absent."""
    pc = arrow("compute")
    return values if absent is None else pc.if_else(absent, None, values)


def _flat(name: str, item: Any) -> Any:
    """An item of a decision as Arrow has it: arguments, whose types differ, as JSON."""
    if name == "measures":
        return {**item, "arguments": msgspec.json.encode(item["arguments"]).decode()}
    return item


def _lists(items: dict[int, list[object]], count: int, kind: Any) -> Any:
    """A column of lists, empty for most rows."""
    pa = arrow()
    if not items:
        offsets = pa.Array.from_buffers(
            pa.int32(), count + 1, [None, pa.py_buffer(bytes(4 * (count + 1)))]
        )
        return pa.ListArray.from_arrays(offsets, pa.array([], kind.value_type), type=kind)
    starts = array("i", [0])
    flat: list[object] = []
    for row in range(count):
        flat += items.get(row, ())
        starts.append(len(flat))
    offsets = pa.Array.from_buffers(pa.int32(), count + 1, [None, pa.py_buffer(starts)])
    return pa.ListArray.from_arrays(offsets, pa.array(flat, kind.value_type), type=kind)


def table_of(batches: Iterable[Any], schema: Schema) -> Any:
    """One table of all batches."""
    table: Any = arrow().Table.from_batches(batches, schema)
    return table
