"""Decision tables: their columns and rows, checked so that exactly one row fits each combination."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, Measured, fits, is_quantity
from clausal.compiler.checking.bounds import MIRRORED, Interval, domain, holds
from clausal.compiler.checking.operands import (
    Amount,
    Operand,
    Statement,
    Stored,
    constant_value,
    describe,
    reads_param,
)
from clausal.compiler.checking.report import Report
from clausal.compiler.conditions import conjunction, disjunction
from clausal.dsl import nodes
from clausal.dsl.source import Span

if TYPE_CHECKING:
    from clausal.compiler.checking.comparisons import Comparer
    from clausal.compiler.checking.expressions import Expressions

ROW_LIMIT: Final = 500
"""Every two rows are compared for overlap; more are not reviewed by a person either."""

Codes = frozenset[int]
"""The elementary parts of a column's domain that a cell covers."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """A checked table: for each row when it fits, and its result. All results are of one kind."""

    name: str
    rows: tuple[tuple[ir.Condition, float], ...]
    dimension: Dimension

    def compare(
        self, comparer: Comparer, operator: str, other: Operand, span: Span
    ) -> ir.Condition | None:
        """Whether the result of the row that fits compares so: any of the rows that would do."""
        value = None
        if isinstance(other, Amount):
            value = constant_value(other.quantity, comparer.params)
        if not isinstance(other, Amount) or value is None:
            comparer.report.add(
                "E0315",
                f"the table `{self.name}` is compared with what depends on the event",
                span,
                "",
                others=[comparer.report.label(other.span, f"this is {describe(other)}")],
                help=["compare a table with a number or a `param`"],
            )
            return None
        tunable = reads_param(other.quantity)
        items = []
        for condition, result in self.rows:
            amount = Amount(ir.Constant(result), self.dimension, other.span)
            if not tunable:
                fitting = _compare_constants(comparer, amount, operator, other, value, span)
                if fitting is None:
                    return None
                items += [condition] if fitting else []
                continue
            # The comparison stays in the row, so that the param can be bound anew.
            test = comparer.compare(other, MIRRORED[operator], amount, span)
            if test is None:
                return None
            items.append(conjunction((condition, test)))
        if not items or (not tunable and len(items) == len(self.rows)):
            comparer.report.add(
                "W0907",
                f"this is {'always' if items else 'never'} true: `{self.name}` gives "
                f"{_results(self.rows)}",
                span,
            )
        return disjunction(items)


def _compare_constants(
    comparer: Comparer, result: Amount, operator: str, other: Amount, value: float, span: Span
) -> bool | None:
    if not fits(result.dimension, other.dimension):
        comparer.mismatch(result, other, span, "compared")
        return None
    assert isinstance(result.quantity, ir.Constant)
    return holds(result.quantity.value, operator, value)


def _results(rows: Sequence[tuple[ir.Condition, float]]) -> str:
    low, high = min(result for _, result in rows), max(result for _, result in rows)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


# ── Declaring ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: what it reads, and the elementary parts of its domain, described."""

    name: str
    operand: Amount | Statement | Stored
    parts: tuple[str, ...]
    breaks: tuple[float, ...] = ()


def declare_table(expressions: Expressions, node: nodes.Table) -> TableRows | None:
    """The table that ``node`` declares; None after reporting what is wrong with it."""
    report = expressions.report
    operands = [_column_operand(expressions, path) for path in node.columns]
    rows = [row for row in node.rows if _has_all_cells(report, node, row)]
    results = _check_results(expressions, node)
    if any(operand is None for operand in operands) or len(rows) < len(node.rows):
        return None
    if not rows or len(rows) > ROW_LIMIT:
        wrong = "has no rows" if not rows else f"has more than {ROW_LIMIT} rows"
        report.add("E0314", f"the table `{node.name.text}` {wrong}", node.name.span)
        return None
    columns = []
    covers: list[list[Codes | None]] = []
    for index, operand in enumerate(operands):
        assert operand is not None
        cells = [row.cells[index] for row in rows]
        column, codes = _column(expressions, node.columns[index], operand, cells)
        columns.append(column)
        covers.append(codes)
    if results is None or any(code is None for codes in covers for code in codes):
        return None
    grid = [
        tuple([code for codes in covers for code in [codes[row]] if code is not None])
        for row in range(len(rows))
    ]
    if not _check_overlaps(report, rows, grid, columns):
        return None
    if not _check_gaps(report, node, grid, columns):
        return None
    conditions = [
        conjunction([_cell(column, code) for column, code in zip(columns, codes, strict=True)])
        for codes in grid
    ]
    dimension, values = results
    return TableRows(node.name.text, tuple(zip(conditions, values, strict=True)), dimension)


def _column_operand(
    expressions: Expressions, path: nodes.Path
) -> Amount | Statement | Stored | None:
    operand = expressions.needed(path)
    if operand is None or isinstance(operand, Amount | Statement):
        return operand
    if isinstance(operand, Stored) and isinstance(operand.type, types.Enum):
        return operand
    expressions.report.add(
        "E0314",
        f"`{expressions.report.text(path.span)}` cannot be a column",
        path.span,
        f"this is {describe(operand)}",
        help=["columns are enums, numbers, and what is true or false"],
    )
    return None


def _has_all_cells(report: Report, node: nodes.Table, row: nodes.Row) -> bool:
    if len(row.cells) == len(node.columns):
        return True
    report.add(
        "E0314",
        f"this row has {_counted(len(row.cells), 'cell')}, and the table "
        f"{_counted(len(node.columns), 'column')}",
        row.span,
        "",
        others=[report.label(node.columns[0].span.cover(node.columns[-1].span), "the columns")],
        help=["write `any` where every value fits"],
    )
    return False


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _check_results(
    expressions: Expressions, node: nodes.Table
) -> tuple[Dimension, list[float]] | None:
    """The results of the rows, all of one dimension."""
    report = expressions.report
    found: list[tuple[Measured, Span]] = []
    for row in node.rows:
        measured = expressions.scope.calendar.measured(report, row.result)
        if measured is None:
            return None
        found.append((measured, row.result.span))
    for measured, span in found:
        if measured.dimension is not found[0][0].dimension:
            report.add(
                "E0303",
                f"a {measured.dimension.value} and a {found[0][0].dimension.value} are not results "
                "of one table",
                span,
                "",
                others=[report.label(found[0][1], "the first result")],
            )
            return None
    values = [measured.value for measured, _ in found]
    return (found[0][0].dimension if found else Dimension.PLAIN), values


# ── Cells as parts of their column ───────────────────────────────────────────────────────────────


def _column(
    expressions: Expressions,
    path: nodes.Path,
    operand: Amount | Statement | Stored,
    cells: Sequence[nodes.Cell],
) -> tuple[_Column, list[Codes | None]]:
    name = expressions.report.text(path.span)
    if isinstance(operand, Amount):
        return _number_column(expressions, name, operand, cells)
    if isinstance(operand, Statement):
        column = _Column(name, operand, ("false", "true"))
    else:
        assert isinstance(operand.type, types.Enum)
        column = _Column(name, operand, operand.type.names)
    return column, [_value_codes(expressions, column, cell) for cell in cells]


def _value_codes(expressions: Expressions, column: _Column, cell: nodes.Cell) -> Codes | None:
    if isinstance(cell, nodes.AnyCell):
        return frozenset(range(len(column.parts)))
    if isinstance(cell, nodes.RangeCell):
        _refuse_cell(expressions.report, column, cell.span)
        return None
    values = cell.value.items if isinstance(cell.value, nodes.ListOf) else (cell.value,)
    if isinstance(column.operand, Stored):
        names = [value for value in values if isinstance(value, nodes.Name)]
        if len(names) < len(values) or not values:
            _refuse_cell(expressions.report, column, cell.span)
            return None
        known = expressions.comparer.values(column.operand, names)
        if known is None:
            return None
        return frozenset(column.parts.index(value) for value in known)
    flags = [value.value for value in values if isinstance(value, nodes.Boolean)]
    if len(flags) < len(values) or not values:
        _refuse_cell(expressions.report, column, cell.span)
        return None
    return frozenset(int(flag) for flag in flags)


def _refuse_cell(report: Report, column: _Column, span: Span) -> None:
    match column.operand:
        case Stored():
            wanted = "a value of the enum, a list of values, or `any`"
        case Statement():
            wanted = "`true`, `false` or `any`"
        case _:
            wanted = "a range such as `100..500`, `1k..` or `..10`, or `any`"
    report.add(
        "E0314",
        f"this cell does not fit the column `{column.name}`",
        span,
        f"expected {wanted}",
    )


def _number_column(
    expressions: Expressions, name: str, operand: Amount, cells: Sequence[nodes.Cell]
) -> tuple[_Column, list[Codes | None]]:
    """A column of numbers is cut at every end of a range; a cell covers the pieces within it."""
    ranges = [_range(expressions, name, operand, cell) for cell in cells]
    whole = domain(operand.quantity, expressions.inputs.slots)
    ends = {end for cell in ranges if cell is not None for end in (cell.low, cell.high)}
    inside = sorted(end for end in ends if math.isfinite(end) and whole.low < end <= whole.high)
    starts = [whole.low, *inside]
    parts = tuple(
        [
            _piece(start, starts[index + 1] if index + 1 < len(starts) else math.inf, operand)
            for index, start in enumerate(starts)
        ]
    )
    column = _Column(name, operand, parts, tuple(starts))
    codes: list[Codes | None] = []
    for cell, interval in zip(cells, ranges, strict=True):
        if interval is None:
            codes.append(None)
            continue
        covered = [i for i, start in enumerate(starts) if interval.low <= start < interval.high]
        if not covered:
            _report_empty(expressions.report, cell.span)
        codes.append(frozenset(covered) if covered else None)
    return column, codes


def _report_empty(report: Report, span: Span) -> None:
    report.add(
        "E0305", "no value lies in this range", span, "the start is in the range, the end is not"
    )


def _range(
    expressions: Expressions, name: str, operand: Amount, cell: nodes.Cell
) -> Interval | None:
    """The half-open range of a cell; open ends are infinite."""
    report = expressions.report
    if isinstance(cell, nodes.AnyCell):
        return Interval()
    if not isinstance(cell, nodes.RangeCell):
        _refuse_cell(report, _Column(name, operand, ()), cell.span)
        return None
    low = _end(expressions, operand, cell.start)
    high = _end(expressions, operand, cell.end)
    if (cell.start is not None and low is None) or (cell.end is not None and high is None):
        return None
    whole = domain(operand.quantity, expressions.inputs.slots)
    start = -math.inf if low is None else low
    if low is None or start <= whole.low:
        start = -math.inf
    end = math.inf if high is None else high
    if start >= end:
        _report_empty(report, cell.span)
        return None
    return Interval(start, end)


def _end(expressions: Expressions, operand: Amount, literal: nodes.Literal | None) -> float | None:
    if literal is None:
        return None
    if not is_quantity(literal):
        _refuse_cell(expressions.report, _Column("", operand, ()), literal.span)
        return None
    # Compared as any other literal would be, so that units and the range of shares are checked.
    other = expressions.operand(literal)  # type: ignore[arg-type]
    if not isinstance(other, Amount):
        return None
    aligned = expressions.comparer.aligned(operand, other)
    if aligned is None or not expressions.comparer.comparable(*aligned, literal.span):
        return None
    return constant_value(aligned[1].quantity, ())


def _piece(start: float, end: float, operand: Amount) -> str:
    if math.isinf(start) and math.isinf(end):
        return "any value"
    if math.isinf(start):
        return f"below {_shown(end, operand)}"
    if math.isinf(end):
        return f"from {_shown(start, operand)}"
    return f"from {_shown(start, operand)} to {_shown(end, operand)}"


def _shown(value: float, operand: Amount) -> str:
    if operand.dimension is Dimension.DURATION:
        return f"{value / 3_600_000_000:g}h"
    return f"{value:.15g}"


# ── Overlaps and gaps ────────────────────────────────────────────────────────────────────────────


def _check_overlaps(
    report: Report,
    rows: Sequence[nodes.Row],
    grid: Sequence[tuple[Codes, ...]],
    columns: Sequence[_Column],
) -> bool:
    for (one, first), (two, second) in itertools.combinations(enumerate(grid), 2):
        common = [a & b for a, b in zip(first, second, strict=True)]
        if all(common):
            report.add(
                "E0313",
                "two rows fit the same values",
                rows[two].span,
                _combination(columns, [min(codes) for codes in common]),
                others=[report.label(rows[one].span, "this row fits them too")],
            )
            return False
    return True


def _check_gaps(
    report: Report,
    node: nodes.Table,
    grid: Sequence[tuple[Codes, ...]],
    columns: Sequence[_Column],
) -> bool:
    """Whether the rows, which do not overlap, cover every combination.

    Then their sizes add up to the number of combinations; if they do not, the columns are gone
    through one by one, each time to a value whose rows cover too little of the rest.
    """
    sizes = [len(column.parts) for column in columns]
    remaining = list(grid)
    chosen: list[int] = []
    if sum(_size(codes) for codes in grid) == math.prod(sizes):
        return True
    for index, size in enumerate(sizes):
        rest = math.prod(sizes[index + 1 :])
        for part in range(size):
            fitting = [codes for codes in remaining if part in codes[index]]
            if sum(_size(codes[index + 1 :]) for codes in fitting) < rest:
                remaining = fitting
                chosen.append(part)
                break
    report.add(
        "E0312",
        "no row fits some values",
        node.name.span,
        _combination(columns, chosen),
        help=["add a row for them; `any` fits every value of a column"],
    )
    return False


def _size(codes: Sequence[Codes]) -> int:
    return math.prod(len(code) for code in codes)


def _combination(columns: Sequence[_Column], parts: Sequence[int]) -> str:
    return ", ".join(
        f"`{column.name}` {'' if column.breaks else 'is '}{column.parts[part]}"
        if column.breaks
        else f"`{column.name}` is `{column.parts[part]}`"
        for column, part in zip(columns, parts, strict=True)
    )


# ── Conditions ───────────────────────────────────────────────────────────────────────────────────


def _cell(column: _Column, codes: Codes) -> ir.Condition:
    """The condition of a cell."""
    if len(codes) == len(column.parts):
        return ir.ALWAYS
    match column.operand:
        case Stored(slot=slot):
            return ir.Member(slot, tuple(sorted(column.parts[code] for code in codes)))
        case Statement(condition=condition):
            return condition if 1 in codes else ir.Negation(condition)
        case Amount(quantity=quantity):
            # A range covers neighbouring pieces.
            low, high = min(codes), max(codes) + 1
            bounds: list[ir.Condition] = []
            if low > 0:
                bounds.append(ir.Comparison(">=", quantity, ir.Constant(column.breaks[low])))
            if high < len(column.breaks):
                bounds.append(ir.Comparison("<", quantity, ir.Constant(column.breaks[high])))
            return conjunction(bounds)
