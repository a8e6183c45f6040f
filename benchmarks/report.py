"""Turn the stored results into `RESULTS.md` and its plot: `python -P benchmarks/run.py report`.

Every part of `results/` that is there is reported, and nothing is left out because of what it says.
With `--suites FILE`, what pytest-benchmark wrote there becomes such a part first.

A benchmark of the suites may put figures of its own into `benchmark.extra_info`; those named in
`RATES` are amounts handled in one round, and are shown as amounts per second of the median round.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from benchmarks import goals, plot, results
from benchmarks.peers.race import ratio, spread

TARGET: Final = Path(__file__).with_name("RESULTS.md")

# Key in `extra_info` → unit shown.
RATES: Final = {"lines": "lines/s", "rules": "rules/s", "events": "events/s", "bytes": "bytes/s"}
WAYS: Final = {
    "objects": ("Dictionaries in", "clausal"),
    "JSON": ("JSON in", "clausal-json"),
    "columns": ("Columns in", "clausal-arrow"),
}
"""By way in: its heading, and the contestant that the others are held against."""


def seconds(value: float) -> str:
    """A time, given in seconds, in the unit that leaves one to three digits before the point."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def number(value: float) -> str:
    """A figure to three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rows(*cells: list[str], texts: bool = False) -> list[str]:
    """Lines of a table: the head, its rule and the rest; all but the first are figures or texts."""
    head, *rest = cells
    lines = [head, ["---", *["---" if texts else "---:"] * (len(head) - 1)], *rest]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


# ── The suites ───────────────────────────────────────────────────────────────────────────────────


def suites(written: dict[str, Any]) -> dict[str, Any]:
    """What is kept of pytest-benchmark's results."""
    return {
        "machine": results.machine(),
        "benchmarks": [
            {
                "group": one["group"] or "other",
                "name": one["name"].removeprefix("test_"),
                "median_s": one["stats"]["median"],
                "iqr_s": one["stats"]["iqr"],
                "rounds": one["stats"]["rounds"],
                "amounts": {
                    key: one["extra_info"][key] for key in RATES if key in one["extra_info"]
                },
            }
            for one in written["benchmarks"]
        ],
    }


def suite_section(part: dict[str, Any]) -> Iterator[str]:
    """The tables of the suites."""
    yield "## The suites"
    yield ""
    yield "The median of each benchmark's rounds, the interquartile range, and what one second handles."
    yield ""
    groups: dict[str, list[list[str]]] = {}
    for one in part["benchmarks"]:
        rates = [
            f"{amount / one['median_s']:,.0f} {RATES[key]}"
            for key, amount in one["amounts"].items()
        ]
        groups.setdefault(one["group"], []).append(
            [
                one["name"],
                seconds(one["median_s"]),
                seconds(one["iqr_s"]),
                str(one["rounds"]),
                ", ".join(rates),
            ]
        )
    for group, benchmarks in groups.items():
        yield f"### {group[0].upper()}{group[1:]}"
        yield ""
        yield from rows(["Benchmark", "Median", "IQR", "Rounds", "Rate"], *benchmarks)


# ── Side by side ─────────────────────────────────────────────────────────────────────────────────


def peer_section(part: dict[str, Any]) -> Iterator[str]:
    """Clausal beside others: costs, ratios, where it loses, growth, versions."""
    sizes = sorted(part, key=int)
    fires = ", ".join(f"{part[size]['fires']:.2g} at {int(size):,}" for size in sizes)
    yield "## Side by side"
    yield ""
    yield "Microseconds for an event: the median of the rounds, in brackets the quartiles, and after ×"
    yield "how many times that of Clausal by the same way in (the median of the ratios within rounds;"
    yield "above 1, Clausal is faster). Each contestant runs in a process of its own on one thread, and"
    yield "takes its turn in every round. Before that, its answers are checked on up to"
    yield f"{max(part[size]['checked'] for size in sizes)} events against plain Python and the reference"
    yield f"interpreter. Rules that fire for an event: {fires}."
    yield ""
    yield "All find the rules that fire. Clausal also finds those that missing values leave open; by"
    yield "dictionaries and JSON it makes a decision, whose reasons and measures are worked out when they"
    yield "are asked for, which costs what the suites say. What turns events into the form that suits a"
    yield "contestant best is not timed: flat dictionaries, JSON, codes for names in columns. Clausal gets"
    yield "nested dictionaries, bytes, and columns of strings, dictionary-encoded, and of numbers."
    yield ""
    if (TARGET.parent / plot.NAME).exists():
        yield f"![Cost of an event by number of rules]({plot.NAME})"
        yield ""
    notes: dict[str, int] = {}
    for way, (heading, own) in WAYS.items():
        yield f"### {heading}"
        yield ""
        names = [name for name, one in part[sizes[-1]]["peers"].items() if one["way"] == way]
        table = [
            [
                part[sizes[-1]]["peers"][name]["title"],
                *(_cell(part[size]["peers"], name, own, notes) for size in sizes),
            ]
            for name in names
        ]
        yield from rows(["Rules", *(f"{int(size):,}" for size in sizes)], *table)
    for reason, mark in notes.items():
        yield f"{mark}. {reason}"
    yield ""
    yield from _losses(part, sizes)
    yield from _growth(part, sizes)
    yield "### What was measured"
    yield ""
    newest = part[sizes[-1]]["peers"].values()
    yield from rows(
        ["Contestant", "Version", "How"],
        *([one["title"], _version(one), one["how"]] for one in newest),
        texts=True,
    )


def _version(one: dict[str, Any]) -> str:
    return f"{one['library']} {one['version'] or '?'}" if one["library"] else "-"


def _cell(peers: dict[str, Any], name: str, own: str, notes: dict[str, int]) -> str:
    one = peers.get(name)
    if one is None:
        return "not measured"
    if "refused" in one:
        mark = notes.setdefault(f"{one['title']}: {one['refused']}", len(notes) + 1)
        return f"- ({mark})"
    middle, low, high = spread(one["us"])
    cell = f"{number(middle)} ({number(low)}-{number(high)})"
    against = peers.get(own, {})
    if name != own and "us" in against:
        cell += f" × {number(ratio(one['us'], against['us']))}"
    return cell


def _losses(part: dict[str, Any], sizes: list[str]) -> Iterator[str]:
    """Where another is faster by the same way in, or Clausal by that way is not there."""
    yield "### Where Clausal loses"
    yield ""
    lost = []
    for size in sizes:
        peers = part[size]["peers"]
        for way, (heading, own) in WAYS.items():
            against = peers.get(own, {})
            if "us" not in against:
                continue
            for name, one in peers.items():
                if (
                    one["floor"]
                    or name.startswith("clausal")
                    or one["way"] != way
                    or "us" not in one
                ):
                    continue
                times = ratio(against["us"], one["us"])
                if times > 1:
                    lost.append(
                        f"- {heading}, {int(size):,} rules: {one['title']} takes"
                        f" {1 / times:.0%} of Clausal's time."
                    )
    yield from lost or ["At none of these sizes does another by the same way in take less time."]
    yield ""


def _growth(part: dict[str, Any], sizes: list[str]) -> Iterator[str]:
    """How costs grow with the number of rules."""
    steps = [
        (one, other)
        for one, other in (("10", "100"), ("100", "1000"), ("1000", "10000"), ("100", "10000"))
        if {one, other} <= set(sizes)
    ]
    if not steps:
        return
    yield "### Growth"
    yield ""
    yield "How many times an event costs with more rules what it costs with fewer."
    yield ""
    table = []
    for name, newest in part[sizes[-1]]["peers"].items():
        if newest["floor"]:
            continue
        cells = []
        for few, many in steps:
            pair = [part[size]["peers"].get(name, {}) for size in (few, many)]
            there = all("us" in one for one in pair)
            cells.append(number(median(pair[1]["us"]) / median(pair[0]["us"])) if there else "-")
        table.append([newest["title"], *cells])
    yield from rows(
        ["Contestant", *(f"{int(few):,} → {int(many):,}" for few, many in steps)], *table
    )


# ── Before the first event, and very many ────────────────────────────────────────────────────────


def footprint_section(part: dict[str, Any]) -> Iterator[str]:
    """What a bundle costs before the first event."""
    mib = 2**20
    yield "## Before the first event"
    yield ""
    yield "In fresh processes; memory is what the process holds more than after its imports. The first 100"
    yield "events include what is made when it is first needed; decisions are rendered as JSON."
    yield ""
    yield from rows(
        ["Rules", *(f"{int(size):,}" for size in part)],
        ["Parse", *(seconds(one["parse_s"]) for one in part.values())],
        ["Parse and check", *(seconds(one["parse_and_check_s"]) for one in part.values())],
        ["Compile, from text to bundle", *(seconds(one["compile_s"]) for one in part.values())],
        ["Size of the bundle", *(f"{one['bundle_bytes'] / mib:.3g} MiB" for one in part.values())],
        ["Load", *(seconds(one["load_s"]) for one in part.values())],
        ["First 100 events", *(seconds(one["first_hundred_s"]) for one in part.values())],
        ["Held when loaded", *(f"{one['loaded_bytes'] / mib:.3g} MiB" for one in part.values())],
        [
            "Held after 1,000 events",
            *(f"{one['used_bytes'] / mib:.3g} MiB" for one in part.values()),
        ],
    )


def volume_section(part: dict[str, Any]) -> Iterator[str]:
    """The whole picture."""
    rate = part["events"] / part["seconds"]
    yield f"## The whole picture, from {part['way'].capitalize()}"
    yield ""
    yield f"All {part['policies']} policies that ship, {part['rules']} rules, on {part['events']:,} generated"
    way = "read from Parquet in a stream" if part["way"] == "parquet" else "in Arrow batches"
    yield f"events, {way} and decided on {part['threads']} threads in"
    yield f"{part['seconds']:,.0f} s: **{rate:,.0f} events/s**. {part['with_findings']:,} events had findings,"
    yield f"{part['findings']:,} altogether. At this rate the {part['handled'] / 1e9:.2f} billion accounts that were"
    yield f"handled in the campaigns of 2021 take {part['extrapolated_s'] / 60:.1f} minutes, one event each."
    yield "Making the events is not counted; reading files is."
    yield ""


def ledger_section(part: dict[str, Any]) -> Iterator[str]:
    """What a ledger costs."""
    kinds = list(part.values())
    yield f"## A ledger of {kinds[0]['entries']:,} entries"
    yield ""
    yield "Each commit is flushed to the disk. A case is what the enforcer does for one event with findings, in"
    yield "a transaction of its own: look for five facts, read the records of their parties, append five facts"
    yield f"and the messages that they cause. A party has {kinds[0]['facts_of_a_party']:.0f} facts on average, which"
    yield "are read and decoded. A load above the number of cores makes all times longer."
    yield ""
    yield from rows(
        ["", *part],
        ["Append, by the batch", *(f"{one['entries'] / one['fill_s']:,.0f}/s" for one in kinds)],
        ["A case", *(seconds(one["case_s"]) for one in kinds)],
        ["The facts of a party", *(seconds(one["party_s"]) for one in kinds)],
        ["… of the slowest in a hundred", *(seconds(one["party_99_s"]) for one in kinds)],
        [f"… of {kinds[0]['parties']} at once", *(seconds(one["parties_s"]) for one in kinds)],
        ["Verify all", *(seconds(one["verify_s"]) for one in kinds)],
        ["JSON of an entry", *(f"{one['json_bytes'] / one['entries']:.0f} B" for one in kinds)],
        [
            "On the disk, for each entry",
            *(f"{one['disk_bytes'] / one['entries']:,.0f} B" for one in kinds),
        ],
        ["Load of the machine meanwhile", *(f"{one['load']:.1f}" for one in kinds)],
    )
    yield "What is on the disk holds the messages of the outbox, too, and all indexes."
    yield ""


def page() -> str:
    """The whole page, from what is stored."""
    peers, measured = results.load("peers"), results.load("suites")
    footprint, volume = results.load("footprint"), results.load("volume")
    in_arrow, ledger = results.load("volume-arrow"), results.load("ledger")
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`, `make bench-peers`, `make bench-volume` and `make bench-ledger` from",
        "`results/`. Absolute times belong to the machine; ratios are of figures of one run.",
        "",
    ]
    empty: dict[str, Any] = {}
    machines: dict[str, dict[str, str] | None] = {
        "suites": measured.get("machine"),
        "side by side": next(iter(peers.values()), empty).get("machine"),
        "before the first event": next(iter(footprint.values()), empty).get("machine"),
        "the whole picture": (in_arrow or volume).get("machine"),
        "the ledger": next(iter(ledger.values()), empty).get("machine"),
    }
    known = {name: machine for name, machine in machines.items() if machine}
    if known:
        facts = next(iter(known.values()))
        lines += rows(
            ["Machine", *known],
            *([fact, *(machine[fact] for machine in known.values())] for fact in facts),
            texts=True,
        )
    lines += goals.section(peers, measured, footprint, in_arrow or volume)
    for section, part in (
        (peer_section, peers),
        (footprint_section, footprint),
        (volume_section, volume),
        (volume_section, in_arrow),
        (ledger_section, ledger),
        (suite_section, measured),
    ):
        if part:
            lines += section(part)
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Store the suites' results, if they are given, and write the plot and the page."""
    parser = argparse.ArgumentParser(prog="run.py report", description=__doc__)
    parser.add_argument("--suites", type=Path, help="what `pytest --benchmark-json` wrote")
    given = parser.parse_args()
    if given.suites:
        results.store("suites", suites(msgspec.json.decode(given.suites.read_bytes())))
    plot.draw(results.load("peers"), TARGET.parent / plot.NAME)
    results.replace(TARGET, page().encode())


if __name__ == "__main__":
    main()
