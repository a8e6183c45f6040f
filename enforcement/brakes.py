"""Brakes: a rule that fires for too many targets in a day goes into shadow until a person releases it.

What is counted is in the ledger: each finding of such a rule that is enforced names, besides the targets,
the rule and the day (`hits`), so that the findings of the 24 hours up to an event are those of two parties.
A rule that was released is counted from nothing. All processes count alike, and so does one that starts
again. Of how many targets there were events at all, for brakes that are a share, is kept in sketches of an
hour each (`Seen`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from clausal.compiler.checking.numbering import terms_in
from clausal.compiler.dump import condition_text
from clausal.compiler.dump_procedure import brake_text
from clausal.compiler.ir import DAY, BrakeDef, Corpus, RuleDef
from clausal.enforcement.facts import Braked, Known, Measure, Released, name
from clausal.enforcement.messages import released
from clausal.enforcement.people import person, words
from clausal.enforcement.record import EVERYWHERE, Record, is_target

if TYPE_CHECKING:
    from clausal.enforcement.ledger import Ledger, Transaction
    from clausal.engine.decide import Case as Decided

_HOUR: Final = DAY // 24
_ROWS: Final = 32
"""Hours whose sketches are kept: more than a day of them."""

_MOST: Final = 1000
"""As many days of rules are kept counted."""


def hits(rule: str, released: int, at: int) -> str:
    """The party of the findings of a rule on the day of an instant, since it was released so often."""
    return f"ledger:brake:{rule}:{released}:{at // DAY}"


def digest(rule: RuleDef, corpus: Corpus) -> str:
    """What a rule does, in a few digits: when it was changed, it has others.

    Params and lists of terms are part of it: a param that is bound anew changes all rules of a bundle.
    """
    terms = sorted({*terms_in(rule.when), *terms_in(rule.unless)})
    parts = (
        condition_text(rule.when, corpus),
        condition_text(rule.unless, corpus),
        [corpus.terms[number] for number in terms],
        corpus.params,
        rule.measures,
        rule.ladders,
        rule.severity,
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:20]


class NotBrakedError(LookupError):
    """A rule is not in shadow for having fired too often."""


def braked(ledger: Ledger) -> list[Braked]:
    """The rules of a ledger that were braked and not released yet, in the order of that."""
    return list(Record.of(EVERYWHERE, ledger.about(EVERYWHERE)).braked.values())


def suspects(ledger: Ledger, rule: str) -> list[Measure]:
    """The measures that a braked rule led to while it fired for too many: people should look at them.

    Raises:
        NotBrakedError: if it is not braked.
    """
    everywhere = Record.of(EVERYWHERE, ledger.about(EVERYWHERE))
    fact = _of(everywhere, rule)
    times = everywhere.released.get(rule, 0)
    findings = [
        one
        for back in (DAY, 0)
        for one in ledger.about(hits(rule, times, fact.at - back))
        if fact.since < one.at <= fact.at
    ]
    found: dict[str, Measure] = {}
    for finding in findings:
        party = next(filter(is_target, finding.parties), None)
        for one in () if party is None else ledger.about(party):
            if isinstance(one, Measure) and finding.id in one.findings:
                found[one.id] = one
    return list(found.values())


def release(ledger: Ledger, rule: str, by: str, at: int, note: str = "") -> Released:
    """Let a braked rule go on; its targets are counted from nothing.

    Args:
        ledger: What remembers that.
        rule: The rule, "policy.rule".
        by: Who says so.
        at: When, in microseconds since 1970.
        note: Why.

    Raises:
        NotBrakedError: if it is not braked.
        RefusedError: if nobody is named.
        LedgerError: if the ledger cannot be written.
    """
    who, told = person(by), words(note)
    with ledger.transaction() as writing:
        everywhere = Record.of(EVERYWHERE, writing.about((EVERYWHERE,)).get(EVERYWHERE, ()))
        fact = Released(
            id=name("released", _of(everywhere, rule).id),
            at=at,
            parties=(EVERYWHERE,),
            rule=rule,
            by=who,
            note=told,
        )
        writing.append([fact], [released(fact)])
    return fact


def _of(everywhere: Record, rule: str) -> Braked:
    fact = everywhere.braked.get(rule)
    if fact is None:
        raise NotBrakedError(f"there is no brake on `{rule}`")
    return fact


class _Day:
    """For whom a rule fired on a day: of each kind of target, the first and the last time of each."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._done = 0
        self.times: dict[str, dict[str, tuple[int, int]]] = {}

    def of(self, kind: str) -> Mapping[str, tuple[int, int]]:
        """Its targets of a kind, with all that the record has by now."""
        findings = self.record.findings
        for fact in islice(findings.values(), self._done, None):
            for party in fact.parties:
                of, _, who = party.partition(":")
                times = self.times.setdefault(of, {})
                first, last = times.get(who, (fact.at, fact.at))
                times[who] = min(first, fact.at), max(last, fact.at)
        self._done = len(findings)
        return self.times.get(kind, {})


class Brakes:
    """The brakes of a bundle. False if it has none.

    Args:
        corpus: The bundle's.
        rules: The names of its rules by number, "policy.rule".
    """

    def __init__(self, corpus: Corpus, rules: Sequence[str]) -> None:
        self._rules = rules
        self._brakes = {
            number: rule.brakes for number, rule in enumerate(corpus.rules) if rule.brakes
        }
        brakes = [(number, one) for number, ones in self._brakes.items() for one in ones]
        self.changes: Final = {
            rules[number]: digest(corpus.rules[number], corpus)
            for number, one in brakes
            if one.after_change is not None
        }
        """The digests of the rules with a brake that looks at when they were changed."""
        self.seen: Final = Seen(sorted({one.target for _, one in brakes if one.share}))
        self._days: dict[str, _Day] = {}

    def __bool__(self) -> bool:
        return bool(self._brakes)

    def concerned(self, decision: Decided, everywhere: Record) -> set[str]:
        """The parties whose records tell what the rules of a decision did in the day before it."""
        at = decision.decided
        return {
            self._hits(rule, at - back, everywhere)
            for rule in (*decision.act.fired, *decision.act.undetermined)
            if rule in self._brakes
            for back in (0, DAY)
        }

    def counts(self, rule: int, at: int, everywhere: Record) -> tuple[str, ...]:
        """The further parties of an enforced finding."""
        return (self._hits(rule, at, everywhere),) if rule in self._brakes else ()

    def trips(
        self, case: str, decision: Decided, records: Mapping[str, Record], everywhere: Record
    ) -> list[Braked]:
        """The rules that are in shadow from a decision on, itself included.

        Args:
            case: Its name.
            decision: The decision.
            records: Those of all that is `concerned`.
            everywhere: What is known of the ledger as a whole.
        """
        tripped = []
        for rule, mode in decision.fired:
            name_of = self._rules[rule]
            if mode != "enforced" or name_of in everywhere.braked:
                continue
            for brake in self._brakes.get(rule, ()):
                count = self._holds(rule, brake, decision, records, everywhere)
                if count is not None:
                    at = decision.decided
                    tripped.append(
                        Braked(
                            id=name("braked", name_of, case),
                            at=at,
                            parties=(EVERYWHERE,),
                            rule=name_of,
                            limit=brake_text(brake),
                            counted=count,
                            since=at - DAY,
                        )
                    )
                    break
        return tripped

    def _holds(
        self,
        rule: int,
        brake: BrakeDef,
        decision: Decided,
        records: Mapping[str, Record],
        everywhere: Record,
    ) -> int | None:
        """For how many targets a rule fired, if a brake holds; else None."""
        at, kind = decision.decided, brake.target
        own = decision.target(kind).id
        if own is None or not self._watches(rule, brake, at, everywhere):
            return None
        today = self._day(self._hits(rule, at, everywhere), records).of(kind)
        before = self._day(self._hits(rule, at - DAY, everywhere), records).of(kind)
        # Seldom more: nothing need be told apart.
        if len(today) + len(before) + 1 <= max(
            brake.limit, brake.share * self.seen.count(kind, at)
        ):
            return None
        found = {who for who, (first, _) in today.items() if first <= at}
        found |= {who for who, (_, last) in before.items() if last > at - DAY}
        found.add(own)
        most = max(brake.limit, brake.share * self.seen.count(kind, at, fresh=True))
        return len(found) if len(found) > most else None

    def _watches(self, rule: int, brake: BrakeDef, at: int, everywhere: Record) -> bool:
        """Whether the rule was changed so lately that a brake looks at it."""
        if brake.after_change is None:
            return True
        name_of = self._rules[rule]
        changed = _changed_at(name_of, self.changes[name_of], everywhere.bundles.values())
        return changed is None or at < changed + brake.after_change

    def _hits(self, rule: int, at: int, everywhere: Record) -> str:
        return hits(self._rules[rule], everywhere.released.get(self._rules[rule], 0), at)

    def _day(self, party: str, records: Mapping[str, Record]) -> _Day:
        record = records[party]
        day = self._days.get(party)
        if day is None or day.record is not record:
            if len(self._days) >= _MOST:
                self._days.clear()
            day = self._days[party] = _Day(record)
        return day


def _changed_at(rule: str, now: str, bundles: Iterable[Known]) -> int | None:
    """Since when a rule is what it is; None: this is the first time."""
    return next((one.at for one in bundles if one.rules.get(rule) == now), None)


class Seen:
    """Of how many targets there were events in a day, whatever was found: estimated, to the hour.

    HyperLogLog with a standard error of 1.6 %; exact for the first hundred or so. Sketches of processes
    are put together in the ledger, beside the places in the sources of events.

    Args:
        kinds: The kinds of targets that are counted.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds: Final = tuple(kinds)
        self._hours: dict[tuple[str, int], Any] = {}
        self._changed: set[tuple[str, int]] = set()
        self._ledger: Ledger | None = None
        self._read_once: set[str] = set()

    def add(self, parties: Iterable[str], at: int) -> None:
        """Take note of the parties of an event."""
        hour = at // _HOUR
        for party in parties:
            kind, _, who = party.partition(":")
            if kind in self.kinds:
                sketch = self._hours.get((kind, hour))
                if sketch is None:
                    sketch = self._hours[kind, hour] = _sketch()
                sketch.update(who)
                self._changed.add((kind, hour))

    def count(self, kind: str, at: int, *, fresh: bool = False) -> float:
        """Of how many targets there were events in the day up to an instant.

        Args:
            kind: Of targets.
            at: The instant.
            fresh: Look at what others have seen.
        """
        if kind not in self.kinds:
            return 0.0
        last = at // _HOUR
        hours = range(last - 23, last + 1)
        if fresh or kind not in self._read_once:
            self._read_once.add(kind)
            for hour in hours:
                self._read(kind, hour)
        return _union([self._hours[kind, one] for one in hours if (kind, one) in self._hours])

    def load(self, ledger: Ledger) -> None:
        """Take what others have seen from a ledger from now on."""
        self._ledger = ledger

    def save(self, transaction: Transaction) -> None:
        """Put what was seen since the last time to what others have seen."""
        for kind, hour in sorted(self._changed):
            self._read(kind, hour)
            data = base64.b64encode(self._hours[kind, hour].serialize_compact()).decode()
            transaction.move(_row(kind, hour), f"{hour}:{data}")
        self._changed.clear()
        newest = max((hour for _, hour in self._hours), default=0)
        for key in [key for key in self._hours if key[1] <= newest - _ROWS]:
            del self._hours[key]

    def _read(self, kind: str, hour: int) -> None:
        told = None if self._ledger is None else self._ledger.position(_row(kind, hour))
        if told is None or not told.startswith(f"{hour}:"):
            return
        from datasketches import hll_sketch, hll_union  # noqa: PLC0415 - an extra

        both = hll_union(_LOG_REGISTERS)
        both.update(hll_sketch.deserialize(base64.b64decode(told.partition(":")[2])))
        if (kind, hour) in self._hours:
            both.update(self._hours[kind, hour])
        self._hours[kind, hour] = both.get_result()


_LOG_REGISTERS: Final = 12


def _row(kind: str, hour: int) -> str:
    """Where the sketch of an hour is kept; rows are used again after more than a day."""
    return f"seen:{kind}:{hour % _ROWS}"


def _sketch() -> Any:
    from datasketches import hll_sketch  # noqa: PLC0415 - an extra

    return hll_sketch(_LOG_REGISTERS)


def _union(sketches: Sequence[Any]) -> float:
    from datasketches import hll_union  # noqa: PLC0415 - an extra

    both = hll_union(_LOG_REGISTERS)
    for one in sketches:
        both.update(one)
    return float(both.get_estimate())
