"""Record batches as lines of JSON, column by column.

Each column becomes a column of texts such as ``,"views":25``; a missing value is no text at all, and
the texts of a row are joined. Nothing is done row by row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SLICE: Final = 4096
"""Rows that are text at once: a row of events is about two kilobytes."""

Part = Callable[[int, int], pa.Array | str]
"""The texts of a member for some rows, from a place and a number; or one text for all of them."""


def json_lines(batch: pa.RecordBatch) -> Iterator[pa.Buffer]:
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
    if _is_safe(tree, batch):
        parts, end = _object("{", tree, batch)
    else:
        parts, end = [_apart("", tree, batch)], ""
    for start in range(0, batch.num_rows, _SLICE):
        size = min(_SLICE, batch.num_rows - start)
        texts = [part(start, size) for part in parts]
        rows = pc.binary_join_element_wise(*texts, end + "\n", "", null_handling="skip")
        # The texts of an array lie one after the other: they are the lines.
        ends = np.frombuffer(memoryview(rows.buffers()[1]), dtype=np.int32)
        yield rows.buffers()[2].slice(0, int(ends[size]))


def _object(begin: str, tree: dict[str, Any], batch: pa.RecordBatch) -> tuple[list[Part], str]:
    """The members of an object, and the text that is still to come after them.

    Punctuation goes with the name of the member after it, so that a row has no more pieces than
    values. That needs a member that is never missing, and the first one is; where it is not, the
    object is put together by itself, and its first comma taken out.
    """
    parts: list[Part] = []
    for name, inner in tree.items():
        label = f"{begin}{json.dumps(name)}:"
        if not isinstance(inner, dict):
            if batch.schema.field(inner).nullable and begin != ",":
                # The end of the object before it must not be missing with it.
                parts.append(_constant(begin.removesuffix(",")))
                label = label[len(begin) - 1 :]
            parts.append(_member(label, batch.schema.field(inner), batch.column(inner)))
            begin = ","
        elif _is_safe(inner, batch):
            more, end = _object(label + "{", inner, batch)
            parts += more
            begin = end + ","
        else:
            parts.append(_apart(label, inner, batch))
            begin = ","
    # What follows a member that may be missing cannot go with it, and so goes with the next.
    return parts, begin.removesuffix(",") + "}"


def _is_safe(tree: dict[str, Any], batch: pa.RecordBatch) -> bool:
    """Whether the first member of an object is never missing."""
    first = next(iter(tree.values()))
    if isinstance(first, dict):
        return _is_safe(first, batch)
    return not batch.schema.field(first).nullable


def _constant(text: str) -> Part:
    return lambda _at, _size: text


def _apart(label: str, tree: dict[str, Any], batch: pa.RecordBatch) -> Part:
    """An object of which any member may be missing."""
    parts = []
    for name, inner in tree.items():
        inner_label = f",{json.dumps(name)}:"
        if isinstance(inner, dict):
            parts.append(_apart(inner_label, inner, batch))
        else:
            parts.append(_member(inner_label, batch.schema.field(inner), batch.column(inner)))

    def texts(at: int, size: int) -> pa.Array:
        members = [part(at, size) for part in parts]
        joined = pc.binary_join_element_wise("{", *members, "}", "", null_handling="skip")
        # Its first comma, if it has members: there is one right after the brace.
        object_ = pc.replace_substring(joined, "{,", "{", max_replacements=1)
        return pc.binary_join_element_wise(label, object_, "")

    return texts


def _member(label: str, field: pa.Field, column: pa.Array) -> Part:
    """A column as texts with the label before each value; a missing value stays missing."""
    kind = field.type
    if isinstance(column, pa.DictionaryArray):
        return _chosen(label, json_texts(column.dictionary), column.indices)
    if pa.types.is_boolean(kind):
        return lambda at, size: pc.if_else(column.slice(at, size), label + "true", label + "false")
    if pa.types.is_list(kind):

        def lists(at: int, size: int) -> pa.Array:
            part = column.slice(at, size)
            items = pc.binary_join_element_wise(label + '["', pc.binary_join(part, '","'), '"]', "")
            return pc.if_else(pc.equal(pc.list_value_length(part), 0), label + "[]", items)

        return lists
    if pa.types.is_timestamp(kind):
        return lambda at, size: pc.binary_join_element_wise(
            label + '"', _instants(column.slice(at, size)), '"', ""
        )
    if pa.types.is_string(kind):
        mark = "" if field.name.startswith("$") else '"'
        return lambda at, size: pc.binary_join_element_wise(
            label + mark, column.slice(at, size), mark, ""
        )
    # Numbers repeat, scores above all: each distinct one is written once.
    distinct = pc.dictionary_encode(column)
    texts = distinct.dictionary.cast(pa.string()).to_pylist()
    return _chosen(label, texts, distinct.indices)


def _chosen(label: str, texts: list[str], indices: pa.Array) -> Part:
    values = pa.array([label + text for text in texts], pa.string())
    return lambda at, size: values.take(indices.slice(at, size))


def json_texts(values: pa.Array) -> list[str]:
    """Each text as JSON."""
    return [json.dumps(text, ensure_ascii=False) for text in values.to_pylist()]


def _instants(column: pa.Array) -> pa.Array:
    """Timestamps to the second, as RFC 3339 writes them, with the offset of their type."""
    offset = column.type.tz
    sign = -1 if offset.startswith("-") else 1
    shift = sign * (int(offset[1:3]) * 3600 + int(offset[4:6]) * 60)
    microseconds = column.cast(pa.int64()).fill_null(0).to_numpy()
    local = microseconds // 1_000_000 + shift
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
    whole = pc.binary_join_element_wise(texts, offset, "")
    return pc.if_else(column.is_valid(), whole, None) if column.null_count else whole


_TWO_DIGITS: Final = np.array(
    [list(f"{number:02d}".encode()) for number in range(60)], dtype=np.uint8
)
