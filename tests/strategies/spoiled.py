"""Events that are wrong somewhere: what strangers, broken clients and attackers send.

`spoil` takes a sound event and breaks it in one or two places, in forms that JSON can hold too.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Final

from clausal.compiler.ir import Corpus

JUNK: Final[tuple[object, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    3.5,
    1e308,
    -0.0,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**64,
    10**400,
    "",
    "true",
    "1",
    "nеws",
    "x" * 100_000,
    "\x00",
    "\x1b[31m\u202e`",
    "\ud800",
    "2024-05-01T12:00:00",
    "2024-02-30T12:00:00Z",
    "2016-12-31T23:59:60Z",
    "1600-01-01T00:00:00Z",
    "2300-01-01T00:00:00Z",
    "2024-05-01T12:00:00.1234567890123+08:00",
    "2024-05-01t12:00z",
    "2024-05-01",
    "2024-13-01",
    "48h",
    "7天",
    "1e9d",
    [],
    [None],
    ["news", "news"],
    ["news", 1],
    [["news"]],
    [{"$failed": "x"}],
    {},
    {"a": 1},
    {"$failed": "timeout"},
    {"$failed": 1},
    {"$failed": None},
    {"$failed": "timeout", "value": 1},
    {"$other": 1},
    {"$history": {}},
)
"""Values of which most types refuse most."""

KEYS: Final = (
    "",
    "$",
    "$failed",
    "$history",
    "$histroy",
    "content",
    "time",
    "x" * 200,
    "内容",
    "a.b",
)


def spoil(random: Random, event: dict[str, object], corpus: Corpus) -> dict[str, object]:
    """A copy of the event with junk in one or two places, some of which may be harmless."""
    spoiled = copy.deepcopy(event)
    for _ in range(random.choice([1, 1, 2])):
        slot = random.choice(corpus.slots)
        path = (
            slot.path
            if slot.source == "field"
            else ("$history", _GROUPS[slot.source], slot.path[0])
        )
        depth = random.randint(1, len(path))
        if random.random() < 0.2:
            path = (*path[: depth - 1], random.choice(KEYS))
            depth = len(path)
        _put(spoiled, path[:depth], copy.deepcopy(random.choice(JUNK)))
    return spoiled


_GROUPS: Final = {"strikes": "strikes", "tally": "tallies", "similarity": "similarity"}


def _put(event: dict[str, object], path: tuple[str, ...], value: object) -> None:
    fields = event
    for name in path[:-1]:
        inner = fields.get(name)
        if not isinstance(inner, dict):
            inner = fields[name] = {}
        fields = inner
    fields[path[-1]] = value
