"""From events to facts: what a platform runs.

    enforcer = Enforcer(bundle, ledger)
    done = enforcer.process(events, at=now)
    done.facts          # what the ledger holds now that it did not before
    done.problems       # the events that could not be decided, and why

Events are decided without the ledger first. One from which nothing follows costs it nothing. For the
others the records of their parties are read at once, the strikes in them are handed to the engine,
and what it decides becomes facts; all of a batch in one transaction. Events are taken in their order,
and how they are cut into batches changes nothing, nor does handing one in twice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from clausal.compiler.types import Scalar
from clausal.enforcement import proceeding, reading
from clausal.enforcement.appeals import due
from clausal.enforcement.brakes import Brakes
from clausal.enforcement.facts import AnyFact, Known, name
from clausal.enforcement.ledger import Ledger, Message, Transaction
from clausal.enforcement.messages import braked as told_of
from clausal.enforcement.messages import end
from clausal.enforcement.plan import Plan
from clausal.enforcement.proceeding import Act
from clausal.enforcement.record import EVERYWHERE
from clausal.enforcement.state import State
from clausal.enforcement.waiting import Open, ended
from clausal.engine.decide import Case
from clausal.engine.decision import Decision
from clausal.engine.evaluator import Bundle
from clausal.engine.history import History
from clausal.engine.objects import HISTORY_KEY, fields_of
from clausal.engine.problem import EventError
from clausal.engine.values import Missing, convert

_REMEMBERED: Final = 100_000
"""As many records are kept: those of the parties that were met last."""


Figures = Mapping[str, float | Missing] | Missing
"""Tallies or similarities."""


class Problem(msgspec.Struct, frozen=True):
    """An event of a batch that could not be decided; the others were."""

    index: int
    error: EventError


class Processed(msgspec.Struct, frozen=True):
    """What came of a batch.

    Attributes:
        events: How many there were.
        cases: How many have findings and are new to the ledger.
        repeated: How many have findings and were in it already.
        problems: Those that could not be decided.
        facts: What was added, in order.
        messages: What the platform is told.
    """

    events: int
    cases: int
    repeated: int
    problems: tuple[Problem, ...]
    facts: tuple[AnyFact, ...]
    messages: tuple[Message, ...]


class Remembered(Protocol):
    """Knows the tallies and similarities of events, and remembers events for the next ones."""

    def histories(self, events: Sequence[reading.Event]) -> Sequence[History | None]:
        """What is known of the past of each event of a batch, without strikes; in their order."""


class Enforcer:
    """Turns events into facts of a ledger. Threads may share it; it takes one batch at a time."""

    def __init__(
        self,
        bundle: Bundle,
        ledger: Ledger,
        *,
        remembered: Remembered | None = None,
        keep: int = _REMEMBERED,
    ) -> None:
        """Get ready.

        Args:
            bundle: Decides.
            ledger: Takes the facts.
            remembered: Knows tallies and similarities, unless events carry them.
            keep: How many records of parties are kept in memory.
        """
        self.bundle: Final = bundle
        self.ledger: Final = ledger
        self._plan = Plan(bundle)
        self._remembered = remembered
        self._brakes = Brakes(self._plan.corpus, self._plan.rules)
        self._brakes.seen.load(ledger)
        self._state = State(keep)
        self._lock = threading.RLock()

    # ── Batches ──────────────────────────────────────────────────────────────────────────────────

    def process(
        self,
        events: Sequence[reading.Event],
        *,
        at: datetime | str | None = None,
        latest: datetime | str | None = None,
        position: tuple[str, str] | None = None,
    ) -> Processed:
        """Decide events, and record what follows.

        Args:
            events: Objects or JSON; as of `Bundle.evaluate` and `Bundle.evaluate_json`.
            at: The instant of the decisions; by default that of each act.
            latest: Acts after this instant are problems. Whoever enforces as things happen should
                say so: one event of a wrong clock would end, as of its day, what it finds mended.
            position: A source of events, and how far it is read with these: remembered in the same
                transaction, see `Ledger.position`.

        Raises:
            LedgerError: if the ledger cannot be read or written. Then nothing was recorded.
            ValueError: if ``at`` or ``latest`` is no instant with an offset.
        """
        last = None if latest is None else _instant(latest)
        with self._lock:
            if self._state.fresh:
                self.catch_up()
            histories = None if self._remembered is None else self._remembered.histories(events)
            batch = _Batch(self._plan, self._state, self._brakes, events, at, last, histories)
            if batch.needs_ledger or position is not None:
                with self._writing() as transaction:
                    batch.record(transaction)
                    self._brakes.seen.save(transaction)
                    if position is not None:
                        transaction.move(*position)
            else:
                batch.see()
            return batch.result()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Transaction]:
        """A transaction, with all that others recorded taken note of."""
        try:
            with self.ledger.transaction() as transaction:
                self._state.catch_up(transaction)
                yield transaction
                self._state.written(transaction)
        except BaseException:
            self._state.forget()
            raise

    def catch_up(self) -> None:
        """Take note of what others recorded. Whatever writes does so by itself.

        Where there is nothing new, this is one look at the end of the ledger.

        Raises:
            LedgerError: if the ledger cannot be read.
        """
        with self._lock:
            if self._state.is_behind(self.ledger.head):
                with self._writing():
                    pass

    def sweep(self, at: datetime | str) -> Processed:
        """Do what time brings about by an instant, as the procedure says.

        What nobody looked at in time ends, when its time was over, however late that is noticed; so
        does what an appeal lifts that was not decided in time; what had to wait until nobody can
        appeal any more takes effect. To sweep twice comes to the same.

        Raises:
            LedgerError: if the ledger cannot be read or written.
            ValueError: if it is no instant with an offset.
        """
        instant = _instant(at)
        with self._lock, self._writing() as transaction:
            facts, messages = self._lapsed(instant)
            self._append(transaction, facts, messages)
            more, told = due(transaction, self._state.waiting, instant)
            self._append(transaction, more, told)
            facts += more
            messages += told
        return Processed(0, 0, 0, (), tuple(facts), tuple(messages))

    def _append(
        self, transaction: Transaction, facts: Sequence[AnyFact], messages: Sequence[Message]
    ) -> None:
        if facts:
            transaction.append(facts, messages)
            for fact in facts:
                self._state.add(fact)

    def _lapsed(self, at: int) -> tuple[list[AnyFact], list[Message]]:
        facts: list[AnyFact] = []
        messages: list[Message] = []
        bundles = self._state.everywhere.bundles
        for one in tuple(self._state.waiting.measures.values()):
            deadline, over = one.fact.deadline, one.end
            if over is not None and over <= at and (deadline is None or over <= deadline):
                self._state.waiting.forget(one.fact.id)
                continue
            if deadline is None or deadline > at:
                continue
            # As of the day of the decision, whatever the procedure has become since.
            known = bundles.get(one.bundle)
            lapse = (self._plan if known is None else known).procedure.lapse
            if one.in_effect:
                lapses = one.fact.interim and not one.agreed and "interim" in lapse
            else:
                lapses = one.agreed < one.fact.review and "proposed" in lapse
            if lapses:
                fact, message = _end(one, deadline, "lapsed")
                facts.append(fact)
                messages += message
        return facts, messages


class _Batch:
    """The events of one call, in their order."""

    def __init__(
        self,
        plan: Plan,
        state: State,
        brakes: Brakes,
        events: Sequence[reading.Event],
        at: datetime | str | None,
        latest: int | None,
        histories: Sequence[History | None] | None,
    ) -> None:
        """Decide all events as if nothing were known of strikes."""
        self._plan = plan
        self._state = state
        self._brakes = brakes
        self._events = events
        self._at = at
        self._latest = latest
        self._histories = histories
        self._problems: list[Problem] = []
        self._facts: list[AnyFact] = []
        self._messages: list[Message] = []
        self._cases = self._repeated = 0
        self._decisions: list[Decision | None] = []
        self._acts: dict[int, Act] = {}
        self._parties: dict[int, Sequence[str]] = {}
        self._decide()

    def result(self) -> Processed:
        """What came of it."""
        return Processed(
            len(self._events),
            self._cases,
            self._repeated,
            tuple(self._problems),
            tuple(self._facts),
            tuple(self._messages),
        )

    # ── Without the ledger ───────────────────────────────────────────────────────────────────────

    def _decide(self) -> None:
        plain = self._plan.bundle.evaluate_json if self._histories is None else None
        at, readers = self._at, self._plan.readers
        # Brakes that are a share count the targets of all events.
        names = self._plan.names if self._brakes.seen.kinds else None
        for number, event in enumerate(self._events):
            try:
                if plain is not None and type(event) is bytes and not _carries_history(event):
                    decision = plain(event, at=at)
                else:
                    decision = self._evaluate(number, event)
                if self._latest is not None:
                    self._plan.refuse_after(self._latest, decision)
            except EventError as error:
                self._problems.append(Problem(number, error))
                self._decisions.append(None)
                continue
            self._decisions.append(decision)
            if names is not None:
                self._parties[number] = names.of(event)
            fired, undetermined = decision.matched
            if fired or (readers and not readers.isdisjoint(undetermined)):
                self._acts[number] = self._act(number, event, decision)

    def _evaluate(
        self, number: int, event: reading.Event, strikes: dict[str, Any] | None = None
    ) -> Decision:
        """Decide one event, with the strikes of the ledger and never with those of the event."""
        past = None if self._histories is None else self._histories[number]
        if _carries_history(event):
            event = dict(reading.fields(event))
            if HISTORY_KEY in event:
                past = _merged(History.parse(event.pop(HISTORY_KEY)), past)
        if strikes:
            past = (
                History(strikes=strikes)
                if past is None
                else History(strikes=strikes, tallies=past.tallies, similarity=past.similarity)
            )
        if isinstance(event, bytes | bytearray | memoryview | str):
            return self._plan.bundle.evaluate_json(event, history=past, at=self._at)
        return self._plan.bundle.evaluate(event, history=past, at=self._at)

    def _act(self, number: int, event: reading.Event, decision: Decision) -> Act:
        fields = reading.fields(event)
        label = reading.label(decision.event_id, fields)
        parties = proceeding.parties_of(self._plan, proceeding.decided(decision))
        return Act(number, event, fields, label, name("case", label), parties, decision)

    @property
    def needs_ledger(self) -> bool:
        """Whether anything may follow from it."""
        if self._acts:
            return True
        return bool(self._state.waiting.about) and any(
            decision is not None and self._touched(number)
            for number, decision in enumerate(self._decisions)
        )

    def _touched(self, number: int) -> Sequence[str]:
        """The parties of an event, if it may mend anything; else none."""
        waiting, parties = self._state.waiting, self._parties.get(number)
        if parties is None:
            event, names = self._events[number], self._plan.names
            if not names.likely(event, waiting.ids.keys()):
                return ()
            parties = self._parties[number] = names.of(event)
        return parties if waiting.touched(parties) else ()

    # ── With it ──────────────────────────────────────────────────────────────────────────────────

    def record(self, transaction: Transaction) -> None:
        """Append what follows."""
        plan = self._plan
        known: set[str] = set()
        if self._acts:
            concerned: set[str] = set()
            for act in self._acts.values():
                first = proceeding.decided(act.decision)
                concerned |= proceeding.concerned(plan, first)
                concerned |= self._brakes.concerned(first, self._state.everywhere)
            self._state.load(transaction, concerned)
            known |= transaction.facts([act.case for act in self._acts.values()]).keys()
        for number, decision in enumerate(self._decisions):
            if decision is None:
                continue
            self._see(number, decision)
            found = self._acts.get(number)
            final = decision
            if found is not None and found.case in known:
                self._repeated += 1
            elif found is not None:
                if self._proceed(found):
                    known.add(found.case)
                    self._cases += 1
                final = found.decision
            if self._state.waiting.about:
                self._mend(number, found, final)
        if self._facts:
            transaction.append(self._facts, self._messages)

    def see(self) -> None:
        """Take note of whom the events are about, where nothing follows from any."""
        for number, decision in enumerate(self._decisions):
            if decision is not None:
                self._see(number, decision)

    def _see(self, number: int, decision: Decision) -> None:
        seen = self._brakes.seen
        if seen.kinds:
            seen.add(self._parties[number], decision.instants[1])

    def _add(self, facts: Iterable[AnyFact]) -> None:
        for fact in facts:
            self._facts.append(fact)
            self._state.add(fact)

    def _proceed(self, act: Act) -> bool:
        """Record what follows from an event; whether anything does."""
        plan, records = self._plan, self._state.records
        everywhere = self._state.everywhere
        first = proceeding.decided(act.decision)
        self._brake(act, first)
        braked = everywhere.braked.keys()
        found = first.without(braked) if braked else first
        shared = proceeding.keys(plan, act, found)
        incident = proceeding.incident_of(plan, found, shared, records)
        if not plan.struck.isdisjoint(first.act.fired) or not plan.readers.isdisjoint(
            (*first.act.fired, *first.act.undetermined)
        ):
            # What rules say of strikes may bring findings of further policies, and these another
            # incident: then the strikes are counted once more.
            for _ in range(2):
                strikes = proceeding.history(plan, found, incident, records)
                act.decision = self._evaluate(act.number, act.event, strikes)
                found = proceeding.decided(act.decision)
                if braked:
                    found = found.without(braked)
                shared = proceeding.keys(plan, act, found)
                before, incident = incident, proceeding.incident_of(plan, found, shared, records)
                if incident == before:
                    break
            spared = proceeding.no_strikes(plan, act, found, incident, records)
            if spared:
                found = found.without(braked, spared)
            if self._brake(act, found):
                # Rules that read strikes fired for too many, too.
                found = found.without(braked, spared)
                shared = proceeding.keys(plan, act, found)
        if not found.fired:
            return False
        if act.decision.bundle not in everywhere.bundles:
            known = Known.of(
                act.decision.bundle,
                plan.corpus,
                found.decided,
                (EVERYWHERE,),
                self._brakes.changes,
            )
            self._add([known])
        facts, told = proceeding.facts(
            plan, act, found, shared, incident, everywhere, records, self._brakes
        )
        self._add(facts)
        self._messages += told
        return True

    def _brake(self, act: Act, decision: Case) -> bool:
        """Put the brakes on the rules that fire too often; whether any does."""
        if not self._brakes:
            return False
        state = self._state
        tripped = self._brakes.trips(act.case, decision, state.records, state.everywhere)
        self._add(tripped)
        self._messages += map(told_of, tripped)
        return bool(tripped)

    def _mend(self, number: int, act: Act | None, decision: Decision) -> None:
        """End the measures whose rules an event settles as silent."""
        waiting = self._state.waiting
        parties = self._touched(number) if act is None else act.parties
        if not parties or not waiting.touched(parties):
            return
        standing = {f"{one.policy}.{one.rule}" for one in decision.findings}
        standing |= {f"{one.policy}.{one.rule}" for one in decision.undetermined}
        acted_at, decided_at = decision.instants
        for one in waiting.mended(parties, acted_at, decided_at, standing):
            by = reading.label(decision.event_id, reading.fields(self._events[number]))
            fact, messages = _end(one, decided_at, "fixed", by)
            self._add([fact])
            self._messages += messages


def _instant(value: datetime | str) -> int:
    instant = convert(Scalar("instant"), value)
    assert isinstance(instant, float)
    return int(instant)


def _end(one: Open, at: int, why: str, by: str = "") -> tuple[AnyFact, list[Message]]:
    fact = ended(one, at, why, by)
    return fact, [end(one.fact, fact)] if one.in_effect and not one.fact.once else []


def _carries_history(event: reading.Event) -> bool:
    """Whether an event carries a history, or text that looks like it."""
    if isinstance(event, bytearray | memoryview):
        event = bytes(event)
    # One character is found faster than several; it may be written as an escape.
    if isinstance(event, bytes):
        return b"$" in event or (b"\\" in event and b"\\u0024" in event)
    if isinstance(event, str):
        return "$" in event or "\\u0024" in event
    fields = fields_of(event)
    return fields is not None and HISTORY_KEY in fields


def _merged(carried: History, known: History | None) -> History:
    """Both together without strikes; what the process knows comes before what the event carries."""

    def both(one: Figures, other: Figures | None) -> Figures:
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            return {**one, **other}
        return other or one

    return History(
        tallies=both(carried.tallies, None if known is None else known.tallies),
        similarity=both(carried.similarity, None if known is None else known.similarity),
    )
