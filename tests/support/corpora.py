"""Small checked corpora, built by hand: what the checker makes of a few policies and libraries.

The vocabulary is fixed; a test says which rules, ladders and versions there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    Absent,
    All,
    ArgumentValue,
    Bilingual,
    ClauseDef,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Flag,
    LadderDef,
    Law,
    MeasureDef,
    Negation,
    Overlap,
    ParamDef,
    Reading,
    RuleDef,
    SanctionDef,
    SanctionParam,
    SchemaField,
    Severity,
    Slot,
    StepDef,
    TargetDef,
    Template,
    VersionDef,
)
from clausal.compiler.types import MICROSECONDS, Enum, EnumValue, Scalar, SetOf
from clausal.engine.consequences import Matches
from clausal.engine.decide import Case, Context, in_force
from clausal.engine.decision import Decision
from clausal.engine.event import EventReader, History
from clausal.engine.reference import Outcome, Reference
from clausal.engine.values import Missing, Value

HOUR = 3_600 * MICROSECONDS
DAY = 24 * HOUR


def at(text: str) -> int:
    """An instant in microseconds since 1970."""
    return round(datetime.fromisoformat(text).timestamp()) * MICROSECONDS


START, MIDDLE, END = (at(f"2024-0{month}-01T00:00+08:00") for month in (4, 5, 6))
ACT = "2024-04-10T12:00:00+08:00"
"""An instant when the first version is in force."""

TOPICS = Enum(
    (
        EnumValue("society", "社会", "society"),
        EnumValue("health", "健康", "health"),
        EnumValue("other"),
    )
)
SURFACES = SetOf(
    Enum(
        (
            EnumValue("trending", "热搜榜单", "trending"),
            EnumValue("recommended", "推荐", "recommendations"),
            EnumValue("push", "弹窗推送", "pushes"),
        )
    )
)

SLOTS = (
    Slot(("account", "id"), Scalar("string")),
    Slot(("account", "verified"), Scalar("bool")),
    Slot(("content", "declared"), SetOf(TOPICS)),
    Slot(("content", "id"), Scalar("string")),
    Slot(("content", "labelled"), Scalar("bool")),
    Slot(("content", "score", "staged"), Scalar("share")),
    Slot(("content", "title"), Scalar("text")),
    Slot(("content", "topic"), TOPICS),
    Slot(("time",), Scalar("instant"), required=True),
    Slot(("traffic", "views"), Scalar("integer")),
    Slot(("p.fabrication",), Scalar("integer"), source="strikes"),
    Slot(("p.posts",), Scalar("number"), source="tally"),
)
(
    ACCOUNT,
    VERIFIED,
    DECLARED,
    CONTENT,
    LABELLED,
    STAGED,
    TITLE,
    TOPIC,
    TIME,
    VIEWS,
    STRIKES,
    POSTS,
) = range(len(SLOTS))

LATEST = Law("latest")
SANCTIONS = (
    SanctionDef(
        name="close_account",
        library="test",
        params=(),
        targets=("account",),
        grade=5,
        law=LATEST,
        review=2,
        permanent=True,
        implies=(1, 4),
        title=Bilingual("关闭账号", "Account closed"),
        wording=Bilingual("账号将被关闭，期限：{until}。", "The account will be closed: {until}."),
    ),
    SanctionDef(
        name="demonetise",
        library="test",
        params=(),
        targets=("account",),
        grade=3,
        law=LATEST,
        needs_duration=True,
    ),
    SanctionDef(
        name="exclude_from",
        library="test",
        params=(SanctionParam("surfaces", SURFACES),),
        targets=("content", "account"),
        grade=2,
        law=Law("union"),
        title=Bilingual("不得在重点环节呈现", "Kept off key surfaces"),
        wording=Bilingual(
            "{target}{item}暂不在{surfaces}呈现，至{until}。依据{policy}第{clause}条。",
            "{target} {item} is not shown on {surfaces} until {until}; {policy}, clause {clause}.",
        ),
    ),
    SanctionDef(
        name="limit_reach",
        library="test",
        params=(SanctionParam("cut", Scalar("share")),),
        targets=("content", "account"),
        grade=2,
        law=Law("strictest", strength=0),
        needs_duration=True,
        wording=Bilingual(
            "推荐量减少{cut}，为期{duration}。", "Reach cut by {cut} for {duration}."
        ),
    ),
    SanctionDef(name="mute", library="test", params=(), targets=("account",), grade=4, law=LATEST),
    SanctionDef(
        name="require_fix",
        library="test",
        params=(SanctionParam("deadline", Scalar("duration")),),
        targets=("content",),
        grade=1,
        law=Law("strictest", strength=0, lowest=True),
        wording=Bilingual(zh="请在{deadline}内改正。"),
    ),
    SanctionDef(
        name="warn", library="test", params=(), targets=("account",), grade=0, law=LATEST, once=True
    ),
)
CLOSE, DEMONETISE, EXCLUDE, LIMIT, MUTE, FIX, WARN = range(len(SANCTIONS))


def measure(
    sanction: int,
    *arguments: ArgumentValue | float,
    days: float | None = None,
    target: str = "account",
    until_fixed: bool = False,
    within: float | None = None,
    interim: bool = False,
    review: int = 0,
) -> MeasureDef:
    """A measure; quantities may be given as floats, lengths in days."""
    return MeasureDef(
        sanction,
        target,
        tuple(Constant(value) if isinstance(value, float) else value for value in arguments),
        duration=None if days is None else round(days * DAY),
        until_fixed=until_fixed,
        within=None if within is None else round(within * DAY),
        interim=interim,
        review=SANCTIONS[sanction].review or review,
    )


def limit(cut: float, days: float, target: str = "content") -> MeasureDef:
    return measure(LIMIT, cut, days=days, target=target)


def exclude(*surfaces: str, days: float | None = None, until_fixed: bool = False) -> MeasureDef:
    return measure(EXCLUDE, surfaces, days=days, target="content", until_fixed=until_fixed)


def rule(
    name: str,
    when: Condition,
    *measures: MeasureDef,
    unless: Condition = NEVER,
    version: int = 0,
    ladder: bool = False,
    severity: Severity = "medium",
    shadow: bool = False,
    rollout: float | None = None,
    because: Template = ("理由",),
) -> RuleDef:
    return RuleDef(
        name=name,
        version=version,
        clauses=(version,),
        when=when,
        unless=unless,
        condition=All((when, Negation(unless))),
        measures=measures,
        ladders=(0,) if ladder else (),
        severity=severity,
        shadow=shadow,
        rollout=rollout,
        rollout_slot=None if rollout is None else ACCOUNT,
        title=Bilingual(f"规则{name}", f"Rule {name}"),
        because_zh=because,
    )


# ── Conditions ───────────────────────────────────────────────────────────────────────────────────

labelled = Flag(LABELLED)
verified = Flag(VERIFIED)
not_labelled = Negation(labelled)
no_topic = Absent(TOPIC)
about_health = Overlap(DECLARED, ("health",), every=False)
always = ALWAYS


def staged(at_least: float) -> Condition:
    return Comparison(">=", Reading(STAGED), Constant(at_least))


def viral(more_than: float) -> Condition:
    return Comparison(">", Reading(VIEWS), Constant(more_than))


# ── Corpora ──────────────────────────────────────────────────────────────────────────────────────

FABRICATION = LadderDef(
    name="p.fabrication",
    version=0,
    target="account",
    within=90 * DAY,
    steps=(
        StepDef(1, False, (measure(WARN),)),
        StepDef(2, False, (limit(0.5, 7, "account"), measure(DEMONETISE, days=7))),
        StepDef(3, False, (measure(MUTE, days=30),)),
        StepDef(4, True, (measure(CLOSE),)),
    ),
    slot=STRIKES,
    label=Bilingual("造假阶梯", "Fabrication"),
)


def version(policy: str, number: str, start: int = START, end: int | None = END) -> VersionDef:
    return VersionDef(
        policy,
        number,
        start,
        end,
        "Asia/Shanghai",
        title=Bilingual(f"政策{policy}", f"Policy {policy}"),
        notice=f"{policy}.txt",
    )


ONE_VERSION = (version("p", "1.0.0"),)
TWO_VERSIONS = (version("p", "1.0.0", START, MIDDLE), version("p", "2.0.0", MIDDLE, END))


def corpus(
    *rules: RuleDef,
    versions: Sequence[VersionDef] = ONE_VERSION,
    ladders: Sequence[LadderDef] = (FABRICATION,),
    params: Sequence[ParamDef] = (),
) -> Corpus:
    return Corpus(
        slots=SLOTS,
        time_slot=TIME,
        id_slot=None,
        fields=tuple(SchemaField(s.path, s.type, s.required) for s in SLOTS if s.source == "field"),
        versions=tuple(versions),
        clauses=tuple(
            ClauseDef(f"{n + 1}.1", f"第{n + 1}条", n, f"{n:08x}") for n in range(len(versions))
        ),
        params=tuple(params),
        terms=(),
        tallies=(),
        samples=(),
        targets=(
            TargetDef("account", ACCOUNT, Bilingual("账号", "Account")),
            TargetDef("content", CONTENT, Bilingual("内容", "Item")),
        ),
        sanctions=SANCTIONS,
        ladders=tuple(ladders),
        rules=tuple(sorted(rules, key=lambda one: (one.version, one.name))),
    )


# ── Decisions by the plain meaning ───────────────────────────────────────────────────────────────


def as_matches(outcome: Outcome) -> Matches:
    return Matches(outcome.fired, tuple(outcome.undetermined), outcome.undetermined.__getitem__)


def decide(
    corpus: Corpus,
    event: Mapping[str, object],
    history: History | None = None,
    *,
    decided: str | None = None,
    bounds: bool = False,
) -> Decision:
    """The decision that the reference interpreter's outcome leads to."""
    reference = Reference(corpus)
    values = EventReader(corpus.slots, corpus.time_slot, corpus.ladders).read(event, history)
    acted = values[corpus.time_slot]
    assert isinstance(acted, float)
    acted_at = int(acted)
    decided_at = acted_at if decided is None else at(decided)

    def run(instant: int, *, blind: bool = False) -> Matches:
        return as_matches(reference.run(event, history, instant, blind=blind))

    same = in_force(corpus.versions, acted_at) == in_force(corpus.versions, decided_at)
    return decision_of(
        corpus,
        values,
        acted_at,
        decided_at,
        run(acted_at),
        None if same else run(decided_at),
        (run(acted_at, blind=True), None if same else run(decided_at, blind=True))
        if bounds
        else None,
    )


def decision_of(
    corpus: Corpus,
    values: Sequence[Value | Missing],
    acted_at: int,
    decided_at: int,
    act: Matches,
    later: Matches | None = None,
    unsettled: tuple[Matches, Matches | None] | None = None,
) -> Decision:
    """The decision that follows from what the rules said."""

    def lacking(values: object, rule: int, *, blind: bool = False) -> Iterable[int]:
        raise AssertionError("what the rules lack is given with the rules")

    context = Context(corpus.versions, corpus.id_slot, "test", lambda: corpus, lacking)
    return Decision.of(
        Case(context, values.__getitem__, acted_at, decided_at, act, later, unsettled)
    )


def event(**fields: object) -> dict[str, object]:
    """An event with all its fields; ``content__labelled=None`` leaves one out."""
    values: dict[str, object] = {
        "account__id": "a1",
        "account__verified": False,
        "content__declared": [],
        "content__id": "c1",
        "content__labelled": False,
        "content__score": {"staged": 0.9},
        "content__title": "标题",
        "content__topic": "society",
        "time": ACT,
        "traffic__views": 120_000,
    }
    made: dict[str, object] = {}
    for key, value in (values | fields).items():
        group, _, name = key.partition("__")
        if value is None:
            continue
        if name:
            inner = made.setdefault(group, {})
            assert isinstance(inner, dict)
            inner[name] = value
        else:
            made[group] = value
    return made
