"""The layout of the walk of the index. `_index.pyx` says what everything means."""

from libc.stdint cimport int32_t, uint8_t, uint64_t


# A dimension: where its value is, and how it leads to a cell.
cdef struct Place:
    int32_t slot
    int32_t count
    int32_t word
    int32_t word_count
    const double* cuts
    const uint8_t* codes
    uint8_t kind


cdef struct Test:
    int32_t dim
    int32_t map
    int32_t word
    int32_t is_set


cdef struct Check:
    double low
    double high
    int32_t dim
    int32_t mask
    uint8_t kind
    uint8_t absent


cdef class Finds:
    # The rules that fire, those that are undetermined, and those that must be settled: each once,
    # in no order, none in two.
    cdef int32_t* fired
    cdef int32_t* undetermined
    cdef int32_t* open
    cdef Py_ssize_t fired_count
    cdef Py_ssize_t undetermined_count
    cdef Py_ssize_t open_count
    # By dimension: the cell of the value, the value as a number, and the cells of elements.
    cdef uint8_t* cell
    cdef double* value
    cdef uint64_t* elements
    # The rules that were found so far, and by rule how; `Mark` says what is possible.
    cdef int32_t* found
    cdef Py_ssize_t found_count
    cdef uint8_t* marks
    cdef list memory


cdef class Finder:
    # The index: see `clausal.compiler.index`; the arrays are kept alive by `arrays`.
    cdef Py_ssize_t rules
    cdef Py_ssize_t leaf
    cdef Py_ssize_t lanes
    cdef Py_ssize_t width
    cdef Py_ssize_t dimensions
    cdef Py_ssize_t conjunctions
    # By level: its first node, and how many members all its nodes have.
    cdef Py_ssize_t depth
    cdef Py_ssize_t[20] level_first
    cdef Py_ssize_t[20] level_members
    cdef Py_ssize_t roots
    cdef Place* places
    cdef Test* tests
    cdef Check* checks
    cdef const double* cuts
    cdef const uint8_t* codes
    cdef const int32_t* node_tests
    cdef const uint8_t* maps
    cdef const uint64_t* words
    cdef const int32_t* conjunction_rule
    cdef const uint8_t* conjunction_rest
    cdef const int32_t* conjunction_first
    cdef const int32_t* conjunction_checks
    cdef const uint64_t* masks
    cdef list arrays

    cdef int take_dimensions(
        self, object index, object kinds, object word_first, object word_count
    ) except -1
    cdef int take_tests(self, object index) except -1
    cdef int take_checks(self, object index) except -1
    cdef int find(
        self, Finds finds, Py_ssize_t segment, const uint8_t* state, const double* number,
        const int32_t* code, const uint64_t* sets, bint blind
    ) noexcept nogil
    cdef int find_cells(
        self, Finds finds, Py_ssize_t segment, const uint8_t* state, const double* number,
        const int32_t* code, const uint64_t* sets, bint blind
    ) noexcept nogil
    cdef uint64_t test(self, Finds finds, Py_ssize_t node, uint64_t left) noexcept nogil
    cdef int visit(
        self, Finds finds, Py_ssize_t level, Py_ssize_t at, const uint64_t* sets
    ) noexcept nogil
    cdef int search(self, Finds finds, Py_ssize_t at, const uint64_t* sets) noexcept nogil
    cdef int check(
        self, Finds finds, Py_ssize_t conjunction, const uint64_t* sets
    ) noexcept nogil
    cdef bint holds(self, Finds finds, const Check* asked, const uint64_t* sets) noexcept nogil
