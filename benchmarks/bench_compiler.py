"""What rules cost by their number before the first event: to parse, check, compile and load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.bundles import artifact, sources
from benchmarks.workload import Workload
from clausal.compiler.bundle import pack, unpack
from clausal.compiler.pipeline import check_sources, compile_sources, optimise
from clausal.dsl.parser import parse
from clausal.engine.evaluator import Bundle

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

sizes = pytest.mark.parametrize("rules", [10, 100, 1_000])


@pytest.mark.benchmark(group="parse", max_time=0.5)
@sizes
def test_parse(benchmark: BenchmarkFixture, rules: int) -> None:
    text = sources(Workload(rules))[1]
    benchmark.extra_info |= {"lines": text.text.count("\n"), "rules": rules}
    _, diagnostics = benchmark(parse, text)
    assert not diagnostics.has_errors


@pytest.mark.benchmark(group="parse and check", max_time=0.5)
@sizes
def test_check(benchmark: BenchmarkFixture, rules: int) -> None:
    benchmark.extra_info["rules"] = rules
    checked, _ = benchmark(check_sources, sources(Workload(rules)))
    assert checked is not None


@pytest.mark.benchmark(group="passes", max_time=0.5)
@sizes
def test_passes(benchmark: BenchmarkFixture, rules: int) -> None:
    corpus, _ = check_sources(sources(Workload(rules)))
    assert corpus is not None
    benchmark.extra_info["rules"] = rules
    benchmark(optimise, corpus)


@pytest.mark.benchmark(group="compile: from text to bundle", max_time=0.5)
@sizes
def test_compile(benchmark: BenchmarkFixture, rules: int) -> None:
    benchmark.extra_info["rules"] = rules
    benchmark(lambda: pack(compile_sources(sources(Workload(rules)))))


@pytest.mark.benchmark(group="load: from bytes to ready", max_time=0.5)
@pytest.mark.parametrize("rules", [10, 100, 1_000, 10_000])
def test_load(benchmark: BenchmarkFixture, rules: int) -> None:
    data = pack(artifact(Workload(rules)))
    benchmark.extra_info |= {"rules": rules, "bytes": len(data)}
    benchmark(lambda: Bundle(unpack(data)))
