"""HTML pages that stand alone: one file, no script, nothing fetched.

What a page shows was written by others: the authors of policies and notices, the senders of events.
Jinja escapes every value that a template shows, and `visible` has shown each character by its number
that would act on the reader or hide from them. Attributes are always quoted. The page forbids itself
scripts and network by its Content-Security-Policy, should all of that ever fail.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from clausal.compiler.ir import UNKNOWN, Bilingual, VersionDef
from clausal.dsl.render.visible import visible
from clausal.dsl.version import __version__
from clausal.engine.render import rfc3339

if TYPE_CHECKING:
    from jinja2 import Environment

STATUSES: Final = {
    "cited": Bilingual(zh="规则引用", en="cited by rules"),
    "duty": Bilingual(zh="平台义务", en="duty"),
    "unaccounted": Bilingual(zh="未交代", en="unaccounted for"),
    "pending": Bilingual(zh="待定", en="pending"),
    "not enforced": Bilingual(zh="不执行", en="not enforced"),
    "organisational": Bilingual(zh="组织要求", en="organisational"),
}
"""What a clause can be, in both languages; the first two and the last three account for it."""


class MissingExtraError(Exception):
    """What draws pages is not installed; the message says what to install."""

    def __init__(self, package: str) -> None:
        super().__init__(f"pages need {package}, which is not installed")


def environment() -> Environment:
    """The templates, with everything that they show escaped.

    Raises:
        MissingExtraError: if Jinja is not installed.
    """
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415
        from markupsafe import Markup  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Jinja2") from error

    def shown(value: object) -> object:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    folder = resources.files("clausal.pages") / "templates"
    files = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    found = Environment(
        loader=DictLoader(files),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.globals.update(clausal=__version__, statuses=STATUSES)
    return found


def drawn(markup: str) -> object:
    """What was drawn by a module of these pages, for a template to show as it is."""
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(markup)  # noqa: S704 - the charts' own SVG, whose texts an XML writer escaped


def span(version: VersionDef) -> str:
    """When a version is in force: days, where it begins and ends with days."""
    if version.start == UNKNOWN:
        return "dates not known 日期未知"
    ends = (version.start, version.end)
    shown = ["" if end is None else rfc3339(end, version.zone) for end in ends]
    return " .. ".join(
        day if clock.startswith("00:00:00") else f"{day}{mark}{clock}"
        for day, mark, clock in (one.partition("T") for one in shown)
    ).strip()


def page(template: str, **values: object) -> bytes:
    """A page, as the bytes of a file.

    Raises:
        MissingExtraError: if Jinja is not installed.
    """
    return environment().get_template(template).render(**values).encode("utf-8")
