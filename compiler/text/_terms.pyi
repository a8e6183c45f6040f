"""The search for the terms of all lists in one pass over a text."""

from collections.abc import Sequence
from typing import final

__all__ = ("TermIndex", "is_word_character")

@final
class TermIndex:
    """The terms of several lists, laid out to be searched for at once. Immutable."""

    def __new__(
        cls,
        forms: Sequence[str],
        whole: Sequence[bool],
        lists: Sequence[Sequence[int]],
        list_count: int,
    ) -> TermIndex:
        """Lay the terms out.

        Args:
            forms: The terms in the form in which they are searched, each once, none empty.
            whole: For each term, whether it occurs as whole words only.
            lists: For each term, the numbers of the lists that have it.
            list_count: How many lists there are.

        Raises:
            ValueError: If a term is empty or there twice, or a list does not exist.
        """

    def hits(self, text: str) -> int:
        """A bit set of the lists that have a term in `text`."""

def is_word_character(character: str) -> bool:
    """Whether a character is a Latin letter or an ASCII digit: a word goes on with it."""
