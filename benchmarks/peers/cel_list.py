"""CEL, in Rust: one program whose value is the list of the rules' truths."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.peers.peer import About, EachEvent, Task
from benchmarks.workload import Predicate, Rule


def _test(predicate: Predicate) -> str:
    value = predicate.field
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            test = "(" + " || ".join(f"{json.dumps(name)} in {value}" for name in names) + ")"
        case (only,):
            test = f"{value} == {json.dumps(only)}"
        case tuple(names):
            test = f"{value} in {json.dumps(names)}"
        case bool(wanted):
            test = value if wanted else f"!{value}"
        case least:
            test = f"{value} >= {least}"
    return f"has({value}) && {f'!({test})' if predicate.negated else test}"


def condition(rule: Rule) -> str:
    """A rule as an expression, with `has` before every access."""
    return " && ".join(
        _test(clause[0])
        if len(clause) == 1
        else "(" + " || ".join(f"({_test(one)})" for one in clause) + ")"
        for clause in rule.clauses
    )


class Program(EachEvent):
    """A single expression, so that an event crosses into Rust once."""

    about = About(
        title="CEL (Rust)",
        way="objects",
        library="common-expression-language",
        module="cel",
        batch=100,
        how="one compiled expression, the list of all conditions, executed once an event",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        conditions = ", ".join(f"({condition(rule)})" for rule in self.rules)
        self.program: Any = self.imported().compile(f"[{conditions}]")

    def decide(self, event: Any) -> Any:
        return self.program.execute(event)

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [
            {rule.name for rule, holds in zip(self.rules, truths, strict=True) if holds}
            for truths in result
        ]
