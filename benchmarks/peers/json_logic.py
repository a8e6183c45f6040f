"""JsonLogic, compiled by datalogic (Rust)."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.peer import About, EachEvent, Task
from benchmarks.workload import Predicate, Rule


def _test(predicate: Predicate) -> Any:
    value = {"var": predicate.field}
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            return {"or": [{"in": [name, value]} for name in names]}
        case (only,):
            test: Any = {"===": [value, only]}
        case tuple(names):
            test = {"in": [value, list(names)]}
        case bool(wanted):
            test = {"===": [value, wanted]}
        case least:
            # A missing value counts as 0 in a comparison, which no threshold here is met by.
            assert least > 0
            test = {">=": [value, least]}
    return {"and": [{"!==": [value, None]}, {"!": [test]}]} if predicate.negated else test


def condition(rule: Rule) -> Any:
    """A rule as a JsonLogic expression."""
    clauses = (
        _test(clause[0]) if len(clause) == 1 else {"or": [_test(one) for one in clause]}
        for clause in rule.clauses
    )
    return {"and": list(clauses)}


class Filter(EachEvent):
    """One expression: the numbers of the rules, those that fire kept."""

    about = About(
        title="JsonLogic (datalogic, Rust)",
        way="objects",
        library="datalogic-py",
        module="datalogic_py",
        batch=500,
        how="one compiled expression that filters the list of all rules; a session, a handle an event",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        library: Any = self.imported()
        engine = library.Engine()
        numbers = [{"if": [condition(rule), i, None]} for i, rule in enumerate(self.rules)]
        self.rule = engine.compile({"filter": [numbers, {"!==": [{"var": ""}, None]}]})
        self.session = engine.session()
        self.handle = library.DataHandle

    def decide(self, event: Any) -> Any:
        return self.session.evaluate_data(self.rule, self.handle(event))

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [{self.rules[number].name for number in numbers} for numbers in result]
