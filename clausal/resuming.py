"""How far a file of events was read, so that whoever stopped can go on there.

A place is remembered with a fingerprint of the beginning of the file: another file of the same name is
told apart, and one that grew at its end is not another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from clausal.reading import STDIN, EventFile, Format, InputError, Record, Rejected

BEGINNING: Final = 64 * 1024
"""As many bytes are fingerprinted, at most; of plain NDJSON no more than were read."""

_GZIP: Final = b"\x1f\x8b"


class Position(msgspec.Struct, frozen=True):
    """A place in a file.

    Attributes:
        number: That of the last record that was read: see `clausal.reading.Record.number`.
        byte: Where the next one begins; None in files that cannot be entered in the middle.
        size: The bytes of the file when it was read.
        beginning: How many bytes of it the fingerprint is of.
        fingerprint: Their SHA-256.
    """

    number: int
    byte: int | None
    size: int
    beginning: int
    fingerprint: str


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder(Position).decode


class Resumable:
    """An event file that can be gone on with, if it is a real file: iterate over it for its records.

    Args:
        file: The file, of which nothing was read yet.
    """

    def __init__(self, file: EventFile) -> None:
        self.file = file
        self.source = None if file.size is None else f"file:{Path(file.name).resolve()}"
        """By what name a place in it is remembered; None: it is a stream, and is read as it comes."""
        self.behind = 0
        """How many lines, items or rows were read before."""
        self._number = 0
        self._byte = 0
        self._plain = (
            file.format is Format.NDJSON
            and file.size is not None
            and file.peek(0, len(_GZIP)) != _GZIP
        )
        self._fingerprint: tuple[int, str] | None = None

    def resume(self, text: str) -> None:
        """Go on behind a place that `position` told.

        Raises:
            InputError: if that is not this file as it was, or as it was and longer.
        """
        try:
            place = _decode(text)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise InputError(self.file.name, "how far it was read cannot be made out") from error
        self._number = self.behind = place.number
        size = self.file.size or 0
        # Of these, one that grew was written anew.
        if self.file.format in {Format.JSON, Format.PARQUET} and size != place.size:
            raise self._changed("its size is another")
        if size < max(place.size, place.byte or 0):
            raise self._changed("it became shorter")
        if self._of_beginning(place.beginning) != place.fingerprint:
            raise self._changed("it begins differently")
        if place.byte and self._plain:
            self._byte = place.byte
            self.file.enter(place.byte, place.number)

    def position(self) -> str:
        """The place behind the record that came last, as text."""
        byte = self._byte if self._plain else None
        size = self.file.size or 0
        wanted = min(BEGINNING, size if byte is None else byte)
        if self._fingerprint is None or self._fingerprint[0] != wanted:
            self._fingerprint = wanted, self._of_beginning(wanted)
        return _encode(Position(self._number, byte, size, *self._fingerprint)).decode()

    @property
    def ragged(self) -> bool:
        """Whether the last record is a line without an end: somebody may be writing it."""
        return self._byte > 0 and self.file.peek(self._byte - 1, 1) != b"\n"

    def __iter__(self) -> Iterator[Record | Rejected]:
        """The records that were not read before.

        Raises:
            InputError: when the rest of the file cannot be read.
        """
        for record in self.file:
            if record.number > self._number:
                self._number = record.number
                if self._plain:
                    # Blank lines may follow, which have no records: the place is before them.
                    self._byte = self.file.position
                yield record

    def _of_beginning(self, count: int) -> str:
        return hashlib.sha256(self.file.peek(0, count)).hexdigest()

    def _changed(self, how: str) -> InputError:
        name = "standard input" if self.file.name == STDIN else self.file.name
        return InputError(
            name,
            f"it was read up to {self.file.unit} {self.behind}, and is another file now: {how}",
            hint="events have names and are enforced once: give the new file a new name",
        )
