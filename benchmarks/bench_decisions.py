"""What is asked of a decision is what it costs: its findings, its measures, its JSON, its trace.

All on events for which a rule fires, of 1,000 rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.bench_ways import over
from benchmarks.bundles import bundle, events
from benchmarks.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from clausal.engine.evaluator import Bundle

WORKLOAD = Workload(1_000)


def _rules(decision: Any) -> object:
    return [finding.rule for finding in decision.findings]


LEVELS: dict[str, Callable[[Bundle], Callable[[Any], object]]] = {
    "evaluate": lambda ready: ready.evaluate,
    "and its rules": lambda ready: lambda event: _rules(ready.evaluate(event)),
    "and its measures": lambda ready: lambda event: ready.evaluate(event).measures,
    "and its JSON": lambda ready: lambda event: ready.evaluate(event).to_json(),
    "explain": lambda ready: ready.explain,
    "explain, and its JSON": lambda ready: lambda event: ready.explain(event).to_json(),
}


@pytest.mark.benchmark(group="what is asked of a decision (1,000 rules, events that match)")
@pytest.mark.parametrize("level", LEVELS)
def test_level(benchmark: BenchmarkFixture, level: str) -> None:
    ready = bundle(WORKLOAD)
    matching = [event for event in events(WORKLOAD, 300) if ready.evaluate(event).findings]
    over(benchmark, LEVELS[level](ready), matching[:200])
