"""Measure all contestants on one workload: `python -P benchmarks/run.py peers --rules 1000`.

Every contestant answers the events of the check first; one whose answers are not those that the
rules mean, as plain Python says it and the reference interpreter says it, is not timed. Then
rounds are interleaved: in each, every contestant decides its events once, one after the other, so
that what disturbs the machine disturbs all. A figure is the median of the rounds, a ratio the
median of the ratios within rounds.

Results are added to those of other numbers of rules, so that a run that is broken off can go on.
"""

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.peers.peer import Peer
from benchmarks.peers.race import spread
from benchmarks.peers.registry import PEERS
from benchmarks.workload import Rule, Workload, flat
from clausal.compiler.bundle import pack
from clausal.compiler.ir import Corpus
from clausal.compiler.pipeline import check_sources, compile_sources
from clausal.dsl.source import Source
from clausal.engine.reference import Reference

SIZES: Final = (10, 100, 1_000, 10_000)
LAUNCHER: Final = Path(__file__).parents[1] / "run.py"
ONE_THREAD: Final = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
INSTANT: Final = 1_714_500_000_000_000
"""An instant at which the policy is in force."""


class Refused(Exception):  # noqa: N818 - an outcome to report, no error of this program
    """Why a contestant is out of the race."""


class Process:
    """A contestant's process."""

    def __init__(self, folder: Path, name: str) -> None:
        self._log = (folder / f"{name}.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(LAUNCHER), "peers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            env=os.environ | ONE_THREAD,
        )
        self._rest = b""

    def ask(self, operation: str, limit: float, **arguments: Any) -> dict[str, Any]:
        """Have something done, within ``limit`` seconds.

        Raises:
            Refused: if it cannot be done, not in that time, or the process dies over it.
        """
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        try:
            into.write(msgspec.json.encode((operation, arguments)) + b"\n")
        except BrokenPipeError:
            raise Refused("its process died") from None
        line = self._line(out, time.monotonic() + limit)
        if line is None:
            self.close()
            raise Refused(f"too slow: `{operation}` took more than {limit:.0f} s")
        if not line:
            raise Refused(f"its process died, with status {self._process.wait()}")
        answer: dict[str, Any] = msgspec.json.decode(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer

    def _line(self, out: IO[bytes], deadline: float) -> bytes | None:
        """The next line; empty at the end, None if none came in time."""
        while b"\n" not in self._rest:
            ready, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            chunk = os.read(out.fileno(), 1 << 16)
            if not chunk:
                return b""
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._log.close()


@dataclass(slots=True)
class Contestant:
    """One in the race, with what was found out about it."""

    name: str
    kind: type[Peer]
    process: Process
    refused: str | None = None
    version: str | None = None
    built: float = 0.0
    checked: int = 0
    events: int = 0
    passes: int = 1
    memory: int = 0
    times: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """What is stored: microseconds an event by round, and the rest."""
        found: dict[str, Any] = {
            "title": self.kind.about.title,
            "way": self.kind.about.way,
            "library": self.kind.about.library,
            "version": self.version or self.kind.version(),
            "floor": self.kind.about.floor,
            "how": self.kind.about.how,
        }
        if self.refused is not None:
            return found | {"refused": self.refused}
        return found | {
            "built_s": round(self.built, 3),
            "checked": self.checked,
            "events": self.events,
            "passes": self.passes,
            "memory_bytes": self.memory,
            "us": [float(f"{one:.4g}") for one in self.times],
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds, and how many rounds there are."""

    once: float
    rounds: int
    a_round: float


def meaning(
    corpus: Corpus, rules: Sequence[Rule], events: Sequence[dict[str, Any]]
) -> list[list[str]]:
    """The rules that fire for each event, on which plain Python and the reference must agree."""
    reference = Reference(corpus)
    expected = []
    for event in events:
        values = flat(event)
        plain = [rule.name for rule in rules if rule.fires(values)]
        fired = reference.run(event, None, INSTANT).fired
        names = sorted(corpus.rules[number].name for number in fired)
        if names != plain:
            sys.exit(f"the reference interpreter disagrees on {event['content']['id']}")
        expected.append(plain)
    return expected


def admit(one: Contestant, expected: list[list[str]], limits: Limits) -> None:
    """Check its answers, and get its events ready, as many as make a round of the wanted length.

    Raises:
        Refused: if it is wrong anywhere, or too slow.
    """
    first = one.process.ask("check", limits.once, start=0, stop=1)
    again = one.process.ask("check", limits.once, start=0, stop=1)
    seconds = max(1e-7, min(first["seconds"], again["seconds"]))
    count = max(1, min(len(expected), int(limits.once / 6 / seconds)))
    answer = one.process.ask("check", limits.once, start=0, stop=count)
    if not one.kind.about.floor:
        for number, (names, right) in enumerate(zip(answer["answers"], expected, strict=False)):
            if names != right:
                raise Refused(f"wrong on event {number}: {names} instead of {right}")
        one.checked = count
    if one.kind.about.way == "columns":
        one.events = one.kind.about.batch
    else:
        each = min(seconds, answer["seconds"] / count)
        one.events = max(1, min(one.kind.about.batch, int(limits.a_round / each)))
    one.process.ask("prepare", 4 * limits.once, events=one.events)
    warm = one.process.ask("round", limits.once, passes=1)
    one.passes = max(1, min(1_000, int(limits.a_round / max(1e-7, warm["seconds"]))))


def race(
    workload: Workload, names: Sequence[str], check: int, limits: Limits, console: Console
) -> dict[str, Any]:
    """Build, check and time the contestants on one workload."""
    sources = tuple(Source(name, text) for name, text in workload.sources().items())
    with tempfile.TemporaryDirectory(prefix="clausal-peers-") as name:
        folder = Path(name)
        bundle = folder / "bench.bundle"
        bundle.write_bytes(pack(compile_sources(sources)))
        corpus, _ = check_sources(sources)
        assert corpus is not None
        expected = meaning(corpus, workload.neutral(), list(workload.events(check)))
        field = [Contestant(name, PEERS[name], Process(folder, name)) for name in names]
        try:
            for one in field:
                console.print(f"  {one.kind.about.title}", end=" ", highlight=False)
                try:
                    built = one.process.ask(
                        "build",
                        limits.once,
                        name=one.name,
                        workload=asdict(workload),
                        bundle=str(bundle),
                    )
                    one.built, one.version = built["seconds"], built["version"]
                    admit(one, expected, limits)
                    console.print("[green]ready")
                except Refused as reason:
                    one.refused = str(reason)
                    console.print(f"[red]{one.refused}", markup=True, highlight=False)
            _time(field, limits)
        finally:
            for one in field:
                one.process.close()
    return {
        "workload": asdict(workload),
        "fires": sum(map(len, expected)) / len(expected),
        "checked": check,
        "machine": results.machine(),
        "peers": {one.name: one.summary() for one in field},
    }


def _time(field: list[Contestant], limits: Limits) -> None:
    spent = dict.fromkeys((one.name for one in field), 0.0)
    for number in range(limits.rounds):
        for place in range(len(field)):
            one = field[(place + number) % len(field)]
            # A slow one gets three rounds at least, and more as long as it takes no one's time.
            slow = number >= 3 and spent[one.name] > 3 * limits.a_round * (number + 1)
            if one.refused is not None or slow:
                continue
            try:
                answer = one.process.ask("round", limits.once, passes=one.passes)
            except Refused as reason:
                one.refused = str(reason)
                continue
            spent[one.name] += answer["seconds"]
            one.times.append(answer["seconds"] / (one.events * one.passes) * 1e6)
            one.memory = answer["memory"]


def show(outcome: dict[str, Any], console: Console) -> None:
    """Print the table of one workload."""
    table = Table("", "way in", "µs an event", "quartiles", "rounds", "checked", "built in s")
    for column in table.columns[:1]:
        column.no_wrap = True
    for one in outcome["peers"].values():
        if "refused" in one:
            table.add_row(one["title"], one["way"], one["refused"])
            continue
        middle, low, high = spread(one["us"])
        table.add_row(
            one["title"],
            one["way"],
            f"{middle:.3g}",
            f"{low:.3g} to {high:.3g}",
            str(len(one["us"])),
            str(one["checked"]),
            f"{one['built_s']:.3g}",
        )
    console.print(table)


def main() -> None:
    """Read the command line, race, print and store."""
    parser = argparse.ArgumentParser(prog="run.py peers", description=__doc__)
    add = parser.add_argument
    add("--rules", type=int, nargs="+", default=list(SIZES), help="numbers of rules")
    add("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), metavar="NAME")
    add("--matches", type=float, default=2.0, help="rules that fire for an event, about")
    add("--missing", type=float, default=0.2, help="share of scores that are missing")
    add("--gaps", type=float, default=0.0, help="share of other fields that are missing")
    add("--check", type=int, default=100, help="events on which all answers must be right")
    add("--rounds", type=int, default=21)
    add("--round-ms", type=float, default=60.0, help="what a round of a contestant may take")
    add("--time-limit", type=float, default=60.0, help="seconds that anything may take")
    add("--json", type=Path, help="write the results there, instead of to benchmarks/results")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    limits = Limits(given.time_limit, given.rounds, given.round_ms / 1e3)
    stored = {} if given.json else results.load("peers")
    for rules in given.rules:
        workload = Workload(rules, given.matches, given.missing, given.gaps)
        console.rule(f"{rules:,} rules")
        names = [name for name in PEERS if name in given.peers]
        outcome = race(workload, names, given.check, limits, console)
        show(outcome, console)
        stored[str(rules)] = outcome
        if given.json:
            results.replace(given.json, msgspec.json.encode(stored))
        else:
            results.store("peers", stored)


if __name__ == "__main__":
    main()
