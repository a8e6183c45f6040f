"""The chain of facts, who they are about, the outbox, and positions in sources of events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_KEPT = ("clausal_entry", "clausal_party")
"""The tables whose rows are never changed and never taken away."""


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "clausal_entry",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", _NAME, nullable=False, unique=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "clausal_party",
        sa.Column("party", _NAME, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "clausal_message",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", _NAME, nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("sent", sa.BigInteger),
    )
    for name, columns, state in (
        ("clausal_message_waiting", ["number"], 0),
        ("clausal_message_of_key", ["key", "number"], 0),
        ("clausal_message_dead", ["number"], 2),
    ):
        where = sa.text(f"state = {state}")
        op.create_index(
            name, "clausal_message", columns, sqlite_where=where, postgresql_where=where
        )
    op.create_table(
        "clausal_position",
        sa.Column("source", _NAME, primary_key=True),
        sa.Column("position", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _refuse_in_sqlite()
    else:
        _refuse_in_postgresql()


def _refuse_in_sqlite() -> None:
    for table in _KEPT:
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'facts are never changed or deleted'); END"
            )


def _refuse_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION clausal_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'facts are never changed or deleted'; END $$"
    )
    for table in _KEPT:
        # For each statement, so that one that would meet no row is refused as well.
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION clausal_refuse()"
        )
