"""What the rules look like after each pass, for people to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from clausal.compiler.dump import dump_conditions, dump_parts
from clausal.compiler.ir import (
    NEVER,
    Absent,
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Count,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    ParamDef,
    Pattern,
    Reading,
    RuleDef,
    Same,
    Slot,
    TermsDef,
    Truth,
    VersionDef,
    WallClock,
)
from clausal.compiler.passes.fold_constants import fold_constants
from clausal.compiler.pipeline import PASSES
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from tests.support.golden import GOLDENS, assert_golden

TOPICS = Enum(tuple(map(EnumValue, ["current_affairs", "public_policy", "society", "sport"])))
LABELS = Enum(tuple(map(EnumValue, ["fiction", "reenactment", "ad"])))
SLOTS = (
    Slot(("account", "age"), Scalar("duration")),
    Slot(("account", "home"), Scalar("string")),
    Slot(("account", "name"), Scalar("string")),
    Slot(("account", "verified"), Scalar("bool")),
    Slot(("content", "declared"), SetOf(LABELS)),
    Slot(("content", "labelled"), Scalar("bool")),
    Slot(("content", "place"), Scalar("string")),
    Slot(("content", "score", "staged"), Scalar("share")),
    Slot(("content", "tags"), SetOf(Scalar("string"))),
    Slot(("content", "text"), Scalar("text")),
    Slot(("content", "topic"), TOPICS),
    Slot(("time",), Scalar("instant"), required=True),
    Slot(("traffic", "likes"), Scalar("integer")),
    Slot(("traffic", "views"), Scalar("integer")),
    Slot(("cn.traffic.fabrication",), Scalar("integer"), "strikes"),
    Slot(("cn.traffic.posts_10m",), Scalar("number"), "tally"),
)
SLOT = {slot.name: index for index, slot in enumerate(SLOTS)}
PARAMS = (
    ParamDef("cn.traffic.staged_cutoff", "share", 0.85, 0.5, 0.99),
    ParamDef("cn.traffic.factor", "number", 2.0),
)


def read(name: str) -> Reading:
    return Reading(SLOT[name])


def flag(name: str) -> Flag:
    return Flag(SLOT[name])


PUBLIC_AFFAIRS = Member(SLOT["content.topic"], ("current_affairs", "public_policy", "society"))
SHOWN_TO_MANY = Comparison(">", read("traffic.views"), Constant(50_000.0))
STAGED = Comparison(">=", read("content.score.staged"), Param(0))
TOLD = Overlap(SLOT["content.declared"], ("fiction", "reenactment"), every=False)
NEWSROOM = All((flag("account.verified"), Pattern(SLOT["account.name"], "报|台$")))

RULES: dict[str, tuple[Condition, Condition]] = {
    "unsourced_public_affairs": (
        All((PUBLIC_AFFAIRS, Negation(flag("content.labelled")))),
        NEWSROOM,
    ),
    "suspected_staging": (All((STAGED, SHOWN_TO_MANY, Negation(TOLD))), NEVER),
    "barely_staged": (
        All(
            (
                Comparison("<=", Arithmetic("/", Param(0), Param(1)), read("content.score.staged")),
                Negation(STAGED),
                Negation(Comparison("<=", read("traffic.views"), Constant(50_000.0))),
            )
        ),
        TOLD,
    ),
    "breaking_words": (
        All(
            (
                Mentions(SLOT["content.text"], 0),
                Any((PUBLIC_AFFAIRS, Comparison("==", Constant(1.0), Constant(2.0)))),
                Negation(
                    Any((flag("content.labelled"), WallClock(SLOT["time"], "UTC", 1320, 360)))
                ),
                SHOWN_TO_MANY,
            )
        ),
        Any((NEWSROOM, Overlap(SLOT["content.tags"], ("满月", "日常"), every=True))),
    ),
    "bought_likes": (
        Any(
            (
                All((Negation(flag("content.labelled")), SHOWN_TO_MANY)),
                Comparison(
                    ">",
                    Arithmetic("/", read("traffic.likes"), read("traffic.views")),
                    Arithmetic("-", Constant(1.0), Arithmetic("*", Constant(0.5), Constant(0.5))),
                ),
                Comparison("!=", Arithmetic("/", Constant(1.0), Constant(0.0)), Constant(1.0)),
            )
        ),
        Absent(SLOT["account.age"]),
    ),
    "elsewhere": (
        All(
            (
                Negation(Same(SLOT["account.home"], SLOT["content.place"])),
                Comparison(
                    "<",
                    Arithmetic("*", Constant(7.0), Constant(86_400e6)),
                    read("account.age"),
                ),
                Comparison(
                    ">=",
                    Count(SLOT["content.tags"]),
                    read("traffic.likes"),
                ),
                Any((SHOWN_TO_MANY, Negation(flag("content.labelled")))),
            )
        ),
        NEVER,
    ),
    "posts_in_bulk": (
        All(
            (
                Comparison(">=", Reading(SLOT["cn.traffic.posts_10m"]), Constant(20.0)),
                Comparison("==", Reading(SLOT["cn.traffic.fabrication"]), Constant(0.0)),
                Any((Negation(flag("content.labelled")), SHOWN_TO_MANY)),
            )
        ),
        NEVER,
    ),
    "never": (Comparison(">", Constant(1.0), Constant(2.0)), Truth(False)),
}


def checked() -> Corpus:
    """The corpus, as the checker would leave it."""
    version = VersionDef("cn.traffic", "1.0.0", 0, None, "Asia/Shanghai")
    rules = tuple(
        RuleDef(name, 0, (), when, unless, NEVER, (), ())
        for name, (when, unless) in sorted(RULES.items())
    )
    return Corpus(
        slots=SLOTS,
        time_slot=SLOT["time"],
        id_slot=None,
        fields=(),
        versions=(version,),
        clauses=(),
        params=PARAMS,
        terms=(TermsDef("cn.traffic.breaking_words", ("刚刚", "突发", "网传")),),
        tallies=(),
        samples=(),
        targets=(),
        sanctions=(),
        ladders=(),
        rules=rules,
    )


def stages() -> Iterator[tuple[str, str]]:
    """The name of each stage and the rules after it."""
    corpus = checked()
    yield "checked", dump_parts(corpus)
    for step in PASSES:
        corpus = step(corpus)
        dump: Callable[[Corpus], str] = dump_parts if step is fold_constants else dump_conditions
        yield step.__name__, dump(corpus)


STAGES = dict(stages())


@pytest.mark.parametrize("stage", STAGES)
def test_rules_after_each_pass(stage: str) -> None:
    assert_golden(f"ir/{stage}.txt", STAGES[stage])


def test_there_is_a_golden_for_each_stage_and_no_other() -> None:
    assert {file.stem for file in (GOLDENS / "ir").iterdir()} == set(STAGES)
