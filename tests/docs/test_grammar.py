"""The language reference quotes the grammar as it is, and all of it.

With ``CLAUSAL_UPDATE_DOCS=1`` quotes are brought up to date where the grammar has the definition.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.docs.fences import ROOT, fences

UPDATE = os.environ.get("CLAUSAL_UPDATE_DOCS") == "1"

REFERENCE = sorted((ROOT / "docs" / "language").glob("*.md"))

_DEFINITION = re.compile(r"^[?!]?(_?[A-Za-z]\w*)(\.\d+)?\s*:")

UNQUOTED = {"NAME", "WS"}
"""Names and white space are described in words: their definitions are long lists of characters."""


def definitions(text: str) -> dict[str, str]:
    """The rules and terminals that a grammar, or a part of one, defines, without comments."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        code = re.sub(r"(^|\s+)//.*", "", line).rstrip()
        match = _DEFINITION.match(code)
        if match is not None:
            name = match[1]
            assert name not in found, f"`{name}` is defined twice"
            found[name] = []
        if not code or code.startswith("%"):
            name = ""
        if name:
            found[name].append(code)
    return {name: "\n".join(lines) for name, lines in found.items()}


def grammar() -> dict[str, str]:
    return definitions((ROOT / "dsl" / "grammar.lark").read_text(encoding="utf-8"))


def quoted() -> dict[str, list[tuple[str, str]]]:
    """Each definition that the reference quotes, with where it does."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page in REFERENCE:
        for fence in fences(page):
            if fence.language == "lark":
                for name, text in definitions(fence.text).items():
                    found.setdefault(name, []).append((fence.place, text))
    return found


def test_the_grammar_is_read() -> None:
    found = grammar()
    assert found["rule"] == 'rule: "rule" NAME _LBRACE rule_entry* _RBRACE'
    assert found["negation"].endswith("| comparison")
    assert {"start", "measure", "DURATION", "_COMMA"} <= found.keys()


def test_every_quote_is_the_grammar_s() -> None:
    rules = grammar()
    if UPDATE:
        for page in REFERENCE:
            _update(page, rules)
    wrong = [
        f"{place}: the grammar has\n    {rules.get(name, f'no `{name}`')}\nnot\n    {text}"
        for name, places in quoted().items()
        for place, text in places
        if rules.get(name) != text
    ]
    assert not wrong, "\n\n".join(wrong)


def test_the_reference_quotes_all_of_the_grammar() -> None:
    assert grammar().keys() - quoted().keys() - UNQUOTED == set()


def _update(page: Path, rules: dict[str, str]) -> None:
    text = page.read_text(encoding="utf-8")
    for fence in reversed(fences(page)):
        if fence.language == "lark":
            content = fence.text
            for name, old in definitions(content).items():
                content = content.replace(old, rules.get(name, old))
            text = text[: fence.start] + content + text[fence.end :]
    page.write_text(text, encoding="utf-8", newline="\n")
