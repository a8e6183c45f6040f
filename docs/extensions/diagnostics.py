"""The index of diagnostics, made from the catalogue and its pages while the documentation is built.

The pages live in `dsl/pages/`, where the compiler reads them; there is no second copy. A page of the
documentation that holds the line ``<!-- diagnostics -->`` has all of them in its place, each under
a label by its code, and the role ``diagnostic`` refers to one: {diagnostic}`E0101`.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from clausal.dsl.codes import CODES, page

MARK: Final = "<!-- diagnostics -->"

_BLOCKS: Final = {
    "E01": "Syntax",
    "E02": "Names and structure",
    "E03": "Types and units",
    "E04": "Rules, sanctions and measures",
    "E05": "Policies, clauses and versions",
    "E06": "Tests and history",
    "W09": "Warnings",
}


def label(code: str) -> str:
    """The label of a code's section."""
    return f"diagnostic-{code.lower()}"


def index() -> str:
    """All pages as one Markdown text: a section for each block, the codes in it."""
    parts = []
    for block, title in _BLOCKS.items():
        entries = [entry for code, entry in CODES.items() if code.startswith(block)]
        parts.append(f"## {title}\n")
        parts += [f"- {{diagnostic}}`{entry.code}`: {entry.title}" for entry in entries]
        parts += [f"\n({label(entry.code)})=\n{_lowered(page(entry.code))}" for entry in entries]
    return "\n".join(parts)


def _lowered(text: str) -> str:
    """A page as a section of another: its title two levels lower, its own headings in bold."""
    text = re.sub(r"^## (.+)$", r"**\1**", text, flags=re.MULTILINE)
    return re.sub(r"\A# ", "### ", text)


class DiagnosticRole(SphinxRole):
    """The code, as a reference to its section."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the reference; a code that is not in the catalogue is reported."""
        if self.text not in CODES:
            message = self.inliner.reporter.error(f"no such code: {self.text}", line=self.lineno)
            return [], [message]
        reference = pending_xref(
            "",
            nodes.literal(self.text, self.text),
            refdomain="std",
            reftype="ref",
            reftarget=label(self.text),
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        self.set_source_info(reference)
        return [reference], []


def _fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    if MARK not in content[0]:
        return
    folder = resources.files("clausal.dsl") / "pages"
    for code in CODES:
        app.env.note_dependency(str(folder / f"{code}.md"))
    content[0] = content[0].replace(MARK, index())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the role and the mark."""
    app.add_role("diagnostic", DiagnosticRole())
    app.connect("source-read", _fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
