"""Clausal side by side with what one would use instead, on the same rules and events.

Each module is one other way of doing the work, in the best form that its authors recommend or that
we could find; `registry` names them all. `runner` holds every answer against the plain meaning of
the rules, the reference interpreter and Clausal before it times anything.
"""
