"""Term lists: which of many lists has a term that occurs in a text.

All lists of a program are matched in one pass (`clausal.compiler.text._terms`), so the cost of an
event grows with its text and the places where terms begin in it, not with the number of terms.

What "occurs" means:

- A term that has a letter other than Latin ones (`微信`, `加v`, `テスト`) occurs wherever its
  characters stand in a row. Chinese has no spaces between words, so nothing else would do.
- A term whose letters are all Latin (`ad`, `buy now`, `t.me/`, `12306`) occurs only as whole
  words: where its first or last character is a Latin letter or a digit, the text must not go on
  with another one. `ad` occurs in `an ad.`, `看ad吧` and `my_ad`, but not in `made` nor in `ad4`.
  To find the beginning of a word, write a pattern: `matches /vx[0-9]*/`.
- In a `text` field, text and terms are folded (see `clausal.compiler.text.fold`). In a `string`
  field, both are taken as they are: case matters.
- Characters between those of a term hide it. Terms are literal: `*` and `.` mean themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from clausal.compiler.text._terms import TermIndex, is_word_character
from clausal.compiler.text.fold import fold, fold_with_offsets, original_span
from clausal.compiler.text.surrogates import well_formed

MAX_TERM_LENGTH: Final = 200
"""The greatest number of characters of a term, as it is written and as it is folded."""


MAX_TERMS: Final = 500_000
"""The greatest number of terms that one text is searched for."""

MAX_CHARACTERS: Final = 4_000_000
"""The greatest number of characters that those terms have together, as they are folded.

Each may take some forty bytes, and a microsecond when a bundle is loaded.
"""


class TermMatch(NamedTuple):
    """An occurrence of a term, for explanations.

    Attributes:
        term: The term as its list has it.
        start: The first character of the occurrence in the original text.
        end: The character after its last.
    """

    term: str
    start: int
    end: int


def foldable(term: str) -> bool:
    """Whether anything but white space is left of `term` when it is folded.

    Nothing is left of zero-width characters alone. Such a term would occur in every text.
    """
    return bool(fold(term).strip())


def check_term(term: str, *, folded: bool = True) -> str | None:
    """Why `term` cannot stand in a term list, in plain words; None if it can.

    Args:
        term: The term as it is written.
        folded: Whether the list is searched in a `text` field.
    """
    return _objection(term, fold(term) if folded else term)


def _objection(term: str, form: str) -> str | None:
    if not term.strip():
        return "the term is blank, and blanks are no sign of anything"
    if not form.strip():
        return "nothing is left of the term when it is folded: it has invisible characters only"
    if max(len(term), len(form)) > MAX_TERM_LENGTH:
        return f"the term is longer than {MAX_TERM_LENGTH} characters"
    return None


class TermMatcher:
    """Matches all term lists of a program at once. Immutable; threads may share it."""

    __slots__ = ("_folded", "_lists", "index")

    index: TermIndex
    """What the engine searches: it has the folded texts, and marks what is found by itself."""

    def __init__(self, lists: Sequence[Sequence[str]], *, folded: bool = True) -> None:
        """Lay the terms out.

        Args:
            lists: The term lists. A list is known by its place, and may be empty: then it has no
                hits. A term may stand in several lists, and several times in one.
            folded: True for lists that are searched in `text` fields, False for those that are
                searched in `string` fields.

        Raises:
            ValueError: If `check_term` has an objection to a term, or there are too many.
        """
        self._folded = folded
        self._lists = tuple(tuple(terms) for terms in lists)
        lists_of: dict[str, list[int]] = {}
        for index, terms in enumerate(self._lists):
            for term in terms:
                form = self._form(term)
                if reason := _objection(term, form):
                    raise ValueError(f"term `{term}` of list {index}: {reason}")
                lists_of.setdefault(form, []).append(index)
        if len(lists_of) > MAX_TERMS or sum(map(len, lists_of)) > MAX_CHARACTERS:
            raise ValueError(
                f"a text is searched for more than {MAX_TERMS:,} terms, or for more than "
                f"{MAX_CHARACTERS:,} characters of them"
            )
        self.index = TermIndex(
            tuple(lists_of),
            list(map(_is_whole_word, lists_of)),
            tuple(lists_of.values()),
            len(lists),
        )

    def __len__(self) -> int:
        """The number of lists."""
        return len(self._lists)

    def hits(self, text: str) -> int:
        """The lists that have a term in `text`.

        Args:
            text: The text, already folded (`fold`) if the lists are. It is not folded here, so
                that all predicates on a field share one folding.

        Returns:
            A bit set: bit `i` is set if list `i` has a hit.
        """
        return self.index.hits(text if self._folded else well_formed(text))

    def first(self, text: str, index: int) -> TermMatch | None:
        """The first occurrence in `text` of a term of list `index`; of several, the longest.

        Unlike `hits` this takes the text as it is, finds terms one by one, and is for
        explanations.

        Returns:
            The occurrence in the original text, or None exactly if `hits` has no such bit.

        Raises:
            IndexError: If there is no such list.
        """
        if self._folded:
            haystack, offsets = fold_with_offsets(text)
        else:
            haystack, offsets = well_formed(text), None
        best: tuple[int, int, str] | None = None
        for term in self._lists[index]:
            form = self._form(term)
            start = find_term(haystack, form)
            if start >= 0 and (best is None or (start, -len(form)) < (best[0], best[0] - best[1])):
                best = (start, start + len(form), term)
        if best is None:
            return None
        start, end, term = best
        if offsets is not None:
            start, end = original_span(offsets, start, end, len(text))
        return TermMatch(term, start, end)

    def _form(self, term: str) -> str:
        return fold(term) if self._folded else well_formed(term)


def _is_whole_word(form: str) -> bool:
    """Whether the term occurs as whole words only: it has no letters but Latin ones."""
    return form.isascii() or all(is_word_character(c) or not c.isalpha() for c in form)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no word goes on across the edges of `text[start:end]`."""
    return not (
        (start > 0 and is_word_character(text[start]) and is_word_character(text[start - 1]))
        or (end < len(text) and is_word_character(text[end - 1]) and is_word_character(text[end]))
    )


def find_term(haystack: str, form: str) -> int:
    """Where a term first occurs in a text, or -1; both are folded, or both are as they are."""
    start = haystack.find(form)
    if _is_whole_word(form):
        while start >= 0 and not _stands_alone(haystack, start, start + len(form)):
            start = haystack.find(form, start + 1)
    return start
