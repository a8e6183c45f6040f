"""The slips that authors make: where the message points, what it expected, and what it advises."""

from __future__ import annotations

import pytest

from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostic
from clausal.dsl.parser import parse
from clausal.dsl.source import Source

TEXTS = 'write texts in `"…"` or `“…”`'
LEAVE_OUT = "leave it out: an entry ends where the next one begins"
AT_ELSE = "write a rule of its own for the other case, or an exception with `unless`"
IS = "compare with `==` or `!=`: `is` asks only whether something is missing"
MONTHS = "months and years differ in length: count days, such as `30d`"


def first(text: str) -> Diagnostic:
    _, diagnostics = parse(Source("test.policy", text))
    return next(iter(diagnostics))


@pytest.mark.parametrize(
    ("text", "code", "advice"),
    [
        # Operators and signs of other languages. ‹ and › enclose what the message points at.
        ("rule a { when b ‹=› 5 }", "E0101", "compare with `==`"),
        ("let a = b ‹＝› 5", "E0101", "compare with `==`"),
        ('let a = b contains ‹"x"›', "E0101", 'write `any` and a list: `any ["…"]`'),
        (
            'policy a 1.0.0 { in force 2024-06-01 ‹time› zone "UTC" }',
            "E0101",
            "write `..` behind the first day: `in force 2024-06-01 ..` has no end",
        ),
        ("param a ‹==› 5", "E0101", "write one `=` here: two compare"),
        ("let a = b ‹&›& c", "E0102", "write `and`"),
        ("let a = b ‹|›| c", "E0102", "write `or`"),
        ("let a = ‹!›b", "E0102", "write `not`"),
        ("let a = b <‹>› c", "E0101", "write `!=`"),
        ("let a = b ‹AND› c", "E0101", "did you mean `and`?"),
        ("let a = b ‹且› c", "E0101", "did you mean `and`?"),
        ("let a = b == ‹'c d'›", "E0102", TEXTS),
        ("rule a { because ‹「理由」› }", "E0102", TEXTS),
        ("rule a { because ‹zh›「理由」 }", "E0101", TEXTS),
        ("rule a {\n when b‹;›\n}", "E0102", LEAVE_OUT),
        ("rule a {\n when b‹。›\n}", "E0102", LEAVE_OUT),
        ("rule a {\n when‹:› b }", "E0102", "no colon stands after `when`"),
        ("rule a {\n when‹：›b }", "E0102", "no colon stands after `when`"),
        ("rule a {\n ‹/›/ b\n}", None, "comments begin with `#`"),
        ("rule a { because ‹zh理由› }", "E0101", TEXTS),
        # Commas.
        ("rule a { when b in [c ‹d›] }", "E0101", "put a `,` between the elements"),
        ('terms a = ["b" ‹"c"›]', "E0101", "put a `,` between the elements"),
        ("sanction a(b share ‹c› number) {}", "E0101", "put a `,` between the elements"),
        ("rule a { cites 3.3 ‹3.4› }", "E0101", "put a `,` between the clauses"),
        ('test "a" { given b = 1\n ‹c› = 2 }', "E0101", "put a `,` between the assignments"),
        ("rule a { then warn ‹and› mute }", "E0101", "put a `,` between measures"),
        # Words.
        ("rule a { ‹if› b }", "E0101", "did you mean `when`?"),
        ("rule a { ‹如果› b }", "E0101", "did you mean `when`?"),
        ("rule a { ‹wehn› b }", "E0101", "did you mean `when`?"),
        ("rule a { when b\n ‹thne› warn }", "E0101", "did you mean `then`?"),
        ("rule a { then warn\n ‹else› mute }", "E0101", AT_ELSE),
        ("rule a { cites 1\n ‹else› mute }", "E0101", AT_ELSE),
        ("policy a 1 { ‹inforce› 2024-01-01 .. }", "E0101", None),
        ("sanction a { ‹grad› 3 }", "E0101", "did you mean `grade`?"),
        ('test "a" { ‹assert› b }', "E0101", "did you mean `expect`?"),
        ("schema a { b ‹strng› }", "E0101", "did you mean `string`?"),
        ("schema a { b ‹list› of text }", "E0101", "did you mean `set`?"),
        ("param a = 1 ‹rang› 0 .. 2", "E0101", "did you mean `range`?"),
        ("‹rul› a {}", "E0101", "did you mean `rule`?"),
        ("rule my‹-›rule {}", "E0101", "join the words of a name with `_`: `my_rule`"),
        # Missing.
        ("rule a { when b is not ‹verified› }", "E0101", IS),
        ("rule a { when b is ‹5› }", "E0101", IS),
        # Numbers, durations, dates.
        ("rule a { then mute for ‹48hours› }", "E0105", "write `48h`"),
        ("rule a { then mute for ‹7› days }", "E0101", "write `7d`"),
        ("rule a { then mute 7 ‹days› }", "E0101", "write for how long as `for 7d`"),
        ("rule a { then mute for ‹1个月› }", "E0105", MONTHS),
        ("rule a { then mute for ‹2› years }", "E0101", MONTHS),
        ("rule a { when b > ‹5W› }", "E0105", "write `5万`"),
        ("rule a { when b > ‹5K› }", "E0105", "write `5k`"),
        ("rule a { when b > ‹5› million }", None, None),
        ("policy a 1 { in force ‹2024/04/23› .. }", "E0105", "write `2024-04-23`"),
        ("policy a 1 { in force ‹2024年4月3日› .. }", "E0105", "write `2024-04-03`"),
        ("policy a 1 { in force ‹2024-4-23› .. }", "E0105", "write `2024-04-23`"),
        ('test "a" { at 2024-05-01 ‹12:00› }', "E0101", "write `2024-05-01T12:00`"),
        ('test "a" { given b = 2024‹/›05/01 }', "E0101", "write `2024-05-01`"),
        (
            'rule a { because zh "清朗 en "‹x›" }',
            "E0101",
            'a `"` is missing before this place: close each text on its line',
        ),
        ("ladder a by b within 30d { ‹1› warn }", "E0101", "write `1 =>` before its measures"),
    ],
)
def test_a_slip_is_understood(text: str, code: str | None, advice: str | None) -> None:
    start, end = text.index("‹"), text.index("›") - 1
    diagnostic = first(text.replace("‹", "").replace("›", ""))
    if code is not None:
        assert diagnostic.code == code
        assert (diagnostic.primary.span.start, diagnostic.primary.span.end) == (start, end)
    if advice is not None:
        assert diagnostic.help == (advice,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rule a { cites 1 ! }", "expected an entry (`when`, `then`, …), the fingerprint of a clause, `,` or `}`"),
        ("rule a { when b ! }", "expected an operator, an entry (`when`, `then`, …), `and`, `or`, `}`, `[` or `.`"),
        ("rule a { when ! }", "expected a condition"),
        ("rule a { when b < ! }", "expected a value"),
        ("rule a { when b in ! }", "expected a name or `[`"),
        ("rule a { when b in [!] }", "expected a value or `]`"),
        ("rule a { when (b ! }", "expected an operator, `and`, `or`, `)`, `[` or `.`"),
        ("rule a { then ! }", "expected a name or `ladder`"),
        ("rule a { then warn ! }", "expected a value, an entry (`when`, `then`, …), `after`, `for`, `interim`, `on`, `until` or `,`"),
        ("rule a { because ! }", "expected `zh`, `en` or a text in `\"…\"`"),
        ("policy a 1 { ! }", "expected an entry (`title`, `use`, …) or `}`"),
        ("sanction a { ! }", "expected an entry (`on`, `grade`, …) or `}`"),
        ('test "a" { ! }', "expected an entry (`given`, `expect`, …) or `}`"),
        ("schema a { b ! }", "expected a type, `zh`, `en` or `{`"),
        ("schema a { b text ! }", "expected `zh`, `en`, a name, `required` or `}`"),
        ("event { ! }", "expected `time`, `id` or `}`"),
        ("param a = ! ", "expected a date or a time, a number or a duration"),
        ("param a = 1 ! ", "expected a declaration, `zh`, `en` or `range`"),
        ("tally a = ! ", "expected `count`, `distinct`, `rate` or `sum`"),
        ("clause ! ", "expected the number of a clause"),
        ("ladder a by b within 7d { ! }", "expected an entry (`families`, `points`, …) or a step such as `2 =>` or `}`"),
        ("! ", "expected a declaration"),
    ],
)  # fmt: skip
def test_what_was_expected_is_said_in_few_words(text: str, expected: str) -> None:
    assert first(text).primary.text == expected


def labels(text: str) -> list[tuple[str, str, list[str]]]:
    """For each diagnostic its code, what it points at, and what it points at besides."""
    source = Source("test.policy", text)
    return [
        (d.code, source.slice(d.primary.span), [source.slice(one.span) for one in d.secondary])
        for d in parse(source)[1]
    ]


def kinds(text: str) -> list[str]:
    return [type(one).__name__ for one in parse(Source("test.policy", text))[0].declarations]


def test_a_brace_that_was_not_closed_is_found_at_the_next_declaration() -> None:
    text = "rule a {\n when b\nrule c {\n when d\n}\n"
    assert labels(text) == [("E0104", "rule", ["{"])]
    assert kinds(text) == ["Broken", "Rule"]


def test_a_brace_that_was_not_closed_is_found_where_anything_may_be_a_name() -> None:
    text = "schema a {\n b text\nrule c {\n when d\n}\n"
    assert labels(text) == [("E0104", "rule", ["{"])]
    assert kinds(text) == ["Broken", "Rule"]


def test_a_brace_in_a_text_or_a_comment_is_not_taken_for_an_open_one() -> None:
    text = 'test "{" # {\n{\n at 2024-01-01\nrule c {}\n'
    source = Source("test.policy", text)
    (diagnostic,) = parse(source)[1]
    assert diagnostic.secondary[0].span.start == text.index("\n{") + 1


def test_a_brace_that_was_not_closed_at_the_end_of_the_file() -> None:
    text = "rule a {\n when b\n\n\n"
    (diagnostic,) = parse(Source("test.policy", text))[1]
    assert diagnostic.code == "E0104"
    assert diagnostic.primary.span.start == diagnostic.primary.span.end == text.index("b\n") + 1
    assert diagnostic.primary.text == "expected `}`"


def test_a_text_that_was_not_closed_is_marked_up_to_the_end_of_its_line() -> None:
    assert labels('rule a {\n because zh "b\n}') == [("E0103", '"b', [])]
    assert labels("rule a {\n because zh “b\n}") == [("E0103", "“b", [])]


def test_words_at_the_start_of_a_line_do_not_break_what_stands_before_them() -> None:
    assert kinds("let a = b\nrul c {}\nlet d = e") == ["Let", "Broken", "Let"]
    assert kinds("rule a {}\n}\nrule b {}") == ["Rule", "Broken", "Rule"]


def test_words_on_the_same_line_belong_to_what_stands_before_them() -> None:
    assert kinds("let a = b c\nlet d = e") == ["Broken", "Let"]


def test_one_run_finds_an_error_in_each_declaration() -> None:
    text = "rule a { whn b }\nrule c { when d }\nlet e = ;\nparam f 5\n"
    assert [code for code, _, _ in labels(text)] == ["E0101", "E0102", "E0101"]
    assert kinds(text) == ["Broken", "Rule", "Broken", "Broken"]


def test_a_broken_declaration_keeps_its_kind_and_its_name() -> None:
    text = 'rule a { whn b }\nclause 3.4 oops\ntest "x" { ! }\n'
    broken = parse(Source("test.policy", text))[0].declarations
    assert broken == (
        nodes.Broken("rule", "a"),
        nodes.Broken("clause", "3.4"),
        nodes.Broken("test", ""),
    )


def test_errors_in_literals_cost_no_declaration() -> None:
    text = 'let a = "\\q"\nparam b = 1e999\npolicy c 1 { in force 2024-02-30 .. }\n'
    assert [code for code, _, _ in labels(text)] == ["E0107", "E0105", "E0106"]
    assert kinds(text) == ["Let", "Param", "Policy"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let a = b between 25:00 and 06:00", "E0106"),
        ("let a = b between 22:00 and 24:01", "E0106"),
        ("let a = b < 2024-13-01", "E0106"),
        ("let a = b < 2024-05-01T24:00", "E0106"),
        ("let a = b < 2024-05-01T12:00+99:00", "E0106"),
        ("let a = b < 0000-01-01", "E0106"),
        ('let a = "\\u{110000}"', "E0107"),
        ('let a = "\\u{d800}"', "E0107"),
        ('let a = "\\u{0}"', "E0107"),
        ('let a = "\\u{}"', "E0107"),
        ('let a = "\\u4e2d"', "E0107"),
    ],
)
def test_literals_that_mean_nothing_are_errors(text: str, code: str) -> None:
    assert first(text).code == code


def test_a_day_may_end_at_midnight() -> None:
    _, diagnostics = parse(Source("test.policy", "let a = b between 22:00 and 24:00"))
    assert not list(diagnostics)
