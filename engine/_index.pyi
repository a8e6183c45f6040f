"""The walk of the index: from the values of an event to the rules that may fire."""

from collections.abc import Sequence
from typing import final

from clausal.compiler.index import Index

__all__ = ("Finder", "Finds")

@final
class Finder:
    """An index, ready to be searched. Threads may share it."""

    def __new__(
        cls,
        index: Index,
        kinds: bytes,
        word_first: Sequence[int],
        word_count: Sequence[int],
        rules: int,
    ) -> Finder:
        """Make ready to search an index that was verified.

        Args:
            index: The index.
            kinds: The kind of each slot.
            word_first: For each slot, where the words of its set begin.
            word_count: For each slot, how many words its set has.
            rules: How many rules the program has.
        """

@final
class Finds:
    """What one search found, and the memory that it needs, used again for the next."""

    def __new__(cls, finder: Finder) -> Finds:
        """Make room for what a finder can find."""
