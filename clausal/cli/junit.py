"""Outcomes of tests as JUnit XML, which CI services read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from clausal.cli.shell import counted
from clausal.dsl.render.visible import visible

if TYPE_CHECKING:
    from clausal.compiler.ir import Corpus
    from clausal.testing import Outcome


def junit_xml(outcomes: Sequence[Outcome], corpus: Corpus, seconds: float) -> bytes:
    """One suite for each policy version; `seconds` is how long all of them took."""
    failures = sum(not outcome.passed for outcome in outcomes)
    root = Xml.Element(
        "testsuites",
        name="clausal",
        tests=str(len(outcomes)),
        failures=str(failures),
        time=f"{seconds:.3f}",
    )
    suites: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        suites.setdefault(outcome.test.version, []).append(outcome)
    for version, members in sorted(suites.items()):
        of = corpus.versions[version]
        name = f"{of.policy} {of.version}"
        failed = sum(not outcome.passed for outcome in members)
        suite = Xml.SubElement(
            root, "testsuite", name=name, tests=str(len(members)), failures=str(failed)
        )
        for outcome in members:
            _case(suite, name, outcome)
    Xml.indent(root)
    data: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _case(suite: Xml.Element, name: str, outcome: Outcome) -> None:
    test = outcome.test
    # XML has no way to write most control characters: they are shown by number.
    case = Xml.SubElement(
        suite,
        "testcase",
        classname=name,
        name=visible(test.title),
        file=visible(test.source),
        line=str(test.line),
    )
    if outcome.passed:
        return
    failure = Xml.SubElement(
        case, "failure", message=f"{counted(len(outcome.misses), 'expectation')} not met"
    )
    failure.text = "\n".join(
        f"line {miss.line}: expected {visible(miss.expected)}\n  got {visible(miss.got)}"
        for miss in outcome.misses
    )
