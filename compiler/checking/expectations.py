"""``test`` blocks: what they expect of the decision on the event that they give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Dimension, dimension_of, duration, fits, is_quantity
from clausal.compiler.checking.documents import WORDS, Named, Space
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.given import Givens
from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.compiler.checking.rules import PolicyChecker
from clausal.compiler.checking.sanctions import SanctionInfo
from clausal.compiler.checking.schema import Parts
from clausal.compiler.checking.scopes import Found, Scope
from clausal.dsl import nodes
from clausal.dsl.source import Span


@dataclass(frozen=True, slots=True)
class TestChecker:
    """Checks the tests of one policy version. ``time`` is the field that holds the act's time."""

    __test__ = False

    policy: PolicyChecker
    time: Parts

    @property
    def scope(self) -> Scope:
        """The names that the policy can use."""
        return self.policy.scope

    @property
    def report(self) -> Report:
        """Where to say what is wrong."""
        return self.scope.report

    def test(self, node: nodes.Test) -> ir.TestDef | None:
        """The test that ``node`` states; None after reporting what is wrong with it."""
        report = self.report
        at = one(report, node.entries, nodes.At, "at", within=node.title)
        decided = one(report, node.entries, nodes.Decided, "decided")
        acted_at = self._instant(at)
        decided_at = acted_at if decided is None else self._instant(decided)
        given = Givens(self.scope)
        added = [given.add(assignment) for assignment in _assignments(node)]
        expected = self._expected(node)
        if acted_at is None or decided_at is None or at is None or expected is None:
            return None
        if not all(added):
            return None
        moment = self.scope.calendar.moment(report, at.moment)
        assert moment is not None
        given.add_time(self.time, moment)
        line, _ = report.source.position(node.span.start)
        return ir.TestDef(
            title=node.title.value,
            version=self.policy.numbers.version,
            event=given.event(),
            history=given.history(),
            acted_at=acted_at,
            decided_at=decided_at,
            expected=expected,
            source=report.source.name,
            line=line,
        )

    def _instant(self, entry: nodes.At | nodes.Decided | None) -> int | None:
        return None if entry is None else self.scope.calendar.instant(self.report, entry.moment)

    # ── What is expected ─────────────────────────────────────────────────────────────────────────

    def _expected(self, node: nodes.Test) -> tuple[ir.Expected, ...] | None:
        entries = [entry for entry in node.entries if isinstance(entry, nodes.Expect)]
        if not entries:
            self.report.add(
                "E0112",
                f"`{node.title.value}` has no `expect`",
                node.title.span,
                "needs `expect …`",
            )
            return None
        found = [
            self._expectation(expectation)
            for entry in entries
            for expectation in entry.expectations
        ]
        expected = tuple([item for item in found if item is not None])
        return expected if len(expected) == len(found) else None

    def _expectation(self, node: nodes.Expectation) -> ir.Expected | None:
        line, _ = self.report.source.position(node.span.start)
        text = self.report.text(node.span)
        match node:
            case nodes.ExpectMeasure():
                return self._rule_or_measure(node, line, text)
            case nodes.ExpectUndetermined(rule=name):
                rule = self._rule(name)
                return None if rule is None else ir.ExpectedRule(rule, "undetermined", line, text)
            case nodes.ExpectStep(ladder=name, step=step):
                return self._step(name, step, node.span, line, text)
            case nodes.ExpectOnly(rules=names):
                rules = [self._rule(name) for name in names]
                sound = sorted({rule for rule in rules if rule is not None})
                if any(rule is None for rule in rules):
                    return None
                return ir.ExpectedOnly(tuple(sound), line, text)
            case nodes.ExpectNothing():
                return ir.ExpectedOnly((), line, text)

    def _rule(self, name: nodes.Name) -> int | None:
        found = self.scope.resolve(Space.RULE, name)
        if found is None:
            if not self.scope.excuses(name.text):
                self.report.add(
                    "E0601",
                    f"there is no rule `{name.text}`",
                    name.span,
                    "",
                    help=suggest(name.text, self.scope.known(nodes.Rule)),
                )
            return None
        return self.policy.numbers.rules[name.text]

    def _step(
        self, name: nodes.Name, step: int, span: Span, line: int, text: str
    ) -> ir.Expected | None:
        found = self.scope.find(nodes.Ladder, name)
        if found is None:
            return None
        adds_up = found.node.within is None
        last = (
            len(found.node.steps)
            if adds_up
            else max((one_step.number for one_step in found.node.steps), default=0)
        )
        lowest = 0 if adds_up else 1
        if not lowest <= step <= last:
            self.report.add(
                "E0607",
                f"`{name.text}` has no step {step}",
                span,
                f"its steps are {lowest} to {last}",
                others=[found.place],
            )
            return None
        return ir.ExpectedStep(self.policy.definitions.ladders[id(found.node)], step, line, text)

    def _rule_or_measure(
        self, node: nodes.ExpectMeasure, line: int, text: str
    ) -> ir.Expected | None:
        name = node.name
        rule = self.scope.lookup(Space.RULE, name.text)
        measure = self.scope.lookup(Space.MEASURE, name.text)
        described = bool(
            node.bound or node.arguments or node.target or node.period or node.interim
            or node.review
        )  # fmt: skip
        if rule is not None and measure is not None and not described:
            self.report.add(
                "E0602",
                f"`{name.text}` is a rule and a {WORDS[type(measure.node)]}",
                name.span,
                "which one is meant is not clear",
                others=[rule.place, measure.place],
                help=["give the rule another name"],
            )
            return None
        if rule is not None and not described:
            state = "silent" if node.negated else "fires"
            return ir.ExpectedRule(self.policy.numbers.rules[name.text], state, line, text)  # type: ignore[arg-type]
        if measure is not None:
            return self._measure(node, measure, line, text)
        if rule is not None:
            self.report.add(
                "E0607",
                f"`{name.text}` is a rule, which has no target, period or arguments",
                node.span,
                others=[rule.place],
                help=[f"write `expect {name.text}`, and the measure for itself"],
            )
        elif not self.scope.excuses(name.text):
            known = self.scope.known(nodes.Rule, nodes.Sanction)
            self.report.add(
                "E0601",
                f"there is no rule and no sanction `{name.text}`",
                name.span,
                "",
                help=suggest(name.text, known),
            )
        return None

    def _measure(
        self, node: nodes.ExpectMeasure, found: Found[Named], line: int, text: str
    ) -> ir.Expected | None:
        report, measures = self.report, self.policy.measures
        self.scope.resolve(Space.MEASURE, node.name)
        if isinstance(found.node, nodes.MeasureSet):
            members = one_of(member.sanction.text for member in found.node.measures)
            report.add(
                "E0607",
                f"`{node.name.text}` is a bundle, and decisions hold single measures",
                node.name.span,
                others=[found.place],
                help=[f"expect its measures: {members}"],
            )
            return None
        info = measures.sanctions.get(id(found.node))
        if info is None:
            return None
        arguments = measures.arguments(info, node.arguments, node.name.span, partial=True)
        sound = arguments is not None
        bound = None
        if node.bound is not None:
            bound = self._bound(node, info)
            sound = sound and bound is not None
        if node.target is not None and not measures.applies(info, node.target):
            sound = False
        length = None
        limit = node.period.within if isinstance(node.period, nodes.UntilFixed) else node.period
        if limit is not None:
            length = duration(report, limit)
            sound = sound and length is not None
        if not sound or arguments is None:
            return None
        return ir.ExpectedMeasure(
            sanction=measures.numbers[info.definition.name],
            negated=node.negated,
            bound=bound,
            arguments=arguments,
            target=node.target.text if node.target else "",
            duration=length,
            until_fixed=isinstance(node.period, nodes.UntilFixed),
            interim=node.interim,
            review=node.review,
            line=line,
            text=text,
        )

    def _bound(self, node: nodes.ExpectMeasure, info: SanctionInfo) -> tuple[str, float] | None:
        """The comparison with the parameter that says how strict a measure is."""
        assert node.bound is not None
        operator, literal = node.bound
        definition = info.definition
        strength = definition.law.strength
        param = None if strength is None else definition.params[strength]
        wanted = None if param is None else dimension_of(param.type)
        if param is None or wanted not in (Dimension.NUMBER, Dimension.SHARE):
            self.report.add(
                "E0607",
                f"`{definition.name}` has no number that says how strict it is",
                literal.span,
                others=[info.place],
                help=["expect its arguments: `expect NAME VALUE`"] if definition.params else (),
            )
            return None
        assert is_quantity(literal)
        measured = self.scope.calendar.measured(self.report, literal)
        if measured is None:
            return None
        if not fits(measured.dimension, wanted):
            self.report.add(
                "E0303",
                f"`{self.report.text(literal.span)}` does not fit `{param.name}` of "
                f"`{definition.name}`",
                literal.span,
                f"expected a {wanted.value}",
            )
            return None
        if wanted is Dimension.SHARE and not 0 <= measured.value <= 1:
            self.report.add(
                "E0304",
                f"`{self.report.text(literal.span)}` is no share",
                literal.span,
                "a share lies between 0 and 1",
            )
            return None
        return operator, measured.value


def _assignments(node: nodes.Test) -> Iterator[nodes.Assignment]:
    for entry in node.entries:
        if isinstance(entry, nodes.Given):
            yield from entry.assignments
