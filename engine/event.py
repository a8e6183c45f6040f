"""Events as they come in: the values of a bundle's slots, or everything that is wrong with them.

A slot's value is *absent* when the event has no such field, or null there, or no such group around
it; it *failed* when ``{"$failed": "reason"}`` stands in place of the field or of a group around it.
Keys that the bundle does not read are ignored.

`EventReader` is the plain way to read an event: the meaning, for the reference interpreter, and the
refusals, for both. The compiled core reads regular events by itself and hands over all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clausal.compiler.ir import LadderDef, SchemaField, Slot
from clausal.compiler.types import MapOf
from clausal.engine.history import History, HistoryReader
from clausal.engine.objects import HISTORY_KEY, check_keys, fields_of, is_failure
from clausal.engine.problem import EventError, Problem, describe, place
from clausal.engine.values import (
    ABSENT,
    FAILED,
    ConversionError,
    Missing,
    Value,
    convert,
)

__all__ = [
    "ABSENT",
    "FAILED",
    "ConversionError",
    "EventError",
    "EventReader",
    "History",
    "KnownFields",
    "Missing",
    "Problem",
    "Value",
    "convert",
]

Fields = dict[object, object]
"""The fields of an object by their names, as the event has them."""


class EventReader:
    """Reads events for one table of slots. Immutable."""

    __slots__ = ("_history", "_slots", "_time_slot")

    def __init__(
        self, slots: Sequence[Slot], time_slot: int, ladders: Sequence[LadderDef] = ()
    ) -> None:
        """Make a reader.

        Args:
            slots: The inputs of the bundle.
            time_slot: The slot of the instant of the act; strikes are counted at that instant.
            ladders: The ladders that the slots of strikes belong to.

        Raises:
            ValueError: see `HistoryReader`.
        """
        self._slots = tuple(slots)
        self._time_slot = time_slot
        self._history = HistoryReader(slots, ladders)

    def read(self, event: object, history: History | None = None) -> list[Value | Missing]:
        """The value of each slot.

        Raises:
            EventError: with everything that is wrong with what the slots read.
        """
        fields = fields_of(event)
        if fields is None:
            raise EventError([Problem("", "an object", describe(event))])
        problems: list[Problem] = []
        objects = _Objects(fields, problems)
        values = [objects.value(slot) if slot.source == "field" else ABSENT for slot in self._slots]
        given = objects.entry((HISTORY_KEY,))
        if given is ABSENT:
            given = history
        elif history is not None:
            problems.append(
                Problem(HISTORY_KEY, "history in one place", "history in the event and beside it")
            )
        if given is not None:
            acted_at = values[self._time_slot]
            assert isinstance(acted_at, (float, Missing))
            for slot, value in self._history.read(given, acted_at, problems):
                values[slot] = value
        if problems:
            raise EventError(problems)
        return values


class _Objects:
    """The objects inside one event, each looked into once."""

    def __init__(self, event: Fields, problems: list[Problem]) -> None:
        self.problems = problems
        self._objects: dict[tuple[str, ...], Fields | Missing] = {(): event}
        check_keys(event, (), problems)

    def value(self, slot: Slot) -> Value | Missing:
        """The value of a field; a problem counts as a failure until all problems are found."""
        value = self.entry(slot.path)
        if isinstance(value, Missing):
            if value is ABSENT and slot.required:
                self._refuse(slot.path, "a value, which every event must have", "nothing")
            return value
        fields = fields_of(value)
        if fields is not None and is_failure(fields, slot.path, self.problems):
            return FAILED
        try:
            return convert(slot.type, value)
        except ConversionError as problem:
            self._refuse(slot.path, problem.expected, problem.got, problem.item)
            return FAILED

    def entry(self, path: tuple[str, ...]) -> object | Missing:
        """What stands at a path; ABSENT for null, FAILED below a group that failed."""
        fields = self._group(path[:-1])
        if isinstance(fields, Missing):
            return fields
        value = fields.get(path[-1])
        return ABSENT if value is None else value

    def _group(self, path: tuple[str, ...]) -> Fields | Missing:
        """The object at a path."""
        if path not in self._objects:
            self._objects[path] = self._open(path, self.entry(path))
        return self._objects[path]

    def _open(self, path: tuple[str, ...], value: object | Missing) -> Fields | Missing:
        if isinstance(value, Missing):
            return value
        fields = fields_of(value)
        if fields is None:
            self._refuse(path, "an object", describe(value))
            return FAILED
        if is_failure(fields, path, self.problems):
            return FAILED
        check_keys(fields, path, self.problems)
        return fields

    def _refuse(
        self, path: Sequence[str], expected: str, got: str, item: int | None = None
    ) -> None:
        self.problems.append(Problem(place(path, item), expected, got))


class KnownFields:
    """The fields that the libraries of a bundle declare. Immutable."""

    __slots__ = ("_groups",)

    def __init__(self, fields: Iterable[SchemaField]) -> None:
        # INVARIANT: each known path that can have keys below it, with those keys; None: any key.
        groups: dict[tuple[str, ...], set[str] | None] = {(): {HISTORY_KEY}}
        for field in fields:
            for depth, name in enumerate(field.path):
                names = groups.setdefault(field.path[:depth], set())
                if names is not None:
                    names.add(name)
            if isinstance(field.type, MapOf):
                groups[field.path] = None
        self._groups = groups

    def unknown_keys(self, event: object) -> tuple[str, ...]:
        """The places of an event that no library declares, sorted: evaluation ignores them.

        A misspelt field is one of them, and makes the field itself absent.
        """
        found: list[str] = []
        pending: list[tuple[tuple[str, ...], object]] = [((), event)]
        while pending:
            path, value = pending.pop()
            names = self._groups.get(path)
            fields = fields_of(value)
            if names is None or fields is None:
                continue
            for key, below in fields.items():
                if not isinstance(key, str) or key.startswith("$"):
                    continue
                if key in names:
                    pending.append(((*path, key), below))
                else:
                    found.append(place((*path, key)))
        return tuple(sorted(found))
