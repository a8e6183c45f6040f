"""From events to facts: strikes, incidents, what ends, and what is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

import clausal
from clausal.enforcement.appeals import file
from clausal.enforcement.facts import (
    AnyFact,
    Appealed,
    Case,
    Ended,
    Finding,
    Incident,
    Judged,
    Measure,
    Reviewed,
    Strike,
)
from clausal.enforcement.memory import MemoryLedger, MemoryTransaction
from clausal.enforcement.processing import Enforcer, Processed
from clausal.enforcement.record import WAITING
from tests.support.enforced import LIBRARY, OTHER, POLICY, event, forum, hours, lie, micro

DAY = 24.0


def run(*events: bytes, size: int = 100) -> tuple[MemoryLedger, list[Processed]]:
    """What becomes of some events."""
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    cuts = range(0, len(events), size)
    return ledger, [enforcer.process(events[cut : cut + size]) for cut in cuts]


def facts(ledger: MemoryLedger) -> list[AnyFact]:
    return [entry.fact for entry in ledger.entries()]


def strikes(ledger: MemoryLedger, ladder: str = "lies") -> list[Strike]:
    return [
        one
        for one in facts(ledger)
        if isinstance(one, Strike) and one.ladder.endswith(ladder) and one.mode == "enforced"
    ]


def measures(found: Iterable[AnyFact], sanction: str = "") -> list[Measure]:
    return [one for one in found if isinstance(one, Measure) and one.sanction.startswith(sanction)]


def ends(ledger: MemoryLedger) -> list[Ended]:
    return [one for one in facts(ledger) if isinstance(one, Ended)]


def steps(ledger: MemoryLedger, ladder: str = "lies") -> list[int]:
    return [one.step for one in strikes(ledger, ladder)]


# ── What an event costs ──────────────────────────────────────────────────────────────────────────


def test_an_event_without_findings_leaves_nothing_behind() -> None:
    ledger, (done,) = run(event("1", 0), event("2", 1))
    assert ledger.head.seq == 0
    assert (done.events, done.cases, done.facts, done.messages) == (2, 0, (), ())


class Counted(MemoryLedger):
    """Counts its transactions."""

    transactions = 0

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        self.transactions += 1
        with super().transaction() as made:
            yield made


def test_a_batch_without_findings_does_not_touch_the_ledger() -> None:
    ledger = Counted()
    enforcer = Enforcer(forum(), ledger)
    enforcer.process([event("1", 0, account__earns=True, account__verified=False)])
    before = ledger.transactions
    # Something is open, and these events are about others.
    enforcer.process([event(f"e{number}", 1, account="other") for number in range(5)])
    assert ledger.transactions == before
    enforcer.process([event("2", 2, account__earns=True)])
    assert ledger.transactions == before + 1


@pytest.mark.parametrize(
    "wrong",
    [b"[]", "nonsense", b"\xff", {"act": {"time": "yesterday"}}, 5, b'{"$history": 5}', None],
)
def test_whatever_is_wrong_is_told(wrong: Any) -> None:
    ledger = MemoryLedger()
    done = Enforcer(forum(), ledger).process([lie("1", 0), wrong, lie("2", 30)])
    assert [problem.index for problem in done.problems] == [1]
    assert str(done.problems[0].error)
    assert steps(ledger) == [1, 2]


def test_a_decision_before_the_act_is_told() -> None:
    done = Enforcer(forum(), MemoryLedger()).process([lie("1", 5), lie("2", 1)], at=hours(2))
    assert [problem.index for problem in done.problems] == [0]


def test_an_act_that_is_yet_to_come_is_told_where_that_is_wanted() -> None:
    ledger = MemoryLedger()
    done = Enforcer(forum(), ledger).process(
        [lie("1", 1), lie("2", 2), lie("3", 3)], latest=hours(2)
    )
    (problem,) = done.problems
    assert problem.index == 2
    assert "act.time" in str(problem.error)
    assert done.cases == 2


def test_an_event_that_is_wrong_is_told_and_the_others_go_on() -> None:
    ledger, (done,) = run(lie("1", 0), b"{}", b"nonsense", lie("2", 30))
    assert [problem.index for problem in done.problems] == [1, 2]
    assert done.cases == 2
    assert "act.time" in str(done.problems[0].error)
    assert steps(ledger) == [1, 2]


# ── Strikes ──────────────────────────────────────────────────────────────────────────────────────


def test_strikes_lead_up_the_ladder() -> None:
    ledger, _ = run(*(lie(str(number), 25.0 * number) for number in range(5)))
    assert steps(ledger) == [1, 2, 3, 4, 4]
    assert [one.active for one in strikes(ledger)] == [0, 1, 2, 3, 4]
    assert [one.next_at for one in strikes(ledger)] == [2, 3, 4, None, None]
    (closure, again) = measures(facts(ledger), "close_account")
    assert closure.strikes == (strikes(ledger)[3].id,)
    assert closure.review == again.review == 2


def test_a_strike_expires_at_exactly_its_issue_and_its_life() -> None:
    for late, step in ((0.0, 1), (-1 / 3600, 2)):
        ledger, _ = run(lie("1", 0), lie("2", 90 * DAY + late))
        assert steps(ledger)[1] == step
        assert strikes(ledger)[0].expires == micro(hours(90 * DAY))


def test_a_strike_that_was_issued_late_hides_none_that_lives_longer() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    # Decided ten days after the act, and so issued after the one that is decided next.
    enforcer.process([lie("1", 0)], at=hours(10 * DAY))
    enforcer.process([lie("2", 50)])
    enforcer.process([lie("3", 95 * DAY)])
    assert steps(ledger) == [1, 1, 2]


def test_the_same_item_is_one_strike_for_ever_and_its_findings_are_kept() -> None:
    ledger, (done,) = run(lie("1", 0, content="x"), lie("2", 50 * DAY, content="x"))
    assert len(strikes(ledger)) == 1
    assert done.cases == 2
    assert len({one.incident for one in facts(ledger) if isinstance(one, Case)}) == 1
    # What the rule itself does, it does again; what the strike brought stays as it was.
    assert len(measures(facts(ledger), "slow")) == 2
    assert len(measures(facts(ledger), "warn")) == 1


def test_copies_and_bursts_are_one_incident_within_a_day_of_its_first_act() -> None:
    within = [lie("1", 0), lie("2", 23), lie("3", 23.9)]
    assert len(strikes(run(*within)[0])) == 1
    assert len(strikes(run(*within, lie("4", 24))[0])) == 2
    # A copy joins the incident of another policy's burst no longer than a day either.
    copies = [
        event("1", 0, content__spam=0.9, content__cluster="k"),
        lie("2", 23, content__cluster="k"),
        lie("3", 25, content__cluster="k"),
    ]
    ledger, _ = run(*copies)
    assert len({one.incident for one in facts(ledger) if isinstance(one, Case)}) == 2
    assert steps(ledger) == [1, 2]


def test_of_several_incidents_the_one_that_began_first_is_meant() -> None:
    ledger, _ = run(
        lie("1", 0, content="x"),
        lie("2", 30, content="y"),
        # The item of the one, and the policy of the other.
        lie("3", 31, content="x"),
    )
    cases = [one for one in facts(ledger) if isinstance(one, Case)]
    assert cases[2].incident == cases[0].incident != cases[1].incident


def test_a_ladder_counts_the_incident_once_although_other_policies_find_it_too() -> None:
    both = lie("1", 0, content="x", content__spam=0.9)
    ledger, _ = run(both, lie("2", 1, content="x", content__spam=0.9), lie("3", 60))
    assert steps(ledger) == [1, 2]
    assert steps(ledger, "spam") == [1]


def test_an_organisation_has_strikes_only_of_acts_at_which_it_was_set() -> None:
    ledger, _ = run(lie("1", 0, org__id="o"), lie("2", 30), lie("3", 60, org__id="o", account="b"))
    assert [(one.on, one.step) for one in strikes(ledger, "agency")] == [
        ("organisation:o", 1),
        ("organisation:o", 2),
    ]
    assert measures(facts(ledger), "unearn")[-1].target == "organisation:o"


def test_a_strike_that_is_none_is_not_taken_for_another_one() -> None:
    # The same rule and the same step each time, but first of the one ladder alone, then of the other.
    ledger, _ = run(lie("1", 0, content="x"), lie("2", 1, content="x", org__id="o"))
    assert [one.target for one in measures(facts(ledger), "warn")] == ["account:a"]
    assert [one.target for one in measures(facts(ledger), "unearn")] == ["organisation:o"]


def test_items_that_are_too_old_bring_no_strike() -> None:
    old = lie("1", 0, content__age_d=91)
    ledger, _ = run(old, lie("2", 30, content__age_d=90))
    assert steps(ledger) == [1]
    assert [one.sanction for one in measures(facts(run(old)[0]))] == ["slow", "remove"]
    # What is severe has four years.
    spam = event("1", 0, content__spam=0.9, content__age_d=91)
    assert steps(run(spam)[0], "spam") == [1]
    older = event("1", 0, content__spam=0.9, content__age_d=1461)
    assert steps(run(older)[0], "spam") == []


def test_rules_may_read_strikes() -> None:
    ledger, _ = run(
        event("1", 0, content__spam=0.9),
        event("2", 40, content__spam=0.5),
        event("3", 80, content__spam=0.9),
        event("4", 120, content__spam=0.5),
    )
    fired = [one for one in facts(ledger) if isinstance(one, Finding) and one.rule == "repeated"]
    cases = {one.id: one.event for one in facts(ledger) if isinstance(one, Case)}
    assert [cases[one.case] for one in fired] == ["4"]
    assert fired[0].saw["content.spam"] == 0.5


def test_rules_do_not_read_the_strikes_of_their_own_incident() -> None:
    before = [event("1", 0, content__spam=0.9), event("2", 40, content="x", content__spam=0.9)]
    for content, fires in (("y", True), ("x", False)):
        ledger, _ = run(*before, event("3", 80, content=content, content__spam=0.5))
        found = [one.rule for one in facts(ledger) if isinstance(one, Finding)]
        assert ("repeated" in found) is fires


class Extended(BaseModel):
    """An event as a model that keeps all keys."""

    model_config = ConfigDict(extra="allow")


def test_strikes_that_an_event_carries_are_not_believed() -> None:
    carried = json.loads(lie("1", 0)) | {"$history": {"strikes": {"lies": 3}}}
    written = json.dumps(carried)
    escaped = written.replace("$history", "\\u0024history")
    for given in (
        written.encode(),
        bytearray(written.encode()),
        memoryview(escaped.encode()),
        written,
        escaped,
        carried,
        Extended.model_validate(carried),
    ):
        ledger = MemoryLedger()
        Enforcer(forum(), ledger).process([given])
        assert steps(ledger) == [1]


@pytest.mark.parametrize(
    ("kind", "appealed", "judged", "step"),
    [
        ({"content__staged": "confirmed"}, 1.0, False, 1),
        ({"content__staged": "confirmed"}, 1.0, True, 2),
        ({"content__spam": 0.9}, 1.0, False, 2),
    ],
)
def test_an_undecided_appeal_suspends_strikes_that_are_not_severe(
    kind: dict[str, Any], appealed: float, judged: bool, step: int
) -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    first = enforcer.process([event("1", 0, **kind)]).facts
    (case,) = [one for one in first if isinstance(one, Case)]
    appeal_against(ledger, case, appealed, judged=judged)
    enforcer.process([event("2", 25 * DAY, **kind)])
    assert [one.step for one in facts(ledger) if isinstance(one, Strike)][-1] == step


@pytest.mark.parametrize(("days", "step"), [(179, 1), (180, 2)])
def test_an_appeal_that_is_late_suspends_nothing(days: int, step: int) -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    kind = {"content__staged": "confirmed"}
    (case,) = [
        one for one in enforcer.process([event("1", 0, **kind)]).facts if isinstance(one, Case)
    ]
    file(ledger, case.id, "account:a", "no", case.at + days * 24 * 3_600_000_000)
    enforcer.process([event("2", 25 * DAY, **kind)])
    assert [one.step for one in facts(ledger) if isinstance(one, Strike)][-1] == step


def appeal_against(ledger: MemoryLedger, case: Case, at: float, *, judged: bool) -> None:
    made: list[AnyFact] = [
        Appealed(id="p", at=micro(hours(at)), parties=case.parties, case=case.id, by="a", text="")
    ]
    if judged:
        made.append(
            Judged(
                id="j",
                at=micro(hours(at)),
                parties=case.parties,
                appeal="p",
                case=case.id,
                reviewer="r",
                outcome="upheld",
            )
        )
    with ledger.transaction() as writing:
        writing.append(made)


# ── Shadow ───────────────────────────────────────────────────────────────────────────────────────


def test_shadow_findings_are_recorded_and_nothing_follows() -> None:
    ledger, (done,) = run(event("1", 0, content__spam=0.5))
    (finding,) = [one for one in facts(ledger) if isinstance(one, Finding)]
    assert (finding.rule, finding.mode) == ("watched", "shadow")
    assert not [one for one in facts(ledger) if isinstance(one, Incident | Measure)]
    assert done.messages == ()
    # Nor does it count, or make an incident last longer.
    ledger, _ = run(
        event("1", 0, content__spam=0.5),
        event("2", 23, content__spam=0.9),
        event("3", 25, content__spam=0.9),
    )
    assert steps(ledger, "spam") == [1]


def test_shadow_findings_make_no_incident_larger() -> None:
    # The first is a lie, and the shadow rule of the other policy fires beside it.
    ledger, _ = run(lie("1", 0, content__spam=0.5), event("2", 1, content__spam=0.9))
    assert len({one.incident for one in facts(ledger) if isinstance(one, Case)}) == 2


def test_a_measure_names_the_strikes_that_it_follows_from() -> None:
    ledger, _ = run(event("1", 0, content__spam=0.9))
    both = [one for one in facts(ledger) if isinstance(one, Strike)]
    assert sorted(one.mode for one in both) == ["enforced", "shadow"]
    (warning,) = measures(facts(ledger), "warn")
    (slow,) = measures(facts(ledger), "slow")
    assert warning.strikes == tuple(one.id for one in strikes(ledger, "spam"))
    assert slow.strikes == ()


# ── What is told ─────────────────────────────────────────────────────────────────────────────────


def test_what_waits_for_people_is_not_told_to_the_platform() -> None:
    ledger, done = run(*(lie(str(number), 25.0 * number) for number in range(4)))
    told = [json.loads(one.body) for one in done[0].messages]
    (third,) = [one for one in measures(facts(ledger), "mute") if one.review]
    (fourth,) = measures(facts(ledger), "close_account")
    assert {third.id, fourth.id}.isdisjoint(one["measure"] for one in told)
    assert third.deadline == third.at + 24 * 3_600_000_000
    assert len(told) == len(measures(facts(ledger))) - 2
    first = told[0]
    assert (first["action"], first["event"], first["target"]) == (
        "apply",
        "0",
        {"kind": "account", "id": "a"},
    )
    assert first["start"] == "2024-05-01T00:00:00+00:00"
    assert set(first["notice"]) == {"zh", "en"}


def test_what_waits_for_appeals_waits_for_a_person() -> None:
    ledger, done = run(event("1", 0, content__spam=0.99))
    (purge,) = measures(facts(ledger), "purge")
    assert purge.review == 1
    assert WAITING in purge.parties
    assert not [one for one in done[0].messages if b"purge" in one.body]


def test_a_target_that_is_not_told_is_ordered_by_its_case() -> None:
    ledger, done = run(lie("1", 0, account=None))
    assert not strikes(ledger)
    (slow,) = measures(facts(ledger), "slow")
    assert slow.target == "account:"
    (told,) = [one for one in done[0].messages if b'"slow"' in one.body]
    assert told.key == slow.case
    assert json.loads(told.body)["target"] == {"kind": "account", "id": None}


# ── What ends ────────────────────────────────────────────────────────────────────────────────────


def test_what_lasts_until_fixed_ends_when_its_target_is_mended() -> None:
    wrong: dict[str, Any] = {"account__earns": True, "account__verified": False}
    ledger, done = run(
        event("1", 0, content="x", **wrong),
        event("2", 1, content="y", **wrong),
        event("3", 2, content="z", account__earns=True),
    )
    assert [one.by for one in ends(ledger)] == ["3", "3"]
    # Two were of the account; those on the items stay until an event about these items.
    held = {one.id: one.sanction for one in measures(facts(ledger))}
    assert [held[one.measure] for one in ends(ledger)] == ["unearn", "unearn"]
    assert [message.action for message in done[-1].messages][-2:] == ["end", "end"]


@pytest.mark.parametrize("late", ["undetermined", "earlier", "other"])
def test_what_lasts_until_fixed_goes_on_otherwise(late: str) -> None:
    wrong = event("1", 5, account__earns=True, account__verified=False)
    after = {
        "undetermined": event("2", 6, account__earns=True, account__verified=None),
        "earlier": event("2", 4, account__earns=True),
        "other": event("2", 6, account="b", account__earns=True),
    }[late]
    assert not ends(run(wrong, after)[0])


def test_an_interim_measure_ends_with_the_suspicion() -> None:
    suspected = event("1", 0, content="x", content__staged="suspected")
    labelled = event("2", 1, content="x", content__staged="suspected", content__label=True)
    other = event("3", 1, content="y")
    assert [one.by for one in ends(run(suspected, other, labelled)[0])] == ["2"]
    assert not ends(run(suspected, other)[0])
    assert not strikes(run(suspected, labelled)[0])


def test_an_interim_measure_ends_when_nobody_looked_at_it_in_time() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    enforcer.process([event("1", 0, content__staged="suspected")])
    assert enforcer.sweep(hours(24) - timedelta(microseconds=1)).facts == ()
    done = enforcer.sweep(hours(48))
    (ended,) = done.facts
    assert isinstance(ended, Ended)
    assert (ended.why, ended.at) == ("lapsed", micro(hours(24)))
    assert [message.action for message in done.messages] == ["end"]
    assert enforcer.sweep(hours(48)).facts == ()
    assert Enforcer(forum(), ledger).sweep(hours(99)).facts == ()


def test_a_suspicion_is_renewed_once_and_then_ends_in_a_verdict() -> None:
    def suspected(name: str, at: float) -> bytes:
        return event(name, at, content="x", content__staged="suspected")

    ledger, _ = run(suspected("1", 0), suspected("2", 71), suspected("3", 72), suspected("4", 500))
    assert [one.start for one in measures(facts(ledger))] == [micro(hours(0)), micro(hours(71))]
    assert len([one for one in facts(ledger) if isinstance(one, Finding)]) == 4
    # One that was mended is over, and a new one is another.
    mended = event("2", 5, content="x", content__staged="suspected", content__label=True)
    ledger, _ = run(suspected("1", 0), mended, suspected("3", 80))
    assert len(measures(facts(ledger))) == 2


def test_a_deadline_is_over_at_its_instant() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    enforcer.process([event("1", 0, content__staged="suspected")])
    assert len(enforcer.sweep(hours(24)).facts) == 1


def test_an_interim_measure_that_somebody_let_be_does_not_lapse() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    (measure,) = measures(enforcer.process([event("1", 0, content__staged="suspected")]).facts)
    word = Reviewed(
        id="r",
        at=micro(hours(1)),
        parties=measure.parties,
        measure=measure.id,
        reviewer="r",
        verdict="approve",
    )
    with ledger.transaction() as writing:
        writing.append([word])
    assert enforcer.sweep(hours(48)).facts == ()


def test_an_interim_measure_that_ended_by_itself_does_not_end_again() -> None:
    ledger, _ = run(event("1", 0, content="x", content__staged="suspected"))
    enforcer = Enforcer(forum(), ledger)
    enforcer.process([event("2", 73, content="x")])
    assert not ends(ledger)


# ── Once, and alike ──────────────────────────────────────────────────────────────────────────────

STORY: Sequence[bytes] = (
    lie("1", 0, content="x"),
    event("2", 1, content__spam=0.9),
    event("3", 2),
    lie("4", 30, org__id="o"),
    event("5", 31, content="y", content__staged="suspected"),
    lie("6", 60, content="x"),
    event("7", 61, content="y"),
    event("8", 62, account__earns=True, account__verified=False),
    event("9", 63, account="b", content__spam=0.9),
    event("10", 64, account__earns=True),
    lie("11", 90),
)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11])
def test_how_events_are_cut_into_batches_changes_nothing(size: int) -> None:
    whole, _ = run(*STORY)
    assert list(run(*STORY, size=size)[0].entries()) == list(whole.entries())


def test_handing_an_event_in_again_changes_nothing() -> None:
    whole, _ = run(*STORY)
    twice, _ = run(*(one for one in STORY for _ in range(2)), size=3)
    assert list(twice.entries()) == list(whole.entries())
    enforcer = Enforcer(forum(), whole)
    again = enforcer.process(STORY)
    assert (again.facts, again.messages, again.cases) == ((), (), 0)
    assert again.repeated == 8
    assert whole.verify(whole.head) is None


def test_events_without_a_name_are_known_by_what_they_say() -> None:
    nameless = json.loads(lie("1", 0))
    del nameless["act"]["id"]
    shuffled = {key: dict(reversed(list(nameless[key].items()))) for key in reversed(nameless)}
    ledger, done = run(json.dumps(nameless).encode(), json.dumps(shuffled, indent=1).encode())
    assert (done[0].cases, done[0].repeated) == (1, 1)
    assert steps(ledger) == [1]


@pytest.mark.parametrize("names", [("", ""), ("\ud800", "\ud801")])
def test_events_whose_names_name_none_are_told_apart(names: tuple[str, str]) -> None:
    events = [lie(name, at, account=f"a{at}") for at, name in enumerate(names)]
    ledger, (done,) = run(*events)
    assert (done.cases, done.repeated) == (2, 0)
    assert steps(ledger) == [1, 1]
    assert run(*events, *events)[1][0].repeated == 2


@pytest.mark.parametrize("account", ["", "\ud800"])
def test_accounts_whose_names_name_none_share_no_strikes(account: str) -> None:
    ledger, (done,) = run(*(lie(str(day), day * 2 * DAY, account=account) for day in range(3)))
    assert done.cases == 3
    assert not strikes(ledger)
    assert not [one for one in facts(ledger) if any("account:" in party for party in one.parties)]
    assert {one.target for one in measures(facts(ledger))} <= {
        "account:",
        *(f"content:c-{number}" for number in range(3)),
    }


def test_two_enforcers_on_one_ledger_see_what_the_other_did() -> None:
    ledger = MemoryLedger()
    two = [Enforcer(forum(), ledger), Enforcer(forum(), ledger)]
    for number, one in enumerate(STORY):
        two[number % 2].catch_up()
        two[number % 2].process([one])
    assert list(ledger.entries()) == list(run(*STORY)[0].entries())


def test_records_that_were_let_go_are_read_again() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger, keep=1)
    for one in STORY:
        enforcer.process([one])
    assert list(ledger.entries()) == list(run(*STORY)[0].entries())


def test_what_fails_leaves_nothing_behind_and_can_be_done_again() -> None:
    class Failing(MemoryLedger):
        fails = False

        def _take(self, done: MemoryTransaction) -> None:
            if self.fails:
                raise OSError("full")
            super()._take(done)

    ledger = Failing()
    enforcer = Enforcer(forum(), ledger)
    enforcer.process(STORY[:4])
    ledger.fails = True
    with pytest.raises(OSError, match="full"):
        enforcer.process(STORY[4:])
    ledger.fails = False
    enforcer.process(STORY[4:])
    assert list(ledger.entries()) == list(run(*STORY)[0].entries())


def test_what_lapses_is_said_by_the_procedure_of_the_day_of_the_decision(tmp_path: Path) -> None:
    for text in (LIBRARY, POLICY, OTHER):
        later = text.replace("  lapse interim\n", "")
        (tmp_path / f"{text.split()[1]}.policy").write_text(later, "utf-8")
    (tmp_path / "notice.txt").write_text("不得造假。不得刷屏。应当认证。", "utf-8")
    ledger = MemoryLedger()
    Enforcer(forum(), ledger).process([event("1", 0, content__staged="suspected")])
    done = Enforcer(clausal.compile(tmp_path), ledger).sweep(hours(48))
    assert [one.why for one in done.facts if isinstance(one, Ended)] == ["lapsed"]


# ── Rules that read strikes ──────────────────────────────────────────────────────────────────────

READER = """\
policy forum.reader 1.0.0 {
  title  zh "屡犯"  en "Repeaters"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use forum.base 1
}

clause 1 "不得造假。"

ladder lies by subject within 90d  zh "造假"  en "Lies" {
  1+ => warn for 90d
}

ladder repeats by subject within 90d  zh "屡犯"  en "Repeats" {
  1  => warn for 90d
  2+ => mute for 3d
}

rule staged {
  cites  1
  when   content.staged == confirmed
  then   ladder lies
  because zh "摆拍造假。"  en "It is staged."
}

rule again {
  cites  1
  when   strikes of lies >= 1 and content.spam >= 0.5
  then   ladder repeats
  because zh "屡次。"  en "Again."
}
"""


def test_an_incident_is_known_where_only_rules_that_read_strikes_fire(tmp_path: Path) -> None:
    (tmp_path / "base.policy").write_text(LIBRARY, "utf-8")
    (tmp_path / "reader.policy").write_text(READER, "utf-8")
    (tmp_path / "notice.txt").write_text("不得造假。", "utf-8")
    bundle = clausal.compile(tmp_path)
    ledger = MemoryLedger()
    for one in (
        lie("1", 0),
        event("2", 100, content="x", content__spam=0.9),
        event("3", 101, content="x", content__spam=0.9),
    ):
        # Each in a process of its own, which has read nothing yet.
        Enforcer(bundle, ledger).process([one])
    assert steps(ledger, "repeats") == [1]
    assert len({one.incident for one in facts(ledger) if isinstance(one, Case)}) == 2
