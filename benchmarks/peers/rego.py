"""Rego, by rego-cpp: a set of the names of the rules whose bodies hold."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from benchmarks.peers.peer import About, EachEvent, Task
from benchmarks.workload import Predicate


def _test(predicate: Predicate) -> str:
    """The test; where the field is missing, it is undefined, and the body with it."""
    value = f"input.{predicate.field}"
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            test = f"count({{{', '.join(map(json.dumps, names))}}} & surfaces) > 0"
        case (only,):
            test = f"{value} == {json.dumps(only)}"
        case tuple(names):
            test = f"{value} in {{{', '.join(map(json.dumps, names))}}}"
        case bool(wanted):
            test = f"{value} == {json.dumps(wanted)}"
        case least:
            test = f"{value} >= {least}"
    return f"{value}; not {test}" if predicate.negated else test


class Module(EachEvent):
    """A module built into a bundle once."""

    about = About(
        title="Rego (rego-cpp)",
        way="objects",
        library="regopy",
        module="regopy",
        batch=20,
        how="one partial rule `fires contains NAME if { … }` a rule, built once, queried an event",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        rego: Any = self.imported()
        bodies = (
            f'fires contains "{rule.name}" if {{ {"; ".join(map(_test, choice))} }}'
            for rule in self.rules
            for choice in product(*rule.clauses)
        )
        source = "package bench\n\nsurfaces := {one | some one in input.context.surface}\n"
        self.interpreter = rego.Interpreter()
        self.interpreter.add_module("bench", source + "\n".join(bodies))
        self.bundle = self.interpreter.build("data.bench.fires")
        self.input = rego.Input

    def decide(self, event: Any) -> Any:
        self.interpreter.set_input(self.input(event))
        return str(self.interpreter.query_bundle(self.bundle))

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [set(json.loads(answer)["expressions"][0]) for answer in result]
