"""Why an event was decided as it was: rules with the values that they saw, and versions considered.

Told are the rules that fired, those that are undetermined, and those that nearly fired: of what such
a rule asks for together exactly one thing was denied, and something else was there. The condition of
each is laid out as a tree, each part with its verdict. Others are told on request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import ClassVar, Final, Literal

import msgspec

from clausal.compiler.ir import (
    NEVER,
    UNKNOWN,
    All,
    Any,
    Bilingual,
    Condition,
    Corpus,
    Mentions,
    Negation,
    Pattern,
    RuleDef,
    Truth,
    VersionDef,
)
from clausal.compiler.text.fold import fold, fold_with_offsets, original_span
from clausal.compiler.text.patterns import PatternSet
from clausal.compiler.text.terms import find_term
from clausal.compiler.types import MICROSECONDS, Scalar, Type
from clausal.engine.decide import Case, Decider
from clausal.engine.decision import Decision, Mode, Record
from clausal.engine.phrase import constant, params_of, phrase
from clausal.engine.reference import Evaluation, slots_of
from clausal.engine.render import clean, rfc3339
from clausal.engine.values import Missing, Value

Verdict = Literal["true", "false", "unknown"]
Status = Literal["fired", "undetermined", "nearly", "silent"]
Phase = Literal["not yet", "in force", "no longer"]

_LONGEST_VALUE: Final = 300
"""As many characters of a text are shown."""


_VERDICTS: Final[Mapping[bool | None, Verdict]] = {True: "true", False: "false", None: "unknown"}


class Seen(msgspec.Struct, frozen=True):
    """The value of a field that a condition read.

    Instants are RFC 3339 texts, durations seconds, dates ISO texts; a long text is cut short.
    """

    field: str
    state: Literal["present", "absent", "failed"]
    value: float | bool | str | tuple[str, ...] | None


class ParamSeen(msgspec.Struct, frozen=True):
    """A param that a condition compared with, as a literal of the language."""

    name: str
    value: str


class Match(msgspec.Struct, frozen=True):
    """Where a text matched, in characters of the original text, half-open.

    ``what`` is the term that it contains, or the pattern; ``text`` is what stands there.
    """

    field: str
    what: str
    start: int
    end: int
    text: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a condition.

    ``kind`` is "test" for what has no parts of its own; ``text`` is then as an author would write
    it, and ``seen``, ``params`` and ``matches`` say what it is about.
    """

    kind: Literal["all", "any", "not", "test"]
    text: str
    verdict: Verdict
    parts: tuple[Part, ...] = ()
    seen: tuple[Seen, ...] = ()
    params: tuple[ParamSeen, ...] = ()
    matches: tuple[Match, ...] = ()


class RuleTrace(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, and what became of its conditions.

    ``status`` is "silent" for a rule that was asked for and did not even nearly fire. ``applied`` is
    false for the rules of a version whose outcome another version's took the place of. ``unless`` is None for a rule without exceptions. ``line`` is where the rule begins.
    """

    policy: str
    version: str
    rule: str
    line: int
    title: Bilingual
    mode: Mode
    status: Status
    applied: bool
    when: Part
    unless: Part | None


class VersionTrace(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a policy, and whether its rules had a say.

    Attributes:
        start, end: Its interval, half-open; ``end`` is None when it is open, ``start`` when the dates
            are not known, so that it is never in force.
        at_act, at_decision: Whether it was in force then.
        applied: Whether its rules decided.
        why: The reason in words.
    """

    policy: str
    version: str
    start: str | None
    end: str | None
    at_act: Phase
    at_decision: Phase
    applied: bool
    why: Bilingual


class Explanation(Record):
    """A decision with all that explains it. Rules and versions are sorted by policy and start."""

    __slots__ = ("decision", "rules", "versions")

    FIELDS: ClassVar[tuple[str, ...]] = ("decision", "rules", "versions")

    def __init__(
        self,
        decision: Decision,
        rules: tuple[RuleTrace, ...],
        versions: tuple[VersionTrace, ...],
    ) -> None:
        self.decision: Final = decision
        self.rules: Final = rules
        self.versions: Final = versions


class Explainer:
    """Explains decisions of one corpus. Safe to share between threads."""

    def __init__(self, corpus: Corpus, decider: Decider) -> None:
        """Take the corpus as the checker left it, and what makes its decisions."""
        self._corpus = corpus
        self._decider = decider

    def explain(self, decision: Decision, rules: Collection[str] = ()) -> Explanation:
        """A decision of the decider, explained.

        Args:
            decision: What was decided.
            rules: Names, qualified ("policy.rule") or bare, of rules to tell about whatever became
                of them: those that did not even nearly fire are "silent".
        """
        corpus = self._corpus
        case = decision.parts
        assert isinstance(case, Case)
        values = [case.values(slot) for slot in range(len(corpus.slots))]
        versions = tuple(self._versions(case))
        considered = {
            index
            for index, version in enumerate(versions)
            if version.at_act == "in force"
            or (version.applied and version.at_decision == "in force")
        }
        teller = _Teller(corpus, Evaluation(corpus, values))
        return Explanation(
            decision,
            tuple(
                trace
                for index, rule in enumerate(corpus.rules)
                if rule.version in considered
                for trace in teller.trace(
                    rule,
                    self._decider.mode(index, case.values),
                    applied=versions[rule.version].applied,
                    asked=rule.name in rules
                    or f"{versions[rule.version].policy}.{rule.name}" in rules,
                )
            ),
            versions,
        )

    def _versions(self, case: Case) -> Iterator[VersionTrace]:
        """What each version of the bundle has to do with the event."""
        judged = {
            version.policy
            for version in self._corpus.versions
            if _phase(version, case.acted) == "in force"
        }
        for version in self._corpus.versions:
            at_act, at_decision = (
                _phase(version, instant) for instant in (case.acted, case.decided)
            )
            replaced = version.policy in case.milder
            applied = (at_decision if replaced else at_act) == "in force"
            yield VersionTrace(
                policy=version.policy,
                version=version.version,
                start=None if version.start == UNKNOWN else rfc3339(version.start, version.zone),
                end=None if version.end is None else rfc3339(version.end, version.zone),
                at_act=at_act,
                at_decision=at_decision,
                applied=applied,
                why=(
                    Bilingual(
                        "起止日期不明，须由人确定后方可生效",
                        "its dates are not known: somebody must set them",
                    )
                    if version.start == UNKNOWN
                    else _why(at_act, at_decision, applied, version.policy in judged)
                ),
            )


def _phase(version: VersionDef, instant: int) -> Phase:
    if instant < version.start:
        return "not yet"
    return "in force" if version.end is None or instant < version.end else "no longer"


def _why(at_act: Phase, at_decision: Phase, applied: bool, judged: bool) -> Bilingual:
    """Why a version had a say or had none; `judged`: some version was in force at the act."""
    match (at_act, applied):
        case ("in force", True):
            return Bilingual("行为发生时有效", "in force at the act")
        case ("in force", False):
            return Bilingual(
                "行为发生时有效，但决定时有效的版本处理更轻，从轻适用",
                "in force at the act, but the version in force at the decision is milder",
            )
        case (_, True):
            return Bilingual(
                "决定时有效，处理比行为发生时的版本更轻",
                "in force at the decision, and milder than the version of the act",
            )
        case ("no longer", False):
            return Bilingual("行为发生前已失效", "it ended before the act")
        case _:
            if at_decision == "in force" and judged:
                return Bilingual(
                    "行为发生后才生效，处理不比行为发生时的版本更轻",
                    "it began after the act, and is not milder than the version of the act",
                )
            return Bilingual("行为发生后才生效", "it began after the act")


class _Teller:
    """Tells what became of the rules for one event."""

    def __init__(self, corpus: Corpus, evaluation: Evaluation) -> None:
        self._corpus = corpus
        self._evaluation = evaluation

    def trace(
        self, rule: RuleDef, mode: Mode, *, applied: bool, asked: bool
    ) -> Iterator[RuleTrace]:
        """The rule, if there is something to tell about it or somebody asked."""
        status = self._status(rule) or ("silent" if asked else None)
        if status is None:
            return
        version = self._corpus.versions[rule.version]
        yield RuleTrace(
            policy=version.policy,
            version=version.version,
            rule=rule.name,
            line=rule.line,
            title=rule.title,
            mode=mode,
            status=status,
            applied=applied,
            when=self._part(rule.when, version.zone),
            unless=None if rule.unless == NEVER else self._part(rule.unless, version.zone),
        )

    def _status(self, rule: RuleDef) -> Status | None:
        conjuncts = [*_conjuncts(rule.when), Negation(rule.unless)]
        verdicts = [self._evaluation.verdict(one) for one in conjuncts]
        if False not in verdicts:
            return "undetermined" if None in verdicts else "fired"
        # What holds of every event without exceptions says nothing about this one.
        telling = verdicts[:-1] if rule.unless == NEVER else verdicts
        return "nearly" if verdicts.count(False) == 1 and True in telling else None

    def _part(self, condition: Condition, zone: str) -> Part:
        verdict = _VERDICTS[self._evaluation.verdict(condition)]
        match condition:
            case All(items=items):
                parts = tuple(self._part(item, zone) for item in items)
                return Part(kind="all", text="all of", verdict=verdict, parts=parts)
            case Any(items=items):
                parts = tuple(self._part(item, zone) for item in items)
                return Part(kind="any", text="any of", verdict=verdict, parts=parts)
            case Negation(item=item):
                parts = (self._part(item, zone),)
                return Part(kind="not", text="not", verdict=verdict, parts=parts)
            case _:
                return self._test(condition, verdict, zone)

    def _test(self, condition: Condition, verdict: Verdict, zone: str) -> Part:
        slots = () if isinstance(condition, Truth) else slots_of(condition)
        return Part(
            kind="test",
            text=phrase(condition, self._corpus, zone),
            verdict=verdict,
            seen=tuple(self._seen(slot, zone) for slot in dict.fromkeys(slots)),
            params=tuple(self._param(index, zone) for index in sorted(params_of(condition))),
            matches=tuple(self._matches(condition)),
        )

    def _seen(self, slot: int, zone: str) -> Seen:
        definition = self._corpus.slots[slot]
        value = self._evaluation.values[slot]
        if isinstance(value, Missing):
            return Seen(definition.name, value.value, None)
        return Seen(definition.name, "present", _shown(definition.type, value, zone))

    def _param(self, index: int, zone: str) -> ParamSeen:
        param = self._corpus.params[index]
        return ParamSeen(param.name, constant(param.value, param.type, zone))

    def _matches(self, condition: Condition) -> Iterator[Match]:
        """Where the text matched: the first occurrence of each term, or of the pattern."""
        if not isinstance(condition, Mentions | Pattern):
            return
        text = self._evaluation.values[condition.slot]
        if not isinstance(text, str):
            return
        slot = self._corpus.slots[condition.slot]
        if isinstance(condition, Pattern):
            folded = slot.type == Scalar("text")
            span = PatternSet([(condition.pattern, folded)]).first(0, text)
            if span is not None:
                yield _match(slot.name, condition.pattern, *span, text)
            return
        haystack, offsets = fold_with_offsets(text)
        for term in self._corpus.terms[condition.terms].terms:
            form = fold(term)
            start = find_term(haystack, form)
            if start >= 0:
                place = original_span(offsets, start, start + len(form), len(text))
                yield _match(slot.name, term, *place, text)


def _match(field: str, what: str, start: int, end: int, text: str) -> Match:
    return Match(field, what, start, end, clean(text[start:end]))


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    """What a condition asks for together."""
    if isinstance(condition, All):
        for item in condition.items:
            yield from _conjuncts(item)
    else:
        yield condition


def _shown(type: Type, value: Value, zone: str) -> float | bool | str | tuple[str, ...]:
    """A value as JSON has it."""
    match value:
        case bool():
            return value
        case str():
            return clean(value, _LONGEST_VALUE)
        case float():
            name = type.name if isinstance(type, Scalar) else ""
            if name == "instant":
                return rfc3339(int(value), zone)
            if name == "date":
                return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
            return value / MICROSECONDS if name == "duration" else value
        case _:
            return tuple(clean(item) for item in sorted(value))
