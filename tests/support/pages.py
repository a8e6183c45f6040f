"""HTML pages, read as a strict reader would, for tests of what makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote

VOID = {"br", "col", "hr", "img", "input", "link", "meta"}
LOADS = {"src", "srcset", "data", "poster", "action", "background", "ping", "formaction"}
HEADINGS = re.compile("h[1-6]")


@dataclass
class Page(HTMLParser):
    """A page: its tags in order, its text, and everything that is wrong with it."""

    source: str
    tags: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.level = 0
        self.feed(self.source)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]
        self.faults += [f"two ids `{one}`" for one in set(self.ids) if self.ids.count(one) > 1]
        known = set(self.ids)
        self.faults += [f"no id `{one}`" for one in (*self.links, *self.labels) if one not in known]
        if self.tags.count("h1") != 1 or self.tags.count("main") != 1:
            self.faults.append("needs one h1 and one main")
        if "&lt;!--" not in self.source and "<!--" in self.source:
            self.faults.append("has a comment")

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            self.faults.append(f"declares {decl}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "iframe", "object", "embed", "base", "form", "link"}:
            self.faults.append(f"has a <{tag}>")
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        for name, value in attrs:
            self.attribute(tag, name, value or "")
        if HEADINGS.fullmatch(tag):
            level = int(tag[1])
            if level > self.level + 1:
                self.faults.append(f"<{tag}> stands under <h{self.level}>")
            self.level = level

    def attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or (name in LOADS and not value.startswith("data:")):
            self.faults.append(f"<{tag} {name}={value!r}>")
        if name == "id":
            self.ids.append(value)
            if not value or re.search(r"\s", value):
                self.faults.append(f"the id {value!r}")
        if name in {"href", "xlink:href"}:
            if not value.startswith("#"):
                self.faults.append(f"<{tag}> leads to {value}")
            self.links.append(unquote(value[1:]))
        if name in {"aria-labelledby", "aria-describedby"}:
            self.labels += value.split()
        if name == "style" and ("url(" in value or "@import" in value):
            self.faults.append(f"<{tag} style={value!r}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            if "url(" in data or "@import" in data:
                self.faults.append("the style loads something")
        elif data.strip():
            self.text.append(" ".join(data.split()))


def read_page(data: bytes | str) -> Page:
    """Read a page and fail on everything that is wrong with it."""
    page = Page(data if isinstance(data, str) else data.decode("utf-8"))
    assert not page.faults, page.faults
    return page
