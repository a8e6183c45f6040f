"""The layout of frames. `_frame.pyx` says what everything means."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint64_t

from clausal.engine._kinds cimport STATE_PRESENT


cdef extern from *:
    """
    #include <assert.h>
    #include <string.h>
    #define check(holds) assert(holds)

    /* Up to eight bytes as a number, which no other bytes of that size have. */
    static inline uint64_t word_of(const uint8_t *at, Py_ssize_t size) {
        uint64_t word = 0;
        uint32_t first, last;
        if (size == 8) {
            memcpy(&word, at, 8);
        } else if (size >= 4) {
            memcpy(&first, at, 4);
            memcpy(&last, at + size - 4, 4);
            word = (uint64_t)first << 32 | last;
        } else if (size > 0) {
            word = (uint64_t)at[0] << 16 | (uint64_t)at[size >> 1] << 8 | at[size - 1];
        }
        return word;
    }

    /* Whether so many bytes are equal. Most are the few of a name: no call for them. */
    static inline int same_bytes(const char *one, const char *two, Py_ssize_t size) {
        uint64_t left, right, more, still;
        if (size > 16) return memcmp(one, two, (size_t)size) == 0;
        if (size >= 8) {
            memcpy(&left, one, 8), memcpy(&right, two, 8);
            memcpy(&more, one + size - 8, 8), memcpy(&still, two + size - 8, 8);
            return left == right && more == still;
        }
        return word_of((const uint8_t *)one, size) == word_of((const uint8_t *)two, size);
    }

    /* Whether two texts are equal; both have been keys of dictionaries, or looked up as such. */
    static inline int same_text(PyObject *one, PyObject *two) {
        Py_ssize_t size = PyUnicode_GET_LENGTH(one);
        int kind = PyUnicode_KIND(one);
        if (one == two) return 1;
        if (size != PyUnicode_GET_LENGTH(two) || kind != (int)PyUnicode_KIND(two)) return 0;
        return same_bytes(PyUnicode_DATA(one), PyUnicode_DATA(two), size * kind);
    }
    """
    # Looked at in a checked build alone: what raw pointers need in place of checks of bounds.
    void check(bint holds) noexcept nogil
    bint same_text(PyObject* one, PyObject* two) noexcept nogil


cdef struct Name:
    # An ASCII text, the number of its bytes, if it is short, and its code; NULL: a free place.
    const uint8_t* text
    Py_ssize_t size
    uint64_t word
    int32_t code


cdef struct Names:
    # A hash table with last + 1 places, a power of two; at most half of them are taken.
    Name* places
    uint64_t last


cdef int32_t find_name(const Names* names, const uint8_t* text, Py_ssize_t size) noexcept nogil


cdef class Slots:
    cdef readonly Py_ssize_t count
    # By slot: see `clausal.engine.layout`.
    cdef uint8_t* forms
    cdef uint8_t* kinds
    # By slot: what the program has names for, all and those that are ASCII.
    cdef tuple symbols
    cdef tuple codes
    cdef Names* names
    cdef tuple types
    # By slot: where among all words those of its set are, and how many.
    cdef int32_t* word_first
    cdef int32_t* word_count
    cdef Py_ssize_t words
    # The slots whose values may be objects.
    cdef int32_t* held
    cdef Py_ssize_t held_count
    # Blocks of memory that no frame uses.
    cdef size_t block_size
    cdef void* spare[32]
    cdef Py_ssize_t spare_count

    cdef Frame frame(self)
    cdef int32_t code_of(self, Py_ssize_t slot, PyObject* text) except -1
    cdef int store(self, Frame frame, Py_ssize_t slot, object value) except -1
    cdef int store_number(self, Frame frame, Py_ssize_t slot, double number) noexcept
    cdef int store_text(self, Frame frame, Py_ssize_t slot, PyObject* text) except -1
    cdef int store_list(self, Frame frame, Py_ssize_t slot, PyObject* items) except -1
    cdef int store_unusual_list(self, Frame frame, Py_ssize_t slot, list items) except -1
    cdef PyObject* text_of(self, Frame frame, Py_ssize_t slot) noexcept nogil


cdef class Frame:
    cdef Slots slots
    # By slot: a flag is 0 or 1, a set its number of elements. The block begins here.
    cdef double* number
    # The bits of all sets; those of a set without a value mean nothing.
    cdef uint64_t* words
    # The texts of strings, and sets that have other elements than symbols; NULL: none.
    cdef PyObject** objects
    cdef int32_t* code
    cdef uint8_t* state
    # Tells the values of an event from those of all others.
    cdef uint64_t serial

    cdef int clear(self) noexcept
    cdef int give_back(self) noexcept


cdef inline void set_number(Frame frame, Py_ssize_t slot, double number) noexcept nogil:
    """Store the number of a slot. The sum takes the sign from a zero."""
    check(0 <= slot < frame.slots.count)
    frame.number[slot] = number + 0.0
    frame.state[slot] = STATE_PRESENT
