"""Decisions held against what is truly behind the events, where that is known.

The truth is a file beside the events, of a generated world or of a sample that people have labelled: for
each event its ``event_id``, whether it is ``innocent``, and what its ``breach`` is. Precision, recall and
the share of the innocents that are hit follow for every rule and measure, each with the interval in
which it lies with 95 % confidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from clausal.engine.decision import Decision
from clausal.reading import EventFile, InputError, Record, Rejected

_CONFIDENCE: Final = 1.959963984540054
"""The standard normal deviate that bounds 95 % on both sides."""
_UNNAMED: Final = "breach"


class Truth(msgspec.Struct, frozen=True, gc=False):
    """What is behind one event; other members of its line are ignored.

    `breach` names what is wrong, where something is; `conduct` does where there is no `breach`, and
    names what an innocent event looks like.
    """

    event_id: str
    innocent: bool
    breach: str = ""
    conduct: str = ""

    @property
    def label(self) -> str:
        """What the event is counted as."""
        if self.innocent:
            return self.conduct or "none"
        return self.breach or self.conduct or _UNNAMED


class TruthFile:
    """The truth by event.

    It is read along with the events: where both are in the same order nothing is kept in memory, and
    where they are not, what was read too early is.

    Args:
        file: An open file in any of the formats of events.
    """

    def __init__(self, file: EventFile) -> None:
        self._file = file
        self._records = iter(file)
        self._early: dict[str, Truth] = {}

    def of(self, event: str) -> Truth | None:
        """What is behind an event; None if the file does not say. Each event is answered once.

        Raises:
            InputError: when the file cannot be read, or a line of it is no truth.
        """
        found = self._early.pop(event, None)
        if found is not None:
            return found
        for truth in self._read():
            if truth.event_id == event:
                return truth
            self._early[truth.event_id] = truth
        return None

    def rest(self) -> Counter[tuple[str, bool]]:
        """How many events nobody asked for, by label and innocence; the file is read to its end."""
        left = Counter((one.label, one.innocent) for one in self._early.values())
        self._early.clear()
        for truth in self._read():
            left[truth.label, truth.innocent] += 1
        return left

    def _read(self) -> Iterator[Truth]:
        for record in self._records:
            yield self._truth(record)

    def _truth(self, record: Record | Rejected) -> Truth:
        if isinstance(record, Rejected):
            raise self._refuse(record.number, record.detail)
        try:
            if isinstance(record.value, bytes):
                return msgspec.json.decode(record.value, type=Truth)
            # The cells of CSV are texts, "true" among them.
            return msgspec.convert(record.value, Truth, strict=False)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            text = str(error)
            raise self._refuse(record.number, f"{text[:1].lower()}{text[1:]}") from error

    def _refuse(self, number: int, detail: str) -> InputError:
        return InputError(
            self._file.name,
            f"{self._file.unit} {number} is no truth: {detail}",
            hint='each is such as {"event_id": "e1", "innocent": false, "breach": "staged"}',
        )


@dataclass(frozen=True, slots=True)
class Ratio:
    """So many of so many, as an estimate of a share."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval, 95 %; None of nothing.

        E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22
        (1927). Unlike the textbook's it never leaves 0..1 and holds for shares near the ends.
        """
        if not self.of:
            return None
        share, square = self.count / self.of, _CONFIDENCE**2 / self.of
        middle = (share + square / 2) / (1 + square)
        half = (
            _CONFIDENCE
            / (1 + square)
            * math.sqrt(share * (1 - share) / self.of + square / (4 * self.of))
        )
        # At the ends the formula is exact, and rounding is not.
        low = 0.0 if self.count == 0 else middle - half
        high = 1.0 if self.count == self.of else middle + half
        return low, high

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready values."""
        interval = self.interval
        return {
            "count": self.count,
            "of": self.of,
            "share": self.share,
            "low": interval and interval[0],
            "high": interval and interval[1],
        }


@dataclass(slots=True)
class Hits:
    """The events on which a rule fired, or to which a measure applies, by what is behind them."""

    guilty: Counter[str] = field(default_factory=Counter)
    innocent: Counter[str] = field(default_factory=Counter)

    def add(self, truth: Truth) -> None:
        """Count an event."""
        (self.innocent if truth.innocent else self.guilty)[truth.label] += 1


@dataclass(slots=True)
class Held:
    """Decisions held against the truth.

    Attributes:
        truth: Where it is from.
        behind: The events with a truth, by what is behind them.
        rules: By policy, version and rule; rules in shadow are held against the truth, too.
        measures: By sanction; measures in shadow are left out. Each counts once for an event.
        findings: Events with any finding that is not in shadow.
        measured: Events with any measure that is not in shadow.
        without_truth: Events of which the file says nothing.
        without_event: Truths of events that were not decided.
    """

    truth: TruthFile
    behind: Hits = field(default_factory=Hits)
    rules: dict[tuple[str, str, str], Hits] = field(default_factory=dict)
    measures: dict[str, Hits] = field(default_factory=dict)
    findings: Hits = field(default_factory=Hits)
    measured: Hits = field(default_factory=Hits)
    without_truth: int = 0
    without_event: int = 0

    def add(self, decision: Decision) -> None:
        """Count a decision.

        Raises:
            InputError: see `TruthFile.of`.
        """
        event = decision.event_id
        truth = None if event is None else self.truth.of(event)
        if truth is None:
            self.without_truth += 1
            return
        self.behind.add(truth)
        enforced = False
        for finding in decision.findings:
            key = finding.policy, finding.version, finding.rule
            self.rules.setdefault(key, Hits()).add(truth)
            enforced = enforced or finding.mode != "shadow"
        if enforced:
            self.findings.add(truth)
        sanctions = {one.sanction for one in decision.measures if one.mode != "shadow"}
        for sanction in sanctions:
            self.measures.setdefault(sanction, Hits()).add(truth)
        if sanctions:
            self.measured.add(truth)

    def finish(self) -> None:
        """Count the truths that no event asked for.

        Raises:
            InputError: see `TruthFile.of`.
        """
        self.without_event += self.truth.rest().total()

    def precision(self, hits: Hits) -> Ratio:
        """Of the events that were hit, those with a breach."""
        return Ratio(hits.guilty.total(), hits.guilty.total() + hits.innocent.total())

    def recall(self, hits: Hits) -> tuple[str, Ratio]:
        """The breach that was hit most often, and how many of its events were."""
        if not hits.guilty:
            return "", Ratio(0, 0)
        # The most frequent one, by name where several are.
        name = min(hits.guilty, key=lambda one: (-hits.guilty[one], one))
        return name, Ratio(hits.guilty[name], self.behind.guilty[name])

    def recall_of_all(self, hits: Hits) -> Ratio:
        """Of the events with a breach, those that were hit."""
        return Ratio(hits.guilty.total(), self.behind.guilty.total())

    def innocents(self, hits: Hits) -> Ratio:
        """Of the innocent events, those that were hit."""
        return Ratio(hits.innocent.total(), self.behind.innocent.total())

    def to_dict(self) -> dict[str, object]:
        """Everything, as JSON-ready values."""
        return {
            "events": self.behind.guilty.total() + self.behind.innocent.total(),
            "without_truth": self.without_truth,
            "without_event": self.without_event,
            "behind": {
                "breaches": dict(sorted(self.behind.guilty.items())),
                "innocents": dict(sorted(self.behind.innocent.items())),
            },
            "any_finding": self._all(self.findings),
            "any_measure": self._all(self.measured),
            "rules": [
                {"policy": policy, "version": version, "rule": rule, **self._one(hits)}
                for (policy, version, rule), hits in sorted(self.rules.items())
            ],
            "measures": [
                {"sanction": sanction, **self._one(hits)}
                for sanction, hits in sorted(self.measures.items())
            ],
        }

    def _all(self, hits: Hits) -> dict[str, object]:
        return {
            "precision": self.precision(hits).to_dict(),
            "recall": self.recall_of_all(hits).to_dict(),
            "innocents": self.innocents(hits).to_dict(),
        }

    def _one(self, hits: Hits) -> dict[str, object]:
        return {
            "precision": self.precision(hits).to_dict(),
            "innocents": self.innocents(hits).to_dict(),
            "recall": {
                name: Ratio(count, self.behind.guilty[name]).to_dict()
                for name, count in sorted(hits.guilty.items())
            },
            "mistaken": dict(sorted(hits.innocent.items())),
        }
