"""Rules and events like those of a large platform, of any size, for every benchmark.

Thirty fields, about a kilobyte of JSON an event. A rule has 3 to 6 predicates; a fifth of the rules
have an alternative (`or`), three in ten an exception (`unless`); a fifth of the scores are missing.
Thresholds are chosen so that an event satisfies about as many rules as asked for, two unless told,
whatever the number of rules. The same arguments give the same texts.

Rules are data first (`Rule`): the policy text is made from them, and so is what every other engine
is given. What they mean is plain: a rule fires if each of its clauses holds, and a clause whose
field is missing does not hold, whether it is negated or not. `Rule.fires` says so in Python.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

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
FIELDS: Final = (*ENUMS, *SCORES, *NUMBERS, *FLAGS, "context.surface")
"""All fields that a rule may read."""
MISSING: Final = 0.2

Operator: TypeAlias = Literal["in", ">=", "is", "has any"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A test of one field.

    Attributes:
        field: Its path.
        operator: "in" for enums, with the names of the values; ">=" for scores and numbers, with
            the least number; "is" for flags, with the value wanted; "has any" for the set, with
            names of elements.
        operand: See above.
        negated: Whether it holds where the test fails. Where the field is missing it never holds.
    """

    field: str
    operator: Operator
    operand: float | bool | tuple[str, ...]
    negated: bool = False

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds for an event, given by its fields that are there."""
        value = values.get(self.field)
        if value is None:
            return False
        match self.operand:
            case tuple(names) if self.operator == "has any":
                truth = not set(names).isdisjoint(value)
            case tuple(names):
                truth = value in names
            case bool(wanted):
                truth = value is wanted
            case least:
                truth = value >= least
        return truth is not self.negated

    def text(self) -> str:
        """It as a policy says it, without the negation."""
        match self.operand:
            case tuple(names) if self.operator == "has any":
                return f"{self.field} has any [{', '.join(names)}]"
            case (name,):
                return f"{self.field} == {name}"
            case tuple(names):
                return f"{self.field} in [{', '.join(names)}]"
            case bool(wanted):
                return self.field if wanted else f"not {self.field}"
            case least:
                digits = 3 if self.field in SCORES else 0
                return f"{self.field} >= {least:.{digits}f}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: a conjunction of clauses, each of which is a disjunction of predicates.

    Attributes:
        name: Its name.
        clauses: What must hold; what it says under `unless` comes last, as a clause of one negated
            predicate.
        cut: Its measure, in percent of the reach.
        days: How long the measure lasts.
    """

    name: str
    clauses: tuple[tuple[Predicate, ...], ...]
    cut: int
    days: int

    def fires(self, values: Mapping[str, Any]) -> bool:
        """Whether it fires for an event, given by its fields that are there: see `flat`."""
        return all(any(one.holds(values) for one in clause) for clause in self.clauses)

    def text(self) -> str:
        """It as a policy says it."""
        number = int(self.name[1:])
        when, unless = [], ""
        for clause in self.clauses:
            if clause[0].negated:
                unless = f"  unless {clause[0].text()}\n"
            elif len(clause) == 1:
                when.append(clause[0].text())
            else:
                when.append(f"({' or '.join(one.text() for one in clause)})")
        return (
            f"rule {self.name} {{\n"
            f"  cites 1\n"
            f"  when {' and '.join(when)}\n"
            f"{unless}"
            f"  then limit_reach {self.cut}% for {self.days}d\n"
            f'  because zh "规则{number}" en "Rule {number}."\n'
            f"}}\n"
        )


def flat(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's fields by their paths, as far as they are there; ids, time and text left out."""
    values = {}
    for path in FIELDS:
        value: Any = event
        for key in path.split("."):
            value = None if value is None else value.get(key)
        if value is not None:
            values[path] = value
    return values


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
    """Rules, the policy that says them, and the events that go with it.

    Attributes:
        rules: How many rules.
        matches: How many of them an event satisfies, about.
        missing: The share of the scores that are missing.
        gaps: The share of all other fields that are missing. Thresholds make up for both.
        seed: Of the generator.
    """

    rules: int
    matches: float = 2.0
    missing: float = MISSING
    gaps: float = 0.0
    seed: int = 1

    def neutral(self) -> tuple[Rule, ...]:
        """The rules as data."""
        rng = random.Random(self.seed)
        return tuple(self._rule(rng, number) for number in range(self.rules))

    def policy(self) -> str:
        """The policy file."""
        return _HEADER + "\n".join(rule.text() for rule in self.neutral())

    def sources(self) -> dict[str, str]:
        """File names and texts."""
        return {"bench_fields.policy": library(), "bench_rules.policy": self.policy()}

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """Events as dictionaries of JSON values."""
        rng = random.Random(self.seed + 1_000_003)
        for number in range(count):
            yield self._event(rng, number)

    def _rule(self, rng: random.Random, number: int) -> Rule:
        share = min(0.9, self.matches / max(self.rules, 1))
        exception: tuple[tuple[Predicate, ...], ...] = ()
        if rng.random() < 0.3:
            one, kept_out = self._predicate(rng, rng.choice([*ENUMS]), 0.3)
            exception = ((replace(one, negated=True),),)
            share = min(0.9, share / (1 - self.gaps - kept_out))
        # The last field is a number, which can make up for what the others are too coarse for.
        fields = rng.sample([*ENUMS, *SCORES, *FLAGS, "context.surface"], rng.randint(2, 5))
        fields.append(rng.choice([*NUMBERS]))
        alternative = rng.random() < 0.2
        clauses: list[tuple[Predicate, ...]] = []
        for place, field in enumerate(fields):
            each = share ** (1 / (len(fields) - place))
            if alternative and place == len(fields) - 1:
                one, _ = self._predicate(rng, field, each / 2)
                other = rng.choice([name for name in NUMBERS if name != field])
                two, _ = self._predicate(rng, other, each / 2)
                clauses.append((one, two))
                continue
            one, actual = self._predicate(rng, field, each)
            clauses.append((one,))
            share = min(0.95, share / actual)
        cut, days = rng.randint(10, 90), rng.randint(1, 90)
        return Rule(f"r{number:05}", (*clauses, *exception), cut, days)

    def _predicate(self, rng: random.Random, field: str, share: float) -> tuple[Predicate, float]:
        """A predicate for about ``share`` of the events, and the share that it is really for."""
        present = 1 - (self.missing if field in SCORES else self.gaps)
        if field in ENUMS:
            size = ENUMS[field]
            wanted = min(size - 1, max(1, round(share / present * size)))
            values = tuple(f"v{value}" for value in sorted(rng.sample(range(size), wanted)))
            return Predicate(field, "in", values), wanted / size * present
        if field in SCORES:
            cut = round(min(0.999, max(0.001, 1 - share / present + rng.uniform(-0.02, 0.02))), 3)
            return Predicate(field, ">=", cut), (1 - cut) * present
        if field in NUMBERS:
            least = max(1, round(-math.log(max(share / present, 1e-9)) * NUMBERS[field]))
            return Predicate(field, ">=", least), math.exp(-least / NUMBERS[field]) * present
        if field in FLAGS:
            return Predicate(field, "is", rng.random() < 0.5), 0.5 * present
        elements = tuple(rng.sample(SURFACES, 2))
        # An event has two of twelve surfaces on average.
        return Predicate(field, "has any", elements), 0.31 * present

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
        if self.gaps:
            for path in (*ENUMS, *NUMBERS, *FLAGS, "context.surface"):
                group, name = path.split(".")
                if rng.random() < self.gaps:
                    del event[group][name]
        return event
