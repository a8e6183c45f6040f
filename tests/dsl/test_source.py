"""Reading policy files, and places in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.dsl.source import SIZE_LIMIT, Source, SourceError, SourceProblem, Span

TEXTS = st.text(st.one_of(st.sampled_from("\nab 字é\t"), st.characters()))


def read(path: Path, data: bytes) -> Source:
    path.write_bytes(data)
    return Source.read(path, "shown.policy")


def fail(path: Path, data: bytes | None = None) -> SourceError:
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        Source.read(path, "shown.policy")
    assert caught.value.name == "shown.policy"
    assert str(caught.value) == f"shown.policy: {caught.value.detail}"
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.policy"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("规则 x\n".encode(), "规则 x\n"),
        (b"\xef\xbb\xbfrule", "rule"),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"a\rb\n\rc", "a\nb\n\nc"),
        ("a\ufeffb".encode(), "a\ufeffb"),
        ("a\u2028b\x0bc\x85".encode(), "a\u2028b\x0bc\x85"),
    ],
    ids=["empty", "chinese", "mark", "crlf", "cr", "mark-inside", "other-separators-stay"],
)
def test_a_file_is_read_with_its_mark_dropped_and_line_ends_normalised(
    file: Path, data: bytes, text: str
) -> None:
    assert read(file, data) == Source("shown.policy", text)


def test_without_a_name_the_path_is_shown(file: Path) -> None:
    file.write_bytes(b"rule")
    assert Source.read(file).name == str(file)


def test_a_missing_file(file: Path) -> None:
    assert fail(file).kind is SourceProblem.NOT_FOUND


def test_a_path_that_no_file_can_have() -> None:
    assert fail(Path("a\0b")).kind is SourceProblem.NOT_FOUND


def test_a_directory(tmp_path: Path) -> None:
    assert fail(tmp_path).kind is SourceProblem.DIRECTORY


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(file: Path) -> None:
    file.write_bytes(b"rule")
    file.chmod(0)
    error = fail(file)
    assert error.kind is SourceProblem.UNREADABLE
    assert error.detail == "permission denied"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"\xff", "the file is not UTF-8: byte 0xff at byte offset 0, on line 1"),
        (b"a\n\nb\xc3(", "the file is not UTF-8: byte 0xc3 at byte offset 4, on line 3"),
        (b"\xef\xbb\xbfa\xff", "the file is not UTF-8: byte 0xff at byte offset 4, on line 1"),
        (b"\xed\xa0\x80", "the file is not UTF-8: byte 0xed at byte offset 0, on line 1"),
        ("字".encode()[:2], "the file is not UTF-8: byte 0xe5 at byte offset 0, on line 1"),
    ],
    ids=["byte", "later-line", "after-mark", "surrogate", "cut-short"],
)
def test_bytes_that_are_not_utf8_are_named_by_their_offset(
    file: Path, data: bytes, detail: str
) -> None:
    error = fail(file, data)
    assert error.kind is SourceProblem.NOT_UTF8
    assert error.detail == detail


def test_a_file_in_gb18030_is_recognised(file: Path) -> None:
    error = fail(file, 'title zh "清朗"'.encode("gb18030"))
    assert error.kind is SourceProblem.NOT_UTF8
    assert error.hint == "the bytes read as GB 18030 (GBK): save the file as UTF-8"


def test_damage_is_not_taken_for_gb18030(file: Path) -> None:
    assert fail(file, b"\xff\xff").hint == "save the file as UTF-8"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf16_is_recognised(file: Path, codec: str) -> None:
    error = fail(file, "\ufeffrule".encode(codec))
    assert error.kind is SourceProblem.NOT_UTF8
    assert error.detail.startswith("the file is UTF-16")


def test_a_nul_byte(file: Path) -> None:
    error = fail(file, b"rule\n\0")
    assert error.kind is SourceProblem.NUL
    assert error.detail == "the file holds a NUL byte at byte offset 5, on line 2"


def test_the_size_limit_is_exact(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(SIZE_LIMIT)
    assert fail(file).kind is SourceProblem.NUL
    with file.open("wb") as sparse:
        sparse.truncate(SIZE_LIMIT + 1)
    error = fail(file)
    assert error.kind is SourceProblem.TOO_LARGE
    assert error.detail == "the file is larger than 64 MiB"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device")
def test_an_endless_device_is_too_large() -> None:
    assert fail(Path("/dev/zero")).kind is SourceProblem.TOO_LARGE


def test_positions_count_lines_and_characters_from_one() -> None:
    source = Source("a", "规则 x\n\nb")
    positions = [source.position(offset) for offset in range(len(source.text) + 1)]
    assert positions == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1), (3, 1), (3, 2)]


def test_an_offset_outside_the_text_is_moved_to_its_end() -> None:
    source = Source("a", "x\ny")
    assert source.position(-5) == (1, 1)
    assert source.position(99) == (2, 2)


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_line_that_does_not_exist(number: int) -> None:
    with pytest.raises(IndexError):
        Source("a", "x\ny").line(number)


@pytest.mark.parametrize("column", [0, 3])
def test_a_column_that_does_not_exist(column: int) -> None:
    with pytest.raises(IndexError):
        Source("a", "x\ny").offset(1, column)


@given(TEXTS)
def test_the_lines_are_the_text(text: str) -> None:
    source = Source("a", text)
    lines = [source.line(number) for number in range(1, source.line_count + 1)]
    assert "\n".join(lines) == text


@given(TEXTS, st.data())
def test_position_and_offset_are_inverse(text: str, data: st.DataObject) -> None:
    source = Source("a", text)
    offset = data.draw(st.integers(0, len(text)))
    line, column = source.position(offset)
    assert source.offset(line, column) == offset
    assert source.line(line)[: column - 1] == text[source.line_start(line) : offset]


def test_the_line_index_does_not_take_part_in_equality() -> None:
    used, unused = Source("a", "x\ny"), Source("a", "x\ny")
    assert used.line_count == 2
    assert used == unused
    assert hash(used) == hash(unused)


def test_spans_cover_and_cut() -> None:
    assert Span(2, 4).cover(Span(3, 9)) == Span(2, 9)
    assert Source("a", "abcdef").clamp(Span(-2, 9)) == Span(0, 6)
    assert Source("a", "abcdef").clamp(Span(8, 9)) == Span(6, 6)
    assert Source("a", "abcdef").clamp(Span(4, 2)) == Span(4, 4)
    assert Source("a", "abcdef").slice(Span(1, 3)) == "bc"
