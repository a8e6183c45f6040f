"""From sources to a bundle: the stages, and the order of the passes."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from clausal.compiler.bundle import Artifact, SourceText, assemble
from clausal.compiler.check import File, check, used_sources
from clausal.compiler.emit import emit
from clausal.compiler.ir import Corpus
from clausal.compiler.library import load_sources
from clausal.compiler.naming import portable_names, rename_sources
from clausal.compiler.passes.fold_constants import fold_constants
from clausal.compiler.passes.intern_predicates import intern_predicates
from clausal.compiler.passes.order_by_cost import order_by_cost
from clausal.compiler.passes.push_negations import push_negations
from clausal.compiler.passes.share_conditions import share_conditions
from clausal.compiler.rebind import rebind_corpus
from clausal.dsl.diagnostics import Diagnostic, Diagnostics, Label, PolicyError
from clausal.dsl.parser import parse
from clausal.dsl.source import Source, Span

PASSES: Final[tuple[Callable[[Corpus], Corpus], ...]] = (
    fold_constants,
    push_negations,
    order_by_cost,
    intern_predicates,
    share_conditions,
)
"""What happens to a checked corpus, in this order, before it is laid out as a program."""


def check_sources(sources: Sequence[Source]) -> tuple[Corpus | None, Diagnostics]:
    """Parse, resolve and check ``sources``, and say everything that is wrong with them at once.

    The corpus is None when there is an error, or no policy. Permuting the sources, or the
    declarations in them, gives an equal corpus but for places.
    """
    files, diagnostics = _parse(sources)
    return check(files, diagnostics), diagnostics


def optimise(corpus: Corpus) -> Corpus:
    """The corpus after all passes: the same rules, in the form that ``emit`` lays out."""
    for step in PASSES:
        corpus = step(corpus)
    return corpus


def compile_sources(
    sources: Sequence[Source], *, params: Mapping[str, float] | None = None
) -> Artifact:
    """The bundle of the policies in ``sources`` and of the libraries that they use.

    The bundle is the same whatever the order of the sources is and wherever their files lie: their
    names become relative to the folder that all of them are in. ``params`` gives params other
    values than the policies do, by name; see `clausal.compiler.rebind` for units.

    Raises:
        PolicyError: if they have errors, or there is no policy.
        BindingError: if a param does not exist or cannot have its value.
    """
    with _without_collection():
        return _compile(sources, params or {})


def _compile(sources: Sequence[Source], params: Mapping[str, float]) -> Artifact:
    files, diagnostics = _parse(sources)
    corpus = check(files, diagnostics)
    if corpus is None:
        raise PolicyError(diagnostics if diagnostics.has_errors else [_no_policy(files)])
    used = used_sources(files)
    names = portable_names(source.name for source in used)
    corpus = rename_sources(corpus, names)
    if params:
        corpus = rebind_corpus(corpus, params)
    texts = tuple([SourceText(names[source.name], source.text) for source in used])
    return assemble(corpus, emit(optimise(corpus)), texts)


def compile_paths(
    paths: Iterable[Path | str], *, params: Mapping[str, float] | None = None
) -> Artifact:
    """The bundle of the policies in files and folders, as of `compile_sources`.

    Raises:
        PolicyError: if a file cannot be read, or as of `compile_sources`.
        BindingError: as of `compile_sources`.
    """
    sources, diagnostics = load_sources(paths)
    if diagnostics.has_errors:
        raise PolicyError(diagnostics)
    return compile_sources(sources, params=params)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Let the garbage collector rest: trees have no cycles, and looking for some doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _no_policy(files: Sequence[File]) -> Diagnostic:
    source = files[0][0] if files else Source("(no file)", "")
    return Diagnostic(
        "E0201",
        "there is no policy to compile",
        Label(source, Span(0, 0)),
        help=("a file that begins with `policy NAME VERSION { … }` holds a policy",),
    )


def _parse(sources: Sequence[Source]) -> tuple[list[File], Diagnostics]:
    """The syntax trees, in the order of the sources' names, and what is wrong with their syntax."""
    diagnostics = Diagnostics()
    files: list[File] = []
    for source in sorted(sources, key=lambda source: source.name):
        file, found = parse(source)
        diagnostics.extend(found)
        files.append((source, file))
    return files, diagnostics
