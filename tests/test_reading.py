"""Event files: every format, plain and gzipped, whole and damaged."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal import reading
from clausal.compiler.ir import SchemaField
from clausal.compiler.types import Enum, EnumValue, MapOf, Scalar, SetOf
from clausal.engine.columns import column_path
from clausal.reading import EventFile, Format, InputError, Record, Rejected, format_of, open_events

COLORS = Enum((EnumValue("red"), EnumValue("blue")))
FIELDS = (
    SchemaField(("id",), Scalar("string")),
    SchemaField(("time",), Scalar("instant")),
    SchemaField(("content", "text"), Scalar("text")),
    SchemaField(("content", "labelled"), Scalar("bool")),
    SchemaField(("content", "views"), Scalar("integer")),
    SchemaField(("content", "score"), MapOf(Scalar("share"))),
    SchemaField(("content", "colors"), SetOf(COLORS)),
    SchemaField(("content", "length"), Scalar("duration")),
)


def read(path: Path, format: Format | None = None) -> list[Record | Rejected]:
    with open_events(str(path), format, FIELDS) as file:
        return list(file)


def values(path: Path, format: Format | None = None) -> list[object]:
    """Return the events, decoded where they are JSON."""
    found: list[object] = []
    for record in read(path, format):
        assert isinstance(record, Record), record
        value = record.value
        found.append(json.loads(value) if isinstance(value, bytes) else value)
    return found


def refusal(path: Path, format: Format | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        read(path, format)
    return caught.value


def stored(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


# ── Names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.ndjson", Format.NDJSON),
        ("a.JSONL", Format.NDJSON),
        ("a.b.ndjson.gz", Format.NDJSON),
        ("a.json", Format.JSON),
        ("a.csv.GZ", Format.CSV),
        ("a.parquet", Format.PARQUET),
        ("a.txt", None),
        ("a.gz", None),
        ("a", None),
        ("", None),
    ],
)
def test_the_ending_says_the_format(name: str, format: Format | None) -> None:
    assert format_of(name) is format


def test_an_unknown_ending_asks_for_the_format(tmp_path: Path) -> None:
    error = refusal(stored(tmp_path, "events.txt", "{}"))
    assert "ending" in str(error)
    assert "--format" in error.hint


# ── NDJSON ───────────────────────────────────────────────────────────────────────────────────────


def test_lines_keep_their_numbers_over_blank_ones(tmp_path: Path) -> None:
    path = stored(tmp_path, "e.ndjson", '{"a": 1}\n\n  \n{"a": 2}\r\n{"a": 3}')
    assert [record.number for record in read(path)] == [1, 4, 5]
    assert values(path) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    assert read(stored(tmp_path, "e.ndjson", "")) == []


def test_the_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    assert values(stored(tmp_path, "e.ndjson", codecs.BOM_UTF8 + b'{"a": 1}')) == [{"a": 1}]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["e.ndjson", "e.json", "e.csv"])
def test_utf_16_is_named_as_such(tmp_path: Path, name: str, encoding: str) -> None:
    text = "\ufeff{}" if encoding.endswith("be") else "{}"
    assert "UTF-16" in str(refusal(stored(tmp_path, name, text.encode(encoding))))


def test_a_line_over_the_limit_is_rejected_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LINE_LIMIT", 100)
    path = stored(tmp_path, "e.ndjson", '{"a": 1}\n' + "x" * 1_000 + '\n{"a": 2}\n' + "y" * 1_000)
    first, long, last, end = read(path)
    assert (first.number, long.number, last.number, end.number) == (1, 2, 3, 4)
    assert isinstance(long, Rejected)
    assert long.cause == "line too long"
    assert long.raw == b"x" * 100
    assert isinstance(last, Record)
    assert isinstance(end, Rejected)


def test_a_line_at_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINE_LIMIT", 8)
    assert values(stored(tmp_path, "e.ndjson", '{"a": 1}\n{"a": 2}')) == [{"a": 1}, {"a": 2}]


def test_what_is_no_json_is_for_the_engine_to_refuse(tmp_path: Path) -> None:
    (record,) = read(stored(tmp_path, "e.ndjson", b"\xff\x00 nonsense\n"))
    assert isinstance(record, Record)
    assert record.value == b"\xff\x00 nonsense"


# ── Compression ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["e.ndjson.gz", "e.ndjson"])
def test_gzip_is_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    path = stored(tmp_path, name, gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    assert values(path) == [{"a": 1}, {"a": 2}]


def test_a_gzip_file_that_was_cut_short_gives_what_is_there_and_then_an_error(
    tmp_path: Path,
) -> None:
    lines = b"".join(b'{"a": %d}\n' % number for number in range(50_000))
    path = stored(tmp_path, "e.ndjson.gz", gzip.compress(lines)[:-4_000])
    found: list[Record | Rejected] = []
    with open_events(str(path)) as file, pytest.raises(InputError, match="cut short"):
        found.extend(file)
    assert len(found) > 1_000


def test_a_damaged_gzip_file_is_an_error(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(os.urandom(5_000)))
    data[100] ^= 0xFF
    assert "damaged" in str(refusal(stored(tmp_path, "e.ndjson.gz", bytes(data))))


def test_a_file_that_is_called_gz_and_is_not_is_an_error(tmp_path: Path) -> None:
    assert "no gzip" in str(refusal(stored(tmp_path, "e.ndjson.gz", '{"a": 1}')))


def test_the_position_reaches_the_size(tmp_path: Path) -> None:
    path = stored(tmp_path, "e.ndjson.gz", gzip.compress(b'{"a": 1}\n' * 10_000))
    with open_events(str(path)) as file:
        assert file.size == path.stat().st_size
        for _ in file:
            assert 0 <= file.position <= file.size
        assert file.position == file.size


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_is_one_event_or_an_array(tmp_path: Path) -> None:
    assert values(stored(tmp_path, "one.json", ' {"a":\n 1} ')) == [{"a": 1}]
    path = stored(tmp_path, "all.json", '[{"a": 1},\n {"a": 2}]')
    assert values(path) == [{"a": 1}, {"a": 2}]
    assert [record.number for record in read(path)] == [1, 2]
    assert values(stored(tmp_path, "none.json", "[]")) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "empty"),
        ('{"a": 1', "truncated"),
        ('[{"a": 1}', "truncated"),
        ("[" * 100_000, "nested too deeply"),
        ("nonsense", "no JSON"),
        (b"\x00\x00", "no JSON"),
    ],
)
def test_a_broken_document_is_an_error(tmp_path: Path, data: str | bytes, said: str) -> None:
    assert said in str(refusal(stored(tmp_path, "e.json", data)))


def test_several_documents_look_like_ndjson(tmp_path: Path) -> None:
    assert "NDJSON" in refusal(stored(tmp_path, "e.json", '{"a": 1}\n{"a": 2}')).hint


def test_a_document_over_the_limit_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "DOCUMENT_LIMIT", 10)
    assert "NDJSON" in refusal(stored(tmp_path, "e.json", '[{"a": 1}, {"a": 2}]')).hint


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────

HEADER = "id,time,content.text,content.labelled,content.views,content.score.staged,content.colors\n"


def test_cells_get_their_types_from_the_schema(tmp_path: Path) -> None:
    row = 'e1,2024-05-01T12:00:00+08:00,"1,\n""2""",true,12,0.5,red|blue\n'
    assert values(stored(tmp_path, "e.csv", HEADER + row)) == [
        {
            "id": "e1",
            "time": "2024-05-01T12:00:00+08:00",
            "content": {
                "text": '1,\n"2"',
                "labelled": True,
                "views": 12,
                "score": {"staged": 0.5},
                "colors": ["red", "blue"],
            },
        }
    ]


def test_an_empty_cell_is_an_absent_field(tmp_path: Path) -> None:
    assert values(stored(tmp_path, "e.csv", HEADER + "e1,,,,,,\n")) == [{"id": "e1"}]


def test_what_does_not_fit_its_type_stays_text(tmp_path: Path) -> None:
    (event,) = values(stored(tmp_path, "e.csv", HEADER + "1,,,maybe,many,85%,\n"))
    assert event == {
        "id": "1",
        "content": {"labelled": "maybe", "views": "many", "score": {"staged": "85%"}},
    }


def test_cells_may_hold_json_for_sets_failures_and_history(tmp_path: Path) -> None:
    data = (
        "content.colors,content.views,$history\n"
        '"[""red""]","{""$failed"": ""timeout""}","{""strikes"": {""x"": 1}}"\n'
    )
    assert values(stored(tmp_path, "e.csv", data)) == [
        {
            "content": {"colors": ["red"], "views": {"$failed": "timeout"}},
            "$history": {"strikes": {"x": 1}},
        }
    ]


def test_records_of_csv_keep_the_line_on_which_they_begin(tmp_path: Path) -> None:
    data = 'id,content.text\na,"1\n2"\n\nb,3\nc\nd,4\n'
    records = read(stored(tmp_path, "e.csv", data))
    assert [(type(r).__name__, r.number) for r in records] == [
        ("Record", 2),
        ("Record", 5),
        ("Rejected", 6),
        ("Record", 7),
    ]
    assert records[0].raw == b'a,"1\n2"'


def test_a_record_that_is_not_utf_8_is_rejected_alone(tmp_path: Path) -> None:
    records = read(stored(tmp_path, "e.csv", b"id\n\xff\xfe\nb\n"))
    assert isinstance(records[0], Rejected)
    assert records[0].cause == "not UTF-8"
    assert records[0].raw == b"\xff\xfe"
    assert isinstance(records[1], Record)


def test_a_quote_that_is_never_closed_is_rejected(tmp_path: Path) -> None:
    (bad,) = read(stored(tmp_path, "e.csv", 'id,time\na,"b\nc,d\n'))
    assert isinstance(bad, Rejected)
    assert bad.cause == "malformed CSV"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "empty"),
        ("id,id\n", "two columns"),
        ("content,content.text\n", "part of it"),
        ("id,\n", "no name of a column"),
        ("id,1x\n", "no name of a column"),
        ('"id\n', "malformed"),
    ],
)
def test_columns_that_make_no_table_are_an_error(tmp_path: Path, data: str, said: str) -> None:
    assert said in str(refusal(stored(tmp_path, "e.csv", data)))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("id", ("id",)),
        ("content.score.staged", ("content", "score", "staged")),
        ('content.score["a-b"].c', ("content", "score", "a-b", "c")),
        ("内容.评分", ("内容", "评分")),
        ("$history", ("$history",)),
        ("a..b", None),
        (".a", None),
        ('["a"]', None),
        ("a b", None),
        ("", None),
    ],
)
def test_columns_are_named_for_fields(name: str, path: tuple[str, ...] | None) -> None:
    assert column_path(name) == path


# ── Parquet ──────────────────────────────────────────────────────────────────────────────────────


def parquet(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "e.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_parquet_has_groups_as_structs_or_dotted_names(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": "a", "content": {"views": 1}, "account.id": "x"},
        {"id": "b", "content": None, "account.id": None},
    ]
    path = parquet(tmp_path, rows)
    assert values(path) == [
        {"id": "a", "content": {"views": 1}, "account": {"id": "x"}},
        {"id": "b"},
    ]
    assert [record.number for record in read(path)] == [1, 2]


def test_history_may_be_json_in_a_column_of_text(tmp_path: Path) -> None:
    path = parquet(tmp_path, [{"id": "a", "$history": '{"strikes": {"x": 1}}'}])
    assert values(path) == [{"id": "a", "$history": {"strikes": {"x": 1}}}]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"nonsense" * 100])
def test_what_is_no_parquet_is_an_error(tmp_path: Path, data: bytes) -> None:
    assert "cannot be read" in str(refusal(stored(tmp_path, "e.parquet", data)))


def test_parquet_that_was_cut_short_is_an_error(tmp_path: Path) -> None:
    path = parquet(tmp_path, [{"id": str(number)} for number in range(10_000)])
    path.write_bytes(path.read_bytes()[:-100])
    assert "cannot be read" in str(refusal(path))


def test_without_pyarrow_the_way_to_get_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path, [{"id": "a"}])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert "pip install 'clausal[parquet]'" in refusal(path).hint


# ── Any input ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["e.ndjson", "e.json", "e.csv", "e.parquet"])
def test_missing_files_and_folders_are_errors(tmp_path: Path, name: str) -> None:
    assert "no such file" in str(refusal(tmp_path / name))
    (tmp_path / name).mkdir()
    assert "directory" in str(refusal(tmp_path / name))


def test_a_name_with_nul_is_no_file() -> None:
    assert isinstance(refusal(Path("a\0.ndjson")), InputError)


@pytest.mark.parametrize("format", [Format.NDJSON, Format.JSON, Format.CSV])
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_bring_a_reader_down(format: Format, data: bytes) -> None:
    file = EventFile(io.BytesIO(data), "data", format, FIELDS)
    try:
        records = list(file)
    except InputError:
        return
    assert all(record.number >= 1 for record in records)
