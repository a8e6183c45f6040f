"""What enforcement needs to know of a bundle, worked out once."""

from __future__ import annotations

from typing import Final

from clausal.compiler.checking.numbering import slots_of
from clausal.compiler.ir import SEVERITIES, Corpus, LadderDef
from clausal.compiler.types import Enum, Scalar, SetOf, Type
from clausal.enforcement.reading import Names, Path
from clausal.engine.decision import Decision, MeasureHead
from clausal.engine.evaluator import Bundle
from clausal.engine.problem import EventError, Problem
from clausal.engine.render import rfc3339

_UNTOLD: Final = frozenset({"string", "text"})
"""Types whose values may be the content, or name somebody: findings do not keep them."""


class Plan:
    """A bundle as enforcement sees it. Immutable.

    Attributes:
        bundle: The bundle.
        corpus: Its corpus.
        procedure: How people take part.
        incident: What makes findings one incident.
        names: Reads the parties of an event.
        rules: The rules by number, "policy.rule".
        counts: For each ladder by number, the name under which its strikes are counted.
        of_kind: The ladders of each kind of target: one for each name.
        readers: The rules that read the strikes of ladders.
        struck: For each rule, whether it strikes a ladder.
        dsa: Of each sanction, what it is in the European database.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Work it out."""
        corpus = bundle.artifact.corpus
        self.bundle: Final = bundle
        self.corpus: Final = corpus
        self.procedure: Final = corpus.procedure
        self.incident: Final = corpus.incident
        self.targets: Final = tuple((one.name, one.slot) for one in corpus.targets)
        self.names: Final = Names(
            (one.name, corpus.slots[one.slot].path, corpus.slots[one.slot].type)
            for one in corpus.targets
        )
        self.rules: Final = tuple(
            f"{corpus.versions[rule.version].policy}.{rule.name}" for rule in corpus.rules
        )
        self.counts: Final = tuple(corpus.slots[one.slot].name for one in corpus.ladders)
        self.of_kind: Final = _ladders(corpus, self.counts)
        self.severity: Final = tuple(SEVERITIES.index(rule.severity) for rule in corpus.rules)
        counting = {number for number, slot in enumerate(corpus.slots) if slot.source == "strikes"}
        self._slots: Final = tuple(
            tuple(sorted({*slots_of(rule.when), *slots_of(rule.unless)})) for rule in corpus.rules
        )
        self.readers: Final = frozenset(
            rule for rule, slots in enumerate(self._slots) if counting.intersection(slots)
        )
        self.struck: Final = frozenset(
            rule for rule, definition in enumerate(corpus.rules) if definition.struck
        )
        self.dsa: Final = {one.name: one.dsa for one in corpus.sanctions}
        self._types: Final = {one.path: one.type for one in corpus.fields}

    def review(self, measure: MeasureHead) -> int:
        """How many people must agree to a measure.

        What waits until nobody can appeal any more does not begin by itself, so somebody must.
        """
        return measure.review or int(measure.sanction in self.procedure.waiting)

    def refuse_after(self, latest: int, decision: Decision) -> None:
        """Let no act pass that is after an instant.

        Raises:
            EventError: if it is.
        """
        acted_at, _ = decision.instants
        if acted_at > latest:
            raise EventError(
                [
                    Problem(
                        self.corpus.slots[self.corpus.time_slot].name,
                        f"an instant by {rfc3339(latest, 'UTC')}",
                        rfc3339(acted_at, "UTC"),
                    )
                ]
            )

    def type_of(self, path: Path) -> Type | None:
        """The type of a field of the event; None if no library declares it."""
        return self._types.get(path)

    def seen_by(self, rule: int) -> tuple[tuple[int, str, Type], ...]:
        """The slots whose values a finding of a rule keeps: number, name and type."""
        return tuple(
            (slot, self.corpus.slots[slot].name, self.corpus.slots[slot].type)
            for slot in self._slots[rule]
            if _is_told(self.corpus.slots[slot].type)
        )


def _is_told(type: Type) -> bool:
    item = type.item if isinstance(type, SetOf) else type
    return isinstance(item, Enum) or (isinstance(item, Scalar) and item.name not in _UNTOLD)


def _ladders(
    corpus: Corpus, counts: tuple[str, ...]
) -> dict[str, tuple[tuple[str, LadderDef], ...]]:
    """One ladder for each name under which strikes are counted, by the kind of their target."""
    found: dict[str, dict[str, LadderDef]] = {}
    for name, ladder in zip(counts, corpus.ladders, strict=True):
        found.setdefault(ladder.target, {}).setdefault(name, ladder)
    return {kind: tuple(ladders.items()) for kind, ladders in found.items()}
