"""JSON is read into slots as the plain way reads it: decoded to dictionaries, then by `EventReader`."""

from __future__ import annotations

import json
import math
import re
import struct
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clausal.compiler.ir import Corpus
from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.engine._core import Core
from clausal.engine._json import JsonReader
from clausal.engine.decode import MAX_DEPTH, decode_json
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventReader
from clausal.engine.history import History
from clausal.engine.layout import lay_out
from clausal.engine.problem import EventError, Problem
from clausal.engine.values import Missing, Value
from tests.engine.test_differential import Sample, any_corpora, compiled, seeds
from tests.support.every_slot import LIBRARY, RULES

BUNDLE: Final = Bundle(compile_sources([LIBRARY, RULES]))
"""It has a slot of every type and source."""

SEEDS: Final = Path(__file__).parents[1] / "fuzz" / "seeds" / "event"
EVENTS: Final = [seed.read_bytes() for seed in sorted(SEEDS.glob("*.json"))]

Result = list[object] | tuple[Problem, ...]
Data = bytes | bytearray | memoryview


class Ways:
    """The two ways to read an event for one corpus."""

    def __init__(self, corpus: Corpus, core: Core) -> None:
        self.core = core
        self.count = len(corpus.slots)
        self.reader = EventReader(corpus.slots, corpus.time_slot, corpus.ladders)

    def fast(self, data: Data, history: History | None = None) -> Result:
        return told(lambda: self._values(data, history))

    def plain(self, data: Data, history: History | None = None) -> Result:
        return told(lambda: self.reader.read(decode_json(data), history))

    def same(self, data: Data) -> Result:
        """What both make of an event, which must be one thing."""
        found, meant = self.fast(data), self.plain(data)
        assert found == meant, bytes(data)
        return found

    def _values(self, data: Data, history: History | None) -> list[Value | Missing]:
        values = self.core.read_json(data, history)
        return [values.value(slot) for slot in range(self.count)]


def told(read: Callable[[], list[Value | Missing]]) -> Result:
    """The values, floats to the bit, or the problems."""
    try:
        return [struct.pack("d", v) if isinstance(v, float) else v for v in read()]
    except EventError as error:
        return error.problems


CORPUS: Final = BUNDLE.artifact.corpus
CORE: Final = Core(
    BUNDLE.artifact.program,
    BUNDLE.artifact.meta.slots,
    time_slot=BUNDLE.artifact.meta.time_slot,
    ladders=CORPUS.ladders,
    verified=True,
)
WAYS: Final = Ways(CORPUS, CORE)
READER: Final = JsonReader(lay_out(BUNDLE.artifact.program, BUNDLE.artifact.meta.slots))
ACT: Final = '"act":{"id":"e1","time":"2024-05-20T09:00:00+08:00"}'


def event(rest: str = "") -> bytes:
    """An event with these members beside its act."""
    return ("{" + ACT + ("," if rest else "") + rest + "}").encode("utf-8", "surrogatepass")


def styles(value: object, random: Random) -> bytes:
    """An event as some producer writes it."""
    separators, indent = random.choice([((",", ":"), None), ((", ", ": "), None), ((",", ": "), 2)])
    text = json.dumps(
        value, ensure_ascii=random.random() < 0.5, separators=separators, indent=indent
    )
    return text.encode("utf-8", "surrogatepass")


# ── Sound and spoiled events ─────────────────────────────────────────────────────────────────────


@given(corpus=any_corpora, seed=seeds)
def test_events_are_read_as_in_the_plain_way(corpus: Corpus, seed: int) -> None:
    ways = Ways(corpus, compiled(corpus))
    sample = Sample(corpus, seed)
    for value, _ in sample.take(30):
        ways.same(styles(value, sample.random))


@given(corpus=any_corpora, seed=seeds)
def test_spoiled_bytes_are_read_as_in_the_plain_way(corpus: Corpus, seed: int) -> None:
    ways = Ways(corpus, compiled(corpus))
    sample = Sample(corpus, seed)
    for value, _ in sample.take(10):
        data = styles(value, sample.random)
        for _ in range(5):
            ways.same(spoiled(data, sample.random))


PIECES: Final = [
    *(bytes([byte]) for byte in b'"\\{}[]:,0159-+.eEtfnu \n\t\x00\x1f\x7f\x80\xa0\xbf\xc0\xc2\xe0\xed\xf0\xf4\xff'),
    *(rb"\u0041", rb"\ud83d\ude00", rb"\udc00", rb"\u00", rb"\x", rb"\"", "中".encode(), "🙂".encode()),
    *(b"true", b"false", b"null", b"NaN", b"1e999", b"-0", b"-0.0", b"01", b"1.", b'{"$failed":"x"}'),
    *(b'{"a":1,"a":1}', b'"a":1,', b'"$history":null,', b'"$x":1,', b"[1,2]", b"{}", b"9" * 30),
]  # fmt: skip


def spoiled(data: bytes, random: Random) -> bytes:
    """The bytes with some of them taken away, put in, or written anew."""
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice([0, 0, 1, 1, 2, 8]))
        piece = random.choice(PIECES)
        if random.random() < 0.2:
            start = random.randrange(len(data) + 1)
            piece = data[start : start + random.randrange(40)]
        data = data[:at] + piece + data[end:]
    return data


@pytest.mark.parametrize("data", EVENTS, ids=range(len(EVENTS)))
def test_events_cut_short_anywhere(data: bytes) -> None:
    assert isinstance(WAYS.same(data), list)
    for size in range(len(data)):
        # In a view, what was cut off still stands behind it.
        assert WAYS.same(memoryview(data)[:size]) == WAYS.same(data[:size])


@pytest.mark.parametrize("data", EVENTS, ids=range(len(EVENTS)))
def test_events_with_any_bit_flipped(data: bytes) -> None:
    for at in range(len(data)):
        for bit in (0, 1, 4, 5, 7):
            WAYS.same(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])


@pytest.mark.parametrize("data", EVENTS, ids=range(len(EVENTS)))
def test_events_with_any_byte_twice_and_any_byte_gone(data: bytes) -> None:
    for at in range(len(data)):
        WAYS.same(data[:at] + data[at : at + 1] + data[at:])
        WAYS.same(data[:at] + data[at + 1 :])


@pytest.mark.parametrize("piece", PIECES)
def test_events_with_a_piece_put_in_anywhere(piece: bytes) -> None:
    data = EVENTS[1]
    for at in range(0, len(data), 3):
        WAYS.same(data[:at] + piece + data[at:])


@given(st.binary(max_size=30))
@example(b"")
@example(b" ")
@example(b"{}")
@example(b"\xef\xbb\xbf{}")
@example(b"[]")
def test_any_bytes_are_read_as_in_the_plain_way(data: bytes) -> None:
    WAYS.same(data)


# ── Duplicate keys ───────────────────────────────────────────────────────────────────────────────


def members(data: bytes) -> Iterator[int]:
    """Where the keys of an event begin: behind each brace and comma that a key follows."""
    return (found.end() for found in re.finditer(rb'[{,](?=\s*"[^"]*"\s*:)', data))


@pytest.mark.parametrize("data", EVENTS, ids=range(len(EVENTS)))
def test_a_key_twice_is_refused_anywhere(data: bytes) -> None:
    for at in members(data):
        key = re.match(rb'\s*("[^"]*")', data[at:])
        assert key is not None
        refused = WAYS.same(data[:at] + key[1] + b":0," + data[at:])
        assert isinstance(refused, tuple)
        assert any("once" in problem.expected for problem in refused)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 40])
@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 200, 1023, 1024, 1025, 3000])
def test_ignored_keys_twice_are_refused_however_many_there_are(size: int, count: int) -> None:
    keys = [f"{number:x}".rjust(size, "k") for number in range(count)]
    for where in ('"x":{%s}', '"x":[[{%s}]]', '"post":{"score":{%s}}', "%s"):
        pairs = [f'"{key}":0' for key in keys]
        WAYS.same(event(where % ",".join(pairs)))
        pairs[count // 2] = f'"{keys[0]}":1'
        found = WAYS.same(event(where % ",".join([*pairs, f'"{keys[-1]}":[]'])))
        assert isinstance(found, tuple)


def test_many_ignored_keys_are_no_reason_for_the_plain_way() -> None:
    for where in ('"x":{%s}', '"x":[{%s}]', '"post":{"score":{%s}}', "%s"):
        for size in (1, 8, 9, 16, 17, 40):
            pairs = ",".join(f'"{number:x}{"k" * size}":0' for number in range(1000))
            assert READER.regular(event(where % pairs))


def test_equal_keys_of_different_objects_are_no_duplicates() -> None:
    data = event('"a":{"k":1,"l":{"k":1}},"b":[{"k":1},{"k":1}],"post":{"k":1,"score":{"k":0.1}}')
    assert isinstance(WAYS.same(data), list)
    assert READER.regular(data)


def test_a_key_written_with_escapes_is_the_same_key() -> None:
    for more in (r'"pos\u0074":{}', r'"a\u0063t":{}', r'"x":{"a":1,"\u0061":2}', r'"\"":1,"\"":2'):
        found = WAYS.same(event('"post":{"id":"p"},' + more))
        assert isinstance(found, tuple)
    assert isinstance(WAYS.same(event(r'"pos\u0074":{"\u0069d":"p\n"}')), list)


# ── Texts ────────────────────────────────────────────────────────────────────────────────────────

TEXTS: Final = [
    "", "a", "刚", "🙂", "x" * 7, "x" * 8, "x" * 9, "é" * 50, "刚刚，网传" * 20, "a刚" * 9, "刚a刚bb刚刚ccc" * 5,
    '"', "\\", "\\\\", '\\"', "\b\f\n\r\t/", "\x7f", "\x00", "\x1f", "\u0080\u07ff\u0800\ud7ff\ue000\uffff",
    "\U00010000\U0010ffff", "\ud800", "\udc00", "\ud800a\udc00", "\udc00\ud800", "a\ud83d", "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts(text: str) -> None:
    for written in {json.dumps(text), json.dumps(text, ensure_ascii=False)}:
        WAYS.same(event(f'"post":{{"text":{written},"title":{written},"id":{written}}}'))
        WAYS.same(event(f'"post":{{"links":[{written},"t.me",{written}]}}'))
        WAYS.same(event(f'"x":{written}'))
        WAYS.same(event(f'"x{written[1:-1]}":0'))
        WAYS.same(event(f'"post":{{"board":{written}}}'))


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40), st.booleans())
def test_any_text(text: str, ascii: bool) -> None:
    written = json.dumps(text, ensure_ascii=ascii)
    data = event(f'"post":{{"text":{written},"links":[{written}]}},"x":{written}')
    assert WAYS.same(data) is not None


@given(st.binary(max_size=12))
def test_any_bytes_in_texts(inside: bytes) -> None:
    start, end = event('"post":{"text":"|"}').split(b"|")
    WAYS.same(start + inside + end)
    start, end = event('"x":"|"').split(b"|")
    WAYS.same(start + inside + end)


@given(st.lists(st.sampled_from([b"\xe4\xb8\xad", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80",
    b"\xef\xbc\x8c", b"\xed\xa0\x80", b"\xe0\x9f\xbf", b"\xc3\xa9", b"\xc1\xbf", b"\xf0\x90\x80\x80",
    b"\xf0\x8f\xbf\xbf", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe4\xb8", b"\x80", b"a"]), max_size=8))  # fmt: skip
def test_utf8_is_checked_everywhere(pieces: list[bytes]) -> None:
    for where in (
        '"x":"|"',
        '"post":{"text":"|"}',
        '"|":0',
        '"post":{"links":["|"]}',
        '"x":{"|":1}',
    ):
        start, end = event(where).split(b"|")
        found = WAYS.same(start + b"".join(pieces) + end)
        try:
            b"".join(pieces).decode()
        except UnicodeDecodeError:
            assert isinstance(found, tuple)


@pytest.mark.parametrize("byte", range(256))
def test_escapes_are_checked_everywhere(byte: int) -> None:
    for where in ('"x":"\\|"', '"post":{"text":"\\|"}', '"\\|":0', '"post":{"board":"\\|"}'):
        start, end = event(where).split(b"|")
        WAYS.same(start + bytes([byte]) + end)
        WAYS.same(start + b"u00" + bytes([byte]) + b"a" + end)


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────

NUMBERS: Final = [
    "0", "-0", "0.0", "-0.0", "1", "-1", "0.5", "1e2", "1E+2", "1e-2", "0e0", "0e999", "1.0", "-1.5e3",
    "01", "-01", "1.", ".5", "-", "+1", "1e", "1e+", "0x1", "1_0", "--1", "1.e1", "00", "-.5", "1..2",
    "9007199254740992", "9007199254740993", "-9007199254740993", "9007199254740993.0", "9007199254740992.5",
    "18446744073709551615", "18446744073709551616", "123456789012345678", "1" * 30, "1" * 399, "1" * 400,
    "1" * 401, "1" * 5000, "1e308", "1.8e308", "1e309", "-1e309", "1e99999999999999999999", "5e-324", "2e-324",
    "1e-400", "0." + "0" * 30 + "1", "0." + "1" * 40, "1" * 20 + ".5", "0.1", "0.3", "0.12345678", "0.1234567",
    "12345678", "1234567", "1234567.1234567", "12345678.12345678", "0.30000000000000004", "1.7976931348623157e308",
    "0.99999999999999999999", "1.0000000000000002", "2.2250738585072011e-308", "1e22", "1e23", "123e20", "1e-22",
    "9007199254740993e-1", "8.41472980e-05", "4503599627370496.5", "4503599627370497.5", "1.00000005e8",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers(number: str) -> None:
    for where in (
        '"member":{"karma":|}', '"member":{"posts":|}', '"post":{"score":{"fake":|,"spam":|}}', '"x":|', '"x":[|]',
        '"post":{"review":{"took":|}}', '"post":{"text":|}', '"member":{"bot":|}', '"post":{"review":{"at":|}}',
        '"member":{"karma": | }',
    ):  # fmt: skip
        WAYS.same(event(where.replace("|", number)))


def karma(number: str) -> Value | Missing:
    slot = next(i for i, slot in enumerate(CORPUS.slots) if slot.path == ("member", "karma"))
    return CORE.read_json(event(f'"member":{{"karma":{number}}}')).value(slot)


def karmas(number: str) -> list[Value | Missing]:
    """The value of a number as the reader of JSON has it."""
    return [karma(number)]


def numbers(number: str) -> list[Value | Missing]:
    """The value of a number as Python has it; no zero has a sign."""
    return [float(number) + 0.0]


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(0.1 + 0.2)
@example(math.ulp(0.0))
def test_floats_are_those_of_python_to_the_bit(number: float) -> None:
    for text in (repr(number), f"{number:.17g}", f"{number:.25e}", f"{number:.5f}"):
        assert told(partial(karmas, text)) == told(partial(numbers, text))


@given(st.integers(0, 10**21), st.integers(0, 24), st.booleans())
def test_decimals_are_those_of_python_to_the_bit(digits: int, places: int, minus: bool) -> None:
    text = str(digits).rjust(places + 1, "0")
    text = f"{text[: len(text) - places]}.{text[len(text) - places :] or '0'}"
    text = f"-{text}" if minus else text
    assert told(partial(karmas, text)) == told(partial(numbers, text))


@given(st.integers(2**52, 2**64), st.integers(1, 19))
def test_halfway_decimals_are_rounded_to_even(whole: int, places: int) -> None:
    """Halves between floats, and their neighbours, written out in full."""
    number = float(whole) / 2 ** (whole.bit_length() + places % 4)
    middle = (number + math.nextafter(number, 1)) / 2
    for exact in (number, middle):
        digits = f"{exact:.19f}"
        assert told(partial(karmas, digits)) == told(partial(numbers, digits))


# ── Other values ─────────────────────────────────────────────────────────────────────────────────

VALUES: Final = [
    "null", "true", "false", "nul", "nulL", "tru", "falsey", "True", "0", '"news"', '"NEWS"', '"new"', '"newss"', '""',
    '"trade"', r'"n\u0065ws"', "[]", "[ ]", '["question"]', '["question","offer","question"]', '["question",1]',
    '["nothing"]', '[ "question" , "offer" ]', '["question",]', "[,]", '["question" "offer"]', r'["off\u0065r"]',
    '["t.me","vx","t.me","other","other"]', "{}", '{"$failed":"x"}', '{ "$failed" : "x" }', '{"$failed":1}',
    '{"$failed":null}', '{"$failed":"x","a":1}', '{"a":1,"$failed":"x"}', '{"$failed":"x","$failed":"x"}',
    r'{"$f\u0061iled":"x"}', '{"$other":1}', '{"$failed":"\x01"}', '{"$failed":"\ud800"}', r'{"$failed":"\ud800"}',
    '"2024-05-20T09:00:00+08:00"', '"2024-05-20t09:00Z"', '"2024-05-20 09:00:00.123456789-23:59"', '"2024-05-20"',
    '"2024-05-20T09:00:00"', '"2024-05-20T24:00:00Z"', '"2024-05-20T23:60:00Z"', '"2024-05-20T23:59:60Z"',
    '"2024-02-29T00:00:00Z"', '"2023-02-29T00:00:00Z"', '"1684-12-31T23:59:59Z"', '"1685-01-01T00:00:00Z"',
    '"2254-12-31T23:59:59.9999999Z"', '"2255-01-01T00:00:00Z"', '"2024-05-20T09:00:00.Z"', '"2024-05-20T09:00:00+8:00"',
    '"2024-05-20T09:00:00+24:00"', '"2024-05-20T09:00:00+08:60"', '"2024-05-20T09:00:00Z "', '"2024-05-20T09:00:00Zx"',
    '"2024-5-20T09:00:00Z"', '"2024-05-20X09:00:00Z"', r'"2024-05-20T09:00:00\u005a"', '"0001-01-01"', '"0000-01-01"',
    '"9999-12-31"', '"2024-13-01"', '"2024-00-01"', '"2024-04-31"', '"2024-04-00"', '"2024-04-030"', '"2024/04/30"',
    '"２024-04-30"', '"48h"', '"7天"', '"1.5 h"', '"48"', '"1e9d"', "1.5", "86400", "1e300", "-1", "1e-7", "0.0000005",
]  # fmt: skip


def paths() -> list[tuple[str, ...]]:
    fields = {slot.path for slot in CORPUS.slots if slot.source == "field"}
    groups = {path[:depth] for path in fields for depth in range(1, len(path))}
    return sorted(fields | groups | {("x",), ("post", "x"), ("$history",), ("$x",), ("post", "$x")})


def nested(path: tuple[str, ...], value: str) -> str:
    for name in reversed(path[1:]):
        value = f'{{"{name}":{value}}}'
    return f'"{path[0]}":{value}'


@pytest.mark.parametrize("path", paths(), ids=".".join)
def test_every_value_in_every_place(path: tuple[str, ...]) -> None:
    for value in VALUES:
        text = nested(path, value)
        if path[0] == "act":
            WAYS.same(f"{{{text}}}".encode("utf-8", "surrogatepass"))
        WAYS.same(event(text))
        WAYS.same(event(f' \n{text}\t\r , "y" :[ {value} ]'))


def test_days_and_instants_are_those_of_the_plain_way() -> None:
    random = Random(3)
    for _ in range(3000):
        year = random.choice(
            [0, 1, 4, 100, 400, 1600, 1684, 1685, 1900, 1970, 2000, 2024, 2254, 2255, 9999]
        )
        day = f"{year:04}-{random.randrange(14):02}-{random.randrange(33):02}"
        time = f"{random.randrange(26):02}:{random.randrange(62):02}"
        seconds = random.choice(["", ":00", ":59", ":60", ":07.5", ":07.1234567", ":07."])
        zone = random.choice(["Z", "z", "+00:00", "-08:30", "+23:59", "+24:00", "+1:00", ""])
        WAYS.same(event(f'"member":{{"joined":"{day}"}}'))
        WAYS.same(
            event(
                f'"post":{{"review":{{"at":"{day}{random.choice("Tt X")}{time}{seconds}{zone}"}}}}'
            )
        )


@pytest.mark.parametrize(
    "depth", [1, 62, 63, 64, 65, MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, 10_000]
)
def test_nesting(depth: int) -> None:
    for start, end in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]"), ('{"post":', "}")):
        for where in (
            '"x":{}',
            '"post":{{"x":{}}}',
            '"$history":{}',
            '"post":{}',
            '"post":{{"links":{}}}',
        ):
            WAYS.same(event(where.format(start * depth + "1" + end * depth)))
    deepest = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert READER.regular(event(f'"x":{deepest}'))
    assert not READER.regular(event(f'"x":[{deepest}]'))


HISTORIES: Final = [
    "null", "{}", "1", "[]", '{"strikes":null}', '{"strikes":{"conduct":2}}', '{"strikes":{"conduct":[]}}',
    '{"strikes":{"conduct":["2024-05-01T00:00:00Z"]}}', '{"tallies":{"x":1}}', '{"other":1}', '{"tallies":{"$failed":"x"}}',
    '{"strikes":{"a":1,"a":1}}', '{"strikes":1e999}', r'{"strikes":"\ud800"}', '{"strikes":"\xff"}', '{"similarity":{}}',
]  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES)
def test_histories(history: str) -> None:
    for data in (
        event(f'"$history":{history}'),
        event(f'"$history" : {history} , "$history":null'),
    ):
        WAYS.same(data)
        given = History(tallies={})
        assert WAYS.fast(data, given) == WAYS.plain(data, given)
    assert WAYS.fast(event(), History(tallies={})) == WAYS.plain(event(), History(tallies={}))


# ── Buffers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("data", EVENTS, ids=range(len(EVENTS)))
def test_every_kind_of_buffer(data: bytes) -> None:
    meant = WAYS.plain(data)
    inside = b'x"' + data + b'"}]1e5'
    spread = bytes(byte for pair in zip(data, b" " * len(data), strict=True) for byte in pair)
    padded = data + b" " * (-len(data) % 4)
    buffers: list[Data] = [
        data,
        bytearray(data),
        memoryview(data),
        memoryview(bytearray(inside))[2 : 2 + len(data)],
        memoryview(spread)[::2],
        memoryview(data[::-1])[::-1],
        memoryview(array("i", padded)),
        memoryview(padded).cast("i").cast("B"),
    ]
    for buffer in buffers:
        assert WAYS.fast(buffer) == WAYS.plain(buffer) == meant
        assert BUNDLE.evaluate_json(buffer) == BUNDLE.evaluate_json(data.decode())


def test_what_is_no_buffer_is_refused() -> None:
    wrong: Any
    for wrong in ("{}", 1, None, {}):
        with pytest.raises(TypeError):
            CORE.read_json(wrong)
    assert not READER.regular(b"")


def test_a_buffer_can_change_after_it_was_read() -> None:
    data = bytearray(event('"post":{"id":"p-17","text":"\\u521a a","links":["one","t.me"]}'))
    values = CORE.read_json(data)
    before = [values.value(slot) for slot in range(WAYS.count)]
    data[:] = b" " * len(data)
    data.clear()
    assert [values.value(slot) for slot in range(WAYS.count)] == before
    assert "p-17" in before


def test_pages_remember_nothing() -> None:
    random = Random(4)
    datas = [spoiled(random.choice(EVENTS), random) for _ in range(300)] + EVENTS
    datas += [event(f'"x":"{"y" * size}"') for size in (10, 5000, 50_000, 1_200_000, 3)]
    expected = [WAYS.plain(data) for data in datas]
    for _ in range(3):
        pairs = list(zip(datas, expected, strict=True))
        random.shuffle(pairs)
        assert all(WAYS.fast(data) == meant for data, meant in pairs)


# ── What is read without the plain way ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "rest",
    [
        "", '"post":null', '"post":{}', '"x":null,"y":[1,{"a":[]}]', '"post":{"$failed":"timeout"}',
        '"post":{"text":"刚刚\\n"}', '"post":{"score":{"a":0.5,"fake":{"$failed":"x"}}}', '"$history":{"strikes":{}}',
        '"member":{"karma":0.30000000000000004,"posts":12,"bot":true,"joined":"2024-01-01"}', ' \n"post" : { } ',
        '"post":{"tags":["offer"],"links":["a","t.me"],"board":"news","review":{"took":"48h","at":"2024-01-01T00:00Z"}}',
    ],
)  # fmt: skip
def test_usual_events_do_not_take_the_plain_way(rest: str) -> None:
    data = event(rest)
    assert isinstance(WAYS.same(data), list)
    assert READER.regular(data)


@pytest.mark.parametrize("data", EVENTS, ids=range(len(EVENTS)))
def test_the_order_of_keys_is_only_a_guess(data: bytes) -> None:
    random = Random(7)

    def shuffled(value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: shuffled(value[key]) for key in random.sample(list(value), len(value))}

    value = json.loads(data, parse_float=lambda text: min(float(text), 1e9))
    meant = WAYS.plain(json.dumps(value).encode())
    for _ in range(20):
        assert WAYS.same(json.dumps(shuffled(value)).encode()) == meant


# ── Names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("count", [1, 5, 100, 700])
def test_names_of_any_number_and_length_are_told_apart(count: int) -> None:
    names = ["news", "trade", *many_names(count)]
    library = Source(
        LIBRARY.name, LIBRARY.text.replace("[news, trade, chat]", f"[{', '.join(names)}]")
    )
    artifact = compile_sources([library, RULES])
    core = Core(
        artifact.program,
        artifact.meta.slots,
        time_slot=artifact.meta.time_slot,
        ladders=artifact.corpus.ladders,
    )
    ways = Ways(artifact.corpus, core)
    slot = next(i for i, one in enumerate(artifact.meta.slots) if one.path == ("post", "board"))
    for name in names:
        data = event(f'"post":{{"board":"{name}"}}')
        assert core.read_json(data).value(slot) == name
    for name in names[:: max(1, count // 20)]:
        for wrong in (name[:-1], name + "0", name[:-1] + "_", "_" + name[1:], name + "\\u0000"):
            ways.same(event(f'"post":{{"board":"{wrong}"}}'))


def many_names(count: int) -> list[str]:
    """Names of all lengths up to forty, of which many begin and end alike."""
    return [f"n{'m' * (number % 20)}{number:x}{'o' * (number % 20)}" for number in range(count)]


@pytest.mark.parametrize("size", [1, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 24, 60])
def test_keys_of_any_length(size: int) -> None:
    key = "k" * size
    library = Source(LIBRARY.name, re.sub(r"\bkarma\b", key, LIBRARY.text))
    rules = Source(RULES.name, re.sub(r"\bmember\.karma\b", f"member.{key}", RULES.text))
    artifact = compile_sources([library, rules])
    core = Core(
        artifact.program,
        artifact.meta.slots,
        time_slot=artifact.meta.time_slot,
        ladders=artifact.corpus.ladders,
    )
    ways = Ways(artifact.corpus, core)
    for _ in range(2):
        for other in (
            key,
            key[:-1],
            f"{key}k",
            f"{key[:-1]}j",
            f"j{key[1:]}",
            f"{key}\\u0000",
            f"{key}\x00",
        ):
            ways.same(event(f'"member":{{"{other}":1.5,"posts":3}}'))
            ways.same(event(f'"member":{{"posts":3,"{other}" :1.5}}'))
            ways.same(event(f'"member":{{"{key}":1,"{other}":2}}'))
