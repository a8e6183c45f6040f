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

# How a value was read: the usual way, or not, so that the plain reader must see the whole event.
cdef enum:
    REGULAR
    IRREGULAR
