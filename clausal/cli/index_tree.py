"""The tree of a bundle's index in figures, as a table and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from clausal.cli.shell import counted
from clausal.compiler.program import integers

if TYPE_CHECKING:
    from rich.table import Table

    from clausal.compiler.bundle import Artifact


@dataclass(frozen=True, slots=True)
class Level:
    """The nodes of one level of the tree.

    Attributes:
        nodes: How many there are.
        members: How many nodes or conjunctions lie below them.
        tests: How many tests they have.
        inputs: How many tests there are on each input, most first.
    """

    nodes: int
    members: int
    tests: int
    inputs: dict[str, int]


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """The tree in figures.

    Attributes:
        events: How many events the profile was taken from; 0: what is frequent was guessed.
        expected_nodes: How many nodes an event visits on average, by the profile.
        expected_tests: How many tests are made.
        expected_checks: How many conjunctions are left to be checked.
        worst_nodes: How many nodes an event can visit at most, and so on.
        rest: How many conjunctions leave something to be settled: texts, arithmetic, times of day.
    """

    conjunctions: int
    rest: int
    inputs: int
    bytes: int
    events: int
    expected_nodes: float
    expected_tests: float
    expected_checks: float
    worst_nodes: int
    worst_tests: int
    worst_checks: int
    levels: list[Level]

    @classmethod
    def of(cls, artifact: Artifact) -> TreeFacts:
        """Count what is in the index of a bundle."""
        import msgspec

        index = artifact.index
        names = [
            "(time)" if slot < 0 else artifact.meta.slots[slot].name
            for slot in integers("i", index.dim_slot)
        ]
        firsts, dims = integers("i", index.node_tests), integers("i", index.test_dim)
        conjunctions = len(index.conjunction_rest)
        levels = []
        for nodes, start, members in zip(
            index.levels,
            accumulate(index.levels, initial=0),
            (*index.levels[1:], conjunctions),
            strict=False,
        ):
            own = dims[firsts[start] : firsts[start + nodes]]
            uses = sorted(((own.count(dim), names[dim]) for dim in set(own)), reverse=True)
            levels.append(Level(nodes, members, len(own), {name: count for count, name in uses}))
        expected = index.expected
        return cls(
            conjunctions=conjunctions,
            rest=sum(index.conjunction_rest),
            inputs=len(names),
            bytes=len(msgspec.msgpack.encode(index)),
            events=artifact.profile.events,
            expected_nodes=expected.nodes,
            expected_tests=expected.tests,
            expected_checks=expected.conjunctions,
            worst_nodes=sum(index.levels),
            worst_tests=len(dims),
            worst_checks=conjunctions,
            levels=levels,
        )

    @property
    def source(self) -> str:
        """What the expectation rests on."""
        return f"from {self.events:,} events" if self.events else "guessed, without a profile"


def tables(facts: TreeFacts) -> list[Table]:
    """The levels of the tree, and what an event costs."""
    from clausal.cli.shell import safe
    from clausal.cli.summary import table

    levels = table(
        ("Level", "name"),
        ("nodes", "count"),
        ("members", "count"),
        ("tests", "count"),
        ("on", "text"),
    )
    for depth, level in enumerate(facts.levels):
        kind = "leaves" if depth == len(facts.levels) - 1 else "roots" if depth == 0 else "nodes"
        on = ", ".join(f"{name} {count}" for name, count in list(level.inputs.items())[:6])
        levels.add_row(kind, f"{level.nodes:,}", f"{level.members:,}", f"{level.tests:,}", safe(on))
    costs = table(("An event", "name"), ("nodes", "count"), ("tests", "count"), ("checks", "count"))
    costs.add_row(
        "expected",
        f"{facts.expected_nodes:,.1f}",
        f"{facts.expected_tests:,.1f}",
        f"{facts.expected_checks:,.1f}",
    )
    costs.add_row(
        "at most", f"{facts.worst_nodes:,}", f"{facts.worst_tests:,}", f"{facts.worst_checks:,}"
    )
    return [levels, costs]


_WIDTH: Final = 960
_ROW: Final = 96
_STYLE: Final = (
    "svg{background:#fff;font:13px sans-serif}text{fill:#1c2024}.dim{fill:#5b6470}"
    ".node{fill:#3b6fb6}.edge{stroke:#b8c1cc}"
    "@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e8eb}"
    ".dim{fill:#9aa4b0}.node{fill:#7fb0f0}.edge{stroke:#4a525d}}"
)


def picture(facts: TreeFacts, artifact: Artifact) -> str:
    """The tree as SVG: a box for each node, as high as its share of the most tests of a node."""
    firsts = integers("i", artifact.index.node_tests)
    starts = list(accumulate(artifact.index.levels, initial=0))
    most = max((two - one for one, two in pairwise(firsts)), default=0) or 1
    height = 80 + _ROW * max(1, len(facts.levels))
    heading = (
        f"{facts.conjunctions:,} conjunctions in {counted(facts.worst_nodes, 'node')}; an event visits "
        f"{facts.expected_nodes:,.1f} and checks {facts.expected_checks:,.1f} ({facts.source})"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>The decision tree</title><style>{_STYLE}</style>",
        f'<text x="16" y="26">{escape(heading)}</text>',
    ]
    width = artifact.index.width
    for depth, level in enumerate(facts.levels):
        top = 56 + _ROW * depth
        on = ", ".join(f"{name} {count}" for name, count in list(level.inputs.items())[:5])
        parts.append(
            f'<text class="dim" x="16" y="{top - 8}">{counted(level.nodes, "node")}, {counted(level.tests, "test")}: '
            f"{escape(on)}</text>"
        )
        each = (_WIDTH - 32) / level.nodes
        for node in range(level.nodes):
            tests = firsts[starts[depth] + node + 1] - firsts[starts[depth] + node]
            tall = 6 + 30 * tests / most
            x = 16 + each * node
            parts.append(
                f'<rect class="node" x="{x:.1f}" y="{top}" width="{max(0.6, each - 1):.1f}" '
                f'height="{tall:.1f}"><title>node {node + 1}: {tests} tests</title></rect>'
            )
            if depth:
                above = (_WIDTH - 32) / facts.levels[depth - 1].nodes
                parent = 16 + above * (node // width + 0.5)
                parts.append(
                    f'<line class="edge" x1="{parent:.1f}" y1="{top - _ROW + 42}" '
                    f'x2="{x + each / 2:.1f}" y2="{top - 22}"/>'
                )
    return "\n".join([*parts, "</svg>\n"])
