"""The tables of a ledger in a database, as its queries see them; `migrations` makes them.

Facts are bytes and not the database's JSON: their hash is over these very bytes, so nothing on the way,
no encoding and no order of keys, may have a say in them.
"""

from __future__ import annotations

import enum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

VERSION: Final = "0001"
"""The version of the tables that this code works on: the newest of the migrations."""

VERSION_TABLE: Final = "clausal_version"
"""Where a database says of which version its tables are."""


class State(enum.IntEnum):
    """What became of a message."""

    WAITING = 0
    SENT = 1
    DEAD = 2


NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Names are compared byte by byte, whatever language a server is set to."""

metadata: Final = MetaData()

entries: Final = Table(
    "clausal_entry",
    metadata,
    # The writer counts, under the lock: a sequence of the database would leave gaps.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", NAME, nullable=False, unique=True),
    Column("data", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The chain: one row for each fact."""

parties: Final = Table(
    "clausal_party",
    metadata,
    Column("party", NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # All that it has is its key, so the key is the table.
    sqlite_with_rowid=False,
)
"""Which facts name a party. It says again what the facts say, for the sake of finding them."""

messages: Final = Table(
    "clausal_message",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", NAME, nullable=False),
    Column("key", NAME, nullable=False),
    Column("action", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("sent", BigInteger),
)
"""The outbox. Messages that were sent stay, with the instant."""

# Partial, so that what was sent costs those that wait nothing.
Index(
    "clausal_message_waiting",
    messages.c.number,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)
Index(
    "clausal_message_of_key",
    messages.c.key,
    messages.c.number,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)
Index(
    "clausal_message_dead",
    messages.c.number,
    sqlite_where=text("state = 2"),
    postgresql_where=text("state = 2"),
)

positions: Final = Table(
    "clausal_position",
    metadata,
    Column("source", NAME, primary_key=True),
    Column("position", Text, nullable=False),
)
"""How far sources of events were read."""
