"""What enforcement reads of events besides what the rules do, and in whatever form they come."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any, Final, TypeGuard

import msgspec
from pydantic import BaseModel

from clausal.compiler.text.surrogates import well_formed
from clausal.compiler.types import Scalar, Type
from clausal.engine.consequences import identifier
from clausal.engine.decode import decode_json
from clausal.engine.objects import HISTORY_KEY, fields_of
from clausal.engine.values import ConversionError, Missing, Value, convert

Event = Mapping[str, object] | BaseModel | bytes | bytearray | memoryview | str
"""An event as an object or as JSON."""

Path = tuple[str, ...]

_STRING: Final = Scalar("string")


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


def label(id: str | None, event: Mapping[Any, Any]) -> str:
    """What the ledger calls an event: by its id, or, where that names none, by all that it says."""
    return id if names_one(id) else digest(event)


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
        shape, places = _struct([path for _, path, _ in self._targets])
        self._decode: Final = msgspec.json.Decoder(shape).decode
        self._values: Final = _getter(places)
        self._prefixes: Final = tuple(
            (f"{kind}:", shape if shape != _STRING else None) for kind, _, shape in self._targets
        )
        # What the keys end with: a search for one fixed text takes half the time of one for several.
        keys = [json.dumps(path[-1], ensure_ascii=False) for _, path, _ in self._targets]
        key = _common_end(keys)
        plain = all(
            isinstance(shape, Scalar) and shape.name == "string" for *_, shape in self._targets
        )
        self._raw: Final = (
            re.compile(rf"{re.escape(key)}\s*:\s*\"([^\"\\]*[\"\\])".encode())
            if key and plain
            else None
        )

    def likely(self, event: Event, ids: AbstractSet[bytes]) -> bool:
        """Whether an event may be about targets of some ids: if not, it is not.

        It takes a tenth of the time that reading the ids does.

        Args:
            event: One that a bundle could decide.
            ids: As of `raw`.
        """
        if self._raw is None or not isinstance(event, bytes):
            return True
        found = self._raw.findall(event)
        if not ids.isdisjoint(found):
            return True
        # A name may be written with escapes: letters as "\u00..", others in the value.
        return b"\\" in event and (b"\\u00" in event or any(one.endswith(b"\\") for one in found))

    def of(self, event: Event) -> list[str]:
        """The parties of an event that a bundle could decide, in the order of the targets."""
        if isinstance(event, bytes | bytearray | memoryview | str):
            try:
                return self._named(self._values(self._decode(event)))
            except (msgspec.MsgspecError, UnicodeError, AttributeError):
                # Odd ones are read as the engine does: with a lone surrogate, or no object where
                # there should be one.
                event = fields(event)
        return self._named([value_at(event, path) for _, path, _ in self._targets])

    def _named(self, values: Iterable[object]) -> list[str]:
        parties = []
        for (prefix, shape), value in zip(self._prefixes, values, strict=True):
            if shape is None and type(value) is str and value.isascii():
                if value:
                    parties.append(prefix + value)
            elif value is not None and value is not msgspec.UNSET:
                try:
                    name = identifier(convert(shape or _STRING, value))
                except ConversionError:
                    continue
                if names_one(name):
                    parties.append(prefix + name)
        return parties


def _getter(places: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    """What is at some attributes of an object."""
    if not places:
        return lambda _: ()
    get = attrgetter(*places)
    return get if len(places) > 1 else lambda found: (get(found),)


def _struct(paths: Sequence[Path]) -> tuple[type[msgspec.Struct], list[str]]:
    """A struct that holds what is at some paths, and skips all else; and where it holds each.

    A group that is not there is one without fields. What is no object where a group should be is
    kept as it is.
    """
    below: dict[str, list[Path]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    members: list[tuple[str, Any, Any]] = []
    places: dict[Path, str] = {}
    for number, (first, inner) in enumerate(below.items()):
        attribute = f"f{number}"
        if all(inner):
            group, within = _struct(inner)
            kind: Any = group | str | float | bool | list[Any] | None
            members.append((attribute, kind, msgspec.field(default_factory=group)))
            for path, place in zip(inner, within, strict=True):
                places[first, *path] = f"{attribute}.{place}"
        else:
            members.append((attribute, Any, msgspec.UNSET))
            places.update({(first, *path): attribute for path in inner})
    rename = {f"f{number}": name for number, name in enumerate(below)}
    made = msgspec.defstruct("Names", members, rename=rename, gc=False)
    return made, [places[path] for path in paths]


def _common_end(texts: Sequence[str]) -> str:
    """The longest text that all of some end with."""
    if not texts:
        return ""
    first = texts[0]
    start = next(
        at for at in range(len(first) + 1) if all(one.endswith(first[at:]) for one in texts)
    )
    return first[start:]


def names_one(id: str | None) -> TypeGuard[str]:
    """Whether something names one thing: what several things would share names none of them.

    An empty text is no name, nor is one in which the engine put U+FFFD for half a character.
    """
    return bool(id) and "\ufffd" not in str(id)


def raw(party: str) -> bytes:
    """The id of a party as `Names.likely` wants it."""
    return f'{party.partition(":")[2]}"'.encode("utf-8", "surrogatepass")


def text(value: object) -> str | None:
    """A value of an event as part of a key; None for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        told = well_formed(value)
        return told if names_one(told) else None
    if isinstance(value, int | float):
        return identifier(float(value))
    return None
