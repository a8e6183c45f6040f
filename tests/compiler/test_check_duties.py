"""Duties: what they become in the corpus, and corpora that no checker makes."""

from __future__ import annotations

import msgspec
import pytest

from clausal.compiler import ir
from clausal.compiler.pipeline import check_sources
from clausal.compiler.types import MICROSECONDS
from clausal.compiler.verify_corpus import CorpusError, verify_corpus
from clausal.coverage import measure_coverage
from clausal.dsl.source import Source

HEADER = """
policy demo.owed 1.0.0 {
  title zh "义务" en "Owed"
  in force 2024-05-01 ..
  time zone "Asia/Shanghai"
  use standard.platform 1
  use standard.sanctions 1
}
clause 1 "须及时处置。"
clause 2 "须标注来源。"
clause 3 "设专栏。"
param patience = 24h range 1h .. 72h
"""
LATENCY = """
duty latency {
  cites 1, 2
  measure median hours from verdict_at to acted_at
  in rumours
  time verdict_at
  at most patience
  over 7d
}
"""
SHARE = """
duty a_share {
  title zh "标注率" en "Labelled"
  cites 2
  measure share of labelled among due
  in items
  time posted_at
  at least 95% per period
}
"""
RULE = """
rule unsourced {
  cites 2
  when content.source_label == absent
  then warn for 30d
  because zh "须标注来源。" en "Name the source."
}
"""


def checked(*parts: str) -> tuple[ir.Corpus | None, list[tuple[str, str]]]:
    source = Source("demo.policy", "".join((HEADER, *parts)))
    corpus, diagnostics = check_sources([source])
    return corpus, [(one.code, one.message) for one in diagnostics]


def corpus_of(*parts: str) -> ir.Corpus:
    corpus, _ = checked(*parts)
    assert corpus is not None
    return corpus


def test_duties_are_in_the_corpus_by_name() -> None:
    corpus = corpus_of(LATENCY, SHARE, RULE)
    share, latency = corpus.duties
    assert latency == ir.DutyDef(
        name="latency",
        version=0,
        clauses=(0, 1),
        figure=ir.FigureDef("median", ("verdict_at", "acted_at"), "hours"),
        table="rumours",
        time="verdict_at",
        bound="most",
        threshold=ir.Param(0),
        over=7 * 86_400 * MICROSECONDS,
        line=14,
    )
    assert share.threshold == ir.Constant(0.95)
    assert share.per_period
    assert share.over is None
    assert share.title.en == "Labelled"


def test_a_duration_is_held_to_in_the_unit_of_the_figure() -> None:
    corpus = corpus_of(LATENCY.replace("patience", "2d"))
    assert corpus.duties[0].threshold == ir.Constant(48.0)


def test_a_clause_that_a_duty_alone_cites_has_the_status_of_duties() -> None:
    coverage = measure_coverage(corpus_of(LATENCY, RULE), ())
    assert [(c.status, c.rules, c.duties) for c in coverage.clauses] == [
        ("duty", (), ("latency",)),
        ("cited", ("unsourced",), ("latency",)),
        ("unaccounted", (), ()),
    ]
    # Only what is decided about events is to be reached by tests.
    assert coverage.percent == 0.0
    assert len([c for c in coverage.clauses if c.status in {"cited", "unaccounted"}]) == 2


def test_a_clause_that_a_duty_cites_is_accounted_for() -> None:
    _, complaints = checked(LATENCY)
    assert complaints == [("W0902", "no rule or duty cites clause 3")]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("cites 1, 2", "cites 1, 9", "E0505"),
        ("cites 1, 2", "cites 1@00000000", "E0508"),
        ("cites 1, 2", "", "E0401"),
        ("at most patience", "at most patients", "E0203"),
        ("at most patience", "at most 20%", "E0419"),
        ("at most patience", "", "E0112"),
        ("median", "percentile 0", "E0419"),
        ("over 7d", "over 59m", "E0412"),
        ("over 7d", "over 7d over 1d", "E0111"),
    ],
)
def test_what_is_wrong_with_a_duty_is_said(old: str, new: str, code: str) -> None:
    assert old in LATENCY
    _, complaints = checked(LATENCY.replace(old, new))
    assert code in {found for found, _ in complaints}


def test_a_pending_clause_is_complained_of() -> None:
    text = (HEADER + LATENCY).replace('须及时处置。"', '须及时处置。" pending zh "待" en "later"')
    _, diagnostics = check_sources([Source("demo.policy", text)])
    assert (
        "W0905",
        "clause 1 is recorded as pending, and a duty rests on it",
    ) in [(one.code, one.message) for one in diagnostics]


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"clauses": (7,)},
        {"table": ""},
        {"time": ""},
        {"threshold": ir.Param(1)},
        {"threshold": ir.Constant(float("nan"))},
        {"over": 0},
        {"figure": ir.FigureDef("median", ())},
        {"figure": ir.FigureDef("median", ("a",))},  # a number held to a duration
        {"figure": ir.FigureDef("median", ("a", "b"))},
        {"figure": ir.FigureDef("share", ("a", "b"), "hours")},
        {"figure": ir.FigureDef("percentile", ("a", "b"), "hours")},
        {"figure": ir.FigureDef("percentile", ("a", "b"), "hours", 101.0)},
        {"figure": ir.FigureDef("mean", ("a", "b"), "hours", 50.0)},
    ],
)
def test_a_forged_duty_is_refused(change: dict[str, object]) -> None:
    corpus = corpus_of(LATENCY)
    verify_corpus(corpus)
    duty = msgspec.structs.replace(corpus.duties[0], **change)
    with pytest.raises(CorpusError):
        verify_corpus(msgspec.structs.replace(corpus, duties=(duty,)))
