"""Events from tables: CSV, whose cells get their types from the schema, and Parquet.

A column is named for its field: `content.score.staged`, or `content.score["a-b"]` for a key that is
no identifier. An empty cell, like a null, is an absent field. What a cell may hold follows the type:
a set is a JSON array or its items joined by `|`; any cell may hold `{"$failed": "why"}` for a signal
that was asked for and failed. The history of an event goes into the column `$history`, as JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from clausal.compiler.types import Enum, MapOf, Scalar, SetOf, Type
from clausal.engine.columns import Path, TableError, column_path, column_paths, put
from clausal.reading import InputError, Record, Rejected, lines, too_long

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

    from clausal.compiler.ir import SchemaField

Cell = Callable[[str], object]

_TRUE: Final = frozenset({"true", "yes", "1", "是"})
_FALSE: Final = frozenset({"false", "no", "0", "否"})
_HISTORY: Final = "$history"
_BATCH: Final = 1024
"""Rows of Parquet that are in memory at once."""


# ── Cells ────────────────────────────────────────────────────────────────────────────────────────


def _json(text: str) -> object:
    """The JSON value that a cell holds, or the text itself: the engine then says what is wrong."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text


def _bool(text: str) -> object:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else text


def _number(text: str) -> object:
    word = text.strip()
    try:
        return int(word) if word.lstrip("+-").isdecimal() and len(word) < 32 else float(word)
    except ValueError:
        return text


def _set(item: Cell) -> Cell:
    def read(text: str) -> object:
        if text.lstrip().startswith("["):
            return _json(text)
        return [item(part.strip()) for part in text.split("|") if part.strip()]

    return read


def _text(text: str) -> object:
    return text


def _cell(type: Type) -> Cell:
    """How a cell of a type is read. What does not fit stays a text, for the engine to refuse."""
    match type:
        case Scalar(name="bool"):
            return _bool
        case Scalar(name="integer" | "number" | "share" | "duration"):
            return _number
        case SetOf(item=item):
            return _set(_cell(item))
        case Scalar() | Enum():
            return _text
        case MapOf():
            return _json


def _cells(fields: Sequence[SchemaField]) -> Callable[[Path], Cell]:
    """A function from the path of a column to how its cells are read."""
    plain = {field.path: field.type for field in fields}
    maps = {field.path: field.type.item for field in fields if isinstance(field.type, MapOf)}

    def choose(path: Path) -> Cell:
        if path[0].startswith("$"):
            return _json
        found = plain.get(path) or maps.get(path[:-1])
        # A column that the schema does not know is ignored by evaluation, like any unknown key.
        return _text if found is None else _cell(found)

    return choose


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────


class _Lines:
    """The lines of a CSV file as text, remembering those of the record that is being read."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._lines = lines(stream, limit)
        self.first = 0
        self.held: list[bytes] = []
        self.whole = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        number, raw, whole = next(self._lines)
        if not self.held:
            self.first = number
        self.held.append(raw)
        self.whole = self.whole and whole
        # Bytes that are not UTF-8 become lone surrogates, so that the record is rejected, not the file.
        return raw.decode("utf-8", "surrogateescape")

    def forget(self) -> None:
        """Begin a new record."""
        self.held = []
        self.whole = True

    @property
    def raw(self) -> bytes:
        """The record as the file holds it, without the line end."""
        return b"".join(self.held).rstrip(b"\r\n")


def read_csv(
    stream: BinaryIO, name: str, fields: Sequence[SchemaField], limit: int
) -> Iterator[Record | Rejected]:
    """The records of a CSV file whose first line names the columns.

    Raises:
        InputError: when there is no first line, or its names cannot be columns of one table.
    """
    source = _Lines(stream, limit)
    # The default limit on one cell is smaller than texts may be; records are bounded by lines.
    csv.field_size_limit(limit)
    rows = csv.reader(source, strict=True)
    columns = _header(rows, source, name)
    read = _cells(fields)
    readers = [(path, read(path)) for path in columns]
    while True:
        source.forget()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Rejected(source.first, "malformed CSV", _said(error), source.raw[:1024])
            continue
        if cells:
            yield _row(cells, readers, source, limit)


def csv_columns(stream: BinaryIO, name: str, limit: int) -> list[str]:
    """The names in the first line of a CSV file.

    Raises:
        InputError: as `read_csv` does.
    """
    source = _Lines(stream, limit)
    csv.field_size_limit(limit)
    return [".".join(path) for path in _header(csv.reader(source, strict=True), source, name)]


def _row(
    cells: list[str], readers: Sequence[tuple[Path, Cell]], source: _Lines, limit: int
) -> Record | Rejected:
    number, raw = source.first, source.raw
    if not source.whole:
        return too_long(number, raw, limit)
    if len(cells) != len(readers):
        detail = f"{len(cells)} cells under {len(readers)} columns"
        return Rejected(number, "wrong number of cells", detail, raw)
    event: dict[str, object] = {}
    for (path, cell), text in zip(readers, cells, strict=True):
        if not text:
            continue
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return Rejected(number, "not UTF-8", f"the cell of `{path[-1]}` is not UTF-8", raw)
        value = _json(text) if text.startswith('{"$failed"') else cell(text)
        put(event, path, value)
    return Record(number, event, raw)


def _header(rows: Iterator[list[str]], source: _Lines, name: str) -> list[Path]:
    try:
        header = next(rows)
    except StopIteration:
        raise InputError(
            name, "the file is empty; the first line of a CSV file names the columns"
        ) from None
    except csv.Error as error:
        raise InputError(name, f"the line of column names is malformed: {_said(error)}") from error
    if not source.whole:
        raise InputError(name, "the line of column names is too long")
    return _paths([text.strip() for text in header], name)


def _paths(columns: Sequence[str], name: str) -> list[Path]:
    """The fields that the columns of a file are named for."""
    try:
        return column_paths(columns)
    except TableError as error:
        hint = 'columns are named for fields: `content.id`, `content.score["a-b"]`'
        nameless = any(column_path(column) is None for column in columns)
        raise InputError(name, str(error), hint=hint if nameless else "") from error


def _said(error: csv.Error) -> str:
    return str(error).partition(" - ")[0] or "it cannot be read"


# ── Parquet ──────────────────────────────────────────────────────────────────────────────────────


def read_parquet(file: BinaryIO, name: str) -> Iterator[tuple[float, Record | Rejected]]:
    """The share of the file that is read (0..1) and the record, for each row.

    Columns are groups as structs, or dotted names, or both.

    Raises:
        InputError: when pyarrow is not installed, or the file is no Parquet file or a damaged one.
    """
    with _parquet(file, name) as table:
        total = table.metadata.num_rows
        names = table.schema_arrow.names
        paths = _paths(names, name)
        number = 0
        for batch in table.iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist(maps_as_pydicts="strict"):
                number += 1
                yield (
                    number / total,
                    _parquet_row(number, row, list(zip(names, paths, strict=True))),
                )


def parquet_columns(file: BinaryIO, name: str) -> list[str]:
    """The names of the columns of a Parquet file.

    Raises:
        InputError: as `read_parquet` does.
    """
    with _parquet(file, name) as table:
        return [str(column) for column in table.schema_arrow.names]


@contextmanager
def _parquet(file: BinaryIO, name: str) -> Iterator[ParquetFile]:
    """An open Parquet file, whose faults are errors of the input."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            name,
            "reading Parquet needs pyarrow, which is not installed",
            hint="pip install 'clausal[parquet]'",
        ) from error
    try:
        # Parquet is read from its end; standard input has none until it was read.
        yield pq.ParquetFile(file if file.seekable() else io.BytesIO(file.read()))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        text = str(error).partition("\n")[0].removesuffix(".")
        raise InputError(
            name, f"this Parquet file cannot be read: {text[:1].lower()}{text[1:]}"
        ) from error


def _parquet_row(
    number: int, row: Mapping[str, object], columns: Sequence[tuple[str, Path]]
) -> Record:
    event: dict[str, object] = {}
    for column, path in columns:
        value = row[column]
        if value is None:
            continue
        if path[0] == _HISTORY and isinstance(value, str):
            value = _json(value)
        put(event, path, value)
    return Record(number, event, _as_json(row))


def _as_json(row: Mapping[str, object]) -> bytes:
    """The row as it can be shown; values that JSON lacks as their text."""
    return msgspec.json.encode(row, enc_hook=str)
