"""Places in files of events: whoever goes on there reads what was not read, and nothing else."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal import reading
from clausal.reading import EventFile, Format, InputError, open_events
from clausal.resuming import BEGINNING, Resumable

# Lines of all kinds: events, blank ones, some that are no JSON, some that are too long.
LINES = st.lists(
    st.sampled_from([b'{"a": 1}', b"", b"{", b" ", b'{"b": "\xe7\xa6\x81"}', b"x" * 90])
)


def read(path: Path, place: str | None = None, most: int | None = None) -> tuple[list[int], str]:
    """The numbers of the records behind a place, and the place behind them."""
    with open_events(str(path)) as file:
        source = Resumable(file)
        if place is not None:
            source.resume(place)
        numbers = []
        for record in source:
            numbers.append(record.number)
            if len(numbers) == most:
                break
        return numbers, source.position()


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events") / "e.ndjson"


@given(
    lines=LINES,
    more=LINES,
    stops=st.lists(st.integers(1, 4), max_size=4),
    kind=st.sampled_from(["plain", "marked", "gzip"]),
)
def test_in_pieces_it_is_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    more: list[bytes],
    stops: list[int],
    kind: str,
) -> None:
    path = tmp_path_factory.mktemp("events") / "e.ndjson"

    def write(data: bytes) -> None:
        data = (b"\xef\xbb\xbf" if kind == "marked" else b"") + data
        path.write_bytes(gzip.compress(data, mtime=0) if kind == "gzip" else data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LINE_LIMIT", 50)
        first = b"".join(line + b"\n" for line in lines)
        write(first)
        place, numbers = None, []
        for stop in [*stops, None]:
            some, place = read(path, place, stop)
            numbers += some
        assert numbers == read(path)[0]
        # A log grows; what is packed is made anew.
        if kind != "gzip":
            write(first + b"".join(line + b"\n" for line in more))
            assert numbers + read(path, place)[0] == read(path)[0]


def test_another_file_is_told_apart(path: Path) -> None:
    lines = [b'{"n": %d}' % number for number in range(20_000)]
    path.write_bytes(b"\n".join(lines))
    assert path.stat().st_size > BEGINNING
    _, place = read(path, most=15_000)
    for data, why in (
        (b"\n".join([b'{"n": x}', *lines[1:]]), "it begins differently"),
        (b"\n".join(lines[:14_000]), "it became shorter"),
        (b"", "it became shorter"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=f"line 15000, and is another file now: {why}"):
            read(path, place)
    path.write_bytes(b"\n".join([*lines, b"{}"]))
    assert len(read(path, place)[0]) == 5_001


def test_documents_do_not_grow(path: Path) -> None:
    file = path.with_suffix(".json")
    file.write_bytes(b"[{}, {}, {}]")
    numbers, place = read(file, most=2)
    assert numbers == [1, 2]
    assert read(file, place)[0] == [3]
    file.write_bytes(b"[{}, {}, {}, {}]")
    with pytest.raises(InputError, match="item 2, and is another file now: its size"):
        read(file, place)


def test_what_is_no_place(path: Path) -> None:
    path.write_bytes(b"{}\n")
    for text in ("", "{}", "7", '{"number": "x"}'):
        with pytest.raises(InputError, match="cannot be made out"):
            read(path, text)


def test_streams_have_no_place() -> None:
    source = Resumable(EventFile(io.BytesIO(b"{}\n{}\n"), "-", Format.NDJSON))
    assert source.source is None
    assert [one.number for one in source] == [1, 2]
    assert not source.ragged
    assert not source.file.waits


def test_a_last_line_without_an_end(path: Path) -> None:
    for data, ragged in ((b"{}\n{}", True), (b"{}\n", False), (b"", False)):
        path.write_bytes(data)
        with open_events(str(path)) as file:
            source = Resumable(file)
            list(source)
            assert source.ragged is ragged
