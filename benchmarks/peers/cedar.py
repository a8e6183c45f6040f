"""Cedar: each rule a `permit`; the reasons of the answer are the rules that fire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.peer import About, Event, Peer, Task
from benchmarks.workload import SCORES, Predicate, Rule

SCALE = 10_000
"""Cedar has whole numbers alone, so that scores are given in ten-thousandths, as they are rounded."""


def _test(predicate: Predicate) -> str:
    *groups, name = predicate.field.split(".")
    holder = ".".join(("context", *groups))
    value = f"{holder}.{name}"
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            test = f"{value}.containsAny({json.dumps(names)})"
        case (only,):
            test = f"{value} == {json.dumps(only)}"
        case tuple(names):
            test = f"{json.dumps(names)}.contains({value})"
        case bool(wanted):
            test = value if wanted else f"!{value}"
        case least:
            test = f"{value} >= {round(least * SCALE) if predicate.field in SCORES else least}"
    return f"{holder} has {name} && {f'!({test})' if predicate.negated else test}"


def _policy(rule: Rule) -> str:
    clauses = (
        _test(clause[0])
        if len(clause) == 1
        else "(" + " || ".join(f"({_test(one)})" for one in clause) + ")"
        for clause in rule.clauses
    )
    return f"permit (principal, action, resource) when {{ {' && '.join(clauses)} }};"


class PolicySet(Peer):
    """Policies parsed once; requests handed over in batches."""

    about = About(
        title="Cedar",
        way="objects",
        library="cedarpy",
        module="cedarpy",
        batch=100,
        how="one `permit … when` a rule, parsed once; a batch of requests with the event as context",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.cedar: Any = self.imported()
        self.policies = self.cedar.PolicySet.from_str("\n".join(map(_policy, self.rules)))
        self.entities = self.cedar.Entities.from_json_str("[]")

    def prepare(self, events: Sequence[Event]) -> list[Any]:
        requests = []
        for event in events:
            content = event["content"]
            scores = {name: round(score * SCALE) for name, score in content["score"].items()}
            context = {**event, "content": {**content, "score": scores}}
            requests.append(
                {
                    "principal": 'Account::"a"',
                    "action": 'Action::"publish"',
                    "resource": 'Content::"c"',
                    "context": json.dumps(context),
                }
            )
        return requests

    def run(self, events: list[Any]) -> list[Any]:
        answers = self.cedar.is_authorized_batch(events, self.policies, self.entities)
        return [answer.diagnostics.reasons for answer in answers]

    def answers(self, result: list[Any]) -> list[set[str]]:
        # A policy without an annotation is called by its place.
        return [
            {self.rules[int(reason.removeprefix("policy"))].name for reason in reasons}
            for reasons in result
        ]
