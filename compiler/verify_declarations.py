"""Hold what a corpus declares against what the engine relies on without looking.

That is when it tells times, joins measures, climbs ladders and makes a model of events. The checker refuses all of this where an author can read why; it is looked at once more because a bundle may come
from anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from clausal.compiler.ir import (
    SHORTEST_WINDOW,
    ArgumentValue,
    Constant,
    DutyDef,
    LadderDef,
    MeasureDef,
    Param,
    ParamDef,
    PointsDef,
    SanctionDef,
    SanctionParam,
    SchemaField,
    TargetDef,
    VersionDef,
)
from clausal.compiler.types import (
    LARGEST_INTEGER,
    QUANTITIES,
    Enum,
    MapOf,
    Scalar,
    SetOf,
    Type,
    is_quantity,
)

COMBINATIONS_LIMIT: Final = 1000
"""As many combinations of elements may the sets of one measure have: each is joined by itself."""


class CorpusError(ValueError):
    """A corpus that names what it does not have, or declares what the engine cannot work with."""


def combinations(arguments: Iterable[ArgumentValue | None]) -> int:
    """How many combinations of elements the sets among the arguments of a measure have."""
    return math.prod(len(value) or 1 for value in arguments if isinstance(value, tuple))


# ── Times ────────────────────────────────────────────────────────────────────────────────────────


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True


def verify_versions(versions: Sequence[VersionDef]) -> None:
    """Check that each version is in force at some time, told in a zone that there is.

    Raises:
        CorpusError: naming what is wrong.
    """
    for version in versions:
        if not is_zone(version.zone):
            raise CorpusError(f"there is no time zone `{version.zone}`")
        ends = [version.start] if version.end is None else [version.start, version.end]
        if any(abs(instant) > LARGEST_INTEGER for instant in ends) or sorted(set(ends)) != ends:
            raise CorpusError(f"`{version.policy} {version.version}` is never in force")


# ── Fields and params ────────────────────────────────────────────────────────────────────────────


def verify_fields(fields: Sequence[SchemaField]) -> None:
    """Check that each field has a place of its own in an event, and a type with values.

    Raises:
        CorpusError: naming what is wrong.
    """
    paths = {field.path for field in fields}
    if len(paths) < len(fields) or () in paths:
        raise CorpusError("a field has no path, or that of another")
    if any(field.path[:length] in paths for field in fields for length in range(len(field.path))):
        raise CorpusError("a field lies inside of another")
    for field in fields:
        _check_type(field.type)


def _check_type(type: Type) -> None:
    match type:
        case Enum(values=values):
            if not values or len(set(type.names)) < len(values):
                raise CorpusError("an enum has no value, or one twice")
        case SetOf(item=item):
            if not (isinstance(item, Enum) or item == Scalar("string")):
                raise CorpusError("a set is neither of an enum nor of strings")
            _check_type(item)
        case MapOf(item=item):
            _check_type(item)
        case Scalar():
            pass
        case _:
            assert_never(type)


def verify_params(params: Sequence[ParamDef]) -> None:
    """Check that each param is a quantity.

    Raises:
        CorpusError: naming what is wrong.
    """
    for param in params:
        numbers = [n for n in (param.value, param.low, param.high) if n is not None]
        if param.type not in QUANTITIES or not all(map(math.isfinite, numbers)):
            raise CorpusError(f"the param `{param.name}` is no quantity")


# ── Sanctions, measures, ladders ─────────────────────────────────────────────────────────────────


def verify_sanctions(sanctions: Sequence[SanctionDef]) -> None:
    """Check types, defaults and laws, and that no sanction implies itself.

    ``implies`` are known to be numbers of sanctions.

    Raises:
        CorpusError: naming what is wrong.
    """
    for sanction in sanctions:
        names = [param.name for param in sanction.params]
        if len(set(names)) < len(names):
            raise CorpusError(f"`{sanction.name}` has a parameter twice")
        for param in sanction.params:
            _check_type(param.type)
            _check_argument(param, param.default)
        strength = sanction.law.strength
        if strength is not None:
            if not 0 <= strength < len(names):
                raise CorpusError(f"there is no parameter {strength} of `{sanction.name}`")
            kind = sanction.params[strength].type
            if not (isinstance(kind, Enum) or kind == Scalar("bool") or is_quantity(kind)):
                raise CorpusError(f"`{names[strength]}` of `{sanction.name}` has no order")
    _check_implications(sanctions)


def _check_implications(sanctions: Sequence[SanctionDef]) -> None:
    """Take away, again and again, what implies only what was taken away: a circle is left."""
    left = {number: set(sanction.implies) for number, sanction in enumerate(sanctions)}
    while settled := [number for number, implied in left.items() if not implied & left.keys()]:
        for number in settled:
            del left[number]
    if left:
        names = [sanctions[number].name for number in left]
        raise CorpusError(f"the sanction `{names[0]}` implies itself")


def _check_argument(param: SanctionParam, value: ArgumentValue | None) -> None:
    kind = param.type
    match value:
        case None:
            fits = True
        case Constant(value=number):
            fits = is_quantity(kind) and math.isfinite(number)
            fits = fits and (kind != Scalar("share") or 0 <= number <= 1)
        case bool():
            fits = kind == Scalar("bool")
        case str():
            fits = value in kind.names if isinstance(kind, Enum) else kind == Scalar("string")
        case tuple():
            fits = isinstance(kind, SetOf) and len(set(value)) == len(value)
            if isinstance(kind, SetOf) and isinstance(kind.item, Enum):
                fits = fits and set(value) <= set(kind.item.names)
        case _:
            assert_never(value)
    if not fits:
        raise CorpusError(f"`{value}` is no value of the parameter `{param.name}`")


def verify_measure(
    measure: MeasureDef, sanctions: Sequence[SanctionDef], targets: Sequence[TargetDef]
) -> None:
    """Check the arguments, the target and the period of a measure.

    Raises:
        CorpusError: naming what is wrong.
    """
    if not 0 <= measure.sanction < len(sanctions):
        raise CorpusError(f"there is no sanction {measure.sanction}")
    params = sanctions[measure.sanction].params
    if len(measure.arguments) != len(params):
        raise CorpusError("a measure does not have one argument for each parameter")
    for param, value in zip(params, measure.arguments, strict=True):
        _check_argument(param, value)
    if combinations(measure.arguments) > COMBINATIONS_LIMIT:
        raise CorpusError("the sets of a measure have too many combinations")
    if measure.target not in {target.name for target in targets}:
        raise CorpusError(f"there is no target `{measure.target}`")
    for length in (measure.duration, measure.within):
        if length is not None and not 0 < length <= LARGEST_INTEGER:
            raise CorpusError("the period of a measure has no length")


def verify_ladder(ladder: LadderDef, targets: Sequence[TargetDef]) -> None:
    """Check that the steps of a ladder lead from 1 upwards, without gaps.

    Raises:
        CorpusError: naming what is wrong.
    """
    if ladder.target not in {target.name for target in targets}:
        raise CorpusError(f"there is no target `{ladder.target}`")
    numbers = [step.number for step in ladder.steps]
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise CorpusError(f"the steps of the ladder `{ladder.name}` have gaps")
    if ladder.points is not None:
        _verify_points(ladder, ladder.points)
    elif not 0 < ladder.within <= LARGEST_INTEGER:
        raise CorpusError(f"the ladder `{ladder.name}` counts no strikes")


def _verify_points(ladder: LadderDef, points: PointsDef) -> None:
    name = ladder.name
    since = [0, *(step.since for step in ladder.steps)]
    if any(after <= before for before, after in pairwise(since)) or since[-1] > LARGEST_INTEGER:
        raise CorpusError(f"the steps of the ladder `{name}` do not ascend")
    families = [family.name for family in points.families]
    if not families or families != sorted(set(families)):
        raise CorpusError(f"the families of the ladder `{name}` are not sorted")
    if not points.sums:
        raise CorpusError(f"the ladder `{name}` counts no points")
    lives = [life.points for life in points.lives]
    if not lives or lives[0] != 0 or lives != sorted(set(lives)):
        raise CorpusError(f"the lives of strikes on `{name}` do not cover all points")
    lengths = [life.length for life in points.lives if life.length is not None]
    if not all(0 < length <= LARGEST_INTEGER for length in lengths):
        raise CorpusError(f"a strike on `{name}` has no life")
    if not all(1 <= step <= len(ladder.steps) for _, step in points.jumps):
        raise CorpusError(f"the ladder `{name}` jumps to a step that it has not")
    probation = points.probation
    served = [family.served is not None for family in points.families]
    if not 0 <= probation <= LARGEST_INTEGER or served != [probation > 0] * len(served):
        raise CorpusError(f"the probation of the ladder `{name}` does not fit its families")


# ── Duties ───────────────────────────────────────────────────────────────────────────────────────

_COLUMNS: Final = {"share": (1, 2), "ratio": (2,), "count": (0, 1)}
"""How many columns a statistic is of; others are of one, or with a unit of two."""


def verify_duty(duty: DutyDef, params: Sequence[ParamDef]) -> None:
    """Check that a duty has a figure that can be told, a threshold, and windows of some length.

    Raises:
        CorpusError: naming what is wrong.
    """
    figure = duty.figure
    counts = _COLUMNS.get(figure.statistic, (2,) if figure.unit else (1,))
    if len(figure.columns) not in counts or (figure.unit and figure.statistic in _COLUMNS):
        raise CorpusError(f"the figure of `{duty.name}` has not the columns that it needs")
    if not all((*figure.columns, duty.table, duty.time)):
        raise CorpusError(f"`{duty.name}` reads a table or column without a name")
    if (figure.rank is not None) != (figure.statistic == "percentile"):
        raise CorpusError(f"`{duty.name}` has no percentile, or one too many")
    if figure.rank is not None and not 0 < figure.rank <= 100:
        raise CorpusError(f"`{duty.name}` has a percentile that there is none of")
    if duty.over is not None and not SHORTEST_WINDOW <= duty.over <= LARGEST_INTEGER:
        raise CorpusError(f"the windows of `{duty.name}` have no length")
    match duty.threshold:
        case Param(index=index):
            if not 0 <= index < len(params):
                raise CorpusError(f"there is no param {index}")
            if params[index].type == "duration" and not figure.unit:
                raise CorpusError(f"`{duty.name}` holds a number to a duration")
        case Constant(value=value):
            if not math.isfinite(value):
                raise CorpusError("a constant is not finite")
        case _:
            assert_never(duty.threshold)
