"""The layout of the compiled core. `_core.pyx` says what everything means."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from clausal.engine._index cimport Finder, Finds


cdef class Frame:
    # The values, by slot: a flag is 0 or 1, a set its number of elements.
    cdef uint8_t[::1] state
    cdef double[::1] number
    cdef int32_t[::1] code
    cdef list objects
    # By slot: the number of a text among those that are told apart, and the text folded.
    cdef int32_t[::1] identity
    cdef dict identities
    cdef list folded
    # The bits of all sets, end to end.
    cdef uint64_t[::1] words
    # The history that rides on the event, not yet looked into.
    cdef object history
    # Verdicts found so far, by predicate and by node, and whether they were found blind.
    cdef uint8_t[::1] predicates
    cdef uint8_t[::1] nodes
    cdef bint blind
    # The local time of each clock, -1 while not known.
    cdef int32_t[::1] minutes
    # What the index finds.
    cdef Finds finds
    # The rules that the last run found true and unknown.
    cdef int32_t[::1] fired
    cdef int32_t[::1] undetermined
    cdef Py_ssize_t fired_count
    cdef Py_ssize_t undetermined_count

    cdef int clear(self) except -1
    cdef int forget_verdicts(self) except -1


cdef class Values:
    cdef Core core
    cdef Frame frame


cdef class Group:
    # INVARIANT: as many slots and groups as keys. A slot of -1: the group is the object below.
    cdef tuple keys
    cdef int32_t[::1] slots
    cdef tuple groups

    cdef int fail(self, Frame frame) except -1


cdef class Core:
    # The program: see `clausal.compiler.program`.
    cdef const uint8_t[::1] slot_kinds
    cdef const uint8_t[::1] slot_strings
    cdef const double[::1] constants
    cdef const uint64_t[::1] masks
    cdef const int32_t[::1] op
    cdef const int32_t[::1] a
    cdef const int32_t[::1] b
    cdef const int32_t[::1] quantities
    cdef const uint8_t[::1] node_kind
    cdef const int32_t[::1] node_first
    cdef const int32_t[::1] node_count
    cdef const int32_t[::1] children
    cdef const int32_t[::1] rule_root
    cdef const int32_t[::1] version_rules
    cdef const int64_t[::1] boundaries
    cdef const int32_t[::1] segment_first
    cdef const int32_t[::1] segment_count
    cdef const int32_t[::1] segment_versions
    # The search of the index; None if every rule is to be tried.
    cdef Finder finder
    # What was worked out from it: see `clausal.engine.layout`.
    cdef const uint8_t[::1] forms
    cdef tuple types
    cdef tuple symbols
    cdef tuple codes
    cdef const int32_t[::1] word_first
    cdef const int32_t[::1] word_count
    cdef Py_ssize_t words
    cdef const int32_t[::1] clock_of
    cdef const int32_t[::1] clock_slot
    cdef tuple clock_zones
    cdef dict terms
    cdef object patterns
    cdef const uint8_t[::1] pattern_folded
    # Reading.
    cdef Group root
    cdef const int32_t[::1] required
    cdef Py_ssize_t time_slot
    cdef object reader
    cdef object history_reader
    # By figure of the history: its slot and names, its group, and how long strikes are active.
    cdef tuple figures
    cdef const uint8_t[::1] figure_group
    cdef const double[::1] figure_within
    # Frames that no event uses.
    cdef list frames

    cdef int read_regular(self, Frame frame, dict fields, object history) except -1
    cdef int read_history(self, Frame frame, object history) except -1
    cdef int read_usual_history(self, Frame frame, object history) except -1
    cdef int count_strikes(
        self, Frame frame, Py_ssize_t index, object issued, bint as_numbers, double* active
    ) except -1
    cdef int read_fields(self, Frame frame, Group group, dict fields) except -1
    cdef int read_object(self, Frame frame, Group group, object value) except -1
    cdef int read_rest(self, Frame frame, Group group, dict fields) except -1
    cdef int read_value(self, Frame frame, int32_t slot, object value) except -1
    cdef int read_other(self, Frame frame, int32_t slot, object value) except -1
    cdef int read_items(self, Frame frame, Py_ssize_t slot, list items) except -1

    cdef int store(self, Frame frame, Py_ssize_t slot, object value) except -1
    cdef int store_number(self, Frame frame, Py_ssize_t slot, double number) except -1
    cdef int store_text(self, Frame frame, Py_ssize_t slot, str text) except -1
    cdef int store_list(self, Frame frame, Py_ssize_t slot, list items) except -1

    cdef Frame frame_of(self, Values values, bint blind)
    cdef Py_ssize_t segment(self, int64_t instant) noexcept nogil
    cdef int run_segment(self, Frame frame, Py_ssize_t segment) except -1 nogil
    cdef int run_indexed(self, Frame frame, Py_ssize_t segment) except -1 nogil
    cdef int settle(self, Frame frame, int32_t ref) except -1 nogil
    cdef int literal(self, Frame frame, int32_t ref) except -1 nogil
    cdef int test(self, Frame frame, Py_ssize_t predicate) except -1 nogil
    cdef bint has(self, Frame frame, Py_ssize_t slot, Py_ssize_t bit) except -1 nogil
    cdef bint overlaps(
        self, Frame frame, Py_ssize_t slot, Py_ssize_t mask, bint every
    ) except -1 nogil
    cdef int compare(self, Frame frame, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef bint clock(self, Frame frame, Py_ssize_t predicate) except -1 nogil
    cdef int local_minute(self, Frame frame, Py_ssize_t clock) except -1
    cdef str folded(self, Frame frame, Py_ssize_t slot)
    cdef int match_terms(self, Frame frame, Py_ssize_t slot) except -1
    cdef int match_pattern(self, Frame frame, Py_ssize_t slot, Py_ssize_t pattern) except -1

    cdef int collect(self, Frame frame, int32_t ref, set slots, set seen) except -1
    cdef int collect_slots(self, Frame frame, Py_ssize_t predicate, set slots) except -1
    cdef int collect_slot(self, Frame frame, int32_t slot, set slots) except -1
