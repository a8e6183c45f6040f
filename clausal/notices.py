"""The texts of notices, and where in them the clauses that policies quote stand.

What differs without changing a word does not count: white space, the emphasis of Markdown, the width
of punctuation, the form of quotation marks, pinyin in brackets. A notice in traditional characters is
brought to simplified ones by OpenCC, character for character, if that is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath
from typing import Final

LARGEST: Final = 4 << 20
"""Bytes of a notice, at most: it is a text for people."""

_PUNCTUATION: Final = dict(zip(",:;!?()", "，：；！？（）", strict=True))
_QUOTES: Final = frozenset("“”‘’\"'")
_PINYIN: Final = re.compile(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]+\)")
_TRADITIONAL: Final = re.compile("[絡謠專項動對發]")
_STOPS: Final = "。；，"


class NoticeError(Exception):
    """A notice that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote stands: from one character of a notice to before another."""

    start: int
    end: int


class Notice:
    """The text of a notice, in which quotes are looked for.

    Attributes:
        text: The text as it was read.
        unread: Whether it is in traditional characters, and nothing is installed that reads them.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        known = text
        self.unread = False
        if _TRADITIONAL.search(text):
            convert = _simplifier()
            if convert is None:
                self.unread = True
            else:
                known = convert(text)
        self._plain, self._origin = _plain(known)

    def find(self, quote: str, after: int = 0) -> Place | None:
        """Where a quote stands: at or behind `after` if it does there, else anywhere; None if nowhere."""
        sought = _plain(quote)[0].rstrip(_STOPS)
        if not sought:
            return None
        begin = next((at for at, origin in enumerate(self._origin) if origin >= after), 0)
        found = self._plain.find(sought, begin)
        if found < 0:
            found = self._plain.find(sought)
        if found < 0:
            return None
        last = found + len(sought) - 1
        # The stop at the end belongs to the clause, whether or not it was quoted.
        if last + 1 < len(self._plain) and self._plain[last + 1] in _STOPS:
            last += 1
        return Place(self._origin[found], self._origin[last] + 1)


def _plain(text: str) -> tuple[str, list[int]]:
    """The text without what may differ, and where each character of it was."""
    dropped = {at for match in _PINYIN.finditer(text) for at in range(*match.span())}
    kept: list[str] = []
    origin: list[int] = []
    for at, one in enumerate(text):
        if at in dropped or one.isspace() or one == "*":
            continue
        kept.append('"' if one in _QUOTES else _PUNCTUATION.get(one, one))
        origin.append(at)
    return "".join(kept), origin


def _simplifier() -> Callable[[str], str] | None:
    """What brings traditional characters to as many simplified ones; None if there is none."""
    try:
        convert: Callable[[str], str] = import_module("opencc").OpenCC("t2s").convert
    except ImportError:
        return None

    def simplified(text: str) -> str:
        whole = convert(text)
        if len(whole) != len(text):  # A phrase that has another length in simplified characters.
            whole = "".join(one if len(new := convert(one)) != 1 else new for one in text)
        # 著 is 着 in every word of a notice, which OpenCC leaves to the context.
        return whole.replace("著", "着")

    return simplified


def read_notices(folder: Path, names: Iterable[str]) -> dict[str, Notice]:
    """The notices of a folder that are there, by name.

    A name is what a policy says; of one that is a path, the last part is looked for, too. One that
    leads out of the folder is as good as not there.

    Raises:
        NoticeError: if one is there and cannot be read.
    """
    root = folder.resolve()
    found: dict[str, Notice] = {}
    for name in dict.fromkeys(names):
        try:
            file = _within(root, name) or _within(root, PurePath(name).name)
            if file is None:
                continue
            if file.stat().st_size > LARGEST:
                raise NoticeError(f"`{name}` is larger than {LARGEST >> 20} MiB")
            found[name] = Notice(file.read_text("utf-8-sig"))
        except OSError as error:
            raise NoticeError(f"cannot read `{name}`: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise NoticeError(f"`{name}` is not UTF-8") from error
        except ValueError:  # A name with a NUL, which no file has.
            continue
    return found


def _within(root: Path, name: str) -> Path | None:
    file = (root / name).resolve()
    return file if name and file.is_relative_to(root) and file.is_file() else None
