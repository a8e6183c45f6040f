"""The tree of each construct, and the canonical text of files that are not in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args

import pytest

from clausal.dsl import nodes
from clausal.dsl.parser import parse
from clausal.dsl.printer import format_source
from clausal.dsl.source import Source
from tests.support.golden import GOLDENS, assert_golden
from tests.support.tree_dump import dump

SYNTAX = sorted((GOLDENS / "syntax").glob("*.policy"))
FORMAT = sorted((GOLDENS / "format").glob("*.policy"))


def parsed(path: Path) -> tuple[nodes.File, Source]:
    source = Source.read(path, path.name)
    file, diagnostics = parse(source)
    assert not list(diagnostics)
    return file, source


def every_node(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for item in value:
            yield from every_node(item)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from every_node(getattr(value, field.name))


@pytest.mark.parametrize("path", SYNTAX, ids=lambda path: path.stem)
def test_a_golden_has_exactly_its_tree(path: Path) -> None:
    assert_golden(f"syntax/{path.stem}.tree", dump(*parsed(path)))


@pytest.mark.parametrize("path", SYNTAX, ids=lambda path: path.stem)
def test_a_node_lies_within_the_node_that_holds_it(path: Path) -> None:
    file, source = parsed(path)
    for node in every_node(file):
        for field in fields(node):  # type: ignore[arg-type]
            inner = getattr(node, field.name)
            for one in inner if isinstance(inner, tuple) else (inner,):
                if is_dataclass(one) and hasattr(one, "span"):
                    outer = node.span  # type: ignore[attr-defined]
                    assert outer.start <= one.span.start < one.span.end <= outer.end, one
                    assert source.slice(one.span).strip() == source.slice(one.span)


def test_the_goldens_hold_every_kind_of_node() -> None:
    unions = [nodes.Declaration, nodes.Expression, nodes.Type, nodes.Literal, nodes.Cell]
    unions += [nodes.HeaderEntry, nodes.SanctionEntry, nodes.RuleEntry, nodes.TestEntry]
    unions += [nodes.Consequence, nodes.Expectation, nodes.DutyEntry, nodes.ProcedureEntry]
    kinds = {kind for union in unions for kind in get_args(union)} - {nodes.Broken}
    held = {type(node) for path in SYNTAX for node in every_node(parsed(path)[0])}
    assert not kinds - held


@pytest.mark.parametrize("path", FORMAT, ids=lambda path: path.stem)
def test_a_golden_is_formatted_exactly_so(path: Path) -> None:
    printed = format_source(Source.read(path, path.name))
    assert_golden(f"format/{path.stem}.formatted", printed)
    assert format_source(Source(path.name, printed)) == printed


@pytest.mark.parametrize("folder", ["syntax", "format"])
def test_no_golden_is_left_over(folder: str) -> None:
    expected = {"syntax": ".tree", "format": ".formatted"}[folder]
    inputs = {path.stem for path in (GOLDENS / folder).glob("*.policy")}
    outputs = {path.stem for path in (GOLDENS / folder).glob(f"*{expected}")}
    assert inputs == outputs
