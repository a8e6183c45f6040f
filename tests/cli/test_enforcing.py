"""`clausal enforce` and `clausal outbox`: whatever ends a run, the next one goes on, and it comes to the same."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from clausal.cli.shell import Exit
from clausal.enforcement.chain import Head
from clausal.enforcement.delivery.signature import secret_of
from clausal.enforcement.facts import Ended
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.processing import Enforcer
from tests.enforcement.test_brakes import bundle, spam
from tests.support import tallied
from tests.support.cli import Ran, clausal
from tests.support.enforced import event, forum, lie
from tests.support.enforced_events import many, saved
from tests.support.postgres import Server, postgres
from tests.support.receiver import Network, Platform

__all__ = ["postgres"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - nobody's
KILLS = {"dev": 3, "ci": 8, "long": 100}[os.environ.get("CLAUSAL_TEST_PROFILE", "dev")]


def enforce(folder: Path, *arguments: str | Path, stdin: bytes = b"", drain: int = 60) -> Ran:
    """Run it in a folder that has a bundle, on a ledger and a file of messages there."""
    return clausal(
        "enforce",
        *("--bundle", folder / "forum.clausal", "--ledger", folder / "ledger.db"),
        *("--deliver", folder / "measures.ndjson", "--drain", str(drain)),
        *("--metrics", folder / "metrics.json"),
        *arguments,
        stdin=stdin,
    )


def metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_bytes())
    return found


def end_of(folder: Path, address: str = "") -> tuple[Head, dict[str, list[str]]]:
    """What a run left: the end of the ledger, and what each party was told, in order."""
    ledger = open_ledger(address or str(folder / "ledger.db"), create=False)
    try:
        assert ledger.verify() is None
        assert ledger.outbox.waiting() == 0
        head = ledger.head
    finally:
        ledger.close()
    told: dict[str, list[str]] = {}
    for line in (folder / "measures.ndjson").read_bytes().splitlines():
        message = json.loads(line)
        told.setdefault(message["key"], []).append(message["id"])
    return head, told


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Head, dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("whole")
    _, file = saved(folder, many(600))
    ran = enforce(folder, file)
    assert ran.code == Exit.FINE, ran.err
    return end_of(folder)


# ── From one end to the other ────────────────────────────────────────────────────────────────────


def test_events_in_measures_out(tmp_path: Path) -> None:
    _, file = saved(tmp_path, many(300))
    ran = enforce(tmp_path, file)
    assert ran.code == Exit.FINE
    assert ran.out == ""
    found = metrics(tmp_path)
    _, told = end_of(tmp_path)
    ids = [name for names in told.values() for name in names]
    assert len(ids) == len({*ids}) == found["messages"]["made"] == found["messages"]["sent"] > 50
    assert found["events"] == 300
    assert found["events_with_findings"] > 50
    assert found["strikes"] > 0
    assert found["measures"]["applied"] > found["measures"]["ended"] > 0
    assert sum(found["measures"].values()) - found["measures"]["proposed"] == len(ids)
    assert "300   events\n" in ran.err
    assert "events/s" in ran.err


def test_another_run_goes_on_where_the_first_one_stopped(
    tmp_path: Path, uninterrupted: tuple[Head, dict[str, list[str]]]
) -> None:
    events = many(600)
    _, file = saved(tmp_path, events[:250])
    assert enforce(tmp_path, file, "--batch", "7").code == Exit.FINE
    with file.open("ab") as more:
        more.write(b"".join(one + b"\n" for one in events[250:]))
    ran = enforce(tmp_path, file, "--batch", "100")
    assert ran.code == Exit.FINE
    assert "250   read in an earlier run" in ran.err
    assert metrics(tmp_path)["events"] == 350
    assert end_of(tmp_path) == uninterrupted
    assert enforce(tmp_path, file).code == Exit.FINE
    assert metrics(tmp_path)["events"] == 0
    assert end_of(tmp_path) == uninterrupted


@pytest.mark.parametrize("kind", ["gz", "csv", "json", "stdin"])
def test_other_forms_come_to_the_same(
    tmp_path: Path, uninterrupted: tuple[Head, dict[str, list[str]]], kind: str
) -> None:
    events = many(600)
    saved(tmp_path, events)
    whole = b"".join(one + b"\n" for one in events)
    again = 0
    match kind:
        case "gz":
            file = tmp_path / "e.ndjson.gz"
            file.write_bytes(gzip.compress(whole))
        case "json":
            file = tmp_path / "e.json"
            file.write_bytes(b"[" + b",".join(events) + b"]")
        case "csv":
            file = tmp_path / "e.csv"
            rows = [json.loads(one) for one in events]
            columns = sorted(
                {f"{group}.{name}" for row in rows for group in row for name in row[group]}
            )
            lines = [
                ",".join(
                    str(value).lower() if isinstance(value, bool) else str(value)
                    for value in (
                        row[group][name] for group, name in (c.split(".") for c in columns)
                    )
                )
                for row in rows
            ]
            file.write_text("\n".join([",".join(columns), *lines]) + "\n", "utf-8")
        case _:
            file, again = Path("-"), 600
    stdin = whole if kind == "stdin" else b""
    for _ in range(2):
        assert enforce(tmp_path, file, stdin=stdin).code == Exit.FINE
        assert end_of(tmp_path) == uninterrupted
    assert metrics(tmp_path)["events"] == again


def test_another_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    events = many(60)
    _, file = saved(tmp_path, events)
    assert enforce(tmp_path, file).code == Exit.FINE
    before = end_of(tmp_path)
    for changed in (events[1:], [*many(61, seed=2), *events], events[:-1], []):
        file.write_bytes(b"".join(one + b"\n" for one in changed))
        ran = enforce(tmp_path, file)
        assert ran.code == Exit.INPUT
        assert "is another file now" in ran.err
    assert end_of(tmp_path) == before


# ── Bad events ───────────────────────────────────────────────────────────────────────────────────


def test_bad_events_are_told_and_stop_nothing(
    tmp_path: Path, uninterrupted: tuple[Head, dict[str, list[str]]]
) -> None:
    events = many(600)
    _, file = saved(tmp_path, [b"{", *events[:20], b'{"act": {"id": "x"}}', *events[20:]])
    ran = enforce(tmp_path, file, "--rejects", tmp_path / "bad.ndjson")
    assert ran.code == Exit.FINE
    assert f"bad event: {file}, line 1: " in ran.err
    assert f"bad event: {file}, line 22: " in ran.err
    assert metrics(tmp_path)["bad_events"] == 2
    bad = [
        json.loads(line)["number"] for line in (tmp_path / "bad.ndjson").read_bytes().splitlines()
    ]
    assert bad == [1, 22]
    assert end_of(tmp_path) == uninterrupted
    with file.open("ab") as more:
        more.write(b"[]\n")
    ran = enforce(tmp_path, file, "--rejects", tmp_path / "bad.ndjson")
    assert ran.code == Exit.INPUT
    bad = [
        json.loads(line)["number"] for line in (tmp_path / "bad.ndjson").read_bytes().splitlines()
    ]
    assert bad == [1, 22, 603]


def test_nothing_but_bad_events(tmp_path: Path) -> None:
    _, file = saved(tmp_path, [b"{"] * 30)
    ran = enforce(tmp_path, file)
    assert ran.code == Exit.INPUT
    assert "not one event could be decided" in ran.err
    assert ran.err.count("bad event: ") == 11


def test_an_event_of_a_clock_that_is_far_ahead_is_a_bad_one(tmp_path: Path) -> None:
    ahead = json.loads(many(1)[0])
    ahead["act"] |= {"id": "ahead", "time": "2254-01-01T00:00:00+08:00"}
    _, file = saved(tmp_path, [json.dumps(ahead).encode(), *many(20)])
    ran = enforce(tmp_path, file)
    assert ran.code == Exit.FINE
    assert "line 1: `act.time`: expected an instant by " in ran.err
    assert metrics(tmp_path)["bad_events"] == 1


def test_a_line_that_is_being_written_is_looked_at_again(tmp_path: Path) -> None:
    events = many(50)
    _, file = saved(tmp_path, events[:49])
    with file.open("ab") as more:
        more.write(events[49][:40])
    assert enforce(tmp_path, file).code == Exit.FINE
    assert metrics(tmp_path)["bad_events"] == 1
    with file.open("ab") as more:
        more.write(events[49][40:])
    assert enforce(tmp_path, file).code == Exit.FINE
    found = metrics(tmp_path)
    assert (found["bad_events"], found["events_read_before"]) == (0, 0)
    assert enforce(tmp_path, file).code == Exit.FINE
    assert metrics(tmp_path)["events_read_before"] == 50


# ── Mistakes ─────────────────────────────────────────────────────────────────────────────────────


def test_mistakes(tmp_path: Path) -> None:
    bundle, file = saved(tmp_path, many(3))
    ledger = tmp_path / "ledger.db"
    usual = ("enforce", "-b", bundle, "-l", ledger)
    assert clausal(*usual).code == Exit.USAGE
    assert clausal(*usual, "-", "-").code == Exit.USAGE
    assert clausal(*usual, "-d", file, file).code == Exit.USAGE
    ran = clausal(*usual, tmp_path / "none.ndjson")
    assert (ran.code, "there is no such file" in ran.err) == (Exit.INPUT, True)
    ran = clausal(*usual, "-d", "https://p.example/", file)
    assert (ran.code, "CLAUSAL_WEBHOOK_SECRET" in ran.err) == (Exit.INPUT, True)
    ran = clausal("enforce", "-b", bundle, "-l", "mysql://x/y", file)
    assert (ran.code, "there are no ledgers in `mysql`" in ran.err) == (Exit.INPUT, True)


# ── Ends that nobody planned ─────────────────────────────────────────────────────────────────────


def process(folder: Path, file: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "clausal.cli", "enforce", "--batch", "5"),
            *("--bundle", str(folder / "forum.clausal"), "--ledger", str(folder / "ledger.db")),
            *("--deliver", str(folder / "measures.ndjson"), str(file)),
            *more,
        ],
        stderr=subprocess.PIPE,
    )


def grown(folder: Path, ended: subprocess.Popen[bytes]) -> None:
    """Wait until more was delivered, or it ended."""
    file = folder / "measures.ndjson"
    before = file.stat().st_size if file.exists() else 0
    while ended.poll() is None and not (file.exists() and file.stat().st_size > before):
        time.sleep(0.005)


def test_killed_at_any_point_it_comes_to_the_same(
    tmp_path: Path, uninterrupted: tuple[Head, dict[str, list[str]]]
) -> None:
    _, file = saved(tmp_path, many(600))
    chance = random.Random(KILLS)
    killed = 0
    while killed < KILLS:
        with process(tmp_path, file) as running:
            grown(tmp_path, running)
            time.sleep(chance.uniform(0, 0.3))
            running.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
            running.wait(60)
            killed += 1
            # A signal to end may come before there is anything to end cleanly, or after it.
            ends = {-signal.SIGKILL, -signal.SIGTERM, Exit.STOPPED, Exit.FINE}
            assert running.returncode in ends
        if running.returncode == Exit.FINE:  # there was nothing left to interrupt
            assert end_of(tmp_path) == uninterrupted
            for path in tmp_path.glob("ledger.db*"):
                path.unlink()
            (tmp_path / "measures.ndjson").unlink()
    assert enforce(tmp_path, file).code == Exit.FINE
    assert end_of(tmp_path) == uninterrupted


def test_killed_with_a_ledger_on_a_server_it_comes_to_the_same(
    tmp_path: Path, uninterrupted: tuple[Head, dict[str, list[str]]], postgres: Server
) -> None:
    _, file = saved(tmp_path, many(600))
    address = postgres.database()
    assert clausal("ledger", "init", "--ledger", address).code == Exit.FINE
    for _ in range(2):
        with process(tmp_path, file, "--ledger", address) as running:
            grown(tmp_path, running)
            running.kill()
    assert enforce(tmp_path, file, "--ledger", address).code == Exit.FINE
    assert end_of(tmp_path, address) == uninterrupted


def test_killed_over_a_bad_network_each_measure_is_carried_out_once(
    tmp_path: Path,
    uninterrupted: tuple[Head, dict[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLAUSAL_WEBHOOK_SECRET", SECRET)
    decides, file = saved(tmp_path, many(600))
    ledger = tmp_path / "ledger.db"
    platform = Platform([secret_of(SECRET)])
    network = Network(seed=5, share=0.2, slow=0.02)
    with platform.open() as url, network.before(url) as through:
        command: list[str | Path] = [
            "enforce",
            "--batch",
            "20",
            "-b",
            decides,
            "-l",
            ledger,
            "-d",
            through,
            file,
        ]
        for _ in range(2):
            before = len(platform.done)
            with subprocess.Popen(
                [sys.executable, "-P", "-m", "clausal.cli", *map(str, command)],
                stderr=subprocess.DEVNULL,
            ) as running:
                while running.poll() is None and len(platform.done) < before + 20:
                    time.sleep(0.005)
                running.kill()
        while (ran := clausal(*command, "--drain", "60")).code != Exit.FINE or waiting_in(ledger):
            assert ran.code == Exit.FINE
    told: dict[str, list[str]] = {}
    for one in platform.done:
        told.setdefault(one["key"], []).append(one["id"])
    assert told == uninterrupted[1]
    assert platform.again > 0
    assert platform.refused == []


def waiting_in(ledger: Path) -> int:
    opened = open_ledger(str(ledger), create=False)
    try:
        return opened.outbox.waiting()
    finally:
        opened.close()


def test_a_stop_is_clean(tmp_path: Path) -> None:
    _, file = saved(tmp_path, many(5000))
    with process(tmp_path, file) as running:
        grown(tmp_path, running)
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == Exit.STOPPED
    assert b"stopped after" in errors
    assert b"Traceback" not in errors
    ledger = open_ledger(str(tmp_path / "ledger.db"), create=False)
    place = ledger.position(f"file:{file.resolve()}")
    ledger.close()
    assert place is not None
    assert 0 < json.loads(place)["number"] < 5000


def from_a_pipe(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "clausal.cli", "enforce", "-"),
            *("--bundle", str(folder / "forum.clausal"), "--ledger", str(folder / "ledger.db")),
            *("--deliver", str(folder / "measures.ndjson")),
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_stop_while_nothing_comes(tmp_path: Path) -> None:
    saved(tmp_path, [])
    with from_a_pipe(tmp_path) as running:
        assert running.stdin is not None
        running.stdin.write(b"".join(one + b"\n" for one in many(40)))
        running.stdin.flush()
        # What has come is enforced and delivered, though no more comes.
        grown(tmp_path, running)
        running.send_signal(signal.SIGTERM)
        running.wait(60)
    assert running.returncode == Exit.STOPPED
    assert (tmp_path / "measures.ndjson").stat().st_size


def test_an_event_of_a_pipe_mends_what_another_process_opened(tmp_path: Path) -> None:
    saved(tmp_path, [])
    with from_a_pipe(tmp_path) as running:
        assert running.stdin is not None
        running.stdin.write(lie("1", 0) + b"\n")
        running.stdin.flush()
        grown(tmp_path, running)
        # It has read the ledger, and now somebody else writes to it.
        with contextlib.closing(open_ledger(str(tmp_path / "ledger.db"))) as ledger:
            unverified = {"account": "b", "content": "x", "account__earns": True}
            opened = event("2", 1, account__verified=False, **unverified)  # type: ignore[arg-type]
            Enforcer(forum(), ledger).process([opened])
            mended = event("3", 2, **unverified)  # type: ignore[arg-type] # values
            running.communicate(mended + b"\n", timeout=60)
            ended = [one.fact for one in ledger.entries() if isinstance(one.fact, Ended)]
    assert [(one.why, one.by) for one in ended] == [("fixed", "3")] * 2


# ── The outbox ───────────────────────────────────────────────────────────────────────────────────


def test_what_was_given_up_is_looked_at_and_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, file = saved(tmp_path, many(30))
    ledger = tmp_path / "ledger.db"
    usual = ("enforce", "-b", bundle, "-l", ledger)
    assert clausal(*usual, file).code == Exit.FINE
    ran = clausal("outbox", "list", "-l", ledger)
    waiting = int(ran.out.rstrip().rpartition("\n")[2].split()[0])
    assert waiting > 3
    monkeypatch.setenv("CLAUSAL_WEBHOOK_SECRET", SECRET)
    with Platform([b"another secret"]).open() as url:
        assert clausal(*usual, "-d", url).code == Exit.FINE
    ran = clausal("outbox", "dead", "-l", ledger)
    assert f"{waiting} messages given up" in ran.out
    assert "HTTP 401" in ran.out
    dead = json.loads(clausal("outbox", "dead", "-l", ledger, "--json").out)
    assert [one["attempts"] for one in dead] == [1] * waiting
    assert dead[0]["body"]["measure"].startswith("measure-")
    assert clausal("outbox", "resend", "-l", ledger).code == Exit.USAGE
    assert clausal("outbox", "resend", "-l", ledger, "9999").code == Exit.USAGE
    ran = clausal("outbox", "resend", "-l", ledger, str(dead[0]["number"]))
    assert ran.out == "1 message will be sent again\n"
    ran = clausal("outbox", "resend", "-l", ledger, "--all")
    assert ran.out == f"{waiting - 1} messages will be sent again\n"
    platform = Platform([secret_of(SECRET)])
    with platform.open() as url:
        assert clausal(*usual, "-d", url).code == Exit.FINE
    assert sorted(one["id"] for one in platform.done) == sorted(one["id"] for one in dead)
    assert "0 messages waiting" in clausal("outbox", "list", "-l", ledger).out


# ── Tallies ──────────────────────────────────────────────────────────────────────────────────────


def counted(count: int) -> list[bytes]:
    chance = random.Random(7)
    return [
        json.dumps(
            tallied.event(
                f"e-{number}",
                number * 20,
                f"a-{chance.randrange(4)}",
                kind=chance.choice(["text", "video"]),
                tips=chance.randrange(20),
                topic=f"t-{chance.randrange(9)}",
                staged=False,
            )
        ).encode()
        for number in range(count)
    ]


def enforce_counting(folder: Path, *more: str) -> Ran:
    return enforce(folder, folder / "events.ndjson", "--tallies", folder / "tallies", *more)


def test_tallies_in_a_file_are_right_whatever_ends_a_run(tmp_path: Path) -> None:
    events = counted(900)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder, count in ((whole, 900), (parts, 200)):
        folder.mkdir()
        tallied.bundle().save(folder / "forum.clausal")
        (folder / "events.ndjson").write_bytes(b"".join(one + b"\n" for one in events[:count]))
        ran = enforce_counting(folder)
        assert ran.code == Exit.FINE, ran.err
    (parts / "events.ndjson").write_bytes(b"".join(one + b"\n" for one in events))
    saved_before = (parts / "tallies").read_bytes()
    with process(parts, parts / "events.ndjson", "--tallies", str(parts / "tallies")) as running:
        grown(parts, running)
        running.kill()
    # Those of the run that was killed are not there.
    assert (parts / "tallies").read_bytes() == saved_before
    ran = enforce_counting(parts)
    assert ran.code == Exit.FINE
    assert "200   read in an earlier run" in ran.err
    assert metrics(parts)["events_known_before"] > 0
    assert end_of(parts) == end_of(whole)
    assert enforce_counting(parts).code == Exit.FINE
    assert metrics(parts)["events"] == 0


def test_a_tally_that_changed_is_a_choice(tmp_path: Path) -> None:
    tallied.bundle().save(tmp_path / "forum.clausal")
    (tmp_path / "events.ndjson").write_bytes(b"".join(one + b"\n" for one in counted(50)))
    assert enforce_counting(tmp_path).code == Exit.FINE
    tallied.bundle(posts="count by account.id over 10m").save(tmp_path / "forum.clausal")
    ran = enforce_counting(tmp_path)
    assert ran.code == Exit.INPUT
    assert "tally `made.tallied.posts`" in ran.err
    assert "--tally NAME=keep" in ran.err
    for wrong in ("made.tallied.posts", "made.tallied.posts=drop", "made.tallied.none=keep"):
        assert enforce_counting(tmp_path, "--tally", wrong).code == Exit.USAGE
    assert enforce_counting(tmp_path, "--tally", "made.tallied.posts=reset").code == Exit.FINE
    assert enforce_counting(tmp_path).code == Exit.FINE
    saved(tmp_path, [])
    assert "has no tallies" in enforce_counting(tmp_path).err


# ── Brakes ───────────────────────────────────────────────────────────────────────────────────────


def test_a_braked_rule_is_told_of_shown_and_released(tmp_path: Path) -> None:
    bundle("2 per day by account").save(tmp_path / "forum.clausal")
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(spam(number, number / 10, number) + b"\n" for number in range(5)))
    ran = enforce(tmp_path, file)
    assert ran.code == Exit.FINE
    assert "brake: rule `forum.hasty.flood` is in shadow from now on" in ran.err
    assert metrics(tmp_path)["rules_braked"] == 1
    _, told = end_of(tmp_path)
    assert len(told["rule:forum.hasty.flood"]) == 1
    usual = ("--ledger", tmp_path / "ledger.db")
    listed = clausal("brake", "list", *usual).out
    assert "forum.hasty.flood   2024-05-01T00:12:00+00:00     3   2 per day by account" in listed
    (one,) = json.loads(clausal("brake", "list", *usual, "--json").out)
    assert (one["counted"], one["since"]) == (3, "2024-04-30T00:12:00+00:00")
    shown = clausal("brake", "show", "forum.hasty.flood", *usual)
    assert shown.out.endswith("4 measures\n")
    assert len(json.loads(clausal("brake", "show", "forum.hasty.flood", *usual, "--json").out)) == 4
    assert clausal("brake", "release", "forum.hasty.flood", *usual).code == Exit.USAGE
    assert clausal("brake", "release", "forum.hasty.flod", "--by", "li", *usual).code == Exit.USAGE
    ran = clausal("brake", "release", "forum.hasty.flood", "--by", "li", *usual)
    assert ran.out == "forum.hasty.flood goes on\n"
    assert clausal("brake", "list", *usual).out == "0 rules braked\n"
    assert clausal("brake", "show", "forum.hasty.flood", *usual).code == Exit.USAGE


# ── What time brings about ───────────────────────────────────────────────────────────────────────


def test_a_sweep_ends_what_nobody_looked_at(tmp_path: Path) -> None:
    """A suspicion slows an item down; nobody confirms it in a day."""
    forum().save(tmp_path / "forum.clausal")
    file = tmp_path / "events.ndjson"
    file.write_bytes(event("e", 0, content__staged="suspected") + b"\n")
    assert enforce(tmp_path, file).code == Exit.FINE
    assert enforce(tmp_path, "--sweep", "--at", "2024-05-01T23:00Z").code == Exit.FINE
    assert metrics(tmp_path)["measures"] == {"applied": 0, "proposed": 0, "ended": 0}
    for ended in (1, 0):
        assert enforce(tmp_path, "--sweep", "--at", "2024-05-02T00:00Z").code == Exit.FINE
        assert metrics(tmp_path)["measures"]["ended"] == ended
    _, told = end_of(tmp_path)
    assert [len(ids) for ids in told.values()] == [2]
