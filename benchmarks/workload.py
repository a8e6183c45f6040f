"""A bundle and events like those of a large platform, of any size, for every benchmark.

Thirty fields, about a kilobyte of JSON an event. A rule has 3 to 6 predicates; a fifth of the rules
have an alternative (`or`), three in ten an exception (`unless`); a fifth of the scores are missing.
Thresholds are chosen so that an event satisfies about as many rules as asked for, two unless told,
whatever the number of rules. The same arguments give the same texts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

ENUMS: Final[dict[str, int]] = {
    "context.event_type": 15,
    "context.platform": 12,
    "context.section": 6,
    "content.kind": 11,
    "content.topic": 12,
    "content.source_label": 3,
    "content.ai_label": 4,
    "content.verdict": 4,
    "account.kind": 5,
    "account.region": 32,
}
"""Enum fields and how many values each has, all equally frequent."""
SCORES: Final = tuple(
    f"content.score.{name}"
    for name in ("staged", "spam", "fraud", "sexual", "gore", "bot", "rumour", "bait")
)
"""Scores, uniform from 0 to 1; a fifth of them are missing."""
NUMBERS: Final[dict[str, float]] = {
    "traffic.views": 10_000,
    "traffic.reposts": 100,
    "traffic.reports": 5,
    "account.followers": 5_000,
    "account.age_d": 600,
}
"""Whole numbers with an exponential distribution, and their means."""
FLAGS: Final = ("content.fiction", "account.verified", "account.monetised")
SURFACES: Final = tuple(f"s{number}" for number in range(12))
MISSING: Final = 0.2

_HEADER: Final = """policy bench.rules 1.0.0 {
  title zh "基准" en "Benchmark"
  notice "none"
  in force 2024-01-01 .. 2025-01-01
  time zone "Asia/Shanghai"
  use bench.fields 1
}

clause 1 "基准"

"""


def library() -> str:
    """The library that declares the fields and one sanction."""
    groups: dict[str, list[str]] = {}
    for path, size in ENUMS.items():
        group, name = path.split(".")
        values = ", ".join(f"v{number}" for number in range(size))
        groups.setdefault(group, []).append(f"  {name} enum [{values}]")
    for path in NUMBERS:
        group, name = path.split(".")
        groups.setdefault(group, []).append(f"  {name} integer")
    for path in FLAGS:
        group, name = path.split(".")
        groups.setdefault(group, []).append(f"  {name} bool")
    groups["content"] += ["  id string", "  score map of share"]
    groups["context"] += [
        "  time instant required",
        f"  surface set of enum [{', '.join(SURFACES)}]",
    ]
    groups["account"] += ["  id string"]
    schemas = "\n\n".join(
        f"schema {group} {{\n" + "\n".join(fields) + "\n}" for group, fields in groups.items()
    )
    return f"""library bench.fields 1.0.0

event {{
  time context.time
  id   content.id
}}

target content by content.id
target account by account.id

{schemas}

sanction limit_reach(cut share) {{
  title   zh "限制流量" en "Reach limited"
  on      content, account
  grade   2
  needs   duration
  joins   strictest at each instant
  wording zh "限流" en "Limited"
}}
"""


@dataclass(frozen=True, slots=True)
class Workload:
    """A policy text, its library, and the events that go with it."""

    rules: int
    matches: float = 2.0
    missing: float = MISSING
    seed: int = 1

    def policy(self) -> str:
        """The policy file."""
        rng = random.Random(self.seed)
        return _HEADER + "\n".join(self._rule(rng, number) for number in range(self.rules))

    def sources(self) -> dict[str, str]:
        """File names and texts."""
        return {"bench_fields.policy": library(), "bench_rules.policy": self.policy()}

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """Events as dictionaries of JSON values."""
        rng = random.Random(self.seed + 1_000_003)
        for number in range(count):
            yield self._event(rng, number)

    def _rule(self, rng: random.Random, number: int) -> str:
        share = min(0.9, self.matches / max(self.rules, 1))
        unless = ""
        if rng.random() < 0.3:
            text, kept_out = self._predicate(rng, rng.choice([*ENUMS]), 0.3)
            unless = f"  unless {text}\n"
            share = min(0.9, share / (1 - kept_out))
        # The last field is a number, which can make up for what the others are too coarse for.
        fields = rng.sample([*ENUMS, *SCORES, *FLAGS, "context.surface"], rng.randint(2, 5))
        fields.append(rng.choice([*NUMBERS]))
        alternative = rng.random() < 0.2
        parts = []
        for place, field in enumerate(fields):
            each = share ** (1 / (len(fields) - place))
            if alternative and place == len(fields) - 1:
                one, _ = self._predicate(rng, field, each / 2)
                other = rng.choice([name for name in NUMBERS if name != field])
                two, _ = self._predicate(rng, other, each / 2)
                parts.append(f"({one} or {two})")
                continue
            text, actual = self._predicate(rng, field, each)
            parts.append(text)
            share = min(0.95, share / actual)
        return (
            f"rule r{number:05} {{\n"
            f"  cites 1\n"
            f"  when {' and '.join(parts)}\n"
            f"{unless}"
            f"  then limit_reach {rng.randint(10, 90)}% for {rng.randint(1, 90)}d\n"
            f'  because zh "规则{number}" en "Rule {number}."\n'
            f"}}\n"
        )

    def _predicate(self, rng: random.Random, field: str, share: float) -> tuple[str, float]:
        """A predicate for about ``share`` of the events, and the share that it is really for."""
        if field in ENUMS:
            size = ENUMS[field]
            wanted = min(size - 1, max(1, round(share * size)))
            values = sorted(rng.sample(range(size), wanted))
            if len(values) == 1:
                return f"{field} == v{values[0]}", 1 / size
            return f"{field} in [{', '.join(f'v{value}' for value in values)}]", wanted / size
        if field in SCORES:
            present = 1 - self.missing
            cut = round(min(0.999, max(0.001, 1 - share / present + rng.uniform(-0.02, 0.02))), 3)
            return f"{field} >= {cut:.3f}", (1 - cut) * present
        if field in NUMBERS:
            cut = max(1, round(-math.log(max(share, 1e-9)) * NUMBERS[field]))
            return f"{field} >= {cut}", math.exp(-cut / NUMBERS[field])
        if field in FLAGS:
            return (field if rng.random() < 0.5 else f"not {field}"), 0.5
        one, two = rng.sample(SURFACES, 2)
        # An event has two of twelve surfaces on average.
        return f"context.surface has any [{one}, {two}]", 0.31

    def _event(self, rng: random.Random, number: int) -> dict[str, Any]:
        event: dict[str, Any] = {
            "context": {
                "time": f"2024-05-{1 + number % 28:02}T{number % 24:02}:30:00+08:00",
                "surface": sorted(rng.sample(SURFACES, rng.randint(0, 4))),
            },
            "content": {
                "id": f"c{number:09}",
                "score": {
                    path.rsplit(".", 1)[1]: round(rng.random(), 4)
                    for path in SCORES
                    if rng.random() >= self.missing
                },
                "text": "今天的晚霞很好看，" * 8,
            },
            "account": {"id": f"a{rng.randrange(10**6):07}"},
            "traffic": {},
        }
        for path, size in ENUMS.items():
            group, name = path.split(".")
            event[group][name] = f"v{rng.randrange(size)}"
        for path, mean in NUMBERS.items():
            group, name = path.split(".")
            event[group][name] = int(rng.expovariate(1 / mean))
        for path in FLAGS:
            group, name = path.split(".")
            event[group][name] = rng.random() < 0.5
        return event
