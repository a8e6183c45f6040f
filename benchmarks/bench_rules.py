"""What rules cost by their number: to parse, check, compile and load, and for every event.

An event satisfies about two rules whatever their number is, so that the growth seen is that of the
search and not of what is found. The floors stand beside: decoding the bytes of an event into
objects is the least that any evaluation of JSON in Python pays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import cycle
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from benchmarks.workload import Workload
from clausal.compiler.bundle import Artifact, pack, unpack
from clausal.compiler.ir import Corpus
from clausal.compiler.pipeline import check_sources, compile_sources, optimise
from clausal.dsl.parser import parse
from clausal.dsl.source import Source
from clausal.engine._core import Core
from clausal.engine.evaluator import Bundle

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

SIZES = (10, 100, 1000)
EVENTS = 200

sizes = pytest.mark.parametrize("rules", SIZES)


@functools.cache
def sources(rules: int) -> tuple[Source, ...]:
    return tuple(Source(name, text) for name, text in Workload(rules).sources().items())


@functools.cache
def corpus(rules: int) -> Corpus:
    checked, diagnostics = check_sources(sources(rules))
    assert checked is not None, list(diagnostics)
    return checked


@functools.cache
def artifact(rules: int) -> Artifact:
    return compile_sources(sources(rules))


@functools.cache
def events() -> tuple[dict[str, Any], ...]:
    return tuple(Workload(1).events(EVENTS))


@functools.cache
def lines() -> tuple[bytes, ...]:
    return tuple(msgspec.json.encode(event) for event in events())


def rounds(benchmark: BenchmarkFixture, decide: Callable[[Any], Any], inputs: Any) -> None:
    """Measure a pass over all inputs, so that the figure is a mean over many different events."""

    def run() -> None:
        for event in inputs:
            decide(event)

    benchmark.extra_info["events"] = len(inputs)
    benchmark(run)


@pytest.mark.benchmark(group="parse")
@sizes
def test_parse(benchmark: BenchmarkFixture, rules: int) -> None:
    text = sources(rules)[1]
    benchmark.extra_info |= {"lines": text.text.count("\n"), "rules": rules}
    _, diagnostics = benchmark(parse, text)
    assert not diagnostics.has_errors


@pytest.mark.benchmark(group="parse and check")
@sizes
def test_check(benchmark: BenchmarkFixture, rules: int) -> None:
    benchmark.extra_info["rules"] = rules
    checked, _ = benchmark(check_sources, sources(rules))
    assert checked is not None


@pytest.mark.benchmark(group="passes")
@sizes
def test_passes(benchmark: BenchmarkFixture, rules: int) -> None:
    benchmark.extra_info["rules"] = rules
    benchmark(optimise, corpus(rules))


@pytest.mark.benchmark(group="compile: from text to bundle")
@sizes
def test_compile(benchmark: BenchmarkFixture, rules: int) -> None:
    benchmark.extra_info["rules"] = rules
    benchmark(lambda: pack(compile_sources(sources(rules))))


@pytest.mark.benchmark(group="load: from bytes to ready")
@sizes
def test_load(benchmark: BenchmarkFixture, rules: int) -> None:
    data = pack(artifact(rules))
    benchmark.extra_info |= {"rules": rules, "bytes": len(data)}
    benchmark(lambda: Bundle(unpack(data)))


@pytest.mark.benchmark(group="evaluate: 200 events, dictionaries in")
@sizes
def test_evaluate(benchmark: BenchmarkFixture, rules: int) -> None:
    rounds(benchmark, Bundle(artifact(rules)).evaluate, events())


@pytest.mark.benchmark(group="evaluate: 200 events, JSON in")
@sizes
def test_evaluate_json(benchmark: BenchmarkFixture, rules: int) -> None:
    rounds(benchmark, Bundle(artifact(rules)).evaluate_json, lines())


@pytest.mark.benchmark(group="evaluate: 200 events, JSON in")
def test_floor_decoding(benchmark: BenchmarkFixture) -> None:
    rounds(benchmark, msgspec.json.Decoder().decode, lines())


@pytest.mark.benchmark(group="evaluate: 200 events, dictionaries in")
def test_floor_reading(benchmark: BenchmarkFixture) -> None:
    """Walking the events and touching every value: what reading them costs in plain Python."""

    def walk(value: Any) -> None:
        for inner in value.values():
            if type(inner) is dict:
                walk(inner)

    rounds(benchmark, walk, events())


@pytest.mark.benchmark(group="match: 200 events, the rules that fire or are undetermined")
@pytest.mark.parametrize("way", ["index", "every rule in turn"])
@pytest.mark.parametrize("rules", [*SIZES, 10_000])
def test_match(benchmark: BenchmarkFixture, rules: int, way: str) -> None:
    """What the index saves: reading an event and finding its rules, without deciding on measures."""
    compiled = artifact(rules)
    core = Core(
        compiled.program,
        compiled.meta.slots,
        time_slot=compiled.meta.time_slot,
        verified=True,
        index=compiled.index if way == "index" else None,
    )
    instant = 1_714_500_000_000_000
    rounds(benchmark, lambda event: core.run(core.read(event), instant), events())


@pytest.mark.benchmark(group="explain: an event")
@sizes
def test_explain(benchmark: BenchmarkFixture, rules: int) -> None:
    bundle = Bundle(artifact(rules))
    inputs = cycle(events())
    benchmark(lambda: bundle.explain(next(inputs)))
