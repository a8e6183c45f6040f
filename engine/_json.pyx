"""JSON bytes read straight into slots, without dictionaries in between.

`_json.h` reads an event in one pass over its bytes; here its tables are made, and the Python objects
that it does not make. What is unusual is left to `clausal.engine.decode` and `EventReader`, which
are the meaning, and whose words every refusal has.

Why by ourselves: of an event of 740 bytes with thirty fields, of which all but one text are read,
`orjson.loads` takes 2.0 µs, `msgspec` into dictionaries 2.2 and into a Struct of the fields that are
read 1.25, before a single value is where the rules look for it, and this 0.6 with all of them there.
The Struct takes bytes that are no UTF-8 in texts that it skips, and the last of two equal keys.
simdjson is quick to parse (0.5) but its wheels have no interface for C; asking it for the fields
from Python takes 9 µs, and it takes equal keys too.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

import msgspec

from clausal.engine.layout import Form, Tree
from clausal.engine.values import FIRST_INSTANT, LAST_INSTANT

__all__ = ("JsonReader", "count_keys", "scan_json")

cdef extern from "_json.h" nogil:
    cdef enum:
        READ_BOOL, READ_INTEGER, READ_NUMBER, READ_SHARE, READ_INSTANT, READ_DURATION, READ_DATE
        READ_NAME, READ_STRING, READ_NAMES, READ_STRINGS, READ_GROUP
        LEFT_TEXT, LEFT_ESCAPED, LEFT_WHOLE, LEFT_REAL, LEFT_LIST
        PADDING
    const int64_t USUAL_FIRST "FIRST_INSTANT"
    const int64_t USUAL_LAST "LAST_INSTANT"
    bint make_names(Names* names, LongName* given, size_t count)
    void free_names(Names* names)
    void set_pattern(Key* key, const uint8_t* pattern, size_t size)
    void fit_nothing(Key* key)
    bint read_event(Scan* scan, size_t size)
    size_t unescape(const uint8_t* at, const uint8_t* end, uint8_t* to)
    const uint8_t* text_end(const uint8_t* at, int* escaped)

_FORMS = {
    "BOOL": READ_BOOL, "INTEGER": READ_INTEGER, "NUMBER": READ_NUMBER, "SHARE": READ_SHARE,
    "INSTANT": READ_INSTANT, "DURATION": READ_DURATION, "DATE": READ_DATE, "NAME": READ_NAME,
    "STRING": READ_STRING, "NAMES": READ_NAMES, "STRINGS": READ_STRINGS,
}
if _FORMS != {form.name: form.value for form in Form}:
    raise ImportError("`clausal.engine._json` was built for another `Form`")
if [USUAL_FIRST, USUAL_LAST] != [FIRST_INSTANT, LAST_INSTANT]:
    raise ImportError("`clausal.engine._json` was built for other instants")

_DECODER = msgspec.json.Decoder()

# A page for a longer text is not kept.
cdef Py_ssize_t _KEPT = 1 << 20
# A longer event is not read here: the page holds a copy of it.
cdef Py_ssize_t _LONGEST = 1 << 26
cdef Py_ssize_t _POOL = 16


@cython.final
cdef class Buffer:
    """The bytes of an object that has some, held while this is there.

    Bytes that do not lie one after the other are copied.

    Raises:
        TypeError: if it has none.
    """

    def __cinit__(self, data not None):
        self.held = False
        try:
            PyObject_GetBuffer(data, &self.view, PyBUF_SIMPLE)
        except BufferError:
            PyObject_GetBuffer(bytes(data), &self.view, PyBUF_SIMPLE)
        self.held = True
        self.at = <const uint8_t*> self.view.buf
        self.size = self.view.len

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


@cython.final
cdef class JsonReader:
    """Reads the events of a table of slots. Threads that hold the interpreter's lock may share it."""

    def __cinit__(self, layout):
        self.slots = len(layout.forms)
        self.words = layout.words
        self.texts = []
        self.pages = []
        groups, keys = _count(layout.tree)
        self.schema.groups = <Group*> PyMem_Calloc(groups, sizeof(Group))
        self.schema.keys = <Key*> PyMem_Calloc(keys + 1, sizeof(Key))
        if self.schema.groups is NULL or self.schema.keys is NULL:
            raise MemoryError
        self.take_tree(layout, layout.tree)
        fit_nothing(&self.schema.keys[self.schema.key_count])

    def __dealloc__(self):
        cdef Py_ssize_t index
        if self.schema.groups is not NULL:
            for index in range(self.schema.group_count):
                free_names(&self.schema.groups[index].names)
        if self.schema.keys is not NULL:
            for index in range(self.schema.key_count):
                free_names(&self.schema.keys[index].symbols)
        PyMem_Free(self.schema.groups)
        PyMem_Free(self.schema.keys)

    cdef int32_t take_tree(self, object layout, object tree) except -1:
        """Lay out an object of the event and those below it; the number of its group."""
        cdef int32_t number = self.schema.group_count
        cdef int32_t first = self.schema.key_count
        cdef int32_t index
        cdef Key* key
        self.schema.group_count = number + 1
        self.schema.key_count = first + <int32_t> len(tree.below)
        self.schema.groups[number].first_key = first
        self.take_names(&self.schema.groups[number].names, list(tree.below), first)
        for index, (text, below) in enumerate(tree.below.items(), first):
            key = &self.schema.keys[index]
            name = _name(text)
            if name is None:
                fit_nothing(key)
            else:
                set_pattern(key, self.keep(b'"' + name + b'":'), len(name) + 3)
            if isinstance(below, Tree):
                key.form = READ_GROUP
                key.slot = -1
                key.group = self.take_tree(layout, below)
                continue
            key.slot = below
            key.form = layout.forms[below]
            if key.form in (READ_NAME, READ_NAMES, READ_STRINGS):
                key.first_word = layout.word_first[below]
                key.word_count = layout.word_count[below]
                self.take_names(&key.symbols, list(layout.codes[below]), 0)
        self.schema.groups[number].end_key = self.schema.key_count
        return number

    cdef int take_names(self, Names* names, list texts, int32_t first) except -1:
        """Number texts from the first on. Those that JSON does not write as names have no number."""
        cdef Py_ssize_t index, count = 0
        cdef LongName* found = <LongName*> PyMem_Calloc(len(texts) + 1, sizeof(LongName))
        if found is NULL:
            raise MemoryError
        try:
            for index in range(len(texts)):
                name = _name(texts[index])
                if name is not None:
                    found[count].text = self.keep(name + b'"')
                    found[count].size = len(name)
                    found[count].number = first + index
                    count += 1
            if not make_names(names, found, count):
                raise MemoryError
        finally:
            PyMem_Free(found)
        return 0

    cdef const uint8_t* keep(self, bytes text) except NULL:
        """Where a text stays, with zeros behind it."""
        text += bytes(16)
        self.texts.append(text)
        return <const uint8_t*> PyBytes_AS_STRING(text)

    def regular(self, data):
        """Whether an event is read here, and not in the plain way."""
        cdef Page page = self.page()
        cdef Buffer buffer = Buffer(data)
        # All that a slot may need, for each of them and for each word of a set.
        room = bytearray(8 * max(self.slots + self.words, 1))
        cdef uint8_t[::1] state = room
        cdef uint8_t[::1] rest = bytearray(room)
        found = page.read(
            buffer.at, buffer.size, &state[0], <double*> &rest[0], <int32_t*> &rest[0],
            <uint64_t*> &rest[0],
        )
        self.give_back(page)
        return found

    cdef Page page(self):
        """A page to read an event on; `give_back` takes it again."""
        cdef Page page
        if self.pages:
            return self.pages.pop()
        page = Page.__new__(Page)
        page.prepare(&self.schema)
        return page

    cdef int give_back(self, Page page) except -1:
        if page.room <= _KEPT and len(self.pages) < _POOL:
            self.pages.append(page)
        return 0


# It refers to no object that could refer to it.
@cython.final
@cython.no_gc
cdef class Page:
    """The memory to read one event with, and what is left of it to Python."""

    cdef int prepare(self, const Schema* schema) except -1:
        """Get ready for events of a schema, which stays where it is."""
        cdef int32_t index, keys = schema.key_count
        self.scan.schema = schema
        self.scan.seen = <uint8_t*> PyMem_Calloc(keys + 1, 1)
        self.scan.left = <Left*> PyMem_Calloc(keys + 1, sizeof(Left))
        self.scan.guess = <int32_t*> PyMem_Calloc(keys + schema.group_count, sizeof(int32_t))
        if self.scan.seen is NULL or self.scan.left is NULL or self.scan.guess is NULL:
            raise MemoryError
        for index in range(keys + schema.group_count):
            self.scan.guess[index] = keys
        return 0

    def __dealloc__(self):
        PyMem_Free(self.scan.seen)
        PyMem_Free(self.scan.left)
        PyMem_Free(self.scan.guess)
        PyMem_Free(self.text)

    cdef bint read(
        self, const uint8_t* data, Py_ssize_t size,
        uint8_t* state, double* number, int32_t* code, uint64_t* words,
    ) except -1:
        """Read an event; False if it is irregular, and then the slots hold anything.

        The states must be those of an event that has nothing.
        """
        cdef uint8_t* text
        if size > _LONGEST:
            return False
        if size > self.room:
            # Some more, so that longer and longer events do not each ask for memory.
            text = <uint8_t*> PyMem_Malloc(size + size // 2 + 4096 + PADDING)
            if text is NULL:
                raise MemoryError
            PyMem_Free(self.text)
            self.text = text
            self.room = size + size // 2 + 4096
        elif size == 0:
            return False
        memcpy(self.text, data, size)
        memset(self.text + size, 0, PADDING)
        self.scan.text = self.text
        self.scan.state = state
        self.scan.number = number
        self.scan.code = code
        self.scan.words = words
        return read_event(&self.scan, size)

    cdef Py_ssize_t left(self) noexcept:
        """How many values are left to Python."""
        return self.scan.left_count

    cdef int32_t slot(self, Py_ssize_t index) noexcept:
        """The slot of such a value."""
        return self.scan.left[index].slot

    cdef object value(self, Py_ssize_t index):
        """The value as `decode_json` gives it."""
        cdef const Left* left = &self.scan.left[index]
        cdef const uint8_t* at = self.text + left.start
        cdef Py_ssize_t size = left.end - left.start
        if left.kind == LEFT_TEXT:
            return PyUnicode_DecodeUTF8(<const char*> at, size, NULL)
        if left.kind == LEFT_ESCAPED:
            return _unescaped(at, size)
        if left.kind == LEFT_LIST:
            return self.items(at)
        data = PyBytes_FromStringAndSize(<const char*> at, size)
        return int(data) if left.kind == LEFT_WHOLE else float(data)

    cdef list items(self, const uint8_t* at):
        """The texts of a list that is sound and has nothing else."""
        cdef list found = []
        cdef const uint8_t* end
        cdef Py_ssize_t size
        cdef int escaped
        while True:
            while at[0] != c'"':
                if at[0] == c"]":
                    return found
                at += 1
            at += 1
            escaped = 0
            end = text_end(at, &escaped)
            # As numbers: the build with overflow checks does not know of pointers.
            size = <Py_ssize_t> (<size_t> end - <size_t> at)
            if escaped:
                found.append(_unescaped(at, size))
            else:
                found.append(PyUnicode_DecodeUTF8(<const char*> at, size, NULL))
            at = end + 1

    cdef object history(self):
        """What stands under `$history`; None if nothing does.

        Raises:
            msgspec.DecodeError: if it has something in it that is sound but unusual.
        """
        cdef Py_ssize_t start = self.scan.history_start, end = self.scan.history_end
        if end == 0:
            return None
        return _DECODER.decode(PyBytes_FromStringAndSize(<const char*> self.text + start, end - start))


cdef str _unescaped(const uint8_t* at, Py_ssize_t size):
    """The text that one with escapes means."""
    cdef bytes room = PyBytes_FromStringAndSize(NULL, size)
    cdef uint8_t* start = <uint8_t*> PyBytes_AS_STRING(room)
    return PyUnicode_DecodeUTF8(<const char*> start, unescape(at, at + size, start), "surrogatepass")


cdef bytes _name(str text):
    """A text as JSON has it without escapes; None if it needs some."""
    try:
        name = text.encode()
    except UnicodeEncodeError:
        return None
    return None if min(name, default=32) < 32 or b'"' in name or b"\\" in name else name


cdef tuple _count(object tree):
    """How many groups and keys a tree has."""
    groups, keys = 1, len(tree.below)
    for below in tree.below.values():
        if isinstance(below, Tree):
            more = _count(below)
            groups += more[0]
            keys += more[1]
    return groups, keys


# ── For the plain way ────────────────────────────────────────────────────────────────────────────

def scan_json(data):
    """How deep objects and lists are nested in JSON, and how many pairs of key and value it has.

    The numbers are right for what is JSON. For anything else they are some numbers.
    """
    cdef Buffer buffer = Buffer(data)
    cdef const uint8_t* at = buffer.at
    cdef Py_ssize_t index, size = buffer.size
    cdef Py_ssize_t depth = 0, deepest = 0, pairs = 0
    cdef bint inside = False, escaped = 0
    cdef uint8_t byte
    with nogil:
        for index in range(size):
            byte = at[index]
            if inside:
                if escaped:
                    escaped = 0
                elif byte == c"\\":
                    escaped = True
                elif byte == c'"':
                    inside = False
            elif byte == c'"':
                inside = True
            elif byte == c":":
                pairs += 1
            elif byte == c"{" or byte == c"[":
                depth += 1
                if depth > deepest:
                    deepest = depth
            elif byte == c"}" or byte == c"]":
                depth -= 1
    return deepest, pairs


def count_keys(value):
    """How many keys all dictionaries in a tree of dictionaries and lists have together.

    The caller knows that the tree is not deep: this recurses.
    """
    return _count_keys(value)


cdef Py_ssize_t _count_keys(object value) except -1:
    cdef Py_ssize_t count = 0
    if type(value) is dict:
        count = len(<dict> value)
        for inner in (<dict> value).values():
            if type(inner) is dict or type(inner) is list:
                count += _count_keys(inner)
    elif type(value) is list:
        for inner in <list> value:
            if type(inner) is dict or type(inner) is list:
                count += _count_keys(inner)
    return count
