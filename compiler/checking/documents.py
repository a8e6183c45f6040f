"""Files as declarations under names, and which library each of them uses.

A file holds one policy version or one library version, named by the header that it begins with.
"""

from __future__ import annotations

import enum
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics, Label
from clausal.dsl.parser import DECLARATIONS
from clausal.dsl.source import Source, Span

ERROR_LIMIT: Final = 50
"""A parser that met so many broken declarations has given up: anything may be declared after it."""


class Space(enum.Enum):
    """Names that exclude each other within one file."""

    VALUE = "value"
    MEASURE = "measure"
    LADDER = "ladder"
    RULE = "rule"
    DUTY = "duty"
    CLAUSE = "clause"
    TARGET = "target"
    SCHEMA = "schema"
    EVENT = "event"
    INCIDENT = "incident"
    PROCEDURE = "procedure"
    TEST = "test"


Named = (
    nodes.Let
    | nodes.Param
    | nodes.Tally
    | nodes.Table
    | nodes.Terms
    | nodes.Samples
    | nodes.Sanction
    | nodes.MeasureSet
    | nodes.Ladder
    | nodes.Rule
    | nodes.Duty
    | nodes.Clause
    | nodes.Target
    | nodes.Schema
    | nodes.Event
    | nodes.Incident
    | nodes.Procedure
    | nodes.Test
)

_N = TypeVar("_N", bound=Named)

SPACES: Final[dict[type, Space]] = {
    nodes.Let: Space.VALUE,
    nodes.Param: Space.VALUE,
    nodes.Tally: Space.VALUE,
    nodes.Table: Space.VALUE,
    nodes.Terms: Space.VALUE,
    nodes.Samples: Space.VALUE,
    nodes.Sanction: Space.MEASURE,
    nodes.MeasureSet: Space.MEASURE,
    nodes.Ladder: Space.LADDER,
    nodes.Rule: Space.RULE,
    nodes.Duty: Space.DUTY,
    nodes.Clause: Space.CLAUSE,
    nodes.Target: Space.TARGET,
    nodes.Schema: Space.SCHEMA,
    nodes.Event: Space.EVENT,
    nodes.Incident: Space.INCIDENT,
    nodes.Procedure: Space.PROCEDURE,
    nodes.Test: Space.TEST,
}

WORDS: Final[dict[type, str]] = {
    nodes.MeasureSet: "bundle",
    **{kind: kind.__name__.lower() for kind in SPACES if kind is not nodes.MeasureSet},
}
"""The keyword of each kind of declaration."""

_HEADERS: Final = ("policy", "library", "")
_WORD: Final = re.compile(r"\w+")
_POLICY_ONLY: Final = (nodes.Clause, nodes.Rule, nodes.Duty, nodes.Test)
_LIBRARY_ONLY: Final = (
    nodes.Event,
    nodes.Target,
    nodes.Schema,
    nodes.Sanction,
    nodes.Incident,
    nodes.Procedure,
)
_NAMELESS: Final = (nodes.Event, nodes.Incident, nodes.Procedure)
"""Of these a file has one."""


def identifier(node: Named) -> nodes.Name:
    """The name under which a declaration is found."""
    match node:
        case nodes.Clause():
            return node.id
        case nodes.Test():
            return nodes.Name(node.title.value, node.title.span)
        case nodes.Event() | nodes.Incident() | nodes.Procedure():
            start, word = node.span.start, WORDS[type(node)]
            return nodes.Name(word, Span(start, start + len(word)))
        case _:
            return node.name


@dataclass(eq=False, slots=True)
class Document:
    """One file: a version of a policy or of a library.

    Attributes:
        names: The declarations of each space by name; of two with one name, the first.
        broken: Names whose declaration could not be parsed: uses of them are not blamed.
        opaque: More may be declared than is known, so no use of an unknown name is blamed.
        citations_in_error: A rule cites no clause, or one that does not exist: which of the
            declared ones it means is not known.
        uses: The libraries that it names, itself not among them.
    """

    report: Report
    header: nodes.Policy | nodes.Library
    names: dict[Space, dict[str, Named]]
    broken: frozenset[str] = frozenset()
    opaque: bool = False
    citations_in_error: bool = False
    uses: list[Document] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the policy or library."""
        return self.header.name.text

    @property
    def is_policy(self) -> bool:
        """Whether it holds a policy."""
        return isinstance(self.header, nodes.Policy)

    @property
    def incomplete(self) -> bool:
        """Whether something of it could not be parsed."""
        return self.opaque or bool(self.broken)

    def of(self, kind: type[_N]) -> Iterator[_N]:
        """The declarations of one kind, in the order of their names."""
        found = self.names.get(SPACES[kind], {})
        for name in sorted(found):
            node = found[name]
            if isinstance(node, kind):
                yield node

    def closure(self) -> tuple[Document, ...]:
        """Itself, then every library that it uses, also through another, sorted by name."""
        seen: dict[int, Document] = {id(self): self}
        pending = list(self.uses)
        while pending:
            document = pending.pop()
            if id(document) not in seen:
                seen[id(document)] = document
                pending += document.uses
        first, *rest = seen.values()
        return first, *sorted(rest, key=Document.sort_key)

    def sort_key(self) -> tuple[object, ...]:
        """Libraries and policies by name and version; the source's name decides between copies."""
        return (
            self.is_policy,
            self.name,
            version_key(self.header.version),
            self.report.source.name,
        )


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Orders versions by their numbers, as long as they may be; ``1`` is ``1.0.0``."""
    parts = (*version.split("."), "0", "0")[:3]
    return tuple((len(part.lstrip("0")), part.lstrip("0")) for part in parts)


def matches(asked: str, version: str) -> bool:
    """Whether ``version`` begins with the numbers of ``asked``."""
    count = len(asked.split("."))
    return version_key(asked)[:count] == version_key(version)[:count]


def fingerprint(quote: str) -> str:
    """What pins the text of a clause: 8 hex digits of SHA-256 over it, white space taken out.

    The text is in Unicode form NFC, so that another encoding of one character changes nothing.
    """
    text = "".join(unicodedata.normalize("NFC", quote).split())
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def collect(
    files: Sequence[tuple[Source, nodes.File]], diagnostics: Diagnostics
) -> tuple[list[Document], frozenset[str]]:
    """The documents, and the names of libraries whose header could not be parsed."""
    documents: list[Document] = []
    broken_headers: set[str] = set()
    for source, file in files:
        broken = [node for node in file.declarations if isinstance(node, nodes.Broken)]
        broken_headers |= {node.name for node in broken if node.kind == "library"}
        document = _document(Report(diagnostics, source), file, broken)
        if document is not None:
            documents.append(document)
    documents.sort(key=Document.sort_key)
    _report_copies(documents)
    return documents, frozenset(broken_headers)


def _document(report: Report, file: nodes.File, broken: list[nodes.Broken]) -> Document | None:
    headers = [d for d in file.declarations if isinstance(d, nodes.Policy | nodes.Library)]
    if not headers:
        # A header that did not parse has been reported; what follows cannot be judged without it.
        if not any(_kind(report, node) in _HEADERS for node in broken):
            first = file.declarations[0].span if file.declarations else Span(0, 0)
            report.add(
                "E0201",
                "the file does not begin with `policy` or `library`",
                Span(first.start, first.start + _word_length(report.source.text, first.start)),
                "expected `policy NAME VERSION { … }` or `library NAME VERSION`",
            )
        return None
    header, *more = headers
    for other in more:
        report.add(
            "E0201",
            "a file holds one policy or library",
            other.name.span,
            "a second header",
            others=[report.label(header.name.span, "the file is this")],
            help=["put it into a file of its own"],
        )
    if file.declarations[0] is not header and not broken:
        report.add(
            "E0201",
            "the header is not the first declaration of its file",
            header.name.span,
            "",
            help=["move it to the beginning of the file"],
        )
    document = Document(
        report,
        header,
        {},
        frozenset(node.name for node in broken if node.name),
        bool(more)
        or len(broken) >= ERROR_LIMIT
        or any(not node.name and _kind(report, node) != "test" for node in broken),
    )
    for declaration in file.declarations:
        if not isinstance(declaration, nodes.Policy | nodes.Library | nodes.Broken):
            _declare(document, declaration)
    return document


def _kind(report: Report, node: nodes.Broken) -> str:
    """The keyword that the declaration begins with; empty when it begins with none."""
    word = _WORD.match(report.source.text, node.span.start)
    return word.group() if word and word.group() in DECLARATIONS else ""


def _word_length(text: str, start: int) -> int:
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return end - start


def _declare(document: Document, node: Named) -> None:
    report, name = document.report, identifier(node)
    word = WORDS[type(node)]
    misplaced = _LIBRARY_ONLY if document.is_policy else _POLICY_ONLY
    if isinstance(node, misplaced):
        here, there = ("policy", "library") if document.is_policy else ("library", "policy")
        report.add(
            "E0209",
            f"a {here} cannot declare a `{word}`",
            name.span,
            f"belongs in a {there}",
            others=[report.label(document.header.name.span, f"this file holds a {here}")],
        )
    space = document.names.setdefault(SPACES[type(node)], {})
    first = space.setdefault(name.text, node)
    if first is not node:
        report.add(
            "E0202",
            f"there is a second `{word}`"
            if isinstance(node, _NAMELESS)
            else f"`{name.text}` is declared twice",
            name.span,
            f"this {word} has the name of another {WORDS[type(first)]}"
            if type(first) is not type(node)
            else "declared again",
            others=[report.label(identifier(first).span, "first declared here")],
        )


def _report_copies(documents: Iterable[Document]) -> None:
    """Two files that claim to be the same version: which one holds would depend on their order."""
    first: dict[tuple[object, ...], Document] = {}
    for document in documents:
        key = (document.is_policy, document.name, version_key(document.header.version))
        other = first.setdefault(key, document)
        if other is not document:
            word = "policy" if document.is_policy else "library"
            document.report.add(
                "E0504",
                f"version {document.header.version} of `{document.name}` is given twice",
                document.header.name.span,
                "",
                others=[Label(other.report.source, other.header.name.span, "first given here")],
                help=[f"give each version of a {word} its own number"],
            )


class Shelf:
    """The libraries at hand: those given, then those that are shipped, read when first needed."""

    def __init__(
        self,
        given: Iterable[Document],
        shipped: Callable[[], Iterable[Document]],
        broken: frozenset[str],
    ) -> None:
        self._given = [document for document in given if not document.is_policy]
        self._load = shipped
        self._shipped: list[Document] | None = None
        self._broken = broken

    def _tiers(self) -> Iterator[list[Document]]:
        yield self._given
        if self._shipped is None:
            self._shipped = list(self._load())
        yield self._shipped

    def find(self, use: nodes.Use, report: Report) -> Document | None:
        """The newest library version that ``use`` asks for; None after reporting that none fits."""
        name = use.library.text
        for tier in self._tiers():
            fitting = [d for d in tier if d.name == name and matches(use.version, d.header.version)]
            if fitting:
                # Of two copies of one version, which is an error, the first is taken.
                return max(reversed(fitting), key=lambda d: version_key(d.header.version))
        if name in self._broken:
            return None
        known = {document.name for tier in self._tiers() for document in tier}
        if name not in known:
            report.add(
                "E0206",
                f"there is no library `{name}`",
                use.library.span,
                "",
                help=suggest(name, known)
                or [
                    f"the libraries at hand are {one_of(sorted(known))}",
                    "one of your own is looked for in the files and folders that are checked together",
                ],
            )
            return None
        versions = {d.header.version for tier in self._tiers() for d in tier if d.name == name}
        report.add(
            "E0207",
            f"there is no version {use.version} of `{name}`",
            use.span,
            "",
            help=[f"at hand: {one_of(sorted(versions, key=version_key))}"],
        )
        return None


def link(documents: Iterable[Document], shelf: Shelf) -> None:
    """Resolve each ``use``, also those of the libraries that are used.

    A library that cannot be found makes its user opaque: what it lacks is one error, not many.
    """
    linked: dict[int, Document] = {}
    pending = list(documents)
    while pending:
        document = pending.pop()
        if id(document) in linked:
            continue
        linked[id(document)] = document
        entries = [e for e in document.header.entries if isinstance(e, nodes.Use)]
        for entry in entries:
            library = shelf.find(entry, document.report)
            if library is None:
                document.opaque = True
            elif library is not document and library not in document.uses:
                document.uses.append(library)
                pending.append(library)
        _report_repeated(document, entries)
    _report_circles(document for document in linked.values() if not document.is_policy)
    for document in linked.values():
        _report_two_versions(document)


def _report_repeated(document: Document, entries: list[nodes.Use]) -> None:
    first: dict[str, nodes.Use] = {}
    for entry in entries:
        other = first.setdefault(entry.library.text, entry)
        if other is not entry:
            document.report.add(
                "E0111",
                f"`{entry.library.text}` is used twice",
                entry.span,
                "",
                others=[document.report.label(other.span, "first used here")],
            )


def _report_circles(libraries: Iterable[Document]) -> None:
    """Libraries that use each other: neither can be read before the other."""
    for library in libraries:
        entries = [e for e in library.header.entries if isinstance(e, nodes.Use)]
        members = [
            other for other in library.closure() if other is library or library in other.closure()
        ]
        itself = next((e for e in entries if e.library.text == library.name), None)
        if itself is not None:
            library.report.add("E0208", f"`{library.name}` uses itself", itself.span)
        # Each circle is reported once, at the first of its members.
        elif len(members) > 1 and min(members, key=Document.sort_key) is library:
            names = [other.name for other in members]
            entry = next(e for e in entries if e.library.text in names)
            library.report.add("E0208", f"{one_of(names)} use each other", entry.span)


def _report_two_versions(document: Document) -> None:
    """A document sees one version of each library, or a name in it could mean two things."""
    first: dict[str, Document] = {}
    for used in document.closure()[1:]:
        other = first.setdefault(used.name, used)
        if other is not used:
            document.report.add(
                "E0510",
                f"`{document.name}` uses versions {other.header.version} and "
                f"{used.header.version} of `{used.name}`, one of them through another library",
                document.header.name.span,
                "",
                help=[f"ask for the same version of `{used.name}` in each `use`"],
            )
