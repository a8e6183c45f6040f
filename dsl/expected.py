"""What the grammar would have accepted, in words: few of them, and the most telling first."""

from __future__ import annotations

from typing import Final

from clausal.dsl.tables import DECLARATIONS, END, grammar

_MOST: Final = 8

_OPERANDS: Final = frozenset(
    {
        *("NAME", "NUMBER", "DURATION", "STRING", "DATE", "INSTANT", "MINUS", "_LPAR"),
        *("true", "false", "count", "strikes", "similarity"),
    }
)
_LITERALS: Final = _OPERANDS - {"count", "strikes", "similarity", "_LPAR"} | {"_LSQB"}
_OPERATORS: Final = frozenset(
    {
        *("PLUS", "MINUS", "STAR", "SLASH", "COMPARE", "EQUALS"),
        *("in", "not", "has", "between", "contains", "matches", "is"),
    }
)
_TYPES: Final = frozenset(
    {
        *("bool", "integer", "number", "share", "string", "text", "instant", "duration", "date"),
        *("enum", "set", "map"),
    }
)
_IN_HEADER: Final = frozenset({"title", "notice", "in", "time", "use"})
_IN_SANCTION: Final = frozenset(
    {
        *("title", "on", "grade", "needs", "permanent", "once", "joins", "implies"),
        *("wording", "dsa"),
    }
)
_IN_RULE: Final = frozenset(
    {
        *("title", "cites", "supersedes", "when", "unless", "severity", "mode", "rollout", "brake"),
        *("then", "because"),
    }
)
_IN_DUTY: Final = frozenset({"title", "cites", "measure", "in", "time", "at", "over", "because"})
_IN_PROCEDURE: Final = frozenset(
    {
        *("title", "review", "lapse", "appeal", "decide", "late", "appeals", "no", "keep"),
    }
)
_IN_LADDER: Final = frozenset({"families", "points", "counts", "life", "from", "probation", "STEP"})
_IN_TEST: Final = frozenset({"at", "decided", "given", "expect"})

_GROUPS: Final = (
    # What tells that the group is meant, what to call it, and what that covers.
    ({"not", "count"}, "a condition", _OPERANDS | {"not"}),
    ({"count", "NAME"}, "a value", _OPERANDS),
    ({"NAME", "NUMBER", "true"}, "a value", _LITERALS),
    ({"PLUS", "COMPARE"}, "an operator", _OPERATORS),
    ({"bool", "enum"}, "a type", _TYPES),
    ({"rule", "test"}, "a declaration", frozenset({*DECLARATIONS, END})),
    ({"when", "then"}, "an entry (`when`, `then`, …)", _IN_RULE),
    ({"measure", "over"}, "an entry (`measure`, `in`, …)", _IN_DUTY),
    ({"review", "appeal"}, "an entry (`review`, `appeal`, …)", _IN_PROCEDURE),
    ({"grade", "wording"}, "an entry (`on`, `grade`, …)", _IN_SANCTION),
    ({"notice", "use"}, "an entry (`title`, `use`, …)", _IN_HEADER),
    (
        {"families", "life"},
        "an entry (`families`, `points`, …) or a step such as `2 =>`",
        _IN_LADDER,
    ),
    ({"given", "expect"}, "an entry (`given`, `expect`, …)", _IN_TEST),
    ({"DATE", "INSTANT"}, "a date or a time", {"DATE", "INSTANT"}),
)
"""What is named together, tried in this order; keywords are given as their words."""

_KINDS: Final = {
    "LANG": "`zh`, `en`",
    "NAME": "a name",
    "NUMBER": "a number",
    "DURATION": "a duration",
    "CLOCK": "a time of day such as `22:00`",
    "STRING": 'a text in `"…"`',
    "REGEX": "a pattern in `/…/`",
    "VERSION": "a version such as `1.0.0`",
    "CLAUSE_ID": "the number of a clause",
    "_FROM_POINTS": "`from`",
    "PIN": "the fingerprint of a clause",
    "STEP": "a step such as `2 =>`",
    "EVENT_ROLE": "`time`, `id`",
}

_SIGNS: Final = {
    "COMPARE": "a comparison",
    "_DOTDOT": "`..`",
    "_EQUAL": "`=`",
    "_ARROW": "`=>`",
    "_COMMA": "`,`",
    "_LPAR": "`(`",
    "_RPAR": "`)`",
    "_LBRACE": "`{`",
    "_RSQB": "`]`",
    "_RBRACE": "`}`",
    "_LSQB": "`[`",
    "_DOT": "`.`",
}
"""The last two go on with a path: what is said least."""


def expected_words(expected: frozenset[str]) -> frozenset[str]:
    """The keywords among the terminals."""
    return frozenset(word for word, name in grammar().keywords.items() if name in expected)


def described(expected: frozenset[str]) -> str:
    """The terminals as "expected ... or ...", or nothing if there are none."""
    words = {name: word for word, name in grammar().keywords.items()}
    rest = {words.get(terminal, terminal) for terminal in expected}
    said: list[str] = []
    for telling, text, covered in _GROUPS:
        if telling <= rest:
            said.append(text)
            rest -= covered
    if "NUMBER" in rest:
        rest.discard("MINUS")
    said += [text for name, text in _KINDS.items() if name in rest]
    said += [f"`{word}`" for word in sorted(rest.intersection(words.values()))]
    said += [text for name, text in _SIGNS.items() if name in rest]
    said = said[:_MOST]
    return f"expected {', '.join(said[:-1])}{' or ' * (len(said) > 1)}{said[-1]}" if said else ""
