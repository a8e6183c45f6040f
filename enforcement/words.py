"""What statements need to know of a platform: what its own words are called, and what they mean to others.

A platform says with its own words where a tip came from and what kind of thing an item is; the
European database knows other words. A table in TOML says which are the same, and under which
category the conduct that each rule is about falls: data, which whoever writes policies can change.
The one that belongs to the policies and the fields that ship is `shipped`.
"""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

import msgspec


class FoundBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a tip may come from.

    Attributes:
        zh, en: What it is called.
        dsa: What the European database calls it: an ending of ``SOURCE_…``.
        automated: Whether a machine came upon it.
    """

    zh: str
    en: str
    dsa: str
    automated: bool = False


class ContentWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an item is described.

    Attributes:
        kind: The field that says of what kind it is.
        date: The field that says when it was posted; "" if that is the instant of the act.
        language: The field with its language, in two letters; "" if there is none.
        kinds: For each value of ``kind`` endings of ``CONTENT_TYPE_…``.
        synthetic: Fields, and for each the values that say that a machine made the item.
        other: What others are called; it stands in the statement beside ``CONTENT_TYPE_OTHER``.
    """

    kind: str
    kinds: dict[str, tuple[str, ...]]
    date: str = ""
    language: str = ""
    synthetic: dict[str, tuple[str, ...]] = {}
    other: str = "Other"


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table.

    Attributes:
        found_by: By the word of the event; "" stands for an event that does not say.
        conduct: For each policy and each of its rules the category, an ending of
            ``STATEMENT_CATEGORY_…``, and then keywords, endings of ``KEYWORD_…``.
        reference: The address of a policy, with ``{policy}`` and ``{version}``; "" if it has none.
    """

    found_by: dict[str, FoundBy]
    content: ContentWords
    conduct: dict[str, dict[str, tuple[str, ...]]]
    reference: str = ""


def read(path: Path) -> Words:
    """A table of one's own.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no such table; a `msgspec.MsgspecError` or an encoding error is one.
    """
    return parse(path.read_bytes())


def parse(data: bytes) -> Words:
    """The table that a text in TOML holds.

    Raises:
        ValueError: if it holds none.
    """
    return msgspec.toml.decode(data, type=Words)


@functools.cache
def shipped() -> Words:
    """The table of the policies and the fields that ship."""
    file = resources.files("clausal.policies") / "standard" / "statements.toml"
    return parse(file.read_bytes())
