"""What enforcing costs: events without findings, decisions with measures by ledger, and the record.

The events are the generator's, the policies those that ship. A round has a ledger of its own, which is
empty at first; what opening one takes is not timed.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import clausal
from clausal.enforcement.effective import Vocabulary
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.record import EVERYWHERE, Record
from clausal.enforcement.simulation import simulate
from clausal.generator import batches
from clausal.generator.lines import json_lines

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from clausal.engine.evaluator import Bundle

CLEAN = 20_000
FOUND = 1_000
BATCH = 1_000


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A PostgreSQL server, as the tests have it."""
    path = Path(__file__).parents[1] / "tests" / "support" / "postgres.py"
    spec = importlib.util.spec_from_file_location("postgres_for_benchmarks", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if shutil.which("initdb") is None and not list(
        Path("/usr/lib/postgresql").glob("*/bin/initdb")
    ):
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with module.running() as started:
        yield started


@functools.cache
def policies() -> Bundle:
    """The policies that ship."""
    return clausal.compile(clausal.shipped())


@functools.cache
def stream() -> tuple[bytes, ...]:
    """65,536 events of the generator, as JSON."""
    made = b"".join(
        bytes(piece) for batch in islice(batches("M"), 1) for piece in json_lines(batch)
    )
    return tuple(made.splitlines())


@functools.cache
def sorted_out() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Events without findings, and with."""
    found: tuple[list[bytes], list[bytes]] = ([], [])
    for line in stream():
        found[bool(policies().evaluate_json(line).findings)].append(line)
    clean, with_findings = found
    return tuple(clean[:CLEAN]), tuple(with_findings[:FOUND])


def enforced(ledger: Ledger, events: tuple[bytes, ...], batch: int = BATCH) -> Ledger:
    """Enforce some events, in batches."""
    enforcer = Enforcer(policies(), ledger)
    for at in range(0, len(events), batch):
        enforcer.process(events[at : at + batch])
    return ledger


@pytest.mark.benchmark(group="enforcement: events without findings")
@pytest.mark.parametrize("way", ["decided alone", "enforced", "enforced, 300 measures open"])
def test_without_findings(benchmark: BenchmarkFixture, way: str) -> None:
    events, found = sorted_out()
    benchmark.extra_info["events"] = len(events)
    bundle = policies()
    if way == "decided alone":

        def alone() -> None:
            for event in events:
                bundle.evaluate_json(event)

        benchmark(alone)
        return
    enforcer = Enforcer(bundle, MemoryLedger())
    if "open" in way:
        enforcer.process(found)

    def run() -> None:
        for at in range(0, len(events), BATCH):
            enforcer.process(events[at : at + BATCH])

    benchmark(run)


@pytest.mark.benchmark(group="enforcement: events with findings and measures")
@pytest.mark.parametrize("kind", ["memory", "SQLite", "SQLite, one at a time", "PostgreSQL"])
def test_with_findings(
    benchmark: Any, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _, events = sorted_out()
    numbers = count()
    batch = 1 if "one" in kind else BATCH
    events = events[:200] if batch == 1 else events

    def fresh() -> tuple[tuple[Ledger, tuple[bytes, ...], int], dict[str, object]]:
        match kind:
            case "memory":
                ledger: Ledger = MemoryLedger()
            case "PostgreSQL":
                address = request.getfixturevalue("server").database()
                ledger = open_ledger(address, create=True)
            case _:
                ledger = open_ledger(f"sqlite:///{tmp_path / f'{next(numbers)}.db'}")
        return (ledger, events, batch), {}

    benchmark.extra_info["events"] = len(events)

    def close(ledger: Ledger, *_: object) -> None:
        ledger.close()

    benchmark.pedantic(enforced, setup=fresh, teardown=close, rounds=5)


@pytest.mark.benchmark(group="enforcement: a simulation, findings and all")
def test_simulation(benchmark: Any) -> None:
    events = stream()[:20_000]
    benchmark.extra_info["events"] = len(events)
    benchmark.pedantic(simulate, args=(policies(), events), rounds=3)


@pytest.mark.benchmark(group="enforcement: the state of an account with 1,000 cases")
def test_state(benchmark: BenchmarkFixture) -> None:
    _, events = sorted_out()
    ledger = enforced(MemoryLedger(), events)
    facts = [entry.fact for entry in ledger.entries()]
    vocabulary = Vocabulary.of(Record.of(EVERYWHERE, ledger.about(EVERYWHERE)))
    last = max(fact.at for fact in facts)

    def state() -> None:
        vocabulary.effective(Record.of("account:a", facts), last)

    benchmark(state)
