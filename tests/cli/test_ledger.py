"""`clausal ledger`: init, upgrade, head, verify."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from clausal.cli.shell import Exit
from clausal.enforcement.chain import Head
from clausal.enforcement.facts import Ended
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.schema import VERSION
from tests.support.cli import clausal, clausal_process, clausal_terminal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of three entries."""
    path = tmp_path / "record.db"
    ledger = open_ledger(str(path))
    with ledger.transaction() as writing:
        writing.append(
            [
                Ended(id=f"e-{n}", at=n, parties=("account:a",), measure="m", why="fixed")
                for n in range(3)
            ]
        )
    ledger.close()
    return path


def test_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert clausal("ledger", "init", "--ledger", path).out == "made an empty ledger\n"
    assert clausal("ledger", "init", "--ledger", path).out == "there is a ledger already\n"
    ran = clausal("ledger", "upgrade", "--ledger", path)
    assert ran.out == f"the ledger is of version {VERSION} already\n"


def test_the_end_can_be_kept_and_held_against(path: Path) -> None:
    kept = clausal("ledger", "head", env={"CLAUSAL_LEDGER": str(path)})
    assert kept.code == Exit.FINE
    assert Head.parse(kept.out).seq == 3
    ran = clausal("ledger", "verify", "--ledger", path, "--head", kept.out)
    assert (ran.code, ran.err) == (Exit.FINE, "")
    assert ran.out == f"3 entries, as they were written\n{kept.out}"
    seq, _, digest = kept.out.strip().partition(":")
    assert json.loads(clausal("ledger", "head", "--ledger", path, "--json").out) == {
        "entries": int(seq),
        "hash": digest,
    }


def test_whoever_changed_it_is_found_out(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER clausal_entry_no_update")
        connection.execute("UPDATE clausal_entry SET data = x'7b7d' WHERE seq = 2")
    connection.close()
    ran = clausal("ledger", "verify", "--ledger", path)
    assert ran.code == Exit.FINDINGS
    assert ran.out == ""
    assert ran.err == "broken: entry 2 is not what was written, or not in its place\n"
    told = clausal("ledger", "verify", "--ledger", path, "--json")
    assert told.code == Exit.FINDINGS
    assert json.loads(told.out)["broken"]["entry"] == 2


def test_what_is_missing_at_the_end_shows_by_a_kept_end(path: Path) -> None:
    kept = Head(5, bytes(32))
    ran = clausal("ledger", "verify", "--ledger", path, "--head", str(kept))
    assert ran.code == Exit.FINDINGS
    assert ran.err == "broken: the last 2 entries are missing\n"


@pytest.mark.parametrize("head", ["x", "3", "3:ab", "3:" + "0" * 63 + "g", ":" + "0" * 64])
def test_what_is_no_end_is_a_usage_error(path: Path, head: str) -> None:
    ran = clausal("ledger", "verify", "--ledger", path, "--head", head)
    assert ran.code == Exit.USAGE
    assert "is not the end of a ledger" in ran.err
    assert "help: it is what `clausal ledger head` prints" in ran.err


@pytest.mark.parametrize("name", ["verify", "head", "upgrade"])
def test_what_is_not_there_is_not_made(tmp_path: Path, name: str) -> None:
    ran = clausal("ledger", name, "--ledger", tmp_path / "none.db")
    assert ran.code == Exit.INPUT
    assert "there is no ledger in" in ran.err
    assert "help: `clausal ledger init` makes one" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_told_in_a_line_without_the_password() -> None:
    ran = clausal_process("ledger", "head", "--ledger", "postgresql://u:secret@127.0.0.1:1/x")
    assert ran.code == Exit.INPUT
    assert "onnection refused" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "secret" not in ran.err


def test_a_ledger_must_be_named() -> None:
    ran = clausal("ledger", "verify", env={"CLAUSAL_LEDGER": ""})
    assert ran.code == Exit.USAGE
    assert "--ledger" in ran.err


def test_progress_is_shown_on_a_terminal(path: Path) -> None:
    code, shown = clausal_terminal("ledger", "verify", "--ledger", path)
    assert code == Exit.FINE
    assert "3 entries" in shown
