"""Record batches as lines of JSON, column by column.

Each column becomes a column of texts such as ``,"views":25``; a missing value is no text at all, and
the texts of a row are joined. Nothing is done row by row.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SLICE: Final = 4096
"""Rows that are text at once: a row of events is about two kilobytes."""


def json_lines(batch: pa.RecordBatch) -> list[pa.Buffer]:
    """The rows of a batch as JSON objects, a line each, in pieces.

    A column is named by a dotted path, whose parts but the last are objects; a missing value is left
    out. A column whose name begins with ``$`` holds JSON already. The texts of a dictionary may hold
    anything; other texts must not need escapes.
    """
    tree: dict[str, Any] = {}
    for number, field in enumerate(batch.schema):
        *groups, name = field.name.split(".")
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[name] = number
    pieces: list[pa.Buffer] = []
    for start in range(0, batch.num_rows, _SLICE):
        part = batch.slice(start, _SLICE)
        rows = pc.binary_join_element_wise(_object(tree, part), "\n", "")
        # The texts of an array lie one after the other: they are the lines.
        ends = np.frombuffer(memoryview(rows.buffers()[1]), dtype=np.int32)
        pieces.append(rows.buffers()[2].slice(0, int(ends[len(rows)])))
    return pieces


def _object(tree: dict[str, Any], batch: pa.RecordBatch) -> pa.StringArray:
    members: list[pa.Array] = []
    for name, inner in tree.items():
        label = f",{json.dumps(name)}:"
        if isinstance(inner, dict):
            members.append(pc.binary_join_element_wise(label, _object(inner, batch), ""))
        else:
            members.append(_member(label, batch.schema.field(inner), batch.column(inner)))
    joined = pc.binary_join_element_wise("{", *members, "}", "", null_handling="skip")
    # The comma of whichever member is the first; of an object without any, its brace is at stake.
    return pc.replace_substring(joined, "{,", "{", max_replacements=1)


def _member(name: str, field: pa.Field, column: pa.Array) -> pa.Array:
    """A column as texts with the name before each value; a missing value stays missing."""
    kind = field.type
    if isinstance(column, pa.DictionaryArray):
        texts = [
            name + json.dumps(text, ensure_ascii=False) for text in column.dictionary.to_pylist()
        ]
        return pa.array(texts, pa.string()).take(column.indices)
    if pa.types.is_boolean(kind):
        return pc.if_else(column, name + "true", name + "false")
    if pa.types.is_list(kind):
        items = pc.binary_join(column, '","')
        empty = pc.equal(pc.list_value_length(column), 0)
        return pc.if_else(
            empty, name + "[]", pc.binary_join_element_wise(name + '["', items, '"]', "")
        )
    if pa.types.is_timestamp(kind):
        return pc.binary_join_element_wise(name + '"', _instants(column), '"', "")
    if pa.types.is_string(kind):
        mark = "" if field.name.startswith("$") else '"'
        return pc.binary_join_element_wise(name + mark, column, mark, "")
    return pc.binary_join_element_wise(name, column.cast(pa.string()), "")


def _instants(column: pa.Array) -> pa.Array:
    """Timestamps to the second, as RFC 3339 writes them, with the offset of their type."""
    offset = column.type.tz
    sign = -1 if offset.startswith("-") else 1
    shift = sign * (int(offset[1:3]) * 3600 + int(offset[4:6]) * 60)
    local = column.cast(pa.int64()).to_numpy(zero_copy_only=False) // 1_000_000 + shift
    day, second = np.divmod(local, 86_400)
    days, which = np.unique(day, return_inverse=True)
    dates = days.astype("datetime64[D]").astype("U10").astype("S10")
    text = np.empty((len(local), 19), dtype=np.uint8)
    text[:, :10] = dates.view(np.uint8).reshape(-1, 10)[which]
    text[:, 10] = ord("T")
    minute, last = np.divmod(second, 60)
    hour, middle = np.divmod(minute, 60)
    for at, two in ((11, hour), (14, middle), (17, last)):
        text[:, at : at + 2] = _TWO_DIGITS[two]
    text[:, [13, 16]] = ord(":")
    offsets = np.arange(len(local) + 1, dtype=np.int32) * 19
    texts = pa.StringArray.from_buffers(len(local), pa.py_buffer(offsets), pa.py_buffer(text))
    return pc.binary_join_element_wise(texts, offset, "")


_TWO_DIGITS: Final = np.array(
    [list(f"{number:02d}".encode()) for number in range(60)], dtype=np.uint8
)
