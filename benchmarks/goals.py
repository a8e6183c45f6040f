"""What the project wants to reach, and what was reached."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.peers.race import ratio

Row = tuple[str, str, float | None, float, bool]
"""What is held against what, at how many rules; what was reached; the goal; whether that is a most."""


def _held(peers: dict[str, Any], rules: int, one: str, other: str) -> float | None:
    """How many times ``other`` takes the time of ``one``; None if either was not measured."""
    found = peers.get(str(rules), {}).get("peers", {})
    pair = [found.get(name, {}).get("us") for name in (other, one)]
    return ratio(pair[0], pair[1]) if pair[0] and pair[1] else None


def _grown(peers: dict[str, Any], name: str) -> float | None:
    found = [
        peers.get(size, {}).get("peers", {}).get(name, {}).get("us") for size in ("10000", "100")
    ]
    return median(found[0]) / median(found[1]) if found[0] and found[1] else None


def _level(suites: dict[str, Any], one: str, other: str) -> float | None:
    found = {each["name"]: each["median_s"] for each in suites.get("benchmarks", ())}
    pair = [found.get(f"level[{name}]") for name in (one, other)]
    return pair[0] / pair[1] if pair[0] and pair[1] else None


def reached(
    peers: dict[str, Any],
    suites: dict[str, Any],
    footprint: dict[str, Any],
    volume: dict[str, Any],
) -> Iterator[Row]:
    """Every goal with what was reached."""
    arrow, two, read = "clausal-arrow", "clausal-arrow-2", "floor-read"
    for rules in (1_000, 10_000):
        at = f"{rules:,} rules"
        title = "Arrow in, one thread: times as fast as NumPy with interned predicates"
        yield title, at, _held(peers, rules, arrow, "numpy"), 25, False
    for rules in (1_000, 10_000):
        title = "Arrow in: two threads, times as fast as one"
        yield title, f"{rules:,} rules", _held(peers, rules, two, arrow), 1.8, False
    for rules, most in ((1_000, 3.5), (10_000, 7.0)):
        title = "Dictionaries in: times what reading the fields from C takes"
        yield title, f"{rules:,} rules", _held(peers, rules, read, "clausal"), most, True
    for rules, least in ((10, 1.0), (1_000, 25.0), (10_000, 100.0)):
        title = "Dictionaries in: times as fast as generated Python"
        yield title, f"{rules:,} rules", _held(peers, rules, "clausal", "python"), least, False
    for rules, most in ((1_000, 0.6), (10_000, 1.0)):
        title = "JSON in: times what `orjson.loads` takes"
        yield (
            title,
            f"{rules:,} rules",
            _held(peers, rules, "floor-orjson", "clausal-json"),
            most,
            True,
        )
    for name, what, most in (
        ("clausal", "dictionaries", 3.0),
        ("clausal-json", "JSON", 3.0),
        (arrow, "Arrow", 4.0),
    ):
        yield f"Growth, {what} in", "100 → 10,000 rules", _grown(peers, name), most, True
    title = "Full trace: times what deciding without one takes, events that match"
    yield title, "1,000 rules", _level(suites, "explain", "evaluate"), 2, True
    title = "The same, both rendered as JSON"
    yield title, "1,000 rules", _level(suites, "explain, and its JSON", "and its JSON"), 2, True
    large = footprint.get("10000", {})
    for title, key, unit, most in (
        ("From text to bundle, seconds", "compile_s", 1.0, 15.0),
        ("Loading the bundle, milliseconds", "load_s", 1e-3, 50.0),
        ("Held when loaded, MB", "loaded_bytes", 1e6, 50.0),
    ):
        yield title, "10,000 rules", large[key] / unit if large else None, most, True
    title = "1.34 billion events with all policies, minutes of two cores"
    minutes = volume["extrapolated_s"] / 60 if volume else None
    yield title, f"{volume['rules']} rules" if volume else "all rules", minutes, 5, True


def section(
    peers: dict[str, Any],
    suites: dict[str, Any],
    footprint: dict[str, Any],
    volume: dict[str, Any],
) -> Iterator[str]:
    """The table of goals."""
    yield "## Goals"
    yield ""
    yield "| | At | Goal | Reached | |"
    yield "|---|---|---:|---:|---|"
    for title, at, value, goal, most in reached(peers, suites, footprint, volume):
        want = f"{'≤' if most else '≥'} {goal:g}"
        if value is None:
            yield f"| {title} | {at} | {want} | not measured | |"
            continue
        met = value <= goal if most else value >= goal
        yield f"| {title} | {at} | {want} | {value:.3g} | {'reached' if met else '**missed**'} |"
    yield ""
