"""What an event costs: by way in and number of rules, by how many match, by how much is missing.

Every figure is a pass over many different events. The floors stand in the same groups: what reading
the events costs, whatever is then done with them. Tables have more events, as batches do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from benchmarks.bundles import artifact, bundle, events, lines
from benchmarks.peers.floors import decoder, reader, table
from benchmarks.peers.peer import Unavailable
from benchmarks.workload import Workload
from clausal.engine._core import Core

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 200
ROWS = 8_192
INSTANT = 1_714_500_000_000_000

sizes = pytest.mark.parametrize("rules", [10, 100, 1_000, 10_000])
ways = pytest.mark.parametrize("way", ["objects", "JSON", "Arrow", "Arrow, two threads"])


def over(benchmark: BenchmarkFixture, decide: Callable[[Any], Any], inputs: Iterable[Any]) -> None:
    """Measure a pass over all inputs, one after the other."""
    inputs = list(inputs)

    def run() -> None:
        for event in inputs:
            decide(event)

    benchmark.extra_info["events"] = len(inputs)
    benchmark(run)


def measure(benchmark: BenchmarkFixture, workload: Workload, way: str) -> None:
    """Measure a way in on a workload."""
    ready: Any = bundle(workload)
    match way:
        case "objects":
            over(benchmark, ready.evaluate, events(workload, COUNT))
        case "JSON":
            over(benchmark, ready.evaluate_json, lines(workload, COUNT))
        case _:
            if not hasattr(ready, "match_table"):
                pytest.skip("this version has no way in for Arrow")
            rows = table(events(workload, ROWS))
            threads = 2 if "two" in way else 1
            benchmark.extra_info["events"] = ROWS
            benchmark(lambda: ready.match_table(rows, threads=threads))


@pytest.mark.benchmark(group="ways in, by number of rules", max_time=0.5)
@ways
@sizes
def test_way(benchmark: BenchmarkFixture, rules: int, way: str) -> None:
    measure(benchmark, Workload(rules), way)


@pytest.mark.benchmark(group="ways in, by rules that match an event (of 1,000)", max_time=0.5)
@ways
@pytest.mark.parametrize("matches", [0.1, 1, 2, 10, 100])
def test_selectivity(benchmark: BenchmarkFixture, matches: float, way: str) -> None:
    measure(benchmark, Workload(1_000, matches=matches), way)


@pytest.mark.benchmark(group="ways in, by share of fields missing (1,000 rules)", max_time=0.5)
@ways
@pytest.mark.parametrize("missing", [0, 0.2, 0.5])
def test_missing(benchmark: BenchmarkFixture, missing: float, way: str) -> None:
    """Any field but the ids and the time may be missing, not the scores alone."""
    measure(benchmark, Workload(1_000, missing=missing, gaps=missing), way)


@pytest.mark.benchmark(group="match: the rules that fire or are undetermined", max_time=0.5)
@pytest.mark.parametrize("way", ["index", "every rule in turn"])
@sizes
def test_match(benchmark: BenchmarkFixture, rules: int, way: str) -> None:
    """What the index saves: reading an event and finding its rules, and no decision."""
    compiled = artifact(Workload(rules))
    core = Core(
        compiled.program,
        compiled.meta.slots,
        time_slot=compiled.meta.time_slot,
        verified=True,
        index=compiled.index if way == "index" else None,
    )
    over(
        benchmark,
        lambda event: core.run(core.read(event), INSTANT),
        events(Workload(rules), COUNT),
    )


@pytest.mark.benchmark(group="floors: reading 200 events", max_time=0.5)
@pytest.mark.parametrize("way", ["the fields, from C", "msgspec", "msgspec, the fields alone"])
def test_floor(benchmark: BenchmarkFixture, way: str) -> None:
    workload = Workload(1)
    match way:
        case "msgspec":
            over(benchmark, msgspec.json.Decoder().decode, lines(workload, COUNT))
        case "msgspec, the fields alone":
            over(benchmark, decoder().decode, lines(workload, COUNT))
        case _:
            try:
                read = reader().read
            except Unavailable as reason:
                pytest.skip(str(reason))
            over(benchmark, read, events(workload, COUNT))
