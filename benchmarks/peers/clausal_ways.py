"""Clausal itself, by each of its ways in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.peers.floors import table
from benchmarks.peers.peer import About, EachEvent, Event, Peer, Task, Unavailable
from clausal.compiler.bundle import unpack
from clausal.engine.evaluator import Bundle


class Objects(EachEvent):
    """Dictionaries in, decisions out."""

    about = About(
        title="Clausal, dictionaries",
        way="objects",
        library="clausal",
        how="`Bundle.evaluate`: the decision, with measures and undetermined rules, not only the names",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.bundle = Bundle(unpack(task.bundle.read_bytes()))

    def decide(self, event: Any) -> Any:
        return self.bundle.evaluate(event)

    def run(self, events: list[Any]) -> list[Any]:
        evaluate = self.bundle.evaluate
        return [evaluate(event) for event in events]

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [{finding.rule for finding in decision.findings} for decision in result]


class Json(Objects):
    """Bytes in, decisions out."""

    about = About(
        title="Clausal, JSON", way="JSON", library="clausal", how="`Bundle.evaluate_json` on bytes"
    )

    def prepare(self, events: Sequence[Event]) -> list[Any]:
        return [msgspec.json.encode(event) for event in events]

    def decide(self, event: Any) -> Any:
        return self.bundle.evaluate_json(event)

    def run(self, events: list[Any]) -> list[Any]:
        evaluate = self.bundle.evaluate_json
        return [evaluate(event) for event in events]


class Arrow(Peer):
    """A table in, the rules that fire out."""

    about = About(
        title="Clausal, Arrow",
        way="columns",
        library="clausal",
        batch=16_384,
        how="`Bundle.match_table` on a table of strings, numbers and Booleans; one thread",
    )
    threads = 1

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.bundle: Any = Bundle(unpack(task.bundle.read_bytes()))
        if not hasattr(self.bundle, "match_table"):
            raise Unavailable("this version has no way in for Arrow")

    def prepare(self, events: Sequence[Event]) -> Any:
        return table(events)

    def run(self, events: Any) -> Any:
        return self.bundle.match_table(events, threads=self.threads)

    def answers(self, result: Any) -> list[set[str]]:
        return [
            {name.rpartition(".")[2] for name in names} for names in result["fired"].to_pylist()
        ]


class ArrowThreads(Arrow):
    """The same on two threads."""

    about = About(
        title="Clausal, Arrow, two threads",
        way="columns",
        library="clausal",
        batch=16_384,
        how="the same on two threads",
    )
    threads = 2
