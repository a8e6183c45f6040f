"""NumPy: each distinct predicate is computed once over the columns, each rule is ANDs of those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.peers.peer import About, Event, Peer, Task
from benchmarks.peers.tables import SET, WIDTH, bits, coded, mask, named
from benchmarks.workload import ENUMS, FLAGS, Predicate

Columns: TypeAlias = dict[str, npt.NDArray[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint64]


def _numbers(events: Sequence[Event]) -> Columns:
    """The columns as arrays: NaN for a missing number, no bit for a missing name, -1 for a flag."""
    columns: Columns = {}
    table = coded(events)
    for field, column in zip(table.column_names, table.columns, strict=True):
        if field in WIDTH:
            columns[field] = column.fill_null(0).to_numpy()
        elif field in FLAGS:
            columns[field] = column.cast("int8").fill_null(-1).to_numpy()
        else:
            columns[field] = column.cast("float64").to_numpy()
    return columns


class _Interned(Peer):
    """Predicates numbered, rules as the numbers of theirs."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        number: dict[Predicate, int] = {}
        self.conjunctions = [
            [[number.setdefault(one, len(number)) for one in clause] for clause in rule.clauses]
            for rule in self.rules
        ]
        self.predicates = list(number)


class Masks(_Interned):
    """Boolean arrays, and `np.isin` on codes, as most would write it."""

    about = About(
        title="NumPy, interned predicates",
        way="columns",
        library="numpy",
        batch=16_384,
        how="a Boolean array for each distinct predicate, `&` for each rule, `np.flatnonzero`",
    )

    def prepare(self, events: Sequence[Event]) -> tuple[Columns, int]:
        columns = _numbers(events)
        for field in ENUMS:
            present = columns[field].astype(np.uint64)
            code = np.log2(np.maximum(present, 1)).astype(np.int8)
            columns[field] = np.where(present == 0, np.int8(-1), code)
        return columns, len(events)

    def _holds(self, predicate: Predicate, columns: Columns) -> Any:
        column: Any = columns[predicate.field]
        match predicate.operand:
            case tuple(names) if predicate.field == SET:
                return (column & column.dtype.type(bits(SET, names))) != 0
            case (only,) if not predicate.negated:
                return column == int(only[1:])
            case tuple(names):
                found = np.isin(column, [int(name[1:]) for name in names])
                return (column >= 0) & ~found if predicate.negated else found
            case bool(wanted):
                return column == int(wanted)
            case least:
                return column >= least

    def run(self, events: tuple[Columns, int]) -> tuple[list[tuple[str, Any]], int]:
        columns, count = events
        holds = [self._holds(predicate, columns) for predicate in self.predicates]
        firing = []
        for rule, clauses in zip(self.rules, self.conjunctions, strict=True):
            every: Bools | None = None
            for clause in clauses:
                some = holds[clause[0]] if len(clause) == 1 else holds[clause[0]] | holds[clause[1]]
                every = some if every is None else every & some
            assert every is not None
            places = np.flatnonzero(every)
            if places.size:
                firing.append((rule.name, places))
        return firing, count

    def answers(self, result: tuple[list[tuple[str, Any]], int]) -> list[set[str]]:
        return named(*result)


class Bits(_Interned):
    """The same made as fast as we could: names as bits, and eight events in a byte."""

    about = About(
        title="NumPy, bit matrices",
        way="columns",
        library="numpy",
        batch=16_384,
        how="predicates as rows of packed bits, rules as in-place ANDs of rows, 64 events a word",
    )

    def prepare(self, events: Sequence[Event]) -> tuple[Columns, int]:
        return _numbers(events), len(events)

    def _holds(self, predicate: Predicate, columns: Columns) -> Any:
        column: Any = columns[predicate.field]
        match predicate.operand:
            case tuple():
                # The operator "has any" is never negated, so that `mask` serves both.
                wanted = bits(SET, predicate.operand) if predicate.field == SET else mask(predicate)
                return (column & column.dtype.type(wanted)) != 0
            case bool(truth):
                return column == int(truth)
            case least:
                return column >= least

    def run(self, events: tuple[Columns, int]) -> tuple[Any, Words, int]:
        columns, count = events
        words = -(-count // 64)
        rows = []
        for predicate in self.predicates:
            packed = np.packbits(self._holds(predicate, columns), bitorder="little")
            if packed.size % 8:
                packed = np.pad(packed, (0, 8 * words - packed.size))
            rows.append(packed.view(np.uint64))
        matrix = np.empty((len(self.rules), words), np.uint64)
        for row, clauses in zip(matrix, self.conjunctions, strict=True):
            row[:] = (
                rows[clauses[0][0]]
                if len(clauses[0]) == 1
                else rows[clauses[0][0]] | rows[clauses[0][1]]
            )
            for clause in clauses[1:]:
                some = rows[clause[0]] if len(clause) == 1 else rows[clause[0]] | rows[clause[1]]
                np.bitwise_and(row, some, out=row)
        where = np.nonzero(matrix)
        return where, matrix[where], count

    def answers(self, result: tuple[Any, Words, int]) -> list[set[str]]:
        (rules, words), found, count = result
        firing = []
        for rule, word, value in zip(rules, words, found, strict=True):
            places = [64 * int(word) + bit for bit in range(64) if int(value) >> bit & 1]
            firing.append((self.rules[rule].name, places))
        return named(firing, count)
