"""Numbers that the extensions share, where other modules give names to them.

The extension that uses a set of them most checks, when it is imported, that they are those of the
module that names them.
"""

cdef enum State:
    STATE_ABSENT
    STATE_FAILED
    STATE_PRESENT

# `clausal.compiler.program.SlotKind`, checked by `_frame.pyx`.
cdef enum:
    KIND_FLAG, KIND_QUANTITY, KIND_SYMBOL, KIND_SET, KIND_TEXT

# `clausal.engine.layout.Form`, checked by `_frame.pyx`.
cdef enum:
    FORM_BOOL, FORM_INTEGER, FORM_NUMBER, FORM_SHARE, FORM_INSTANT, FORM_DURATION, FORM_DATE
    FORM_NAME, FORM_STRING, FORM_NAMES, FORM_STRINGS

# `clausal.compiler.program.Op`, `Code` and `NodeKind`, and its limits, checked by `_core.pyx` and
# `_batch.pyx`.
cdef enum:
    OP_FLAG, OP_LT, OP_LE, OP_EQ, OP_QUANTITY, OP_MEMBER, OP_SAME, OP_ANY, OP_ALL, OP_ABSENT
    OP_CLOCK, OP_TERMS, OP_PATTERN, OP_IS, OP_HAS

cdef enum:
    CODE_CONSTANT, CODE_READING, CODE_COUNT, CODE_ADD, CODE_SUBTRACT, CODE_MULTIPLY, CODE_DIVIDE
    CODE_LT, CODE_LE, CODE_EQ

cdef enum:
    NODE_ALL, NODE_ANY

cdef enum:
    ALWAYS = 2147483647
    NEVER = 2147483646
    MINUTES = 1441
    STACK_LIMIT = 64

# Kleene's three, so that the least of two is their "and".
cdef enum Verdict:
    FALSE
    UNKNOWN
    TRUE

# How a value was read: the usual way, or not, so that the plain reader must see the whole event.
cdef enum:
    REGULAR
    IRREGULAR
