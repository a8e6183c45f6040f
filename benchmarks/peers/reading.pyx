# cython: language_level=3
"""The floor of every way in that takes dictionaries: looking up all fields, from C."""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject


cdef class Reader:
    """Looks up fields, turns numbers into doubles, and walks lists.

    Each group of fields is opened once: a floor that looked up every path from the top would be
    twice as high, and whatever is held against it would look twice as good.
    """

    cdef tuple groups

    def __init__(self, paths):
        """Take the fields, each a tuple of keys."""
        found = {}
        for path in paths:
            found.setdefault(tuple(path[:-1]), []).append(path[-1])
        self.groups = tuple((group, tuple(keys)) for group, keys in found.items())

    cpdef double read(self, dict event) except? -1.0:
        """Read one event; the sum is there so that nothing is left out."""
        cdef double total = 0.0
        cdef PyObject *found
        cdef tuple group, path, keys
        cdef object key, item, value
        for group in self.groups:
            path, keys = <tuple>group[0], <tuple>group[1]
            found = <PyObject *>event
            for key in path:
                found = PyDict_GetItem(<dict>found, key)
                if found is NULL:
                    break
            if found is NULL:
                continue
            fields = <dict>found
            for key in keys:
                found = PyDict_GetItem(<dict>fields, key)
                if found is NULL:
                    continue
                value = <object>found
                if type(value) is float:
                    total += <double>value
                elif type(value) is str:
                    total += 1
                elif type(value) is list:
                    for item in <list>value:
                        total += 1
                else:
                    total += <double>value
        return total
