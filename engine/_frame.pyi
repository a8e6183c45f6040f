"""The values of one event, by slot, in one block of memory."""

from collections.abc import Sequence
from typing import final

from clausal.compiler.types import Type
from clausal.engine.layout import Layout
from clausal.engine.values import Missing, Value

__all__ = ("Frame", "Slots")

@final
class Slots:
    """What the slots of a program hold. Threads may share it."""

    count: int
    """How many there are."""

    def __new__(
        cls,
        layout: Layout,
        kinds: Sequence[int],
        symbols: tuple[tuple[str, ...], ...],
        types: tuple[Type, ...],
    ) -> Slots:
        """Prepare what a program and its layout say; both have been verified.

        Args:
            layout: Its layout.
            kinds: The kind of each slot.
            symbols: The texts of each slot that have codes.
            types: The type of each slot.
        """

@final
class Frame:
    """The values of a bundle's slots for one event.

    `Core.read` makes them; one that is made otherwise has no values.
    """

    def value(self, slot: int) -> Value | Missing:
        """The value of a slot as `convert` gives it, or why there is none.

        Raises:
            IndexError: if there is no such slot.
            ValueError: if there are no values.
        """
