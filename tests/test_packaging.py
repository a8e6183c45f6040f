"""The build's settings agree with the folders, and the checks of a checked build stay on."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest

import clausal

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("clausal", "compiler", "dsl", "engine", "enforcement", "generator", "policies")

# What setup.py alone decides for each build mode, and where a source file would overrule it.
DIRECTIVE = re.compile(r"\b(boundscheck|wraparound|initializedcheck|nonecheck|cdivision)\b")


def sources(*suffixes: str) -> list[Path]:
    """Return the Cython sources of all folders."""
    return sorted(
        path
        for folder in FOLDERS
        for suffix in suffixes
        for path in ROOT.glob(f"{folder}/**/*.{suffix}")
    )


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """Return pyproject.toml, read."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_with_modules_is_installed(project: dict[str, Any]) -> None:
    found = {
        ".".join(() if folder == "clausal" else ("clausal",))
        + ("." if folder != "clausal" else "")
        + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "templates" not in path.parts
    }
    assert found == set(project["tool"]["setuptools"]["packages"])


def test_installed_version_is_the_version_of_the_sources() -> None:
    assert metadata.version("clausal") == clausal.__version__


def test_changelog_has_a_place_for_what_comes_next() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["clausal", *(f"clausal.{name}" for name in FOLDERS[1:])])
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert resources.files(package).joinpath("py.typed").is_file()


@pytest.mark.parametrize("source", sources("pxd", "pyx"), ids=lambda path: path.name)
def test_no_source_overrules_the_checks_of_a_checked_build(source: Path) -> None:
    lines = source.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if DIRECTIVE.search(line)] == []


@pytest.mark.parametrize("source", sources("pyx"), ids=lambda path: path.name)
def test_every_extension_source_has_a_stub_beside_it(source: Path) -> None:
    assert source.with_suffix(".pyi").is_file()
