"""Arguments of sanctions: literals as values of a parameter's type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, dimension_of, fits, is_quantity
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import Space
from clausal.compiler.checking.lists import sifted
from clausal.compiler.checking.report import one_of, suggest
from clausal.compiler.checking.scopes import Scope
from clausal.compiler.types import LARGEST_INTEGER
from clausal.dsl import nodes
from clausal.dsl.source import Span


@dataclass(frozen=True, slots=True)
class Argued:
    """Where a value is argued: for which parameter of which sanction, and in which document."""

    scope: Scope
    definitions: Definitions
    parameter: str
    sanction: str

    def refuse(self, code: str, span: Span, wanted: str, hints: Sequence[str] = ()) -> None:
        """Report that the value does not fit the parameter."""
        text = self.scope.report.text(span)
        self.scope.report.add(
            code,
            f"`{text}` does not fit `{self.parameter}` of `{self.sanction}`",
            span,
            f"expected {wanted}",
            help=hints,
        )


def convert(argued: Argued, type: types.Type, literal: nodes.Literal) -> ir.ArgumentValue | None:
    """The value that ``literal`` has as an argument of ``type``; None after reporting.

    A quantity may be named by a ``param`` and keeps the param as its origin.
    """
    match type:
        case types.Enum():
            if not isinstance(literal, nodes.Name):
                argued.refuse("E0407", literal.span, f"one of {one_of(type.names)}")
                return None
            return literal.text if _known(argued, type, literal) else None
        case types.SetOf(item=item):
            return _set(argued, item, literal)
        case types.Scalar(name="bool"):
            if isinstance(literal, nodes.Boolean):
                return literal.value
            argued.refuse("E0407", literal.span, "`true` or `false`")
            return None
        case types.Scalar(name="string"):
            if isinstance(literal, nodes.String):
                return literal.value
            argued.refuse("E0407", literal.span, 'a text in `"…"`')
            return None
        case types.Scalar():
            return _quantity(argued, type, literal)
        case types.MapOf():
            raise AssertionError("a sanction has no parameter that is a map")
        case _:
            assert_never(type)


def _known(argued: Argued, type: types.Enum, name: nodes.Name) -> bool:
    if name.text in type.names:
        return True
    argued.scope.report.add(
        "E0205",
        f"`{argued.parameter}` of `{argued.sanction}` has no value `{name.text}`",
        name.span,
        "",
        help=suggest(name.text, type.names) or [f"its values are {one_of(type.names)}"],
    )
    return False


def _set(
    argued: Argued, item: types.Scalar | types.Enum, literal: nodes.Literal
) -> tuple[str, ...] | None:
    """A set; a single value stands for the set that holds it alone."""
    report = argued.scope.report
    if isinstance(literal, nodes.ListOf):
        if not literal.items:
            report.add(
                "E0306",
                f"`{argued.parameter}` of `{argued.sanction}` is given an empty list",
                literal.span,
                "expected at least one value",
            )
            return None
        values = sifted(report, literal)
    else:
        values = [literal]
    found: set[str] = set()
    sound = True
    for value in values:
        if isinstance(item, types.Enum) and isinstance(value, nodes.Name):
            sound = _known(argued, item, value) and sound
            found.add(value.text)
        elif not isinstance(item, types.Enum) and isinstance(value, nodes.String):
            found.add(value.value)
        else:
            enum = isinstance(item, types.Enum)
            wanted = f"values of {types.describe(item)}" if enum else 'texts in `"…"`'
            argued.refuse("E0407", value.span, wanted)
            sound = False
    return tuple(sorted(found)) if sound else None


def _quantity(argued: Argued, type: types.Scalar, literal: nodes.Literal) -> ir.Constant | None:
    scope, definitions = argued.scope, argued.definitions
    wanted = dimension_of(type)
    assert wanted is not None, "every other scalar is a bool or a string"
    origin: ir.Quantity | None = None
    ends: tuple[float, ...] = ()
    if isinstance(literal, nodes.Name):
        found = scope.resolve(Space.VALUE, literal)
        if found is None or not isinstance(found.node, nodes.Param):
            if found is not None or not scope.excuses(literal.text):
                argued.refuse(
                    "E0407",
                    literal.span,
                    f"a {type.name}, or a `param` that holds one",
                    suggest(literal.text, scope.known(nodes.Param)),
                )
            return None
        info = definitions.param_infos[id(found.node)]
        if info is None:
            return None
        param = definitions.params[info.index]
        value, dimension = param.value, info.dimension
        origin = ir.Param(info.index)
        if param.low is not None and param.high is not None:
            ends = (param.low, param.high)
    elif is_quantity(literal):
        measured = scope.calendar.measured(scope.report, literal)
        if measured is None:
            return None
        value, dimension = measured.value, measured.dimension
    else:
        argued.refuse("E0407", literal.span, _wanted(type))
        return None
    if not fits(dimension, wanted):
        argued.refuse("E0303", literal.span, _wanted(type))
        return None
    if type.name == "share" and not all(0 <= end <= 1 for end in (value, *ends)):
        bare = not scope.report.text(literal.span).endswith(("%", "％"))
        percent = bare and origin is None and dimension is Dimension.PLAIN and 1 < value <= 100
        hints = [f"for {value:g} percent write `{value:g}%`"] if percent else []
        argued.refuse("E0304", literal.span, "a share, which lies between 0 and 1", hints)
        return None
    if type.name == "integer" and (value != int(value) or abs(value) > LARGEST_INTEGER):
        argued.refuse("E0407", literal.span, "a whole number")
        return None
    return ir.Constant(value, origin)


def _wanted(type: types.Scalar) -> str:
    examples = {
        "share": "a share such as `70%`",
        "duration": "a duration such as `48h`",
        "integer": "a whole number without a unit",
        "number": "a number without a unit",
    }
    return examples[type.name]
