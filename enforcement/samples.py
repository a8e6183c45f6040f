"""Samples: known items of text, and how like one of them the text of an event is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
import numpy as np

from clausal.compiler import ir
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.enforcement.fingerprints import (
    BANDS,
    ESTIMATE_ERROR,
    METHOD,
    ROWS,
    FingerprintIndex,
    Fingerprints,
    fingerprints,
    jaccard,
    shingles,
)
from clausal.enforcement.inputs import Inputs, frame_of
from clausal.enforcement.reading import Event
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventError
from clausal.engine.values import FAILED, ConversionError, Missing, convert

FORMAT: Final = 1
"""The format of the file."""

COMPARED: Final = 64
"""Of more candidates, those with the likeliest fingerprints are compared."""

_MARGIN: Final = 4.5 * ESTIMATE_ERROR
"""One whose fingerprint is less like than that is not more like: not in a hundred thousand times."""

_DAY: Final = 24 * 3600 * MICROSECONDS


class SampleError(Exception):
    """Samples cannot be read or kept."""


class Sample(msgspec.Struct, frozen=True):
    """A known item.

    Attributes:
        text: What it says.
        source: Where it is known from, in the words of whoever added it.
        added: When it was added, in microseconds since 1970; None if nobody said.
        expires: The first instant of an event that it is no longer held against; None: it stays.
    """

    text: str
    source: str = ""
    added: int | None = None
    expires: int | None = None


class Match(NamedTuple):
    """The sample that a text is most like, and how much, from 0 to 1."""

    sample: Sample
    similarity: float


Figures = dict[str, float | Missing]
"""The similarities of an event by the qualified names of the samples; what is absent is left out."""


class SampleLibrary:
    """The samples of a bundle, with those of a file beside them.

    Those that the policies list are there as long as the bundle says so, and never expire. Those in
    the file can be added at any time, by this process or another; `similarities` sees them at once.
    One process may use a library in one thread.

    Args:
        bundle: The bundle that declares the samples.
        path: The file of further samples, made if it is not there; None: there are none.

    Raises:
        SampleError: if the file cannot be read or made, or is not such a file.
    """

    def __init__(self, bundle: Bundle, path: str | Path | None = None) -> None:
        corpus = bundle.artifact.corpus
        self._declared = corpus.samples
        self._inputs = Inputs(corpus)
        self._slots = {one.name: self._inputs.slot(one.on) for one in corpus.samples}
        self._core = self._inputs.core()
        self._shelves = {one.name: _Shelf(one) for one in corpus.samples}
        self._file = None if path is None else _File(Path(path))
        self.refresh()

    @property
    def names(self) -> tuple[str, ...]:
        """The qualified names of the samples that the bundle declares."""
        return tuple(one.name for one in self._declared)

    def __len__(self) -> int:
        return sum(len(shelf.index) for shelf in self._shelves.values())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ── What is in it ────────────────────────────────────────────────────────────────────────────

    def add(self, name: str, samples: Iterable[Sample]) -> int:
        """Add samples to the file, all or none. One with a known text takes the place of that.

        Args:
            name: Which samples they are among: qualified, or bare where that means one.
            samples: What is added.

        Returns:
            How many were new or told something new.

        Raises:
            SampleError: if there are no samples of that name, or the file cannot be written.
        """
        if self._file is None:
            raise SampleError("samples are added to a file, and none was named")
        added = self._file.add(self._qualified(name), samples)
        self.refresh()
        return added

    def refresh(self) -> None:
        """Take up what was added to the file by others.

        Raises:
            SampleError: if the file cannot be read.
        """
        if self._file is not None and self._file.changed():
            for name, shelf in self._shelves.items():
                shelf.extend(self._file.rows(name, shelf.last))

    def _qualified(self, name: str) -> str:
        found = [one for one in self._shelves if name in (one, one.rpartition(".")[2])]
        if len(found) != 1:
            known = ", ".join(f"`{one}`" for one in found or sorted(self._shelves)) or "none"
            what = "means several" if found else "names no"
            raise SampleError(f"`{name}` {what} samples of the bundle: {known}")
        return found[0]

    # ── Likeness ─────────────────────────────────────────────────────────────────────────────────

    def match(self, name: str, text: str, at: int) -> Match | None:
        """The sample that a text is most like; None if none is found that shares a shingle.

        Args:
            name: Which samples, as of `add`.
            text: What is held against them.
            at: When the event was, in microseconds since 1970.

        Raises:
            SampleError: if there are no such samples, or the file cannot be read.
        """
        self.refresh()
        return self._matches(self._qualified(name), [(text, at)])[0]

    def matches(self, event: Event) -> dict[str, Match]:
        """What an event is most like, by the names of the samples: for the reason of a finding.

        Raises:
            EventError: if the event cannot be read.
            SampleError: if the file cannot be read.
        """
        self.refresh()
        found: dict[str, Match] = {}
        at, texts = self._read(event)
        for name, text in texts.items():
            if isinstance(text, str):
                (match,) = self._matches(name, [(text, at)])
                if match is not None:
                    found[name] = match
        return found

    def similarities(self, events: Sequence[Event]) -> list[Figures]:
        """The similarities of events to each of the samples that rules read.

        Absent, if the event lacks the text; failed, if the text failed. An event that cannot be
        read has none.

        Raises:
            SampleError: if the file cannot be read.
        """
        self.refresh()
        figures: list[Figures] = [{} for _ in events]
        asked: dict[str, list[tuple[int, str, int]]] = {}
        used = [one.name for one in self._declared if one.slot is not None]
        for number, event in enumerate(events if used else ()):
            try:
                at, texts = self._read(event)
            except EventError:
                continue
            for name in used:
                text = texts[name]
                if isinstance(text, str):
                    asked.setdefault(name, []).append((number, text, at))
                elif text is FAILED:
                    figures[number][name] = FAILED
        for name, texts_ in asked.items():
            found = self._matches(name, [(text, at) for _, text, at in texts_])
            for (number, _, _), match in zip(texts_, found, strict=True):
                figures[number][name] = 0.0 if match is None else match.similarity
        return figures

    def _read(self, event: Event) -> tuple[int, dict[str, str | Missing]]:
        frame = frame_of(self._core, event)
        at = frame.value(0)
        texts: dict[str, str | Missing] = {}
        for name, slot in self._slots.items():
            value = frame.value(slot)
            assert isinstance(value, str | Missing)
            texts[name] = value
        # Without an instant the event is refused anyway.
        return (int(at) if isinstance(at, float) else 0), texts

    def _matches(self, name: str, texts: Sequence[tuple[str, int]]) -> list[Match | None]:
        shelf = self._shelves[name]
        found: list[Match | None] = [None] * len(texts)
        if not len(shelf.index):
            return found
        sets = [shingles(text) for text, _ in texts]
        prints = fingerprints(sets)
        for number, candidates in enumerate(shelf.index.candidates(prints)):
            if candidates:
                at = texts[number][1]
                found[number] = self._best(shelf, sets[number], prints[number], candidates, at)
        return found

    def _best(
        self,
        shelf: _Shelf,
        wanted: frozenset[str],
        print_: Fingerprints,
        candidates: Sequence[int],
        at: int,
    ) -> Match | None:
        live = [number for number in candidates if at < shelf.expires[number]]
        best, found = 0.0, -1
        for estimate, number in shelf.index.estimates(print_, live)[:COMPARED] if live else ():
            if estimate < best - _MARGIN:
                break
            similarity = jaccard(wanted, _shingles_of(self._sample(shelf, number).text))
            if similarity > best:
                best, found = similarity, number
        return None if found < 0 else Match(self._sample(shelf, found), best)

    def _sample(self, shelf: _Shelf, number: int) -> Sample:
        if number < len(shelf.listed):
            return Sample(shelf.listed[number])
        assert self._file is not None
        return self._file.sample(shelf.ids[number - len(shelf.listed)])


@lru_cache(4096)
def _shingles_of(text: str) -> frozenset[str]:
    """Shingles of samples: a hoax that goes round is met again and again."""
    return shingles(text)


_FOREVER: Final = 2**63 - 1


class _Shelf:
    """The fingerprints of the samples of one name: first those that the policies list.

    Attributes:
        listed: The texts that the policies list.
        ids: The numbers in the file of the others.
        expires: For each, until when it is held against events.
        last: The greatest number in the file that was read.
    """

    def __init__(self, declared: ir.SamplesDef) -> None:
        self.listed = declared.items
        self.ids: list[int] = []
        self.last = 0
        self.expires = [_FOREVER] * len(self.listed)
        self.index = FingerprintIndex()
        self.index.add(fingerprints(map(shingles, self.listed)))
        self._places: dict[int, int] = {}

    def extend(self, rows: _Rows) -> None:
        """Take up what a file has."""
        first = len(self.expires)
        self.ids += rows.ids
        self.expires += [_FOREVER if end is None else end for end in rows.expires]
        for place, id in enumerate(rows.ids, first):  # noqa: A001 - the word for it
            self._places[id] = place
        for replaced in rows.replaced:
            if replaced in self._places:
                # It was said anew, perhaps with another end.
                self.expires[self._places[replaced]] = -_FOREVER
        self.index.add(rows.prints)
        self.last = rows.ids[-1] if rows.ids else self.last


class _Rows(NamedTuple):
    ids: list[int]
    expires: list[int | None]
    replaced: list[int]
    prints: Fingerprints


_SCHEMA: Final = """
CREATE TABLE about (format INTEGER NOT NULL, method TEXT NOT NULL);
CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    added INTEGER,
    expires INTEGER,
    replaces INTEGER,
    print BLOB NOT NULL
);
CREATE INDEX texts ON samples (name, text);
"""


class _File:
    """The file: rows are only ever added, so that readers need but look for what is behind the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = -1
        try:
            self._open()
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        """Make the tables of a new file, and see that those of another are as they should be."""
        self._db.execute("PRAGMA journal_mode = WAL")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            tables = self._db.execute("SELECT name FROM sqlite_master").fetchall()
            if not tables:
                for statement in _SCHEMA.split(";")[:-1]:
                    self._db.execute(statement)
                self._db.execute("INSERT INTO about VALUES (?, ?)", (FORMAT, METHOD))
        if tables and ("about",) not in tables:
            raise self._refused("it holds no samples")
        ((version, method),) = self._db.execute("SELECT format, method FROM about")
        if version != FORMAT:
            raise self._refused(f"it has format {version}; this version reads {FORMAT}")
        if method != METHOD:
            self._print_again()

    def _print_again(self) -> None:
        """Make all fingerprints anew: the way of making them changed."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            rows = self._db.execute("SELECT id, text FROM samples").fetchall()
            prints = fingerprints(shingles(text) for _, text in rows)
            self._db.executemany(
                "UPDATE samples SET print = ? WHERE id = ?",
                [
                    (print_.tobytes(), id)
                    for (id, _), print_ in zip(rows, prints, strict=True)  # noqa: A001
                ],
            )
            self._db.execute("UPDATE about SET method = ?", (METHOD,))

    def _refused(self, why: object) -> SampleError:
        return SampleError(f"`{self._path}`: {why}")

    def close(self) -> None:
        self._db.close()

    def changed(self) -> bool:
        """Whether anybody wrote since this was asked; the first time it is true."""
        try:
            ((version,),) = self._db.execute("PRAGMA data_version")
        except sqlite3.Error as error:
            raise self._refused(error) from error
        changed: bool = version != self._seen
        self._seen = version
        return changed

    def rows(self, name: str, after: int) -> _Rows:
        """What was added to the samples of a name after a row."""
        try:
            rows = self._db.execute(
                # The index on names would be gone through from its beginning.
                "SELECT id, expires, replaces, print FROM samples "
                "WHERE id > ? AND +name = ? ORDER BY id",
                (after, name),
            ).fetchall()
        except sqlite3.Error as error:
            raise self._refused(error) from error
        prints = np.frombuffer(b"".join([row[3] for row in rows]), dtype="<u4")
        if len(prints) != len(rows) * BANDS * ROWS:
            raise self._refused("it holds a fingerprint of another length")
        return _Rows(
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows if row[2] is not None],
            prints.reshape(len(rows), BANDS * ROWS).astype(np.uint32, copy=False),
        )

    def sample(self, id: int) -> Sample:
        """The sample of a row."""
        try:
            row = self._db.execute(
                "SELECT text, source, added, expires FROM samples WHERE id = ?", (id,)
            ).fetchone()
        except sqlite3.Error as error:
            raise self._refused(error) from error
        return Sample(*row)

    def add(self, name: str, samples: Iterable[Sample]) -> int:
        """Append those that tell something new."""
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                fresh: dict[str, tuple[Sample, int | None]] = {}
                for sample in samples:
                    known = self._db.execute(
                        "SELECT id, source, added, expires FROM samples "
                        "WHERE name = ? AND text = ? ORDER BY id DESC LIMIT 1",
                        (name, sample.text),
                    ).fetchone()
                    told = (sample.source, sample.added, sample.expires)
                    if known is None or known[1:] != told:
                        fresh[sample.text] = sample, None if known is None else known[0]
                    else:
                        fresh.pop(sample.text, None)
                prints = fingerprints(map(shingles, fresh))
                self._db.executemany(
                    "INSERT INTO samples (name, text, source, added, expires, replaces, print) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            name,
                            sample.text,
                            sample.source,
                            sample.added,
                            sample.expires,
                            replaced,
                            print_.astype("<u4").tobytes(),
                        )
                        for (sample, replaced), print_ in zip(fresh.values(), prints, strict=True)
                    ],
                )
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise self._refused(error) from error
        # Its own writing does not change what a connection is told.
        self._seen = -1
        return len(fresh)


# ── Lines of JSON ────────────────────────────────────────────────────────────────────────────────

_KEYS: Final = frozenset({"text", "source", "date", "expires"})


def read_samples(path: str | Path) -> Iterator[Sample]:
    """The samples in a file of JSON lines, as they are read.

    Each line is a JSON object with a ``text``, and perhaps a ``source``, a ``date`` when it was
    added, and when it ``expires``. These are RFC 3339 instants, or dates, which begin at midnight
    in UTC.

    Raises:
        SampleError: if the file cannot be read, or a line is not such an object.
    """
    try:
        with closing(Path(path).open(encoding="utf-8")) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _sample(f"`{path}`, line {number}", line)
    except OSError as error:
        raise SampleError(f"`{path}`: {(error.strerror or 'it cannot be read').lower()}") from None
    except UnicodeDecodeError:
        raise SampleError(f"`{path}` is not text in UTF-8") from None


def _sample(where: str, line: str) -> Sample:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise SampleError(f"{where}: expected JSON: {error}") from None
    if not isinstance(value, dict) or not isinstance(value.get("text"), str) or not value["text"]:
        raise SampleError(f"{where}: expected an object with a `text`")
    strange = sorted(value.keys() - _KEYS)
    if strange:
        raise SampleError(f"{where}: expected {_listed(_KEYS)}, got `{strange[0]}`")
    source = value.get("source", "")
    if not isinstance(source, str):
        raise SampleError(f"{where}: `source` is a text")
    return Sample(
        value["text"], source, _instant(where, value, "date"), _instant(where, value, "expires")
    )


def _instant(where: str, value: Mapping[str, Any], key: str) -> int | None:
    given = value.get(key)
    if given is None:
        return None
    for kind, size in ((Scalar("date"), _DAY), (Scalar("instant"), 1)):
        try:
            found = convert(kind, given)
        except ConversionError:
            continue
        assert isinstance(found, float)
        return int(found) * size
    raise SampleError(f"{where}: `{key}` is a date or an instant as of RFC 3339 with an offset")


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in sorted(keys))
