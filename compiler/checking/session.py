"""One bundle: the policies that are compiled together and the libraries that they use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from clausal.compiler import ir
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import Document
from clausal.compiler.checking.duties import declare_duties
from clausal.compiler.checking.expectations import TestChecker
from clausal.compiler.checking.expressions import Expressions
from clausal.compiler.checking.inputs import Inputs, merge_fields, schema_fields
from clausal.compiler.checking.ladders import (
    check_ladder,
    counting,
    renumbered_ladder,
    slots_of_ladder,
)
from clausal.compiler.checking.measures import Measures
from clausal.compiler.checking.numbering import (
    Renumbering,
    number_slots,
    number_terms,
    slots_of,
    terms_in,
)
from clausal.compiler.checking.policies import (
    PolicyInfo,
    calendar_of,
    declare_clauses,
    declare_policies,
)
from clausal.compiler.checking.procedure import declare_procedure, join_procedures
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.rules import Numbers, PolicyChecker
from clausal.compiler.checking.sanctions import (
    SanctionInfo,
    declare_sanctions,
    declare_targets,
    number_sanctions,
    resolve_implied,
)
from clausal.compiler.checking.schema import DocumentSchema, Schema
from clausal.compiler.checking.scopes import Scope, Uses
from clausal.compiler.checking.shared import (
    EventInfo,
    declare_event,
    join_events,
    join_targets,
    report_shared_names,
)
from clausal.compiler.checking.values import (
    declare_all_samples,
    declare_lists,
    declare_params,
    declare_tallies,
    declare_values,
    qualified,
)
from clausal.compiler.checking.warnings import warn_unused
from clausal.compiler.library import is_shipped
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label


@dataclass(slots=True)
class _Parts:
    """What the declarations of a bundle became, before slots have their final numbers."""

    versions: tuple[ir.VersionDef, ...]
    clauses: list[ir.ClauseDef]
    tallies: list[ir.TallyDef]
    samples: list[ir.SamplesDef]
    targets: tuple[ir.TargetDef, ...]
    sanctions: tuple[ir.SanctionDef, ...]
    ladders: list[ir.LadderDef]
    rules: list[ir.RuleDef]
    duties: list[ir.DutyDef]
    tests: list[ir.TestDef]
    incident: ir.IncidentDef | None
    procedure: ir.ProcedureDef
    event: EventInfo


class Session:
    """Checks the documents of one bundle.

    INVARIANT: ``libraries`` holds whatever a document of the session uses, also through another.
    """

    def __init__(self, policies: Sequence[Document], libraries: Sequence[Document]) -> None:
        self.policies = policies
        self.libraries = libraries
        self.uses = Uses()
        documents = (*libraries, *policies)
        schemas = {id(library): DocumentSchema(library) for library in libraries}
        report_shared_names(sorted(libraries, key=_shipped_first), schemas)
        self.calendars = {id(document): calendar_of(document) for document in documents}
        self.scopes = {
            id(document): Scope(
                document,
                _schema_of(document, schemas),
                self.calendars[id(document)],
                self.uses,
            )
            for document in documents
        }
        fields = merge_fields(
            decl for schema in schemas.values() for decl in schema.fields.values()
        )
        self.inputs = Inputs(fields)
        self.definitions = Definitions()
        for policy in policies:
            names = self.definitions.rules.setdefault(policy.name, set())
            names.update(rule.name.text for rule in policy.of(nodes.Rule))

    def check(self) -> ir.Corpus | None:
        """The corpus; None when there is no policy, or no sense in what there is.

        Whether a corpus may be used depends on the diagnostics, too: it is None for most errors
        but not for all.
        """
        scopes, definitions = list(self.scopes.values()), self.definitions
        declare_params(scopes, definitions)
        declare_lists(scopes, definitions)
        samples = declare_all_samples(scopes, definitions)
        self._name_strikes()
        checkers = {
            key: Expressions(scope, self.inputs, definitions) for key, scope in self.scopes.items()
        }
        declare_values(checkers, scopes, definitions)
        tallies = declare_tallies(checkers, scopes, definitions)
        targets = join_targets(
            (info for library in self.libraries for info in declare_targets(self._scope(library))),
            self.inputs,
        )
        events = {id(d): declare_event(self._scope(d)) for d in self.libraries}
        incident, procedure = join_procedures(
            [declare_procedure(self._scope(library)) for library in self.libraries]
        )
        sanctions, numbers, infos = self._sanctions()
        measures: dict[int, Measures] = {}
        for key, scope in self.scopes.items():
            measures[key] = Measures(scope, definitions, infos, numbers, measures)
        for key, scope in self.scopes.items():
            for bundle in scope.document.of(nodes.MeasureSet):
                measures[key].declare_bundle(bundle)
        if not self.policies:
            return None
        anchor = self.policies[0].report
        event = join_events(self.policies, events, anchor)
        versions = declare_policies(self.policies, self.calendars)
        clauses, ladders, rules, duties, tests = self._policies(versions, checkers, measures, event)
        _report_rivals(tallies, anchor)
        _report_rivals(samples, anchor)
        for policy in self.policies:
            warn_unused(policy, self.uses)
        found = [info.definition for info in versions if info.definition is not None]
        if event is None or event.time is None or len(found) < len(versions):
            return None
        parts = _Parts(
            versions=tuple(found),
            clauses=clauses,
            tallies=sorted({tally for tally, _ in tallies}, key=lambda tally: tally.name),
            samples=sorted({one for one, _ in samples}, key=lambda one: one.name),
            targets=targets,
            sanctions=sanctions,
            ladders=ladders,
            rules=rules,
            duties=duties,
            tests=tests,
            incident=incident,
            procedure=procedure,
            event=event,
        )
        return self._assemble(parts)

    def _scope(self, document: Document) -> Scope:
        return self.scopes[id(document)]

    def _name_strikes(self) -> None:
        """Give each ladder the name under which its strikes are counted.

        Versions of a policy or library share the count, unless their ladders count differently:
        another window, life or probation, or another subject. Then the version is part of the name.
        """
        windows: dict[str, set[tuple[object, ...]]] = {}
        ladders = [
            (document, node, qualified(document, node.name.text), counting(node))
            for document in (*self.policies, *self.libraries)
            for node in document.of(nodes.Ladder)
        ]
        for _, _, name, window in ladders:
            windows.setdefault(name, set()).add(window)
        for document, node, name, _ in ladders:
            several = len(windows[name]) > 1
            self.definitions.strikes[id(node)] = (
                f"{name}@{document.header.version}" if several else name
            )

    def _sanctions(
        self,
    ) -> tuple[tuple[ir.SanctionDef, ...], dict[str, int], dict[int, SanctionInfo | None]]:
        infos: dict[int, SanctionInfo | None] = {}
        for library in self.libraries:
            infos |= declare_sanctions(self._scope(library), self.definitions)
        ordered = number_sanctions(info for info in infos.values() if info is not None)
        numbers = {info.definition.name: index for index, info in enumerate(ordered)}
        return resolve_implied(ordered, self.scopes), numbers, infos

    def _policies(
        self,
        versions: Sequence[PolicyInfo],
        checkers: Mapping[int, Expressions],
        measures: Mapping[int, Measures],
        event: EventInfo | None,
    ) -> tuple[
        list[ir.ClauseDef],
        list[ir.LadderDef],
        list[ir.RuleDef],
        list[ir.DutyDef],
        list[ir.TestDef],
    ]:
        """Clauses, ladders, rules, duties and tests, each in the order of the corpus."""
        clauses: list[ir.ClauseDef] = []
        clause_numbers: list[dict[str, int]] = []
        for version, info in enumerate(versions):
            declared = declare_clauses(info.document, version)
            clause_numbers.append(
                {clause.id: len(clauses) + index for index, (_, clause) in enumerate(declared)}
            )
            for node, clause in declared:
                self.definitions.fingerprints[id(node)] = clause.fingerprint
                clauses.append(clause)
        documents: list[tuple[Document, int | None]] = [
            (info.document, version) for version, info in enumerate(versions)
        ]
        documents += [(d, None) for d in sorted(self.libraries, key=Document.sort_key)]
        declared_ladders = [
            (qualified(document, ladder.name.text), ladder, document, version)
            for document, version in documents
            for ladder in document.of(nodes.Ladder)
        ]
        declared_ladders.sort(key=lambda one: one[0])
        for number, (_, ladder, _, _) in enumerate(declared_ladders):
            self.definitions.ladders[id(ladder)] = number
        rule_numbers = _numbered(
            ("", version, node.name.text)
            for version, info in enumerate(versions)
            for node in info.document.of(nodes.Rule)
        )
        policies = [
            PolicyChecker(
                checkers[id(info.document)],
                measures[id(info.document)],
                self.definitions,
                Numbers(
                    version,
                    clause_numbers[version],
                    rule_numbers.get(version, {}),
                ),
            )
            for version, info in enumerate(versions)
        ]
        ladders = [
            check_ladder(
                ladder, checkers[id(document)], measures[id(document)], self.definitions, version
            )
            for _, ladder, document, version in declared_ladders
        ]
        rules: list[ir.RuleDef] = []
        duties: list[ir.DutyDef] = []
        tests: list[ir.TestDef] = []
        time = event.time.path if event is not None and event.time is not None else ()
        for policy in policies:
            document = policy.scope.document
            rules += filter(None, [policy.rule(node) for node in document.of(nodes.Rule)])
            duties += declare_duties(policy)
            tester = TestChecker(policy, time)
            tests += filter(None, [tester.test(node) for node in document.of(nodes.Test)])
        return clauses, [one for one in ladders if one is not None], rules, duties, tests

    # ── Final numbers ────────────────────────────────────────────────────────────────────────────

    def _assemble(self, parts: _Parts) -> ir.Corpus:
        event = parts.event
        assert event.time is not None
        anchor = self.policies[0].report
        time = self.inputs.field(event.time, anchor, event.place.span)
        id_slot = self.inputs.field(event.id, anchor, event.place.span) if event.id else None
        required = self.inputs.required()
        conditions = [condition for rule in parts.rules for condition in (rule.when, rule.unless)]
        conditions += [
            weight.condition
            for rule in parts.rules
            for strike in rule.strikes
            for weight in strike.weights
        ]
        read = {slot for condition in _distinct(conditions) for slot in slots_of(condition)}
        read |= {slot for rule in parts.rules for slot in _rule_slots(rule)}
        used = read | {time, *required}
        used |= {slot for ladder in parts.ladders for slot in slots_of_ladder(ladder)}
        used |= {target.slot for target in parts.targets}
        used |= {slot for tally in parts.tallies for slot in slots_of(tally.where)}
        used |= set() if id_slot is None else {id_slot}
        conditions += [tally.where for tally in parts.tallies]
        slots = number_slots(self.inputs.slots, used)
        terms = number_terms(
            self.inputs.terms, (i for c in _distinct(conditions) for i in terms_in(c))
        )
        new = Renumbering(slots, terms)
        return ir.Corpus(
            slots=tuple([self.inputs.slots[old] for old in slots]),
            time_slot=slots[time],
            id_slot=None if id_slot is None else slots[id_slot],
            fields=schema_fields(self.inputs.fields),
            versions=parts.versions,
            clauses=tuple(parts.clauses),
            params=tuple(self.definitions.params),
            terms=tuple([ir.TermsDef(*self.inputs.terms[old]) for old in terms]),
            tallies=tuple(
                [
                    msgspec.structs.replace(
                        tally,
                        where=new.condition(tally.where),
                        slot=self._history_slot("tally", tally.name, read, slots),
                    )
                    for tally in parts.tallies
                ]
            ),
            samples=tuple(
                [
                    msgspec.structs.replace(
                        one, slot=self._history_slot("similarity", one.name, read, slots)
                    )
                    for one in parts.samples
                ]
            ),
            targets=tuple([msgspec.structs.replace(t, slot=slots[t.slot]) for t in parts.targets]),
            sanctions=parts.sanctions,
            ladders=tuple([renumbered_ladder(ladder, slots) for ladder in parts.ladders]),
            rules=tuple([_renumbered(rule, new) for rule in parts.rules]),
            tests=tuple(parts.tests),
            duties=tuple(parts.duties),
            incident=parts.incident,
            procedure=parts.procedure,
        )

    def _history_slot(
        self, source: str, name: str, read: set[int], slots: Mapping[int, int]
    ) -> int | None:
        """The slot through which rules read a tally or samples; None when none does."""
        old = self.inputs.known(source, (name,))
        return slots[old] if old is not None and old in read else None


def _shipped_first(library: Document) -> bool:
    """So that a quarrel with a shipped library is shown at the other one."""
    return not is_shipped(library.report.source)


def _schema_of(document: Document, schemas: Mapping[int, DocumentSchema]) -> Schema:
    return Schema(schemas[id(d)] for d in document.closure() if id(d) in schemas)


def _numbered(keys: Iterable[tuple[str, int, str]]) -> dict[int, dict[str, int]]:
    """The number of each name in the order of the keys, by version."""
    numbers: dict[int, dict[str, int]] = {}
    for index, (_, version, name) in enumerate(sorted(keys)):
        numbers.setdefault(version, {})[name] = index
    return numbers


def _distinct(conditions: Iterable[ir.Condition]) -> Iterator[ir.Condition]:
    """Each object once: rules share the conditions of lets."""
    return iter({id(condition): condition for condition in conditions}.values())


def _rule_slots(rule: ir.RuleDef) -> Iterator[int]:
    """The slots that a rule reads beside its conditions."""
    if rule.rollout_slot is not None:
        yield rule.rollout_slot
    for piece in (*rule.because_zh, *rule.because_en):
        if isinstance(piece, ir.Hole):
            yield piece.slot


def _renumbered(rule: ir.RuleDef, new: Renumbering) -> ir.RuleDef:
    return msgspec.structs.replace(
        rule,
        when=new.condition(rule.when),
        unless=new.condition(rule.unless),
        rollout_slot=None if rule.rollout_slot is None else new.slots[rule.rollout_slot],
        strikes=tuple([_renumbered_strike(strike, new) for strike in rule.strikes]),
        because_zh=new.template(rule.because_zh),
        because_en=new.template(rule.because_en),
    )


def _renumbered_strike(strike: ir.StrikeDef, new: Renumbering) -> ir.StrikeDef:
    weights = [
        ir.WeightDef(new.condition(weight.condition), weight.points) for weight in strike.weights
    ]
    return msgspec.structs.replace(strike, weights=tuple(weights))


def _report_rivals(
    declared: Iterable[tuple[ir.TallyDef | ir.SamplesDef, Label]], anchor: Report
) -> None:
    """Report a tally or samples that two versions declare differently under one name (E0512)."""
    first: dict[str, tuple[ir.TallyDef | ir.SamplesDef, Label]] = {}
    for definition, place in declared:
        other, other_place = first.setdefault(definition.name, (definition, place))
        if other != definition:
            kind = "tally" if isinstance(definition, ir.TallyDef) else "samples"
            Report(anchor.diagnostics, place.source).add(
                "E0512",
                f"two versions declare the {kind} `{definition.name}` differently",
                place.span,
                "",
                others=[other_place],
                help=["give the newer one another name"],
                notes=["history is kept by name, and one name cannot hold two histories"],
            )
