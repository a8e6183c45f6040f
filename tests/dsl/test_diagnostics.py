"""The collector of diagnostics, and what is made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.dsl.codes import CODES
from clausal.dsl.diagnostics import (
    Diagnostic,
    Diagnostics,
    Label,
    PolicyError,
    Severity,
    unreadable,
)
from clausal.dsl.render.terminal import render
from clausal.dsl.source import Source, SourceError, SourceProblem, Span

SOURCES = (Source("a.policy", "rule a {\n}\n"), Source("b.policy", "rule b {\n}\n"))


def diagnostics() -> st.SearchStrategy[Diagnostic]:
    def build(source: Source, start: int, length: int, code: str, message: str) -> Diagnostic:
        return Diagnostic(code, message, Label(source, Span(start, start + length)))

    return st.builds(
        build,
        st.sampled_from(SOURCES),
        st.integers(0, 3),
        st.integers(0, 1),
        st.sampled_from(["E0101", "E0102", "E0104"]),
        st.sampled_from(["one", "another"]),
    )


@given(st.lists(diagnostics()))
def test_order_is_fixed_and_identical_ones_are_kept_once(found: list[Diagnostic]) -> None:
    collected = list(Diagnostics(found))
    assert collected == list(Diagnostics(reversed(found)))
    assert len(collected) == len(set(found)) == len(Diagnostics(found))
    places = [(d.primary.source.name, d.primary.span.start, d.code) for d in collected]
    assert places == sorted(places)


def test_error_builds_and_keeps_a_diagnostic() -> None:
    (source, other) = SOURCES
    first = Label(other, Span(5, 6), "first here")
    assert not Diagnostics().has_errors
    collected = Diagnostics()
    collected.error(
        "E0111",
        "`when` stands twice",
        source,
        Span(0, 4),
        "again here",
        secondary=(first,),
        help=("remove one",),
        notes=("one condition holds",),
    )
    assert collected.has_errors
    assert list(collected) == [
        Diagnostic(
            "E0111",
            "`when` stands twice",
            Label(source, Span(0, 4), "again here"),
            (first,),
            ("remove one",),
            ("one condition holds",),
        )
    ]


def test_the_catalogue_gives_title_and_severity() -> None:
    for code, entry in CODES.items():
        diagnostic = Diagnostic(code, "m", Label(SOURCES[0], Span(0, 0)))
        assert (diagnostic.title, diagnostic.severity) == (entry.title, entry.severity)
        assert Diagnostics([diagnostic]).has_errors == (entry.severity is Severity.ERROR)


def test_a_code_that_is_not_in_the_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="`E9999`"):
        Diagnostic("E9999", "m", Label(SOURCES[0], Span(0, 0)))


def test_a_policy_error_shows_its_diagnostics_as_plain_text() -> None:
    collected = Diagnostics()
    collected.error("E0101", "unexpected `rule`", SOURCES[0], Span(0, 4))
    error = PolicyError(collected)
    assert error.diagnostics == tuple(collected)
    assert str(error) == render(collected, color=False, width=100)
    assert "\x1b" not in str(error)


def test_a_file_that_cannot_be_read_is_a_diagnostic() -> None:
    problem = SourceError(
        SourceProblem.NUL, "the file holds a NUL byte", name="a.policy", hint="remove it"
    )
    diagnostic = unreadable(problem)
    assert diagnostic.code == "E0108"
    assert render([diagnostic], color=False, width=80) == (
        "error[E0108]: the file holds a NUL byte\n --> a.policy\n  |\n  = help: remove it"
    )
