"""Reviews, appeals and replays: what people decide, and what follows from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clausal.enforcement import appeals, review
from clausal.enforcement.dsa import NothingToReportError, to_dsa
from clausal.enforcement.effective import Vocabulary
from clausal.enforcement.facts import (
    AnyFact,
    Applied,
    Ended,
    Judged,
    Replayed,
    name,
)
from clausal.enforcement.letters import letter
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.people import RefusedError, identity, in_effect, is_over
from clausal.enforcement.record import EVERYWHERE, WAITING, MeasureState, Record
from clausal.enforcement.review import Open, precision, queue
from clausal.enforcement.statements import tell
from clausal.engine.strikes import step_after
from tests.support.forum import BEGIN, DAY, HOUR, Forum

Facts = tuple[AnyFact, ...] | list[AnyFact]


@pytest.fixture
def forum() -> Forum:
    return Forum()


def filled(forum: Forum, cases: int, account: str = "a-1") -> list[str]:
    """Return the names of some cases of an account, one a day."""
    return [forum.staged(account, day * DAY) for day in range(cases)]


def waits(forum: Forum, sanction: str, at: int = 30 * DAY) -> Open:
    return next(one for one in queue(forum.ledger, BEGIN + at) if one.measure.sanction == sanction)


def say(forum: Forum, measure: str, who: str, at: int, verdict: str = "approve") -> Facts:
    return list(review.review(forum.ledger, measure, who, verdict, BEGIN + at))  # type: ignore[arg-type]


def appeal(forum: Forum, case: str, at: int, *, evidence: bool = False) -> str:
    by = "a-1"
    return appeals.file(forum.ledger, case, by, "no", BEGIN + at, evidence=evidence)[0].id


def kinds(facts: Facts) -> list[str]:
    return [type(one).__name__ for one in facts]


def refused(forum: Forum, words: str, act: Callable[[], object]) -> None:
    """Assert that something is refused, with some words, and changes nothing."""
    before = forum.ledger.head, forum.ledger.outbox.waiting()
    with pytest.raises(RefusedError, match=words):
        act()
    assert (forum.ledger.head, forum.ledger.outbox.waiting()) == before


def running(forum: Forum, at: int, account: str = "a-1") -> dict[str, int | None]:
    """Return the sanctions that run on an account, and until when."""
    record = forum.record(account)
    return {
        one.fact.sanction: None
        if (span := one.span) is None or span[1] is None
        else span[1] - BEGIN
        for one in record.targets(BEGIN + at)
    }


# ── Reviews ──────────────────────────────────────────────────────────────────────────────────────


def test_the_queue_has_the_most_urgent_first_and_then_the_gravest(forum: Forum) -> None:
    filled(forum, 5)
    told = [
        (one.measure.sanction, one.needs, one.overdue)
        for one in queue(forum.ledger, BEGIN + 5 * DAY)
    ]
    assert told == [("mute", 1, True), ("close_account", 2, True), ("mute", 1, True)]
    first = queue(forum.ledger, BEGIN + 3 * DAY + HOUR)
    assert [(one.measure.sanction, one.overdue) for one in first] == [("mute", False)]
    assert first[0].findings[0].saw == {"post.staged": True}


def test_what_is_approved_begins_then_and_keeps_its_length(forum: Forum) -> None:
    filled(forum, 4)
    assert "mute" not in running(forum, 5 * DAY)
    facts = say(forum, waits(forum, "mute").measure.id, "Ann", 6 * DAY)
    assert kinds(facts) == ["Reviewed", "Applied"]
    assert running(forum, 6 * DAY)["mute"] == 36 * DAY
    assert "mute" not in running(forum, 6 * DAY - 1)
    assert "mute" not in running(forum, 36 * DAY)


def test_two_different_people_close_an_account(forum: Forum) -> None:
    filled(forum, 5)
    closure = waits(forum, "close_account").measure.id
    assert kinds(say(forum, closure, "Ann", 6 * DAY)) == ["Reviewed"]
    assert waits(forum, "close_account").agreed == ("Ann",)
    for again in ("Ann", "ANN", " ann ", "Ａｎｎ", "A nn"):
        refused(forum, "already", lambda again=again: say(forum, closure, again, 7 * DAY))  # type: ignore[misc]
    for hidden in ("A\u200bnn", "Ann\u202e", "A\u00adnn", "Ann\x00"):
        refused(forum, "nobody can see", lambda who=hidden: say(forum, closure, who, 7 * DAY))  # type: ignore[misc]
    assert kinds(say(forum, closure, "Bob", 7 * DAY)) == ["Reviewed", "Applied"]
    assert running(forum, 7 * DAY)["close_account"] is None
    refused(forum, "decided already", lambda: say(forum, closure, "Cleo", 8 * DAY))


def test_one_no_drops_a_proposal(forum: Forum) -> None:
    filled(forum, 5)
    closure = waits(forum, "close_account").measure.id
    say(forum, closure, "Ann", 6 * DAY)
    messages = forum.ledger.outbox.waiting()
    assert kinds(say(forum, closure, "Bob", 6 * DAY, "reject")) == ["Reviewed", "Ended"]
    assert forum.ledger.outbox.waiting() == messages
    refused(forum, "has ended", lambda: say(forum, closure, "Cleo", 7 * DAY))


@pytest.mark.parametrize("who", ["a-1", "A-1", "account:a-1", "ａ-1", " a - 1 ", "p-4"])
def test_nobody_reviews_their_own_case(forum: Forum, who: str) -> None:
    filled(forum, 4)
    measure = waits(forum, "mute").measure.id
    refused(forum, "themselves", lambda: say(forum, measure, who, 6 * DAY))


@pytest.mark.parametrize("who", ["", "  ", "\u200b", "\u3164", "x" * 201])
def test_whoever_reviews_has_a_name(forum: Forum, who: str) -> None:
    filled(forum, 4)
    measure = waits(forum, "mute").measure.id
    refused(forum, "a person", lambda: say(forum, measure, who, 6 * DAY))


def test_reviews_that_cannot_be(forum: Forum) -> None:
    cases = filled(forum, 4)
    mute = waits(forum, "mute").measure.id
    label = name("measure", cases[0], "label")
    refused(forum, "needs nobody", lambda: say(forum, label, "Ann", 6 * DAY))
    refused(forum, "no measure", lambda: say(forum, "measure-x", "Ann", 6 * DAY))
    refused(forum, "no measure", lambda: say(forum, cases[0], "Ann", 6 * DAY))
    refused(forum, "would lie before", lambda: say(forum, mute, "Ann", 2 * DAY))
    refused(
        forum,
        "cannot be approved",
        lambda: review.review(forum.ledger, mute, "Ann", "approve", BEGIN + 6 * DAY, wrong=True),
    )


def test_a_person_may_end_what_no_person_was_asked_about(forum: Forum) -> None:
    filled(forum, 2)
    limit = next(one for one in forum.record("a-1").targets(BEGIN + DAY) if one.fact.grade == 2)
    waiting = forum.ledger.outbox.waiting()
    assert kinds(say(forum, limit.fact.id, "Ann", DAY, "reject")) == ["Reviewed", "Ended"]
    assert forum.ledger.outbox.waiting() == waiting + 1
    assert running(forum, DAY) == {"warn": 90 * DAY}


def test_a_wrong_finding_takes_its_strike_along(forum: Forum) -> None:
    cases = filled(forum, 5)
    mute = next(one for one in queue(forum.ledger, BEGIN + 5 * DAY) if one.measure.case == cases[3])
    facts = review.review(
        forum.ledger, mute.measure.id, "Ann", "reject", BEGIN + 5 * DAY, wrong=True
    )
    assert kinds(list(facts)).count("Voided") == 1
    statement = tell(forum.ledger, cases[3])
    assert {one.state for one in statement.measures} == {"dropped", "ended"}
    assert statement.points[0].void
    # The fifth case stands where the fourth stood.
    assert tell(forum.ledger, cases[4]).points[0].anew == (4, 4)


# ── Appeals ──────────────────────────────────────────────────────────────────────────────────────


def test_an_appeal_has_a_window_from_the_notice(forum: Forum) -> None:
    first, second = filled(forum, 2)
    in_time = appeals.file(forum.ledger, first, "a-1", "no", BEGIN + 180 * DAY - 1)
    assert kinds(list(in_time)) == ["Appealed"]
    late = appeals.file(forum.ledger, second, "account:A-1", "no", BEGIN + 181 * DAY)
    assert kinds(list(late)) == ["Appealed", "Judged"]
    assert isinstance(late[1], Judged)
    assert late[1].outcome == "out_of_time"
    refused(
        forum,
        "decided already: out_of_time",
        lambda: appeals.decide(forum.ledger, late[0].id, "Ann", "upheld", BEGIN + 182 * DAY),
    )


def test_the_window_begins_anew_when_a_measure_is_added(forum: Forum) -> None:
    case = filled(forum, 4)[3]
    say(forum, waits(forum, "mute").measure.id, "Ann", 20 * DAY)
    assert kinds(list(appeals.file(forum.ledger, case, "a-1", "no", BEGIN + 199 * DAY))) == [
        "Appealed"
    ]


def test_one_appeal_and_one_more_with_new_evidence(forum: Forum) -> None:
    case = filled(forum, 1)[0]
    first = appeal(forum, case, DAY)
    refused(forum, "undecided", lambda: appeal(forum, case, 2 * DAY, evidence=True))
    appeals.decide(forum.ledger, first, "Ann", "upheld", BEGIN + 2 * DAY)
    refused(
        forum,
        "decided already",
        lambda: appeals.decide(forum.ledger, first, "Bob", "overturned", BEGIN + 3 * DAY),
    )
    refused(forum, "was decided", lambda: appeal(forum, case, 3 * DAY))
    second = appeal(forum, case, 3 * DAY, evidence=True)
    refused(
        forum,
        "took part",
        lambda: appeals.decide(forum.ledger, second, "ａnn", "overturned", BEGIN + 4 * DAY),
    )
    appeals.decide(forum.ledger, second, "Bob", "upheld", BEGIN + 4 * DAY)
    refused(forum, "no further", lambda: appeal(forum, case, 5 * DAY, evidence=True))


def test_appeals_that_cannot_be(forum: Forum) -> None:
    case = filled(forum, 1)[0]
    for by, text, at, words in (
        ("a-2", "no", DAY, "one of those"),
        ("a-1", "  ", DAY, "empty"),
        ("a-1", "x" * 10_001, DAY, "at most"),
        ("a-1", "\ud800", DAY, "Unicode"),
        ("a-1", "no", -1, "before the decision"),
    ):
        refused(
            forum,
            words,
            lambda by=by, text=text, at=at: appeals.file(  # type: ignore[misc]
                forum.ledger, case, by, text, BEGIN + at
            ),
        )
    refused(forum, "no case", lambda: appeal(forum, "case-x", DAY))
    filed = appeal(forum, case, DAY)
    for who, outcome, words in (
        ("a-1", "upheld", "themselves"),
        ("Ann", "changed", "has to be said"),
    ):
        refused(
            forum,
            words,
            lambda who=who, outcome=outcome: appeals.decide(  # type: ignore[misc]
                forum.ledger, filed, who, outcome, BEGIN + 2 * DAY
            ),
        )
    refused(
        forum,
        "no measure of the case",
        lambda: appeals.decide(
            forum.ledger, filed, "Ann", "changed", BEGIN + 2 * DAY, end=["measure-x"]
        ),
    )
    refused(
        forum,
        "changes no single",
        lambda: appeals.decide(
            forum.ledger, filed, "Ann", "upheld", BEGIN + 2 * DAY, no_strike=True
        ),
    )
    refused(
        forum,
        "before the appeal",
        lambda: appeals.decide(forum.ledger, filed, "Ann", "upheld", BEGIN),
    )


def test_whoever_reviewed_a_measure_decides_no_appeal_against_it(forum: Forum) -> None:
    case = filled(forum, 4)[3]
    say(forum, waits(forum, "mute").measure.id, "Ann", 5 * DAY)
    filed = appeal(forum, case, 6 * DAY)
    refused(
        forum,
        "took part",
        lambda: appeals.decide(forum.ledger, filed, "ANN", "overturned", BEGIN + 7 * DAY),
    )
    appeals.decide(forum.ledger, filed, "Bob", "overturned", BEGIN + 7 * DAY)
    assert "mute" not in running(forum, 7 * DAY)


def test_what_is_overturned_never_was(forum: Forum) -> None:
    cases = filled(forum, 3)
    assert running(forum, 2 * DAY) == {
        "warn": 90 * DAY,
        "limit_reach": 5 * DAY,
        "mute": 5 * DAY,
    }
    filed = appeal(forum, cases[0], 2 * DAY)
    appeals.decide(forum.ledger, filed, "Ann", "overturned", BEGIN + 2 * DAY + HOUR)
    # The second case is a first one now, and its warning lasts as long as what it stands for did.
    after = running(forum, 2 * DAY + HOUR)
    assert after == {"warn": 8 * DAY, "limit_reach": 5 * DAY}
    assert tell(forum.ledger, cases[2]).points[0].anew == (2, 2)
    assert tell(forum.ledger, cases[0]).superseded_at is None
    assert tell(forum.ledger, cases[0], BEGIN).superseded_at == BEGIN + 2 * DAY + HOUR


def test_what_is_changed_is_said(forum: Forum) -> None:
    cases = filled(forum, 2)
    filed = appeal(forum, cases[1], 2 * DAY)
    limit = name("measure", cases[1], "limit_reach")
    appeals.decide(forum.ledger, filed, "Ann", "changed", BEGIN + 2 * DAY, end=[limit])
    assert running(forum, 2 * DAY) == {"warn": 90 * DAY}
    assert not tell(forum.ledger, cases[1]).points[0].void


def test_a_case_may_keep_its_label_and_lose_its_strike(forum: Forum) -> None:
    cases = filled(forum, 3)
    filed = appeal(forum, cases[0], 3 * DAY)
    appeals.decide(forum.ledger, filed, "Ann", "changed", BEGIN + 3 * DAY, no_strike=True)
    told = tell(forum.ledger, cases[0])
    assert told.points[0].void
    assert {one.sanction: one.state for one in told.measures} == {
        "label": "running",
        "warn": "ended",
    }
    assert tell(forum.ledger, cases[2]).points[0].anew == (2, 2)


def test_a_strike_in_dispute_makes_nothing_heavier(forum: Forum) -> None:
    cases = filled(forum, 2)
    filed = appeal(forum, cases[0], 2 * DAY)
    third = forum.staged("a-1", 3 * DAY)
    assert tell(forum.ledger, third).points[0].step == 2
    # Where it was not counted, nothing is to be taken back.
    facts = appeals.decide(forum.ledger, filed, "Ann", "overturned", BEGIN + 4 * DAY)
    replayed = [one for one in facts if isinstance(one, Replayed)]
    assert [one.strike for one in replayed] == [name("strike", cases[1])]


def test_a_late_decision_lifts_what_silences(forum: Forum) -> None:
    cases = filled(forum, 3)
    filed = appeal(forum, cases[2], 2 * DAY + HOUR)
    over = BEGIN + 4 * DAY + HOUR
    assert appeals.sweep(forum.ledger, over - 1) == ()
    facts = appeals.sweep(forum.ledger, over + HOUR)
    assert [(one.why, one.at, one.by) for one in facts if isinstance(one, Ended)] == [
        ("lifted", over, filed)
    ]
    assert running(forum, 4 * DAY + HOUR).keys() == {"warn", "limit_reach"}
    assert appeals.sweep(forum.ledger, over + DAY) == ()
    appeals.decide(forum.ledger, filed, "Ann", "upheld", over + DAY)
    assert appeals.sweep(forum.ledger, over + DAY) == ()


def test_what_cannot_be_taken_back_waits_until_nobody_can_appeal() -> None:
    forum = Forum(odd=True)
    case = filled(forum, 2)[1]
    publish = waits(forum, "publish").measure.id
    assert kinds(say(forum, publish, "Ann", 2 * DAY)) == ["Reviewed"]
    over = DAY + 180 * DAY
    filed = appeal(forum, case, over - HOUR)
    assert appeals.sweep(forum.ledger, BEGIN + over) == ()
    appeals.decide(forum.ledger, filed, "Bob", "upheld", BEGIN + over + HOUR)
    facts = appeals.sweep(forum.ledger, BEGIN + over + HOUR)
    assert kinds(list(facts)) == ["Applied"]
    assert appeals.sweep(forum.ledger, BEGIN + over + DAY) == ()


def test_appeals_wait_in_order(forum: Forum) -> None:
    cases = filled(forum, 4)
    say(forum, waits(forum, "mute").measure.id, "Ann", 4 * DAY)
    first = appeal(forum, cases[0], 5 * DAY)
    second = appeal(forum, cases[3], 5 * DAY)
    told = appeals.undecided(forum.ledger, BEGIN + 5 * DAY)
    assert [one.fact.id for one, _ in told] == [second, first]
    assert [one.fact.due for one, _ in told] == [BEGIN + 7 * DAY, BEGIN + 12 * DAY]
    assert appeals.undecided(forum.ledger, BEGIN + 5 * DAY - 1) == []


def test_precision_is_what_people_found_right(forum: Forum) -> None:
    cases = filled(forum, 5)
    assert precision(forum.ledger) == []
    say(forum, waits(forum, "mute").measure.id, "Ann", 5 * DAY)
    for case, outcome in zip(cases[:2], ("upheld", "overturned"), strict=True):
        filed = appeal(forum, case, 6 * DAY)
        appeals.decide(forum.ledger, filed, "Bob", outcome, BEGIN + 6 * DAY)  # type: ignore[arg-type]
    told = precision(forum.ledger)
    assert [(one.rule, one.decided, one.stood) for one in told] == [("forum.rules.staged", 3, 2)]
    assert told[0].share == pytest.approx(2 / 3)


def test_at_once_two_reviewers_of_one_name_are_one(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.db")
    forum = Forum(open_ledger(path))
    filled(forum, 5)
    closure = waits(forum, "close_account").measure.id
    spellings = ["Ann", "ann", "ＡＮＮ", " Ann", "A nn", "aNN"]
    done: list[str] = []
    barrier = threading.Barrier(len(spellings))

    def act(who: str) -> None:
        ledger = open_ledger(path)
        barrier.wait()
        try:
            review.review(ledger, closure, who, "approve", BEGIN + 6 * DAY)
        except RefusedError:
            done.append("refused")
        else:
            done.append("recorded")
        finally:
            ledger.close()

    threads = [threading.Thread(target=act, args=(who,)) for who in spellings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["recorded"] + ["refused"] * 5
    assert waits(forum, "close_account").agreed != ()
    assert "close_account" not in running(forum, 6 * DAY)
    assert forum.ledger.verify() is None
    forum.ledger.close()


@given(st.text())
def test_an_identity_is_that_of_each_of_its_spellings(text: str) -> None:
    assert identity(identity(text)) == identity(text)
    assert identity(text.upper().lower()) == identity(text.lower().upper().lower())
    assert identity(f" {text}\u200b\u3000") == identity(text)


def test_a_lower_step_lasts_no_longer_than_it_says(forum: Forum) -> None:
    cases = filled(forum, 4)
    say(forum, waits(forum, "mute").measure.id, "Ann", 3 * DAY)
    filed = appeal(forum, cases[0], 3 * DAY)
    appeals.decide(forum.ledger, filed, "Bob", "overturned", BEGIN + 4 * DAY)
    # The limit of reach of 14 days is one of 3 now, and so is the mute of 30.
    ends = [(one.sanction, one.end) for one in tell(forum.ledger, cases[3]).measures if one.replays]
    assert ends == [("mute", BEGIN + 6 * DAY), ("limit_reach", BEGIN + 6 * DAY)]


def test_what_comes_in_place_of_a_proposal_waits_as_it_did(forum: Forum) -> None:
    cases = filled(forum, 5)
    before = {one.measure.case: one for one in queue(forum.ledger, BEGIN + 4 * DAY)}[cases[4]]
    filed = appeal(forum, cases[0], 4 * DAY)
    appeals.decide(forum.ledger, filed, "Bob", "overturned", BEGIN + 4 * DAY)
    after = [one for one in queue(forum.ledger, BEGIN + 4 * DAY) if one.measure.case == cases[4]]
    assert [(one.measure.sanction, one.needs) for one in after] == [("mute", 1), ("limit_reach", 1)]
    assert {one.measure.deadline for one in after} == {before.measure.deadline}
    say(forum, after[1].measure.id, "Ann", 5 * DAY)
    assert running(forum, 5 * DAY)["limit_reach"] == 19 * DAY


def test_what_needs_people_needs_them_in_the_place_of_another_too() -> None:
    forum = Forum(odd=True)
    cases = filled(forum, 3)
    filed = appeal(forum, cases[0], 3 * DAY)
    appeals.decide(forum.ledger, filed, "Bob", "overturned", BEGIN + 3 * DAY)
    told = [one for one in tell(forum.ledger, cases[2]).measures if one.replays]
    # Nobody agreed to publish the case. Hiding lasts for the mute's time: no longer one was graver.
    assert [(one.sanction, one.end) for one in told] == [
        ("hide", BEGIN + 5 * DAY),
        ("limit_reach", BEGIN + 5 * DAY),
    ]


def test_a_strike_under_appeal_is_not_counted_in_a_statement(forum: Forum) -> None:
    cases = filled(forum, 2)
    assert tell(forum.ledger, cases[1], BEGIN + 2 * DAY).points[0].now == 2
    appeal(forum, cases[0], 3 * DAY)
    assert tell(forum.ledger, cases[1], BEGIN + 3 * DAY).points[0].now == 1


# ── Random lives ─────────────────────────────────────────────────────────────────────────────────

PEOPLE = ("Ann", "ann ", "Bob", "ＢＯＢ", "Cleo", "Dan", "a-1")
ACCOUNTS = ("a-1", "a-2")

gaps = st.sampled_from([0, HOUR, DAY, 3 * DAY, 20 * DAY, 89 * DAY])
which = st.integers(0, 99)
happenings = st.one_of(
    st.tuples(
        st.just("staged"), gaps, st.sampled_from(ACCOUNTS), st.sampled_from(["high", "severe"])
    ),
    st.tuples(
        st.just("review"),
        gaps,
        which,
        st.sampled_from(PEOPLE),
        st.sampled_from(["approve", "approve", "reject", "wrong"]),
    ),
    st.tuples(st.just("file"), gaps, which, st.booleans()),
    st.tuples(
        st.just("decide"),
        gaps,
        which,
        st.sampled_from(PEOPLE),
        st.sampled_from(["upheld", "changed", "no strike", "overturned", "overturned"]),
    ),
    st.tuples(st.just("sweep"), gaps),
)


class Life:
    """A forum to which things happen, held to what has to be true of it all the time."""

    def __init__(self, *, odd: bool) -> None:
        self.forum = Forum(odd=odd)
        self.ledger = self.forum.ledger
        self.now = BEGIN
        self.cases: list[str] = []
        self.vocabulary = Vocabulary.of(Record.of(EVERYWHERE, self.ledger.about(EVERYWHERE)))

    def records(self) -> dict[str, Record]:
        return {one: self.forum.record(one) for one in ACCOUNTS}

    def happen(self, what: tuple[object, ...]) -> None:
        kind, gap, *more = what
        assert isinstance(gap, int)
        self.now += gap
        if kind == "staged":
            account, severity = more
            at = self.now - BEGIN
            self.cases.append(self.forum.staged(account, at, severity=severity))  # type: ignore[arg-type]
            return
        before = self.records()
        head = self.ledger.head, self.ledger.outbox.waiting()
        try:
            facts = self._people(str(kind), more)
        except RefusedError:
            assert (self.ledger.head, self.ledger.outbox.waiting()) == head
            return
        after = self.records()
        for account in ACCOUNTS:
            self.only_lower(before[account], after[account], facts)

    def _people(self, kind: str, more: list[object]) -> list[AnyFact]:
        match kind, more:
            case "review", [int(number), str(who), str(verdict)]:
                open_ones = queue(self.ledger, self.now)
                if not open_ones:
                    return []
                measure = open_ones[number % len(open_ones)].measure.id
                wrong = verdict == "wrong"
                said = "approve" if verdict == "approve" else "reject"
                return list(
                    review.review(self.ledger, measure, who, said, self.now, wrong=wrong)  # type: ignore[arg-type]
                )
            case "file", [int(number), bool(evidence)]:
                if not self.cases:
                    return []
                name = self.cases[number % len(self.cases)]
                case = self.ledger.facts([name])[name]
                by = next(one for one in case.parties if one.startswith("account"))
                return list(appeals.file(self.ledger, name, by, "no", self.now, evidence=evidence))
            case "decide", [int(number), str(who), str(outcome)]:
                waiting = appeals.undecided(self.ledger, self.now)
                if not waiting:
                    return []
                filed, case_fact = waiting[number % len(waiting)]
                assert case_fact is not None
                end: tuple[str, ...] = ()
                if outcome == "changed":
                    record = Record.of(WAITING, self.ledger.about(case_fact.parties[0]))
                    end = tuple(
                        one
                        for one in record.cases[case_fact.id].measures
                        if not is_over(record.measures[one], self.now)
                    )[:1]
                return list(
                    appeals.decide(
                        self.ledger,
                        filed.fact.id,
                        who,
                        "changed" if outcome == "no strike" else outcome,  # type: ignore[arg-type]
                        self.now,
                        end=end,
                        no_strike=outcome == "no strike",
                    )
                )
            case _:
                return list(appeals.sweep(self.ledger, self.now))

    def only_lower(self, before: Record, after: Record, facts: list[AnyFact]) -> None:
        """Assert that nothing is graver at any instant, but what somebody agreed to."""
        agreed = {
            one.measure
            for one in facts
            if isinstance(one, Applied) and one.measure in before.measures
        }
        for strike, state in before.strikes.items():
            assert after.strikes[strike].step <= state.step
            assert after.strikes[strike].void >= state.void
        instants = {self.now}
        for measure in after.measures.values():
            for edge in measure.span or ():
                if edge is not None:
                    instants |= {edge - 1, edge, edge + 1}
        for at in instants:
            had = [one for one in before.measures.values() if one.runs(at)]
            for new in after.measures.values():
                if new.runs(at) and new.fact.id not in agreed:
                    assert any(self.at_most(new, old) for old in had), (new, at)
        # Nor does anything wait for people that was not there to wait, or in effect.
        waited = [one for one in before.measures.values() if not is_over(one, self.now)]
        for new in after.proposals():
            assert any(
                self.at_most(new, old) and new.fact.review >= old.fact.review for old in waited
            )

    def at_most(self, new: MeasureState, old: MeasureState) -> bool:
        return new.fact.target == old.fact.target and (
            new.fact.id == old.fact.id
            or new.fact.grade < old.fact.grade
            or self.vocabulary.covers(old.fact, new.fact)
        )

    def check(self) -> None:
        """Assert what has to be true in the end."""
        assert self.ledger.verify() is None
        for record in self.records().values():
            self._measures(record)
            self._steps(record)
        for case in self.cases:
            self._statement(case)

    def _measures(self, record: Record) -> None:
        """Nothing that needs people took effect without as many different ones."""
        for state in record.measures.values():
            if not in_effect(state) or state.fact.review == 0:
                continue
            first = state
            while first.fact.replays:
                first = record.measures[first.fact.replays]
            people = {identity(one) for one in (*state.approvals, *first.approvals)}
            assert len(people) >= state.fact.review
            assert "a-1" not in people or not record.party.endswith("a-1")
        for case in record.cases.values():
            for one in case.appeals:
                if one.judged is None:
                    continue
                took_part = {
                    identity(who)
                    for measure in case.measures
                    for who, said in record.measures[measure].reviews.items()
                    if said.at < one.judged.at
                }
                assert identity(one.judged.reviewer) not in took_part or not one.judged.reviewer
                if one.judged.outcome == "overturned":
                    assert all(record.strikes[strike].void for strike in case.strikes)
                    assert not any(record.measures[m].runs(one.judged.at) for m in case.measures)
            assert len(case.appeals) <= 2

    def _steps(self, record: Record) -> None:
        """Each strike leads where it would have led, had the void ones never been there."""
        void = {one.fact.id for one in record.strikes.values() if one.void}
        for one in record.strikes.values():
            if not one.void:
                counted = self.forum.counted[one.fact.id] - void
                assert one.step == step_after(self.forum.ladder, len(counted))
                # What came of steps that it no longer leads to is over.
                for state in record.measures.values():
                    if one.fact.id in state.fact.strikes and not is_over(state, self.now):
                        assert {step.step for step in state.fact.steps} == {one.step}

    def _statement(self, case: str) -> None:
        for at in (None, BEGIN + (self.now - BEGIN) // 2):
            fact = self.ledger.facts([case])[case]
            if at is not None and at < fact.at:
                continue
            statement = tell(self.ledger, case, at)
            assert statement.found
            for found in statement.found:
                assert found.clauses
                assert found.reason.zh
                assert found.reason.en
            for measure in statement.measures:
                assert measure.until.zh
                assert measure.until.en
                assert measure.notice.zh
                assert measure.notice.en
            assert letter(statement, "zh") != letter(statement, "en")
            assert msgspec.json.decode(msgspec.json.encode(statement), type=type(statement)) == (
                statement
            )
            try:
                assert to_dsa(statement).puid
            except NothingToReportError:
                assert all(one.state != "running" for one in statement.measures)


@settings(deadline=None)
@given(st.integers(0, 6), st.lists(happenings, max_size=40), st.booleans())
def test_whatever_people_decide(cases: int, what: list[tuple[object, ...]], odd: bool) -> None:
    life = Life(odd=odd)
    for _ in range(cases):
        life.happen(("staged", HOUR, "a-1", "high"))
    for one in what:
        life.happen(one)
    life.check()


@settings(deadline=None)
@given(st.integers(1, 7), st.permutations(range(7)))
def test_when_every_strike_is_void_nothing_is_left(count: int, order: list[int]) -> None:
    forum = Forum()
    cases = filled(forum, count)
    at = 10 * DAY
    for number in order:
        if number < count:
            at += HOUR
            filed = appeal(forum, cases[number], at)
            appeals.decide(forum.ledger, filed, "Ann", "overturned", BEGIN + at)
    assert running(forum, at) == {}
    assert queue(forum.ledger, BEGIN + at) == []
    for case in cases:
        told = tell(forum.ledger, case, BEGIN + at)
        assert all(one.void and one.now == 0 for one in told.points)
        assert all(one.state in {"ended", "dropped"} for one in told.measures)
