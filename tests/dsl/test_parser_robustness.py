"""Nothing that a source can hold makes the parser raise, recurse or take its time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.nesting import NESTING_LIMIT
from clausal.dsl.parser import DECLARATIONS, keywords, parse
from clausal.dsl.printer import print_file
from clausal.dsl.render import terminal
from clausal.dsl.source import Source
from tests.support.real_files import SMALL, real_sources

SOURCES = {name: source.text for name, source in real_sources(SMALL).items()}
MANY = 100_000
SOME = 20_000


def parsed(text: str) -> tuple[nodes.File, Diagnostics]:
    """What is parsed, once it is sure that it holds together."""
    source = Source("test.policy", text)
    file, diagnostics = parse(source)
    broken = [one for one in file.declarations if isinstance(one, nodes.Broken)]
    assert not broken or diagnostics.has_errors
    ends = [0]
    for one in file.declarations:
        assert ends[-1] <= one.span.start <= one.span.end <= len(text)
        ends.append(one.span.end)
    places = [comment.span.start for comment in file.comments]
    assert places == sorted(set(places))
    for diagnostic in diagnostics:
        assert 0 <= diagnostic.primary.span.start <= diagnostic.primary.span.end <= len(text)
        assert terminal.render([diagnostic], color=False, width=100)
    if not diagnostics.has_errors:
        again = parse(Source("test.policy", print_file(file, source)))[0]
        assert again.declarations == file.declarations
        assert [c.text for c in again.comments] == [c.text for c in file.comments]
    return file, diagnostics


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in parsed(text)[1]]


# ── Chance ───────────────────────────────────────────────────────────────────────────────────────


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_parsed(text: str) -> None:
    parsed(text)


WORDS = [*sorted(keywords()), "content", "a", "1", "2.1", "3.3a", "48h", "5万", "0.85", "85%"]
WORDS += [
    "2024-04-23",
    "2024-05-01T12:00",
    "22:00",
    '"text"',
    "“文”",
    "/re/",
    "@0a1b2c3d",
    "zh",
    "en",
]
WORDS += [*list("{}[]().,=<>+-*/!#&|;:'\"“”\\@%"), "==", "!=", "<=", "=>", "..", "4+", "\n", "\n\n"]
WORDS += ["｛", "，", "：", "。", "\u3000", "\u200b", "\u202e", "\ufeff", "\r", "\x00", "１", "1_0"]


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from(["", " "]))
def test_any_words_are_parsed(words: list[str], between: str) -> None:
    parsed(between.join(words))


@given(
    st.sampled_from(DECLARATIONS),
    st.lists(st.sampled_from(WORDS), max_size=30),
    st.lists(st.sampled_from(WORDS), max_size=30),
)
def test_any_words_in_a_block_are_parsed(kind: str, head: list[str], body: list[str]) -> None:
    file, diagnostics = parsed(f"{kind} {' '.join(head)} {{ {' '.join(body)} }}\nparam last = 1\n")
    is_open = any("}" in one.primary.text or "last" in one.message for one in diagnostics)
    assert is_open or not diagnostics.has_errors or isinstance(file.declarations[-1], nodes.Param)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A real file with lines or characters left out, doubled or swapped."""
    text = SOURCES[draw(st.sampled_from(sorted(SOURCES)))]
    for _ in range(draw(st.integers(1, 4))):
        parts = text.splitlines(keepends=True) if draw(st.booleans()) else list(text)
        place = st.integers(0, max(len(parts) - 1, 0))
        one, two = draw(place), draw(place)
        match draw(st.sampled_from(["leave out", "double", "swap", "insert"])):
            case "leave out":
                del parts[one : one + 1]
            case "double":
                parts[one:one] = parts[one : one + 1]
            case "swap" if parts:
                parts[one], parts[two] = parts[two], parts[one]
            case _:
                parts[one:one] = draw(st.sampled_from(WORDS))
        text = "".join(parts)
    return text


@given(mutated())
def test_damaged_files_are_parsed(text: str) -> None:
    parsed(text)


@given(st.sampled_from(sorted(SOURCES)), st.floats(0, 1))
def test_cut_off_files_are_parsed(name: str, share: float) -> None:
    text = SOURCES[name]
    parsed(text[: int(len(text) * share)])


@given(st.sampled_from(DECLARATIONS), st.data())
def test_what_is_well_formed_is_kept_beside_what_is_not(kind: str, data: st.DataObject) -> None:
    """An error in one declaration costs none of the others, before it or after it."""
    words = " ".join(data.draw(st.lists(st.sampled_from(WORDS), max_size=10)))
    words = words.replace("{", "").replace("｛", "").replace("\n", " ")
    before, after = "rule before { cites 1 }", "rule after { cites 2 }"
    file, _ = parsed(f"{before}\n{kind} {words} § }}\n{after}\n")
    rules = [one.name.text for one in file.declarations if isinstance(one, nodes.Rule)]
    assert rules[:1] == ["before"]
    assert rules[-1:] == ["after"]


# ── Extremes ─────────────────────────────────────────────────────────────────────────────────────


def test_files_without_a_declaration_are_empty() -> None:
    for text in ("", "\n", " \t\r\n\u3000\u00a0\ufeff\f", "# a comment", "# one\n\n＃ two"):
        file, diagnostics = parsed(text)
        assert not list(diagnostics)
        assert not file.declarations


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let x = " + "(" * MANY + "a" + ")" * MANY, "E0109"),
        ("let x = " + "(" * MANY, "E0109"),
        ("let x = a" + ")" * MANY, "E0101"),
        ("let x = " + "not " * MANY + "a", "E0109"),
        ("let x = " + "-" * MANY + "a", "E0109"),
        ("let x = " + "- " * MANY + "1", "E0109"),
        ("let x = " + "(a or (b and " * MANY, "E0109"),
        ("let x = a" + " + a" * MANY, "E0109"),
        ("let x = a in " + "[" * MANY, "E0101"),
        ("schema a { b " + "set of " * MANY + "text }", "E0109"),
        ("schema a { b " + "map of set of " * MANY + "text }", "E0109"),
        ("schema a " + "{ b " * MANY, "E0109"),
        ("sanction a(" + "b set of " * MANY, "E0101"),
        ("rule a " + "{" * MANY, "E0101"),
        ("}" * MANY, "E0101"),
        ('"' * MANY, "E0101"),
        ("let x = " + "5" * MANY, "E0105"),
        ("let x = 5" + "0" * 400 + "h", "E0105"),
        ("let x = 0." + "0" * 400 + "1", "E0105"),
        ("let x = 1e999999999999", "E0105"),
        ("ladder a by b within 1d { " + "9" * MANY + " => warn }", "E0105"),
        ("test \"a\" { expect ladder a step " + "9" * MANY + " }", "E0105"),
        ("let x = 1" + "_0" * MANY + "x", "E0105"),
        ("let x = \"" + "\\" * MANY, "E0103"),
        ("let x = \"" + "\\q" * 1_000 + "\"", "E0107"),
        ("let " + "x" * MANY + " == 1", "E0101"),
        ("rule a {\n" * MANY, "E0104"),
        ("let x = ;\n" * MANY, "E0102"),
        ("let x = \n" * MANY, "E0101"),
    ],
    ids=lambda value: value[:24] if len(value) > 8 else value,
)  # fmt: skip
def test_too_much_is_an_error_and_nothing_worse(text: str, code: str) -> None:
    assert codes(text)[0] == code


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text",
    [
        "let x = " + " and ".join(["a"] * SOME),
        "let x = " + " or ".join(["a == 1"] * SOME),
        "let x = a" + ".a" * SOME,
        "let x = a in [" + ", ".join(["b"] * SOME) + "]",
        "terms x = [" + ", ".join(['"b"'] * SOME) + "]",
        'let x = "' + "\\n" * SOME + '"',
        "rule r { then " + ", ".join(["warn"] * SOME) + " }",
        "test \"t\" { given " + ", ".join(["a = 1"] * SOME) + " }",
        "# " + "a" * SOME,
        "# a\n" * SOME,
        "let x = a # b\n" * 2_000,
    ],
    ids=lambda value: value[:24],
)  # fmt: skip
def test_much_is_no_error(text: str) -> None:
    assert codes(text) == []


def test_expressions_may_be_nested_up_to_the_limit() -> None:
    assert codes("let x = " + "not " * (NESTING_LIMIT - 1) + "a") == []
    assert codes("let x = " + "not " * NESTING_LIMIT + "a") == ["E0109"]
    assert codes("schema a { b " + "set of " * (NESTING_LIMIT - 2) + "text }") == []
    assert codes("schema a { b " + "set of " * (NESTING_LIMIT - 1) + "text }") == ["E0109"]


def test_many_errors_end_with_what_was_not_read() -> None:
    file, diagnostics = parsed("rule r {}\n" + "let x = ;\n" * 1_000)
    assert len(diagnostics) <= 60
    last = file.declarations[-1]
    assert last == nodes.Broken("", "")
    assert last.span.end == len("rule r {}\n" + "let x = ;\n" * 1_000)


@pytest.mark.parametrize("end", ["\r", "\r\n", "\u3000\n", "\f"])
def test_lines_may_end_otherwise(end: str) -> None:
    assert codes(end.join(["let x = a", "let y = b", ""])) == []


@pytest.mark.parametrize(
    "space", ["\u2003", "\u202f", "\u2028", "\u0085", "\x0b", "\x1c", "\u200b"]
)
def test_spaces_that_look_like_others_are_named(space: str) -> None:
    _, diagnostics = parsed(f"let x ={space}a\nlet y = 1")
    (diagnostic,) = diagnostics
    assert diagnostic.code == "E0102"
    assert diagnostic.notes[0].startswith(f"U+{ord(space):04X}")


def test_a_byte_order_mark_is_a_space() -> None:
    assert codes("\ufefflet x = a\n\ufeff# b\nlet y = c") == []
    file, _ = parsed("\ufeff# a")
    assert file.comments == (nodes.Comment(" a", own_line=True),)


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\u00ad"])
def test_hidden_characters_stand_in_texts_only_and_are_shown_there(character: str) -> None:
    assert codes(f"let a{character}b = 1") == ["E0102"]
    source = Source("test.policy", f'let x = "a{character}b"')
    file, diagnostics = parse(source)
    assert not list(diagnostics)
    assert print_file(file) == f'let x = "a\\u{{{ord(character):x}}}b"\n'


@pytest.mark.parametrize("filler", ["\u3164", "\u115f", "\uffa0"])
def test_a_letter_that_cannot_be_seen_is_no_part_of_a_name(filler: str) -> None:
    assert codes(f"let {filler} = 1") == ["E0102"]
