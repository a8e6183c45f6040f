"""`clausal profile`: which rules and predicates cost what, never fire, fire together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import ParamOption, bundle_of, params_of, split_inputs
from clausal.cli.samples import (
    EventsOption,
    FormatOption,
    GenerateOption,
    InputsArgument,
    SeedOption,
    sample_of,
)
from clausal.cli.shell import ColorOption, DebugOption, Exit, counted, print_json, safe, show

if TYPE_CHECKING:
    from rich.table import Table

    from clausal.profile import Pair, PredicateProfile, Profile, RuleProfile
    from clausal.sample import Sample

EXAMPLES: Final = (
    ("with the policies that ship, on events of your own", "clausal profile events.ndjson"),
    ("a bundle on events that are generated", "clausal profile policies.clausal --generate 10000"),
    ("everything, for a program", "clausal profile policies events.parquet --json"),
)


def command(
    inputs: InputsArgument = None,
    format: FormatOption = None,
    events: EventsOption = 10_000,
    generate: GenerateOption = None,
    seed: SeedOption = 1,
    param: ParamOption = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Rows of each table.")] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object, with everything in it.")
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show what rules and predicates do with events, and what that costs.

    Counts are exact: how often a rule fired, could not be settled, or had to be looked at after the
    index; how often a predicate was true, false and unknown. Cost is the tests that were made, times
    what a test of the kind took when it was measured here; tests of one text share one search.
    Rules that never fire, and rules that always fire together, are candidates for a second look.
    """
    from clausal.profile import profile

    policies, names = split_inputs(inputs or [])
    bundle = bundle_of(policies, params_of(param))
    sample = sample_of(bundle, names, format=format, generate=generate, seed=seed, most=events)
    found = profile(bundle.artifact, sample.events)
    if as_json:
        print_json(_as_json(found, sample, bundle.digest))
        return Exit.FINE
    for heading, part in (
        ("Rules by cost", _rules(found, top)),
        ("Predicates by cost", _predicates(found, top)),
        ("Fired together, above chance", _pairs(found, top)),
        ("Missing most", _missing(found, top)),
        ("Cost of a test, measured", _costs(found)),
    ):
        if part is not None:
            show(safe(heading, "bold"), part, "")
    _print_silent(found, top)
    _print_totals(found, sample)
    return Exit.FINE


def _print_silent(found: Profile, top: int) -> None:
    silent = [rule.name for rule in found.rules if not rule.fired and rule.in_force]
    if silent:
        shown = ", ".join(silent[:top])
        rest = f", and {len(silent) - top:,} more" if len(silent) > top else ""
        show(safe(f"{counted(len(silent), 'rule')} in force that never fired:", "yellow"))
        show(safe(f"  {shown}{rest}"), "")
    idle = sum(not rule.in_force for rule in found.rules)
    if idle:
        show(safe(f"{counted(idle, 'rule')} not in force at any of these events", "dim"), "")


def _print_totals(found: Profile, sample: Sample) -> None:
    looked = sum(rule.alive for rule in found.rules) / found.events
    bad = f", {counted(sample.bad, 'bad event')} left out" if sample.bad else ""
    show(
        safe(f"{counted(found.events, 'event')}{bad}, {counted(len(found.rules), 'rule')}", "bold")
    )
    show(
        safe(
            f"{looked:.2f} rules looked at for an event; reading it {_time(found.reading)}, "
            f"finding its rules {_time(found.deciding)}, measured"
        )
    )


def _rules(found: Profile, top: int) -> Table:
    from clausal.cli.summary import number, table

    rows = table(
        ("Rule", "text"),
        ("fired", "count"),
        ("undetermined", "count"),
        ("looked at", "count"),
        ("tests", "count"),
        ("share of cost", "count"),
    )
    total = sum(rule.cost for rule in found.rules)
    for rule in by_cost(found.rules)[:top]:
        rows.add_row(
            safe(f"{rule.policy} {rule.version}  {rule.rule}"),
            number(rule.fired),
            number(rule.undetermined),
            number(rule.alive),
            number(rule.tests),
            _share(rule.cost, total),
        )
    return rows


def by_cost(rules: tuple[RuleProfile, ...]) -> list[RuleProfile]:
    """The rules, dearest first; of those that cost nothing, the ones that fire most."""
    return sorted(rules, key=lambda rule: (-rule.cost, -rule.fired, rule.name))


def _predicates(found: Profile, top: int) -> Table:
    from clausal.cli.summary import number, table

    rows = table(
        ("Predicate", "text"),
        ("kind", "fixed"),
        ("true", "count"),
        ("false", "count"),
        ("unknown", "count"),
        ("tests", "count"),
        ("share of cost", "count"),
    )
    total = sum(predicate.cost for predicate in found.predicates)
    for one in _dearest(found.predicates)[:top]:
        rows.add_row(
            safe(one.text),
            one.kind,
            _share(one.true, found.events),
            _share(one.false, found.events),
            _share(one.unknown, found.events),
            number(one.tests),
            _share(one.cost, total),
        )
    return rows


def _dearest(predicates: tuple[PredicateProfile, ...]) -> list[PredicateProfile]:
    return sorted(predicates, key=lambda one: (-one.cost, -one.tests, one.text))


def _pairs(found: Profile, top: int) -> Table | None:
    from clausal.cli.summary import number, table

    if not found.pairs:
        return None
    rows = table(
        ("Rule", "text"), ("with", "text"), ("together", "count"), ("lift", "count"), ("", "fixed")
    )
    for pair in found.pairs[:top]:
        rows.add_row(
            safe(found.rules[pair.first].name),
            safe(found.rules[pair.second].name),
            number(pair.together),
            f"{pair.lift:,.1f}",
            "always" if pair.always else "",
        )
    return rows


def _missing(found: Profile, top: int) -> Table | None:
    from clausal.cli.summary import table

    rows = table(("Field", "name"), ("absent", "count"), ("failed", "count"))
    ranked = sorted(found.missing.items(), key=lambda item: (-sum(item[1]), item[0]))
    for name, (absent, failed) in ranked[:top]:
        if absent or failed:
            rows.add_row(safe(name), _share(absent, found.events), _share(failed, found.events))
    return rows if rows.row_count else None


def _costs(found: Profile) -> Table | None:
    from clausal.cli.summary import table

    rows = table(("Kind", "fixed"), ("of one test", "count"))
    for kind, cost in sorted(found.costs.items(), key=lambda item: -item[1]):
        rows.add_row(f"{kind}, a search" if kind in {"terms", "pattern"} else kind, _time(cost))
    return rows if rows.row_count else None


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}%" if part and whole else ""


def _time(nanoseconds: float) -> str:
    if nanoseconds < 1_000:
        return f"{nanoseconds:.0f} ns"
    return f"{nanoseconds / 1_000:.2f} µs"


def _as_json(found: Profile, sample: Sample, digest: str) -> dict[str, object]:
    def pair_json(pair: Pair) -> dict[str, object]:
        return {
            "rules": [_named(found.rules[pair.first]), _named(found.rules[pair.second])],
            "together": pair.together,
            "lift": pair.lift,
            "always": pair.always,
        }

    return {
        "bundle": digest,
        "events": found.events,
        "bad": sample.bad,
        "rules": [
            {
                **_named(rule),
                "in_force": rule.in_force,
                "fired": rule.fired,
                "undetermined": rule.undetermined,
                "looked_at": rule.alive,
                "tests": rule.tests,
                "cost_ns": rule.cost,
            }
            for rule in by_cost(found.rules)
        ],
        "predicates": [
            {
                "predicate": one.text,
                "kind": one.kind,
                "true": one.true,
                "false": one.false,
                "unknown": one.unknown,
                "tests": one.tests,
                "cost_ns": one.cost,
            }
            for one in _dearest(found.predicates)
        ],
        "pairs": [pair_json(pair) for pair in found.pairs],
        "events_without_pairs": found.crowded,
        "never_fired": [_named(rule) for rule in found.rules if rule.in_force and not rule.fired],
        "missing": {
            name: {"absent": absent, "failed": failed}
            for name, (absent, failed) in sorted(found.missing.items())
        },
        "measured": {
            "test_ns": found.costs,
            "reading_ns": found.reading,
            "finding_rules_ns": found.deciding,
        },
    }


def _named(rule: RuleProfile) -> dict[str, object]:
    return {"policy": rule.policy, "version": rule.version, "rule": rule.rule}
