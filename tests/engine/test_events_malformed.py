"""Events that are wrong: a clear error each time, never a traceback, whatever comes in.

Both readers, the plain one and the compiled core, say the same of every event, and JSON is refused
in the words in which dictionaries are.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
from collections import UserDict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clausal.compiler.ir import Corpus, Slot
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.engine._json import count_keys, scan_json
from clausal.engine.decode import MAX_DEPTH, decode_json
from clausal.engine.event import EventError, EventReader
from tests.support.tables import core_of, corpus_of

TOPIC = Enum((EnumValue("news"), EnumValue("society")))
SLOTS = [
    Slot(("account", "verified"), Scalar("bool")),
    Slot(("content", "declared"), SetOf(TOPIC)),
    Slot(("content", "id"), Scalar("string"), required=True),
    Slot(("content", "score", "ai-生成"), Scalar("share")),
    Slot(("content", "score", "staged"), Scalar("share")),
    Slot(("content", "topic"), TOPIC),
    Slot(("content", "views"), Scalar("integer")),
]
TABLE: Corpus = corpus_of(SLOTS)
CORE = core_of(TABLE)
READER = EventReader(TABLE.slots, TABLE.time_slot)
SOUND: dict[str, Any] = {"content": {"id": "c1"}}


def problems(event: object) -> str:
    """What is wrong with an event, as both readers say it."""
    with pytest.raises(EventError) as plain:
        READER.read(event)
    with pytest.raises(EventError) as error:
        CORE.read(event)
    assert error.value.problems == plain.value.problems
    return str(error.value)


def content(**fields: object) -> dict[str, object]:
    return {"content": {"id": "c1", **fields}}


A_SHARE = "expected a share from 0 to 1"
NO_ID = "`content.id`: expected a value, which every event must have, got nothing"
CYCLE: dict[str, object] = {"id": "c1"}
CYCLE["score"] = CYCLE

WRONG: list[tuple[object, str]] = [
    # Not an object.
    (None, "the event: expected an object, got nothing"),
    ([], "the event: expected an object, got a list of 0 items"),
    ([{"content": {}}], "the event: expected an object, got a list of 1 item"),
    ("{}", "the event: expected an object, got the text `{}`"),
    (b"{}", "the event: expected an object, got bytes"),
    (5, "the event: expected an object, got `5`"),
    (dict, "the event: expected an object, got a value of type `type`"),
    # What every event must have.
    ({}, NO_ID),
    ({"content": None}, NO_ID),
    ({"content": {"id": None}}, NO_ID),
    # Something else where a group should be.
    ({"content": []}, "`content`: expected an object, got a list of 0 items"),
    ({"content": "c1"}, "`content`: expected an object, got the text `c1`"),
    (content(score=0.5), "`content.score`: expected an object, got `0.5`"),
    (content(score=[{"staged": 0.5}]), "`content.score`: expected an object, got a list of 1 item"),
    # Something else where a value should be.
    (content(score={"staged": "0.5"}), f"`content.score.staged`: {A_SHARE}, got the text `0.5`"),
    (content(score={"staged": {}}), f"`content.score.staged`: {A_SHARE}, got an object"),
    (content(score={"staged": [0.5]}), f"`content.score.staged`: {A_SHARE}, got a list of 1 item"),
    (content(score={"ai-生成": 85}), f'`content.score["ai-生成"]`: {A_SHARE}, got `85`'),
    (CYCLE, NO_ID),
    (
        {"content": CYCLE | {"score": {"staged": CYCLE}}},
        f"`content.score.staged`: {A_SHARE}, got an object",
    ),
    (
        content(topic="New"),
        "`content.topic`: expected one of `news`, `society` (did you mean `news`?), got the text `New`",
    ),
    (
        content(declared=["news", ["news"]]),
        "`content.declared[1]`: expected one of `news`, `society`, got a list of 1 item",
    ),
    (
        content(declared=["news", None]),
        "`content.declared[1]`: expected one of `news`, `society`, got nothing",
    ),
    (
        content(views=float("nan")),
        "`content.views`: expected a whole number that is finite, got NaN",
    ),
    (
        content(views=10**400),
        (
            "`content.views`: expected a whole number from -2**53 to 2**53, "
            "got a whole number beyond 2**128"
        ),
    ),
    # Failures that are none.
    (
        content(score={"$failed": "timeout", "staged": 0.5}),
        "`content.score`: expected `$failed` alone, got other keys beside it",
    ),
    (
        content(views={"$failed": "timeout", "code": 5}),
        "`content.views`: expected `$failed` alone, got other keys beside it",
    ),
    (
        content(views={"$failed": None}),
        '`content.views["$failed"]`: expected the reason as text, got nothing',
    ),
    (
        {"content": {"$failed": 5}},
        '`content["$failed"]`: expected the reason as text, got `5`',
    ),
    # Reserved names.
    (
        SOUND | {"$failed": "all of it"},
        "`$failed`: expected a name that does not begin with `$`, got `$failed`",
    ),
    (
        SOUND | {"$histroy": {}},
        (
            "`$histroy`: expected a name that does not begin with `$` (did you mean `$history`?), "
            "got `$histroy`"
        ),
    ),
    (
        content(**{"$history": {}}),
        '`content["$history"]`: expected a name that does not begin with `$`, got `$history`',
    ),
    (
        SOUND | {"$\x1b[31m": 1, "$b": 2},
        "`$<U+001B>[31m`: expected a name that does not begin with `$`, got `$<U+001B>[31m`",
    ),
    # Keys that are no texts.
    (SOUND | {1: "x"}, "the event: expected keys that are texts, got the key `1`"),
    (content() | {None: 1, True: 2}, "the event: expected keys that are texts, got the key `true`"),
    (
        {"content": {"id": "c1", b"id": "c2"}},
        "`content`: expected keys that are texts, got the key bytes",
    ),
    (
        {"content": {"id": "c1", ("id",): "c2"}},
        "`content`: expected keys that are texts, got the key a list of 1 item",
    ),
    # All at once, sorted by place.
    (
        {"account": 5, "content": {"views": "x", "score": {"staged": 2}}, 3: 4},
        (
            "the event: expected keys that are texts, got the key `3`\n"
            "`account`: expected an object, got `5`\n"
            f"{NO_ID}\n"
            f"`content.score.staged`: {A_SHARE}, got `2`\n"
            "`content.views`: expected a whole number, got the text `x`"
        ),
    ),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_is_wrong_is_said(number: int) -> None:
    event, expected = WRONG[number]
    assert problems(event) == expected


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_json_is_refused_in_the_same_words(number: int) -> None:
    event, expected = WRONG[number]
    try:
        data = json.dumps(event, allow_nan=False).encode()
        same = json.loads(data) == event
    except (TypeError, ValueError):
        return
    if same:
        with pytest.raises(EventError) as error:
            CORE.read(decode_json(data))
        assert str(error.value) == expected


def test_many_problems_are_cut_short_when_shown_and_kept_in_full() -> None:
    table = corpus_of([Slot((f"f{number:03}",), Scalar("bool")) for number in range(100)])
    with pytest.raises(EventError) as error:
        core_of(table).read({slot.path[0]: 5 for slot in table.slots[1:]})
    assert len(error.value.problems) == 100
    assert str(error.value).endswith("\nand 80 more problems")


HARMLESS: list[object] = [
    SOUND,
    content(unread=CYCLE),
    SOUND | {"": 1, "内容": 2, "content.id": 3, "x" * 10_000: 4},
    content(score={"unread": "x", "": []}),
    content(score=None),
    {"account": {"$failed": "x" * 100_000}, "content": {"id": "\x00"}},
    UserDict(SOUND),
]


@pytest.mark.parametrize("event", HARMLESS, ids=range(len(HARMLESS)))
def test_what_nothing_reads_does_no_harm(event: object) -> None:
    values = CORE.read(event)
    assert [values.value(slot) for slot in range(len(TABLE.slots))] == READER.read(event)


def test_depth_that_nothing_reads_does_no_harm() -> None:
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"content": deep}
    assert "content.id" in problems(deep)
    CORE.read(content(unread=deep))
    while deep:
        deep = deep.pop("content")  # type: ignore[assignment] # each level holds the next


def test_a_copy_of_an_error_is_whole() -> None:
    with pytest.raises(EventError) as error:
        CORE.read({})
    assert copy.copy(error.value).problems == error.value.problems


# ── Anything at all ──────────────────────────────────────────────────────────────────────────────


@dataclasses.dataclass
class Thing:
    content: object
    id: object = None


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.complex_numbers()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.sampled_from([object(), dict, Thing, Thing.__init__, range(3), iter(()), ...])
)
keys = (
    st.sampled_from(["content", "id", "score", "staged", "declared", "account", "verified"])
    | st.sampled_from(["$failed", "$history", "strikes", "tallies"])
    | st.text(max_size=3)
    | st.integers(0, 3)
    | st.none()
)


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    fields = st.dictionaries(keys, inner, max_size=4)
    return (
        fields
        | fields.map(UserDict)
        | st.builds(Thing, inner, inner)
        | st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.frozensets(st.text(max_size=3), max_size=3)
    )


@given(st.recursive(scalars, containers, max_leaves=12))
def test_any_object_is_read_or_refused(event: object) -> None:
    try:
        plain: object = READER.read(event)
    except EventError as error:
        plain = error.problems
    found: object
    try:
        values = CORE.read(event)
    except EventError as error:
        found = error.problems
    else:
        found = [values.value(slot) for slot in range(len(TABLE.slots))]
    assert found == plain


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────

AFTER = "expected nothing after the event, got"

NOT_JSON: list[tuple[bytes, str]] = [
    (b"", "the event: expected a JSON value, got the end at character 1"),
    (b" \n", "the event: expected a JSON value, got the end at character 3"),
    (b"null", "the event: expected an object, got nothing"),
    (b"[1, 2]", "the event: expected an object, got a list of 2 items"),
    (b'"{}"', "the event: expected an object, got the text `{}`"),
    (b"1e400", "the event: expected an object, got infinity"),
    (b"{", "the event: expected a key in double quotes, got the end at character 2"),
    (b'{"a"', "the event: expected a colon, got the end at character 5"),
    (b'{"a":', "the event: expected a JSON value, got the end at character 6"),
    (
        b'{"a":1',
        "the event: expected a comma or the end of the object or list, got the end at character 7",
    ),
    (b'{"a":"b', 'the event: expected the end of the text, got `"` at character 6'),
    (b"{a:1}", "the event: expected a key in double quotes, got `a` at character 2"),
    (b"{'a':1}", "the event: expected a key in double quotes, got `'` at character 2"),
    (b'{"a" 1}', "the event: expected a colon, got `1` at character 6"),
    (
        b'{"a":01}',
        "the event: expected a comma or the end of the object or list, got `1` at character 7",
    ),
    (b'{"a":tru}', "the event: expected a JSON value, got `t` at character 6"),
    (
        b'{"a":"\n"}',
        "the event: expected control characters written as escapes, got `<U+000A>` at line 1, character 7",
    ),
    (
        b'{"a":"\x00"}',
        "the event: expected control characters written as escapes, got `<U+0000>` at character 7",
    ),
    (b'{"a":"\\x"}', "the event: expected an escape that JSON has, got `\\` at character 7"),
    (b'{"a":"\\u12"}', "the event: expected four hexadecimal digits after `\\u`, got"),
    (
        b'{\n "a": 1\n "b": 2}',
        'the event: expected a comma or the end of the object or list, got `"` at line 3, character 2',
    ),
    (b"{} x", f"the event: {AFTER} `x` at character 4"),
    (b"{}{}", f"the event: {AFTER} `{{` at character 3"),
    (b"{}\x00", f"the event: {AFTER} `<U+0000>` at character 3"),
    (b'{"a":"\xff"}', "the event: expected text in UTF-8, got the byte 0xFF at byte 7"),
    (b'{"\xed\xa0\x80":1}', "the event: expected text in UTF-8, got the byte 0xED at byte 3"),
    ('{"a":1}'.encode("utf-16"), "the event: expected text in UTF-8, got the byte 0xFF at byte 1"),
    (
        '{"a":1}'.encode("utf-16-le"),
        "the event: expected a key in double quotes, got `<U+0000>` at character 2",
    ),
    (
        b"\xef\xbb\xbf{}",
        "the event: expected JSON without a byte order mark, got a byte order mark",
    ),
    (b'{"a":[{"b":NaN}]}', "`a[0].b`: expected a JSON value, got `NaN`"),
    (
        b'{"a":-Infinity,"b":Infinity}',
        "`a`: expected a JSON value, got `-Infinity`\n`b`: expected a JSON value, got `Infinity`",
    ),
    (b'{"a":1,"b":{"c d":2,"c d":3}}', '`b["c d"]`: expected the key once, got it again'),
    (
        b'{"content":{"id":"x"},"content":{"id":"y"}}',
        "`content`: expected the key once, got it again",
    ),
    (b'{"a":[{"\\u0061":1,"a":2}]}', "`a[0].a`: expected the key once, got it again"),
    (b'{"\\u001b":1,"\\u001b":2}', "`<U+001B>`: expected the key once, got it again"),
    (
        b"[" * 100_000,
        "the event: expected objects and lists nested at most 128 deep, got 100000 levels",
    ),
    (
        b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
        "the event: expected objects and lists nested at most 128 deep, got 1000 levels",
    ),
]


@pytest.mark.parametrize("number", range(len(NOT_JSON)))
def test_what_is_wrong_with_json_is_said(number: int) -> None:
    data, expected = NOT_JSON[number]
    with pytest.raises(EventError) as error:
        decode_json(data)
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b' {"a":1}\r\n\t',
        b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
        b'{"a:b":":","c\\"":"\\\\","d":"{[\\""}',
        b'{"a":-0.0,"b":1E+2,"c":123456789012345678901234567890}',
        b'{"a":"\\u0000","b":"\\ud83d\\ude42","":null}',
        '{"内容":"刘🙂"}'.encode(),
        b"[" * 0 + b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH,
    ],
)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_json_is_decoded(data: bytes, kind: Callable[[bytes], bytes]) -> None:
    assert decode_json(kind(data)) == json.loads(data)


def test_a_lone_surrogate_is_let_through() -> None:
    assert decode_json(b'{"a":"\\ud800"}') == {"a": "\ud800"}
    with pytest.raises(EventError, match="the key once"):
        decode_json(b'{"a":"\\ud800","a":1}')


def test_numbers_beyond_any_float_matter_where_they_are_read() -> None:
    for digits in ("1e400", "9" * 500, "-" + "9" * 5000):
        assert decode_json(f'{{"unread":{digits}}}'.encode()).keys() == {"unread"}
        data = f'{{"content":{{"id":"c1","views":{digits}}}}}'.encode()
        with pytest.raises(EventError, match=r"^`content.views`: expected a whole number"):
            CORE.read(decode_json(data))


def test_no_setting_of_the_interpreter_lets_depth_through() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(EventError, match="nested at most"):
            decode_json(b"[" * 1_000_000)
    finally:
        sys.setrecursionlimit(limit)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4), st.booleans())
def test_json_that_was_written_is_read_again(value: dict[str, object], ascii: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii, allow_nan=True)
    assume("Infinity" not in data)
    try:
        encoded = data.encode()
    except UnicodeEncodeError:
        assume(False)
    assert decode_json(encoded) == value


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4))
def test_pairs_and_keys_are_counted_alike(value: dict[str, object]) -> None:
    depth, pairs = scan_json(json.dumps(value).encode())
    assert pairs == count_keys(value)
    assert depth >= 1


def strict(data: bytes) -> object:
    """What the bytes are to a strict reader; an error if it has any objection."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    def never(name: str) -> object:
        raise ValueError(name)

    value = json.loads(data.decode(), object_pairs_hook=once, parse_constant=never)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


tokens = st.sampled_from(
    [
        *rb'{ } [ ] , : " "a" "b" \ \u0061 1 -0 1e5 0.5 null true NaN {} []'.split(),
        *(b" ", b"\n", b"\x00", b"\xff", b"\xe5\x86\x85"),
    ]
)


@given(st.lists(tokens, max_size=14).map(b"".join) | st.binary(max_size=12))
def test_any_bytes_are_read_or_refused_as_a_strict_reader_does(data: bytes) -> None:
    for wrapped in (data, b'{"a":' + data + b"}", b'{"a":1,' + data + b"}"):
        try:
            expected: object = strict(wrapped)
        except (ValueError, TypeError, RecursionError):
            with pytest.raises(EventError):
                decode_json(wrapped)
        else:
            assert decode_json(wrapped) == expected
