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
from clausal.compiler.pipeline import optimise
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
