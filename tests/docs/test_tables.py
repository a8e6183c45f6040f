"""The tables of the reference say what the code does: truth values, numbers, durations, types."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from clausal.compiler import ir
from clausal.compiler.checking import amounts, tables, values
from clausal.compiler.checking.report import Report
from clausal.compiler.text.patterns import MAX_PATTERN_LENGTH, MAX_STEPS, MAX_TOTAL_STEPS
from clausal.compiler.text.terms import MAX_CHARACTERS, MAX_TERM_LENGTH, MAX_TERMS
from clausal.compiler.types import MICROSECONDS, Scalar, ScalarName
from clausal.compiler.verify_declarations import COMBINATIONS_LIMIT
from clausal.dsl import nodes, source
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.nesting import NESTING_LIMIT
from clausal.dsl.parser import parse
from clausal.dsl.source import Source
from clausal.engine.decision import (
    Bounds,
    Decision,
    Finding,
    Lack,
    Measure,
    Record,
    Standing,
    Undetermined,
)
from clausal.engine.reference import Evaluation
from clausal.engine.values import ABSENT, Missing, Value, convert
from tests.docs.fences import ROOT

DOCS = ROOT / "docs"

VALUES = {"true": True, "false": False, "unknown": None}


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the rows of the table whose first heading is this, its headings among them."""
    lines = page.read_text(encoding="utf-8").splitlines()
    starts = [
        i
        for i, line in enumerate(lines[:-1])
        if line.startswith(f"| {heading} |") and lines[i + 1].startswith("|--")
    ]
    assert len(starts) == 1, f"{page.name} has {len(starts)} tables that begin with {heading}"
    found = []
    for line in lines[starts[0] :]:
        if not line.startswith("|"):
            break
        if not set(line) <= set("|-: "):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def let(text: str) -> tuple[Source, nodes.Expression]:
    """The expression that a text is, and its source."""
    text_of = Source("example.policy", f"let x = {text}")
    file, problems = parse(text_of)
    assert not list(problems)
    (declaration,) = file.declarations
    assert isinstance(declaration, nodes.Let)
    return text_of, declaration.value


# ── Three-valued logic ───────────────────────────────────────────────────────────────────────────


def verdict(condition: str, **fields: bool | None) -> str:
    """What the reference interpreter says of a condition on fields of type bool; None: absent."""
    names = sorted(fields)

    def lower(node: nodes.Expression) -> ir.Condition:
        match node:
            case nodes.And(items=items):
                return ir.All(tuple(map(lower, items)))
            case nodes.Or(items=items):
                return ir.Any(tuple(map(lower, items)))
            case nodes.Not(item=item):
                return ir.Negation(lower(item))
            case nodes.Path(parts=(name,)):
                return ir.Flag(names.index(name))
            case _:
                raise AssertionError(node)

    slots = tuple(ir.Slot((name,), Scalar("bool")) for name in names)
    corpus = ir.Corpus(slots, 0, None, *((),) * 12)
    held: dict[bool | None, Value | Missing] = {True: True, False: False, None: ABSENT}
    found = Evaluation(corpus, [held[fields[name]] for name in names]).verdict(
        lower(let(condition)[1])
    )
    return next(name for name, value in VALUES.items() if value is found)


@pytest.mark.parametrize("operator", ["and", "or"])
def test_truth_tables_of_joins(operator: str) -> None:
    (_, *heads), *body = rows(DOCS / "language" / "conditions.md", f"`{operator}`")
    assert sorted(heads) == sorted(VALUES)
    assert len(body) == len(VALUES)
    for head, *cells in body:
        left = head.strip("*")
        for right, cell in zip(heads, cells, strict=True):
            assert verdict(f"a {operator} b", a=VALUES[left], b=VALUES[right]) == cell


def test_truth_table_of_not() -> None:
    _, *body = rows(DOCS / "language" / "conditions.md", "`not`")
    assert len(body) == len(VALUES)
    for head, cell in body:
        assert verdict("not a", a=VALUES[head.strip("*")]) == cell


# ── Precedence and limits ────────────────────────────────────────────────────────────────────────


def test_what_binds_tighter() -> None:
    _, *body = rows(DOCS / "language" / "conditions.md", "Operators")
    assert len(body) == 7
    for _, example, meaning in body:
        (written,), (meant,) = words(example), words(meaning)
        assert "(" in meant
        assert let(written)[1] == let(meant)[1]


def test_limits() -> None:
    _, *body = rows(DOCS / "language" / "files.md", "What")
    limits = {what: limit for what, limit, _ in body}
    assert limits == {
        "size of a file": f"{source.SIZE_LIMIT // 1024**2} MiB",
        "nesting of a condition": f"{NESTING_LIMIT} levels, counting what names stand for",
        "parts of a condition": f"{values.SIZE_LIMIT:,}, counting what names stand for",
        "rows of a table": f"{tables.ROW_LIMIT}",
        "combinations of elements in the sets of a measure": f"{COMBINATIONS_LIMIT:,}",
        "length of a term": f"{MAX_TERM_LENGTH} characters",
        "length of a pattern": f"{MAX_PATTERN_LENGTH:,} characters",
        "cost of a pattern": f"{MAX_STEPS:,} steps for each byte of a text",
        "terms that texts are searched for": f"{MAX_TERMS:,}, with {MAX_CHARACTERS:,} characters",
        "cost of all patterns": f"{MAX_TOTAL_STEPS:,} steps for each byte of a text",
    }


# ── Numbers and durations ────────────────────────────────────────────────────────────────────────


def factors(heading: str) -> dict[str, Fraction]:
    found: dict[str, str] = {}
    _, *body = rows(DOCS / "language" / "types.md", heading)
    for left, one, _, right, two in body:
        found |= dict.fromkeys(words(left), one) | dict.fromkeys(words(right), two)
    return {unit: Fraction(factor) for unit, factor in found.items()}


def value(literal: str) -> float:
    place, node = let(literal)
    assert isinstance(node, nodes.Number | nodes.Duration)
    measured = amounts.Calendar(None).measured(Report(Diagnostics(), place), node)
    assert measured is not None
    return measured.value


def test_every_suffix_of_a_number_has_its_factor() -> None:
    shown = factors("Suffix")
    assert shown.keys() - {"％"} == amounts._SUFFIXES.keys() - {""}
    for suffix, factor in shown.items():
        assert value(f"3{suffix}") == pytest.approx(float(3 * factor))


def test_every_unit_of_time_has_its_length() -> None:
    shown = factors("Unit")
    assert shown.keys() == amounts._UNITS.keys()
    for unit, seconds in shown.items():
        assert value(f"3{unit}") == 3 * seconds * MICROSECONDS
        assert convert(Scalar("duration"), f"3{unit}") == 3 * seconds * MICROSECONDS


def test_every_type_has_a_row() -> None:
    _, *body = rows(DOCS / "language" / "types.md", "Type")
    shown = {word for cell, *_ in body for word in words(cell)}
    assert shown == {*get_args(ScalarName), "enum […]", "set of T", "map of T"}


# ── Decisions ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("Decision", Decision),
        ("Finding", Finding),
        ("Measure", Measure),
        ("Undetermined", Undetermined),
        ("Standing", Standing),
        ("Bounds", Bounds),
    ],
)
def test_every_field_of_a_decision_is_described(
    section: str, kind: type[Record | msgspec.Struct]
) -> None:
    fields = kind.FIELDS if issubclass(kind, Record) else kind.__struct_fields__
    text = (DOCS / "decisions.md").read_text(encoding="utf-8")
    part = re.split(rf"^## {section}$", text, flags=re.MULTILINE)[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    assert [word for cell in cells for word in words(cell)] == list(fields)


def test_what_is_lacking_is_described() -> None:
    text = (DOCS / "decisions.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `lacks` |")]
    assert lines
    for line in lines:
        assert set(Lack.__struct_fields__) <= set(words(line))
