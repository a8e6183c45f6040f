"""The parts of the build that are code: the extension, its modes, and the tree of links.

Everything that can be said without code is in pyproject.toml. The environment chooses the mode:

- nothing: release, `-O3`.
- `CLAUSAL_CHECKED=1`: bounds, wraparound, None, initialisation and overflow checks, and C asserts.
- `CLAUSAL_SANITIZE=address,undefined`: the compiler's sanitizers, alone or with the checks.

Each mode has its own folder for C files and objects under `build/`, so that modes never mix; in
place (`build_ext --inplace`, editable installs) the last build wins.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import ClassVar

import Cython
from Cython.Build import cythonize
from setuptools import Command, Extension, setup

ROOT = Path(__file__).resolve().parent
IMPORT_ROOT = ROOT / "build" / "import_root"
# The folders that have extensions in them.
ROOMS = ("compiler", "engine")

CHECKED = os.environ.get("CLAUSAL_CHECKED", "") not in {"", "0"}
SANITIZE = os.environ.get("CLAUSAL_SANITIZE", "")
MODE = "-".join(["checked" if CHECKED else "release", *filter(None, SANITIZE.split(","))])

# The mode decides these alone: a directive in a source file would win over the build and switch
# the checks off in the build that is there to make them (tests/test_packaging.py looks for that).
DIRECTIVES = {
    "language_level": 3,
    "embedsignature": False,
    "autotestdict": False,
    "boundscheck": CHECKED,
    "wraparound": CHECKED,
    "initializedcheck": CHECKED,
    "nonecheck": CHECKED,
    "overflowcheck": CHECKED,
    # Division means what Python means by it in every mode: switching it off would change results.
    "cdivision": False,
}

# Never fast-math, and no fused multiply-add: a decision has the same bits on every machine.
FLAGS = ["-std=c11", "-ffp-contract=off"]
LINK_FLAGS: list[str] = []
if SANITIZE:
    FLAGS += ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]
    FLAGS += [f"-fsanitize={SANITIZE}"]
    LINK_FLAGS += [f"-fsanitize={SANITIZE}"]
elif CHECKED:
    FLAGS += ["-O1", "-g"]
else:
    FLAGS += ["-O3"]


def package_dirs() -> dict[str, Path]:
    """Return the folder of each package that has a folder of its own, read from pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    mapping: dict[str, str] = settings["tool"]["setuptools"]["package-dir"]
    return {name: ROOT / folder for name, folder in mapping.items()}


def link_import_root() -> None:
    """Make `build/import_root/clausal` the package as it is installed, out of links.

    Cython's `cimport` and type checkers look for `clausal/engine/...` in folders; this is the
    folder. Calling it again, also at the same time from two processes, is harmless.
    """
    folders = package_dirs()
    home = IMPORT_ROOT / "clausal"
    home.mkdir(parents=True, exist_ok=True)
    wanted = {
        entry.name: entry for entry in folders["clausal"].iterdir() if entry.name != "__pycache__"
    }
    for name, folder in folders.items():
        if name != "clausal":
            wanted[name.removeprefix("clausal.")] = folder
    for link in home.iterdir():
        if link.name not in wanted:
            link.unlink(missing_ok=True)
    for name, target in wanted.items():
        link = home / name
        text = os.path.relpath(target, home)
        if link.is_symlink() and str(link.readlink()) == text:
            continue
        # A rename replaces the old link in one step, so that no reader finds the name missing.
        fresh = home.parent / f".{name}.{os.getpid()}"
        fresh.symlink_to(text)
        fresh.replace(link)


class LinkImportRoot(Command):
    """`python setup.py import_root`: bring the tree of links up to date, and build nothing."""

    description = "make build/import_root, the tree that type checkers and Cython read"
    user_options: ClassVar[list[tuple[str, str | None, str | None]]] = []

    def initialize_options(self) -> None:
        """Take no options."""

    def finalize_options(self) -> None:
        """Take no options."""

    def run(self) -> None:
        """Do nothing more: the links are made whenever this file runs."""


def extensions() -> list[Extension]:
    """Return the extensions, translated to C where their Cython sources or this file changed."""
    # A change to any of these can change the C that comes out, so each rebuilds every extension.
    found = [
        path
        for room in ROOMS
        for ending in ("p[xy][dx]", "h")
        for path in ROOT.glob(f"{room}/**/*.{ending}")
    ]
    depends = [*sorted(str(path.relative_to(ROOT)) for path in found), "setup.py"]
    sources = sorted(path.relative_to(ROOT) for path in found if path.suffix == ".pyx")
    modules = [
        Extension(
            ".".join(["clausal", *path.with_suffix("").parts]),
            [str(path)],
            depends=depends,
            include_dirs=["engine"],
            define_macros=[("CLAUSAL_CHECKED", "1")] if CHECKED else [],
            undef_macros=["NDEBUG"] if CHECKED else [],
            extra_compile_args=FLAGS,
            extra_link_args=LINK_FLAGS,
        )
        for path in sources
    ]
    # Builds in isolation (`python -m build`) may bring another Cython than the environment has.
    generated = ROOT / "build" / MODE / f"cython-{Cython.__version__}"
    newest = max((ROOT / path).stat().st_mtime for path in depends)
    translated = [generated / path.with_suffix(".c") for path in sources]
    stale = not all(path.exists() and path.stat().st_mtime >= newest for path in translated)
    return cythonize(
        modules,
        build_dir=os.path.relpath(generated),
        include_path=[os.path.relpath(IMPORT_ROOT)],
        compiler_directives=DIRECTIVES,
        force=stale,
        annotate=False,
    )


os.chdir(ROOT)
link_import_root()
setup(
    ext_modules=extensions(),
    cmdclass={"import_root": LinkImportRoot},
    options={"build": {"build_base": f"build/{MODE}"}},
)
