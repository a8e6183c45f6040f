"""Events held in memory, to be decided again and again: from files, or generated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from clausal.engine.decode import decode_json
from clausal.engine.problem import EventError
from clausal.reading import Format, Record, Rejected, open_events

if TYPE_CHECKING:
    from clausal.engine.evaluator import Bundle


@dataclass(frozen=True, slots=True)
class Sample:
    """Events that a bundle can decide.

    Attributes:
        events: As dictionaries of JSON values.
        texts: The same events as JSON.
        bad: How many records were left out because they are no events that it can decide.
    """

    events: tuple[dict[str, object], ...]
    texts: tuple[bytes, ...]
    bad: int


def sample_files(
    bundle: Bundle, names: Sequence[str], format: Format | None = None, *, most: int
) -> Sample:
    """The first ``most`` events of some files.

    Raises:
        InputError: if a file cannot be read.
    """
    return _sample(bundle, _records(bundle, names, format), most)


def sample_generated(bundle: Bundle, count: int, seed: int) -> Sample:
    """Events of the invented platform (`clausal.generator`): the same seed gives the same.

    Raises:
        ImportError: if NumPy or PyArrow is not installed.
    """
    return _sample(bundle, _generated(count, seed), count)


def _records(
    bundle: Bundle, names: Sequence[str], format: Format | None
) -> Iterator[bytes | dict[str, object] | None]:
    for name in names:
        with open_events(name, format, bundle.artifact.corpus.fields) as file:
            for record in file:
                yield None if isinstance(record, Rejected) else _value(record)


def _value(record: Record) -> bytes | dict[str, object]:
    return record.value


def _generated(count: int, seed: int) -> Iterator[bytes]:
    from clausal.generator import batches  # noqa: PLC0415 - it needs an extra
    from clausal.generator.lines import json_lines  # noqa: PLC0415 - it needs an extra

    for batch in batches("S", seed, events=count):
        for piece in json_lines(batch):
            yield from bytes(memoryview(piece)).splitlines()


def _sample(
    bundle: Bundle, records: Iterator[bytes | dict[str, object] | None], most: int
) -> Sample:
    events: list[dict[str, object]] = []
    texts: list[bytes] = []
    bad = 0
    for record in records:
        if len(events) == most:
            break
        event = None if record is None else _decided(bundle, record)
        if event is None:
            bad += 1
            continue
        events.append(event)
        texts.append(record if isinstance(record, bytes) else msgspec.json.encode(event))
    return Sample(tuple(events), tuple(texts), bad)


def _decided(bundle: Bundle, record: bytes | dict[str, object]) -> dict[str, object] | None:
    """The event as a dictionary; None if it cannot be decided."""
    try:
        event = decode_json(record) if isinstance(record, bytes) else record
        bundle.evaluate(event)
    except EventError:
        return None
    return event
