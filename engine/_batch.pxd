"""The layout of the matching of batches. `_batch.pyx` says what everything means."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "_lanes.h":
    enum:
        LANES
        BATCH
    const uint32_t UNSET_VECTOR
    ctypedef struct Literal:
        uint32_t where
        uint32_t missing
    ctypedef struct Group:
        int32_t guard
        int32_t size
        int32_t literals
        int32_t rules
        int32_t count
        int32_t early
        int32_t early_count
        int32_t clauses
        int32_t clause_count
    bint lanes_any(const uint64_t* vector) noexcept nogil
    int lanes_count(const uint64_t* vector) noexcept nogil
    int events_of(const uint64_t* vector, uint16_t* events) noexcept nogil
    int lowest_bit(uint64_t word) noexcept nogil
    uint64_t bits_at(const uint8_t* bits, int64_t first, int count) noexcept nogil
    uint32_t hash_of(const uint8_t* bytes, size_t size) noexcept nogil
    void cells_of(
        const double* values, Py_ssize_t count, const double* thresholds, const int32_t* starts,
        double low, double scale, double last, int steps, int32_t* cells
    ) noexcept nogil
    int distinct(
        const int32_t* cells, Py_ssize_t count, Py_ssize_t limit, uint8_t* seen, int32_t* found
    ) noexcept nogil
    void scatter(
        const int32_t* cells, Py_ssize_t count, const int32_t* vector_of, uint64_t* arena
    ) noexcept nogil
    void accumulate(uint64_t* vectors, Py_ssize_t count) noexcept nogil
    bint any_beyond(double* values, Py_ssize_t count, double low, double high) noexcept nogil
    bint any_whole_beyond(
        const int64_t* values, Py_ssize_t count, int64_t low, int64_t high
    ) noexcept nogil
    void any_in(
        const uint64_t* vectors, const int32_t* codes, Py_ssize_t count, const uint64_t* mask,
        uint64_t* found
    ) noexcept nogil
    void any_of_codes(
        const int32_t* codes, Py_ssize_t count, const uint32_t* vectors, const uint64_t* arena,
        uint64_t* found
    ) noexcept nogil
    Py_ssize_t next_alive(
        const Literal* literals, Py_ssize_t size, Py_ssize_t rule, Py_ssize_t count,
        const uint32_t* vectors, const uint64_t* arena, const uint64_t* alive,
        uint64_t* possible, uint64_t* unknown
    ) noexcept nogil
    void either_of(
        const Literal* literals, Py_ssize_t count, const uint32_t* vectors, const uint64_t* arena,
        uint64_t* found
    ) noexcept nogil
    Py_ssize_t all_of(
        const Literal* literals, Py_ssize_t count, const uint32_t* vectors, const uint64_t* arena,
        uint64_t* possible, uint64_t* certain
    ) noexcept nogil
    Py_ssize_t any_of(
        const Literal* literals, Py_ssize_t count, const uint32_t* vectors, const uint64_t* arena,
        const uint64_t* among, uint64_t* possible, uint64_t* certain
    ) noexcept nogil


cdef struct Column:
    # How its elements are read; the other members are as this needs them.
    int reading
    # Bit `offset + i` says whether element i is there; none: all are.
    const uint8_t* valid
    const void* data
    # Of texts and lists: where each begins; of texts also how many bytes there are, of lists how
    # many items, and how many each has where all have as many.
    const void* offsets
    int64_t offset
    int64_t size
    int64_t width
    # Of ticks: how many microseconds (or days) they are.
    int64_t multiply
    int64_t divide
    # Of a dictionary: the code of each entry, -1 for one that is refused.
    const int32_t* codes
    int64_t entries


cdef struct Tables:
    # The arrays of a matcher, by the same names, for what runs without the interpreter's lock.
    const uint8_t* kinds
    const uint8_t* forms
    const double* constants
    const uint64_t* masks
    const int32_t* op
    const int32_t* a
    const int32_t* b
    const int32_t* quantities
    const uint8_t* node_kind
    const int32_t* node_first
    const int32_t* node_count
    const int32_t* children
    const int32_t* rule_root
    const int32_t* version_rules
    const int64_t* boundaries
    const int32_t* segment_first
    const int32_t* segment_count
    const int32_t* segment_versions
    const int32_t* required
    const int32_t* clock_of
    const int32_t* clock_slot
    const uint8_t* asked
    const int32_t* handle_first
    const int32_t* region
    const int32_t* capacity
    const int32_t* threshold_first
    const int32_t* threshold_count
    const double* thresholds
    const int32_t* bucket_first
    const int32_t* bucket_count
    const double* bucket_low
    const double* bucket_scale
    const int32_t* buckets
    const int32_t* bucket_steps
    const int32_t* name_first
    const int64_t* name_bytes
    const uint8_t* names
    const int32_t* table_first
    const int32_t* table_mask
    const int32_t* table
    const int32_t* where
    const int32_t* own
    const int32_t* missing
    const uint8_t* work
    const int32_t* places
    const int32_t* code_first
    const int32_t* codes
    const uint8_t* except_codes
    const int32_t* clause
    const int32_t* memo
    const uint8_t* slow
    Py_ssize_t slots
    Py_ssize_t time_slot
    Py_ssize_t required_count
    Py_ssize_t version_count
    Py_ssize_t boundary_count


cdef class Matcher:
    # The program: see `clausal.compiler.program`.
    cdef const uint8_t[::1] kinds
    cdef const uint8_t[::1] forms
    cdef const double[::1] constants
    cdef const uint64_t[::1] masks
    cdef const int32_t[::1] op
    cdef const int32_t[::1] a
    cdef const int32_t[::1] b
    cdef const int32_t[::1] quantities
    cdef const uint8_t[::1] node_kind
    cdef const int32_t[::1] node_first
    cdef const int32_t[::1] node_count
    cdef const int32_t[::1] children
    cdef const int32_t[::1] rule_root
    cdef const int32_t[::1] version_rules
    cdef const int64_t[::1] boundaries
    cdef const int32_t[::1] segment_first
    cdef const int32_t[::1] segment_count
    cdef const int32_t[::1] segment_versions
    cdef readonly Py_ssize_t slots
    cdef Py_ssize_t predicates
    cdef Py_ssize_t nodes
    cdef Py_ssize_t time_slot
    cdef const int32_t[::1] required
    cdef const int32_t[::1] clock_of
    cdef const int32_t[::1] clock_slot
    cdef tuple clock_zones
    # See `clausal.engine.layout`.
    cdef tuple terms
    cdef const int32_t[::1] terms_first
    cdef tuple groups
    cdef const int32_t[::1] search_of
    cdef const int32_t[::1] search_first
    cdef const int32_t[::1] asking
    # By slot: whether a predicate asks for its vectors; where the numbers of these stand; where the
    # vectors themselves begin; how many there may be.
    cdef const uint8_t[::1] asked
    cdef const int32_t[::1] handle_first
    cdef const int32_t[::1] region
    cdef const int32_t[::1] capacity
    cdef Py_ssize_t handles
    cdef Py_ssize_t vectors
    # By slot: its thresholds, ascending, and how a value leads to those that it must be held
    # against: those of its bucket.
    cdef const int32_t[::1] threshold_first
    cdef const int32_t[::1] threshold_count
    cdef const double[::1] thresholds
    cdef const int32_t[::1] bucket_first
    cdef const int32_t[::1] bucket_count
    cdef const double[::1] bucket_low
    cdef const double[::1] bucket_scale
    cdef const int32_t[::1] buckets
    cdef const int32_t[::1] bucket_steps
    cdef Py_ssize_t most_cells
    # By slot: its names, end to end, and a table that finds the code of a name.
    cdef const int32_t[::1] name_first
    cdef const int64_t[::1] name_bytes
    cdef const uint8_t[::1] names
    cdef const int32_t[::1] table_first
    cdef const int32_t[::1] table_mask
    cdef const int32_t[::1] table
    # By predicate: where the number of its vector stands, the vector of its own that it is worked
    # out into, the vector of the events in which it is unknown, and how it is worked out.
    cdef const int32_t[::1] where
    cdef const int32_t[::1] own
    cdef const int32_t[::1] missing
    cdef const uint8_t[::1] work
    # By comparison with a constant: which of its slot's thresholds that is.
    cdef const int32_t[::1] places
    # By test of names or sets: the codes that it is about, in order, and whether it holds for those
    # or for all others that are there.
    cdef const int32_t[::1] code_first
    cdef const int32_t[::1] codes_of
    cdef const uint8_t[::1] except_codes
    # By node: the first of the three vectors that remember it, or -1.
    cdef const int32_t[::1] memo
    # By node: the first of its two vectors if it is a clause, some literals of which one must hold,
    # and are few and cheap; else 0. Where the numbers of clauses' vectors stand is in their order.
    cdef const int32_t[::1] clause
    cdef const int32_t[::1] clause_where
    # By node: whether something in it is looked into event by event.
    cdef const uint8_t[::1] slow
    cdef readonly Plan plan
    cdef Tables tables


cdef class Plan:
    # The children of each node: literals that can be looked up, cheap ones first, then the rest.
    cdef int32_t[::1] children
    cdef int32_t[::1] simple
    cdef Literal* literals
    # The groups of each version end to end; the literals of their rules, which rules those are, and
    # what must hold of each beside; the predicates that groups need early.
    cdef int32_t[::1] group_first
    cdef Group* groups
    cdef Literal* flat
    cdef int32_t[::1] rules
    cdef int32_t[::1] rest_first
    cdef int32_t[::1] rests
    cdef int32_t[::1] early
    cdef int32_t[::1] clauses


cdef class Columns:
    cdef Matcher matcher
    cdef Column* columns
    cdef list kept
    cdef readonly Py_ssize_t rows
    # Validity of what no column can be read for: an element that is there makes its row odd.
    cdef list strange
    cdef Py_ssize_t strange_count
    # The columns of texts, for those that are not laid end to end.
    cdef readonly dict texts


cdef class Sheet:
    cdef Matcher matcher
    cdef const Tables* tables
    cdef Plan plan
    cdef const Literal* literals
    cdef const int32_t* children
    cdef const int32_t* simple
    cdef const int32_t* group_first
    cdef const Group* groups
    cdef const Literal* flat
    cdef const int32_t* rules
    cdef const int32_t* rest_first
    cdef const int32_t* rests
    cdef const int32_t* early
    cdef const int32_t* clauses
    cdef Columns source
    cdef uint64_t* arena
    cdef void* arena_block
    cdef Py_ssize_t vectors
    cdef uint32_t* handles
    cdef double* number
    # The events of the batch: the first one's row, how many, and which of them are sound.
    cdef Py_ssize_t start
    cdef Py_ssize_t count
    cdef uint64_t[LANES] sound
    cdef uint64_t[LANES] odd
    # By slot: which vectors it has.
    cdef int32_t* used
    cdef int32_t* touched
    cdef uint8_t* wanted
    cdef uint8_t* blank
    # Predicates that were worked out, and memos that were begun, in this batch.
    cdef uint32_t* verdicts
    cdef int32_t* worked
    cdef Py_ssize_t worked_count
    cdef int32_t* begun
    cdef Py_ssize_t begun_count
    cdef uint64_t* versions
    cdef uint64_t* segments
    # By cell of a column (of values between thresholds, or by code): its vector, and whether it occurs.
    cdef int32_t* cells
    cdef uint8_t* seen
    cdef double* stack
    # Texts that were folded, and minutes of local times, by event; whether there are any.
    cdef bint looked
    cdef dict folded
    cdef int32_t[::1] minutes
    cdef Py_ssize_t clocks
    # What was found.
    cdef Found fired
    cdef Found undetermined

    cdef int follow(self, Plan plan) except -1
    cdef int read(self, Py_ssize_t start, Py_ssize_t count) except -1 nogil
    cdef int read_column(self, Py_ssize_t slot) except -1 nogil
    cdef int read_absent(self, const Column* column, uint64_t* absent) noexcept nogil
    cdef int read_numbers(self, Py_ssize_t slot, const Column* column, const uint64_t* absent) noexcept nogil
    cdef int read_codes(self, Py_ssize_t slot, const Column* column, const uint64_t* absent) noexcept nogil
    cdef int read_sets(self, Py_ssize_t slot, const Column* column, const uint64_t* absent) noexcept nogil
    cdef bint read_set(
        self, Py_ssize_t slot, const Column* item, Py_ssize_t event, int64_t first, int64_t last
    ) noexcept nogil
    cdef uint64_t* touch(self, Py_ssize_t slot, int32_t code) noexcept nogil
    cdef int sort_events(
        self, Py_ssize_t slot, int32_t* cells, const uint64_t* out, Py_ssize_t limit
    ) noexcept nogil
    cdef int find_versions(self) noexcept nogil
    cdef int build(self, Py_ssize_t slot) noexcept nogil
    cdef int work_out(self, int32_t predicate, const uint64_t* alive) except -1 nogil
    cdef int compare(self, int32_t predicate) noexcept nogil
    cdef int look_into(self, int32_t predicate, const uint64_t* alive) except -1 nogil
    cdef int look_at(self, int32_t predicate, Py_ssize_t event) except -1
    cdef int mark(self, Py_ssize_t predicate, Py_ssize_t event, bint holds) except -1
    cdef str text(self, Py_ssize_t slot, Py_ssize_t event)
    cdef str folded_text(self, Py_ssize_t slot, Py_ssize_t event)
    cdef int settle(
        self, int32_t ref, const uint64_t* alive, uint64_t* possible, uint64_t* certain
    ) except -1 nogil
    cdef int settle_node(
        self, int32_t node, const uint64_t* alive, uint64_t* possible, uint64_t* certain
    ) except -1 nogil
    cdef int settle_literal(
        self, int32_t ref, const uint64_t* alive, uint64_t* possible, uint64_t* certain
    ) except -1 nogil
    cdef int run(self) except -1 nogil
    cdef int run_group(self, const Group* group, const uint64_t* alive) except -1 nogil


cdef struct Span:
    int32_t first
    int32_t last


cdef class Found:
    # Of the batch: the events of each rule that has any, where those begin and end, and a bit for
    # each such rule. Of all batches: the rules of each row, end to end, and where they begin.
    cdef uint16_t* events
    cdef Span* spans
    cdef uint64_t* hit
    cdef Py_ssize_t rule_count
    cdef Py_ssize_t pairs
    cdef Py_ssize_t pair_room
    cdef int32_t* rules
    cdef Py_ssize_t room
    cdef int32_t* first
    cdef Py_ssize_t first_room
    cdef Py_ssize_t rows

    cdef int open(self, Py_ssize_t rules) except -1
    cdef int add(self, const uint64_t* events, int32_t rule) except -1 nogil
    cdef int close_batch(self, Py_ssize_t count, const uint64_t* sound) except -1 nogil
