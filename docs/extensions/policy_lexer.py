"""Colours for policy files, with the keywords read from the grammar."""

from __future__ import annotations

import re
from importlib import resources
from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.lexers.special import TextLexer
from pygments.token import (
    Comment,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
)
from sphinx.application import Sphinx


def _keywords() -> tuple[str, ...]:
    """Every word that the grammar quotes."""
    grammar = resources.files("clausal.dsl").joinpath("grammar.lark").read_text(encoding="utf-8")
    return tuple(sorted({*re.findall(r'"([a-z]+)"', grammar), "zh", "en"}))


class PolicyLexer(RegexLexer):
    """Policy files and fragments of them; what is in error is shown as plain text."""

    name = "Clausal"
    aliases: ClassVar = ["clausal", "clausal-fragment"]
    tokens: ClassVar = {
        "root": [
            (r"\s+", Text),
            (r"[#＃][^\n]*", Comment.Single),
            (r'"(\\.|[^"\\\n])*"|“[^“”\n]*”', String),
            (r"(?<=matches )/(\\.|[^/\\\n])+/", String.Regex),
            (r"\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?", Literal.Date),
            (r"@[0-9a-f]{8}", Name.Label),
            (words(_keywords(), prefix=r"\b", suffix=r"\b"), Keyword),
            (r"\d[\w.]*[%％]?", Number),
            (r"[^\W\d]\w*", Name),
            (r"[-+*/<>=!≤≥≠×÷＋－＜＞＝！＊⇒]+", Operator),
            (r"[\[\](){},.:，、（）［］【】｛｝：]+", Punctuation),
            (r".", Text),
        ]
    }


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the lexers; grammar excerpts are shown as they are."""
    app.add_lexer("clausal", PolicyLexer)
    app.add_lexer("clausal-fragment", PolicyLexer)
    app.add_lexer("lark", TextLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
