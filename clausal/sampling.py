"""A sample of events as the profile that a bundle's index is laid out by."""

from __future__ import annotations

from itertools import islice
from typing import Final

from clausal.compiler.bundle import Artifact, assemble
from clausal.compiler.profile import FAILED as FAILED_VALUE
from clausal.compiler.profile import profile_of
from clausal.engine.decode import decode_json
from clausal.engine.event import EventReader
from clausal.engine.problem import EventError
from clausal.engine.values import FAILED, Missing
from clausal.reading import InputError, Record, open_events

SAMPLE_LIMIT: Final = 20_000
"""The most events that are looked at: more would tell nothing new."""


def profiled(artifact: Artifact, name: str) -> Artifact:
    """The bundle with an index that is laid out for events like those in a file.

    Args:
        artifact: The bundle as it was compiled.
        name: The file; of a long one, the first `SAMPLE_LIMIT` events.

    Raises:
        InputError: if the file cannot be read, or has no event that the bundle can decide.
    """
    meta = artifact.meta
    reader = EventReader(meta.slots, meta.time_slot, artifact.corpus.ladders)
    rows: list[list[object]] = []
    instants: list[float] = []
    with open_events(name, fields=meta.fields) as file:
        for record in islice(file, SAMPLE_LIMIT):
            if not isinstance(record, Record):
                continue
            try:
                value = record.value
                event = decode_json(value) if isinstance(value, bytes) else value
                values = reader.read(event)
            except EventError:
                continue
            acted_at = values[meta.time_slot]
            if isinstance(acted_at, float):
                rows.append([_stored(one) for one in values])
                instants.append(acted_at)
    if not rows:
        raise InputError(name, "there is no event in it that the bundle can decide")
    profile = profile_of(artifact.program, rows, instants)
    return assemble(artifact.corpus, artifact.program, artifact.sources, profile)


def _stored(value: object) -> object:
    if isinstance(value, Missing):
        return FAILED_VALUE if value is FAILED else None
    return value
