"""Resolve and check: from the syntax trees of all files to one corpus, or to what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from clausal.compiler.checking.documents import Document, Shelf, collect, link
from clausal.compiler.checking.session import Session
from clausal.compiler.ir import Corpus
from clausal.compiler.library import shipped_libraries
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.parser import parse
from clausal.dsl.source import Source

File = tuple[Source, nodes.File]


def check(
    files: Sequence[File],
    diagnostics: Diagnostics,
    shipped: Callable[[], Iterable[Source]] = shipped_libraries,
) -> Corpus | None:
    """The corpus of the policies in ``files`` and of the libraries that they use.

    A ``use`` takes the newest version that fits among ``files``, else among the ``shipped``
    libraries, which are read only if they are needed. Libraries among ``files`` that no policy uses
    are checked and left out. Everything that is wrong is added to ``diagnostics``; None when that
    has an error, or when there is no policy.
    """
    given = _linked(files, diagnostics, shipped)
    policies = [document for document in given if document.is_policy]
    used = _libraries(policies)
    corpus = Session(policies, used).check() if policies else None
    for library in given:
        if not library.is_policy and library not in used:
            Session([], _libraries([library])).check()
    return None if diagnostics.has_errors else corpus


def used_sources(
    files: Sequence[File], shipped: Callable[[], Iterable[Source]] = shipped_libraries
) -> list[Source]:
    """The sources of the policies in ``files`` and of the libraries that they use."""
    given = _linked(files, Diagnostics(), shipped)
    policies = [document for document in given if document.is_policy]
    return [document.report.source for document in (*policies, *_libraries(policies))]


def _linked(
    files: Sequence[File], diagnostics: Diagnostics, shipped: Callable[[], Iterable[Source]]
) -> list[Document]:
    """The files as documents that know the libraries that they use."""
    given, broken = collect(files, diagnostics)
    link(given, Shelf(given, lambda: _documents(shipped(), diagnostics), broken))
    return given


def _libraries(documents: Iterable[Document]) -> list[Document]:
    """The libraries among the documents and those that they use, each once, sorted."""
    found = {id(d): d for document in documents for d in document.closure() if not d.is_policy}
    return sorted(found.values(), key=Document.sort_key)


def _documents(sources: Iterable[Source], diagnostics: Diagnostics) -> list[Document]:
    documents, _ = collect([(source, _parsed(source)) for source in sources], diagnostics)
    return documents


@cache
def _parsed(source: Source) -> nodes.File:
    """The tree of a shipped library, which is the same each time."""
    return parse(source)[0]
