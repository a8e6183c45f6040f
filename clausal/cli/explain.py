"""`clausal explain`: what an error code means, or why an event was decided as it was."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import bundle_of, instant_of, split_inputs
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    print_json,
    safe,
    show,
    wants_color,
)
from clausal.reading import EventFile, Format, Record, open_events

if TYPE_CHECKING:
    from clausal.engine.evaluator import Bundle
    from clausal.engine.explain import Explanation, RuleTrace

EXAMPLES: Final = (
    ("what an error code means", "clausal explain E0101"),
    ("why an event was decided as it was", "clausal explain policies.clausal event.json"),
    (
        "the 17th line of a file, and one rule whatever became of it",
        "clausal explain policies events.ndjson --line 17 --rule unlabelled_ai",
    ),
)

_CODE: Final = re.compile(r"[EeWw]\d{4}")
_EVENT: Final = "Event"
_MOST_UNKNOWN: Final = 20
_MOST_OTHERS: Final = 10
"""So many rules that did not fire are told about."""


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUTS",
            help="An error code; or first a bundle, or policy files and folders (else the policies "
            "that ship), then an event file, or - for standard input.",
            show_default=False,
        ),
    ],
    line: Annotated[
        int | None,
        typer.Option(
            "--line",
            min=1,
            metavar="N",
            help="Which event: the line of NDJSON or CSV, the item of a JSON array, the row of a "
            "table.",
            rich_help_panel=_EVENT,
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="NAME",
            help="Only this rule, whatever became of it; may be repeated.",
            rich_help_panel=_EVENT,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="All rules that are undetermined or nearly fired, however many they are.",
            rich_help_panel=_EVENT,
        ),
    ] = False,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How events are stored; else the ending of the name says it.",
            show_default=False,
            rich_help_panel=_EVENT,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When it is decided; else at the time of the act.",
            rich_help_panel=_EVENT,
        ),
    ] = None,
    bounds: Annotated[
        bool,
        typer.Option(
            "--bounds",
            help="Say between which outcomes the missing fields leave the decision.",
            rich_help_panel=_EVENT,
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Say what an error code means, or why an event was decided as it was.

    For an event it shows the decision, and the conditions of each rule that fired, that could not be
    settled or that nearly fired: all but one of what it asks for was there. Each condition is shown
    with its verdict and the values that it saw.
    """
    if len(inputs) == 1 and _CODE.fullmatch(inputs[0]) and not Path(inputs[0]).exists():
        print_page(inputs[0], as_json=as_json)
        return Exit.FINE
    policies, events = split_inputs(inputs)
    if len(events) != 1:
        raise CommandError(
            "no event is named" if not events else "one event at a time can be explained",
            code=Exit.USAGE,
            hint="name an event file after the policies, or `-` for standard input",
        )
    bundle = bundle_of(policies)
    _check_rules(rule or [], bundle)
    with open_events(events[0], format, bundle.artifact.meta.fields) as file:
        record = _chosen(file, line)
    event, explanation = _explain(bundle, record, events[0], at, rule or [], bounds=bounds)
    if as_json:
        print_json(explanation.to_dict())
    else:
        _print(bundle, explanation, only=rule or [], every=every)
        if not rule:
            _print_unknown(bundle, event)
    return Exit.FINE


def _chosen(file: EventFile, line: int | None) -> Record:
    """The event that is asked for, or the only one.

    Raises:
        CommandError: when there is none, or several and none was chosen.
    """
    name = "standard input" if file.name == STDIO else file.name
    found: Record | None = None
    for record in file:
        if line is not None and record.number < line:
            continue
        if line is not None and record.number > line:
            break
        if not isinstance(record, Record):
            raise CommandError(
                f"{name}, {file.unit} {record.number}: {record.detail}", code=Exit.INPUT
            )
        if found is not None:
            raise CommandError(
                f"`{inline(name)}` holds several events",
                code=Exit.USAGE,
                hint=f"choose one by its {file.unit}: `--line {found.number}`",
            )
        found = record
        if line is not None:
            break
    if found is None:
        what = "no event" if line is None else f"no event at {file.unit} {line}"
        raise CommandError(f"`{inline(name)}` holds {what}", code=Exit.INPUT)
    return found


def _check_rules(names: list[str], bundle: Bundle) -> None:
    from clausal.dsl.suggest import nearest

    corpus = bundle.artifact.corpus
    known = {rule.name for rule in corpus.rules}
    known |= {f"{corpus.versions[rule.version].policy}.{rule.name}" for rule in corpus.rules}
    for name in names:
        if name not in known:
            likely = nearest(name, known)
            raise CommandError(
                f"there is no rule `{inline(name)}`",
                code=Exit.USAGE,
                hint=f"did you mean `{likely}`?"
                if likely
                else "`clausal inspect --rules` lists them",
            )


def _explain(
    bundle: Bundle, record: Record, name: str, at: str | None, rules: list[str], *, bounds: bool
) -> tuple[dict[str, object], Explanation]:
    from clausal.engine.decode import decode_json
    from clausal.engine.problem import EventError

    moment = instant_of(at, "--at")
    try:
        value = record.value
        event = decode_json(value) if isinstance(value, bytes) else value
        return event, bundle.explain(event, at=moment, rules=rules, bounds=bounds, nearly=True)
    except EventError as error:
        problems = str(error).splitlines()
        where = "standard input" if name == STDIO else name
        more = f", and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else ""
        raise CommandError(
            f"{where}: the event cannot be decided: {problems[0]}{more}",
            code=Exit.INPUT,
            hint="; ".join(problems[1:]),
        ) from error


def _print(bundle: Bundle, explanation: Explanation, *, only: list[str], every: bool) -> None:
    from clausal.cli.decision import print_decision, print_versions, section
    from clausal.cli.trees import nearest_first, rule_tree

    if not only:
        print_decision(explanation.decision, bundle.artifact.corpus)
        print_versions(explanation.versions)
    traces = nearest_first(one for one in explanation.rules if not only or _asked(one, only))
    fired = sum(trace.status == "fired" for trace in traces)
    shown = traces if only or every else traces[: fired + _MOST_OTHERS]
    if traces and not only:
        section("Rules")
    for number, trace in enumerate(shown):
        show(*([""] if number else []), rule_tree(trace, bundle.artifact.corpus))
    if len(shown) < len(traces):
        rest = counted(len(traces) - len(shown), "more rule")
        show("", safe(f"and {rest}, undetermined or nearly fired: see --all and --rule", "dim"))
    if only and not traces:
        show("not in force for this event")


def _print_unknown(bundle: Bundle, event: dict[str, object]) -> None:
    """Name what evaluation ignored: often a field that is misspelt."""
    from clausal.cli.decision import section
    from clausal.cli.summary import known_keys
    from clausal.dsl.suggest import nearest

    unknown = bundle.unknown_keys(event)
    if not unknown:
        return
    known = known_keys(field.path for field in bundle.artifact.meta.fields)
    section("Ignored, for no library declares them")
    for key in unknown[:_MOST_UNKNOWN]:
        likely = nearest(key, known)
        show(safe(f"  {key}" + (f"  did you mean {likely}?" if likely else "")))
    if len(unknown) > _MOST_UNKNOWN:
        show(safe(f"  and {counted(len(unknown) - _MOST_UNKNOWN, 'more key')}", "dim"))


def _asked(trace: RuleTrace, only: list[str]) -> bool:
    return trace.rule in only or f"{trace.policy}.{trace.rule}" in only


def print_page(code: str, *, as_json: bool) -> None:
    """Print the page of a diagnostic code, as it is written or, on a terminal, laid out.

    Raises:
        CommandError: when there is no such code.
    """
    from clausal.dsl.codes import CODES, page
    from clausal.dsl.suggest import nearest

    name = code.upper()
    if name not in CODES:
        likely = nearest(name, CODES)
        raise CommandError(
            f"there is no code `{inline(code)}`",
            code=Exit.USAGE,
            hint=f"did you mean `{likely}`?" if likely else "codes look like `E0101` or `W0901`",
        )
    entry, text = CODES[name], page(name)
    if as_json:
        print_json(
            {
                "code": entry.code,
                "title": entry.title,
                "severity": entry.severity.value,
                "page": text,
            }
        )
    elif sys.stdout.isatty() or wants_color(sys.stdout):
        from rich.markdown import Markdown

        show(Markdown(text, code_theme="ansi_dark", hyperlinks=False))
    else:
        sys.stdout.write(text)
