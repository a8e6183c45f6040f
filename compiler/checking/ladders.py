"""Ladders: those that count strikes and those that add points up, and the strikes of rules on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import msgspec

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Dimension, duration, fits, number
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import Space
from clausal.compiler.checking.entries import first_word, one
from clausal.compiler.checking.expressions import Expressions
from clausal.compiler.checking.measures import Measures, Place
from clausal.compiler.checking.operands import Amount, Lookup, constant_value, describe
from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.compiler.checking.scopes import Found, Scope
from clausal.compiler.checking.severities import severity
from clausal.compiler.checking.texts import bilingual
from clausal.compiler.checking.values import qualified
from clausal.compiler.quantities import is_weight
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.source import Span

SUMS: Final[tuple[ir.Sum, ...]] = ("family", "all", "half of all")

SERVED: Final = "served"
"""The last part of the path of a slot that holds a step on probation."""

_ENTRIES: Final[dict[type[nodes.LadderEntry], str]] = {
    nodes.Families: "families",
    nodes.Weights: "points",
    nodes.Counts: "counts",
    nodes.Life: "life",
    nodes.Jumps: "from",
    nodes.Probation: "probation",
}


def counting(node: nodes.Ladder) -> tuple[object, ...]:
    """What must be the same for two ladders to share their strikes."""
    reading = (nodes.Life, nodes.Probation)
    entries = [entry for entry in node.entries if isinstance(entry, reading)]
    return (node.by.text, node.within, tuple(sorted(entries, key=str)))


def slots_of_ladder(ladder: ir.LadderDef) -> Iterator[int]:
    """The slots that history fills for a ladder."""
    yield ladder.slot
    for family in ladder.points.families if ladder.points is not None else ():
        yield family.slot
        if family.served is not None:
            yield family.served


def renumbered_ladder(ladder: ir.LadderDef, slots: Mapping[int, int]) -> ir.LadderDef:
    """The ladder with other numbers for its slots."""
    points = ladder.points
    if points is not None:
        families = [
            msgspec.structs.replace(
                family,
                slot=slots[family.slot],
                served=None if family.served is None else slots[family.served],
            )
            for family in points.families
        ]
        points = msgspec.structs.replace(points, families=tuple(families))
    return msgspec.structs.replace(ladder, slot=slots[ladder.slot], points=points)


def check_ladder(
    node: nodes.Ladder,
    expressions: Expressions,
    measures: Measures,
    definitions: Definitions,
    version: int | None,
) -> ir.LadderDef | None:
    """The ladder that ``node`` declares; None after reporting what is wrong with it.

    Args:
        node: The declaration.
        expressions: Those of the file that it stands in.
        measures: The same.
        definitions: Knows the name under which its strikes are counted.
        version: The number of the policy version; None in a library.
    """
    return _Checker(expressions, measures, definitions, version).ladder(node)


@dataclass(frozen=True, slots=True)
class _Checker:
    expressions: Expressions
    measures: Measures
    definitions: Definitions
    version: int | None

    @property
    def scope(self) -> Scope:
        return self.expressions.scope

    @property
    def report(self) -> Report:
        return self.scope.report

    def ladder(self, node: nodes.Ladder) -> ir.LadderDef | None:
        label = bilingual(self.report, node.labels)
        target = self.scope.find(nodes.Target, node.by)
        ordered = sorted(node.steps, key=lambda step: step.number)
        adds_up = node.within is None
        sound = self._check_points(node, ordered) if adds_up else self._check_counts(node, ordered)
        steps: list[ir.StepDef] = []
        for place, step in enumerate(ordered, 1):
            measures = self._step(step, node)
            if measures is None:
                sound = False
            else:
                since = step.number if adds_up else 0
                steps.append(ir.StepDef(place, step.and_above, measures, since))
        strikes = self.definitions.strikes[id(node)]
        slot = self.expressions.inputs.history("strikes", strikes, label)
        within: int | None = 0
        points = None
        if node.within is not None:
            within = duration(self.report, node.within)
            if within is not None and within <= 0:
                self.report.add("E0412", "strikes stay active for some time", node.within.span)
                within = None
            sound = self._refuse_entries(node) and sound
        else:
            points = self._points(node, strikes)
            sound = sound and points is not None
        if not sound or target is None or within is None:
            return None
        return ir.LadderDef(
            name=qualified(self.scope.document, node.name.text),
            version=self.version,
            target=node.by.text,
            within=within,
            steps=tuple(steps),
            slot=slot,
            label=label,
            points=points,
        )

    def _refuse_entries(self, node: nodes.Ladder) -> bool:
        """Whether a ladder that counts strikes says nothing of points."""
        assert node.within is not None
        for entry in node.entries:
            word = _ENTRIES[type(entry)]
            self.report.add(
                "E0431",
                f"`{node.name.text}` counts strikes, and has no `{word}`",
                first_word(entry.span, word),
                "",
                others=[self.report.label(node.within.span, "it counts those of this time")],
                help=["a ladder without `within` adds up points"],
            )
        return not node.entries

    # ── Steps ────────────────────────────────────────────────────────────────────────────────────

    def _step(self, step: nodes.Step, ladder: nodes.Ladder) -> tuple[ir.MeasureDef, ...] | None:
        measures: list[ir.MeasureDef] = []
        sound = True
        for consequence in step.consequences:
            if isinstance(consequence, nodes.LadderStrike):
                self.scope.find(nodes.Ladder, consequence.ladder)
                self.report.add(
                    "E0415",
                    "a step of a ladder leads to measures, not to another strike",
                    consequence.span,
                )
                sound = False
                continue
            found = self.measures.measures(consequence, Place.STEP, ladder.by.text)
            if found is None:
                sound = False
            else:
                measures += found
        return tuple(measures) if sound else None

    def _check_counts(self, ladder: nodes.Ladder, steps: Sequence[nodes.Step]) -> bool:
        """Whether the steps, in order, are 1, 2, ..., and the last one and no other is open."""
        name = ladder.name
        if not steps:
            self._no_steps(name)
            return False
        for expected, step in enumerate(steps, 1):
            if step.number != expected:
                if step.number == expected - 1 and expected > 1:
                    self._twice(name, steps[expected - 2], step)
                    return False
                self.report.add(
                    "E0416",
                    f"`{name.text}` has no step {expected}",
                    _number(step),
                    "",
                    help=["steps are numbered from 1, without gaps"],
                )
                return False
            if not self._ends_well(name, step, expected == len(steps), "further strike"):
                return False
        return True

    def _check_points(self, ladder: nodes.Ladder, steps: Sequence[nodes.Step]) -> bool:
        """Whether the steps hold from different points, and the last one and no other is open."""
        name = ladder.name
        if not steps:
            self._no_steps(name)
            return False
        if steps[0].number < 1:
            self.report.add(
                "E0416",
                f"`{name.text}` has a step for no points",
                _number(steps[0]),
                "",
                help=["steps hold from one point on; below the first nothing is done"],
            )
            return False
        for before, step in pairwise(steps):
            if step.number == before.number:
                self._twice(name, before, step)
                return False
        for before, step in pairwise(ladder.steps):
            if step.number < before.number:
                self.report.add(
                    "E0416",
                    f"the steps of `{name.text}` do not ascend",
                    _number(step),
                    f"fewer points than {before.number}",
                    others=[self.report.label(_number(before), "this step comes first")],
                )
                return False
        return all(
            self._ends_well(name, step, step is steps[-1], "further point") for step in steps
        )

    def _no_steps(self, name: nodes.Name) -> None:
        self.report.add("E0416", f"`{name.text}` has no steps", name.span, "needs `1+ => …`")

    def _twice(self, name: nodes.Name, first: nodes.Step, again: nodes.Step) -> None:
        self.report.add(
            "E0416",
            f"step {again.number} of `{name.text}` is given twice",
            _number(again),
            "",
            others=[self.report.label(first_word(first.span, "1"), "first given here")],
        )

    def _ends_well(self, name: nodes.Name, step: nodes.Step, last: bool, what: str) -> bool:
        if step.and_above == last:
            return True
        self.report.add(
            "E0416",
            f"the last step of `{name.text}` is not open"
            if last
            else f"step {step.number} of `{name.text}` is open, and another follows it",
            _number(step),
            "",
            help=[f"write `{step.number}+ =>`: it holds for every {what} as well"]
            if last
            else [f"write `{step.number} =>`"],
        )
        return False

    # ── Points ───────────────────────────────────────────────────────────────────────────────────

    def _points(self, node: nodes.Ladder, strikes: str) -> ir.PointsDef | None:
        report, name = self.report, node.name
        families = one(report, node.entries, nodes.Families, "families", within=name)
        counts = one(report, node.entries, nodes.Counts, "counts", within=name)
        life = one(report, node.entries, nodes.Life, "life", within=name)
        jumps = one(report, node.entries, nodes.Jumps, "from")
        probation = one(report, node.entries, nodes.Probation, "probation")
        weights = one(report, node.entries, nodes.Weights, "points")
        weighed = weights is None or weights_of(report, weights) is not None
        length = self._probation(node, probation)
        sums = None if counts is None else self._sums(counts)
        lives = None if life is None else self._lives(life)
        jumped = self._jumps(node, jumps)
        declared = None
        if families is not None:
            declared = self._families(families, strikes, probation is not None)
        if (
            not weighed
            or length is None
            or sums is None
            or lives is None
            or jumped is None
            or declared is None
        ):
            return None
        after = "" if probation is None else probation.sanction.text
        return ir.PointsDef(declared, sums, lives, jumped, length, after)

    def _families(
        self, entry: nodes.Families, strikes: str, on_probation: bool
    ) -> tuple[ir.FamilyDef, ...] | None:
        found: dict[str, ir.FamilyDef] = {}
        history = self.expressions.inputs.history
        sound = True
        for value in entry.values:
            name, label = value.name.text, bilingual(self.report, value.labels)
            if name in found:
                self.report.add("E0202", f"the family `{name}` is declared twice", value.name.span)
                sound = False
            found[name] = ir.FamilyDef(
                name,
                history("strikes", strikes, label, (name,)),
                history("strikes", strikes, label, (name, SERVED)) if on_probation else None,
                label,
            )
        return tuple([found[name] for name in sorted(found)]) if sound else None

    def _sums(self, entry: nodes.Counts) -> tuple[ir.Sum, ...] | None:
        sums: list[ir.Sum] = []
        for text in entry.sums:
            for known in SUMS:
                if known == text and known not in sums:
                    sums.append(known)
        if len(sums) < len(entry.sums):
            self.report.add("E0431", "a sum is counted twice", entry.span)
            return None
        return tuple(sorted(sums))

    def _lives(self, entry: nodes.Life) -> tuple[ir.LifeDef, ...] | None:
        """The lives, which ascend from 0 points, so that each strike has one."""
        lives: list[ir.LifeDef] = []
        for place, node in enumerate(entry.spans):
            length = None if node.length is None else duration(self.report, node.length)
            points = 0 if node.points is None else whole(self.report, node.points)
            if points is None or (node.length is not None and length is None):
                return None
            if length is not None and length <= 0:
                self.report.add("E0412", "strikes stay active for some time", node.span)
                return None
            if (place == 0) != (points == 0) or (lives and points <= lives[-1].points):
                self.report.add(
                    "E0433",
                    "the first life is not that of all strikes"
                    if place == 0
                    else "this life does not begin after the one before it",
                    node.span,
                    "",
                    help=[
                        "write `life 90d, 365d from 3 points`: each is for as many points or more"
                    ],
                )
                return None
            lives.append(ir.LifeDef(points, length))
        return tuple(lives)

    def _jumps(
        self, ladder: nodes.Ladder, entry: nodes.Jumps | None
    ) -> tuple[tuple[ir.Severity, int], ...] | None:
        jumps: dict[ir.Severity, int] = {}
        sound = True
        for jump in entry.jumps if entry is not None else ():
            level = severity(self.report, jump.severity)
            if level is not None and level in jumps:
                self.report.add("E0431", f"`{level}` jumps twice", jump.span)
                sound = False
            if not 1 <= jump.step <= len(ladder.steps):
                self.report.add(
                    "E0431",
                    f"`{ladder.name.text}` has no step {jump.step}",
                    jump.span,
                    f"its steps are 1 to {len(ladder.steps)}",
                    notes=["steps are numbered in their order, whatever points they hold from"],
                )
                sound = False
            if level is None:
                sound = False
            else:
                jumps[level] = jump.step
        if not sound:
            return None
        return tuple([(known, jumps[known]) for known in ir.SEVERITIES if known in jumps])

    def _probation(self, ladder: nodes.Ladder, entry: nodes.Probation | None) -> int | None:
        """How long probation lasts; 0 if there is none."""
        if entry is None:
            return 0
        found = self.scope.find(nodes.Sanction, entry.sanction)
        length = duration(self.report, entry.length)
        if length is not None and length <= 0:
            self.report.add("E0412", "a probation lasts for some time", entry.length.span)
            return None
        if found is None or length is None:
            return None
        names = set(self._sanctions(ladder))
        if entry.sanction.text not in names:
            self.report.add(
                "E0434",
                f"no step of `{ladder.name.text}` leads to `{entry.sanction.text}`",
                entry.sanction.span,
                "",
                help=suggest(entry.sanction.text, names)
                or [f"its steps lead to {one_of(sorted(names))}"],
            )
            return None
        return length

    def _sanctions(self, ladder: nodes.Ladder) -> Iterator[str]:
        """The names of all sanctions that its steps lead to."""
        for measure in (c for step in ladder.steps for c in step.consequences):
            if isinstance(measure, nodes.Measure):
                found = self.scope.lookup(Space.MEASURE, measure.sanction.text)
                if found is not None and isinstance(found.node, nodes.MeasureSet):
                    yield from (member.sanction.text for member in found.node.measures)
                else:
                    yield measure.sanction.text


def _number(step: nodes.Step) -> Span:
    """The place of the number of a step."""
    return first_word(step.span, str(step.number) + "+" * step.and_above)


def whole(report: Report, node: nodes.Number) -> int | None:
    """A number of points; None after reporting that it is none."""
    measured = number(report, node)
    if measured is None:
        return None
    if not _is_weight(measured.value, measured.dimension):
        _refuse_weight(report, f"`{report.text(node.span)}`", node.span)
        return None
    return int(measured.value)


def _is_weight(value: float, dimension: Dimension) -> bool:
    return fits(dimension, Dimension.NUMBER) and is_weight(value)


def _refuse_weight(report: Report, what: str, span: Span) -> None:
    report.add(
        "E0432", f"{what} is no number of points", span, "points are whole, and none is below 0"
    )


def weights_of(report: Report, entry: nodes.Weights) -> dict[ir.Severity, int] | None:
    """The points by severity; None after reporting what is wrong with them."""
    weights: dict[ir.Severity, int] = {}
    sound = True
    for weight in entry.weights:
        level, points = severity(report, weight.severity), whole(report, weight.points)
        if level is not None and level in weights:
            report.add("E0431", f"`{level}` has points twice", weight.span)
            sound = False
        if level is None or points is None:
            sound = False
        else:
            weights[level] = points
    return weights if sound else None


# ── Strikes ──────────────────────────────────────────────────────────────────────────────────────


def check_strike(
    expressions: Expressions,
    strike: nodes.LadderStrike,
    ladder: Found[nodes.Ladder],
    index: int,
    level: ir.Severity | None,
) -> ir.StrikeDef | int | None:
    """What a rule of some severity does to a ladder; None after reporting what does not fit.

    On a ladder that counts strikes that is its number, and nothing else.

    Args:
        expressions: Those of the policy of the rule.
        strike: What the rule says.
        ladder: The ladder that it names.
        index: The number of the ladder.
        level: The severity of the rule; None when it is in error.
    """
    report, node = expressions.report, ladder.node
    if node.within is not None:
        if strike.family is None:
            return index
        report.add(
            "E0432",
            f"`{node.name.text}` counts strikes: they have no family and no points",
            strike.family.span,
            "",
            others=[ladder.place],
            help=[f"write `ladder {node.name.text}`"],
        )
        return None
    entry = next((e for e in node.entries if isinstance(e, nodes.Families)), None)
    names = sorted({value.name.text for value in entry.values}) if entry is not None else []
    if strike.family is None:
        report.add(
            "E0432",
            f"a strike on `{node.name.text}` is in one of its families",
            strike.span,
            f"needs `in {names[0]}`" if names else "",
            others=[ladder.place],
            notes=[f"its families are {one_of(names)}"] if names else (),
        )
        return None
    weights = _weights(expressions, strike, ladder, level)
    if entry is None:
        return None  # it was said where the ladder is declared
    if strike.family.text not in names:
        report.add(
            "E0430",
            f"`{node.name.text}` has no family `{strike.family.text}`",
            strike.family.span,
            "",
            others=[ladder.place],
            help=suggest(strike.family.text, names) or [f"its families are {one_of(names)}"],
        )
        return None
    if weights is None:
        return None
    return ir.StrikeDef(index, names.index(strike.family.text), weights)


def _weights(
    expressions: Expressions,
    strike: nodes.LadderStrike,
    ladder: Found[nodes.Ladder],
    level: ir.Severity | None,
) -> tuple[ir.WeightDef, ...] | None:
    report, name = expressions.report, strike.points
    if not isinstance(name, nodes.Name):
        if name is not None:
            points = whole(report, name)
        else:
            points = None if level is None else _by_severity(report, strike, ladder, level)
        return None if points is None else (ir.WeightDef(ir.ALWAYS, ir.Constant(float(points))),)
    operand = expressions.needed(nodes.Path((name.text,), name.span))
    match operand:
        case None:
            return None
        case Lookup(table=table):
            for _, result in table.rows:
                if not _is_weight(result, table.dimension):
                    _refuse_weight(report, f"{result:g}, a result of `{name.text}`,", name.span)
                    return None
            return tuple([ir.WeightDef(when, ir.Constant(result)) for when, result in table.rows])
        case Amount(quantity=quantity, dimension=dimension):
            value = constant_value(quantity, expressions.definitions.param_values)
            if value is not None:
                if not _is_weight(value, dimension):
                    _refuse_weight(report, f"`{name.text}`", name.span)
                    return None
                return (ir.WeightDef(ir.ALWAYS, quantity),)
        case _:
            pass
    report.add(
        "E0432",
        f"`{name.text}` gives no points",
        name.span,
        f"this is {describe(operand)}",
        help=["points are a number, a `param` or a table"],
    )
    return None


def _by_severity(
    report: Report,
    strike: nodes.LadderStrike,
    ladder: Found[nodes.Ladder],
    level: ir.Severity,
) -> int | None:
    node = ladder.node
    entry = next((e for e in node.entries if isinstance(e, nodes.Weights)), None)
    for weight in entry.weights if entry is not None else ():
        if weight.severity.text == level:
            # What is wrong with it is said where it stands, and only once.
            measured = number(Report(Diagnostics(), ladder.document.report.source), weight.points)
            return None if measured is None else int(measured.value)
    report.add(
        "E0432",
        f"`{node.name.text}` has no points for the severity `{level}`",
        strike.span,
        "",
        others=[ladder.place],
        help=["say how many with `with … points`, or add the severity to the ladder's `points`"],
    )
    return None
