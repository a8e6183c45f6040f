"""How fast a bundle decides events: rates, latencies and memory, beside what it cannot be faster than.

Everything is measured in rounds that take turns, so that whatever else the machine does slows all
ways alike; figures are medians over rounds, with the slowest and the fastest round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from clausal.compiler.bundle import load
from clausal.engine.evaluator import Bundle
from clausal.profile import core_of

if TYPE_CHECKING:
    from clausal.sample import Sample

WAYS: Final = ("dict", "json", "arrow")
"""The ways in: dictionaries, JSON, and tables of Arrow."""

ROUNDS: Final = 5
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)
"""The last is the slowest of all."""

Pass = Callable[[int, int], object]
"""Decides the events of a sample from one number up to another."""


class UnavailableError(Exception):
    """A way in that cannot be measured here, and why."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many events a second.

    Attributes:
        name: The way in, or the floor.
        threads: How many threads shared the events.
        median, slowest, fastest: Events a second, over the rounds.
    """

    name: str
    threads: int
    median: float
    slowest: float
    fastest: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long single events took, in nanoseconds, what reading the clock costs taken off.

    Attributes:
        name: The way in.
        count: How many were timed.
        clock: What was taken off each: the least time between two readings of the clock.
        percentiles: By percentage; 100 is the slowest.
    """

    name: str
    count: int
    clock: int
    percentiles: dict[float, int]


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process of its own that loads the bundle, in bytes.

    Attributes:
        before: With everything imported, and nothing loaded.
        loaded: After the bundle was loaded and has decided one event.
        kept: What each decision takes that is kept, its event left out.
    """

    before: int
    loaded: int
    kept: float


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured.

    Attributes:
        events: How many events took turns.
        json_bytes: How long one is as JSON, on average.
        rates: Of each way and number of threads.
        floors: What no way in can go below: ``field read`` looks each field up in a dictionary,
            ``json decode`` makes a dictionary of JSON, ``arrow read`` reads a table from memory.
        latencies: Of the ways that take single events.
        memory: None where the system does not tell.
        unavailable: Why a way was not measured.
    """

    events: int
    json_bytes: float
    rates: tuple[Rate, ...]
    floors: tuple[Rate, ...]
    latencies: tuple[Latency, ...]
    memory: Memory | None
    unavailable: dict[str, str]


def measure(
    bundle: Bundle,
    sample: Sample,
    *,
    ways: Sequence[str] = WAYS,
    threads: Sequence[int] = (1,),
    seconds: float = 1.0,
) -> Results:
    """Measure a bundle on a sample.

    Args:
        bundle: What decides.
        sample: The events.
        ways: Some of `WAYS`.
        threads: Numbers of threads.
        seconds: How long each combination is measured, all rounds together.
    """
    passes: dict[str, Pass] = {}
    floors: dict[str, Pass] = {}
    unavailable: dict[str, str] = {}
    for way in ways:
        try:
            passes[way], (floor, of_floor) = _WAYS[way](bundle, sample)
        except UnavailableError as error:
            unavailable[way] = str(error)
            continue
        floors[floor] = of_floor
    work = [(name, count, run) for name, run in passes.items() for count in threads]
    work += [(name, 1, run) for name, run in floors.items()]
    found: list[list[float]] = [[] for _ in work]
    for _, count, run in work:
        _rate(run, len(sample.events), count, 0.0)  # the first pass fills caches
    for _ in range(ROUNDS):
        for each, (_, count, run) in zip(found, work, strict=True):
            each.append(_rate(run, len(sample.events), count, seconds / ROUNDS))
    rates = [
        Rate(name, count, statistics.median(each), min(each), max(each))
        for each, (name, count, _) in zip(found, work, strict=True)
    ]
    cut = len(rates) - len(floors)
    return Results(
        events=len(sample.events),
        json_bytes=statistics.fmean(map(len, sample.texts)),
        rates=tuple(rates[:cut]),
        floors=tuple(rates[cut:]),
        latencies=tuple(
            [_latency(bundle, sample, way, seconds) for way in passes if way != "arrow"]
        ),
        memory=_memory(bundle, sample),
        unavailable=unavailable,
    )


# ── The ways in, each with its floor ─────────────────────────────────────────────────────────────


def _dict(bundle: Bundle, sample: Sample) -> tuple[Pass, tuple[str, Pass]]:
    events, evaluate = sample.events, bundle.evaluate
    touch = core_of(bundle.artifact, bundle.artifact.program).touch

    def run(first: int, end: int) -> None:
        for event in events[first:end]:
            evaluate(event)

    def floor(first: int, end: int) -> None:
        for event in events[first:end]:
            touch(event)

    return run, ("field read", floor)


def _json(bundle: Bundle, sample: Sample) -> tuple[Pass, tuple[str, Pass]]:
    texts, evaluate, decode = sample.texts, bundle.evaluate_json, msgspec.json.decode

    def run(first: int, end: int) -> None:
        for text in texts[first:end]:
            evaluate(text)

    def floor(first: int, end: int) -> None:
        for text in texts[first:end]:
            decode(text)

    return run, ("json decode", floor)


def _arrow(bundle: Bundle, sample: Sample) -> tuple[Pass, tuple[str, Pass]]:
    # What is found is not written out: neither is it for the single events of the other ways.
    evaluate: Callable[[object], object] = bundle.match_table
    try:
        import pyarrow as pa  # noqa: PLC0415 - it is an extra
        from pyarrow import ipc  # noqa: PLC0415 - it is an extra
    except ImportError:
        raise UnavailableError("PyArrow is not installed: pip install 'clausal[parquet]'") from None
    try:
        table = pa.Table.from_pylist(sample.events)
        evaluate(table.slice(0, 1))
    except (pa.ArrowException, ImportError, ValueError, TypeError) as error:
        line = str(error).partition("\n")[0]
        raise UnavailableError(f"the events do not fit into one table: {line}") from None
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stored = sink.getvalue()

    def run(first: int, end: int) -> None:
        evaluate(table.slice(first, end - first))

    def floor(_first: int, _end: int) -> None:
        for batch in ipc.open_stream(stored):
            batch.validate(full=True)

    return run, ("arrow read", floor)


_WAYS: Final = {"dict": _dict, "json": _json, "arrow": _arrow}


# ── Measuring ────────────────────────────────────────────────────────────────────────────────────


def _rate(run: Pass, events: int, threads: int, seconds: float) -> float:
    """Events a second, over whole passes that go on for so long; one pass at least."""
    edges = [events * number // threads for number in range(threads + 1)]
    start_together = threading.Barrier(threads + 1)
    ends: list[tuple[int, int]] = []
    failures: list[BaseException] = []

    def work(first: int, end: int) -> None:
        done = 0
        start_together.wait()
        start = time.perf_counter_ns()
        try:
            while True:
                run(first, end)
                done += end - first
                if time.perf_counter_ns() - start >= seconds * 1e9:
                    break
        except BaseException as failure:  # it is raised where the caller is
            failures.append(failure)
        ends.append((done, time.perf_counter_ns()))

    if threads == 1:
        start = time.perf_counter_ns()
        done = 0
        while done == 0 or time.perf_counter_ns() - start < seconds * 1e9:
            run(0, events)
            done += events
        return done * 1e9 / max(1, time.perf_counter_ns() - start)
    pool = [
        threading.Thread(target=work, args=(edges[number], edges[number + 1]), daemon=True)
        for number in range(threads)
    ]
    for thread in pool:
        thread.start()
    start_together.wait()
    start = time.perf_counter_ns()
    for thread in pool:
        thread.join()
    if failures:
        raise failures[0]
    last = max(end for _, end in ends)
    return sum(done for done, _ in ends) * 1e9 / max(1, last - start)


def _latency(bundle: Bundle, sample: Sample, way: str, seconds: float) -> Latency:
    """The times of single events, one after the other."""
    clock = time.perf_counter_ns
    own = _clock_cost()
    taken: list[int] = []
    stop = clock() + int(seconds * 1e9)
    while not taken or clock() < stop:
        if way == "dict":
            for event in sample.events:
                start = clock()
                bundle.evaluate(event)
                taken.append(clock() - start)
        else:
            for text in sample.texts:
                start = clock()
                bundle.evaluate_json(text)
                taken.append(clock() - start)
        if len(taken) > 5_000_000:
            break
    taken.sort()
    last = len(taken) - 1
    return Latency(
        name=way,
        count=len(taken),
        clock=own,
        percentiles={
            share: max(0, taken[min(last, int(len(taken) * share / 100))] - own)
            for share in PERCENTILES
        },
    )


def _clock_cost() -> int:
    """The least time between two readings of the clock."""
    clock = time.perf_counter_ns
    best = 1_000_000
    for _ in range(10_000):
        start = clock()
        best = min(best, clock() - start)
    return best


# ── Memory ───────────────────────────────────────────────────────────────────────────────────────

_KEPT: Final = 5_000
"""About so many decisions are kept."""

_STATM: Final = Path("/proc/self/statm")


def _memory(bundle: Bundle, sample: Sample) -> Memory | None:
    """Load the bundle in a process of its own, and look at that."""
    if not _STATM.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        bundle.save(Path(folder) / "bundle.clausal")
        (Path(folder) / "events.ndjson").write_bytes(b"\n".join(sample.texts[:_KEPT]))
        done = subprocess.run(  # noqa: S603 - this Python, and a program that is written here
            [sys.executable, "-P", "-c", _PROGRAM, folder],
            check=False,
            capture_output=True,
            env=os.environ,
        )
    try:
        before, loaded, kept = json.loads(done.stdout)
    except ValueError:
        return None
    return Memory(int(before), int(loaded), float(kept))


_PROGRAM: Final = "import sys; from clausal.bench import watch_memory; watch_memory(sys.argv[1])"


def watch_memory(folder: str) -> None:
    """Load the bundle in a folder, decide its events, and print what that took.

    It is what `measure` runs in a process of its own.
    """
    texts = (Path(folder) / "events.ndjson").read_bytes().splitlines()
    before = _resident()
    bundle = Bundle(load(Path(folder) / "bundle.clausal"))
    bundle.evaluate_json(texts[0])
    loaded = _resident()
    events = [msgspec.json.decode(text) for text in texts]
    held = _resident()
    # Memory is counted in pages: a few decisions would not tell.
    times = max(1, _KEPT // len(events))
    kept = [bundle.evaluate(event) for _ in range(times) for event in events]
    grown = _resident() - held
    sys.stdout.write(json.dumps([before, loaded, grown / len(kept)]))


def _resident() -> int:
    return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
