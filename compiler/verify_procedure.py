"""Hold incidents, procedure and brakes of a corpus against what those who carry them out rely on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from clausal.compiler.ir import (
    SEVERITIES,
    BrakeDef,
    Corpus,
    DeadlinesDef,
    IncidentDef,
    OldDef,
    ProcedureDef,
)
from clausal.compiler.types import LARGEST_INTEGER, MapOf, Scalar, Type
from clausal.compiler.verify_declarations import CorpusError


def verify_procedure(corpus: Corpus) -> None:
    """Check that times have a length, and that fields, targets and sanctions exist.

    Raises:
        CorpusError: naming what is wrong.
    """
    targets = {target.name for target in corpus.targets}
    if corpus.incident is not None:
        _incident(corpus.incident, targets, corpus)
    _procedure(corpus.procedure, corpus)
    for rule in corpus.rules:
        if rule.brakes and rule.shadow:
            raise CorpusError(f"the rule `{rule.name}` is in shadow and has a brake")
        for brake in rule.brakes:
            _brake(brake, targets, rule.name)


def _incident(incident: IncidentDef, targets: Collection[str], corpus: Corpus) -> None:
    _known("target", [incident.target], targets)
    paths = [same.path for same in incident.same]
    if not paths or len(set(paths)) < len(paths):
        raise CorpusError("what makes an incident is not said, or said twice")
    for same in incident.same:
        if same.within is not None:
            _times([same.within], "an incident")
        if same.path is None and same.within is None:
            raise CorpusError("all findings of a policy would be one incident")
        if same.path is not None and _type(same.path, corpus) != Scalar("string"):
            raise CorpusError(f"`{'.'.join(same.path)}` identifies nothing")


def _procedure(procedure: ProcedureDef, corpus: Corpus) -> None:
    for deadlines in (procedure.review, procedure.decide):
        if deadlines is not None:
            _deadlines(deadlines)
    _times([procedure.appeal], "an appeal")
    _times([] if procedure.keep is None else [procedure.keep], "what is kept")
    sanctions = {sanction.name for sanction in corpus.sanctions}
    for names in (procedure.lifted, procedure.waiting, procedure.closures):
        _known("sanction", names, sanctions)
        _once(names)
    _once(procedure.lapse)
    if not procedure.pauses or procedure.pauses != SEVERITIES[: len(procedure.pauses)]:
        raise CorpusError("the strikes that appeals pause are not those below a severity")
    if procedure.lapse and procedure.review is None:
        raise CorpusError("reviews lapse that have no deadline")
    if procedure.lifted and procedure.decide is None:
        raise CorpusError("decisions are late that have no deadline")
    if procedure.closures and procedure.keep is None:
        raise CorpusError("data are kept for no time")
    if procedure.old is not None:
        _old(procedure.old, corpus)


def _deadlines(deadlines: DeadlinesDef) -> None:
    times = [deadlines.within, *(time for _, time in deadlines.grades)]
    _times(times, "a deadline")
    grades = [grade for grade, _ in deadlines.grades]
    if sorted(set(grades)) != grades or sorted(set(times), reverse=True) != times:
        raise CorpusError("deadlines are not shorter from grade to grade")
    if deadlines.interim is not None:
        _times([deadlines.interim], "a deadline")


def _old(old: OldDef, corpus: Corpus) -> None:
    if _type(old.path, corpus) not in {Scalar(name) for name in ("integer", "number", "duration")}:
        raise CorpusError(f"`{'.'.join(old.path)}` is no age")
    limits = old.limits
    if len(limits) != len(SEVERITIES) or not all(0 < age < math.inf for age in limits):
        raise CorpusError("an age is lacking, or has no length")
    if sorted(limits) != list(limits):
        raise CorpusError("what is graver is sooner too old")


def _brake(brake: BrakeDef, targets: Collection[str], rule: str) -> None:
    _known("target", [brake.target], targets)
    if brake.limit < 0 or not 0 <= brake.share < 1 or (brake.limit == 0 and brake.share == 0):
        raise CorpusError(f"a brake of `{rule}` never holds, or always does")
    _times([] if brake.after_change is None else [brake.after_change], "a brake")


def _type(path: tuple[str, ...], corpus: Corpus) -> Type | None:
    """The type of a field, or of a key of a map; None if there is no such field."""
    held = {field.path: field.type for field in corpus.fields}
    inner = held.get(path[:-1])
    return inner.item if isinstance(inner, MapOf) else held.get(path)


def _known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise CorpusError(f"there is no {kind} `{name}`")


def _once(names: Collection[str]) -> None:
    if len(set(names)) < len(names):
        raise CorpusError("something of the procedure is said twice")


def _times(times: Iterable[int], of: str) -> None:
    if not all(0 < time <= LARGEST_INTEGER for time in times):
        raise CorpusError(f"the time of {of} has no length")
