"""DuckDB: one prepared query over a table in memory, in two forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from benchmarks.peers.peer import About, Event, Peer, Task
from benchmarks.peers.tables import SET, WIDTH, bits, coded, named
from benchmarks.workload import SCORES, Predicate, Rule

TOGETHER: Final = 50
"""How many rules one query decides: planning takes more than linear time."""


def _column(field: str) -> str:
    return f'"{field}"'


def _test(predicate: Predicate) -> str:
    """The test, with literals of the column's type: otherwise the whole column would be cast."""
    column = _column(predicate.field)
    match predicate.operand:
        case tuple(names):
            kind = {8: "UTINYINT", 16: "USMALLINT", 32: "UINTEGER"}[WIDTH[predicate.field]]
            code = bits(predicate.field, names)
            if len(names) == 1 and predicate.field != SET:
                test = f"{column} = {code}::{kind}"
            else:
                test = f"({column} & {code}::{kind}) <> 0::{kind}"
        case bool(wanted):
            test = column if wanted else f"NOT {column}"
        case least:
            kind = "DOUBLE" if predicate.field in SCORES else "BIGINT"
            test = f"{column} >= {least}::{kind}"
    return f"NOT ({test})" if predicate.negated else test


def _condition(rule: Rule) -> str:
    return " AND ".join("(" + " OR ".join(map(_test, clause)) + ")" for clause in rule.clauses)


class Wide(Peer):
    """A column a rule."""

    about = About(
        title="DuckDB, a column a rule",
        way="columns",
        library="duckdb",
        module="duckdb",
        batch=65_536,
        how="prepared `SELECT`s of `CASE WHEN … THEN 1 END` for 50 rules each, which plans fastest, "
        "fetched as arrays; one thread",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.connection: Any = self.imported().connect()
        self.connection.execute("SET threads = 1")
        starts = range(0, len(self.rules), TOGETHER)
        self.queries = {
            f"decide{start}": self.query(range(start, min(start + TOGETHER, len(self.rules))))
            for start in starts
        }
        self.prepared = False

    def query(self, numbers: range) -> str:
        """The query for some of the rules, given by their numbers."""
        cases = (
            f"CASE WHEN {_condition(self.rules[number])} THEN 1 END AS r{number}"
            for number in numbers
        )
        return f"SELECT {', '.join(cases)} FROM events"  # noqa: S608 - made from data here

    def prepare(self, events: Sequence[Event]) -> int:
        connection = self.connection
        for name in self.queries if self.prepared else ():
            connection.execute(f"DEALLOCATE {name}")
        connection.register("given", coded(events))
        connection.execute(
            "CREATE OR REPLACE TABLE events AS SELECT row_number() OVER () - 1 AS row, * FROM given"
        )
        connection.unregister("given")
        for name, query in self.queries.items():
            connection.execute(f"PREPARE {name} AS {query}")
        self.prepared = True
        return len(events)

    def run(self, events: int) -> tuple[list[dict[str, Any]], int]:
        execute = self.connection.execute
        return [execute(f"EXECUTE {name}").fetchnumpy() for name in self.queries], events

    def answers(self, result: tuple[list[dict[str, Any]], int]) -> list[set[str]]:
        answers, events = result
        firing = [
            (self.rules[int(name[1:])].name, np.ma.filled(ones, 0).nonzero()[0].tolist())
            for columns in answers
            for name, ones in columns.items()
        ]
        return named(firing, events)


class Union(Wide):
    """A row for each rule that fires for an event."""

    about = About(
        title="DuckDB, a row for each that fires",
        way="columns",
        library="duckdb",
        module="duckdb",
        batch=65_536,
        how="prepared `UNION ALL`s of `SELECT row, rule … WHERE` for 50 rules each; one thread",
    )

    def query(self, numbers: range) -> str:
        return " UNION ALL ".join(
            f"SELECT row, {number}::INTEGER AS rule FROM events "  # noqa: S608
            f"WHERE {_condition(self.rules[number])}"
            for number in numbers
        )

    def answers(self, result: tuple[list[dict[str, Any]], int]) -> list[set[str]]:
        answers, events = result
        firing = [
            (self.rules[rule].name, [row])
            for columns in answers
            for row, rule in zip(columns["row"], columns["rule"], strict=True)
        ]
        return named(firing, events)
