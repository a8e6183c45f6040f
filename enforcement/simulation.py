"""Events played through a ledger in memory: what a policy would have done, strikes and all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.processing import Enforcer, Problem, Remembered
from clausal.enforcement.reading import Event
from clausal.engine.evaluator import Bundle

_BATCH: Final = 4096
"""As many events are decided at once: it changes nothing but the time that it takes."""


class Simulation(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        ledger: Holds all facts.
        events: How many there were.
        cases: How many of them have findings.
        facts: How many facts there are of each kind.
        problems: The events that could not be decided, by their number.
    """

    ledger: MemoryLedger
    events: int
    cases: int
    facts: dict[str, int]
    problems: tuple[Problem, ...]


def simulate(
    bundle: Bundle,
    events: Iterable[Event],
    *,
    at: datetime | str | None = None,
    remembered: Remembered | None = None,
    batch: int = _BATCH,
) -> Simulation:
    """Play events through a ledger in memory, in their order.

    The facts are those that any ledger would have, entry for entry.

    Args:
        bundle: Decides.
        events: Objects or JSON, as they are asked for.
        at: The instant of the decisions; by default that of each act.
        remembered: As of `Enforcer`.
        batch: How many events are decided at once.

    Raises:
        ValueError: if ``at`` is no instant with an offset.
    """
    ledger = MemoryLedger()
    enforcer = Enforcer(bundle, ledger, remembered=remembered)
    count = cases = 0
    facts: Counter[str] = Counter()
    problems: list[Problem] = []
    waiting = iter(events)
    while some := list(islice(waiting, batch)):
        done = enforcer.process(some, at=at)
        problems += (Problem(count + one.index, one.error) for one in done.problems)
        facts.update(str(type(fact).__struct_config__.tag) for fact in done.facts)
        count += done.events
        cases += done.cases
    return Simulation(ledger, count, cases, dict(sorted(facts.items())), tuple(problems))
