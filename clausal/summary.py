"""What a run over many events came to: counted while it runs, told at its end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Final

from clausal.compiler.ir import Bilingual, Corpus, VersionDef
from clausal.engine.decision import Decision, Measure
from clausal.truth import Held

OTHER: Final = "other"
_UNTITLED: Final = Bilingual()
_MOST_CAUSES: Final = 200
"""So many causes of bad events are told apart, and what comes after counts as `OTHER`; as many
unknown keys are counted."""


@dataclass(slots=True)
class RuleCount:
    """How often a rule fired (enforced, or in shadow), and how often it could not be settled."""

    policy: str
    version: str
    rule: str
    title: Bilingual = _UNTITLED
    fired: int = 0
    shadow: int = 0
    undetermined: int = 0


@dataclass(slots=True)
class MeasureCount:
    """How many measures of a sanction there were; each measure counts once.

    `effective` ones take effect at once, `review` ones after people decided; `covered` ones yield
    to a heavier measure, and `shadow` ones are never carried out.
    """

    sanction: str
    title: Bilingual = _UNTITLED
    grade: int = 0
    effective: int = 0
    review: int = 0
    covered: int = 0
    shadow: int = 0


@dataclass(slots=True)
class LackCount:
    """How many events lacked a field that a rule needed, because it was absent or had failed."""

    field: str
    absent: int = 0
    failed: int = 0


@dataclass(slots=True)
class CauseCount:
    """How many events were bad for one cause, and where the first of them was."""

    cause: str
    count: int = 0
    first: str = ""


@dataclass(slots=True)
class Summary:
    """Counts over the events of a run.

    Attributes:
        decided: Events with a decision.
        bad: Events that could not be decided.
        with_findings: Decisions with a finding, in shadow or not.
        with_measures: Decisions with an enforced measure.
        with_undetermined: Decisions with a rule that could not be settled.
        unknown: Keys of events that no library declares, with the number of events that have them:
            perhaps misspelt fields. They are looked for in the first `inspected` events.
        seconds: How long it took; whoever runs it sets it.
        held: The decisions held against the truth, if that is known.
        bounds: The instants at which a version comes into force or ends, ascending.
        spans: Between which of these events happened: before the first one is 0.
    """

    decided: int = 0
    bad: int = 0
    with_findings: int = 0
    with_measures: int = 0
    with_undetermined: int = 0
    seconds: float = 0.0
    rules: dict[tuple[str, str, str], RuleCount] = field(default_factory=dict)
    measures: dict[str, MeasureCount] = field(default_factory=dict)
    steps: dict[tuple[str, int], int] = field(default_factory=dict)
    lacks: dict[str, LackCount] = field(default_factory=dict)
    causes: dict[str, CauseCount] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    inspected: int = 0
    held: Held | None = None
    bounds: tuple[int, ...] = ()
    spans: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, corpus: Corpus) -> Summary:
        """One for events that are decided by a corpus."""
        instants = {one for version in corpus.versions for one in (version.start, version.end)}
        return cls(bounds=tuple(sorted(one for one in instants if one is not None)))

    def in_force(self, version: VersionDef) -> bool:
        """Whether a version was in force at one of the acts."""
        starts = (self.bounds[span - 1] if span else version.start - 1 for span in self.spans)
        return any(
            version.start <= start and (version.end is None or start < version.end)
            for start in starts
        )

    @property
    def events(self) -> int:
        """All events, good and bad."""
        return self.decided + self.bad

    @property
    def rate(self) -> float:
        """Events a second; 0 before the time is known."""
        return self.events / self.seconds if self.seconds > 0 else 0.0

    def add(self, decision: Decision) -> None:
        """Count a decision.

        Raises:
            InputError: when it is held against a truth that cannot be read.
        """
        self.decided += 1
        self.spans.add(bisect_right(self.bounds, decision.instants[0]))
        if self.held is not None:
            self.held.add(decision)
        self.with_findings += bool(decision.findings)
        self.with_undetermined += bool(decision.undetermined)
        for finding in decision.findings:
            count = self._rule(finding.policy, finding.version, finding.rule)
            count.title = finding.title
            if finding.mode == "shadow":
                count.shadow += 1
            else:
                count.fired += 1
        enforced = False
        for measure in decision.measures:
            self._add_measure(measure)
            enforced = enforced or measure.mode == "enforced"
        self.with_measures += enforced
        for standing in decision.ladders:
            if standing.step is not None:
                key = standing.ladder, standing.step
                self.steps[key] = self.steps.get(key, 0) + 1
        lacking: dict[str, bool] = {}
        for rule in decision.undetermined:
            self._rule(rule.policy, rule.version, rule.rule).undetermined += 1
            for lack in rule.lacks:
                lacking[lack.field] = lack.cause == "failed"
        for name, failed in lacking.items():
            self._add_lack(name, failed)

    def reject(self, cause: str, place: str) -> None:
        """Count a bad event; `place` says where it stands."""
        self.bad += 1
        if cause not in self.causes and len(self.causes) >= _MOST_CAUSES:
            cause = OTHER
        count = self.causes.setdefault(cause, CauseCount(cause, first=place))
        count.count += 1

    def inspect(self, unknown_keys: Iterable[str]) -> None:
        """Count the keys of an event that no library declares."""
        self.inspected += 1
        for key in unknown_keys:
            if key in self.unknown or len(self.unknown) < _MOST_CAUSES:
                self.unknown[key] = self.unknown.get(key, 0) + 1

    def _rule(self, policy: str, version: str, rule: str) -> RuleCount:
        key = policy, version, rule
        count = self.rules.get(key)
        if count is None:
            count = self.rules[key] = RuleCount(policy, version, rule)
        return count

    def _add_measure(self, measure: Measure) -> None:
        count = self.measures.get(measure.sanction)
        if count is None:
            count = MeasureCount(measure.sanction, measure.title, measure.grade)
            self.measures[measure.sanction] = count
        if measure.mode == "shadow":
            count.shadow += 1
        elif measure.yields_to is not None:
            count.covered += 1
        elif measure.review:
            count.review += 1
        else:
            count.effective += 1

    def _add_lack(self, name: str, failed: bool) -> None:
        count = self.lacks.get(name)
        if count is None:
            count = self.lacks[name] = LackCount(name)
        if failed:
            count.failed += 1
        else:
            count.absent += 1

    # ── What to show ─────────────────────────────────────────────────────────────────────────────

    def fired_rules(self) -> list[RuleCount]:
        """The rules that fired, by policy and version, the most frequent first."""
        fired = [count for count in self.rules.values() if count.fired or count.shadow]
        return sorted(fired, key=lambda c: (c.policy, c.version, -(c.fired + c.shadow), c.rule))

    def by_grade(self) -> list[MeasureCount]:
        """The measures, the gravest first."""
        return sorted(self.measures.values(), key=lambda c: (-c.grade, c.sanction))

    def by_lack(self) -> list[LackCount]:
        """The fields that were lacking, the most frequent first."""
        return sorted(self.lacks.values(), key=lambda c: (-(c.absent + c.failed), c.field))

    def by_cause(self) -> list[CauseCount]:
        """The causes of bad events, the most frequent first."""
        return sorted(self.causes.values(), key=lambda c: (-c.count, c.cause))

    def by_unknown(self) -> list[tuple[str, int]]:
        """The unknown keys with how many events had them, the most frequent first."""
        return sorted(self.unknown.items(), key=lambda item: (-item[1], item[0]))

    def to_dict(self) -> dict[str, object]:
        """Everything, as JSON-ready values."""
        return {
            "events": self.events,
            "decided": self.decided,
            "bad": self.bad,
            "with_findings": self.with_findings,
            "with_measures": self.with_measures,
            "with_undetermined": self.with_undetermined,
            "seconds": round(self.seconds, 6),
            "events_per_second": round(self.rate, 1),
            "rules": [_plain(count) for count in _sorted_rules(self.rules.values())],
            "measures": [_plain(count) for count in self.by_grade()],
            "ladder_steps": [
                {"ladder": ladder, "step": step, "count": count}
                for (ladder, step), count in sorted(self.steps.items())
            ],
            "lacking": [_plain(count) for count in self.by_lack()],
            "bad_by_cause": [_plain(count) for count in self.by_cause()],
            "inspected": self.inspected,
            "unknown_keys": [{"key": key, "count": count} for key, count in self.by_unknown()],
            **({} if self.held is None else {"truth": self.held.to_dict()}),
        }


def _sorted_rules(counts: Iterable[RuleCount]) -> list[RuleCount]:
    return sorted(counts, key=lambda c: (c.policy, c.version, c.rule))


def _plain(count: RuleCount | MeasureCount | LackCount | CauseCount) -> dict[str, object]:
    value: dict[str, object] = asdict(count)
    title = value.get("title")
    if isinstance(title, Bilingual):
        value["title"] = {"zh": title.zh, "en": title.en}
    return value
