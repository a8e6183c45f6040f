"""Turn pytest-benchmark's JSON into `benchmarks/RESULTS.md`, with the facts of the machine.

Usage: `python benchmarks/report.py build/benchmark.json benchmarks/RESULTS.md`.

A benchmark may put figures of its own into `benchmark.extra_info`; those named in `RATES` are
amounts handled in one round, and are shown as amounts per second of the median round.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import msgspec

from clausal.dsl.version import __version__

# Key in `extra_info` → unit shown.
RATES = {"lines": "lines/s", "rules": "rules/s", "events": "events/s", "bytes": "bytes/s"}

FLOOR = "floor"
"""In the name of a benchmark: the least that any way of doing the work of its group costs. The
others of the group are shown as ratios to it, all of one run."""


def seconds(value: float) -> str:
    """Return a time, given in seconds, in the unit that leaves one to three digits before the point."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def rates(benchmark: dict[str, Any]) -> str:
    """Return what one second handles, for each amount that the benchmark declared."""
    median = benchmark["stats"]["median"]
    amounts = benchmark["extra_info"]
    return ", ".join(
        f"{amounts[key] / median:,.0f} {unit}" for key, unit in RATES.items() if key in amounts
    )


def memory() -> str:
    """Return the machine's memory in GiB."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def report(results: dict[str, Any]) -> str:
    """Return the page for pytest-benchmark's `results`."""
    machine = results["machine_info"]
    facts = {
        "Processor": machine["cpu"].get("brand_raw", machine["machine"]),
        "Cores": str(os.cpu_count()),
        "Memory": memory(),
        "System": f"{machine['system']} {platform.machine()}",
        "Python": f"{machine['python_implementation']} {machine['python_version']}",
        "Clausal": __version__,
        "Measured": results["datetime"][:10],
    }
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. The median of each benchmark's rounds, and the interquartile range.",
        "",
        "The limit of every way in is reading its input: `floor` is that alone, and the last column how",
        "far from it a benchmark is. What `match` costs is reading an event and finding its rules; what",
        "`evaluate` costs above that is the decision: joining measures and writing texts, at once for",
        "every event, which is what to make cheaper next.",
        "",
        "| Machine | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
    ]
    groups: dict[str, list[dict[str, Any]]] = {}
    for benchmark in results["benchmarks"]:
        groups.setdefault(benchmark["group"] or "other", []).append(benchmark)
    for group, benchmarks in groups.items():
        floor = next((b["stats"]["median"] for b in benchmarks if FLOOR in b["name"]), None)
        ratio = [f"× {FLOOR}"] if floor else []
        header = ["Benchmark", "Median", "IQR", "Rounds", "Rate", *ratio]
        lines += ["", f"## {group}", "", f"| {' | '.join(header)} |"]
        lines += ["|---|" + "---:|" * (len(header) - 1)]
        for benchmark in benchmarks:
            stats = benchmark["stats"]
            cells = [
                benchmark["name"].removeprefix("test_"),
                seconds(stats["median"]),
                seconds(stats["iqr"]),
                str(stats["rounds"]),
                rates(benchmark),
                *([f"{stats['median'] / floor:.3g}"] if floor else []),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the JSON that the first argument names, write the page that the second one names."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(report(msgspec.json.decode(source.read_bytes())), encoding="utf-8")


if __name__ == "__main__":
    main()
