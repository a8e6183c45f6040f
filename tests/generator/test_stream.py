"""The stream: the same bytes for the same seed, exact in number, and alike in every form."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import clausal
from clausal.compiler.ir import Corpus
from clausal.compiler.types import Enum, SetOf
from clausal.generator import PROFILES, Output, Profile, Stream, batches, stressed, write
from clausal.generator.conduct import CAMPAIGNS, CONDUCTS, RATES
from clausal.generator.fields import FIELDS, Kind
from clausal.generator.plan import BATCH

SMALL = replace(PROFILES["S"], events=3000, accounts=500)
MANY = Profile(events=3 * BATCH, accounts=20_000)
LADDER = "cn.self_media_traffic.fabrication"
TABLES = ("events", "truth", "verdicts", "appeals")


def written(stream: Stream, *, parquet: bool = False) -> dict[str, bytes]:
    files = {name: io.BytesIO() for name in TABLES}
    count = write(stream, {name: Output(file, parquet) for name, file in files.items()})
    assert count == stream.profile.events
    return {name: file.getvalue() for name, file in files.items()}


def parsed(lines: bytes) -> list[Any]:
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="module")
def many() -> Stream:
    return Stream(MANY, 5)


# ── The same bytes ───────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first = written(Stream(SMALL, 7, ladder=LADDER))
    assert first == written(Stream(SMALL, 7, ladder=LADDER))
    other = written(Stream(SMALL, 8, ladder=LADDER))
    assert all(first[name] != other[name] for name in TABLES)


def test_the_bytes_are_those_that_they_have_always_been() -> None:
    """Whoever changes what is drawn changes these digests, and says so in the changelog.

    They hold for every NumPy and PyArrow, and on every processor: see `clausal.generator.draws`.
    """
    digests = {
        name: hashlib.sha256(data).hexdigest()[:16]
        for name, data in written(Stream(PROFILES["S"], 1, ladder=LADDER)).items()
    }
    assert digests == {
        "events": "3593f9c8f6fbdd56",
        "truth": "d35154dd05280019",
        "verdicts": "6bae5466bb771a31",
        "appeals": "71562de5dbf3d23c",
    }


def test_any_batch_can_be_made_without_the_others(many: Stream) -> None:
    alone = Stream(MANY, 5).batch(2)
    in_order = next(itertools.islice(iter(many), 2, None))
    for name in TABLES:
        assert getattr(alone, name).equals(getattr(in_order, name))


def test_two_processes_can_each_make_a_half() -> None:
    whole = pa.Table.from_batches(list(batches(MANY, 5)))
    halves = [batch for k in range(2) for batch in batches(MANY, 5, part=(k, 2))]
    assert pa.Table.from_batches(halves).equals(whole)
    with pytest.raises(ValueError, match="part"):
        batches(MANY, 5, part=(2, 2))


# ── How many, and when ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("events", [1, 2, 3, 999, 1000, 1001, 4096, BATCH, BATCH + 1])
def test_there_are_exactly_as_many_events_as_asked_for(events: int) -> None:
    profile = Profile(events=events, accounts=min(events, 300))
    assert sum(batch.size for batch in Stream(profile, 3)) == events
    # Where nearly all items are looked into, most events are reviews.
    busy = replace(profile, rates={"rumour": 99_000.0})
    assert sum(batch.size for batch in Stream(busy, 3)) == events


def test_events_come_in_order_of_time_and_items_within_the_days(many: Stream) -> None:
    times, items = [], []
    for batch in many:
        column = batch.events["context.time"].cast(pa.int64()).to_numpy()
        kinds = batch.events["context.event_type"]
        assert isinstance(kinds, pa.DictionaryArray)
        review = kinds.dictionary.to_pylist().index("review")
        times.append(column)
        items.append(column[kinds.indices.to_numpy() != review])
    seconds = np.concatenate(times) / 1e6 - MANY.start.timestamp()
    assert (np.diff(seconds) >= 0).all()
    assert seconds[0] >= 0
    last = np.concatenate(items)[-1] / 1e6 - MANY.start.timestamp()
    assert MANY.days * 86_400 - 3600 < last < MANY.days * 86_400


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    peaks = []
    for events in (BATCH * 2, BATCH * 6):
        stream = Stream(Profile(events=events, accounts=1000), 1)
        tracemalloc.start()
        for batch in stream:
            assert batch.events.num_rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


# ── In every form the same ───────────────────────────────────────────────────────────────────────


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: paths as objects, nothing that is missing, instants as text."""
    event: dict[str, Any] = {}
    for path, value in row.items():
        *groups, name = path.split(".")
        inner = event
        for group in groups:
            inner = inner.setdefault(group, {})
        if value is not None:
            inner[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return event


@pytest.mark.parametrize("name", TABLES)
def test_parquet_and_lines_hold_the_same(name: str) -> None:
    stream = Stream(SMALL, 2)
    rows = pq.read_table(io.BytesIO(written(stream, parquet=True)[name])).to_pylist()
    assert parsed(written(stream)[name]) == [nested(row) for row in rows]


def test_batches_of_one_world_share_a_schema(many: Stream) -> None:
    for name in TABLES:
        schemas = [getattr(batch, name).schema for batch in many]
        assert all(schema.equals(schemas[0]) for schema in schemas)


def test_batches_are_valid(many: Stream) -> None:
    for name in TABLES:
        getattr(many.batch(0), name).validate(full=True)


def test_times_keep_the_offset_of_the_start() -> None:
    profile = replace(SMALL, start=SMALL.start.replace(hour=23, minute=30), days=0.1)
    for data in written(Stream(profile, 1))["events"].splitlines()[:50]:
        time = json.loads(data)["context"]["time"]
        assert time.endswith("+08:00")
        assert time[:10] in {"2024-04-23", "2024-04-24"}


# ── Fields ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    folder = Path(__file__).resolve().parents[2] / "policies"
    return clausal.compile(folder).artifact.corpus


def test_fields_are_those_that_the_standard_library_declares(corpus: Corpus) -> None:
    declared = {".".join(field.path): field.type for field in corpus.fields}
    for path, field in FIELDS.items():
        kind = declared.get(path) or declared[path.rpartition(".")[0]]
        match field.kind:
            case Kind.ENUM:
                assert isinstance(kind, Enum)
                assert list(field.values) == list(kind.names)
            case Kind.SET:
                assert isinstance(kind, SetOf)
                assert isinstance(kind.item, Enum)
                names = set(kind.item.names)
                assert {name for value in field.values for name in value} <= names
            case _:
                assert not isinstance(kind, Enum | SetOf)


def test_only_optional_fields_are_ever_missing(many: Stream) -> None:
    for batch in many:
        for path, column in zip(batch.events.schema.names, batch.events.columns, strict=True):
            assert column.null_count == 0 or FIELDS[path].optional
    assert all(not field.optional or field.kind is not Kind.SET for field in FIELDS.values())


# ── Profiles ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "change",
    [
        {"events": 0},
        {"accounts": 0},
        {"days": 0},
        {"days": float("nan")},
        {"rates": {"staged": -1}},
        {"rates": {"staged": float("nan")}},
        {"rates": {"staged": 2e5}},
        {"rates": {"nothing_of_the_kind": 1}},
        {"start": PROFILES["S"].start.replace(tzinfo=None)},
    ],
)
def test_an_impossible_profile_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"world|rates|start"):
        replace(SMALL, **change)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        Stream(SMALL, seed)


@pytest.mark.parametrize("ladder", ["none", "", "a b.c", ".x", "a..b"])
def test_a_ladder_needs_a_qualified_name(ladder: str) -> None:
    with pytest.raises(ValueError, match="qualified name"):
        Stream(SMALL, 1, ladder=ladder)


def test_stress_multiplies_one_campaign_by_ten() -> None:
    rates = stressed(RATES, ["rumours", "staged"])
    changed = {name for name, rate in rates.items() if rate != RATES[name]}
    assert changed == {"staged", *CAMPAIGNS["rumours"]}
    assert all(rates[name] == 10 * RATES[name] for name in changed)


def test_campaigns_are_about_all_conduct_and_nothing_else() -> None:
    guilty = {name for name, one in CONDUCTS.items() if not one.innocent}
    named = [name for names in CAMPAIGNS.values() for name in names]
    assert sorted(named) == sorted(guilty)
