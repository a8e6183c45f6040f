"""Markdown pages: CommonMark with tables, which GitHub, Sphinx and the like read.

What a page shows was written by others. A value that a template shows is escaped, every character of
it that could mean something to Markdown, unless it is `Markdown` itself, which only the functions here
make of it.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Final

from clausal.compiler.ir import Bilingual
from clausal.dsl.render.visible import is_hidden, name_of, visible
from clausal.dsl.version import __version__
from clausal.pages.html import STATUSES, MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment

_SPECIAL: Final = re.compile(r"([]!#$%&)*+.:<=>@\\^_`{|}~\[-])")
"""All punctuation of ASCII but what never means anything: comma, semicolon, quotes, `?`, `/`, `(`."""

_RUN: Final = re.compile(r"`+")
_SPACES: Final = re.compile(r"\s+")


class Markdown(str):
    """A text that is Markdown already."""

    __slots__ = ()


def escaped(text: str) -> Markdown:
    """A text on one line, of which nothing means anything to Markdown."""
    return Markdown(_SPECIAL.sub(r"\\\1", visible(_SPACES.sub(" ", text).strip())))


def code(text: str) -> Markdown:
    """A text as code, also within the cell of a table."""
    shown = visible(text)
    if not shown.strip():
        return Markdown("")
    longest = max((len(run) for run in _RUN.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return Markdown(f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|"))


def block(text: str, language: str) -> Markdown:
    """Lines of code."""
    lines = ["".join(name_of(one) if is_hidden(one) else one for one in line) for line in
             text.expandtabs().split("\n")]  # fmt: skip
    longest = max((len(run) for run in _RUN.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown("\n".join([f"{fence}{language}", *lines, fence]))


def both(texts: Bilingual) -> Markdown:
    """A text in both languages, as far as they are there."""
    return Markdown(" · ".join(escaped(text) for text in (texts.zh, texts.en) if text))


def link(text: str | Markdown, target: str) -> Markdown:
    """A link; the target is a path of pages made here, whose names need no escapes but these."""
    shown = text if isinstance(text, Markdown) else code(text)
    return Markdown(f"[{shown}](<{visible(target)}>)")


def listed(items: list[Markdown]) -> Markdown:
    """Several of what is Markdown already, with commas."""
    return Markdown(", ".join(items))


def environment() -> Environment:
    """The templates of Markdown pages.

    Raises:
        MissingExtraError: if Jinja is not installed.
    """
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Jinja2") from error

    def shown(value: object) -> str:
        return value if isinstance(value, Markdown) else escaped(str(value))

    folder = resources.files("clausal.pages") / "templates"
    names = [file for file in folder.iterdir() if file.name.endswith(".md")]
    found = Environment(
        loader=DictLoader({file.name: file.read_text("utf-8") for file in names}),
        # It is not HTML: `finalize` escapes each value as Markdown.
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters.update(code=code, both=both, block=block, link=link, raw=Markdown)
    found.globals.update(clausal=__version__, statuses=STATUSES)
    return found
