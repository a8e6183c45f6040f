"""What a name means in one file: its own declarations first, then those of the libraries it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from clausal.compiler.checking.amounts import Calendar
from clausal.compiler.checking.documents import (
    SPACES,
    WORDS,
    Document,
    Named,
    Space,
    identifier,
)
from clausal.compiler.checking.report import Report, suggest
from clausal.compiler.checking.schema import FieldUse, Schema
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label
from clausal.dsl.source import Span

_N = TypeVar("_N", bound=Named)

Kind: TypeAlias = "type[Any]"
"""The class of a declaration: one of `Named`."""

_UNKNOWN: Final = {
    nodes.Sanction: "E0212",
    nodes.MeasureSet: "E0212",
    nodes.Target: "E0211",
    nodes.Ladder: "E0213",
    nodes.Terms: "E0214",
    nodes.Samples: "E0214",
}
"""The code for a name of that kind that nobody declares; E0203 for all others."""

_PHRASES: Final = {nodes.Terms: "list of terms", nodes.Samples: "list of samples"}


@dataclass(frozen=True, slots=True)
class Found(Generic[_N]):
    """A declaration and the file that it stands in."""

    document: Document
    node: _N

    @property
    def place(self) -> Label:
        """Where it is declared."""
        return Label(self.document.report.source, identifier(self.node).span, "declared here")


class Uses:
    """Which declarations something refers to; shared by all scopes."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def add(self, node: Named) -> None:
        """Note that something refers to ``node``."""
        self._seen.add(id(node))

    def __contains__(self, node: Named) -> bool:
        return id(node) in self._seen


class Scope:
    """The names that one document can use.

    An own declaration hides one of a library. A name that two libraries declare is an error where
    it is used (E0215), unless it is a sanction, target or field, which no two libraries may share.
    """

    def __init__(self, document: Document, schema: Schema, calendar: Calendar, uses: Uses) -> None:
        self.document = document
        self.schema = schema
        self.calendar = calendar
        self._uses = uses
        self._documents = document.closure()

    @property
    def report(self) -> Report:
        """Where to say what is wrong in the document."""
        return self.document.report

    def lookup(self, space: Space, name: str) -> Found[Named] | None:
        """The declaration that ``name`` means, without marking it as used or reporting anything."""
        for document in self._documents:
            node = document.names.get(space, {}).get(name)
            if node is not None:
                return Found(document, node)
        return None

    def mark(self, node: Named) -> None:
        """Note that something refers to ``node``."""
        self._uses.add(node)

    def find(self, kind: type[_N], name: nodes.Name) -> Found[_N] | None:
        """The declaration of one kind; None after reporting that there is none."""
        found = self.resolve(SPACES[kind], name)
        if found is None:
            self.complain(kind, name)
            return None
        if not isinstance(found.node, kind):
            self.report.add(
                _UNKNOWN.get(kind, "E0203"),
                f"`{name.text}` is a {_phrase(type(found.node))}, not a {_phrase(kind)}",
                name.span,
                "",
                others=[found.place],
                help=suggest(name.text, self.known(kind)),
            )
            return None
        return Found(found.document, found.node)

    def resolve(self, space: Space, name: nodes.Name) -> Found[Named] | None:
        """The declaration that ``name`` means, which is thereby used; None without a report."""
        found = self.lookup(space, name.text)
        if found is None:
            return None
        self._uses.add(found.node)
        if found.document is not self.document and space in (Space.VALUE, Space.MEASURE):
            self._report_rivals(space, name, found)
        return found

    def _report_rivals(self, space: Space, name: nodes.Name, found: Found[Named]) -> None:
        rivals = [
            Found(document, node)
            for document in self._documents
            for node in [document.names.get(space, {}).get(name.text)]
            if node is not None and document.name != found.document.name
        ]
        if rivals and not isinstance(found.node, nodes.Sanction):
            self.report.add(
                "E0215",
                f"`{name.text}` is declared by `{found.document.name}` and by "
                f"`{rivals[0].document.name}`",
                name.span,
                "which one is meant is not clear",
                others=[found.place, rivals[0].place],
                help=["declare it in this file"],
            )

    def complain(self, kind: Kind, name: nodes.Name) -> None:
        """Report that nothing of the kind has the name, unless its declaration is in error."""
        if not self.excuses(name.text):
            self.report.add(
                _UNKNOWN.get(kind, "E0203"),
                f"there is no {_phrase(kind)} `{name.text}`",
                name.span,
                "",
                help=suggest(name.text, self.known(kind)),
            )

    def excuses(self, name: str) -> bool:
        """Whether the name may be declared where parsing failed, so that its use is not blamed."""
        return any(d.opaque or name in d.broken for d in self._documents)

    def known(self, *kinds: Kind) -> Iterator[str]:
        """The names of everything of these kinds."""
        for document in self._documents:
            for kind in kinds:
                yield from (identifier(node).text for node in document.of(kind))

    def field(self, path: Iterable[str], span: Span) -> FieldUse | None:
        """The field that a path names; None after reporting that there is none."""
        parts = tuple(path)
        found = self.schema.find(parts)
        if found is None and not self.schema.is_broken(parts) and not self.excuses(parts[0]):
            self.schema.complain(self.report, parts, span)
        return found


def _phrase(kind: Kind) -> str:
    return _PHRASES.get(kind, WORDS[kind])
