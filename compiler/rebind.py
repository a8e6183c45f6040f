"""Give params other values without compiling again."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from clausal.compiler.ir import (
    ArgumentValue,
    Constant,
    Corpus,
    Expected,
    ExpectedMeasure,
    LadderDef,
    MeasureDef,
    ParamDef,
    RuleDef,
    SanctionDef,
    StrikeDef,
)
from clausal.compiler.program import Program, floats, pack_floats
from clausal.compiler.quantities import fold, is_weight
from clausal.compiler.types import LARGEST_INTEGER, Scalar
from clausal.dsl.suggest import nearest


class BindingError(ValueError):
    """A param that does not exist, or a value that it cannot take; the message says which."""


def rebind(program: Program, corpus: Corpus, values: Mapping[str, float]) -> tuple[Program, Corpus]:
    """The program and the checked corpus that compiling with other values of params would give.

    ``values`` maps names of params, qualified or, where one param alone ends so, without what
    stands before the last dot. Durations and instants are microseconds, dates days since 1970.

    Raises:
        BindingError: for a name that is unknown or means several params; a value that is not a
            finite number of the param's type or lies outside its range; or values for which
            a constant or the argument of a measure has no valid value.
    """
    bound = rebind_corpus(corpus, values)
    params = [param.value for param in bound.params]
    constants = list(floats(program.constants))
    for index, origin in enumerate(program.origins):
        if origin is not None:
            constants[index] = _value(Constant(constants[index], origin), params).value
    return msgspec.structs.replace(program, constants=pack_floats(constants)), bound


def rebind_corpus(corpus: Corpus, values: Mapping[str, float]) -> Corpus:
    """The checked corpus with other values of params, in the arguments of measures as well.

    Raises:
        BindingError: as of `rebind`.
    """
    params = _bind(corpus.params, values)
    binder = _Arguments(corpus.sanctions, [param.value for param in params])
    return msgspec.structs.replace(
        corpus,
        params=params,
        rules=tuple(
            [
                msgspec.structs.replace(
                    rule,
                    measures=binder.measures(rule.measures),
                    strikes=tuple([binder.strike(rule, strike) for strike in rule.strikes]),
                )
                for rule in corpus.rules
            ]
        ),
        ladders=tuple([binder.ladder(ladder) for ladder in corpus.ladders]),
        tests=tuple(
            [
                msgspec.structs.replace(
                    test, expected=tuple([binder.expected(item) for item in test.expected])
                )
                for test in corpus.tests
            ]
        ),
    )


def _bind(params: tuple[ParamDef, ...], values: Mapping[str, float]) -> tuple[ParamDef, ...]:
    bound: dict[str, float] = {}
    for name, value in values.items():
        param = _find(name, params)
        if param.name in bound:
            raise BindingError(f"`{param.name}` is given twice, once as `{name}`")
        bound[param.name] = _checked(param, value)
    return tuple(
        [
            msgspec.structs.replace(param, value=bound.get(param.name, param.value))
            for param in params
        ]
    )


def _find(name: str, params: tuple[ParamDef, ...]) -> ParamDef:
    found = [param for param in params if param.name == name]
    found = found or [param for param in params if param.name.endswith(f".{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"`{param.name}`" for param in found)
        raise BindingError(f"`{name}` could be any of {names}")
    qualified = [param.name for param in params]
    near = nearest(name, [*qualified, *[known.rpartition(".")[2] for known in qualified]])
    hint = f"; did you mean `{near}`?" if near else ""
    raise BindingError(f"there is no param `{name}`{hint}")


def _checked(param: ParamDef, value: float) -> float:
    """The value as a float, if the param may have it."""
    # A bool is an int to Python, and a number to nobody else.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BindingError(f"`{param.name}` must be a number, not `{value!r}`")
    try:
        number = float(value)
    except OverflowError:
        raise BindingError(f"`{param.name}` must be a finite number") from None
    problem = _problem(param.type, number)
    if problem is None and param.low is not None and number < param.low:
        problem = f"must be at least {param.low:.15g}"
    if problem is None and param.high is not None and number > param.high:
        problem = f"must be at most {param.high:.15g}"
    if problem is not None:
        raise BindingError(f"`{param.name}` {problem}, not {value}")
    return number


def _problem(type: str, value: float) -> str | None:
    """Why a quantity type has no such value."""
    if not math.isfinite(value):
        return "must be a finite number"
    if type == "share" and not 0 <= value <= 1:
        return "must be from 0 to 1"
    if type in {"integer", "date"} and (not value.is_integer() or abs(value) > LARGEST_INTEGER):
        return "must be a whole number of at most 2**53"
    return None


def _value(constant: Constant, params: list[float]) -> Constant:
    folded = fold(constant, params)
    if not isinstance(folded, Constant):
        raise BindingError("with these values, a quantity made of params is not a finite number")
    return folded


class _Arguments:
    """The arguments of measures, with values found again from their origins."""

    def __init__(self, sanctions: tuple[SanctionDef, ...], params: list[float]) -> None:
        self._sanctions = sanctions
        self._params = params

    def measures(self, measures: tuple[MeasureDef, ...]) -> tuple[MeasureDef, ...]:
        return tuple(
            [
                msgspec.structs.replace(
                    measure, arguments=self._arguments(measure.sanction, measure.arguments)
                )
                for measure in measures
            ]
        )

    def ladder(self, ladder: LadderDef) -> LadderDef:
        steps = [
            msgspec.structs.replace(step, measures=self.measures(step.measures))
            for step in ladder.steps
        ]
        return msgspec.structs.replace(ladder, steps=tuple(steps))

    def strike(self, rule: RuleDef, strike: StrikeDef) -> StrikeDef:
        """The strike as it is; what a param gives it must be a number of points still."""
        for weight in strike.weights:
            points = fold(weight.points, self._params)
            if not isinstance(points, Constant) or not is_weight(points.value):
                raise BindingError(
                    f"with these values, a strike of `{rule.name}` has no whole number of points"
                )
        return strike

    def expected(self, item: Expected) -> Expected:
        if not isinstance(item, ExpectedMeasure):
            return item
        arguments = self._arguments(item.sanction, item.arguments)
        return msgspec.structs.replace(item, arguments=arguments)

    def _arguments(
        self, sanction: int, arguments: tuple[ArgumentValue | None, ...]
    ) -> tuple[ArgumentValue | None, ...]:
        return tuple(
            [
                self._argument(sanction, index, value)
                if isinstance(value, Constant) and value.origin is not None
                else value
                for index, value in enumerate(arguments)
            ]
        )

    def _argument(self, sanction: int, index: int, constant: Constant) -> Constant:
        bound = _value(constant, self._params)
        of = self._sanctions[sanction]
        param = of.params[index]
        assert isinstance(param.type, Scalar)
        problem = _problem(param.type.name, bound.value)
        if problem is not None:
            raise BindingError(
                f"with these values, `{param.name}` of `{of.name}` is {bound.value:.15g}; it {problem}"
            )
        return bound
