"""The commands that run test blocks and measure what they reach: test and coverage."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from clausal.cli.shell import Exit
from clausal.compiler.library import shipped
from tests.support.cli import Ran, clausal
from tests.support.golden import assert_golden
from tests.support.shop import CLEAN, project

GIVEN = "given offer.score = 0.9, offer.kind = sale, offer.labelled = false, pricing = 0"
"""What makes `false_price` fire: a mute for a day, a warning for a week, step 1."""


def shop(folder: Path, *expectations: str, given: str = GIVEN) -> Path:
    """Write the shop with one test of these expectations instead of its own."""
    expected = "".join(f"  {line}\n" for line in expectations)
    block = f'test "the test" {{\n  at 2024-05-01T12:00+08:00\n  {given}\n{expected}}}\n'
    return project(folder, CLEAN[: CLEAN.index('test "')] + block)


def parsed(path: Path) -> Xml.Element:
    return Xml.parse(path).getroot()  # noqa: S314 - written by the command under test


def golden(name: str, ran: Ran) -> None:
    assert_golden(f"cli/{name}.txt", re.sub(r"in \d+\.\d\d s", "in 0.00 s", ran.both))


# ── What passes ──────────────────────────────────────────────────────────────────────────────────


def test_tests_that_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = clausal("test")
    assert (ran.code, ran.err) == (Exit.FINE, "")
    assert ran.out.startswith("2 tests passed  in ")
    assert "pass  a false price mutes" in clausal("test", "--verbose").out
    assert clausal("test", "--only", "labelled").out.startswith("1 test passed")
    assert clausal("test", "--only", "shop.policy").out.startswith("2 tests passed")
    assert clausal("test", "--only", "nowhere").code == Exit.USAGE


def test_the_starter_project_passes_its_tests(tmp_path: Path) -> None:
    assert clausal("init", tmp_path / "forum").code == Exit.FINE
    ran = clausal("test", tmp_path / "forum", "--coverage")
    assert ran.code == Exit.FINE
    assert "tests reach every rule, cited clause and ladder step" in ran.out
    assert clausal("coverage", tmp_path / "forum", "--fail-under", "100").code == Exit.FINE
    ran = clausal("run", tmp_path / "forum" / "policies", tmp_path / "forum" / "events.ndjson")
    assert ran.code == Exit.FINE
    assert "6 events: 3 with findings, 3 with measures, 1 with undetermined rules, 1 bad" in ran.err


def test_the_policies_that_ship_pass_their_tests() -> None:
    folder = shipped()
    ran = clausal("test", folder)
    assert ran.code == Exit.FINE, ran.out
    assert clausal("coverage", folder, "--require-accounted").code == Exit.FINE


def test_policies_without_tests(tmp_path: Path) -> None:
    project(tmp_path, CLEAN[: CLEAN.index('test "')])
    ran = clausal("test", tmp_path)
    assert ran.code == Exit.FINE
    assert "no tests in 1 policy version" in ran.out


@pytest.mark.parametrize(
    "expectation",
    [
        "expect false_price",
        "expect only [false_price]",
        "expect not watched",
        "expect undetermined watched",
        "expect mute",
        "expect mute for 1d",
        "expect mute on account",
        "expect warn for 7d",
        "expect not mute for 2d",
        "expect ladder pricing step 1",
    ],
)
def test_expectations_that_are_met(tmp_path: Path, expectation: str) -> None:
    ran = clausal("test", shop(tmp_path, expectation))
    assert ran.code == Exit.FINE, ran.out


# ── What fails ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expectation", "got"),
    [
        ("expect watched", "`watched` is undetermined, for want of `offer.note`"),
        ("expect not false_price", "`false_price` fires"),
        ("expect undetermined false_price", "`false_price` fires"),
        ("expect nothing", "`false_price` fires, too"),
        ("expect only [watched]", "`false_price` fires, too; `watched` is undetermined"),
        ("expect mute for 2d", "mute on account until 2024-05-02T12:00:00+08:00"),
        ("expect not mute", "mute on account until 2024-05-02T12:00:00+08:00"),
        ("expect mute interim", "mute on account"),
        ("expect mute after review", "mute on account"),
        ("expect ladder pricing step 2", "step 1 of `shop.rules.pricing`"),
    ],
)
def test_expectations_that_are_missed(tmp_path: Path, expectation: str, got: str) -> None:
    ran = clausal("test", shop(tmp_path, expectation))
    assert ran.code == Exit.FINDINGS
    assert "FAIL  the test" in ran.out
    assert f"expected  {expectation.removeprefix('expect ')}" in ran.out
    assert got in ran.out
    assert "1 failed, 0 passed" in ran.out


@pytest.mark.parametrize(
    ("given", "expectation", "got"),
    [
        ("given offer.score = 0.1", "expect false_price", "`false_price` does not fire"),
        ("given offer.score = 0.1", "expect mute", "no effective `mute`"),
        ("given offer.score = 0.1", "expect ladder pricing step 1", "no strike on"),
        (
            "given offer.score = 0.9, offer.kind = sale, offer.labelled = false",
            "expect ladder pricing step 1",
            "whose history is not given",
        ),
    ],
)
def test_what_an_event_leaves_out(tmp_path: Path, given: str, expectation: str, got: str) -> None:
    ran = clausal("test", shop(tmp_path, expectation, given=given))
    assert ran.code == Exit.FINDINGS
    assert got in ran.out


def test_a_failing_test_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(
        tmp_path,
        "expect mute for 3d",
        "expect watched",
        given='given offer.score = 0.7, offer.kind = sale, offer.note = "全城低价"',
    )
    monkeypatch.chdir(tmp_path)
    ran = clausal("test", "--coverage")
    assert ran.code == Exit.FINDINGS
    golden("test_failing", ran)


def test_failures_for_programs(tmp_path: Path) -> None:
    folder = shop(tmp_path, "expect false_price", "expect nothing")
    ran = clausal("test", folder, "--json", "--coverage", "--junit", tmp_path / "tests.xml")
    assert ran.code == Exit.FINDINGS
    told = json.loads(ran.out)
    assert (told["passed"], told["failed"]) == (0, 1)
    (test,) = told["tests"]
    assert (test["title"], test["policy"], test["passed"]) == ("the test", "shop.rules", False)
    assert test["file"] == str(folder / "shop.policy")
    assert [miss["expected"] for miss in test["missed"]] == ["nothing"]
    assert [one["rule"] for one in told["unreached"]["rules"]] == ["watched"]
    suites = parsed(tmp_path / "tests.xml")
    assert (suites.get("tests"), suites.get("failures")) == ("1", "1")
    failure = suites.find("./testsuite/testcase/failure")
    assert failure is not None
    assert "`false_price` fires, too" in str(failure.text)


def test_titles_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    policy = CLEAN.replace('"a false price mutes"', '"\x9b31m[red]\u202e"').replace(
        "for 1d\n  expect l", "for 9d\n  expect l"
    )
    folder = project(tmp_path, policy)
    ran = clausal("test", folder, "--verbose", "--junit", tmp_path / "tests.xml")
    assert ran.code == Exit.FINDINGS
    assert "FAIL  <U+009B>31m[red]<U+202E>" in ran.out
    assert parsed(tmp_path / "tests.xml").get("failures") == "1"


# ── coverage ─────────────────────────────────────────────────────────────────────────────────────


def test_coverage(tmp_path: Path) -> None:
    policy = CLEAN.replace('clause 2 "礼貌待客。"', 'clause 3 "未处理。"\nclause 2 "礼貌待客。"')
    folder = project(tmp_path, policy)
    ran = clausal("coverage", folder)
    assert ran.code == Exit.FINE
    golden("coverage", ran)
    golden("coverage_verbose", clausal("coverage", folder, "--verbose"))
    told = json.loads(clausal("coverage", folder, "--json").out)
    assert told["percent"] == 50.0
    assert [clause["status"] for clause in told["clauses"]] == [
        "cited",
        "not enforced",
        "unaccounted",
    ]
    assert told["clauses"][0]["tests"] == ["a false price mutes"]
    assert told["unreached"]["ladder_steps"] == [
        {"ladder": "shop.rules.pricing", "version": "1.0.0", "step": 2}
    ]


def test_gates_of_coverage(tmp_path: Path) -> None:
    folder = project(tmp_path / "clean")
    assert (
        clausal("coverage", folder, "--require-accounted", "--fail-under", "100").code == Exit.FINE
    )
    open_clause = CLEAN.replace(
        'clause 2 "礼貌待客。"', 'clause 3 "未处理。"\nclause 2 "礼貌待客。"'
    )
    folder = project(tmp_path / "open", open_clause)
    assert clausal("coverage", folder, "--require-accounted").code == Exit.FINDINGS
    assert clausal("coverage", folder, "--fail-under", "50").code == Exit.FINE
    assert clausal("coverage", folder, "--fail-under", "51").code == Exit.FINDINGS
    assert clausal("coverage", folder, "--fail-under", "101").code == Exit.USAGE
