"""Objects of an event, in whatever form Python code hands them over, and what their keys may be.

An object is a dictionary or another mapping, a Pydantic model, or an instance of a dataclass. Names
beginning with ``$`` are not a platform's: ``$failed`` marks a value or a group of values that was
asked for and could not be had, and ``$history`` (see `clausal.engine.history`) rides on top.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel

from clausal.dsl.suggest import nearest
from clausal.engine.problem import Problem, describe, place, shown

FAILED_KEY: Final = "$failed"
"""The only key of an object that stands for what failed; its value is the reason, a text."""

HISTORY_KEY: Final = "$history"
"""The key of an event under which its history may ride."""


def fields_of(value: object) -> dict[object, object] | None:
    """The fields of an object, not looking into them; None if the value is no object.

    A Pydantic model gives its fields under the names that it is written out with (aliases), and its
    extra fields; a dataclass its fields.
    """
    if type(value) is dict:
        return value
    if isinstance(value, Mapping):
        return dict(value)
    names = names_of(type(value))
    if names is None:
        return None
    fields: dict[object, object] = {name: getattr(value, member) for member, name in names}
    extra = value.model_extra if isinstance(value, BaseModel) else None
    return fields | (extra or {})


def names_of(kind: type) -> tuple[tuple[str, str], ...] | None:
    """The members of the instances of a class that are fields, each with the field's name.

    None if the class is neither a Pydantic model nor a dataclass.
    """
    if issubclass(kind, BaseModel):
        return tuple(
            (member, field.serialization_alias or field.alias or member)
            for member, field in kind.model_fields.items()
        )
    if dataclasses.is_dataclass(kind):
        return tuple((field.name, field.name) for field in dataclasses.fields(kind))
    return None


def is_failure(
    fields: Mapping[object, object], path: Sequence[str], problems: list[Problem]
) -> bool:
    """Whether the object stands for what failed; one that is malformed adds to the problems."""
    if FAILED_KEY not in fields:
        return False
    reason = fields[FAILED_KEY]
    if len(fields) > 1:
        problems.append(Problem(place(path), f"`{FAILED_KEY}` alone", "other keys beside it"))
    elif not isinstance(reason, str):
        problems.append(Problem(place((*path, FAILED_KEY)), "the reason as text", describe(reason)))
    return True


def check_keys(
    fields: Mapping[object, object], path: Sequence[str], problems: list[Problem]
) -> None:
    """Refuse keys that are no texts, and reserved names; of each kind one problem an object.

    Keys that the bundle does not read are no problem.
    """
    foreign = [key for key in fields if not isinstance(key, str)]
    if foreign:
        got = min(map(describe, foreign))
        problems.append(Problem(place(path), "keys that are texts", f"the key {got}"))
    allowed = () if path else (HISTORY_KEY,)
    reserved = [
        key for key in fields if isinstance(key, str) and key.startswith("$") and key not in allowed
    ]
    if reserved:
        name = min(reserved)
        likely = nearest(name, (HISTORY_KEY, FAILED_KEY))
        hint = f" (did you mean `{likely}`?)" if likely else ""
        problems.append(
            Problem(
                place((*path, name)),
                f"a name that does not begin with `$`{hint}",
                f"`{shown(name)}`",
            )
        )
