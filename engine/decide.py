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

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from clausal.compiler.ir import Corpus, VersionDef
from clausal.engine.bounds import Bounder
from clausal.engine.consequences import (
    Consequences,
    Matches,
    Record,
    identifier,
)
from clausal.engine.decision import (
    Bounds,
    Finding,
    FindingHead,
    Lack,
    Measure,
    Mode,
    Rules,
    Standing,
    TargetRef,
    Undetermined,
    encode,
)
from clausal.engine.render import rfc3339
from clausal.engine.strikes import Strike, Values, life_of, next_step_at
from clausal.engine.templates import (
    NO_TEMPLATE,
    Fired,
    MeasureTemplate,
    Template,
    Templates,
    Times,
)
from clausal.engine.values import Missing, Value

_T = TypeVar("_T")

_REMEMBERED: Final = 65_536
"""As many findings of what rules lacked are kept: events that lack much tend to lack the same."""


class once(Generic[_T]):  # noqa: N801 - it is used as a decorator
    """An attribute that is worked out when it is first asked for, and then kept.

    Unlike `functools.cached_property` it takes no lock: where two threads work it out at once, what
    they get is equal, and either will do.
    """

    def __init__(self, work: Callable[[Any], _T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, case: object, owner: type) -> _T:
        value = self._work(case)
        case.__dict__[self._name] = value
        return value


class Case:
    """One event, what the rules said about it, and the parts of the decision that follow from it.

    Each part is worked out when it is first asked for.

    Attributes:
        values: The values of its slots.
        act: What the rules in force at the act said.
        later: What those in force at the decision said; None when they are the same ones.
        unsettled: The same two once more, with each absent value taken for one that is unknown
            (so that ``is missing`` is unknown too): given when bounds are wanted.
    """

    def __init__(
        self,
        context: Context,
        values: Values,
        acted_at: int,
        decided_at: int,
        act: Matches,
        later: Matches | None = None,
        unsettled: tuple[Matches, Matches | None] | None = None,
    ) -> None:
        """Take an event; its instants are microseconds since 1970."""
        self._context = context
        self.values: Final = values
        self.acted: Final = acted_at
        self.decided: Final = decided_at
        self.act: Final = act
        self.later: Final = later
        self.unsettled: Final = unsettled

    def without(
        self,
        enforcing: Collection[str] = (),
        striking: Collection[tuple[str, Mode]] = (),
    ) -> Case:
        """The same with some rules in shadow, and without some strikes.

        Which version of a policy applies stays as it was.

        Args:
            enforcing: The rules that are not enforced, "policy.rule".
            striking: The strikes that are none, by ladder and mode, and measure nothing.
        """
        made = Case(
            self._context,
            self.values,
            self.acted,
            self.decided,
            self.act,
            self.later,
            self.unsettled,
        )
        decider = self._context.decider
        made.milder = self.milder
        made.fired = tuple(
            (rule, "shadow" if decider.consequences.names[rule] in enforcing else mode)
            for rule, mode in self.fired
        )
        made.strikes = [
            strike
            for strike in decider.strikes(made)
            if (decider.ladder(strike), strike.mode) not in striking
        ]
        return made

    @property
    def _quiet(self) -> bool:
        """Whether no rule has a say. Most events are so, and no later version is milder than that."""
        return not (self.act.fired or self.act.undetermined)

    @once
    def event_id(self) -> str | None:
        """What the event calls itself."""
        slot = self._context.id_slot
        return None if slot is None else identifier(self.values(slot))

    @property
    def acted_at(self) -> str:
        """The instant of the act."""
        return rfc3339(self.acted, self._context.zone)

    @property
    def decided_at(self) -> str:
        """The instant of the decision."""
        return rfc3339(self.decided, self._context.zone)

    @property
    def bundle(self) -> str:
        """The digest of the bundle."""
        return self._context.bundle

    @property
    def zone(self) -> str:
        """The IANA name of the zone in which its times are told."""
        return self._context.zone

    def target(self, kind: str) -> TargetRef:
        """What it is about of a kind of target; one that is not known has no id."""
        return self._context.decider.consequences.target(kind, self.values)

    @once
    def milder(self) -> frozenset[str]:
        """The policies whose version at the decision applies, because it is milder for this event."""
        if self.later is None or not self.act.fired:
            return frozenset()
        return self._context.decider.milder(self)

    @once
    def fired(self) -> Fired:
        """The rules that fired, each with its mode, sorted."""
        return () if self._quiet else self._context.decider.fired(self)

    @once
    def strikes(self) -> Sequence[Strike]:
        """The strikes of the rules that fired."""
        return self._context.decider.strikes(self) if self.fired else ()

    @once
    def template(self) -> Template:
        """What follows from the rules that fired, but for the event and the time."""
        return self._context.decider.template(self) if self.fired else NO_TEMPLATE

    @once
    def findings(self) -> tuple[Finding, ...]:
        """The rules that fired."""
        return self._context.decider.findings(self) if self.fired else ()

    @once
    def measures(self) -> tuple[Measure, ...]:
        """What follows from them."""
        return self._context.decider.measures(self) if self.fired else ()

    @once
    def undetermined(self) -> tuple[Undetermined, ...]:
        """The rules that could not be settled."""
        if self._quiet:
            return ()
        return tuple(one.rule for one in self._context.decider.undetermined(self))

    @once
    def ladders(self) -> tuple[Standing, ...]:
        """The strikes, and where they lead."""
        return self._context.decider.ladders(self) if self.strikes else ()

    @once
    def bounds(self) -> Bounds | None:
        """Between which outcomes the missing values leave it."""
        return None if self.unsettled is None else self._context.decider.bounds(self)

    def to_json(self) -> bytes:
        """The decision as one line of JSON, put together from pieces that are remembered."""
        told: dict[tuple[int, str], bytes] = {}

        def times(instant: int, zone: str) -> bytes:
            key = (instant, zone)
            known = told.get(key)
            if known is None:
                known = told[key] = rfc3339(instant, zone).encode()
            return known

        context = self._context
        pieces = [
            b'{"event_id":',
            encode(self.event_id),
            b',"acted_at":"',
            times(self.acted, context.zone),
            b'","decided_at":"',
            times(self.decided, context.zone),
            b'","bundle":',
            context.bundle_json,
        ]
        if self._quiet:
            pieces.append(b',"findings":[],"measures":[],"undetermined":[],"ladders":[]')
        else:
            decider = context.decider
            template = self.template
            pieces += (
                b',"findings":[',
                b",".join([one.to_json(self.values) for one in template.findings]),
                b'],"measures":[',
                b",".join(decider.measures_json(self, times)),
                b'],"undetermined":[',
                b",".join([one.json for one in decider.undetermined(self)]),
                b'],"ladders":',
                encode(self.ladders),
            )
        pieces += (b',"bounds":', encode(self.bounds), b"}")
        return b"".join(pieces)


class Lacking(Protocol):
    """Tells the slots whose values an undetermined rule lacks, as of `Core.lacking`."""

    def __call__(self, values: Any, rule: int, *, blind: bool = False) -> Iterable[int]:
        """The slots, in any order."""


class Context:
    """What all decisions of a bundle share. Safe to share between threads.

    The corpus is decoded when a part of a decision needs it, so that events which satisfy no rule
    cost next to nothing.
    """

    def __init__(
        self,
        versions: Iterable[VersionDef],
        id_slot: int | None,
        bundle: str,
        corpus: Callable[[], Corpus],
        lacking: Lacking,
    ) -> None:
        """Prepare the decisions of a bundle with this digest.

        Times are told in the zone that all its policies share, or in UTC.

        Args:
            versions: Those of its policies.
            id_slot: The slot of the name of the event.
            bundle: The digest that decisions carry.
            corpus: Gives the corpus as the checker left it, perhaps with its params bound anew.
            lacking: Tells what undetermined rules lack.
        """
        self.zone: Final = _zone(versions)
        self.id_slot: Final = id_slot
        self.bundle: Final = bundle
        self.bundle_json: Final = encode(bundle)
        self._corpus = corpus
        self._lacking = lacking

    @cached_property
    def decider(self) -> Decider:
        """What works out the parts of decisions."""
        return Decider(self._corpus())

    def parts(
        self,
        values: Held | str | None,
        acted_at: int,
        decided_at: int,
        fired: Rules,
        undetermined: Rules,
        later: tuple[Rules, Rules] | None = None,
        unsettled: tuple[Rules, Rules, tuple[Rules, Rules] | None] | None = None,
    ) -> Case:
        """See `clausal.engine.decision.Context`."""
        held = Name(values) if values is None or isinstance(values, str) else values

        def matches(rules: tuple[Rules, Rules], *, blind: bool = False) -> Matches:
            return Matches(*rules, lambda rule: self._lacking(held, rule, blind=blind))

        blind = None
        if unsettled is not None:
            then = unsettled[2]
            blind = (
                matches(unsettled[:2], blind=True),
                None if then is None else matches(then, blind=True),
            )
        return Case(
            self,
            held.value,
            acted_at,
            decided_at,
            matches((fired, undetermined)),
            None if later is None else matches(later),
            blind,
        )


class Held(Protocol):
    """The values of an event: those of the core, or a stand-in for them."""

    def value(self, slot: int, /) -> Value | Missing:
        """The value of a slot, or why there is none."""


class Name:
    """Stands in for the values of an event of which only its name is told."""

    def __init__(self, name: str | None) -> None:
        """Take the value of the slot of the name; None if there is no such slot."""
        self._name = name

    def value(self, _slot: int, /) -> Value | Missing:
        """The name."""
        return Missing.ABSENT if self._name is None else self._name


def in_force(versions: Iterable[VersionDef], instant: int) -> tuple[int, ...]:
    """The versions in force at an instant, in microseconds since 1970; intervals half-open."""
    return tuple(
        index
        for index, version in enumerate(versions)
        if version.start <= instant and (version.end is None or instant < version.end)
    )


class Decider:
    """Works out the parts of decisions for one corpus. Safe to share between threads."""

    def __init__(self, corpus: Corpus) -> None:
        """Prepare all that does not depend on an event.

        Args:
            corpus: As the checker left it, perhaps with its params bound anew.
        """
        self._corpus = corpus
        self._zone = _zone(corpus.versions)
        self.consequences: Final = Consequences(corpus)
        self._bounder = Bounder(corpus, self.consequences)
        self._templates = Templates(corpus, self.consequences)
        self._policies = tuple(corpus.versions[rule.version].policy for rule in corpus.rules)
        self._lacks: dict[tuple[object, ...], Told] = {}

    # ── What does not hang on an event ───────────────────────────────────────────────────────────

    def hangs_on_event(self, rule: int) -> bool:
        """Whether the event has a say in what follows from a rule, its targets and history aside.

        It has where there is a rollout, and where a strike takes its points from a table.
        """
        return self.consequences.mode(rule, _nothing) == "unknown" or not self.consequences.fixed(
            rule
        )

    def finding_head(self, rule: int) -> FindingHead:
        """What a finding says for all events. INVARIANT: the mode of the rule hangs on none."""
        return self._templates.finding(rule, self.mode(rule, _nothing)).head

    def open_rule(self, rule: int, lacking: Iterable[int]) -> Undetermined:
        """An undetermined rule that lacks some slots, all of them absent, as of `finding_head`."""
        return self._undetermined(rule, lacking, _nothing).rule

    def without_event(
        self, rules: Sequence[int]
    ) -> tuple[Template, tuple[tuple[Standing, int | None], ...]]:
        """What follows from rules where there is no history: targets have no id; as above.

        Each strike has the time that it is active beside it, in microseconds, instead of an end.
        """
        fired = tuple([(rule, self.mode(rule, _nothing)) for rule in rules])
        strikes = self.consequences.strikes(fired, _nothing)
        places = {rule: place for place, rule in enumerate(rules)}
        return self._templates.of(fired, strikes), tuple(
            (self._standing(strike, places, _nothing, None), self.life(strike))
            for strike in strikes
        )

    # ── Which rules have a say ───────────────────────────────────────────────────────────────────

    def fired(self, case: Case) -> tuple[tuple[int, Mode], ...]:
        """The rules that fired, each with its mode, sorted; of the version that applies."""
        return tuple(
            (rule, self.mode(rule, case.values))
            for rule in sorted(self._applied(case, lambda matches: matches.fired))
        )

    def undetermined(self, case: Case) -> list[Told]:
        """The undetermined rules, sorted; of the version of each policy that applies."""
        milder = case.milder
        if not milder:
            return [
                self._undetermined(rule, case.act.lacking(rule), case.values)
                for rule in sorted(case.act.undetermined)
            ]
        act = set(self._of(case.act.undetermined, lambda policy: policy not in milder))
        return [
            self._undetermined(
                rule, (case.act if rule in act else _given(case.later)).lacking(rule), case.values
            )
            for rule in sorted(self._applied(case, lambda matches: matches.undetermined))
        ]

    def _applied(self, case: Case, rules: Callable[[Matches], Rules]) -> list[int]:
        """Some rules, each of the version of its policy that applies."""
        milder = case.milder
        if not milder:
            return list(rules(case.act))
        assert case.later is not None
        return [
            *self._of(rules(case.act), lambda policy: policy not in milder),
            *self._of(rules(case.later), lambda policy: policy in milder),
        ]

    def _of(self, rules: Rules, wanted: Callable[[str], bool]) -> list[int]:
        """The rules of some policies."""
        return [rule for rule in rules if wanted(self._policies[rule])]

    def milder(self, case: Case) -> frozenset[str]:
        """The policies whose version at the decision applies, because it is milder for this event."""
        if case.later is None:
            return frozenset()
        return frozenset(
            policy
            for policy in {self._policies[rule] for rule in case.act.fired} & self._changed(case)
            if self.consequences.milder(
                self._enforced(case.later, policy, case), self._enforced(case.act, policy, case)
            )
        )

    def _changed(self, case: Case) -> set[str]:
        """The policies in force at the act of which another version is in force at the decision."""
        versions = self._corpus.versions
        before, after = in_force(versions, case.acted), in_force(versions, case.decided)
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
        strikes = self.consequences.strikes(fired, case.values)
        return self.consequences.record(fired, strikes)

    def mode(self, rule: int, values: Values) -> Mode:
        """Whether a rule is enforced; without the key of its rollout it is not."""
        mode = self.consequences.mode(rule, values)
        return "shadow" if mode == "unknown" else mode

    # ── Its parts ────────────────────────────────────────────────────────────────────────────────

    def template(self, case: Case) -> Template:
        """What follows from the rules that fired, but for the event and the time."""
        return self._templates.of(case.fired, case.strikes)

    def findings(self, case: Case) -> tuple[Finding, ...]:
        """A finding for each rule that fired."""
        return tuple([self._templates.finding(*pair).finding(case.values) for pair in case.fired])

    def measures(self, case: Case) -> tuple[Measure, ...]:
        """All measures that follow from the rules that fired."""
        return self._measures(case, case.template.measures)

    def _measures(self, case: Case, templates: Iterable[MeasureTemplate]) -> tuple[Measure, ...]:
        targets: dict[str, TargetRef] = {}
        made = []
        for one in templates:
            target = targets.get(one.kind)
            if target is None:
                target = targets[one.kind] = self.consequences.target(one.kind, case.values)
            made.append(one.measure(target, case.decided))
        return tuple(made)

    def measures_json(self, case: Case, times: Times) -> list[bytes]:
        """The same as JSON, each."""
        targets: dict[str, tuple[bytes, TargetRef]] = {}
        made = []
        for one in case.template.measures:
            known = targets.get(one.kind)
            if known is None:
                target = self.consequences.target(one.kind, case.values)
                known = targets[one.kind] = (encode(target.id), target)
            made.append(one.to_json(*known, case.decided, times))
        return made

    def _undetermined(self, rule: int, lacking: Iterable[int], values: Values) -> Told:
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
            lacks=self._lacking([slot for slot, _ in lacks], values),
        )
        if len(self._lacks) >= _REMEMBERED:
            self._lacks.clear()
        told = self._lacks[key] = Told(made, encode(made))
        return told

    def _lacking(self, slots: Iterable[int], values: Values) -> tuple[Lack, ...]:
        """Some slots without values, and why there is none, sorted by name."""
        missing = ((slot, values(slot)) for slot in slots)
        return tuple(
            sorted(
                (
                    Lack(self._corpus.slots[slot].name, why.value)
                    for slot, why in missing
                    if isinstance(why, Missing)
                ),
                key=lambda lack: lack.field,
            )
        )

    def strikes(self, case: Case) -> list[Strike]:
        """The strikes of the rules that fired."""
        return self.consequences.strikes(case.fired, case.values)

    def ladder(self, strike: Strike) -> str:
        """The name of the ladder of a strike."""
        return self._corpus.ladders[strike.ladder].name

    def ladders(self, case: Case) -> tuple[Standing, ...]:
        """Where each strike leads."""
        places = _places(case)
        return tuple(
            self._standing(strike, places, case.values, case.decided) for strike in case.strikes
        )

    def life(self, strike: Strike) -> int | None:
        """How long a strike is active, in microseconds; None: for ever, or not known."""
        return life_of(self._corpus.ladders[strike.ladder], strike.points)

    def _standing(
        self, strike: Strike, places: Mapping[int, int], values: Values, issued: int | None
    ) -> Standing:
        ladder = self._corpus.ladders[strike.ladder]
        family = None
        if ladder.points is not None and strike.family is not None:
            family = ladder.points.families[strike.family].name
        life = self.life(strike)
        return Standing(
            ladder=ladder.name,
            target=self.consequences.target(ladder.target, values),
            mode=strike.mode,
            active=strike.active,
            step=strike.step,
            if_clean=strike.clean,
            findings=tuple(places[rule] for rule in strike.rules),
            family=family,
            points=strike.points,
            counts=strike.counts,
            next_step_at=next_step_at(ladder, strike),
            expires=None if life is None or issued is None else rfc3339(issued + life, self._zone),
            lacks=self._lacking(strike.lacks, values),
        )

    def bounds(self, case: Case) -> Bounds:
        """Between which outcomes the missing values leave the decision, which was asked for."""
        assert case.unsettled is not None
        places = _places(case)
        act, later = case.unsettled
        bounded = self._bounder.bound(act, later, self._changed(case), case.values)
        slot = bounded.fetch_next
        return Bounds(
            lightest=self._outcome(case, bounded.lightest, places),
            heaviest=self._outcome(case, bounded.heaviest, places),
            fetch_next=None if slot is None else self._corpus.slots[slot].name,
        )

    def _outcome(
        self, case: Case, record: Record, places: Mapping[int, int]
    ) -> tuple[Measure, ...]:
        """The measures of a record that yield to no other."""
        joined = self.consequences.algebra.join(record)
        only = {segment: record[segment] for segment in joined}
        return self._measures(case, self._templates.measures(only, places))


class Told(NamedTuple):
    """An undetermined rule, and the JSON that says so."""

    rule: Undetermined
    json: bytes


def _zone(versions: Iterable[VersionDef]) -> str:
    """The zone that all policies share, or UTC."""
    zones = {version.zone for version in versions}
    return zones.pop() if len(zones) == 1 else "UTC"


def _nothing(_slot: int) -> Missing:
    """The values of an event that has none."""
    return Missing.ABSENT


def _places(case: Case) -> dict[int, int]:
    """The number of each rule's finding."""
    return {rule: place for place, (rule, _) in enumerate(case.fired)}


def _given(thing: _T | None) -> _T:
    assert thing is not None
    return thing
