"""The walk of the index: from the values of an event to the rules that may fire.

A `Finder` is one index, shared by threads; `Finds` is what one search found, for one thread at a
time. `clausal.compiler.index` says what the arrays mean, and `verify_index` has checked them.
"""

from array import array

cimport cython
from libc.stdint cimport int32_t, uint8_t, uint64_t

from clausal.engine._kinds cimport (
    KIND_FLAG, KIND_QUANTITY, KIND_SET, STATE_FAILED, STATE_PRESENT
)

from clausal.compiler.program import floats, integers

__all__ = ("Finder", "Finds")

cdef extern from *:
    """
    #define trailing_zeros(word) __builtin_ctzll(word)
    """
    int trailing_zeros(uint64_t word) noexcept nogil


cdef object _zeros(str kind, Py_ssize_t count):
    """An array of so many zeros, never empty: a memory view must have something to look at."""
    return array(kind, [0]) * max(count, 1)


cdef object _summaries(const uint64_t[::1] rows, Py_ssize_t words):
    """For each row one bit a word, that says whether it is not 0."""
    cdef Py_ssize_t row, word, count = rows.shape[0] // words, width = (words + 63) // 64
    summaries = _zeros("Q", count * width)
    cdef uint64_t[::1] found = summaries
    for row in range(count):
        for word in range(words):
            if rows[row * words + word]:
                found[row * width + (word >> 6)] |= <uint64_t> 1 << (word & 63)
    return summaries


cdef inline Py_ssize_t _cell(
    const double* thresholds, Py_ssize_t count, double value
) noexcept nogil:
    """Twice the number of thresholds that are less, and 1 more if the next one is equal."""
    cdef Py_ssize_t low = 0, half, left = count
    # Without a branch to be guessed wrong: the compiler turns the sum into a conditional move.
    while left > 1:
        half = left >> 1
        low += half if thresholds[low + half - 1] < value else 0
        left -= half
    if left == 1 and thresholds[low] < value:
        low += 1
    return 2 * low + (low < count and thresholds[low] == value)


@cython.final
cdef class Finds:
    """What one search found, and the memory that it needs, used again for the next."""

    def __cinit__(self, Finder finder not None):
        self.certain = _zeros("i", finder.rules)
        self.possible = _zeros("i", finder.rules)
        self.rows = _zeros("i", finder.most_rows)
        self.row_first = _zeros("i", finder.dim_slot.shape[0] + 1)
        self.seen = _zeros("B", finder.rules)


@cython.final
cdef class Finder:
    """An index, ready to be searched. Threads may share it."""

    def __cinit__(self, index, kinds, word_first, word_count, Py_ssize_t rules):
        self.rules = rules
        self.index_words = index.words
        self.summary_words = (index.words + 63) // 64
        slots = integers("i", index.dim_slot)
        self.dim_slot = slots
        self.dim_row = integers("i", index.dim_row)
        self.dim_first = integers("i", index.dim_first)
        self.dim_count = integers("i", index.dim_count)
        self.thresholds = floats(index.thresholds)
        self.cells = integers("i", index.cells)
        # Without a dimension there is no row, and its address is taken all the same.
        self.index_rows = integers("Q", index.rows or bytes(8))
        self.segment_rows = integers("Q", index.segments)
        self.summaries = _summaries(self.index_rows, self.index_words)
        self.segment_summaries = _summaries(self.segment_rows, self.index_words)
        self.conjunction_rule = integers("i", index.conjunction_rule)
        self.dim_kind = array("B", [kinds[slot] for slot in slots])
        self.dim_word = array("i", [word_first[slot] for slot in slots])
        self.dim_words = array("i", [word_count[slot] for slot in slots])
        # One for each dimension, but for sets one for each element too.
        self.most_rows = len(slots) + 64 * sum(self.dim_words)

    cdef int find(
        self, Finds finds, Py_ssize_t segment, const uint8_t* state, const double* number,
        const int32_t* code, const uint64_t* words, bint blind
    ) noexcept nogil:
        """Find the rules in force that fire, and those that may, for values by slot.

        What is dropped is false for certain. If blind, an absent value is one that failed.
        """
        cdef Py_ssize_t part, bit, word
        cdef uint64_t left, present
        finds.certain_count = finds.possible_count = 0
        self.find_rows(finds, state, number, code, words, blind)
        for part in range(self.summary_words):
            present = self.common(
                finds,
                self.segment_summaries[segment * self.summary_words + part],
                &self.summaries[0], self.summary_words, part,
            )
            while present:
                bit = trailing_zeros(present)
                present &= present - 1
                word = part * 64 + bit
                left = self.common(
                    finds,
                    self.segment_rows[segment * self.index_words + word],
                    &self.index_rows[0], self.index_words, word,
                )
                if left:
                    self.consider(finds, left, word)
        for part in range(finds.possible_count):
            finds.seen[finds.possible[part]] = 0
        return 0

    cdef int find_rows(
        self, Finds finds, const uint8_t* state, const double* number, const int32_t* code,
        const uint64_t* words, bint blind
    ) noexcept nogil:
        """The rows that the values of the event lead to."""
        cdef Py_ssize_t dimension, count, part, index, end = 0
        cdef int32_t slot, row
        cdef uint8_t kind
        cdef uint64_t elements
        for dimension in range(self.dim_slot.shape[0]):
            finds.row_first[dimension] = <int32_t> end
            slot = self.dim_slot[dimension]
            row = self.dim_row[dimension]
            if state[slot] != STATE_PRESENT:
                finds.rows[end] = row + (blind or state[slot] == STATE_FAILED)
                end += 1
                continue
            row += 2
            kind = self.dim_kind[dimension]
            if kind == KIND_FLAG:
                row += number[slot] != 0
            elif kind == KIND_QUANTITY:
                count = self.dim_count[dimension]
                row += <int32_t> _cell(
                    &self.thresholds[self.dim_first[dimension]] if count else NULL,
                    count, number[slot],
                )
            elif kind != KIND_SET:
                row += self.cells[self.dim_first[dimension] + code[slot]]
            finds.rows[end] = row
            end += 1
            if kind == KIND_SET:
                for part in range(self.dim_words[dimension]):
                    elements = words[self.dim_word[dimension] + part]
                    while elements:
                        index = part * 64 + trailing_zeros(elements)
                        elements &= elements - 1
                        finds.rows[end] = <int32_t> (row + 1 + index)
                        end += 1
        finds.row_first[self.dim_slot.shape[0]] = <int32_t> end
        return 0

    cdef uint64_t common(
        self, Finds finds, uint64_t left, const uint64_t* rows, Py_ssize_t width, Py_ssize_t word
    ) noexcept nogil:
        """One word of the AND over all dimensions, of rows that are so wide."""
        cdef Py_ssize_t dimension, index
        cdef uint64_t found
        for dimension in range(self.dim_slot.shape[0]):
            if left == 0:
                break
            found = 0
            for index in range(finds.row_first[dimension], finds.row_first[dimension + 1]):
                found |= rows[finds.rows[index] * width + word]
            left &= found
        return left

    cdef int consider(self, Finds finds, uint64_t left, Py_ssize_t word) noexcept nogil:
        """List the rules of the conjunctions that are left in a word."""
        cdef int32_t rule
        while left:
            rule = self.conjunction_rule[word * 64 + trailing_zeros(left)]
            left &= left - 1
            if not finds.seen[rule]:
                finds.seen[rule] = 1
                finds.possible[finds.possible_count] = rule
                finds.possible_count = finds.possible_count + 1
        return 0
