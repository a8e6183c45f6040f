"""Why an event was decided as it was: rules with the values that they saw, and versions considered.

Told are the rules that fired and those that are undetermined: the decision names them, and no other
rule is looked at. The condition of each is laid out as a tree, each part with its verdict. Told on
request are rules by their names, and all that nearly fired: of what such a rule asks for together
exactly one thing was denied, and something else was there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import ClassVar, Final, Literal, NamedTuple, get_args

import msgspec

from clausal.compiler.ir import (
    NEVER,
    UNKNOWN,
    All,
    Bilingual,
    Condition,
    Corpus,
    Negation,
    RuleDef,
    VersionDef,
)
from clausal.engine._trees import RuleTree
from clausal.engine._trees import Seen as EventSeen
from clausal.engine.decide import Case, Decider
from clausal.engine.decision import Decision, Mode, Record, Rules, encode
from clausal.engine.reference import Evaluation
from clausal.engine.render import rfc3339
from clausal.engine.tracing import Trees

Verdict = Literal["true", "false", "unknown"]
Status = Literal["fired", "undetermined", "nearly", "silent"]
Phase = Literal["not yet", "in force", "no longer"]

_REMEMBERED: Final = 4096
"""As many trees of rules are kept ready."""


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
    """A decision with all that explains it. Rules and versions are sorted by policy and start.

    The trees of rules are laid out when they are first asked for. Threads may share it.
    """

    __slots__ = ("_asked", "_decision", "_explainer", "_nearly", "_rules", "_story", "_versions")

    FIELDS: ClassVar[tuple[str, ...]] = ("decision", "rules", "versions")

    _decision: Decision
    _rules: tuple[RuleTrace, ...] | None
    _versions: tuple[VersionTrace, ...] | None
    _story: _Story | None
    _explainer: Explainer | None
    _asked: Collection[str]
    _nearly: bool

    def __init__(
        self,
        decision: Decision,
        rules: tuple[RuleTrace, ...],
        versions: tuple[VersionTrace, ...],
    ) -> None:
        self._decision = decision
        self._rules = rules
        self._versions = versions
        self._story = None
        self._explainer = None

    @classmethod
    def light(
        cls, decision: Decision, explainer: Explainer, asked: Collection[str], nearly: bool
    ) -> Explanation:
        """An explanation that is told when it is asked for.

        Args:
            decision: What was decided.
            explainer: Tells.
            asked: The names of rules that were asked for; nobody changes them any more.
            nearly: Whether rules that nearly fired are wanted.
        """
        made = cls.__new__(cls)
        made._decision = decision
        made._rules = None
        made._versions = None
        made._story = None
        made._explainer = explainer
        made._asked = asked
        made._nearly = nearly
        return made

    def _telling(self) -> _Story:
        story = self._story
        if story is None:
            assert self._explainer is not None
            story = self._story = self._explainer.story(self._decision, self._asked, self._nearly)
        return story

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self._decision

    @property
    def rules(self) -> tuple[RuleTrace, ...]:
        """The rules that fired, those that are undetermined, and those that were asked for."""
        rules = self._rules
        if rules is None:
            rules = self._rules = _TRACES.decode(self._telling().rules())
        return rules

    @property
    def versions(self) -> tuple[VersionTrace, ...]:
        """What each version of the bundle has to do with the event."""
        versions = self._versions
        if versions is None:
            versions = self._versions = self._telling().versions().traces
        return versions

    def to_json(self) -> bytes:
        """The explanation as one line of JSON, in UTF-8."""
        if self._explainer is None:
            return super().to_json()
        story = self._telling()
        return b'{"decision":%b,"rules":%b,"versions":%b}' % (
            self._decision.to_json(),
            story.rules(),
            story.versions().json,
        )


_STATUS: Final[Mapping[tuple[Mode, Status, bool], bytes]] = {
    (mode, status, applied): b'"mode":%b,"status":%b,"applied":%b,"when":'
    % (encode(mode), encode(status), encode(applied))
    for mode in get_args(Mode)
    for status in get_args(Status)
    for applied in (False, True)
}
_TRACES: Final = msgspec.json.Decoder(tuple[RuleTrace, ...])


class Explainer:
    """Explains decisions of one corpus. Safe to share between threads."""

    def __init__(self, corpus: Corpus, decider: Decider) -> None:
        """Take the corpus as the checker left it, and what makes its decisions."""
        self.corpus: Final = corpus
        self.decider: Final = decider
        self._trees = Trees(corpus)
        self._rules: dict[int, RuleTree] = {}
        self._versions: dict[object, _Versions] = {}
        boundaries = {version.start for version in corpus.versions}
        boundaries |= {version.end for version in corpus.versions if version.end is not None}
        self._boundaries = sorted(boundaries)
        self._named: dict[str, list[int]] = {}
        for index, rule in enumerate(corpus.rules):
            policy = corpus.versions[rule.version].policy
            for name in (rule.name, f"{policy}.{rule.name}"):
                self._named.setdefault(name, []).append(index)

    def explain(
        self, decision: Decision, rules: Iterable[str] = (), *, nearly: bool = False
    ) -> Explanation:
        """A decision of the decider, explained.

        Args:
            decision: What was decided.
            rules: Names, qualified ("policy.rule") or bare, of rules to tell about whatever became
                of them: those that did not even nearly fire are "silent".
            nearly: Whether to tell about the rules that nearly fired, too. All rules in force are
                gone through to find them.
        """
        return Explanation.light(decision, self, tuple(rules), nearly)

    def story(self, decision: Decision, rules: Iterable[str], nearly: bool) -> _Story:
        """What there is to tell, as of `explain`."""
        case = decision.parts
        assert isinstance(case, Case)
        asked = frozenset(index for name in rules for index in self._named.get(name, ()))
        return _Story(self, case, asked, nearly=nearly)

    def rule(self, index: int) -> RuleTree:
        """The tree of a rule, ready to be told."""
        known = self._rules.get(index)
        if known is None:
            if len(self._rules) >= _REMEMBERED:
                self._rules.clear()
            known = self._rules[index] = self._trees.rule(self.corpus.rules[index])
        return known

    def versions(self, case: Case) -> _Versions:
        """What each version of the bundle has to do with an event: the same for many."""
        acted, decided = (bisect_right(self._boundaries, at) for at in (case.acted, case.decided))
        key = (acted, decided, case.milder)
        known = self._versions.get(key)
        if known is None:
            traces = tuple(self._version_traces(case))
            known = _Versions(
                traces,
                encode(traces),
                tuple(
                    one.at_act == "in force" or (one.applied and one.at_decision == "in force")
                    for one in traces
                ),
            )
            if len(self._versions) >= _REMEMBERED:
                self._versions.clear()
            self._versions[key] = known
        return known

    def _version_traces(self, case: Case) -> Iterator[VersionTrace]:
        judged = {
            version.policy
            for version in self.corpus.versions
            if _phase(version, case.acted) == "in force"
        }
        for version in self.corpus.versions:
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


class _Versions(NamedTuple):
    """Versions traced, the same as JSON, and which of them have rules to tell about."""

    traces: tuple[VersionTrace, ...]
    json: bytes
    considered: tuple[bool, ...]


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


class _Story:
    """What there is to tell about one event."""

    def __init__(
        self, explainer: Explainer, case: Case, asked: frozenset[int], *, nearly: bool
    ) -> None:
        self._explainer = explainer
        self._case = case
        self._asked = asked
        self._nearly = nearly

    def versions(self) -> _Versions:
        """The versions."""
        return self._explainer.versions(self._case)

    def rules(self) -> bytes:
        """The traces of rules, as a list in JSON."""
        explainer, case = self._explainer, self._case
        rules, mode = explainer.corpus.rules, explainer.decider.mode
        versions = explainer.versions(case)
        seen = EventSeen(case.values, len(explainer.corpus.slots))
        pieces: list[bytes] = []
        for rule, status in sorted(self._statuses(versions, seen).items()):
            applied = versions.traces[rules[rule].version].applied
            pieces.append(b"," if pieces else b"[")
            explainer.rule(rule).tell(
                seen, _STATUS[mode(rule, case.values), status, applied], pieces
            )
        pieces.append(b"]" if pieces else b"[]")
        return b"".join(pieces)

    def _statuses(self, versions: _Versions, seen: EventSeen) -> dict[int, Status]:
        """The rules to tell about, and what became of each."""
        case = self._case
        rules = self._explainer.corpus.rules
        evaluation = Evaluation(self._explainer.corpus, seen)
        statuses: dict[int, Status] = dict.fromkeys(case.act.fired, "fired")
        statuses.update(dict.fromkeys(case.act.undetermined, "undetermined"))
        if case.milder:
            assert case.later is not None
            said: tuple[tuple[Rules, Status], ...] = (
                (case.later.fired, "fired"),
                (case.later.undetermined, "undetermined"),
            )
            for some, status in said:
                for rule in some:
                    if versions.considered[rules[rule].version]:
                        statuses[rule] = status
        for rule in range(len(rules)) if self._nearly else self._asked:
            if rule in statuses or not versions.considered[rules[rule].version]:
                continue
            if _nearly(rules[rule], evaluation):
                statuses[rule] = "nearly"
            elif rule in self._asked:
                statuses[rule] = "silent"
        return statuses


def _nearly(rule: RuleDef, evaluation: Evaluation) -> bool:
    """Whether of what a rule asks for exactly one thing was denied, and another was there."""
    conjuncts = [*_conjuncts(rule.when), Negation(rule.unless)]
    verdicts = [evaluation.verdict(one) for one in conjuncts]
    # What holds of every event without exceptions says nothing about this one.
    telling = verdicts[:-1] if rule.unless == NEVER else verdicts
    return verdicts.count(False) == 1 and True in telling


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    """What a condition asks for together."""
    if isinstance(condition, All):
        for item in condition.items:
            yield from _conjuncts(item)
    else:
        yield condition
