"""Reads names and literals, which is where their spelling is known and checked."""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.render.visible import is_hidden
from clausal.dsl.source import Source, Span

HALF_WIDTH: Final = str.maketrans(
    "０１２３４５６７８９＜＞＝！＋－×＊÷／：．％", "0123456789<>=!+-**//:.%"
)
"""Digits and signs of full width, and those of half width that they stand for."""

_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\(u\{([^}]*)\}|.)", re.DOTALL)
_AMOUNT: Final = re.compile(r"[0-9.]+")
_LONGEST: Final = 300
"""Neither the digits of a number nor its power of ten may be more."""
_LONGEST_STEP: Final = 9
"""The digits that the number of a step may have."""


@dataclass(slots=True)
class Token:
    """A name, a literal, an operator, or a keyword that means something by itself."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands in the source."""
        return Span(self.start, self.end)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


class Words:
    """The readers of one source; what is wrong with a word goes to `diagnostics`."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def _name(self, token: Token) -> nodes.Name:
        text = token.text
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            if any(map(is_hidden, text)):
                self.diagnostics.error(
                    "E0102",
                    f"the name `{text}` holds a character that cannot be seen",
                    self.source,
                    token.span,
                )
        return nodes.Name(text, token.span)

    def _string(self, token: Token) -> nodes.String:
        body = token.text[1:-1]
        if "\\" in body and token.text[0] != "“":
            body = _ESCAPE.sub(lambda match: self._unescaped(match, token.start + 1), body)
        return nodes.String(body, token.span)

    def _unescaped(self, match: re.Match[str], start: int) -> str:
        """The character of an escape in a string whose text begins at `start`."""
        simple, code = match.group(1), match.group(2)
        if simple in _ESCAPES:
            return _ESCAPES[simple]
        if code is not None and re.fullmatch(r"[0-9A-Fa-f]{1,6}", code):
            value = int(code, 16)
            if 0 < value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF:
                return chr(value)
        self.diagnostics.error(
            "E0107",
            f"`{match.group()}` is not an escape",
            self.source,
            Span(start + match.start(), start + match.end()),
            help=('write `\\"`, `\\\\`, `\\n`, `\\t` or `\\u{4e2d}`',),
        )
        return match.group()

    def _number(self, token: Token) -> nodes.Number:
        text = token.text.translate(HALF_WIDTH).replace("_", "")
        digits = text.rstrip("%kM千万百亿 \u3000\u00a0")
        suffix = text[len(digits) :].strip()
        return nodes.Number(self._decimal(digits, token), suffix, token.span)

    def _decimal(self, digits: str, token: Token) -> Decimal:
        try:
            value = Decimal(digits)
        except InvalidOperation:
            value = Decimal("Infinity")
        if value.is_finite() and len(digits) <= _LONGEST and abs(value.adjusted()) <= _LONGEST:
            return value
        self.diagnostics.error(
            "E0105",
            f"`{_short(token.text)}` is too large or too small a number",
            self.source,
            token.span,
        )
        return Decimal(0)

    def _duration(self, token: Token) -> nodes.Duration:
        text = token.text.translate(HALF_WIDTH).replace("_", "")
        amount = _AMOUNT.match(text)
        assert amount is not None
        unit = text[amount.end() :].strip()
        return nodes.Duration(self._decimal(amount.group(), token), unit, token.span)

    def _moment(self, token: Token, what: str) -> str:
        text = token.text.translate(HALF_WIDTH)
        try:
            datetime.datetime.fromisoformat(text)
            known = "T24" not in text  # which newer versions of Python take for the next day
        except ValueError:
            known = False
        if not known:
            self.diagnostics.error(
                "E0106", f"`{token.text}` is not a {what} of the calendar", self.source, token.span
            )
        return text

    def _clock(self, token: Token) -> str:
        text = token.text.translate(HALF_WIDTH)
        hour, minute = text.split(":")
        if int(hour) > 24 or int(minute) > 59 or (int(hour) == 24 and int(minute) > 0):
            self.diagnostics.error(
                "E0106",
                f"`{token.text}` is not a time of day",
                self.source,
                token.span,
                help=("times of day run from 00:00 to 24:00",),
            )
            return "00:00"
        return text

    def _step_number(self, digits: str, token: Token) -> int:
        if digits.isdecimal() and len(digits) <= _LONGEST_STEP:
            return int(digits)
        self.diagnostics.error(
            "E0105", f"`{_short(token.text)}` is not the number of a step", self.source, token.span
        )
        return 0
