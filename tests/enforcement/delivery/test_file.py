"""Messages in a file: once each, whole, whatever was there before and wherever it was cut short."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.enforcement.delivery.adapter import AdapterError, envelope
from clausal.enforcement.delivery.file import FileAdapter
from clausal.enforcement.ledger import Message, Waiting

MESSAGES = [
    Waiting(
        number,
        Message(
            f"m-{number}",
            f"account:{number % 3}",
            "apply",
            b'{\n "at": "\xe9"}'.replace(b"\xe9", "禁".encode()),
        ),
    )
    for number in range(8)
]
LINES = [envelope(one) + b"\n" for one in MESSAGES]


def test_lines_are_objects() -> None:
    for line in LINES:
        assert line.count(b"\n") == 1
        assert list(json.loads(line)) == ["id", "number", "key", "action", "at"]


def test_bodies_cannot_say_what_messages_say() -> None:
    message = Waiting(1, Message("m", "k", "end", b'{"number": 7, "id": "x", "why": "fixed"}'))
    assert json.loads(envelope(message)) == {
        "id": "m",
        "number": 1,
        "key": "k",
        "action": "end",
        "why": "fixed",
    }


@given(cut=st.integers(0, len(b"".join(LINES))), whole=st.integers(0, 8))
def test_whatever_a_crash_left_the_file_ends_up_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int, whole: int
) -> None:
    path = tmp_path_factory.mktemp("file") / "measures.ndjson"
    path.write_bytes(b"".join(LINES[:whole])[:cut])
    adapter = FileAdapter(path)
    assert adapter.deliver(MESSAGES) == [None] * 8
    assert adapter.deliver(MESSAGES[2:5]) == [None] * 3
    adapter.close()
    assert path.read_bytes() == b"".join(LINES)


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    adapter = FileAdapter(tmp_path / "f")
    with pytest.raises(AdapterError, match="another process"):
        FileAdapter(tmp_path / "f")
    adapter.close()
    FileAdapter(tmp_path / "f").close()


@pytest.mark.parametrize(
    "data", [b"something\n", b"something", LINES[0] + b'{"name": 1}\n', b"\xff"]
)
def test_another_file_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    with pytest.raises(AdapterError, match=r"line \d is no message"):
        FileAdapter(path)
    assert path.read_bytes() == data


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no such file"):
        FileAdapter(tmp_path / "none" / "f")
    with pytest.raises(AdapterError, match="is a directory"):
        FileAdapter(tmp_path)


def test_a_full_disk_is_a_failure_that_may_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    adapter = FileAdapter(path)
    real, room = os.write, [100]

    def write(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = real(file, bytes(data)[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    failures = adapter.deliver(MESSAGES)
    assert {one.error for one in failures if one is not None} == {"no space left on device"}
    assert len(failures) == 8
    monkeypatch.undo()
    assert adapter.deliver(MESSAGES) == [None] * 8
    adapter.close()
    assert path.read_bytes() == b"".join(LINES)
