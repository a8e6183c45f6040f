"""`clausal inspect`: what a bundle holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.compile import Facts, bytes_text
from clausal.cli.index_tree import TreeFacts, picture, tables
from clausal.cli.loading import bundle_of, load_artifact
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    keep_apart,
    print_json,
    print_text,
    safe,
    show,
    write_file,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from clausal.compiler.bundle import Artifact
    from clausal.compiler.ir import Corpus, RuleDef

EXAMPLES: Final = (
    ("what a bundle holds", "clausal inspect policies.clausal"),
    (
        "every rule with its conditions as they are evaluated",
        "clausal inspect policies.clausal --ir",
    ),
    (
        "the decision tree, in figures and as a picture",
        "clausal inspect policies.clausal --tree --svg tree.svg",
    ),
    ("is it what its rules compile to?", "clausal inspect policies.clausal --verify"),
    ("for a program", "clausal inspect policies.clausal --json"),
)


def command(
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="BUNDLE",
            help="A bundle, or a policy file or folder; else the policies that ship.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="List the rules, sanctions and inputs, too.")
    ] = False,
    ir: Annotated[
        bool, typer.Option("--ir", help="Print each rule's condition after all passes.")
    ] = False,
    tree: Annotated[
        bool,
        typer.Option("--tree", help="Show the decision tree, and what an event costs in it."),
    ] = False,
    svg: Annotated[
        str | None,
        typer.Option("--svg", metavar="FILE", help="Draw the decision tree.", show_default=False),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Make the program and the tree again from the rules in the bundle, and fail if they "
            "are others (exit code 1).",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show what a bundle holds: policy versions and when they are in force, sizes, the step bound.

    The step bound is the most conditions that one event can make the engine look at. A bundle from
    somebody else is best looked at with --verify: what is shown here comes from its rules, and what
    decides is its program.
    """
    from clausal.dsl.render.visible import visible

    if svg is not None:
        keep_apart([svg], [] if bundle is None else [bundle])
    artifact, size = _artifact(bundle)
    if verify:
        _verify(artifact)
    if svg is not None:
        write_file(Path(svg), picture(TreeFacts.of(artifact), artifact).encode())
    if as_json:
        print_json(_as_json(artifact, size, with_ir=ir, with_tree=tree))
        return Exit.FINE
    _print_facts(artifact, size)
    corpus = artifact.corpus
    show(_versions(corpus))
    if rules:
        show("")
        show(_rules(corpus))
        show("")
        show(_procedure(corpus))
        show("")
        show(_sanctions(corpus))
        show("")
        show(_slots(corpus))
        if corpus.params:
            show("")
            show(_params(corpus))
    if tree:
        show("")
        show(*_tree(artifact))
    if ir:
        show("")
        for line in conditions(corpus):
            print_text(visible(line))
    return Exit.FINE


def _verify(artifact: Artifact) -> None:
    """Refuse a bundle whose program or tree is not what its rules compile to."""
    from clausal.compiler.bundle import assemble
    from clausal.compiler.emit import emit
    from clausal.compiler.pipeline import optimise

    corpus = artifact.corpus
    again = assemble(corpus, emit(optimise(corpus)), artifact.sources, artifact.profile)
    if again.digest != artifact.digest:
        raise CommandError(
            "the bundle is not what its rules compile to",
            code=Exit.FINDINGS,
            hint="compile its policies again: it was changed, or made by another version of Clausal",
        )


def _tree(artifact: Artifact) -> list[RenderableType]:
    facts = TreeFacts.of(artifact)
    levels, costs = tables(facts)
    about = (
        f"{counted(facts.conjunctions, 'conjunction')} on {counted(facts.inputs, 'input')}, "
        f"{facts.rest:,} to be settled in full, {bytes_text(facts.bytes)}; expected costs: {facts.source}"
    )
    return [levels, "", costs, "", about]


def _artifact(name: str | None) -> tuple[Artifact, int]:
    from clausal.compiler.bundle import pack

    if name is not None and not (name.endswith(".policy") or Path(name).is_dir()):
        artifact = load_artifact(name)
    else:
        artifact = bundle_of([] if name is None else [name]).artifact
    return artifact, len(pack(artifact))


def _print_facts(artifact: Artifact, size: int) -> None:
    from rich.table import Table

    facts = Facts.of(artifact, size)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column(overflow="fold")
    rows.add_row("digest", facts.digest)
    rows.add_row("compiled by", f"clausal {artifact.meta.compiler}")
    rows.add_row("size", bytes_text(facts.bytes))
    rows.add_row(
        "policies",
        f"{counted(facts.versions, 'version')}, {counted(facts.rules, 'rule')}, "
        f"{counted(facts.clauses, 'clause')}, {counted(facts.tests, 'test')}",
    )
    rows.add_row("program", facts.program)
    rows.add_row("step bound", f"{facts.steps_bound:,} for one event")
    show(rows, "")


def _versions(corpus: Corpus) -> Table:
    from clausal.cli.summary import table, title
    from clausal.compiler.ir import UNKNOWN
    from clausal.engine.render import rfc3339

    rows = table(
        ("Policy", "name"),
        ("version", "fixed"),
        ("in force from", "fixed"),
        ("until", "fixed"),
        ("rules", "count"),
        ("", "text"),
    )
    for index, version in enumerate(corpus.versions):
        rows.add_row(
            safe(version.policy),
            safe(version.version),
            "unknown" if version.start == UNKNOWN else _short(rfc3339(version.start, version.zone)),
            "" if version.end is None else _short(rfc3339(version.end, version.zone)),
            str(sum(rule.version == index for rule in corpus.rules)),
            title(version.title),
        )
    return rows


def _short(instant: str) -> str:
    """An instant at midnight by its day alone, as policies mostly write it."""
    day, _, clock = instant.partition("T")
    return day if clock.startswith("00:00:00") else instant


def _rules(corpus: Corpus) -> Table:
    from clausal.cli.summary import table, title
    from clausal.compiler.dump_procedure import brake_text

    rows = table(
        ("Rule", "name"),
        ("severity", "fixed"),
        ("mode", "fixed"),
        ("clauses", "text"),
        ("", "text"),
    )
    before: int | None = None
    for rule in corpus.rules:
        if rule.version != before:
            before = rule.version
            version = corpus.versions[rule.version]
            rows.add_row(safe(f"{version.policy} {version.version}", "bold"))
        rows.add_row(
            safe(f"  {rule.name}"),
            rule.severity,
            _mode(rule),
            safe(", ".join(corpus.clauses[clause].id for clause in rule.clauses)),
            title(rule.title),
        )
        for name in rule.supersedes:
            rows.add_row("", "", "", "", safe(f"supersedes {name}", "dim"))
        for brake in rule.brakes:
            rows.add_row("", "", "", "", safe(f"brake {brake_text(brake)}", "dim"))
    return rows


def _mode(rule: RuleDef) -> str:
    if rule.shadow:
        return "shadow"
    return "enforced" if rule.rollout is None else f"{rule.rollout:.4g} of keys"


def _procedure(corpus: Corpus) -> Table:
    """What holds, in the words of the language, and which library says so."""
    from clausal.cli.summary import table
    from clausal.compiler.dump_procedure import incident_lines, procedure_lines

    rows = table(("Procedure", "name"), ("", "text"))
    parts: list[tuple[str, str, list[str]]] = []
    if corpus.incident is not None:
        head = f"incident by {corpus.incident.target}"
        parts.append((head, corpus.incident.library, incident_lines(corpus)))
    parts.append(("procedure", corpus.procedure.library, procedure_lines(corpus)))
    for head, library, lines in parts:
        rows.add_row(safe(head, "bold"), safe(library or "by default", "dim"))
        for line in lines:
            rows.add_row("", safe(line))
    return rows


def _sanctions(corpus: Corpus) -> Table:
    from clausal.cli.summary import table, title

    rows = table(
        ("Sanction", "name"), ("grade", "count"), ("on", "text"), ("joins", "fixed"), ("", "text")
    )
    for sanction in sorted(corpus.sanctions, key=lambda one: (one.grade, one.name)):
        rows.add_row(
            safe(sanction.name),
            str(sanction.grade),
            safe(", ".join(sanction.targets)),
            sanction.law.kind,
            title(sanction.title),
        )
    return rows


def _slots(corpus: Corpus) -> Table:
    from clausal.cli.summary import table, title
    from clausal.compiler.types import describe

    rows = table(("Input", "name"), ("type", "text"), ("from", "fixed"), ("", "text"))
    for slot in corpus.slots:
        rows.add_row(safe(slot.name), safe(describe(slot.type)), slot.source, title(slot.label))
    return rows


def _params(corpus: Corpus) -> Table:
    from clausal.cli.summary import table, title

    rows = table(
        ("Param", "name"), ("type", "fixed"), ("value", "count"), ("range", "fixed"), ("", "text")
    )
    for param in corpus.params:
        low, high = param.low, param.high
        limits = "" if low is None or high is None else f"{low:.15g} .. {high:.15g}"
        rows.add_row(
            safe(param.name), param.type, f"{param.value:.15g}", limits, title(param.label)
        )
    return rows


def conditions(corpus: Corpus) -> list[str]:
    """Each rule with its condition as it is evaluated: after all passes, shared parts named."""
    from clausal.compiler.dump import dump_conditions
    from clausal.compiler.pipeline import optimise

    return dump_conditions(optimise(corpus)).splitlines()


def _as_json(artifact: Artifact, size: int, *, with_ir: bool, with_tree: bool) -> dict[str, object]:
    import msgspec

    corpus = artifact.corpus
    value: dict[str, object] = {
        **asdict(Facts.of(artifact, size)),
        "compiler": artifact.meta.compiler,
        "policies": [
            {
                **msgspec.to_builtins(version),
                "rules": [
                    {
                        "name": rule.name,
                        "title": msgspec.to_builtins(rule.title),
                        "severity": rule.severity,
                        "shadow": rule.shadow,
                        "clauses": [corpus.clauses[clause].id for clause in rule.clauses],
                        "brakes": msgspec.to_builtins(rule.brakes),
                    }
                    for rule in corpus.rules
                    if rule.version == index
                ],
            }
            for index, version in enumerate(corpus.versions)
        ],
        "params": msgspec.to_builtins(corpus.params),
        "inputs": [
            {"name": slot.name, "source": slot.source, "type": msgspec.to_builtins(slot.type)}
            for slot in corpus.slots
        ],
        "incident": msgspec.to_builtins(corpus.incident),
        "procedure": msgspec.to_builtins(corpus.procedure),
        "sanction_names": [sanction.name for sanction in corpus.sanctions],
    }
    if with_tree:
        value["tree"] = asdict(TreeFacts.of(artifact))
    if with_ir:
        value["conditions"] = conditions(corpus)
    return value
