"""Where policies come from: files and folders that are named, and the libraries that are shipped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path, PurePath
from typing import Final

from clausal.dsl.diagnostics import Diagnostics, unreadable
from clausal.dsl.source import Source, SourceError, SourceProblem

SUFFIX: Final = ".policy"

SHIPPED_NAME: Final = "clausal.policies"
"""What stands for the folder of shipped policies in the names of its sources."""


def load_sources(paths: Iterable[Path | str]) -> tuple[list[Source], Diagnostics]:
    """Every policy file that ``paths`` name, each once, and what could not be read (E0108).

    A folder stands for the `policy_files` in it and below. The sources come in the order of
    their names, whatever the order of ``paths`` was.
    """
    diagnostics = Diagnostics()
    sources: dict[Path, Source] = {}
    for path in map(Path, paths):
        for file in policy_files(path):
            identity = _identity(file)
            if identity in sources:
                continue
            try:
                sources[identity] = Source.read(file)
            except SourceError as error:
                diagnostics.add(unreadable(error))
    return sorted(sources.values(), key=lambda source: source.name), diagnostics


def policy_files(path: Path) -> Iterator[Path]:
    """The file itself, or every policy file in a folder and below, in the order of their names.

    Folders whose name begins with a dot are passed over: what lies there (the packages of a virtual
    environment, the history of a repository) is not what its author works on. So are pipes and
    devices in a folder, which might never end; one that is named itself is read.
    """
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        yield path
        return
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith("."))
        files = (Path(folder, name) for name in sorted(names) if name.endswith(SUFFIX))
        yield from (file for file in files if file.is_file() or not file.exists())


def _identity(path: Path) -> Path:
    """The same for two paths to one file, as far as the system can tell."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return path


def shipped() -> Path:
    """The folder of the shipped policies: the package ``clausal.policies``."""
    # The package is installed as files: its extension modules could not be loaded otherwise.
    return Path(str(resources.files(SHIPPED_NAME)))


@cache
def shipped_libraries() -> tuple[Source, ...]:
    """The standard libraries, which any policy may ``use`` without naming their files."""
    folder = shipped()
    return tuple(
        [
            Source.read(file, str(PurePath(SHIPPED_NAME) / file.relative_to(folder)))
            for file in sorted((folder / "standard").glob(f"*{SUFFIX}"))
        ]
    )


def is_shipped(source: Source) -> bool:
    """Whether a source came from `shipped_libraries`."""
    return PurePath(source.name).parts[:1] == (SHIPPED_NAME,)


def folder_of(source: Source) -> Path:
    """The folder that the paths in a source are relative to."""
    name = PurePath(source.name)
    if is_shipped(source):
        return shipped().joinpath(*name.parts[1:]).parent
    return Path(name).parent


def beside(source: Source, path: PurePath) -> Path:
    """The file at a path that a source names, which is relative to the source's own folder.

    What a policy names is read when somebody compiles it, and becomes part of the bundle. So the
    file lies in that folder or below, wherever links lead, and is one that has an end.

    Raises:
        SourceError: when it does not, or is a device or a pipe.
    """
    folder = folder_of(source)
    file = folder / path
    problem = None
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            problem = "it leads out of the folder of the policy"
        elif file.exists() and not (file.is_file() or file.is_dir()):
            problem = "it is a device or a pipe, not a file"
    except (OSError, RuntimeError, ValueError):
        # A name too long or with a NUL, links in a circle: whoever opens the file is told what it is.
        return file
    if problem is not None:
        raise SourceError(SourceProblem.UNREADABLE, problem)
    return file
