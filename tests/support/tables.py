"""A core over any table of slots, with one rule for each condition, in force at every instant."""

from __future__ import annotations

from collections.abc import Sequence

from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    NEVER,
    Condition,
    Corpus,
    LadderDef,
    RuleDef,
    Slot,
    TermsDef,
    VersionDef,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.types import Scalar
from clausal.engine._core import Core
from clausal.engine.event import History, Missing, Value
from clausal.engine.values import FIRST_INSTANT

TIME = Slot(("time",), Scalar("instant"))
"""The slot of the act's instant, which every table begins with."""


def corpus_of(
    slots: Sequence[Slot],
    *conditions: Condition,
    terms: Sequence[tuple[str, ...]] = (),
    ladders: Sequence[LadderDef] = (),
) -> Corpus:
    """A corpus over `TIME` and the slots; rule i fires when condition i is true."""
    return Corpus(
        slots=(TIME, *slots),
        time_slot=0,
        id_slot=None,
        fields=(),
        versions=(VersionDef("p", "1.0.0", FIRST_INSTANT, None, "UTC"),),
        clauses=(),
        params=(),
        terms=tuple(TermsDef(f"p.t{index}", words) for index, words in enumerate(terms)),
        tallies=(),
        samples=(),
        targets=(),
        sanctions=(),
        ladders=tuple(ladders),
        rules=tuple(
            RuleDef(f"r{index:03}", 0, (), condition, NEVER, NEVER, (), ())
            for index, condition in enumerate(conditions)
        ),
    )


def core_of(corpus: Corpus) -> Core:
    """The corpus, compiled."""
    return Core(
        emit(optimise(corpus)), corpus.slots, time_slot=corpus.time_slot, ladders=corpus.ladders
    )


def read(
    core: Core, event: object, history: History | None = None, *, slot: int = 1
) -> Value | Missing:
    """The value that the core holds for a slot."""
    return core.read(event, history).value(slot)


def ladder(name: str, slot: int, within: int) -> LadderDef:
    """A ladder without steps, for what reads its strikes."""
    return LadderDef(name, 0, "account", within, (), slot)
