"""Columns of NumPy as record batches of Arrow: events, and what is kept apart from them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

from clausal.generator import draws
from clausal.generator.conduct import CONDUCTS
from clausal.generator.draws import Flags, Ints, survival, threshold
from clausal.generator.fields import FIELDS, Column, Field, Kind
from clausal.generator.plan import NAMES
from clausal.generator.signals import INNOCENT, WORDINGS, Batch
from clausal.generator.world import NEVER, World

HISTORY: Final = "$history"

APPEALS: Final = ((1, 0.04), (3, 0.15), (5, 0.35))
"""From which grade of measure on which share of the authors appeals."""
OVERTURNED: Final = 0.12
OVERTURNED_OPEN: Final = 0.30
OVERTURNED_EXACT: Final = 0.02
"""Appeals that succeed: in general, where people judged staging or harm to a business, and where an
item matched a known sample."""
APPEAL_MEDIAN_HOURS: Final = 30.0


class Tables:
    """Makes the tables of one world.

    Args:
        start: The instant from which seconds are counted.
        digits: How many digits its longest identifiers have.
        world: The accounts.
        seed: Of what is drawn for appeals.
        ladder: The ladder whose strikes events carry; None for none.
    """

    def __init__(
        self, start: dt.datetime, digits: int, world: World, seed: int, ladder: str | None
    ) -> None:
        self._digits = digits
        self._world = world
        self._seed = seed
        self._ladder = ladder
        self._start = start
        self._microseconds = _microseconds(start)
        self._time = pa.timestamp("us", tz=_offset(start))

    def events(self, batch: Batch) -> pa.RecordBatch:
        """The events, as a platform would send them: a column for each field, named by its path.

        Flat columns rather than structs: PyArrow reads dictionaries within structs back from Parquet
        only in one piece, and not in batches.
        """
        columns = [self.array(path, batch.columns[path]) for path in FIELDS]
        fields = [
            pa.field(path, column.type, nullable=field.optional)
            for (path, field), column in zip(FIELDS.items(), columns, strict=True)
        ]
        if self._ladder is not None:
            columns.append(self._histories(batch))
            fields.append(pa.field(HISTORY, pa.string(), nullable=False))
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))

    def truth(self, batch: Batch) -> pa.RecordBatch:
        """What is truly going on behind each event.

        ``conduct`` is that of the item, ``breach`` what is wrong, with the item or with the account.
        """
        columns = batch.columns
        conduct = batch.conduct
        unverified = (columns["account.monetised"] > 0) & (
            columns["account.identity_verified"] == 0
        )
        breach = np.where(
            INNOCENT[conduct], np.where(unverified, _UNVERIFIED, len(NAMES)), conduct
        ).astype(np.int8)
        return _table(
            event_id=self.array("context.event_id", columns["context.event_id"]),
            conduct=_named(_CONDUCTS, np.where(conduct < 0, np.int8(len(NAMES)), conduct)),
            innocent=pa.array(breach == len(NAMES)),
            breach=_named(_CONDUCTS, breach),
            family=_named(_FAMILIES, _FAMILY_OF[conduct]),
            resembles=_named(_CONDUCTS, _RESEMBLES[conduct]),
            content_id=self.array("content.id", columns["content.id"]),
            account_id=self.array("account.id", columns["account.id"]),
            first_post=pa.array(batch.first),
            repeat_offender=pa.array(self._struck(batch)),
        )

    def verdicts(self, batch: Batch) -> pa.RecordBatch:
        """What people found, when they found it."""
        rows = np.flatnonzero(batch.rows.review)
        columns = {path: values[rows] for path, values in batch.columns.items()}
        conduct = batch.conduct[rows]
        return _table(
            time=self.array("context.time", columns["context.time"]),
            event_id=self.array("context.event_id", batch.rows.item[rows]),
            review_id=self.array("context.event_id", columns["context.event_id"]),
            content_id=self.array("content.id", columns["content.id"]),
            account_id=self.array("account.id", columns["account.id"]),
            field=_named(_LOOKED_AT, _LOOKED_AT_OF[conduct]),
            value=_named(_FINDINGS, _FINDING_OF[conduct]),
            verdict_source=self.array("content.verdict_source", columns["content.verdict_source"]),
            second_source=pa.array(columns["content.second_source"] > 0),
        )

    def appeals(self, batch: Batch) -> pa.RecordBatch:
        """Who would appeal, from which grade of measure on, when after it, and how that would end.

        Whether there is a measure to appeal is for whoever decides: this is how authors are, for the
        events behind which there is conduct, or what looks like it.
        """
        rows = np.flatnonzero(batch.conduct >= 0)
        draw = draws.Draws(self._seed, batch.columns["context.event_id"][rows])
        mood, outcome, _, _ = draw.quarters("appeal")
        grade = np.zeros(len(rows), dtype=np.int8)
        for least, share in reversed(APPEALS):
            grade[mood < threshold(share)] = least
        hours = draws.lognormal(APPEAL_MEDIAN_HOURS, 1.0)[survival(draw.words("appeal.hours"))]
        conduct = batch.conduct[rows]
        likely = _OVERTURNED[conduct]
        exact = batch.columns["content.rumor_match"][rows] >= 0.95
        likely = np.where(exact, threshold(OVERTURNED_EXACT), likely)
        some = np.flatnonzero(grade > 0)
        at = rows[some]
        return _table(
            event_id=self.array("context.event_id", batch.columns["context.event_id"][at]),
            account_id=self.array("account.id", batch.columns["account.id"][at]),
            from_grade=pa.array(grade[some]),
            after_h=pa.array(np.round(np.minimum(hours[some], 180 * 24.0), 1)),
            overturned=pa.array(outcome[some] < likely[some]),
        )

    # ── Arrays ───────────────────────────────────────────────────────────────────────────────────

    def array(self, path: str, column: Column) -> pa.Array:
        """The column of a field as an Arrow array."""
        field = FIELDS[path]
        match field.kind:
            case Kind.ID:
                return identifiers(column, field, field.width or self._digits)
            case Kind.TIME:
                return pa.array(self._microseconds + column * 1_000_000).cast(self._time)
            case Kind.ENUM:
                return _named(field.values, column, optional=field.optional)
            case Kind.TEXT:
                return _named(WORDINGS[path], column, optional=field.optional)
            case Kind.SET:
                return _sets(field.values).take(pa.array(column))
            case Kind.FLAG:
                return pa.array(column > 0, mask=column < 0 if field.optional else None)
            case Kind.COUNT:
                return pa.array(column, mask=column < 0 if field.optional else None)
            case Kind.NUMBER:
                return pa.array(column, from_pandas=field.optional)

    def _struck(self, batch: Batch) -> Flags:
        """Whether the account was struck before."""
        rows = np.flatnonzero(batch.offender >= 0)
        found = np.zeros(len(batch.offender), dtype=np.bool_)
        first = self._world.strikes[batch.offender[rows], 0]
        found[rows] = first <= batch.acted[rows]
        return found

    def _histories(self, batch: Batch) -> pa.Array:
        """The strikes of each account before the event, as JSON."""
        rows = np.flatnonzero(self._struck(batch))
        ladder = json.dumps(self._ladder, ensure_ascii=False)
        texts = [f'{{"strikes":{{{ladder}:[]}}}}']
        places = np.zeros(len(batch.offender), dtype=np.int32)
        for row in rows.tolist():
            strikes = self._world.strikes[batch.offender[row]].tolist()
            past = [
                f'"{(self._start + dt.timedelta(seconds=second)).isoformat()}"'
                for second in strikes
                if second != NEVER and second <= batch.acted[row]
            ]
            places[row] = len(texts)
            texts.append(f'{{"strikes":{{{ladder}:[{",".join(past)}]}}}}')
        return pa.array(texts).take(pa.array(places))


def identifiers(numbers: Ints, field: Field, digits: int) -> pa.Array:
    """Identifiers of the same length each, put together from their digits."""
    size = len(numbers)
    width = len(field.prefix) + digits
    text = np.empty((size, width), dtype=np.uint8)
    text[:, : len(field.prefix)] = np.frombuffer(field.prefix.encode(), dtype=np.uint8)
    bitmap = None
    negative = numbers < 0
    left = numbers.astype(np.int64)
    if field.optional:
        bitmap = pa.py_buffer(np.packbits(~negative, bitorder="little").tobytes())
        left[negative] = 0
    elif field.other:
        text[negative, 0] = ord(field.other)
        left[negative] = -1 - left[negative]
    # Four digits at a time, from the last.
    for end in range(width, len(field.prefix), -4):
        left, four = np.divmod(left, 10_000)
        take = min(4, end - len(field.prefix))
        text[:, end - take : end] = _FOUR_DIGITS[four, 4 - take :]
    offsets = np.arange(size + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(
        size, pa.py_buffer(offsets), pa.py_buffer(text), bitmap, -1 if bitmap else 0
    )


_FOUR_DIGITS: Final = np.array(
    [list(f"{number:04d}".encode()) for number in range(10_000)], dtype=np.uint8
)


def _named(values: Sequence[str], column: Column, *, optional: bool = False) -> pa.DictionaryArray:
    places = pa.array(column, mask=column < 0 if optional else None)
    return pa.DictionaryArray.from_arrays(places, _strings(tuple(values)), safe=False)


@lru_cache(maxsize=256)
def _strings(values: tuple[str, ...]) -> pa.Array:
    return pa.array(values, pa.string())


@lru_cache(maxsize=256)
def _sets(values: tuple[tuple[str, ...], ...]) -> pa.Array:
    return pa.array([list(value) for value in values], pa.list_(pa.string()))


def _table(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        list(columns.values()),
        schema=pa.schema(
            [pa.field(name, array.type, nullable=False) for name, array in columns.items()]
        ),
    )


def _microseconds(instant: dt.datetime) -> int:
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def _offset(instant: dt.datetime) -> str:
    minutes = round((instant.utcoffset() or dt.timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


# ── What the truth calls things ──────────────────────────────────────────────────────────────────

_CONDUCTS: Final = (*NAMES, "none", "unverified_earner")
_UNVERIFIED: Final = len(NAMES) + 1
"""An account that earns money unverified is in breach, whatever its items are."""
_FAMILIES: Final = ("truth", "identity", "traffic", "safety", "persons", "fraud", "none")
_FAMILY_OF: Final = np.array(
    [_FAMILIES.index(one.family or "none") for one in CONDUCTS.values()] + [len(_FAMILIES) - 1],
    dtype=np.int8,
)
_RESEMBLES: Final = np.array(
    [_CONDUCTS.index(one.resembles or "none") for one in CONDUCTS.values()] + [len(NAMES)],
    dtype=np.int8,
)


_JUDGED: Final = tuple(next(iter(one.found.items()), ("", "")) for one in CONDUCTS.values())
_LOOKED_AT: Final = tuple(dict.fromkeys(path for path, _ in _JUDGED))
"""Fields that people judge."""
_FINDINGS: Final = tuple(dict.fromkeys(str(found).lower() for _, found in _JUDGED))
"""How they judge."""
_LOOKED_AT_OF: Final = np.array([_LOOKED_AT.index(path) for path, _ in _JUDGED], dtype=np.int8)
_FINDING_OF: Final = np.array(
    [_FINDINGS.index(str(found).lower()) for _, found in _JUDGED], dtype=np.int8
)
_OVERTURNED: Final = np.array(
    [
        threshold(
            OVERTURNED_OPEN
            if "content.staged_verdict" in one.shows or "content.extortion" in one.shows
            else OVERTURNED
        )
        for one in CONDUCTS.values()
    ]
    + [threshold(OVERTURNED)]
)
