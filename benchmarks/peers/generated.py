"""Python made from the rules: what somebody writes by hand who wants it fast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.peers.peer import About, EachEvent, Task
from benchmarks.workload import ENUMS, FIELDS, NUMBERS, SCORES, Predicate, Rule

Fires = list[str]


def _variable(field: str) -> str:
    return field.replace(".", "_")


VARIABLES = [_variable(field) for field in FIELDS]


def _readings() -> list[str]:
    """Lines that read every field of `event`, each once. A missing number compares as NaN does."""
    lines = [
        f"{group} = event.get({group!r}, NOTHING)"
        for group in ("context", "content", "account", "traffic")
    ]
    lines.append("score = content.get('score', NOTHING)")
    for field in FIELDS:
        group, name = field.split(".")[-2:]
        default = ", NAN" if field in SCORES or field in NUMBERS else ""
        lines.append(f"{_variable(field)} = {group}.get({name!r}{default})")
    return lines


def _test(predicate: Predicate) -> str:
    name = _variable(predicate.field)
    match predicate.operand:
        case tuple(elements) if predicate.operator == "has any":
            # None, where the set is missing, has no elements either.
            members = " or ".join(f"{element!r} in {name}" for element in elements)
            return f"{name} and ({members})"
        case (only,):
            return f"{name} != {only!r} and {name}" if predicate.negated else f"{name} == {only!r}"
        case tuple(values):
            choice = "{" + ", ".join(map(repr, values)) + "}"
            return (
                f"{name} and {name} not in {choice}" if predicate.negated else f"{name} in {choice}"
            )
        case bool(wanted):
            return f"{name} is {wanted}"
        case least:
            return f"{name} >= {least}"


def _condition(rule: Rule) -> str:
    clauses = [
        _test(clause[0])
        if len(clause) == 1
        else "(" + " or ".join(f"({_test(one)})" for one in clause) + ")"
        for clause in rule.clauses
    ]
    return " and ".join(clauses)


def _body(rules: Iterable[Rule], without: str = "") -> list[str]:
    lines = []
    for rule in rules:
        settled = [clause for clause in rule.clauses if _chooses(clause, without)]
        rest = tuple(clause for clause in rule.clauses if clause not in settled)
        kept = Rule(rule.name, rest, rule.cut, rule.days)
        lines.append(f"if {_condition(kept) or 'True'}: fires.append({rule.name!r})")
    return lines


def _function(name: str, arguments: str, lines: list[str]) -> str:
    return f"def {name}({arguments}):\n" + "".join(f"    {line}\n" for line in lines)


def _compiled(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"NAN": float("nan"), "NOTHING": {}}
    exec(compile(source, "<rules>", "exec"), names)  # noqa: S102 - it is made above
    return names


class StraightLine(EachEvent):
    """One function that tests one rule after the other."""

    about = About(
        title="generated Python",
        way="objects",
        how="one function: every field read once, then an `if` a rule",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        lines = [*_readings(), "fires = []", *_body(self.rules), "return fires"]
        names = _compiled(_function("decide", "event", lines))
        self._decide: Callable[[Any], Fires] = names["decide"]

    def decide(self, event: Any) -> Fires:
        return self._decide(event)

    def run(self, events: list[Any]) -> list[Fires]:
        decide = self._decide
        return [decide(event) for event in events]


class Dispatch(StraightLine):
    """The same, where one enum field chooses among functions with the rules that it leaves."""

    about = About(
        title="generated Python, dispatch on a field",
        way="objects",
        how="the enum field that leaves the fewest rules chooses a function with these rules",
    )

    def __init__(self, task: Task) -> None:
        EachEvent.__init__(self, task)
        field = min(ENUMS, key=self._left)
        chosen: defaultdict[str, list[Rule]] = defaultdict(list)
        others = []
        for rule in self.rules:
            values = _values(rule, field)
            for value in values or ():
                chosen[value].append(rule)
            if values is None:
                others.append(rule)
        arguments = ", ".join(("fires", *VARIABLES))
        source = [
            _function(f"on_{value}", arguments, _body(rules, field) or ["pass"])
            for value, rules in chosen.items()
        ]
        source.append(
            "CHOICE = {" + ", ".join(f"{value!r}: on_{value}" for value in chosen) + "}\n"
        )
        lines = [
            *_readings(),
            "fires = []",
            f"chosen = CHOICE.get({_variable(field)})",
            f"if chosen is not None: chosen({arguments})",
            *_body(others),
            "return fires",
        ]
        source.append(_function("decide", "event", lines))
        self._decide = _compiled("\n".join(source))["decide"]

    def _left(self, field: str) -> float:
        """How many rules an event is held against if ``field`` chooses."""
        return sum(
            1.0 if values is None else len(values) / ENUMS[field]
            for values in (_values(rule, field) for rule in self.rules)
        )


def _chooses(clause: tuple[Predicate, ...], field: str) -> bool:
    """Whether a clause says which values of ``field`` a rule allows, and nothing else."""
    return len(clause) == 1 and clause[0].field == field and not clause[0].negated


def _values(rule: Rule, field: str) -> tuple[str, ...] | None:
    """The values of ``field`` that a rule allows; None if it allows all."""
    for clause in rule.clauses:
        if _chooses(clause, field):
            assert isinstance(clause[0].operand, tuple)
            return clause[0].operand
    return None
