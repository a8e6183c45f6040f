"""The quick way of folding: a table of what each character becomes."""

from collections.abc import Callable
from typing import final

__all__ = ("FoldTable",)

@final
class FoldTable:
    """What characters become wherever they stand; filled in as it is needed, a page at a time."""

    def __new__(cls, alone: Callable[[str], str | None]) -> FoldTable:
        """Start with an empty table.

        Args:
            alone: What a character becomes whatever stands beside it, at most 18 characters; None
                if that depends on its neighbours. It is asked once for each character of a page.
        """

    def fold(self, text: str) -> str | None:
        """`text` with each character replaced; None if it has one that depends on others."""
