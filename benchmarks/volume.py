"""The whole picture: many millions of events, decided with all policies that ship.

`python -P benchmarks/run.py volume --events 50000000` makes Parquet files first, each only if it is
not there yet, and then decides them in a stream of batches on two threads. The two are timed apart;
reading the files belongs to deciding. Progress is kept after each file, so that a run that is broken
off goes on where it was. With `--way arrow` no file is written: batches are made a few at a time, and
only deciding them is timed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

import clausal
from benchmarks import results
from clausal.generator import batches

LAUNCHER: Final = Path(__file__).with_name("run.py")
HANDLED: Final = 1_340_000_000
"""How many accounts the campaigns of 2021 led to measures against, as their notice says."""
PART: Final = 5_000_000
"""Events in a file."""
ROWS: Final = 65_536
"""Events in a batch."""
AT_ONCE: Final = 16
"""Batches that are made before they are decided, where no file is written."""


def make(path: Path, events: int, part: int, parts: int) -> None:
    """Write one of the parts of a world of so many events, whole or not at all."""
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    beside = path.with_suffix(".part")
    made = batches("L", events=events, part=(part, parts))
    first = next(made)
    with parquet.ParquetWriter(beside, first.schema, compression="zstd") as writer:
        for batch in chain([first], made):
            writer.write_table(arrow.Table.from_batches([batch]), row_group_size=ROWS)
    beside.replace(path)


def files(folder: Path, events: int, processes: int, console: Console) -> list[Path]:
    """The files of the events; those that were not there yet are made, by several processes."""
    parts = -(-events // PART)
    paths = [folder / f"events-{events}-{part:03}.parquet" for part in range(parts)]

    def one(part: int) -> None:
        command = [sys.executable, "-P", str(LAUNCHER), "volume"]
        numbers = map(str, (events, part, parts))
        subprocess.run([*command, "--make", str(paths[part]), *numbers], check=True)
        console.print(f"  {paths[part].name}: {paths[part].stat().st_size / 2**20:,.0f} MiB")

    missing = [part for part, path in enumerate(paths) if not path.exists()]
    with ThreadPoolExecutor(processes) as pool:
        for _ in pool.map(one, missing):
            pass
    return paths


def decide(bundle: Any, path: Path, threads: int) -> dict[str, Any]:
    """Decide a file; the figures of it."""
    parquet = import_module("pyarrow.parquet")
    file = parquet.ParquetFile(path)
    found = {"events": file.metadata.num_rows, "decisions": 0, "with_findings": 0, "findings": 0}
    start = time.perf_counter()
    columns = bundle.columns_of(file.schema_arrow.names)
    for decisions in bundle.evaluate_batches(
        file.iter_batches(ROWS, columns=columns, use_threads=threads > 1), threads=threads
    ):
        count_into(found, decisions)
    return found | {"seconds": time.perf_counter() - start}


def decide_made(bundle: Any, events: int, threads: int) -> dict[str, Any]:
    """Decide batches as they are made; the figures, of deciding alone."""
    found = {"events": 0, "decisions": 0, "with_findings": 0, "findings": 0}
    seconds = 0.0
    made = batches("L", events=events)
    while held := [
        batch.select(bundle.columns_of(batch.schema.names)) for batch in islice(made, AT_ONCE)
    ]:
        start = time.perf_counter()
        decided = list(bundle.evaluate_batches(held, threads=threads))
        seconds += time.perf_counter() - start
        found["events"] += sum(batch.num_rows for batch in held)
        for decisions in decided:
            count_into(found, decisions)
    return found | {"seconds": seconds}


def decide_files(bundle: Any, given: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make the files that are not there yet, and decide them all; the figures."""
    given.folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    paths = files(given.folder, given.events, given.threads, console)
    console.print(f"events are there after {time.perf_counter() - start:.0f} s", highlight=False)
    progress = given.folder / f"decided-{bundle.digest[7:19]}-{given.threads}.json"
    parts = msgspec.json.decode(progress.read_bytes()) if progress.exists() else {}
    for path in paths:
        if path.name not in parts:
            parts[path.name] = decide(bundle, path, given.threads)
            results.replace(progress, msgspec.json.encode(parts))
        part = parts[path.name]
        rate = part["events"] / part["seconds"]
        console.print(f"  {path.name}: decided {rate:,.0f} events/s", highlight=False)
    chosen = [parts[path.name] for path in paths]
    return {key: sum(part[key] for part in chosen) for key in chosen[0]}


def count_into(found: dict[str, Any], decisions: Any) -> None:
    """Add up what was decided."""
    compute = import_module("pyarrow.compute")
    lengths = compute.list_value_length(decisions["findings"])
    found["decisions"] += decisions.num_rows
    found["with_findings"] += compute.sum(compute.greater(lengths, 0)).as_py() or 0
    found["findings"] += compute.sum(lengths).as_py() or 0


def main() -> None:
    """Make the events, decide them, extrapolate and store."""
    parser = argparse.ArgumentParser(prog="run.py volume", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way", choices=["parquet", "arrow"], default="parquet")
    parser.add_argument("--folder", type=Path, default=Path("build/volume"))
    parser.add_argument("--make", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        make(Path(given.make[0]), *map(int, given.make[1:]))
        return
    console = Console()
    bundle: Any = clausal.compile(clausal.shipped())
    if given.way == "arrow":
        total = decide_made(bundle, given.events, given.threads)
    else:
        total = decide_files(bundle, given, console)
    total |= {
        "way": given.way,
        "threads": given.threads,
        "rules": bundle.artifact.meta.rules,
        "policies": len({version.policy for version in bundle.artifact.meta.versions}),
        "handled": HANDLED,
        "extrapolated_s": HANDLED / total["events"] * total["seconds"],
        "machine": results.machine(),
    }
    results.store("volume-arrow" if given.way == "arrow" else "volume", total)
    rate = total["events"] / total["seconds"]
    console.print(
        f"{total['events']:,} events in {total['seconds']:.1f} s: {rate:,.0f} events/s on "
        f"{given.threads} threads; {HANDLED:,} would take {total['extrapolated_s'] / 60:.1f} min",
        highlight=False,
    )


if __name__ == "__main__":
    main()
