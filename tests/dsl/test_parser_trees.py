"""What a text means: precedence, operators that look alike, and spellings that are equal."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.dsl import nodes
from clausal.dsl.parser import parse
from clausal.dsl.source import Source
from tests.support.real_files import SMALL, real_sources


def parsed(text: str) -> nodes.File:
    file, diagnostics = parse(Source("test.policy", text))
    assert not [(one.message, one.primary.span) for one in diagnostics]
    return file


def expression(text: str) -> nodes.Expression:
    (let,) = parsed(f"let x = {text}").declarations
    assert isinstance(let, nodes.Let)
    return let.value


def path(text: str) -> nodes.Path:
    return nodes.Path(tuple(text.split(".")))


def number(digits: str) -> nodes.Number:
    return nodes.Number(Decimal(digits))


A, B, C, D = map(path, "abcd")
LIST = nodes.ListOf((nodes.Name("b"),))


def equal(left: nodes.Expression, right: nodes.Expression) -> nodes.Compare:
    return nodes.Compare((left, right), ("==",))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and not c == d", nodes.Or((A, nodes.And((B, nodes.Not(equal(C, D))))))),
        ("a and b or c", nodes.Or((nodes.And((A, B)), C))),
        ("a or b or c", nodes.Or((A, B, C))),
        ("(a or b) or c", nodes.Or((nodes.Or((A, B)), C))),
        ("a and (b or c)", nodes.And((A, nodes.Or((B, C))))),
        ("not a and b", nodes.And((nodes.Not(A), B))),
        ("not (a and b)", nodes.Not(nodes.And((A, B)))),
        ("not not a", nodes.Not(nodes.Not(A))),
        ("not a == b", nodes.Not(equal(A, B))),
        ("(not a) == b", equal(nodes.Not(A), B)),
        ("0 <= a < 1", nodes.Compare((number("0"), A, number("1")), ("<=", "<"))),
        ("a == b != c", nodes.Compare((A, B, C), ("==", "!="))),
        ("(a == b) == c", equal(equal(A, B), C)),
        ("a not in [b]", nodes.In(A, LIST, negated=True)),
        ("not a in [b]", nodes.Not(nodes.In(A, LIST))),
        ("not a not in [b]", nodes.Not(nodes.In(A, LIST, negated=True))),
        ("not a is missing", nodes.Not(nodes.IsMissing(A))),
        ("a is not missing", nodes.IsMissing(A, negated=True)),
        ("a + b in c", nodes.In(nodes.Arithmetic("+", A, B), nodes.Name("c"))),
        ("a has any [b] and c", nodes.And((nodes.Has(A, LIST, every=False), C))),
        ("a has all [b] or c", nodes.Or((nodes.Has(A, LIST, every=True), C))),
        (
            "a between 22:00 and 06:00 and b",
            nodes.And((nodes.Between(A, "22:00", "06:00"), B)),
        ),
        ("a contains any b or c", nodes.Or((nodes.Contains(A, nodes.Name("b")), C))),
        ("a matches /b/c/ and d", None),
        ("a matches /b\\/c/ and d", nodes.And((nodes.Matches(A, "b\\/c"), D))),
        ("a + b * c", nodes.Arithmetic("+", A, nodes.Arithmetic("*", B, C))),
        ("a * b + c", nodes.Arithmetic("+", nodes.Arithmetic("*", A, B), C)),
        ("a - b - c", nodes.Arithmetic("-", nodes.Arithmetic("-", A, B), C)),
        ("a - (b - c)", nodes.Arithmetic("-", A, nodes.Arithmetic("-", B, C))),
        ("a / b * c", nodes.Arithmetic("*", nodes.Arithmetic("/", A, B), C)),
        ("-a * b", nodes.Arithmetic("*", nodes.Minus(A), B)),
        ("-(a * b)", nodes.Minus(nodes.Arithmetic("*", A, B))),
        ("a - -b", nodes.Arithmetic("-", A, nodes.Minus(B))),
        ("-5", number("-5")),
        ("- 5", number("-5")),
        ("-(5)", number("-5")),
        ("--5", nodes.Minus(number("-5"))),
        ("a -5", nodes.Arithmetic("-", A, number("5"))),
        ("-5 * -a", nodes.Arithmetic("*", number("-5"), nodes.Minus(A))),
        ("count of a > 1", nodes.Compare((nodes.CountOf(A), number("1")), (">",))),
        (
            "a < b + c and d",
            nodes.And((nodes.Compare((A, nodes.Arithmetic("+", B, C)), ("<",)), D)),
        ),
    ],
)
def test_precedence(text: str, tree: nodes.Expression | None) -> None:
    if tree is None:
        assert parse(Source("test.policy", f"let x = {text}"))[1].has_errors
    else:
        assert expression(text) == tree


def test_a_minus_tells_zeros_apart() -> None:
    minus = expression("--0")
    assert isinstance(minus, nodes.Minus)
    assert isinstance(minus.item, nodes.Number)
    assert minus.item.digits.is_signed()


def test_names_that_differ_in_composition_only_are_one_name() -> None:
    composed, decomposed = "été", unicodedata.normalize("NFD", "été")
    assert composed != decomposed
    assert parsed(f"let {composed} = 1") == parsed(f"let {decomposed} = 1")
    assert expression(f"a.{composed}") == expression(f"a.{decomposed}")


def test_texts_and_keys_are_kept_as_they_are_composed() -> None:
    composed, decomposed = "été", unicodedata.normalize("NFD", "été")
    assert expression(f'"{composed}"') != expression(f'"{decomposed}"')
    assert expression(f'a["{composed}"]') != expression(f'a["{decomposed}"]')


def test_names_may_be_spelled_in_any_living_script() -> None:
    for name in ("话题", "ひらがな", "हिन्दी", "العربية", "ไทย", "Ελληνικά", "한국어", "עברית", "ё"):
        assert expression(name) == path(unicodedata.normalize("NFC", name))


def test_a_name_has_no_end_in_a_composed_form() -> None:
    """Every name is still one after composition, else printing it would lose it."""
    name = re.compile(r"let (\S+) = 1\n")
    letters = [chr(i) for i in range(0x3400) if chr(i).isalpha()] + ["\ufb4b", "\ufb1f"]
    text = "".join(
        f"let n{letter} = 1\n" for letter in letters if letter not in "\u115f\u1160\u3164"
    )
    found = [one.name.text for one in parsed(text).declarations if isinstance(one, nodes.Let)]
    assert found == [unicodedata.normalize("NFC", one) for one in name.findall(text)]
    again = "".join(f"let {one} = 1\n" for one in found)
    assert parsed(again).declarations == parsed(text).declarations


def test_keywords_are_names_where_no_keyword_may_stand() -> None:
    text = (
        'schema a zh "甲" { rule text zh "乙" test text event { let text } when enum [then, not] }'
    )
    (schema,) = parsed(text).declarations
    assert isinstance(schema, nodes.Schema)
    assert [field.name.text for field in schema.fields] == ["rule", "test", "event", "when"]
    assert expression("a.and.not.missing") == path("a.and.not.missing")


def test_what_looks_like_a_keyword_of_another_place_is_a_name() -> None:
    text = "table t by a {\n any => 1\n after => 2\n range => 3\n when => 4\n}"
    (table,) = parsed(text).declarations
    assert isinstance(table, nodes.Table)
    assert table.rows[1].cells == (nodes.ValueCell(nodes.Name("after")),)
    (rule,) = parsed('rule r { then warn 5 zh "text" }').declarations
    assert isinstance(rule, nodes.Rule)


# ── Full width ───────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    r"""(?P<opaque>“[^“”\n]*”|[^\W\d]\w*|@[0-9a-f]{8}|/(?:\\.|[^/\\\n])+/)
      | (?P<plain>"[^"“”\\\n]*")
      | (?P<text>"(?:\\.|[^"\\\n])*")
      | (?P<comment>[#＃][^\n]*)
      | (?P<number>[0-9][0-9A-Za-z_]*(?:[.:+T-]*[0-9][0-9A-Za-z_]*)*)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_WIDE = {
    "{": "｛", "}": "｝", "[": "［【", "]": "］】", "(": "（", ")": "）", ",": "，、", "<": "＜",
    ">": "＞", "=": "＝", "!": "！", "+": "＋", "-": "－", "*": "＊×", "/": "÷／", ":": "：",
    ".": "．", "%": "％", " ": "\u3000\u00a0",
}  # fmt: skip
_WIDE_DIGITS = dict(zip("0123456789-:.+", "０１２３４５６７８９－：．＋", strict=True))


def widened(text: str, random: Random, share: float) -> str:
    """The text with about that share of its signs and numbers in full width."""

    def wide(match: re.Match[str]) -> str:
        found = match.group()
        if random.random() > share:
            return found
        match match.lastgroup:
            case "plain":
                return f"“{found[1:-1]}”"
            case "comment":
                return f"＃{found[1:]}"
            case "number":
                return "".join(_WIDE_DIGITS.get(one, one) for one in found)
            case "sign":
                return random.choice(_WIDE.get(found, found))
            case _:
                return found

    return _TOKEN.sub(wide, text)


SOURCES = real_sources()


@given(
    name=st.sampled_from(sorted(real_sources(SMALL))),
    # A seed: one draw for each character of a file would be more than Hypothesis takes.
    random=st.integers(0, 2**32).map(Random),
    share=st.floats(0, 1),
)
def test_full_and_half_width_spellings_mean_the_same(
    name: str, random: Random, share: float
) -> None:
    half = SOURCES[name].text
    assert parsed(widened(half, random, share)) == parsed(half)


@pytest.mark.parametrize("name", SOURCES)
def test_a_real_file_in_full_width_means_the_same(name: str) -> None:
    half = SOURCES[name].text
    assert parsed(widened(half, Random(0), 1.0)) == parsed(half)


def test_a_file_in_full_width_means_the_same() -> None:
    half = "rule a { cites 1.2 when b >= 0.5 and c != 2 then d 70% for 48h, e } # f\nparam g = -5万 range 1 .. 2"
    full = "rule a ｛ cites １．２ when b ＞＝ ０．５ and c ！＝ ２ then d ７０％ for ４８h，e ｝ ＃ f\nparam g ＝ －５万 range １ ．． ２"
    assert parsed(full) == parsed(half)
