"""Tables of what a ledger holds, for duties: a row for each case, measure, review, appeal or strike.

They are streamed: facts are read in order, and those that tell what became of a thing are looked up
by their names, a batch at a time. A cell that no fact fills is missing. The one thing that facts do
not tell is whether a deadline has passed by now: that is asked of the instant that is given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from clausal.compiler.ir import SEVERITIES
from clausal.duties import Cells, Kind, OfPolicies
from clausal.enforcement.facts import (
    AnyFact,
    Appealed,
    Applied,
    Case,
    Ended,
    Finding,
    Judged,
    Measure,
    Strike,
    Voided,
    name,
)
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.record import MeasureState, Record, is_target
from clausal.engine.values import LAST_INSTANT

_BATCH: Final = 500
"""Things whose further facts are looked up in one go."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Some = TypeVar("_Some", bound=AnyFact)


@dataclass(frozen=True, slots=True)
class LedgerTables:
    """The tables of a ledger; see `clausal.duties.Source`.

    Attributes:
        ledger: What is read, up to the end that it has when a table is begun.
        now: Which deadlines have passed, in microseconds since 1970.
    """

    ledger: Ledger
    now: int

    def columns(self, table: str) -> Mapping[str, Kind]:
        """The columns of a table; none if there is no such table."""
        return COLUMNS.get(table, {})

    def rows(self, table: str) -> Iterator[tuple[OfPolicies, Cells]]:
        """The rows of a table, in the order in which the ledger has what they are about.

        Raises:
            LedgerError: if the ledger cannot be read.
        """
        return _ROWS[table](self)

    def facts(self) -> Iterator[AnyFact]:
        """The facts up to the end of the ledger as it is now."""
        end = self.ledger.head.seq
        for entry in self.ledger.entries():
            if entry.seq > end:
                return
            yield entry.fact


COLUMNS: Final[dict[str, dict[str, Kind]]] = {
    "cases": {
        "acted_at": "instant",
        "decided_at": "instant",
        "severity": "number",
        "findings": "number",
    },
    "measures": {
        "acted_at": "instant",
        "decided_at": "instant",
        "began_at": "instant",
        "ends_at": "instant",
        "ended_at": "instant",
        "grade": "number",
        "on_account": "bool",
        "on_content": "bool",
        "interim": "bool",
        "permanent": "bool",
        "needed_review": "bool",
        "took_effect": "bool",
        "ended_early": "bool",
        "fixed": "bool",
        "rejected": "bool",
        "overturned": "bool",
    },
    "reviews": {
        "proposed_at": "instant",
        "deadline": "instant",
        "decided_at": "instant",
        "has_deadline": "bool",
        "decided": "bool",
        "in_time": "bool",
        "approved": "bool",
        "interim": "bool",
        "grade": "number",
    },
    "appeals": {
        "filed_at": "instant",
        "due": "instant",
        "decided_at": "instant",
        "has_deadline": "bool",
        "decided": "bool",
        "in_time": "bool",
        "upheld": "bool",
        "changed": "bool",
        "overturned": "bool",
        "out_of_time": "bool",
    },
    "strikes": {
        "struck_at": "instant",
        "expires_at": "instant",
        "points": "number",
        "counts": "number",
        "step": "number",
        "void": "bool",
    },
}
"""The columns of each table; docs/language/duties.md says what they mean."""


# ── One of each table ────────────────────────────────────────────────────────────────────────────


def _cases(tables: LedgerTables) -> Iterator[tuple[OfPolicies, Cells]]:
    # The findings of a case stand behind it, before the next one.
    held: Case | None = None
    found: list[Finding] = []
    for fact in tables.facts():
        match fact:
            case Finding() if held is not None and fact.case == held.id:
                found.append(fact)
            case Case():
                if held is not None:
                    yield _case(held, found)
                held, found = fact, []
            case _:
                pass
    if held is not None:
        yield _case(held, found)


def _case(case: Case, found: Iterable[Finding]) -> tuple[OfPolicies, Cells]:
    counted = [one for one in found if one.mode == "enforced"]
    grave = [SEVERITIES.index(one.severity) for one in counted]
    return _policies(counted), {
        "acted_at": _when(case.acted_at),
        "decided_at": _when(case.at),
        "severity": max(grave, default=None),
        "findings": len(counted),
    }


def _measures(tables: LedgerTables) -> Iterator[tuple[OfPolicies, Cells]]:
    for batch in _batches(one for one in tables.facts() if isinstance(one, Measure)):
        known = tables.ledger.facts(
            [
                one
                for fact in batch
                for one in (fact.case, *fact.findings, _applied(fact), _ended(fact))
            ]
        )
        for fact in batch:
            case = known.get(fact.case)
            state = _state(fact, known)
            span = state.span
            why = state.ended.why if state.ended else ""
            kind = fact.target.partition(":")[0]
            yield (
                _policies(map(known.get, fact.findings)),
                {
                    "acted_at": _when(case.acted_at) if isinstance(case, Case) else None,
                    "decided_at": _when(fact.at),
                    "began_at": _when(span[0]) if span else None,
                    "ends_at": _when(span[1]) if span else None,
                    "ended_at": _when(state.ended.at) if state.ended else None,
                    "grade": fact.grade,
                    "on_account": kind == "account",
                    "on_content": kind == "content",
                    "interim": fact.interim,
                    "permanent": fact.permanent,
                    "needed_review": fact.review > 0,
                    "took_effect": span is not None,
                    "ended_early": bool(why),
                    "fixed": why == "fixed",
                    "rejected": why == "rejected",
                    "overturned": why in {"changed", "overturned"},
                },
            )


def _reviews(tables: LedgerTables) -> Iterator[tuple[OfPolicies, Cells]]:
    record_of = _records(tables.ledger)
    for fact in tables.facts():
        if not isinstance(fact, Measure) or not (fact.review or fact.interim):
            continue
        record = record_of(fact)
        state = record.measures.get(fact.id) or MeasureState(fact)
        if fact.replays and not state.reviews and state.applied is not None:
            continue  # People had agreed to what it stands in the place of.
        verdict = _verdict(state)
        at, approved = verdict or (None, None)
        end = state.span[1] if state.span else state.ended.at if state.ended else None
        yield (
            _policies(map(record.findings.get, fact.findings)),
            {
                "proposed_at": _when(fact.at),
                "deadline": _when(fact.deadline),
                "decided_at": _when(at),
                "has_deadline": fact.deadline is not None,
                "decided": at is not None,
                "in_time": _in_time(fact.deadline, at, end, tables.now),
                "approved": approved,
                "interim": fact.interim,
                "grade": fact.grade,
            },
        )


def _appeals(tables: LedgerTables) -> Iterator[tuple[OfPolicies, Cells]]:
    record_of = _records(tables.ledger)
    for batch in _batches(one for one in tables.facts() if isinstance(one, Appealed)):
        known = tables.ledger.facts([name("judged", one.id) for one in batch])
        for fact in batch:
            judged = known.get(name("judged", fact.id))
            case = record_of(fact).cases.get(fact.case)
            outcome = judged.outcome if isinstance(judged, Judged) else None
            at = judged.at if judged else None
            told = {
                kind: None if outcome is None else outcome == kind
                for kind in ("upheld", "changed", "overturned", "out_of_time")
            }
            yield (
                _policies(case.findings if case else ()),
                {
                    "filed_at": _when(fact.at),
                    "due": _when(fact.due),
                    "decided_at": _when(at),
                    "has_deadline": fact.due is not None,
                    "decided": at is not None,
                    "in_time": _in_time(fact.due, at, None, tables.now),
                    **told,
                },
            )


def _strikes(tables: LedgerTables) -> Iterator[tuple[OfPolicies, Cells]]:
    for batch in _batches(one for one in tables.facts() if isinstance(one, Strike)):
        known = tables.ledger.facts(
            [one for fact in batch for one in (*fact.findings, name("voided", fact.id))]
        )
        for fact in batch:
            if fact.mode == "enforced":
                yield (
                    _policies(map(known.get, fact.findings)),
                    {
                        "struck_at": _when(fact.at),
                        "expires_at": _when(fact.expires),
                        "points": fact.points,
                        "counts": fact.counts,
                        "step": fact.step,
                        "void": isinstance(known.get(name("voided", fact.id)), Voided),
                    },
                )


_ROWS: Final[dict[str, Callable[[LedgerTables], Iterator[tuple[OfPolicies, Cells]]]]] = {
    "cases": _cases,
    "measures": _measures,
    "reviews": _reviews,
    "appeals": _appeals,
    "strikes": _strikes,
}


# ── What they share ──────────────────────────────────────────────────────────────────────────────


def _when(at: int | None) -> datetime | None:
    """An instant as duties read it; one that stands for "never" is missing."""
    return None if at is None or at >= LAST_INSTANT else _EPOCH + timedelta(microseconds=at)


def _policies(findings: Iterable[AnyFact | None]) -> OfPolicies:
    """The policies whose rules found something, shadow apart."""
    return frozenset(
        one.policy for one in findings if isinstance(one, Finding) and one.mode == "enforced"
    )


def _applied(measure: Measure) -> str:
    return name("applied", measure.id)


def _ended(measure: Measure) -> str:
    return name("ended", measure.id)


def _state(measure: Measure, known: Mapping[str, AnyFact]) -> MeasureState:
    applied, ended = known.get(_applied(measure)), known.get(_ended(measure))
    return MeasureState(
        measure,
        applied if isinstance(applied, Applied) else None,
        ended if isinstance(ended, Ended) else None,
    )


def _verdict(state: MeasureState) -> tuple[int, bool] | None:
    """When enough people had agreed to a measure, or one had not; None: they did not decide it."""
    if state.ended is not None and state.ended.why == "rejected":
        return state.ended.at, False
    agreed = [one.at for one in state.reviews.values() if one.verdict == "approve"]
    needed = max(1, state.fact.review)
    return (sorted(agreed)[needed - 1], True) if len(agreed) >= needed else None


def _in_time(deadline: int | None, decided: int | None, end: int | None, now: int) -> bool | None:
    """Whether something was decided before its deadline; None: it had none, or is not due yet.

    What came to its ``end`` before the deadline is not due either.
    """
    if deadline is None:
        return None
    if decided is not None:
        return decided < deadline
    return False if deadline <= now and (end is None or deadline <= end) else None


def _records(ledger: Ledger) -> Callable[[AnyFact], Record]:
    """The record of a party to a fact; the last few are kept, as facts of one party come together."""

    @functools.lru_cache(maxsize=16)
    def record(party: str) -> Record:
        return Record.of(party, ledger.about(party))

    return lambda fact: record(next(filter(is_target, fact.parties), "") or fact.parties[0])


def _batches(facts: Iterable[_Some]) -> Iterator[list[_Some]]:
    facts = iter(facts)
    while batch := list(islice(facts, _BATCH)):
        yield batch
