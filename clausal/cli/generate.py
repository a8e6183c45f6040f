"""``clausal generate``: events of an invented platform, to try policies without real users."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import math
import sys
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    keep_apart,
    open_output,
)

EXAMPLES: Final = (
    ("ten thousand events, and what was truly going on", "clausal generate -o events.ndjson --truth truth.ndjson"),
    ("a million events of another world", "clausal generate --profile M --seed 2 -o events.ndjson"),
    ("twenty million events for a load test", "clausal generate --profile L --events 20000000 -o events.parquet"),
    ("ten times as much of what one campaign is about", "clausal generate --stress rumours -o events.ndjson"),
    ("other rates", "clausal generate --rate staged=900 --rate rumour=0 -o events.ndjson"),
    (
        "accounts that were struck before",
        "clausal generate --ladder cn.self_media_traffic.fabrication -o events.ndjson",
    ),
)  # fmt: skip

_WORLD_PANEL: Final = "World"
_OUTPUT_PANEL: Final = "Output"


class OutputFormat(enum.StrEnum):
    """How events are stored."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


def command(
    profile: Annotated[
        str,
        typer.Option(
            help="How large: S (10 thousand events), M (1 million), L (100 million).",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = "S",
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=2**32 - 1,
            help="The same seed gives the same bytes.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = 1,
    events: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**12,
            help="How many events, instead of the profile's; reviews are events, too.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    start: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"],
            help="The first day (at +08:00 unless an offset is given); 2024-04-23 unless told.",
            show_default=False,
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(min=0.01, help="How long it lasts.", rich_help_panel=_WORLD_PANEL)
    ] = 61,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDUCT=N",
            help="Events of a conduct per 100,000; may be repeated.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    stress: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Ten times as much of a conduct, or of what a campaign is about; may be repeated.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    ladder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Give every event the strikes of its account on this ladder, such as "
            "cn.self_media_traffic.fabrication.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where events go; - is standard output.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = STDIO,
    format: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="How events are stored; else the ending of the name says it, for each file.",
            show_default=False,
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the truth behind each event goes.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = None,
    verdicts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the verdicts of people go, at the time they arrive.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = None,
    appeals: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where it goes who would appeal a measure, and how that would end.",
            rich_help_panel=_OUTPUT_PANEL,
        ),
    ] = None,
    color: ColorOption = None,
    debug: DebugOption = False,
) -> None:
    """Write events of an invented platform, in order of time, as lines of JSON or as Parquet.

    Accounts, hot events, conduct, detectors that err and verdicts that come late are all drawn from
    the seed. What is truly going on behind each event is written apart, with --truth, so that
    decisions can be held against it. A file whose name ends in .parquet becomes Parquet.
    """
    try:
        from dataclasses import replace

        from clausal.generator import PROFILES, Output, Stream, write
    except ImportError as error:
        raise CommandError(
            "generating events needs NumPy and PyArrow",
            code=Exit.USAGE,
            hint="pip install 'clausal[generate]'",
        ) from error
    if profile not in PROFILES:
        raise CommandError(
            f"there is no profile `{inline(profile)}`",
            code=Exit.USAGE,
            hint=f"choose {', '.join(PROFILES)}",
        )
    named = {"events": output, "truth": truth, "verdicts": verdicts, "appeals": appeals}
    wanted = {what: name for what, name in named.items() if name is not None}
    keep_apart(list(wanted.values()))
    chosen = PROFILES[profile]
    first = start or chosen.start
    try:
        world = replace(
            chosen,
            events=events or chosen.events,
            accounts=min(chosen.accounts, events or chosen.events),
            start=first if first.tzinfo else first.replace(tzinfo=chosen.start.tzinfo),
            days=days,
            rates=_rates(rate or [], _stressed(stress or [], chosen.rates)),
        )
        # The longest reviews come a month after the last item.
        world.start + dt.timedelta(days=days + 31)
        stream = Stream(world, seed, ladder=ladder)
    except OverflowError as error:
        raise CommandError("the world ends after the calendar does", code=Exit.USAGE) from error
    except ValueError as error:
        raise CommandError(str(error), code=Exit.USAGE) from error
    with contextlib.ExitStack() as stack:
        outputs = {
            what: Output(
                stack.enter_context(open_output(name)),
                parquet=format is OutputFormat.PARQUET
                if format is not None and what == "events"
                else name.endswith(".parquet"),
            )
            for what, name in wanted.items()
        }
        count = write(stream, outputs)
    sys.stderr.write(counted(count, "event") + "\n")


def _stressed(names: list[str], rates: Mapping[str, float]) -> dict[str, float]:
    from clausal.generator import CAMPAIGNS, stressed

    for name in names:
        if name not in rates and name not in CAMPAIGNS:
            raise _unknown("conduct or campaign", name, [*CAMPAIGNS, *rates])
    return stressed(rates, names)


def _rates(given: list[str], known: Mapping[str, float]) -> dict[str, float]:
    rates = dict(known)
    for text in given:
        name, _, number = text.partition("=")
        if name not in rates:
            raise _unknown("conduct", name, list(rates))
        try:
            rates[name] = float(number)
        except ValueError:
            rates[name] = math.nan
        if not math.isfinite(rates[name]) or rates[name] < 0:
            raise CommandError(
                f"`{inline(text)}` is not CONDUCT=N with a number of events per 100,000, such as "
                f"{name}=900",
                code=Exit.USAGE,
            )
    return rates


def _unknown(what: str, name: str, names: list[str]) -> CommandError:
    from clausal.dsl.diagnostics import nearest

    found = nearest(name, names)
    hint = f"did you mean `{found}`?" if found else f"there are {', '.join(names)}"
    return CommandError(f"there is no {what} `{inline(name)}`", code=Exit.USAGE, hint=hint)
