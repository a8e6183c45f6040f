"""Rules: conditions, clauses, consequences and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import number
from clausal.compiler.checking.brakes import declare_brakes
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import WORDS, Space
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.expressions import Expressions
from clausal.compiler.checking.ladders import check_strike
from clausal.compiler.checking.measures import Measures, Place
from clausal.compiler.checking.report import Report, suggest
from clausal.compiler.checking.schema import shown
from clausal.compiler.checking.scopes import Scope
from clausal.compiler.checking.severities import severity
from clausal.compiler.checking.texts import (
    LANGUAGES,
    Gap,
    bilingual,
    by_language,
    template,
    warn_missing,
)
from clausal.compiler.checking.values import bounded
from clausal.dsl import nodes


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where what a policy version declares stands in the corpus.

    Attributes:
        version: The number of the version itself.
        clauses: The numbers of its clauses, by id.
        rules: The numbers of its rules, by name.
    """

    version: int
    clauses: Mapping[str, int]
    rules: Mapping[str, int]


class _Consequences(NamedTuple):
    """What follows from a rule: see `RuleDef`."""

    measures: tuple[ir.MeasureDef, ...]
    ladders: tuple[int, ...]
    strikes: tuple[ir.StrikeDef, ...]


@dataclass(frozen=True, slots=True)
class PolicyChecker:
    """Checks the rules of one policy version."""

    expressions: Expressions
    measures: Measures
    definitions: Definitions
    numbers: Numbers

    @property
    def scope(self) -> Scope:
        """The names that the policy can use."""
        return self.expressions.scope

    @property
    def report(self) -> Report:
        """Where to say what is wrong."""
        return self.scope.report

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────

    def rule(self, node: nodes.Rule) -> ir.RuleDef | None:
        """The rule that ``node`` states; None after reporting what is wrong with it."""
        report, name = self.report, node.name
        title = one(report, node.entries, nodes.Title, "title")
        clauses = self.clauses(node)
        when = self._condition(one(report, node.entries, nodes.When, "when", within=name))
        unless_entry = one(report, node.entries, nodes.Unless, "unless")
        unless = ir.NEVER if unless_entry is None else self._condition(unless_entry)
        supersedes = self._supersedes(one(report, node.entries, nodes.Supersedes, "supersedes"))
        grave = one(report, node.entries, nodes.Severity, "severity")
        level = "medium" if grave is None else severity(report, grave.level)
        mode = one(report, node.entries, nodes.Mode, "mode")
        rollout = self._rollout(one(report, node.entries, nodes.Rollout, "rollout"))
        brakes = declare_brakes(self.scope, node, mode)
        consequences = self._consequences(node, level)
        because = self._because(node)
        titles = bilingual(report, title.texts, "title") if title else ir.Bilingual()
        if when is not None and unless is not None and unless_entry is not None:
            self._check_exception(when, unless, unless_entry)
        if (
            clauses is None
            or when is None
            or unless is None
            or level is None
            or rollout is None
            or brakes is None
            or consequences is None
            or because is None
        ):
            return None
        line, _ = report.source.position(node.span.start)
        return ir.RuleDef(
            name=name.text,
            version=self.numbers.version,
            clauses=clauses,
            when=when,
            unless=unless,
            condition=ir.ALWAYS,
            measures=consequences.measures,
            ladders=consequences.ladders,
            strikes=consequences.strikes,
            severity=level,
            shadow=mode is not None and mode.mode == "shadow",
            rollout=rollout[0],
            rollout_slot=rollout[1],
            title=titles,
            because_zh=because["zh"],
            because_en=because["en"],
            line=line,
            supersedes=supersedes,
            brakes=brakes,
        )

    def _supersedes(self, entry: nodes.Supersedes | None) -> tuple[str, ...]:
        """The rules that the rule takes the place of, sorted.

        A policy that is not in the bundle may have had the rule; one that is there must have it.
        """
        if entry is None:
            return ()
        own = self.scope.document.name
        for name in entry.rules:
            policy, _, rule = name.text.rpartition(".")
            known = self.definitions.rules.get(policy)
            if policy and policy != own and (known is None or rule in known):
                continue
            self.report.add(
                "E0513",
                f"there is no rule `{rule}` in `{policy}`"
                if policy and policy != own
                else "a rule supersedes rules of other policies",
                name.span,
                "write the policy before it: `policy.rule`" if not policy else "",
                help=suggest(rule, known or ()) if policy and policy != own else [],
            )
        return tuple(sorted({name.text for name in entry.rules}))

    def _condition(self, entry: nodes.When | nodes.Unless | None) -> ir.Condition | None:
        if entry is None or not bounded(self.scope, [entry.condition], self.definitions):
            return None
        return self.expressions.condition(entry.condition)

    def _check_exception(
        self, when: ir.Condition, unless: ir.Condition, entry: nodes.Unless
    ) -> None:
        """Warn (W0907) of an exception that takes back the whole rule."""
        needed = set(when.items) if isinstance(when, ir.All) else {when}
        excepted = unless.items if isinstance(unless, ir.Any) else (unless,)
        if any(item in needed for item in excepted):
            self.report.add(
                "W0907",
                "this exception takes back what `when` asks for",
                entry.condition.span,
                notes=["the rule never fires"],
            )

    def clauses(self, node: nodes.Rule | nodes.Duty) -> tuple[int, ...] | None:
        """The clauses that a rule or duty cites: at least one, each declared and enforced."""
        report = self.report
        entry = one(report, node.entries, nodes.Cites, "cites")
        if entry is None:
            self.scope.document.citations_in_error = True
            report.add(
                "E0401",
                f"`{node.name.text}` cites no clause",
                node.name.span,
                "needs `cites …`",
                notes=["every measure has its reason in the notice"]
                if isinstance(node, nodes.Rule)
                else ["every duty has its reason in the notice"],
            )
            return None
        first: dict[str, nodes.Citation] = {}
        found: list[int] = []
        sound = True
        word = WORDS[type(node)]
        for citation in entry.citations:
            clause = citation.clause.text
            other = first.setdefault(clause, citation)
            if other is not citation:
                report.add(
                    "W0904",
                    f"clause {clause} is cited twice",
                    citation.span,
                    others=[report.label(other.span, "first cited here")],
                )
                continue
            if self._citation(citation, word):
                found.append(self.numbers.clauses[clause])
            else:
                sound = False
        return tuple(sorted(found)) if sound else None

    def _citation(self, citation: nodes.Citation, word: str) -> bool:
        report, name = self.report, citation.clause
        found = self.scope.resolve(Space.CLAUSE, name)
        if found is None or not isinstance(found.node, nodes.Clause):
            self.scope.document.citations_in_error = True
            if not self.scope.excuses(name.text):
                report.add(
                    "E0505",
                    f"there is no clause {name.text}",
                    name.span,
                    "",
                    help=suggest(name.text, self.scope.known(nodes.Clause)),
                )
            return False
        clause = found.node
        reasons = [text.value for text in clause.reason]
        if clause.status == "not enforced":
            report.add(
                "E0506",
                f"clause {name.text} is recorded as not enforced",
                name.span,
                "",
                others=[found.place],
                notes=[f"the reason given is: {reason}" for reason in reasons],
            )
            return False
        if clause.status == "organisational":
            report.add(
                "E0507",
                f"clause {name.text} is recorded as organisational",
                name.span,
                f"a {word} cannot rest on it",
                others=[found.place],
                notes=[f"the reason given is: {reason}" for reason in reasons],
            )
            return False
        if clause.status == "pending":
            report.add(
                "W0905",
                f"clause {name.text} is recorded as pending, and a {word} rests on it",
                name.span,
                others=[found.place],
                help=[f"take the status away when the {word} is ready"],
            )
        return self._pin(citation, clause, word)

    def _pin(self, citation: nodes.Citation, clause: nodes.Clause, word: str) -> bool:
        from_text = self.definitions.fingerprints[id(clause)]
        if citation.pin is None or citation.pin == from_text:
            return True
        self.report.add(
            "E0508",
            f"the text of clause {citation.clause.text} has changed since the {word} was affirmed",
            citation.span,
            f"affirmed as {citation.pin}",
            others=[self.report.label(clause.quote.span, f"now {from_text}")],
            help=[
                f"read the clause and the {word}, then write `{citation.clause.text}@{from_text}`"
            ],
        )
        return False

    def _rollout(self, entry: nodes.Rollout | None) -> tuple[float | None, int | None] | None:
        if entry is None:
            return None, None
        measured = number(self.report, entry.share)
        use = self.scope.field(entry.by.parts, entry.by.span)
        if use is not None and use.type != types.Scalar("string"):
            self.report.add(
                "E0403",
                f"`{shown(use.path)}` cannot be the key of a rollout",
                entry.by.span,
                f"it is of type `{types.describe(use.type)}`, expected `string`",
                others=[use.decl.place],
            )
            use = None
        if measured is not None and not 0 < measured.value <= 1:
            self.report.add(
                "E0403",
                f"`{self.report.text(entry.share.span)}` is not a share of the keys",
                entry.share.span,
                "expected more than 0 and at most 1, such as `10%`",
                help=["write `mode shadow` for a rule that is only watched"],
            )
            measured = None
        if measured is None or use is None:
            return None
        return measured.value, self.expressions.inputs.field(use, self.report, entry.by.span)

    # ── Consequences ─────────────────────────────────────────────────────────────────────────────

    def _consequences(self, node: nodes.Rule, severity: ir.Severity | None) -> _Consequences | None:
        entries = [entry for entry in node.entries if isinstance(entry, nodes.Then)]
        if not entries:
            self.report.add(
                "E0112", f"`{node.name.text}` has no `then`", node.name.span, "needs `then …`"
            )
            return None
        measures: list[ir.MeasureDef] = []
        struck: dict[int, nodes.LadderStrike] = {}
        ladders: set[int] = set()
        strikes: list[ir.StrikeDef] = []
        interim: nodes.Measure | None = None
        sound = True
        for consequence in (c for entry in entries for c in entry.consequences):
            if isinstance(consequence, nodes.LadderStrike):
                strike = self._strike(consequence, severity, struck)
                if strike is None:
                    sound = False
                elif isinstance(strike, int):
                    ladders.add(strike)
                elif strike not in strikes:
                    strikes.append(strike)
                continue
            found = self.measures.measures(consequence, Place.RULE)
            if found is None:
                sound = False
                continue
            measures += found
            if any(measure.interim for measure in found):
                interim = interim or consequence
        if interim is not None and struck:
            first = next(iter(struck.values()))
            self.report.add(
                "E0418",
                "a rule with an interim measure carries no strike",
                first.span,
                "",
                others=[self.report.label(interim.span, "this measure rests on suspicion")],
                help=["let another rule, with a verdict, carry the strike"],
            )
            sound = False
        if not sound:
            return None
        strikes.sort(key=lambda strike: (strike.ladder, strike.family))
        return _Consequences(tuple(measures), tuple(sorted(ladders)), tuple(strikes))

    def _strike(
        self,
        strike: nodes.LadderStrike,
        severity: ir.Severity | None,
        struck: dict[int, nodes.LadderStrike],
    ) -> ir.StrikeDef | int | None:
        found = self.scope.find(nodes.Ladder, strike.ladder)
        if found is None:
            return None
        index = self.definitions.ladders[id(found.node)]
        first = struck.setdefault(index, strike)
        if first is not strike:
            self.report.add(
                "W0904",
                f"the ladder `{strike.ladder.text}` is struck twice",
                strike.span,
                others=[self.report.label(first.span, "first struck here")],
                notes=["all strikes of one event on one ladder are one strike"],
            )
        return check_strike(self.expressions, strike, found, index, severity)

    # ── Reasons ──────────────────────────────────────────────────────────────────────────────────

    def _because(self, node: nodes.Rule) -> dict[str, ir.Template] | None:
        """The reason in each language; one that the author did not write is empty."""
        entry = one(self.report, node.entries, nodes.Because, "because", within=node.name)
        if entry is None:
            return None
        texts = by_language(self.report, entry.texts)
        if not any(text.value.strip() for text in texts.values()):
            self.report.add("E0112", f"the reason of `{node.name.text}` is empty", entry.span)
            return None
        warn_missing(self.report, texts, "reason")
        templates: dict[str, ir.Template] = dict.fromkeys(LANGUAGES, ())
        sound = True
        for language, text in texts.items():
            pieces = template(self.report, text)
            filled = None if pieces is None else self._filled(pieces)
            if filled is None:
                sound = False
            else:
                templates[language] = filled
        return templates if sound else None

    def _filled(self, pieces: Sequence[str | Gap]) -> ir.Template | None:
        filled: list[str | ir.Hole] = []
        sound = True
        for piece in pieces:
            if isinstance(piece, str):
                filled.append(piece)
                continue
            slot = self._hole(piece)
            if slot is None:
                sound = False
            else:
                filled.append(ir.Hole(slot))
        return tuple(filled) if sound else None

    def _hole(self, gap: Gap) -> int | None:
        """The slot of a hole: a field, or a tally by its name."""
        if len(gap.path) == 1:
            name = nodes.Name(gap.path[0], gap.span)
            found = self.scope.lookup(Space.VALUE, name.text)
            if found is not None:
                self.scope.resolve(Space.VALUE, name)
                if isinstance(found.node, nodes.Tally):
                    tally = self.definitions.tallies[id(found.node)]
                    return self.expressions.inputs.history("tally", tally)
                self.report.add(
                    "E0110",
                    f"`{{{name.text}}}` does not name a field or a tally",
                    gap.span,
                    "",
                    others=[found.place],
                    help=["write what it stands for into the text"],
                )
                return None
        use = self.scope.field(gap.path, gap.span)
        return None if use is None else self.expressions.inputs.field(use, self.report, gap.span)
