"""From the rules that fired to the decision.

The same code serves the compiled program and the reference interpreter: both say which rules fired
and which are undetermined (`Matches`), and all that follows happens here.

**Which version.** The rules of the versions in force at the act decide. Where another version of the
same policy is in force at the decision, and its enforced measures for this event are milder, the
later version's findings and measures take the place of that policy's: milder means that they differ,
and that each of them is covered by the join of the earlier ones (none at all is the mildest). An
outcome is taken over whole, never mixed from two versions. A policy that was not in force at the act
has no say, and one that is in force no longer has the say that it had.

**Shadow.** Findings of shadow rules, and of rules whose rollout does not reach the event, are listed,
and their measures join among themselves: a shadow measure never covers an enforced one.

**Ladders.** All rules of one event that strike a ladder are one strike. Without a history a strike
measures nothing; the decision says so, and says which step an empty history would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from clausal.compiler.ir import Corpus, VersionDef
from clausal.compiler.types import MICROSECONDS, Scalar, Type
from clausal.engine.bounds import Bounder
from clausal.engine.consequences import (
    Consequences,
    Matches,
    Record,
    Strike,
    Values,
    identifier,
    step_after,
)
from clausal.engine.decision import (
    Bounds,
    ClauseRef,
    Decision,
    Finding,
    Lack,
    Measure,
    Mode,
    Standing,
    Step,
    Undetermined,
)
from clausal.engine.render import rfc3339
from clausal.engine.segments import FOREVER, Group, Segment, order, regroup
from clausal.engine.values import Missing
from clausal.engine.wording import Wording

_REMEMBERED: Final = 65_536
"""As many findings of what rules lacked are kept: events that lack much tend to lack the same."""


@dataclass(frozen=True, slots=True)
class Case:
    """One event, and what the rules said about it.

    Attributes:
        values: The values of its slots.
        acted_at, decided_at: Microseconds since 1970.
        act: What the rules in force at the act said.
        later: What those in force at the decision said; None when they are the same ones.
        unsettled: The same two once more, with each absent value taken for one that is unknown
            (so that ``is missing`` is unknown too): asked for when bounds are wanted.
    """

    values: Values
    acted_at: int
    decided_at: int
    act: Matches
    later: Matches | None = None
    unsettled: tuple[Matches, Matches | None] | None = None


class Header:
    """What every decision of a bundle says first: the event, both times, the bundle.

    It needs no rule, so that an event which satisfies none costs next to nothing.
    """

    __slots__ = ("_bundle", "_id_slot", "_zone")

    def __init__(self, versions: Iterable[VersionDef], id_slot: int | None, bundle: str) -> None:
        """Prepare the headers of a bundle with this digest.

        Times are told in the zone that all its policies share, or in UTC.
        """
        zones = {version.zone for version in versions}
        self._zone = zones.pop() if len(zones) == 1 else "UTC"
        self._id_slot = id_slot
        self._bundle = bundle

    def decision(
        self,
        values: Values,
        acted_at: int,
        decided_at: int,
        *,
        findings: tuple[Finding, ...] = (),
        measures: tuple[Measure, ...] = (),
        undetermined: tuple[Undetermined, ...] = (),
        ladders: tuple[Standing, ...] = (),
        bounds: Bounds | None = None,
    ) -> Decision:
        """A decision; without the rest, the one for an event that satisfies no rule."""
        acted = rfc3339(acted_at, self._zone)
        return Decision(
            event_id=None if self._id_slot is None else identifier(values(self._id_slot)),
            acted_at=acted,
            decided_at=acted if decided_at == acted_at else rfc3339(decided_at, self._zone),
            bundle=self._bundle,
            findings=findings,
            measures=measures,
            undetermined=undetermined,
            ladders=ladders,
            bounds=bounds,
        )


def in_force(versions: Iterable[VersionDef], instant: int) -> tuple[int, ...]:
    """The versions in force at an instant, in microseconds since 1970; intervals half-open."""
    return tuple(
        index
        for index, version in enumerate(versions)
        if version.start <= instant and (version.end is None or instant < version.end)
    )


class Decider:
    """Makes decisions for one corpus. Safe to share between threads."""

    def __init__(self, corpus: Corpus, bundle: str) -> None:
        """Prepare all that does not depend on an event.

        Args:
            corpus: As the checker left it, perhaps with its params bound anew.
            bundle: The digest that decisions carry.
        """
        self._corpus = corpus
        self._header = Header(corpus.versions, corpus.id_slot, bundle)
        self._consequences = Consequences(corpus)
        self._algebra = self._consequences.algebra
        self._bounder = Bounder(corpus, self._consequences)
        self._wording = Wording(corpus)
        self._policies = tuple(corpus.versions[rule.version].policy for rule in corpus.rules)
        self._clauses = tuple(self._clause_refs(rule.clauses) for rule in corpus.rules)
        self._lacks: dict[tuple[object, ...], Undetermined] = {}

    def _clause_refs(self, clauses: Iterable[int]) -> tuple[ClauseRef, ...]:
        found = []
        for index in clauses:
            clause = self._corpus.clauses[index]
            notice = self._corpus.versions[clause.version].notice
            found.append(ClauseRef(notice, clause.id, clause.quote, clause.fingerprint))
        return tuple(found)

    # ── The decision ─────────────────────────────────────────────────────────────────────────────

    def decide(self, case: Case) -> Decision:
        """The decision for one event."""
        if case.unsettled is None and not (case.act.fired or case.act.undetermined):
            # Most events satisfy no rule at all, and no later version is milder than that.
            return self._header.decision(case.values, case.acted_at, case.decided_at)
        fired, undetermined = self._applied(case)
        strikes = self._consequences.strikes(fired, case.values)
        record = self._consequences.record(fired, strikes, case.values, case.decided_at)
        places = {rule: place for place, (rule, _) in enumerate(fired)}
        return self._header.decision(
            case.values,
            case.acted_at,
            case.decided_at,
            findings=tuple(self._finding(rule, mode, case.values) for rule, mode in fired),
            measures=self._measures(record, places),
            undetermined=tuple(
                self._undetermined(rule, lacking, case.values) for rule, lacking in undetermined
            ),
            ladders=tuple(self._standing(strike, places, case.values) for strike in strikes),
            bounds=None if case.unsettled is None else self._bounds(case, places),
        )

    def _applied(
        self, case: Case
    ) -> tuple[list[tuple[int, Mode]], list[tuple[int, Iterable[int]]]]:
        """The rules that fired, each with its mode, and the undetermined ones with what they lack.

        Both sorted, and of the version of each policy that applies.
        """
        milder = self.milder(case)
        fired, undetermined = self._of(case.act, lambda policy: policy not in milder)
        if milder:
            assert case.later is not None
            later = self._of(case.later, lambda policy: policy in milder)
            fired, undetermined = fired + later[0], undetermined + later[1]
        modes = [(rule, self.mode(rule, case.values)) for rule in sorted(fired)]
        return modes, sorted(undetermined, key=lambda pair: pair[0])

    def milder(self, case: Case) -> set[str]:
        """The policies whose version at the decision applies, because it is milder for this event."""
        if case.later is None:
            return set()
        return {
            policy
            for policy in {self._policies[rule] for rule in case.act.fired} & self._changed(case)
            if self._consequences.milder(
                self._enforced(case.later, policy, case), self._enforced(case.act, policy, case)
            )
        }

    def _of(
        self, matches: Matches, wanted: Callable[[str], bool]
    ) -> tuple[list[int], list[tuple[int, Iterable[int]]]]:
        """What was said about the rules of some policies."""
        return (
            [rule for rule in matches.fired if wanted(self._policies[rule])],
            [
                (rule, matches.lacking(rule))
                for rule in matches.undetermined
                if wanted(self._policies[rule])
            ],
        )

    def _changed(self, case: Case) -> set[str]:
        """The policies in force at the act of which another version is in force at the decision."""
        versions = self._corpus.versions
        before, after = in_force(versions, case.acted_at), in_force(versions, case.decided_at)
        return {versions[index].policy for index in before if index not in after} & {
            versions[index].policy for index in after if index not in before
        }

    def _enforced(self, matches: Matches, policy: str, case: Case) -> Record:
        """What follows from the enforced rules of a policy."""
        fired = [
            (rule, mode)
            for rule in matches.fired
            if self._policies[rule] == policy
            and (mode := self.mode(rule, case.values)) == "enforced"
        ]
        strikes = self._consequences.strikes(fired, case.values)
        return self._consequences.record(fired, strikes, case.values, case.decided_at)

    def mode(self, rule: int, values: Values) -> Mode:
        """Whether a rule is enforced; without the key of its rollout it is not."""
        mode = self._consequences.mode(rule, values)
        return "shadow" if mode == "unknown" else mode

    # ── Its parts ────────────────────────────────────────────────────────────────────────────────

    def _finding(self, rule: int, mode: Mode, values: Values) -> Finding:
        definition = self._corpus.rules[rule]
        version = self._corpus.versions[definition.version]
        return Finding(
            policy=version.policy,
            version=version.version,
            rule=definition.name,
            severity=definition.severity,
            mode=mode,
            clauses=self._clauses[rule],
            title=definition.title,
            reason=self._wording.reason(rule, values),
        )

    def _undetermined(self, rule: int, lacking: Iterable[int], values: Values) -> Undetermined:
        mode = self.mode(rule, values)
        lacks = tuple(
            (slot, value) for slot in lacking if isinstance(value := values(slot), Missing)
        )
        key = (rule, mode, lacks)
        known = self._lacks.get(key)
        if known is not None:
            return known
        definition = self._corpus.rules[rule]
        version = self._corpus.versions[definition.version]
        made = Undetermined(
            policy=version.policy,
            version=version.version,
            rule=definition.name,
            mode=mode,
            lacks=tuple(
                sorted(
                    (Lack(self._corpus.slots[slot].name, why.value) for slot, why in lacks),
                    key=lambda lack: lack.field,
                )
            ),
        )
        if len(self._lacks) >= _REMEMBERED:
            self._lacks.clear()
        self._lacks[key] = made
        return made

    def _standing(self, strike: Strike, places: Mapping[int, int], values: Values) -> Standing:
        ladder = self._corpus.ladders[strike.ladder]
        return Standing(
            ladder=ladder.name,
            target=self._consequences.target(ladder.target, values),
            mode=strike.mode,
            active=strike.active,
            step=None if strike.active is None else step_after(ladder, strike.active),
            if_clean=step_after(ladder, 0),
            findings=tuple(places[rule] for rule in strike.rules),
        )

    # ── Measures ─────────────────────────────────────────────────────────────────────────────────

    def _measures(self, record: Record, places: Mapping[int, int]) -> tuple[Measure, ...]:
        """All measures of a record, those that are covered too, sorted.

        Args:
            record: The segments with their causes.
            places: The number of each rule's finding.
        """
        if not record:
            return ()
        covers = self._algebra.covers_of(record)
        shapes = self._algebra.shapes
        maximal = regroup(
            shapes, [(segment, record[segment]) for segment, by in covers.items() if by is None]
        )
        group_of = {segment: group for group in maximal for segment in group.members}
        covered = regroup(
            shapes,
            [(segment, record[segment]) for segment, by in covers.items() if by is not None],
            apart=lambda segment: group_of[_given(covers[segment])].segment,
        )
        groups = sorted([*maximal, *covered], key=lambda group: order(group.segment))
        numbers = {group.segment: number for number, group in enumerate(groups)}
        return tuple(
            self._measure(
                group,
                places,
                None if (by := covers[group.segment]) is None else numbers[group_of[by].segment],
            )
            for group in groups
        )

    def _measure(self, group: Group, places: Mapping[int, int], yields_to: int | None) -> Measure:
        segment = group.segment
        sanction = self._corpus.sanctions[segment.sanction]
        rules = sorted(group.cause.findings)
        zone = self._wording.zone(rules[0])
        arguments = {
            param.name: _published(param.type, value)
            for param, value in zip(sanction.params, group.arguments, strict=True)
            if value is not None
        }
        return Measure(
            sanction=sanction.name,
            title=sanction.title,
            grade=sanction.grade,
            target=segment.target,
            mode=segment.mode,
            arguments=arguments,
            start=rfc3339(segment.start, zone),
            end=None if segment.end >= FOREVER else rfc3339(segment.end, zone),
            permanent=sanction.permanent,
            once=sanction.once,
            until_fixed=group.until_fixed,
            interim=segment.interim,
            review=segment.review,
            findings=tuple(sorted(places[rule] for rule in rules if rule in places)),
            steps=tuple(Step(ladder, step) for ladder, step in sorted(group.cause.steps)),
            yields_to=yields_to,
            notice=self._wording.notice(group, rules),
        )

    def _bounds(self, case: Case, places: Mapping[int, int]) -> Bounds:
        assert case.unsettled is not None
        act, later = case.unsettled
        bounded = self._bounder.bound(act, later, self._changed(case), case.values, case.decided_at)
        slot = bounded.fetch_next
        return Bounds(
            lightest=self._outcome(bounded.lightest, places),
            heaviest=self._outcome(bounded.heaviest, places),
            fetch_next=None if slot is None else self._corpus.slots[slot].name,
        )

    def _outcome(self, record: Record, places: Mapping[int, int]) -> tuple[Measure, ...]:
        """The measures of a record that yield to no other."""
        joined = self._algebra.join(record)
        return self._measures({segment: record[segment] for segment in joined}, places)


def _published(
    type: Type, value: float | bool | str | tuple[str, ...]
) -> float | bool | str | tuple[str, ...]:
    """An argument as decisions have it: durations in seconds."""
    if isinstance(type, Scalar) and type.name == "duration" and isinstance(value, float):
        return value / MICROSECONDS
    return value


def _given(segment: Segment | None) -> Segment:
    assert segment is not None
    return segment
