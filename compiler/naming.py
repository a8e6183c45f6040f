"""Names of sources that are the same wherever the files lie."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

import msgspec

from clausal.compiler.ir import Corpus
from clausal.compiler.library import SHIPPED_NAME


def portable_names(names: Iterable[str]) -> dict[str, str]:
    """For the name of each source, one that says nothing of where the sources lie.

    A name is relative to the nearest folder that all files are in, with forward slashes, and in
    NFC. Those of shipped libraries are so already.
    """
    shipped: list[str] = []
    given: dict[str, str] = {}
    for name in names:
        if PurePath(name).parts[:1] == (SHIPPED_NAME,):
            shipped.append(name)
        else:
            # Absolute names and relative ones go together by the current folder; a link stays one.
            given[name] = os.path.normpath(Path.cwd() / name)
    folder = os.path.commonpath([Path(path).parent for path in given.values()]) if given else ""
    portable = {name: PurePath(path).relative_to(folder).as_posix() for name, path in given.items()}
    portable |= {name: PurePath(name).as_posix() for name in shipped}
    return {name: unicodedata.normalize("NFC", found) for name, found in portable.items()}


def rename_sources(corpus: Corpus, names: Mapping[str, str]) -> Corpus:
    """The corpus with the names of sources replaced."""
    replace = msgspec.structs.replace
    return replace(
        corpus,
        versions=tuple(
            [
                replace(version, source=names.get(version.source, version.source))
                for version in corpus.versions
            ]
        ),
        tests=tuple(
            [replace(test, source=names.get(test.source, test.source)) for test in corpus.tests]
        ),
    )
