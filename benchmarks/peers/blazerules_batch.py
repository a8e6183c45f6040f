"""BlazeRules: a vectorised engine in C++ that takes Arrow batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.peer import About, Event, Peer, Task
from benchmarks.peers.tables import named
from benchmarks.workload import ENUMS, FIELDS, FLAGS, NUMBERS, SURFACES, Predicate, flat

arrow: Any = import_module("pyarrow")  # it ships no types


def _name(field: str) -> str:
    return field.replace(".", "_")


def _test(predicate: Predicate) -> dict[str, Any]:
    name = _name(predicate.field)
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            return {"or": [{"field": f"{name}_{one}", "op": "eq", "value": 1} for one in names]}
        case tuple(names):
            operator = "not_in" if predicate.negated else "in"
            return {"field": name, "op": operator, "values": list(names)}
        case bool(wanted):
            return {"field": name, "op": "eq", "value": int(wanted)}
        case least:
            return {"field": name, "op": "gte", "value": least}


class Batches(Peer):
    """Its Arrow columns: dictionary-encoded names, flags and elements of the set as numbers."""

    about = About(
        title="BlazeRules (C++)",
        way="columns",
        library="blazerules",
        module="blazerules",
        batch=16_384,
        how="`evaluate_batch` on an Arrow batch, a bitmask a rule; flags and elements as columns of 0/1",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        library: Any = self.imported()
        config = library.EngineConfig()
        config.eval_thread_count = 1
        config.output_detail = library.OutputDetail.BITMASKS
        rules = [
            {
                "id": rule.name,
                "action": "flag",
                "conditions": {
                    "and": [
                        _test(clause[0]) if len(clause) == 1 else {"or": [_test(p) for p in clause]}
                        for clause in rule.clauses
                    ]
                },
            }
            for rule in self.rules
        ]
        ruleset = {"name": "bench", "version": "1.0.0", "rules": rules}
        self.engine = library.RuleEngine(config)
        self.engine.load_rules_from_string(
            json.dumps({"schema_version": "2.1", "ruleset": ruleset}), library.RuleFileFormat.JSON
        )

    def prepare(self, events: Sequence[Event]) -> Any:
        rows = [flat(event) for event in events]
        columns: dict[str, Any] = {}
        for field in FIELDS:
            values: list[Any] = [row.get(field) for row in rows]
            if field in ENUMS:
                columns[_name(field)] = arrow.array(values, arrow.string()).dictionary_encode()
            elif field in FLAGS:
                columns[_name(field)] = arrow.array(values, arrow.bool_()).cast(arrow.int32())
            elif field in NUMBERS:
                columns[_name(field)] = arrow.array(values, arrow.int64())
            elif field == "context.surface":
                for one in SURFACES:
                    there = [None if value is None else int(one in value) for value in values]
                    columns[f"{_name(field)}_{one}"] = arrow.array(there, arrow.int32())
            else:
                columns[_name(field)] = arrow.array(values, arrow.float64())
        return arrow.record_batch(columns)

    def run(self, events: Any) -> Any:
        return self.engine.evaluate_batch(events, validate=False)

    def answers(self, result: Any) -> list[set[str]]:
        firing = [(rule.name, result.indices_for_rule(rule.name)) for rule in self.rules]
        return named(firing, result.n_records)
