"""Events as Arrow tables, in any layout that means them.

`write_table` takes events and gives a table, and the dictionaries that its rows mean. What a type of
column cannot hold is left out of both; some values are written that no field takes, for rows that are
refused. The dictionaries are made of what was meant, not of what was written.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from clausal.compiler.ir import Corpus, Slot
from clausal.compiler.types import Enum, Scalar, SetOf, Type
from clausal.engine.values import ConversionError, convert

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 1}
_NUMBERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32()]
_NUMBERS += [pa.uint64(), pa.float32(), pa.float64(), pa.float16()]
_TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
_INDICES = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32()]
_BAD_NUMBERS = [math.nan, math.inf, -math.inf, -0.1, 1.5, 2.0**53 + 2, 2**53 + 1, -(2**60), -0.0]
_BAD_TEXTS = ["no such name", "", "ａ", "\0"]


def write_table(
    random: Random, corpus: Corpus, events: Sequence[Mapping[str, Any]]
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """A table of the events, and what its rows mean."""
    meant: list[dict[str, Any]] = [{} for _ in events]
    root: dict[str, Any] = {}
    for slot in corpus.slots:
        if slot.source != "field" or (not slot.required and random.random() < 0.05):
            continue
        values = [_at(event, slot.path) for event in events]
        array, means = _column(random, slot, values)
        tree = root
        for name in slot.path[:-1]:
            tree = tree.setdefault(name, {})
        tree[slot.path[-1]] = array
        for event, value in zip(meant, means, strict=True):
            if value is not None:
                _put(event, slot.path, value)
    columns: dict[str, pa.Array] = {}
    for name, below in root.items():
        _lay_out(random, (name,), below, meant, columns)
    if random.random() < 0.5:
        columns["unread"] = pa.array([random.choice([None, 1, 2]) for _ in events], pa.int64())
    if random.random() < 0.4:
        history = [event.get("$history") if random.random() < 0.5 else None for event in events]
        columns["$history"] = pa.array(
            [None if one is None else json.dumps(one) for one in history], pa.string()
        )
        for event, one in zip(meant, history, strict=True):
            if one is not None:
                event["$history"] = one
    return _chunked(random, columns), meant


def _at(event: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(event, dict):
            return None
        event = event.get(name)
    return event


def _put(event: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        event = event.setdefault(name, {})
    event[path[-1]] = value


# ── Groups ───────────────────────────────────────────────────────────────────────────────────────


def _lay_out(
    random: Random,
    path: tuple[str, ...],
    below: Any,
    meant: list[dict[str, Any]],
    columns: dict[str, pa.Array],
) -> None:
    """Columns for a field, or for a group as a struct, a map, or names with dots."""
    if isinstance(below, dict) and random.random() < 0.4:
        for name, inner in below.items():
            _lay_out(random, (*path, name), inner, meant, columns)
        return
    columns[_name(random, path)] = _array(random, path, below, meant)


def _name(random: Random, path: tuple[str, ...]) -> str:
    quoted = [
        f'["{part}"]' if not part.isidentifier() or random.random() < 0.1 else f".{part}"
        for part in path[1:]
    ]
    return path[0] + "".join(quoted)


def _array(
    random: Random, path: tuple[str, ...], below: Any, meant: list[dict[str, Any]]
) -> pa.Array:
    if not isinstance(below, dict):
        array: pa.Array = below
        return array
    fields = {name: _array(random, (*path, name), inner, meant) for name, inner in below.items()}
    types = {array.type for array in fields.values()}
    if len(types) == 1 and pa.types.is_floating(next(iter(types))) and random.random() < 0.5:
        return _map(random, path, fields, next(iter(types)), meant)
    if random.random() < 0.2:
        failed = [random.choice(["timeout", ""]) if random.random() < 0.1 else None for _ in meant]
        for event, reason in zip(meant, failed, strict=True):
            if reason is not None:
                _put(event, (*path, "$failed"), reason)
        fields["$failed"] = pa.array(failed, pa.string())
    hidden = []
    for event in meant:
        gone = random.random() < (0.5 if not _at(event, path) else 0.05)
        hidden.append(gone)
        if gone:
            outer = _at(event, path[:-1])
            if isinstance(outer, dict):
                outer.pop(path[-1], None)
    made: pa.Array = pa.StructArray.from_arrays(
        list(fields.values()), list(fields), mask=pa.array(hidden, pa.bool_())
    )
    return made


def _map(
    random: Random,
    path: tuple[str, ...],
    fields: Mapping[str, pa.Array],
    kind: pa.DataType,
    meant: list[dict[str, Any]],
) -> pa.Array:
    rows = []
    values = zip(*[array.to_pylist() for array in fields.values()], strict=True)
    for event, row in zip(meant, values, strict=True):
        pairs = [
            pair
            for pair in zip(fields, row, strict=True)
            if pair[1] is not None or random.random() < 0.3
        ]
        if random.random() < 0.3:
            pairs.append(("unread", 0.5))
            # Nothing reads it, but a group that failed has nothing else in it.
            _put(event, (*path, "unread"), 0.5)
        random.shuffle(pairs)
        rows.append(pairs if pairs or random.random() < 0.5 else None)
    return pa.array(rows, pa.map_(pa.string(), kind))


# ── Fields ───────────────────────────────────────────────────────────────────────────────────────


def _column(random: Random, slot: Slot, values: Sequence[Any]) -> tuple[pa.Array, list[Any]]:
    if not slot.required and random.random() < 0.05:
        failed = [{"$failed": "why"} if random.random() < 0.2 else None for _ in values]
        return pa.array(failed, pa.struct([("$failed", pa.string())])), failed
    if not slot.required and random.random() < 0.05:
        return pa.nulls(len(values), random.choice([pa.null(), pa.binary(), pa.int8()])), [
            None
        ] * len(values)
    sound = [value if _fits(slot.type, value) else None for value in values]
    return _written(random, slot.type, sound)


def _fits(type: Type, value: Any) -> bool:
    try:
        convert(type, value)
    except ConversionError:
        return False
    if isinstance(value, (set, frozenset)):
        return False
    return not _surrogates(value)


def _surrogates(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return any(
        isinstance(text, str) and any("\ud800" <= one <= "\udfff" for one in text) for text in texts
    )


def _written(random: Random, type: Type, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    match type:
        case Scalar(name="bool"):
            return _slice(random, values, pa.bool_())
        case Scalar(name="integer" | "number" | "share"):
            return _numbers(random, _spoiled(random, values, _BAD_NUMBERS))
        case Scalar(name="instant"):
            return _instants(random, type, values)
        case Scalar(name="duration"):
            return _durations(random, type, values)
        case Scalar(name="date"):
            return _dates(random, type, values)
        case Scalar() | Enum():
            values = [_plain(value) for value in values]
            return _texts(random, _spoiled(random, values, _BAD_TEXTS))
        case SetOf():
            return _sets(random, values)
        case _:
            raise AssertionError(type)


def _plain(value: Any) -> Any:
    return None if value is None else str(value)


def _spoiled(random: Random, values: list[Any], stock: Sequence[Any]) -> list[Any]:
    """Some values replaced by what some fields do not take."""
    rate = random.choice([0, 0, 0, 0.05])
    return [random.choice(stock) if random.random() < rate else value for value in values]


def _slice(random: Random, values: list[Any], kind: pa.DataType) -> tuple[pa.Array, list[Any]]:
    """An array of the values, perhaps a part of a longer one, with other values around."""
    if random.random() < 0.5:
        return pa.array(values, kind), values
    before, after = random.randint(0, 70), random.randint(0, 9)
    known = [value for value in values if value is not None] or [None]
    array = pa.array([*(known * 70)[:before], *values, *(known * 9)[:after]], kind)
    return array.slice(min(before, len(known) * 70), len(values)), values


def _numbers(random: Random, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    kind = random.choice(_NUMBERS)
    kept = [value if value is not None and _holds(kind, value) else None for value in values]
    if pa.types.is_floating(kind):
        kept = [None if value is None else float(value) for value in kept]
    array, _ = _slice(random, kept, kind)
    # Narrow floats hold other numbers than were written.
    return array, [
        None
        if value is None
        else float(value)
        if isinstance(value, float) or pa.types.is_floating(kind)
        else value
        for value in array.cast(pa.float64()).to_pylist()
    ] if pa.types.is_floating(kind) else array.to_pylist()


def _holds(kind: pa.DataType, value: Any) -> bool:
    if pa.types.is_floating(kind):
        return True
    try:
        pa.scalar(value, kind)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return False
    return isinstance(value, int)


def _ticks(
    random: Random, ticks: list[int | None], kind: Callable[[str], pa.DataType]
) -> tuple[pa.Array, list[int | None]]:
    """Microseconds in some unit, and what is left of them."""
    unit = random.choice(list(_UNITS))
    size = _UNITS[unit]
    if unit == "ns":
        fine = [None if one is None else one * 1000 + random.randint(0, 999) for one in ticks]
        kept = [one if one is not None and -(2**63) <= one < 2**63 else None for one in fine]
        return _slice(random, kept, kind(unit))[0], [
            None if one is None else one // 1000 for one in kept
        ]
    coarse = [None if one is None else one // size for one in ticks]
    return _slice(random, coarse, kind(unit))[0], [
        None if one is None else one * size for one in coarse
    ]


def _quantity(type: Type, value: object) -> int:
    """The ticks of an instant or a duration, the days of a date."""
    number = convert(type, value)
    assert isinstance(number, float)
    return int(number)


def _instants(random: Random, type: Type, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    if random.random() < 0.3:
        return _texts(random, [value if isinstance(value, str) else None for value in values])
    ticks = [None if value is None else _quantity(type, value) for value in values]
    zone = random.choice(["UTC", "Asia/Shanghai", "+05:30"])
    array, kept = _ticks(random, ticks, lambda unit: pa.timestamp(unit, zone))
    return array, [None if one is None else _EPOCH + timedelta(microseconds=one) for one in kept]


def _durations(random: Random, type: Type, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    chance = random.random()
    if chance < 0.2:
        return _texts(random, [value if isinstance(value, str) else None for value in values])
    if chance < 0.5:
        return _numbers(
            random, [value if isinstance(value, (int, float)) else None for value in values]
        )
    ticks = [None if value is None else _quantity(type, value) for value in values]
    array, kept = _ticks(random, ticks, pa.duration)
    return array, [None if one is None else timedelta(microseconds=one) for one in kept]


def _dates(random: Random, type: Type, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    if random.random() < 0.3:
        return _texts(random, [value if isinstance(value, str) else None for value in values])
    days = [
        None if value is None else date(1970, 1, 1) + timedelta(days=_quantity(type, value))
        for value in values
    ]
    return _slice(random, days, random.choice([pa.date32(), pa.date64()]))


def _texts(random: Random, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    kind = random.choice(_TEXTS)
    if random.random() < 0.5:
        return _slice(random, values, kind)
    kind = random.choice(_TEXTS[:2])
    array, _ = _slice(random, values, kind)
    encoded = array.dictionary_encode()
    index = random.choice(_INDICES)
    if len(encoded.dictionary) > 120:
        return encoded, values
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(index), encoded.dictionary), values


def _sets(random: Random, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    values = [None if value is None else [str(item) for item in value] for value in values]
    if random.random() < 0.1:
        values = [
            value
            if not value or random.random() < 0.7
            else [*value, random.choice([None, "other", value[0]])]
            for value in values
        ]
    item = random.choice([*_TEXTS[:2], pa.dictionary(pa.int8(), pa.string())])
    chance = random.random()
    if chance < 0.2:
        values = [None if value is None or len(value) < 2 else value[:2] for value in values]
        return _slice(random, values, pa.list_(item, 2))
    if chance < 0.6:
        return _slice(random, values, pa.large_list(item))
    return _slice(random, values, pa.list_(item))


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────


def _chunked(random: Random, columns: Mapping[str, pa.Array]) -> pa.Table:
    """A table of the columns, each in chunks of its own."""
    if random.random() < 0.4:
        return pa.table(dict(columns))
    chunked = {}
    for name, array in columns.items():
        cuts = sorted(random.randint(0, len(array)) for _ in range(random.randint(0, 3)))
        bounds = [0, *cuts, len(array)]
        parts = [array[first:last] for first, last in itertools.pairwise(bounds)]
        chunked[name] = pa.chunked_array(parts, type=array.type)
    return pa.table(chunked)
