"""The layout of the search for terms. `_terms.pyx` says what everything means."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t


cdef class TermIndex:
    # By number of the last two bytes of a character: whether it is a term, and begins longer ones.
    cdef uint8_t[::1] firsts
    # A bit for each pair of characters with which terms begin, at the place that is its hash.
    cdef uint64_t[::1] pairs
    cdef int pair_shift
    # The tree of terms: a hash table from a node and the next character to the node behind.
    cdef uint64_t[::1] edges
    cdef int32_t[::1] behind
    cdef int edge_shift
    cdef Py_ssize_t edge_count
    # By node: the term that ends there, or -1.
    cdef list term_at
    cdef int32_t[::1] ends
    # By term: whether it occurs as whole words only, and which lists have it.
    cdef uint8_t[::1] whole
    cdef int32_t[::1] group_of
    # The lists of group g are lists[list_first[g]:list_first[g + 1]].
    cdef int32_t[::1] list_first
    cdef int32_t[::1] lists
    cdef Py_ssize_t list_count
    cdef Py_ssize_t group_count

    cdef int settle(
        self, str text, const int32_t* places, uint32_t* verdicts, uint32_t found, uint32_t lost
    ) except -1

    cdef int take_terms(self, tuple forms) except -1
    cdef int take_pairs(self, tuple forms) except -1
    cdef int32_t follow(self, int32_t node, uint64_t character) except -1
    cdef int grow(self) except -1
    cdef int scan(self, str text, uint8_t* groups) except -1
