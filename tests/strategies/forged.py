"""Bundles that somebody made up: whole, with the right digest, and wrong somewhere inside.

The digest guards against damage alone. Whoever forges a bundle writes it anew.
"""

from __future__ import annotations

import copy
import hashlib
import struct
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import msgspec

from clausal.compiler.bundle import FORMAT, MAGIC, Artifact, describe
from clausal.compiler.ir import Corpus

SECTIONS: Final = (
    *("corpus",) * 4,
    *("program",) * 2,
    *("index",) * 2,
    "meta",
    "profile",
)
"""What is forged: the corpus, which has the most in it, more often than the rest."""

_WORDS: Final = (0, 1, 2, 3, 7, 100, 2**31 - 2, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
"""What is written into arrays, cut to the size of an element."""

_JUNK: Final[tuple[object, ...]] = (
    None,
    True,
    0,
    1,
    -1,
    3,
    255,
    2**31,
    -(2**63),
    2**64 - 1,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\u202e",
    "{",
    "{until}",
    "../../etc/passwd",
    "Mars/Phobos",
    b"",
    b"\0" * 8,
    [],
    [[]],
    [0],
    ["x"],
    {},
    {"type": "Truth", "value": True},
    {"type": "Hole", "slot": 99},
    {"type": "Shared", "index": 0},
    {"type": "Arithmetic", "operator": "/", "left": {}, "right": {}},
)

_Path = tuple[Any, ...]


def sealed(payload: bytes) -> bytes:
    """A file with any payload and the right length and digest."""
    digest = hashlib.sha256(payload).digest()
    return struct.pack("<8sHQ32s", MAGIC, FORMAT, len(payload), digest) + payload


class Forger:
    """Forges bundles from a sound one."""

    def __init__(self, artifact: Artifact) -> None:
        self._packed: dict[str, bytes] = msgspec.msgpack.decode(bytes(artifact.payload))
        self._trees = {name: msgspec.msgpack.decode(self._packed[name]) for name in SECTIONS}
        self._places = {name: list(_places(tree)) for name, tree in self._trees.items()}

    def forge(self, random: Random) -> bytes:
        """A bundle with one or two places of a section changed, and `meta` as the corpus has it."""
        name = random.choice(SECTIONS)
        tree = copy.deepcopy(self._trees[name])
        for _ in range(random.choice([1, 1, 1, 2])):
            path = random.choice(self._places[name])
            try:
                *parents, last = path
                holder = tree
                for key in parents:
                    holder = holder[key]
                holder[last] = self._changed(random, name, holder[last])
            except (KeyError, IndexError, TypeError):
                continue  # the place went with an earlier change
        sections = {**self._packed, name: msgspec.msgpack.encode(tree)}
        if name == "corpus":
            sections = _described(sections)
        return sealed(msgspec.msgpack.encode(sections))

    def _changed(self, random: Random, name: str, value: object) -> object:
        chance = random.random()
        match value:
            case bytes() if chance < 0.9:
                return _array_changed(random, value)
            case list() if value and chance < 0.5:
                at = random.randrange(len(value))
                other = copy.deepcopy(random.choice(value))
                kept = value[at + 1 :]
                return [*value[:at], *random.choice([[], [other], [value[at], other]]), *kept]
            case int() | float() if chance < 0.5 and abs(value) < 2**60:
                return value + random.choice([1, -1, 2, 100])
        if chance < 0.75:
            others = [self._at(name, path) for path in random.choices(self._places[name], k=20)]
            alike = [other for other in others if type(other) is type(value)]
            return copy.deepcopy(random.choice(alike or _JUNK))
        return copy.deepcopy(random.choice(_JUNK))

    def _at(self, name: str, path: _Path) -> object:
        found = self._trees[name]
        for key in path:
            found = found[key]
        return found


def _places(tree: object, path: _Path = ()) -> Iterator[_Path]:
    pairs: Any = ()
    if isinstance(tree, dict):
        pairs = tree.items()
    elif isinstance(tree, list):
        pairs = enumerate(tree)
    for key, value in pairs:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _array_changed(random: Random, data: bytes) -> bytes:
    width = random.choice([1, 4, 4, 8])
    at = random.randrange(len(data) // width + 1) * width
    word: bytes = (random.choice(_WORDS) % 2 ** (8 * width)).to_bytes(width, "little")
    return data[:at] + random.choice([word, word, b"", word * 2]) + data[at + width :]


def _described(sections: dict[str, bytes]) -> dict[str, bytes]:
    """The sections with a `meta` that fits the corpus, if that is one at all."""
    try:
        corpus = msgspec.msgpack.decode(sections["corpus"], type=Corpus)
        return {**sections, "meta": msgspec.msgpack.encode(describe(corpus))}
    except (msgspec.DecodeError, IndexError):
        return sections
