"""The layout of the walk of the index. `_index.pyx` says what everything means."""

from libc.stdint cimport int32_t, uint8_t, uint64_t


cdef class Finds:
    # The rules that fire for certain, and those that may: each once, in no order, none in both.
    cdef int32_t[::1] certain
    cdef int32_t[::1] possible
    cdef Py_ssize_t certain_count
    cdef Py_ssize_t possible_count
    # The rows that the values lead to: those of dimension d are rows[row_first[d]:row_first[d + 1]].
    cdef int32_t[::1] rows
    cdef int32_t[::1] row_first
    # By rule: whether it is among those that were found.
    cdef uint8_t[::1] seen


cdef class Finder:
    # The index: see `clausal.compiler.index`. A summary has a bit for each word that is not 0.
    cdef Py_ssize_t rules
    cdef Py_ssize_t index_words
    cdef Py_ssize_t summary_words
    cdef const int32_t[::1] dim_slot
    cdef const int32_t[::1] dim_row
    cdef const int32_t[::1] dim_first
    cdef const int32_t[::1] dim_count
    cdef const double[::1] thresholds
    cdef const int32_t[::1] cells
    cdef const uint64_t[::1] index_rows
    cdef uint64_t[::1] summaries
    cdef const uint64_t[::1] segment_rows
    cdef uint64_t[::1] segment_summaries
    cdef const int32_t[::1] conjunction_rule
    # By dimension: the kind of its slot, and where the words of a set lie.
    cdef const uint8_t[::1] dim_kind
    cdef const int32_t[::1] dim_word
    cdef const int32_t[::1] dim_words
    cdef Py_ssize_t most_rows

    cdef int find(
        self, Finds finds, Py_ssize_t segment, const uint8_t* state, const double* number,
        const int32_t* code, const uint64_t* words, bint blind
    ) noexcept nogil
    cdef int find_rows(
        self, Finds finds, const uint8_t* state, const double* number, const int32_t* code,
        const uint64_t* words, bint blind
    ) noexcept nogil
    cdef uint64_t common(
        self, Finds finds, uint64_t left, const uint64_t* rows, Py_ssize_t width, Py_ssize_t word
    ) noexcept nogil
    cdef int consider(self, Finds finds, uint64_t left, Py_ssize_t word) noexcept nogil
