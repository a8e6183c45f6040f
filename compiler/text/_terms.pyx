"""The search for the terms of all lists in one pass over a text.

Most places of a text begin no term. So each place is held against two filters that fit into the
processor's nearest memory: the characters that begin terms, and the pairs of characters. Only
where both let it pass are the terms followed, in a tree of all of them, as far as they agree with
the text. A term is at most 200 characters long, which bounds the steps at each place whatever is
in the lists and in the text.
"""

from array import array
from itertools import accumulate

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

__all__ = ("TermIndex", "is_word_character")

cdef extern from "Python.h":
    int PyUnicode_KIND(object text) noexcept
    const void* PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept

cdef extern from *:
    """
    /* The upper bits of a product: overflow is what it is for. */
    static inline uint64_t clausal_mix(uint64_t key, int shift) {
        key ^= key >> 29;
        return (key * UINT64_C(0x9E3779B97F4A7C15)) >> shift;
    }
    """
    uint64_t clausal_mix(uint64_t key, int shift) noexcept nogil

# What `firsts` says of a character.
cdef enum:
    IS_TERM = 1
    BEGINS_TERMS = 2

cdef enum:
    ROOT = 0
    # Bits of a character.
    CHARACTER = 21
    # Groups of lists up to which the marks of a search lie on the stack.
    FEW = 256

# The code units of a string: it holds one, two or four bytes for each character.
ctypedef fused Unit:
    uint8_t
    uint16_t
    uint32_t

# The letters of the Latin script that languages use, in blocks that hold little else, and ASCII
# digits. Full-width and mathematical forms are not among them: folding leaves none.
cdef uint8_t[0x1F00] _WORD
for _first, _last in ("09", "AZ", "az", "ÀÖ", "Øö", "øʯ", "Ḁỿ"):
    for _point in range(ord(_first), ord(_last) + 1):
        _WORD[<Py_ssize_t> _point] = 1


def is_word_character(str character not None):
    """Whether a character is a Latin letter or an ASCII digit: a word goes on with it."""
    return bool(_goes_on(ord(character)))


cdef inline bint _goes_on(uint32_t point) noexcept nogil:
    return point < 0x1F00 and _WORD[point]


cdef inline uint64_t _key(int32_t node, uint64_t character) noexcept nogil:
    """What stands for an edge; never 0, which is none."""
    return (<uint64_t> node << CHARACTER | character) + 1


cdef object _filled(str kind, long long value, Py_ssize_t count):
    """An array of so many equal numbers, never empty: a memory view must have something."""
    return array(kind, [value]) * max(count, 1)


@cython.final
cdef class TermIndex:
    """The terms of several lists, laid out to be searched for at once. Immutable."""

    def __cinit__(self, forms, whole, lists, list_count):
        cdef dict groups = {}
        cdef list group_of = []
        forms = tuple(forms)
        for of_term in lists:
            numbers = tuple(sorted(set(of_term)))
            if not all([0 <= list_ < list_count for list_ in numbers]):
                raise ValueError("a term is in a list that does not exist")
            group_of.append(groups.setdefault(numbers, len(groups)))
        if not len(forms) == len(whole) == len(group_of):
            raise ValueError("there are not as many terms as there are lists of them")
        self.list_count = list_count
        self.group_count = len(groups)
        self.group_of = array("i", group_of or [0])
        self.whole = array("B", [bool(one) for one in whole] or [0])
        self.lists = array("i", [number for numbers in groups for number in numbers] or [0])
        self.list_first = array("i", accumulate(map(len, groups), initial=0))
        self.firsts = _filled("B", 0, 0x10000)
        self.take_pairs(forms)
        self.take_terms(forms)

    cdef int take_pairs(self, tuple forms) except -1:
        """Make the filters, the second with at least sixteen bits for each pair."""
        cdef set pairs = {form[:2] for form in forms if len(form) > 1}
        cdef int bits = 12
        cdef uint64_t place
        while <Py_ssize_t> 1 << bits < 16 * len(pairs) and bits < 23:
            bits += 1
        self.pair_shift = 64 - bits
        self.pairs = _filled("Q", 0, 1 << (bits - 6))
        for form in forms:
            if not form:
                raise ValueError("a term is empty")
            self.firsts[<Py_ssize_t> ord(form[0]) & 0xFFFF] |= (
                BEGINS_TERMS if len(form) > 1 else IS_TERM
            )
        for pair in pairs:
            place = clausal_mix(
                <uint64_t> ord(pair[0]) << CHARACTER | <uint64_t> ord(pair[1]), self.pair_shift
            )
            self.pairs[<Py_ssize_t> (place >> 6)] |= <uint64_t> 1 << (place & 63)
        return 0

    cdef int take_terms(self, tuple forms) except -1:
        """Make the tree."""
        cdef int32_t node
        cdef Py_ssize_t number, index
        cdef str form
        self.edge_shift = 64 - 6
        self.edges = _filled("Q", 0, 64)
        self.behind = _filled("i", 0, 64)
        self.edge_count = 0
        self.term_at = [-1]
        for number in range(len(forms)):
            form = forms[number]
            node = ROOT
            for index in range(len(form)):
                node = self.follow(node, <uint64_t> ord(form[index]))
            if self.term_at[node] >= 0:
                raise ValueError("a term is there twice")
            self.term_at[node] = number
        self.ends = array("i", self.term_at)
        self.term_at = None
        return 0

    cdef int32_t follow(self, int32_t node, uint64_t character) except -1:
        """The node behind an edge, which is made if it is not there."""
        cdef uint64_t key = _key(node, character)
        cdef Py_ssize_t mask = self.edges.shape[0] - 1
        cdef Py_ssize_t place = <Py_ssize_t> clausal_mix(key, self.edge_shift)
        while self.edges[place]:
            if self.edges[place] == key:
                return self.behind[place]
            place = (place + 1) & mask
        self.edge_count += 1
        self.edges[place] = key
        self.behind[place] = <int32_t> self.edge_count
        self.term_at.append(-1)
        node = self.behind[place]
        if 2 * self.edge_count > self.edges.shape[0]:
            self.grow()
        return node

    cdef int grow(self) except -1:
        """Double the table of edges."""
        cdef Py_ssize_t index, place, size = self.edges.shape[0], mask = 2 * size - 1
        cdef uint64_t[::1] edges = _filled("Q", 0, 2 * size)
        cdef int32_t[::1] behind = _filled("i", 0, 2 * size)
        self.edge_shift -= 1
        for index in range(size):
            if self.edges[index]:
                place = <Py_ssize_t> clausal_mix(self.edges[index], self.edge_shift)
                while edges[place]:
                    place = (place + 1) & mask
                edges[place] = self.edges[index]
                behind[place] = self.behind[index]
        self.edges = edges
        self.behind = behind
        return 0

    def hits(self, str text not None):
        """A bit set of the lists that have a term in `text`."""
        cdef Py_ssize_t number
        cdef uint8_t* groups = <uint8_t*> PyMem_Calloc(max(self.group_count, 1), 1)
        if groups is NULL:
            raise MemoryError
        # A number of Python's: there may be more lists than bits in a machine word.
        cdef object one = 1, bits = 0
        try:
            self.scan(text, groups)
            for number in range(self.group_count):
                if groups[number]:
                    for index in range(self.list_first[number], self.list_first[number + 1]):
                        bits |= one << self.lists[index]
        finally:
            PyMem_Free(groups)
        return bits

    cdef int settle(
        self, str text, const int32_t* places, uint32_t* verdicts, uint32_t found, uint32_t lost
    ) except -1:
        """Write for each list, at its place among the verdicts, whether a term of it was found."""
        cdef uint8_t[FEW] few
        cdef uint8_t* groups = few
        cdef Py_ssize_t number, index
        for number in range(self.list_count):
            verdicts[places[number]] = lost
        if self.group_count > FEW:
            groups = <uint8_t*> PyMem_Calloc(self.group_count, 1)
            if groups is NULL:
                raise MemoryError
        else:
            memset(few, 0, self.group_count)
        try:
            if self.scan(text, groups):
                for number in range(self.group_count):
                    if groups[number]:
                        for index in range(self.list_first[number], self.list_first[number + 1]):
                            verdicts[places[self.lists[index]]] = found
        finally:
            if groups is not few:
                PyMem_Free(groups)
        return 0

    cdef int scan(self, str text, uint8_t* groups) except -1:
        """Mark the groups of the terms that occur; how many they are."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void* data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        with nogil:
            if kind == 1:
                return _scan(self, <const uint8_t*> data, size, groups)
            if kind == 2:
                return _scan(self, <const uint16_t*> data, size, groups)
            return _scan(self, <const uint32_t*> data, size, groups)


cdef int _scan(
    TermIndex index, const Unit* text, Py_ssize_t size, uint8_t* groups
) noexcept nogil:
    """Mark the groups of the terms that occur in a text; how many they are."""
    cdef const uint8_t* firsts = &index.firsts[0]
    cdef const uint64_t* pairs = &index.pairs[0]
    cdef int shift = index.pair_shift
    cdef Py_ssize_t start
    cdef uint64_t here, place
    cdef uint8_t first
    cdef int count = 0
    for start in range(size):
        here = text[start]
        first = firsts[here & 0xFFFF]
        if first == 0:
            continue
        if not first & IS_TERM:
            if start + 1 == size:
                continue
            place = clausal_mix(here << CHARACTER | text[start + 1], shift)
            if not pairs[place >> 6] >> (place & 63) & 1:
                continue
        count += _follow(index, text, size, start, groups)
        # A text that has terms of every group has nothing more to say.
        if count == index.group_count:
            break
    return count


cdef int _follow(
    TermIndex index, const Unit* text, Py_ssize_t size, Py_ssize_t start, uint8_t* groups
) noexcept nogil:
    """Mark the groups of the terms that begin at a place of a text; how many were not marked."""
    cdef const uint64_t* edges = &index.edges[0]
    cdef Py_ssize_t mask = index.edges.shape[0] - 1
    cdef Py_ssize_t end = start, place
    cdef int32_t node = ROOT, term, group
    cdef uint64_t key
    cdef int count = 0
    while end < size:
        key = _key(node, text[end])
        place = <Py_ssize_t> clausal_mix(key, index.edge_shift)
        while edges[place] != key:
            if edges[place] == 0:
                return count
            place = (place + 1) & mask
        node = index.behind[place]
        end += 1
        term = index.ends[node]
        if term < 0:
            continue
        group = index.group_of[term]
        if groups[group]:
            continue
        if index.whole[term] and not _stands_alone(text, size, start, end):
            continue
        groups[group] = 1
        count += 1
    return count


cdef bint _stands_alone(
    const Unit* text, Py_ssize_t size, Py_ssize_t start, Py_ssize_t end
) noexcept nogil:
    """Whether no word goes on across the edges of a part of a text."""
    if start > 0 and _goes_on(text[start]) and _goes_on(text[start - 1]):
        return False
    return not (end < size and _goes_on(text[end - 1]) and _goes_on(text[end]))
