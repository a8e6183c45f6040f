"""What rules remember: figures of tallies by store, and texts held against a library of samples.

A figure is of one tally for one event, which is then taken up; events are invented, a minute apart in
time for 1,000 accounts, or close together for one. Samples are invented too: words that are frequent and
rare as words are, so that texts share some of them.
"""

from __future__ import annotations

import importlib.util
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import pytest

from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.enforcement.samples import Sample, SampleLibrary
from clausal.enforcement.tallies import MemoryTallies, Tallies, TallyStore
from clausal.enforcement.tallies.in_redis import RedisTallies
from clausal.engine.evaluator import Bundle

EVENTS = 2_000
BATCH = 500
SAMPLES = 100_000

POLICY = """\
policy made.memory 1.0.0 {
  title zh "记忆" en "Memory"
  in force 2024-01-01 ..
  time zone "UTC"
  use standard.platform 1
  use standard.sanctions 1
}

clause 1 "规则。"

KIND

rule over {
  cites 1
  when  WHEN
  then  warn for 1d
  because zh "超限。" en "Over the limit."
}
"""
TALLIES = {
    "count": "tally one = count by account.id over 1h where context.event_type == post",
    "distinct": "tally one = distinct content.topic by account.id over 1h",
    "sum": "tally one = sum traffic.views by account.id over 1h",
}


def bundle(kind: str, when: str) -> Bundle:
    """A policy that remembers one thing."""
    text = POLICY.replace("KIND", kind).replace("WHEN", when)
    return Bundle(compile_sources([Source("memory.policy", text)]))


TOPICS = ("emergency", "social_event", "current_affairs", "public_policy")


def events(number: int, accounts: int) -> list[dict[str, Any]]:
    """Some events, all later than those of lower numbers."""
    made = []
    for index in range(number * EVENTS, (number + 1) * EVENTS):
        minute, milli = divmod(index * 60_000 // accounts if accounts > 1 else index * 100, 60_000)
        made.append(
            {
                "context": {
                    "event_id": f"e-{index}",
                    "event_type": "post",
                    "time": f"2024-05-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}"
                    f":{milli / 1000:06.3f}Z",
                },
                "content": {"topic": TOPICS[index % len(TOPICS)]},
                "account": {"id": f"a-{index * 7919 % accounts}"},
                "traffic": {"views": index % 1000},
            }
        )
    return made


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a Redis server, as the tests have it."""
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (Debian: apt-get install redis-server)")
    path = Path(__file__).parents[1] / "tests" / "support" / "redis_server.py"
    spec = importlib.util.spec_from_file_location("redis_for_benchmarks", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.redis_server() as url:
        yield url


_PREFIXES = count()


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[TallyStore]:
    """A store that holds nothing."""
    if request.param == "memory":
        yield MemoryTallies()
        return
    shared = RedisTallies(request.getfixturevalue("server"), prefix=f"bench:{next(_PREFIXES)}")
    yield shared
    shared.close()


def _measure(benchmark: Any, tallies: Tallies, accounts: int, first: int) -> None:
    """Take the next events in each round; those before ``first`` are there already."""
    numbers = count(first)

    def next_events() -> tuple[tuple[list[dict[str, Any]]], dict[str, Any]]:
        return (events(next(numbers), accounts),), {}

    def take(made: list[dict[str, Any]]) -> None:
        for start in range(0, EVENTS, BATCH):
            tallies.take(made[start : start + BATCH])

    for number in range(first):
        take(events(number, accounts))
    benchmark.extra_info["events"] = EVENTS
    benchmark.pedantic(take, setup=next_events, rounds=5)


@pytest.mark.benchmark(group="memory: figures of tallies, 2,000 events of 1,000 accounts")
@pytest.mark.parametrize("kind", TALLIES)
def test_figures(benchmark: Any, store: TallyStore, kind: str) -> None:
    tallies = Tallies(bundle(TALLIES[kind], "one > 1000"), store)
    _measure(benchmark, tallies, 1000, first=1)


@pytest.mark.benchmark(group="memory: figures of tallies, 2,000 events of one account, sketched")
@pytest.mark.parametrize("kind", TALLIES)
def test_figures_of_sketches(benchmark: Any, store: TallyStore, kind: str) -> None:
    tallies = Tallies(bundle(TALLIES[kind], "one > 1000"), store)
    _measure(benchmark, tallies, 1, first=3)


# ── Samples ──────────────────────────────────────────────────────────────────────────────────────


def texts(seed: int = 1) -> Callable[[], str]:
    """Makes Chinese texts of about 100 characters, of words by Zipf's law."""
    chance = random.Random(1)
    words = [
        "".join(chr(0x4E00 + chance.randrange(3000)) for _ in range(chance.choice([1, 2, 2, 2, 3])))
        for _ in range(20_000)
    ]
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
    chance.seed(seed)
    return lambda: "".join(chance.choices(words, cum_weights=weights, k=chance.randint(30, 70)))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle, list[str]]:
    """A file of 100,000 samples, the bundle that declares them, and the texts."""
    made = bundle(
        'samples known = ["今晚八点全城停水。"] on content.text',
        "similarity(content.text, known) >= 90%",
    )
    path = tmp_path_factory.mktemp("samples") / "samples.db"
    text = texts()
    samples = [text() for _ in range(SAMPLES)]
    with SampleLibrary(made, path) as library:
        library.add("known", [Sample(one, "made") for one in samples])
    return path, made, samples


def _event(text: str) -> dict[str, Any]:
    return {"context": {"time": "2024-05-01T00:00:00Z"}, "content": {"text": text}}


@pytest.mark.benchmark(group="memory: 500 texts held against 100,000 samples")
@pytest.mark.parametrize("which", ["unlike any", "nearly one of them"])
def test_similarity(benchmark: Any, known: tuple[Path, Bundle, list[str]], which: str) -> None:
    path, made, samples = known
    text = texts(2)
    asked = (
        [_event(text()) for _ in range(500)]
        if which == "unlike any"
        else [_event(f"转发：{one[:-2]}") for one in samples[::200]]
    )
    benchmark.extra_info["events"] = 500
    with SampleLibrary(made, path) as library:
        benchmark(library.similarities, asked)


@pytest.mark.benchmark(group="memory: samples")
def test_open_100k_samples(benchmark: Any, known: tuple[Path, Bundle, list[str]]) -> None:
    path, made, _ = known
    benchmark.pedantic(lambda: SampleLibrary(made, path).close(), rounds=5)


@pytest.mark.benchmark(group="memory: samples")
def test_add_a_sample(benchmark: Any, known: tuple[Path, Bundle, list[str]]) -> None:
    path, made, _ = known
    text = texts(3)
    with SampleLibrary(made, path) as library:
        benchmark.pedantic(lambda: library.add("known", [Sample(f"新增{text()}")]), rounds=20)
