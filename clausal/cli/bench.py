"""`clausal bench`: how fast a bundle decides events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import ParamOption, bundle_of, files_of, params_of, split_inputs
from clausal.cli.samples import (
    EventsOption,
    FormatOption,
    GenerateOption,
    InputsArgument,
    SeedOption,
    sample_of,
)
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    keep_apart,
    print_json,
    safe,
    show,
    write_file,
)

if TYPE_CHECKING:
    from rich.table import Table

    from clausal.bench import Rate, Results
    from clausal.sample import Sample

EXAMPLES: Final = (
    ("the policies that ship, on generated events", "clausal bench --generate 10000"),
    ("a bundle on events of your own, two threads too", "clausal bench policies.clausal events.ndjson --threads 1,2"),
    ("JSON alone, for longer", "clausal bench events.ndjson --ways json --seconds 10"),
    ("figures for a program, and a picture", "clausal bench events.ndjson --json --plot rates.svg"),
)  # fmt: skip

_PANEL: Final = "Measuring"


def command(
    inputs: InputsArgument = None,
    format: FormatOption = None,
    events: EventsOption = 10_000,
    generate: GenerateOption = None,
    seed: SeedOption = 1,
    ways: Annotated[
        str,
        typer.Option(metavar="LIST", help="Ways in: dict, json, arrow.", rich_help_panel=_PANEL),
    ] = "dict,json,arrow",
    threads: Annotated[
        str,
        typer.Option(metavar="LIST", help="Numbers of threads.", rich_help_panel=_PANEL),
    ] = "1",
    seconds: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=3600,
            help="How long each combination is measured, five rounds together.",
            rich_help_panel=_PANEL,
        ),
    ] = 1.0,
    param: ParamOption = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw the rates into an SVG file, too."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Measure how fast events are decided: rate, latency and memory, by way in and threads.

    Events are held in memory and decided over and over, one way in after the other, in rounds that
    take turns; a rate is the median of five rounds, between the slowest and the fastest. Beside
    them stand floors, which no way in can go below: looking each field up, decoding JSON without
    deciding anything, reading a table. Latencies are those of single events on one thread. Memory
    is that of a process of its own.
    """
    from clausal.bench import measure

    policies, names = split_inputs(inputs or [])
    wanted = _ways(ways)
    counts = _threads(threads)
    if plot is not None:
        keep_apart([plot], [*names, *(files_of(policies) if policies else [])])
    bundle = bundle_of(policies, params_of(param))
    sample = sample_of(bundle, names, format=format, generate=generate, seed=seed, most=events)
    found = measure(bundle, sample, ways=wanted, threads=counts, seconds=seconds)
    if not found.rates:
        way, reason = next(iter(found.unavailable.items()))
        raise CommandError(f"`{way}` cannot be measured: {reason}", code=Exit.USAGE)
    if plot is not None:
        from clausal.cli.plot import bars

        rows = [(f"{_label(rate)}", rate.median) for rate in (*found.rates, *found.floors)]
        write_file(Path(plot), bars("Events a second", rows).encode())
    if as_json:
        print_json(_as_json(found, sample, bundle.digest))
        return Exit.FINE
    show(_rates(found), "")
    show(_latencies(found), "")
    _print_rest(found, sample)
    return Exit.FINE


def _ways(text: str) -> list[str]:
    from clausal.bench import WAYS
    from clausal.dsl.diagnostics import nearest

    ways = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for way in ways:
        if way not in WAYS:
            near = nearest(way, WAYS)
            raise CommandError(
                f"there is no way in `{inline(way)}`",
                code=Exit.USAGE,
                hint=f"did you mean `{near}`?" if near else f"there are {', '.join(WAYS)}",
            )
    return ways


def _threads(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:4]) <= 256 for part in parts):
        raise CommandError(
            f"`{inline(text)}` is no list of numbers of threads",
            code=Exit.USAGE,
            hint="write `--threads 1,2,4`; at most 256",
        )
    return list(dict.fromkeys(map(int, parts)))


def _label(rate: Rate) -> str:
    return rate.name if rate.threads == 1 else f"{rate.name}, {rate.threads} threads"


def _rates(found: Results) -> Table:
    from clausal.cli.summary import table

    rows = table(
        ("Way in", "fixed"),
        ("threads", "count"),
        ("events/s", "count"),
        ("slowest", "count"),
        ("fastest", "count"),
        ("µs an event", "count"),
        ("of its floor", "count"),
    )
    floors = {"dict": "field read", "json": "json decode", "arrow": "arrow read"}
    # The fastest rounds are those that the machine disturbed least.
    fastest = {floor.name: floor.fastest for floor in found.floors}
    for rate in found.rates:
        floor = fastest.get(floors[rate.name], 0.0)
        _add(rows, rate, f"{floor / rate.fastest:.2f} ×" if floor else "")
    for rate in found.floors:
        _add(rows, rate, "floor")
    return rows


def _add(rows: Table, rate: Rate, beside: str) -> None:
    rows.add_row(
        rate.name,
        str(rate.threads),
        f"{rate.median:,.0f}",
        f"{rate.slowest:,.0f}",
        f"{rate.fastest:,.0f}",
        f"{1e6 / rate.median:.2f}",
        beside,
    )


def _latencies(found: Results) -> Table:
    from clausal.bench import PERCENTILES
    from clausal.cli.summary import table

    headings = ["slowest" if share == 100 else f"p{share:g}" for share in PERCENTILES]
    rows = table(("Latency, µs", "fixed"), *((heading, "count") for heading in headings))
    for latency in found.latencies:
        rows.add_row(
            latency.name,
            *(f"{latency.percentiles[share] / 1_000:,.2f}" for share in PERCENTILES),
        )
    return rows


def _print_rest(found: Results, sample: Sample) -> None:
    if found.memory is not None:
        memory = found.memory
        show(
            safe(
                f"memory: {memory.before / 2**20:.1f} MiB before, "
                f"{(memory.loaded - memory.before) / 2**20:.1f} MiB for the bundle, "
                f"{memory.kept:,.0f} bytes for each decision that is kept"
            )
        )
    for way, reason in found.unavailable.items():
        show(safe(f"{way} was not measured: {reason}", "yellow"))
    if found.latencies:
        clock = ", ".join(f"{one.clock} ns" for one in found.latencies[:1])
        show(safe(f"reading the clock took {clock}, which is taken off each latency", "dim"))
    bad = f", {counted(sample.bad, 'bad event')} left out" if sample.bad else ""
    show(
        safe(
            f"{counted(found.events, 'event')} of {found.json_bytes:,.0f} bytes of JSON{bad}",
            "bold",
        )
    )


def _as_json(found: Results, sample: Sample, digest: str) -> dict[str, object]:
    import os
    import platform

    return {
        "bundle": digest,
        "events": found.events,
        "bad": sample.bad,
        "json_bytes_per_event": found.json_bytes,
        "machine": {
            "processors": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        },
        "rates": [_rate_json(rate) for rate in found.rates],
        "floors": [_rate_json(rate) for rate in found.floors],
        "latencies": [
            {
                "way": one.name,
                "events": one.count,
                "clock_ns": one.clock,
                **{
                    "max_ns" if share == 100 else f"p{share:g}_ns": value
                    for share, value in one.percentiles.items()
                },
            }
            for one in found.latencies
        ],
        "memory": None
        if found.memory is None
        else {
            "before_bytes": found.memory.before,
            "loaded_bytes": found.memory.loaded,
            "bytes_per_decision": found.memory.kept,
        },
        "unavailable": found.unavailable,
    }


def _rate_json(rate: Rate) -> dict[str, object]:
    return {
        "name": rate.name,
        "threads": rate.threads,
        "events_per_second": rate.median,
        "slowest": rate.slowest,
        "fastest": rate.fastest,
        "us_per_event": 1e6 / rate.median,
    }
