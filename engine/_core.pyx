"""The compiled core: reads an event into slots and evaluates the decision program on them.

A `Core` is one program, shared by threads; `Values` are one event, for one thread at a time. Events
of the usual form are read here. Everything else, and every refusal, is left to `EventReader`, whose
values and errors are the meaning; `clausal.engine.reference` is the meaning of the evaluation.

Verdicts are numbers, so that Kleene's logic is arithmetic: "and" is the least, "or" the greatest,
"not" is 2 minus the verdict. What was found out about an event (the verdict of each predicate and
node) is kept with its values: it depends on neither the instant nor the rule.
"""

import sys
from array import array
from datetime import UTC, datetime, timedelta

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.exc cimport PyErr_Occurred
from cpython.object cimport PyObject
from libc.math cimport floor, isfinite, rint
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memset

from clausal.engine._index cimport Finder, Finds
from clausal.engine._kinds cimport (
    KIND_FLAG, KIND_QUANTITY, KIND_SET, KIND_SYMBOL, KIND_TEXT, STATE_ABSENT, STATE_FAILED,
    STATE_PRESENT
)

from clausal.compiler.program import ALWAYS as PROGRAM_ALWAYS
from clausal.compiler.program import NEVER as PROGRAM_NEVER
from clausal.compiler.program import MINUTES as PROGRAM_MINUTES
from clausal.compiler.program import STACK_LIMIT as PROGRAM_STACK_LIMIT
from clausal.compiler.program import (
    Code,
    NodeKind,
    Op,
    ProgramError,
    SlotKind,
    floats,
    integers,
)
from clausal.compiler.types import LARGEST_INTEGER, Enum, SetOf
from clausal.compiler.verify import verify
from clausal.engine.event import EventReader
from clausal.engine.history import History, HistoryReader
from clausal.engine.layout import Form, Tree, lay_out
from clausal.engine.objects import FAILED_KEY, HISTORY_KEY, fields_of
from clausal.compiler.text.fold import fold
from clausal.engine.values import (
    ABSENT,
    FAILED,
    FIRST_INSTANT,
    LAST_INSTANT,
    ConversionError,
    Missing,
    convert,
)

__all__ = ("Core", "Values", "count_keys", "scan_json")

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text) noexcept
    const uint8_t* PyUnicode_1BYTE_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

# ── Numbers that other modules give names to ─────────────────────────────────────────────────────

cdef enum Verdict:
    FALSE
    UNKNOWN
    TRUE
    UNSET

cdef enum:
    OP_FLAG, OP_LT, OP_LE, OP_EQ, OP_QUANTITY, OP_MEMBER, OP_SAME, OP_ANY, OP_ALL, OP_ABSENT
    OP_CLOCK, OP_TERMS, OP_PATTERN, OP_IS, OP_HAS

cdef enum:
    CODE_CONSTANT, CODE_READING, CODE_COUNT, CODE_ADD, CODE_SUBTRACT, CODE_MULTIPLY, CODE_DIVIDE
    CODE_LT, CODE_LE, CODE_EQ

cdef enum:
    NODE_ALL, NODE_ANY

cdef enum:
    FORM_BOOL, FORM_INTEGER, FORM_NUMBER, FORM_SHARE, FORM_INSTANT, FORM_DURATION, FORM_DATE
    FORM_NAME, FORM_STRING, FORM_NAMES, FORM_STRINGS

cdef enum:
    GROUP_STRIKES, GROUP_TALLIES, GROUP_SIMILARITY

cdef enum:
    ALWAYS = 2147483647
    NEVER = 2147483646
    MINUTES = 1441
    STACK_LIMIT = 64

# How a value was read: the usual way, or not, so that the plain reader must see the whole event.
cdef enum:
    REGULAR
    IRREGULAR

cdef double LARGEST = LARGEST_INTEGER
cdef int64_t FIRST = FIRST_INSTANT
cdef int64_t LAST = LAST_INSTANT


_OPS = {
    "FLAG": OP_FLAG, "LT": OP_LT, "LE": OP_LE, "EQ": OP_EQ, "QUANTITY": OP_QUANTITY,
    "MEMBER": OP_MEMBER, "SAME": OP_SAME, "ANY": OP_ANY, "ALL": OP_ALL, "ABSENT": OP_ABSENT,
    "CLOCK": OP_CLOCK, "TERMS": OP_TERMS, "PATTERN": OP_PATTERN, "IS": OP_IS, "HAS": OP_HAS,
}
_CODES = {
    "CONSTANT": CODE_CONSTANT, "READING": CODE_READING, "COUNT": CODE_COUNT, "ADD": CODE_ADD,
    "SUBTRACT": CODE_SUBTRACT, "MULTIPLY": CODE_MULTIPLY, "DIVIDE": CODE_DIVIDE, "LT": CODE_LT,
    "LE": CODE_LE, "EQ": CODE_EQ,
}
_FORMS = {
    "BOOL": FORM_BOOL, "INTEGER": FORM_INTEGER, "NUMBER": FORM_NUMBER, "SHARE": FORM_SHARE,
    "INSTANT": FORM_INSTANT, "DURATION": FORM_DURATION, "DATE": FORM_DATE, "NAME": FORM_NAME,
    "STRING": FORM_STRING, "NAMES": FORM_NAMES, "STRINGS": FORM_STRINGS,
}
_KINDS = {
    "FLAG": KIND_FLAG, "QUANTITY": KIND_QUANTITY, "SYMBOL": KIND_SYMBOL, "SET": KIND_SET,
    "TEXT": KIND_TEXT,
}
for _ours, _theirs in (
    (_OPS, Op), (_CODES, Code), (_FORMS, Form), (_KINDS, SlotKind),
    ({"ALL": NODE_ALL, "ANY": NODE_ANY}, NodeKind),
):
    if _ours != {member.name: member.value for member in _theirs}:
        raise ImportError(f"`clausal.engine._core` was built for another `{_theirs.__name__}`")
if [ALWAYS, NEVER, MINUTES, STACK_LIMIT] != [
    PROGRAM_ALWAYS, PROGRAM_NEVER, PROGRAM_MINUTES, PROGRAM_STACK_LIMIT
]:
    raise ImportError("`clausal.engine._core` was built for another layout of programs")

cdef tuple _GROUPS = ("strikes", "tallies", "similarity")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POOL = 16


# ── One event ────────────────────────────────────────────────────────────────────────────────────

cdef object _zeros(str kind, Py_ssize_t count):
    """An array of so many zeros, never empty: a memory view must have something to look at."""
    return array(kind, [0]) * max(count, 1)


@cython.final
cdef class Frame:
    """The memory that one event needs, used again for the next."""

    def __cinit__(self, Core core not None):
        cdef Py_ssize_t slots = core.forms.shape[0]
        cdef Py_ssize_t rules = core.rule_root.shape[0]
        self.state = _zeros("B", slots)
        self.number = _zeros("d", slots)
        self.code = _zeros("i", slots)
        self.identity = _zeros("i", slots)
        self.objects = [None] * slots
        self.folded = [None] * slots
        self.words = _zeros("Q", core.words)
        self.predicates = _zeros("B", core.op.shape[0])
        self.nodes = _zeros("B", core.node_kind.shape[0])
        self.minutes = _zeros("i", core.clock_slot.shape[0])
        self.finds = None if core.finder is None else Finds(core.finder)
        self.fired = _zeros("i", rules)
        self.undetermined = _zeros("i", rules)
        self.identities = {}
        self.clear()

    cdef int clear(self) except -1:
        """Forget the event, and let go of its texts."""
        cdef Py_ssize_t slot
        memset(&self.state[0], STATE_ABSENT, self.state.shape[0])
        for slot in range(len(self.objects)):
            self.objects[slot] = None
            self.folded[slot] = None
        for slot in range(self.minutes.shape[0]):
            self.minutes[slot] = -1
        if self.identities:
            self.identities.clear()
        self.history = None
        self.forget_verdicts()
        return 0

    cdef int forget_verdicts(self) except -1:
        """Forget what was found out about the event."""
        memset(&self.predicates[0], UNSET, self.predicates.shape[0])
        memset(&self.nodes[0], UNSET, self.nodes.shape[0])
        self.blind = False
        return 0


# Its core is all that it refers to, and that does not refer back: no cycle goes through it, and
# its core is still there when it is freed.
@cython.final
@cython.no_gc
@cython.freelist(32)
cdef class Values:
    """The values of a bundle's slots for one event. Not for several threads at once."""

    def __reduce__(self):
        raise TypeError("values stay with the core that read them")

    def __dealloc__(self):
        if self.frame is not None and len(self.core.frames) < _POOL:
            self.frame.clear()
            self.core.frames.append(self.frame)

    def value(self, Py_ssize_t slot):
        """The value of a slot as `convert` gives it, or why there is none."""
        cdef Core core = self.core
        cdef Frame frame = self.frame
        cdef uint8_t kind
        if core is None:
            raise ValueError("there are no values: `Core.read` makes them")
        if not 0 <= slot < core.forms.shape[0]:
            raise IndexError(f"there is no slot {slot}")
        if frame.state[slot] == STATE_ABSENT:
            return ABSENT
        if frame.state[slot] == STATE_FAILED:
            return FAILED
        kind = core.slot_kinds[slot]
        if kind == KIND_FLAG:
            return frame.number[slot] != 0
        if kind == KIND_QUANTITY:
            return frame.number[slot]
        if frame.objects[slot] is not None:
            return frame.objects[slot]
        # The values of enums are not kept: their codes say which they were.
        if kind == KIND_SET:
            return frozenset(
                [
                    name
                    for index, name in enumerate(core.symbols[slot])
                    if core.has(frame, slot, index)
                ]
            )
        return core.symbols[slot][frame.code[slot] - 1]


@cython.final
cdef class Group:
    """An object of the event: its keys, and for each the slot that it fills or the object below."""

    def __cinit__(self, tree):
        below = tree.below
        self.keys = tuple(below)
        self.slots = array("i", [-1 if isinstance(b, Tree) else b for b in below.values()] or [-1])
        self.groups = tuple([Group(b) if isinstance(b, Tree) else None for b in below.values()])

    cdef int fail(self, Frame frame) except -1:
        """Let every slot below have failed."""
        cdef Py_ssize_t index
        for index in range(len(self.keys)):
            if self.slots[index] >= 0:
                frame.state[self.slots[index]] = STATE_FAILED
            else:
                (<Group> self.groups[index]).fail(frame)
        return 0


# ── The usual forms of values ────────────────────────────────────────────────────────────────────
#
# Each accepts a part of what `convert` accepts, with the same result, and leaves the rest to it.

cdef bint _usual_number(object value, double* number) except -1:
    """A finite float, or a whole number that a float holds exactly."""
    cdef long long whole
    cdef int overflow = 0
    if type(value) is float:
        number[0] = <double> value
        return isfinite(number[0])
    if type(value) is int:
        whole = PyLong_AsLongLongAndOverflow(value, &overflow)
        number[0] = <double> whole
        # Beyond 2**53 the float may be the nearest whole number only.
        return overflow == 0 and -LARGEST < number[0] < LARGEST
    return False


cdef bint _digits(const uint8_t* at, int count, int64_t* number) noexcept nogil:
    """A number of exactly so many digits. The text ends in NUL, so reading stops there."""
    cdef int index
    number[0] = 0
    for index in range(count):
        if not c"0" <= at[index] <= c"9":
            return False
        number[0] = number[0] * 10 + (at[index] - c"0")
    return True


cdef bint _usual_day(const uint8_t* at, double* days) noexcept nogil:
    """The days since 1970-01-01 of `2024-04-23`."""
    cdef int64_t year, month, day, length, of_era
    if not (_digits(at, 4, &year) and at[4] == c"-" and _digits(at + 5, 2, &month)):
        return False
    if not (at[7] == c"-" and _digits(at + 8, 2, &day)):
        return False
    if year < 1 or not 1 <= month <= 12:
        return False
    if month == 2:
        length = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    else:
        length = 30 if month in (4, 6, 9, 11) else 31
    if not 1 <= day <= length:
        return False
    # Years that begin in March have their leap day last; months follow each other in a pattern of
    # 153 days in five. An era is 400 years, 719,468 days from 0000-03-01 to 1970-01-01.
    if month <= 2:
        year -= 1
    of_era = year % 400
    day += (153 * ((month + 9) % 12) + 2) // 5 - 1
    days[0] = <double> (
        year // 400 * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + day - 719_468
    )
    return True


cdef bint _usual_instant(const uint8_t* at, Py_ssize_t size, double* microseconds) noexcept nogil:
    """The microseconds since 1970 of `2024-05-01T12:00:00.5+08:00`."""
    cdef double days
    cdef int64_t hour, minute, second, offset_hour, offset_minute, fraction, digit, count, result
    cdef Py_ssize_t end = 16
    if size < 17 or not _usual_day(at, &days) or at[10] not in (c"T", c"t", c" "):
        return False
    if not (_digits(at + 11, 2, &hour) and at[13] == c":" and _digits(at + 14, 2, &minute)):
        return False
    second = fraction = count = offset_hour = offset_minute = 0
    if at[end] == c":":
        if not _digits(at + end + 1, 2, &second):
            return False
        end += 3
        if at[end] == c".":
            end += 1
            while _digits(at + end, 1, &digit):
                if count < 6:
                    fraction = fraction * 10 + digit
                    count += 1
                end += 1
            if count == 0:
                return False
            while count < 6:
                fraction *= 10
                count += 1
    if hour > 23 or minute > 59 or second > 59:
        return False
    if at[end] in (c"Z", c"z"):
        end += 1
    elif at[end] in (c"+", c"-"):
        if not (_digits(at + end + 1, 2, &offset_hour) and at[end + 3] == c":"):
            return False
        if not _digits(at + end + 4, 2, &offset_minute):
            return False
        if offset_hour > 23 or offset_minute > 59:
            return False
        if at[end] == c"-":
            offset_hour = -offset_hour
            offset_minute = -offset_minute
        end += 6
    else:
        return False
    if end != size:
        return False
    result = ((<int64_t> days * 24 + hour - offset_hour) * 60 + minute - offset_minute) * 60 + second
    result = result * 1_000_000 + fraction
    if not FIRST <= result <= LAST:
        return False
    microseconds[0] = <double> result
    return True


# ── Sorting ──────────────────────────────────────────────────────────────────────────────────────

cdef void _sort(int32_t* numbers, Py_ssize_t count) noexcept nogil:
    """Sort by insertion while there are few, which is the usual case."""
    cdef Py_ssize_t index, place
    cdef int32_t number
    if count > 32:
        qsort(numbers, count, sizeof(int32_t), _compare)
        return
    for index in range(1, count):
        number = numbers[index]
        place = index
        while place > 0 and numbers[place - 1] > number:
            numbers[place] = numbers[place - 1]
            place -= 1
        numbers[place] = number


cdef int _compare(const void* left, const void* right) noexcept nogil:
    cdef int32_t one = (<const int32_t*> left)[0]
    cdef int32_t two = (<const int32_t*> right)[0]
    return (one > two) - (one < two)


# ── Evaluation ───────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Core:
    """A decision program, ready to run. Threads may share it."""

    def __cinit__(self, program, slots, *, time_slot, ladders=(), verified=False, index=None):
        slots = tuple(slots)
        if not verified:
            _verify(program, slots)
        if not 0 <= time_slot < len(slots):
            raise ProgramError("the slot of the time does not exist")
        layout = lay_out(program, slots)
        self.slot_kinds = _array("B", program.slot_kinds)
        self.slot_strings = _array("B", program.slot_strings)
        self.constants = floats(program.constants)
        self.masks = _array("Q", program.masks)
        self.op = _array("i", program.op)
        self.a = _array("i", program.a)
        self.b = _array("i", program.b)
        self.quantities = _array("i", program.code)
        self.node_kind = _array("B", program.node_kind)
        self.node_first = _array("i", program.node_first)
        self.node_count = _array("i", program.node_count)
        self.children = _array("i", program.children)
        self.rule_root = _array("i", program.rule_root)
        self.version_rules = _array("i", program.version_rules)
        self.boundaries = _array("q", program.boundaries)
        self.segment_first = _array("i", program.segment_first)
        self.segment_count = _array("i", program.segment_count)
        self.segment_versions = _array("i", program.segment_versions)
        self.forms = layout.forms
        self.types = tuple([slot.type for slot in slots])
        self.symbols = program.symbols
        self.codes = layout.codes
        self.word_first = layout.word_first
        self.word_count = layout.word_count
        self.words = layout.words
        if index is not None:
            self.finder = Finder(
                index, program.slot_kinds, layout.word_first, layout.word_count,
                self.rule_root.shape[0],
            )
        self.clock_of = layout.clock_of
        self.clock_slot = array("i", [slot for slot, _ in layout.clocks])
        self.clock_zones = tuple([zone for _, zone in layout.clocks])
        self.terms = layout.terms
        self.patterns = layout.patterns
        self.pattern_folded = array("B", [folded for _, folded in program.patterns])
        self.root = Group(layout.tree)
        self.required = layout.required
        self.time_slot = time_slot
        self.reader = EventReader(slots, time_slot, ladders)
        self.history_reader = HistoryReader(slots, ladders)
        self.figures = self.history_reader.figures
        self.figure_group = array("B", [_GROUPS.index(figure.group) for figure in self.figures])
        self.figure_within = array("d", [figure.within for figure in self.figures])
        self.frames = []

    # ── Reading an event ─────────────────────────────────────────────────────────────────────────

    def read(self, event, history=None):
        """The values of an event and its history, to be evaluated."""
        cdef Values values = Values.__new__(Values)
        cdef Frame frame = self.frames.pop() if self.frames else Frame(self)
        values.core = self
        values.frame = frame
        fields = event if type(event) is dict else fields_of(event)
        if fields is None or self.read_regular(frame, fields, history) == IRREGULAR:
            frame.clear()
            for slot, value in enumerate(self.reader.read(event, history)):
                self.store(frame, slot, value)
        return values

    cdef int read_regular(self, Frame frame, dict fields, object history) except -1:
        """Read an event that has nothing unusual in it; IRREGULAR if it has."""
        cdef Py_ssize_t index
        if self.read_fields(frame, self.root, fields) == IRREGULAR:
            return IRREGULAR
        for index in range(self.required.shape[0]):
            if frame.state[self.required[index]] == STATE_ABSENT:
                return IRREGULAR
        if frame.history is None:
            return REGULAR if history is None else self.read_history(frame, history)
        return self.read_history(frame, frame.history) if history is None else IRREGULAR

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
        for figure, value in zip(self.history_reader.figures, figures, strict=True):
            self.store(frame, figure.slot, value)
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
            if type(value) is list or type(value) is tuple:
                if self.figure_group[index] != GROUP_STRIKES:
                    return IRREGULAR
                if self.count_strikes(frame, index, value, as_numbers, &number) == IRREGULAR:
                    return IRREGULAR
            elif not _usual_number(value, &number):
                return IRREGULAR
            elif self.figure_group[index] == GROUP_SIMILARITY and not 0 <= number <= 1:
                return IRREGULAR
            elif self.figure_group[index] == GROUP_STRIKES and not (
                0 <= number <= LARGEST and floor(number) == number
            ):
                return IRREGULAR
            self.store_number(frame, figure.slot, number)
        return REGULAR

    cdef int count_strikes(
        self, Frame frame, Py_ssize_t index, object issued, bint as_numbers, double* active
    ) except -1:
        """How many strikes are active at the instant of the act."""
        cdef double now = frame.number[self.time_slot]
        cdef double within = self.figure_within[index]
        cdef double since = 0
        if frame.state[self.time_slot] != STATE_PRESENT:
            return IRREGULAR
        active[0] = 0
        for one in issued:
            if type(one) is str and PyUnicode_IS_COMPACT_ASCII(one):
                at = PyUnicode_1BYTE_DATA(one)
                if not _usual_instant(at, PyUnicode_GET_LENGTH(one), &since):
                    return IRREGULAR
            elif not (as_numbers and type(one) is int and _usual_number(one, &since)):
                return IRREGULAR
            # Exact: all three are whole numbers below 2**53, and so is the sum where it matters.
            if since <= now < since + within:
                active[0] += 1
        return REGULAR

    cdef int read_fields(self, Frame frame, Group group, dict fields) except -1:
        """Read an object of the event; null and what is not there leave slots absent."""
        cdef Py_ssize_t index, matched = 0
        cdef int32_t slot
        cdef int outcome
        cdef PyObject* found
        for index in range(len(group.keys)):
            found = PyDict_GetItemWithError(fields, group.keys[index])
            if found is NULL:
                continue
            matched += 1
            value = <object> found
            if value is None:
                continue
            slot = group.slots[index]
            if slot >= 0:
                outcome = self.read_value(frame, slot, value)
            else:
                outcome = self.read_object(frame, <Group> group.groups[index], value)
            if outcome == IRREGULAR:
                return IRREGULAR
        # What is left are keys that nothing reads, and reserved ones.
        return REGULAR if matched == len(fields) else self.read_rest(frame, group, fields)

    cdef int read_object(self, Frame frame, Group group, object value) except -1:
        if isinstance(value, Missing):
            if value is FAILED:
                group.fail(frame)
            return REGULAR
        fields = value if type(value) is dict else fields_of(value)
        return IRREGULAR if fields is None else self.read_fields(frame, group, fields)

    cdef int read_rest(self, Frame frame, Group group, dict fields) except -1:
        """Look for reserved keys, and for keys that are no texts."""
        cdef bint top = group is self.root
        for key, value in fields.items():
            if type(key) is not str:
                return IRREGULAR
            if not key.startswith("$"):
                continue
            if top and key == HISTORY_KEY:
                frame.history = None if value is ABSENT else value
            elif not top and _is_failure(fields):
                group.fail(frame)
            else:
                return IRREGULAR
        return REGULAR

    cdef int read_value(self, Frame frame, int32_t slot, object value) except -1:
        """Store the value of a field, if it has one of the forms that values usually have."""
        cdef uint8_t form = self.forms[slot]
        cdef double number = 0
        if form == FORM_NUMBER or form == FORM_SHARE or form == FORM_INTEGER:
            if not _usual_number(value, &number):
                return self.read_other(frame, slot, value)
            if form == FORM_SHARE and not 0 <= number <= 1:
                return IRREGULAR
            if form == FORM_INTEGER and not (floor(number) == number and -LARGEST <= number <= LARGEST):
                return IRREGULAR
            return self.store_number(frame, slot, number)
        if form == FORM_NAME or form == FORM_STRING:
            if type(value) is not str:
                return self.read_other(frame, slot, value)
            return self.store_text(frame, slot, value)
        if form == FORM_BOOL:
            if value is True or value is False:
                return self.store_number(frame, slot, value is True)
            return self.read_other(frame, slot, value)
        if form == FORM_NAMES or form == FORM_STRINGS:
            if type(value) is list:
                return self.store_list(frame, slot, value)
            return self.read_other(frame, slot, value)
        if form == FORM_DURATION:
            if not _usual_number(value, &number):
                return self.read_other(frame, slot, value)
            number = rint(number * 1_000_000)
            if not -LARGEST <= number <= LARGEST:
                return IRREGULAR
            return self.store_number(frame, slot, number)
        # Instants and dates.
        if type(value) is str and PyUnicode_IS_COMPACT_ASCII(value):
            at = PyUnicode_1BYTE_DATA(value)
            size = PyUnicode_GET_LENGTH(value)
            if form == FORM_INSTANT and _usual_instant(at, size, &number):
                return self.store_number(frame, slot, number)
            if form == FORM_DATE and size == 10 and _usual_day(at, &number):
                return self.store_number(frame, slot, number)
        return self.read_other(frame, slot, value)

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
            converted = convert(self.types[slot], value)
        except ConversionError:
            return IRREGULAR
        self.store(frame, slot, converted)
        return REGULAR

    # ── Storing what was read ────────────────────────────────────────────────────────────────────

    cdef int store(self, Frame frame, Py_ssize_t slot, object value) except -1:
        """Store a value as `convert` gives it, or why there is none."""
        cdef uint8_t kind = self.slot_kinds[slot]
        if isinstance(value, Missing):
            frame.state[slot] = STATE_FAILED if value is FAILED else STATE_ABSENT
        elif kind == KIND_FLAG or kind == KIND_QUANTITY:
            self.store_number(frame, slot, value)
        elif kind == KIND_SET:
            self.store_list(frame, slot, list(value))
        else:
            self.store_text(frame, slot, value)
        return 0

    cdef int store_number(self, Frame frame, Py_ssize_t slot, double number) except -1:
        # The sum takes the sign from a zero.
        frame.number[slot] = number + 0.0
        frame.state[slot] = STATE_PRESENT
        return REGULAR

    cdef int store_text(self, Frame frame, Py_ssize_t slot, str text) except -1:
        """Store a text or a name; IRREGULAR if the enum has no such name."""
        cdef PyObject* found = PyDict_GetItemWithError(<dict> self.codes[slot], text)
        if found is not NULL:
            frame.code[slot] = <object> found
        elif self.forms[slot] == FORM_NAME:
            return IRREGULAR
        else:
            frame.code[slot] = 0
        if self.forms[slot] == FORM_STRING:
            frame.objects[slot] = text
        if self.slot_strings[slot]:
            frame.identity[slot] = frame.identities.setdefault(text, len(frame.identities))
        frame.state[slot] = STATE_PRESENT
        return REGULAR

    cdef int store_list(self, Frame frame, Py_ssize_t slot, list items) except -1:
        """Store the elements of a set; IRREGULAR if one is no text, or not in the enum."""
        cdef Py_ssize_t first = self.word_first[slot]
        cdef Py_ssize_t index, count = 0, strange = 0
        cdef uint64_t bit
        cdef PyObject* found
        for index in range(self.word_count[slot]):
            frame.words[first + index] = 0
        for item in items:
            if type(item) is not str:
                return self.read_items(frame, slot, items)
            found = PyDict_GetItemWithError(<dict> self.codes[slot], item)
            if found is NULL:
                strange += 1
                continue
            index = <Py_ssize_t> (<object> found) - 1
            bit = <uint64_t> 1 << (index & 63)
            if not frame.words[first + (index >> 6)] & bit:
                frame.words[first + (index >> 6)] |= bit
                count += 1
        if strange:
            if self.forms[slot] == FORM_NAMES:
                return IRREGULAR
            elements = frozenset(items)
            frame.objects[slot] = elements
            count = len(elements)
        frame.number[slot] = count
        frame.state[slot] = STATE_PRESENT
        return REGULAR

    cdef int read_items(self, Frame frame, Py_ssize_t slot, list items) except -1:
        """Store a list with an item of an unusual form, such as a member of an enumeration."""
        try:
            elements = convert(self.types[slot], items)
        except ConversionError:
            return IRREGULAR
        return self.store_list(frame, slot, list(elements))

    # ── Evaluating ───────────────────────────────────────────────────────────────────────────────

    def run(self, Values values not None, int64_t instant, *, bint blind=False):
        """The rules that fire, and those that are undetermined, both ascending."""
        cdef Frame frame = self.frame_of(values, blind)
        cdef Py_ssize_t index
        with nogil:
            if self.finder is not None:
                self.run_indexed(frame, self.segment(instant))
            else:
                self.run_segment(frame, self.segment(instant))
        return (
            [frame.fired[index] for index in range(frame.fired_count)],
            [frame.undetermined[index] for index in range(frame.undetermined_count)],
        )

    def lacking(self, Values values not None, Py_ssize_t rule, *, bint blind=False):
        """The slots whose values an undetermined rule lacks, ascending; none for other rules."""
        cdef Frame frame = self.frame_of(values, blind)
        cdef set slots = set()
        if not 0 <= rule < self.rule_root.shape[0]:
            raise IndexError(f"there is no rule {rule}")
        self.collect(frame, self.rule_root[rule], slots, set())
        return sorted(slots)

    cdef Frame frame_of(self, Values values, bint blind):
        """The memory of the values, with only such verdicts in it as hold."""
        if values.core is not self:
            raise ValueError("the values were read by another core")
        if values.frame.blind != blind:
            values.frame.forget_verdicts()
            values.frame.blind = blind
        return values.frame

    cdef Py_ssize_t segment(self, int64_t instant) noexcept nogil:
        """How many boundaries are not after the instant, which is the number of its segment."""
        cdef Py_ssize_t low = 0, high = self.boundaries.shape[0], middle
        while low < high:
            middle = (low + high) // 2
            if self.boundaries[middle] <= instant:
                low = middle + 1
            else:
                high = middle
        return low

    cdef int run_segment(self, Frame frame, Py_ssize_t segment) except -1 nogil:
        """Settle every rule in force, and list those that are true or unknown."""
        cdef Py_ssize_t index, version, rule, fired = 0, undetermined = 0
        cdef int verdict
        for index in range(self.segment_count[segment]):
            version = self.segment_versions[self.segment_first[segment] + index]
            for rule in range(self.version_rules[version], self.version_rules[version + 1]):
                verdict = self.settle(frame, self.rule_root[rule])
                if verdict == TRUE:
                    frame.fired[fired] = <int32_t> rule
                    fired += 1
                elif verdict == UNKNOWN:
                    frame.undetermined[undetermined] = <int32_t> rule
                    undetermined += 1
        frame.fired_count = fired
        frame.undetermined_count = undetermined
        return 0

    cdef int run_indexed(self, Frame frame, Py_ssize_t segment) except -1 nogil:
        """Settle the rules that the index leaves, and list those that are true or unknown.

        What it drops is false for certain, so the lists are those of `run_segment`.
        """
        cdef Py_ssize_t index
        cdef int32_t rule
        cdef int verdict
        frame.fired_count = frame.undetermined_count = 0
        self.finder.find(
            frame.finds, segment, &frame.state[0], &frame.number[0], &frame.code[0], &frame.words[0],
            frame.blind,
        )
        for index in range(frame.finds.certain_count):
            frame.fired[index] = frame.finds.certain[index]
        frame.fired_count = frame.finds.certain_count
        for index in range(frame.finds.possible_count):
            rule = frame.finds.possible[index]
            verdict = self.settle(frame, self.rule_root[rule])
            if verdict == TRUE:
                frame.fired[frame.fired_count] = rule
                frame.fired_count = frame.fired_count + 1
            elif verdict == UNKNOWN:
                frame.undetermined[frame.undetermined_count] = rule
                frame.undetermined_count = frame.undetermined_count + 1
        _sort(&frame.fired[0], frame.fired_count)
        _sort(&frame.undetermined[0], frame.undetermined_count)
        return 0

    cdef int settle(self, Frame frame, int32_t ref) except -1 nogil:
        """The verdict of a condition. Nodes are nested at most as deep as the verifier allows."""
        cdef int verdict, child
        cdef int decisive
        cdef Py_ssize_t index, first
        if ref < 0:
            return self.literal(frame, ref)
        if ref == ALWAYS:
            return TRUE
        if ref == NEVER:
            return FALSE
        if frame.nodes[ref] != UNSET:
            return frame.nodes[ref]
        # All: false as soon as a child is, and true at first; any: the other way round.
        decisive = FALSE if self.node_kind[ref] == NODE_ALL else TRUE
        verdict = 2 - decisive
        first = self.node_first[ref]
        for index in range(first, first + self.node_count[ref]):
            child = self.settle(frame, self.children[index])
            if child == decisive:
                verdict = decisive
                break
            if child == UNKNOWN:
                verdict = UNKNOWN
        frame.nodes[ref] = <uint8_t> verdict
        return verdict

    cdef int literal(self, Frame frame, int32_t ref) except -1 nogil:
        """The verdict of a predicate or of its negation."""
        cdef Py_ssize_t predicate = ~ref >> 1
        cdef int verdict = frame.predicates[predicate]
        if verdict == UNSET:
            verdict = self.test(frame, predicate)
            frame.predicates[predicate] = <uint8_t> verdict
        return 2 - verdict if ~ref & 1 else verdict

    cdef int test(self, Frame frame, Py_ssize_t predicate) except -1 nogil:
        """The verdict of a predicate, found from the values."""
        cdef int32_t op = self.op[predicate]
        cdef Py_ssize_t slot = self.a[predicate]
        cdef Py_ssize_t operand = self.b[predicate]
        cdef bint holds = False
        if op == OP_QUANTITY:
            return self.compare(frame, slot, operand)
        if op == OP_ABSENT:
            if frame.state[slot] == STATE_ABSENT:
                return UNKNOWN if frame.blind else TRUE
            return UNKNOWN if frame.state[slot] == STATE_FAILED else FALSE
        if frame.state[slot] != STATE_PRESENT:
            return UNKNOWN
        if op == OP_FLAG:
            holds = frame.number[slot] != 0
        elif op == OP_LT:
            holds = frame.number[slot] < self.constants[operand]
        elif op == OP_LE:
            holds = frame.number[slot] <= self.constants[operand]
        elif op == OP_EQ:
            holds = frame.number[slot] == self.constants[operand]
        elif op == OP_IS:
            holds = frame.code[slot] == operand
        elif op == OP_MEMBER:
            holds = self.masks[operand + (frame.code[slot] >> 6)] >> (frame.code[slot] & 63) & 1
        elif op == OP_SAME:
            if frame.state[operand] != STATE_PRESENT:
                return UNKNOWN
            holds = frame.identity[slot] == frame.identity[operand]
        elif op == OP_HAS:
            holds = self.has(frame, slot, operand)
        elif op == OP_ANY or op == OP_ALL:
            holds = self.overlaps(frame, slot, operand, op == OP_ALL)
        elif op == OP_CLOCK:
            holds = self.clock(frame, predicate)
        elif op == OP_TERMS:
            with gil:
                self.match_terms(frame, slot)
            return frame.predicates[predicate]
        else:
            with gil:
                return self.match_pattern(frame, slot, operand)
        return TRUE if holds else FALSE

    cdef bint has(self, Frame frame, Py_ssize_t slot, Py_ssize_t bit) except -1 nogil:
        """Whether a set has the element with a bit."""
        return frame.words[self.word_first[slot] + (bit >> 6)] >> (bit & 63) & 1

    cdef bint overlaps(
        self, Frame frame, Py_ssize_t slot, Py_ssize_t mask, bint every
    ) except -1 nogil:
        """Whether a set has any, or every, element of the mask."""
        cdef Py_ssize_t index, first = self.word_first[slot]
        cdef uint64_t wanted, there
        for index in range(self.word_count[slot]):
            wanted = self.masks[mask + index]
            there = frame.words[first + index] & wanted
            if every and there != wanted:
                return False
            if not every and there:
                return True
        return every

    cdef int compare(self, Frame frame, Py_ssize_t start, Py_ssize_t end) except -1 nogil:
        """The verdict of a comparison in postfix code: unknown without a value, or not finite."""
        cdef double[STACK_LIMIT] stack
        cdef Py_ssize_t height = 0, pair
        cdef int32_t code, operand
        cdef double left, right
        for pair in range(start, end):
            code = self.quantities[2 * pair]
            operand = self.quantities[2 * pair + 1]
            if code == CODE_CONSTANT:
                stack[height] = self.constants[operand]
                height += 1
                continue
            if code == CODE_READING or code == CODE_COUNT:
                if frame.state[operand] != STATE_PRESENT:
                    return UNKNOWN
                stack[height] = frame.number[operand]
                height += 1
                continue
            left = stack[height - 2]
            right = stack[height - 1]
            height -= 1
            if code == CODE_ADD:
                left += right
            elif code == CODE_SUBTRACT:
                left -= right
            elif code == CODE_MULTIPLY:
                left *= right
            elif code == CODE_DIVIDE:
                if right == 0:
                    return UNKNOWN
                left /= right
            elif code == CODE_LT:
                return TRUE if left < right else FALSE
            elif code == CODE_LE:
                return TRUE if left <= right else FALSE
            else:
                return TRUE if left == right else FALSE
            if not isfinite(left):
                return UNKNOWN
            stack[height - 1] = left
        return UNKNOWN

    cdef bint clock(self, Frame frame, Py_ssize_t predicate) except -1 nogil:
        """Whether a local time of day is in [start, end), where an end not after it is tomorrow."""
        cdef Py_ssize_t clock = self.clock_of[predicate]
        cdef int32_t start = self.b[predicate] // MINUTES
        cdef int32_t end = self.b[predicate] % MINUTES
        cdef int32_t minute
        if frame.minutes[clock] < 0:
            with gil:
                frame.minutes[clock] = self.local_minute(frame, clock)
        minute = frame.minutes[clock]
        if start < end:
            return start <= minute < end
        return minute >= start or minute < end

    cdef int local_minute(self, Frame frame, Py_ssize_t clock) except -1:
        """Minutes since midnight, local time."""
        microseconds = <int64_t> frame.number[self.clock_slot[clock]]
        local = (_EPOCH + timedelta(microseconds=microseconds)).astimezone(self.clock_zones[clock])
        return local.hour * 60 + local.minute

    cdef str folded(self, Frame frame, Py_ssize_t slot):
        """The text of a slot, folded once."""
        if frame.folded[slot] is None:
            frame.folded[slot] = fold(frame.objects[slot])
        return frame.folded[slot]

    cdef int match_terms(self, Frame frame, Py_ssize_t slot) except -1:
        """Settle every predicate that looks for terms in the slot: one pass finds them all."""
        cdef Py_ssize_t predicate
        terms = self.terms[slot]
        hits = terms.matcher.hits(self.folded(frame, slot))
        for index, predicate in enumerate(terms.predicates):
            frame.predicates[predicate] = TRUE if hits >> index & 1 else FALSE
        return 0

    cdef int match_pattern(self, Frame frame, Py_ssize_t slot, Py_ssize_t pattern) except -1:
        text = self.folded(frame, slot) if self.pattern_folded[pattern] else frame.objects[slot]
        return TRUE if self.patterns.search(pattern, text) else FALSE

    # ── What an undetermined rule lacks ──────────────────────────────────────────────────────────

    cdef int collect(self, Frame frame, int32_t ref, set slots, set seen) except -1:
        """Add the slots without a value that leave a condition unknown."""
        cdef Py_ssize_t index, first
        if self.settle(frame, ref) != UNKNOWN:
            return 0
        if ref < 0:
            return self.collect_slots(frame, ~ref >> 1, slots)
        if ref in seen:
            return 0
        seen.add(ref)
        first = self.node_first[ref]
        for index in range(first, first + self.node_count[ref]):
            self.collect(frame, self.children[index], slots, seen)
        return 0

    cdef int collect_slots(self, Frame frame, Py_ssize_t predicate, set slots) except -1:
        """Add the slots without a value that an unknown predicate reads."""
        cdef Py_ssize_t pair
        cdef int32_t op = self.op[predicate]
        cdef int32_t code
        if op == OP_QUANTITY:
            for pair in range(self.a[predicate], self.b[predicate]):
                code = self.quantities[2 * pair]
                if code == CODE_READING or code == CODE_COUNT:
                    self.collect_slot(frame, self.quantities[2 * pair + 1], slots)
            return 0
        self.collect_slot(frame, self.a[predicate], slots)
        if op == OP_SAME:
            self.collect_slot(frame, self.b[predicate], slots)
        return 0

    cdef int collect_slot(self, Frame frame, int32_t slot, set slots) except -1:
        if frame.state[slot] != STATE_PRESENT:
            slots.add(slot)
        return 0


cdef object _array(str kind, bytes data):
    """The numbers of an array of a program, in a copy that is aligned and in the machine's order."""
    return integers(kind, data)


cdef bint _is_failure(dict fields) except -1:
    """Whether an object is what stands for a value that failed, and nothing else."""
    return len(fields) == 1 and isinstance(fields.get(FAILED_KEY), str)


cdef int _verify(object program, tuple slots) except -1:
    """Verify a program that was not loaded from a bundle."""
    verify(
        program,
        slots=slots,
        rules=len(program.rule_root) // 4,
        versions=len(program.version_rules) // 4 - 1,
        params=sys.maxsize,
    )
    return 0


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────

def scan_json(const uint8_t[::1] data not None):
    """How deep objects and lists are nested in JSON, and how many pairs of key and value it has.

    The numbers are right for what is JSON. For anything else they are some numbers.
    """
    cdef Py_ssize_t index, size = data.shape[0]
    cdef Py_ssize_t depth = 0, deepest = 0, pairs = 0
    cdef bint inside = False, escaped = False
    cdef uint8_t byte
    with nogil:
        for index in range(size):
            byte = data[index]
            if inside:
                if escaped:
                    escaped = False
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
