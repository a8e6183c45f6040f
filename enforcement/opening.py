"""Ledgers by their addresses.

``memory:`` is one that is gone with the process. A path, or ``sqlite:///path``, is a file.
``postgresql://user:password@host:port/database`` is on a server.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from clausal.enforcement.ledger import Ledger, LedgerError
from clausal.enforcement.memory import MemoryLedger

if TYPE_CHECKING:
    from sqlalchemy import URL

    from clausal.enforcement.database import Database

MEMORY: Final = "memory:"
_FORMS: Final = "it is a file, `postgresql://USER@HOST/DATABASE`, or `memory:`"


def open_ledger(url: str, *, create: bool | None = None) -> Ledger:
    """Open a ledger.

    Args:
        url: Its address.
        create: Make it if it is not there, and bring it up to this version if it is older. By default
            that is done to files, which need no set-up, and not to what is on a server.

    Raises:
        LedgerError: if it is not there, is of another version, or cannot be reached.
    """
    if url == MEMORY:
        return MemoryLedger()
    address = _address(url)
    if create is None:
        create = address.get_backend_name() == "sqlite"
    database = _database(address, create=create)
    from clausal.enforcement.database import DatabaseLedger  # noqa: PLC0415

    try:
        database.prepare(create=create, upgrade=create)
    except BaseException:
        database.engine.dispose()
        raise
    return DatabaseLedger(database)


def make_ledger(url: str) -> bool:
    """Make a ledger, and return whether it was not there before.

    Raises:
        LedgerError: if there is one of another version, or it cannot be reached.
    """
    return _prepare(url, create=True) is None


def upgrade_ledger(url: str) -> tuple[str, str]:
    """Bring a ledger up to the version of this program.

    Returns:
        Its version before, and now.

    Raises:
        LedgerError: if it is not there, is newer, or cannot be reached.
    """
    before = _prepare(url, create=False)
    from clausal.enforcement.schema import VERSION  # noqa: PLC0415

    return before or VERSION, VERSION


def _prepare(url: str, *, create: bool) -> str | None:
    if url == MEMORY:
        raise LedgerError("a ledger in memory is gone with the program that has it")
    database = _database(_address(url), create=create)
    try:
        return database.prepare(create=create, upgrade=not create)
    finally:
        database.engine.dispose()


def _address(text: str) -> URL:
    try:
        from sqlalchemy import URL, make_url  # noqa: PLC0415
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _lacking(error, "enforce") from error
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        # The other name of it that PostgreSQL's own programs take.
        url = make_url(text.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError) as error:
        raise LedgerError("this is no address of a ledger", hint=_FORMS) from error
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise LedgerError(f"there are no ledgers in `{url.get_backend_name()}`", hint=_FORMS)
    if "@" in (url.host or ""):
        # The rest of the password would be taken, and shown, for the host.
        raise LedgerError(
            "this is no address of a ledger", hint="in a password `@` is written `%40`"
        )
    if url.get_backend_name() == "sqlite" and url.query:
        raise LedgerError("the address of a file takes no options", hint=_FORMS)
    return url


def _database(url: URL, *, create: bool) -> Database:
    try:
        from clausal.enforcement.database import Database  # noqa: PLC0415
        from clausal.enforcement.dialects import PostgreSQL, SQLite  # noqa: PLC0415

        if url.get_backend_name() == "postgresql":
            return Database(PostgreSQL(), url, _shown(url))
    except ModuleNotFoundError as error:
        raise _lacking(error, "enforce,postgresql") from error
    path = url.database or ""
    if path in {"", ":memory:"}:
        raise LedgerError("a ledger in SQLite is a file, and none is named", hint=_FORMS)
    if not create and not Path(path).exists():
        raise LedgerError(f"there is no ledger in `{path}`", hint="`clausal ledger init` makes one")
    return Database(SQLite(), url, path)


def _shown(url: URL) -> str:
    """An address without what only its owner may know."""
    hidden = [name for name in url.query if "password" in name]
    return url.difference_update_query(hidden).render_as_string(hide_password=True)


def _lacking(error: ModuleNotFoundError, extra: str) -> LedgerError:
    return LedgerError(
        f"a ledger in a database needs `{error.name}`, which is not installed",
        hint=f"pip install 'clausal[{extra}]'",
    )
