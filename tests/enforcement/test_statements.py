"""Statements of reasons, as letters and as the European database takes them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from clausal.cli.loading import bundle_of
from clausal.compiler.ir import Bilingual
from clausal.enforcement.dsa import (
    COUNTRIES,
    KEYWORDS,
    Category,
    ContentType,
    DsaStatement,
    NothingToReportError,
    to_dsa,
)
from clausal.enforcement.facts import Applied, Ended, Finding, Judged, Voided, name
from clausal.enforcement.letters import letter
from clausal.enforcement.statements import Statement, UnknownCaseError, tell
from clausal.enforcement.words import parse, shipped
from tests.support.forum import BEGIN, DAY, Forum
from tests.support.golden import assert_golden


@pytest.fixture
def forum() -> Forum:
    return Forum()


def fourth(forum: Forum) -> str:
    """Return the fourth case of an account: one measure waits for a person, others run."""
    return [forum.staged("a-1", day * DAY) for day in range(4)][-1]


# ── What is told ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_letter_says_all_of_it(forum: Forum, language: Any) -> None:
    statement = tell(forum.ledger, fourth(forum))
    assert_golden(f"people/statement.{language}.txt", letter(statement, language))
    assert_golden(f"people/statement.{language}.md", letter(statement, language, "markdown"))


def test_a_statement_is_data(forum: Forum) -> None:
    statement = tell(forum.ledger, fourth(forum))
    data = msgspec.json.encode(statement)
    assert msgspec.json.decode(data, type=Statement) == statement
    shown = json.dumps(json.loads(data), ensure_ascii=False, indent=2)
    assert_golden("people/statement.json", shown)


def test_each_decision_of_a_case_makes_an_edition(forum: Forum) -> None:
    case = fourth(forum)
    first = tell(forum.ledger, case)
    assert (first.edition, first.superseded_at) == (1, None)
    at = BEGIN + 4 * DAY
    measure = next(one for one in first.measures if one.state == "proposed")
    parties = forum.ledger.facts([measure.measure])[measure.measure].parties
    forum.add(
        Applied(
            id="applied",
            at=at,
            parties=parties,
            measure=measure.measure,
            start=at,
            end=at + 30 * DAY,
        )
    )
    second = tell(forum.ledger, case)
    assert (second.edition, second.superseded_at) == (2, None)
    assert next(one for one in second.measures if one.sanction == "mute").state == "running"
    # The window for appeals is counted from the notice of what was added.
    assert second.appeal_until == at + 180 * DAY
    before = tell(forum.ledger, case, at - 1)
    assert (before.edition, before.superseded_at) == (1, at)
    assert letter(before, "en").count("superseded") == 1
    assert to_dsa(first).puid != to_dsa(second).puid


def test_a_statement_as_of_a_time_before_its_case_is_none(forum: Forum) -> None:
    case = forum.staged("a-1", DAY)
    for wrong, at in ((case, BEGIN), ("case-x", None), (name("strike", case), None)):
        with pytest.raises(UnknownCaseError):
            tell(forum.ledger, wrong, at)


def test_a_void_strike_no_longer_counts(forum: Forum) -> None:
    cases = [forum.staged("a-1", day * DAY) for day in range(2)]
    strike = forum.ledger.facts([name("strike", cases[0])])[name("strike", cases[0])]
    forum.add(
        Voided(
            id="void", at=BEGIN + 2 * DAY, parties=strike.parties, strike=strike.id, why="rejected"
        )
    )
    first, second = (tell(forum.ledger, case, BEGIN + 2 * DAY) for case in cases)
    assert first.points[0].void
    assert [one.points[0].now for one in (first, second)] == [1, 1]
    assert "it never counted" in letter(first, "en")
    assert "自始无效" in letter(first, "zh")


def test_a_strike_that_has_expired_counts_no_more(forum: Forum) -> None:
    case = forum.staged("a-1", 0)
    last = BEGIN + forum.ladder.within - 1
    assert tell(forum.ledger, case, last).points[0].now == 1
    assert tell(forum.ledger, case, last + 1).points[0].now == 0


def test_appeals_and_early_ends_are_told(forum: Forum) -> None:
    case = fourth(forum)
    measure = next(one for one in tell(forum.ledger, case).measures if one.state == "running")
    parties = forum.ledger.facts([measure.measure])[measure.measure].parties
    at = BEGIN + 5 * DAY
    forum.add(
        Ended(id="end", at=at, parties=parties, measure=measure.measure, why="overturned", by="r"),
        Judged(
            id="j", at=at, parties=parties, appeal="x", case=case, reviewer="r", outcome="changed"
        ),
    )
    told = letter(tell(forum.ledger, case), "en")
    assert "an appeal overturned it" in told
    assert "an appeal overturned it" not in letter(tell(forum.ledger, case, at - 1), "en")
    # Who decided is nothing that a statement says.
    assert " r\n" not in told


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_nothing_in_a_letter_acts_on_a_reader(forum: Forum, form: Any) -> None:
    case = forum.staged("a\x1b[31m\u202e\u200b*x*<b>", 0)
    for language in ("zh", "en"):
        told = letter(tell(forum.ledger, case), language, form)
        assert "\x1b" not in told
        assert "\u202e" not in told
        assert "\u200b" not in told
        if form == "markdown":
            assert "<b>" not in told.replace("\\<b\\>", "")
            assert "*x*" not in told.replace("\\*x\\*", "")


def test_a_text_in_one_language_stands_in_both_letters(forum: Forum) -> None:
    case = forum.staged("a-1", 0)
    told = tell(forum.ledger, case)
    found = msgspec.structs.replace(told.found[0], reason=Bilingual("只有中文。", ""))
    told = msgspec.structs.replace(told, found=(found,))
    assert "只有中文。" in letter(told, "en")


# ── The table of words ───────────────────────────────────────────────────────────────────────────


def test_each_shipped_rule_has_its_place_in_the_table() -> None:
    corpus = bundle_of([]).artifact.corpus
    rules = {(corpus.versions[rule.version].policy, rule.name) for rule in corpus.rules}
    words = shipped()
    told = {(policy, rule) for policy, some in words.conduct.items() for rule in some}
    assert told == rules


def test_the_table_speaks_of_fields_and_values_that_there_are() -> None:
    corpus = bundle_of([]).artifact.corpus
    types = {".".join(field.path): field.type for field in corpus.fields}
    words = shipped()
    kinds: Any = types[words.content.kind]
    assert set(words.content.kinds) == set(kinds.names)
    sources: Any = types["context.detection_source"]
    assert set(words.found_by) == {"", *sources.names}
    for field, values in words.content.synthetic.items():
        made: Any = types[field]
        assert set(values) <= set(made.names)


def test_the_table_speaks_words_of_the_database() -> None:
    words = shipped()
    categories = set(Category.__args__)  # type: ignore[attr-defined]
    types = set(ContentType.__args__)  # type: ignore[attr-defined]
    for some in words.conduct.values():
        for category, *keywords in some.values():
            assert f"STATEMENT_CATEGORY_{category}" in categories
            assert {f"KEYWORD_{word}" for word in keywords} <= KEYWORDS
    for kinds in words.content.kinds.values():
        assert {f"CONTENT_TYPE_{kind}" for kind in kinds} <= types
    assert len(categories) == 16
    assert len(KEYWORDS) == 69
    assert len(COUNTRIES) == 30


@pytest.mark.parametrize("text", ["", "x = 1", "[found_by]\n[content]\nkind='k'\n", "\xff"])
def test_a_text_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each is of another kind
        parse(text.encode("latin-1"))


# ── The European database ────────────────────────────────────────────────────────────────────────


def test_a_statement_in_the_words_of_the_database(forum: Forum) -> None:
    told = to_dsa(tell(forum.ledger, fourth(forum)))
    assert_golden("people/statement.dsa.json", told.to_json())
    assert DsaStatement.model_validate_json(told.to_json()) == told


def test_what_is_public_names_nobody(forum: Forum) -> None:
    case = forum.staged("account-of-somebody", 0)
    statement = tell(forum.ledger, case)
    found = msgspec.structs.replace(statement.found[0], reason=Bilingual("张三说", "Sam said"))
    told = to_dsa(msgspec.structs.replace(statement, found=(found,))).to_json()
    for secret in ("account-of-somebody", "p-1", "event-1", "Sam", "张三"):
        assert secret not in told


def test_the_latest_end_of_a_family_is_its_end(forum: Forum) -> None:
    for day in range(2):
        forum.staged("a-1", day * DAY)
    case = forum.staged("a-1", 2 * DAY, only=["mute", "limit_reach"])
    told = to_dsa(tell(forum.ledger, case))
    # In Shanghai.
    assert told.end_date_visibility_restriction == date(2024, 5, 6)
    assert told.end_date_service_restriction == date(2024, 5, 6)
    assert told.decision_provision == "DECISION_PROVISION_PARTIAL_SUSPENSION"
    assert told.application_date == date(2024, 5, 3)


def test_what_never_took_effect_is_not_reported(forum: Forum) -> None:
    for day in range(3):
        forum.staged("a-1", day * DAY)
    with pytest.raises(NothingToReportError):
        to_dsa(tell(forum.ledger, forum.staged("a-1", 3 * DAY, only=["mute"])))


def test_what_a_machine_made_is_synthetic(forum: Forum) -> None:
    about = {"content.kind": "image", "content.ai_label": "stripped"}
    told = to_dsa(tell(forum.ledger, forum.staged("a-1", 0, about=about)))
    assert told.content_type == ("CONTENT_TYPE_IMAGE", "CONTENT_TYPE_SYNTHETIC_MEDIA")


def test_a_word_that_nobody_knows_is_other(forum: Forum) -> None:
    told = to_dsa(tell(forum.ledger, forum.staged("a-1", 0, found_by="a friend", about={})))
    assert told.source_type == "SOURCE_VOLUNTARY"
    assert told.content_type == ("CONTENT_TYPE_OTHER",)
    assert told.content_type_other == "Account, profile or list"


GOOD: dict[str, Any] = {
    "puid": "case-1",
    "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"],
    "decision_facts": "facts",
    "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
    "incompatible_content_ground": "terms",
    "incompatible_content_explanation": "why",
    "content_type": ["CONTENT_TYPE_TEXT"],
    "category": "STATEMENT_CATEGORY_VIOLENCE",
    "content_date": "2024-01-01",
    "application_date": "2024-01-02",
    "source_type": "SOURCE_VOLUNTARY",
    "automated_detection": "Yes",
    "automated_decision": "AUTOMATED_DECISION_FULLY",
}
ILLEGAL: dict[str, Any] = {
    "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
    "illegal_content_legal_ground": "law",
    "illegal_content_explanation": "why",
    "incompatible_content_ground": None,
    "incompatible_content_explanation": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"puid": "A" * 500},
        {"decision_facts": "x" * 5000},
        {"incompatible_content_ground": "x" * 500},
        {"incompatible_content_explanation": "x" * 2000},
        {"incompatible_content_illegal": "Yes"},
        {"decision_ground_reference_url": "https://example.org/terms"},
        {"decision_visibility": None, "decision_account": "DECISION_ACCOUNT_SUSPENDED"},
        {"decision_visibility": ["DECISION_VISIBILITY_OTHER"], "decision_visibility_other": "x"},
        {"decision_monetary": "DECISION_MONETARY_OTHER", "decision_monetary_other": "x"},
        {"content_type": ["CONTENT_TYPE_OTHER"], "content_type_other": "x"},
        {"content_id": {"EAN-13": "0123456789123"}},
        {"category_addition": ["STATEMENT_CATEGORY_SELF_HARM"]},
        {"category_specification": ["KEYWORD_SUICIDE"], "category_specification_other": "x"},
        {"territorial_scope": ["PT", "ES"]},
        {"content_language": "ZH"},
        {"content_date": "2000-01-01", "application_date": "2038-01-01"},
        {"end_date_visibility_restriction": "2024-01-02"},
        {"source_type": "SOURCE_TRUSTED_FLAGGER", "source_identity": "x"},
        ILLEGAL,
    ],
    ids=str,
)
def test_what_the_database_takes(change: dict[str, Any]) -> None:
    made = DsaStatement.model_validate(GOOD | change)
    assert DsaStatement.model_validate_json(made.to_json()) == made


@pytest.mark.parametrize(
    "change",
    [
        {"puid": ""},
        {"puid": "A" * 501},
        {"puid": "a b"},
        {"puid": "a\n"},
        {"puid": "é"},
        {"decision_visibility": None},
        {"decision_visibility": []},
        {"decision_visibility": ["DECISION_VISIBILITY_HIDDEN"]},
        {"decision_visibility": ["DECISION_VISIBILITY_OTHER"]},
        {"decision_visibility_other": "x"},
        {"decision_monetary": "DECISION_MONETARY_OTHER"},
        {"decision_monetary_other": "x"},
        {"decision_facts": ""},
        {"decision_facts": "x" * 5001},
        {"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"},
        {"decision_ground_reference_url": "example.org"},
        {"decision_ground_reference_url": "javascript:alert(1)"},
        {"decision_ground_reference_url": "https://example.org/" + "x" * 500},
        {"incompatible_content_ground": None},
        {"incompatible_content_ground": "x" * 501},
        {"incompatible_content_explanation": "x" * 2001},
        {"incompatible_content_illegal": "yes"},
        {"illegal_content_explanation": "x"},
        ILLEGAL | {"incompatible_content_illegal": "No"},
        {"content_type": []},
        {"content_type": ["CONTENT_TYPE_OTHER"]},
        {"content_type_other": "x"},
        {"content_id": {"EAN-13": "1"}},
        {"category": None},
        {"category": "STATEMENT_CATEGORY_NEGATIVE"},
        {"category_addition": ["x"]},
        {"category_specification": ["KEYWORD_X"]},
        {"territorial_scope": ["US"]},
        {"content_language": "zh"},
        {"content_language": "ZHO"},
        {"content_date": "1999-12-31"},
        {"content_date": "2038-01-02"},
        {"application_date": "2019-12-31"},
        {"end_date_visibility_restriction": "2038-01-02"},
        {"end_date_visibility_restriction": "2024-01-01"},
        {"end_date_account_restriction": "2024-01-03"},
        {"source_identity": "x"},
        {"automated_detection": "Maybe"},
        {"automated_decision": "FULLY"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_what_the_database_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DsaStatement.model_validate(GOOD | change)


def test_findings_in_shadow_are_not_told(forum: Forum) -> None:
    case = forum.staged("a-1", 0)
    real = next(one for one in forum.ledger.about("account:a-1") if isinstance(one, Finding))
    forum.add(msgspec.structs.replace(real, id="shadow", rule="tried_out", mode="shadow"))
    assert [one.rule for one in tell(forum.ledger, case).found] == ["staged"]
