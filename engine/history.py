"""History: what evaluation may know of the past, given beside the event or inside of it.

Evaluation remembers nothing. Strikes on ladders, tallies over windows and likenesses to samples are
figures that whoever runs the bundle keeps and hands in. A figure that is not handed in is absent,
as a field can be: what depends on it is undetermined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, assert_never

import msgspec

from clausal.compiler.ir import LadderDef, Slot
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

Strikes = tuple[int, ...] | int
"""When each strike was issued, in microseconds since 1970; or how many are active."""

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
        strikes: For each ladder, when the strikes of the event's subject were issued, or how many
            are active. A strike is active while ``issued <= t < issued + within``, where t is the
            instant of the act.
        tallies: For each tally, its figure just before the event.
        similarity: For each set of samples, the greatest likeness of any item, from 0 to 1.

    Raises:
        EventError: if a figure is not of its kind.
    """

    strikes: Mapping[str, Strikes | Missing] | Missing = {}
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


def _strikes(value: object, *, as_numbers: bool) -> Strikes:
    if isinstance(value, (list, tuple)):
        issued: list[int] = []
        for index, one in enumerate(value):
            try:
                issued.append(_issued(one, as_numbers=as_numbers))
            except ConversionError as problem:
                raise ConversionError(problem.expected, problem.got, index) from None
        return tuple(issued)
    expected = "the number of active strikes, or a list of the instants when they were issued"
    if isinstance(value, (str, bool)) or value is None:
        raise ConversionError(expected, describe(value))
    count = int(_quantity(Scalar("integer"), value))
    if count < 0:
        raise ConversionError(expected, describe(value))
    return count


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


class FigureSlot(NamedTuple):
    """A slot that history fills.

    ``homonyms`` are the names that the bare one may mean; ``within`` is how long strikes are active,
    in microseconds, and 0 for other figures.
    """

    slot: int
    group: GroupName
    name: str
    bare: str
    homonyms: tuple[str, ...]
    within: int


class HistoryReader:
    """Finds the figures for a bundle's slots in a history. Immutable."""

    __slots__ = ("_figures",)

    def __init__(self, slots: Sequence[Slot], ladders: Sequence[LadderDef]) -> None:
        """Make a reader for all slots of a bundle; slots that are fields are left alone.

        Raises:
            ValueError: if a slot of strikes belongs to no ladder, or to several that count strikes
                over different windows.
        """
        windows: dict[int, int] = {}
        for ladder in ladders:
            if windows.setdefault(ladder.slot, ladder.within) != ladder.within:
                raise ValueError(f"slot {ladder.slot} counts strikes over different windows")
        homonyms: dict[tuple[GroupName, str], set[str]] = {}
        found: list[tuple[int, GroupName, str, str]] = []
        for index, slot in enumerate(slots):
            if slot.source == "field":
                continue
            group = _GROUP_OF[slot.source]
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
            )
            for index, group, name, bare in found
        )

    @property
    def figures(self) -> tuple[FigureSlot, ...]:
        """The slots that history fills, ascending."""
        return self._figures

    def read(
        self, history: object, acted_at: float | Missing, problems: list[Problem]
    ) -> list[float | Missing]:
        """The values of the slots of `figures`.

        Args:
            history: A `History`, or what an event carries: an object, or `FAILED`.
            acted_at: The instant of the act, in microseconds. Without it strikes that are given as
                instants cannot be counted; then the slot lacks a value as the instant does.
            problems: Takes what is wrong with the figures that the slots read.
        """
        as_numbers = isinstance(history, History)
        groups = _groups(history, problems)
        values: list[float | Missing] = []
        for slot in self._figures:
            figure = self._pick(slot, groups[slot.group], problems, as_numbers=as_numbers)
            if isinstance(figure, tuple):
                figure = self._active(slot, figure, acted_at)
            values.append(figure if isinstance(figure, Missing) else float(figure))
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
        return _figure(slot.group, name, given.get(name), problems, as_numbers=as_numbers)

    def _active(
        self, slot: FigureSlot, strikes: tuple[int, ...], acted_at: float | Missing
    ) -> float | Missing:
        if isinstance(acted_at, Missing):
            return acted_at
        return sum(issued <= acted_at < issued + slot.within for issued in strikes)
