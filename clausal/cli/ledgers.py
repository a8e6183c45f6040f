"""The ledger that a command works on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from clausal.enforcement.ledger import Ledger

LedgerOption = Annotated[
    str,
    typer.Option(
        "--ledger",
        "-l",
        metavar="LEDGER",
        # An address with a password is better not seen by all who list the processes.
        envvar="CLAUSAL_LEDGER",
        help="A file, or `postgresql://USER@HOST/DATABASE`.",
        show_default=False,
    ),
]


@contextlib.contextmanager
def opened(url: str, *, create: bool | None = False) -> Iterator[Ledger]:
    """The ledger of an address, closed at the end; ``create`` as `open_ledger` has it.

    Raises:
        LedgerError: if it is not there, is of another version, or cannot be reached.
    """
    from clausal.enforcement.opening import open_ledger

    with contextlib.closing(open_ledger(url, create=create)) as ledger:
        yield ledger
