"""Messages to a file, one JSON object a line: for what reads files, and for looking."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from clausal.enforcement.delivery.adapter import AdapterError, Failure, envelope
from clausal.enforcement.ledger import Waiting


class _Named(msgspec.Struct):
    id: str


_named: Final = msgspec.json.Decoder(_Named)

_BEGINNING: Final = b'{"id":"'
"""How each line begins; what does not was not written here, and is not taken away."""


class FileAdapter:
    """Appends each message to a file, once, and lets go of it when it is on the disk.

    The ids that the file holds are read when it is opened, so that a message that was written but not
    noted before a crash is not written again. A line that a crash cut short is taken away. One process
    writes at a time. The ids are kept in memory, about 120 bytes each: begin a new file now and then.

    Args:
        path: The file; it is made if it is not there, its folder is not.

    Raises:
        AdapterError: if it cannot be written, another process writes it, or it holds something else.
    """

    lanes: Final = 1
    batch: Final = 1000

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: set[str] = set()
        self._file = -1
        self._open()

    def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
        """See `Adapter.deliver`."""
        try:
            if self._file < 0:
                self._open()
            self._write([one for one in messages if one.message.id not in self._ids])
        except (OSError, AdapterError) as error:
            # What of it is on the disk is not known now: the file is read again before the next.
            self.close()
            return [Failure(_reason(error))] * len(messages)
        return [None] * len(messages)

    def close(self) -> None:
        """See `Adapter.close`."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, messages: Sequence[Waiting]) -> None:
        data = memoryview(b"".join(envelope(one) + b"\n" for one in messages))
        if not data:
            return
        while data:
            data = data[os.write(self._file, data) :]
        os.fdatasync(self._file)
        self._ids.update(one.message.id for one in messages)

    def _open(self) -> None:
        try:
            self._file = os.open(
                self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666
            )
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AdapterError(
                    f"cannot write `{self._path}`: another process delivers into it"
                ) from None
            self._read()
            _sync_folder(self._path.resolve().parent)
        except OSError as error:
            self.close()
            raise AdapterError(f"cannot write `{self._path}`: {_reason(error)}") from error
        except AdapterError:
            self.close()
            raise

    def _read(self) -> None:
        """Learn which ids are there, and take away a last line that is not whole."""
        self._ids.clear()
        whole = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n") and _BEGINNING.startswith(line[: len(_BEGINNING)]):
                    break
                try:
                    self._ids.add(_named.decode(line).id)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    raise AdapterError(
                        f"cannot write `{self._path}`: line {number} is no message",
                        hint="name a file of its own for messages",
                    ) from None
                whole += len(line)
        os.ftruncate(self._file, whole)
        os.fdatasync(self._file)


def _sync_folder(folder: Path) -> None:
    """Make sure that the name of a new file outlives a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error)
