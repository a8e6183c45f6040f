"""Policies and bundles, loaded for a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clausal.cli.shell import CommandError, Exit, inline

if TYPE_CHECKING:
    from clausal.compiler.bundle import Artifact
    from clausal.compiler.ir import Corpus
    from clausal.dsl.diagnostics import Diagnostics
    from clausal.dsl.source import Source

PolicyPaths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATHS...",
        help="Policy files, or folders to search for them.",
        show_default="the current folder",
    ),
]

ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="Give a param another value, within its range; may be repeated.",
        show_default=False,
    ),
]


def sources_of(paths: Sequence[Path] | None) -> tuple[list[Source], Diagnostics]:
    """The policy files at `paths`, or in the current folder, and what could not be read.

    Raises:
        CommandError: when there is no policy file at all.
    """
    from clausal.compiler.library import load_sources

    chosen = list(paths) if paths else [Path()]
    sources, diagnostics = load_sources(chosen)
    if not sources and not diagnostics.has_errors:
        where = ", ".join(f"`{inline(str(path))}`" for path in chosen[:3])
        raise CommandError(
            f"there is no policy file in {where}",
            code=Exit.USAGE,
            hint="policy files end in .policy; `clausal init` makes some to begin with",
        )
    return sources, diagnostics


def checked(paths: Sequence[Path] | None) -> tuple[Corpus, list[Source]]:
    """The checked policies at `paths`, with their sources.

    Raises:
        PolicyError: when they have errors.
    """
    from clausal.compiler.pipeline import check_sources
    from clausal.dsl.diagnostics import PolicyError

    sources, diagnostics = sources_of(paths)
    corpus, found = check_sources(sources)
    diagnostics.extend(found)
    if corpus is None or diagnostics.has_errors:
        raise PolicyError(diagnostics)
    return corpus, sources


def compiled(paths: Sequence[Path] | None, params: Mapping[str, float] | None = None) -> Artifact:
    """The policies at `paths`, compiled.

    Raises:
        PolicyError: when they have errors.
    """
    from clausal.compiler.pipeline import compile_sources
    from clausal.dsl.diagnostics import PolicyError

    sources, diagnostics = sources_of(paths)
    if diagnostics.has_errors:
        raise PolicyError(diagnostics)
    return compile_sources(sources, params=params or {})
