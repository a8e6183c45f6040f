"""`clausal test`: run the test blocks of policies."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import ParamOption, PolicyPaths, as_named, compiled, files_of, params_of
from clausal.cli.shell import (
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
    from clausal.coverage import Coverage
    from clausal.engine.evaluator import Bundle
    from clausal.testing import Miss, Outcome

EXAMPLES: Final = (
    ("run every test under a folder", "clausal test policies"),
    ("and name what no test reaches", "clausal test policies --coverage"),
    ("only some, by a part of the title", "clausal test policies --only ladder"),
    ("for a CI service", "clausal test policies --junit build/tests.xml"),
)

_OUTPUT: Final = "Output"


def command(
    paths: PolicyPaths = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only tests whose title or file has this in it."),
    ] = None,
    param: ParamOption = None,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage",
            help="Name the rules, clauses and ladder steps that no test reaches.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Name the tests that pass, too.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object.", rich_help_panel=_OUTPUT)
    ] = False,
    junit: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write JUnit XML, too.", rich_help_panel=_OUTPUT),
    ] = None,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Run the tests that policies hold.

    A test that fails shows what was expected, what came instead, and why: the rule, with the values
    that its conditions saw. Exit code 1 means that a test failed.
    """
    import msgspec

    from clausal.coverage import measure_coverage
    from clausal.engine.evaluator import Bundle
    from clausal.testing import run_test

    if junit is not None:
        keep_apart([junit], files_of(paths))
    bundle = Bundle(compiled(paths, params_of(param)))
    corpus = bundle.artifact.corpus
    named = as_named(paths)
    tests = [msgspec.structs.replace(test, source=named(test.source)) for test in corpus.tests]
    chosen = [test for test in tests if not only or only in test.title or only in test.source]
    if only and not chosen:
        raise CommandError(
            "no test has that in its title or file",
            code=Exit.USAGE,
            hint=f"there are {counted(len(corpus.tests), 'test')}",
        )
    start = time.perf_counter()
    outcomes = [run_test(bundle, corpus, test) for test in chosen]
    seconds = time.perf_counter() - start
    failed = [outcome for outcome in outcomes if not outcome.passed]
    covered = measure_coverage(corpus, outcomes) if coverage else None
    if junit is not None:
        from clausal.cli.junit import junit_xml

        write_file(Path(junit), junit_xml(outcomes, corpus, seconds))
    if as_json:
        print_json(_as_json(bundle, outcomes, covered))
    else:
        _print(bundle, outcomes, covered, seconds, verbose=verbose)
    return Exit.FINDINGS if failed else Exit.FINE


def _print(
    bundle: Bundle,
    outcomes: Sequence[Outcome],
    covered: Coverage | None,
    seconds: float,
    *,
    verbose: bool,
) -> None:
    from rich.text import Text

    corpus = bundle.artifact.corpus
    for outcome in outcomes:
        if outcome.passed:
            if verbose:
                show(Text.assemble(("pass  ", "green"), safe(outcome.test.title)))
            continue
        test = outcome.test
        show(Text.assemble(("FAIL  ", "bold red"), safe(test.title, "bold")))
        show(safe(f"      {test.source}:{test.line}", "dim"))
        for miss in outcome.misses:
            _print_miss(bundle, outcome, miss)
            show("")
    failed = sum(not outcome.passed for outcome in outcomes)
    if covered is not None:
        from clausal.cli.coverage import print_unreached

        print_unreached(covered)
    if not outcomes:
        versions = counted(len(corpus.versions), "policy version")
        show(Text(f"no tests in {versions}", style="yellow"))
        return
    style = "bold red" if failed else "bold green"
    line = Text(f"{counted(len(outcomes) - failed, 'test')} passed", style="" if failed else style)
    if failed:
        line = Text.assemble((f"{failed:,} failed", style), f", {len(outcomes) - failed:,} passed")
    show(line.append(f"  in {seconds:.2f} s", style="dim"))


def _print_miss(bundle: Bundle, outcome: Outcome, miss: Miss) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from clausal.cli.trees import trees_for

    line = safe(f"   line {miss.line}", "dim")
    show(Text.assemble(("      expected  ", "dim"), safe(miss.expected), line))
    show(Text.assemble(("      got       ", "dim"), safe(miss.got)))
    for tree in trees_for(bundle, outcome, miss.rules):
        show(Padding(tree, (0, 0, 0, 6)))


def _as_json(
    bundle: Bundle, outcomes: Sequence[Outcome], covered: Coverage | None
) -> dict[str, object]:
    corpus = bundle.artifact.corpus
    tests: list[dict[str, object]] = []
    for outcome in outcomes:
        test = outcome.test
        tests.append(
            {
                "title": test.title,
                "policy": corpus.versions[test.version].policy,
                "version": corpus.versions[test.version].version,
                "file": test.source,
                "line": test.line,
                "passed": outcome.passed,
                "missed": [
                    {"expected": miss.expected, "got": miss.got, "line": miss.line}
                    for miss in outcome.misses
                ],
            }
        )
    passed = sum(outcome.passed for outcome in outcomes)
    value: dict[str, object] = {
        "passed": passed,
        "failed": len(outcomes) - passed,
        "tests": tests,
    }
    if covered is not None:
        from clausal.cli.coverage import unreached_json

        value["unreached"] = unreached_json(covered)
    return value
