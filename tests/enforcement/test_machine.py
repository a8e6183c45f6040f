"""The enforcer against a plain model of the same rules, whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from clausal.enforcement.effective import Vocabulary
from clausal.enforcement.facts import AnyFact, Appealed, Ended, Judged, Strike, Voided, name
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.messages import end as end_message
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.record import Record
from tests.support.enforced import event, forum, hours, micro

DAY = 24.0

# What the policies say, once more: sanction, kind of target, hours (None: no end), strength, people.
LADDERS: dict[str, dict[int, list[tuple[str, float | None, int]]]] = {
    "lies": {
        1: [("warn", 90 * DAY, 0)],
        2: [("mute", 3 * DAY, 0), ("unearn", 6 * DAY, 0)],
        3: [("mute", 7 * DAY, 1), ("unearn", 14 * DAY, 0)],
        4: [("close_account", None, 2)],
    },
    "spam": {1: [("warn", 30 * DAY, 0)], 2: [("suspend", DAY, 0)], 3: [("suspend", 3 * DAY, 1)]},
}
VOCABULARY = Vocabulary(forum().artifact.corpus.sanctions)
LIVES = {"lies": 90 * DAY, "spam": 30 * DAY}


@dataclass
class PlainIncident:
    """What happened: which items, copies and policies it is about, and its strikes by ladder."""

    opened: float
    contents: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)

    def shares(self, at: float, content: str, cluster: str, policies: set[str]) -> bool:
        near = abs(at - self.opened) < DAY
        return content in self.contents or (
            near and (cluster in self.clusters or bool(policies & self.policies))
        )


@dataclass
class PlainStrike:
    """A strike as a reader of the policy would write it down."""

    ladder: str
    issued: float
    incident: PlainIncident
    event: str
    void: bool = False
    appealed: bool = False

    def counts(self, at: float) -> bool:
        suspended = self.appealed and self.ladder == "lies"
        return (
            not self.void and not suspended and self.issued <= at < self.issued + LIVES[self.ladder]
        )


@dataclass
class PlainMeasure:
    """A measure that took effect, or waits for people."""

    sanction: str
    target: str
    start: float
    end: float | None
    strength: float = 0.0
    review: int = 0
    places: tuple[str, ...] = ()
    mended_by: str = ""
    deadline: float | None = None
    event: str = ""
    suspects: tuple[str, str] | None = None

    def runs(self, at: float) -> bool:
        return self.review == 0 and self.start <= at and (self.end is None or at < self.end)


class Platform(RuleBasedStateMachine):
    """Accounts act, people appeal, time goes by, and the process is started anew."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = MemoryLedger()
        self.enforcer = Enforcer(forum(), self.ledger)
        self.now = 0.0
        self.count = 0
        self.given: list[bytes] = []
        self.incidents: dict[str, list[PlainIncident]] = {}
        self.strikes: dict[str, list[PlainStrike]] = {}
        self.measures: list[PlainMeasure] = []
        self.steps: list[tuple[str, str, int]] = []

    # ── What happens ─────────────────────────────────────────────────────────────────────────────

    @rule(
        account=st.sampled_from("ab"),
        content=st.sampled_from("xyz"),
        cluster=st.sampled_from("kl"),
        kind=st.sampled_from(
            ["lie", "spam", "both", "half", "suspect", "unverified", "clean", "unknown"]
        ),
        old=st.booleans(),
        later=st.sampled_from([0.5, 7.0, 23.0, 25.0, 29 * DAY, 61 * DAY]),
    )
    def act(
        self, account: str, content: str, cluster: str, kind: str, old: bool, later: float
    ) -> None:
        # Never two acts at once, so that no two incidents begin together.
        self.now += later + 0.001
        self.count += 1
        label = f"e{self.count}"
        data = event(
            label,
            self.now,
            account=account,
            content=content,
            content__cluster=cluster,
            content__staged={"lie": "confirmed", "both": "confirmed", "suspect": "suspected"}.get(
                kind, "none"
            ),
            content__spam={"spam": 0.9, "both": 0.9, "half": 0.5}.get(kind, 0),
            content__age_d=100 if old else 1,
            account__earns=None if kind == "unknown" else kind == "unverified",
            account__verified=kind not in {"unverified", "unknown"},
        )
        self.given.append(data)
        done = self.enforcer.process([data])
        assert not done.problems
        self._model(label, account, content, cluster, kind, old)

    @rule(number=st.integers(0, 99))
    @precondition(lambda self: self.given)
    def repeat(self, number: int) -> None:
        """An event that is handed in again changes nothing, however late."""
        before = self.ledger.head
        self.enforcer.process([self.given[number % len(self.given)]])
        assert self.ledger.head == before

    @rule(later=st.sampled_from([0.0, 5.0, 30.0]))
    def sweep(self, later: float) -> None:
        self.now += later
        self.enforcer.sweep(hours(self.now))
        for one in self.measures:
            if one.deadline is not None and one.deadline <= self.now:
                one.end = one.deadline if one.end is None else min(one.end, one.deadline)

    @rule()
    def restart(self) -> None:
        self.enforcer = Enforcer(forum(), self.ledger)

    @rule(account=st.sampled_from("ab"), number=st.integers(0, 99))
    def appeal(self, account: str, number: int) -> None:
        known = [one for one in self.strikes.get(account, []) if not one.appealed and not one.void]
        if not known:
            return
        one = known[number % len(known)]
        case = name("case", one.event)
        parties = self._parties(case)
        with self.ledger.transaction() as writing:
            writing.append(
                [
                    Appealed(
                        id=name("appeal", case, str(self.ledger.head.seq)),
                        at=micro(hours(self.now)),
                        parties=parties,
                        case=case,
                        by=account,
                        text="",
                    )
                ]
            )
        for other in self.strikes[account]:
            other.appealed |= other.event == one.event

    @rule(account=st.sampled_from("ab"), upheld=st.booleans())
    def judge(self, account: str, upheld: bool) -> None:
        known = [one for one in self.strikes.get(account, []) if one.appealed]
        if not known:
            return
        case = name("case", known[0].event)
        record = self._record(f"account:{account}")
        facts: list[AnyFact] = []
        messages = []
        at = micro(hours(self.now))
        facts += [
            Judged(
                id=name("judged", appeal.fact.id),
                at=at,
                parties=appeal.fact.parties,
                appeal=appeal.fact.id,
                case=case,
                reviewer="r",
                outcome="upheld" if upheld else "overturned",
            )
            for appeal in record.cases[case].appeals
            if appeal.judged is None
        ]
        if not upheld:
            facts += [
                Voided(
                    id=name("voided", strike),
                    at=at,
                    parties=record.strikes[strike].fact.parties,
                    strike=strike,
                    why="overturned",
                )
                for strike in record.cases[case].strikes
            ]
            over = [record.measures[measure] for measure in record.cases[case].measures]
            for measure in (one.fact for one in over if one.ended is None):
                ended = Ended(
                    id=name("ended", measure.id),
                    at=at,
                    parties=measure.parties,
                    measure=measure.id,
                    why="overturned",
                )
                facts.append(ended)
                messages.append(end_message(measure, ended))
        with self.ledger.transaction() as writing:
            writing.append(facts, messages)
        for strike_ in self.strikes[account]:
            if strike_.event == known[0].event:
                strike_.appealed = False
                strike_.void |= not upheld
        if not upheld:
            for one in self.measures:
                if one.event == known[0].event and (one.end is None or self.now < one.end):
                    one.end, one.review, one.mended_by, one.deadline = self.now, 0, "", None

    # ── What should follow ───────────────────────────────────────────────────────────────────────

    def _model(
        self, label: str, account: str, content: str, cluster: str, kind: str, old: bool
    ) -> None:
        at = self.now
        found = {
            "lie": {"staged"},
            "spam": {"flood", "repeated"},
            "both": {"staged", "flood", "repeated"},
            "half": {"repeated"},
            "suspect": {"suspected"},
            "unverified": {"unverified"},
        }.get(kind, set())
        policies = {"truth" if one in {"staged", "suspected"} else "order" for one in found}
        incidents = self.incidents.setdefault(account, [])
        strikes = self.strikes.setdefault(account, [])
        reached = [one for one in incidents if one.shares(at, content, cluster, policies)]
        incident = min(reached, key=lambda one: one.opened) if reached else None
        if "repeated" in found:
            spam = [one for one in strikes if one.ladder == "spam" and one.incident is not incident]
            if sum(one.counts(at) for one in spam) < 2:
                found.discard("repeated")
        if found:
            if incident is None:
                incident = PlainIncident(at)
                incidents.append(incident)
            incident.contents.add(content)
            incident.clusters.add(cluster)
            incident.policies |= policies
        self._mend(account, content, kind)
        on_account, on_content = f"account:{account}", f"content:{content}"

        def add(sanction: str, target: str, length: float | None, **more: object) -> None:
            end = None if length is None else at + length
            self.measures.append(
                PlainMeasure(sanction, target, at, end, event=label, **more)  # type: ignore[arg-type] # fields
            )

        if "staged" in found:
            add("remove", on_content, None)
            add("slow", on_account, 7 * DAY, strength=0.5)
        if "flood" in found:
            add("slow", on_account, DAY, strength=0.3)
        if "repeated" in found:
            add("hide_from", on_content, 3 * DAY, places=("search",))
        first = min(
            (one.start for one in self.measures if one.suspects == (account, content)), default=at
        )
        if "suspected" in found and at - first < 3 * DAY:
            add("slow", on_content, 3 * DAY, strength=0.8, mended_by="suspect", deadline=at + DAY)
            self.measures[-1].places = self.measures[-1].suspects = (account, content)
        if "unverified" in found:
            add("unearn", on_account, None, mended_by="unverified")
            add("hide_from", on_content, None, places=("home", "push"), mended_by="unverified")
        for ladder, cause in (("spam", "flood"), ("lies", "staged")):
            if cause not in found or (old and ladder == "lies"):
                continue
            assert incident is not None
            own = [one for one in strikes if one.ladder == ladder]
            if any(one.incident is incident and not one.void for one in own):
                continue
            before = sum(one.counts(at) for one in own)
            step = min(before + 1, len(LADDERS[ladder]))
            self.steps.append((account, ladder, step))
            strikes.append(PlainStrike(ladder, at, incident, label))
            for sanction, length, review in LADDERS[ladder][step]:
                add(sanction, on_account, length, review=review)

    def _mend(self, account: str, content: str, kind: str) -> None:
        for one in self.measures:
            if one.mended_by == "unverified":
                mended = one.target in {
                    f"account:{account}",
                    f"content:{content}",
                } and kind not in {
                    "unverified",
                    "unknown",
                }
            elif one.mended_by == "suspect":
                mended = one.places == (account, content) and kind != "suspect"
            else:
                continue
            if mended and (one.end is None or self.now < one.end):
                one.end, one.mended_by, one.deadline, one.suspects = self.now, "", None, None

    # ── What must hold ───────────────────────────────────────────────────────────────────────────

    def _record(self, party: str) -> Record:
        return Record.of(party, self.ledger.about(party))

    def _parties(self, case: str) -> tuple[str, ...]:
        return self.ledger.facts([case])[case].parties

    @invariant()
    def every_strike_leads_where_the_policy_says(self) -> None:
        found = [
            (fact.on.partition(":")[2], fact.ladder.rpartition(".")[2], fact.step)
            for entry in self.ledger.entries()
            if isinstance(fact := entry.fact, Strike) and fact.mode == "enforced"
        ]
        assert found == self.steps

    @invariant()
    def what_runs_is_in_effect(self) -> None:
        at = micro(hours(self.now))
        for target in ("account:a", "account:b", "content:x", "content:y", "content:z"):
            state = VOCABULARY.effective(self._record(target), at)
            found: dict[tuple[str, str], object] = {}
            for held in state.held:
                places = held.arguments.get("places", ("",))
                assert isinstance(places, tuple)
                for place in places:
                    found[held.sanction, place] = held.arguments.get("cut", 0.0)
            expected: dict[tuple[str, str], float] = {}
            for one in self.measures:
                if one.target == target and one.runs(self.now):
                    for place in one.places if one.sanction == "hide_from" else ("",):
                        key = (one.sanction, place)
                        expected[key] = max(expected.get(key, 0.0), one.strength)
            for heavy, light in (("remove", {"slow", "hide_from"}), ("suspend", {"mute"})):
                if (heavy, "") in expected:
                    expected = {key: one for key, one in expected.items() if key[0] not in light}
            assert found == expected, target

    def teardown(self) -> None:
        assert self.ledger.verify(self.ledger.head) is None


TestPlatform = pytest.mark.timeout(300)(Platform.TestCase)
TestPlatform.settings = settings(deadline=None, stateful_step_count=30)
