"""What is written never destroys what is read, and a stream that fails is told by an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.cli import clausal
from tests.support.shop import project, write_events


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policies, their bundle, events and a file of histories; the current one."""
    project(tmp_path / "policies")
    write_events(tmp_path / "events.ndjson")
    (tmp_path / "past.ndjson").write_text('{"event": "fine", "strikes": {"pricing": 1}}\n')
    (tmp_path / "linked").symlink_to("policies")
    monkeypatch.chdir(tmp_path)
    assert clausal("compile", "policies", "-o", "shop.clausal").code == 0
    return tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


RUN = ("run", "shop.clausal", "events.ndjson", "-q")


@pytest.mark.parametrize(
    "arguments",
    [
        (*RUN, "-o", "./events.ndjson"),
        (*RUN, "-o", "shop.clausal"),
        (*RUN, "-o", "/dev/null", "--rejects", "policies/../shop.clausal"),
        (*RUN, "-o", "/dev/null", "--summary-json", "shop.clausal"),
        (*RUN, "--history", "past.ndjson", "-o", "past.ndjson"),
        (*RUN, "-o", "new.ndjson", "--rejects", "./new.ndjson"),
        (*RUN, "-o", "-", "--rejects", "-"),
        ("run", "policies", "events.ndjson", "-q", "-o", "policies/shop.policy"),
        ("run", "policies", "events.ndjson", "-q", "-o", "linked/shop.policy"),
        ("run", "policies/shop.policy", "policies/fields.policy", "events.ndjson", "-q", "-o", "linked/fields.policy"),
        ("compile", "policies", "-o", "policies/shop.policy"),
        ("test", "policies", "--junit", "policies/fields.policy"),
        ("generate", "--events", "3", "-o", "new.ndjson", "--truth", "policies/../new.ndjson"),
        ("generate", "--events", "3", "--verdicts", "new.ndjson", "--appeals", "./new.ndjson"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_that_is_read_is_written_over(shop: Path, arguments: Sequence[str]) -> None:
    before = contents(shop)
    ran = clausal(*arguments)
    assert ran.code == 2
    assert "written and read at once" in ran.err or "two outputs would go to one file" in ran.err
    assert contents(shop) == before


def test_devices_may_take_several_outputs(shop: Path) -> None:
    ran = clausal(*RUN, "-o", "/dev/null", "--rejects", "/dev/null")
    assert (ran.code, ran.err) == (0, "")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's line, in which `clausal` is the command."""
    line = f'clausal() {{ "{sys.executable}" -P -m clausal.cli "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("clausal run shop.clausal events.ndjson -q > /dev/full", 4),
        ("clausal run shop.clausal events.ndjson -q -o /dev/full", 4),
        ("clausal run shop.clausal events.ndjson -o /dev/null 2> /dev/full", 4),
        ("clausal check --nothing-of-the-kind 2> /dev/full", 4),
        ("clausal check policies > /dev/full", 4),
        ("clausal run shop.clausal - <&-", 4),
        ("clausal fmt - <&-", 4),
        ("clausal version >&- 2>&-", 0),
        ("clausal version 2>&- | head -c 1", 0),
    ],
)
def test_streams_that_fail(shop: Path, line: str, code: int) -> None:
    ran = shell(line)
    assert ran.returncode == code
    for sign in ("Traceback", "internal error", "Exception ignored"):
        assert sign not in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (*RUN, "-o", "/dev/null", "--at", "0001-01-01T00:00:00Z"),
        (*RUN, "-o", "/dev/null", "--at", "9999-12-31T23:59:59-14:00"),
        ("explain", "shop.clausal", "events.ndjson", "--line", "1", "--at", "2300-01-01T00:00:00Z"),
        ("generate", "--events", "3", "-o", "/dev/null", "--start", "9999-12-31"),
    ],
    ids=" ".join,
)
def test_times_out_of_reach_are_a_matter_of_usage(shop: Path, arguments: Sequence[str]) -> None:
    ran = clausal(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
