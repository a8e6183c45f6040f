"""Events for a corpus: with values at and beside its thresholds, absent, failed and in wrong case.

`write_event` makes an event as a platform would send it, `write_values` the values of the slots
themselves, for tests below the reading of events; both from any random generator.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from clausal.compiler.ir import (
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Negation,
    Quantity,
    Slot,
)
from clausal.compiler.types import LARGEST_INTEGER, MICROSECONDS, Enum, Scalar, SetOf
from clausal.engine.values import ABSENT, FAILED, Missing, Value, convert
from tests.strategies.conditions import CONSTANTS, DAY, HOUR, START, STRINGS, dimension

_TEXTS = [
    *STRINGS,
    "刚刚，网传突发",
    "刚\u200b刚",
    "ab",
    "ＡＢ",
    "B  C",
    "b c",
    "fine",
    "Ａ1",
    "no such word",
    "刘🙂",
]
_FAILED = [{"$failed": "timeout"}, {"$failed": ""}]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIMITS = {
    "share": (0.0, 1.0),
    "integer": (-float(LARGEST_INTEGER), float(LARGEST_INTEGER)),
    "number": (-math.inf, math.inf),
    "instant": (float(START - 1000 * DAY), float(START + 10_000 * DAY)),
    "duration": (0.0, 1e15),
    "date": (-10_000.0, 40_000.0),
}


def thresholds(corpus: Corpus) -> dict[str, list[float]]:
    """The numbers that the rules compare with, by dimension; params of any dimension by theirs."""
    found: dict[str, set[float]] = {name: set(values) for name, values in CONSTANTS.items()}
    for param in corpus.params:
        found[dimension(param.type)].add(param.value)
    for rule in corpus.rules:
        for value in _constants([rule.when, rule.unless]):
            found["number"].add(value)
    return {name: sorted(values) for name, values in found.items()}


def _constants(conditions: Iterable[Condition]) -> Iterable[float]:
    pending: list[Condition | Quantity] = list(conditions)
    while pending:
        match pending.pop():
            case Constant(value=value):
                yield value
            case All(items=items) | Any(items=items):
                pending += items
            case Negation(item=item):
                pending.append(item)
            case Comparison(left=left, right=right) | Arithmetic(left=left, right=right):
                pending += [left, right]
            case _:
                pass


class EventWriter:
    """Writes events for one corpus at random."""

    def __init__(self, random: Random, corpus: Corpus) -> None:
        self.random = random
        self._corpus = corpus
        self._thresholds = thresholds(corpus)
        ends = [version.end for version in corpus.versions if version.end is not None]
        starts = [version.start for version in corpus.versions]
        self._instants = sorted({*starts, *ends})

    def event(self) -> dict[str, object]:
        """An event as JSON would have it; history rides on some."""
        random = self.random
        event: dict[str, object] = {}
        for index, slot in enumerate(self._corpus.slots):
            if slot.source != "field":
                continue
            if index == self._corpus.time_slot:
                event[slot.path[0]] = _rfc3339(self.instant(), random)
            elif random.random() < 0.8:
                _put(event, slot.path, self._given(slot))
        for group in ("account", "content", "traffic"):
            chance = random.random()
            if chance < 0.02:
                event[group] = random.choice(_FAILED)
            elif chance < 0.04:
                event[group] = None
        if random.random() < 0.8:
            event["$history"] = self.history()
        if random.random() < 0.1:
            event["unread"] = {"content": [1, None]}
        return event

    def instant(self) -> int:
        """An instant of an act: at the ends of versions, beside them, and anywhere around."""
        base = self.random.choice([*self._instants, START, START + 50 * DAY])
        return base + self.random.choice([0, 0, -1, 1, HOUR, 7 * HOUR + 1, 20 * DAY])

    def history(self) -> dict[str, object]:
        """A history as it rides on an event, by qualified names."""
        random = self.random
        groups: dict[str, dict[str, object]] = {}
        for slot in self._corpus.slots:
            (*_, name) = slot.path
            if slot.source == "field" or (len(slot.path) > 1 and slot.source == "strikes"):
                continue
            if random.random() < 0.2:
                continue
            value: object
            if random.random() < 0.1:
                value = random.choice(_FAILED)
            elif slot.source == "strikes":
                families = [
                    other.path[1]
                    for other in self._corpus.slots
                    if other.source == "strikes" and other.path[:-1] == slot.path
                ]
                value = self._past(families) if families else self._counted()
            else:
                value = self._number(slot.type)
            group = {"strikes": "strikes", "tally": "tallies", "similarity": "similarity"}
            groups.setdefault(group[slot.source], {})[name] = value
        return dict(groups)

    def _counted(self) -> object:
        return self.random.randint(0, 4) if self.random.random() < 0.5 else self._strikes()

    def _past(self, families: list[str]) -> object:
        """The history of a ladder of points; families that it does not have count, too."""
        random = self.random
        families = [*families, "unheard_of"]
        if random.random() < 0.3:
            some = random.sample(families, random.randint(0, len(families)))
            return {family: random.randint(0, 9) for family in some}
        strikes: list[object] = []
        for _ in range(random.randint(0, 4)):
            strike: dict[str, object] = {
                "issued": _rfc3339(self.instant(), random),
                "points": random.choice([0, 1, 2, 3, 8]),
                "family": random.choice(families),
            }
            if random.random() < 0.3:
                strike["expires"] = _rfc3339(self.instant(), random)
            if random.random() < 0.3:
                until = _rfc3339(self.instant() - random.choice([0, DAY, 31 * DAY]), random)
                strike["served"] = {"step": random.randint(0, 4), "until": until}
            strikes.append(strike)
        return strikes

    def _strikes(self) -> list[object]:
        instants = [self.instant() for _ in range(self.random.randint(0, 3))]
        return [_rfc3339(instant, self.random) for instant in instants]

    def values(self) -> list[Value | Missing]:
        """A value for each slot, as the engine holds it."""
        return [self._value(index, slot) for index, slot in enumerate(self._corpus.slots)]

    def _value(self, index: int, slot: Slot) -> Value | Missing:
        if index == self._corpus.time_slot:
            return float(self.instant())
        chance = self.random.random()
        if chance < 0.15:
            return ABSENT
        if chance < 0.22:
            return FAILED
        if slot.source != "field":
            value = self._number(slot.type)
            return float(round(value) if slot.source == "strikes" else value)
        return convert(slot.type, self._present(slot))

    def _given(self, slot: Slot) -> object:
        chance = self.random.random()
        if chance < 0.05:
            return None
        if chance < 0.13:
            return self.random.choice(_FAILED)
        return self._present(slot)

    def _present(self, slot: Slot) -> object:
        """A value that the slot's type takes."""
        random = self.random
        match slot.type:
            case Enum(values=values):
                return random.choice(values[:4]).name if random.random() < 0.8 else values[-1].name
            case SetOf(item=item):
                stock = item.names if isinstance(item, Enum) else STRINGS
                return random.sample(list(stock), random.randint(0, min(4, len(stock))))
            case Scalar(name="bool"):
                return random.random() < 0.5
            case Scalar(name="string"):
                return random.choice([*STRINGS, "B", "other"])
            case Scalar(name="text"):
                return random.choice(_TEXTS)
            case Scalar(name="instant"):
                return _rfc3339(int(self._number(slot.type)), random)
            case Scalar(name="duration"):
                seconds = round(self._number(slot.type)) / MICROSECONDS
                return random.choice([seconds, f"{int(seconds)}s"])
            case Scalar(name="date"):
                day = date(1970, 1, 1) + timedelta(days=int(self._number(slot.type)))
                return day.isoformat()
            case Scalar(name="integer"):
                number = round(self._number(slot.type))
                return random.choice([number, float(number)])
            case _:
                return self._number(slot.type)

    def _number(self, type: object) -> float:
        """A number at a threshold, right beside one, or anywhere, within what the type takes."""
        assert isinstance(type, Scalar)
        random = self.random
        low, high = _LIMITS[type.name]
        value = random.choice(self._thresholds[dimension(type.name)])
        value = random.choice(
            [
                value,
                value,
                math.nextafter(value, math.inf),
                math.nextafter(value, -math.inf),
                value + 1,
                value - 1,
                random.random(),
            ]
        )
        return min(max(value, low), high)


def _put(event: dict[str, object], path: tuple[str, ...], value: object) -> None:
    *groups, name = path
    fields = event
    for group in groups:
        inner = fields.setdefault(group, {})
        assert isinstance(inner, dict)
        fields = inner
    fields[name] = value


def _rfc3339(microseconds: int, random: Random) -> str:
    when = _EPOCH + timedelta(microseconds=microseconds)
    offset = random.choice([0, 8, -5])
    local = (when + timedelta(hours=offset)).replace(tzinfo=None)
    sign = "-" if offset < 0 else "+"
    return f"{local.isoformat()}{sign}{abs(offset):02}:00"


def write_event(random: Random, corpus: Corpus) -> dict[str, object]:
    """An event as a platform would send it."""
    return EventWriter(random, corpus).event()


def write_values(random: Random, corpus: Corpus) -> list[Value | Missing]:
    """A value for each slot, or why there is none."""
    return EventWriter(random, corpus).values()


@st.composite
def events(draw: st.DrawFn, corpus: Corpus) -> dict[str, object]:
    """Events for a corpus."""
    return write_event(draw(st.randoms(use_true_random=False)), corpus)


@st.composite
def values(draw: st.DrawFn, corpus: Corpus) -> list[Value | Missing]:
    """Values of the slots of a corpus."""
    return write_values(draw(st.randoms(use_true_random=False)), corpus)
