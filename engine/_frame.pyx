"""The values of one event, by slot, in one block of memory.

Whoever reads an event fills a `Frame`, which knows nothing of rules. `Slots` is what the frames of
one program have in common: what each slot holds, and memory to be used again.
"""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.string cimport memcmp, memset

from clausal.engine._kinds cimport (
    FORM_BOOL, FORM_DATE, FORM_DURATION, FORM_INSTANT, FORM_INTEGER, FORM_NAME, FORM_NAMES,
    FORM_NUMBER, FORM_SHARE, FORM_STRING, FORM_STRINGS, IRREGULAR, KIND_FLAG, KIND_QUANTITY,
    KIND_SET, KIND_SYMBOL, KIND_TEXT, REGULAR, STATE_ABSENT, STATE_FAILED, STATE_PRESENT
)

from clausal.compiler.program import SlotKind
from clausal.engine.layout import Form
from clausal.engine.values import ABSENT, FAILED, ConversionError, Missing, convert

__all__ = ("Frame", "Slots")

cdef extern from "Python.h":
    bint is_ascii "PyUnicode_IS_COMPACT_ASCII" (PyObject* text) noexcept nogil
    const uint8_t* ascii_bytes "PyUnicode_1BYTE_DATA" (PyObject* text) noexcept nogil
    Py_ssize_t text_size "PyUnicode_GET_LENGTH" (PyObject* text) noexcept nogil
    bint is_text "PyUnicode_CheckExact" (PyObject* value) noexcept
    PyObject* tuple_item "PyTuple_GET_ITEM" (PyObject* items, Py_ssize_t index) noexcept nogil
    Py_ssize_t list_size "PyList_GET_SIZE" (PyObject* items) noexcept
    PyObject* list_item "PyList_GET_ITEM" (PyObject* items, Py_ssize_t index) noexcept
    void take "Py_INCREF" (PyObject* value) noexcept
    void let_go "Py_XDECREF" (PyObject* value) noexcept

_KINDS = {
    "FLAG": KIND_FLAG, "QUANTITY": KIND_QUANTITY, "SYMBOL": KIND_SYMBOL, "SET": KIND_SET,
    "TEXT": KIND_TEXT,
}
_FORMS = {
    "BOOL": FORM_BOOL, "INTEGER": FORM_INTEGER, "NUMBER": FORM_NUMBER, "SHARE": FORM_SHARE,
    "INSTANT": FORM_INSTANT, "DURATION": FORM_DURATION, "DATE": FORM_DATE, "NAME": FORM_NAME,
    "STRING": FORM_STRING, "NAMES": FORM_NAMES, "STRINGS": FORM_STRINGS,
}
for _ours, _theirs in ((_KINDS, SlotKind), (_FORMS, Form)):
    if _ours != {member.name: member.value for member in _theirs}:
        raise ImportError(f"`clausal.engine._frame` was built for another `{_theirs.__name__}`")

cdef uint64_t _serial = 0

cdef enum:
    # As many blocks are kept for the next events.
    SPARE = 32


cdef extern from *:
    """
    static inline uint64_t mixed(uint64_t hash, uint64_t word) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        return hash ^ hash >> 32;
    }

    /* A hash of a text, and its last word. The names in a table are those of policies: they do not
     * try to collide. */
    static inline uint64_t hash_text(const uint8_t *text, Py_ssize_t size, uint64_t *word) {
        uint64_t hash = (uint64_t)size;
        for (; size > 8; text += 8, size -= 8) hash = mixed(hash, word_of(text, 8));
        *word = word_of(text, size);
        return mixed(hash, *word);
    }
    """
    uint64_t hash_text(const uint8_t* text, Py_ssize_t size, uint64_t* word) noexcept nogil

# ── Names ────────────────────────────────────────────────────────────────────────────────────────

cdef int32_t find_name(const Names* names, const uint8_t* text, Py_ssize_t size) noexcept nogil:
    """The code of an ASCII text; 0 if it has none."""
    cdef uint64_t place, word = 0
    cdef const Name* name
    if names.places is NULL:
        return 0
    place = hash_text(text, size, &word) & names.last
    while True:
        name = &names.places[place]
        if name.text is NULL:
            return 0
        # Up to eight bytes, the size and the word are the text.
        if name.size == size and name.word == word:
            if size <= 8 or memcmp(name.text, text, <size_t> size) == 0:
                return name.code
        place = (place + 1) & names.last


cdef int _fill(Names* names, dict codes) except -1:
    """Make a table of the texts that are ASCII. The dictionary keeps them alive."""
    cdef uint64_t place, word = 0, size = 4
    cdef Name* name
    ascii = [text for text in codes if is_ascii(<PyObject*> text)]
    if not ascii:
        return 0
    while size < 2 * <uint64_t> len(ascii):
        size *= 2
    names.places = <Name*> _memory(size, sizeof(Name))
    names.last = size - 1
    for text in ascii:
        data = ascii_bytes(<PyObject*> text)
        length = text_size(<PyObject*> text)
        place = hash_text(data, length, &word) & names.last
        while names.places[place].text is not NULL:
            place = (place + 1) & names.last
        name = &names.places[place]
        name.text = data
        name.size = length
        name.word = word
        name.code = codes[text]
    return 0


cdef void* _memory(size_t count, size_t size) except NULL:
    """So many zeros, and one more, so that there is always something to point to."""
    found = PyMem_Calloc(count + 1, size)
    if found is NULL:
        raise MemoryError
    return found


# ── Slots ────────────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Slots:
    """What the slots of a program hold. Threads may share it."""

    def __cinit__(self, layout, kinds, symbols, types):
        cdef Py_ssize_t slot, held = 0
        self.count = len(layout.forms)
        self.symbols = symbols
        self.codes = layout.codes
        self.types = types
        self.words = layout.words
        self.forms = <uint8_t*> _memory(self.count, 1)
        self.kinds = <uint8_t*> _memory(self.count, 1)
        self.word_first = <int32_t*> _memory(self.count, sizeof(int32_t))
        self.word_count = <int32_t*> _memory(self.count, sizeof(int32_t))
        self.held = <int32_t*> _memory(self.count, sizeof(int32_t))
        self.names = <Names*> _memory(self.count, sizeof(Names))
        for slot in range(self.count):
            self.forms[slot] = layout.forms[slot]
            self.kinds[slot] = kinds[slot]
            self.word_first[slot] = layout.word_first[slot]
            self.word_count[slot] = layout.word_count[slot]
            _fill(&self.names[slot], self.codes[slot])
            if self.forms[slot] in (FORM_STRING, FORM_STRINGS):
                self.held[held] = <int32_t> slot
                held += 1
        self.held_count = held
        self.block_size = (
            (sizeof(double) + sizeof(PyObject*) + sizeof(int32_t) + 1) * <size_t> self.count
            + sizeof(uint64_t) * <size_t> self.words + 1
        )

    def __dealloc__(self):
        cdef Py_ssize_t index
        if self.names is not NULL:
            for index in range(self.count):
                PyMem_Free(self.names[index].places)
        for index in range(self.spare_count):
            PyMem_Free(self.spare[index])
        PyMem_Free(self.forms)
        PyMem_Free(self.kinds)
        PyMem_Free(self.word_first)
        PyMem_Free(self.word_count)
        PyMem_Free(self.held)
        PyMem_Free(self.names)

    cdef Frame frame(self):
        """A frame in which every slot is absent."""
        cdef Frame frame = Frame.__new__(Frame)
        cdef Py_ssize_t count = self.count
        cdef void* block
        if self.spare_count:
            self.spare_count -= 1
            block = self.spare[self.spare_count]
        else:
            block = PyMem_Malloc(self.block_size)
            if block is NULL:
                raise MemoryError
        # The widest first, so that all are aligned.
        frame.number = <double*> block
        frame.words = <uint64_t*> (frame.number + count)
        frame.objects = <PyObject**> (frame.words + self.words)
        frame.code = <int32_t*> (frame.objects + count)
        frame.state = <uint8_t*> (frame.code + count)
        memset(frame.objects, 0, <size_t> count * sizeof(PyObject*))
        memset(frame.state, STATE_ABSENT, <size_t> count)
        frame.slots = self
        frame.serial = _next_serial()
        return frame

    # ── Storing what was read ────────────────────────────────────────────────────────────────────

    cdef int32_t code_of(self, Py_ssize_t slot, PyObject* text) except -1:
        """The code of a text among the symbols of a slot; 0 if it is none of them."""
        cdef PyObject* found
        if is_ascii(text):
            return find_name(&self.names[slot], ascii_bytes(text), text_size(text))
        found = PyDict_GetItemWithError(<dict> tuple_item(<PyObject*> self.codes, slot), <object> text)
        return 0 if found is NULL else <int32_t> <object> found

    cdef int store(self, Frame frame, Py_ssize_t slot, object value) except -1:
        """Store a value as `convert` gives it, or why there is none."""
        cdef uint8_t kind
        check(0 <= slot < self.count)
        kind = self.kinds[slot]
        if isinstance(value, Missing):
            frame.state[slot] = STATE_FAILED if value is FAILED else STATE_ABSENT
        elif kind == KIND_FLAG or kind == KIND_QUANTITY:
            set_number(frame, slot, value)
        elif kind == KIND_SET:
            elements = list(value)
            self.store_list(frame, slot, <PyObject*> elements)
        else:
            self.store_text(frame, slot, <PyObject*> value)
        return 0

    cdef int store_number(self, Frame frame, Py_ssize_t slot, double number) noexcept:
        set_number(frame, slot, number)
        return REGULAR

    cdef int store_text(self, Frame frame, Py_ssize_t slot, PyObject* text) except -1:
        """Store a text or a name, a `str` itself; IRREGULAR if the enum has no such name."""
        check(0 <= slot < self.count)
        frame.code[slot] = self.code_of(slot, text)
        if self.forms[slot] == FORM_STRING:
            take(text)
            let_go(frame.objects[slot])
            frame.objects[slot] = text
        elif frame.code[slot] == 0:
            return IRREGULAR
        frame.state[slot] = STATE_PRESENT
        return REGULAR

    cdef int store_list(self, Frame frame, Py_ssize_t slot, PyObject* items) except -1:
        """Store the elements of a set; IRREGULAR if one is no text, or not in the enum."""
        cdef uint64_t* words
        cdef uint64_t bit
        cdef Py_ssize_t index, count = 0
        cdef int32_t code
        cdef PyObject* item
        check(0 <= slot < self.count and self.word_count[slot] > 0)
        words = frame.words + self.word_first[slot]
        for index in range(self.word_count[slot]):
            words[index] = 0
        for index in range(list_size(items)):
            item = list_item(items, index)
            code = self.code_of(slot, item) if is_text(item) else 0
            if code == 0:
                return self.store_unusual_list(frame, slot, <list> items)
            code -= 1
            bit = <uint64_t> 1 << (code & 63)
            count += not words[code >> 6] & bit
            words[code >> 6] |= bit
        frame.number[slot] = <double> count
        frame.state[slot] = STATE_PRESENT
        return REGULAR

    cdef int store_unusual_list(self, Frame frame, Py_ssize_t slot, list items) except -1:
        """Store a list with items that are no symbols, or of an unusual form, as enumerations are."""
        cdef int32_t code
        cdef uint64_t* words = frame.words + self.word_first[slot]
        cdef PyObject* before
        try:
            elements = convert(self.types[slot], items)
        except ConversionError:
            return IRREGULAR
        memset(words, 0, <size_t> self.word_count[slot] * sizeof(uint64_t))
        for element in elements:
            code = self.code_of(slot, <PyObject*> element)
            if code:
                words[(code - 1) >> 6] |= <uint64_t> 1 << ((code - 1) & 63)
        if self.forms[slot] == FORM_STRINGS:
            before = frame.objects[slot]
            take(<PyObject*> elements)
            frame.objects[slot] = <PyObject*> elements
            let_go(before)
        frame.number[slot] = <double> len(elements)
        frame.state[slot] = STATE_PRESENT
        return REGULAR

    cdef PyObject* text_of(self, Frame frame, Py_ssize_t slot) noexcept nogil:
        """The text of a slot that has one, borrowed."""
        if frame.objects[slot] is not NULL:
            return frame.objects[slot]
        # The values of enums are not kept: their codes say which they were.
        check(frame.code[slot] > 0)
        return tuple_item(tuple_item(<PyObject*> self.symbols, slot), frame.code[slot] - 1)


cdef inline uint64_t _next_serial() noexcept:
    global _serial
    _serial += 1
    return _serial


# ── Frames ───────────────────────────────────────────────────────────────────────────────────────

# What it refers to does not refer back: no cycle goes through it, and its slots are still there
# when it is freed.
@cython.final
@cython.no_gc
@cython.freelist(32)
cdef class Frame:
    """The values of a bundle's slots for one event. Whoever fills it has it alone until then."""

    def __reduce__(self):
        raise TypeError("values stay with the core that read them")

    def __dealloc__(self):
        self.give_back()

    cdef int clear(self) noexcept:
        """Forget the event, and let go of its texts."""
        cdef Py_ssize_t index
        cdef PyObject* before
        for index in range(self.slots.held_count):
            before = self.objects[self.slots.held[index]]
            self.objects[self.slots.held[index]] = NULL
            let_go(before)
        memset(self.state, STATE_ABSENT, <size_t> self.slots.count)
        self.serial = _next_serial()
        return 0

    cdef int give_back(self) noexcept:
        """Let the next frame of these slots have the memory."""
        cdef Slots slots = self.slots
        cdef Py_ssize_t index
        if slots is None:
            return 0
        for index in range(slots.held_count):
            let_go(self.objects[slots.held[index]])
        if slots.spare_count < SPARE:
            slots.spare[slots.spare_count] = self.number
            slots.spare_count += 1
        else:
            PyMem_Free(self.number)
        return 0

    def value(self, Py_ssize_t slot):
        """The value of a slot as `convert` gives it, or why there is none."""
        cdef Slots slots = self.slots
        cdef uint8_t kind
        if slots is None:
            raise ValueError("there are no values: `Core.read` makes them")
        if not 0 <= slot < slots.count:
            raise IndexError(f"there is no slot {slot}")
        if self.state[slot] == STATE_ABSENT:
            return ABSENT
        if self.state[slot] == STATE_FAILED:
            return FAILED
        kind = slots.kinds[slot]
        if kind == KIND_FLAG:
            return self.number[slot] != 0
        if kind == KIND_QUANTITY:
            return self.number[slot]
        if kind == KIND_SET and self.objects[slot] is NULL:
            words = self.words + slots.word_first[slot]
            return frozenset(
                [
                    name
                    for index, name in enumerate(slots.symbols[slot])
                    if words[<Py_ssize_t> index >> 6] >> (<Py_ssize_t> index & 63) & 1
                ]
            )
        return <object> (self.objects[slot] if kind == KIND_SET else slots.text_of(self, slot))
