"""Incidents: which findings are about one thing that happened.

A platform says what makes findings one incident (`IncidentDef`): the same item, a copy of it within a
day, one burst of one policy. A finding belongs to the incident that shares any of these with it, and
a later one may be reached through any finding of the incident. Of several incidents it belongs to
the one that began first. So there is at most one strike for all of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from clausal.compiler.ir import IncidentDef
from clausal.enforcement.record import Record

Path = tuple[str, ...]


class Key(NamedTuple):
    """Something that findings share: ``field=value``, or ``policy=name``.

    ``within`` is how far from the first act of an incident, in microseconds and exclusive, an act
    that has it belongs to the incident; None: however far.
    """

    name: str
    within: int | None


def keys(
    definition: IncidentDef | None, values: dict[Path, str], policies: Collection[str]
) -> Sequence[Key]:
    """What findings of an event share with other findings.

    Args:
        definition: What makes findings one incident; None: nothing but being of one event.
        values: The values of the event at the paths of the definition, those that it has.
        policies: The policies of its findings that are enforced.
    """
    return () if definition is None else tuple(_keys(definition, values, policies))


def _keys(
    definition: IncidentDef, values: dict[Path, str], policies: Collection[str]
) -> Iterator[Key]:
    for same in definition.same:
        if same.path is None:
            for policy in sorted(policies):
                yield Key(f"policy={policy}", same.within)
        elif same.path in values:
            yield Key(f"{'.'.join(same.path)}={values[same.path]}", same.within)


def find(record: Record, shared: Sequence[Key], acted_at: int) -> str | None:
    """The incident in the record of a party that an act belongs to; None: it begins another."""
    found: tuple[int, str] | None = None
    for key in shared:
        opened = record.by_key.get(key.name, ())
        # The first within reach: an account of a thousand incidents is met as quickly as a new one.
        first = 0 if key.within is None else bisect_left(opened, (acted_at - key.within + 1,))
        if first < len(opened):
            one = opened[first]
            near = key.within is None or one[0] < acted_at + key.within
            if near and (found is None or one < found):
                found = one
    return None if found is None else found[1]
