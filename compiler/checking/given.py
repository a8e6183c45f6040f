"""``test`` blocks: the event and the history that they give, as a platform would send them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from clausal.compiler import types
from clausal.compiler.checking.amounts import Dimension, dimension_of, duration, fits
from clausal.compiler.checking.documents import WORDS, Named, Space
from clausal.compiler.checking.ladders import whole
from clausal.compiler.checking.report import Report, one_of, suggest
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


_WANTED: Final[dict[type[Named], str]] = {
    nodes.Ladder: "the number of active strikes, or a list of their times",
    nodes.Tally: "a number",
    nodes.Samples: "a share",
}
"""What the history of each kind of declaration is."""


class Givens:
    """Collects what one test gives."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._event: dict[str, Json] = {}
        self._history: dict[str, dict[str, Json]] = {}
        self._places: dict[Parts, Span] = {}
        self._inside: dict[Parts, tuple[Parts, Span]] = {}

    @property
    def report(self) -> Report:
        """Where to say what is wrong."""
        return self.scope.report

    def event(self) -> bytes:
        """The event as a JSON object; what is missing is not in it."""
        return msgspec.json.encode(_without_missing(self._event), order="sorted")

    def history(self) -> bytes:
        """The history as a JSON object, by qualified names."""
        return msgspec.json.encode(self._history, order="sorted")

    def add_time(self, path: Parts, moment: datetime.datetime) -> None:
        """Give the time of the act, unless the test says something about its field."""
        if not _holds(self._event, path):
            _place(self._event, path, _rfc3339(moment))

    def add(self, assignment: nodes.Assignment) -> bool:
        """Take one assignment up; False after reporting that it does not fit."""
        path = assignment.path
        if not self._is_new(path):
            return False
        if len(path.parts) == 1 and not self._is_group(path):
            return self._assign_history(assignment)
        return self._assign_field(assignment)

    def _is_new(self, node: nodes.Path) -> bool:
        """Whether neither the field, nor a group that holds it, nor one in it has a value yet."""
        path = node.parts
        holding = (path[:length] for length in range(1, len(path) + 1))
        other = next(((p, self._places[p]) for p in holding if p in self._places), None)
        other = other or self._inside.get(path)
        if other is not None:
            first, span = other
            self.report.add(
                "E0604",
                f"`{shown(path)}` is given twice"
                if path == first
                else f"`{shown(path)}` and `{shown(first)}` are both given",
                node.span,
                others=[self.report.label(span, "first given here")],
            )
            return False
        self._places[path] = node.span
        for length in range(1, len(path)):
            self._inside.setdefault(path[:length], (path, node.span))
        return True

    def _is_group(self, path: nodes.Path) -> bool:
        return path.parts in self.scope.schema.groups

    def _assign_field(self, assignment: nodes.Assignment) -> bool:
        path, value = assignment.path, assignment.value
        if isinstance(value, nodes.Missing | nodes.Failed):
            decl = self.scope.schema.fields.get(path.parts)
            known = decl is not None or self._is_group(path)
            if not known and self.scope.field(path.parts, path.span) is None:
                return False
            _place(
                self._event, path.parts, None if isinstance(value, nodes.Missing) else dict(FAILED)
            )
            return True
        use = self.scope.field(path.parts, path.span)
        if use is None:
            return False
        if isinstance(value, nodes.PastStrikes):
            self._misfit(use, value.span, f"a value of `{types.describe(use.type)}`")
            return False
        converted = self._value(use, use.type, value)
        if converted is not None:
            _place(self._event, path.parts, converted)
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

    def _assign_history(self, assignment: nodes.Assignment) -> bool:
        name = nodes.Name(assignment.path.parts[0], assignment.path.span)
        found = self._remembered(name)
        if found is None:
            return False
        value = assignment.value
        if isinstance(value, nodes.Failed):
            self._history_misfit(name, value.span, "a value, or `missing`", found)
            return False
        if isinstance(value, nodes.Missing):
            return True
        if isinstance(found.node, nodes.Ladder) and found.node.within is None:
            converted = self._points(name, found, found.node, value)
        elif isinstance(value, nodes.PastStrikes):
            self._history_misfit(name, value.span, _WANTED[type(found.node)], found)
            return False
        else:
            converted = self._history_value(name, found, value)
        if converted is None:
            return False
        section = self._history.setdefault(_SECTIONS[type(found.node)], {})
        section[qualified(found.document, name.text)] = converted
        return True

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
        wanted = _WANTED[type(found.node)]
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

    def _points(
        self,
        name: nodes.Name,
        found: Found[Named],
        ladder: nodes.Ladder,
        value: nodes.Literal | nodes.PastStrikes,
    ) -> Json:
        """The history of a ladder of points: its strikes, or its active points by family."""
        if isinstance(value, nodes.ListOf) and not value.items:
            return []
        dated = [past.at is not None for past in _past_strikes(value)]
        if not dated or any(dated) != all(dated):
            self._history_misfit(
                name,
                value.span,
                "strikes such as `[2 truth at 2024-03-01]`, or points such as `[2 truth]`",
                found,
            )
            return None
        strikes = [self._past_strike(found, ladder, past) for past in _past_strikes(value)]
        if any(strike is None for strike in strikes):
            return None
        if all(dated):
            return sorted(strikes, key=str)
        active: dict[str, Json] = {}
        for past, strike in zip(_past_strikes(value), strikes, strict=True):
            assert strike is not None
            if past.family.text in active:
                self.report.add(
                    "E0604", f"the points of `{past.family.text}` are given twice", past.span
                )
                return None
            active[past.family.text] = strike["points"]
        return active

    def _past_strike(
        self, found: Found[Named], ladder: nodes.Ladder, past: nodes.PastStrike
    ) -> dict[str, Json] | None:
        families = {
            value.name.text
            for entry in ladder.entries
            if isinstance(entry, nodes.Families)
            for value in entry.values
        }
        if families and past.family.text not in families:
            self.report.add(
                "E0430",
                f"`{ladder.name.text}` has no family `{past.family.text}`",
                past.family.span,
                "",
                others=[found.place],
                help=suggest(past.family.text, families)
                or [f"its families are {one_of(sorted(families))}"],
            )
            return None
        points = whole(self.report, past.points)
        served = past.served
        given = (past.at, past.until, None if served is None else served.until)
        moments = [
            None if node is None else self.scope.calendar.moment(self.report, node)
            for node in given
        ]
        issued, expires, until = moments
        if points is None or any(
            node is not None and moment is None for node, moment in zip(given, moments, strict=True)
        ):
            return None
        strike: dict[str, Json] = {"points": points, "family": past.family.text}
        if issued is not None:
            strike["issued"] = _rfc3339(issued)
        if expires is not None:
            strike["expires"] = _rfc3339(expires)
        if served is not None and until is not None:
            strike["served"] = {"step": served.step, "until": _rfc3339(until)}
        return strike


def _past_strikes(value: nodes.Literal | nodes.PastStrikes) -> tuple[nodes.PastStrike, ...]:
    return value.strikes if isinstance(value, nodes.PastStrikes) else ()


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
