"""Reading events of the usual forms: dictionaries and other objects, and JSON, into frames."""

from collections.abc import Sequence
from typing import Any, final

from clausal.compiler.ir import LadderDef, Slot
from clausal.engine._frame import Slots
from clausal.engine.layout import Layout, Tree

__all__ = ("Group", "Reader")

@final
class Group:
    """An object of the event: its keys, and for each the slot that it fills or the object below."""

    def __new__(cls, tree: Tree) -> Group:
        """Prepare to look keys up."""

@final
class Reader:
    """Reads events for one table of slots. Threads may share it."""

    def __new__(
        cls,
        slots: Slots,
        layout: Layout,
        table: Sequence[Slot],
        time_slot: int,
        ladders: Sequence[LadderDef],
    ) -> Reader:
        """Prepare to read.

        Args:
            slots: What the slots hold.
            layout: Where in an event the slots that are fields lie, and which must have a value.
            table: The slots.
            time_slot: The slot of the instant of the act.
            ladders: The ladders that the slots of strikes belong to.

        Raises:
            ValueError: if the slots of strikes and the ladders do not fit.
        """

    def touch(self, event: dict[str, Any]) -> int:
        """As `Core.touch`."""
