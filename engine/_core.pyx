"""The compiled core: evaluates the decision program on the values of an event.

A `Core` is one program, shared by threads. What it finds out about an event (the verdicts of
predicates and nodes that are worth keeping) lies in a `Scratch`, of which each evaluation has one
for itself; the values of the event lie in a `Frame`. `clausal.engine.reference` is the meaning of
the evaluation, and `_reading.pyx` reads events.

Verdicts are numbers, so that Kleene's logic is arithmetic: "and" is the least, "or" the greatest,
"not" is 2 minus the verdict.

One event takes less time than handing the interpreter's lock over and taking it back would, so the
lock is kept.
"""

import sys
from array import array
from datetime import UTC, datetime, timedelta

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy, memset

from clausal.compiler.text._terms cimport TermIndex
from clausal.engine._frame cimport Frame, Slots, check, same_text
from clausal.engine._index cimport Finder, Finds
from clausal.engine._kinds cimport (
    ALWAYS, CODE_ADD, CODE_CONSTANT, CODE_COUNT, CODE_DIVIDE, CODE_EQ, CODE_LE, CODE_LT,
    CODE_MULTIPLY, CODE_READING, CODE_SUBTRACT, FALSE, MINUTES, NEVER, NODE_ALL, NODE_ANY,
    OP_ABSENT, OP_ALL, OP_ANY, OP_CLOCK, OP_EQ, OP_FLAG, OP_HAS, OP_IS, OP_LE, OP_LT, OP_MEMBER,
    OP_PATTERN, OP_QUANTITY, OP_SAME, OP_TERMS, STACK_LIMIT, STATE_ABSENT, STATE_FAILED,
    STATE_PRESENT, TRUE, UNKNOWN,
)
from clausal.engine._reading cimport Reader

from clausal.compiler.program import ALWAYS as PROGRAM_ALWAYS
from clausal.compiler.program import NEVER as PROGRAM_NEVER
from clausal.compiler.program import MINUTES as PROGRAM_MINUTES
from clausal.compiler.program import STACK_LIMIT as PROGRAM_STACK_LIMIT
from clausal.compiler.program import Code, NodeKind, Op, ProgramError, floats, integers
from clausal.compiler.text.fold import fold
from clausal.compiler.verify import verify
from clausal.engine.layout import lay_out
from clausal.engine.problem import EventError, Problem
from clausal.engine.render import rfc3339

__all__ = ("Core", "Outcome")

# ── Numbers that other modules give names to ─────────────────────────────────────────────────────

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
for _ours, _theirs in (
    (_OPS, Op), (_CODES, Code), ({"ALL": NODE_ALL, "ANY": NODE_ANY}, NodeKind)
):
    if _ours != {member.name: member.value for member in _theirs}:
        raise ImportError(f"`clausal.engine._core` was built for another `{_theirs.__name__}`")
if [ALWAYS, NEVER, MINUTES, STACK_LIMIT] != [
    PROGRAM_ALWAYS, PROGRAM_NEVER, PROGRAM_MINUTES, PROGRAM_STACK_LIMIT
]:
    raise ImportError("`clausal.engine._core` was built for another layout of programs")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

cdef enum:
    # 2**30, the first generation that does not fit beside a verdict.
    LAST_GENERATION = 1073741824


cdef extern from *:
    """
    #define new_instance(type, empty) \\
        (((PyTypeObject *)(type))->tp_new((PyTypeObject *)(type), (empty), NULL))
    #define untrack(thing) if (PyObject_IS_GC(thing)) PyObject_GC_UnTrack(thing)
    """
    void untrack(object thing) noexcept
    object new_instance(type type, tuple empty)


cdef void* _memory(size_t count, size_t size) except NULL:
    """So many zeros, and one more, so that there is always something to point to."""
    found = PyMem_Calloc(count + 1, size)
    if found is NULL:
        raise MemoryError
    return found


cdef int32_t* _copied(const int32_t[::1] numbers) except NULL:
    """The numbers in memory that the caller frees."""
    cdef int32_t* found = <int32_t*> _memory(numbers.shape[0], sizeof(int32_t))
    cdef Py_ssize_t index
    for index in range(numbers.shape[0]):
        found[index] = numbers[index]
    return found


cdef object _zeros(str kind, Py_ssize_t count):
    """An array of so many zeros, never empty: a memory view must have something to look at."""
    return array(kind, [0]) * max(count, 1)


# ── What is found out about one event ────────────────────────────────────────────────────────────

@cython.final
cdef class Scratch:
    """The memory that one evaluation needs, used again for the next.

    A verdict is kept with the number of the generation that it was found in, so that all verdicts
    are forgotten by beginning another.
    """

    def __cinit__(self, Core core not None):
        cdef Py_ssize_t rules = core.rule_count
        self.test_count = core.test_count
        self.node_count = core.node_count
        self.tests = <uint32_t*> _memory(self.test_count, sizeof(uint32_t))
        self.nodes = <uint32_t*> _memory(self.node_count, sizeof(uint32_t))
        self.minutes = _zeros("i", core.clock_slot.shape[0])
        if core.finder is not None:
            self.finds = Finds(core.finder)
        self.fired = _zeros("i", rules)
        self.undetermined = _zeros("i", rules)
        self.folded = [None] * core.slots.count

    def __dealloc__(self):
        PyMem_Free(self.tests)
        PyMem_Free(self.nodes)

    cdef int begin(self, Frame frame, bint blind) noexcept:
        """Forget what was found out, unless it was about the same values seen the same way."""
        cdef Py_ssize_t index
        if self.serial == frame.serial and self.blind == blind and self.generation:
            return 0
        self.serial = frame.serial
        self.blind = blind
        self.generation += 1
        if self.generation == LAST_GENERATION:
            memset(self.tests, 0, <size_t> self.test_count * sizeof(uint32_t))
            memset(self.nodes, 0, <size_t> self.node_count * sizeof(uint32_t))
            self.generation = 1
        for index in range(self.minutes.shape[0]):
            self.minutes[index] = -1
        return 0

    cdef int let_go(self) except -1:
        """Let go of texts that were folded."""
        cdef Py_ssize_t slot
        if self.has_folded:
            for slot in range(len(self.folded)):
                self.folded[slot] = None
            self.has_folded = False
        return 0


# ── What it comes to ─────────────────────────────────────────────────────────────────────────────

# What it refers to does not refer back.
@cython.no_gc
cdef class Outcome:
    """What the rules said about one event, and what a decision needs of it: its base class."""

    def __dealloc__(self):
        PyMem_Free(self.rules)

    cdef int take_rules(
        self, const int32_t* fired, Py_ssize_t fired_count, const int32_t* undetermined,
        Py_ssize_t undetermined_count
    ) except -1:
        """Keep the rules that were found true and unknown."""
        cdef size_t first = <size_t> fired_count * sizeof(int32_t)
        cdef size_t second = <size_t> undetermined_count * sizeof(int32_t)
        if first or second:
            self.rules = <int32_t*> PyMem_Malloc(first + second)
            if self.rules is NULL:
                raise MemoryError
        if first:
            memcpy(self.rules, fired, first)
        if second:
            memcpy(self.rules + fired_count, undetermined, second)
        self.fired_count = fired_count
        self.undetermined_count = undetermined_count
        return 0

    @property
    def _fired(self):
        cdef Py_ssize_t index
        return tuple([self.rules[index] for index in range(self.fired_count)])

    @property
    def _undetermined(self):
        cdef Py_ssize_t index, first = self.fired_count
        return tuple(
            [self.rules[index] for index in range(first, first + self.undetermined_count)]
        )


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
        kinds = integers("B", program.slot_kinds)
        types = tuple([slot.type for slot in slots])
        self.slots = Slots(layout, kinds, program.symbols, types)
        self.reader = Reader(self.slots, layout, slots, time_slot, ladders)
        self.masks = integers("Q", program.masks)
        self.constants = floats(program.constants)
        self.quantities = integers("i", program.code)
        self.refs = _copied(integers("i", program.children))
        self.roots = _copied(integers("i", program.rule_root))
        self.rule_count = len(program.rule_root) // 4
        self.version_rules = integers("i", program.version_rules)
        self.boundaries = integers("q", program.boundaries)
        self.segment_first = integers("i", program.segment_first)
        self.segment_count = integers("i", program.segment_count)
        self.segment_versions = integers("i", program.segment_versions)
        self.clock_slot = array("i", [slot for slot, _ in layout.clocks])
        self.clock_zones = tuple([zone for _, zone in layout.clocks])
        self.terms = layout.terms
        self.terms_first = layout.terms_first
        self.groups = layout.groups
        self.search_of = layout.search_of
        self.search_first = layout.search_first
        self.asking = layout.asking
        self.take_tests(program, layout.clock_of)
        self.take_nodes(program)
        if index is not None:
            self.finder = Finder(
                index, kinds, layout.word_first, layout.word_count, self.rule_count
            )
        self.time_slot = time_slot
        self.time_name = slots[time_slot].name
        self.id_slot = -1

    def __dealloc__(self):
        PyMem_Free(self.tests)
        PyMem_Free(self.nodes)
        PyMem_Free(self.refs)
        PyMem_Free(self.roots)

    cdef int take_tests(self, object program, const int32_t[::1] clock_of) except -1:
        """Lay each predicate out in one place."""
        cdef const int32_t[::1] op = integers("i", program.op)
        cdef const int32_t[::1] a = integers("i", program.a)
        cdef const int32_t[::1] b = integers("i", program.b)
        cdef Py_ssize_t index
        self.test_count = op.shape[0]
        self.tests = <Test*> _memory(self.test_count, sizeof(Test))
        for index in range(self.test_count):
            self.tests[index].op = op[index]
            self.tests[index].a = a[index]
            self.tests[index].b = b[index]
            self.tests[index].clock = clock_of[index]
            if op[index] in (OP_LT, OP_LE, OP_EQ):
                self.tests[index].constant = self.constants[b[index]]
        return 0

    cdef int take_nodes(self, object program) except -1:
        """Lay each node out in one place, and see which can be asked for twice."""
        cdef const uint8_t[::1] kind = integers("B", program.node_kind)
        cdef const int32_t[::1] first = integers("i", program.node_first)
        cdef const int32_t[::1] count = integers("i", program.node_count)
        cdef Py_ssize_t index
        self.node_count = kind.shape[0]
        self.nodes = <Node*> _memory(self.node_count, sizeof(Node))
        for index in range(self.node_count):
            self.nodes[index].kind = kind[index]
            self.nodes[index].first = first[index]
            self.nodes[index].end = first[index] + count[index]
        self.count_uses(self.refs, len(program.children) // 4)
        self.count_uses(self.roots, self.rule_count)
        return 0

    cdef int count_uses(self, const int32_t* refs, Py_ssize_t count) noexcept:
        cdef Py_ssize_t index
        for index in range(count):
            if 0 <= refs[index] < self.node_count and self.nodes[refs[index]].uses < 2:
                self.nodes[refs[index]].uses += 1
        return 0

    # ── From an event to what it comes to ────────────────────────────────────────────────────────

    def read(self, event, history=None):
        """The values of an event and its history, to be evaluated."""
        cdef Frame frame = self.slots.frame()
        self.reader.read(frame, event, history)
        return frame

    def read_json(self, data, history=None):
        """The values of an event that is JSON, to be evaluated."""
        cdef Frame frame = self.slots.frame()
        self.reader.read_json(frame, data, history)
        return frame

    def touch(self, dict event not None):
        """Look every field up and look at its value, no more: the least that reading can cost."""
        return self.reader.touch(event)

    def run(self, Frame values not None, int64_t instant, *, bint blind=False):
        """The rules that fire, and those that are undetermined, both ascending."""
        cdef Scratch scratch = self.scratch_of(values)
        cdef Py_ssize_t index
        try:
            self.evaluate_at(values, scratch, instant, blind)
            return (
                [scratch.fired[index] for index in range(scratch.fired_count)],
                [scratch.undetermined[index] for index in range(scratch.undetermined_count)],
            )
        finally:
            self.put_back(scratch)

    def left_open(self, Frame values not None, int64_t instant):
        """The rules whose conditions have to be looked at, because the index leaves them open."""
        cdef Scratch scratch
        cdef Py_ssize_t index
        if self.finder is None:
            raise ValueError("there is no index")
        scratch = self.scratch_of(values)
        try:
            self.evaluate_at(values, scratch, instant, False)
            return sorted([scratch.finds.open[index] for index in range(scratch.finds.open_count)])
        finally:
            self.put_back(scratch)

    def lacking(self, Frame values not None, Py_ssize_t rule, *, bint blind=False):
        """The slots whose values an undetermined rule lacks, ascending; none for other rules."""
        cdef Scratch scratch = self.scratch_of(values)
        cdef set slots = set()
        if not 0 <= rule < self.rule_count:
            raise IndexError(f"there is no rule {rule}")
        try:
            scratch.begin(values, blind)
            self.collect(values, scratch, self.roots[rule], slots, set())
            return sorted(slots)
        finally:
            self.put_back(scratch)

    def serve(self, kind, context, id_slot):
        """Say what decisions are made of, before the first one is."""
        if not issubclass(kind, Outcome):
            raise TypeError("decisions are outcomes")
        self.kind = kind
        self.context = context
        self.id_slot = -1 if id_slot is None else id_slot

    def evaluate(self, event, history, decided_at, bint bounds):
        """The decision for an event."""
        cdef Frame frame = self.slots.frame()
        self.reader.read(frame, event, history)
        return self.decide(frame, decided_at, bounds, False)

    def evaluate_json(self, data, history, decided_at, bint bounds):
        """The decision for an event that is JSON."""
        cdef Frame frame = self.slots.frame()
        self.reader.read_json(frame, data, history)
        return self.decide(frame, decided_at, bounds, False)

    def decided(self, Frame values not None, decided_at, bint bounds):
        """The decision for values that were read, which keeps them in any case."""
        return self.decide(values, decided_at, bounds, True)

    def narrowed(self, Outcome decision not None, fired, undetermined, later):
        """A decision for the same values, that some of its rules alone have a say in."""
        cdef Outcome outcome = self.outcome()
        cdef const int32_t[::1] first = array("i", fired)
        cdef const int32_t[::1] second = array("i", undetermined)
        outcome.take_rules(
            &first[0] if first.shape[0] else NULL, first.shape[0],
            &second[0] if second.shape[0] else NULL, second.shape[0],
        )
        outcome._values = decision._values
        outcome._acted_at = decision._acted_at
        outcome._decided_at = decision._decided_at
        outcome._later = later
        return outcome

    cdef Outcome decide(self, Frame frame, object decided_at, bint bounds, bint keep):
        """The decision for an event, no part of which is worked out yet."""
        cdef Scratch scratch
        cdef Outcome outcome
        cdef int64_t acted, decided
        cdef bint same
        if frame.state[self.time_slot] != STATE_PRESENT:
            raise EventError([Problem(self.time_name, "the instant of the act", "one that failed")])
        acted = decided = <int64_t> frame.number[self.time_slot]
        if decided_at is not None:
            decided = decided_at
            if decided < acted:
                limit = f"an act at or before the decision, {rfc3339(decided, 'UTC')}"
                got = f"one at {rfc3339(acted, 'UTC')}"
                raise EventError([Problem(self.time_name, limit, got)])
        outcome = self.outcome()
        outcome._acted_at = acted
        outcome._decided_at = decided
        scratch = self.scratch_of(frame)
        try:
            self.evaluate_at(frame, scratch, acted, False)
            if not (bounds or keep or scratch.fired_count or scratch.undetermined_count):
                # Most events are so, and all that is told of them is their name.
                outcome._values = self.name_of(frame)
                return outcome
            if not self.sound:
                # A corpus that is not is told of now, and not by the decision.
                _ = self.context.decider
                self.sound = True
            outcome._values = frame
            outcome.take_rules(
                &scratch.fired[0], scratch.fired_count,
                &scratch.undetermined[0], scratch.undetermined_count,
            )
            same = decided == acted or self.segment(decided) == self.segment(acted)
            if not same:
                outcome._later = self.rules_at(frame, scratch, decided, False)
            if bounds:
                act = self.rules_at(frame, scratch, acted, True)
                later = None if same else self.rules_at(frame, scratch, decided, True)
                outcome._unsettled = (*act, later)
        finally:
            self.put_back(scratch)
        return outcome

    cdef Outcome outcome(self):
        """A decision of which nothing is known but the bundle."""
        cdef Outcome outcome
        if self.kind is None:
            raise ValueError("`Core.serve` says what decisions are made of")
        outcome = <Outcome> new_instance(self.kind, ())
        # It is in no cycle, so the collector need not look at it each time.
        untrack(outcome)
        outcome._context = self.context
        return outcome

    cdef object name_of(self, Frame frame):
        """The name of the event, if it is a text, and otherwise the values, to look it up in."""
        if self.id_slot < 0:
            return None
        if frame.objects[self.id_slot] is NULL:
            return frame
        return <object> frame.objects[self.id_slot]

    cdef tuple rules_at(self, Frame frame, Scratch scratch, int64_t instant, bint blind):
        """The rules that fire at an instant, and those that are undetermined."""
        cdef Py_ssize_t index
        self.evaluate_at(frame, scratch, instant, blind)
        return (
            tuple([scratch.fired[index] for index in range(scratch.fired_count)]),
            tuple([scratch.undetermined[index] for index in range(scratch.undetermined_count)]),
        )

    # ── Which rules ──────────────────────────────────────────────────────────────────────────────

    cdef Scratch scratch_of(self, Frame frame):
        """Memory to evaluate values in, for the caller alone until it puts it back."""
        if frame.slots is not self.slots:
            raise ValueError("the values were read by another core")
        cdef Scratch scratch = self.spare
        if scratch is None:
            return Scratch(self)
        self.spare = scratch.next
        scratch.next = None
        return scratch

    cdef int put_back(self, Scratch scratch) except -1:
        """Let the next evaluation have it. There are never more than threads and nested calls."""
        scratch.let_go()
        scratch.next = self.spare
        self.spare = scratch
        return 0

    cdef int evaluate_at(
        self, Frame frame, Scratch scratch, int64_t instant, bint blind
    ) except -1:
        """Find the rules in force at an instant that are true and unknown."""
        scratch.begin(frame, blind)
        if self.finder is None:
            return self.run_segment(frame, scratch, self.segment(instant))
        return self.run_indexed(frame, scratch, self.segment(instant))

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

    cdef int run_segment(self, Frame frame, Scratch scratch, Py_ssize_t segment) except -1 nogil:
        """Settle every rule in force, and list those that are true or unknown."""
        cdef Py_ssize_t index, version, rule, fired = 0, undetermined = 0
        cdef int verdict
        for index in range(self.segment_count[segment]):
            version = self.segment_versions[self.segment_first[segment] + index]
            for rule in range(self.version_rules[version], self.version_rules[version + 1]):
                verdict = self.settle(frame, scratch, self.roots[rule])
                if verdict == TRUE:
                    scratch.fired[fired] = <int32_t> rule
                    fired += 1
                elif verdict == UNKNOWN:
                    scratch.undetermined[undetermined] = <int32_t> rule
                    undetermined += 1
        scratch.fired_count = fired
        scratch.undetermined_count = undetermined
        return 0

    cdef int run_indexed(self, Frame frame, Scratch scratch, Py_ssize_t segment) except -1 nogil:
        """List the rules that are true or unknown, settling those that the index leaves open.

        What it drops is false, so the lists are those of `run_segment`.
        """
        cdef int32_t* fired = &scratch.fired[0]
        cdef int32_t* undetermined = &scratch.undetermined[0]
        cdef Py_ssize_t index, fired_count, undetermined_count
        cdef int32_t rule
        cdef int verdict
        self.finder.find(
            scratch.finds, segment, frame.state, frame.number, frame.code, frame.words, scratch.blind
        )
        fired_count = scratch.finds.fired_count
        for index in range(fired_count):
            fired[index] = scratch.finds.fired[index]
        undetermined_count = scratch.finds.undetermined_count
        for index in range(undetermined_count):
            undetermined[index] = scratch.finds.undetermined[index]
        for index in range(scratch.finds.open_count):
            rule = scratch.finds.open[index]
            check(0 <= rule < self.rule_count)
            verdict = self.settle(frame, scratch, self.roots[rule])
            if verdict == TRUE:
                fired[fired_count] = rule
                fired_count += 1
            elif verdict == UNKNOWN:
                undetermined[undetermined_count] = rule
                undetermined_count += 1
        _sort(fired, fired_count)
        _sort(undetermined, undetermined_count)
        scratch.fired_count = fired_count
        scratch.undetermined_count = undetermined_count
        return 0

    cdef int settle(self, Frame frame, Scratch scratch, int32_t ref) except -1 nogil:
        """The verdict of a condition. Nodes are nested at most as deep as the verifier allows."""
        cdef int verdict, child, decisive
        cdef int32_t index, below
        cdef const Node* node
        if ref < 0:
            verdict = self.test(frame, scratch, ~ref >> 1)
            return 2 - verdict if ~ref & 1 else verdict
        if ref == ALWAYS:
            return TRUE
        if ref == NEVER:
            return FALSE
        check(ref < self.node_count)
        node = &self.nodes[ref]
        # What is asked for once is not kept: looking for it would cost more than it saves.
        if node.uses > 1 and scratch.nodes[ref] >> 2 == scratch.generation:
            return scratch.nodes[ref] & 3
        # All: false as soon as a child is, and true at first; any: the other way round.
        decisive = FALSE if node.kind == NODE_ALL else TRUE
        verdict = 2 - decisive
        for index in range(node.first, node.end):
            below = self.refs[index]
            if below < 0:
                child = self.test(frame, scratch, ~below >> 1)
                child = 2 - child if ~below & 1 else child
            else:
                child = self.settle(frame, scratch, below)
            if child == decisive:
                verdict = decisive
                break
            if child == UNKNOWN:
                verdict = UNKNOWN
        if node.uses > 1:
            scratch.nodes[ref] = scratch.generation << 2 | <uint32_t> verdict
        return verdict

    cdef int test(self, Frame frame, Scratch scratch, Py_ssize_t predicate) except -1 nogil:
        """The verdict of a predicate, found from the values; what takes long is found once."""
        cdef const Test* test
        cdef int32_t op, slot
        cdef int verdict
        cdef bint holds
        check(0 <= predicate < self.test_count)
        test = &self.tests[predicate]
        op = test.op
        slot = test.a
        if op == OP_QUANTITY:
            return self.compare(frame, slot, test.b)
        check(slot < self.slots.count)
        if op == OP_ABSENT:
            if frame.state[slot] == STATE_ABSENT:
                return UNKNOWN if scratch.blind else TRUE
            return UNKNOWN if frame.state[slot] == STATE_FAILED else FALSE
        if frame.state[slot] != STATE_PRESENT:
            return UNKNOWN
        if op == OP_LT:
            holds = frame.number[slot] < test.constant
        elif op == OP_LE:
            holds = frame.number[slot] <= test.constant
        elif op == OP_EQ:
            holds = frame.number[slot] == test.constant
        elif op == OP_IS:
            holds = frame.code[slot] == test.b
        elif op == OP_MEMBER:
            holds = self.masks[test.b + (frame.code[slot] >> 6)] >> (frame.code[slot] & 63) & 1
        elif op == OP_FLAG:
            holds = frame.number[slot] != 0
        elif op == OP_SAME:
            if frame.state[test.b] != STATE_PRESENT:
                return UNKNOWN
            holds = same_text(self.slots.text_of(frame, slot), self.slots.text_of(frame, test.b))
        elif op == OP_HAS:
            holds = frame.words[self.slots.word_first[slot] + (test.b >> 6)] >> (test.b & 63) & 1
        elif op == OP_ANY or op == OP_ALL:
            holds = self.overlaps(frame, slot, test.b, op == OP_ALL)
        elif op == OP_CLOCK:
            holds = self.clock(frame, scratch, test)
        else:
            if scratch.tests[predicate] >> 2 == scratch.generation:
                return scratch.tests[predicate] & 3
            with gil:
                if op == OP_TERMS:
                    self.match_terms(frame, scratch, slot)
                else:
                    self.match_patterns(frame, scratch, slot, self.search_of[predicate])
            return scratch.tests[predicate] & 3
        return TRUE if holds else FALSE

    cdef bint overlaps(
        self, Frame frame, Py_ssize_t slot, Py_ssize_t mask, bint every
    ) except -1 nogil:
        """Whether a set has any, or every, element of the mask."""
        cdef Py_ssize_t index, first = self.slots.word_first[slot]
        cdef uint64_t wanted, there
        for index in range(self.slots.word_count[slot]):
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

    cdef bint clock(self, Frame frame, Scratch scratch, const Test* test) except -1 nogil:
        """Whether a local time of day is in [start, end), where an end not after it is tomorrow."""
        cdef int32_t start = test.b // MINUTES
        cdef int32_t end = test.b % MINUTES
        cdef int32_t minute = scratch.minutes[test.clock]
        if minute < 0:
            with gil:
                minute = scratch.minutes[test.clock] = self.local_minute(frame, test.clock)
        if start < end:
            return start <= minute < end
        return minute >= start or minute < end

    cdef int local_minute(self, Frame frame, Py_ssize_t clock) except -1:
        """Minutes since midnight, local time."""
        microseconds = <int64_t> frame.number[self.clock_slot[clock]]
        local = (_EPOCH + timedelta(microseconds=microseconds)).astimezone(self.clock_zones[clock])
        return local.hour * 60 + local.minute

    cdef str folded(self, Frame frame, Scratch scratch, Py_ssize_t slot):
        """The text of a slot, folded once."""
        if scratch.folded[slot] is None:
            scratch.folded[slot] = fold(<object> self.slots.text_of(frame, slot))
            scratch.has_folded = True
        return scratch.folded[slot]

    cdef int match_terms(self, Frame frame, Scratch scratch, Py_ssize_t slot) except -1:
        """Settle every predicate that looks for terms in the slot: one pass finds them all."""
        cdef TermIndex index = self.terms[slot]
        return index.settle(
            self.folded(frame, scratch, slot), &self.asking[self.terms_first[slot]], scratch.tests,
            scratch.generation << 2 | TRUE, scratch.generation << 2 | FALSE,
        )

    cdef int match_patterns(
        self, Frame frame, Scratch scratch, Py_ssize_t slot, Py_ssize_t search
    ) except -1:
        """Settle every predicate whose pattern is in a group: one pass finds them all."""
        cdef Py_ssize_t place, first = self.search_first[search]
        group = self.groups[search]
        if group.folded:
            text = self.folded(frame, scratch, slot)
        else:
            text = <object> self.slots.text_of(frame, slot)
        found = group.matches(text)
        for place in range(first, self.search_first[search + 1]):
            scratch.tests[self.asking[place]] = scratch.generation << 2 | FALSE
        for place in found:
            scratch.tests[self.asking[first + place]] = scratch.generation << 2 | TRUE
        return 0

    # ── What an undetermined rule lacks ──────────────────────────────────────────────────────────

    cdef int collect(
        self, Frame frame, Scratch scratch, int32_t ref, set slots, set seen
    ) except -1:
        """Add the slots without a value that leave a condition unknown."""
        cdef int32_t index
        if self.settle(frame, scratch, ref) != UNKNOWN:
            return 0
        if ref < 0:
            return self.collect_slots(frame, ~ref >> 1, slots)
        if ref in seen:
            return 0
        seen.add(ref)
        for index in range(self.nodes[ref].first, self.nodes[ref].end):
            self.collect(frame, scratch, self.refs[index], slots, seen)
        return 0

    cdef int collect_slots(self, Frame frame, Py_ssize_t predicate, set slots) except -1:
        """Add the slots without a value that an unknown predicate reads."""
        cdef Py_ssize_t pair
        cdef int32_t code
        cdef const Test* test = &self.tests[predicate]
        if test.op == OP_QUANTITY:
            for pair in range(test.a, test.b):
                code = self.quantities[2 * pair]
                if code == CODE_READING or code == CODE_COUNT:
                    self.collect_slot(frame, self.quantities[2 * pair + 1], slots)
            return 0
        self.collect_slot(frame, test.a, slots)
        if test.op == OP_SAME:
            self.collect_slot(frame, test.b, slots)
        return 0

    cdef int collect_slot(self, Frame frame, int32_t slot, set slots) except -1:
        if frame.state[slot] != STATE_PRESENT:
            slots.add(slot)
        return 0


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
