"""What a ledger of a million entries costs: to write, to ask, to verify, to keep.

`python -P benchmarks/run.py ledger` fills one in SQLite and one in PostgreSQL, whose commits are flushed
to the disk, with what the enforcer records of a small platform, under ever new names, and measures there.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from rich.console import Console

from benchmarks import results
from clausal.enforcement.facts import AnyFact, Known, encode
from clausal.enforcement.ledger import Ledger, Message
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.processing import Enforcer
from tests.support.enforced import forum
from tests.support.enforced_events import many
from tests.support.postgres import running

Facts = Iterator[tuple[AnyFact, Sequence[Message]]]

EVENTS: Final = 400
"""Events of the small platform: some 800 facts about 12 accounts."""

BATCH: Final = 500
"""Facts in a transaction while the ledger is filled."""

CASE: Final = 5
"""Facts in a transaction of a single case, about."""

PARTIES: Final = 300
"""Parties that a batch asks for."""


def facts() -> Facts:
    """Facts without end, each with its messages: one platform after the other."""
    done = Enforcer(forum(), MemoryLedger()).process(many(EVENTS))
    messages: dict[str, list[Message]] = {}
    for message in done.messages:
        messages.setdefault(message.id, []).append(message)
    base = [(fact, messages.get(fact.id, [])) for fact in done.facts if not isinstance(fact, Known)]
    for turn in count():
        for fact, told in base:
            # As long as the real names are, and as mixed: neighbours in time are none in an index.
            new = f"{fact.id[:-6]}{turn:06x}"
            yield (
                msgspec.structs.replace(
                    fact, id=new, parties=tuple(sorted(f"{one}-{turn}" for one in fact.parties))
                ),
                [msgspec.structs.replace(one, id=new, key=f"{one.key}-{turn}") for one in told],
            )


def timed(ledger: Ledger, found: Facts) -> list[float]:
    """Seconds of transactions of one case each."""
    spent = []
    for _ in range(300):
        part = list(islice(found, CASE))
        start = time.perf_counter()
        with ledger.transaction() as writing:
            writing.facts([fact.id for fact, _ in part])
            writing.about({party for fact, _ in part for party in fact.parties})
            writing.append([fact for fact, _ in part], [one for _, told in part for one in told])
        spent.append(time.perf_counter() - start)
    return spent


def fill(ledger: Ledger, found: Facts, entries: int) -> tuple[float, int]:
    """Append facts by the batch; returns the seconds that it took, and the bytes of their JSON."""
    spent, held = 0.0, 0
    for _ in range(0, entries, BATCH):
        part = list(islice(found, BATCH))
        start = time.perf_counter()
        with ledger.transaction() as writing:
            writing.append([fact for fact, _ in part], [one for _, told in part for one in told])
        spent += time.perf_counter() - start
        held += sum(len(encode(fact)) for fact, _ in part)
    return spent, held


def asked(ledger: Ledger, names: Sequence[str]) -> tuple[list[float], list[float], int]:
    """Seconds to read each party alone, and by the batch, and how many facts there were."""
    alone, together, known = [], [], 0
    for name in names:
        start = time.perf_counter()
        known += len(ledger.about(name))
        alone.append(time.perf_counter() - start)
    with ledger.transaction() as writing:
        for first in range(0, len(names) - PARTIES + 1, PARTIES):
            start = time.perf_counter()
            writing.about(names[first : first + PARTIES])
            together.append(time.perf_counter() - start)
    return alone, together, known


def measure(url: str, entries: int, size: Callable[[], int]) -> dict[str, Any]:
    """Fill a ledger and measure it.

    Args:
        url: Its address; it is made.
        entries: How many it is to have.
        size: Tells how many bytes it takes on the disk.
    """
    ledger = open_ledger(url, create=True)
    found = facts()
    spent, json = fill(ledger, found, entries)
    chance = random.Random(1)
    platforms = entries // EVENTS // 2
    names = [
        f"account:a-{chance.randrange(12)}-{chance.randrange(platforms)}" for _ in range(2_100)
    ]
    alone, together, known = asked(ledger, names)
    start = time.perf_counter()
    broken = ledger.verify()
    verified = time.perf_counter() - start
    assert broken is None, broken
    alone.sort()
    made = {
        "entries": entries,
        "fill_s": spent,
        "case_s": median(timed(ledger, found)),
        "facts_of_a_party": known / len(names),
        "party_s": median(alone),
        "party_99_s": alone[len(alone) * 99 // 100],
        "parties": PARTIES,
        "parties_s": median(together),
        "verify_s": verified,
        "json_bytes": json,
        # One of it is this itself: on a machine with more of it than cores, times are longer.
        "load": os.getloadavg()[1],
    }
    ledger.close()
    # Now that nothing is left in a log of its own.
    return made | {"disk_bytes": size()}


def in_sqlite(entries: int, folder: Path | None) -> dict[str, Any]:
    """Measure a file."""
    with tempfile.TemporaryDirectory(prefix="clausal-ledger-", dir=folder) as place:
        files = Path(place)
        return measure(
            str(files / "ledger.db"),
            entries,
            lambda: sum(file.stat().st_size for file in files.glob("*.db")),
        )


def in_postgresql(entries: int, folder: Path | None) -> dict[str, Any]:
    """Measure a database on a server, which runs for this alone, as it is set up by default."""
    with running(folder, durable=True) as server:
        url = server.database()

        def size() -> int:
            server.run("VACUUM ANALYZE", url.rpartition("/")[2])
            query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
            return int(server.ask(f"{query} AND relname LIKE 'clausal%'", url.rpartition("/")[2]))

        return measure(url, entries, size)


KINDS: Final = {"SQLite": in_sqlite, "PostgreSQL": in_postgresql}


def main() -> None:
    """Measure the kinds that the command line names."""
    parser = argparse.ArgumentParser(prog="run.py ledger", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the ledgers lie meanwhile; on a disk")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    given = parser.parse_args()
    part = results.load("ledger")
    for kind in given.kinds:
        part[kind] = KINDS[kind](given.entries, given.folder) | {"machine": results.machine()}
        results.store("ledger", part)
        Console().print(kind, part[kind])


if __name__ == "__main__":
    main()
