"""The layout of the compiled core. `_core.pyx` says what everything means."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from clausal.engine._frame cimport Frame, Slots
from clausal.engine._index cimport Finder, Finds
from clausal.engine._reading cimport Reader


cdef struct Test:
    # A predicate: see `clausal.compiler.program`. The constant of one that compares with it, and
    # the clock of one that asks the time.
    int32_t op
    int32_t a
    int32_t b
    int32_t clock
    double constant


cdef struct Node:
    # Its children are [first, end); uses is how often it is referred to, and 2 for more.
    int32_t first
    int32_t end
    uint8_t kind
    uint8_t uses


cdef class Scratch:
    # Verdicts, each beside the generation that it was found in, by predicate and by node.
    cdef uint32_t* tests
    cdef uint32_t* nodes
    cdef Py_ssize_t test_count
    cdef Py_ssize_t node_count
    cdef uint32_t generation
    # Which values they are about, and whether these were seen blind.
    cdef uint64_t serial
    cdef bint blind
    # The local time of each clock, -1 while not known.
    cdef int32_t[::1] minutes
    # By slot: the text folded.
    cdef list folded
    cdef bint has_folded
    # What the index finds.
    cdef Finds finds
    # The rules that the last run found true and unknown.
    cdef int32_t[::1] fired
    cdef int32_t[::1] undetermined
    cdef Py_ssize_t fired_count
    cdef Py_ssize_t undetermined_count
    # The next scratch that no event uses.
    cdef Scratch next

    cdef int begin(self, Frame frame, bint blind) noexcept
    cdef int let_go(self) except -1


cdef class Outcome:
    # What works out the parts of the decision, and the parts, as soon as there are some.
    cdef public object _context
    cdef public object _parts
    # The values of the event; its name alone, if no rule has a say.
    cdef public object _values
    # Microseconds since 1970.
    cdef public int64_t _acted_at
    cdef public int64_t _decided_at
    # The rules that fired, and after them those that are undetermined.
    cdef int32_t* rules
    cdef Py_ssize_t fired_count
    cdef Py_ssize_t undetermined_count
    # The same of the rules in force at the decision, if they are others; and everything once more,
    # with each absent value taken for one that is unknown, if bounds are wanted.
    cdef public object _later
    cdef public object _unsettled

    cdef int take_rules(
        self, const int32_t* fired, Py_ssize_t fired_count, const int32_t* undetermined,
        Py_ssize_t undetermined_count
    ) except -1


cdef class Core:
    # What each slot holds, and how it is read.
    cdef Slots slots
    cdef Reader reader
    # The program: see `clausal.compiler.program`.
    cdef Test* tests
    cdef Py_ssize_t test_count
    cdef Node* nodes
    cdef Py_ssize_t node_count
    cdef const double[::1] constants
    cdef const uint64_t[::1] masks
    cdef const int32_t[::1] quantities
    cdef int32_t* refs
    cdef int32_t* roots
    cdef Py_ssize_t rule_count
    cdef const int32_t[::1] version_rules
    cdef const int64_t[::1] boundaries
    cdef const int32_t[::1] segment_first
    cdef const int32_t[::1] segment_count
    cdef const int32_t[::1] segment_versions
    # The search of the index; None if every rule is to be tried.
    cdef Finder finder
    # What was worked out from it: see `clausal.engine.layout`.
    cdef const int32_t[::1] clock_slot
    cdef tuple clock_zones
    # By slot: the lists that it is searched for. Which predicate asks for list i is in
    # asking[terms_first[slot] + i].
    cdef tuple terms
    cdef const int32_t[::1] terms_first
    # By search: a group of patterns; by predicate: its search. Pattern i of a group is asked for by
    # asking[search_first[search] + i].
    cdef tuple groups
    cdef const int32_t[::1] search_of
    cdef const int32_t[::1] search_first
    cdef const int32_t[::1] asking
    # The instant of the act, and the name of the event: -1 if it has none.
    cdef Py_ssize_t time_slot
    cdef str time_name
    cdef Py_ssize_t id_slot
    # The class of decisions, and what they share.
    cdef type kind
    cdef object context
    cdef bint sound
    # The first of the scratches that no event uses.
    cdef Scratch spare

    cdef int take_tests(self, object program, const int32_t[::1] clock_of) except -1
    cdef int take_nodes(self, object program) except -1
    cdef int count_uses(self, const int32_t* refs, Py_ssize_t count) noexcept

    cdef Outcome decide(self, Frame frame, object decided_at, bint bounds, bint keep)
    cdef Outcome outcome(self)
    cdef object name_of(self, Frame frame)
    cdef tuple rules_at(self, Frame frame, Scratch scratch, int64_t instant, bint blind)

    cdef Scratch scratch_of(self, Frame frame)
    cdef int put_back(self, Scratch scratch) except -1
    cdef int evaluate_at(
        self, Frame frame, Scratch scratch, int64_t instant, bint blind
    ) except -1
    cdef Py_ssize_t segment(self, int64_t instant) noexcept nogil
    cdef int run_segment(self, Frame frame, Scratch scratch, Py_ssize_t segment) except -1 nogil
    cdef int run_indexed(self, Frame frame, Scratch scratch, Py_ssize_t segment) except -1 nogil
    cdef int settle(self, Frame frame, Scratch scratch, int32_t ref) except -1 nogil
    cdef int test(self, Frame frame, Scratch scratch, Py_ssize_t predicate) except -1 nogil
    cdef bint overlaps(
        self, Frame frame, Py_ssize_t slot, Py_ssize_t mask, bint every
    ) except -1 nogil
    cdef int compare(self, Frame frame, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    cdef bint clock(self, Frame frame, Scratch scratch, const Test* test) except -1 nogil
    cdef int local_minute(self, Frame frame, Py_ssize_t clock) except -1
    cdef str folded(self, Frame frame, Scratch scratch, Py_ssize_t slot)
    cdef int match_terms(self, Frame frame, Scratch scratch, Py_ssize_t slot) except -1
    cdef int match_patterns(
        self, Frame frame, Scratch scratch, Py_ssize_t slot, Py_ssize_t search
    ) except -1

    cdef int collect(
        self, Frame frame, Scratch scratch, int32_t ref, set slots, set seen
    ) except -1
    cdef int collect_slots(self, Frame frame, Py_ssize_t predicate, set slots) except -1
    cdef int collect_slot(self, Frame frame, int32_t slot, set slots) except -1
