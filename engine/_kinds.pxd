"""Numbers that the extensions share: how slots hold their values, and whether they have any.

`_core.pyx` checks that the kinds are those of `clausal.compiler.program.SlotKind`.
"""

cdef enum State:
    STATE_ABSENT
    STATE_FAILED
    STATE_PRESENT

cdef enum:
    KIND_FLAG, KIND_QUANTITY, KIND_SYMBOL, KIND_SET, KIND_TEXT
