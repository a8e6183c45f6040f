"""Policy text: where it comes from, and how an offset becomes a line and a column.

Every later message points into a `Source` with a `Span`. Offsets count characters (Unicode code
points) of the text as it is held here, that is after the byte order mark was dropped and line
ends were made single line feeds; they are never bytes and never display columns.
"""

from __future__ import annotations

import codecs
import enum
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SIZE_LIMIT: Final = 64 * 1024 * 1024
"""The largest file that is read, in bytes. A notice of a hundred clauses needs about 50 KiB."""


class SourceProblem(enum.StrEnum):
    """Why a file could not become a `Source`."""

    NOT_FOUND = "not found"
    DIRECTORY = "directory"
    UNREADABLE = "unreadable"
    NOT_UTF8 = "not utf-8"
    NUL = "nul byte"
    TOO_LARGE = "too large"


class SourceError(Exception):
    """A file that could not be read as policy text.

    `kind` says which rule it broke, `detail` says it in words (lowercase, no final period),
    `name` is the path as shown to users, and `hint` says what to do, if that is known.
    """

    def __init__(self, kind: SourceProblem, detail: str, *, name: str = "", hint: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.name = name
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}" if self.name else self.detail


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters in one source: `start` is in it, `end` is not.

    INVARIANT: 0 <= start <= end. An empty span (start == end) marks the gap before `start`.
    """

    start: int
    end: int

    def cover(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one policy file and the name under which users know it."""

    name: str
    text: str
    # INVARIANT: None, or the offset of the first character of each line. Filled on first use:
    # most sources are never complained about, and those need no index.
    _starts: tuple[int, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def _line_starts(self) -> tuple[int, ...]:
        if self._starts is None:
            starts = [0]
            found = self.text.find("\n")
            while found >= 0:
                starts.append(found + 1)
                found = self.text.find("\n", found + 1)
            object.__setattr__(self, "_starts", tuple(starts))
        assert self._starts is not None
        return self._starts

    @property
    def line_count(self) -> int:
        """How many lines there are: one more than there are line ends."""
        return len(self._line_starts())

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of `offset`, both counted from 1, the column in characters.

        The end of the text has a position too. An offset outside the text is moved to its
        nearest end, so that a message is shown rather than lost.
        """
        offset = min(max(offset, 0), len(self.text))
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The inverse of `position`.

        Raises:
            IndexError: when there is no such line, or the line has no such column.
        """
        start = self.line_start(line)
        if not 1 <= column <= len(self.line(line)) + 1:
            raise IndexError(f"line {line} has no column {column}")
        return start + column - 1

    def line_start(self, number: int) -> int:
        """The offset of the first character of line `number` (from 1).

        Raises:
            IndexError: when there is no such line.
        """
        starts = self._line_starts()
        if not 1 <= number <= len(starts):
            raise IndexError(f"there is no line {number}")
        return starts[number - 1]

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line end.

        Raises:
            IndexError: when there is no such line.
        """
        start = self.line_start(number)
        starts = self._line_starts()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[start:end]

    def clamp(self, span: Span) -> Span:
        """`span` cut to what the text has; an empty span when it has nothing of it."""
        start = min(max(span.start, 0), len(self.text))
        return Span(start, min(max(span.end, start), len(self.text)))

    def slice(self, span: Span) -> str:
        """The characters in `span`."""
        return self.text[span.start : span.end]

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> Source:
        """Read a UTF-8 file; its byte order mark is dropped and every line end becomes a line feed.

        `name` is what users see; without it, the path as given.

        Raises:
            SourceError: when there is no such file, it is a directory, it may not be read, it is
                not UTF-8, it holds a NUL byte, or it is larger than `SIZE_LIMIT`.
        """
        shown = str(path) if name is None else name
        return cls(shown, _decode(_read_bytes(path, shown), shown))

    @classmethod
    def decode(cls, data: bytes, name: str) -> Source:
        """The source in the bytes of a file, such as standard input, read as `read` reads one.

        Raises:
            SourceError: when the bytes are not UTF-8 or hold a NUL byte.
        """
        return cls(name, _decode(data, name))


def _read_bytes(path: Path, name: str) -> bytes:
    """The bytes of the file, if there are not too many of them."""
    kind, detail = SourceProblem.NOT_FOUND, "there is no such file"
    try:
        with path.open("rb") as file:
            # One byte more than the limit is enough to know; an endless device has no end to wait for.
            data = file.read(SIZE_LIMIT + 1)
        if len(data) <= SIZE_LIMIT:
            return data
        kind = SourceProblem.TOO_LARGE
        detail = f"the file is larger than {SIZE_LIMIT // 1024**2} MiB"
    except (FileNotFoundError, ValueError):
        # ValueError: a path with a NUL character in it, which no file can have.
        pass
    except IsADirectoryError:
        kind, detail = SourceProblem.DIRECTORY, "this is a directory, not a file"
    except OSError as error:
        kind = SourceProblem.UNREADABLE
        detail = (error.strerror or "the file could not be read").lower()
    raise SourceError(kind, detail, name=name)


def _decode(data: bytes, name: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError(
            SourceProblem.NOT_UTF8,
            "the file is UTF-16, not UTF-8: it begins with a UTF-16 byte order mark",
            name=name,
            hint="save the file as UTF-8",
        )
    nul = data.find(b"\0")
    if nul >= 0:
        raise SourceError(
            SourceProblem.NUL,
            f"the file holds a NUL byte at {_place(data, nul)}",
            name=name,
            hint="save the file as UTF-8 text, without NUL bytes",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        raise SourceError(
            SourceProblem.NOT_UTF8,
            f"the file is not UTF-8: byte 0x{data[at]:02x} at {_place(data, at)}",
            name=name,
            hint=_encoding_hint(data),
        ) from None
    # The mark is dropped after decoding, so that byte offsets above are those of the file.
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _place(data: bytes, offset: int) -> str:
    line = data.count(b"\n", 0, offset) + 1
    return f"byte offset {offset}, on line {line}"


def _encoding_hint(data: bytes) -> str:
    """Editors set to Chinese often save as GB 18030 (GBK); then that is the cause, not damage."""
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return "save the file as UTF-8"
    return "the bytes read as GB 18030 (GBK): save the file as UTF-8"
