"""Every example in the documentation does what its page says.

With ``CLAUSAL_UPDATE_DOCS=1`` the canonical form of policies, and what commands print, are written into
the pages, to be read before they are committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs import console
from tests.docs.fences import ROOT, fences, pages
from tests.docs.output import matches
from tests.docs.page import Page

UPDATE = os.environ.get("CLAUSAL_UPDATE_DOCS") == "1"


# The page of commands runs a few hundred processes, one after the other.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_page(path: Path, tmp_path: Path) -> None:
    page = Page(path, tmp_path)
    wrong = page.problems()
    if UPDATE and page.changed:
        page.write()
    assert not wrong, "\n\n".join(wrong)


def test_both_tutorials_have_the_same_examples() -> None:
    english, chinese = (
        [(fence.language, fence.text) for fence in fences(ROOT / "docs" / name)]
        for name in ("tutorial.md", "tutorial.zh.md")
    )
    assert english == chinese


# ── The tests of the documentation can fail ──────────────────────────────────────────────────────

RULE = """\
rule staged {
  cites  1.1
  when   content.staged_verdict == confirmed
  severity low
  then   warn for 30d
  because zh "该内容为摆拍。"  en "The item is staged."
}
"""


def problems(folder: Path, *parts: tuple[str, str]) -> str:
    source = folder / "page.md"
    source.write_text("".join(f"```{info}\n{text}```\n" for info, text in parts), encoding="utf-8")
    return "\n".join(Page(source, folder).problems())


def test_a_sound_fragment_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, ("clausal-fragment", RULE)) == ""


@pytest.mark.parametrize(
    ("info", "text", "complaint"),
    [
        ("clausal-fragment", RULE.replace("staged_verdict", "stage_verdict"), "E0204"),
        ("clausal-fragment", RULE.replace("  cites  1.1\n", ""), "E0401"),
        ("clausal-fragment", RULE.replace("severity low", "severity  low"), "`clausal fmt` writes"),
        ("clausal-fragment error=E0401", RULE, "instead of ['E0401']"),
        ("clausal-fragment warning=W0901", RULE, "instead of ['W0901']"),
        ("clausal-fragment typed", RULE, "`clausal fmt` writes"),
        ("clausal", RULE, "E0201"),
        ("console", "$ echo one\ntwo\n", "prints:\none"),
        ("python", "assert False\n", "AssertionError"),
        ("python", ">>> 1 + 1\n3\n", "Got:\n    2"),
        ("json", "{'a': 1}\n", "no JSON"),
        ("json lines", '{"a": 1}\n{"a": \n', "no JSON"),
        ("text", "anything\n", "`drawing`"),
        ("sh", "make mistakes\n", "no command"),
        ("sh", "scripts/check.sh nonsense\n", "no check `nonsense`"),
        ("rust", "fn main() {}\n", "nobody knows how to test `rust`"),
        ("", "anything\n", "nobody knows"),
    ],
)
def test_an_example_that_is_not_true_is_found(
    tmp_path: Path, info: str, text: str, complaint: str
) -> None:
    assert complaint in problems(tmp_path, (info, text))


def test_fences_of_a_page_share_a_folder_and_python_names(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        ("json file=events/one.json", '{"a": 1}\n'),
        ("console", "$ cat events/one.json\n" + '{"a": 1}\n'),
        ("python", "number = 2\n"),
        ("python", ">>> number + 1\n3\n"),
    )
    assert found == ""


def test_a_shell_keeps_the_status_of_the_last_command(tmp_path: Path) -> None:
    lines = ["printf 'one\\n' > file", "cat file", "false", "echo $?"]
    assert console.run(lines, tmp_path) == ["", "one\n", "", "1\n"]


def test_a_fence_that_is_not_closed_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "page.md"
    source.write_text("```console\n$ true\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not closed"):
        fences(source)


@pytest.mark.parametrize(
    ("shown", "actual", "same"),
    [
        ("a\nb", "a\nb\n\n", True),
        ("a\nb", "a\n", False),
        ("a …", "a lot", True),
        ("a … d", "a b\nc d", False),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…\nd", "a\nd", True),
        ("a\n…\nd", "a\nb", False),
        ("a.b", "axb", False),
    ],
)
def test_what_an_ellipsis_stands_for(shown: str, actual: str, same: bool) -> None:
    assert matches(shown, actual) is same
