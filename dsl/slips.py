"""The slips that authors make most, and what helps with each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clausal.dsl.suggest import nearest

UNITS: Final = (
    "units are `%`, `k`, `M`, `千`, `万`, `百万`, `亿` for numbers and `s`, `m`, `h`, `d`, `w`, "
    "`秒`, `分钟`, `小时`, `天`, `周` for durations"
)


@dataclass(frozen=True, slots=True)
class Slip:
    """A place where the text cannot go on, seen with its line; `word` is what stands there.

    `expected` are the terminals that could stand there, `keywords` the words of those that are one.
    """

    before: str
    word: str
    after: str
    expected: frozenset[str]
    keywords: frozenset[str]

    @property
    def rest(self) -> str:
        """The line from the place on."""
        return self.word + self.after


_INSTEAD: Final = {
    "when": ("if", "where", "condition", "当", "如果", "若"),
    "unless": ("except", "exception", "除非", "但"),
    "then": ("do", "action", "actions", "sanction", "measure", "则", "那么"),
    "because": ("reason", "message", "why", "since", "因为", "理由"),
    "cites": ("clause", "clauses", "依据", "引用"),
    "title": ("name", "标题"),
    "severity": ("level", "priority"),
    "use": ("import", "include", "using", "引入"),
    "and": ("且", "并且", "和", "与"),
    "or": ("或", "或者"),
    "not": ("非", "不"),
    "given": ("with", "event", "假设"),
    "expect": ("assert", "expects", "期望"),
    "for": ("during", "持续"),
    "required": ("mandatory", "must"),
    "string": ("str", "char"),
    "integer": ("int", "long"),
    "number": ("float", "double", "decimal", "real"),
    "bool": ("boolean",),
    "enum": ("choice", "oneof"),
    "instant": ("datetime", "timestamp"),
    "set": ("list", "array"),
    "map": ("dict",),
}
"""For a keyword, words of other languages that stand for it."""

_AT_ELSE: Final = "write a rule of its own for the other case, or an exception with `unless`"
_HEADER: Final = frozenset({"time", "use", "title", "notice"})
"""The words with which an entry of a header begins, `in force` aside."""

_ELSE: Final = frozenset({"else", "elif", "elsif", "otherwise", "否则"})

_UNIT_NAMES: Final = {
    "s": ("sec", "secs", "second", "seconds"),
    "m": ("min", "mins", "minute", "minutes", "分"),
    "h": ("hr", "hrs", "hour", "hours", "时", "个钟", "个钟头", "钟头"),
    "d": ("day", "days"),
    "w": ("wk", "wks", "week", "weeks", "星期", "个星期", "个周", "礼拜"),
    "k": ("K", "thousand"),
    "M": ("mil", "million", "millions", "mln"),
    "%": ("percent", "pct"),
    "万": ("W",),
}
_NO_UNITS: Final = frozenset(
    {"month", "months", "mo", "月", "个月", "y", "yr", "yrs", "year", "years", "年"}
)

_QUOTES: Final = 'write texts in `"…"` or `“…”`'

_DATE: Final = re.compile(
    r"(?<![0-9])([0-9]{4})(?:年|[-/.])([0-9]{1,2})(?:月|[-/.])([0-9]{1,2})(?:日|号|(?![0-9]))"
)
_QUANTITY: Final = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?) *([^\W\d_]+)")
_ELEMENT: Final = re.compile(r'["“\w-]')
_LAST_WORD: Final = re.compile(r"(\w+)[ \t]*$")


def advice(slip: Slip) -> str | None:
    """What to do about it, if it looks like one of the slips that are known."""
    return next((found for known in _SLIPS if (found := known(slip)) is not None), None)


def _date(slip: Slip) -> str | None:
    """``2024/04/23``, ``2024年4月23日``, ``2024-4-23``."""
    at = len(slip.before)
    for match in _DATE.finditer(slip.before + slip.rest):
        if match.start() <= at < match.end():
            year, month, day = match.groups()
            return f"write `{year}-{month:0>2}-{day:0>2}`"
    return None


def _time(slip: Slip) -> str | None:
    """``2024-05-01 12:00``."""
    date = re.search(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ \t]+$", slip.before)
    time = re.match(r"[0-9]{2}[:：][0-9]{2}(?:[:：][0-9]{2})?", slip.rest)
    return f"write `{date[1]}T{time[0]}`" if date and time else None


def _unit(slip: Slip) -> str | None:
    """``48hours``, ``7 days``, ``5W``, ``1年``."""
    at = len(slip.before)
    for match in _QUANTITY.finditer(slip.before + slip.rest):
        if match.start() <= at < match.end():
            amount, unit = match.groups()
            if unit in _NO_UNITS:
                return "months and years differ in length: count days, such as `30d`"
            for known, names in _UNIT_NAMES.items():
                if unit in names or (unit.lower() in names and len(unit) > 1):
                    return f"write `{amount}{known}`"
    return None


def _equals(slip: Slip) -> str | None:
    if slip.rest.startswith(("==", "＝＝")):
        return "write one `=` here: two compare" if "_EQUAL" in slip.expected else None
    if slip.rest.startswith(("=", "＝")) and "EQUALS" in slip.expected:
        return "compare with `==`"
    return None


def _sign(slip: Slip) -> str | None:
    """Operators and separators of other languages."""
    if slip.before.endswith("<") and slip.rest.startswith(">"):
        return "write `!=`"
    for sign, instead in _SIGNS.items():
        if slip.rest.startswith(sign):
            return instead
    return None


def _open_end(slip: Slip) -> str | None:
    """``in force 2024-06-01``, and nothing after it."""
    if slip.expected == {"_DOTDOT"} and slip.word in _HEADER | {""}:
        return "write `..` behind the first day: `in force 2024-06-01 ..` has no end"
    return None


def _any(slip: Slip) -> str | None:
    """``contains "…"``."""
    if "ANY" in slip.expected and slip.rest.startswith(('"', "“", "[", "【")):
        return 'write `any` and a list: `any ["…"]`'
    return None


def _text(slip: Slip) -> str | None:
    """``zh 清朗``, ``zh「清朗」``: a language without a text in quotes after it."""
    if "LANG" in slip.expected and re.match(r"(?:zh|en)", slip.word):
        return _QUOTES
    return None


def _colon(slip: Slip) -> str | None:
    if not slip.rest.startswith((":", "：")):
        return None
    last = _LAST_WORD.search(slip.before)
    return f"no colon stands after `{last[1]}`" if last else "leave the colon out"


def _hyphen(slip: Slip) -> str | None:
    """``rule my-rule {``."""
    if slip.rest.startswith("-") and "MINUS" not in slip.expected:
        start, end = re.search(r"\w*$", slip.before), re.match(r"(?:-\w+)+", slip.rest)
        if start and start[0] and end:
            return f"join the words of a name with `_`: `{(start[0] + end[0]).replace('-', '_')}`"
    return None


def _is(slip: Slip) -> str | None:
    """``x is y``."""
    if "MISSING" in slip.expected:
        return "compare with `==` or `!=`: `is` asks only whether something is missing"
    return None


def _else(slip: Slip) -> str | None:
    if slip.word in _ELSE:
        return _AT_ELSE
    return None


def _keyword(slip: Slip) -> str | None:
    """A word that is nearly a keyword, or stands for one elsewhere."""
    found = nearest(slip.word, slip.keywords) if slip.word else None
    for keyword, others in _INSTEAD.items():
        if keyword in slip.keywords and slip.word.lower() in others:
            found = keyword
    return f"did you mean `{found}`?" if found else None


def _comma(slip: Slip) -> str | None:
    """Elements of a list side by side."""
    if "_COMMA" not in slip.expected or not _ELEMENT.match(slip.rest):
        return None
    in_brackets = not slip.expected.isdisjoint({"_RSQB", "_RPAR"})
    if in_brackets and not {"PLUS", "AND"} <= slip.expected:
        return "put a `,` between the elements"
    if "PIN" in slip.expected:
        return "put a `,` between the clauses"
    is_assignment = re.match(r"\w[\w.]*[ \t]*[=＝]", slip.rest) and "GIVEN" in slip.expected
    return "put a `,` between the assignments" if is_assignment else None


def _step(slip: Slip) -> str | None:
    """``1 warn`` on a ladder."""
    if "STEP" in slip.expected and slip.word[:1].isdigit():
        return f"write `{slip.word} =>` before its measures"
    return None


def _unclosed(slip: Slip) -> str | None:
    """``zh "清朗 en "Clean"``: a text that ends where the next one should begin."""
    quotes = re.sub(r"\\.", "", slip.before + slip.rest).count('"')
    if quotes % 2 and '"' in slip.before:
        return 'a `"` is missing before this place: close each text on its line'
    return None


def misplaced(word: str) -> str | None:
    """What to do about a word among the arguments of a measure, where every name may stand."""
    if word in _ELSE:
        return _AT_ELSE
    if word in ("and", "or"):
        return "put a `,` between measures"
    if word in _NO_UNITS or any(word in names for names in _UNIT_NAMES.values()):
        return "write for how long as `for 7d`"
    return None


_SIGNS: Final = {
    "&": "write `and`",
    "＆": "write `and`",
    "|": "write `or`",
    "｜": "write `or`",
    "!": "write `not`",
    "！": "write `not`",
    ";": "leave it out: an entry ends where the next one begins",
    "；": "leave it out: an entry ends where the next one begins",
    "。": "leave it out: an entry ends where the next one begins",
    "//": "comments begin with `#`",
    "/*": "comments begin with `#`",
    "--": "comments begin with `#`",
    "'": _QUOTES,
    "‘": _QUOTES,
    "「": _QUOTES,
    "『": _QUOTES,
    "＂": _QUOTES,
    "”": _QUOTES,
    "`": _QUOTES,
}

_SLIPS: Final[tuple[Callable[[Slip], str | None], ...]] = (
    _date,
    _time,
    _unit,
    _equals,
    _open_end,
    _any,
    _sign,
    _text,
    _colon,
    _hyphen,
    _is,
    _else,
    _step,
    _keyword,
    _comma,
    _unclosed,
)
