"""Replays, against the enforcer: what is left is what would have come had the void strikes never been."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clausal
from clausal.enforcement import appeals
from clausal.enforcement.facts import Case, Strike
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.record import Record
from clausal.enforcement.statements import tell

COUNTED = """\
ladder conduct by account within 60d {
  1  => warn for 30d
  2  => limit_reach 50% on account for 7d
  3  => mute for 3d
  4+ => mute for 30d
}
"""
POINTS = """\
ladder conduct by account {
  families [truth, fraud]
  points low 1, medium 2, high 4
  counts family, half of all
  life 30d, 60d from 3 points
  from high step 2
  probation 20d after mute
  1   => warn for 30d
  2   => limit_reach 50% on account for 7d
  4   => mute for 3d
  7   => mute for 5d
  10+ => mute for 30d
}
"""
POLICY = """\
policy forum.conduct 1.0.0 {
  title  zh "行为"  en "Conduct"
  in force 2024-01-01 ..
  time zone "UTC"
  use standard.platform 1
  use standard.sanctions 1
}

clause 1 "不得造假。"

"""
RULE = """\
rule {name} {{
  cites 1
  when content.topic == {topic}
  severity {severity}
  then ladder conduct{family}
  because zh "造假。" en "False."
}}

"""
TOPICS = {
    "finance": ("low", "truth"),
    "medical": ("medium", "truth"),
    "legal": ("high", "truth"),
    "business": ("medium", "fraud"),
    "daily": ("high", "fraud"),
}


@functools.cache
def bundle(*, points: bool) -> clausal.Bundle:
    rules = "".join(
        RULE.format(
            name=f"about_{topic}",
            topic=topic,
            severity=severity,
            family=f" in {family}" if points else "",
        )
        for topic, (severity, family) in TOPICS.items()
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "conduct.policy")
        path.write_text(POLICY + (POINTS if points else COUNTED) + "\n" + rules, encoding="utf-8")
        return clausal.compile(folder)


Life = list[tuple[str, int]]


def events(life: Life) -> list[dict[str, object]]:
    at = datetime(2024, 5, 1, tzinfo=UTC)
    made: list[dict[str, object]] = []
    for number, (topic, hours) in enumerate(life):
        at += timedelta(hours=hours)
        made.append(
            {
                "context": {"event_id": f"e-{number}", "time": at.isoformat()},
                "account": {"id": "a"},
                "content": {"id": f"c-{number}", "topic": topic},
            }
        )
    return made


def steps(ledger: MemoryLedger) -> dict[str, int]:
    """Return the step of each event whose strike is valid."""
    record = Record.of("account:a", ledger.about("account:a"))
    return {
        record.cases[one.fact.case].fact.event: one.step
        for one in record.strikes.values()
        if not one.void
    }


lives = st.lists(
    st.tuples(st.sampled_from(sorted(TOPICS)), st.sampled_from([1, 30, 24 * 6, 24 * 25, 24 * 31])),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("points", [False, True])
@settings(deadline=None)
@given(life=lives, wrong=st.lists(st.integers(0, 11), max_size=4, unique=True))
def test_what_is_left_is_what_would_have_come(points: bool, life: Life, wrong: list[int]) -> None:
    ledger = MemoryLedger()
    found = Enforcer(bundle(points=points), ledger).process(events(life)).facts
    cases = {one.event: one for one in found if isinstance(one, Case)}
    before = {one.case: one.step for one in found if isinstance(one, Strike)}
    at = max(one.at for one in cases.values())
    # An appeal after half a year comes too late.
    wrong = [
        number
        for number in wrong
        if number < len(life) and at - cases[f"e-{number}"].at < 179 * 86_400_000_000
    ]
    for number in wrong:
        at += 3_600_000_000
        filed = appeals.file(ledger, cases[f"e-{number}"].id, "a", "no", at)[0]
        appeals.decide(ledger, filed.id, "Ann", "overturned", at)
    fresh = MemoryLedger()
    rest = [one for number, one in enumerate(events(life)) if number not in wrong]
    Enforcer(bundle(points=points), fresh).process(rest)
    after = steps(ledger)
    assert after.keys() == steps(fresh).keys()
    for event, step in steps(fresh).items():
        assert after[event] <= before[cases[event].id]
        assert after[event] == step
        told = tell(ledger, cases[event].id, at).points[0]
        assert (told.anew[1] if told.anew else told.step) == step
    assert ledger.verify() is None
