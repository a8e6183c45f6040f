"""What a campaign came to: the figures of a policy, from decisions or from a ledger.

A policy is told over a period, all of its versions together. An event counts for the day of its act, in
the time zone of the policy. Nothing that is told names a person, an account or an item: of cases there
are kinds, with how many there were of each, and an id that leads nowhere.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from clausal.compiler.ir import UNKNOWN, Bilingual, Corpus, SanctionDef, VersionDef
from clausal.compiler.types import Scalar
from clausal.duties import Period
from clausal.engine.render import duration, share
from clausal.reading import Rejected, open_events
from clausal.truth import Ratio

if TYPE_CHECKING:
    from clausal.enforcement.facts import AnyFact

CASES_SHOWN: Final = 20
"""As many kinds of cases are told, at most."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


# ── Decisions, as far as they are needed ─────────────────────────────────────────────────────────


class _Finding(msgspec.Struct):
    policy: str
    version: str
    rule: str
    mode: str


class _Target(msgspec.Struct):
    kind: str


class _Measure(msgspec.Struct):
    sanction: str
    target: _Target
    mode: str
    arguments: dict[str, Any]
    start: str
    end: str | None
    permanent: bool
    once: bool
    until_fixed: tuple[str, ...]
    interim: bool
    review: int
    findings: tuple[int, ...]
    yields_to: int | None


class _Undetermined(msgspec.Struct):
    policy: str
    version: str
    rule: str


class _Standing(msgspec.Struct):
    ladder: str
    step: int | None
    findings: tuple[int, ...] = ()


class _Decision(msgspec.Struct):
    acted_at: str
    findings: tuple[_Finding, ...]
    measures: tuple[_Measure, ...]
    event_id: str | None = None
    undetermined: tuple[_Undetermined, ...] = ()
    ladders: tuple[_Standing, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_Decision)


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Day:
    """A day: its events (of a ledger they are not known), those with findings, and measures."""

    events: int = 0
    cases: int = 0
    measures: int = 0


@dataclass(slots=True)
class RuleFigures:
    """How often a rule fired, enforced or in shadow, and could not be settled.

    ``judged`` counts the appeals that were decided in cases where it fired, ``stood`` those that
    left the decision as it was.
    """

    fired: int = 0
    shadow: int = 0
    undetermined: int = 0
    judged: int = 0
    stood: int = 0

    @property
    def precision(self) -> Ratio:
        """The share of decided appeals in which the decision stood."""
        return Ratio(self.stood, self.judged)


@dataclass(slots=True)
class MeasureFigures:
    """How many measures there were of a sanction.

    ``now`` took effect at once, ``review`` are for people to decide, ``covered`` yield to a heavier
    one, ``shadow`` are never carried out. Of a ledger: ``approved`` and ``rejected`` are what people
    said of proposals, ``applied`` what took effect then, ``ended`` why measures ended early.
    """

    now: int = 0
    review: int = 0
    covered: int = 0
    shadow: int = 0
    approved: int = 0
    rejected: int = 0
    applied: int = 0
    ended: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All of them."""
        return self.now + self.review + self.covered + self.shadow


@dataclass(frozen=True, slots=True)
class Kind:
    """Cases that were alike: the same rules fired, and the same measures followed.

    ``id`` stands for one of them, and ``day`` is the day of that one.
    """

    rules: tuple[str, ...]
    measures: tuple[Bilingual, ...]
    count: int
    id: str
    day: date


@dataclass(slots=True)
class Campaign:
    """The figures of a policy over a period.

    Attributes:
        events: How many events were decided in the period; None if that is not known.
        bad: Lines that are no decisions.
        appeals: How appeals ended, by outcome; those that wait are "open". None without a ledger.
    """

    corpus: Corpus
    policy: str
    period: Period | None
    zone: ZoneInfo
    events: int | None = None
    cases: int = 0
    bad: int = 0
    first: date | None = None
    last: date | None = None
    days: dict[date, Day] = field(default_factory=dict)
    rules: dict[str, RuleFigures] = field(default_factory=dict)
    measures: dict[str, MeasureFigures] = field(default_factory=dict)
    steps: Counter[tuple[str, int]] = field(default_factory=Counter)
    appeals: Counter[str] | None = None
    kinds: list[Kind] = field(default_factory=list)

    @property
    def versions(self) -> list[VersionDef]:
        """The versions of the policy."""
        return [one for one in self.corpus.versions if one.policy == self.policy]

    @property
    def reviews(self) -> Ratio:
        """Of the proposals that people looked at, the share that they approved."""
        approved = sum(one.approved for one in self.measures.values())
        return Ratio(approved, approved + sum(one.rejected for one in self.measures.values()))

    @property
    def appeals_stood(self) -> Ratio:
        """Of the appeals that were decided in substance, the share that left the decision alone."""
        found = self.appeals or Counter()
        return Ratio(
            found["upheld"], sum(found[one] for one in ("upheld", "changed", "overturned"))
        )

    def day(self, at: date) -> Day:
        """A day, as far as it was counted."""
        self.first = at if self.first is None else min(at, self.first)
        self.last = at if self.last is None else max(at, self.last)
        return self.days.setdefault(at, Day())

    def every_day(self) -> list[tuple[date, Day]]:
        """The days from the first that was counted to the last, those without anything too."""
        if self.first is None or self.last is None:
            return []
        count = (self.last - self.first).days + 1
        days = (self.first + timedelta(days=number) for number in range(count))
        return [(day, self.days.get(day, Day())) for day in days]

    def contains(self, day: date) -> bool:
        """Whether a day is of the period."""
        return self.period is None or self.period.first <= day < self.period.last


def campaign_period(versions: Sequence[VersionDef]) -> Period | None:
    """The days on which some version of a policy is in force; None if that has no end, or is not known."""
    known = [version for version in versions if version.start != UNKNOWN]
    if not known or any(version.end is None for version in known):
        return None
    zone = ZoneInfo(known[0].zone)
    first = min(_at(version.start, zone) for version in known)
    last = max(_at(version.end or 0, zone) for version in known)
    # A version that ends within a day is in force on that day.
    return Period(first.date(), (last + timedelta(days=1, microseconds=-1)).date())


def _at(microseconds: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(zone)


# ── Kinds of cases ───────────────────────────────────────────────────────────────────────────────


class _Kinds:
    """Counts cases that are alike."""

    def __init__(self) -> None:
        self._found: dict[
            tuple[tuple[str, ...], tuple[Bilingual, ...]], tuple[int, tuple[date, str]]
        ] = {}

    def add(
        self, rules: Iterable[str], measures: Iterable[Bilingual], name: str, day: date
    ) -> None:
        """Count one. The first of a kind, by day and name, stands for it, whatever the order."""
        ordered = sorted(set(measures), key=lambda one: (one.en, one.zh))
        key = tuple(sorted(set(rules))), tuple(ordered)
        count, first = self._found.get(key, (0, (day, name)))
        self._found[key] = count + 1, min(first, (day, name))

    def typical(self) -> list[Kind]:
        """For each rule the most frequent kind in which it fired, the most frequent first.

        The salt of the ids is known to nobody, and gone when this returns.
        """
        salt = secrets.token_bytes(16)
        ranked = sorted(
            self._found.items(),
            key=lambda item: (-item[1][0], item[0][0], [one.en + one.zh for one in item[0][1]]),
        )
        chosen: set[int] = set()
        known: set[str] = set()
        for at, ((rules, _), _) in enumerate(ranked):
            if not known.issuperset(rules):
                known.update(rules)
                chosen.add(at)
        return [
            Kind(rules, measures, count, _hashed(name, salt), day)
            for (rules, measures), (count, (day, name)) in (ranked[at] for at in sorted(chosen))
        ][:CASES_SHOWN]


def _hashed(name: str, salt: bytes) -> str:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=salt, digest_size=5)
    return digest.hexdigest()


# ── From decisions ───────────────────────────────────────────────────────────────────────────────


def of_decisions(
    corpus: Corpus, policy: str, period: Period | None, names: Sequence[str]
) -> Campaign:
    """The figures of a policy, from files of decisions as `clausal run` writes them.

    Raises:
        InputError: if a file cannot be read.
    """
    found = Campaign(corpus, policy, period, _zone(corpus, policy), events=0)
    kinds = _Kinds()
    sanctions = {sanction.name: sanction for sanction in corpus.sanctions}
    for name in names:
        with open_events(name) as file:
            for record in file:
                decision = None if isinstance(record, Rejected) else _decision(record.value)
                day = None if decision is None else _day(decision.acted_at, found.zone)
                if decision is None or day is None:
                    found.bad += 1
                elif found.contains(day):
                    _add(found, kinds, sanctions, decision, day)
    found.kinds = kinds.typical()
    return found


def _zone(corpus: Corpus, policy: str) -> ZoneInfo:
    return ZoneInfo(next(one.zone for one in corpus.versions if one.policy == policy))


def _decision(value: object) -> _Decision | None:
    try:
        if isinstance(value, bytes):
            return _DECODER.decode(value)
        return msgspec.convert(value, _Decision)
    except msgspec.MsgspecError:
        return None


def _day(instant: str, zone: ZoneInfo) -> date | None:
    try:
        found = datetime.fromisoformat(instant)
        return found.astimezone(zone).date() if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _add(
    found: Campaign,
    kinds: _Kinds,
    sanctions: dict[str, SanctionDef],
    decision: _Decision,
    day: date,
) -> None:
    assert found.events is not None
    found.events += 1
    tally = found.day(day)
    tally.events += 1
    ours = {at for at, one in enumerate(decision.findings) if one.policy == found.policy}
    for open_rule in decision.undetermined:
        if open_rule.policy == found.policy:
            found.rules.setdefault(open_rule.rule, RuleFigures()).undetermined += 1
    if not ours:
        return
    found.cases += 1
    tally.cases += 1
    for at in ours:
        finding = decision.findings[at]
        figures = found.rules.setdefault(finding.rule, RuleFigures())
        if finding.mode == "shadow":
            figures.shadow += 1
        else:
            figures.fired += 1
    told: list[Bilingual] = []
    for measure in decision.measures:
        if not ours & set(measure.findings):
            continue
        counted = found.measures.setdefault(measure.sanction, MeasureFigures())
        if measure.mode == "shadow":
            counted.shadow += 1
            continue
        if measure.yields_to is not None:
            counted.covered += 1
        elif measure.review:
            counted.review += 1
        else:
            counted.now += 1
        tally.measures += 1
        told.append(_told(measure, sanctions.get(measure.sanction)))
    for standing in decision.ladders:
        if standing.step is not None and ours & set(standing.findings):
            found.steps[standing.ladder, standing.step] += 1
    kinds.add((decision.findings[at].rule for at in ours), told, decision.event_id or "", day)


def _told(measure: _Measure, sanction: SanctionDef | None) -> Bilingual:
    """A measure in words: what it is, on what, for how long, and whether people decide."""
    start, end = _instant(measure.start), _instant(measure.end)
    length = None if start is None or end is None else (end - start) / timedelta(microseconds=1)
    return phrase(
        sanction,
        measure.sanction,
        measure.arguments,
        measure.target.kind,
        length,
        until_fixed=bool(measure.until_fixed),
        review=measure.review,
    )


def _instant(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def phrase(
    sanction: SanctionDef | None,
    name: str,
    arguments: dict[str, Any],
    target: str,
    length: float | None,
    *,
    until_fixed: bool,
    review: int,
) -> Bilingual:
    """A measure in words, without whom it is on.

    Args:
        sanction: What is known of it, if anything is.
        name: What the sanction is called in policies.
        arguments: Shares 0..1, durations seconds.
        target: The kind of the target.
        length: Microseconds from its start to its end, if it ends by itself.
        until_fixed: Whether it ends when it is mended.
        review: How many people must agree before it takes effect.
    """
    kinds = {} if sanction is None else {p.name: p.type for p in sanction.params}
    values = [_value(kinds.get(key), value) for key, value in arguments.items()]
    shown = "".join(f" {one}" for one in values if one)
    title = Bilingual(name, name) if sanction is None else sanction.title
    zh = f"{title.zh or name}{shown}（{target}）"
    en = f"{title.en or name}{shown} on {target}"
    if until_fixed:
        zh, en = f"{zh}，至改正为止", f"{en} until fixed"
    if length is not None:
        joined = " within" if until_fixed else " for"
        zh = f"{zh}，{'最长' if until_fixed else ''}{duration(length, 'zh')}"
        en = f"{en}{joined} {duration(length, 'en')}"
    if review:
        zh, en = f"{zh}，经{review}人复核", f"{en} after review by {review}"
    return Bilingual(zh, en)


def _value(kind: object, value: object) -> str:
    match value:
        case list() | tuple():
            return f"[{', '.join(sorted(map(str, value)))}]"
        case bool() | str():
            return str(value)
        case int() | float() if kind == Scalar("share"):
            return share(float(value))
        case int() | float() if kind == Scalar("duration"):
            return duration(float(value) * 1e6, "en")
        case int() | float():
            return f"{value:g}"
        case _:
            return ""


# ── From a ledger ────────────────────────────────────────────────────────────────────────────────


def of_ledger(
    corpus: Corpus, policy: str, period: Period | None, facts: Iterable[AnyFact]
) -> Campaign:
    """The figures of a policy, from the facts of a ledger, in their order."""
    from clausal.enforcement import facts as kinds_of  # noqa: PLC0415

    found = Campaign(corpus, policy, period, _zone(corpus, policy), appeals=Counter())
    assert found.appeals is not None
    sanctions = {sanction.name: sanction for sanction in corpus.sanctions}
    days: dict[str, date] = {}
    cases: dict[str, dict[str, str]] = {}  # Of a case: our findings, and their rules.
    told: dict[str, list[Bilingual]] = {}
    measures: dict[str, str] = {}
    appeals: dict[str, str] = {}
    for fact in facts:
        match fact:
            case kinds_of.Case():
                days[fact.id] = _at(fact.acted_at, found.zone).date()
            case kinds_of.Finding() if fact.policy == policy and found.contains(days[fact.case]):
                if fact.case not in cases:
                    cases[fact.case] = {}
                    found.cases += 1
                    found.day(days[fact.case]).cases += 1
                cases[fact.case][fact.id] = fact.rule
                figures = found.rules.setdefault(fact.rule, RuleFigures())
                if fact.mode == "shadow":
                    figures.shadow += 1
                else:
                    figures.fired += 1
            case kinds_of.Measure() if cases.get(fact.case, {}).keys() & set(fact.findings):
                measures[fact.id] = fact.sanction
                counted = found.measures.setdefault(fact.sanction, MeasureFigures())
                if fact.yields_to is not None:
                    counted.covered += 1
                elif fact.review:
                    counted.review += 1
                else:
                    counted.now += 1
                found.day(days[fact.case]).measures += 1
                words = phrase(
                    sanctions.get(fact.sanction),
                    fact.sanction,
                    fact.arguments,
                    fact.target.partition(":")[0],
                    fact.length,
                    until_fixed=bool(fact.until_fixed),
                    review=fact.review,
                )
                told.setdefault(fact.case, []).append(words)
            case kinds_of.Strike() if cases.get(fact.case, {}).keys() & set(fact.findings):
                found.steps[fact.ladder, fact.step] += 1
            case kinds_of.Applied() if fact.measure in measures:
                found.measures[measures[fact.measure]].applied += 1
            case kinds_of.Ended() if fact.measure in measures:
                found.measures[measures[fact.measure]].ended[fact.why] += 1
            case kinds_of.Reviewed() if fact.measure in measures:
                counted = found.measures[measures[fact.measure]]
                if fact.verdict == "approve":
                    counted.approved += 1
                else:
                    counted.rejected += 1
            case kinds_of.Appealed() if fact.case in cases:
                appeals[fact.id] = fact.case
                found.appeals["open"] += 1
            case kinds_of.Judged() if fact.appeal in appeals:
                found.appeals["open"] -= 1
                found.appeals[fact.outcome] += 1
                if fact.outcome != "out_of_time":
                    for rule in set(cases[fact.case].values()):
                        found.rules[rule].judged += 1
                        found.rules[rule].stood += fact.outcome == "upheld"
            case _:
                pass
    gathered = _Kinds()
    for case, findings in cases.items():
        gathered.add(findings.values(), told.get(case, ()), case, days[case])
    found.kinds = gathered.typical()
    return found
