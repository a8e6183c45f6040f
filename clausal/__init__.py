"""Clausal: write platform policies clause by clause, compile them, and decide events.

This package is the facade: the public Python API and, in `clausal.cli`, the command line.

    import clausal

    bundle = clausal.compile("policies/")
    decision = bundle.evaluate(event, history=history)

Names are imported when they are first used: ``import clausal`` alone costs next to nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clausal.dsl.version import __version__

if TYPE_CHECKING:
    from clausal.compiler.bundle import BundleError
    from clausal.compiler.rebind import BindingError
    from clausal.dsl.diagnostics import PolicyError
    from clausal.engine.decision import Decision
    from clausal.engine.evaluator import Bundle
    from clausal.engine.event import EventError, History
    from clausal.engine.explain import Explanation

__all__ = [
    "BindingError",
    "Bundle",
    "BundleError",
    "Decision",
    "EventError",
    "Explanation",
    "History",
    "PolicyError",
    "__version__",
    "compile",
    "load",
    "shipped",
]

_HOMES: Final = {
    "BindingError": "clausal.compiler.rebind",
    "Bundle": "clausal.engine.evaluator",
    "BundleError": "clausal.compiler.bundle",
    "Decision": "clausal.engine.decision",
    "EventError": "clausal.engine.event",
    "Explanation": "clausal.engine.explain",
    "History": "clausal.engine.history",
    "PolicyError": "clausal.dsl.diagnostics",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module `clausal` has no attribute `{name}`")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def compile(  # noqa: A001 - the word for it, always written with the name of the package
    paths: str | Path | Iterable[str | Path], *, params: Mapping[str, float] | None = None
) -> Bundle:
    """Compile policies, with the libraries that they use, into a bundle.

    Args:
        paths: A file or a folder, or several; a folder stands for the ``*.policy`` files below it.
        params: Other values for params, as of `Bundle.rebind`.

    Raises:
        PolicyError: if there are errors in the policies; it holds all diagnostics.
    """
    from clausal.compiler.pipeline import compile_paths
    from clausal.engine.evaluator import Bundle

    some = [paths] if isinstance(paths, str | Path) else list(paths)
    return Bundle(compile_paths(some, params=params))


def load(bundle: str | Path | bytes) -> Bundle:
    """Load a compiled bundle from a file, or from the bytes of one.

    Raises:
        BundleError: if it is not a whole and sound bundle that this version reads.
    """
    from clausal.compiler.bundle import load as load_file
    from clausal.compiler.bundle import unpack
    from clausal.engine.evaluator import Bundle

    return Bundle(unpack(bundle) if isinstance(bundle, bytes) else load_file(Path(bundle)))


def shipped() -> Path:
    """The folder of the policies and libraries that come with Clausal, for `compile`."""
    from clausal.compiler.library import shipped as folder

    return folder()
