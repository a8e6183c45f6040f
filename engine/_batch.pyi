"""The decision program on columns: many events at once, a bit for each."""

from array import array
from collections.abc import Sequence
from typing import Final, final

from clausal.compiler.ir import Slot
from clausal.compiler.program import Program

__all__ = ("BATCH_LIMIT", "READINGS", "Columns", "Matcher", "Sheet")

BATCH_LIMIT: Final[int]
"""The most events of a batch."""

READINGS: Final[dict[str, int]]
"""How the elements of a column are read: Arrow's types of numbers by their names, and

``bits``: bools; ``ticks32``, ``ticks64``: whole numbers of some unit of time; ``text32``,
``text64``: strings with offsets of so many bits; ``index8`` to ``index64``: indices into a
dictionary; ``list32``, ``list64``, ``list_fixed``: lists; ``strange``: values that make their row
odd; ``nothing``: no column.
"""

@final
class Plan:
    """In which order the children of nodes are tried. No order shows in what is found."""

    def __new__(cls, matcher: Matcher, sheet: Sheet | None) -> Plan:
        """Order them, by what a sheet has seen if there is one."""

@final
class Matcher:
    """A decision program, ready to run on columns. Threads may share it."""

    slots: Final[int]
    plan: Final[Plan]

    def __new__(cls, program: Program, slots: Sequence[Slot], *, time_slot: int) -> Matcher:
        """Make ready to run a program that was verified with these slots."""

    def tune(self, sheet: Sheet) -> None:
        """Order conditions by how often they hold in the events that a sheet has just seen."""

    def asks(self, slot: int) -> bool:
        """Whether a predicate tests the value of the slot by itself."""

    def codes(
        self,
        slot: int,
        reading: int,
        count: int,
        offset: int,
        data: int,
        offsets: int,
        size: int,
    ) -> array[int]:
        """The code of each text of a dictionary: 0 for strange ones, or -1 where they are refused."""

@final
class Columns:
    """The columns of some rows, by slot. Threads may share them once they are complete."""

    rows: Final[int]
    texts: Final[dict[int, object]]

    def __new__(cls, matcher: Matcher, rows: int) -> Columns:
        """Columns without any value."""

    def place(
        self,
        slot: int,
        reading: int,
        kept: object,
        offset: int,
        valid: int,
        data: int,
        *,
        offsets: int = 0,
        size: int = 0,
        width: int = 0,
        multiply: int = 1,
        divide: int = 1,
        codes: array[int] | None = None,
        text: object = None,
        items: bool = False,
    ) -> None:
        """Say how a slot is read.

        Args:
            slot: The slot.
            reading: One of `READINGS`.
            kept: What owns the memory.
            offset: The first row's place in the buffers.
            valid: The address of the bits that say which rows have a value; 0: all have.
            data: The address of the values, of the bytes of texts, or of indices.
            offsets: The address of the offsets of texts and lists.
            size: How many bytes all texts have, how many items all lists.
            width: How many items each list has, where all have as many.
            multiply: How many microseconds a tick is.
            divide: How many ticks a microsecond is, or, for dates, a day.
            codes: The codes of a dictionary's entries, see `Matcher.codes`.
            text: The array, where texts are not read from buffers.
            items: Whether this is about the items of a list, and not about the list.

        Raises:
            IndexError: if there is no such slot.
        """

    def place_strange(self, kept: object, offset: int, valid: int) -> None:
        """Say that a row is odd where a bit is set; ``valid`` 0: that all are."""

@final
class Found:
    """The rules of each row, in the order of the rules."""

    def starts(self) -> bytes:
        """Where the rules of each row begin, and where the last one's end: int32."""

    def numbers(self) -> bytes:
        """The rules of all rows, end to end: int32."""

@final
class Sheet:
    """The memory in which one thread matches batches."""

    def __new__(cls, matcher: Matcher) -> Sheet:
        """Make room for a batch."""

    def match(
        self, columns: Columns, start: int, stop: int, *, batch: int = ...
    ) -> tuple[Found, Found, bytearray, array[int]]:
        """Find the rules of rows, in batches of so many events.

        Other threads run meanwhile, except where texts and clocks are looked into.

        Returns:
            The rules that fire and those that are undetermined, in force at the instant of the
            act; that instant for each row, int64 microseconds; and the rows, from the first on,
            that are odd: for them nothing is found here, and nothing is known.

        Raises:
            ValueError: if there are no such rows, or a batch cannot have so many events.
        """
