"""Between which outcomes the decision would lie if nothing were missing.

Three-valued logic is sound: what is true or false with some values unknown stays so whatever those
values turn out to be. So with each absent value taken for an unknown one, the rules that fire are
fired by every completion of the event, and only those that fire or are undetermined can be fired by
any. The join never gets lighter by a rule more, so the joins of the two sets bound the outcome. What
else is not known is taken at its worst for the heaviest outcome and left out of the lightest: the
step of a ladder without history or of a strike whose points are not known, and a rollout without its key.

Where another version of a policy is in force at the decision, the outcome is that of the act's
version or a milder one of the later version. So it is no heavier than the heaviest of the act's, and
no lighter than what the lightest outcomes of both have in common.

Targets are named as far as they are known. What the values could change beside the outcome (an
identifier, say) is not a matter of bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from clausal.compiler.ir import SEVERITIES, Corpus
from clausal.engine.consequences import Consequences, Matches, Record
from clausal.engine.decision import Mode
from clausal.engine.strikes import Values


@dataclass(frozen=True, slots=True)
class Bounded:
    """The segments of the lightest and of the heaviest outcome, and the slot to fetch next."""

    lightest: Record
    heaviest: Record
    fetch_next: int | None


class Bounder:
    """Finds the bounds of outcomes for one corpus."""

    def __init__(self, corpus: Corpus, consequences: Consequences) -> None:
        self._corpus = corpus
        self._consequences = consequences

    def bound(
        self,
        act: Matches,
        later: Matches | None,
        changed: Collection[str],
        values: Values,
    ) -> Bounded:
        """The bounds of the outcome of one event.

        Args:
            act: What the rules in force at the act said, absent values taken for unknown ones.
            later: The same for those in force at the decision; None when they are the same ones.
            changed: The policies of which another version is in force at the decision.
            values: The values of the slots.
        """
        lightest: Record = {}
        heaviest: Record = {}
        for policy in sorted(self._policies(act)):
            light, heavy = self._outcomes(act, policy, values)
            if later is not None and policy in changed:
                light, heavy = self._with_later(
                    (light, heavy), self._outcomes(later, policy, values)
                )
            lightest = _joined(lightest, light)
            heaviest = _joined(heaviest, heavy)
        asked = [act]
        if later is not None:
            asked.append(self._only(later, changed))
        return Bounded(lightest, heaviest, self._fetch_next(asked, values))

    def _policy(self, rule: int) -> str:
        return self._corpus.versions[self._corpus.rules[rule].version].policy

    def _policies(self, matches: Matches) -> set[str]:
        return {self._policy(rule) for rule in (*matches.fired, *matches.undetermined)}

    def _only(self, matches: Matches, policies: Collection[str]) -> Matches:
        return Matches(
            [rule for rule in matches.fired if self._policy(rule) in policies],
            [rule for rule in matches.undetermined if self._policy(rule) in policies],
            matches.lacking,
        )

    def _outcomes(self, matches: Matches, policy: str, values: Values) -> tuple[Record, Record]:
        """The lightest and the heaviest enforced outcome of one policy."""
        own = self._only(matches, (policy,))
        modes = {
            rule: self._consequences.mode(rule, values) for rule in (*own.fired, *own.undetermined)
        }
        certain = [rule for rule in own.fired if modes[rule] == "enforced"]
        possible = [rule for rule, mode in modes.items() if mode != "shadow"]
        return (
            self._record(certain, values, any_step=False),
            self._record(possible, values, any_step=True),
        )

    def _record(self, rules: Iterable[int], values: Values, *, any_step: bool) -> Record:
        enforced: list[tuple[int, Mode]] = [(rule, "enforced") for rule in sorted(rules)]
        strikes = self._consequences.strikes(enforced, values, blind=True)
        return self._consequences.record(enforced, strikes, any_step=any_step)

    def _with_later(
        self, act: tuple[Record, Record], later: tuple[Record, Record]
    ) -> tuple[Record, Record]:
        (light, heavy), (later_light, later_heavy) = act, later
        if light.keys() == heavy.keys() and later_light.keys() == later_heavy.keys():
            # Nothing is open in either version, so the choice between them is not either.
            settled = later_light if self._consequences.milder(later_light, light) else light
            return settled, settled
        algebra = self._consequences.algebra
        common = {
            segment: cause
            for segment, cause in _joined(light, later_light).items()
            if algebra.at_most((segment,), light) and algebra.at_most((segment,), later_light)
        }
        return common, heavy

    def _fetch_next(self, asked: Iterable[Matches], values: Values) -> int | None:
        """The slot whose value would settle the gravest rule, then the most rules.

        Enforced rules count before shadow ones.
        """
        weights: dict[int, list[tuple[bool, int]]] = {}
        for matches in asked:
            wanted = [(rule, self._open(rule, values)) for rule in matches.fired]
            # Whom it counts for, and where it leads, can wait until it is known to fire.
            wanted += [(rule, set(matches.lacking(rule))) for rule in matches.undetermined]
            for rule, slots in wanted:
                definition = self._corpus.rules[rule]
                weight = (not definition.shadow, SEVERITIES.index(definition.severity))
                for slot in slots:
                    weights.setdefault(slot, []).append(weight)
        if not weights:
            return None
        return min(
            weights,
            key=lambda slot: (
                *(-part for part in max(weights[slot])),
                -len(weights[slot]),
                self._corpus.slots[slot].name,
            ),
        )

    def _open(self, rule: int, values: Values) -> set[int]:
        """The slots that leave open for whom a rule counts that fires, or where it leads."""
        slots: set[int] = set()
        key = self._corpus.rules[rule].rollout_slot
        if key is not None and self._consequences.mode(rule, values) == "unknown":
            slots.add(key)
        for strike in self._consequences.strikes([(rule, "enforced")], values, blind=True):
            slots.update(strike.lacks)
        return slots


def _joined(left: Record, right: Record) -> Record:
    """All segments of both, each with the causes of both."""
    union = dict(left)
    for segment, cause in right.items():
        union[segment] = union[segment] | cause if segment in union else cause
    return union
