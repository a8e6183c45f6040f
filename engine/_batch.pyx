"""The decision program on columns: many events at once, a bit for each.

A batch is up to `BATCH` events. For every predicate there is a *vector*, one bit for each event, that
says where it holds, and one that says where it is unknown; a condition is a vector of the events in
which it is possible (true or unknown) and one of those in which it is certain. Kleene's logic is then
AND, OR and NOT on words, exactly, and a rule costs as much for a batch as it would for one event.

Only what is needed is worked out. A column of numbers is sorted into the cells between its
thresholds, and "less than the i-th threshold" is the union of the cells up to there: as many vectors
as there are different cells in the batch, however many thresholds there are. A column of names has a
vector for each name that occurs. Texts, wall clocks and the like are looked at for the events alone
in which all else already holds.

What is unusual about an event makes its row *odd*: it is left to `Core`, which reads it as the
dictionary that the row means. So everything here may be narrow: what a `Column` gives is either what
the plain reader would make of it, or odd.

A `Matcher` is one program, shared by threads; a `Sheet` is the memory of one of them.
"""

from array import array
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.float cimport DBL_MAX
from libc.math cimport floor, isfinite, rint
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, intptr_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from clausal.compiler.text._terms cimport TermIndex
from clausal.engine._kinds cimport (
    ALWAYS, CODE_ADD, CODE_CONSTANT, CODE_COUNT, CODE_DIVIDE, CODE_EQ, CODE_LE, CODE_LT,
    CODE_MULTIPLY, CODE_READING, CODE_SUBTRACT, FORM_DATE, FORM_DURATION, FORM_INSTANT,
    FORM_INTEGER, FORM_NAME, FORM_NAMES, FORM_NUMBER, FORM_SHARE, FORM_STRING, KIND_FLAG,
    KIND_QUANTITY, KIND_SET, MINUTES, NEVER, NODE_ALL, NODE_ANY, OP_ABSENT, OP_ALL, OP_ANY, OP_CLOCK,
    OP_EQ, OP_FLAG, OP_HAS, OP_IS, OP_LE, OP_LT, OP_MEMBER, OP_PATTERN, OP_QUANTITY, OP_SAME,
    OP_TERMS, STACK_LIMIT,
)

from clausal.compiler.program import ALWAYS as PROGRAM_ALWAYS
from clausal.compiler.program import NEVER as PROGRAM_NEVER
from clausal.compiler.program import Code, NodeKind, Op, floats, integers
from clausal.compiler.text.fold import fold
from clausal.compiler.types import LARGEST_INTEGER
from clausal.engine.layout import lay_out
from clausal.engine.values import FIRST_INSTANT, LAST_INSTANT

__all__ = ("BATCH_LIMIT", "Columns", "Matcher", "READINGS", "Sheet")

ctypedef const uint8_t* Bytes

cdef extern from "_usual.h":
    bint usual_day(const uint8_t* at, double* days) noexcept nogil
    const uint8_t* usual_instant(const uint8_t* at, double* microseconds) noexcept nogil

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char* text, Py_ssize_t size, const char* errors)

# ── Numbers that other modules give names to ─────────────────────────────────────────────────────

_OPS = (
    "FLAG", "LT", "LE", "EQ", "QUANTITY", "MEMBER", "SAME", "ANY", "ALL", "ABSENT", "CLOCK",
    "TERMS", "PATTERN", "IS", "HAS",
)
_CODES = (
    "CONSTANT", "READING", "COUNT", "ADD", "SUBTRACT", "MULTIPLY", "DIVIDE", "LT", "LE", "EQ",
)
for _ours, _theirs in ((_OPS, Op), (_CODES, Code), (("ALL", "ANY"), NodeKind)):
    if {name: number for number, name in enumerate(_ours)} != {
        member.name: member.value for member in _theirs
    }:
        raise ImportError(f"`clausal.engine._batch` was built for another `{_theirs.__name__}`")
if [ALWAYS, NEVER] != [PROGRAM_ALWAYS, PROGRAM_NEVER]:
    raise ImportError("`clausal.engine._batch` was built for another layout of programs")

# How the elements of a column are read.
cdef enum Reading:
    READ_NOTHING
    READ_I8, READ_I16, READ_I32, READ_I64, READ_U8, READ_U16, READ_U32, READ_U64
    READ_F32, READ_F64
    READ_BITS
    READ_TICKS_32, READ_TICKS_64
    READ_TEXT_32, READ_TEXT_64
    READ_INDEX_8, READ_INDEX_16, READ_INDEX_32, READ_INDEX_64
    READ_LIST_32, READ_LIST_64, READ_LIST_FIXED
    READ_STRANGE

READINGS = {
    name: number
    for number, name in enumerate(
        (
            "nothing", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
            "float", "double", "bits", "ticks32", "ticks64", "text32", "text64", "index8",
            "index16", "index32", "index64", "list32", "list64", "list_fixed", "strange",
        )
    )
}

BATCH_LIMIT = BATCH

# How a predicate comes to its vector: it is there once its slot is; it is worked out from vectors
# and numbers; it is looked into event by event.
cdef enum Work:
    WORK_NONE
    WORK_COLUMN
    WORK_EVENTS

cdef enum:
    REFUSED = -1
    # A bucket with more thresholds is not walked through.
    MOST_STEPS = 4
    # A clause of more literals is not worked out for all events at once.
    CLAUSE = 4
    # As many strings that are no symbols are told apart in one set.
    STRANGERS = 32

cdef double LARGEST = LARGEST_INTEGER
cdef int64_t LARGEST_WHOLE = LARGEST_INTEGER
cdef int64_t FIRST = FIRST_INSTANT
cdef int64_t LAST = LAST_INSTANT
# Days since 1970 of the first and the last day of the calendar, 0001-01-01 and 9999-12-31.
cdef int64_t FIRST_DAY = -719_162
cdef int64_t LAST_DAY = 2_932_896
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# ── The program ──────────────────────────────────────────────────────────────────────────────────

cdef object _ints(values):
    """The numbers as an array that is never empty: a view must have something to look at."""
    return array("i", list(values) or [0])


@cython.final
cdef class Matcher:
    """A decision program, ready to run on columns. Threads may share it."""

    def __cinit__(self, program, slots, *, time_slot):
        layout = lay_out(program, slots)
        self.slots = len(slots)
        self.kinds = integers("B", program.slot_kinds)
        self.forms = layout.forms
        self.constants = floats(program.constants)
        self.masks = integers("Q", program.masks)
        self.op = integers("i", program.op)
        self.a = integers("i", program.a)
        self.b = integers("i", program.b)
        self.quantities = integers("i", program.code)
        self.node_kind = integers("B", program.node_kind)
        self.node_first = integers("i", program.node_first)
        self.node_count = integers("i", program.node_count)
        self.children = integers("i", program.children)
        self.rule_root = integers("i", program.rule_root)
        self.version_rules = integers("i", program.version_rules)
        self.boundaries = integers("q", program.boundaries)
        self.segment_first = integers("i", program.segment_first)
        self.segment_count = integers("i", program.segment_count)
        self.segment_versions = integers("i", program.segment_versions)
        self.predicates = self.op.shape[0]
        self.nodes = self.node_kind.shape[0]
        self.time_slot = time_slot
        self.required = layout.required
        self.clock_of = layout.clock_of
        self.clock_slot = array("i", [slot for slot, _ in layout.clocks])
        self.clock_zones = tuple([zone for _, zone in layout.clocks])
        self.terms = layout.terms
        self.terms_first = layout.terms_first
        self.groups = layout.groups
        self.search_of = layout.search_of
        self.search_first = layout.search_first
        self.asking = layout.asking
        _lay_out_thresholds(self)
        _lay_out_names(self, program.symbols, layout.codes)
        _lay_out_vectors(self, program.symbols)
        _lay_out_codes(self, program.symbols)
        _fill_tables(self)
        self.plan = Plan(self, None)

    def tune(self, Sheet sheet not None):
        """Order conditions by how often they hold in the events that a sheet has just seen."""
        if sheet.matcher is not self:
            raise ValueError("the sheet is another matcher's")
        self.plan = Plan(self, sheet)

    def asks(self, Py_ssize_t slot):
        """Whether a predicate tests the value of the slot by itself."""
        return self.asked[slot] != 0

    def codes(
        self,
        Py_ssize_t slot,
        int reading,
        Py_ssize_t count,
        Py_ssize_t offset,
        uint64_t data,
        uint64_t offsets,
        Py_ssize_t size,
    ):
        """The code of each text of a dictionary: 0 for strange ones, or -1 where they are refused."""
        cdef Column column
        cdef Py_ssize_t index
        cdef const uint8_t* at = NULL
        cdef int64_t length = 0
        cdef int32_t other = REFUSED if self.forms[slot] in (FORM_NAME, FORM_NAMES) else 0
        cdef int32_t code
        memset(&column, 0, sizeof(column))
        column.reading = reading
        column.offset = offset
        column.data = <const void*> <intptr_t> data
        column.offsets = <const void*> <intptr_t> offsets
        column.size = size
        found = array("i", [0]) * max(count, 1)
        cdef int32_t[::1] view = found
        for index in range(count):
            code = 0
            if _span(&column, index, &at, &length):
                code = _code_of(&self.tables, slot, at, length)
            view[index] = code if code else other
        return found[:count] if count else array("i")


cdef int32_t _code_of(
    const Tables* tables, Py_ssize_t slot, const uint8_t* at, Py_ssize_t size
) noexcept nogil:
    """The code of a name of the slot; 0 if it is none."""
    cdef uint32_t mask = <uint32_t> tables.table_mask[slot]
    cdef uint32_t place = hash_of(at, size) & mask
    cdef Py_ssize_t first = tables.table_first[slot], name
    cdef int32_t code
    while True:
        code = tables.table[first + place]
        if code == 0:
            return 0
        name = tables.name_first[slot] + code - 1
        if (
            tables.name_bytes[name + 1] - tables.name_bytes[name] == size
            and memcmp(tables.names + tables.name_bytes[name], at, size) == 0
        ):
            return code
        place = (place + 1) & mask


cdef int _fill_tables(Matcher matcher) except -1:
    cdef Tables* tables = &matcher.tables
    tables.kinds = &matcher.kinds[0] if matcher.kinds.shape[0] else NULL
    tables.forms = &matcher.forms[0] if matcher.forms.shape[0] else NULL
    tables.constants = &matcher.constants[0] if matcher.constants.shape[0] else NULL
    tables.masks = &matcher.masks[0] if matcher.masks.shape[0] else NULL
    tables.op = &matcher.op[0] if matcher.op.shape[0] else NULL
    tables.a = &matcher.a[0] if matcher.a.shape[0] else NULL
    tables.b = &matcher.b[0] if matcher.b.shape[0] else NULL
    tables.quantities = &matcher.quantities[0] if matcher.quantities.shape[0] else NULL
    tables.node_kind = &matcher.node_kind[0] if matcher.node_kind.shape[0] else NULL
    tables.node_first = &matcher.node_first[0] if matcher.node_first.shape[0] else NULL
    tables.node_count = &matcher.node_count[0] if matcher.node_count.shape[0] else NULL
    tables.children = &matcher.children[0] if matcher.children.shape[0] else NULL
    tables.rule_root = &matcher.rule_root[0] if matcher.rule_root.shape[0] else NULL
    tables.version_rules = &matcher.version_rules[0] if matcher.version_rules.shape[0] else NULL
    tables.boundaries = &matcher.boundaries[0] if matcher.boundaries.shape[0] else NULL
    tables.segment_first = &matcher.segment_first[0] if matcher.segment_first.shape[0] else NULL
    tables.segment_count = &matcher.segment_count[0] if matcher.segment_count.shape[0] else NULL
    tables.segment_versions = &matcher.segment_versions[0] if matcher.segment_versions.shape[0] else NULL
    tables.required = &matcher.required[0] if matcher.required.shape[0] else NULL
    tables.clock_of = &matcher.clock_of[0] if matcher.clock_of.shape[0] else NULL
    tables.clock_slot = &matcher.clock_slot[0] if matcher.clock_slot.shape[0] else NULL
    tables.asked = &matcher.asked[0] if matcher.asked.shape[0] else NULL
    tables.handle_first = &matcher.handle_first[0] if matcher.handle_first.shape[0] else NULL
    tables.region = &matcher.region[0] if matcher.region.shape[0] else NULL
    tables.capacity = &matcher.capacity[0] if matcher.capacity.shape[0] else NULL
    tables.threshold_first = &matcher.threshold_first[0] if matcher.threshold_first.shape[0] else NULL
    tables.threshold_count = &matcher.threshold_count[0] if matcher.threshold_count.shape[0] else NULL
    tables.thresholds = &matcher.thresholds[0] if matcher.thresholds.shape[0] else NULL
    tables.bucket_first = &matcher.bucket_first[0] if matcher.bucket_first.shape[0] else NULL
    tables.bucket_count = &matcher.bucket_count[0] if matcher.bucket_count.shape[0] else NULL
    tables.bucket_low = &matcher.bucket_low[0] if matcher.bucket_low.shape[0] else NULL
    tables.bucket_scale = &matcher.bucket_scale[0] if matcher.bucket_scale.shape[0] else NULL
    tables.bucket_steps = &matcher.bucket_steps[0] if matcher.bucket_steps.shape[0] else NULL
    tables.buckets = &matcher.buckets[0] if matcher.buckets.shape[0] else NULL
    tables.name_first = &matcher.name_first[0] if matcher.name_first.shape[0] else NULL
    tables.name_bytes = &matcher.name_bytes[0] if matcher.name_bytes.shape[0] else NULL
    tables.names = &matcher.names[0] if matcher.names.shape[0] else NULL
    tables.table_first = &matcher.table_first[0] if matcher.table_first.shape[0] else NULL
    tables.table_mask = &matcher.table_mask[0] if matcher.table_mask.shape[0] else NULL
    tables.table = &matcher.table[0] if matcher.table.shape[0] else NULL
    tables.where = &matcher.where[0] if matcher.where.shape[0] else NULL
    tables.own = &matcher.own[0] if matcher.own.shape[0] else NULL
    tables.missing = &matcher.missing[0] if matcher.missing.shape[0] else NULL
    tables.work = &matcher.work[0] if matcher.work.shape[0] else NULL
    tables.places = &matcher.places[0] if matcher.places.shape[0] else NULL
    tables.code_first = &matcher.code_first[0] if matcher.code_first.shape[0] else NULL
    tables.codes = &matcher.codes_of[0] if matcher.codes_of.shape[0] else NULL
    tables.except_codes = &matcher.except_codes[0] if matcher.except_codes.shape[0] else NULL
    tables.clause = &matcher.clause[0] if matcher.clause.shape[0] else NULL
    tables.memo = &matcher.memo[0] if matcher.memo.shape[0] else NULL
    tables.slow = &matcher.slow[0] if matcher.slow.shape[0] else NULL
    tables.slots = matcher.slots
    tables.time_slot = matcher.time_slot
    tables.required_count = matcher.required.shape[0]
    tables.version_count = matcher.version_rules.shape[0] - 1
    tables.boundary_count = matcher.boundaries.shape[0]
    return 0


cdef int _lay_out_thresholds(Matcher matcher) except -1:
    """Sort the constants that each slot is compared with, and divide them into buckets."""
    cdef Py_ssize_t predicate, slot
    wanted = [set() for _ in range(matcher.slots)]
    for predicate in range(matcher.predicates):
        if matcher.op[predicate] in (OP_LT, OP_LE, OP_EQ):
            # The sum takes the sign from a zero.
            wanted[matcher.a[predicate]].add(matcher.constants[matcher.b[predicate]] + 0.0)
    firsts, counts, thresholds = [], [], []
    bucket_firsts, bucket_counts, lows, scales, buckets, steps = [], [], [], [], [], []
    for constants in wanted:
        ordered = sorted(constants)
        firsts.append(len(thresholds))
        counts.append(len(ordered))
        # The search stops at infinity, whatever it looks for.
        thresholds += [*ordered, inf]
        low, scale, starts = _buckets(ordered)
        fullest = max([last - first for first, last in pairwise(starts)])
        steps.append(fullest if fullest <= MOST_STEPS else -1)
        bucket_firsts.append(len(buckets))
        bucket_counts.append(len(starts) - 1)
        lows.append(low)
        scales.append(scale)
        buckets += starts
    matcher.threshold_first = _ints(firsts)
    matcher.threshold_count = _ints(counts)
    matcher.thresholds = array("d", thresholds or [0.0])
    matcher.bucket_first = _ints(bucket_firsts)
    matcher.bucket_count = _ints(bucket_counts)
    matcher.bucket_low = array("d", lows or [0.0])
    matcher.bucket_scale = array("d", scales or [0.0])
    matcher.buckets = _ints(buckets)
    matcher.bucket_steps = _ints(steps)
    return 0


cdef inline int64_t _bucket(double value, double low, double scale, int64_t count) noexcept nogil:
    """The bucket of a value: never one before that of a smaller value, whatever is rounded."""
    cdef double place = (value - low) * scale
    if not place > 0:
        return 0
    return count - 1 if place >= <double> (count - 1) else <int64_t> place


cdef tuple _buckets(list ordered):
    """Where buckets of thresholds begin, and how a value leads to its bucket."""
    cdef double low, scale
    cdef int64_t count = 1
    if not ordered:
        return 0.0, 0.0, [0, 0]
    low = ordered[0]
    while count < 4 * len(ordered) and count < 8192:
        count *= 2
    span = ordered[len(ordered) - 1] - low
    scale = count / span if span > 0 else 0.0
    if not isfinite(scale) or not isfinite(span) or scale == 0:
        count, scale = 1, 0.0
    places = [_bucket(one, low, scale, count) for one in ordered]
    return low, scale, [bisect_left(places, bucket) for bucket in range(count)] + [len(ordered)]


cdef int _lay_out_names(Matcher matcher, symbols, codes) except -1:
    """Lay tables out that find the code of a name: open addressing, at most half full."""
    cdef uint32_t mask, place
    cdef bytes text
    firsts, table_firsts, table_masks, table = [], [], [], []
    ends, names = [0], bytearray()
    for of_slot in codes:
        firsts.append(len(ends) - 1)
        size = 1
        while size < 2 * len(of_slot) + 1:
            size *= 2
        table_firsts.append(len(table))
        table_masks.append(size - 1)
        mine = [0] * size
        mask = size - 1
        for name, code in of_slot.items():
            text = name.encode("utf-8", "surrogatepass")
            names += text
            ends.append(len(names))
            place = hash_of(text, len(text)) & mask
            while mine[place]:
                place = (place + 1) & mask
            mine[place] = code
        table += mine
    matcher.name_first = _ints(firsts)
    matcher.name_bytes = array("q", ends)
    matcher.names = bytes(names or b"\0")
    matcher.table_first = _ints(table_firsts)
    matcher.table_mask = _ints(table_masks)
    matcher.table = _ints(table)
    return 0


cdef int _lay_out_vectors(Matcher matcher, symbols) except -1:
    """Give every vector a number.

    Vector 0 is empty, and vector 1 + slot holds the events that lack a value. Then come those of
    slots, as many as a batch can need, those of predicates, and those that remember nodes.
    """
    cdef Py_ssize_t predicate, slot, node, index
    cdef int32_t op
    asked = [0] * (matcher.slots or 1)
    for predicate in range(matcher.predicates):
        if matcher.op[predicate] not in (OP_QUANTITY, OP_ABSENT, OP_SAME, OP_CLOCK, OP_TERMS, OP_PATTERN):
            asked[matcher.a[predicate]] = 1
    handle_firsts, regions, capacities = [], [], []
    # Handle 0 is that of the empty vector, and 1 + slot that of the events that lack a value.
    handles = vectors = matcher.slots + 1
    for slot in range(matcher.slots):
        kind = matcher.kinds[slot]
        if not asked[slot]:
            count = 0
        elif kind == KIND_FLAG:
            count = 1
        elif kind == KIND_QUANTITY:
            count = 2 * matcher.threshold_count[slot]
        else:
            count = len(symbols[slot]) + 1
        handle_firsts.append(handles)
        regions.append(vectors)
        capacities.append(min(count + 1, BATCH))
        handles += count
        vectors += capacities[slot] if count else 0
    where, own, missing, places, work = [], [], [], [], []
    for predicate in range(matcher.predicates):
        op = matcher.op[predicate]
        slot = matcher.a[predicate]
        own.append(0)
        missing.append(1 + slot)
        work.append(WORK_NONE)
        places.append(_place(matcher, predicate) if op in (OP_LT, OP_LE, OP_EQ) else 0)
        if op == OP_ABSENT:
            where.append(1 + slot)
            missing[predicate] = 0
        elif op == OP_LT or op == OP_LE:
            where.append(handle_firsts[slot] + 2 * places[predicate] + (op == OP_LE))
        elif op == OP_FLAG:
            where.append(handle_firsts[slot])
        elif op == OP_IS or op == OP_HAS:
            where.append(handle_firsts[slot] + matcher.b[predicate])
        else:
            where.append(handles)
            handles += 1
            own[predicate] = vectors
            vectors += 1
            if op in (OP_EQ, OP_MEMBER, OP_ANY, OP_ALL):
                work[predicate] = WORK_COLUMN
                continue
            missing[predicate] = vectors
            vectors += 1
            work[predicate] = WORK_COLUMN
            if op != OP_QUANTITY:
                # The third vector holds the events that were looked at.
                work[predicate] = WORK_EVENTS
                vectors += 1
    parents = [0] * (matcher.nodes or 1)
    for index in range(matcher.children.shape[0]):
        if matcher.children[index] >= 0:
            parents[matcher.children[index]] += 1
    for index in range(matcher.rule_root.shape[0]):
        if 0 <= matcher.rule_root[index] < NEVER:
            parents[matcher.rule_root[index]] += 1
    memo, slow, clauses, clause_wheres = [], [], [], []
    for node in range(matcher.nodes):
        first = matcher.node_first[node]
        # Children come before their parents.
        slow.append(
            any(
                slow[ref] if ref >= 0 else work[~ref >> 1] == WORK_EVENTS
                for ref in matcher.children[first : first + matcher.node_count[node]]
            )
        )
        memo.append(vectors if parents[node] > 1 else -1)
        vectors += 3 if parents[node] > 1 else 0
        clauses.append(0)
        clause_wheres.append(0)
        if (
            matcher.node_kind[node] == NODE_ANY
            and 0 < matcher.node_count[node] <= CLAUSE
            and all([
                ref < 0 and work[~ref >> 1] != WORK_EVENTS and matcher.op[~ref >> 1] != OP_QUANTITY
                for ref in matcher.children[first : first + matcher.node_count[node]]
            ])
        ):
            clauses[node] = vectors
            clause_wheres[node] = handles
            vectors += 2
            handles += 1
    # As many cells as a slot has handles, and one more: of numbers above all thresholds, and of sets.
    matcher.most_cells = max(later - first for first, later in pairwise([*handle_firsts, handles])) + 1
    matcher.asked = bytes(asked)
    matcher.handle_first = _ints([*handle_firsts, handles])
    matcher.region = _ints(regions)
    matcher.capacity = _ints(capacities)
    matcher.handles = handles
    matcher.vectors = vectors
    matcher.where = _ints(where)
    matcher.own = _ints(own)
    matcher.missing = _ints(missing)
    matcher.places = _ints(places)
    matcher.work = bytes(work or [0])
    matcher.clause = _ints(clauses)
    matcher.clause_where = _ints(clause_wheres)
    matcher.memo = _ints(memo)
    matcher.slow = bytes(slow or [0])
    return 0


cdef int _lay_out_codes(Matcher matcher, symbols) except -1:
    """List the codes of each mask, or, where that is shorter and says the same, all others."""
    cdef Py_ssize_t predicate, slot, word, words
    cdef int32_t op
    firsts, codes, others = [], [], []
    for predicate in range(matcher.predicates):
        op = matcher.op[predicate]
        firsts.append(len(codes))
        others.append(0)
        if op not in (OP_MEMBER, OP_ANY, OP_ALL):
            continue
        # Codes of names begin at 1, and 0 is that of a strange one; elements of sets begin at 0.
        slot = matcher.a[predicate]
        count = len(symbols[slot]) + (matcher.kinds[slot] != KIND_SET)
        words = max(1, (count + 63) // 64)
        mask = 0
        for word in range(words):
            mask |= int(matcher.masks[matcher.b[predicate] + word]) << 64 * word
        if op == OP_ALL and mask >> count:
            # What no set has is wanted as well.
            mask = mask & ((1 << count) - 1) | 1 << count
        else:
            mask &= (1 << count) - 1
        if op == OP_MEMBER and 2 * mask.bit_count() > count:
            mask ^= (1 << count) - 1
            others[predicate] = 1
        codes += [code for code, bit in enumerate(reversed(bin(mask)[2:])) if bit == "1"]
    matcher.code_first = _ints([*firsts, len(codes)])
    matcher.codes_of = _ints(codes)
    matcher.except_codes = bytes(others or [0])
    return 0


cdef Py_ssize_t _place(Matcher matcher, Py_ssize_t predicate) except -1:
    """Which of its slot's thresholds a comparison is with."""
    slot = matcher.a[predicate]
    first = matcher.threshold_first[slot]
    return bisect_left(
        matcher.thresholds,
        matcher.constants[matcher.b[predicate]] + 0.0,
        first,
        first + matcher.threshold_count[slot],
    ) - first


@cython.final
cdef class Plan:
    """In which order the children of nodes are tried. No order shows in what is found."""

    def __cinit__(self, Matcher matcher not None, Sheet sheet):
        cdef Py_ssize_t node, index, first, count = matcher.children.shape[0]
        cdef int32_t ref, predicate
        self.children = _ints(matcher.children)
        self.simple = _ints([0] * matcher.nodes)
        self.literals = <Literal*> calloc(count + 1, sizeof(Literal))
        if self.literals is NULL:
            raise MemoryError
        weights = _weights(matcher, sheet)
        for node in range(matcher.nodes):
            first = matcher.node_first[node]
            refs = list(matcher.children[first : first + matcher.node_count[node]])
            last = BATCH + 1

            def weight(ref):
                if ref >= 0:
                    return last
                if matcher.work[~ref >> 1] == WORK_EVENTS:
                    return last + 1
                return weights[~ref] if weights else 0

            refs.sort(key=weight, reverse=False)
            if matcher.node_kind[node] == NODE_ANY and weights:
                refs.sort(key=lambda ref: -weight(ref) if weight(ref) < last else weight(ref))
            for index, ref in enumerate(refs):
                self.children[first + index] = ref
                if ref < 0 and matcher.work[~ref >> 1] != WORK_EVENTS:
                    predicate = ~ref >> 1
                    self.literals[first + index].where = (matcher.where[predicate] << 1) | (~ref & 1)
                    self.literals[first + index].missing = matcher.missing[predicate]
                    self.simple[node] = index + 1
        _lay_out_groups(self, matcher, weights)

    def __dealloc__(self):
        free(self.literals)
        free(self.groups)
        free(self.flat)


cdef int _lay_out_groups(Plan plan, Matcher matcher, weights) except -1:
    """Put rules together that are settled alike.

    A rule is some literals and its rest. Rules with as many literals make a group, so that the same
    steps are taken for one after the other; a literal that no event of the sample satisfies becomes
    the guard of all rules that need it.
    """
    cdef Py_ssize_t version, rule, place
    cdef int32_t ref, predicate
    firsts, rows, rules, rest_firsts, rests, early, flat = [0], [], [], [], [], [], []
    all_clauses = []
    for version in range(matcher.version_rules.shape[0] - 1):
        groups = {}
        for rule in range(matcher.version_rules[version], matcher.version_rules[version + 1]):
            ref = matcher.rule_root[rule]
            if ref == NEVER:
                continue
            children = [ref] if ref != ALWAYS else []
            if 0 <= ref < NEVER and matcher.node_kind[ref] == NODE_ALL:
                place = matcher.node_first[ref]
                children = list(plan.children[place : place + matcher.node_count[ref]])
            literals = [one for one in children if _is_ready(matcher, one)]
            rest = [one for one in children if not _is_ready(matcher, one)]
            guard = 0
            if weights:
                rarest = min([one for one in literals if one < 0], key=lambda one: weights[~one], default=0)
                guard = rarest if rarest and not weights[~rarest] else 0
            groups.setdefault((guard, len(literals)), []).append((literals, rule, rest))
        for (guard, size), members in groups.items():
            members.sort()
            needed, clauses = {}, {}
            rows.append([guard, size, len(flat), len(rules), len(members), len(early)])
            for literals, rule, rest in members:
                flat += literals
                rules.append(rule)
                rest_firsts.append(len(rests))
                rests += rest
                for ref in list(literals):
                    if ref >= 0:
                        clauses[ref] = None
                        place = matcher.node_first[ref]
                        literals += matcher.children[place : place + matcher.node_count[ref]]
                for ref in literals:
                    if ref >= 0:
                        continue
                    predicate = ~ref >> 1
                    if matcher.own[predicate]:
                        needed[predicate] = matcher.code_first[predicate + 1] - matcher.code_first[predicate]
                    elif matcher.op[predicate] == OP_LT or matcher.op[predicate] == OP_LE:
                        # One of a slot's comparisons stands for all.
                        needed.setdefault(-1 - matcher.a[predicate], predicate)
            own = sorted([one for one in needed if one >= 0], key=lambda one: (matcher.a[one], needed[one]))
            early += [needed[one] for one in needed if one < 0] + own
            rows[len(rows) - 1] += [len(early) - rows[len(rows) - 1][5], len(all_clauses), len(clauses)]
            all_clauses += clauses
        firsts.append(len(rows))
    plan.group_first = _ints(firsts)
    plan.rules = _ints(rules)
    plan.rest_first = _ints([*rest_firsts, len(rests)])
    plan.rests = _ints(rests)
    plan.early = _ints(early)
    plan.clauses = _ints(all_clauses)
    plan.groups = <Group*> calloc(len(rows) + 1, sizeof(Group))
    plan.flat = <Literal*> calloc(len(flat) + 1, sizeof(Literal))
    if plan.groups is NULL or plan.flat is NULL:
        raise MemoryError
    for place, row in enumerate(rows):
        (
            plan.groups[place].guard, plan.groups[place].size, plan.groups[place].literals,
            plan.groups[place].rules, plan.groups[place].count, plan.groups[place].early,
            plan.groups[place].early_count, plan.groups[place].clauses,
            plan.groups[place].clause_count,
        ) = row
    for place, ref in enumerate(flat):
        if ref >= 0:
            plan.flat[place].where = matcher.clause_where[ref] << 1
            plan.flat[place].missing = matcher.clause[ref] + 1
            continue
        predicate = ~ref >> 1
        plan.flat[place].where = (matcher.where[predicate] << 1) | (~ref & 1)
        plan.flat[place].missing = matcher.missing[predicate]
    return 0


cdef bint _is_ready(Matcher matcher, int32_t ref) except -1:
    """Whether vectors that say of all events at once where something holds are cheap."""
    cdef int32_t predicate = ~ref >> 1
    if ref >= 0:
        return matcher.clause[ref] != 0
    return matcher.op[predicate] != OP_QUANTITY and matcher.work[predicate] != WORK_EVENTS


cdef object _weights(Matcher matcher, Sheet sheet):
    """For each literal, in how many events of the sheet's last batch it is possible."""
    cdef Py_ssize_t lane
    cdef int32_t predicate
    cdef int negated
    cdef uint64_t[LANES] possible, certain
    if sheet is None:
        return None
    found = []
    for predicate in range(matcher.predicates):
        for negated in range(2):
            if matcher.work[predicate] == WORK_EVENTS:
                found.append(0)
                continue
            sheet.settle_literal(~(2 * predicate + negated), sheet.sound, possible, certain)
            found.append(lanes_count(possible))
    return found


# ── Columns ──────────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Columns:
    """The columns of some rows, by slot. Threads may share them once they are complete."""

    def __cinit__(self, Matcher matcher not None, Py_ssize_t rows):
        self.matcher = matcher
        self.rows = rows
        self.kept = []
        self.strange = []
        self.texts = {}
        self.columns = <Column*> calloc(2 * matcher.slots + 1, sizeof(Column))
        if self.columns is NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.columns)

    def place(
        self,
        Py_ssize_t slot,
        int reading,
        object kept,
        Py_ssize_t offset,
        uint64_t valid,
        uint64_t data,
        *,
        uint64_t offsets=0,
        Py_ssize_t size=0,
        Py_ssize_t width=0,
        int64_t multiply=1,
        int64_t divide=1,
        codes=None,
        text=None,
        bint items=False,
    ):
        """Say how a slot is read: see `clausal.engine.columns`."""
        cdef Column* column
        cdef const int32_t[::1] view
        if not 0 <= slot < self.matcher.slots:
            raise IndexError(f"there is no slot {slot}")
        column = &self.columns[slot + (self.matcher.slots if items else 0)]
        column.reading = reading
        column.valid = <const uint8_t*> <intptr_t> valid
        column.data = <const void*> <intptr_t> data
        column.offsets = <const void*> <intptr_t> offsets
        column.offset = offset
        column.size = size
        column.width = width
        column.multiply = multiply
        column.divide = divide
        if codes is not None:
            view = codes
            column.entries = view.shape[0]
            column.codes = &view[0] if view.shape[0] else NULL
            self.kept.append(codes)
        if text is not None:
            self.texts[slot] = text
        self.kept.append(kept)

    def place_strange(self, object kept, Py_ssize_t offset, uint64_t valid):
        """Say that a row is odd where a bit is set."""
        self.strange.append((kept, offset, valid))
        self.strange_count = self.strange_count + 1


cdef inline void _load(const Column* column, Py_ssize_t first, Py_ssize_t count, double* number) noexcept nogil:
    """So many numbers as floats; whole ones are rounded to the nearest float."""
    cdef Py_ssize_t index
    cdef const void* data = column.data
    cdef int reading = column.reading
    first += column.offset
    if reading == READ_F64:
        memcpy(number, <const double*> data + first, count * sizeof(double))
    elif reading == READ_F32:
        for index in range(count):
            number[index] = (<const float*> data)[first + index]
    elif reading == READ_I64:
        for index in range(count):
            number[index] = <double> (<const int64_t*> data)[first + index]
    elif reading == READ_I32:
        for index in range(count):
            number[index] = (<const int32_t*> data)[first + index]
    elif reading == READ_I16:
        for index in range(count):
            number[index] = (<const int16_t*> data)[first + index]
    elif reading == READ_I8:
        for index in range(count):
            number[index] = (<const int8_t*> data)[first + index]
    elif reading == READ_U64:
        for index in range(count):
            number[index] = <double> (<const uint64_t*> data)[first + index]
    elif reading == READ_U32:
        for index in range(count):
            number[index] = (<const uint32_t*> data)[first + index]
    elif reading == READ_U16:
        for index in range(count):
            number[index] = (<const uint16_t*> data)[first + index]
    else:
        for index in range(count):
            number[index] = (<const uint8_t*> data)[first + index]


cdef inline int64_t _index_at(const Column* column, Py_ssize_t row) noexcept nogil:
    """An index into a dictionary; a negative one comes out beyond its end."""
    if column.reading == READ_INDEX_32:
        return (<const uint32_t*> column.data)[column.offset + row]
    if column.reading == READ_INDEX_8:
        return (<const uint8_t*> column.data)[column.offset + row]
    if column.reading == READ_INDEX_16:
        return (<const uint16_t*> column.data)[column.offset + row]
    return (<const int64_t*> column.data)[column.offset + row]


cdef inline bint _span(const Column* column, int64_t row, const uint8_t** at, int64_t* size) noexcept nogil:
    """A text; false if the offsets are none that an array may have."""
    cdef int64_t first, last
    if column.reading == READ_TEXT_32:
        first = (<const int32_t*> column.offsets)[column.offset + row]
        last = (<const int32_t*> column.offsets)[column.offset + row + 1]
    else:
        first = (<const int64_t*> column.offsets)[column.offset + row]
        last = (<const int64_t*> column.offsets)[column.offset + row + 1]
    at[0] = <const uint8_t*> column.data + first
    size[0] = last - first
    return 0 <= first <= last <= column.size


cdef bint _time(const Column* column, int64_t row, uint8_t form, double* number) noexcept nogil:
    """The instant or date that a text of the usual form tells; false for all others."""
    cdef uint8_t[64] copy
    cdef const uint8_t* at = NULL
    cdef const uint8_t* end
    cdef int64_t size = 0
    if not _span(column, row, &at, &size) or not 10 <= size <= 40:
        return False
    # What follows the text must be another character, and bytes to be read.
    memset(copy, 0, sizeof(copy))
    memcpy(copy, at, size)
    if form == FORM_DATE:
        return size == 10 and usual_day(copy, number)
    if size < 17:
        return False
    end = usual_instant(copy, number)
    return end is not NULL and end == copy + size


cdef inline bint _bit(const uint64_t* vector, Py_ssize_t event) noexcept nogil:
    return vector[event >> 6] >> (event & 63) & 1


cdef inline void _set(uint64_t* vector, Py_ssize_t event) noexcept nogil:
    vector[event >> 6] |= <uint64_t> 1 << (event & 63)


# ── What is found ────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Found:
    """The rules of each row, in the order of the rules."""

    def __dealloc__(self):
        free(self.events)
        free(self.spans)
        free(self.hit)
        free(self.rules)
        free(self.first)

    cdef int open(self, Py_ssize_t rules) except -1:
        """Make room for so many rules."""
        self.spans = <Span*> calloc(rules + 1, sizeof(Span))
        self.hit = <uint64_t*> calloc(rules // 64 + 1, sizeof(uint64_t))
        if self.spans is NULL or self.hit is NULL:
            raise MemoryError
        self.rule_count = rules
        return 0

    cdef int add(self, const uint64_t* events, int32_t rule) except -1 nogil:
        """Note a rule for these events of the batch; once, and for one at least."""
        cdef Py_ssize_t room, pairs = self.pairs
        cdef void* block
        if pairs + BATCH > self.pair_room:
            room = 2 * self.pair_room + 4 * BATCH
            block = realloc(self.events, room * sizeof(uint16_t))
            if block is NULL:
                raise MemoryError
            self.events = <uint16_t*> block
            self.pair_room = room
        if pairs > 2_147_483_647 - BATCH:
            with gil:
                raise OverflowError("more rules were found than can be counted")
        self.hit[rule >> 6] = self.hit[rule >> 6] | <uint64_t> 1 << (rule & 63)
        self.spans[rule].first = <int32_t> pairs
        pairs += events_of(events, self.events + pairs)
        self.spans[rule].last = <int32_t> pairs
        self.pairs = pairs
        return 0

    cdef int close_batch(self, Py_ssize_t count, const uint64_t* sound) except -1 nogil:
        """Turn the events of rules into the rules of events, in the order of the rules."""
        cdef Py_ssize_t index, event, rule, group, total = 0
        cdef uint64_t word
        cdef int32_t[BATCH + 1] place
        cdef int32_t number
        cdef void* block
        if self.rows + count + 1 > self.first_room:
            self.first_room = 2 * self.first_room + count + 1
            block = realloc(self.first, self.first_room * sizeof(int32_t))
            if block is NULL:
                raise MemoryError
            self.first = <int32_t*> block
        if self.rows == 0:
            self.first[0] = 0
        total = self.first[self.rows]
        if total + self.pairs > 2_147_483_647:
            with gil:
                raise OverflowError("more rules were found than can be counted")
        if total + self.pairs > self.room:
            self.room = 2 * self.room + self.pairs
            block = realloc(self.rules, self.room * sizeof(int32_t))
            if block is NULL:
                raise MemoryError
            self.rules = <int32_t*> block
        memset(place, 0, sizeof(place))
        for index in range(self.pairs):
            place[self.events[index]] += 1
        for event in range(count):
            number = place[event]
            place[event] = <int32_t> total
            total += number
            self.first[self.rows + event + 1] = <int32_t> total
        for group in range(self.rule_count // 64 + 1):
            word = self.hit[group]
            self.hit[group] = 0
            while word:
                rule = 64 * group + lowest_bit(word)
                word &= word - 1
                for index in range(self.spans[rule].first, self.spans[rule].last):
                    event = self.events[index]
                    self.rules[place[event]] = <int32_t> rule
                    place[event] += 1
        self.rows = self.rows + count
        self.pairs = 0
        return 0

    def starts(self):
        """Where the rules of each row begin, and where the last one's end: int32."""
        if self.rows == 0:
            return bytes(4)
        return PyBytes_FromStringAndSize(<char*> self.first, (self.rows + 1) * sizeof(int32_t))

    def numbers(self):
        """The rules of all rows, end to end: int32."""
        if self.rows == 0:
            return b""
        return PyBytes_FromStringAndSize(
            <char*> self.rules, self.first[self.rows] * sizeof(int32_t)
        )


# ── A batch ──────────────────────────────────────────────────────────────────────────────────────

@cython.final
cdef class Sheet:
    """The memory in which one thread matches batches."""

    def __cinit__(self, Matcher matcher not None):
        cdef Py_ssize_t slot, index
        self.matcher = matcher
        self.tables = &matcher.tables
        self.vectors = matcher.vectors
        self.follow(matcher.plan)
        # One vector more for events that belong into none, and one so that the first can begin where
        # a register does.
        self.arena_block = calloc(matcher.vectors + 2, LANES * sizeof(uint64_t))
        self.handles = <uint32_t*> calloc(matcher.handles + 1, sizeof(uint32_t))
        self.number = <double*> calloc(matcher.slots + 1, BATCH * sizeof(double))
        self.used = <int32_t*> calloc(matcher.slots + 1, sizeof(int32_t))
        self.touched = <int32_t*> calloc(matcher.vectors + 1, sizeof(int32_t))
        self.wanted = <uint8_t*> calloc(matcher.slots + 1, 1)
        self.blank = <uint8_t*> calloc(matcher.slots + 1, 1)
        self.verdicts = <uint32_t*> calloc(matcher.predicates + 1, sizeof(uint32_t))
        self.worked = <int32_t*> calloc(matcher.predicates + 1, sizeof(int32_t))
        self.begun = <int32_t*> calloc(matcher.nodes + 1, sizeof(int32_t))
        self.versions = <uint64_t*> calloc(
            matcher.version_rules.shape[0], LANES * sizeof(uint64_t)
        )
        self.segments = <uint64_t*> calloc(
            matcher.boundaries.shape[0] + 1, LANES * sizeof(uint64_t)
        )
        self.cells = <int32_t*> calloc(matcher.most_cells + 1, sizeof(int32_t))
        self.seen = <uint8_t*> calloc(matcher.most_cells // 8 + 2, 8)
        self.stack = <double*> calloc(STACK_LIMIT, BATCH * sizeof(double))
        if (
            self.arena_block is NULL or self.handles is NULL or self.number is NULL
            or self.used is NULL or self.touched is NULL or self.wanted is NULL
            or self.verdicts is NULL or self.blank is NULL or self.worked is NULL or self.begun is NULL
            or self.versions is NULL or self.segments is NULL or self.cells is NULL
            or self.seen is NULL or self.stack is NULL
        ):
            raise MemoryError
        self.arena = <uint64_t*> ((<intptr_t> self.arena_block + 63) // 64 * 64)
        self.minutes = _ints([-1] * (BATCH * matcher.clock_slot.shape[0]))
        self.folded = {}
        for slot in range(matcher.slots):
            self.handles[1 + slot] = <uint32_t> (1 + slot)
            if matcher.asked[slot] and matcher.kinds[slot] == KIND_FLAG:
                self.handles[matcher.handle_first[slot]] = <uint32_t> matcher.region[slot]
            if matcher.asked[slot] and matcher.kinds[slot] == KIND_QUANTITY:
                for index in range(matcher.handle_first[slot], matcher.handle_first[slot + 1]):
                    self.handles[index] = UNSET_VECTOR
        for index in range(matcher.nodes):
            if matcher.clause[index]:
                self.handles[matcher.clause_where[index]] = <uint32_t> matcher.clause[index]
        for index in range(matcher.predicates):
            if matcher.own[index]:
                self.handles[matcher.where[index]] = UNSET_VECTOR

    def __dealloc__(self):
        free(self.arena_block)
        free(self.handles)
        free(self.number)
        free(self.used)
        free(self.touched)
        free(self.wanted)
        free(self.blank)
        free(self.verdicts)
        free(self.worked)
        free(self.begun)
        free(self.versions)
        free(self.segments)
        free(self.cells)
        free(self.seen)
        free(self.stack)

    cdef int follow(self, Plan plan) except -1:
        """Try the children of nodes in the order of a plan."""
        self.plan = plan
        self.literals = plan.literals
        self.children = &plan.children[0]
        self.simple = &plan.simple[0]
        self.group_first = &plan.group_first[0]
        self.groups = plan.groups
        self.flat = plan.flat
        self.rules = &plan.rules[0]
        self.rest_first = &plan.rest_first[0]
        self.rests = &plan.rests[0]
        self.early = &plan.early[0]
        self.clauses = &plan.clauses[0]
        return 0

    def match(self, Columns columns not None, Py_ssize_t start, Py_ssize_t stop, *, Py_ssize_t batch=BATCH):
        """Find the rules of rows, in batches of so many events."""
        cdef Py_ssize_t row, count, lane
        cdef uint64_t word
        cdef bint any_odd
        cdef Found fired = Found.__new__(Found), undetermined = Found.__new__(Found)
        cdef int64_t* acted
        if columns.matcher is not self.matcher:
            raise ValueError("the columns are those of another matcher")
        if not 0 <= start <= stop <= columns.rows:
            raise ValueError("there are no such rows")
        if not 1 <= batch <= BATCH:
            raise ValueError(f"a batch has 1 to {BATCH} events")
        instants = bytearray(8 * (stop - start))
        cdef uint8_t[::1] view = instants
        acted = <int64_t*> &view[0] if stop > start else NULL
        odd = array("i")
        fired.open(self.matcher.rule_root.shape[0])
        undetermined.open(self.matcher.rule_root.shape[0])
        self.source = columns
        self.fired = fired
        self.undetermined = undetermined
        self.follow(self.matcher.plan)
        row = start
        with nogil:
            while row < stop:
                count = min(batch, stop - row)
                self.read(row, count)
                any_odd = lanes_any(self.odd)
                if any_odd:
                    with gil:
                        for lane in range(LANES):
                            word = self.odd[lane]
                            while word:
                                odd.append(row - start + lane * 64 + lowest_bit(word))
                                word &= word - 1
                _copy_times(self, acted + (row - start))
                self.find_versions()
                self.run()
                fired.close_batch(count, self.sound)
                undetermined.close_batch(count, self.sound)
                row += count
        return fired, undetermined, instants, odd

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────

    cdef int read(self, Py_ssize_t start, Py_ssize_t count) except -1 nogil:
        """Forget the batch before, and read this one."""
        cdef const Tables* matcher = self.tables
        cdef Py_ssize_t slot, lane, index
        cdef const uint64_t* absent
        cdef uint64_t bits
        self.start = start
        self.count = count
        for lane in range(LANES):
            index = count - 64 * lane
            self.odd[lane] = 0
            if index >= 64:
                self.sound[lane] = ~<uint64_t> 0
            else:
                self.sound[lane] = (<uint64_t> 1 << index) - 1 if index > 0 else 0
        for index in range(self.worked_count):
            self.handles[matcher.where[self.worked[index]]] = UNSET_VECTOR
        self.worked_count = 0
        for index in range(self.begun_count):
            memset(self.arena + <Py_ssize_t> matcher.memo[self.begun[index]] * LANES, 0, LANES * 8)
        self.begun_count = 0
        for slot in range(matcher.slots):
            self.read_column(slot)
        for index in range(matcher.required_count):
            absent = self.arena + (1 + matcher.required[index]) * LANES
            for lane in range(LANES):
                self.odd[lane] = self.odd[lane] | absent[lane]
        absent = self.arena + (1 + matcher.time_slot) * LANES
        for lane in range(LANES):
            self.odd[lane] = self.odd[lane] | absent[lane]
        if self.source.strange_count:
            with gil:
                for _, offset, valid in self.source.strange:
                    _mark(self, offset, valid)
        for lane in range(LANES):
            self.odd[lane] = self.odd[lane] & self.sound[lane]
            self.sound[lane] = self.sound[lane] & ~self.odd[lane]
        if self.looked:
            with gil:
                self.folded.clear()
                for index in range(self.minutes.shape[0]):
                    self.minutes[index] = -1
            self.looked = False
        return 0

    cdef int read_column(self, Py_ssize_t slot) except -1 nogil:
        """Read what the batch has of a slot, and forget what the batch before had."""
        cdef const Tables* matcher = self.tables
        cdef const Column* column = &self.source.columns[slot]
        cdef uint64_t* absent = self.arena + (1 + slot) * LANES
        cdef uint32_t* handles = self.handles + matcher.handle_first[slot]
        cdef int32_t* touched = self.touched + matcher.region[slot]
        cdef uint64_t* flags
        cdef Py_ssize_t index, lane
        cdef uint8_t kind = matcher.kinds[slot]
        self.read_absent(column, absent)
        if kind == KIND_QUANTITY:
            if column.reading != READ_NOTHING and column.reading != READ_STRANGE:
                self.read_numbers(slot, column, absent)
            if matcher.asked[slot] and self.wanted[slot]:
                self.build(slot)
            return 0
        if kind == KIND_FLAG:
            if not matcher.asked[slot]:
                return 0
            flags = self.arena + <Py_ssize_t> matcher.region[slot] * LANES
            for lane in range(LANES):
                index = self.count - 64 * lane
                flags[lane] = 0
                if column.reading == READ_BITS and index > 0:
                    flags[lane] = bits_at(
                        <const uint8_t*> column.data,
                        column.offset + self.start + 64 * lane,
                        <int> min(index, 64),
                    )
            return 0
        for index in range(self.used[slot]):
            handles[touched[index]] = 0
        self.used[slot] = 0
        if column.reading == READ_NOTHING or column.reading == READ_STRANGE:
            return 0
        if kind == KIND_SET:
            self.read_sets(slot, column, absent)
        elif matcher.asked[slot] or matcher.forms[slot] == FORM_NAME or column.codes is not NULL:
            self.read_codes(slot, column, absent)
        return 0

    cdef int read_absent(self, const Column* column, uint64_t* absent) noexcept nogil:
        """The events that have no value; where any value is strange, those that have one are odd."""
        cdef Py_ssize_t lane, left
        cdef uint64_t there
        if column.valid is NULL:
            for lane in range(LANES):
                absent[lane] = self.sound[lane] if column.reading == READ_NOTHING else 0
        else:
            for lane in range(LANES):
                left = self.count - 64 * lane
                there = 0
                if left > 0:
                    there = bits_at(
                        column.valid, column.offset + self.start + 64 * lane, <int> min(left, 64)
                    )
                absent[lane] = self.sound[lane] & ~there
        if column.reading == READ_STRANGE:
            for lane in range(LANES):
                self.odd[lane] = self.odd[lane] | (self.sound[lane] & ~absent[lane])
        return 0

    cdef int read_numbers(
        self, Py_ssize_t slot, const Column* column, const uint64_t* absent
    ) noexcept nogil:
        """Read quantities, and find those that are odd."""
        cdef double* number = self.number + slot * BATCH
        cdef uint8_t form = self.matcher.forms[slot]
        cdef Py_ssize_t event, count = self.count
        cdef int64_t ticks, whole
        cdef bint bad = False, fine
        cdef double value, low, high
        if column.reading == READ_TICKS_32 or column.reading == READ_TICKS_64:
            for event in range(count):
                if _bit(absent, event):
                    continue
                if column.reading == READ_TICKS_64:
                    ticks = (<const int64_t*> column.data)[column.offset + self.start + event]
                else:
                    ticks = (<const int32_t*> column.data)[column.offset + self.start + event]
                if column.divide > 1:
                    # Floored, also below zero.
                    whole = ticks // column.divide
                    fine = form != FORM_DATE or whole * column.divide == ticks
                else:
                    fine = -LARGEST_WHOLE // column.multiply <= ticks <= LARGEST_WHOLE // column.multiply
                    whole = ticks * column.multiply if fine else 0
                if form == FORM_INSTANT:
                    fine = fine and FIRST <= whole <= LAST
                elif form == FORM_DATE:
                    fine = fine and FIRST_DAY <= whole <= LAST_DAY
                else:
                    fine = fine and -LARGEST_WHOLE <= whole <= LARGEST_WHOLE
                if fine:
                    number[event] = <double> whole
                else:
                    number[event] = 0
                    _set(self.odd, event)
            return 0
        if column.reading == READ_TEXT_32 or column.reading == READ_TEXT_64:
            for event in range(count):
                if not _bit(absent, event):
                    number[event] = 0
                    if not _time(column, self.start + event, form, &number[event]):
                        _set(self.odd, event)
            return 0
        if column.reading > READ_F64:
            return 0
        _load(column, self.start, count, number)
        if form == FORM_DURATION:
            for event in range(count):
                number[event] = rint(number[event] * 1_000_000)
        low = 0 if form == FORM_SHARE else -LARGEST
        high = 1 if form == FORM_SHARE else LARGEST
        # First all at once, also what lies under nulls; where something is odd, one by one.
        if form == FORM_INTEGER and column.reading <= READ_U64:
            if column.reading == READ_I64 or column.reading == READ_U64:
                # Of those that have no sign the greatest come out below zero.
                bad = any_whole_beyond(
                    <const int64_t*> column.data + column.offset + self.start, count,
                    -LARGEST_WHOLE if column.reading == READ_I64 else 0, LARGEST_WHOLE,
                )
        elif form == FORM_INTEGER:
            bad = any_beyond(number, count, low, high)
            for event in range(count):
                bad |= floor(number[event]) != number[event]
        else:
            if form == FORM_NUMBER:
                low = -DBL_MAX
                high = DBL_MAX
            bad = any_beyond(number, count, low, high)
        if not bad:
            return 0
        for event in range(count):
            if _bit(absent, event):
                continue
            value = number[event]
            if form == FORM_NUMBER:
                fine = isfinite(value)
            else:
                fine = low <= value <= high
                if fine and form == FORM_INTEGER:
                    fine = floor(value) == value
                    if column.reading == READ_I64:
                        ticks = (<const int64_t*> column.data)[column.offset + self.start + event]
                        fine = -LARGEST_WHOLE <= ticks <= LARGEST_WHOLE
                    elif column.reading == READ_U64:
                        fine = (<const uint64_t*> column.data)[
                            column.offset + self.start + event
                        ] <= <uint64_t> LARGEST_WHOLE
            if not fine:
                number[event] = 0
                _set(self.odd, event)
        return 0

    cdef uint64_t* touch(self, Py_ssize_t slot, int32_t code) noexcept nogil:
        """The vector of a code, an empty one if it is new in the batch."""
        cdef const Tables* matcher = self.tables
        cdef uint32_t* handle = self.handles + matcher.handle_first[slot] + code
        cdef uint64_t* vector
        if handle[0]:
            return self.arena + <size_t> handle[0] * LANES
        handle[0] = <uint32_t> (matcher.region[slot] + self.used[slot])
        self.touched[handle[0]] = code
        self.used[slot] = self.used[slot] + 1
        vector = self.arena + <size_t> handle[0] * LANES
        memset(vector, 0, LANES * sizeof(uint64_t))
        return vector

    cdef int read_codes(self, Py_ssize_t slot, const Column* column, const uint64_t* absent) noexcept nogil:
        """Read names: a vector for each that occurs."""
        cdef const Tables* matcher = self.tables
        cdef bint known = matcher.forms[slot] == FORM_NAME
        cdef bint asked = matcher.asked[slot]
        cdef bint none = not lanes_any(absent)
        cdef bint by_index = column.codes is not NULL or column.reading >= READ_INDEX_8
        cdef Py_ssize_t event
        cdef const uint8_t* at
        cdef int64_t size, index
        cdef int32_t code
        cdef int32_t[BATCH] cells
        cdef uint64_t[LANES] out
        cdef uint32_t* handles
        cdef Py_ssize_t limit = matcher.handle_first[slot + 1] - matcher.handle_first[slot]
        for event in range(self.count):
            if not none and _bit(absent, event):
                continue
            if by_index:
                index = _index_at(column, self.start + event)
                if not 0 <= index < column.entries:
                    _set(self.odd, event)
                    continue
                code = column.codes[index]
                if code < 0:
                    _set(self.odd, event)
                    continue
            else:
                if not _span(column, self.start + event, &at, &size):
                    _set(self.odd, event)
                    continue
                code = _code_of(matcher, slot, at, size)
                if code == 0 and known:
                    _set(self.odd, event)
                    continue
            cells[event] = code
        if asked:
            for event in range(LANES):
                out[event] = absent[event] | self.odd[event]
            self.sort_events(slot, cells, out, limit)
            handles = self.handles + matcher.handle_first[slot]
            for event in range(self.used[slot]):
                handles[self.touched[matcher.region[slot] + event]] = <uint32_t> (matcher.region[slot] + event)
        return 0

    cdef int sort_events(
        self, Py_ssize_t slot, int32_t* cells, const uint64_t* out, Py_ssize_t limit
    ) noexcept nogil:
        """Make a vector for each cell that occurs, ascending, without the events that are out."""
        cdef int32_t first = self.tables.region[slot]
        cdef Py_ssize_t lane, index
        cdef uint64_t word
        for lane in range(LANES):
            word = out[lane]
            while word:
                cells[64 * lane + lowest_bit(word)] = <int32_t> limit
                word &= word - 1
        self.used[slot] = distinct(cells, self.count, limit, self.seen, self.touched + first)
        for index in range(self.used[slot]):
            self.cells[self.touched[first + index]] = <int32_t> (first + index)
        # Whoever is out goes where nobody looks.
        self.cells[limit] = <int32_t> self.vectors
        memset(self.arena + <Py_ssize_t> first * LANES, 0, self.used[slot] * LANES * sizeof(uint64_t))
        scatter(cells, self.count, self.cells, self.arena)
        return 0

    cdef int read_sets(self, Py_ssize_t slot, const Column* column, const uint64_t* absent) noexcept nogil:
        """Read sets: a vector for each element that occurs, and the number of elements."""
        cdef const Column* item = column + self.matcher.slots
        cdef Py_ssize_t event, row
        cdef int64_t first, last
        for event in range(self.count):
            if _bit(absent, event):
                continue
            row = column.offset + self.start + event
            if column.reading == READ_LIST_32:
                first = (<const int32_t*> column.offsets)[row]
                last = (<const int32_t*> column.offsets)[row + 1]
            elif column.reading == READ_LIST_64:
                first = (<const int64_t*> column.offsets)[row]
                last = (<const int64_t*> column.offsets)[row + 1]
            else:
                first = row * column.width
                last = first + column.width
            if not 0 <= first <= last <= column.size or not self.read_set(slot, item, event, first, last):
                _set(self.odd, event)
        return 0

    cdef bint read_set(
        self, Py_ssize_t slot, const Column* item, Py_ssize_t event, int64_t first, int64_t last
    ) noexcept nogil:
        """Read one set; false if it is odd."""
        cdef const Tables* matcher = self.tables
        cdef bint by_index = item.reading >= READ_INDEX_8 and item.reading <= READ_INDEX_64
        cdef bint asked = matcher.asked[slot]
        cdef Bytes[STRANGERS] strangers
        cdef int64_t[STRANGERS] sizes
        cdef int32_t[STRANGERS] seen
        cdef Py_ssize_t strange = 0, known = 0, other
        cdef const uint8_t* at = NULL
        cdef uint64_t* vector
        cdef int64_t index, size = 0
        cdef int32_t code
        if first == last:
            self.number[slot * BATCH + event] = 0
            return True
        if not by_index and item.reading != READ_TEXT_32 and item.reading != READ_TEXT_64:
            return False
        for index in range(first, last):
            if item.valid is not NULL and not bits_at(item.valid, item.offset + index, 1):
                return False
            if by_index:
                size = _index_at(item, index)
                if not 0 <= size < item.entries:
                    return False
                code = item.codes[size]
                # Strings that are no symbols cannot be told apart by a code.
                if code <= 0:
                    return False
            else:
                if not _span(item, index, &at, &size):
                    return False
                code = _code_of(matcher, slot, at, size)
                if code == 0:
                    if matcher.forms[slot] == FORM_NAMES:
                        return False
                    for other in range(strange):
                        if sizes[other] == size and memcmp(strangers[other], at, size) == 0:
                            break
                    else:
                        if strange == STRANGERS:
                            return False
                        strangers[strange] = at
                        sizes[strange] = size
                        strange += 1
                    continue
            if asked:
                vector = self.touch(slot, code - 1)
                if not _bit(vector, event):
                    _set(vector, event)
                    known += 1
                continue
            # Nobody asks for its elements; how many there are is asked for all the same.
            for other in range(known):
                if seen[other] == code:
                    break
            else:
                if known == STRANGERS:
                    return False
                seen[known] = code
                known += 1
        self.number[slot * BATCH + event] = <double> (known + strange)
        return True

    cdef int find_versions(self) noexcept nogil:
        """For each version, the events at whose instant it is in force."""
        cdef const Tables* matcher = self.tables
        cdef const double* acted = self.number + matcher.time_slot * BATCH
        cdef Py_ssize_t versions = matcher.version_count
        cdef Py_ssize_t count = matcher.boundary_count, lane, segment, event, low, high, middle
        cdef Py_ssize_t index, lowest = count, highest = 0, last = -1
        cdef int64_t instant
        cdef int32_t version
        cdef uint64_t* vector
        memset(self.versions, 0, versions * LANES * sizeof(uint64_t))
        for lane in range(LANES):
            if self.sound[lane] == 0:
                continue
            for event in range(64 * lane, min(64 * lane + 64, self.count)):
                if not _bit(self.sound, event):
                    continue
                instant = <int64_t> acted[event]
                # Events that follow each other mostly lie between the same changes.
                if last < 0 or (
                    (last > 0 and instant < matcher.boundaries[last - 1])
                    or (last < count and instant >= matcher.boundaries[last])
                ):
                    low = 0
                    high = count
                    while low < high:
                        middle = (low + high) // 2
                        if matcher.boundaries[middle] <= instant:
                            low = middle + 1
                        else:
                            high = middle
                    last = low
                    lowest = min(lowest, last)
                    highest = max(highest, last)
                _set(self.segments + last * LANES, event)
        for segment in range(lowest, highest + 1):
            vector = self.segments + segment * LANES
            if not lanes_any(vector):
                continue
            for index in range(matcher.segment_count[segment]):
                version = matcher.segment_versions[matcher.segment_first[segment] + index]
                for lane in range(LANES):
                    self.versions[version * LANES + lane] = self.versions[version * LANES + lane] | vector[lane]
            memset(vector, 0, LANES * sizeof(uint64_t))
        return 0

    # ── Vectors ──────────────────────────────────────────────────────────────────────────────────

    cdef int build(self, Py_ssize_t slot) noexcept nogil:
        """Sort the values of a slot into cells, and add each cell to those that are less."""
        cdef const Tables* matcher = self.tables
        cdef Py_ssize_t count = matcher.threshold_count[slot], lane, index, filled = 0
        cdef const double* thresholds = &matcher.thresholds[0] + matcher.threshold_first[slot]
        cdef const int32_t* buckets = &matcher.buckets[0] + matcher.bucket_first[slot]
        cdef const double* number = self.number + slot * BATCH
        cdef const uint64_t* absent = self.arena + (1 + slot) * LANES
        cdef uint32_t* handles = self.handles + matcher.handle_first[slot]
        cdef int64_t bucket_count = matcher.bucket_count[slot]
        cdef double low = matcher.bucket_low[slot], scale = matcher.bucket_scale[slot]
        cdef int32_t vector = matcher.region[slot], before = 0
        cdef int32_t cell
        cdef uint64_t word
        cdef uint64_t[LANES] out
        cdef int32_t[BATCH] cells
        self.wanted[slot] = True
        word = 0
        for lane in range(LANES):
            out[lane] = absent[lane] | self.odd[lane]
            word |= self.sound[lane] & ~out[lane]
        if word == 0:
            if not self.blank[slot]:
                memset(handles, 0, 2 * count * sizeof(uint32_t))
                self.blank[slot] = True
            return 0
        self.blank[slot] = False
        cells_of(
            number, self.count, thresholds, buckets, low, scale, <double> (bucket_count - 1),
            matcher.bucket_steps[slot], cells,
        )
        self.sort_events(slot, cells, out, 2 * count + 1)
        for index in range(self.used[slot]):
            cell = self.touched[vector + index]
            while filled < cell:
                handles[filled] = before
                filled += 1
            before = <int32_t> (vector + index)
        accumulate(self.arena + <Py_ssize_t> vector * LANES, self.used[slot])
        while filled < 2 * count:
            handles[filled] = before
            filled += 1
        return 0

    cdef int work_out(self, int32_t predicate, const uint64_t* alive) except -1 nogil:
        """Make the vector of a predicate that is not there yet."""
        cdef const Tables* matcher = self.tables
        cdef int32_t op = matcher.op[predicate]
        cdef Py_ssize_t slot, lane, index, first, count
        cdef const int32_t* codes
        cdef uint64_t* own
        cdef const uint64_t* left
        cdef const uint64_t* right
        cdef const uint32_t* handles
        if matcher.own[predicate] == 0:
            self.build(matcher.a[predicate])
            return 0
        if matcher.work[predicate] == WORK_EVENTS:
            return self.look_into(predicate, alive)
        own = self.arena + <Py_ssize_t> matcher.own[predicate] * LANES
        self.handles[matcher.where[predicate]] = <uint32_t> matcher.own[predicate]
        self.worked[self.worked_count] = predicate
        self.worked_count = self.worked_count + 1
        if op == OP_QUANTITY:
            return self.compare(predicate)
        slot = matcher.a[predicate]
        handles = self.handles + matcher.handle_first[slot]
        if op == OP_EQ:
            if not self.wanted[slot]:
                self.build(slot)
            index = matcher.places[predicate]
            left = self.arena + <size_t> handles[2 * index] * LANES
            right = self.arena + <size_t> handles[2 * index + 1] * LANES
            for lane in range(LANES):
                own[lane] = right[lane] & ~left[lane]
            return 0
        codes = matcher.codes + matcher.code_first[predicate]
        count = matcher.code_first[predicate + 1] - matcher.code_first[predicate]
        if op == OP_ALL:
            memset(own, 0xFF, LANES * sizeof(uint64_t))
            for index in range(count):
                left = self.arena + <size_t> handles[codes[index]] * LANES
                for lane in range(LANES):
                    own[lane] &= left[lane]
            return 0
        if count <= self.used[slot]:
            any_of_codes(codes, count, handles, self.arena, own)
            if matcher.except_codes[predicate]:
                left = self.arena + (1 + slot) * LANES
                for lane in range(LANES):
                    own[lane] = self.sound[lane] & ~(own[lane] | left[lane])
            return 0
        # Fewer names occur than are asked for.
        first = matcher.region[slot]
        any_in(
            self.arena + first * LANES, self.touched + first, self.used[slot],
            matcher.masks + matcher.b[predicate], own,
        )
        return 0

    cdef int compare(self, int32_t predicate) noexcept nogil:
        """Compare two quantities in postfix code: unknown without a value, or not finite."""
        cdef const Tables* matcher = self.tables
        cdef uint64_t* own = self.arena + <Py_ssize_t> matcher.own[predicate] * LANES
        cdef uint64_t* unknown = self.arena + <Py_ssize_t> matcher.missing[predicate] * LANES
        cdef const uint64_t* absent
        cdef double* left = self.stack
        cdef double* right
        cdef const double* number
        cdef double constant, result
        cdef Py_ssize_t height = 0, pair, event, lane
        cdef int32_t code, operand
        cdef bint holds
        memset(own, 0, LANES * sizeof(uint64_t))
        memset(unknown, 0, LANES * sizeof(uint64_t))
        for pair in range(matcher.a[predicate], matcher.b[predicate]):
            code = matcher.quantities[2 * pair]
            operand = matcher.quantities[2 * pair + 1]
            if code == CODE_CONSTANT:
                constant = matcher.constants[operand]
                left = self.stack + height * BATCH
                for event in range(self.count):
                    left[event] = constant
                height += 1
                continue
            if code == CODE_READING or code == CODE_COUNT:
                absent = self.arena + (1 + <Py_ssize_t> operand) * LANES
                for lane in range(LANES):
                    unknown[lane] |= absent[lane]
                memcpy(
                    self.stack + height * BATCH,
                    self.number + <Py_ssize_t> operand * BATCH,
                    self.count * sizeof(double),
                )
                height += 1
                continue
            left = self.stack + (height - 2) * BATCH
            right = self.stack + (height - 1) * BATCH
            height -= 1
            for event in range(self.count):
                if code >= CODE_LT:
                    if code == CODE_LT:
                        holds = left[event] < right[event]
                    elif code == CODE_LE:
                        holds = left[event] <= right[event]
                    else:
                        holds = left[event] == right[event]
                    if holds:
                        _set(own, event)
                    continue
                if code == CODE_ADD:
                    result = left[event] + right[event]
                elif code == CODE_SUBTRACT:
                    result = left[event] - right[event]
                elif code == CODE_MULTIPLY:
                    result = left[event] * right[event]
                elif right[event] == 0:
                    _set(unknown, event)
                    result = 0
                else:
                    result = left[event] / right[event]
                if not isfinite(result):
                    _set(unknown, event)
                    result = 0
                left[event] = result
        return 0

    cdef int look_into(self, int32_t predicate, const uint64_t* alive) except -1 nogil:
        """Settle a predicate for events, one by one, that it was not yet settled for."""
        cdef const Tables* matcher = self.tables
        cdef uint64_t* own = self.arena + <Py_ssize_t> matcher.own[predicate] * LANES
        cdef uint64_t* unknown = self.arena + <Py_ssize_t> matcher.missing[predicate] * LANES
        cdef uint64_t* looked = unknown + LANES
        cdef const uint64_t* absent = self.arena + (1 + <Py_ssize_t> matcher.a[predicate]) * LANES
        cdef const uint64_t* other = absent
        cdef Py_ssize_t lane
        cdef uint64_t word
        cdef bint todo = False
        if self.handles[matcher.where[predicate]] == UNSET_VECTOR:
            self.handles[matcher.where[predicate]] = <uint32_t> matcher.own[predicate]
            self.worked[self.worked_count] = predicate
            self.worked_count = self.worked_count + 1
            if matcher.op[predicate] == OP_SAME:
                other = self.arena + (1 + <Py_ssize_t> matcher.b[predicate]) * LANES
            for lane in range(LANES):
                own[lane] = 0
                unknown[lane] = absent[lane] | other[lane]
                # Of those without a value all is known.
                looked[lane] = unknown[lane]
        for lane in range(LANES):
            todo |= (alive[lane] & ~looked[lane]) != 0
        if not todo:
            return 0
        self.looked = True
        with gil:
            for lane in range(LANES):
                word = alive[lane] & ~looked[lane]
                while word:
                    # What was looked at for one predicate may have settled others as well.
                    self.look_at(predicate, lane * 64 + lowest_bit(word))
                    word &= word - 1
        return 0

    cdef int look_at(self, int32_t predicate, Py_ssize_t event) except -1:
        """Settle a predicate for one event that has its values."""
        cdef Matcher matcher = self.matcher
        cdef int32_t op = matcher.op[predicate], minute, start, end
        cdef Py_ssize_t slot = matcher.a[predicate], clock, first, place, search
        cdef TermIndex index
        cdef bint holds
        if op == OP_TERMS:
            index = matcher.terms[slot]
            first = matcher.terms_first[slot]
            index.settle(
                self.folded_text(slot, event), &matcher.asking[first], self.verdicts, True, False
            )
            for place in range(first, first + index.list_count):
                self.mark(matcher.asking[place], event, self.verdicts[matcher.asking[place]])
            return 0
        if op == OP_PATTERN:
            search = matcher.search_of[predicate]
            group = matcher.groups[search]
            text = self.folded_text(slot, event) if group.folded else self.text(slot, event)
            found = set(group.matches(text))
            first = matcher.search_first[search]
            for place in range(first, matcher.search_first[search + 1]):
                self.mark(matcher.asking[place], event, place - first in found)
            return 0
        if op == OP_SAME:
            holds = self.text(slot, event) == self.text(matcher.b[predicate], event)
        else:
            clock = matcher.clock_of[predicate]
            minute = self.minutes[clock * BATCH + event]
            if minute < 0:
                instant = timedelta(microseconds=<int64_t> self.number[slot * BATCH + event])
                local = (_EPOCH + instant).astimezone(matcher.clock_zones[clock])
                minute = local.hour * 60 + local.minute
                self.minutes[clock * BATCH + event] = minute
            start = matcher.b[predicate] // MINUTES
            end = matcher.b[predicate] % MINUTES
            # An end that is not after the start is tomorrow.
            holds = start <= minute < end if start < end else minute >= start or minute < end
        self.mark(predicate, event, holds)
        return 0

    cdef int mark(self, Py_ssize_t predicate, Py_ssize_t event, bint holds) except -1:
        """Note what was found out about an event."""
        cdef uint64_t* own = self.arena + <Py_ssize_t> self.matcher.own[predicate] * LANES
        cdef uint64_t* looked = (
            self.arena + (<Py_ssize_t> self.matcher.missing[predicate] + 1) * LANES
        )
        if self.handles[self.matcher.where[predicate]] == UNSET_VECTOR:
            self.look_into(<int32_t> predicate, _NOBODY)
        if holds:
            _set(own, event)
        _set(looked, event)
        return 0

    cdef str text(self, Py_ssize_t slot, Py_ssize_t event):
        """The text of a slot that has one."""
        cdef const Column* column = &self.source.columns[slot]
        cdef const uint8_t* at
        cdef int64_t size
        if column.reading != READ_TEXT_32 and column.reading != READ_TEXT_64:
            return self.source.texts[slot][self.start + event].as_py()
        _span(column, self.start + event, &at, &size)
        return PyUnicode_DecodeUTF8(<const char*> at, size, "strict")

    cdef str folded_text(self, Py_ssize_t slot, Py_ssize_t event):
        """The text of a slot, folded once."""
        key = slot * BATCH + event
        found = self.folded.get(key)
        if found is None:
            found = self.folded[key] = fold(self.text(slot, event))
        return found

    # ── Conditions ───────────────────────────────────────────────────────────────────────────────

    cdef int settle(
        self, int32_t ref, const uint64_t* alive, uint64_t* possible, uint64_t* certain
    ) except -1 nogil:
        """The events, of those that are alive, in which a condition is possible, and certain."""
        cdef Py_ssize_t lane
        if ref < 0:
            return self.settle_literal(ref, alive, possible, certain)
        if ref >= NEVER:
            for lane in range(LANES):
                possible[lane] = certain[lane] = alive[lane] if ref == ALWAYS else 0
            return 0
        return self.settle_node(ref, alive, possible, certain)

    cdef int settle_literal(
        self, int32_t ref, const uint64_t* alive, uint64_t* possible, uint64_t* certain
    ) except -1 nogil:
        """The same of a predicate or of its negation."""
        cdef const Tables* matcher = self.tables
        cdef int32_t predicate = ~ref >> 1
        cdef uint64_t turn = ~<uint64_t> 0 if ~ref & 1 else 0
        cdef const uint64_t* holds
        cdef const uint64_t* unknown
        cdef Py_ssize_t lane
        if self.handles[matcher.where[predicate]] == UNSET_VECTOR or (
            matcher.work[predicate] == WORK_EVENTS
        ):
            self.work_out(predicate, alive)
        holds = self.arena + <size_t> self.handles[matcher.where[predicate]] * LANES
        unknown = self.arena + <Py_ssize_t> matcher.missing[predicate] * LANES
        for lane in range(LANES):
            possible[lane] = alive[lane] & ((holds[lane] ^ turn) | unknown[lane])
            certain[lane] = alive[lane] & (holds[lane] ^ turn) & ~unknown[lane]
        return 0

    cdef int settle_node(
        self, int32_t node, const uint64_t* alive, uint64_t* possible, uint64_t* certain
    ) except -1 nogil:
        """The same of a node: all of its children, or any."""
        cdef const Tables* matcher = self.tables
        cdef int32_t first = matcher.node_first[node]
        cdef int32_t count = matcher.node_count[node]
        cdef int32_t simple = self.simple[node]
        cdef bint every = matcher.node_kind[node] == NODE_ALL
        cdef const Literal* literals = self.literals + first
        cdef uint64_t[LANES] child_possible, child_certain, rest, fresh
        cdef const uint64_t* wanted = alive
        cdef uint64_t* memo = NULL
        cdef Py_ssize_t index = 0, done, lane
        cdef uint64_t left
        if matcher.memo[node] >= 0:
            memo = self.arena + <Py_ssize_t> matcher.memo[node] * LANES
            left = 0
            for lane in range(LANES):
                rest[lane] = alive[lane] & ~memo[lane]
                left |= rest[lane]
            if left == 0:
                for lane in range(LANES):
                    possible[lane] = alive[lane] & memo[LANES + lane]
                    certain[lane] = alive[lane] & memo[2 * LANES + lane]
                return 0
            if not lanes_any(memo):
                self.begun[self.begun_count] = node
                self.begun_count = self.begun_count + 1
                memset(memo, 0, 3 * LANES * sizeof(uint64_t))
            # Settled for all events at once, it is settled once only; but where something in it is
            # looked into event by event, only for those that are alive.
            wanted = alive
            if matcher.slow[node]:
                memcpy(fresh, rest, sizeof(fresh))
            else:
                memcpy(fresh, self.sound, sizeof(fresh))
            alive = fresh
        for lane in range(LANES):
            possible[lane] = certain[lane] = alive[lane] if every else 0
        while index < simple:
            if every:
                done = all_of(
                    literals + index, simple - index, self.handles, self.arena, possible, certain
                )
                if done < 0:
                    memset(possible, 0, LANES * sizeof(uint64_t))
                    memset(certain, 0, LANES * sizeof(uint64_t))
                    index = count
                    break
            else:
                done = any_of(
                    literals + index, simple - index, self.handles, self.arena, alive, possible,
                    certain,
                )
            index += done
            if index < simple:
                self.work_out(~self.children[first + index] >> 1, alive)
        while index < count:
            if every:
                if not lanes_any(possible):
                    break
                memcpy(rest, possible, sizeof(rest))
            else:
                for lane in range(LANES):
                    rest[lane] = alive[lane] & ~certain[lane]
                if not lanes_any(rest):
                    break
            self.settle(self.children[first + index], rest, child_possible, child_certain)
            for lane in range(LANES):
                if every:
                    possible[lane] &= child_possible[lane]
                    certain[lane] &= child_certain[lane]
                else:
                    possible[lane] |= child_possible[lane]
                    certain[lane] |= child_certain[lane]
            index += 1
        if memo is not NULL:
            for lane in range(LANES):
                memo[lane] |= fresh[lane]
                memo[LANES + lane] |= possible[lane]
                memo[2 * LANES + lane] |= certain[lane]
                possible[lane] = wanted[lane] & memo[LANES + lane]
                certain[lane] = wanted[lane] & memo[2 * LANES + lane]
        return 0

    cdef int run(self) except -1 nogil:
        """Settle every rule for the events at whose instant it is in force."""
        cdef const Tables* matcher = self.tables
        cdef Py_ssize_t version, group
        cdef const uint64_t* alive
        for version in range(matcher.version_count):
            alive = self.versions + version * LANES
            if not lanes_any(alive):
                continue
            for group in range(self.group_first[version], self.group_first[version + 1]):
                self.run_group(self.groups + group, alive)
        return 0

    cdef int run_group(self, const Group* group, const uint64_t* alive) except -1 nogil:
        """Settle the rules of a group."""
        cdef const Tables* matcher = self.tables
        cdef Py_ssize_t place, index, lane
        cdef int32_t rule, predicate, node
        cdef uint64_t[LANES] possible, certain, rest, child_possible, child_certain
        cdef uint64_t some, sure
        if group.guard:
            self.settle_literal(group.guard, alive, possible, certain)
            if not lanes_any(possible):
                return 0
        for index in range(group.early, group.early + group.early_count):
            predicate = self.early[index]
            if self.handles[matcher.where[predicate]] == UNSET_VECTOR:
                self.work_out(predicate, alive)
        for index in range(group.clauses, group.clauses + group.clause_count):
            node = self.clauses[index]
            either_of(
                self.literals + matcher.node_first[node], matcher.node_count[node], self.handles,
                self.arena, self.arena + <Py_ssize_t> matcher.clause[node] * LANES,
            )
        place = 0
        while True:
            place = next_alive(
                self.flat + group.literals, group.size, place, group.count, self.handles,
                self.arena, alive, possible, certain,
            )
            if place == group.count:
                return 0
            # All literals together are certain where they are possible and none is unknown.
            for lane in range(LANES):
                certain[lane] = possible[lane] & ~certain[lane]
            rule = self.rules[group.rules + place]
            for index in range(
                self.rest_first[group.rules + place], self.rest_first[group.rules + place + 1]
            ):
                if not lanes_any(possible):
                    break
                memcpy(rest, possible, sizeof(rest))
                self.settle(self.rests[index], rest, child_possible, child_certain)
                for lane in range(LANES):
                    possible[lane] &= child_possible[lane]
                    certain[lane] &= child_certain[lane]
            place += 1
            some = sure = 0
            for lane in range(LANES):
                sure |= certain[lane]
                possible[lane] &= ~certain[lane]
                some |= possible[lane]
            if sure:
                self.fired.add(certain, rule)
            if some:
                self.undetermined.add(possible, rule)


cdef uint64_t[LANES] _NOBODY
memset(_NOBODY, 0, sizeof(_NOBODY))


cdef int _mark(Sheet sheet, Py_ssize_t offset, uint64_t valid) except -1:
    """Rows with a bit set are odd."""
    cdef Py_ssize_t lane, left
    for lane in range(LANES):
        left = sheet.count - 64 * lane
        if left <= 0:
            break
        if valid == 0:
            sheet.odd[lane] |= sheet.sound[lane]
        else:
            sheet.odd[lane] |= bits_at(
                <const uint8_t*> <intptr_t> valid,
                offset + sheet.start + 64 * lane,
                <int> min(left, 64),
            )
    return 0


cdef int _copy_times(Sheet sheet, int64_t* acted) noexcept nogil:
    """The instants of the acts; 0 where they are odd."""
    cdef const double* number = sheet.number + sheet.matcher.time_slot * BATCH
    cdef Py_ssize_t event
    for event in range(sheet.count):
        acted[event] = <int64_t> number[event] if _bit(sheet.sound, event) else 0
    return 0
