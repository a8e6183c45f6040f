"""``test`` blocks: the event and history that they give, and what they expect of the decision."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, dimension_of, duration, fits, is_quantity
from clausal.compiler.checking.documents import WORDS, Named, Space
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.compiler.checking.rules import PolicyChecker
from clausal.compiler.checking.sanctions import SanctionInfo
from clausal.compiler.checking.schema import FieldUse, Parts, shown
from clausal.compiler.checking.scopes import Found, Scope
from clausal.compiler.checking.values import qualified
from clausal.compiler.types import LARGEST_INTEGER, MICROSECONDS
from clausal.dsl import nodes
from clausal.dsl.source import Span

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

FAILED: Final[dict[str, Json]] = {"$failed": "test"}
"""How an event says that a signal was asked for and failed."""

_SECTIONS: Final = {nodes.Ladder: "strikes", nodes.Tally: "tallies", nodes.Samples: "similarity"}


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
        event, history, sound = self._given(node)
        expected = self._expected(node)
        if acted_at is None or decided_at is None or at is None or expected is None or not sound:
            return None
        if not _holds(event, self.time):
            moment = self.scope.calendar.moment(report, at.moment)
            assert moment is not None
            _place(event, self.time, _rfc3339(moment))
        line, _ = report.source.position(node.span.start)
        return ir.TestDef(
            title=node.title.value,
            version=self.policy.numbers.version,
            event=msgspec.json.encode(_without_missing(event), order="sorted"),
            history=msgspec.json.encode(history, order="sorted"),
            acted_at=acted_at,
            decided_at=decided_at,
            expected=expected,
            source=report.source.name,
            line=line,
        )

    def _instant(self, entry: nodes.At | nodes.Decided | None) -> int | None:
        return None if entry is None else self.scope.calendar.instant(self.report, entry.moment)

    # ── What is given ────────────────────────────────────────────────────────────────────────────

    def _given(self, node: nodes.Test) -> tuple[dict[str, Json], dict[str, Json], bool]:
        event: dict[str, Json] = {}
        history: dict[str, dict[str, Json]] = {}
        places: dict[Parts, Span] = {}
        sound = True
        for entry in node.entries:
            if not isinstance(entry, nodes.Given):
                continue
            for assignment in entry.assignments:
                if not self._is_new(assignment, places):
                    sound = False
                elif len(assignment.path.parts) == 1 and not self._is_group(assignment.path):
                    sound = self._assign_history(assignment, history) and sound
                else:
                    sound = self._assign_field(assignment, event) and sound
        filled: dict[str, Json] = {section: dict(values) for section, values in history.items()}
        return event, filled, sound

    def _is_new(self, assignment: nodes.Assignment, places: dict[Parts, Span]) -> bool:
        """Whether neither the field, nor a group that holds it, nor one in it has a value yet."""
        path = assignment.path.parts
        for other, span in places.items():
            length = min(len(path), len(other))
            if path[:length] == other[:length]:
                self.report.add(
                    "E0604",
                    f"`{shown(path)}` is given twice"
                    if path == other
                    else f"`{shown(path)}` and `{shown(other)}` are both given",
                    assignment.path.span,
                    others=[self.report.label(span, "first given here")],
                )
                return False
        places[path] = assignment.path.span
        return True

    def _is_group(self, path: nodes.Path) -> bool:
        return path.parts in self.scope.schema.groups

    def _assign_field(self, assignment: nodes.Assignment, event: dict[str, Json]) -> bool:
        path, value = assignment.path, assignment.value
        if isinstance(value, nodes.Missing | nodes.Failed):
            decl = self.scope.schema.fields.get(path.parts)
            known = decl is not None or self._is_group(path)
            if not known and self.scope.field(path.parts, path.span) is None:
                return False
            _place(event, path.parts, None if isinstance(value, nodes.Missing) else dict(FAILED))
            return True
        use = self.scope.field(path.parts, path.span)
        if use is None:
            return False
        converted = self._value(use, use.type, value)
        if converted is not None:
            _place(event, path.parts, converted)
        return converted is not None

    def _misfit(self, use: FieldUse, span: Span, wanted: str) -> None:
        self.report.add(
            "E0603",
            f"`{self.report.text(span)}` is no value of `{shown(use.path)}`",
            span,
            f"expected {wanted}",
            others=[use.decl.place],
        )

    def _value(self, use: FieldUse, type: types.Type, value: nodes.Literal) -> Json:
        """The JSON value of a literal for a field; None after reporting that it does not fit."""
        match type:
            case types.Enum():
                if isinstance(value, nodes.Name) and value.text in type.names:
                    return value.text
                if isinstance(value, nodes.Name):
                    self.report.add(
                        "E0205",
                        f"`{shown(use.path)}` has no value `{value.text}`",
                        value.span,
                        "",
                        help=suggest(value.text, type.names)
                        or [f"its values are {one_of(type.names)}"],
                    )
                else:
                    self._misfit(use, value.span, f"one of {one_of(type.names)}")
                return None
            case types.SetOf(item=item):
                return self._set(use, item, value)
            case types.Scalar(name="bool"):
                if isinstance(value, nodes.Boolean):
                    return value.value
                self._misfit(use, value.span, "`true` or `false`")
            case types.Scalar(name="string" | "text"):
                if isinstance(value, nodes.String):
                    return value.value
                self._misfit(use, value.span, 'a text in `"…"`')
            case types.Scalar():
                return self._quantity(use, type, value)
            case types.MapOf():
                raise AssertionError("a map is never a value by itself")
        return None

    def _set(
        self, use: FieldUse, item: types.Scalar | types.Enum, value: nodes.Literal
    ) -> list[Json] | None:
        if not isinstance(value, nodes.ListOf):
            self._misfit(use, value.span, "a list `[…]`")
            return None
        found = [self._value(use, item, element) for element in value.items]
        if any(element is None for element in found):
            return None
        return sorted(found, key=str)

    def _quantity(self, use: FieldUse, type: types.Scalar, value: nodes.Literal) -> Json:
        calendar, report = self.scope.calendar, self.report
        if type.name == "instant" and isinstance(value, nodes.Date | nodes.Instant):
            moment = calendar.moment(report, value)
            return None if moment is None else _rfc3339(moment)
        if type.name == "date" and isinstance(value, nodes.Date):
            return value.text
        if type.name == "duration" and isinstance(value, nodes.Duration):
            length = duration(report, value)
            return None if length is None else _plain(length / MICROSECONDS)
        wanted = dimension_of(type)
        if not isinstance(value, nodes.Number) or wanted not in (
            Dimension.NUMBER,
            Dimension.SHARE,
        ):
            self._misfit(use, value.span, f"a value of type `{type.name}`")
            return None
        measured = calendar.measured(report, value)
        if measured is None:
            return None
        if not fits(measured.dimension, wanted):
            self._misfit(use, value.span, f"a value of type `{type.name}`")
            return None
        if type.name == "share" and not 0 <= measured.value <= 1:
            report.add(
                "E0304",
                f"`{report.text(value.span)}` is no share",
                value.span,
                "a share lies between 0 and 1",
                others=[use.decl.place],
            )
            return None
        whole = measured.value == int(measured.value)
        if type.name == "integer" and (not whole or abs(measured.value) > LARGEST_INTEGER):
            self._misfit(use, value.span, "a whole number of at most 2**53")
            return None
        return _plain(measured.value)

    # ── History ──────────────────────────────────────────────────────────────────────────────────

    def _assign_history(
        self, assignment: nodes.Assignment, history: dict[str, dict[str, Json]]
    ) -> bool:
        name = nodes.Name(assignment.path.parts[0], assignment.path.span)
        found = self._remembered(name)
        if found is None:
            return False
        value = assignment.value
        if isinstance(value, nodes.Failed):
            self._history_misfit(name, value.span, "a value, or `missing`", found)
            return False
        section = history.setdefault(_SECTIONS[type(found.node)], {})
        if isinstance(value, nodes.Missing):
            return True
        converted = self._history_value(name, found, value)
        if converted is not None:
            section[qualified(found.document, name.text)] = converted
        return converted is not None

    def _remembered(self, name: nodes.Name) -> Found[Named] | None:
        """The ladder, tally or list of samples of that name."""
        found = []
        ladder = self.scope.lookup(Space.LADDER, name.text)
        value = self.scope.lookup(Space.VALUE, name.text)
        if ladder is not None:
            found.append(ladder)
        if value is not None and isinstance(value.node, nodes.Tally | nodes.Samples):
            found.append(value)
        if len(found) == 1:
            self.scope.resolve(Space.LADDER if found[0] is ladder else Space.VALUE, name)
            return found[0]
        if found:
            self.report.add(
                "E0602",
                f"`{name.text}` is a ladder and a {WORDS[type(found[1].node)]}",
                name.span,
                "which one is meant is not clear",
                others=[one_found.place for one_found in found],
                help=["give one of them another name"],
            )
            return None
        if value is not None:
            self.report.add(
                "E0603",
                f"`{name.text}` is a {WORDS[type(value.node)]}, which a test does not give",
                name.span,
                "expected a field, or a ladder, tally or list of samples",
                others=[value.place],
            )
        elif not self.scope.excuses(name.text):
            known = self.scope.known(nodes.Ladder, nodes.Tally, nodes.Samples)
            self.report.add(
                "E0203",
                f"there is no `{name.text}`",
                name.span,
                "expected a field, or a ladder, tally or list of samples",
                help=suggest(name.text, [*known, *self.scope.schema.names()]),
            )
        return None

    def _history_misfit(
        self, name: nodes.Name, span: Span, wanted: str, found: Found[Named]
    ) -> None:
        self.report.add(
            "E0603",
            f"`{self.report.text(span)}` is no history of `{name.text}`",
            span,
            f"expected {wanted}",
            others=[found.place],
        )

    def _history_value(self, name: nodes.Name, found: Found[Named], value: nodes.Literal) -> Json:
        report, calendar = self.report, self.scope.calendar
        if isinstance(found.node, nodes.Ladder) and isinstance(value, nodes.ListOf):
            moments: list[Json] = []
            for item in value.items:
                if not isinstance(item, nodes.Date | nodes.Instant):
                    self._history_misfit(name, item.span, "the time of a strike", found)
                    return None
                moment = calendar.moment(report, item)
                if moment is None:
                    return None
                moments.append(_rfc3339(moment))
            return sorted(moments, key=str)
        wanted = {
            nodes.Ladder: "the number of active strikes, or a list of their times",
            nodes.Tally: "a number",
            nodes.Samples: "a share",
        }[type(found.node)]
        if not isinstance(value, nodes.Number):
            self._history_misfit(name, value.span, wanted, found)
            return None
        measured = calendar.measured(report, value)
        if measured is None:
            return None
        number = measured.value
        unit = Dimension.SHARE if isinstance(found.node, nodes.Samples) else Dimension.NUMBER
        sensible = fits(measured.dimension, unit)
        if isinstance(found.node, nodes.Samples):
            sensible = sensible and 0 <= number <= 1
        if isinstance(found.node, nodes.Ladder):
            sensible = sensible and number >= 0 and number == int(number)
        if not sensible:
            self._history_misfit(name, value.span, wanted, found)
            return None
        return _plain(number)

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
        last = max((one_step.number for one_step in found.node.steps), default=0)
        if not 1 <= step <= last:
            self.report.add(
                "E0607",
                f"`{name.text}` has no step {step}",
                span,
                f"its steps are 1 to {last}",
                others=[found.place],
            )
            return None
        return ir.ExpectedStep(self.policy.numbers.ladders[name.text], step, line, text)

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


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def _place(event: dict[str, Json], path: Sequence[str], value: Json) -> None:
    *groups, last = path
    for group in groups:
        inner = event.setdefault(group, {})
        assert isinstance(inner, dict), "a group and a field in it are never both given"
        event = inner
    event[last] = value


def _holds(event: dict[str, Json], path: Sequence[str]) -> bool:
    """Whether the event says something about the field, or about a group that it is in."""
    value: Json = event
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return value is None or value == FAILED
        value = value[part]
    return True


def _without_missing(event: dict[str, Json]) -> dict[str, Json]:
    """The event without what is said to be missing; groups that this empties stay, as objects."""
    return {
        key: _without_missing(value) if isinstance(value, dict) else value
        for key, value in event.items()
        if value is not None
    }


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _rfc3339(moment: datetime.datetime) -> str:
    """In UTC: the offset of a zone long ago had seconds in it, which RFC 3339 cannot write."""
    return moment.astimezone(datetime.UTC).isoformat()
