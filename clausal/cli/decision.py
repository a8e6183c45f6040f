"""A decision for people: what was found and why, what follows, and what could not be settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clausal.cli.shell import counted, safe, show
from clausal.cli.summary import bilingual

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from clausal.compiler.ir import Bilingual, Corpus
    from clausal.engine.decision import Bounds, Decision, Finding, Measure, Standing
    from clausal.engine.explain import VersionTrace


_MOST_VERSIONS: Final = 8
"""More versions than this are told about only if they had a say."""


def print_decision(decision: Decision, corpus: Corpus) -> None:
    """Print all of a decision but its undetermined rules, whose trees say more."""
    from rich.text import Text

    heading = Text.assemble(
        ("event ", "bold"),
        safe(decision.event_id or "without an id", "bold"),
        safe(f"  acted {decision.acted_at}"),
    )
    if decision.decided_at != decision.acted_at:
        heading.append_text(safe(f", decided {decision.decided_at}"))
    show(heading)
    show(safe(f"bundle {decision.bundle}", "dim"))
    if not decision.findings:
        show("", Text("no finding", style="bold green"))
    sections: tuple[tuple[str, list[Text]], ...] = (
        ("Findings", [line for one in decision.findings for line in _finding(one)]),
        (
            "Measures",
            [line for one in decision.measures for line in _measure(one, decision, corpus)],
        ),
        ("Ladders", [_standing(one) for one in decision.ladders]),
        ("Bounds", [] if decision.bounds is None else list(_bounds(decision.bounds, corpus))),
    )
    for name, lines in sections:
        if lines:
            section(name)
            for line in lines:
                _print_indented(line)


def section(title: str) -> None:
    """Print a heading."""
    from rich.text import Text

    show("")
    show(Text(title, style="bold underline"))


def _print_indented(line: Text) -> None:
    """Print a line so that what it is wrapped into stands as deep as it does."""
    from rich.padding import Padding

    depth = len(line.plain) - len(line.plain.lstrip(" "))
    show(Padding(line[depth:], (0, 0, 0, depth), expand=False))


def _texts(texts: Bilingual, indent: str) -> Iterator[Text]:
    from rich.text import Text

    for text in (texts.zh, texts.en):
        if text:
            yield Text.assemble(indent, safe(text))


def _finding(finding: Finding) -> Iterator[Text]:
    from rich.text import Text

    line = Text.assemble(
        "  ", safe(finding.rule, "bold"), "  ", (finding.severity, "red"), "  "
    ).append_text(bilingual(finding.title))
    if finding.mode == "shadow":
        line.append("  in shadow", style="magenta")
    yield line
    clauses = ", ".join(clause.id for clause in finding.clauses)
    noun = "clause" if len(finding.clauses) == 1 else "clauses"
    yield Text.assemble(
        "    ", safe(f"{finding.policy} {finding.version}, {noun} {clauses}", "dim")
    )
    yield from _texts(finding.reason, "    ")


def _measure(measure: Measure, decision: Decision, corpus: Corpus) -> Iterator[Text]:
    from rich.text import Text

    from clausal.testing import measure_text

    line = Text.assemble("  ", safe(measure_text(measure, corpus), "bold"))
    if measure.mode == "shadow":
        line.append("  in shadow", style="magenta")
    if measure.yields_to is not None:
        heavier = decision.measures[measure.yields_to].sanction
        line.append_text(safe(f"  covered by {heavier}", "yellow"))
    yield line
    causes = [decision.findings[index].rule for index in measure.findings]
    causes += [f"{step.ladder} step {step.step}" for step in measure.steps]
    if causes:
        yield Text.assemble("    ", safe(f"because of {', '.join(causes)}", "dim"))
    yield from _texts(measure.notice, "    ")


def _standing(standing: Standing) -> Text:
    from rich.text import Text

    target = f"{standing.target.kind} {standing.target.id or ''}".strip()
    line = Text.assemble("  ", safe(standing.ladder, "bold"), safe(f" on {target}: "))
    if standing.if_clean is None:
        lacking = ", ".join(lack.field for lack in standing.lacks)
        line.append(
            f"its points are not known for want of {lacking}, so nothing is measured",
            style="yellow",
        )
    elif standing.active is None or standing.step is None:
        line.append(
            f"its history is not known, so nothing is measured; "
            f"with none before, this would be step {standing.if_clean}",
            style="yellow",
        )
    elif standing.points is None:
        line.append(
            f"{counted(standing.active, 'active strike')} before, this one leads to step "
            f"{standing.step}"
        )
    else:
        line.append(
            f"{counted(standing.points, 'point')} in {standing.family} after "
            f"{counted(standing.active, 'active point')}, of which {standing.counts} count: "
            + (f"step {standing.step}" if standing.step else "no step")
        )
        if standing.next_step_at is not None:
            line.append(f"; the next one from {standing.next_step_at}", style="dim")
    if standing.expires is not None:
        line.append(f", active until {standing.expires}", style="dim")
    if standing.mode == "shadow":
        line.append("  in shadow", style="magenta")
    return line


def _bounds(bounds: Bounds, corpus: Corpus) -> Iterator[Text]:
    from rich.text import Text

    from clausal.testing import measure_text

    for word, measures in (("at least", bounds.lightest), ("at most", bounds.heaviest)):
        texts = "; ".join(measure_text(one, corpus) for one in measures) or "nothing"
        yield Text.assemble("  ", (f"{word}  ", "dim"), safe(texts))
    if bounds.fetch_next is not None:
        yield Text.assemble("  ", ("fetch next  ", "dim"), safe(bounds.fetch_next, "bold"))


def print_versions(versions: Sequence[VersionTrace]) -> None:
    """Print which versions of policies had a say, and why; of many, those that had."""
    shown = versions if len(versions) <= _MOST_VERSIONS else [v for v in versions if v.applied]
    section("Versions")
    for version in shown:
        show(_version(version))
    if len(shown) < len(versions):
        rest = counted(len(versions) - len(shown), "other version")
        show(safe(f"  {rest} not in force", "dim"))


def _version(version: VersionTrace) -> Text:
    from rich.text import Text

    return Text.assemble(
        "  ",
        safe(f"{version.policy} {version.version}", "bold" if version.applied else ""),
        "  ",
        ("applies" if version.applied else "does not apply", "green" if version.applied else "dim"),
        ": ",
    ).append_text(bilingual(version.why, "dim"))
