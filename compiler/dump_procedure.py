"""Incidents, procedure and brakes of a corpus in the words of the language, for `inspect`."""

from __future__ import annotations

from clausal.compiler.dump import constant_text
from clausal.compiler.ir import (
    SEVERITIES,
    BrakeDef,
    Corpus,
    DeadlinesDef,
    OldDef,
    ProcedureDef,
    Slot,
)
from clausal.compiler.types import Scalar


def incident_lines(corpus: Corpus) -> list[str]:
    """What the findings of one incident have in common, one entry a line; none when nobody says."""
    if corpus.incident is None:
        return []
    lines = []
    for same in corpus.incident.same:
        what = "policy" if same.path is None else _path(same.path)
        within = "" if same.within is None else f" within {_duration(same.within)}"
        lines.append(f"same {what}{within}")
    return lines


def procedure_lines(corpus: Corpus) -> list[str]:
    """The procedure that holds, also by default, one entry a line."""
    held = corpus.procedure
    again = ", again with new evidence" if held.again else ""
    lines = []
    if held.review is not None:
        lines.append(f"review {_deadlines(held.review)}")
    if held.lapse:
        lines.append(f"lapse {', '.join(held.lapse)}")
    lines.append(f"appeal within {_duration(held.appeal)}{again}")
    if held.decide is not None:
        lines.append(f"decide appeals {_deadlines(held.decide)}")
    if held.lifted:
        lines.append(f"late decisions lift {', '.join(held.lifted)}")
    if held.waiting:
        lines.append(f"appeals delay {', '.join(held.waiting)}")
    lines.append(f"appeals pause strikes{_below(held)}")
    if held.old is not None:
        lines.append(f"no strike for {_old(held.old, corpus)}")
    if held.keep is not None:
        lines.append(f"keep data {_duration(held.keep)} after {', '.join(held.closures)}")
    return lines


def brake_text(brake: BrakeDef) -> str:
    """A brake as a rule states it, without the keyword."""
    most, least = str(brake.limit), ""
    if brake.share:
        most = f"{brake.share * 100:.12g}%"
        least = f" from {brake.limit}" if brake.limit else ""
    after = brake.after_change
    change = "" if after is None else f" for {_duration(after)} after change"
    return f"{most} per day by {brake.target}{least}{change}"


def _duration(time: int) -> str:
    return constant_text(time, "duration")


def _path(path: tuple[str, ...]) -> str:
    return Slot(path, Scalar("bool")).name


def _deadlines(deadlines: DeadlinesDef) -> str:
    times = [f"within {_duration(deadlines.within)}"]
    times += [f"{_duration(time)} from grade {grade}" for grade, time in deadlines.grades]
    if deadlines.interim is not None:
        times.append(f"{_duration(deadlines.interim)} if interim")
    return ", ".join(times)


def _below(procedure: ProcedureDef) -> str:
    if len(procedure.pauses) == len(SEVERITIES):
        return ""
    return f" below {SEVERITIES[len(procedure.pauses)]}"


def _old(old: OldDef, corpus: Corpus) -> str:
    types = {field.path: field.type for field in corpus.fields}
    of = types.get(old.path)
    shown = [constant_text(age, of.name if isinstance(of, Scalar) else "") for age in old.limits]
    ages = [f"{_path(old.path)} over {shown[0]}"]
    for before, age, severity in zip(shown, shown[1:], SEVERITIES[1:], strict=False):
        if age != before:
            ages.append(f"{age} from {severity}")
    return ", ".join(ages)
