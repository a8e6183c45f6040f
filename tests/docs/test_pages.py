"""The documentation leaves nothing out, and points at nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import clausal
from clausal.cli.app import COMMANDS, GROUPS
from clausal.cli.shell import Exit
from clausal.compiler.pipeline import PASSES
from clausal.dsl.codes import CODES
from tests.docs.fences import ROOT

DOCS = ROOT / "docs"
LANGUAGE = sorted((DOCS / "language").glob("*.md"))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_reference_says_where_each_code_can_come_from() -> None:
    said = "".join(map(text, LANGUAGE))
    assert set(re.findall(r"\{diagnostic\}`(\w+)`", said)) == CODES.keys()


def test_every_page_of_the_language_is_listed() -> None:
    listed = re.findall(r"^(\w+)$", text(DOCS / "language" / "index.md"), re.MULTILINE)
    assert {page.stem for page in LANGUAGE} - {"index"} <= set(listed)


def test_every_command_has_a_section() -> None:
    sections = re.findall(r"^## ([a-z]+)$", text(DOCS / "command-line.md"), re.MULTILINE)
    assert set(sections) == {name for name, _, _ in (*COMMANDS, *GROUPS)}


def test_every_exit_code_is_listed() -> None:
    rows = re.findall(r"^\| (\d+) \|", text(DOCS / "command-line.md"), re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in Exit]


def test_the_python_page_names_everything_that_is_public() -> None:
    page = text(DOCS / "python.md")
    named = {name for name in clausal.__all__ if f"clausal.{name}" in page}
    assert named == set(clausal.__all__) - {"__version__"}


def test_the_architecture_names_every_pass() -> None:
    page = text(DOCS / "architecture.md")
    assert re.findall(r"^(\w+): ", page, re.MULTILINE) == [step.__name__ for step in PASSES]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_first_pages_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(ROOT / name))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_files_and_folders_that_are_named_exist(name: str) -> None:
    found = re.findall(
        r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:py|md|pyx|lark|sh|toml))`", text(ROOT / name)
    )
    folders = [
        ROOT,
        ROOT / "docs",
        *(ROOT / room for room in ("dsl", "compiler", "engine", "enforcement", "generator")),
    ]
    missing = {path for path in found if not any((folder / path).exists() for folder in folders)}
    made = {"benchmarks/RESULTS.md", "build/docs"}
    assert {path for path in missing - made if not re.search(r"\b[A-Z]{4,}", path)} == set()


def test_the_tests_that_the_laws_name_exist() -> None:
    """Each sentence names tests and then the file that they are in."""
    page = " ".join(text(DOCS / "laws.md").split())
    named = re.findall(r"((?:`test_\w+`[^`;.]*)+)`(tests/[\w/]+\.py)`", page)
    assert len(re.findall(r"`test_\w+`", page)) == sum(group.count("`test_") for group, _ in named)
    assert len(named) >= 7
    for group, file in named:
        for name in re.findall(r"`(test_\w+)`", group):
            assert f"def {name}(" in text(ROOT / file), f"{file} has no {name}"


def test_every_term_of_the_glossary_is_in_both_languages() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$", text(DOCS / "glossary.md"), re.MULTILINE
    )
    terms = [cells[0] for cells in rows[1:]]
    assert len(terms) > 40
    assert terms == sorted(terms, key=str.casefold)
    assert all(chinese.strip() for _, chinese in rows)
