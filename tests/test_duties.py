"""Duties told from tables: the figures, the windows, what is missing, and what is wrong."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from clausal import duties
from clausal.cli.shell import Exit
from clausal.compiler import ir
from clausal.compiler.pipeline import check_sources
from clausal.dsl.source import Source
from clausal.duties import Period, State, Told, period_of, tell
from clausal.reading import InputError, open_events
from tests.support.cli import clausal

ZONE = ZoneInfo("Asia/Shanghai")
MAY = Period(date(2024, 5, 1), date(2024, 6, 1))
HEADER = """\
policy demo.owed 1.0.0 {
  title zh "义务" en "Owed"
  in force 2024-05-01 ..
  time zone "Asia/Shanghai"
  use standard.platform 1
  use standard.sanctions 1
}

clause 1 "须及时处置。"

param patience = 24h range 1h .. 72h  zh "时限"  en "time to act"
"""


def policy(measure: str, bound: str, over: str = "over 7d", table: str = "cases") -> str:
    return (
        f"{HEADER}\nduty owed {{\n  cites 1\n  measure {measure}\n  in {table}\n  time at_time\n"
        f"  at {bound}\n  {over}\n}}\n"
    )


def corpus_of(text: str) -> ir.Corpus:
    corpus, diagnostics = check_sources([Source("owed.policy", text)])
    assert corpus is not None, [str(one) for one in diagnostics]
    return corpus


def written(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(columns)
    out.writerows([["" if cell is None else cell for cell in row] for row in rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def told(text: str, file: str, period: Period = MAY) -> Told:
    (found,) = tell(corpus_of(text), period, {"cases": file})
    return found


# ── Figures are those of a plain computation ─────────────────────────────────────────────────────

MOMENTS = st.integers(-3 * 86_400, 33 * 86_400).map(
    lambda seconds: datetime(2024, 5, 1, tzinfo=ZONE) + timedelta(seconds=seconds)
)
CELLS = st.none() | st.integers(-50, 50)
FLAGS = st.none() | st.booleans()
ROWS = st.lists(st.tuples(st.none() | MOMENTS, CELLS, CELLS, FLAGS, FLAGS), max_size=30)
COLUMNS = ("at_time", "a", "b", "x", "y")


def _plain(measure: str, rows: Sequence[Sequence[Any]]) -> tuple[float | None, int, int]:
    """The figure of rows that have a time, and how many of them it is of and lacks."""
    if measure == "share of x among y":
        meant = [row for row in rows if row[4] is not False]
        used = [row for row in meant if row[3] is not None and row[4] is not None]
        values: list[float] = [float(bool(row[3])) for row in used]
        figure = sum(values) / len(values) if values else None
        return figure, len(used), len(meant) - len(used)
    if measure == "ratio of a to b":
        used = [row for row in rows if row[1] is not None and row[2] is not None]
        below = sum(row[2] for row in used)
        figure = sum(row[1] for row in used) / below if below else None
        return figure, len(used), len(rows) - len(used)
    if measure == "count":
        return (float(len(rows)) if rows else None), len(rows), 0
    at = 3 if measure in {"share of x", "count of x"} else 1
    used = [row for row in rows if row[at] is not None]
    values = [float(row[at]) for row in used]
    if not values:
        return None, 0, len(rows)
    newest = max(row[0] for row in used)
    ordered = sorted(values)
    figure = {
        "mean of a": statistics.fmean(values),
        "median of a": statistics.median(values),
        "most of a": max(values),
        "least of a": min(values),
        "latest of a": [v for row, v in zip(used, values, strict=True) if row[0] == newest][-1],
        "share of x": statistics.fmean(values),
        "count of x": sum(values),
        # The least value that so many of them do not exceed.
        "percentile 90 of a": next(
            v for v in ordered if sum(w <= v for w in ordered) * 100 >= 90 * len(ordered)
        ),
    }[measure]
    return figure, len(used), len(rows) - len(used)


MEASURES = (
    "mean of a", "median of a", "percentile 90 of a", "most of a", "least of a", "latest of a",
    "share of x", "share of x among y", "ratio of a to b", "count", "count of x",
)  # fmt: skip
CORPORA = {
    measure: corpus_of(policy(measure, "least 0.5" if "share" in measure else "most 3"))
    for measure in MEASURES
}


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=ROWS)
def test_figures_are_those_of_a_plain_computation(
    measure: str, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
) -> None:
    file = written(tmp_path_factory.mktemp("t") / "cases.csv", COLUMNS, rows)
    (found,) = tell(CORPORA[measure], MAY, {"cases": file})
    start, end = datetime(2024, 5, 1, tzinfo=ZONE), datetime(2024, 6, 1, tzinfo=ZONE)
    spans = [(start, end)]
    while start < end:
        spans.append((start, min(start + timedelta(days=7), end)))
        start += timedelta(days=7)
    assert found.undated == sum(row[0] is None for row in rows)
    windows = (found.whole, *found.windows)
    assert len(windows) == len(spans)
    for window, (first, last) in zip(windows, spans, strict=True):
        some = [row for row in rows if isinstance(row[0], datetime) and first <= row[0] < last]
        figure, used, lacking = _plain(measure, some)
        assert (window.rows, window.lacking) == (used, lacking)
        if figure is None:
            assert window.figure is None
            assert window.state is State.UNKNOWN
        else:
            assert window.figure is not None
            assert math.isclose(window.figure, figure, rel_tol=1e-12, abs_tol=1e-12)
            met = window.figure >= 0.5 if "share" in measure else window.figure <= 3
            assert window.state is (State.MET if met else State.BREACHED)


@given(
    over=st.sampled_from(["", "over 1h", "over 1d", "over 7d", "over 90d", "over 36h"]),
    first=st.dates(date(2024, 4, 1), date(2024, 8, 1)),
    days=st.integers(1, 60),
)
def test_windows_tile_the_time_in_force(over: str, first: date, days: int) -> None:
    corpus = corpus_of(policy("count", "least 1", over))
    period = Period(first, first + timedelta(days=days))
    found = list(tell(corpus, period, {}))
    start, end = period.within(ZONE)
    start = max(start, corpus.versions[0].start)
    if start >= end:
        assert not found
        return
    windows = found[0].windows
    assert (windows[0].start, windows[-1].end) == (start, end)
    assert all(one.start < one.end for one in windows)
    assert [one.end for one in windows[:-1]] == [one.start for one in windows[1:]]
    assert len({one.end - one.start for one in windows[:-1]}) <= 1


# ── States ───────────────────────────────────────────────────────────────────────────────────────


def test_a_duty_holds_in_every_window_or_in_the_period(tmp_path: Path) -> None:
    rows = [
        [f"2024-05-{day:02}", hours]
        for day, hours in ((1, 10), (8, 40), (15, 10), (22, 10), (29, 1))
    ]
    file = written(tmp_path / "cases.csv", ("at_time", "a"), rows)
    each = told(policy("mean of a", "most 24"), file)
    assert [one.state for one in each.windows].count(State.BREACHED) == 1
    assert (each.state, each.whole.state, each.trend) == (State.BREACHED, State.MET, "falling")
    assert told(policy("mean of a", "most 24 per period"), file).state is State.MET
    assert told(policy("mean of a", "most 24", ""), file).state is State.MET


def test_what_is_missing_is_no_evidence(tmp_path: Path) -> None:
    file = written(
        tmp_path / "cases.csv", ("at_time", "a"), [["2024-05-01", 10], ["2024-05-09", None]]
    )
    found = told(policy("mean of a", "most 24"), file)
    assert found.state is State.UNKNOWN
    assert [(one.rows, one.lacking) for one in found.windows] == [
        (1, 0),
        (0, 1),
        (0, 0),
        (0, 0),
        (0, 0),
    ]
    (without,) = tell(corpus_of(policy("mean of a", "most 24")), MAY, {})
    assert (without.state, without.table) == (State.UNKNOWN, "")


def test_hours_are_held_to_a_duration_and_a_naive_time_is_of_the_zone(tmp_path: Path) -> None:
    rows = [
        ["2024-05-01T00:00", "2024-05-02T01:00"],
        ["2024-05-01T00:00Z", "2024-05-02T09:00+08:00"],
    ]
    file = written(tmp_path / "cases.csv", ("at_time", "acted"), rows)
    found = told(policy("mean hours from at_time to acted", "most patience", ""), file)
    assert (found.threshold, found.whole.figure, found.whole.rows) == (24.0, 25.0, 2)
    assert found.state is State.BREACHED
    days = told(policy("mean days from at_time to acted", "most patience", ""), file)
    assert (days.threshold, days.whole.figure) == (1.0, 25 / 24)


def test_the_latest_of_rows_at_one_time_is_the_last_of_the_table(tmp_path: Path) -> None:
    rows = [["2024-05-03", 1], ["2024-05-04", 2], ["2024-05-04", 3], ["2024-05-01", 4]]
    file = written(tmp_path / "cases.csv", ("at_time", "a"), rows)
    assert told(policy("latest of a", "most 24", ""), file).whole.figure == 3.0


# Two of them need `a` with different types: the table is read twice for these.
SEVERAL = (
    "mean of a", "count", "share of x", "count of a", "ratio of a to b", "mean hours from a to b"
)  # fmt: skip
TOGETHER = corpus_of(
    HEADER
    + "".join(
        f"\nduty owed_{index} {{\n  cites 1\n  measure {measure}\n  in cases\n  time at_time\n"
        f"  at most {'50%' if 'share' in measure else '3h' if 'hours' in measure else '3'}\n  over 7d\n}}\n"
        for index, measure in enumerate(SEVERAL)
    )
)
ODD = st.none() | st.sampled_from([1, 2.5, "true", "false", "soon", "2024-05-02", "1e9"])


# Each column holds what each duty needs in some row, so that no table is refused.
SOUND = [
    ("2024-05-02", 1, 1, "true", "true"),
    ("2024-05-03", "true", 1, "true", "true"),
    ("2024-05-04", "2024-05-02", "2024-05-03", "true", "true"),
]


@given(rows=st.lists(st.tuples(ODD | MOMENTS, ODD, ODD, ODD, ODD), max_size=12))
def test_duties_of_one_table_are_told_as_each_alone(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
) -> None:
    file = written(tmp_path_factory.mktemp("t") / "cases.csv", COLUMNS, [*SOUND, *rows])
    alone = [
        told
        for duty in TOGETHER.duties
        for told in tell(structs.replace(TOGETHER, duties=(duty,)), MAY, {"cases": file})
    ]
    assert list(tell(TOGETHER, MAY, {"cases": file})) == alone


def test_a_table_is_read_once_for_all_its_duties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def counting(name: str, *rest: Any) -> Any:
        opened.append(name)
        return open_events(name, *rest)

    monkeypatch.setattr(duties, "open_events", counting)
    file = written(tmp_path / "cases.csv", COLUMNS, [("2024-05-02", 1, 1, "true", "true")])
    same = structs.replace(TOGETHER, duties=TOGETHER.duties[:3])
    assert len(list(tell(same, MAY, {"cases": file}))) == 3
    assert opened == [file]


def test_a_version_counts_while_it_is_in_force(tmp_path: Path) -> None:
    text = policy("count", "least 1", "").replace("2024-05-01 ..", "2024-05-10 .. 2024-05-20")
    rows = [
        [f"2024-05-{day:02}T{clock}"] for day in (9, 10, 19, 20) for clock in ("00:00", "23:59:59")
    ]
    found = told(text, written(tmp_path / "cases.csv", ("at_time",), rows))
    assert found.whole.rows == 4
    assert not list(tell(corpus_of(text), Period(date(2024, 6, 1), date(2024, 7, 1)), {}))
    unknown = text.replace("2024-05-10 .. 2024-05-20", "unknown")
    assert not list(tell(corpus_of(unknown), MAY, {}))


# ── Tables that are wrong ────────────────────────────────────────────────────────────────────────


def test_rows_that_cannot_be_read_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(
        "at_time,a\n2024-05-01,1\nsoon,2\n2024-05-02,many\n2024-05-03,3,4\n2024-05-04,5\n"
    )
    found = told(policy("mean of a", "most 24", ""), str(file))
    assert (found.whole.figure, found.whole.rows, found.unreadable) == (3.0, 2, 3)
    assert [(one.number, one.detail) for one in found.faults] == [
        (3, "`at_time` is no time: `soon`"),
        (4, "`a` is no number: `many`"),
        (5, "wrong number of cells: 3 cells under 2 columns"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "detail", "hint"),
    [
        ("cases.csv", "at_tme,a\n", "there is no column `at_time`, which `owed` needs", "did you mean `at_tme`?"),
        ("cases.csv", "at_time,zz\n", "there is no column `a`, which `owed` needs", "its columns are `at_time`, `zz`"),
        ("cases.csv", "at_time,a\n2024-05-01,x\n", "the column `a` holds no numbers, which `owed` needs", "its first value, in row 2, is `x`"),
        ("cases.csv", "", "the file is empty; the first line of a CSV file names the columns", ""),
        ("cases.txt", "", "a table is a CSV or a Parquet file", "let its name end in `.csv`, `.csv.gz` or `.parquet`"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_an_error(
    tmp_path: Path, name: str, text: str, detail: str, hint: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        told(policy("mean of a", "most 24"), str(file))
    assert (caught.value.detail, caught.value.hint) == (detail, hint)


def test_parquet_tells_what_csv_does(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    start = datetime(2024, 5, 1, tzinfo=ZONE)
    times = [start, start + timedelta(days=9), None, start + timedelta(days=10)]
    flags = [True, False, True, None]
    pq.write_table(pa.table({"at_time": times, "x": flags}), tmp_path / "cases.parquet")
    rows = [[t and t.isoformat(), x] for t, x in zip(times, flags, strict=True)]
    text = policy("share of x", "least 90%")
    one = told(text, str(tmp_path / "cases.parquet"))
    other = told(text, written(tmp_path / "cases.csv", ("at_time", "x"), rows))
    assert (one.whole, one.windows, one.undated) == (other.whole, other.windows, other.undated)
    assert one.whole.rows == 2
    with pytest.raises(InputError, match="holds no numbers"):
        told(policy("mean of x", "most 1"), str(tmp_path / "cases.parquet"))


# ── Periods, and the command ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2025, 1, 1)),
        ("2024-Q4", date(2024, 10, 1), date(2025, 1, 1)),
        ("2024-12", date(2024, 12, 1), date(2025, 1, 1)),
        ("2024-02", date(2024, 2, 1), date(2024, 3, 1)),
        ("2024-05-01..2024-05-15", date(2024, 5, 1), date(2024, 5, 15)),
    ],
)
def test_periods(text: str, first: date, last: date) -> None:
    assert period_of(text) == Period(first, last)


@pytest.mark.parametrize(
    "text", ["", "2024-13", "2024-00", "24", "2024-05-15..2024-05-01", "2024-05-01..2024-02-30", "9999"]
)  # fmt: skip
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="expected `2024`"):
        period_of(text)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owed.policy").write_text(policy("mean of a", "most 24"), encoding="utf-8")
    (tmp_path / "data").mkdir()
    written(tmp_path / "data" / "cases.csv", ("at_time", "a"), [["2024-05-01", 30], ["x", 1]])
    return tmp_path


def test_the_command_fails_on_a_breach_and_tells_it_as_json(demo: Path) -> None:
    ran = clausal("duties", "owed.policy", "--period", "2024-05", "--tables", "data", "--json")
    assert (ran.code, ran.err) == (Exit.FINDINGS, "")
    (duty,) = json.loads(ran.out)["duties"]
    assert (duty["state"], duty["figure"], duty["rows"], duty["unreadable"]) == (
        "breached",
        30.0,
        1,
        1,
    )
    assert duty["held_to"] == {"at": "most", "value": 24.0, "per_period": False}
    assert duty["clauses"] == [{"id": "1", "quote": "须及时处置。"}]
    assert duty["windows"][0]["from"] == "2024-05-01T00:00:00+08:00"
    assert [one["state"] for one in duty["windows"]] == ["breached", *["not known"] * 4]


def test_the_command_is_fine_where_nothing_is_breached(demo: Path) -> None:
    ran = clausal("duties", "owed.policy", "--period", "2024-06", "--table", "cases=data/cases.csv")
    assert ran.code == Exit.FINE
    assert "1 not known" in ran.out
    assert "data/cases.csv, row 3: `at_time` is no time: `x`" in ran.out
    ran = clausal("duties", "owed.policy", "--period", "2023-06")
    assert (ran.code, ran.out) == (Exit.FINE, "no duty is in force in this period\n")
    ran = clausal("duties", "owed.policy", "--period", "2024-05")
    assert ran.code == Exit.FINE
    assert "no table was given for cases" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), Exit.USAGE, "no period is given"),
        (("--period", "may"), Exit.USAGE, "`may` is no period"),
        (("--period", "2024", "--table", "case=x.csv"), Exit.USAGE, "did you mean `cases`?"),
        (("--period", "2024", "--table", "cases"), Exit.USAGE, "`cases` names no table"),
        (("--period", "2024", "--tables", "nowhere"), Exit.INPUT, "there is no folder `nowhere`"),
        (("--period", "2024", "--table", "cases=no.csv"), Exit.INPUT, "no.csv: there is no such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    demo: Path, arguments: tuple[str, ...], code: Exit, said: str
) -> None:
    ran = clausal("duties", "owed.policy", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_the_tables_that_are_needed_are_told(demo: Path) -> None:
    ran = clausal("duties", "owed.policy", "--needs", "--json")
    assert (ran.code, json.loads(ran.out)) == (
        Exit.FINE,
        {"cases": {"at_time": "instant", "a": "number"}},
    )
    ran = clausal("duties", "owed.policy", "--needs", "--json", "--period", "2024-04")
    assert (ran.code, json.loads(ran.out)) == (Exit.FINE, {})


def test_a_period_with_too_many_windows_is_refused(demo: Path) -> None:
    (demo / "owed.policy").write_text(policy("count", "least 1", "over 1h"), encoding="utf-8")
    ran = clausal("duties", "owed.policy", "--period", "2024-05-01..2030-01-01")
    assert ran.code == Exit.USAGE
    assert "more than 10000 windows" in ran.err
