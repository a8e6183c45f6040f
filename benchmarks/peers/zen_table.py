"""GoRules ZEN: a decision table that collects every row that applies."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from benchmarks.peers.peer import About, EachEvent, Task
from benchmarks.workload import FIELDS, Predicate


def _cell(predicate: Predicate) -> str:
    """A test of the value of the cell's column."""
    match predicate.operand:
        case tuple(names) if predicate.operator == "has any":
            return " or ".join(f'"{name}" in $' for name in names)
        case tuple(names) if predicate.negated:
            return f"$ != null and not ($ in {json.dumps(names)})"
        case tuple(names):
            return ", ".join(json.dumps(name) for name in names)
        case bool(wanted):
            return "true" if wanted else "false"
        case least:
            return f">= {least}"


class DecisionTable(EachEvent):
    """A column a field, a row a rule; alternatives are rows of their own."""

    about = About(
        title="GoRules ZEN, decision table",
        way="objects",
        library="zen-engine",
        module="zen",
        batch=200,
        how="one table, hit policy `collect`, loaded once; a column for each field and each exception",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        rows: list[dict[str, str]] = []
        for rule in self.rules:
            for choice in product(*rule.clauses):
                row = {"_id": f"row{len(rows)}", "name": json.dumps(rule.name)}
                row |= {self._column(one): _cell(one) for one in choice}
                assert len(row) == len(choice) + 2, "two tests in one cell"
                rows.append(row)
        used = {column for row in rows for column in row}
        inputs = [
            {"id": column, "name": column, "field": field}
            for field in FIELDS
            for column in (field, f"unless {field}")
            if column in used
        ]
        rows = [{column["id"]: "" for column in inputs} | row for row in rows]
        table = {
            "hitPolicy": "collect",
            "inputs": inputs,
            "outputs": [{"id": "name", "name": "name", "field": "name"}],
            "rules": rows,
        }
        place = {"x": 0, "y": 0}
        nodes = [
            {"id": "in", "name": "in", "type": "inputNode", "position": place},
            {"id": "rules", "name": "rules", "type": "decisionTableNode", "position": place}
            | {"content": table},
            {"id": "out", "name": "out", "type": "outputNode", "position": place},
        ]
        edges = [
            {"id": "1", "sourceId": "in", "targetId": "rules", "type": "edge"},
            {"id": "2", "sourceId": "rules", "targetId": "out", "type": "edge"},
        ]
        content = {"rules": {"nodes": nodes, "edges": edges}}
        self.engine: Any = self.imported().ZenEngine(
            {"loader": {"type": "static", "content": content}}
        )

    @staticmethod
    def _column(predicate: Predicate) -> str:
        return f"unless {predicate.field}" if predicate.negated else predicate.field

    def decide(self, event: Any) -> Any:
        return self.engine.evaluate("rules", event)["result"]

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [{row["name"] for row in rows} for rows in result]
