"""The chain of hashes: nothing in a ledger can be changed, left out or moved unseen.

The hash of an entry is SHA-256 over the hash before it and the fact in its one form, so that the last
hash stands for the whole ledger: whoever kept it can tell any other history from this one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from clausal.enforcement.facts import AnyFact

ORIGIN: Final = bytes(32)
"""What stands before the first entry."""


class Entry(msgspec.Struct, frozen=True):
    """A fact in its place. ``seq`` counts from 1; ``data`` is the fact in its one form."""

    seq: int
    fact: AnyFact
    data: bytes
    hash: bytes


class Head(msgspec.Struct, frozen=True):
    """The end of a ledger: how many entries it has, and the hash of the last."""

    seq: int = 0
    hash: bytes = ORIGIN

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The head that was written so.

        Raises:
            ValueError: if none was.
        """
        seq, _, digits = text.strip().partition(":")
        head = cls(int(seq), bytes.fromhex(digits))
        if len(head.hash) != len(ORIGIN) or str(head) != text.strip():
            raise ValueError(f"`{text}` is not the end of a ledger")
        return head


def link(before: bytes, data: bytes) -> bytes:
    """The hash of an entry after the one whose hash is given."""
    return hashlib.sha256(before + data).digest()


class Broken(msgspec.Struct, frozen=True):
    """Where a ledger is not what was written, and how that shows."""

    seq: int
    what: str


def check(rows: Iterable[tuple[int, bytes, bytes]], head: Head | None = None) -> Broken | None:
    """The first place where entries are not the chain that they claim to be.

    Args:
        rows: Number, data and hash of all entries, from the first, in order.
        head: Where the chain must end, if that was kept.
    """
    seq, before = 0, ORIGIN
    for number, data, digest in rows:
        seq += 1
        if number != seq:
            return Broken(seq, f"entry {seq} is missing: the next one is {number}")
        before = link(before, data)
        if digest != before:
            return Broken(seq, f"entry {seq} is not what was written, or not in its place")
        if head is not None and seq == head.seq and digest != head.hash:
            return Broken(seq, f"entry {seq} is not the one that was kept as the last")
    if head is not None and seq < head.seq:
        return Broken(seq + 1, f"the last {head.seq - seq} entries are missing")
    return None
