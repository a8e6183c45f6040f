"""Values in words, in both languages."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.dsl.render.visible import is_hidden
from clausal.engine.render import (
    LONGEST_TEXT,
    Language,
    clean,
    duration,
    instant,
    number,
    pieces,
    rfc3339,
    share,
    until,
    value_text,
)
from clausal.engine.values import ABSENT, FAILED, FIRST_INSTANT, LAST_INSTANT

ZONE = "Asia/Shanghai"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOPICS = Enum(
    (EnumValue("news", "新闻", "news"), EnumValue("society", zh="社会"), EnumValue("other"))
)


def microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0.0, "0", "0"),
        (7.0, "7", "7"),
        (-7.0, "-7", "-7"),
        (9999.0, "9,999", "9,999"),
        (10_000.0, "1万", "10,000"),
        (12_000.0, "1.2万", "12,000"),
        (12_300.0, "1.23万", "12,300"),
        (12_345.0, "12,345", "12,345"),
        (120_000_000.0, "1.2亿", "120,000,000"),
        (123_450_000.0, "12,345万", "123,450,000"),
        (-20_000.0, "-2万", "-20,000"),
        (0.93, "0.93", "0.93"),
        (1234.5, "1,234.5", "1,234.5"),
        (1 / 3, "0.3333", "0.3333"),
        (1e-9, "1e-09", "1e-09"),
        (1e300, "1e+300", "1e+300"),
    ],
)
def test_numbers_are_grouped(value: float, zh: str, en: str) -> None:
    assert number(value, "zh") == zh
    assert number(value, "en") == en


@given(st.integers(-(2**53), 2**53), st.sampled_from(["zh", "en"]))
def test_a_whole_number_is_never_rounded(value: int, language: Language) -> None:
    text = number(float(value), language).replace(",", "")
    scale = {"万": 10_000, "亿": 100_000_000}.get(text[-1], 1)
    assert Decimal(text.rstrip("万亿")) * scale == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.7, "70%"),
        (0.925, "92.5%"),
        (0.07, "7%"),
        (0.12345, "12.35%"),
        (0.99999, "99.99%"),
        (1e-9, "0.01%"),
    ],
)
def test_shares_are_percentages(value: float, text: str) -> None:
    assert share(value) == text


@given(st.floats(0, 1))
def test_only_none_and_all_are_said_to_be_none_and_all(value: float) -> None:
    assert (share(value) == "0%") == (value == 0)
    assert (share(value) == "100%") == (value == 1)


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────

HOUR = 3_600 * 1_000_000


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0, "0秒", "0 seconds"),
        (HOUR, "1小时", "1 hour"),
        (24 * HOUR, "1天", "1 day"),
        (48 * HOUR, "2天", "2 days"),
        (60 * HOUR, "2天12小时", "2 days 12 hours"),
        (90 * 60 * 1_000_000, "1小时30分钟", "1 hour 30 minutes"),
        (1_500_000, "1.5秒", "1.5 seconds"),
        (-HOUR, "-1小时", "-1 hour"),
    ],
)
def test_durations_are_told_in_words(value: int, zh: str, en: str) -> None:
    assert duration(value, "zh") == zh
    assert duration(value, "en") == en


def test_instants_are_told_in_the_zone_of_the_policy() -> None:
    at = microseconds("2024-05-01T04:00:00+00:00")
    assert instant(at, ZONE, "zh") == "2024年5月1日12:00（UTC+08:00）"
    assert instant(at, ZONE, "en") == "1 May 2024, 12:00 (UTC+08:00)"
    assert instant(at + 30_000_000, "UTC", "en") == "1 May 2024, 04:00:30 (UTC+00:00)"
    assert rfc3339(at, ZONE) == "2024-05-01T12:00:00+08:00"
    assert rfc3339(at + 1, "America/New_York") == "2024-05-01T00:00:00.000001-04:00"


@given(
    st.integers(FIRST_INSTANT, LAST_INSTANT),
    st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu"]),
)
def test_an_instant_is_written_as_rfc_3339_and_read_again(at: int, zone: str) -> None:
    """Before standard time offsets had seconds, for which RFC 3339 has no form."""
    text = rfc3339(at, zone)
    assert microseconds(text) == at
    assert len(text.rpartition("T")[2].lstrip("0123456789:.")) == len("+08:00")


def test_an_end_beyond_all_calendars_is_the_last_that_can_be_written() -> None:
    assert rfc3339(2**62, ZONE).startswith("9999-12-31T")
    assert rfc3339(2**62, "America/New_York").startswith("9999-12-30T")


@pytest.mark.parametrize(
    ("end", "fixed", "permanent", "zh", "en"),
    [
        (None, True, False, "改正为止", "it is corrected"),
        (None, False, True, "永久", "further notice (there is no end date)"),
        (None, False, False, "另行通知", "further notice"),
        (0, False, False, "1970年1月1日08:00（UTC+08:00）", "1 January 1970, 08:00 (UTC+08:00)"),
        (
            0,
            True,
            False,
            "改正为止，最迟1970年1月1日08:00（UTC+08:00）",
            "it is corrected, 1 January 1970, 08:00 (UTC+08:00) at the latest",
        ),
    ],
)
def test_the_end_of_a_measure(
    end: int | None, fixed: bool, permanent: bool, zh: str, en: str
) -> None:
    assert until(end, fixed, permanent, ZONE, "zh") == zh
    assert until(end, fixed, permanent, ZONE, "en") == en


# ── Names and texts ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "value", "zh", "en"),
    [
        (TOPICS, "news", "新闻", "news"),
        (TOPICS, "society", "社会", "society"),
        (TOPICS, "other", "other", "other"),
        (SetOf(TOPICS), frozenset({"society", "news"}), "新闻、社会", "news, society"),
        (SetOf(TOPICS), frozenset(), "无", "none"),
        (SetOf(Scalar("string")), frozenset({"b", "a\u202e"}), "a、b", "a, b"),
        (Scalar("bool"), True, "是", "yes"),
        (Scalar("bool"), False, "否", "no"),
        (Scalar("share"), 0.7, "70%", "70%"),
        (Scalar("integer"), 120_000.0, "12万", "120,000"),
        (Scalar("duration"), float(HOUR), "1小时", "1 hour"),
        (Scalar("date"), 19_844.0, "2024年5月1日", "1 May 2024"),
        (
            Scalar("instant"),
            0.0,
            "1970年1月1日08:00（UTC+08:00）",
            "1 January 1970, 08:00 (UTC+08:00)",
        ),
        (Scalar("text"), "a\nb", "a b", "a b"),
        (Scalar("text"), ABSENT, "未知", "unknown"),
        (TOPICS, FAILED, "未知", "unknown"),
    ],
)
def test_values_in_words(kind: Scalar, value: str, zh: str, en: str) -> None:
    assert value_text(kind, value, "zh", ZONE) == zh
    assert value_text(kind, value, "en", ZONE) == en


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 文字", "plain 文字"),
        ("  two\t lines\n here ", "two lines here"),
        ("\x1b[31mred", "[31mred"),
        ("a\u202eb\u2066c", "abc"),
        ("z\u200be\u200dr\ufeffo", "zero"),
        ("half\ud800", "half"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 4),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "…"),
        ("\u200b" * 5000 + "x", "…"),
    ],
)
def test_a_users_text_is_cleaned(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(st.characters() | st.sampled_from("\u202e\u0301\n\ud800\u3164")))
def test_nothing_of_a_users_text_acts_or_hides(text: str) -> None:
    shown = clean(text)
    assert not any(is_hidden(character) for character in shown)
    assert len(shown) <= LONGEST_TEXT + 1
    assert shown == shown.strip()
    assert clean(shown, LONGEST_TEXT + 1) == shown
    shown.encode()
    runs = "".join("m" if unicodedata.combining(c) else " " for c in shown).split()
    assert max(map(len, runs), default=0) <= 4


# ── Wordings ─────────────────────────────────────────────────────────────────────────────────────


def test_the_pieces_of_a_wording() -> None:
    found = pieces("{until} { item } {{until}} {other}")
    assert [piece for piece, is_slot in found if is_slot] == ["until", "item", "other"]
    assert "".join(piece for piece, _ in found) == "until item {until} other"
    assert "".join(piece for piece, _ in pieces("")) == ""
