"""navrules: declarative conditions, compiled by its Rust backend."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from typing import Any

from benchmarks.peers.peer import About, EachEvent, Event, Task
from benchmarks.workload import Predicate, flat


def _conditions(predicate: Predicate) -> list[dict[str, Any]]:
    """The alternatives that a predicate amounts to; a missing value meets none of them."""
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            pairs: list[tuple[str, Any]] = [("contains", name) for name in names]
        case tuple(names):
            pairs = [("not_in" if predicate.negated else "in", list(names))]
        case bool(wanted):
            pairs = [("eq", wanted)]
        case least:
            pairs = [("gte", least)]
    return [{"field": predicate.field, "op": op, "operand": operand} for op, operand in pairs]


class Compiled(EachEvent):
    """Conjunctions alone, so that a rule with alternatives is several."""

    about = About(
        title="navrules (Rust)",
        way="objects",
        library="navrules",
        module="navrules._native",
        batch=500,
        how="the native matcher's `matching_rules` on flat dictionaries; a rule for each alternative",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.names = []
        conjunctions = []
        for rule in self.rules:
            clauses = ([c for one in clause for c in _conditions(one)] for clause in rule.clauses)
            for choice in product(*clauses):
                conjunctions.append({"priority": 0, "conditions": list(choice)})
                self.names.append(rule.name)
        self.matching = self.imported().compile_ruleset(json.dumps(conjunctions)).matching_rules

    def prepare(self, events: Sequence[Event]) -> list[Any]:
        return [flat(event) for event in events]

    def decide(self, event: Any) -> Any:
        return self.matching(event)

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [{self.names[number] for number in numbers} for numbers in result]
