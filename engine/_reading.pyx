"""Reading events of the usual forms: dictionaries and other objects, and JSON, into frames.

Everything unusual, and every refusal, is left to `EventReader`, whose values and errors are the
meaning. A value that is no exact number, text, list or dictionary may run code of its own when it is
looked at, which may change the event: such values are held while that goes on.
"""

from array import array
from collections.abc import Mapping

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from libc.math cimport floor, isfinite, rint
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcmp

from clausal.engine._frame cimport Frame, Slots, check, same_text, set_number
from clausal.engine._json cimport Buffer, JsonReader, Page
from clausal.engine._kinds cimport (
    FORM_BOOL, FORM_DATE, FORM_DURATION, FORM_INSTANT, FORM_INTEGER, FORM_NAME, FORM_NAMES,
    FORM_NUMBER, FORM_SHARE, FORM_STRING, FORM_STRINGS, IRREGULAR, REGULAR, STATE_ABSENT,
    STATE_FAILED, STATE_PRESENT
)

from msgspec import DecodeError
from pydantic import BaseModel

from clausal.compiler.types import LARGEST_INTEGER
from clausal.engine.decode import decode_json
from clausal.engine.event import EventReader
from clausal.engine.history import History, HistoryReader
from clausal.engine.layout import Tree
from clausal.engine.objects import FAILED_KEY, HISTORY_KEY, fields_of, names_of
from clausal.engine.values import (
    ABSENT,
    FAILED,
    ConversionError,
    Missing,
    convert,
)

__all__ = ("Group", "Reader")

cdef extern from "_usual.h" nogil:
    bint usual_day(const uint8_t* at, double* days)
    const uint8_t* usual_instant(const uint8_t* at, double* microseconds)

cdef extern from "Python.h":
    """
    #define hash_of(text) (((PyASCIIObject *)(text))->hash)
    #define is_float(value) Py_IS_TYPE(value, &PyFloat_Type)
    #define is_int(value) Py_IS_TYPE(value, &PyLong_Type)
    #define is_list(value) Py_IS_TYPE(value, &PyList_Type)
    #define is_dict(value) Py_IS_TYPE(value, &PyDict_Type)
    #define is_text(value) Py_IS_TYPE(value, &PyUnicode_Type)
    """
    # Of a text that was a key already; -1 otherwise, perhaps.
    Py_hash_t hash_of(PyObject* text) noexcept
    bint is_float(PyObject* value) noexcept
    bint is_int(PyObject* value) noexcept
    bint is_list(PyObject* value) noexcept
    bint is_dict(PyObject* value) noexcept
    bint is_text(PyObject* value) noexcept
    bint is_ascii "PyUnicode_IS_COMPACT_ASCII" (PyObject* text) noexcept
    const uint8_t* ascii_bytes "PyUnicode_1BYTE_DATA" (PyObject* text) noexcept
    Py_ssize_t text_size "PyUnicode_GET_LENGTH" (PyObject* text) noexcept
    int first_character "PyUnicode_READ_CHAR" (PyObject* text, Py_ssize_t index) noexcept
    double float_value "PyFloat_AS_DOUBLE" (PyObject* value) noexcept
    # Of an exact int, for which it cannot fail.
    long long int_value "PyLong_AsLongLongAndOverflow" (PyObject* value, int* overflow) noexcept
    bint next_entry "PyDict_Next" (
        PyObject* fields, Py_ssize_t* position, PyObject** key, PyObject** value
    ) noexcept
    Py_hash_t PyObject_Hash(object value) except -1
    PyObject* NONE "Py_None"
    PyObject* TRUTH "Py_True"
    PyObject* UNTRUTH "Py_False"
    void* class_of "Py_TYPE" (PyObject* value) noexcept
    # New references.
    PyObject* members_of "PyObject_GenericGetDict" (PyObject* value, void* context) except NULL
    PyObject* member_of "PyObject_GetAttr" (PyObject* value, PyObject* name) except NULL
    PyObject* look_up "PyDict_GetItemWithError" (PyObject* fields, PyObject* key) except? NULL
    void take "Py_INCREF" (PyObject* value) noexcept
    void take_any "Py_XINCREF" (PyObject* value) noexcept
    void let_go "Py_XDECREF" (PyObject* value) noexcept

cdef enum:
    GROUP_STRIKES, GROUP_TALLIES, GROUP_SIMILARITY

cdef enum:
    # As many classes are remembered for each object of the event.
    PLANS = 64

cdef tuple _GROUPS = ("strikes", "tallies", "similarity")

cdef double LARGEST = LARGEST_INTEGER


# ── The usual forms of values ────────────────────────────────────────────────────────────────────
#
# Each accepts a part of what `convert` accepts, with the same result, and leaves the rest to it.

cdef inline bint _usual_number(PyObject* value, double* number) noexcept:
    """A finite float, or a whole number that a float holds exactly."""
    cdef int overflow = 0
    if is_float(value):
        number[0] = float_value(value)
        return isfinite(number[0])
    if is_int(value):
        number[0] = <double> int_value(value, &overflow)
        # Beyond 2**53 the float may be the nearest whole number only.
        return overflow == 0 and -LARGEST < number[0] < LARGEST
    return False


cdef bint _usual_instant(PyObject* text, double* microseconds) noexcept:
    """The microseconds since 1970 of an instant as ASCII; behind the text is a NUL."""
    cdef const uint8_t* at = ascii_bytes(text)
    cdef Py_ssize_t size = text_size(text)
    return size >= 17 and usual_instant(at, microseconds) == at + size


@cython.final
cdef class Plan:
    """Which members of the instances of a class are fields that are read."""

    def __dealloc__(self):
        PyMem_Free(self.steps)


# ── Objects ──────────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Group:
    """An object of the event: its keys, and for each the slot that it fills or the object below."""

    def __cinit__(self, tree):
        cdef size_t size = 4, place
        cdef Key* key
        self.plans = {}
        self.below = {
            name: Group(below) if isinstance(below, Tree) else below
            for name, below in tree.below.items()
        }
        while size < 2 * <size_t> len(self.below):
            size *= 2
        self.places = <Key*> PyMem_Calloc(size, sizeof(Key))
        if self.places is NULL:
            raise MemoryError
        self.last = size - 1
        for name, below in self.below.items():
            place = <size_t> PyObject_Hash(name) & self.last
            while self.places[place].text is not NULL:
                place = (place + 1) & self.last
            key = &self.places[place]
            key.text = <PyObject*> name
            key.hash = PyObject_Hash(name)
            key.slot = -1 if isinstance(below, Group) else below
            key.group = <PyObject*> below

    def __dealloc__(self):
        PyMem_Free(self.places)

    cdef Key* find(self, PyObject* text) noexcept:
        """What a key of a dictionary leads to; NULL if to nothing."""
        cdef Py_hash_t hash = hash_of(text)
        cdef size_t place = <size_t> hash & self.last
        cdef Key* key
        while True:
            key = &self.places[place]
            if key.text is NULL or key.text is text:
                break
            if key.hash == hash and same_text(key.text, text):
                return key
            place = (place + 1) & self.last
        return NULL if key.text is NULL else key

    cdef Plan plan_of(self, PyObject* kind):
        """How instances of a class are read as this object; None: as what `fields_of` gives."""
        cdef PyObject* found = look_up(<PyObject*> self.plans, kind)
        if found is not NULL:
            return <Plan> found if found is not NONE else None
        if len(self.plans) == PLANS:
            self.plans.clear()
        plan = self.plans[<object> kind] = self.new_plan(<object> kind)
        return plan

    cdef Plan new_plan(self, object kind):
        cdef Plan plan
        cdef Key* key
        if issubclass(kind, Mapping) or (
            issubclass(kind, BaseModel) and kind.model_config.get("extra") == "allow"
        ):
            return None
        names = names_of(kind)
        if names is None or len({name for _, name in names}) < len(names):
            return None
        plan = Plan.__new__(Plan)
        plan.steps = <Step*> PyMem_Calloc(len(names) + 1, sizeof(Step))
        if plan.steps is NULL:
            raise MemoryError
        # Pydantic keeps fields in the dictionary of the instance, where nothing comes before them.
        plan.in_dictionary = (
            issubclass(kind, BaseModel) and kind.__getattribute__ is object.__getattribute__
        )
        for member, name in names:
            if name.startswith("$") and name != HISTORY_KEY:
                return None
            plan.in_dictionary = plan.in_dictionary and not hasattr(kind, member)
            PyObject_Hash(name)
            key = self.find(<PyObject*> name)
            if key is not NULL or name == HISTORY_KEY:
                plan.steps[plan.count].member = <PyObject*> member
                plan.steps[plan.count].key = key
                plan.count += 1
        plan.names = names
        return plan

    cdef int fail(self, Frame frame) except -1:
        """Let every slot below have failed."""
        for below in self.below.values():
            if isinstance(below, Group):
                (<Group> below).fail(frame)
            else:
                frame.state[<Py_ssize_t> below] = STATE_FAILED
        return 0


cdef bint _is_failure(dict fields) except -1:
    """Whether an object is what stands for a value that failed, and nothing else."""
    return len(fields) == 1 and isinstance(fields.get(FAILED_KEY), str)


cdef Py_ssize_t _touch(Group group, PyObject* fields) except -1:
    """How many fields of an object have a value of any type."""
    cdef Py_ssize_t found = 0
    cdef size_t place
    cdef PyObject* value
    for place in range(group.last + 1):
        if group.places[place].text is NULL:
            continue
        value = look_up(fields, group.places[place].text)
        if value is NULL:
            continue
        if group.places[place].slot >= 0:
            found += class_of(value) is not NULL
        elif is_dict(value):
            found += _touch(<Group> group.places[place].group, value)
    return found


# ── Events ───────────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Reader:
    """Reads events for one table of slots. Threads may share it."""

    def __cinit__(self, Slots slots not None, layout, table, Py_ssize_t time_slot, ladders):
        cdef Py_ssize_t index
        self.slots = slots
        self.root = Group(layout.tree)
        self.json = JsonReader(layout)
        self.required_count = len(layout.required)
        self.required = <int32_t*> PyMem_Calloc(self.required_count + 1, sizeof(int32_t))
        if self.required is NULL:
            raise MemoryError
        for index in range(self.required_count):
            self.required[index] = layout.required[index]
        self.time_slot = time_slot
        self.plain = EventReader(table, time_slot, ladders)
        self.history_reader = HistoryReader(table, ladders)
        self.figures = self.history_reader.figures
        self.figure_group = array("B", [_GROUPS.index(figure.group) for figure in self.figures])
        self.figure_within = array("d", [figure.within for figure in self.figures])

    def __dealloc__(self):
        PyMem_Free(self.required)

    cdef int read(self, Frame frame, object event, object history) except -1:
        """Fill an empty frame with the values of an event and its history.

        Raises:
            EventError: with everything that is wrong with what the slots read.
        """
        if self.read_regular(frame, event, history) == IRREGULAR:
            frame.clear()
            for slot, value in enumerate(self.plain.read(event, history)):
                self.slots.store(frame, slot, value)
        return 0

    cdef int read_json(self, Frame frame, object data, object history) except -1:
        """Fill an empty frame with the values of an event that is JSON and of its history.

        Raises:
            EventError: as of `decode_json` and `read`.
        """
        cdef Buffer buffer
        cdef int outcome
        if type(data) is bytes:
            outcome = self.read_regular_json(
                frame, <const uint8_t*> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), history
            )
        else:
            buffer = Buffer(data)
            outcome = self.read_regular_json(frame, buffer.at, buffer.size, history)
        if outcome == IRREGULAR:
            frame.clear()
            self.read(frame, decode_json(data), history)
        return 0

    cdef int read_regular_json(
        self, Frame frame, const uint8_t* data, Py_ssize_t size, object history
    ) except -1:
        """Read an event that is JSON and has nothing unusual in it; IRREGULAR if it has."""
        cdef Page page = self.json.page()
        cdef Py_ssize_t index
        cdef int outcome = REGULAR
        if not page.read(data, size, frame.state, frame.number, frame.code, frame.words):
            outcome = IRREGULAR
        else:
            for index in range(page.left()):
                value = page.value(index)
                outcome = self.read_value(frame, page.slot(index), <PyObject*> value)
                if outcome == IRREGULAR:
                    break
        if outcome == IRREGULAR or self.lacks_required(frame):
            self.json.give_back(page)
            return IRREGULAR
        try:
            carried = page.history()
        except DecodeError:
            return IRREGULAR
        self.json.give_back(page)
        return self.read_past(frame, carried, history)

    cdef int read_regular(self, Frame frame, object event, object history) except -1:
        """Read an event that has nothing unusual in it; IRREGULAR if it has."""
        cdef PyObject* found = NULL
        cdef int outcome
        try:
            outcome = self.read_any(frame, self.root, <PyObject*> event, &found)
            carried = None if found is NULL else <object> found
        finally:
            let_go(found)
        if outcome == IRREGULAR or self.lacks_required(frame):
            return IRREGULAR
        return self.read_past(frame, carried, history)

    cdef int read_past(self, Frame frame, object carried, object history) except -1:
        """Read the history that rides on an event, or the one beside it; there may be one of them."""
        if carried is None:
            return REGULAR if history is None else self.read_history(frame, history)
        return self.read_history(frame, carried) if history is None else IRREGULAR

    cdef bint lacks_required(self, Frame frame) noexcept:
        """Whether a field is absent that every event must have."""
        cdef Py_ssize_t index
        for index in range(self.required_count):
            if frame.state[self.required[index]] == STATE_ABSENT:
                return True
        return False

    cdef int read_any(
        self, Frame frame, Group group, PyObject* value, PyObject** history
    ) except -1:
        """Read an object in whatever form it is, as of `read_fields`. The caller holds it."""
        cdef Plan plan
        if is_dict(value):
            return self.read_fields(frame, group, value, history)
        plan = group.plan_of(<PyObject*> class_of(value))
        if plan is not None:
            return self.read_members(frame, plan, value, history)
        fields = fields_of(<object> value)
        if fields is None:
            return IRREGULAR
        return self.read_fields(frame, group, <PyObject*> fields, history)

    cdef int read_members(
        self, Frame frame, Plan plan, PyObject* value, PyObject** history
    ) except -1:
        """Read an instance of a class that there is a plan for."""
        cdef Py_ssize_t index
        cdef PyObject* fields = NULL
        cdef PyObject* found
        cdef int outcome = REGULAR
        try:
            if plan.in_dictionary:
                fields = members_of(value, NULL)
            for index in range(plan.count):
                found = NULL
                if fields is not NULL:
                    found = look_up(fields, plan.steps[index].member)
                    take_any(found)
                if found is NULL:
                    found = member_of(value, plan.steps[index].member)
                try:
                    if plan.steps[index].key is not NULL:
                        outcome = self.read_entry(frame, plan.steps[index].key, found)
                    elif history is not NULL:
                        outcome = self.keep_history(found, history)
                    else:
                        outcome = IRREGULAR
                finally:
                    let_go(found)
                if outcome == IRREGULAR:
                    break
        finally:
            let_go(fields)
        return outcome

    cdef int read_entry(self, Frame frame, Key* key, PyObject* value) except -1:
        """Read what stands under a key, if it is not null."""
        if value is NONE:
            return REGULAR
        if key.slot >= 0:
            return self.read_value(frame, key.slot, value)
        return self.read_object(frame, <Group> key.group, value)

    cdef int read_fields(
        self, Frame frame, Group group, PyObject* fields, PyObject** history
    ) except -1:
        """Read an object of the event; null and what is not there leave slots absent.

        Args:
            history: Takes the history that rides on the event; NULL inside of the event.
        """
        cdef Py_ssize_t position = 0
        cdef PyObject* text
        cdef PyObject* value
        cdef Key* key
        cdef int outcome
        while next_entry(fields, &position, &text, &value):
            if not is_text(text):
                return IRREGULAR
            key = group.find(text)
            if key is NULL:
                # Nothing reads it, but it may be reserved.
                if text_size(text) and first_character(text, 0) == c"$":
                    outcome = self.read_reserved(frame, group, fields, text, value, history)
                else:
                    continue
            else:
                outcome = self.read_entry(frame, key, value)
            if outcome == IRREGULAR:
                return IRREGULAR
        return REGULAR

    cdef int read_reserved(
        self, Frame frame, Group group, PyObject* fields, PyObject* key, PyObject* value,
        PyObject** history
    ) except -1:
        """Read what stands under a reserved name."""
        if history is not NULL and <str> key == HISTORY_KEY:
            return self.keep_history(value, history)
        if history is NULL and _is_failure(<dict> fields):
            group.fail(frame)
            return REGULAR
        return IRREGULAR

    cdef int keep_history(self, PyObject* value, PyObject** history) noexcept:
        """Keep the history that rides on an event until everything else was read."""
        if value is not NONE and value is not <PyObject*> ABSENT:
            take(value)
            let_go(history[0])
            history[0] = value
        return REGULAR

    cdef int read_object(self, Frame frame, Group group, PyObject* value) except -1:
        """Read an object inside of the event."""
        # Held, as what is inside may run code.
        held = <object> value
        if not is_dict(value) and isinstance(held, Missing):
            if held is FAILED:
                group.fail(frame)
            return REGULAR
        return self.read_any(frame, group, value, NULL)

    cdef int read_value(self, Frame frame, int32_t slot, PyObject* value) except -1:
        """Store the value of a field, if it has one of the forms that values usually have."""
        cdef uint8_t form = self.slots.forms[slot]
        cdef double number = 0
        if form == FORM_NAME or form == FORM_STRING:
            if is_text(value):
                return self.slots.store_text(frame, slot, value)
        elif form == FORM_NUMBER:
            if _usual_number(value, &number):
                set_number(frame, slot, number)
                return REGULAR
        elif form == FORM_SHARE:
            if _usual_number(value, &number):
                if not 0 <= number <= 1:
                    return IRREGULAR
                set_number(frame, slot, number)
                return REGULAR
        elif form == FORM_INTEGER:
            if _usual_number(value, &number):
                if not (floor(number) == number and -LARGEST <= number <= LARGEST):
                    return IRREGULAR
                set_number(frame, slot, number)
                return REGULAR
        elif form == FORM_BOOL:
            if value is TRUTH or value is UNTRUTH:
                set_number(frame, slot, value is TRUTH)
                return REGULAR
        elif form == FORM_NAMES or form == FORM_STRINGS:
            if is_list(value):
                return self.slots.store_list(frame, slot, value)
        elif form == FORM_DURATION:
            if _usual_number(value, &number):
                number = rint(number * 1_000_000)
                if not -LARGEST <= number <= LARGEST:
                    return IRREGULAR
                set_number(frame, slot, number)
                return REGULAR
        elif is_text(value) and is_ascii(value):
            if form == FORM_INSTANT and _usual_instant(value, &number):
                set_number(frame, slot, number)
                return REGULAR
            if form == FORM_DATE and text_size(value) == 10 and usual_day(ascii_bytes(value), &number):
                set_number(frame, slot, number)
                return REGULAR
        return self.read_other(frame, slot, <object> value)

    cdef int read_other(self, Frame frame, int32_t slot, object value) except -1:
        """Store a value of an unusual form."""
        if isinstance(value, Missing):
            frame.state[slot] = STATE_FAILED if value is FAILED else STATE_ABSENT
            return REGULAR
        if type(value) is dict:
            if not _is_failure(value):
                return IRREGULAR
            frame.state[slot] = STATE_FAILED
            return REGULAR
        try:
            converted = convert(self.slots.types[slot], value)
        except ConversionError:
            return IRREGULAR
        self.slots.store(frame, slot, converted)
        return REGULAR

    def touch(self, dict event not None):
        """Look every field up and look at its value, no more: the least that reading can cost."""
        return _touch(self.root, <PyObject*> event)

    # ── Histories ────────────────────────────────────────────────────────────────────────────────

    cdef int read_history(self, Frame frame, object history) except -1:
        """Store the figures that slots of history hold."""
        cdef list problems
        if self.read_usual_history(frame, history) == REGULAR:
            return REGULAR
        acted_at = ABSENT
        if frame.state[self.time_slot] == STATE_PRESENT:
            acted_at = frame.number[self.time_slot]
        elif frame.state[self.time_slot] == STATE_FAILED:
            acted_at = FAILED
        problems = []
        figures = self.history_reader.read(history, acted_at, problems)
        if problems:
            return IRREGULAR
        for slot, value in figures:
            self.slots.store(frame, slot, value)
        return REGULAR

    cdef int read_usual_history(self, Frame frame, object history) except -1:
        """Store the figures of a history in which nothing is unusual; IRREGULAR if something is."""
        cdef bint as_numbers = type(history) is History
        cdef Py_ssize_t index, matched = 0
        cdef double number = 0
        cdef dict group
        cdef PyObject* found
        cdef PyObject* alias
        cdef list groups = [None, None, None]
        if not as_numbers and type(history) is not dict:
            return IRREGULAR
        for index in range(3):
            if as_numbers:
                value = getattr(history, _GROUPS[index])
            else:
                found = PyDict_GetItemWithError(<dict> history, _GROUPS[index])
                if found is NULL:
                    continue
                matched += 1
                value = <object> found
            if value is None:
                continue
            if type(value) is not dict or FAILED_KEY in <dict> value:
                return IRREGULAR
            groups[index] = value
        if not as_numbers and matched != len(<dict> history):
            return IRREGULAR
        for index in range(len(self.figures)):
            group = groups[self.figure_group[index]]
            if group is None:
                continue
            figure = self.figures[index]
            found = PyDict_GetItemWithError(group, figure.name)
            if figure.bare != figure.name:
                alias = PyDict_GetItemWithError(group, figure.bare)
                if alias is not NULL and (found is not NULL or len(figure.homonyms) > 1):
                    return IRREGULAR
                found = alias if found is NULL else found
            if found is NULL:
                continue
            value = <object> found
            if value is None:
                continue
            if figure.points is not None:
                return IRREGULAR
            if type(value) is list or type(value) is tuple:
                if self.figure_group[index] != GROUP_STRIKES:
                    return IRREGULAR
                if self.count_strikes(frame, index, value, as_numbers, &number) == IRREGULAR:
                    return IRREGULAR
            elif not _usual_number(<PyObject*> value, &number):
                return IRREGULAR
            elif self.figure_group[index] == GROUP_SIMILARITY and not 0 <= number <= 1:
                return IRREGULAR
            elif self.figure_group[index] == GROUP_STRIKES and not (
                0 <= number <= LARGEST and floor(number) == number
            ):
                return IRREGULAR
            set_number(frame, figure.slot, number)
        return REGULAR

    cdef int count_strikes(
        self, Frame frame, Py_ssize_t index, object issued, bint as_numbers, double* active
    ) except -1:
        """How many strikes are active at the instant of the act."""
        cdef double now = frame.number[self.time_slot]
        cdef double within = self.figure_within[index]
        cdef double since = 0
        cdef PyObject* text
        if frame.state[self.time_slot] != STATE_PRESENT:
            return IRREGULAR
        active[0] = 0
        for one in issued:
            text = <PyObject*> one
            if is_text(text) and is_ascii(text):
                if not _usual_instant(text, &since):
                    return IRREGULAR
            elif not (as_numbers and type(one) is int and _usual_number(<PyObject*> one, &since)):
                return IRREGULAR
            # Exact: all three are whole numbers below 2**53, and so is the sum where it matters.
            if since <= now < since + within:
                active[0] += 1
        return REGULAR
