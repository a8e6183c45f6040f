"""The names of sources in a bundle say nothing of the machine that compiled it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clausal.compiler.naming import portable_names


def test_names_are_relative_to_the_folder_that_all_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    absolute = portable_names([f"{tmp_path}/a/x.policy", f"{tmp_path}/a/b/y.policy"])
    assert list(absolute.values()) == ["x.policy", "b/y.policy"]
    relative = portable_names(["./x.policy", "b/../b/y.policy"])
    assert list(relative.values()) == ["x.policy", "b/y.policy"]
    monkeypatch.chdir(tmp_path / "a" / "b")
    mixed = portable_names(["../x.policy", f"{tmp_path}/a/b/y.policy"])
    assert mixed == {"../x.policy": "x.policy", f"{tmp_path}/a/b/y.policy": "b/y.policy"}


def test_one_file_is_its_name() -> None:
    assert portable_names(["/somewhere/else/x.policy"]) == {"/somewhere/else/x.policy": "x.policy"}
    assert portable_names([]) == {}


def test_shipped_libraries_keep_their_names() -> None:
    shipped = "clausal.policies/standard/platform.policy"
    assert portable_names([shipped, "/p/x.policy"]) == {shipped: shipped, "/p/x.policy": "x.policy"}
    assert portable_names([shipped]) == {shipped: shipped}


def test_names_are_in_one_normal_form() -> None:
    assert portable_names(["e\u0301.policy"]) == {"e\u0301.policy": "é.policy"}
