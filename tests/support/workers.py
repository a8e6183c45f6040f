"""Processes that work on a ledger, as many as are wanted, each of which may be killed at any moment.

Run as a program it imports what the work needs, once, and then makes a process for each line that it
reads: `{"work": NAME, ...}` as JSON. It answers with the process's id, when the process has opened its
ledger, and with how it ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from sqlalchemy import make_url

import clausal
from clausal.enforcement.facts import Reviewed
from clausal.enforcement.ledger import Ledger, Message
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.processing import Enforcer

# ── The work ─────────────────────────────────────────────────────────────────────────────────────

BATCH = 3
"""Events in a transaction."""


def enforce(ledger: Ledger, bundle: str, events: str, source: str) -> None:
    """Process the events of a file, from where the last one stopped, and deliver the messages."""
    enforcer = Enforcer(clausal.load(bundle), ledger)
    lines = Path(events).read_bytes().splitlines()
    done = int(ledger.position(source) or 0)
    while done < len(lines):
        batch = lines[done : done + BATCH]
        done += len(batch)
        enforcer.process(batch, position=(source, str(done)))
        deliver(ledger, 3)
    while ledger.outbox.waiting():
        deliver(ledger, 100)


def deliver(ledger: Ledger, limit: int) -> None:
    """Some messages arrive, and some never do."""
    due = ledger.outbox.due(0, limit)
    for one in due:
        if one.number % 7 == 0:
            ledger.outbox.bury(one.number, "never")
        else:
            ledger.outbox.sent([one.number], one.number)


def contend(ledger: Ledger, name: str, times: int) -> None:
    """Write facts about one party, some of them those that others write as well."""
    for number in range(times):
        for fact_id in (f"{name}-{number}", f"shared-{number}"):
            with ledger.transaction() as writing:
                if writing.facts([fact_id]):
                    continue
                before = len(writing.about(["account:a"])["account:a"])
                fact = Reviewed(
                    id=fact_id, at=number, parties=("account:a",), measure="m", reviewer=name,
                    verdict="approve", note=str(before),
                )  # fmt: skip
                writing.append([fact], [Message(fact_id, "account:a", "apply", b"")])


WORK: dict[str, Callable[..., None]] = {"enforce": enforce, "contend": contend}


def work(order: dict[str, Any]) -> None:
    """Do what a line says."""
    ledger = open_ledger(order.pop("ledger"), create=True)
    _say(pid=os.getpid(), ready=1)
    WORK[order.pop("work")](ledger, **order)
    ledger.close()


# ── The processes ────────────────────────────────────────────────────────────────────────────────


def _say(**what: int) -> None:
    # In one piece: several processes write to one pipe.
    os.write(1, f"{json.dumps(what)}\n".encode())


def serve() -> None:
    """Make a process for each line of standard input."""
    # What takes longest to import is imported when it is needed.
    from clausal.enforcement.database import Database
    from clausal.enforcement.dialects import PostgreSQL
    from clausal.enforcement.migrations import versions

    # A URL that is never connected to: it loads what speaks to the server.
    Database(PostgreSQL(), make_url("postgresql:///"), "").engine.dispose()
    assert versions()
    children: set[int] = set()
    while True:
        readable, _, _ = select.select([0], [], [], 0.001 if children else None)
        if readable:
            line = sys.stdin.readline()
            if not line:
                return
            child = os.fork()
            if not child:
                with contextlib.suppress(KeyboardInterrupt):
                    work(json.loads(line))
                    os._exit(0)
                os._exit(1)
            children.add(child)
            _say(pid=child)
        for child in list(children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                children.discard(child)
                _say(pid=child, ended=status)


class Workers:
    """Makes processes that work."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._ready: set[int] = set()
        self._ended: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()

    def start(self, work: str, ledger: str, **order: object) -> int:
        """Start a process, and return its id."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps({"work": work, "ledger": ledger, **order}) + "\n")
        while True:
            said = self._read()
            if said.keys() == {"pid"}:
                return said["pid"]

    def kill(self, process: int, *, after: float, at_work: bool) -> None:
        """Kill a process some seconds after it was started, or after it began its work."""
        while at_work and process not in self._ready and process not in self._ended:
            self._read()
        time.sleep(after)
        # Gone already, it may be.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)

    def wait(self, process: int) -> int:
        """How a process ended: its signal, or 0."""
        while process not in self._ended:
            self._read()
        self._ready.discard(process)
        return self._ended.pop(process)

    def _read(self) -> dict[str, int]:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, "the workers are gone"
        said: dict[str, int] = json.loads(line)
        if "ended" in said:
            self._ended[said["pid"]] = said["ended"]
        if "ready" in said:
            self._ready.add(said["pid"])
        return said


if __name__ == "__main__":
    serve()
