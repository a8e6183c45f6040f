"""What enforcement reads of events besides what the rules do, and in whatever form they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from clausal.compiler.text.surrogates import well_formed
from clausal.compiler.types import Type
from clausal.engine.consequences import identifier
from clausal.engine.decode import decode_json
from clausal.engine.objects import HISTORY_KEY, fields_of
from clausal.engine.values import ConversionError, Missing, Value, convert

Event = Mapping[str, object] | BaseModel | bytes | bytearray | memoryview | str
"""An event as an object or as JSON."""

Path = tuple[str, ...]


def fields(event: Event) -> dict[Any, Any]:
    """The fields of an event that a bundle could decide."""
    if isinstance(event, str):
        return decode_json(event.encode("utf-8", "surrogatepass"))
    if isinstance(event, bytes | bytearray | memoryview):
        return decode_json(event)
    found = fields_of(event)
    assert found is not None
    return found


def value_at(event: object, path: Path) -> object:
    """What an event has at a path; None if nothing."""
    for name in path:
        inner = fields_of(event)
        if inner is None:
            return None
        event = inner.get(name)
    return event


def typed_at(event: object, path: Path, type: Type) -> Value | None:
    """The value at a path as the engine holds it; None if there is none of that type."""
    found = value_at(event, path)
    try:
        return None if found is None or isinstance(found, Missing) else convert(type, found)
    except ConversionError:
        return None


def digest(event: Mapping[Any, Any]) -> str:
    """A name for an event without one: equal events have equal names, however they are written."""
    told = {key: value for key, value in event.items() if key != HISTORY_KEY}
    text = json.dumps(msgspec.to_builtins(told, enc_hook=_plain), sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _plain(value: object) -> object:
    found = fields_of(value)
    if found is None:
        raise NotImplementedError
    return found


class Names:
    """Reads the ids of the targets of an event, and no more: for events without findings."""

    def __init__(self, targets: Iterable[tuple[str, Path, Type]]) -> None:
        """Take for each kind of target the path and the type of what identifies it."""
        self._targets: Final = tuple(targets)
        self._decode: Final = msgspec.json.Decoder(
            _struct([path for _, path, _ in self._targets])
        ).decode

    def of(self, event: Event) -> list[str]:
        """The parties of an event that a bundle could decide, in the order of the targets."""
        if isinstance(event, bytes | bytearray | memoryview | str):
            try:
                found = self._decode(event)
            except (msgspec.MsgspecError, UnicodeError):
                # Odd ones, such as those with lone surrogates, are read as the engine does.
                event = fields(event)
            else:
                return self._named([_within(found, path) for _, path, _ in self._targets])
        return self._named([value_at(event, path) for _, path, _ in self._targets])

    def _named(self, values: Sequence[object]) -> list[str]:
        parties = []
        for (kind, _, shape), value in zip(self._targets, values, strict=True):
            if value is None or value is msgspec.UNSET:
                continue
            if isinstance(value, str) and value.isascii():
                parties.append(f"{kind}:{value}")
                continue
            try:
                name = identifier(convert(shape, value))
            except ConversionError:
                continue
            if name is not None:
                parties.append(f"{kind}:{name}")
        return parties


def _struct(paths: Iterable[Path]) -> type[msgspec.Struct]:
    """A struct that holds what is at some paths, and skips all else."""
    below: dict[str, list[Path]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    members: list[tuple[str, Any, Any]] = []
    for number, inner in enumerate(below.values()):
        kind: Any = Any
        if all(inner):
            # A group may be anything in an event; what is no object has no fields.
            kind = _struct(inner) | str | float | bool | list[Any] | None
        members.append((f"f{number}", kind, msgspec.UNSET))
    rename = {f"f{number}": name for number, name in enumerate(below)}
    return msgspec.defstruct("Names", members, rename=rename, gc=False)


def _within(found: object, path: Path) -> object:
    for name in path:
        if not isinstance(found, msgspec.Struct):
            return None
        names = type(found).__struct_encode_fields__
        found = getattr(found, f"f{names.index(name)}") if name in names else None
    return found


def text(value: object) -> str | None:
    """A value of an event as part of a key; None for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, int | float):
        return identifier(float(value))
    return None
