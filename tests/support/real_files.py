"""Real policy files: those that are shipped, and the inputs of the goldens of the parser."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from clausal.dsl.source import Source
from tests.support.golden import GOLDENS

_SHIPPED = Path(str(resources.files("clausal.policies")))

POLICY_FILES = sorted(
    [*_SHIPPED.rglob("*.policy"), *(GOLDENS / "syntax").glob("*.policy")],
    key=lambda path: path.name,
)
"""Files without syntax errors."""

_OPAQUE = re.compile(r'"(?:\\.|[^"\\\n])*"|“[^“”\n]*”|#[^\n]*|matches\s+/(?:\\.|[^/\\\n])+/')


SMALL = 8_000
"""So many characters are parsed in little time, again and again."""


def real_sources(at_most: int | None = None) -> dict[str, Source]:
    """The sources of the files by their names; only those of at most so many characters, if given."""
    sources = [Source.read(path, path.name) for path in POLICY_FILES]
    return {s.name: s for s in sources if at_most is None or len(s.text) <= at_most}


def gaps(text: str) -> list[int]:
    """The offsets of the spaces of a policy that stand between its tokens."""
    opaque = [match.span() for match in _OPAQUE.finditer(text)]
    found = []
    for match in re.finditer(r"[ \n]", text):
        while opaque and opaque[0][1] <= match.start():
            opaque.pop(0)
        if not opaque or match.start() < opaque[0][0]:
            found.append(match.start())
    return found
