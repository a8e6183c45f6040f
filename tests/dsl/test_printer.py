"""What is printed parses to what was printed, and is printed the same again."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.dsl import nodes
from clausal.dsl.parser import parse
from clausal.dsl.printer import print_file
from clausal.dsl.source import Source
from tests.strategies.syntax import DECLARATIONS, files


def parsed(text: str) -> nodes.File:
    file, diagnostics = parse(Source("test.policy", text))
    assert not list(diagnostics), text
    return file


def test_the_strategies_know_every_declaration() -> None:
    assert {*DECLARATIONS, nodes.Broken} == set(get_args(nodes.Declaration))


@pytest.mark.parametrize("kind", DECLARATIONS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_declaration_survives_printing_and_parsing(kind: type, data: st.DataObject) -> None:
    file = nodes.File((data.draw(DECLARATIONS[kind]),))
    assert parsed(print_file(file)) == file


@given(file=files())
def test_a_file_survives_printing_and_parsing(file: nodes.File) -> None:
    assert parsed(print_file(file)) == file


@given(file=files())
def test_printing_again_changes_nothing(file: nodes.File) -> None:
    text = print_file(file)
    assert print_file(parsed(text), Source("test.policy", text)) == text
