# cython: language_level=3
"""The floor of every way in that takes dictionaries: looking up all fields, from C."""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject


cdef class Reader:
    """Looks up fields, turns numbers into doubles, takes texts by their hash, walks lists."""

    cdef tuple paths

    def __init__(self, paths):
        """Take the fields, each a tuple of keys."""
        self.paths = tuple(tuple(path) for path in paths)

    cpdef double read(self, dict event) except? -1.0:
        """Read one event; the sum is there so that nothing is left out."""
        cdef double total = 0.0
        cdef PyObject *found
        cdef tuple path
        cdef object key, value
        cdef dict group
        for path in self.paths:
            found = <PyObject *>event
            for key in path:
                group = <dict>found
                found = PyDict_GetItem(group, key)
                if found is NULL:
                    break
            if found is NULL:
                continue
            value = <object>found
            if type(value) is str:
                total += hash(value) & 1
            elif type(value) is list:
                for key in <list>value:
                    total += hash(key) & 1
            else:
                total += <double>value
        return total
