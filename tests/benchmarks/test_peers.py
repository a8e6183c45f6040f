"""What is measured side by side gives the same answers, with fields missing and without."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers.peer import Task, Unavailable
from benchmarks.peers.registry import PEERS
from benchmarks.workload import Workload, flat
from clausal.compiler.bundle import pack
from clausal.compiler.pipeline import check_sources, compile_sources
from clausal.dsl.source import Source
from clausal.engine.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKLOADS = {
    "as it is": Workload(60, matches=6),
    "half missing": Workload(60, matches=6, missing=0.5, gaps=0.5, seed=2),
    "many match": Workload(60, matches=30, gaps=0.1, seed=3),
}
EVENTS = 90
INSTANT = 1_714_500_000_000_000
DECIDERS = [name for name, peer in PEERS.items() if not peer.about.floor]

workloads = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS.keys())


@cache
def sources(workload: Workload) -> Sequence[Source]:
    return tuple(Source(name, text) for name, text in workload.sources().items())


@cache
def packed(workload: Workload) -> bytes:
    return pack(compile_sources(sources(workload)))


@cache
def meaning(workload: Workload) -> list[set[str]]:
    rules = workload.neutral()
    return [
        {rule.name for rule in rules if rule.fires(flat(event))}
        for event in workload.events(EVENTS)
    ]


@workloads
def test_the_policy_says_what_the_data_say(workload: Workload) -> None:
    corpus, _ = check_sources(sources(workload))
    assert corpus is not None
    reference = Reference(corpus)
    for event, expected in zip(workload.events(EVENTS), meaning(workload), strict=True):
        fired = reference.run(event, None, INSTANT).fired
        assert {corpus.rules[number].name for number in fired} == expected
    assert any(meaning(workload))


@workloads
@pytest.mark.parametrize("name", DECIDERS)
def test_all_give_the_same_answers(name: str, workload: Workload, tmp_path: Path) -> None:
    bundle = tmp_path / "bench.bundle"
    bundle.write_bytes(packed(workload))
    try:
        peer = PEERS[name](Task(workload, workload.neutral(), bundle))
    except Unavailable as reason:
        pytest.skip(str(reason))
    # More than 64 events, and no multiple of 64: some work on words of as many bits.
    result = peer.run(peer.prepare(list(workload.events(EVENTS))))
    assert peer.answers(result) == meaning(workload)


@pytest.mark.parametrize("matches", [0.5, 2, 20])
@pytest.mark.parametrize("gaps", [0, 0.3])
def test_about_as_many_rules_fire_as_asked_for(matches: float, gaps: float) -> None:
    workload = Workload(200, matches=matches, gaps=gaps)
    rules = workload.neutral()
    events = [flat(event) for event in workload.events(300)]
    fires = sum(rule.fires(event) for event in events for rule in rules) / len(events)
    assert matches / 2 < fires < matches * 2
