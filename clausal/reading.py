"""Event files in, one record at a time: NDJSON, JSON, CSV and Parquet, plain or gzipped.

A record is either the bytes of a JSON value, which the engine decodes, or a mapping, for formats
that have their own values. A record that cannot be read at all is a `Rejected`; it never stops the
records after it. What makes the rest of a file unreadable (it is missing, cut short, not what its
name says) is an `InputError`.

Memory is bounded whatever the file holds: NDJSON and CSV by `LINE_LIMIT`, JSON documents by
`DOCUMENT_LIMIT`, Parquet by the size of its batches.
"""

from __future__ import annotations

import codecs
import enum
import gzip
import io
import os
import select
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

import msgspec

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from clausal.compiler.ir import SchemaField

LINE_LIMIT: Final = 16 * 1024 * 1024
"""The longest line of NDJSON or record of CSV, in bytes."""

DOCUMENT_LIMIT: Final = 512 * 1024 * 1024
"""The largest JSON document, in bytes: it is read as a whole. Larger ones belong in NDJSON."""

STDIN: Final = "-"
"""The name that stands for standard input."""

_BUFFER: Final = 256 * 1024
_GZIP: Final = b"\x1f\x8b"
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Format(enum.StrEnum):
    """How events are stored."""

    NDJSON = "ndjson"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


_BY_ENDING: Final = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}

ENDINGS: Final = frozenset(_BY_ENDING)
"""The endings of names that say which format a file has; `.gz` may follow."""


class InputError(Exception):
    """An input whose rest cannot be read. `hint` says what to do, if that is known."""

    def __init__(self, name: str, detail: str, *, hint: str = "") -> None:
        super().__init__(name, detail)
        self.name = name
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return f"{_shown(self.name)}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it was stored.

    Attributes:
        number: Where it stands, from 1: the line of NDJSON and CSV, the element of a JSON array,
            the row of Parquet.
        value: The bytes of a JSON value, or a mapping with nested mappings for groups.
        raw: What the file holds, for those who must see it again.
    """

    number: int
    value: bytes | dict[str, object]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is no event: `cause` names the kind of fault, `detail` this one."""

    number: int
    cause: str
    detail: str
    raw: bytes


def format_of(name: str) -> Format | None:
    """The format that the ending of a file's name promises; None when it promises none."""
    path = Path(name.lower())
    return _BY_ENDING.get(Path(path.stem).suffix if path.suffix == ".gz" else path.suffix)


def open_events(
    name: str, format: Format | None = None, fields: Sequence[SchemaField] = ()
) -> EventFile:
    """Open an event file.

    Args:
        name: A path, or `-` for standard input.
        format: How it is stored; without it, what its name promises, and NDJSON for standard input.
        fields: The fields of the schema, which give the cells of CSV their types.

    Raises:
        InputError: when it cannot be opened, or its format is not known.
    """
    chosen = format or (Format.NDJSON if name == STDIN else format_of(name))
    if chosen is None:
        raise InputError(
            name,
            "the ending of the name does not say how the events are stored",
            hint="say it: `--format ndjson`, `json`, `csv` or `parquet`",
        )
    return EventFile(_open(name), name, chosen, fields)


def columns_of(name: str) -> list[str]:
    """The columns of a CSV or Parquet file, as its name says which it is.

    Raises:
        InputError: when it is neither, or cannot be read.
    """
    from clausal.tables import csv_columns, parquet_columns  # noqa: PLC0415 - as above

    with _open(name) as file:
        try:
            match format_of(name):
                case Format.PARQUET:
                    return parquet_columns(file, name)
                case Format.CSV:
                    return csv_columns(_text_stream(file, name)[0], name, LINE_LIMIT)
                case _:
                    raise InputError(
                        name,
                        "a table is a CSV or a Parquet file",
                        hint="let its name end in `.csv`, `.csv.gz` or `.parquet`",
                    )
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(name, "the compressed data are damaged or cut short") from error
        except OSError as error:
            raise InputError(name, _reason(error)) from error


class EventFile:
    """The events in an open file: iterate over it for its records, once, and close it.

    `name` is for messages; `size` is how many bytes are in the file, compressed ones if it is, or
    None when that cannot be known.
    """

    def __init__(
        self, file: BinaryIO, name: str, format: Format, fields: Sequence[SchemaField] = ()
    ) -> None:
        self.name = name
        self.format = format
        self.size = _size(file)
        self._file = file
        self._fields = fields
        self._done = 0
        self._behind: int | None = None

    def enter(self, byte: int, number: int) -> None:
        """Go on in the middle of plain NDJSON, behind so many bytes and lines; before any record."""
        assert self.format is Format.NDJSON
        self._file.seek(byte)
        self._behind = number

    def peek(self, byte: int, count: int) -> bytes:
        """What a file holds at a place, wherever the reading is.

        Raises:
            InputError: when it cannot be read.
        """
        try:
            return os.pread(self._file.fileno(), count, byte)
        except OSError as error:
            raise InputError(self.name, _reason(error)) from error

    @property
    def waits(self) -> bool:
        """Whether the next record may have to be waited for: it comes through a pipe, and is not there."""
        if self.size is not None:
            return False
        try:
            return not select.select([self._file], [], [], 0)[0]
        except (OSError, ValueError):  # not a real file: a test's
            return False

    @property
    def position(self) -> int:
        """How many bytes of `size` are behind us."""
        if self.format is Format.PARQUET or self.size is None:
            return self._done
        with suppress(OSError, ValueError):
            return self._file.tell()
        return self._done

    @property
    def unit(self) -> str:
        """What `Record.number` counts."""
        match self.format:
            case Format.NDJSON | Format.CSV:
                return "line"
            case Format.JSON:
                return "item"
            case Format.PARQUET:
                return "row"

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.name != STDIN:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Record | Rejected]:
        """The records in the order of the file.

        Raises:
            InputError: when the rest of the file cannot be read.
        """
        try:
            yield from self._records()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            what = "cut short" if isinstance(error, EOFError) else "damaged"
            raise InputError(self.name, f"the compressed data are {what}") from error
        except OSError as error:
            raise InputError(self.name, _reason(error)) from error

    def _records(self) -> Iterator[Record | Rejected]:
        if self.format is Format.PARQUET:
            yield from self._parquet()
            return
        if self._behind is not None:
            yield from _ndjson(self._file, self._behind)
            return
        stream, empty = _text_stream(self._file, self.name)
        match self.format:
            case Format.NDJSON:
                yield from _ndjson(stream)
            case Format.JSON:
                if empty:
                    raise InputError(self.name, "the file is empty, which is no JSON document")
                yield from _json(stream, self.name)
            case Format.CSV:
                from clausal.tables import read_csv  # noqa: PLC0415 - only when there is a table

                yield from read_csv(stream, self.name, self._fields, LINE_LIMIT)

    def _parquet(self) -> Iterator[Record | Rejected]:
        from clausal.tables import read_parquet  # noqa: PLC0415 - only when there is a table

        for share, record in read_parquet(self._file, self.name):
            self._done = int(share * (self.size or 0))
            yield record


def _open(name: str) -> BinaryIO:
    if name == STDIN:
        if sys.stdin is None:
            raise InputError(name, "it is closed")
        return sys.stdin.buffer
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - `EventFile` closes it
    except (OSError, ValueError) as error:
        raise InputError(name, _reason(error)) from error
    return file


def _size(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):  # not a real file: a test's, or a closed standard input
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a directory, not a file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return "the file could not be read"


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _text_stream(file: BinaryIO, name: str) -> tuple[BinaryIO, bool]:
    """The bytes of the text, unpacked and without a byte order mark, and whether there are none."""
    stream = _peekable(file)
    if stream.peek(2)[:2] == _GZIP:
        stream = io.BufferedReader(gzip.GzipFile(fileobj=stream), _BUFFER)
    elif name.lower().endswith(".gz"):
        raise InputError(name, "the file is called .gz but holds no gzip data")
    start = stream.peek(3)[:3]
    if start[:2] in _UTF16:
        raise InputError(
            name, "the file is UTF-16, not UTF-8", hint="save the file as UTF-8 and try again"
        )
    if start == codecs.BOM_UTF8:
        stream.read(3)
    return stream, not start


def _peekable(file: BinaryIO) -> io.BufferedReader:
    """The file with a look ahead, which files have and other streams of bytes lack."""
    if isinstance(file, io.BufferedReader):
        return file
    return io.BufferedReader(_Bytes(file), _BUFFER)


class _Bytes(io.RawIOBase):
    """A stream of bytes as the plainest kind of file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)


def lines(
    stream: BinaryIO, limit: int = LINE_LIMIT, behind: int = 0
) -> Iterator[tuple[int, bytes, bool]]:
    """Each line with its number, its line end, and whether it is whole.

    A line over `limit` bytes is cut, and the rest of it is passed over without being kept. `behind` is
    how many lines come before the first.
    """
    number = behind
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit or line.endswith(b"\n"):
            yield number, line, True
            continue
        while rest := stream.readline(limit):
            if rest.endswith(b"\n"):
                break
        # Behind the whole line, so that the place in the file is that of the next.
        yield number, line[:limit], False


def too_long(number: int, raw: bytes, limit: int) -> Rejected:
    """The verdict on a line over the limit; only its beginning is kept."""
    size = f"{limit // 1024**2} MiB" if limit >= 1024**2 else f"{limit:,} bytes"
    return Rejected(number, "line too long", f"the line is longer than {size}", raw[:1024])


def _ndjson(stream: BinaryIO, behind: int = 0) -> Iterator[Record | Rejected]:
    for number, line, whole in lines(stream, LINE_LIMIT, behind):
        if not whole:
            yield too_long(number, line, LINE_LIMIT)
            continue
        text = line.strip(b" \t\r\n")
        if text:
            yield Record(number, text, text)


def _json(stream: BinaryIO, name: str) -> Iterator[Record | Rejected]:
    """A document that is one event, or an array of events."""
    data = stream.read(DOCUMENT_LIMIT + 1)
    if len(data) > DOCUMENT_LIMIT:
        raise InputError(
            name,
            f"the document is larger than {DOCUMENT_LIMIT // 1024**2} MiB",
            hint="store the events as NDJSON, one on each line",
        )
    text = data.strip(b" \t\r\n")
    if not text.startswith(b"["):
        # Whether it is an event at all is for the engine to say, unless it is no JSON to begin with.
        _check_json(text, name)
        yield Record(1, text, text)
        return
    try:
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _no_document(error, name) from error
    for number, item in enumerate(items, 1):
        raw = bytes(item).strip(b" \t\r\n")
        yield Record(number, raw, raw)


def _check_json(text: bytes, name: str) -> None:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _no_document(error, name) from error


def _no_document(error: Exception, name: str) -> InputError:
    if isinstance(error, RecursionError):
        return InputError(name, "the document is nested too deeply")
    text = str(error).removeprefix("JSON is malformed: ")
    hint = ""
    if "trailing characters" in text:
        hint = "if it holds one event on each line, it is NDJSON: add `--format ndjson`"
    return InputError(name, f"this is no JSON document: {text[:1].lower()}{text[1:]}", hint=hint)
