"""A ledger in a database: the chain, who its facts are about, the outbox, positions in sources.

One writer at a time, so the chain is one for all. Everything that a transaction needs of the past comes
in one statement, however many parties it asks for.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    URL,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Update,
    bindparam,
    column,
    func,
    insert,
    inspect,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from clausal.enforcement.chain import Broken, Entry, Head, check, link
from clausal.enforcement.dialects import PATIENCE, Dialect
from clausal.enforcement.facts import AnyFact, decode, encode
from clausal.enforcement.ledger import LedgerError, Message, Waiting
from clausal.enforcement.schema import (
    VERSION,
    VERSION_TABLE,
    State,
    entries,
    messages,
    parties,
    positions,
)

_PAGE: Final = 5_000
"""Rows that are read, or told about, at once where all are read."""


class DatabaseLedger:
    """As `clausal.enforcement.ledger.Ledger`, in a database whose tables are there.

    `clausal.enforcement.opening.open_ledger` makes one from an address.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = Queries(database.dialect)
        self._outbox = DatabaseOutbox(database)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[DatabaseTransaction]:
        """See `Ledger.transaction`.

        When the connection is lost while it is committed, nobody can tell whether it was: that is a
        `LedgerError`, and whoever does the work again finds the facts there or not.
        """
        with self._database.writing() as connection:
            with self._database.refusals():
                self._database.dialect.lock(connection)
                head = self._queries.head(connection)
            made = DatabaseTransaction(self._database, self._queries, connection, head)
            yield made
            made.finish()

    @property
    def head(self) -> Head:
        """See `Ledger.head`."""
        with self._database.reading() as connection:
            return self._queries.head(connection)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See `Ledger.entries`; page by page, so a slow reader holds nothing up."""
        while True:
            with self._database.reading() as connection:
                page = self._queries.since(connection, after, _PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].seq

    def about(self, party: str) -> Sequence[AnyFact]:
        """See `Ledger.about`."""
        with self._database.reading() as connection:
            return self._queries.about(connection, [party])[party]

    def facts(self, ids: Collection[str]) -> Mapping[str, AnyFact]:
        """See `Ledger.facts`."""
        with self._database.reading() as connection:
            return self._queries.facts(connection, ids)

    def verify(
        self, head: Head | None = None, progress: Callable[[int], None] | None = None
    ) -> Broken | None:
        """See `Ledger.verify`; also what the facts are found by must be what they say.

        It streams: the memory that it takes does not grow with the ledger.
        """
        with self._database.reading(steady=True) as connection:
            try:
                with contextlib.closing(_rows(connection, progress or (lambda _: None))) as rows:
                    return check(rows, head)
            except _AstrayError as astray:
                return astray.broken

    def position(self, source: str) -> str | None:
        """See `Ledger.position`."""
        wanted = select(positions.c.position).where(positions.c.source == stored(source))
        with self._database.reading() as connection:
            found = connection.scalar(wanted)
        return None if found is None else told(found)

    @property
    def outbox(self) -> DatabaseOutbox:
        """See `Ledger.outbox`."""
        return self._outbox

    def close(self) -> None:
        """See `Ledger.close`."""
        self._database.engine.dispose()


class Database:
    """The connections of one ledger, and what becomes of what the database refuses."""

    def __init__(self, dialect: Dialect, url: URL, name: str) -> None:
        """Use a database, which is not touched yet.

        Args:
            dialect: Which kind it is.
            url: Its address.
            name: What messages call it: without passwords.
        """
        self.engine = dialect.engine(url)
        self.dialect = dialect
        self.name = name
        # The threads of a process queue here: a database that is asked again and again for its lock
        # gives it to whoever asks at the right moment.
        self._turn = threading.Lock()
        self._writer: int | None = None

    @contextlib.contextmanager
    def reading(self, *, steady: bool = False) -> Iterator[Connection]:
        """A connection; if ``steady``, all its statements see the ledger of one moment."""
        with self.refusals(), self.engine.connect() as connection:
            yield connection.execution_options(**self.dialect.reading(steady=steady))

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end, unless that is an error."""
        if self._writer == threading.get_ident():
            raise LedgerError("a transaction of this thread is open: end it first")
        if not self._turn.acquire(timeout=PATIENCE):
            raise self._busy()
        try:
            self._writer = threading.get_ident()
            with contextlib.ExitStack() as stack:
                with self.refusals():
                    connection = self.engine.connect().execution_options(writing=True)
                    stack.callback(connection.close)
                    transaction = connection.begin()
                yield connection
                with self.refusals():
                    transaction.commit()
        finally:
            self._writer = None
            self._turn.release()

    @contextlib.contextmanager
    def refusals(self) -> Iterator[None]:
        """What the database refuses, or should not hold, as an error without passwords and values.

        Raises:
            LedgerError: in place of the database's errors.
        """
        try:
            yield
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError) and self.dialect.busy(error):
                raise self._busy() from error
            raise LedgerError(f"cannot use the ledger `{self.name}`: {_reason(error)}") from error
        except msgspec.MsgspecError as error:
            raise LedgerError(
                f"the ledger `{self.name}` holds something that is no fact to this program",
                hint="`clausal ledger verify` tells whether somebody changed it; else a newer version "
                "of Clausal wrote it",
            ) from error

    def _busy(self) -> LedgerError:
        return LedgerError(
            f"the ledger `{self.name}` is busy: somebody else has been writing for {PATIENCE} s"
        )

    def version(self, connection: Connection) -> str | None:
        """The version of the tables; None: there are none."""
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        version: str | None = connection.scalar(select(column("version_num")).select_from(_VERSION))
        return version

    def prepare(self, *, create: bool, upgrade: bool) -> str | None:
        """See to it that the tables are there and of the version that this code works on.

        Args:
            create: Make them if they are not there.
            upgrade: Bring them up to this version if they are older.

        Returns:
            The version before; None: there were no tables.

        Raises:
            LedgerError: if they are newer; if they are older or not there, and may not be made.
        """
        with self.reading() as connection:
            before = self._fitting(connection)
        if before == VERSION:
            return before
        if before is None and not create:
            raise LedgerError(
                f"there is no ledger in `{self.name}`", hint="`clausal ledger init` makes one"
            )
        if before is not None and not upgrade:
            raise LedgerError(
                f"the ledger `{self.name}` is of version {before}, this is version {VERSION}",
                hint="`clausal ledger upgrade` brings it up to this version",
            )
        # Only now, as it takes longer to load than a ledger to open.
        from clausal.enforcement import migrations  # noqa: PLC0415

        with self.writing() as connection, self.refusals():
            self.dialect.lock(connection)
            # Somebody else may have been here first.
            before = self._fitting(connection)
            if before != VERSION:
                migrations.upgrade(connection)
        return before

    def _fitting(self, connection: Connection) -> str | None:
        version = self.version(connection)
        if version is not None and version > VERSION:
            raise LedgerError(
                f"the ledger `{self.name}` is of version {version}, newer than the {VERSION} that "
                "this program knows",
                hint="a newer version of Clausal has changed it; use that",
            )
        # On a server a ledger may be one of many things; a file named by mistake is left as it is.
        if version is None and connection.dialect.name == "sqlite":
            others = inspect(connection).get_table_names()
            if others:
                raise LedgerError(
                    f"`{self.name}` is a database of something else: it has a table `{others[0]}`",
                    hint="a ledger in SQLite is a file of its own",
                )
        return version


_VERSION: Final = table(VERSION_TABLE)


def _reason(error: SQLAlchemyError) -> str:
    """The first line of what the database says, and no statement: that would hold values."""
    cause = getattr(error, "orig", None) or error
    line = str(cause).strip().partition("\n")[0].removesuffix(".")
    return line[:1].lower() + line[1:] if line else type(cause).__name__


# ── Names, as a database may hold them ───────────────────────────────────────────────────────────


def stored(name: str) -> str:
    """A name without U+0000, which no text of PostgreSQL may hold; `told` is the way back."""
    if "\0" in name or "\\" in name:
        return name.replace("\\", r"\\").replace("\0", r"\0")
    return name


def told(text: str) -> str:
    """The name that was stored so."""
    if "\\" not in text:
        return text
    return "\\".join(part.replace(r"\0", "\0") for part in text.split(r"\\"))


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────


class Queries:
    """The statements that read facts, made once for a ledger."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._head = select(entries.c.seq, entries.c.hash).order_by(entries.c.seq.desc()).limit(1)
        named = select(parties.c.seq).where(dialect.among(parties.c.party))
        # Each fact once, however many of the parties it names: it says itself whom it is about.
        self._about = _data().where(entries.c.seq.in_(named)).order_by(entries.c.seq)
        self._facts = _data().where(dialect.among(entries.c.id))
        self._since = (
            select(entries.c.seq, entries.c.data, entries.c.hash)
            .where(entries.c.seq > bindparam("after"))
            .order_by(entries.c.seq)
            .limit(bindparam("count"))
        )

    def head(self, connection: Connection) -> Head:
        """The end of the ledger."""
        last = connection.execute(self._head).one_or_none()
        return Head() if last is None else Head(last.seq, last.hash)

    def since(self, connection: Connection, after: int, count: int) -> list[Entry]:
        """The next entries after a number, at most so many."""
        found = connection.execute(self._since, {"after": after, "count": count})
        return [Entry(seq, decode(data), data, digest) for seq, data, digest in found]

    def about(self, connection: Connection, wanted: Collection[str]) -> dict[str, list[AnyFact]]:
        """The facts that name each of some parties."""
        found: dict[str, list[AnyFact]] = {party: [] for party in wanted}
        if found:
            for fact in self._decoded(connection, self._about, found):
                for party in fact.parties:
                    if party in found:
                        found[party].append(fact)
        return found

    def facts(self, connection: Connection, ids: Collection[str]) -> dict[str, AnyFact]:
        """Those of some facts that there are."""
        if not ids:
            return {}
        found = {fact.id: fact for fact in self._decoded(connection, self._facts, ids)}
        return {one: found[one] for one in ids if one in found}

    def _decoded(
        self, connection: Connection, query: Select[bytes], names: Collection[str]
    ) -> Iterator[AnyFact]:
        bound = self._dialect.names([stored(name) for name in names])
        return (decode(data) for (data,) in connection.execute(query, {"names": bound}))


def _data() -> Select[bytes]:
    return select(entries.c.data)


class DatabaseTransaction:
    """See `clausal.enforcement.ledger.Transaction`."""

    def __init__(
        self, database: Database, queries: Queries, connection: Connection, head: Head
    ) -> None:
        self.head = head
        self._database = database
        self._queries = queries
        self._connection = connection
        self._added: set[str] = set()
        self._failed = False

    def since(self, seq: int) -> Sequence[Entry]:
        """See `Transaction.since`."""
        if seq >= self.head.seq:
            return []
        with self._using():
            return self._queries.since(self._connection, seq, self.head.seq - seq)

    def about(self, parties: Collection[str]) -> Mapping[str, Sequence[AnyFact]]:
        """See `Transaction.about`."""
        with self._using():
            return self._queries.about(self._connection, parties)

    def facts(self, ids: Collection[str]) -> Mapping[str, AnyFact]:
        """See `Transaction.facts`."""
        with self._using():
            return self._queries.facts(self._connection, ids)

    def append(self, facts: Sequence[AnyFact], messages: Sequence[Message] = ()) -> None:
        """See `Transaction.append`."""
        with self._using():
            seq, digest = self.head.seq, self.head.hash
            chain: list[tuple[int, str, bytes, bytes]] = []
            named: list[tuple[str, int]] = []
            for fact in facts:
                seq, data = seq + 1, encode(fact)
                digest = link(digest, data)
                chain.append((seq, stored(fact.id), data, digest))
                named += [(stored(party), seq) for party in dict.fromkeys(fact.parties)]
            # Neighbours in the table are quicker to add one after the other.
            named.sort()
            insert_rows = self._database.dialect.insert
            try:
                insert_rows(self._connection, entries, chain)
            except IntegrityError as error:
                raise self._taken(facts) from error
            insert_rows(self._connection, parties, named)
            if messages:
                self._post(messages)
            self.head = Head(seq, digest)
            self._added.update(fact.id for fact in facts)

    def _post(self, posted: Sequence[Message]) -> None:
        last = self._connection.scalar(select(func.max(messages.c.number))) or 0
        self._database.dialect.insert(
            self._connection,
            messages,
            [
                (number, stored(one.id), stored(one.key), one.action, one.body, 0, 0, 0, "")
                for number, one in enumerate(posted, last + 1)
            ],
        )

    def _taken(self, facts: Sequence[AnyFact]) -> Exception:
        """Why facts were not unique: seldom, so it may take its time."""
        ids = [fact.id for fact in facts]
        taken = {one for one in ids if one in self._added or ids.count(one) > 1}
        if not taken:
            with self._database.reading() as connection:
                taken.update(self._queries.facts(connection, ids))
        if taken:
            return ValueError(f"there is a fact `{min(taken)}` already")
        return LedgerError(f"somebody wrote to the ledger `{self._database.name}` out of turn")

    def move(self, source: str, position: str) -> None:
        """See `Transaction.move`."""
        values = {"position": stored(position)}
        with self._using():
            of_source = positions.c.source == stored(source)
            moved = self._connection.execute(update(positions).where(of_source).values(values))
            if not moved.rowcount:
                self._connection.execute(insert(positions).values(source=stored(source), **values))

    def finish(self) -> None:
        """See to it that no transaction is kept of which a part was refused.

        Raises:
            LedgerError: if one was.
        """
        if self._failed:
            raise LedgerError("a part of the transaction was refused: nothing of it is kept")

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        self.finish()
        try:
            with self._database.refusals():
                yield
        except BaseException:
            self._failed = True
            raise


# ── Verifying ────────────────────────────────────────────────────────────────────────────────────


class _Named(msgspec.Struct):
    """What of a fact its tables repeat."""

    id: str
    parties: tuple[str, ...]


class _AstrayError(Exception):
    """The chain is whole, and what finds its entries is not."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(what)
        self.broken = Broken(seq, what)


def _rows(
    connection: Connection, progress: Callable[[int], None]
) -> Generator[tuple[int, bytes, bytes]]:
    """The rows of the chain; of each, once it was found to be right, what it is found by is checked.

    Raises:
        _AstrayError: if that is not what the fact says.
    """
    decoder = msgspec.json.Decoder(_Named)
    links = select(entries.c.seq, entries.c.id, entries.c.data, entries.c.hash)
    lists = select(parties.c.seq, parties.c.party).order_by(parties.c.seq)
    streaming = connection.execution_options(yield_per=_PAGE)
    count = 0
    with (
        streaming.execute(lists) as listed,
        streaming.execute(links.order_by(entries.c.seq)) as chained,
    ):
        pending = next(listed, None)
        for seq, name, data, digest in chained:
            yield seq, data, digest
            fact = decoder.decode(data)
            if name != stored(fact.id):
                raise _AstrayError(seq, f"entry {seq} is listed under another name than its own")
            found: set[str] = set()
            while pending is not None and pending[0] <= seq:
                found.add(pending[1])
                pending = next(listed, None)
            if found != {stored(party) for party in fact.parties}:
                raise _AstrayError(seq, f"entry {seq} is listed under other parties than its own")
            count += 1
            if count % _PAGE == 0:
                progress(count)
        if pending is not None:
            seq, party = pending
            raise _AstrayError(seq, f"entry {seq} is missing, and still listed under `{party}`")
    progress(count)


# ── The outbox ───────────────────────────────────────────────────────────────────────────────────


class DatabaseOutbox:
    """See `clausal.enforcement.ledger.Outbox`. What was sent stays, with the instant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, at: int, limit: int) -> Sequence[Waiting]:
        """See `Outbox.due`."""
        # In the order of the numbers, each asks the index of its key whether it is the first, until
        # there are enough: however many wait.
        same = messages.alias()
        first = (
            select(func.min(same.c.number))
            .where(same.c.state == _LITERAL_WAITING, same.c.key == messages.c.key)
            .scalar_subquery()
        )
        return self._read(
            select(*_WAITING)
            .where(
                messages.c.state == _LITERAL_WAITING,
                messages.c.due <= at,
                messages.c.number == first,
            )
            .order_by(messages.c.number)
            .limit(limit)
        )

    def sent(self, numbers: Collection[int], at: int) -> None:
        """See `Outbox.sent`."""
        self._change(_numbered(State.WAITING), numbers, state=State.SENT, sent=at)

    def failed(self, number: int, due: int, error: str) -> None:
        """See `Outbox.failed`."""
        self._change(
            _numbered(State.WAITING),
            [number],
            attempts=messages.c.attempts + 1,
            due=due,
            error=stored(error),
        )

    def bury(self, number: int, error: str) -> None:
        """See `Outbox.bury`."""
        self._change(
            _numbered(State.WAITING),
            [number],
            state=State.DEAD,
            attempts=messages.c.attempts + 1,
            error=stored(error),
        )

    def dead(self) -> Sequence[Waiting]:
        """See `Outbox.dead`."""
        return self._read(
            select(*_WAITING).where(messages.c.state == _LITERAL_DEAD).order_by(messages.c.number)
        )

    def revive(self, numbers: Collection[int] | None, due: int) -> int:
        """See `Outbox.revive`."""
        every = update(messages).where(messages.c.state == _LITERAL_DEAD)
        return self._change(
            every if numbers is None else _numbered(State.DEAD),
            numbers,
            state=State.WAITING,
            attempts=0,
            due=due,
            error="",
        )

    def waiting(self) -> int:
        """See `Outbox.waiting`."""
        count = select(func.count()).where(messages.c.state == _LITERAL_WAITING)
        with self._database.reading() as connection:
            return connection.scalar(count) or 0

    def _read(self, query: Select[Any]) -> list[Waiting]:
        with self._database.reading(steady=True) as connection:
            self._database.dialect.by_index(connection)
            return [
                Waiting(
                    number,
                    Message(told(name), told(key), action, body),
                    attempts,
                    due,
                    told(error),
                )
                for number, name, key, action, body, attempts, due, error in connection.execute(
                    query
                )
            ]

    def _change(self, query: Update, numbers: Collection[int] | None, **values: object) -> int:
        """Change messages, and return how many there were; of ``numbers``, each by its own."""
        if numbers is not None and not numbers:
            return 0
        changed = query.values(**values)
        with self._database.writing() as connection, self._database.refusals():
            if numbers is None:
                return connection.execute(changed).rowcount
            return connection.execute(changed, [{"chosen": one} for one in numbers]).rowcount


# Not bound: only of what it sees in the statement does the server know that the partial indexes have it.
_LITERAL_WAITING: Final[ColumnElement[int]] = literal_column(str(int(State.WAITING)))
_LITERAL_DEAD: Final[ColumnElement[int]] = literal_column(str(int(State.DEAD)))

_WAITING: Final = (
    messages.c.number,
    messages.c.id,
    messages.c.key,
    messages.c.action,
    messages.c.body,
    messages.c.attempts,
    messages.c.due,
    messages.c.error,
)


def _numbered(state: State) -> Update:
    chosen: BindParameter[int] = bindparam("chosen", required=True)
    return update(messages).where(messages.c.number == chosen, messages.c.state == state)
