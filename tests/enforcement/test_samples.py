"""Samples: likeness against a comparison with every sample, what is found, and the file."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.enforcement import samples as module
from clausal.enforcement.fingerprints import (
    BANDS,
    ESTIMATE_ERROR,
    ROWS,
    FingerprintIndex,
    fingerprints,
    jaccard,
    shingles,
)
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.remembering import Memory
from clausal.enforcement.samples import Sample, SampleError, SampleLibrary, read_samples
from clausal.enforcement.tallies import MemoryTallies, Tallies
from clausal.engine.evaluator import Bundle
from clausal.engine.history import History
from clausal.engine.values import FAILED
from tests.support.tallied import LIBRARY, START, event

POLICY = """\
policy made.hoaxes 1.0.0 {
  title zh "谣言" en "Hoaxes"
  in force 2020-01-01 ..
  time zone "UTC"
  use made.posts 1
}

clause 1 "不得传谣。"

samples hoaxes = ["今晚八点全城停水，请互相转告。"] on post.body
samples unread = ["没有规则读它。"] on post.body
tally posts = count by account.id over 10m

rule hoax {
  cites 1
  when similarity(post.body, hoaxes) >= 90% and posts < 9
  then warn
  because zh "谣言。" en "A hoax."
}
"""
HOAX = "今晚八点全城停水，请互相转告。"
NAME = "made.hoaxes.hoaxes"
POSTS = "made.hoaxes.posts"

BUNDLE = Bundle(compile_sources([Source("made.policy", LIBRARY), Source("p.policy", POLICY)]))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[SampleLibrary]:
    """A library with a file that is empty."""
    with SampleLibrary(BUNDLE, tmp_path / "samples.db") as opened:
        yield opened


def likeness(library: SampleLibrary, text: object, second: float = 0) -> object:
    (figures,) = library.similarities([event("1", second, body=text)])
    return figures.get(NAME)


# ── Shingles ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("今晚八点全城停水", "今晚 八点，全城\u200b停水！！"),
        ("Breaking NEWS", "ｂｒｅａｋｉｎｇ news"),
        ("ok", " OK. "),
    ],
)
def test_texts_that_read_alike_have_the_same_shingles(text: str, same: str) -> None:
    assert shingles(text) == shingles(same) != frozenset()


def test_texts_without_letters_are_taken_as_they_are() -> None:
    assert shingles("🔥🔥") == {"🔥🔥"}
    assert shingles("") == shingles(" \u200b") == frozenset()
    assert shingles("\udc80") == {"\ufffd"}


def edited(text: str, edits: int, chance: random.Random) -> str:
    characters = list(text)
    for place in chance.sample(range(len(characters)), edits):
        characters[place] = chr(0x5000 + chance.randrange(3000))
    return "".join(characters)


def invented(chance: random.Random, length: int = 120) -> str:
    return "".join(chr(0x4E00 + chance.randrange(500)) for _ in range(length))


# ── What is found ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("edits", [4, 8, 12, 16])
def test_as_many_are_found_as_was_promised(edits: int) -> None:
    chance = random.Random(edits)
    texts = [invented(chance) for _ in range(1500)]
    queries = [edited(text, edits, chance) for text in texts]
    index = FingerprintIndex()
    index.add(fingerprints(map(shingles, texts)))
    found = index.candidates(fingerprints(map(shingles, queries)))
    hits = sum(number in candidates for number, candidates in enumerate(found))
    chances = [
        1 - (1 - jaccard(shingles(text), shingles(query)) ** ROWS) ** BANDS
        for text, query in zip(texts, queries, strict=True)
    ]
    deviation = sum(one * (1 - one) for one in chances) ** 0.5
    assert abs(hits - sum(chances)) <= 4 * deviation + 1
    assert hits < len(texts) or edits < 16
    # Others share a band by accident alone.
    assert sum(map(len, found)) - hits <= 30


def test_estimates_are_within_their_error() -> None:
    chance = random.Random(7)
    text = invented(chance, 400)
    queries = [edited(text, 40, chance) for _ in range(400)]
    index = FingerprintIndex()
    index.add(fingerprints(map(shingles, queries)))
    (print_,) = fingerprints([shingles(text)])
    errors = [
        estimate - jaccard(shingles(text), shingles(queries[number]))
        for estimate, number in index.estimates(print_, range(400))
    ]
    assert (sum(error**2 for error in errors) / len(errors)) ** 0.5 < ESTIMATE_ERROR * 1.2


texts = st.lists(
    st.text("今晚八点全城停水请互相转告", min_size=0, max_size=14), min_size=1, max_size=8
)


@given(texts, st.text("今晚八点全城停水请互相转告", max_size=14), st.data())
def test_figures_are_exact_and_the_best_is_missed_only_where_no_band_agrees(
    tmp_path_factory: pytest.TempPathFactory, known: list[str], text: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("samples") / "s.db"
    with SampleLibrary(BUNDLE, path) as library:
        for one in known:
            library.add("hoaxes", [Sample(one)])
        match = library.match("hoaxes", text, 0)
        alike = {one: jaccard(shingles(text), shingles(one)) for one in [HOAX, *known]}
        if match is not None:
            assert match.similarity == alike[match.sample.text]
        best = max(alike.values())
        if best >= 0.9:
            assert match is not None
            assert match.similarity == best


def test_segments_find_what_one_would(tmp_path: Path) -> None:
    chance = random.Random(3)
    prints = fingerprints(shingles(invented(chance, 30)) for _ in range(300))
    one, many = FingerprintIndex(), FingerprintIndex()
    one.add(prints)
    place = 0
    while place < 300:
        size = chance.choice([1, 1, 2, 5, 40])
        many.add(prints[place : place + size])
        place += size
    assert len(many) == len(one) == 300
    assert len(many._segments) < 12
    found = many.candidates(prints)
    assert found == one.candidates(prints)
    assert all(number in candidates for number, candidates in enumerate(found))


def test_of_many_candidates_the_likeliest_are_compared(
    library: SampleLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(5)
    text = invented(chance)
    near = [edited(text, 1 + n % 5, chance) for n in range(200)]
    library.add("hoaxes", map(Sample, near))
    best = max(jaccard(shingles(text), shingles(one)) for one in near)
    assert likeness(library, text) == best
    monkeypatch.setattr(module, "COMPARED", 1)
    some = likeness(library, text)
    assert isinstance(some, float)
    assert some > best - 0.2


def test_the_best_is_found_although_fingerprints_only_estimate(library: SampleLibrary) -> None:
    chance = random.Random(8)
    texts = [invented(chance) for _ in range(20)]
    near = [[edited(text, 4, chance) for _ in range(30)] for text in texts]
    library.add("hoaxes", [Sample(one) for some in near for one in some])
    for text, some in zip(texts, near, strict=True):
        best = max(jaccard(shingles(text), shingles(one)) for one in some)
        assert likeness(library, text) == best


# ── Samples and events ───────────────────────────────────────────────────────────────────────────


def test_those_of_the_policy_need_no_file() -> None:
    with SampleLibrary(BUNDLE) as library:
        assert likeness(library, HOAX) == 1
        assert likeness(library, "完全不同的一句话，与停水无关。") == 0
        with pytest.raises(SampleError, match="none was named"):
            library.add("hoaxes", [Sample("x")])


def test_a_text_that_is_missing_or_failed_is_told_as_that(library: SampleLibrary) -> None:
    assert likeness(library, None) is None
    assert likeness(library, ...) is FAILED
    assert likeness(library, "") == 0
    assert library.similarities([event("1", 0, kind="wrong", body=HOAX)])[0] == {NAME: 1.0}
    assert library.similarities([event("1", 0, body=5)]) == [{}]


def test_samples_that_no_rule_reads_cost_nothing_but_match(library: SampleLibrary) -> None:
    assert library.similarities([event("1", 0, body="没有规则读它。")])[0].keys() == {NAME}
    match = library.match("unread", "没有规则读它。", 0)
    assert match is not None
    assert match.similarity == 1


def test_a_sample_ends_at_its_instant(library: SampleLibrary) -> None:
    text = "食盐明日起限购，抓紧囤货。"
    library.add("hoaxes", [Sample(text, "某报", START, expires=START + 10_000_000)])
    assert likeness(library, text, 9.999999) == 1
    assert likeness(library, text, 10) == 0
    assert library.matches(event("1", 5, body=text))[NAME].sample.source == "某报"
    assert library.matches(event("1", 10, body=text)) == {}


def test_additions_are_seen_without_restart_by_others(
    library: SampleLibrary, tmp_path: Path
) -> None:
    text = "超市大米明天断货的消息。"
    with SampleLibrary(BUNDLE, tmp_path / "samples.db") as other:
        assert likeness(library, text) == 0
        assert other.add(NAME, [Sample(text, "甲"), Sample(text, "甲")]) == 1
        assert likeness(library, text) == likeness(other, text) == 1
        assert len(library) == 3
        # The same again says nothing; with another end it takes the place of the first.
        assert library.add("hoaxes", [Sample(text, "甲")]) == 0
        assert library.add("hoaxes", [Sample(text, "乙", expires=START)]) == 1
        assert likeness(library, text) == likeness(other, text) == 0
    with SampleLibrary(BUNDLE, tmp_path / "samples.db") as again:
        assert likeness(again, text) == 0
        match = again.match("hoaxes", text, START - 1)
        assert match is not None
        assert match.sample == Sample(text, "乙", None, START)


def test_names_are_bare_or_qualified_and_others_are_refused(library: SampleLibrary) -> None:
    assert library.names == (NAME, "made.hoaxes.unread")
    with pytest.raises(SampleError, match=r"`hoax` names no samples of the bundle: `made"):
        library.add("hoax", [Sample("x")])


def test_all_or_none_are_added(library: SampleLibrary) -> None:
    with pytest.raises(SampleError):
        library.add("hoaxes", [Sample("一二三四五六"), Sample("\udc80")])
    assert likeness(library, "一二三四五六") == 0


def test_what_is_remembered_is_the_history_of_events_in_any_form() -> None:
    events = [event("1", 0, body=HOAX), event("2", 1, ..., body=HOAX), event("3", 2, body=...)]
    told = [json.dumps(one) for one in events]
    for form in (events, told, [one.encode() for one in told]):
        memory = Memory(Tallies(BUNDLE, MemoryTallies()), SampleLibrary(BUNDLE))
        assert memory.histories(form) == [
            History(tallies={POSTS: 0}, similarity={NAME: 1}),
            History(tallies={POSTS: FAILED}, similarity={NAME: 1}),
            History(tallies={POSTS: 1}, similarity={NAME: FAILED}),
        ]
    assert Memory().histories(events) == [History()] * 3


def test_enforcement_decides_by_what_is_remembered() -> None:
    memory = Memory(Tallies(BUNDLE, MemoryTallies()), SampleLibrary(BUNDLE))
    enforcer = Enforcer(BUNDLE, MemoryLedger(), remembered=memory)
    events = [json.dumps(event(str(n), n, body=HOAX)).encode() for n in range(12)]
    assert enforcer.process([*events, *events, b"{"]).cases == 9
    assert enforcer.process(events).cases == 0


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def test_lines_of_json_are_read(tmp_path: Path, library: SampleLibrary) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(
        '{"text": "甲", "source": "某报", "date": "2024-05-01", "expires": "2024-06-01T08:00:00+08:00"}\n'
        '\n{"text": "乙"}\n',
        encoding="utf-8",
    )
    added = int(datetime.combine(date(2024, 5, 1), datetime.min.time(), UTC).timestamp())
    expires = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp())
    found = list(read_samples(path))
    assert found == [Sample("甲", "某报", added * 10**6, expires * 10**6), Sample("乙")]
    assert library.add("hoaxes", read_samples(path)) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: expected JSON"),
        ("[]", "line 1: expected an object with a `text`"),
        ('{"text": ""}', "expected an object with a `text`"),
        ('{"text": "a", "when": 1}', "`date`, `expires`, `source`, `text`, got `when`"),
        ('{"text": "a", "source": 1}', "`source` is a text"),
        ('{"text": "a", "expires": "2024-05-01T00:00"}', "`expires` is a date or an instant"),
    ],
)
def test_lines_that_are_no_samples_are_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(SampleError) as caught:
        list(read_samples(path))
    assert message in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="no such file"):
        list(read_samples(tmp_path / "none.jsonl"))
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(SampleError, match="UTF-8"):
        list(read_samples(tmp_path / "bytes"))
    (tmp_path / "text").write_text("no database at all" * 100)
    with sqlite3.connect(tmp_path / "other") as database:
        database.execute("CREATE TABLE x (y)")
    database.close()
    for name in ("text", "other", "missing/samples.db"):
        with pytest.raises(SampleError, match=name.partition("/")[0]):
            SampleLibrary(BUNDLE, tmp_path / name)


def test_another_way_of_making_fingerprints_makes_them_anew(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    text = "外星人今晚降落在城北广场。"
    with SampleLibrary(BUNDLE, path) as library:
        library.add("hoaxes", [Sample(text)])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE about SET method = 'older'")
        database.execute("UPDATE samples SET print = zeroblob(512)")
    database.close()
    with SampleLibrary(BUNDLE, path) as library:
        assert likeness(library, text) == 1


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    SampleLibrary(BUNDLE, path).close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE about SET format = 9")
    database.close()
    with pytest.raises(SampleError, match="format 9"):
        SampleLibrary(BUNDLE, path)
