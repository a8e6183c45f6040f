"""Events as JSON bytes (RFC 8259), refused where two readers could understand them differently.

`msgspec` decodes; it keeps the last of two equal keys, as most decoders do, while others keep the
first, and whoever checked the event before may have been one of them. So the pairs in the bytes are
counted, and the keys of what came out: only where the numbers differ, or where `msgspec` refuses,
is the event decoded again, slowly, to say what is wrong and where.
"""

from __future__ import annotations

import json
from typing import Final, NoReturn

import msgspec

from clausal.engine._json import count_keys, scan_json
from clausal.engine.problem import EventError, Problem, below, describe, shown

MAX_DEPTH: Final = 128
"""The deepest nesting of objects and lists. Schemas need five levels."""

_DECODER: Final = msgspec.json.Decoder()

_LONGEST_INTEGER: Final = 400
"""Whole numbers with more digits are beyond any float, and take quadratic time to read."""

_HUGE: Final = 10**_LONGEST_INTEGER
"""What stands for them: values of both kinds are refused with the same words."""


def decode_json(data: bytes | bytearray | memoryview) -> dict[str, object]:
    """The event that the bytes are, for `EventReader.read` or the compiled core.

    Lone surrogates written as escapes are let through, as they are in dictionaries.

    Raises:
        EventError: for what is not UTF-8, not JSON, not an object, nested too deeply, or has a key
            twice. Where the reason has a place, the message names the path or the character.
    """
    if isinstance(data, memoryview) and not data.c_contiguous:
        data = bytes(data)
    depth, pairs = scan_json(data)
    if depth > MAX_DEPTH:
        _refuse(f"objects and lists nested at most {MAX_DEPTH} deep", f"{depth} levels")
    try:
        value = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_slowly(bytes(data))
    else:
        if count_keys(value) != pairs:
            value = _decode_slowly(bytes(data))
    if not isinstance(value, dict):
        _refuse("an object", describe(value))
    return value


def _refuse(expected: str, got: str) -> NoReturn:
    raise EventError([Problem("", expected, got)])


class _Pairs:
    """An object as written: keys may occur twice."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


class _NotJson:
    """A literal that Python's decoder knows and JSON does not: NaN or an infinity."""

    def __init__(self, name: str) -> None:
        self.name = name


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        return -_HUGE if digits.startswith("-") else _HUGE
    return int(digits)


def _decode_slowly(data: bytes) -> object:
    """As `msgspec` decodes, but numbers beyond any float are no errors yet: who reads them?"""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        byte = f"the byte 0x{data[error.start]:02X} at byte {error.start + 1}"
        _refuse("text in UTF-8", byte)
    if text.startswith("\ufeff"):
        _refuse("JSON without a byte order mark", "a byte order mark")
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_constant=_NotJson,
        )
    except json.JSONDecodeError as error:
        _refuse(_expectation(error.msg), f"{_found(text, error.pos)} {_position(text, error)}")
    problems: list[Problem] = []
    value = _plain(tree, "", problems)
    if problems:
        raise EventError(problems)
    return value


def _plain(tree: object, where: str, problems: list[Problem]) -> object:
    """The tree as dictionaries and lists. It is at most `MAX_DEPTH` deep, and so is the recursion."""
    match tree:
        case _NotJson(name=name):
            problems.append(Problem(where, "a JSON value", f"`{name}`"))
            return None
        case list():
            return [_plain(item, f"{where}[{i}]", problems) for i, item in enumerate(tree)]
        case _Pairs(pairs=pairs):
            fields: dict[str, object] = {}
            for key, value in pairs:
                if key in fields:
                    problems.append(Problem(below(where, key), "the key once", "it again"))
                fields[key] = _plain(value, below(where, key), problems)
            return fields
        case _:
            return tree


_EXPECTATIONS: Final = {
    "Expecting value": "a JSON value",
    "Expecting property name enclosed in double quotes": "a key in double quotes",
    "Illegal trailing comma before end of object": "a key after the comma",
    "Illegal trailing comma before end of array": "a value after the comma",
    "Expecting ':' delimiter": "a colon",
    "Expecting ',' delimiter": "a comma or the end of the object or list",
    "Unterminated string starting at": "the end of the text",
    "Invalid control character at": "control characters written as escapes",
    "Invalid \\escape": "an escape that JSON has",
    "Invalid \\uXXXX escape": "four hexadecimal digits after `\\u`",
    "Extra data": "nothing after the event",
}
"""What Python's decoder misses, by the beginning of its message, in the words of this project."""


def _expectation(message: str) -> str:
    for start, expected in _EXPECTATIONS.items():
        if message.startswith(start):
            return expected
    return "JSON"


def _found(text: str, position: int) -> str:
    return f"`{shown(text[position])}`" if position < len(text) else "the end"


def _position(text: str, error: json.JSONDecodeError) -> str:
    if "\n" in text.rstrip():
        return f"at line {error.lineno}, character {error.colno}"
    return f"at character {error.pos + 1}"
