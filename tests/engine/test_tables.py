"""Tables are decided as their rows would be as dictionaries, in whatever layout they come."""

from __future__ import annotations

from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clausal.engine.columns as columns_module
from clausal.compiler.bundle import assemble, pack, unpack
from clausal.compiler.emit import emit
from clausal.compiler.ir import Corpus
from clausal.compiler.pipeline import compile_sources, optimise
from clausal.dsl.source import Source
from clausal.engine.evaluator import Bundle
from clausal.engine.problem import EventError
from clausal.engine.reference import Reference
from clausal.engine.render import rfc3339
from tests.engine.test_differential import any_corpora, seeds
from tests.strategies.events import EventWriter
from tests.strategies.tables import write_table
from tests.support.rows import row_of

SIZES = (1, 63, 64, 65, 512)


def bundle_of(corpus: Corpus) -> Bundle:
    """The bundle of a corpus, after the whole way."""
    return Bundle(unpack(pack(assemble(corpus, emit(optimise(corpus)), ()))))


def table_of(corpus: Corpus, seed: int, most: int = 140) -> tuple[pa.Table, list[dict[str, Any]]]:
    """A table of random events, and what its rows mean."""
    random = Random(seed)
    writer = EventWriter(random, corpus)
    return write_table(random, corpus, [writer.event() for _ in range(random.randint(0, most))])


def meaning(reference: Reference, corpus: Corpus, event: dict[str, Any]) -> tuple[Any, ...]:
    """The rules that the reference finds for an event, or its refusal."""
    try:
        (acted,) = [
            value
            for number, value in enumerate(reference.reader.read(event))
            if number == corpus.time_slot
        ]
        assert isinstance(acted, float)
        outcome = reference.run(event, None, int(acted))
    except EventError as error:
        return [], [], str(error)
    return _names(corpus, outcome.fired), _names(corpus, sorted(outcome.undetermined)), None


def _names(corpus: Corpus, rules: Any) -> list[str]:
    return [
        f"{corpus.versions[corpus.rules[rule].version].policy}.{corpus.rules[rule].name}"
        for rule in rules
    ]


@given(
    corpus=any_corpora, seed=seeds, batch=st.sampled_from(SIZES), threads=st.sampled_from((1, 3))
)
def test_rows_are_matched_as_the_reference_matches_them(
    corpus: Corpus, seed: int, batch: int, threads: int
) -> None:
    bundle, reference = bundle_of(corpus), Reference(corpus)
    table, meant = table_of(corpus, seed)
    found = pa.Table.from_batches(
        bundle._tables.match(table, threads=threads, batch=batch), bundle.match_table(table).schema
    )
    rows = list(zip(*[column.to_pylist() for column in found.columns], strict=True))
    assert rows == [meaning(reference, corpus, event) for event in meant]


def instants_of(corpus: Corpus) -> list[str | None]:
    """Instants of decisions: none given, long after all acts, and where versions begin."""
    starts = [version.start for version in corpus.versions]
    return [None, "2200-01-01T00:00:00Z", *(rfc3339(max(start, 0), "UTC") for start in starts)]


@given(corpus=any_corpora, seed=seeds, threads=st.sampled_from((1, 2)))
def test_rows_are_decided_as_dictionaries_are(corpus: Corpus, seed: int, threads: int) -> None:
    bundle = bundle_of(corpus)
    table, meant = table_of(corpus, seed, 20)
    at = Random(seed).choice(instants_of(corpus))
    decided: Any = bundle.evaluate_table(table, at=at, threads=threads)
    decided.validate(full=True)
    for row, event in zip(decided.to_pylist(), meant, strict=True):
        assert row == row_of(bundle, event, at)


@given(corpus=any_corpora, seed=seeds)
def test_columns_that_are_not_read_have_no_say(corpus: Corpus, seed: int) -> None:
    bundle = bundle_of(corpus)
    table: Any = table_of(corpus, seed, 20)[0]
    table = table.append_column("other.field", pa.nulls(table.num_rows, pa.binary()))
    read = bundle.columns_of(table.schema.names)
    assert "other.field" not in read
    assert bundle.evaluate_table(table.select(read)) == bundle.evaluate_table(table)


@given(corpus=any_corpora, seed=seeds)
def test_rows_are_what_they_mean(corpus: Corpus, seed: int) -> None:
    table, meant = table_of(corpus, seed, 20)
    if not table.num_rows:
        return
    (batch,) = table.combine_chunks().to_batches()
    paths = columns_module.column_paths(table.schema.names)
    known = {slot.path[0] for slot in corpus.slots} | {"$history"}
    for row, event in enumerate(meant):
        found = columns_module.row_of(batch.columns, row, paths)
        for name in known:
            assert _bare(found.get(name)) == _bare(event.get(name))


def _bare(value: Any) -> Any:
    """Without groups that have nothing in them, and keys that nothing reads."""
    if not isinstance(value, dict):
        return repr(value) if isinstance(value, float) else value
    inner = {key: _bare(one) for key, one in value.items() if key != "unread"}
    return {key: one for key, one in inner.items() if one not in (None, {})} or None


def test_batches_of_other_sizes_are_refused() -> None:
    bundle = bundle_of(next(iter_corpora()))
    with pytest.raises(ValueError, match="1 to 512"):
        list(
            bundle._tables.match(
                pa.table({"context.time": ["2024-01-01T00:00Z"]}), threads=1, batch=513
            )
        )


def iter_corpora() -> Any:
    from tests.strategies.ir import write_corpus

    yield write_corpus(Random(1), 4)


# ── Bundles made to be hard ──────────────────────────────────────────────────────────────────────

_FIELDS = """library hard.fields 1.0.0

event {
  time context.time
  id   content.id
}

target content by content.id

schema context {
  time instant required
  seen set of enum [s0, s1, s2, s3, s4]
}

schema content {
  id     string
  number integer
  other  integer
  score  share
  kind   enum [k0, k1, k2, k3, k4, k5, k6, k7]
  name   string
  flag   bool
}

sanction limit_reach(cut share) {
  title   zh "限制流量" en "Reach limited"
  on      content
  grade   2
  needs   duration
  joins   strictest at each instant
  wording zh "限流" en "Limited"
}
"""


def hard_bundle(conditions: list[str]) -> Bundle:
    """A bundle with a rule for each condition."""
    rules = "\n".join(
        f"rule r{number} {{\n  cites 1\n  when {condition}\n  then limit_reach 10% for 1d\n"
        f'  because zh "规则" en "A rule."\n}}\n'
        for number, condition in enumerate(conditions)
    )
    policy = (
        'policy hard.rules 1.0.0 {\n  title zh "难" en "Hard"\n  notice "none"\n'
        '  in force 2024-01-01 .. 2025-01-01\n  time zone "Asia/Shanghai"\n'
        f'  use hard.fields 1\n}}\n\nclause 1 "基准"\n\n{rules}'
    )
    sources = (Source("fields.policy", _FIELDS), Source("rules.policy", policy))
    return Bundle(unpack(pack(compile_sources(sources))))


def hard_events(count: int) -> list[dict[str, Any]]:
    """Events, of which the first ones lack what the later ones have."""
    random = Random(7)

    def some(value: Any) -> Any:
        return value if random.random() < 0.8 else None

    return [
        {
            "context": {
                "time": f"2024-05-01T{row % 24:02}:00:00Z",
                "seen": some(random.sample(["s0", "s1", "s2", "s3"], random.randint(0, 4))),
            },
            "content": {
                "number": some(random.randint(-10, 3000)),
                "other": some(random.randint(0, 40)),
                "score": some(random.randint(0, 100) / 100),
                "kind": some(f"k{random.randint(0, 6 if row < count * 2 // 3 else 7)}"),
                "name": some(f"n{random.randint(0, 50)}"),
                "flag": some(random.random() < 0.5),
            },
        }
        for row in range(count)
    ]


def _joined(tests: list[str], word: str) -> str:
    return "(" + f" {word} ".join(tests) + ")"


_KINDS = [f"k{number}" for number in range(8)]
HARD = {
    "thresholds": [f"content.number >= {number}" for number in range(-5, 2900)],
    "ranges": [
        f"{number} <= content.number < {number + 1 + 40 * (number % 9)} and content.other != {number % 40}"
        for number in range(1, 900)
    ],
    "negations": [
        f"not (content.kind == k{number % 8}) and not (content.number >= {3 * number})"
        f' and not (content.name == "n{number % 60}") and not (context.seen has any [s{number % 5}])'
        for number in range(400)
    ],
    "missing": [
        f"{'not ' * (number & 1)}content.{one} is missing and"
        f" {'not ' * (number >> 1 & 1)}content.{two} is missing"
        for number in range(4)
        for one in ("number", "score", "kind", "name")
        for two in ("other", "flag", "kind")
    ],
    "one rule of a thousand": [
        _joined([f'content.name == "n{number}"' for number in range(30, 60)], "or")
        + " and "
        + _joined(
            [
                f"(content.number >= {3 * number} and content.other == {number % 60})"
                for number in range(1000)
            ],
            "or",
        ),
        _joined([f"content.other != {number}" for number in range(20, 40)], "and"),
        _joined([f"content.number == {number}" for number in range(1000)], "or"),
    ],
    "names": [
        f"content.kind in [{', '.join(_KINDS[first:last])}] and content.other >= {5 * (last - first)}"
        f" {'and' if first % 2 else 'or'} content.flag"
        for first in range(8)
        for last in range(first + 1, 9)
    ]
    + [
        f"context.seen {word} [{', '.join(f's{number}' for number in range(first, last))}]"
        for word in ("has any", "has all")
        for first in range(5)
        for last in range(first + 1, 6)
    ],
    "what the first events never are": [
        f"content.kind == k7 and content.number >= {30 * number}"
        f" and (content.flag or content.score >= 0.5)"
        for number in range(100)
    ],
}


@pytest.mark.parametrize("conditions", HARD.values(), ids=HARD)
def test_hard_bundles_are_matched_as_single_events_are(conditions: list[str]) -> None:
    bundle, events = hard_bundle(conditions), hard_events(900)
    table: Any = pa.Table.from_pylist(events)
    names = [rule.name for rule in bundle._tables._artifact.corpus.rules]
    expected = []
    for event in events:
        there = {
            group: {name: value for name, value in fields.items() if value is not None}
            for group, fields in event.items()
        }
        values = bundle._core.read(there)
        bundle._core.decided(values, None, False)
        acted = values.value(bundle._tables._time_slot)
        assert isinstance(acted, float)
        fired, undetermined = bundle._core.run(values, int(acted))
        expected.append(tuple([names[rule] for rule in rules] for rules in (fired, undetermined)))
    assert any(fired for fired, _ in expected)
    # The first pass learns from the first events; the second begins with what it learned.
    for batch in (512, 512, 100):
        found: Any = pa.Table.from_batches(
            bundle._tables.match(table, threads=1, batch=batch),
            bundle.match_table(table[:0]).schema,
        )
        rows = [
            tuple(
                [name.rpartition(".")[2] for name in row[column]]
                for column in found.column_names[:2]
            )
            for row in found.to_pylist()
        ]
        assert rows == expected
