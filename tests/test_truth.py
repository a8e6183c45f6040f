"""Decisions held against the truth: figures worked out by hand, intervals, and files that do not fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clausal.cli.summary import _missed
from clausal.reading import EventFile, InputError, open_events
from clausal.truth import Held, Ratio, TruthFile
from tests.support.cli import clausal
from tests.support.shop import project

LINES: list[dict[str, Any]] = [
    {"event_id": "a", "innocent": False, "breach": "staged", "conduct": "staged", "more": [1]},
    {"event_id": "b", "innocent": True, "breach": "none", "conduct": "labelled_satire"},
    {"event_id": "c", "innocent": False},
    {"event_id": "d", "innocent": True},
]


def opened(lines: Sequence[object], tmp_path: Path) -> EventFile:
    path = tmp_path / "truth.ndjson"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return open_events(str(path))


# ── The file ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["abcd", "dcba", "bdac"])
def test_the_order_of_events_does_not_matter(order: str, tmp_path: Path) -> None:
    with opened(LINES, tmp_path) as file:
        truths = TruthFile(file)
        found = {name: truths.of(name) for name in order}
        assert truths.rest().total() == 0
    labels = {name: truth.label for name, truth in found.items() if truth is not None}
    assert labels == {"a": "staged", "b": "labelled_satire", "c": "breach", "d": "none"}


def test_nothing_is_kept_where_the_orders_agree(tmp_path: Path) -> None:
    with opened(LINES, tmp_path) as file:
        truths = TruthFile(file)
        for name in "abcd":
            assert truths.of(name)
            assert truths._early == {}


def test_unknown_events_and_left_over_truths_are_told_apart(tmp_path: Path) -> None:
    with opened(LINES, tmp_path) as file:
        truths = TruthFile(file)
        assert truths.of("nobody") is None
        assert truths.of("b") is not None
        assert truths.of("b") is None
        assert truths.rest().total() == 3


def test_every_format_of_events_will_do(tmp_path: Path) -> None:
    rows = [{"event_id": one["event_id"], "innocent": one["innocent"]} for one in LINES]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    cells = "".join(f"{row['event_id']},{str(row['innocent']).lower()}\n" for row in rows)
    (tmp_path / "t.csv").write_text(f"event_id,innocent\n{cells}")
    (tmp_path / "t.json").write_text(json.dumps(rows))
    for name in ("t.parquet", "t.csv", "t.json"):
        with open_events(str(tmp_path / name)) as file:
            truths = TruthFile(file)
            found = [truths.of(row["event_id"]) for row in rows]
        assert [one.innocent for one in found if one] == [False, True, False, True]


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"event_id": "a"},
        {"event_id": 1, "innocent": True},
        {"event_id": "a", "innocent": 3},
        [],
    ],
    ids=json.dumps,
)
def test_a_line_that_is_no_truth_is_refused_with_its_place(line: object, tmp_path: Path) -> None:
    with opened([*LINES, line], tmp_path) as file, pytest.raises(InputError, match="line 5 is no"):
        TruthFile(file).of("nobody")


# ── The figures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # From the tables of R. G. Newcombe, Statistics in Medicine 17 (1998), method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_wilsons(count: int, of: int, low: float, high: float) -> None:
    assert Ratio(count, of).interval == pytest.approx((low, high), abs=5e-5)


def test_of_nothing_there_is_no_share() -> None:
    assert (Ratio(0, 0).share, Ratio(0, 0).interval) == (None, None)
    assert Ratio(4, 4).interval == pytest.approx((0.5101, 1.0), abs=5e-5)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project(tmp_path / "policies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_generated_world_is_held_against_its_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        clausal("generate", "--events", "4000", "-o", "e.ndjson", "--truth", "t.parquet").code == 0
    )
    ran = clausal(
        "run", "e.ndjson", "-o", "d.ndjson", "--truth", "t.parquet", "--summary-json", "s.json"
    )
    assert ran.code == 0
    assert "held against the truth" in ran.err
    held = json.loads((tmp_path / "s.json").read_text())["truth"]
    assert (held["events"], held["without_truth"], held["without_event"]) == (4000, 0, 0)
    truths = {row["event_id"]: row for row in pq.read_table(tmp_path / "t.parquet").to_pylist()}
    decided = [json.loads(line) for line in (tmp_path / "d.ndjson").read_text().splitlines()]
    # The same figures, worked out the plain way.
    for entry in held["rules"]:
        hit = [
            truths[one["event_id"]]
            for one in decided
            if any(
                (f["policy"], f["rule"]) == (entry["policy"], entry["rule"])
                for f in one["findings"]
            )
        ]
        guilty = [one for one in hit if not one["innocent"]]
        assert entry["precision"]["count"] == len(guilty)
        assert entry["precision"]["of"] == len(hit)
        assert entry["innocents"]["count"] == len(hit) - len(guilty)
        assert entry["innocents"]["of"] == sum(bool(one["innocent"]) for one in truths.values())
        for name, recall in entry["recall"].items():
            assert recall["count"] == sum(one["breach"] == name for one in guilty)
            assert recall["of"] == sum(one["breach"] == name for one in truths.values())
    for entry in held["measures"]:
        hit = [
            truths[one["event_id"]]
            for one in decided
            if any(
                m["sanction"] == entry["sanction"] and m.get("mode", "enforced") != "shadow"
                for m in one["measures"]
            )
        ]
        assert entry["precision"]["of"] == len(hit)
    assert len(held["rules"]) > 5
    assert len(held["measures"]) > 5


def test_what_is_missing_on_either_side_is_told(shop: Path) -> None:
    events = [{"context": {"event_id": name, "time": "2024-06-10T09:00:00+08:00"}} for name in "ab"]
    (shop / "e.ndjson").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    lines = [LINES[0], {"event_id": "z", "innocent": True}]
    (shop / "t.ndjson").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with open_events("t.ndjson") as file:
        held = Held(TruthFile(file), without_truth=1)
        held.finish()
    assert _missed(held) == (
        "of 1 event the truth is not known; 2 truths of events that were not decided"
    )


def test_a_truth_that_cannot_be_read_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert clausal("generate", "--events", "20", "-o", "e.ndjson").code == 0
    (tmp_path / "t.ndjson").write_text('{"id": "e000000000"}\n')
    ran = clausal("run", "e.ndjson", "-o", "d.ndjson", "--truth", "t.ndjson")
    assert ran.code == 4
    assert "line 1 is no truth" in ran.err
    ran = clausal("run", "e.ndjson", "-o", "d.ndjson", "--truth", "nowhere.ndjson")
    assert ran.code == 4
    ran = clausal("run", "e.ndjson", "-o", "t.ndjson", "--truth", "t.ndjson")
    assert ran.code == 2
