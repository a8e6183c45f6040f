"""What a bundle costs before its first event, in time and memory, measured in fresh processes.

`python -P benchmarks/run.py footprint` compiles, in one process for each number of rules, and loads
what came of it in several, one after the other; what a process held before does not count.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.workload import Workload

SIZES: Final = (100, 1_000, 10_000)
LAUNCHER: Final = Path(__file__).with_name("run.py")


def resident() -> int:
    """The bytes of memory that this process holds now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError("this system does not say how much memory a process holds")


def compiling(rules: int, target: Path) -> dict[str, Any]:
    """Compile, in this process; the bundle is left in a file."""
    from clausal.compiler.bundle import pack  # noqa: PLC0415 - imports count as this step's
    from clausal.compiler.pipeline import check_sources, compile_sources  # noqa: PLC0415
    from clausal.dsl.parser import parse  # noqa: PLC0415
    from clausal.dsl.source import Source  # noqa: PLC0415

    texts = [Source(name, text) for name, text in Workload(rules).sources().items()]
    parse(texts[0])  # the parser is made when it is first used
    start = time.perf_counter()
    for text in texts:
        parse(text)
    parsed = time.perf_counter()
    check_sources(texts)
    checked = time.perf_counter()
    data = pack(compile_sources(texts))
    compiled = time.perf_counter()
    target.write_bytes(data)
    return {
        "parse_s": parsed - start,
        "parse_and_check_s": checked - parsed,
        "compile_s": compiled - checked,
        "bundle_bytes": len(data),
    }


def loading(source: Path) -> dict[str, Any]:
    """Load a bundle and decide the first events, in this process."""
    import gc  # noqa: PLC0415 - what is imported is part of what is held

    import clausal  # noqa: PLC0415
    from clausal.compiler.bundle import unpack  # noqa: F401, PLC0415 - imported when first needed
    from clausal.engine.evaluator import Bundle  # noqa: F401, PLC0415

    events = list(Workload(1).events(1_000))
    gc.collect()
    before = resident()
    start = time.perf_counter()
    bundle = clausal.load(source)
    loaded = time.perf_counter()
    after = resident()
    for event in events[:100]:
        bundle.evaluate(event).to_json()
    decided = time.perf_counter()
    for event in events:
        bundle.evaluate(event).to_json()
    return {
        "load_s": loaded - start,
        "first_hundred_s": decided - loaded,
        "loaded_bytes": after - before,
        "used_bytes": resident() - before,
        "import_bytes": before,
    }


def fresh(step: str, *arguments: object) -> dict[str, Any]:
    """Do a step in a process of its own."""
    command = [sys.executable, "-P", str(LAUNCHER), "footprint", "--step", step]
    done = subprocess.run(
        [*command, *map(str, arguments)], stdout=subprocess.PIPE, check=True, timeout=900
    )
    found: dict[str, Any] = msgspec.json.decode(done.stdout)
    return found


def measure(rules: int, processes: int) -> dict[str, Any]:
    """Everything for one number of rules; the median of the processes that load."""
    with tempfile.TemporaryDirectory(prefix="clausal-footprint-") as name:
        bundle = Path(name) / "bench.bundle"
        found = fresh("compile", rules, bundle)
        loads = [fresh("load", bundle) for _ in range(processes)]
    found |= {key: median(load[key] for load in loads) for key in loads[0]}
    return found | {"processes": processes, "machine": results.machine()}


def main() -> None:
    """Measure all sizes, or do one step for the process that does."""
    parser = argparse.ArgumentParser(prog="run.py footprint", description=__doc__)
    parser.add_argument("--rules", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--processes", type=int, default=7, help="how many load each bundle")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        step, *arguments = given.step
        if step == "compile":
            found = compiling(int(arguments[0]), Path(arguments[1]))
        else:
            found = loading(Path(arguments[0]))
        sys.stdout.buffer.write(msgspec.json.encode(found))
        return
    stored = results.load("footprint")
    table = Table(
        "rules", "compile", "load", "first 100 events", "held when loaded", "after 1,000 events"
    )
    for rules in given.rules:
        found = measure(rules, given.processes)
        stored[str(rules)] = found
        results.store("footprint", stored)
        table.add_row(
            f"{rules:,}",
            f"{found['compile_s']:.3g} s",
            f"{found['load_s'] * 1e3:.3g} ms",
            f"{found['first_hundred_s'] * 1e3:.3g} ms",
            f"{found['loaded_bytes'] / 2**20:.3g} MiB",
            f"{found['used_bytes'] / 2**20:.3g} MiB",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
