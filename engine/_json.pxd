"""The layout of the reader of JSON. `_json.pyx` says what everything means."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t


cdef extern from "_json.h" nogil:
    ctypedef struct LongName:
        size_t size
        int64_t number
        const uint8_t* text

    ctypedef struct Names:
        pass

    ctypedef struct Key:
        int32_t form
        int32_t slot
        int32_t group
        int32_t first_word
        int32_t word_count
        Names symbols

    ctypedef struct Group:
        Names names
        int32_t first_key
        int32_t end_key

    ctypedef struct Schema:
        Key* keys
        Group* groups
        int32_t key_count
        int32_t group_count

    ctypedef struct Left:
        int32_t slot
        int32_t kind
        size_t start
        size_t end

    ctypedef struct Scan:
        const Schema* schema
        uint8_t* state
        double* number
        int32_t* code
        uint64_t* words
        const uint8_t* text
        uint8_t* seen
        int32_t* guess
        Left* left
        size_t left_count
        size_t history_start
        size_t history_end


cdef class JsonReader:
    cdef Schema schema
    cdef Py_ssize_t slots
    cdef Py_ssize_t words
    # What names point into.
    cdef list texts
    # Pages that no event is on.
    cdef list pages

    cdef int32_t take_tree(self, object layout, object tree) except -1
    cdef int take_names(self, Names* names, list texts, int32_t first) except -1
    cdef const uint8_t* keep(self, bytes text) except NULL

    cdef Page page(self)
    cdef int give_back(self, Page page) except -1


cdef class Page:
    cdef Scan scan
    cdef uint8_t* text
    cdef Py_ssize_t room

    cdef int prepare(self, const Schema* schema) except -1
    cdef bint read(
        self, const uint8_t* data, Py_ssize_t size,
        uint8_t* state, double* number, int32_t* code, uint64_t* words,
    ) except -1
    cdef Py_ssize_t left(self) noexcept
    cdef int32_t slot(self, Py_ssize_t index) noexcept
    cdef object value(self, Py_ssize_t index)
    cdef list items(self, const uint8_t* at)
    cdef object history(self)


cdef class Buffer:
    cdef Py_buffer view
    cdef bint held
    cdef const uint8_t* at
    cdef Py_ssize_t size
