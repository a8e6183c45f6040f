"""Lines of JSON from columns: whatever is missing, they hold what the rows hold."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from clausal.generator.lines import json_lines

ZONE = dt.timezone(dt.timedelta(hours=-3, minutes=-30))
DICTIONARY = ("plain", 'quo"ted', "{,", "行\n")


def column(name: str, type: str, values: list[int | None]) -> tuple[pa.Field, pa.Array]:
    def made(kind: pa.DataType, value: Callable[[int], object]) -> pa.Array:
        return pa.array([None if one is None else value(one) for one in values], kind)

    found: pa.Array
    match type:
        case "float":
            found = made(pa.float64(), lambda one: one / 4)
        case "bool":
            found = made(pa.bool_(), lambda one: one % 2 == 0)
        case "text":
            found = made(pa.string(), lambda one: f"t{one}")
        case "list":
            found = made(pa.list_(pa.string()), lambda one: ["x"] * (one % 3))
        case "name":
            names = pa.array(list(DICTIONARY), pa.string())
            places = made(pa.int64(), lambda one: one % len(DICTIONARY))
            found = pa.DictionaryArray.from_arrays(places, names)
        case "time":
            found = made(pa.int64(), lambda one: one * 1_000_000).cast(
                pa.timestamp("us", tz="-03:30")
            )
        case _:
            found = made(pa.int64(), lambda one: one)
    return pa.field(name, found.type, nullable="maybe" in name), found


TYPES = st.sampled_from(["int", "float", "bool", "text", "list", "name", "time"])
PATHS = st.lists(
    st.sampled_from(
        ["a", "maybe", "g.a", "g.maybe", "g.h.a", "g.h.maybe", "g.b", "h.maybe1", "h.maybe2", "h.k.maybe",
         "maybe2", "b", "z.a", "z.maybe"]
    ),
    min_size=1,
    unique=True,
)  # fmt: skip


def expected(path_values: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for path, value in path_values.items():
        *groups, name = path.split(".")
        inner = event
        for group in groups:
            inner = inner.setdefault(group, {})
        if value is not None:
            inner[name] = (
                value.astimezone(ZONE).isoformat() if isinstance(value, dt.datetime) else value
            )
    return event


@given(data=st.data(), paths=PATHS, rows=st.integers(1, 5))
def test_lines_hold_what_the_rows_hold(data: st.DataObject, paths: list[str], rows: int) -> None:
    # Columns of one group stand together, as batches have them.
    paths = sorted(paths, key=lambda path: path.split(".")[0])
    numbers = st.integers(0, 10**6)
    fields, arrays = [], []
    for path in paths:
        maybe = "maybe" in path
        values = data.draw(
            st.lists(numbers | st.none() if maybe else numbers, min_size=rows, max_size=rows)
        )
        field, array = column(path, data.draw(TYPES), values)
        fields.append(field)
        arrays.append(array)
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
    text = b"".join(bytes(memoryview(piece)) for piece in json_lines(batch)).decode()
    assert text.endswith("\n")
    assert [json.loads(line) for line in text[:-1].split("\n")] == [
        expected(row) for row in batch.to_pylist()
    ]
