"""Trees of conditions, told for one event after the other: what became of each part, as JSON.

A tree is prepared once (`clausal.engine.tracing` does that): what does not depend on an event is JSON
by then. Telling it appends the pieces of the tree to a list, in their order. Trees may be shared by
threads; a `Seen` is one event, for one thread at a time.

Verdicts are numbers, so that Kleene's logic is arithmetic: "and" is the least, "or" the greatest,
"not" is 2 minus the verdict.
"""

cimport cython

from clausal.engine._kinds cimport FALSE, TRUE, UNKNOWN

from clausal.engine.values import ABSENT, Missing

__all__ = ("Field", "Join", "Not", "Quick", "RuleTree", "Seen", "Test", "Tree")

cdef enum Operation:
    OP_FLAG, OP_MEMBER, OP_SOME, OP_EVERY, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST, OP_EQUAL, OP_OTHER

cdef dict _OPERATIONS = {
    "flag": OP_FLAG, "member": OP_MEMBER, "some": OP_SOME, "every": OP_EVERY, "<": OP_LESS, "<=": OP_AT_MOST, ">": OP_MORE,
    ">=": OP_AT_LEAST, "==": OP_EQUAL, "!=": OP_OTHER,
}

# The word of a verdict, and what follows it in a test and in what has parts.
cdef tuple _TEST = tuple(
    [word + b'","parts":[],"seen":[' for word in (b"false", b"unknown", b"true")]
)
cdef tuple _PARTS = tuple([word + b'","parts":[' for word in (b"false", b"unknown", b"true")])
cdef bytes _END = b'],"seen":[],"params":[],"matches":[]}'
cdef bytes _NOT = b'{"kind":"not","text":"not","verdict":"'

# As many values of a field are remembered with their JSON.
cdef enum:
    REMEMBERED = 256


cdef int _number(object verdict) except -1:
    """A verdict of the reference interpreter."""
    return UNKNOWN if verdict is None else TRUE if verdict else FALSE


@cython.final
@cython.auto_pickle(False)
cdef class Field:
    """The value of a slot with the name of its field, as JSON."""

    cdef Py_ssize_t slot
    cdef bytes absent
    cdef bytes failed
    cdef bytes before
    cdef object shown
    cdef bint few
    cdef dict known

    def __init__(
        self, Py_ssize_t slot, bytes absent, bytes failed, bytes before, shown, *, bint few
    ):
        self.slot = slot
        self.absent = absent
        self.failed = failed
        self.before = before
        self.shown = shown
        self.few = few
        self.known = {}

    cdef bytes told(self, object value):
        cdef object known
        if isinstance(value, Missing):
            return self.absent if value is ABSENT else self.failed
        if not self.few:
            return self.before + <bytes> self.shown(value)
        known = self.known.get(value)
        if known is None:
            known = self.before + <bytes> self.shown(value)
            if len(self.known) < REMEMBERED:
                self.known[value] = known
        return <bytes> known


@cython.final
@cython.auto_pickle(False)
cdef class Seen:
    """One event, as the trees of all rules see it."""

    cdef object values
    # What was read so far, by slot; None where nothing was.
    cdef list held
    cdef dict told

    def __init__(self, values, Py_ssize_t slots):
        self.values = values
        self.held = [None] * slots
        self.told = {}

    def __getitem__(self, Py_ssize_t slot):
        """The value of a slot, or why there is none."""
        return self.value(slot)

    cdef object value(self, Py_ssize_t slot):
        cdef object value
        if not 0 <= slot < len(self.held):
            raise IndexError(f"there is no slot {slot}")
        value = self.held[slot]
        if value is None:
            value = self.held[slot] = self.values(slot)
        return value

    cdef bytes field(self, Field field):
        cdef object known = self.told.get(field)
        if known is None:
            known = self.told[field] = field.told(self.value(field.slot))
        return <bytes> known


@cython.auto_pickle(False)
cdef class Tree:
    """The tree of a condition."""

    cdef int tell(self, Seen seen, list pieces) except -1:
        """Append the pieces, and return the verdict."""
        raise NotImplementedError


@cython.final
@cython.auto_pickle(False)
cdef class Join(Tree):
    """Several conditions, of which all must hold, or any."""

    cdef bytes before
    cdef tuple items
    cdef bint any

    def __init__(self, bytes before, items, *, bint any):
        self.before = before
        self.items = tuple(items)
        self.any = any
        for item in self.items:
            if not isinstance(item, Tree):
                raise TypeError("a tree has trees as its parts")

    cdef int tell(self, Seen seen, list pieces) except -1:
        cdef int verdict = FALSE if self.any else TRUE, one
        cdef Py_ssize_t place
        cdef object item
        cdef bint first = True
        pieces.append(self.before)
        # The verdict stands before the parts that it follows from.
        place = len(pieces)
        pieces.append(b"")
        for item in self.items:
            if not first:
                pieces.append(b",")
            first = False
            one = (<Tree> item).tell(seen, pieces)
            verdict = max(verdict, one) if self.any else min(verdict, one)
        pieces[place] = _PARTS[verdict]
        pieces.append(_END)
        return verdict


@cython.final
@cython.auto_pickle(False)
cdef class Not(Tree):
    """A condition that must not hold."""

    cdef Tree item

    def __init__(self, Tree item not None):
        self.item = item

    cdef int tell(self, Seen seen, list pieces) except -1:
        cdef int verdict
        cdef Py_ssize_t place
        pieces.append(_NOT)
        place = len(pieces)
        pieces.append(b"")
        verdict = TRUE - self.item.tell(seen, pieces)
        pieces[place] = _PARTS[verdict]
        pieces.append(_END)
        return verdict


@cython.final
@cython.auto_pickle(False)
cdef class Test(Tree):
    """A condition without parts, whatever it is: `judge` says what became of it."""

    cdef object judge
    cdef tuple fields
    cdef bytes before
    cdef bytes after
    cdef object rest

    def __init__(self, judge, fields, bytes before, bytes after, rest=None):
        self.judge = judge
        self.fields = tuple(fields)
        self.before = before
        self.after = after
        self.rest = rest
        for field in self.fields:
            if not isinstance(field, Field):
                raise TypeError("a test sees fields")

    cdef int tell(self, Seen seen, list pieces) except -1:
        cdef int verdict = _number(self.judge(seen))
        cdef object field
        cdef bint first = True
        pieces.append(self.before)
        pieces.append(_TEST[verdict])
        for field in self.fields:
            if not first:
                pieces.append(b",")
            first = False
            pieces.append(seen.field(<Field> field))
        pieces.append(self.after)
        if self.rest is not None:
            pieces.append(<bytes> self.rest(seen))
        return verdict


@cython.final
@cython.auto_pickle(False)
cdef class Quick(Tree):
    """The tests that most conditions are made of: a flag, names among some others, a limit."""

    cdef int operation
    cdef double limit
    cdef frozenset names
    cdef Field field
    cdef bytes before
    cdef bytes after

    def __init__(self, str operation, operand, Field field not None, bytes before, bytes after):
        self.operation = _OPERATIONS[operation]
        if self.operation in (OP_MEMBER, OP_SOME, OP_EVERY):
            self.names = frozenset(operand)
        elif self.operation != OP_FLAG:
            self.limit = operand
        self.field = field
        self.before = before
        self.after = after

    cdef int tell(self, Seen seen, list pieces) except -1:
        cdef object value = seen.value(self.field.slot)
        cdef int verdict
        if isinstance(value, Missing):
            verdict = UNKNOWN
        else:
            verdict = TRUE if self.holds(value) else FALSE
        pieces.append(self.before)
        pieces.append(_TEST[verdict])
        pieces.append(seen.field(self.field))
        pieces.append(self.after)
        return verdict

    cdef bint holds(self, object value) except -1:
        cdef double number
        if self.operation == OP_FLAG:
            return bool(value)
        if self.operation == OP_MEMBER:
            return value in self.names
        if self.operation == OP_SOME:
            return not self.names.isdisjoint(value)
        if self.operation == OP_EVERY:
            return self.names <= value
        number = value
        if self.operation == OP_LESS:
            return number < self.limit
        if self.operation == OP_AT_MOST:
            return number <= self.limit
        if self.operation == OP_MORE:
            return number > self.limit
        if self.operation == OP_AT_LEAST:
            return number >= self.limit
        if self.operation == OP_EQUAL:
            return number == self.limit
        return number != self.limit


@cython.final
@cython.auto_pickle(False)
cdef class RuleTree:
    """A rule, ready to be told about."""

    cdef bytes before
    cdef Tree when
    cdef Tree unless

    def __init__(self, bytes before, Tree when not None, Tree unless):
        self.before = before
        self.when = when
        self.unless = unless

    def tell(self, Seen seen not None, bytes status, list pieces not None):
        """Append the pieces of the rule.

        Args:
            seen: The event.
            status: Its mode, status and whether it applied, as JSON.
            pieces: What they are appended to.
        """
        pieces.append(self.before)
        pieces.append(status)
        self.when.tell(seen, pieces)
        pieces.append(b',"unless":')
        if self.unless is None:
            pieces.append(b"null}")
        else:
            self.unless.tell(seen, pieces)
            pieces.append(b"}")
