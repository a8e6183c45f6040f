"""Ledgers of every kind."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.support.postgres import Server, postgres

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes an address of a new ledger in a database, of one kind after the other."""
    if request.param == "sqlite":
        numbers = count()
        return lambda: str(tmp_path / f"ledger-{next(numbers)}.db")
    server: Server = request.getfixturevalue("postgres")
    return server.database
