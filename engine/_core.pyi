"""The compiled core: reads an event into slots and evaluates the decision program on them."""

from collections.abc import Sequence
from typing import final

from clausal.compiler.index import Index
from clausal.compiler.ir import LadderDef, Slot
from clausal.compiler.program import Program
from clausal.engine.history import History
from clausal.engine.values import Missing, Value

__all__ = ("Core", "Values", "count_keys", "scan_json")

@final
class Values:
    """The values of a bundle's slots for one event. Not for several threads at once.

    `Core.read` makes them; one that is made otherwise has no values.
    """

    def value(self, slot: int) -> Value | Missing:
        """The value of a slot as `convert` gives it, or why there is none.

        Raises:
            IndexError: if there is no such slot.
            ValueError: if there are no values.
        """

@final
class Core:
    """A decision program, ready to run. Threads may share it."""

    def __new__(
        cls,
        program: Program,
        slots: Sequence[Slot],
        *,
        time_slot: int,
        ladders: Sequence[LadderDef] = (),
        verified: bool = False,
        index: Index | None = None,
    ) -> Core:
        """Make ready to run a program.

        Args:
            program: The program.
            slots: The slots of the corpus that it was made of.
            time_slot: The slot of the instant of the act.
            ladders: The ladders of the corpus, which say how long strikes are active.
            verified: Whether the program was verified with these slots already, as one that comes
                out of `unpack` was; otherwise it is verified now.
            index: The index of the program, which finds the rules that may fire; without it, every
                rule in force is tried, with the same outcome.

        Raises:
            ProgramError: if the program is not sound.
            ValueError: if the slots of strikes and the ladders do not fit.
        """

    def read(self, event: object, history: History | None = None) -> Values:
        """The values of an event and its history, to be evaluated.

        Args:
            event: A dictionary or whatever else `fields_of` takes.
            history: What is known of the past, unless the event carries it.

        Raises:
            EventError: with everything that is wrong with what the slots read.
        """

    def run(
        self, values: Values, instant: int, *, blind: bool = False
    ) -> tuple[list[int], list[int]]:
        """The rules that fire, and those that are undetermined, both ascending.

        Args:
            values: From `read` of this core.
            instant: Selects the versions in force, in microseconds since 1970.
            blind: Whether an absent value might be there after all: ``is missing`` is then unknown.

        Raises:
            ValueError: if the values were read by another core.
        """

    def lacking(self, values: Values, rule: int, *, blind: bool = False) -> list[int]:
        """The slots whose values an undetermined rule lacks, ascending; none for other rules.

        Raises:
            IndexError: if there is no such rule.
            ValueError: if the values were read by another core.
        """

def scan_json(data: bytes | bytearray | memoryview) -> tuple[int, int]:
    """How deep objects and lists are nested in JSON, and how many pairs of key and value it has.

    The numbers are right for what is JSON. For anything else they are some numbers.
    """

def count_keys(value: object) -> int:
    """How many keys all dictionaries in a tree of dictionaries and lists have together.

    The caller knows that the tree is not deep: this recurses.
    """
