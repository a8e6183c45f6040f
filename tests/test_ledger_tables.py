"""Tables of a ledger: their rows, and figures of duties, are those of a plain look at all facts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clausal.cli.shell import Exit
from clausal.compiler.ir import SEVERITIES, Corpus
from clausal.compiler.pipeline import check_sources
from clausal.dsl.source import Source
from clausal.duties import LEDGER, Cells, Period, State, tell
from clausal.enforcement import facts as kinds
from clausal.enforcement.appeals import decide, file
from clausal.enforcement.facts import AnyFact
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.review import queue, review
from clausal.ledger_tables import COLUMNS, LedgerTables
from tests.enforcement.test_people import Life, happenings
from tests.support.cli import clausal
from tests.support.forum import BEGIN, DAY, HOUR, LIBRARY, POLICY, Forum

YEARS = Period(date(2024, 1, 1), date(2035, 1, 1))
LATER = BEGIN + 300 * DAY
OURS = frozenset({"forum.rules"})
DUTIES = """
duty appeals_in_time {
  cites 2.1
  measure share of in_time among has_deadline
  in appeals
  time filed_at
  at least 90%
  over 30d
}
duty time_to_decide {
  cites 2.1
  measure mean hours from filed_at to decided_at
  in appeals
  time filed_at
  at most 24h
}
duty reviews_in_time {
  cites 2.1
  measure share of in_time among has_deadline
  in reviews
  time proposed_at
  at least 90%
}
duty sudden {
  cites 2.1
  measure most days from acted_at to began_at
  in measures
  time decided_at
  at most 3d
}
duty wrong {
  cites 2.1
  measure share of void
  in strikes
  time struck_at
  at most 5%
}
duty rumour_latency {
  cites 2.1
  measure median hours from verdict_at to acted_at
  in cases
  time verdict_at
  at most 24h
}
"""


@cache
def corpus() -> Corpus:
    sources = [Source("forum.policy", POLICY + DUTIES), Source("words.policy", LIBRARY)]
    found, diagnostics = check_sources(sources)
    assert found is not None, [str(one) for one in diagnostics]
    return found


def micros(at: object) -> object:
    if not isinstance(at, datetime):
        return at
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)


def rows(ledger: Ledger, table: str, now: int) -> list[dict[str, object]]:
    """The rows of a table, with instants as numbers."""
    found = []
    for policies, cells in LedgerTables(ledger, now).rows(table):
        assert policies == OURS
        assert list(cells) == list(COLUMNS[table])
        found.append({column: micros(cell) for column, cell in cells.items()})
    return found


# ── A plain look at all facts ────────────────────────────────────────────────────────────────────


def plain(facts: Sequence[AnyFact], table: str, now: int) -> list[dict[str, object]]:
    def of(kind: type[Any], **what: object) -> list[Any]:
        return [
            one
            for one in facts
            if isinstance(one, kind) and all(getattr(one, a) == b for a, b in what.items())
        ]

    def timely(deadline: int | None, at: int | None, over: int | None) -> bool | None:
        if deadline is None:
            return None
        if at is not None:
            return at < deadline
        return False if deadline <= now and not (over is not None and over < deadline) else None

    def span(one: kinds.Measure) -> tuple[int, int | None] | None:
        applied = of(kinds.Applied, measure=one.id)
        if one.review and not applied:
            return None
        begun = applied[0] if applied else one
        ends = [begun.end] if begun.end is not None else []
        end = min([*ends, *(ended.at for ended in of(kinds.Ended, measure=one.id))], default=None)
        return None if end is not None and end <= begun.start else (begun.start, end)

    made: list[dict[str, object]] = []
    for one in facts:
        if table == "cases" and isinstance(one, kinds.Case):
            found = of(kinds.Finding, case=one.id)
            made.append(
                {
                    "acted_at": one.acted_at,
                    "decided_at": one.at,
                    "severity": max(SEVERITIES.index(each.severity) for each in found),
                    "findings": len(found),
                }
            )
        elif table == "measures" and isinstance(one, kinds.Measure):
            (case,) = of(kinds.Case, id=one.case)
            ended = of(kinds.Ended, measure=one.id)
            ran = span(one)
            made.append(
                {
                    "acted_at": case.acted_at,
                    "decided_at": one.at,
                    "began_at": ran and ran[0],
                    "ends_at": ran and ran[1],
                    "ended_at": ended[0].at if ended else None,
                    "grade": one.grade,
                    "on_account": one.target.startswith("account:"),
                    "on_content": one.target.startswith("content:"),
                    "interim": one.interim,
                    "permanent": one.permanent,
                    "needed_review": one.review > 0,
                    "took_effect": ran is not None,
                    "ended_early": bool(ended),
                    "fixed": any(each.why == "fixed" for each in ended),
                    "rejected": any(each.why == "rejected" for each in ended),
                    "overturned": any(each.why in ("changed", "overturned") for each in ended),
                }
            )
        elif table == "reviews" and isinstance(one, kinds.Measure):
            said = of(kinds.Reviewed, measure=one.id)
            needless = one.replays and of(kinds.Applied, measure=one.id) and not said
            if needless or not (one.review or one.interim):
                continue
            ended = of(kinds.Ended, measure=one.id)
            no = [each.at for each in ended if each.why == "rejected"]
            yes = sorted(each.at for each in said if each.verdict == "approve")
            enough = yes[max(1, one.review) - 1 :]
            at = no[0] if no else enough[0] if enough else None
            ran = span(one)
            over = ran[1] if ran else ended[0].at if ended else None
            made.append(
                {
                    "proposed_at": one.at,
                    "deadline": one.deadline,
                    "decided_at": at,
                    "has_deadline": one.deadline is not None,
                    "decided": at is not None,
                    "in_time": timely(one.deadline, at, over),
                    "approved": None if at is None else not no,
                    "interim": one.interim,
                    "grade": one.grade,
                }
            )
        elif table == "appeals" and isinstance(one, kinds.Appealed):
            judged = of(kinds.Judged, appeal=one.id)
            at = judged[0].at if judged else None
            outcomes = ("upheld", "changed", "overturned", "out_of_time")
            made.append(
                {
                    "filed_at": one.at,
                    "due": one.due,
                    "decided_at": at,
                    "has_deadline": one.due is not None,
                    "decided": bool(judged),
                    "in_time": timely(one.due, at, None),
                    **{kind: judged[0].outcome == kind if judged else None for kind in outcomes},
                }
            )
        elif table == "strikes" and isinstance(one, kinds.Strike):
            made.append(
                {
                    "struck_at": one.at,
                    "expires_at": one.expires,
                    "points": one.points,
                    "counts": one.counts,
                    "step": one.step,
                    "void": bool(of(kinds.Voided, strike=one.id)),
                }
            )
    return made


@settings(deadline=None, max_examples=max(10, settings().max_examples // 8))
@given(
    st.integers(0, 6),
    st.lists(happenings, max_size=20),
    st.booleans(),
    st.integers(0, 60 * 24).map(lambda hours: BEGIN + hours * HOUR),
)
def test_rows_and_figures_are_those_of_all_facts(
    cases: int, what: list[tuple[object, ...]], odd: bool, now: int
) -> None:
    life = Life(odd=odd)
    for _ in range(cases):
        life.happen(("staged", HOUR, "a-1", "high"))
    for one in what:
        life.happen(one)
    facts = [entry.fact for entry in life.ledger.entries()]
    expected = {table: plain(facts, table, now) for table in COLUMNS}
    assert {table: rows(life.ledger, table, now) for table in COLUMNS} == expected

    told = {one.duty.name: one for one in tell(corpus(), YEARS, {}, LedgerTables(life.ledger, now))}

    def mean(values: list[Any]) -> float | None:
        return pytest.approx(sum(values) / len(values)) if values else None  # type: ignore[return-value]

    def least_late(table: str) -> float | None:
        timed = [one["in_time"] for one in expected[table] if one["has_deadline"]]
        return mean([one for one in timed if one is not None])

    assert told["appeals_in_time"].whole.figure == least_late("appeals")
    assert told["reviews_in_time"].whole.figure == least_late("reviews")
    assert told["wrong"].whole.figure == mean([one["void"] for one in expected["strikes"]])
    hours = [
        (one["decided_at"] - one["filed_at"]) / HOUR  # type: ignore[operator]
        for one in expected["appeals"]
        if one["decided_at"] is not None
    ]
    assert told["time_to_decide"].whole.figure == mean(hours)
    assert told["time_to_decide"].whole.lacking == len(expected["appeals"]) - len(hours)


# ── Tables and duties ────────────────────────────────────────────────────────────────────────────


def test_columns_are_of_the_types_that_duties_read() -> None:
    forum = Forum()
    for day in range(5):
        forum.staged("a-1", day * DAY)
    types = {"instant": datetime, "bool": bool, "number": (int, float)}
    for table, columns in COLUMNS.items():
        for _, cells in LedgerTables(forum.ledger, LATER).rows(table):
            for column, kind in columns.items():
                assert cells[column] is None or isinstance(cells[column], types[kind])  # type: ignore[arg-type]


def test_a_row_counts_only_for_the_policy_that_it_follows_from() -> None:
    class Theirs:
        def columns(self, table: str) -> dict[str, Any]:
            return dict(COLUMNS.get(table, {}))

        def rows(self, table: str) -> Any:
            cells: Cells = {"struck_at": datetime(2024, 5, 2, tzinfo=UTC), "void": True}
            yield frozenset({"another.policy"}), cells
            yield frozenset({"another.policy", "forum.rules"}), {**cells, "void": False}

    told = {one.duty.name: one for one in tell(corpus(), YEARS, {}, Theirs())}
    assert (told["wrong"].whole.rows, told["wrong"].whole.figure) == (1, 0.0)


def test_the_ledger_does_not_know_when_a_verdict_fell() -> None:
    forum = Forum()
    forum.staged("a-1", 0)
    tables = LedgerTables(forum.ledger, LATER)
    told = {one.duty.name: one for one in tell(corpus(), YEARS, {}, tables)}
    assert (told["rumour_latency"].table, told["rumour_latency"].state) == ("", State.UNKNOWN)
    assert told["wrong"].table == LEDGER


def test_more_rows_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    forum = Forum()
    for day in range(9):
        forum.staged(f"a-{day % 2}", day * DAY)
    whole = {table: rows(forum.ledger, table, LATER) for table in COLUMNS}
    monkeypatch.setattr("clausal.ledger_tables._BATCH", 2)
    assert {table: rows(forum.ledger, table, LATER) for table in COLUMNS} == whole


# ── The command ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of a file, of five cases: one appeal decided too late, one review in time."""
    monkeypatch.chdir(tmp_path)
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "forum.policy").write_text(POLICY + DUTIES, encoding="utf-8")
    (policies / "words.policy").write_text(LIBRARY, encoding="utf-8")
    (policies / "notice.txt").write_text("2.1 自导自演式造假。\n", encoding="utf-8")
    forum = Forum(open_ledger("record.db"))
    cases = [forum.staged("a-1", day * DAY) for day in range(5)]
    at = BEGIN + 4 * DAY + HOUR
    waiting = [one.measure for one in queue(forum.ledger, at) if not one.overdue]
    mute = next(one for one in waiting if one.sanction == "mute")
    review(forum.ledger, mute.id, "Ann", "approve", at)
    filed = file(forum.ledger, cases[0], "a-1", "no", at)[0]
    decide(forum.ledger, filed.id, "Ben", "overturned", at + 30 * DAY)
    forum.ledger.close()
    return tmp_path


def told(*more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ran = clausal("duties", "policies", "--period", "2024-05", "--json", *more)
    return ran.code, {one["duty"]: one for one in json.loads(ran.out)["duties"]}


def test_duties_from_a_ledger(folder: Path) -> None:
    code, found = told("-l", "record.db")
    assert code == Exit.FINDINGS
    assert (found["appeals_in_time"]["figure"], found["appeals_in_time"]["state"]) == (
        0.0,
        "breached",
    )
    assert found["time_to_decide"]["figure"] == 720
    assert (found["wrong"]["figure"], found["wrong"]["rows"]) == (0.2, 5)
    # Of three that waited for people, one was looked at in time.
    assert found["reviews_in_time"]["figure"] == 1 / 3
    assert {one["table"] for one in found.values()} == {LEDGER, ""}
    assert found["rumour_latency"]["state"] == "not known"
    said = clausal("duties", "policies", "--period", "2024-05", "-l", "record.db").out
    assert "the ledger has no such column of cases, which rumour_latency needs: verdict_at" in said
    code, without = told()
    assert (code, {one["state"] for one in without.values()}) == (Exit.FINE, {"not known"})


def test_a_file_goes_before_the_ledger(folder: Path) -> None:
    (folder / "strikes.csv").write_text("struck_at,void\n2024-05-02T00:00Z,false\n")
    _, found = told("-l", "record.db", "--table", "strikes=strikes.csv")
    assert (found["wrong"]["table"], found["wrong"]["figure"]) == ("strikes.csv", 0.0)
    assert found["appeals_in_time"]["table"] == LEDGER


def test_a_ledger_that_is_not_there(folder: Path) -> None:
    ran = clausal("duties", "policies", "--period", "2024-05", "-l", "nothing.db")
    assert ran.code == Exit.INPUT
    assert "there is no ledger in `nothing.db`" in ran.both


def test_a_report_of_a_ledger_tells_its_duties(folder: Path) -> None:
    ran = clausal("report", "policies", "-l", "record.db", "--period", "2024-05", "--json")
    found = {one["duty"]: one for one in json.loads(ran.out)["duties"]}
    assert found["time_to_decide"]["figure"] == 720
