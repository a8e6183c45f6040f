"""What a platform owed over a period, and whether it did: duties, by tables.

The platform hands them in as files; what Clausal's own ledger knows comes from there (`Source`).

A row that lacks a value, or holds one that cannot be read, is counted and otherwise left out. A
figure without rows is not known, and what is not known is neither met nor breached.
"""

from __future__ import annotations

import enum
import math
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

from clausal.compiler.ir import UNITS, Corpus, DutyDef, FigureDef, Param, SchemaField
from clausal.compiler.types import Scalar
from clausal.dsl.suggest import nearest
from clausal.reading import InputError, Rejected, columns_of, open_events

WINDOWS_LIMIT: Final = 10_000
"""As many windows of one duty are told, at most."""

FAULTS_KEPT: Final = 10
"""As many unreadable cells are shown of a table; all are counted."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PERIOD: Final = re.compile(r"(\d{4})(?:-(\d{2})|-?[Qq]([1-4]))?")
_DAYS: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\s*\.\.\s*(\d{4}-\d{2}-\d{2})")

Row = tuple[int, tuple[float, ...]]
"""When a row was, in microseconds since 1970, and the values that a figure needs of it."""


class State(enum.StrEnum):
    """What is known of a duty."""

    MET = "met"
    BREACHED = "breached"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Period:
    """Days, from the first one to before the last one."""

    first: date
    last: date

    def within(self, zone: ZoneInfo) -> tuple[int, int]:
        """The midnights of both days in a time zone, in microseconds since 1970."""
        return _midnight(self.first, zone), _midnight(self.last, zone)


@dataclass(frozen=True, slots=True)
class Window:
    """A figure from one instant to before another, of so many rows; so many more lacked a value."""

    start: int
    end: int
    figure: float | None
    state: State
    rows: int
    lacking: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A row, by its number in the table, that cannot be read, and why."""

    table: str
    number: int
    detail: str


@dataclass(frozen=True, slots=True)
class Told:
    """A duty over a period.

    Attributes:
        threshold: What the figure is held to, in its unit.
        table: The file that was read, or `LEDGER`; "" if there was neither.
        whole: The figure over the period, as far as the policy was in force.
        windows: The windows of the duty side by side; one if it has none.
        undated: Rows that do not say when they were.
        unreadable: Rows with a cell that cannot be read.
        faults: The first of these.
    """

    duty: DutyDef
    threshold: float
    table: str
    whole: Window
    windows: tuple[Window, ...]
    undated: int = 0
    unreadable: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def state(self) -> State:
        """Breached if any window is; met if all are known, and none is."""
        if self.duty.per_period:
            return self.whole.state
        states = {window.state for window in self.windows}
        if State.BREACHED in states:
            return State.BREACHED
        return State.UNKNOWN if State.UNKNOWN in states else State.MET

    @property
    def trend(self) -> str:
        """From the first figure that is known to the last: "rising", "falling", "level", or ""."""
        known = [window.figure for window in self.windows if window.figure is not None]
        if len(known) < 2:
            return ""
        if math.isclose(known[0], known[-1], rel_tol=1e-9, abs_tol=1e-12):
            return "level"
        return "rising" if known[-1] > known[0] else "falling"


# ── Periods and windows ──────────────────────────────────────────────────────────────────────────


def period_of(text: str) -> Period:
    """The period that a text names: `2024`, `2024-Q2`, `2024-05` or `2024-05-01..2024-05-15`.

    The last day of days is not part of it, as in `in force`.

    Raises:
        ValueError: saying what was expected.
    """
    try:
        found = _days(text.strip())
    except ValueError:
        found = None
    if found is None or not 1700 <= found.first.year <= found.last.year <= 2250:
        raise ValueError("expected `2024`, `2024-Q2`, `2024-05` or `2024-05-01..2024-05-15`")
    return found


def _days(text: str) -> Period | None:
    if days := _DAYS.fullmatch(text):
        found = Period(date.fromisoformat(days[1]), date.fromisoformat(days[2]))
        return found if found.first < found.last else None
    if parts := _PERIOD.fullmatch(text):
        year = int(parts[1])
        month = int(parts[2] or 3 * int(parts[3] or 1) - 2)
        after = year * 12 + month - 1 + (1 if parts[2] else 3 if parts[3] else 12)
        return Period(date(year, month, 1), date(after // 12, after % 12 + 1, 1))
    return None


def _midnight(day: date, zone: ZoneInfo) -> int:
    return (datetime.combine(day, time(), zone) - _EPOCH) // timedelta(microseconds=1)


def in_force(corpus: Corpus, duty: DutyDef, period: Period) -> tuple[int, int] | None:
    """The part of the period in which the version of the duty is in force; None if it never is."""
    version = corpus.versions[duty.version]
    start, end = period.within(ZoneInfo(version.zone))
    start = max(start, version.start)
    end = end if version.end is None else min(end, version.end)
    return (start, end) if start < end else None


def threshold_of(corpus: Corpus, duty: DutyDef) -> float:
    """What the figure of a duty is held to, in its unit."""
    if not isinstance(duty.threshold, Param):
        return duty.threshold.value
    param = corpus.params[duty.threshold.index]
    return param.value / UNITS[duty.figure.unit] if param.type == "duration" else param.value


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────


def figure_of(figure: FigureDef, rows: Sequence[Row]) -> float | None:
    """The figure of rows, which stand in the order of the table; None if it cannot be known."""
    if not rows:
        return None
    values = [numbers[0] for _, numbers in rows]
    match figure.statistic:
        case "mean" | "share":
            return math.fsum(values) / len(values)
        case "median":
            return statistics.median(values)
        case "percentile":
            assert figure.rank is not None
            return sorted(values)[math.ceil(figure.rank * len(values) / 100) - 1]
        case "most":
            return max(values)
        case "least":
            return min(values)
        case "latest":
            return max(enumerate(rows), key=lambda row: (row[1][0], row[0]))[1][1][0]
        case "count":
            return math.fsum(values)
        case "ratio":
            below = math.fsum(numbers[1] for _, numbers in rows)
            return math.fsum(values) / below if below else None


def _values(figure: FigureDef, cells: Sequence[float | None]) -> tuple[float, ...] | bool | None:
    """What a figure needs of the cells of a row: None if one lacks, False if the row is not meant."""
    if figure.statistic == "share" and len(cells) == 2:
        if cells[1] == 0:
            return False
        return None if None in cells else (cells[0] or 0.0,)
    known = [cell for cell in cells if cell is not None]
    if len(known) < len(cells):
        return None
    if figure.unit:
        return ((known[1] - known[0]) / UNITS[figure.unit],)
    return tuple(known) or (1.0,)


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────


class _CellError(Exception):
    """A cell that holds something else than its column should."""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _CellError("no number")
    return float(value)


def _bool(value: object) -> float:
    if not isinstance(value, bool):
        raise _CellError("neither true nor false")
    return float(value)


def _instant(value: object, zone: ZoneInfo) -> float:
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time())
    if not isinstance(found, datetime) or not 1700 <= found.year <= 2250:
        raise _CellError("no time")
    placed = found if found.tzinfo is not None else found.replace(tzinfo=zone)
    return float((placed - _EPOCH) // timedelta(microseconds=1))


Kind = Literal["number", "bool", "instant"]
"""The types of the columns of tables."""

LEDGER: Final = "ledger:"
"""Stands in the place of a file where rows come from the ledger."""

Cells = Mapping[str, object]
"""A row of a `Source`: numbers, booleans and times with an offset by their columns; None is missing."""

OfPolicies = frozenset[str]
"""The policies that a row of a `Source` is of: it counts for their duties, and for no others."""


class Source(Protocol):
    """Tables that are not files, such as those of a ledger."""

    def columns(self, table: str) -> Mapping[str, Kind]:
        """The columns of a table; none if there is no such table."""

    def rows(self, table: str) -> Iterator[tuple[OfPolicies, Cells]]:
        """The rows of a table that there is, in an order of its own."""


_KINDS: Final[dict[str, Kind]] = {"share": "bool", "count": "bool"}
_SAID: Final[dict[Kind, str]] = {
    "number": "numbers",
    "bool": "`true` and `false`",
    "instant": "times",
}


def columns_needed(duty: DutyDef) -> list[tuple[str, Kind]]:
    """The columns that a duty reads, with the types that they need: its time, then its figure's."""
    figure = duty.figure
    kind: Kind = "instant" if figure.unit else _KINDS.get(figure.statistic, "number")
    return [(duty.time, "instant"), *((column, kind) for column in figure.columns)]


def columns_lacking(source: Source, duty: DutyDef) -> list[str]:
    """The columns that a duty needs and its table in a source does not have, or of another type."""
    there = source.columns(duty.table)
    needed = dict.fromkeys(columns_needed(duty))
    return [column for column, kind in needed if there.get(column) != kind]


@dataclass(slots=True)
class _Reader:
    """What a duty takes of its table: the rows that lie in its span.

    Attributes:
        good: Columns that held what they should in some row.
        bad: Those that held something else, with the first row where they did.
    """

    duty: DutyDef
    zone: ZoneInfo
    start: int
    end: int
    rows: list[Row] = field(default_factory=list)
    lacking: list[int] = field(default_factory=list)
    undated: int = 0
    unreadable: int = 0
    faults: list[Fault] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    bad: dict[str, tuple[int, object]] = field(default_factory=dict)

    def fault(self, name: str, number: int, detail: str) -> None:
        """Leave out a row."""
        self.unreadable += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(name, number, detail))

    def take(self, name: str, number: int, row: Mapping[str, object]) -> None:
        """Take what is needed of a row."""
        cells: list[float | None] = []
        faulty = ""
        for column, kind in columns_needed(self.duty):
            value = row.get(column)
            cell: float | None = None
            try:
                if value is not None:
                    cell = _cell(kind, value, self.zone)
                    self.good.add(column)
            except _CellError as error:
                self.bad.setdefault(column, (number, value))
                faulty = faulty or f"`{column}` is {error}: `{_short(value)}`"
            cells.append(cell)
        if faulty:
            self.fault(name, number, faulty)
        else:
            self._place(cells)

    def _place(self, cells: Sequence[float | None]) -> None:
        if cells[0] is None:
            self.undated += 1
            return
        at = int(cells[0])
        if not self.start <= at < self.end:
            return
        values = _values(self.duty.figure, cells[1:])
        if values is None:
            self.lacking.append(at)
        elif not isinstance(values, bool):
            self.rows.append((at, values))

    def check(self, name: str) -> None:
        """Refuse a column that holds something else throughout.

        Raises:
            InputError: if there is one.
        """
        for column, kind in columns_needed(self.duty):
            if column in self.bad and column not in self.good:
                number, value = self.bad[column]
                raise InputError(
                    name,
                    f"the column `{column}` holds no {_SAID[kind]}, which `{self.duty.name}` needs",
                    hint=f"its first value, in row {number}, is `{_short(value)}`",
                )


def _read(name: str, readers: Sequence[_Reader]) -> None:
    """Let each of several duties take what it needs of one table, which is read once.

    It is read again only if two duties need one column with different types.

    Raises:
        InputError: if the table cannot be read, or a column is not there, or holds something else.
    """
    there = columns_of(name)
    passes: list[tuple[dict[str, Kind], list[_Reader]]] = []
    for reader in readers:
        needed = dict(columns_needed(reader.duty))
        for column in needed:
            if column not in there:
                close = nearest(column, there)
                raise InputError(
                    name,
                    f"there is no column `{column}`, which `{reader.duty.name}` needs",
                    hint=f"did you mean `{close}`?"
                    if close
                    else f"its columns are {_listed(there)}",
                )
        for kinds, some in passes:
            if all(kinds.get(column, kind) == kind for column, kind in needed.items()):
                kinds.update(needed)
                some.append(reader)
                break
        else:
            passes.append((needed, [reader]))
    for kinds, some in passes:
        fields = [SchemaField(path=(column,), type=Scalar(kind)) for column, kind in kinds.items()]
        with open_events(name, None, fields) as file:
            for record in file:
                for reader in some:
                    if isinstance(record, Rejected):
                        reader.fault(name, record.number, f"{record.cause}: {record.detail}")
                    else:
                        assert isinstance(record.value, dict)
                        reader.take(name, record.number, record.value)
    for reader in readers:
        reader.check(name)


def _read_source(source: Source, table: str, corpus: Corpus, readers: Sequence[_Reader]) -> None:
    """Let each of several duties take what it needs of one table of a source, which is read once."""
    for number, (policies, row) in enumerate(source.rows(table), 1):
        for reader in readers:
            if corpus.versions[reader.duty.version].policy in policies:
                reader.take(LEDGER, number, row)


def _cell(kind: Kind, value: object, zone: ZoneInfo) -> float:
    match kind:
        case "instant":
            return _instant(value, zone)
        case "bool":
            return _bool(value)
        case _:
            return _number(value)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{_short(name)}`" for name in names[:8])
    return shown + (", …" if len(names) > 8 else "")


# ── Telling ──────────────────────────────────────────────────────────────────────────────────────


def tell(
    corpus: Corpus, period: Period, tables: Mapping[str, str], source: Source | None = None
) -> Iterator[Told]:
    """Every duty that is in force at some time of the period, with what its table shows.

    Args:
        corpus: What was compiled.
        period: The days to report on.
        tables: The file of each table.
        source: Where duties without a file are looked for, if it has all columns that they need. One
            that finds its table nowhere is not known.

    Raises:
        InputError: if a table cannot be read, or lacks a column.
        ValueError: if the period has more than `WINDOWS_LIMIT` windows of a duty.
    """
    readers: list[_Reader] = []
    of_file: dict[str, list[_Reader]] = {}
    of_source: dict[str, list[_Reader]] = {}
    for duty in corpus.duties:
        span = in_force(corpus, duty, period)
        if span is not None:
            zone = ZoneInfo(corpus.versions[duty.version].zone)
            reader = _Reader(duty, zone, *span)
            _windows(reader)
            readers.append(reader)
            file = tables.get(duty.table, "")
            if not file and source is not None and not columns_lacking(source, duty):
                of_source.setdefault(duty.table, []).append(reader)
            else:
                of_file.setdefault(file, []).append(reader)
    told: dict[int, Told] = {}

    def tell_some(name: str, some: Sequence[_Reader]) -> None:
        for reader in some:
            told[id(reader)] = _told(corpus, name, reader)
            reader.rows, reader.lacking = [], []

    for name, some in of_file.items():
        if name:
            _read(name, some)
        tell_some(name, some)
    for table, some in of_source.items():
        assert source is not None
        _read_source(source, table, corpus, some)
        tell_some(LEDGER, some)
    for reader in readers:
        yield told[id(reader)]


def _windows(reader: _Reader) -> tuple[int, int]:
    """The length of a duty's windows, in microseconds, and how many of them its span has.

    Raises:
        ValueError: if they are too many.
    """
    duty, span = reader.duty, reader.end - reader.start
    length = duty.over or span
    count = -(-span // length)
    if count > WINDOWS_LIMIT:
        raise ValueError(f"the period has more than {WINDOWS_LIMIT} windows of `{duty.name}`")
    return length, count


def _told(corpus: Corpus, name: str, table: _Reader) -> Told:
    duty, start, end = table.duty, table.start, table.end
    length, count = _windows(table)
    rows: list[list[Row]] = [[] for _ in range(count)]
    lacking = [0] * count
    for row in table.rows:
        rows[(row[0] - start) // length].append(row)
    for at in table.lacking:
        lacking[(at - start) // length] += 1
    threshold = threshold_of(corpus, duty)

    def window(first: int, last: int, some: Sequence[Row], lacks: int) -> Window:
        figure = figure_of(duty.figure, some)
        state = _state(duty, figure, threshold)
        return Window(first, last, figure, state, len(some), lacks)

    return Told(
        duty=duty,
        threshold=threshold,
        table=name,
        whole=window(start, end, table.rows, len(table.lacking)),
        windows=tuple(
            window(
                start + index * length,
                min(start + (index + 1) * length, end),
                rows[index],
                lacking[index],
            )
            for index in range(count)
        ),
        undated=table.undated,
        unreadable=table.unreadable,
        faults=tuple(table.faults),
    )


def _state(duty: DutyDef, figure: float | None, threshold: float) -> State:
    if figure is None:
        return State.UNKNOWN
    met = figure <= threshold if duty.bound == "most" else figure >= threshold
    return State.MET if met else State.BREACHED


def tables_of(duties: Iterable[DutyDef]) -> list[str]:
    """The tables that duties read, by name."""
    return sorted({duty.table for duty in duties})
