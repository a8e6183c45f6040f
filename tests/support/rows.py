"""What a table of decisions has to say about an event, from the decision of the event alone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from clausal.engine.evaluator import Bundle
from clausal.engine.problem import EventError


def row_of(bundle: Bundle, event: dict[str, Any], at: str | None = None) -> dict[str, Any]:
    """The row for an event that is decided as a dictionary, or is refused."""
    try:
        decision = bundle.evaluate(event, at=at).to_dict()
    except EventError as error:
        refused = [
            {"path": one.path, "expected": one.expected, "got": one.got} for one in error.problems
        ]
        return {
            **dict.fromkeys(("event_id", "acted_at", "decided_at")),
            **{name: [] for name in ("findings", "measures", "undetermined", "ladders")},
            "bundle": bundle.digest,
            "errors": refused,
        }
    return as_row(decision) | {"errors": []}


def as_row(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision as a row of a table of decisions."""
    row: dict[str, Any] = json.loads(
        json.dumps({name: one for name, one in decision.items() if name != "bounds"})
    )
    for finding in row["findings"]:
        del finding["reason"]
    for measure in row["measures"]:
        del measure["notice"]
        arguments = json.dumps(measure["arguments"], ensure_ascii=False, separators=(",", ":"))
        ends = None if measure["end"] is None else datetime.fromisoformat(measure["end"])
        start = datetime.fromisoformat(measure["start"])
        measure |= {"arguments": arguments, "start": start, "end": ends}
    for standing in row["ladders"]:
        ends = standing["expires"]
        standing["expires"] = None if ends is None else datetime.fromisoformat(ends)
    for name in ("acted_at", "decided_at"):
        row[name] = datetime.fromisoformat(row[name])
    return row
