"""What a policy may read when it is compiled: files in its own folder, and nothing else.

A policy may come from a stranger, and what it reads becomes part of the bundle that is handed on.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clausal.compiler.library import load_sources
from clausal.compiler.pipeline import check_sources
from clausal.dsl.diagnostics import Diagnostic
from clausal.dsl.source import Source
from tests.support.every_slot import LIBRARY

POLICY = """\
policy fuzz.lists 1.0.0 {{
  title zh "单"  en "Lists"
  in force 2024-04-23 .. 2024-06-23
  time zone "Asia/Shanghai"
  use fuzz.fields 1
}}
{kind} words = file "{file}"{on}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a policy, beside a file that is nobody's business."""
    (tmp_path / "secret.txt").write_text("secret\n", encoding="utf-8")
    (tmp_path / "policies-old").mkdir()
    (tmp_path / "policies-old/list.txt").write_text("old\n", encoding="utf-8")
    found = tmp_path / "policies"
    (found / "lists").mkdir(parents=True)
    (found / "lists/words.txt").write_text("word\n", encoding="utf-8")
    return found


def complaints(folder: Path, file: str, kind: str = "terms") -> list[Diagnostic]:
    on = " on post.text" if kind == "samples" else ""
    text = POLICY.format(kind=kind, file=file, on=on)
    found = check_sources([Source(str(folder / "a.policy"), text), LIBRARY])[1]
    return [one for one in found if one.code.startswith("E")]


@pytest.mark.parametrize("kind", ["terms", "samples"])
@pytest.mark.parametrize(
    "file",
    [
        "../secret.txt",
        "lists/../../secret.txt",
        "../policies-old/list.txt",
        "link.txt",
        "chain.txt",
        "up/secret.txt",
        "up/../secret.txt",
        "zero",
    ],
)
def test_a_list_outside_of_the_folder_is_not_read(folder: Path, file: str, kind: str) -> None:
    (folder / "link.txt").symlink_to("../secret.txt")
    (folder / "chain.txt").symlink_to("link.txt")
    (folder / "up").symlink_to("..")
    (folder / "zero").symlink_to("/dev/zero")
    (complaint,) = complaints(folder, file, kind)
    assert complaint.code == "E0217"
    assert complaint.message.endswith("it leads out of the folder of the policy")


def test_a_list_inside_may_be_reached_in_any_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "link.txt").symlink_to(folder / "lists/words.txt")
    (folder.parent / "other").symlink_to(folder)
    for file in ("lists/words.txt", "link.txt", "lists/../link.txt", "../policies/link.txt"):
        assert not complaints(folder, file)
        assert not complaints(folder.parent / "other", file)
    monkeypatch.chdir(folder)
    assert not complaints(Path(), "lists/words.txt")
    assert [one.code for one in complaints(Path(), "../secret.txt")] == ["E0217"]


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (complaint,) = complaints(folder, "pipe")
    assert complaint.message == "`pipe` cannot be read: it is a device or a pipe, not a file"


def test_a_pipe_in_a_folder_of_policies_is_passed_over(folder: Path) -> None:
    os.mkfifo(folder / "pipe.policy")
    (folder / "gone.policy").symlink_to("nowhere")
    (folder / "a.policy").write_text("", encoding="utf-8")
    sources, diagnostics = load_sources([folder])
    assert [Path(source.name).name for source in sources] == ["a.policy"]
    assert [one.primary.source.name for one in diagnostics] == [str(folder / "gone.policy")]


def test_links_in_a_circle_and_names_too_long_are_told(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    for file in ("a", "x" * 300, "x/" * 5000 + "x"):
        (complaint,) = complaints(folder, file)
        assert complaint.code == "E0217"
