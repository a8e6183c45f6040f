"""The names that `clausal.dsl` offers, and what asking for them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clausal import dsl


def test_every_name_is_there() -> None:
    assert {name for name in dsl.__all__ if getattr(dsl, name, None) is None} == set()
    assert set(dsl.__all__) <= set(dir(dsl))


def test_names_that_are_not_there_are_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute `pase`"):
        assert dsl.pase


def test_what_it_can_do() -> None:
    source = dsl.Source("example.policy", "param cutoff = 85 ％")
    file, diagnostics = dsl.parse(source)
    assert not diagnostics.has_errors
    assert dsl.print_file(file, source) == dsl.format_source(source) == "param cutoff = 85%\n"
    assert "when" in dsl.keywords()


def test_a_source_costs_no_grammar() -> None:
    code = "import sys; from clausal.dsl import Source, PolicyError; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
