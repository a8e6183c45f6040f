"""History: what evaluation may know of the past, given beside the event or inside of it.

Evaluation remembers nothing. Strikes on ladders, tallies over windows and likenesses to samples are
figures that whoever runs the bundle keeps and hands in. A figure that is not handed in is absent,
as a field can be: what depends on it is undetermined.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, assert_never

import msgspec

from clausal.compiler.ir import LadderDef, LifeDef, PointsDef, Slot
from clausal.compiler.types import Scalar
from clausal.dsl.suggest import nearest
from clausal.engine.objects import HISTORY_KEY, fields_of, is_failure
from clausal.engine.problem import EventError, Problem, describe, place, shown
from clausal.engine.values import (
    ABSENT,
    FAILED,
    FIRST_INSTANT,
    LAST_INSTANT,
    ConversionError,
    Missing,
    convert,
)


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """The step that a strike led to, and when its measures ended: microseconds since 1970."""

    step: int
    until: int


class PastStrike(msgspec.Struct, frozen=True, kw_only=True):
    """A strike on a ladder of points.

    Attributes:
        issued: When it was issued, in microseconds since 1970.
        points: How much it weighs.
        family: What kind of conduct it is for.
        expires: When it ends to be active; None: when the ladder says.
        served: The step that it led to, if a measure that probation follows has ended.
    """

    issued: int
    points: int
    family: str
    expires: int | None = None
    served: Served | None = None


Strikes = tuple[int, ...] | int | tuple[PastStrike, ...] | Mapping[str, int]
"""The strikes on a ladder.

Where it counts them: when each was issued, in microseconds since 1970, or how many are active. On a
ladder of points: the strikes, or the active points by family.
"""

Figure = Strikes | float | Missing
"""A figure as a history holds it."""

GroupName = Literal["strikes", "tallies", "similarity"]
_GROUPS: Final[tuple[GroupName, ...]] = ("strikes", "tallies", "similarity")


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Figures about the past, by the names of what policies declare.

    A name is qualified (``cn.self_media_traffic.fabrication``), or bare where the bundle has only
    one declaration of that name. Names that the bundle does not read are ignored. `FAILED` stands
    for a figure, or a whole group, that was asked for and could not be had.

    Attributes:
        strikes: For each ladder, the strikes of the event's subject (see `Strikes`). A strike is
            active while ``issued <= t < issued + within``, or on a ladder of points while
            ``issued <= t < expires``, where t is the instant of the act.
        tallies: For each tally, its figure just before the event.
        similarity: For each set of samples, the greatest likeness of any item, from 0 to 1.

    Raises:
        EventError: if a figure is not of its kind.
    """

    strikes: Mapping[str, Strikes | Sequence[Mapping[str, object]] | Missing] | Missing = {}
    tallies: Mapping[str, float | Missing] | Missing = {}
    similarity: Mapping[str, float | Missing] | Missing = {}

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        for group in _GROUPS:
            figures = getattr(self, group)
            if not isinstance(figures, Missing):
                checked = _figures(group, figures, problems, as_numbers=True)
                msgspec.structs.force_setattr(self, group, checked)
        if problems:
            raise EventError(problems)

    @classmethod
    def parse(cls, value: object) -> History:
        """The history that an event carries, as it is decoded from JSON; instants are texts.

        Raises:
            EventError: if it is not of this form.
        """
        problems: list[Problem] = []
        groups: dict[str, Any] = {
            group: figures
            if isinstance(figures, Missing)
            else _figures(group, figures, problems, as_numbers=False)
            for group, figures in _groups(value, problems).items()
        }
        if problems:
            raise EventError(problems)
        return cls(**groups)


Given = Mapping[object, object] | Missing
"""A group of figures as it was handed in."""


def _groups(value: object, problems: list[Problem]) -> dict[GroupName, Given]:
    """The groups of figures in a history as it was handed in, those that are nothing empty."""
    if isinstance(value, History):
        return {group: getattr(value, group) for group in _GROUPS}
    groups: dict[GroupName, Given] = {group: {} for group in _GROUPS}
    given = fields_of(value)
    if value is FAILED:
        return dict.fromkeys(_GROUPS, FAILED)
    if given is None:
        problems.append(Problem(HISTORY_KEY, "an object", describe(value)))
    elif is_failure(given, (HISTORY_KEY,), problems):
        return dict.fromkeys(_GROUPS, FAILED)
    else:
        for name, figures in given.items():
            group = next((group for group in _GROUPS if group == name), None)
            if group is None:
                problems.append(_unknown_group(name))
            elif isinstance(figures, Missing):
                groups[group] = {} if figures is ABSENT else FAILED
            elif figures is not None:
                groups[group] = _group(group, figures, problems)
    return groups


def _group(group: GroupName, figures: object, problems: list[Problem]) -> Given:
    path = (HISTORY_KEY, group)
    fields = fields_of(figures)
    if fields is None:
        problems.append(Problem(place(path), "an object", describe(figures)))
        return {}
    return FAILED if is_failure(fields, path, problems) else fields


def _unknown_group(name: object) -> Problem:
    likely = nearest(name, _GROUPS) if isinstance(name, str) else None
    hint = f" (did you mean `{likely}`?)" if likely else ""
    got = f"`{shown(name)}`" if isinstance(name, str) else f"the key {describe(name)}"
    return Problem(HISTORY_KEY, f"`strikes`, `tallies` or `similarity`{hint}", got)


def _figures(
    group: GroupName, given: Mapping[object, object], problems: list[Problem], *, as_numbers: bool
) -> dict[str, Figure]:
    """All figures of a group by name, those that are nothing left out."""
    figures: dict[str, Figure] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            where = place((HISTORY_KEY, group))
            problems.append(Problem(where, "keys that are texts", f"the key {describe(name)}"))
        else:
            figure = _figure(group, name, value, problems, as_numbers=as_numbers)
            if figure is not ABSENT:
                figures[name] = figure
    return figures


def _figure(
    group: GroupName, name: str, value: object, problems: list[Problem], *, as_numbers: bool
) -> Figure:
    """One figure; a problem counts as a failure until all problems are found."""
    if value is None:
        return ABSENT
    if isinstance(value, Missing):
        return value
    path = (HISTORY_KEY, group, name)
    fields = fields_of(value)
    if fields is not None and is_failure(fields, path, problems):
        return FAILED
    try:
        match group:
            case "strikes":
                return _strikes(value, as_numbers=as_numbers)
            case "tallies":
                return _quantity(Scalar("number"), value)
            case "similarity":
                return _quantity(Scalar("share"), value)
            case _:
                assert_never(group)
    except ConversionError as problem:
        problems.append(Problem(place(path, problem.item), problem.expected, problem.got))
        return FAILED


def _quantity(type: Scalar, value: object) -> float:
    quantity = convert(type, value)
    assert isinstance(quantity, float)
    return quantity


_COUNTED: Final = "the number of active strikes, or a list of the instants when they were issued"
_WITH_POINTS: Final = (
    "a list of strikes, each with `issued`, `points` and `family`, or the active points by family"
)


def _strikes(value: object, *, as_numbers: bool) -> Strikes:
    active = fields_of(value)
    if active is not None:
        return _by_family(active)
    if isinstance(value, (list, tuple)) and any(map(_has_points, value)):
        return _past_strikes(value, as_numbers=as_numbers)
    if isinstance(value, (list, tuple)):
        issued: list[int] = []
        for index, one in enumerate(value):
            try:
                issued.append(_issued(one, as_numbers=as_numbers))
            except ConversionError as problem:
                raise ConversionError(problem.expected, problem.got, index) from None
        return tuple(issued)
    if isinstance(value, (str, bool)) or value is None:
        raise ConversionError(_COUNTED, describe(value))
    count = int(_quantity(Scalar("integer"), value))
    if count < 0:
        raise ConversionError(_COUNTED, describe(value))
    return count


def _by_family(active: Mapping[object, object]) -> dict[str, int]:
    """The active points of each family; one that the ladder does not have counts among all."""
    points: dict[str, int] = {}
    for family, value in active.items():
        if not isinstance(family, str):
            raise ConversionError(_WITH_POINTS, f"the key {describe(family)}")
        if value is not None:
            points[family] = _number_of_points(value)
    return points


def _has_points(strike: object) -> bool:
    return isinstance(strike, PastStrike) or fields_of(strike) is not None


def _past_strikes(value: Sequence[object], *, as_numbers: bool) -> tuple[PastStrike, ...]:
    strikes: list[PastStrike] = []
    for index, one in enumerate(value):
        try:
            strikes.append(
                one if isinstance(one, PastStrike) else _past_strike(one, as_numbers=as_numbers)
            )
        except ConversionError as problem:
            raise ConversionError(problem.expected, problem.got, index) from None
    return tuple(strikes)


def _past_strike(value: object, *, as_numbers: bool) -> PastStrike:
    fields = _members(value, _WITH_POINTS, ("issued", "points", "family", "expires", "served"))
    family, expires, past = fields.get("family"), fields.get("expires"), fields.get("served")
    if not isinstance(family, str):
        raise ConversionError("a strike with the name of its `family`", _described(family))
    served = None
    if isinstance(past, Served):
        served = past
    elif past is not None:
        members = _members(past, "the `step` that was served, and `until` when", ("step", "until"))
        served = Served(
            step=_number_of_points(members.get("step")),
            until=_issued(members.get("until"), as_numbers=as_numbers),
        )
    return PastStrike(
        issued=_issued(fields.get("issued"), as_numbers=as_numbers),
        points=_number_of_points(fields.get("points")),
        family=family,
        expires=None if expires is None else _issued(expires, as_numbers=as_numbers),
        served=served,
    )


def _members(value: object, expected: str, names: Sequence[str]) -> dict[object, object]:
    """The fields of an object that has no others than these."""
    fields = fields_of(value)
    if fields is None:
        raise ConversionError(expected, describe(value))
    for name in fields:
        if name not in names:
            raise ConversionError(expected, f"the key {describe(name)}")
    return fields


def _number_of_points(value: object) -> int:
    expected = "a whole number, 0 or more"
    if value is None or isinstance(value, (str, bool)):
        raise ConversionError(expected, _described(value))
    points = int(_quantity(Scalar("integer"), value))
    if points < 0:
        raise ConversionError(expected, describe(value))
    return points


def _described(value: object) -> str:
    return "nothing" if value is None else describe(value)


def _issued(value: object, *, as_numbers: bool) -> int:
    """Microseconds since 1970. JSON has texts only: its numbers might be seconds as well."""
    if as_numbers and isinstance(value, int) and not isinstance(value, bool):
        if FIRST_INSTANT <= value <= LAST_INSTANT:
            return value
        raise ConversionError("microseconds in the years 1685 to 2254", describe(value))
    return int(_quantity(Scalar("instant"), value))


_GROUP_OF: Final[Mapping[str, GroupName]] = {
    "strikes": "strikes",
    "tally": "tallies",
    "similarity": "similarity",
}
"""The group that holds the figures of slots of a source."""


class PointsSlots(NamedTuple):
    """The slots that a ladder of points has beside that of all active points.

    ``families`` gives for each family the slot of its active points, and that of the highest step on
    probation where the ladder has such; ``lives`` and ``probation`` are as of `PointsDef`.
    """

    families: Mapping[str, tuple[int, int | None]]
    lives: tuple[LifeDef, ...]
    probation: int

    def read(
        self, slot: int, strikes: Figure, acted_at: float | Missing
    ) -> Iterator[tuple[int, float | Missing]]:
        """The values of its slots, and of that of all points.

        Args:
            slot: That of all points.
            strikes: The strikes, or the active points by family.
            acted_at: The instant of the act, in microseconds.
        """
        known: Missing | None = None
        points: dict[str, int] = {}
        served: dict[str, int] = {}
        if isinstance(strikes, Missing):
            known = strikes
        elif isinstance(strikes, Mapping):
            points.update(strikes)
        elif isinstance(acted_at, Missing):
            known = acted_at if strikes else None
        else:
            assert isinstance(strikes, tuple)
            for strike in strikes:
                assert isinstance(strike, PastStrike)
                family = strike.family
                if self._active(strike, acted_at):
                    points[family] = points.get(family, 0) + strike.points
                past = strike.served
                if past is not None and past.until <= acted_at < past.until + self.probation:
                    served[family] = max(served.get(family, 0), past.step)
        yield slot, float(sum(points.values())) if known is None else known
        for family, (of_family, on_probation) in self.families.items():
            yield of_family, float(points.get(family, 0)) if known is None else known
            if on_probation is not None:
                yield on_probation, float(served.get(family, 0)) if known is None else known

    def _active(self, strike: PastStrike, acted_at: float) -> bool:
        if strike.expires is not None:
            return strike.issued <= acted_at < strike.expires
        place = bisect_right(self.lives, strike.points, key=lambda life: life.points) - 1
        life = self.lives[place].length
        return strike.issued <= acted_at and (life is None or acted_at < strike.issued + life)


class FigureSlot(NamedTuple):
    """A slot that history fills.

    ``homonyms`` are the names that the bare one may mean; ``within`` is how long strikes are active,
    in microseconds, and 0 for other figures. ``points`` is there for a ladder of points.
    """

    slot: int
    group: GroupName
    name: str
    bare: str
    homonyms: tuple[str, ...]
    within: int
    points: PointsSlots | None = None


class HistoryReader:
    """Finds the figures for a bundle's slots in a history. Immutable."""

    __slots__ = ("_figures",)

    def __init__(self, slots: Sequence[Slot], ladders: Sequence[LadderDef]) -> None:
        """Make a reader for all slots of a bundle; slots that are fields are left alone.

        Raises:
            ValueError: if a slot of strikes belongs to no ladder, or to several that count strikes
                differently.
        """
        windows: dict[int, int] = {}
        of_points: dict[int, PointsSlots] = {}
        parts: set[int] = set()
        for ladder in ladders:
            if windows.setdefault(ladder.slot, ladder.within) != ladder.within:
                raise ValueError(f"slot {ladder.slot} counts strikes over different windows")
            if ladder.points is not None:
                own = _points_slots(ladder.points)
                known = of_points.setdefault(ladder.slot, own)
                if known[1:] != own[1:]:
                    raise ValueError(f"slot {ladder.slot} counts points in different ways")
                of_points[ladder.slot] = own._replace(families={**known.families, **own.families})
                parts.update(slot for pair in own.families.values() for slot in pair if slot)
        homonyms: dict[tuple[GroupName, str], set[str]] = {}
        found: list[tuple[int, GroupName, str, str]] = []
        for index, slot in enumerate(slots):
            if slot.source == "field":
                continue
            group = _GROUP_OF[slot.source]
            if index in parts:
                continue
            if group == "strikes" and index not in windows:
                raise ValueError(f"slot {index} counts the strikes of no ladder")
            (name,) = slot.path
            bare = name.rpartition(".")[2]
            homonyms.setdefault((group, bare), set()).add(name)
            found.append((index, group, name, bare))
        self._figures = tuple(
            FigureSlot(
                index,
                group,
                name,
                bare,
                tuple(sorted(homonyms[group, bare])),
                windows.get(index, 0),
                of_points.get(index),
            )
            for index, group, name, bare in found
        )

    @property
    def figures(self) -> tuple[FigureSlot, ...]:
        """The slots that history fills, ascending; of a ladder of points that of all points."""
        return self._figures

    def read(
        self, history: object, acted_at: float | Missing, problems: list[Problem]
    ) -> list[tuple[int, float | Missing]]:
        """The slots that history fills, each with its value.

        Args:
            history: A `History`, or what an event carries: an object, or `FAILED`.
            acted_at: The instant of the act, in microseconds. Without it strikes that are given as
                instants cannot be counted; then the slot lacks a value as the instant does.
            problems: Takes what is wrong with the figures that the slots read.
        """
        as_numbers = isinstance(history, History)
        groups = _groups(history, problems)
        values: list[tuple[int, float | Missing]] = []
        for slot in self._figures:
            figure = self._pick(slot, groups[slot.group], problems, as_numbers=as_numbers)
            if slot.points is not None:
                values += slot.points.read(slot.slot, figure, acted_at)
            elif isinstance(figure, tuple):
                values.append((slot.slot, self._active(slot, figure, acted_at)))
            else:
                assert not isinstance(figure, Mapping)
                values.append((slot.slot, figure if isinstance(figure, Missing) else float(figure)))
        return values

    def _pick(
        self, slot: FigureSlot, given: Given, problems: list[Problem], *, as_numbers: bool
    ) -> Figure:
        """The figure under either name of a slot."""
        if isinstance(given, Missing):
            return given
        name = slot.name
        if slot.bare != name and slot.bare in given:
            where = place((HISTORY_KEY, slot.group, slot.bare))
            if len(slot.homonyms) > 1:
                names = " or ".join(f"`{name}`" for name in slot.homonyms)
                problems.append(Problem(where, names, "a name that means each of them"))
            elif name in given:
                problems.append(Problem(where, "each figure once", f"`{name}` as well"))
            name = slot.bare
        figure = _figure(slot.group, name, given.get(name), problems, as_numbers=as_numbers)
        expected = _other_form(slot, figure)
        if expected is None:
            return figure
        where = place((HISTORY_KEY, slot.group, name))
        problems.append(Problem(where, expected, "those of a ladder of the other kind"))
        return FAILED

    def _active(
        self,
        slot: FigureSlot,
        strikes: tuple[int, ...] | tuple[PastStrike, ...],
        acted_at: float | Missing,
    ) -> float | Missing:
        if isinstance(acted_at, Missing):
            return acted_at
        return float(
            sum(
                issued <= acted_at < issued + slot.within
                for issued in strikes
                if isinstance(issued, int)
            )
        )


def _points_slots(points: PointsDef) -> PointsSlots:
    families = {family.name: (family.slot, family.served) for family in points.families}
    return PointsSlots(families, points.lives, points.probation)


def _other_form(slot: FigureSlot, figure: Figure) -> str | None:
    """What strikes should be that are not of the form that their ladder has."""
    if slot.group != "strikes" or isinstance(figure, Missing):
        return None
    has_points = isinstance(figure, Mapping)
    counts = isinstance(figure, int)
    if isinstance(figure, tuple) and figure:
        has_points = isinstance(figure[0], PastStrike)
        counts = not has_points
    if slot.points is None:
        return _COUNTED if has_points else None
    return _WITH_POINTS if counts else None
