"""Ledgers in databases: what the one in memory is, and what only a database can be asked."""

from __future__ import annotations

import contextlib
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from clausal.enforcement import database, dialects
from clausal.enforcement.chain import Head
from clausal.enforcement.database import DatabaseLedger, stored, told
from clausal.enforcement.facts import AnyFact, Appealed, Ended, Reviewed
from clausal.enforcement.ledger import Ledger, LedgerError, Message
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.migrations import versions
from clausal.enforcement.opening import make_ledger, open_ledger, upgrade_ledger
from clausal.enforcement.schema import VERSION, VERSION_TABLE, metadata
from tests.support.postgres import Server

Address = Callable[[], str]

# ── The same as in memory ────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(
    ["account:a", "account:b", "content:1", "content:\0", "content:\\0", "人:甲'"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def facts(draw: st.DrawFn) -> AnyFact:
    name = f"f-{draw(st.integers(0, 40))}{draw(st.sampled_from(['', chr(0), '%s', '?', ':x']))}"
    at = draw(st.integers(-(2**60), 2**60))
    parties = tuple(sorted(draw(st.sets(NAMES, max_size=4))))
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return Ended(id=name, at=at, parties=parties, measure=draw(TEXTS), why="fixed")
    if kind == 1:
        return Reviewed(
            id=name, at=at, parties=parties, measure="m", reviewer="r", verdict="approve",
            note=draw(TEXTS),
        )  # fmt: skip
    return Appealed(id=name, at=at, parties=parties, case="c", by=draw(TEXTS), text=draw(TEXTS))


MESSAGES = st.builds(
    Message,
    id=TEXTS,
    key=st.sampled_from(["a", "b", "\0", "\\0"]),
    action=st.sampled_from(["apply", "end"]),
    body=st.binary(max_size=8),
)


@dataclass(frozen=True)
class Batch:
    """What is recorded in a transaction, which may fail at its end."""

    appended: tuple[tuple[tuple[AnyFact, ...], tuple[Message, ...]], ...]
    position: str
    fails: bool

    def end(self) -> None:
        if self.fails:
            raise FailedError


def tuples(inner: st.SearchStrategy[object], size: int) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(inner, max_size=size).map(tuple)


BATCHES = st.builds(
    Batch,
    appended=tuples(st.tuples(tuples(facts(), 4), tuples(MESSAGES, 4)), 3),
    position=TEXTS,
    fails=st.integers(0, 5).map(lambda number: number == 0),
)
NUMBERS = st.lists(st.integers(1, 12), max_size=4)
ACTS = st.one_of(
    BATCHES,
    BATCHES,
    st.tuples(st.just("sent"), NUMBERS, st.integers(0, 9)),
    st.tuples(st.just("failed"), st.integers(1, 12), st.integers(0, 9), TEXTS),
    st.tuples(st.just("bury"), st.integers(1, 12), TEXTS),
    st.tuples(st.just("revive"), st.one_of(st.none(), NUMBERS), st.integers(0, 9)),
)


class FailedError(Exception):
    """What a batch that fails raises."""


def record(ledger: Ledger, batch: Batch) -> object:
    """Record a batch, and return all that the transaction shows, and how it ended."""
    seen: list[object] = []
    try:
        with ledger.transaction() as writing:
            for appended, messages in batch.appended:
                writing.append(appended, messages)
                wanted = ["account:a", "content:\0", "content:\\0", "nobody"]
                seen += [
                    writing.head,
                    list(writing.since(2)),
                    {party: list(about) for party, about in writing.about(wanted).items()},
                    dict(writing.facts([fact.id for fact in appended] + ["none"])),
                ]
            writing.move("events", batch.position)
            batch.end()
    except (ValueError, FailedError) as error:
        # Which of several names that are taken is told first is left open.
        seen.append(type(error))
    return seen


def act(ledger: Ledger, what: Batch | tuple[object, ...]) -> object:
    if isinstance(what, Batch):
        return record(ledger, what)
    name, *arguments = what
    return getattr(ledger.outbox, str(name))(*arguments)


def state(ledger: Ledger) -> object:
    """All that a ledger shows."""
    outbox = ledger.outbox
    return [
        ledger.head,
        list(ledger.entries()),
        list(ledger.entries(2)),
        [list(ledger.about(party)) for party in ("account:a", "content:\0", "人:甲'", "nobody")],
        ledger.position("events"),
        ledger.position("others"),
        ledger.verify(),
        outbox.waiting(),
        list(outbox.dead()),
        [list(outbox.due(at, limit)) for at in (0, 4, 9) for limit in (1, 10)],
    ]


@given(acts=st.lists(ACTS, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_database_is_what_memory_is(
    wiped: Callable[[], contextlib.AbstractContextManager[DatabaseLedger]],
    acts: Sequence[Batch | tuple[object, ...]],
) -> None:
    plain = MemoryLedger()
    with wiped() as ledger:
        for what in acts:
            assert act(ledger, what) == act(plain, what)
        assert state(ledger) == state(plain)


@pytest.fixture
def wiped(
    address: Address,
) -> Iterator[Callable[[], contextlib.AbstractContextManager[DatabaseLedger]]]:
    """One ledger for many examples: each begins in it as if it were new."""
    ledger = opened(address())

    @contextlib.contextmanager
    def use() -> Iterator[DatabaseLedger]:
        yield ledger
        forget(ledger)

    yield use
    ledger.close()


def opened(url: str) -> DatabaseLedger:
    ledger = open_ledger(url, create=True)
    assert isinstance(ledger, DatabaseLedger)
    return ledger


def forget(ledger: DatabaseLedger) -> None:
    """Empty the tables, which needs the triggers out of the way."""
    with tampering(ledger) as run:
        for table in metadata.sorted_tables:
            run(f"DELETE FROM {table.name}")  # noqa: S608 - the tables are ours


@contextlib.contextmanager
def tampering(ledger: DatabaseLedger) -> Iterator[Callable[[str], object]]:
    """Runs statements as somebody who may do everything, and goes around the triggers."""
    with ledger._database.engine.begin() as connection:

        def run(statement: str) -> object:
            return connection.execute(text(statement))

        if connection.dialect.name == "postgresql":
            run("SET LOCAL session_replication_role = replica")
            yield run
            return
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = list(connection.execute(text(query)))
        for name, _ in triggers:
            run(f"DROP TRIGGER {name}")
        yield run
        for _, sql in triggers:
            run(sql)


# ── Nothing is changed, or somebody knows ────────────────────────────────────────────────────────


def ended(number: int) -> Ended:
    parties = ("account:a", f"content:{number}")
    return Ended(id=f"e-{number}", at=number, parties=parties, measure="m", why="fixed")


@pytest.fixture
def filled(address: Address) -> Iterator[DatabaseLedger]:
    """A ledger of five entries."""
    ledger = opened(address())
    for number in range(1, 6):
        with ledger.transaction() as writing:
            writing.append([ended(number)], [Message(f"e-{number}", "a", "end", b"{}")])
    yield ledger
    ledger.close()


@pytest.mark.parametrize("table", ["clausal_entry", "clausal_party"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET seq = seq", "DELETE FROM {}"])
def test_the_database_keeps_facts_from_being_changed(
    filled: DatabaseLedger, table: str, statement: str
) -> None:
    with (
        pytest.raises(LedgerError, match="facts are never changed or deleted"),
        filled._database.writing() as connection,
        filled._database.refusals(),
    ):
        connection.execute(text(statement.format(table)))
    assert filled.head.seq == 5


@pytest.mark.parametrize(
    ("statements", "seq", "what"),
    [
        (["UPDATE clausal_entry SET id = 'e-x' WHERE seq = 3"], 3, "another name"),
        (["DELETE FROM clausal_entry WHERE seq = 2"], 2, "missing"),
        (["DELETE FROM clausal_entry WHERE seq = 1"], 1, "missing"),
        (["UPDATE clausal_entry SET seq = 9 WHERE seq = 5"], 5, "missing"),
        (
            [
                "UPDATE clausal_entry SET seq = 9 WHERE seq = 3",
                "UPDATE clausal_entry SET seq = 3 WHERE seq = 4",
                "UPDATE clausal_entry SET seq = 4 WHERE seq = 9",
            ],
            3,
            "not what was written",
        ),
        (["DELETE FROM clausal_party WHERE seq = 4"], 4, "other parties"),
        (["DELETE FROM clausal_party WHERE seq = 4 AND party = 'account:a'"], 4, "other parties"),
        (["INSERT INTO clausal_party (party, seq) VALUES ('account:b', 2)"], 2, "other parties"),
        (["INSERT INTO clausal_party (party, seq) VALUES ('account:b', 0)"], 1, "other parties"),
        (["DELETE FROM clausal_entry WHERE seq = 5"], 5, "still listed under"),
    ],
)
def test_verify_finds_whoever_went_around_that(
    filled: DatabaseLedger, statements: list[str], seq: int, what: str
) -> None:
    assert filled.verify(filled.head) is None
    with tampering(filled) as run:
        for statement in statements:
            run(statement)
    broken = filled.verify()
    assert broken is not None
    assert broken.seq == seq
    assert what in broken.what


def test_verify_finds_a_changed_fact(filled: DatabaseLedger) -> None:
    cast = {"sqlite": "CAST('{}' AS BLOB)", "postgresql": "convert_to('{}', 'UTF8')"}
    with tampering(filled) as run:
        value = cast[filled._database.engine.dialect.name]
        run(f"UPDATE clausal_entry SET data = {value} WHERE seq = 3")  # noqa: S608 - as above
    broken = filled.verify()
    assert broken is not None
    assert broken.seq == 3
    for read in (
        lambda: filled.about("content:3"),
        lambda: filled.facts(["e-3"]),
        lambda: list(filled.entries()),
    ):
        with pytest.raises(LedgerError, match="is no fact to this program"):
            read()


def test_a_kept_head_shows_that_the_end_is_gone(filled: DatabaseLedger) -> None:
    kept = filled.head
    with tampering(filled) as run:
        run("DELETE FROM clausal_entry WHERE seq > 3")
        run("DELETE FROM clausal_party WHERE seq > 3")
    assert filled.verify() is None
    broken = filled.verify(kept)
    assert broken is not None
    assert broken.seq == 4
    assert filled.verify(Head(3, bytes(32))) is not None


def test_verify_tells_how_far_it_is(filled: DatabaseLedger) -> None:
    told: list[int] = []
    filled.verify(progress=told.append)
    assert told == [5]


def test_nothing_is_kept_of_a_transaction_that_goes_on_after_a_refusal(
    filled: DatabaseLedger,
) -> None:
    def goes_on(ledger: Ledger) -> None:
        with ledger.transaction() as writing:
            writing.append([ended(6)])
            with contextlib.suppress(ValueError):
                writing.append([ended(1)])

    for ledger in (filled, MemoryLedger()):
        if isinstance(ledger, MemoryLedger):
            with ledger.transaction() as writing:
                writing.append([ended(1)])
        before = ledger.head
        with pytest.raises(LedgerError, match="nothing of it is kept"):
            goes_on(ledger)
        assert ledger.head == before
        assert not ledger.facts(["e-6"])


def test_a_transaction_within_one_is_refused_at_once(filled: DatabaseLedger) -> None:
    with (
        pytest.raises(LedgerError, match="a transaction of this thread is open"),
        filled.transaction(),
        filled.transaction(),
    ):
        pass
    assert filled.head.seq == 5


# ── Opening ──────────────────────────────────────────────────────────────────────────────────────


def test_the_migrations_make_the_tables_that_the_queries_expect(filled: DatabaseLedger) -> None:
    with filled._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_the_newest_version_is_the_one_that_is_worked_on() -> None:
    assert versions()[-1] == VERSION


def test_a_ledger_is_made_when_it_is_asked_for(address: Address) -> None:
    url = address()
    with pytest.raises(LedgerError, match="there is no ledger") as caught:
        open_ledger(url, create=False)
    assert "clausal ledger init" in caught.value.hint
    assert make_ledger(url)
    assert not make_ledger(url)
    assert upgrade_ledger(url) == (VERSION, VERSION)
    open_ledger(url, create=False).close()
    open_ledger(url).close()


def test_a_newer_ledger_is_refused(filled: DatabaseLedger) -> None:
    with tampering(filled) as run:
        run(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608 - as above
    with pytest.raises(LedgerError, match="of version 9999, newer than the"):
        filled._database.prepare(create=True, upgrade=True)


def test_an_older_ledger_is_brought_up_only_if_asked(filled: DatabaseLedger) -> None:
    with tampering(filled) as run:
        run(f"UPDATE {VERSION_TABLE} SET version_num = '0000'")  # noqa: S608 - as above
    with pytest.raises(LedgerError, match="is of version 0000") as caught:
        filled._database.prepare(create=True, upgrade=False)
    assert "clausal ledger upgrade" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://u:secret@h/d", "there are no ledgers in `mysql`"),
        ("sqlite://", "none is named"),
        ("sqlite:///:memory:", "none is named"),
        ("postgresql://u:secret@127.0.0.1:1/d", "connection refused"),
        ("postgresql://u@127.0.0.1:1/d?password=secret", "connection refused"),
        ("postgresql://u:secret@h:port/d", "no address of a ledger"),
        ("postgresql://u:a@secret@127.0.0.1:1/d", "no address of a ledger"),
        ("sqlite:///ledger.db?password=secret", "takes no options"),
        ("/nowhere/at/all/ledger.db", "unable to open database file"),
    ],
)
def test_addresses_that_lead_nowhere(url: str, message: str) -> None:
    with pytest.raises(LedgerError, match=f"(?i){message}") as caught:
        open_ledger(url)
    assert "secret" not in f"{caught.value}{caught.value.hint}"
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path: object) -> None:
    path = f"{tmp_path}/notes.txt"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - as its user would name it
        file.write("these are no facts, " * 100)
    with pytest.raises(LedgerError, match="file is not a database"):
        open_ledger(path)


def test_a_database_of_something_else_is_left_alone(tmp_path: object) -> None:
    import sqlite3

    path = f"{tmp_path}/shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.close()
    with pytest.raises(LedgerError, match="something else: it has a table `orders`"):
        open_ledger(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]
    connection.close()


@given(TEXTS | st.text(st.sampled_from("\0\\0a")))
def test_names_come_back_from_a_database(name: str) -> None:
    assert "\0" not in stored(name)
    assert told(stored(name)) == name


# ── How it is asked ──────────────────────────────────────────────────────────────────────────────


def test_hundreds_of_parties_are_one_statement(filled: DatabaseLedger) -> None:
    from sqlalchemy import event

    asked: list[str] = []
    event.listen(
        filled._database.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: asked.append(statement),
    )
    with filled.transaction() as writing:
        asked.clear()
        about = writing.about([f"content:{number}" for number in range(40_000)])
        assert len(asked) == 1
        writing.facts([f"e-{number}" for number in range(40_000)])
        assert len(asked) == 2
        writing.append([ended(number) for number in range(100, 1_100)])
        assert len(asked) == 4
    assert about["content:4"] == [ended(4)]
    assert about["content:100"] == []


def test_a_dropped_connection_is_made_anew(postgres: Server) -> None:
    url = postgres.database()
    ledger = opened(url)
    drop = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'"
        " AND pid <> pg_backend_pid()"
    )

    def loses_it() -> None:
        with ledger.transaction() as writing:
            writing.append([ended(2)])
            postgres.run(drop)

    with ledger.transaction() as writing:
        writing.append([ended(1)])
    postgres.run(drop)
    with ledger.transaction() as writing:
        writing.append([ended(3)])
    with pytest.raises(LedgerError, match="cannot use the ledger"):
        loses_it()
    assert [entry.fact for entry in ledger.entries()] == [ended(1), ended(3)]
    ledger.close()


def test_threads_take_turns(address: Address) -> None:
    ledger = opened(address())

    def write(thread: int) -> None:
        for number in range(10):
            with ledger.transaction() as writing:
                before = len(writing.about(["account:a"])["account:a"])
                assert before == writing.head.seq
                writing.append([ended(100 * thread + number)])
            assert ledger.outbox.waiting() == 0

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert ledger.head.seq == 40
    assert ledger.verify() is None
    ledger.close()


def test_whoever_waits_too_long_for_its_turn_is_told(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "PATIENCE", 0.2)
    url = address()
    first, second = opened(url), opened(url)
    with first.transaction() as writing:
        writing.append([ended(1)])
        with pytest.raises(LedgerError, match="is busy"), second.transaction():
            pass
        # Readers do not wait, and see what is committed.
        assert second.head.seq == 0
    with second.transaction() as writing:
        assert writing.head.seq == 1
    first.close()
    second.close()


def test_verifying_takes_no_more_memory_for_more_entries(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PAGE", 50)
    ledger = opened(address())

    def peak() -> int:
        tracemalloc.start()
        assert ledger.verify() is None
        assert sum(1 for _ in ledger.entries()) == ledger.head.seq
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    def fill(first: int, last: int) -> None:
        with ledger.transaction() as writing:
            writing.append([ended(number) for number in range(first, last)])

    fill(0, 500)
    peak()  # what is made once
    few = peak()
    fill(500, 5_000)
    assert peak() < 1.5 * few
    ledger.close()


def test_programs_need_no_right_to_change_facts(postgres: Server) -> None:
    url = postgres.database()
    name = url.rpartition("/")[2]
    opened(url).close()
    for statement in (
        "DROP ROLE IF EXISTS program",
        "CREATE ROLE program LOGIN",
        "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO program",
        "GRANT UPDATE ON clausal_message, clausal_position TO program",
    ):
        postgres.run(statement, name)
    ledger = open_ledger(url.replace("postgres@", "program@"))
    assert isinstance(ledger, DatabaseLedger)
    for number in (1, 2):
        with ledger.transaction() as writing:
            writing.append([ended(number)], [Message(f"e-{number}", "a", "end", b"{}")])
            writing.move("events", str(number))
    ledger.outbox.sent([1], 0)
    assert ledger.verify(ledger.head) is None
    with (
        pytest.raises(LedgerError, match="permission denied"),
        ledger._database.writing() as connection,
        ledger._database.refusals(),
    ):
        connection.execute(text("DELETE FROM clausal_entry"))
    ledger.close()


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [("x.db", "sqlalchemy", "enforce"), ("postgresql://u@h/d", "psycopg", "enforce,postgresql")],
)
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LedgerError, match=f"needs `{module}`") as caught:
        open_ledger(url)
    assert caught.value.hint == f"pip install 'clausal[{extra}]'"
