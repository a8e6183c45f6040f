"""Notices that are filled from what a ledger knows say what the engine says."""

from __future__ import annotations

from clausal.cli.loading import bundle_of
from clausal.enforcement.facts import Case, Finding, Known, Measure
from clausal.enforcement.letters import letter
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.notices import notice
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.review import queue, review
from clausal.enforcement.statements import tell
from tests.support.forum import BEGIN, DAY, Forum


def test_a_notice_with_the_times_of_the_decision_is_that_of_the_decision() -> None:
    bundle = bundle_of([])
    ledger = MemoryLedger()
    facts = (
        Enforcer(bundle, ledger)
        .process([test.event for test in bundle.artifact.corpus.tests])
        .facts
    )
    (known,) = [one for one in facts if isinstance(one, Known)]
    cases = {one.id: one for one in facts if isinstance(one, Case)}
    findings = {one.id: one for one in facts if isinstance(one, Finding)}
    measures = [one for one in facts if isinstance(one, Measure)]
    assert len(measures) > 50
    assert len({one.sanction for one in measures}) > 10
    for one in measures:
        found = [findings[name] for name in one.findings]
        assert notice(known, one, one.end, found, cases[one.case].zone) == one.notice


def test_what_people_agree_to_later_is_told_with_its_own_end() -> None:
    forum = Forum()
    case = [forum.staged("a-1", day * DAY) for day in range(4)][-1]
    assert "Muted until" not in letter(tell(forum.ledger, case), "en")
    mute = queue(forum.ledger, BEGIN + 3 * DAY)[0].measure
    review(forum.ledger, mute.id, "Ann", "approve", BEGIN + 4 * DAY)
    told = "Muted until 4 June 2024, 08:00 (UTC+08:00)."
    assert told in letter(tell(forum.ledger, case), "en")
    (message,) = [one.message for one in forum.ledger.outbox.due(BEGIN + 9 * DAY, 9)]
    assert told.encode() in message.body
