"""The layout of the reading of events. `_reading.pyx` says what everything means."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t

from clausal.engine._frame cimport Frame, Slots
from clausal.engine._json cimport JsonReader


cdef struct Key:
    # A key, its hash, and the slot that it fills, or -1 and the `Group` below; NULL: a free place.
    PyObject* text
    Py_hash_t hash
    int32_t slot
    PyObject* group


cdef struct Step:
    # A member of an instance, and the key that it stands for; NULL: that of the history.
    PyObject* member
    Key* key


cdef class Plan:
    cdef Step* steps
    cdef Py_ssize_t count
    # Whether the members are in the dictionary of the instance.
    cdef bint in_dictionary
    # What the steps point to.
    cdef tuple names


cdef class Group:
    # A hash table with last + 1 places, a power of two; at most half of them are taken.
    cdef Key* places
    cdef size_t last
    # What the places point to.
    cdef dict below
    # By class: a `Plan`, or None if there can be none.
    cdef dict plans

    cdef Key* find(self, PyObject* text) noexcept
    cdef Plan plan_of(self, PyObject* kind)
    cdef Plan new_plan(self, object kind)
    cdef int fail(self, Frame frame) except -1


cdef class Reader:
    cdef Slots slots
    cdef Group root
    cdef JsonReader json
    cdef int32_t* required
    cdef Py_ssize_t required_count
    cdef Py_ssize_t time_slot
    # The plain way to read an event, and a history.
    cdef object plain
    cdef object history_reader
    # By figure of the history: its slot and names, its group, and how long strikes are active.
    cdef tuple figures
    cdef const uint8_t[::1] figure_group
    cdef const double[::1] figure_within

    cdef int read(self, Frame frame, object event, object history) except -1
    cdef int read_json(self, Frame frame, object data, object history) except -1
    cdef int read_regular_json(
        self, Frame frame, const uint8_t* data, Py_ssize_t size, object history
    ) except -1
    cdef int read_past(self, Frame frame, object carried, object history) except -1
    cdef int read_regular(self, Frame frame, object event, object history) except -1
    cdef bint lacks_required(self, Frame frame) noexcept
    cdef int read_any(
        self, Frame frame, Group group, PyObject* value, PyObject** history
    ) except -1
    cdef int read_members(
        self, Frame frame, Plan plan, PyObject* value, PyObject** history
    ) except -1
    cdef int read_entry(self, Frame frame, Key* key, PyObject* value) except -1
    cdef int read_fields(
        self, Frame frame, Group group, PyObject* fields, PyObject** history
    ) except -1
    cdef int read_reserved(
        self, Frame frame, Group group, PyObject* fields, PyObject* key, PyObject* value,
        PyObject** history
    ) except -1
    cdef int keep_history(self, PyObject* value, PyObject** history) noexcept
    cdef int read_object(self, Frame frame, Group group, PyObject* value) except -1
    cdef int read_value(self, Frame frame, int32_t slot, PyObject* value) except -1
    cdef int read_other(self, Frame frame, int32_t slot, object value) except -1

    cdef int read_history(self, Frame frame, object history) except -1
    cdef int read_usual_history(self, Frame frame, object history) except -1
    cdef int count_strikes(
        self, Frame frame, Py_ssize_t index, object issued, bint as_numbers, double* active
    ) except -1
