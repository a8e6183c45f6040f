"""Policies and bundles, loaded for a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from clausal.cli.shell import STDIO, CommandError, Exit, inline

if TYPE_CHECKING:
    from datetime import datetime

    from clausal.compiler.bundle import Artifact
    from clausal.dsl.diagnostics import Diagnostics
    from clausal.dsl.source import Source
    from clausal.engine.evaluator import Bundle

PolicyPaths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATHS",
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


def files_of(paths: Sequence[Path | str] | None) -> list[str]:
    """The files at `paths`, or in the current folder: policies in folders, and what is named."""
    from clausal.compiler.library import policy_files

    return [str(file) for path in paths or [Path()] for file in policy_files(Path(path))]


def as_named(paths: Sequence[Path] | None) -> Callable[[str], str]:
    """A function from the name of a source in a bundle to the path by which the user knows it.

    Bundles name sources relative to the folder that all of them are in.
    """
    sources, _ = sources_of(paths)
    names = [source.name for source in sources]

    def find(portable: str) -> str:
        parts = PurePath(portable).parts
        alike = [name for name in names if PurePath(name).parts[-len(parts) :] == parts]
        return alike[0] if len(alike) == 1 else portable

    return find


def compiled(paths: Sequence[Path] | None, params: Mapping[str, float] | None = None) -> Artifact:
    """The policies at `paths`, compiled.

    Raises:
        PolicyError: when they have errors, or there is no policy among them.
        CommandError: when there is no file, or a param cannot be bound.
    """
    from clausal.compiler.pipeline import compile_sources
    from clausal.compiler.rebind import BindingError
    from clausal.dsl.diagnostics import PolicyError

    sources, diagnostics = sources_of(paths)
    if diagnostics.has_errors:
        raise PolicyError(diagnostics)
    try:
        return compile_sources(sources, params=params or {})
    except BindingError as error:
        raise CommandError(str(error), code=Exit.USAGE) from error


def params_of(given: Sequence[str] | None) -> dict[str, float]:
    """The values of `--param NAME=VALUE`, in the units of the engine.

    Raises:
        CommandError: for what is not a name and a number, share, duration or date.
    """
    return dict(_param(text) for text in given or ())


def _param(text: str) -> tuple[str, float]:
    from clausal.compiler.checking.amounts import Calendar
    from clausal.compiler.checking.report import Report
    from clausal.dsl import nodes
    from clausal.dsl.diagnostics import Diagnostics
    from clausal.dsl.parser import parse
    from clausal.dsl.source import Source

    name, sign, value = (part.strip() for part in text.partition("="))
    source = Source("--param", f"param x = {value}\n")
    file, diagnostics = parse(source)
    declared = file.declarations[0] if len(file.declarations) == 1 else None
    found: float | None = None
    if name and sign and isinstance(declared, nodes.Param) and not diagnostics.has_errors:
        report = Report(Diagnostics(), source)
        measured = Calendar(None).measured(report, declared.value)
        found = None if measured is None else measured.value
    if found is None:
        raise CommandError(
            f"`{inline(text)}` gives no param a value",
            code=Exit.USAGE,
            hint="write a name, `=` and a number, share, duration or date: `--param cutoff=85%`",
        )
    return name, found


def instant_of(text: str | None, option: str) -> datetime | None:
    """The instant that an option names.

    Raises:
        CommandError: for what is no instant, or one without an offset, or centuries away.
    """
    from datetime import datetime

    from clausal.compiler.types import Scalar
    from clausal.engine.values import ConversionError, convert

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CommandError(
            f"`{inline(text)}` is no time with an offset, as `{option}` needs one",
            code=Exit.USAGE,
            hint="write `2024-05-01T12:00:00+08:00` or `2024-05-01T04:00:00Z`",
        )
    try:
        convert(Scalar("instant"), found)
    except ConversionError as error:
        raise CommandError(
            f"`{option}`: expected {error.expected}, got `{inline(text)}`", code=Exit.USAGE
        ) from error
    return found


def is_policy_input(name: str) -> bool:
    """Whether a name means policies: a bundle, a policy file, a folder."""
    from clausal.compiler.bundle import MAGIC

    path = Path(name)
    if path.suffix in {".policy", ".clausal"} or path.is_dir():
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def split_inputs(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The policies at the beginning of a list of inputs, and the events after them."""
    at = 0
    while at < len(names) and names[at] != STDIO and is_policy_input(names[at]):
        at += 1
    return list(names[:at]), list(names[at:])


def bundle_of(names: Sequence[str], params: Mapping[str, float] | None = None) -> Bundle:
    """One bundle file, or policies compiled on the fly, or the policies that ship.

    Raises:
        BundleError: when the bundle cannot be loaded.
        PolicyError: when the policies have errors.
        CommandError: when a bundle is named beside other policies, or a param cannot be bound.
    """
    from clausal.compiler.library import shipped
    from clausal.compiler.rebind import BindingError
    from clausal.engine.evaluator import Bundle

    bundles = [name for name in names if not _is_source(name)]
    if not bundles:
        return Bundle(compiled([Path(name) for name in names] if names else [shipped()], params))
    if len(names) > 1:
        raise CommandError(
            "a bundle stands alone: it holds all its policies",
            code=Exit.USAGE,
            hint="compile the policies together, or name them without the bundle",
        )
    bundle = Bundle(load_artifact(bundles[0]))
    try:
        return bundle.rebind(**params) if params else bundle
    except BindingError as error:
        raise CommandError(str(error), code=Exit.USAGE) from error


def _is_source(name: str) -> bool:
    return name.endswith(".policy") or Path(name).is_dir()


def load_artifact(name: str) -> Artifact:
    """The bundle in a file; messages name the file.

    Raises:
        CommandError: when it cannot be loaded.
    """
    from clausal.compiler.bundle import BundleError, load

    try:
        return load(Path(name))
    except BundleError as error:
        text = str(error)
        named = text if name in text else f"`{name}`: {text}"
        raise CommandError(named, code=Exit.INPUT) from error
