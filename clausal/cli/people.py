"""What the commands for people's decisions share: when, who, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clausal.cli.shell import counted, print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clausal.enforcement.facts import AnyFact

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="When, such as 2024-05-01T12:00:00+08:00; else now.",
        show_default=False,
    ),
]
ReviewerOption = Annotated[
    str,
    typer.Option(
        "--reviewer",
        "-r",
        metavar="NAME",
        # Of a person who has signed in to a machine, that may say it.
        envvar="CLAUSAL_REVIEWER",
        help="Who decides.",
        show_default=False,
    ),
]
NoteOption = Annotated[
    str,
    typer.Option("--note", metavar="TEXT", help="Why, for colleagues.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def instant(at: str | None) -> int:
    """The instant that ``--at`` names, in microseconds since 1970; now without one.

    Raises:
        CommandError: if it names none.
    """
    from clausal.cli.loading import instant_of
    from clausal.compiler.types import Scalar
    from clausal.enforcement.delivery.dispatcher import wall_clock
    from clausal.engine.values import convert

    found = instant_of(at, "--at")
    if found is None:
        return wall_clock()
    told = convert(Scalar("instant"), found)
    assert isinstance(told, float)
    return int(told)


def print_facts(facts: Sequence[AnyFact], *, as_json: bool) -> None:
    """Print what was recorded: as JSON objects, or in a few words."""
    import msgspec

    from clausal.enforcement.facts import (
        Appealed,
        Applied,
        Ended,
        Judged,
        Measure,
        Replayed,
        Reviewed,
        Voided,
    )

    if as_json:
        print_json([msgspec.to_builtins(fact) for fact in facts])
        return
    for fact in facts:
        match fact:
            case Reviewed():
                print_text(f"recorded: {fact.verdict}")
            case Appealed():
                print_text(f"recorded: {fact.id}")
            case Judged():
                print_text(f"decided: {fact.outcome.replace('_', ' ')}")
            case Applied(measure=measure):
                print_text(f"takes effect: {measure}")
            case _:
                pass
    for kind, noun, plural in (
        (Ended, "measure ends", "measures end"),
        (Voided, "strike never was", "strikes never were"),
        (Replayed, "later strike worked out anew", "later strikes worked out anew"),
        (Measure, "milder measure in the place of another", "milder measures in place of others"),
    ):
        count = sum(isinstance(fact, kind) for fact in facts)
        if count:
            print_text(counted(count, noun, plural))
