"""A file of histories, for runs over stored events: what to put beside each event.

Each line is a JSON object of one of two kinds::

    {"target": "account", "id": "a-17", "strikes": {"fabrication": ["2024-05-01T12:00:00+08:00"]}}
    {"event": "e-9", "strikes": {...}, "tallies": {"posts_10m": 12}, "similarity": {"hoaxes": 0.93}}

The first kind tells the strikes of a target for every event about it; the file then is the whole
record of that kind of target: one that it does not name has no strikes. The second kind is about one
event, and goes before the first. What an event says of its own history goes before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from clausal.engine.decode import decode_json
from clausal.engine.problem import EventError
from clausal.reading import Format, InputError, Record, open_events

if TYPE_CHECKING:
    from clausal.compiler.ir import Corpus

HISTORY_KEY: Final = "$history"
FAILED_KEY: Final = "$failed"
_GROUPS: Final = ("strikes", "tallies", "similarity")
_SOURCES: Final = {"strikes": "strikes", "tally": "tallies", "similarity": "similarity"}
"""The group of figures that fills slots of each source."""


class Histories:
    """The histories in a file, for the events of one bundle.

    Args:
        name: The path of the file, or `-`.
        corpus: The policies, which say whom each ladder is about.

    Raises:
        InputError: when the file cannot be read or a line of it is neither of the two kinds.
    """

    def __init__(self, name: str, corpus: Corpus) -> None:
        self._name = name
        self._events: dict[str, dict[str, object]] = {}
        self._targets: dict[tuple[str, str], Mapping[str, object]] = {}
        self._kinds: set[str] = set()
        self._qualified = _qualified(corpus)
        slots = corpus.slots
        self._id_path = None if corpus.id_slot is None else slots[corpus.id_slot].path
        self._paths = {target.name: slots[target.slot].path for target in corpus.targets}
        self._ladders = {ladder.name: ladder.target for ladder in corpus.ladders}
        with open_events(name, Format.NDJSON) as file:
            for record in file:
                if not isinstance(record, Record):
                    raise self._refuse(record.number, record.detail)
                self._add(record)

    def _refuse(self, line: int, detail: str) -> InputError:
        return InputError(self._name, f"line {line}: {detail}")

    def _add(self, record: Record) -> None:
        assert isinstance(record.value, bytes)
        line = record.number
        try:
            value = decode_json(record.value)
        except EventError as error:
            raise self._refuse(line, str(error).partition("\n")[0]) from error
        event, target = value.pop("event", None), value.pop("target", None)
        if isinstance(event, str) and target is None:
            if event in self._events:
                raise self._refuse(line, "this event has a history already")
            self._events[event] = self._groups(value, line)
        elif isinstance(target, str) and event is None:
            self._add_target(target, value.pop("id", None), value, line)
        else:
            raise self._refuse(line, "a history is about an `event` or about a `target`")

    def _add_target(
        self, kind: str, identifier: object, value: Mapping[str, object], line: int
    ) -> None:
        if kind not in self._paths:
            raise self._refuse(line, f"the policies know no target `{kind[:40]}`")
        if not isinstance(identifier, str):
            raise self._refuse(line, "a target has an `id`, which is a text")
        if value.keys() != {"strikes"}:
            raise self._refuse(line, "a target has `strikes`, and nothing else")
        if (kind, identifier) in self._targets:
            raise self._refuse(line, "this target has a history already")
        strikes = self._groups(value, line)["strikes"]
        assert isinstance(strikes, dict)
        self._kinds.add(kind)
        self._targets[kind, identifier] = strikes

    def _groups(self, value: Mapping[str, object], line: int) -> dict[str, object]:
        for name, figures in value.items():
            if name not in _GROUPS:
                raise self._refuse(line, f"`{name[:40]}` is none of {', '.join(_GROUPS)}")
            if not isinstance(figures, dict):
                raise self._refuse(line, f"`{name}` is an object of figures by name")
        return self._named(value)

    def _named(self, groups: Mapping[str, object]) -> dict[str, object]:
        """Groups of figures by their qualified names, where a bare one has one meaning."""
        return {
            group: {self._qualified.get((group, name), name): one for name, one in figures.items()}
            if isinstance(figures, dict)
            else figures
            for group, figures in groups.items()
        }

    def attach(self, event: dict[str, object]) -> dict[str, object]:
        """The event with its history; the very same if the file has none for it."""
        strikes: dict[str, object] = {}
        for ladder, target in self._ladders.items():
            identifier = _at(event, self._paths[target]) if target in self._kinds else None
            if isinstance(identifier, str):
                strikes[ladder] = self._targets.get((target, identifier), {}).get(ladder, [])
        figures: dict[str, object] = {"strikes": strikes} if strikes else {}
        event_id = None if self._id_path is None else _at(event, self._id_path)
        if isinstance(event_id, str) and event_id in self._events:
            figures = _over(self._events[event_id], figures)
        if not figures:
            return event
        own = event.get(HISTORY_KEY)
        if own is None:
            return {**event, HISTORY_KEY: figures}
        if not isinstance(own, dict) or FAILED_KEY in own:
            return event
        return {**event, HISTORY_KEY: _over(self._named(own), figures)}


def _qualified(corpus: Corpus) -> dict[tuple[str, str], str]:
    """The qualified name of each figure by its group and bare name, where there is only one."""
    names: dict[tuple[str, str], set[str]] = {}
    for slot in corpus.slots:
        group = _SOURCES.get(slot.source)
        if group is not None:
            name = slot.path[0]
            names.setdefault((group, name.rpartition(".")[2]), set()).add(name)
    return {key: found.pop() for key, found in names.items() if len(found) == 1}


def _over(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, object]:
    """Groups of figures, where those of the first go before those of the second."""
    merged: dict[str, object] = dict(first)
    for group, figures in second.items():
        mine = merged.get(group)
        if mine is None:
            merged[group] = figures
        elif isinstance(mine, dict) and isinstance(figures, dict) and FAILED_KEY not in mine:
            merged[group] = {**figures, **mine}
    return merged


def _at(event: Mapping[str, object], path: tuple[str, ...]) -> object:
    value: object = event
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
