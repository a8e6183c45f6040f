"""rule-engine: an expression language in pure Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.peer import About, EachEvent, Event, Task
from benchmarks.workload import Predicate, flat


def _symbol(field: str) -> str:
    return field.replace(".", "_")


def _test(predicate: Predicate) -> str:
    value = _symbol(predicate.field)
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            test = "(" + " or ".join(f"{json.dumps(name)} in {value}" for name in names) + ")"
        case (only,):
            test = f"{value} == {json.dumps(only)}"
        case tuple(names):
            test = f"{value} in {json.dumps(names)}"
        case bool(wanted):
            test = value if wanted else f"not {value}"
        case least:
            test = f"{value} >= {least}"
    return f"{value} != null and {f'not ({test})' if predicate.negated else test}"


class Rules(EachEvent):
    """One rule object a rule."""

    about = About(
        title="rule-engine (Python)",
        way="objects",
        library="rule-engine",
        module="rule_engine",
        batch=20,
        how="one parsed `Rule` a rule, `matches` for each, symbols looked up in a flat dictionary",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        library: Any = self.imported()
        context = library.Context(resolver=dict.get)
        self.parsed = []
        for rule in self.rules:
            clauses = (
                _test(clause[0])
                if len(clause) == 1
                else "(" + " or ".join(f"({_test(one)})" for one in clause) + ")"
                for clause in rule.clauses
            )
            self.parsed.append((rule.name, library.Rule(" and ".join(clauses), context=context)))

    def prepare(self, events: Sequence[Event]) -> list[Any]:
        return [{_symbol(field): value for field, value in flat(one).items()} for one in events]

    def decide(self, event: Any) -> Any:
        return [name for name, rule in self.parsed if rule.matches(event)]
