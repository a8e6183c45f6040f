"""Measures: a sanction with its arguments, target, period and safeguards, as a policy states it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, assert_never

from clausal.compiler import ir
from clausal.compiler.checking.amounts import duration
from clausal.compiler.checking.arguments import Argued, convert
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import Space
from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.compiler.checking.sanctions import SanctionInfo
from clausal.compiler.checking.scopes import Found, Scope
from clausal.compiler.verify_declarations import COMBINATIONS_LIMIT, combinations
from clausal.dsl import nodes
from clausal.dsl.source import Span

_REVIEWS: Final = ("", "`after review`", "`after review by two`")


class Place(Enum):
    """Where a measure stands, which decides what it may and must have."""

    RULE = "rule"
    STEP = "step"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Measures:
    """Checks the measures of one document.

    Attributes:
        sanctions: The sanctions of the bundle by node; None for one in error.
        numbers: Their numbers by name.
        siblings: The checkers of all documents: a library checks its own bundles of measures.
    """

    scope: Scope
    definitions: Definitions
    sanctions: Mapping[int, SanctionInfo | None]
    numbers: Mapping[str, int]
    siblings: Mapping[int, Measures]

    @property
    def report(self) -> Report:
        """Where to say what does not fit."""
        return self.scope.report

    def measures(
        self, node: nodes.Measure, place: Place, preferred: str = ""
    ) -> tuple[ir.MeasureDef, ...] | None:
        """The measures that ``node`` states: one, or those of the bundle that it names.

        A measure that names no target takes ``preferred`` (the target of the ladder whose step it
        belongs to) if its sanction applies to that, else the first target of its sanction.
        Returns None after reporting what does not fit.
        """
        found = self.scope.resolve(Space.MEASURE, node.sanction)
        if found is None:
            self._unknown(node.sanction)
            return None
        if isinstance(found.node, nodes.MeasureSet):
            bundle = Found(found.document, found.node)
            return self._members(node, bundle, place, preferred)
        info = self.sanctions.get(id(found.node))
        if info is None:
            return None
        definition = self._single(node, info, place, preferred, self.report, node.sanction.span)
        return None if definition is None else (definition,)

    def _unknown(self, name: nodes.Name) -> None:
        if self.scope.excuses(name.text):
            return
        known = list(self.scope.known(nodes.Sanction, nodes.MeasureSet))
        hints = suggest(name.text, known)
        if self.scope.lookup(Space.LADDER, name.text) is not None:
            hints = (f"a strike on a ladder is written `ladder {name.text}`",)
        self.report.add("E0212", f"there is no sanction `{name.text}`", name.span, "", help=hints)

    # ── Bundles ──────────────────────────────────────────────────────────────────────────────────

    def declare_bundle(self, node: nodes.MeasureSet) -> None:
        """Check a bundle where it is declared; what each use may add need not be there yet."""
        for member in node.measures:
            found = self.scope.resolve(Space.MEASURE, member.sanction)
            if found is not None and isinstance(found.node, nodes.MeasureSet):
                self.report.add(
                    "E0415",
                    "a bundle holds sanctions, not other bundles",
                    member.sanction.span,
                    f"`{member.sanction.text}` is a bundle",
                    others=[found.place],
                )
            else:
                self.measures(member, Place.BUNDLE)

    def _members(
        self,
        use: nodes.Measure,
        bundle: Found[nodes.MeasureSet],
        place: Place,
        preferred: str,
    ) -> tuple[ir.MeasureDef, ...] | None:
        """The measures of a bundle.

        What is said where it is used goes to those of its measures that say nothing of the kind
        themselves: the target; the period, to those that can have one; `interim` and the review,
        to all.
        """
        if use.arguments:
            self.report.add(
                "E0409",
                f"the bundle `{use.sanction.text}` takes no arguments",
                use.arguments[0].span,
                "",
                others=[bundle.place],
            )
            return None
        owner = self.siblings[id(bundle.document)]
        found: list[ir.MeasureDef] = []
        sound = True
        for member in bundle.node.measures:
            declared = owner.scope.lookup(Space.MEASURE, member.sanction.text)
            info = self.sanctions.get(id(declared.node)) if declared else None
            if info is None:
                sound = False  # reported where the bundle is declared
                continue
            merged = self._merged(use, member, info)
            definition = None
            if merged is not None:
                definition = owner.single_of(
                    merged, info, place, preferred, self.report, use.sanction.span
                )
            if definition is None:
                sound = False
            else:
                found.append(definition)
        return tuple(found) if sound else None

    def _merged(
        self, use: nodes.Measure, member: nodes.Measure, info: SanctionInfo
    ) -> nodes.Measure | None:
        target = member.target
        if target is None and use.target is not None:
            if not self.applies(info, use.target):
                return None
            target = use.target
        period = member.period
        definition = info.definition
        if period is None and not (definition.permanent or definition.once):
            period = use.period
        return replace(
            member,
            target=target,
            period=period,
            interim=member.interim or use.interim,
            review=max(member.review, use.review),
        )

    def single_of(
        self,
        node: nodes.Measure,
        info: SanctionInfo,
        place: Place,
        preferred: str,
        asked: Report,
        at: Span,
    ) -> ir.MeasureDef | None:
        """One measure of a bundle; what it lacks is reported where the bundle is used."""
        return self._single(node, info, place, preferred, asked, at)

    # ── One measure ──────────────────────────────────────────────────────────────────────────────

    def _single(
        self,
        node: nodes.Measure,
        info: SanctionInfo,
        place: Place,
        preferred: str,
        asked: Report,
        at: Span,
    ) -> ir.MeasureDef | None:
        definition = info.definition
        arguments = self.arguments(info, node.arguments, node.sanction.span)
        target = self._target(node, info, preferred)
        period = self._period(node, info, place, asked, at)
        sound = self._safeguards(node, info, place, asked, at)
        if arguments is None or target is None or period is None or not sound:
            return None
        length, until_fixed, within = period
        return ir.MeasureDef(
            sanction=self.numbers[definition.name],
            target=target,
            arguments=arguments,
            duration=length,
            until_fixed=until_fixed,
            within=within,
            interim=node.interim,
            review=node.review,
        )

    def _target(self, node: nodes.Measure, info: SanctionInfo, preferred: str) -> str | None:
        if node.target is not None:
            if node.target.text in info.definition.targets:
                return node.target.text
            return node.target.text if self.applies(info, node.target) else None
        targets = info.definition.targets
        return preferred if preferred in targets else targets[0]

    def applies(self, info: SanctionInfo, target: nodes.Name) -> bool:
        """Whether the sanction applies to the target; if not, report it (E0410, E0211)."""
        definition = info.definition
        if target.text in definition.targets:
            return True
        if self.scope.find(nodes.Target, target) is not None:
            self.report.add(
                "E0410",
                f"`{definition.name}` does not apply to `{target.text}`",
                target.span,
                f"expected {one_of(definition.targets)}",
                others=[info.place],
            )
        return False

    def _period(
        self, node: nodes.Measure, info: SanctionInfo, place: Place, asked: Report, at: Span
    ) -> tuple[int | None, bool, int | None] | None:
        """The duration, whether it lasts until fixed, and within what time at most."""
        definition, period = info.definition, node.period
        if period is None:
            if definition.needs_duration and place is not Place.BUNDLE:
                asked.add(
                    "E0411",
                    f"`{definition.name}` needs an end",
                    at,
                    "",
                    others=[info.place],
                    help=["add `for 7d`, or `until fixed`"],
                )
                return None
            return None, False, None
        if definition.permanent or definition.once:
            kind = "is permanent" if definition.permanent else "happens once"
            self.report.add(
                "E0412",
                f"`{definition.name}` {kind} and has no period",
                period.span,
                "",
                others=[info.place],
            )
            return None
        if isinstance(period, nodes.Duration):
            length = self._length(period)
            return None if length is None else (length, False, None)
        if place is Place.STEP:
            self.report.add(
                "E0415",
                "a measure of a ladder's step does not last `until fixed`",
                period.span,
                "a strike cannot be fixed",
                help=["give it a duration: `for 7d`"],
            )
            return None
        if period.within is None:
            return None, True, None
        within = self._length(period.within)
        return None if within is None else (None, True, within)

    def _length(self, node: nodes.Duration) -> int | None:
        length = duration(self.report, node)
        if length is not None and length <= 0:
            self.report.add("E0412", "a period has a length", node.span)
            return None
        return length

    def _safeguards(
        self, node: nodes.Measure, info: SanctionInfo, place: Place, asked: Report, at: Span
    ) -> bool:
        definition, sound = info.definition, True
        if node.interim and place is Place.STEP:
            sound = False
            self.report.add(
                "E0415",
                "a measure of a ladder's step is not `interim`",
                node.span,
                "",
                notes=["a strike needs a verdict; an interim measure rests on suspicion"],
            )
        elif node.interim and place is not Place.BUNDLE and not _ends(node):
            sound = False
            asked.add(
                "E0414",
                f"the interim measure `{definition.name}` has no end",
                at,
                "",
                others=[info.place],
                help=["add `for 48h`, or `until fixed within 72h`"],
                notes=["what rests on suspicion must end by itself"],
            )
        if node.review < definition.review and place is not Place.BUNDLE:
            sound = False
            asked.add(
                "E0413",
                f"`{definition.name}` does not take effect without review",
                at,
                "",
                others=[info.place],
                help=[f"add {_REVIEWS[definition.review]}"],
                notes=["who reads the policy must see that a person decides"],
            )
        return sound

    # ── Arguments ────────────────────────────────────────────────────────────────────────────────

    def arguments(
        self,
        info: SanctionInfo,
        written: Sequence[nodes.Argument],
        at: Span,
        *,
        partial: bool = False,
    ) -> tuple[ir.ArgumentValue | None, ...] | None:
        """One value for each parameter: those given by position, those by name, then defaults.

        With ``partial``, for expectations, those that are not given stay None.
        """
        params = info.definition.params
        names = [param.name for param in params]
        given: dict[str, nodes.Argument] = {}
        sound = True
        position = 0
        for argument in written:
            name = self._parameter(info, argument, position, names)
            position += argument.name is None
            if name is None:
                sound = False
                continue
            first = given.setdefault(name, argument)
            if first is not argument:
                sound = False
                self.report.add(
                    "E0409",
                    f"`{name}` of `{info.definition.name}` is given twice",
                    argument.span,
                    others=[self.report.label(first.span, "first given here")],
                )
        values: list[ir.ArgumentValue | None] = []
        for param in params:
            value: ir.ArgumentValue | None = None if partial else param.default
            argument_node = given.get(param.name)
            if argument_node is not None:
                argued = Argued(self.scope, self.definitions, param.name, info.definition.name)
                value = convert(argued, param.type, argument_node.value)
                sound = sound and value is not None
            elif value is None and not partial:
                # With an unknown argument about, the missing one is most likely that.
                if sound:
                    self._missing(info, param, at)
                sound = False
            values.append(value)
        if combinations(values) > COMBINATIONS_LIMIT:
            sound = False
            self.report.add(
                "E0407",
                f"the sets of `{info.definition.name}` have {combinations(values):,} combinations",
                at,
                f"expected at most {COMBINATIONS_LIMIT:,}",
                others=[info.place],
                notes=["each combination of their elements is joined by itself"],
            )
        return tuple(values) if sound else None

    def _parameter(
        self, info: SanctionInfo, argument: nodes.Argument, position: int, names: Sequence[str]
    ) -> str | None:
        definition = info.definition
        if argument.name is None:
            if position < len(names):
                return names[position]
            takes = f"{len(names)} argument{'' if len(names) == 1 else 's'}" if names else "none"
            self.report.add(
                "E0409",
                f"`{definition.name}` has no parameter for `{self.report.text(argument.span)}`",
                argument.span,
                f"it takes {takes}",
                others=[info.place],
            )
            return None
        if argument.name.text in names:
            return argument.name.text
        self.report.add(
            "E0409",
            f"`{definition.name}` has no parameter `{argument.name.text}`",
            argument.name.span,
            "",
            others=[info.place],
            help=suggest(argument.name.text, names)
            or ([f"its parameters are {one_of(names)}"] if names else ()),
        )
        return None

    def _missing(self, info: SanctionInfo, param: ir.SanctionParam, at: Span) -> None:
        self.report.add(
            "E0408",
            f"`{info.definition.name}` lacks its `{param.name}`",
            at,
            "",
            others=[info.place],
            help=[f"write it after the name, or as `{param.name} = …`"],
        )


def _ends(node: nodes.Measure) -> bool:
    """Whether a measure ends by itself at a time that is known from the start."""
    match node.period:
        case None:
            return False
        case nodes.Duration():
            return True
        case nodes.UntilFixed(within=within):
            return within is not None
        case _:
            assert_never(node.period)
