"""`clausal compile`: make one bundle of policies."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import ParamOption, PolicyPaths, compiled, files_of, params_of
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    keep_apart,
    print_json,
    safe,
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
    (
        "laid out for events like those of last week",
        "clausal compile policies -o policies.clausal --profile events.ndjson",
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
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="EVENTS",
            help="A sample of events: rules are laid out so that events like these cost least.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the facts as a JSON object.")
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Compile policies, with the libraries they use, into one file: the bundle.

    The same sources, and the same profile, give the same bytes. The digest names the bundle in every decision, and the
    bound on steps says what one event can cost at most.
    """
    from rich.text import Text

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
    keep_apart([output], [*files_of(paths), *([] if profile is None else [profile])])
    artifact = compiled(paths, params_of(param))
    if profile is not None:
        from clausal.sampling import profiled

        artifact = profiled(artifact, profile)
    data = pack(artifact)
    if to_stdout:
        sys.stdout.buffer.write(data)
    else:
        write_file(Path(output), data)
    facts = Facts.of(artifact, len(data))
    if as_json:
        print_json({"file": output, **asdict(facts)})
    else:
        show(
            Text.assemble(safe(output, "bold"), "  ", (facts.digest, "dim")),
            f"{counted(facts.versions, 'policy version')}, {counted(facts.rules, 'rule')}, "
            f"{counted(facts.clauses, 'clause')}, {counted(facts.sanctions, 'sanction')}",
            f"{facts.program}, at most {counted(facts.steps_bound, 'step')} for an event, "
            f"{bytes_text(facts.bytes)}",
            stream=sys.stderr if to_stdout else sys.stdout,
        )
    return Exit.FINE


@dataclass(frozen=True, slots=True)
class Facts:
    """The figures that tell bundles apart; `bytes` is the size of the file."""

    digest: str
    bytes: int
    versions: int
    rules: int
    clauses: int
    tests: int
    sanctions: int
    inputs: int
    predicates: int
    nodes: int
    steps_bound: int

    @classmethod
    def of(cls, artifact: Artifact, size: int) -> Facts:
        """Count what is in a bundle."""
        corpus, program = artifact.corpus, artifact.program
        return cls(
            digest=artifact.digest,
            bytes=size,
            versions=len(corpus.versions),
            rules=len(corpus.rules),
            clauses=len(corpus.clauses),
            tests=len(corpus.tests),
            sanctions=len(corpus.sanctions),
            inputs=len(corpus.slots),
            predicates=len(program.op) // 4,  # int32 each
            nodes=len(program.node_kind),
            steps_bound=program.steps_bound,
        )

    @property
    def program(self) -> str:
        """How large the program is, in words."""
        return (
            f"{counted(self.inputs, 'input')}, {counted(self.predicates, 'predicate')}, "
            f"{counted(self.nodes, 'node')}"
        )


def bytes_text(size: int) -> str:
    """`87 bytes`, `14.2 KiB`, `3.1 MiB`."""
    if size < 1024:
        return counted(size, "byte")
    amount, unit = size / 1024, "KiB"
    if amount >= 1024:
        amount, unit = amount / 1024, "MiB"
    return f"{amount:.1f} {unit}"
