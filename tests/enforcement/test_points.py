"""Strikes on a ladder of points: the shipped ladder, with the ledger at hand."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clausal
from clausal.enforcement.appeals import decide, file
from clausal.enforcement.facts import AnyFact, Measure, Replayed, Strike, Voided, name
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.processing import Enforcer

RULE = """
rule {name} {{
  cites  1
  when   content.topic == {topic}
  severity {severity}
  then   ladder standing in {family}
  because zh "不当。"  en "It is wrong."
}}
"""

RULES = {
    "omission": ("daily", "info", "truth"),
    "minor": ("business", "low", "truth"),
    "medium": ("legal", "medium", "truth"),
    "serious": ("finance", "high", "truth"),
    "grave": ("medical", "severe", "truth"),
    "unbearable": ("emergency", "critical", "safety"),
    "elsewhere": ("education", "medium", "persons"),
}
"""By name: the topic that stands for the conduct, the severity and the family."""


@functools.cache
def bundle() -> clausal.Bundle:
    head = """\
policy example.points 1.0.0 {
  title  zh "计分"  en "Points"
  in force 2020-01-01 ..
  time zone "Asia/Shanghai"
  use standard.platform 1
  use standard.sanctions 1
  use standard.strikes 1
  use standard.procedure 1
}

clause 1 "不得不当。"
"""
    rules = [
        RULE.format(name=name, topic=topic, severity=severity, family=family)
        for name, (topic, severity, family) in RULES.items()
    ]
    with TemporaryDirectory() as folder:
        Path(folder, "points.policy").write_text(head + "".join(rules), "utf-8")
        return clausal.compile(folder)


START = datetime.fromisoformat("2024-03-01T00:00:00+08:00")


class Life:
    """A person, and what becomes of their standing; times are days after the start."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.enforcer = Enforcer(bundle(), self.ledger)
        self._count = 0

    def does(
        self, conduct: str, day: float, *, item: str | None = None, seconds: float = 0
    ) -> list[Strike]:
        """The strikes that an act brings."""
        return [
            fact for fact in self.facts(conduct, day, item, seconds) if isinstance(fact, Strike)
        ]

    def facts(
        self, conduct: str, day: float, item: str | None = None, seconds: float = 0
    ) -> tuple[AnyFact, ...]:
        self._count += 1
        time = START + timedelta(days=day, seconds=seconds)
        done = self.enforcer.process(
            [
                {
                    "context": {"event_id": str(self._count), "time": time.isoformat()},
                    "content": {"id": item or f"c{self._count}", "topic": RULES[conduct][0]},
                    "account": {"id": "a", "subject_id": "s"},
                }
            ]
        )
        assert not done.problems
        return done.facts


def steps(strikes: Iterable[Strike]) -> list[int]:
    return [one.step for one in strikes]


@pytest.mark.parametrize(("early", "counts", "step"), [(0, 4, 3), (-1, 6, 4)])
def test_the_ninetieth_day_to_the_second(early: float, counts: float, step: int) -> None:
    life = Life()
    life.does("medium", 0)
    life.does("medium", 45)
    (third,) = life.does("medium", 90, seconds=early)
    assert (third.points, third.counts, third.step) == (2, counts, step)
    assert third.on == "subject:s"


@pytest.mark.parametrize(
    ("conduct", "points", "step"),
    [
        ("omission", 0, 0),
        ("minor", 1, 1),
        ("medium", 2, 2),
        ("serious", 4, 3),
        ("grave", 8, 5),
        ("unbearable", 12, 6),
    ],
)
def test_the_weight_of_a_first_strike(conduct: str, points: float, step: int) -> None:
    (strike,) = Life().does(conduct, 0)
    assert (strike.points, strike.step, strike.active) == (points, step, 0)


def test_what_is_spread_over_families_counts_half() -> None:
    life = Life()
    life.does("medium", 0)
    (other,) = life.does("elsewhere", 10)
    assert (other.active, other.counts, other.step, other.family) == (2, 2, 2, "persons")
    life.does("medium", 20)
    (fourth,) = life.does("elsewhere", 30)
    assert (fourth.active, fourth.counts, fourth.step) == (6, 4, 3)


def test_a_graver_finding_in_an_incident_adds_the_difference() -> None:
    life = Life()
    (first,) = life.does("medium", 0, item="x")
    (second,) = life.does("serious", 1, item="x")
    assert (first.points, second.points) == (2, 2)
    assert (second.active, second.counts, second.step) == (0, 4, 3)
    assert second.incident == first.incident
    # No more, and no less, adds nothing.
    assert life.does("serious", 2, item="x") == []
    assert life.does("minor", 3, item="x") == []
    (later,) = life.does("medium", 30)
    assert (later.active, later.counts, later.step) == (4, 6, 4)


def test_the_sum_of_an_incident_is_the_same_whatever_came_first() -> None:
    counts = []
    for order in (("medium", "serious"), ("serious", "medium")):
        life = Life()
        for number, conduct in enumerate(order):
            life.does(conduct, number, item="x")
        (later,) = life.does("minor", 30)
        counts.append(later.counts)
    assert counts == [5, 5]


def test_who_was_muted_is_on_probation_for_thirty_days() -> None:
    for day, seconds, step in ((93, -1, 3), (93, 0, 2), (62, 0, 4)):
        life = Life()
        life.does("medium", 0)
        facts = life.facts("medium", 60)
        (mute,) = [one for one in facts if isinstance(one, Measure) and one.sanction == "mute"]
        assert mute.length == 3 * 86_400_000_000
        # The first has expired after ninety days, and what is left alone leads to the second step. The
        # mute ended with the 63rd day; while it runs there is no probation, but enough points.
        (strike,) = life.does("minor" if day > 90 else "medium", day, seconds=seconds)
        assert strike.step == step
    # Another family is not on probation.
    life = Life()
    life.does("medium", 0)
    life.does("medium", 60)
    (other,) = life.does("elsewhere", 91)
    assert (other.counts, other.step) == (2, 2)


def test_a_void_strike_has_no_points_and_no_probation() -> None:
    life = Life()
    struck = [*life.does("medium", 0), *life.does("medium", 60)]
    with life.ledger.transaction() as writing:
        writing.append(
            [
                Voided(
                    id=name("voided", one.id),
                    at=one.at + 1,
                    parties=one.parties,
                    strike=one.id,
                    why="overturned",
                )
                for one in struck
            ]
        )
    (strike,) = life.does("minor", 91)
    assert (strike.active, strike.counts, strike.step) == (0, 1, 1)


def overturn(life: Life, strike: Strike, day: float) -> dict[str, Replayed]:
    """What an appeal against a strike leads others to, by their names."""
    at = int((START + timedelta(days=day)).timestamp() * 1_000_000)
    appeal = file(life.ledger, strike.case, "a", "no", at)[0]
    facts = decide(life.ledger, appeal.id, "wang", "overturned", at)
    return {fact.strike: fact for fact in facts if isinstance(fact, Replayed)}


def test_what_was_void_before_a_strike_of_its_incident_is_no_part_of_it_later() -> None:
    life = Life()
    (other,) = life.does("medium", 0)
    (wrong,) = life.does("medium", 2, item="x")
    overturn(life, wrong, 3)
    (again,) = life.does("serious", 4, item="x")
    assert (again.points, again.counts, again.step) == (4, 6, 4)
    found = overturn(life, other, 5)[again.id]
    assert (found.counts, found.step) == (4, 3)


def test_how_far_the_next_step_is() -> None:
    life = Life()
    assert [strike.next_at for strike in life.does("minor", 0)] == [2]
    assert [strike.next_at for strike in life.does("serious", 30)] == [6]
    assert [strike.next_at for strike in life.does("unbearable", 60)] == [None]


def test_a_person_nobody_named_has_no_standing() -> None:
    enforcer = Enforcer(bundle(), MemoryLedger())
    done = enforcer.process(
        [
            {
                "context": {"event_id": "1", "time": START.isoformat()},
                "content": {"id": "c", "topic": "legal"},
                "account": {"id": "a"},
            }
        ]
    )
    assert done.cases == 1
    assert not [fact for fact in done.facts if isinstance(fact, Strike | Measure)]


# ── The meaning ──────────────────────────────────────────────────────────────────────────────────

WEIGHTS = {"info": 0, "low": 1, "medium": 2, "high": 4, "severe": 8, "critical": 12}
SINCE = (1, 2, 4, 6, 8, 12)
JUMPS = {"severe": 5, "critical": 6}
MUTED = {3: 3.0}
"""Days of silence that nobody has to agree to, by step."""


class Plain:
    """A standing, as somebody would keep it on paper: all times in days."""

    def __init__(self) -> None:
        self.strikes: list[tuple[float, int, str, float]] = []  # issued, points, family, life
        self.incidents: list[tuple[float, set[str], list[int]]] = []  # opened, items, its strikes
        self.served: list[tuple[str, int, float, int]] = []  # family, step, until, strike

    def act(self, now: float, item: str, conduct: str) -> tuple[int, int] | None:
        """The points and the step that an act brings; None: no strike."""
        _, severity, family = RULES[conduct]
        weight = WEIGHTS[severity]
        # All rules are of one policy, so that a day is one burst.
        reached = [one for one in self.incidents if item in one[1] or now - one[0] < 1]
        if reached:
            incident = min(reached, key=lambda one: one[0])
        else:
            incident = (now, set(), [])
            self.incidents.append(incident)
        incident[1].add(item)
        own = incident[2]
        has = sum(self.strikes[number][1] for number in own)
        if own and weight <= has:
            return None
        sums: dict[str, int] = {}
        for number, (issued, points, of, life) in enumerate(self.strikes):
            if number not in own and issued <= now < issued + life:
                sums[of] = sums.get(of, 0) + points
        sums[family] = sums.get(family, 0) + weight
        counts = max(sums[family], -(-sum(sums.values()) // 2))
        step = sum(since <= counts for since in SINCE)
        step = max(step, JUMPS.get(severity, 0))
        for of, served, until, number in self.served:
            if of == family and number not in own and until <= now < until + 30:
                step = max(step, served)
        if weight == 0:
            step = 0
        life = 90.0 if weight < 3 else 365.0 if weight < 12 else 1e9
        own.append(len(self.strikes))
        self.strikes.append((now, weight - has, family, life))
        if step in MUTED:
            self.served.append((family, step, now + MUTED[step], own[-1]))
        return weight - has, step


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(RULES)),
            st.sampled_from("xyz123456789"),
            st.sampled_from([0.25, 1.0, 5.0, 27.0, 30.0, 88.0]),
        ),
        max_size=12,
    )
)
def test_the_standing_is_what_the_policy_says(
    acts: list[tuple[str, str, float]],
) -> None:
    life, plain, now = Life(), Plain(), 0.0
    for conduct, item, later in acts:
        now += later
        found = [(one.points, one.step) for one in life.does(conduct, now, item=item)]
        expected = plain.act(now, item, conduct)
        assert found == ([] if expected is None else [expected])
