"""Polars: one query over the columns, in two forms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from benchmarks.peers.peer import About, Event, Peer, Task
from benchmarks.peers.tables import SET, bits, coded, named
from benchmarks.workload import Predicate


class Select(Peer):
    """Every rule is an expression; the result has a Boolean column a rule."""

    about = About(
        title="Polars, an expression a rule",
        way="columns",
        library="polars",
        module="polars",
        batch=16_384,
        how="`select` of one expression a rule, null where a missing value leaves it open; one thread",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.polars: Any = self.imported()
        self.steps = [
            [
                reduce(
                    and_, (reduce(or_, map(self._test, clause)) for clause in rule.clauses)
                ).alias(rule.name)
                for rule in self.rules
            ]
        ]

    def _test(self, predicate: Predicate) -> Any:
        column = self.polars.col(predicate.field)
        match predicate.operand:
            case tuple(names):
                code = bits(predicate.field, names)
                if len(names) == 1 and predicate.field != SET:
                    test = column == code
                else:
                    test = (column & code) != 0
            case bool(wanted):
                test = column if wanted else ~column
            case least:
                test = column >= least
        return ~test if predicate.negated else test

    def prepare(self, events: Sequence[Event]) -> Any:
        return self.polars.from_arrow(coded(events)).rechunk()

    def run(self, events: Any) -> Any:
        for expressions in self.steps:
            events = events.select(expressions)
        return events

    def answers(self, result: Any) -> list[set[str]]:
        return named(
            [(c.name, c.arg_true().to_list()) for c in result.iter_columns()], result.height
        )


class Interned(Select):
    """Each distinct predicate first becomes a column of its own."""

    about = About(
        title="Polars, interned predicates",
        way="columns",
        library="polars",
        module="polars",
        batch=16_384,
        how="`select` of the distinct predicates, then of the rules over those columns; one thread",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        number: dict[Predicate, str] = {}
        rules = []
        for rule in self.rules:
            clauses = [
                reduce(
                    or_,
                    (self.polars.col(number.setdefault(one, f"p{len(number)}")) for one in clause),
                )
                for clause in rule.clauses
            ]
            rules.append(reduce(and_, clauses).alias(rule.name))
        self.steps = [[self._test(one).alias(name) for one, name in number.items()], rules]
