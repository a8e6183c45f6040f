"""Term lists, against a search term by term."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clausal.compiler.text._terms import TermIndex
from clausal.compiler.text.fold import fold
from clausal.compiler.text.terms import (
    MAX_TERM_LENGTH,
    TermMatch,
    TermMatcher,
    check_term,
    find_term,
    foldable,
)

# Few characters, so that terms overlap, contain and follow one another: Latin and not, wide and
# narrow, upper and lower case, composing, removed, and ones that become several.
ALPHABET = "abA刚发Ａé\u0301\u200b1１ .㈱(-"
terms = st.text(ALPHABET, min_size=1, max_size=4).filter(lambda term: check_term(term) is None)
term_lists = st.lists(st.lists(terms, max_size=4), max_size=5)
texts = st.text(ALPHABET, max_size=24)

LATIN = "0-9A-Za-zÀ-ÖØ-öø-ʯḀ-ỿ"


def occurs(term: str, text: str) -> bool:
    """Whether the term is in the text, both as they are: the oracle."""
    pattern = re.escape(term)
    if not re.search(rf"(?![{LATIN}])[^\W\d_]", term):
        # No letter but Latin ones: whole words.
        if re.match(f"[{LATIN}]", term):
            pattern = f"(?<![{LATIN}])" + pattern
        if re.search(f"[{LATIN}]$", term):
            pattern += f"(?![{LATIN}])"
    return re.search(pattern, text) is not None


def lists_of(bits: int) -> set[int]:
    return {i for i in range(bits.bit_length()) if bits >> i & 1}


@given(term_lists, texts)
@example([["ad"]], "ada ad")
@example([["aa"], ["a"]], "aa")
@example([["a1"], []], "ba1 a1")
def test_hits_are_those_of_a_search_term_by_term(lists: list[list[str]], text: str) -> None:
    folded = fold(text)
    wanted = {i for i, ts in enumerate(lists) if any(occurs(fold(t), folded) for t in ts)}
    assert lists_of(TermMatcher(lists).hits(folded)) == wanted


@given(term_lists, texts)
def test_lists_for_string_fields_are_not_folded(lists: list[list[str]], text: str) -> None:
    wanted = {i for i, ts in enumerate(lists) if any(occurs(t, text) for t in ts)}
    assert lists_of(TermMatcher(lists, folded=False).hits(text)) == wanted


@given(
    st.lists(st.lists(st.text("aＡ刚发😀\U0001f525\ud800é", min_size=1, max_size=5), max_size=30)),
    st.text("aＡ刚发😀\U0001f525\ud800é.", max_size=40),
)
def test_terms_and_texts_of_every_width(lists: list[list[str]], text: str) -> None:
    lists = [[term for term in terms if check_term(term) is None] for terms in lists]
    folded = fold(text)
    wanted = {i for i, ts in enumerate(lists) if any(find_term(folded, fold(t)) >= 0 for t in ts)}
    assert lists_of(TermMatcher(lists).hits(folded)) == wanted


def test_an_index_refuses_what_makes_no_sense() -> None:
    for forms, whole, lists, count in (
        (["a"], [True], [[1]], 1),
        (["a"], [True], [[-1]], 1),
        (["a", "a"], [True, True], [[0], [0]], 1),
        (["", "a"], [True, True], [[0], [0]], 1),
        (["a"], [], [[0]], 1),
    ):
        with pytest.raises(ValueError, match="term"):
            TermIndex(forms, whole, lists, count)


def test_characters_that_a_filter_takes_for_one_another() -> None:
    # Filters know the last two bytes of a first character.
    assert not hit("\U00015200", "刀")
    assert hit("\U00015200", "刀\U00015200")


@given(term_lists, texts, st.booleans())
def test_the_first_occurrence_explains_a_hit(
    lists: list[list[str]], text: str, folded: bool
) -> None:
    matcher = TermMatcher(lists, folded=folded)
    hits = lists_of(matcher.hits(fold(text) if folded else text))
    for index, ts in enumerate(lists):
        match = matcher.first(text, index)
        assert (match is not None) == (index in hits)
        if match is not None:
            assert match.term in ts
            assert 0 <= match.start < match.end <= len(text)
            there = text[match.start : match.end]
            if folded:
                assert fold(match.term) in fold(there)
            else:
                assert match.term == there


@given(term_lists, texts, st.randoms(use_true_random=False))
def test_the_order_of_terms_does_not_matter(
    lists: list[list[str]], text: str, rng: random.Random
) -> None:
    shuffled = [rng.sample(ts, len(ts)) for ts in lists]
    text = fold(text)
    assert TermMatcher(lists).hits(text) == TermMatcher(shuffled).hits(text)


def hit(term: str, text: str) -> bool:
    return TermMatcher([[term]]).hits(fold(text)) == 1


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("突发", "某地突发事故"),
        ("突发", "突\u200b发"),
        ("突\u200b发", "突发"),
        ("微信", "加微信"),
        ("加v", "加vx"),  # a Chinese letter in the term: anywhere
        ("ＶＸ", "我的vx：abc"),
        ("vx", "ＶＸ"),
        ("vx", "加ⓋⓍ吧"),
        ("ad", "ad"),
        ("ad", "an AD."),
        ("ad", "看ad吧"),
        ("ad", "my_ad"),
        ("ad", "#ad"),
        ("buy now", "Buy now!"),
        ("t.me/", "见t.me/abc"),
        ("12306", "打12306"),
        ("+1", "+1"),
        ("c++", "c++11"),
        ("🔥", "🔥🔥"),
        ("❤", "❤️"),
        ("（株）", "㈱"),
        ("株", "㈱"),
        ("テスト", "ﾃｽﾄ"),
        ("реклама", "нерекламаx"),  # Cyrillic letters: anywhere
        ("*", "a*b"),
    ],
)
def test_hits(term: str, text: str) -> None:
    assert hit(term, text)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("突发", "突 发"),
        ("突发", "发突"),
        ("微信", "薇信"),
        ("ad", "made"),
        ("ad", "ads"),
        ("ad", "ad4"),
        ("ad", "4ad"),
        ("ad", "adé"),
        ("ad", "ａｄｓ"),
        ("buy now", "buy nowhere"),
        ("buy now", "Rebuy now"),
        ("t.me/", "at.me/abc"),
        ("12306", "112306"),
        ("+1", "+10"),
        ("发", "發"),
        (".", "a"),
        ("a*", "aaa"),
        ("cafe", "cafe\u0301"),
    ],
)
def test_no_hits(term: str, text: str) -> None:
    assert not hit(term, text)


def test_a_string_field_tells_case_and_width() -> None:
    matcher = TermMatcher([["ABC", "Ｘ"], ["abc"]], folded=False)
    assert matcher.hits("ABC") == 0b01
    assert matcher.hits("abc") == 0b10
    assert matcher.hits("Ｘ") == 0b01
    assert matcher.hits("x ＡＢＣ a\u200bbc") == 0


def test_the_first_occurrence_is_in_the_original_text() -> None:
    matcher = TermMatcher([["发", "突发", "突发事故"], ["ＶＸ"], ["株"], ["没有"], []])
    text = "ad, 突\u200b发\u200b事故 made by Ｖ\ufe0fＸ ㈱"
    assert matcher.first(text, 0) == TermMatch("突发事故", 4, 10)
    assert matcher.first(text, 1) == TermMatch("ＶＸ", 19, 22)
    assert matcher.first(text, 2) == TermMatch("株", 23, 24)
    assert matcher.first(text, 3) is None
    assert matcher.first(text, 4) is None
    assert TermMatcher([["ad"]]).first("made ad", 0) == TermMatch("ad", 5, 7)
    with pytest.raises(IndexError):
        matcher.first(text, 5)


@pytest.mark.parametrize(
    "term", ["", " ", "\u3000", "\u200b", "\u200b \ufe0f", "\u3164", "\U000e0041"]
)
def test_terms_that_occur_in_every_text_are_refused(term: str) -> None:
    assert not foldable(term)
    assert check_term(term) is not None
    with pytest.raises(ValueError, match=r"of list 1: (the term is blank|nothing is left)"):
        TermMatcher([["a"], ["b", term]])


def test_terms_for_string_fields_may_be_invisible_but_not_blank() -> None:
    assert check_term("\u200b", folded=False) is None
    assert TermMatcher([["\u200b"]], folded=False).hits("a\u200bb") == 1
    with pytest.raises(ValueError, match="is blank"):
        TermMatcher([["\u3000"]], folded=False)


def test_terms_have_a_greatest_length() -> None:
    assert check_term("刚" * MAX_TERM_LENGTH) is None
    assert check_term("刚" * (MAX_TERM_LENGTH + 1)) is not None
    # U+FDFA becomes eighteen characters.
    assert check_term("\ufdfa" * 12) is not None
    assert check_term("\ufdfa" * 12, folded=False) is None


def test_a_matcher_may_be_empty() -> None:
    assert TermMatcher([]).hits("刚刚") == 0
    assert TermMatcher([[], []]).hits("刚刚") == 0
    assert len(TermMatcher([[], []])) == 2


def test_lone_surrogates_do_not_raise() -> None:
    text = "\ud800突发\udfffad\ud83d"
    assert TermMatcher([["突发"], ["ad"], ["无"]]).hits(fold(text)) == 0b011
    raw = TermMatcher([["突发"], ["ad"], ["无"]], folded=False)
    assert raw.hits(text) == 0b011
    assert raw.first(text, 1) == TermMatch("ad", 4, 6)
    assert raw.first(text, 2) is None
    replaced = TermMatcher([["\ufffd"]], folded=False)
    assert replaced.hits(text) == 1
    assert replaced.first(text, 0) == TermMatch("\ufffd", 0, 1)


def test_null_characters_are_characters() -> None:
    assert hit("突发", "\x00突发\x00")
    assert not hit("突发", "突\x00发")
    assert hit("a\x00b", "a\x00b")


def test_more_lists_than_a_machine_word_has_bits() -> None:
    lists = [[f"词{i}号"] for i in range(300)]
    assert lists_of(TermMatcher(lists).hits("词7号 词250号 词299号")) == {7, 250, 299}


def test_ten_thousand_terms() -> None:
    rng = random.Random(7)
    characters = "天地玄黄宇宙洪荒日月盈昃"
    distinct = {"".join(rng.choices(characters, k=rng.randint(2, 6))) for _ in range(20_000)}
    words = sorted(distinct)[:10_000]
    assert len(words) == 10_000
    lists = [words[i::50] for i in range(50)]
    matcher = TermMatcher(lists)
    for _ in range(5):
        text = "".join(rng.choices(characters + "，", k=12))
        folded = fold(text)
        wanted = {i for i, ts in enumerate(lists) if any(t in folded for t in ts)}
        assert lists_of(matcher.hits(folded)) == wanted


@pytest.mark.timeout(30)
@pytest.mark.parametrize("letter", ["哈", "h"])
def test_terms_that_begin_one_another_and_a_text_that_repeats_them(letter: str) -> None:
    lists = [[letter * n for n in range(1, MAX_TERM_LENGTH + 1)], ["没有"]]
    matcher = TermMatcher(lists)
    assert matcher.hits(letter * 20_000) == (1 if letter == "哈" else 0)
    assert matcher.hits(letter * 100 + "。" + letter * 201) == 1


@pytest.mark.timeout(30)
def test_two_hundred_thousand_terms_that_begin_one_another() -> None:
    matcher = TermMatcher([[f"t{number}" for number in range(200_000)], ["t200000"]])
    assert matcher.hits("t199999") == 0b01
    assert matcher.hits("t200000") == 0b10
    assert matcher.hits("t200001 xt1") == 0


@pytest.mark.timeout(30)
def test_a_very_long_text() -> None:
    matcher = TermMatcher([["广告"], ["没有"], ["结尾ad"]])
    assert matcher.hits("广告" * 500_000 + "结尾ad") == 0b101


def test_threads_share_a_matcher() -> None:
    matcher = TermMatcher([[f"词{i}号"] for i in range(50)])
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda i: matcher.hits(f"有词{i % 50}号" * 200), range(400))
        assert list(found) == [1 << (i % 50) for i in range(400)]
