"""Patterns, against Python's `re` where both mean the same."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import re2
from hypothesis import assume, example, given
from hypothesis import strategies as st

from clausal.compiler.text.fold import fold
from clausal.compiler.text.pattern_folding import fold_pattern
from clausal.compiler.text.pattern_tokens import PatternError, class_items, tokens
from clausal.compiler.text.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_STEPS,
    PatternSet,
    check_pattern,
    pattern_problem,
)

# Patterns that mean the same to RE2 and to `re` with `re.ASCII`.
atoms = st.sampled_from(
    [
        "a",
        "b",
        "A",
        "1",
        "刚",
        "发",
        r"\.",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\b",
        "^",
        "[ab]",
        "[^a]",
        "[a-c1刚]",
        "[^刚发]",
        "[]a]",
        r"[\d刚]",
        r"\x41",
        r"\n",
        "-",
        "，",
    ]
)
repeats = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}", "*?", "+?"])


def _repeated(pattern: str, repeat: str) -> str:
    return pattern if pattern in {"^", r"\b"} else pattern + repeat


patterns = st.recursive(
    st.builds(_repeated, atoms, repeats),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.builds("(?:{}|{}){}".format, inner, inner, repeats),
        st.builds("({}){}".format, inner, repeats),
    ),
    max_leaves=8,
)
texts = st.text("abcA1刚发. -，\n_", max_size=12)


@given(patterns, texts)
def test_matching_is_that_of_re(pattern: str, text: str) -> None:
    one = PatternSet([(pattern, False)])
    oracle = re.search(pattern, text, re.ASCII)
    assert one.search(0, text) == (oracle is not None)
    span = one.first(0, text)
    if oracle is None:
        assert span is None
    else:
        # Where an empty repetition ends is where the two differ.
        assert span is not None
        assert span[0] == oracle.start()


@given(st.lists(patterns, max_size=8), texts, st.booleans())
def test_a_group_matches_what_its_patterns_match(
    written: list[str], text: str, folded: bool
) -> None:
    text = fold(text) if folded else text
    found = PatternSet([(pattern, folded) for pattern in written if pattern])
    wanted = [found.search(index, text) for index in range(len(found))]
    places = iter(range(len(found)))
    for group in found.groups(range(len(found))):
        matched = group.matches(text)
        assert len(set(matched)) == len(matched)
        assert [i in matched for i in range(len(group))] == [
            wanted[place] for place, _ in zip(places, range(len(group)), strict=False)
        ]


@given(st.lists(patterns.filter(bool), min_size=2, max_size=6), texts)
def test_a_group_whose_memory_runs_out_goes_on_pattern_by_pattern(
    written: list[str], text: str
) -> None:
    found = PatternSet([(pattern, False) for pattern in written])
    (group,) = found.groups(range(len(found)))
    # What it does when memory runs out: it finds nothing, whatever there is.
    broken = re2.Set.SearchSet()
    broken.Compile()
    group._set = broken
    assert group.matches(text) == [i for i in range(len(found)) if found.search(i, text)]


def test_groups_are_bounded_and_of_one_kind() -> None:
    written = [(f"词{number}.{{0,40}}语", number % 90 < 45) for number in range(180)]
    found = PatternSet(written)
    groups = found.groups(range(len(found)))
    assert sum(map(len, groups)) == len(found)
    place = 0
    for group in groups:
        members = range(place, place + len(group))
        assert sum(map(found.steps, members)) <= MAX_STEPS
        assert {written[index][1] for index in members} == {group.folded}
        place += len(group)
    assert len(groups) > 4
    assert found.groups([]) == []


@pytest.mark.timeout(60)
def test_a_text_that_is_written_against_a_group_costs_no_more_than_a_pattern_may() -> None:
    found = PatternSet([(f"{chr(97 + i)}.{{0,{40 + i}}}{chr(98 + i)}z", True) for i in range(20)])
    (group,) = found.groups(range(len(found)))
    rng = random.Random(3)
    text = "".join(rng.choices("abcdefghijklmnopqrstu", k=20_000))
    assert group.matches(text) == []


WIDE = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
words = st.text("abcXYZ019", min_size=1, max_size=3)
wide_words = words.map(lambda word: word.translate(WIDE))


@given(st.lists(st.tuples(words, st.booleans(), repeats), min_size=1, max_size=4), texts)
def test_a_wide_pattern_means_what_the_narrow_one_means(
    parts: list[tuple[str, bool, str]], text: str
) -> None:
    narrow = "".join(word + repeat for word, _, repeat in parts)
    wide = "".join((w.translate(WIDE) if is_wide else w) + r for w, is_wide, r in parts)
    text = fold(text)
    both = PatternSet([(narrow, True), (wide, True)])
    oracle = re.search(narrow, text, re.ASCII | re.IGNORECASE) is not None
    assert both.search(0, text) == both.search(1, text) == oracle


TROUBLE = "aÉé刚ｶﾊﾞ\u3099\u0301\u0327\u0345ᾳßẛΣς각\u1161\u200b\ufe0f㈱…①⑫Ａ（．［＾－￥\\[](){}*+?.^$|- \U0001d400🅅"


@given(
    st.text(
        st.one_of(st.sampled_from(TROUBLE), st.characters(exclude_categories=["Cs"])), max_size=8
    )
)
@example("…+")
@example("(e\u0301)")
def test_a_quoted_text_matches_itself_folded(text: str) -> None:
    # `re.escape` also escapes what RE2 takes for letters.
    quoted = "".join("\\" + c if c in "\\[](){}*+?.^$|-" else c for c in text)
    assume(quoted)
    pattern = PatternSet([(quoted, True)])
    folded = fold(text)
    assert pattern.search(0, folded)
    span = pattern.first(0, text)
    assert span is not None
    if folded:
        assert folded == fold(text[span[0] : span[1]])
        assert not pattern.search(0, "")


@given(st.characters(exclude_categories=["Cs"]), st.characters(exclude_categories=["Cs"]))
def test_a_character_in_brackets_matches_itself_folded(one: str, other: str) -> None:
    assume(fold(one))
    pattern = "[" + "".join("\\" + c if c in "\\[]^-" else c for c in one + other) + "]"
    assert PatternSet([(f"^{pattern}$", True)]).search(0, fold(one))


@given(st.text(max_size=20))
@example("[]a]b")
@example("[^]")
@example("(?P<名>a)(?i)")
def test_tokens_in_a_row_are_the_pattern(pattern: str) -> None:
    parts = tokens(pattern)
    assert "".join(token.text for token in parts) == pattern
    assert [token.offset for token in parts] == [
        sum(len(before.text) for before in parts[:i]) for i in range(len(parts))
    ]


@given(st.text("ab^-]\\[:d刚", max_size=10))
def test_items_in_a_row_are_the_class(inner: str) -> None:
    for token in tokens(f"[{inner}]"):
        if token.text.startswith("[") and token.text.endswith("]"):
            opening, items = class_items(token.text)
            assert opening + "".join(items) + "]" == token.text


@given(
    st.text(
        st.one_of(st.sampled_from("()[]{}*+?\\|^$.:<>=!Ppx,-ixs12aQ刚Ａ"), st.characters()),
        max_size=16,
    )
)
@example(r"\x{")
@example("(?P")
@example("[[:")
def test_every_string_is_a_pattern_or_has_a_reason(pattern: str) -> None:
    for folded in (False, True):
        reason = check_pattern(pattern, folded=folded)
        if reason is None:
            PatternSet([(pattern, folded)]).search(0, "刚刚 ad")
        else:
            assert reason
            with pytest.raises(PatternError) as raised:
                PatternSet([(pattern, folded)])
            assert str(raised.value) == reason
            assert raised.value.offset is None or 0 <= raised.value.offset < len(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ABC", "abc"),
        ("ABC", "ＡＢＣ"),
        ("ＡＢＣ", "abc"),
        ("ＡＢＣ", "xABCx"),
        ("abc", "ⒶⒷⒸ"),
        ("[A-Z]{3}", "abc"),
        ("[Ａ-Ｚ]{3}", "ABC"),
        ("[０-９]+元", "99元"),
        (r"\d+元", "９９元"),
        ("[①-⑳]", "第⑫"),
        ("刚刚.{0,4}突发", "刚\u200b刚，某地突发"),
        ("微\\s*信", "微　信"),
        ("，", "a,b"),
        ("[，。！]", "a!b"),
        ("[、…]", "等..."),
        ("…{2}", "……"),
        ("（株）", "㈱"),
        ("．", "a.b"),
        (r"\x{FF21}", "a"),
        (r"\x{ff0e}", "."),
        ("Straße", "STRASSE"),
        ("É", "e\u0301"),
        ("e\u0301+x", "éééx"),
        ("❤️+", "❤❤"),
        ("[❤️🔥]", "🔥"),
        ("^[xe\u0301]$", "é"),
        (r"\p{Lu}", "a"),
        (r"\p{Han}{2}", "刚刚"),
        (r"[\p{Han}]{2}", "刚刚"),
        ("[^，]", "。"),
        ("[一-龥]", "刚"),
        (r"[\x{80}-\x{ffff}]", "刚"),
        ("(?i)abc", "ABC"),
        ("(?P<名>刚)", "刚"),
        (r"\bad\b", "看ad吧"),
        ("(加|十)v信?", "加V信"),
        ("[＾ａ]", "^"),
        ("[－ａ]", "-"),
        ("［", "["),
        ("a{2,３}", "a{2,3}"),
    ],
)
def test_matches_in_text_fields(pattern: str, text: str) -> None:
    assert PatternSet([(pattern, True)]).search(0, fold(text))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("．", "a"),
        ("＊", "a"),
        ("[^，]", "，"),
        (r"[\x{80}-\x{ffff}]", "Ａ"),
        ("…{2}", "…"),
        ("Ａ．Ｂ", "axb"),
        ("发", "發"),
        ("a{2,３}", "aaa"),
        (r"\bad\b", "made"),
        ("a.b", "a\nb"),
        ("^b", "a\nb"),
    ],
)
def test_no_matches_in_text_fields(pattern: str, text: str) -> None:
    assert not PatternSet([(pattern, True)]).search(0, fold(text))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("ABC", "ABC", True),
        ("ABC", "abc", False),
        ("ABC", "ＡＢＣ", False),
        ("Ａ", "Ａ", True),
        ("(?i)ABC", "abc", True),
        ("(?m)^b", "a\nb", True),
        ("(?s)a.b", "a\nb", True),
        ("\u200b", "a\u200bb", True),
        (r"\z", "", True),
        ("\x00", "a\x00", True),
    ],
)
def test_string_fields_are_matched_as_they_are(pattern: str, text: str, matches: bool) -> None:
    assert PatternSet([(pattern, False)]).search(0, text) is matches


def test_the_first_match_is_in_the_original_text() -> None:
    text = "\u200b我的Ｖ\u200bＸ：ａｂ㈱"
    three = PatternSet(
        [("vx:[a-z]+", True), ("Ｖ", False), ("株", True), ("$", True), ("无", True)]
    )
    assert three.first(0, text) == (3, 9)
    assert three.first(1, text) == (3, 4)
    assert three.first(2, text) == (9, 10)
    assert three.first(3, text) == (10, 10)
    assert three.first(4, text) is None
    assert PatternSet([("[‥…]", True)]).first(0, "等...") == (1, 4)
    assert len(three) == 5
    with pytest.raises(IndexError):
        three.search(5, text)


REFUSED = {
    "": "the pattern is empty and would match every text",
    r"(a)\1": "`\\1` refers back to a group, which cannot be matched in linear time (at character 4)",
    r"刚(?P<n>a)(?P=n)": "`(?P=` refers back to a group, which cannot be matched in linear time "
    "(at character 10)",
    r"\k<n>": "`\\k` refers back to a group, which cannot be matched in linear time (at character 1)",
    "x(?=a)": "`(?=` looks ahead, which cannot be matched in linear time (at character 2)",
    r"\((?!a)": "`(?!` looks ahead, which cannot be matched in linear time (at character 3)",
    "[(?=](?<=a)": "`(?<=` looks behind, which cannot be matched in linear time (at character 6)",
    "(?<!a)b": "`(?<!` looks behind, which cannot be matched in linear time (at character 1)",
    "(?>a)": "`(?>` is an atomic group, which has no meaning where nothing is tried again "
    "(at character 1)",
    "(a)(?(1)b)": "`(?(` asks whether a group matched, which cannot be matched in linear time "
    "(at character 4)",
    "(?#c)a": "`(?#` begins a comment; write it beside the rule (at character 1)",
    "a++": "`++` repeats a repetition; put parentheses around the inner one (at character 2)",
    "*a": "`*` has nothing to repeat (at character 1)",
    "刚(a": "a `(` has no `)` (at character 2)",
    "(a(b": "a `(` has no `)` (at character 1)",
    "(a)(b(c)": "a `(` has no `)` (at character 4)",
    "(a))": "a `)` has no `(` (at character 4)",
    r"\)[a": "a `[` has no `]` (at character 3)",
    "刚[z-a]": "`z-a` is no range of characters and no known class (at character 3)",
    r"\p{Foo}": "`\\p{Foo}` is no range of characters and no known class (at character 1)",
    "a{1001}": "`{1001}` repeats more than 1,000 times in all, or less than it begins "
    "(at character 2)",
    r"a\Z": "`\\Z` has no meaning; the end of a text is `\\z` (at character 2)",
    r"\u4e00": "`\\u` has no meaning; write the character itself, or `\\x{4e00}` (at character 1)",
    r"\h": "`\\h` has no meaning (at character 1)",
    "a\\": "a `\\` at the end has nothing to stand before",
    "\\x{": "an escape at the end is cut short",
    r"\Qa.b\E": "`\\Q` is not supported: put a `\\` before each character that is to mean itself "
    "(at character 1)",
    r"\C": "`\\C` is not supported: it matches a part of a character (at character 1)",
    "(?<n": "`(?<n` does not name a group (at character 1)",
    "a\ud800": "the pattern has a lone surrogate, which no text has",
    "x" * (MAX_PATTERN_LENGTH + 1): "the pattern has 1,001 characters; at most 1,000 are allowed, "
    "and a list of words is better a term list",
    r"\p{L}{500}": "the pattern takes too much memory: large repetitions and classes such as "
    "`\\p{L}` multiply",
}


@pytest.mark.parametrize(("pattern", "reason"), REFUSED.items(), ids=lambda text: ascii(text)[:24])
def test_refused_with_a_reason(pattern: str, reason: str) -> None:
    assert check_pattern(pattern) == reason
    assert check_pattern(pattern, folded=True) == reason


@pytest.mark.parametrize("folded", [False, True])
def test_patterns_that_cost_too_much_are_refused(folded: bool) -> None:
    reason = check_pattern(r"\p{L}{50}", folded=folded)
    assert reason is not None
    assert re.fullmatch(
        r"the pattern takes \d\d,\d\d\d steps for each byte of a text; at most 10,000 are allowed: "
        r"large repetitions and classes such as `\\p\{L\}` multiply",
        reason,
    )
    assert check_pattern(r"\p{Han}{1,50}", folded=folded) is None


@pytest.mark.parametrize(
    ("pattern", "reason", "offset"),
    [
        (
            "a(?-i)b",
            "`(?-i)` asks for upper and lower case, which a text field does not tell apart",
            1,
        ),
        ("[a[\u200b]", None, None),
        (
            "刚[\u200b]",
            "`[\u200b]` has only invisible characters, which are removed from a text field",
            1,
        ),
        (
            "[^a…]",
            "`…` is `...` in a folded text, and several characters cannot be excluded in `[^...]`",
            0,
        ),
    ],
)
def test_refused_in_text_fields_only(pattern: str, reason: str | None, offset: int | None) -> None:
    assert pattern_problem(pattern) is None
    problem = pattern_problem(pattern, folded=True)
    if reason is None:
        assert problem is None
    else:
        assert problem is not None
        assert (problem.reason, problem.offset) == (reason, offset)


@pytest.mark.parametrize(
    ("pattern", "folded"),
    [
        ("ＡＢＣ+", "abc+"),
        ("[，。！？…]", r"(?:\.\.\.|[,。!\?])"),
        ("[①-⑪]{2}", "(?:10|11|[123456789]){2}"),
        ("．*", r"\.*"),
        ("[❤️🔥]+❤️+", "[❤🔥]+❤+"),
        ("(?P<ＡＢ>ﾃｽﾄﾞ)", "(?P<ＡＢ>テスド)"),
        (r"\x{FF21}\.\d\p{Lu}\n", "a\\.\\d\\p{Lu}\n"),
        ("a{2,３}", r"a\{2,3\}"),
        ("[\u200b^-z]", r"[\^-z]"),
        ("[一-龥]", "[一-龥]"),
        ("(\u200b)+", "((?:))+"),
        ("…+", r"(?:\.\.\.)+"),
        (r"[[:alpha:]\d、]", r"[[:alpha:]\d、]"),
    ],
)
def test_folded_patterns(pattern: str, folded: str) -> None:
    assert fold_pattern(pattern) == folded


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 1_000_000 + "b"),
        ("(a|a)*b", "a" * 1_000_000),
        ("(a|aa)+$", "a" * 1_000_000 + "b"),
        ("(x+x+)+y", "x" * 1_000_000),
        (".*.*.*.*=.*", "x" * 1_000_000),
        ("(刚+)+发", "刚" * 300_000),
        (r"([a-z]+\d?)+!", "abc1" * 250_000),
        ("(a?){30}a{30}b", "a" * 100_000),
    ],
)
def test_no_pattern_is_catastrophic(pattern: str, text: str) -> None:
    both = PatternSet([(pattern, False), (pattern, True)])
    assert not both.search(0, text)
    assert not both.search(1, text)


@pytest.mark.timeout(60)
def test_a_pattern_near_the_limit_still_ends() -> None:
    heavy = PatternSet([("a.{0,1000}b", False)])
    assert MAX_STEPS // 2 < heavy.steps(0) <= MAX_STEPS
    assert not heavy.search(0, "ac" * 20_000)


def test_lone_surrogates_do_not_raise() -> None:
    text = "\ud800刚刚\udfff突发\ud83d"
    two = PatternSet([("刚.{0,3}突", False), ("刚.{0,3}突", True), (r"\x{fffd}", False)])
    assert two.search(0, text)
    assert two.search(1, fold(text))
    assert two.first(0, text) == (1, 5)
    assert two.first(1, text) == (1, 5)
    assert two.first(2, text) == (0, 1)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    check_pattern("(?=a)")
    PatternSet([("a.{0,1000}b", False)]).search(0, "ac" * 10_000)
    assert capfd.readouterr() == ("", "")


def test_more_patterns_than_the_library_remembers() -> None:
    many = PatternSet([(f"词{i}号", i % 2 == 0) for i in range(300)])
    assert [i for i in range(300) if many.search(i, "词7号 词250号")] == [7, 250]


def test_threads_share_patterns() -> None:
    patterns = PatternSet([(f"词{i}.*号$", True) for i in range(20)])
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda i: patterns.search(i % 20, f"有词{i % 7}的号" * 50), range(400))
        assert list(found) == [i % 20 == i % 7 for i in range(400)]
