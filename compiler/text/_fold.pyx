"""The quick way of folding: a table of what each character becomes.

Most characters become the same wherever they stand: one character, none, or several. A text of
such characters is folded by looking each of them up. The others, which compose with their
neighbours or trade places with them, are left to `clausal.compiler.text.fold`, whose folding is the meaning.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport uint8_t, uint16_t, uint32_t

__all__ = ("FoldTable",)

cdef extern from "Python.h":
    int PyUnicode_KIND(object text) noexcept
    const void* PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    object PyUnicode_FromKindAndData(int kind, const void* buffer, Py_ssize_t size)

cdef enum:
    PAGES = 0x1100
    PAGE = 256
    # No character's mapping is longer in any version of Unicode: its stability policy.
    LONGEST = 18
    # Texts of up to so many characters are folded on the stack.
    SHORT = 1024

# An entry of the table is the character that another becomes or, beyond all characters, one of these.
cdef enum:
    REMOVED = 0x110000
    DEPENDS
    # This plus n: the character becomes the several of expansion n.
    SEVERAL

# The code units of a string: it holds one, two or four bytes for each character.
ctypedef fused Unit:
    uint8_t
    uint16_t
    uint32_t


@cython.final
cdef class FoldTable:
    """What characters become wherever they stand; filled in as it is needed, a page at a time."""

    # Built and read by whoever holds the interpreter's lock; an entry never changes.
    cdef object alone
    cdef uint32_t** pages
    # Expansion n: its length, and its characters.
    cdef uint32_t* expansions
    cdef Py_ssize_t expansion_count

    def __cinit__(self, alone):
        self.alone = alone
        self.pages = <uint32_t**> PyMem_Calloc(PAGES, sizeof(uint32_t*))
        if self.pages is NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef Py_ssize_t number
        if self.pages is not NULL:
            for number in range(PAGES):
                PyMem_Free(self.pages[number])
        PyMem_Free(self.pages)
        PyMem_Free(self.expansions)

    def fold(self, str text not None):
        """`text` with each character replaced; None if it has one that depends on others."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void* data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        if kind == 1:
            return self.fold_units(text, <const uint8_t*> data, size)
        if kind == 2:
            return self.fold_units(text, <const uint16_t*> data, size)
        return self.fold_units(text, <const uint32_t*> data, size)

    cdef object fold_units(self, str text, const Unit* data, Py_ssize_t size):
        cdef uint32_t[SHORT] short
        cdef uint32_t* folded
        cdef uint32_t entry = REMOVED
        cdef Py_ssize_t index, first = 0
        # A text that folding leaves as it is costs no new one.
        while first < size:
            entry = self.entry(data[first])
            if entry != data[first]:
                break
            first += 1
        if first == size:
            return text
        if entry == DEPENDS:
            return None
        if size <= SHORT:
            folded = short
        else:
            folded = <uint32_t*> PyMem_Malloc(size * sizeof(uint32_t))
            if folded is NULL:
                raise MemoryError
        try:
            for index in range(first):
                folded[index] = data[index]
            return self.fold_rest(&folded, short, data, first, size)
        finally:
            if folded is not short:
                PyMem_Free(folded)

    cdef object fold_rest(
        self, uint32_t** folded, uint32_t* short, const Unit* data, Py_ssize_t first,
        Py_ssize_t size
    ):
        """Fold what follows the first characters, which are there already."""
        cdef uint32_t* out = folded[0]
        cdef uint32_t entry
        cdef const uint32_t* expansion
        cdef Py_ssize_t index, part, end = first
        cdef Py_ssize_t room = SHORT if out is short else size
        for index in range(first, size):
            entry = self.entry(data[index])
            if entry < REMOVED:
                out[end] = entry
                end += 1
            elif entry == DEPENDS:
                return None
            elif entry != REMOVED:
                expansion = self.expansions + (entry - SEVERAL) * (LONGEST + 1)
                # What is left must fit behind it, even if it stays as long as it is.
                if end + <Py_ssize_t> expansion[0] + size - index > room:
                    room = 2 * (room + LONGEST)
                    out = self.moved(folded, short, end, room)
                for part in range(<Py_ssize_t> expansion[0]):
                    out[end + part] = expansion[1 + part]
                end += expansion[0]
        return PyUnicode_FromKindAndData(4, out, end)

    cdef uint32_t* moved(
        self, uint32_t** folded, uint32_t* short, Py_ssize_t size, Py_ssize_t room
    ) except NULL:
        """What was folded, in memory with more room."""
        cdef uint32_t* larger
        cdef Py_ssize_t index
        if folded[0] is short:
            larger = <uint32_t*> PyMem_Malloc(room * sizeof(uint32_t))
            if larger is not NULL:
                for index in range(size):
                    larger[index] = short[index]
        else:
            larger = <uint32_t*> PyMem_Realloc(folded[0], room * sizeof(uint32_t))
        if larger is NULL:
            raise MemoryError
        folded[0] = larger
        return larger

    cdef inline uint32_t entry(self, uint32_t point) except? 0:
        cdef uint32_t* page = self.pages[point >> 8]
        if page is NULL:
            page = self.make_page(point >> 8)
        return page[point & 255]

    cdef uint32_t* make_page(self, uint32_t number) except NULL:
        """Ask what the characters of a page become."""
        cdef uint32_t* page
        cdef list entries = []
        cdef Py_ssize_t index
        for index in range(PAGE):
            image = self.alone(chr(number * PAGE + index))
            if image is None:
                entries.append(DEPENDS)
            elif image == "":
                entries.append(REMOVED)
            elif len(image) == 1:
                entries.append(ord(image))
            else:
                entries.append(SEVERAL + self.expand(image))
        # Asking runs Python, and another thread may have made the page meanwhile.
        if self.pages[number] is NULL:
            page = <uint32_t*> PyMem_Malloc(PAGE * sizeof(uint32_t))
            if page is NULL:
                raise MemoryError
            for index in range(PAGE):
                page[index] = entries[index]
            self.pages[number] = page
        return self.pages[number]

    cdef Py_ssize_t expand(self, str image) except -1:
        """Keep an image of several characters; its number."""
        cdef Py_ssize_t number = self.expansion_count, index
        cdef uint32_t* grown
        if len(image) > LONGEST:
            raise ValueError(f"a character becomes more than {LONGEST} characters")
        grown = <uint32_t*> PyMem_Realloc(
            self.expansions, (number + 1) * (LONGEST + 1) * sizeof(uint32_t)
        )
        if grown is NULL:
            raise MemoryError
        self.expansions = grown
        grown += number * (LONGEST + 1)
        grown[0] = <uint32_t> len(image)
        for index in range(len(image)):
            grown[1 + index] = <uint32_t> ord(image[index])
        self.expansion_count = number + 1
        return number
