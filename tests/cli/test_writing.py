"""The commands for authors: check, fmt, affirm, init, and the pages of codes."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from clausal.cli.shell import Exit
from clausal.dsl.codes import page
from tests.support.cli import WIDTH, clausal, clausal_process
from tests.support.golden import assert_golden
from tests.support.shop import CLEAN, LIBRARY, project

BROKEN = (
    CLEAN.replace("offer.score >=", "offer.scor >=")
    .replace("severity high", "severity hihg")
    .replace('because zh "观察中。"  en "Being watched."', 'because zh "观察中。"')
)
"""Two errors and a warning."""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a policy and its library, which is the current one."""
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the same with errors."""
    project(tmp_path, BROKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ── check ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("shop")
def test_check_without_complaints() -> None:
    ran = clausal("check")
    assert (ran.code, ran.err) == (Exit.FINE, "")
    assert ran.out == "2 files checked, nothing to complain about\n"


@pytest.mark.usefixtures("broken")
def test_check_with_complaints() -> None:
    ran = clausal("check", ".")
    assert ran.code == Exit.POLICY
    assert ran.out.endswith("\n2 errors, 1 warning in 1 file\n")
    assert_golden("cli/check.txt", ran.both)


@pytest.mark.usefixtures("broken")
def test_check_for_programs() -> None:
    ran = clausal("check", "--json")
    assert ran.code == Exit.POLICY
    found = json.loads(ran.out)
    assert sorted(one["severity"] for one in found) == ["error", "error", "warning"]
    assert {one["file"] for one in found} == {"shop.policy"}
    log = json.loads(clausal("check", "--sarif").out)
    assert len(log["runs"][0]["results"]) == 3
    assert clausal("check", "--json", "--sarif").code == Exit.USAGE


@pytest.mark.usefixtures("shop")
def test_check_for_programs_without_complaints() -> None:
    ran = clausal("check", "--json")
    assert (ran.code, json.loads(ran.out)) == (Exit.FINE, [])


def test_warnings_fail_only_where_that_is_asked_for(shop: Path) -> None:
    policy = shop / "shop.policy"
    policy.write_text(CLEAN.replace('  en "Being watched."', ""), encoding="utf-8")
    ran = clausal("check")
    assert ran.code == Exit.FINE
    assert ran.out.endswith("\n1 warning in 1 file\n")
    assert clausal("check", "--deny", "warnings").code == Exit.POLICY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"policy a\0", "NUL"),
        (b"\xff\xfe", "UTF-16"),
        (b"policy \xff", "not UTF-8"),
        (b"(" * 10_000, "unexpected"),
        (b"\x1b]0;owned\x07", "U+001B"),
    ],
)
def test_check_of_what_is_no_policy(shop: Path, content: bytes, said: str) -> None:
    (shop / "bad.policy").write_bytes(content)
    ran = clausal("check")
    assert ran.code == Exit.POLICY
    assert said in ran.out
    assert "\x1b" not in ran.out


def test_check_of_missing_files_and_empty_folders(tmp_path: Path) -> None:
    ran = clausal("check", tmp_path / "none.policy")
    assert ran.code == Exit.POLICY
    assert "no such file" in ran.out
    ran = clausal("check", tmp_path)
    assert ran.code == Exit.USAGE
    assert "no policy file" in ran.err


def test_folders_that_begin_with_a_dot_are_passed_over(shop: Path) -> None:
    (shop / ".venv").mkdir()
    (shop / ".venv" / "bad.policy").write_text("nonsense", encoding="utf-8")
    assert clausal("check").out == "2 files checked, nothing to complain about\n"
    assert clausal("fmt", "--check").code == Exit.FINE
    assert clausal("check", ".venv").code == Exit.POLICY


def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\x1b[31m.policy")
    (tmp_path / name).write_text("nonsense", encoding="utf-8")
    ran = clausal_process("check", tmp_path)
    assert ran.code == Exit.POLICY
    assert "<U+001B>" in ran.out
    assert "\x1b" not in ran.out


# ── fmt ──────────────────────────────────────────────────────────────────────────────────────────

UNTIDY = CLEAN.replace("  severity high\n", "  severity    high   # grave\n\n\n")
TIDY = CLEAN.replace("  severity high\n", "  severity high  # grave\n\n")


def test_fmt_rewrites_and_is_done_with_it(shop: Path) -> None:
    policy = shop / "shop.policy"
    policy.write_text(UNTIDY, encoding="utf-8")
    policy.chmod(0o640)
    ran = clausal("fmt")
    assert (ran.code, ran.out) == (Exit.FINE, "")
    assert "reformatted: shop.policy" in ran.err
    assert policy.read_text(encoding="utf-8") == TIDY
    assert stat.S_IMODE(policy.stat().st_mode) == 0o640
    assert "2 files already in the format" in clausal("fmt").err
    assert sorted(path.name for path in shop.iterdir()) == ["fields.policy", "shop.policy"]


def test_fmt_follows_links(shop: Path) -> None:
    real = shop / "real.txt"
    real.write_text(UNTIDY, encoding="utf-8")
    (shop / "shop.policy").unlink()
    (shop / "shop.policy").symlink_to(real)
    assert clausal("fmt").code == Exit.FINE
    assert (shop / "shop.policy").is_symlink()
    assert real.read_text(encoding="utf-8") == TIDY


def test_fmt_that_only_looks(shop: Path) -> None:
    policy = shop / "shop.policy"
    policy.write_text(UNTIDY, encoding="utf-8")
    assert clausal("fmt", "--check").code == Exit.FINDINGS
    ran = clausal("fmt", "--diff")
    assert ran.code == Exit.FINE
    assert "-  severity    high   # grave\n" in ran.out
    assert "+  severity high  # grave\n" in ran.out
    assert clausal("fmt", "--check", "--diff").code == Exit.FINDINGS
    assert policy.read_text(encoding="utf-8") == UNTIDY
    policy.write_text(TIDY, encoding="utf-8")
    assert clausal("fmt", "--check").code == Exit.FINE


def test_fmt_mends_line_ends_and_the_byte_order_mark(shop: Path) -> None:
    policy = shop / "shop.policy"
    policy.write_bytes(b"\xef\xbb\xbf" + CLEAN.replace("\n", "\r\n").encode())
    assert clausal("fmt", "--check").code == Exit.FINDINGS
    assert clausal("fmt").code == Exit.FINE
    assert policy.read_bytes() == CLEAN.encode()


def test_fmt_as_a_filter() -> None:
    ran = clausal("fmt", "-", stdin=UNTIDY)
    assert (ran.code, ran.out, ran.err) == (Exit.FINE, TIDY, "")
    assert clausal("fmt", "-", "--check", stdin=UNTIDY).code == Exit.FINDINGS
    assert clausal("fmt", "-", "--check", stdin=TIDY).code == Exit.FINE
    assert clausal("fmt", "-", "other.policy", stdin=TIDY).code == Exit.USAGE


@pytest.mark.parametrize("content", [b"rule a {", b"\xff", b"a\0"])
def test_fmt_leaves_what_it_cannot_read(shop: Path, content: bytes) -> None:
    bad, policy = shop / "bad.policy", shop / "shop.policy"
    bad.write_bytes(content)
    policy.write_text(UNTIDY, encoding="utf-8")
    ran = clausal("fmt")
    assert ran.code == Exit.POLICY
    assert "error[E01" in ran.err
    assert bad.read_bytes() == content
    assert policy.read_text(encoding="utf-8") == TIDY
    ran = clausal("fmt", "-", stdin=content)
    assert (ran.code, ran.out) == (Exit.POLICY, "")


def test_a_diff_on_a_terminal_shows_what_acts_by_number(shop: Path) -> None:
    policy = shop / "shop.policy"
    policy.write_text(UNTIDY.replace("# grave", "# \x1b[31mgrave"), encoding="utf-8")
    shown = clausal("fmt", "--diff", "--color", "always").out
    assert "<U+001B>[31mgrave" in shown


# ── affirm ───────────────────────────────────────────────────────────────────────────────────────


def test_affirm_pins_and_notices_changes(shop: Path) -> None:
    policy = shop / "shop.policy"
    ran = clausal("affirm", "--check")
    assert ran.code == Exit.FINDINGS
    assert policy.read_text(encoding="utf-8") == CLEAN
    ran = clausal("affirm")
    assert ran.code == Exit.FINE
    assert "new      1" in ran.out
    assert "cited by false_price, watched" in ran.out
    pinned = policy.read_text(encoding="utf-8")
    assert pinned.count("cites  1@") == 2
    assert clausal("check").code == Exit.FINE
    assert clausal("fmt", "--check").code == Exit.FINE
    assert clausal("affirm", "--check").code == Exit.FINE

    policy.write_text(pinned.replace("价格须真实。", "价格必须真实。"), encoding="utf-8")
    assert clausal("check").code == Exit.POLICY
    ran = clausal("affirm", "--check")
    assert ran.code == Exit.FINDINGS
    assert "changed  1" in ran.out
    assert "价格必须真实。" in ran.out
    ran = clausal("affirm")
    assert "affirmed: 2 citations of a clause whose text changed" in ran.out
    assert clausal("check").code == Exit.FINE


def test_affirm_keeps_all_else_as_it_was(shop: Path) -> None:
    policy = shop / "shop.policy"
    untidy = UNTIDY.replace("cites  1\n", "cites  1   # the price\n")
    policy.write_text(untidy, encoding="utf-8")
    clausal("affirm")
    pinned = policy.read_text(encoding="utf-8")
    pin = pinned.split("cites  1@")[1][:8]
    assert pinned.replace(f"@{pin}", "") == untidy


def test_affirm_of_what_does_not_parse(broken: Path) -> None:
    (broken / "bad.policy").write_text("rule {", encoding="utf-8")
    assert clausal("affirm").code == Exit.POLICY


# ── init ─────────────────────────────────────────────────────────────────────────────────────────


def test_init_makes_a_project_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = clausal("init", "forum")
    assert ran.code == Exit.FINE
    assert "clausal test forum" in ran.out
    assert (tmp_path / "forum" / "README.md").is_file()
    assert clausal("check", "forum", "--deny", "warnings").code == Exit.FINE
    assert clausal("fmt", "forum", "--check").code == Exit.FINE


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "policies" / "house_rules.policy"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    ran = clausal("init", tmp_path)
    assert ran.code == Exit.USAGE
    assert "house_rules.policy" in ran.err
    assert mine.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["policies"]


def test_init_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ran = clausal("init", tmp_path / "file" / "forum")
    assert ran.code == Exit.INPUT
    assert "not a directory" in ran.err


# ── explain CODE ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["E0101", "E0108", "E0112"])
def test_the_page_of_a_code(code: str) -> None:
    assert clausal("explain", code).out == page(code)
    told = json.loads(clausal("explain", code, "--json").out)
    assert told["code"] == code
    assert told["page"] == page(code)


def test_the_page_of_a_code_on_a_terminal_is_laid_out() -> None:
    ran = clausal("explain", "e0101", "--color", "always")
    assert ran.code == Exit.FINE
    assert "## " not in ran.out
    assert "\x1b[" in ran.out
    assert f"{'E0101: unexpected token':^{WIDTH - 4}}".strip() in ran.out


def test_a_code_that_does_not_exist() -> None:
    ran = clausal("explain", "E9999")
    assert ran.code == Exit.USAGE
    assert "E9999" in ran.err
    assert "did you mean `E0101`?" in clausal("explain", "E1001").err


def test_the_library_of_the_tests_is_in_the_format() -> None:
    assert clausal("fmt", "-", stdin=LIBRARY).out == LIBRARY
