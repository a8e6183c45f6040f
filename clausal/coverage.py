"""What of a notice is encoded, and what of the encoding is tested.

A clause is cited by rules, or else by duties, or recorded with a status, or unaccounted for. A rule is reached when
some test makes it fire; a clause, when a rule that cites it is reached; a step of a ladder, when
some test leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clausal.compiler.ir import Bilingual, ClauseDef, Corpus
from clausal.testing import Outcome

CITED: Final = "cited"
DUTY: Final = "duty"
UNACCOUNTED: Final = "unaccounted"


@dataclass(frozen=True, slots=True)
class ClauseCoverage:
    """A clause, with the rules and duties that cite it and the tests that make one of them fire.

    `status` is "cited" by a rule, "duty", "unaccounted", or what the policy records: "organisational", "pending" or
    "not enforced".
    """

    policy: str
    version: str
    id: str
    quote: str
    status: str
    reason: Bilingual
    rules: tuple[str, ...]
    duties: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What tests reach, and what they do not.

    Rules are "policy version rule", steps are (ladder, policy version, number); ladders of libraries
    are left out, as no policy has to reach all of their steps. `tests_of` a rule are the titles of
    those that make it fire.
    """

    clauses: tuple[ClauseCoverage, ...]
    rules: int
    unreached_rules: tuple[tuple[str, str, str], ...]
    steps: int
    unreached_steps: tuple[tuple[str, str, int], ...]
    tests_of: Mapping[tuple[str, str, str], Sequence[str]]

    @property
    def unaccounted(self) -> tuple[ClauseCoverage, ...]:
        """The clauses that no rule or duty cites and no status explains."""
        return tuple(clause for clause in self.clauses if clause.status == UNACCOUNTED)

    @property
    def unreached_clauses(self) -> tuple[ClauseCoverage, ...]:
        """The clauses that rules cite, but no test makes one of these rules fire."""
        return tuple(c for c in self.clauses if c.status == CITED and not c.tests)

    @property
    def percent(self) -> float:
        """How many of the clauses to be enforced (cited or unaccounted) are reached, 0 to 100."""
        return percent_reached(self.clauses)


def percent_reached(clauses: Iterable[ClauseCoverage]) -> float:
    """How many of the clauses to be enforced (cited or unaccounted) are reached, 0 to 100."""
    due = [clause for clause in clauses if clause.status in {CITED, UNACCOUNTED}]
    return 100.0 * sum(bool(clause.tests) for clause in due) / len(due) if due else 100.0


def measure_coverage(corpus: Corpus, outcomes: Iterable[Outcome]) -> Coverage:
    """What the tests that were run reach of a corpus."""
    fired_in: dict[tuple[str, str, str], list[str]] = {}
    stepped: set[tuple[str, str, int]] = set()
    for outcome in outcomes:
        if outcome.decision is None:
            continue
        versions_of: dict[str, set[str]] = {}
        for finding in outcome.decision.findings:
            key = finding.policy, finding.version, finding.rule
            fired_in.setdefault(key, []).append(outcome.test.title)
            versions_of.setdefault(finding.policy, set()).add(finding.version)
        for standing in outcome.decision.ladders:
            policy = standing.ladder.rpartition(".")[0]
            if standing.step is not None:
                for version in versions_of.get(policy, ()):
                    stepped.add((standing.ladder, version, standing.step))
    clauses = tuple(_clause(corpus, index, fired_in) for index in range(len(corpus.clauses)))
    rules = [_rule_key(corpus, at) for at in range(len(corpus.rules))]
    steps = [
        (ladder.name, corpus.versions[ladder.version].version, step.number)
        for ladder in corpus.ladders
        if ladder.version is not None
        for step in ladder.steps
    ]
    return Coverage(
        clauses=clauses,
        rules=len(rules),
        unreached_rules=tuple(sorted(key for key in rules if key not in fired_in)),
        steps=len(steps),
        unreached_steps=tuple(sorted(step for step in steps if step not in stepped)),
        tests_of=fired_in,
    )


def _rule_key(corpus: Corpus, rule: int) -> tuple[str, str, str]:
    version = corpus.versions[corpus.rules[rule].version]
    return version.policy, version.version, corpus.rules[rule].name


def _clause(
    corpus: Corpus, index: int, fired_in: dict[tuple[str, str, str], list[str]]
) -> ClauseCoverage:
    clause = corpus.clauses[index]
    version = corpus.versions[clause.version]
    citing = [at for at, rule in enumerate(corpus.rules) if index in rule.clauses]
    duties = tuple(duty.name for duty in corpus.duties if index in duty.clauses)
    tests = dict.fromkeys(
        title for at in citing for title in fired_in.get(_rule_key(corpus, at), ())
    )
    return ClauseCoverage(
        policy=version.policy,
        version=version.version,
        id=clause.id,
        quote=clause.quote,
        status=_status(clause, cited=bool(citing), owed=bool(duties)),
        reason=clause.reason,
        rules=tuple(corpus.rules[at].name for at in citing),
        duties=duties,
        tests=tuple(tests),
    )


def _status(clause: ClauseDef, *, cited: bool, owed: bool) -> str:
    if clause.status:
        return clause.status
    if cited:
        return CITED
    return DUTY if owed else UNACCOUNTED
