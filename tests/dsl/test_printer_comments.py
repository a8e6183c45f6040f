"""Comments survive printing wherever they stand, and no blank line or digit of the author is lost."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clausal.dsl import nodes
from clausal.dsl.diagnostics import PolicyError
from clausal.dsl.parser import parse
from clausal.dsl.printer import format_source, print_file
from clausal.dsl.source import Source
from tests.support.real_files import SMALL, gaps, real_sources

SOURCES = real_sources(SMALL)
TREES = {name: parse(source)[0] for name, source in SOURCES.items()}
GAPS = {name: gaps(source.text) for name, source in SOURCES.items()}


def formatted(text: str) -> str:
    return format_source(Source("test.policy", text))


def tree(text: str) -> nodes.File:
    return parse(Source("test.policy", text))[0]


def comments(text: str) -> list[str]:
    return [comment.text for comment in tree(text).comments]


@st.composite
def commented(draw: st.DrawFn) -> tuple[str, str]:
    """The name of a real file, and its text with comments in some of its gaps."""
    name = draw(st.sampled_from(sorted(GAPS)))
    gap = st.integers(0, len(GAPS[name]) - 1)
    places = [GAPS[name][i] for i in draw(st.lists(gap, min_size=1, max_size=6, unique=True))]
    text = SOURCES[name].text
    for number, place in enumerate(sorted(places, reverse=True)):
        before = draw(st.sampled_from([" ", "\n", "\n\n  ", " # one\n", "\n# one\n\n"]))
        after = draw(st.sampled_from(["\n", "\n\n", "\n   "]))
        text = f"{text[:place]}{before}# comment {number}{after}{text[place + 1 :]}"
    return name, text


@given(commented())
def test_comments_anywhere_are_kept_in_order(case: tuple[str, str]) -> None:
    name, text = case
    assume(not parse(Source("test.policy", text))[1].has_errors)
    printed = formatted(text)
    assert comments(printed) == comments(text)
    assert tree(printed).declarations == TREES[name].declarations
    assert formatted(printed) == printed


@pytest.mark.parametrize("source", real_sources().values(), ids=lambda source: source.name)
def test_a_real_file_keeps_its_tree_and_its_comments(source: Source) -> None:
    printed = format_source(source)
    assert tree(printed) == tree(source.text)
    assert formatted(printed) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("rule a { # one\n# two\n when b # three\n # four\n }\n# five", "rule a {  # one\n  # two\n  when   b  # three\n  # four\n}\n# five\n"),
        ("rule a {\n when b # one\n and c\n or d }", "rule a {\n  when   b  # one\n           and c\n         or d\n}\n"),
        ("rule a {\n when b and # one\n c }", "rule a {\n  when   b  # one\n         and c\n}\n"),
        ("terms a = [ # one\n \"b\", # two\n # three\n \"c\" # four\n ] # five", 'terms a = [  # one\n  "b",  # two\n  # three\n  "c",  # four\n]  # five\n'),
        ("policy a 1 {\n in force # one\n 2024-01-01 .. # two\n 2025-01-01 }", "policy a 1 {\n  in force  # one\n    2024-01-01 ..  # two\n    2025-01-01\n}\n"),
        ("let a = (b # one\n)\n", "let a = b  # one\n"),
        ("test \"a\" {\n given b = 1, # one\n c = 2, d = 3 }", 'test "a" {\n  given b = 1,  # one\n        c = 2, d = 3\n}\n'),
        ("#   \n#!\n#a  \n＃b", "#\n#!\n#a\n#b\n"),
        ("library a 1 { # one\n}", "library a 1 {  # one\n}\n"),
        ("library a 1 {\n}", "library a 1\n"),
        ("rule a {\n}", "rule a {}\n"),
    ],
    ids=[
        "in a block", "in a chain in a chain", "after an operator", "in a list", "where no line ends",
        "in parentheses", "among assignments", "odd ones", "in an empty block", "no block", "no entry",
    ],
)  # fmt: skip
def test_where_comments_go(text: str, printed: str) -> None:
    assert formatted(text) == printed
    assert formatted(printed) == printed


def test_the_author_keeps_blank_lines_between_one_liners() -> None:
    text = "param a = 1\nparam b = 2\n\n\nparam c = 3\n# d\n\n# e\nparam f = 4\nlet g = a\nrule h {}\nrule i {}\n"
    assert formatted(text) == (
        "param a = 1\nparam b = 2\n\nparam c = 3\n# d\n\n# e\nparam f = 4\n\nlet g = a\n\nrule h {}\n\nrule i {}\n"
    )


def test_blank_lines_in_a_block_are_kept_between_its_items() -> None:
    text = "schema a {\n\n\n  b text\n\n\n\n  # c\n\n  d text\n\n}\n"
    assert formatted(text) == "schema a {\n  b text\n\n  # c\n\n  d text\n}\n"


def test_without_the_source_there_are_only_the_required_blank_lines() -> None:
    file = tree("param a = 1\n\nparam b = 1_000\nrule c {\n\n}")
    assert print_file(file) == "param a = 1\nparam b = 1000\n\nrule c {}\n"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("1_000", "1_000"), ("5 万", "5万"), ("１２．５％", "12.5%"), ("1e3", "1e3"), ("- 0.50", "-0.50"),
        ("48 小时", "48小时"), ("1_0.0天", "10.0天"), ("３天", "3天"),
    ],
)  # fmt: skip
def test_the_author_keeps_digits_suffixes_and_units(written: str, printed: str) -> None:
    assert formatted(f"param a = {written}") == f"param a = {printed}\n"


def test_a_file_with_errors_is_not_formatted() -> None:
    with pytest.raises(PolicyError, match="unexpected `whn`") as error:
        formatted("rule a {\n  whn b\n}\n")
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == ["E0101"]


def test_a_broken_declaration_is_not_printed() -> None:
    with pytest.raises(ValueError, match="could not be parsed"):
        print_file(nodes.File((nodes.Broken("rule", "a"),)))


def test_an_empty_file_stays_empty() -> None:
    assert formatted("") == ""
    assert formatted("\n\n  \n") == ""
    assert formatted("# a\n\n\n\n# b") == "# a\n\n# b\n"
