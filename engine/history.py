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
        given = fields_of(value)
        groups: dict[str, Any] = {}
        if given is None:
            problems.append(Problem(HISTORY_KEY, "an object", describe(value)))
        elif is_failure(given, (HISTORY_KEY,), problems):
            groups = dict.fromkeys(_GROUPS, FAILED)
        else:
            for name, figures in given.items():
                fields = fields_of(figures)
                if name not in _GROUPS:
                    problems.append(_unknown_group(name))
                elif fields is not None and is_failure(fields, (HISTORY_KEY, name), problems):
                    groups[name] = FAILED
                elif figures is not None:
                    groups[name] = _figures(name, figures, problems, as_numbers=False)
        if problems:
            raise EventError(problems)
        return cls(**groups)


def _unknown_group(name: object) -> Problem:
    likely = nearest(name, _GROUPS) if isinstance(name, str) else None
    hint = f" (did you mean `{likely}`?)" if likely else ""
    got = f"`{shown(name)}`" if isinstance(name, str) else f"the key {describe(name)}"
    return Problem(HISTORY_KEY, f"`strikes`, `tallies` or `similarity`{hint}", got)


def _figures(
    group: GroupName, given: object, problems: list[Problem], *, as_numbers: bool
) -> dict[str, Strikes | float | Missing]:
    """The figures of one group by name, those that are nothing left out."""
    fields = fields_of(given)
    if fields is None:
        problems.append(Problem(place((HISTORY_KEY, group)), "an object", describe(given)))
        return {}
    figures: dict[str, Strikes | float | Missing] = {}
    for name, value in fields.items():
        path = (HISTORY_KEY, group)
        if not isinstance(name, str):
            problems.append(Problem(place(path), "names as texts", f"the key {describe(name)}"))
        elif value is not None:
            figure = _figure(group, value, (*path, name), problems, as_numbers=as_numbers)
            if figure is not None:
                figures[name] = figure
    return figures


def _figure(
    group: GroupName,
    value: object,
    path: tuple[str, ...],
    problems: list[Problem],
    *,
    as_numbers: bool,
) -> Strikes | float | Missing | None:
    """One figure; None if it is a problem."""
    if isinstance(value, Missing):
        return value
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
    return None


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


class _Figure(NamedTuple):
    """A slot that history fills: its group, its names, and the names that its bare one may mean."""

    slot: int
    group: GroupName
    name: str
    bare: str
    homonyms: tuple[str, ...]


class HistoryReader:
    """Finds the figures for a bundle's slots in a history. Immutable."""

    __slots__ = ("_figures", "_windows")

    def __init__(self, slots: Sequence[Slot], ladders: Sequence[LadderDef]) -> None:
        """Make a reader for all slots of a bundle; slots that are fields are left alone.

        Raises:
            ValueError: if a slot of strikes belongs to no ladder, or to several that count strikes
                over different windows.
        """
        self._windows: dict[int, int] = {}
        for ladder in ladders:
            if self._windows.setdefault(ladder.slot, ladder.within) != ladder.within:
                raise ValueError(f"slot {ladder.slot} counts strikes over different windows")
        homonyms: dict[tuple[GroupName, str], set[str]] = {}
        found: list[tuple[int, GroupName, str, str]] = []
        for index, slot in enumerate(slots):
            if slot.source == "field":
                continue
            group = _GROUP_OF[slot.source]
            if group == "strikes" and index not in self._windows:
                raise ValueError(f"slot {index} counts the strikes of no ladder")
            (name,) = slot.path
            bare = name.rpartition(".")[2]
            homonyms.setdefault((group, bare), set()).add(name)
            found.append((index, group, name, bare))
        self._figures = tuple(
            _Figure(index, group, name, bare, tuple(sorted(homonyms[group, bare])))
            for index, group, name, bare in found
        )

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that history fills, ascending."""
        return tuple(figure.slot for figure in self._figures)

    def read(
        self, history: History | None, acted_at: float | Missing, problems: list[Problem]
    ) -> list[float | Missing]:
        """The values of `slots`.

        Args:
            history: What was handed in; None leaves every slot absent.
            acted_at: The instant of the act, in microseconds. Without it strikes that are given as
                instants cannot be counted, and are absent.
            problems: Takes what is wrong: a figure that is given twice, a name of two meanings.
        """
        if history is None:
            return [ABSENT] * len(self._figures)
        return [self._value(figure, history, acted_at, problems) for figure in self._figures]

    def _value(
        self,
        figure: _Figure,
        history: History,
        acted_at: float | Missing,
        problems: list[Problem],
    ) -> float | Missing:
        given: Mapping[str, Strikes | float | Missing] | Missing = getattr(history, figure.group)
        if isinstance(given, Missing):
            return given
        value = given.get(figure.name, ABSENT)
        if figure.bare in given and figure.bare != figure.name:
            path = place((HISTORY_KEY, figure.group, figure.bare))
            if len(figure.homonyms) > 1:
                names = " or ".join(f"`{name}`" for name in figure.homonyms)
                problems.append(Problem(path, names, "a name that means each of them"))
            elif figure.name in given:
                problems.append(Problem(path, "each figure once", f"`{figure.name}` as well"))
            else:
                value = given[figure.bare]
        if isinstance(value, tuple):
            within = self._windows[figure.slot]
            if isinstance(acted_at, Missing):
                return acted_at
            value = sum(issued <= acted_at < issued + within for issued in value)
        return value if isinstance(value, Missing) else float(value)
