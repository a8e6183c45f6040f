"""`clausal compile`: make one bundle of policies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import ParamOption, PolicyPaths, compiled, params_of
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    print_json,
    show,
    write_file,
)

if TYPE_CHECKING:
    from clausal.compiler.bundle import Artifact

EXAMPLES: Final = (
    ("compile every policy under a folder", "clausal compile policies -o policies.clausal"),
    (
        "with a stricter threshold",
        "clausal compile policies -o strict.clausal --param staged_cutoff=0.7",
    ),
)


def command(
    paths: PolicyPaths = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the bundle goes; `-` is standard output."
        ),
    ] = "policies.clausal",
    param: ParamOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the facts as a JSON object.")
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Compile policies, with the libraries they use, into one file: the bundle.

    The same sources give the same bytes. The digest names the bundle in every decision, and the
    bound on steps says what one event can cost at most.
    """
    from clausal.compiler.bundle import pack

    to_stdout = output == STDIO
    if to_stdout and (as_json or sys.stdout.isatty()):
        raise CommandError(
            "a bundle is not for a terminal"
            if not as_json
            else "`-o -` leaves no place for `--json`",
            code=Exit.USAGE,
            hint="name a file: `-o policies.clausal`",
        )
    artifact = compiled(paths, params_of(param))
    data = pack(artifact)
    if to_stdout:
        sys.stdout.buffer.write(data)
    else:
        write_file(Path(output), data)
    facts = facts_of(artifact, len(data))
    if as_json:
        print_json({"file": output, **facts})
    else:
        _print(artifact, output, facts, to_stdout=to_stdout)
    return Exit.FINE


def facts_of(artifact: Artifact, size: int) -> dict[str, object]:
    """The figures that tell bundles apart."""
    corpus, program = artifact.corpus, artifact.program
    return {
        "digest": artifact.digest,
        "bytes": size,
        "versions": len(corpus.versions),
        "rules": len(corpus.rules),
        "clauses": len(corpus.clauses),
        "tests": len(corpus.tests),
        "slots": len(corpus.slots),
        "sanctions": len(corpus.sanctions),
        "predicates": len(program.op) // 4,
        "nodes": len(program.node_kind),
        "steps_bound": program.steps_bound,
    }


def _print(artifact: Artifact, output: str, facts: dict[str, object], *, to_stdout: bool) -> None:
    from rich.text import Text

    from clausal.cli.shell import safe

    corpus = artifact.corpus
    stream = sys.stderr if to_stdout else sys.stdout
    show(
        Text.assemble(safe(output, "bold"), "  ", (artifact.digest, "dim")),
        Text(
            ", ".join(
                (
                    counted(len(corpus.versions), "policy version"),
                    counted(len(corpus.rules), "rule"),
                    counted(len(corpus.clauses), "clause"),
                    counted(len(corpus.sanctions), "sanction"),
                )
            )
        ),
        Text(
            f"{counted(int(str(facts['predicates'])), 'predicate')}, "
            f"{counted(int(str(facts['nodes'])), 'node')}, "
            f"at most {counted(artifact.program.steps_bound, 'step')} for an event, "
            f"{bytes_text(int(str(facts['bytes'])))}"
        ),
        stream=stream,
    )


def bytes_text(size: int) -> str:
    """`87 bytes`, `14.2 KiB`, `3.1 MiB`."""
    if size < 1024:
        return counted(size, "byte")
    amount, unit = size / 1024, "KiB"
    if amount >= 1024:
        amount, unit = amount / 1024, "MiB"
    return f"{amount:.1f} {unit}"
