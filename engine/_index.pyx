"""The walk of the index: from the values of an event to the rules that fire or are undetermined.

A `Finder` is one index, shared by threads; `Finds` is what one search found, for one thread at a
time. `clausal.compiler.index` says what the arrays mean, and `verify_index` has checked them.
"""

from array import array

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint8_t, uint64_t

from clausal.engine._kinds cimport (
    FALSE, KIND_FLAG, KIND_QUANTITY, KIND_SET, STATE_FAILED, STATE_PRESENT, TRUE, UNKNOWN
)

from clausal.compiler import cells as _cells
from clausal.compiler.index import LEAF_LIMIT, lanes_of
from clausal.compiler.program import SlotKind, floats, integers

__all__ = ("Finder", "Finds")

cdef extern from *:
    """
    #define trailing_zeros(word) __builtin_ctzll(word)
    """
    int trailing_zeros(uint64_t word) noexcept nogil

cdef extern from *:
    """
    /* Whole rows at once; with the number of words known, compilers make vectors of them. */
    #define AND_ROW(left, row, lanes) do { \
        for (int lane = 0; lane < (lanes); lane++) { \
            (left)[lane] &= (row)[lane]; some |= (left)[lane]; } } while (0)

    static inline uint64_t and_row(uint64_t *left, const uint64_t *row, int lanes) {
        uint64_t some = 0;
        switch (lanes) {
            case 8: AND_ROW(left, row, 8); break;
            case 4: AND_ROW(left, row, 4); break;
            case 2: AND_ROW(left, row, 2); break;
            default: AND_ROW(left, row, 1);
        }
        return some;
    }

    static inline void or_row(uint64_t *found, const uint64_t *row, int lanes) {
        for (int lane = 0; lane < lanes; lane++) found[lane] |= row[lane];
    }
    """
    uint64_t and_row(uint64_t* left, const uint64_t* row, int lanes) noexcept nogil
    void or_row(uint64_t* found, const uint64_t* row, int lanes) noexcept nogil

# ── Numbers that other modules give names to ─────────────────────────────────────────────────────

cdef enum:
    CELL_ABSENT, CELL_FAILED, CELL_FIRST

cdef enum:
    CHECK_BETWEEN, CHECK_OUTSIDE, CHECK_MEMBER, CHECK_ANY, CHECK_NONE, CHECK_ALL, CHECK_NOT_ALL
    CHECK_PRESENT, CHECK_MISSING

cdef enum:
    TIME = -1

cdef enum:
    LANES = 8

if [
    FALSE, UNKNOWN, TRUE, CELL_ABSENT, CELL_FAILED, CELL_FIRST, CHECK_BETWEEN, CHECK_OUTSIDE,
    CHECK_MEMBER, CHECK_ANY, CHECK_NONE, CHECK_ALL, CHECK_NOT_ALL, CHECK_PRESENT, CHECK_MISSING,
    TIME,
] != [
    _cells.FALSE, _cells.UNKNOWN, _cells.TRUE, _cells.ABSENT, _cells.FAILED, _cells.FIRST,
    _cells.BETWEEN, _cells.OUTSIDE, _cells.MEMBER, _cells.ANY, _cells.NONE, _cells.ALL,
    _cells.NOT_ALL, _cells.PRESENT, _cells.MISSING, _cells.TIME,
]:
    raise ImportError("`clausal.engine._index` was built for another layout of indices")
if LANES * 64 != LEAF_LIMIT:
    raise ImportError("`clausal.engine._index` was built for leaves of another size")

# How a rule was found: the greatest of what its conjunctions say. One that must be settled may be
# true, so it tells more than one that is unknown.
cdef enum Mark:
    NOT_FOUND
    FOUND_UNKNOWN
    FOUND_OPEN
    FOUND_TRUE


cdef uint8_t* _bytes(list arrays, object data) except NULL:
    """The address of an array of uint8 that the list keeps alive."""
    cdef uint8_t[::1] view = array("B", data or b"\0")
    arrays.append(view)
    return &view[0]


cdef int32_t* _integers(list arrays, object data) except NULL:
    cdef int32_t[::1] view = integers("i", data or bytes(4))
    arrays.append(view)
    return &view[0]


cdef uint64_t* _words(list arrays, object data) except NULL:
    cdef uint64_t[::1] view = integers("Q", data or bytes(8))
    arrays.append(view)
    return &view[0]


cdef double* _floats(list arrays, object data) except NULL:
    cdef double[::1] view = floats(data or bytes(8))
    arrays.append(view)
    return &view[0]


cdef inline Py_ssize_t _cell(const double* cuts, Py_ssize_t count, double value) noexcept nogil:
    """How many cuts are not greater."""
    cdef Py_ssize_t low = 0, half
    if count == 0:
        return 0
    # Without a branch to be guessed wrong: the compiler turns the sum into a conditional move.
    while count > 1:
        half = count >> 1
        low += half if cuts[low + half - 1] <= value else 0
        count -= half
    return low + (cuts[low] <= value)


@cython.final
cdef class Finds:
    """What one search found, and the memory that it needs, used again for the next."""

    def __cinit__(self, Finder finder not None):
        self.memory = []
        rules = bytes(4 * finder.rules)
        self.fired = _integers(self.memory, rules)
        self.undetermined = _integers(self.memory, rules)
        self.open = _integers(self.memory, rules)
        self.found = _integers(self.memory, rules)
        self.marks = _bytes(self.memory, bytes(finder.rules))
        self.cell = _bytes(self.memory, bytes(finder.dimensions))
        self.value = _floats(self.memory, bytes(8 * finder.dimensions))
        self.elements = _words(self.memory, bytes(8 * finder.dimensions))


@cython.final
cdef class Finder:
    """An index, ready to be searched. Threads may share it."""

    def __cinit__(self, index, kinds, word_first, word_count, Py_ssize_t rules):
        cdef Py_ssize_t level, first = 0
        self.arrays = []
        self.rules = rules
        self.leaf = index.leaf
        self.lanes = lanes_of(index.leaf)
        self.width = index.width
        self.dimensions = len(index.dim_slot) // 4
        self.conjunctions = len(index.conjunction_rest)
        self.depth = len(index.levels)
        self.roots = index.levels[0] if index.levels else 0
        for level in range(self.depth):
            self.level_first[level] = first
            first += index.levels[level]
            self.level_members[level] = (
                self.conjunctions if level == self.depth - 1 else index.levels[level + 1]
            )
        self.cuts = _floats(self.arrays, index.cuts)
        self.codes = _bytes(self.arrays, index.codes)
        self.take_dimensions(index, kinds, word_first, word_count)
        self.node_tests = _integers(self.arrays, index.node_tests)
        self.take_tests(index)
        self.maps = _bytes(self.arrays, index.maps)
        # So that every byte of a map leads to a row, whatever it is: nobody has to look at each.
        self.words = _words(self.arrays, index.words + bytes(8 * 256 * LANES))
        self.conjunction_rule = _integers(self.arrays, index.conjunction_rule)
        self.conjunction_rest = _bytes(self.arrays, index.conjunction_rest)
        self.conjunction_first = _integers(self.arrays, index.conjunction_first)
        self.conjunction_checks = _integers(self.arrays, index.conjunction_checks)
        self.take_checks(index)
        self.masks = _words(self.arrays, index.masks)

    def __dealloc__(self):
        PyMem_Free(self.places)
        PyMem_Free(self.tests)
        PyMem_Free(self.checks)

    cdef int take_dimensions(
        self, object index, object kinds, object word_first, object word_count
    ) except -1:
        """Find where the value of each dimension is, and how it leads to a cell."""
        cdef Py_ssize_t number
        cdef Place* place
        firsts, counts = integers("i", index.dim_first), integers("i", index.dim_count)
        self.places = <Place*> PyMem_Malloc(max(1, self.dimensions) * sizeof(Place))
        if self.places is NULL:
            raise MemoryError
        for number, slot in enumerate(integers("i", index.dim_slot)):
            place = &self.places[number]
            place.slot = slot
            place.kind = SlotKind.QUANTITY if slot == TIME else kinds[slot]
            place.count = counts[number]
            place.cuts = self.cuts + <Py_ssize_t> firsts[number]
            place.codes = self.codes + <Py_ssize_t> firsts[number]
            place.word = 0 if slot == TIME else word_first[slot]
            place.word_count = 0 if slot == TIME else word_count[slot]
        return 0

    cdef int take_tests(self, object index) except -1:
        """Lay the tests side by side, so that one is read at once."""
        cdef Py_ssize_t number
        cdef const int32_t[::1] dims = integers("i", index.test_dim)
        cdef const int32_t[::1] maps = integers("i", index.test_map)
        cdef const int32_t[::1] words = integers("i", index.test_word)
        self.tests = <Test*> PyMem_Malloc(max(1, dims.shape[0]) * sizeof(Test))
        if self.tests is NULL:
            raise MemoryError
        for number in range(dims.shape[0]):
            self.tests[number] = Test(
                dims[number], maps[number], words[number],
                self.places[dims[number]].kind == KIND_SET,
            )
        return 0

    cdef int take_checks(self, object index) except -1:
        """Lay the checks side by side."""
        cdef Py_ssize_t number
        cdef const int32_t[::1] dims = integers("i", index.check_dim)
        cdef const int32_t[::1] masks = integers("i", index.check_mask)
        cdef const double[::1] lows = floats(index.check_low)
        cdef const double[::1] highs = floats(index.check_high)
        cdef const uint8_t[::1] kinds = array("B", index.check_kind)
        cdef const uint8_t[::1] absent = array("B", index.check_absent)
        self.checks = <Check*> PyMem_Malloc(max(1, dims.shape[0]) * sizeof(Check))
        if self.checks is NULL:
            raise MemoryError
        for number in range(dims.shape[0]):
            self.checks[number] = Check(
                lows[number], highs[number], dims[number], masks[number], kinds[number],
                absent[number],
            )
        return 0

    cdef int find(
        self, Finds finds, Py_ssize_t segment, const uint8_t* state, const double* number,
        const int32_t* code, const uint64_t* sets, bint blind
    ) noexcept nogil:
        """Find the rules of a segment that fire, are undetermined, or must be settled.

        Every other rule is false. If blind, an absent value is like one that failed.
        """
        cdef Py_ssize_t index
        cdef int32_t rule
        cdef uint8_t mark
        finds.fired_count = finds.undetermined_count = finds.open_count = finds.found_count = 0
        self.find_cells(finds, segment, state, number, code, sets, blind)
        for index in range(self.roots):
            self.visit(finds, 0, index, sets)
        for index in range(finds.found_count):
            rule = finds.found[index]
            mark = finds.marks[rule]
            finds.marks[rule] = NOT_FOUND
            if mark == FOUND_TRUE:
                finds.fired[finds.fired_count] = rule
                finds.fired_count = finds.fired_count + 1
            elif mark == FOUND_UNKNOWN:
                finds.undetermined[finds.undetermined_count] = rule
                finds.undetermined_count = finds.undetermined_count + 1
            else:
                finds.open[finds.open_count] = rule
                finds.open_count = finds.open_count + 1
        return 0

    cdef int find_cells(
        self, Finds finds, Py_ssize_t segment, const uint8_t* state, const double* number,
        const int32_t* code, const uint64_t* sets, bint blind
    ) noexcept nogil:
        """The cells that the values of the event lie in."""
        cdef Py_ssize_t dimension, part
        cdef const Place* place
        cdef uint64_t elements, classes
        cdef double value
        cdef uint8_t* cell = finds.cell
        for dimension in range(self.dimensions):
            place = &self.places[dimension]
            if place.slot != TIME and state[place.slot] != STATE_PRESENT:
                cell[dimension] = (
                    CELL_FAILED if blind or state[place.slot] == STATE_FAILED else CELL_ABSENT
                )
                finds.elements[dimension] = 0
            elif place.kind == KIND_QUANTITY:
                value = <double> segment if place.slot == TIME else number[place.slot]
                finds.value[dimension] = value
                cell[dimension] = <uint8_t> (CELL_FIRST + _cell(place.cuts, place.count, value))
            elif place.kind == KIND_FLAG:
                value = number[place.slot]
                finds.value[dimension] = value
                cell[dimension] = CELL_FIRST + (value != 0)
            elif place.kind != KIND_SET:
                finds.value[dimension] = code[place.slot]
                cell[dimension] = place.codes[code[place.slot]]
            else:
                classes = 0
                for part in range(place.word_count):
                    elements = sets[place.word + part]
                    while elements:
                        classes |= (
                            <uint64_t> 1 << place.codes[part * 64 + trailing_zeros(elements)]
                        )
                        elements &= elements - 1
                finds.elements[dimension] = classes
                cell[dimension] = CELL_FIRST
        return 0

    cdef uint64_t test(self, Finds finds, Py_ssize_t node, uint64_t left) noexcept nogil:
        """The members of an inner node that its tests leave."""
        cdef const Test* test = &self.tests[self.node_tests[node]]
        cdef const Test* end = &self.tests[self.node_tests[node + 1]]
        cdef const uint8_t* maps = self.maps
        cdef const uint64_t* words = self.words
        cdef const uint8_t* cells = finds.cell
        cdef uint64_t elements, found
        while test < end:
            found = words[test.word + maps[test.map + cells[test.dim]]]
            if test.is_set:
                elements = finds.elements[test.dim]
                while elements:
                    found |= words[test.word + maps[test.map + trailing_zeros(elements)]]
                    elements &= elements - 1
            left &= found
            if left == 0:
                break
            test += 1
        return left

    cdef int visit(
        self, Finds finds, Py_ssize_t level, Py_ssize_t at, const uint64_t* sets
    ) noexcept nogil:
        """Look for rules below a node, given by its place in its level."""
        cdef Py_ssize_t first, members
        cdef uint64_t left
        if level == self.depth - 1:
            return self.search(finds, at, sets)
        first = at * self.width
        members = min(self.width, self.level_members[level] - first)
        left = self.test(
            finds, self.level_first[level] + at, (~(<uint64_t> 0)) >> (64 - members)
        )
        while left:
            self.visit(finds, level + 1, first + trailing_zeros(left), sets)
            left &= left - 1
        return 0

    cdef int search(self, Finds finds, Py_ssize_t at, const uint64_t* sets) noexcept nogil:
        """Check the conjunctions of a leaf that its tests leave."""
        cdef Py_ssize_t node = self.level_first[self.depth - 1] + at
        cdef Py_ssize_t first = at * self.leaf
        cdef Py_ssize_t members = min(self.leaf, self.conjunctions - first)
        cdef const Test* test = &self.tests[self.node_tests[node]]
        cdef const Test* end = &self.tests[self.node_tests[node + 1]]
        cdef int lanes = <int> self.lanes, lane
        cdef uint64_t[LANES] left
        cdef uint64_t[LANES] found
        cdef uint64_t elements, one
        cdef const uint64_t* row
        # No bit beyond the last member.
        for lane in range(lanes):
            left[lane] = ~(<uint64_t> 0)
            if members <= lane * 64:
                left[lane] = 0
            elif members < lane * 64 + 64:
                left[lane] >>= lane * 64 + 64 - members
        while test < end:
            row = &self.words[test.word + self.maps[test.map + finds.cell[test.dim]] * lanes]
            if test.is_set:
                for lane in range(lanes):
                    found[lane] = row[lane]
                elements = finds.elements[test.dim]
                while elements:
                    one = self.maps[test.map + trailing_zeros(elements)]
                    or_row(found, &self.words[test.word + one * lanes], lanes)
                    elements &= elements - 1
                row = found
            if and_row(left, row, lanes) == 0:
                return 0
            test += 1
        for lane in range(lanes):
            while left[lane]:
                self.check(finds, first + lane * 64 + trailing_zeros(left[lane]), sets)
                left[lane] &= left[lane] - 1
        return 0

    cdef int check(
        self, Finds finds, Py_ssize_t conjunction, const uint64_t* sets
    ) noexcept nogil:
        """Decide a conjunction, and note its rule unless it is false."""
        cdef const int32_t* check = &self.conjunction_checks[self.conjunction_first[conjunction]]
        cdef const int32_t* end = &self.conjunction_checks[self.conjunction_first[conjunction + 1]]
        cdef const Check* asked
        cdef int32_t rule
        cdef double value
        cdef uint8_t cell, mark = FOUND_TRUE, verdict
        while check < end:
            asked = &self.checks[check[0]]
            check += 1
            cell = finds.cell[asked.dim]
            if cell >= CELL_FIRST:
                if asked.kind == CHECK_BETWEEN:
                    value = finds.value[asked.dim]
                    if not (asked.low <= value and value <= asked.high):
                        return 0
                elif not self.holds(finds, asked, sets):
                    return 0
                continue
            verdict = asked.absent if cell == CELL_ABSENT else UNKNOWN
            if verdict == FALSE:
                return 0
            if verdict == UNKNOWN:
                mark = FOUND_UNKNOWN
        if self.conjunction_rest[conjunction]:
            mark = FOUND_OPEN
        rule = self.conjunction_rule[conjunction]
        if finds.marks[rule] == NOT_FOUND:
            finds.found[finds.found_count] = rule
            finds.found_count = finds.found_count + 1
        if finds.marks[rule] < mark:
            finds.marks[rule] = mark
        return 0

    cdef bint holds(self, Finds finds, const Check* asked, const uint64_t* sets) noexcept nogil:
        """Whether a check other than BETWEEN holds for the value, which is there."""
        cdef Py_ssize_t part, code
        cdef const uint64_t* mask = &self.masks[asked.mask]
        cdef double value = finds.value[asked.dim]
        if asked.kind == CHECK_MEMBER:
            code = <Py_ssize_t> value
            return mask[code >> 6] >> (code & 63) & 1
        if asked.kind == CHECK_OUTSIDE:
            return value < asked.low or value > asked.high
        if asked.kind == CHECK_PRESENT or asked.kind == CHECK_MISSING:
            return asked.kind == CHECK_PRESENT
        sets += self.places[asked.dim].word
        if asked.kind == CHECK_ANY or asked.kind == CHECK_NONE:
            for part in range(self.places[asked.dim].word_count):
                if sets[part] & mask[part]:
                    return asked.kind == CHECK_ANY
            return asked.kind == CHECK_NONE
        for part in range(self.places[asked.dim].word_count):
            if mask[part] & ~sets[part]:
                return asked.kind == CHECK_NOT_ALL
        return asked.kind == CHECK_ALL
