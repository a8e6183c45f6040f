"""Syntax trees as the parser can make them: every node kind, every precedence, awkward texts.

A keyword is a keyword only where the grammar expects one, so most names below may be keywords too;
`names` is told which words are taken where the name stands.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from clausal.dsl import nodes
from clausal.dsl.parser import keywords
from clausal.dsl.render.visible import is_hidden
from clausal.dsl.tables import grammar

KEYWORDS = keywords()
_SCALARS = ["bool", "integer", "number", "share", "string", "text", "instant", "duration", "date"]
_UNITS = ["s", "m", "h", "d", "w", "毫秒", "秒钟", "秒", "分钟", "个小时", "小时", "天", "日", "周"]

# ── Words ────────────────────────────────────────────────────────────────────────────────────────

TYPICAL = [
    "content",
    "账号",
    "topic",
    "score",
    "views_1h",
    "a",
    "话题",
    "x1",
    "_",
    "é",
    "zhong",
    "end_",
]


def _identifier(text: str) -> str:
    """As much of the text as a name may hold."""
    seen = "".join(character for character in text if not is_hidden(character))
    found = grammar().name.search(unicodedata.normalize("NFC", seen))
    return found.group() if found else "n"


IDENTIFIERS = st.one_of(
    st.sampled_from(TYPICAL),
    st.text(st.characters(categories=["L", "M", "N", "Pc"]), max_size=6).map(_identifier),
    st.text(max_size=4).map(lambda text: _identifier(f"n{text}")),
)


def names(*taken: str) -> st.SearchStrategy[nodes.Name]:
    """Names, keywords among them, but for the words that mean something else at this place."""
    usable = sorted(KEYWORDS - set(taken))
    text = st.one_of(IDENTIFIERS, IDENTIFIERS, st.sampled_from(usable))
    return text.filter(lambda name: name not in taken).map(nodes.Name)


NAMES = names()
PLAIN = IDENTIFIERS.filter(lambda text: text not in {*KEYWORDS, "zh", "en"}).map(nodes.Name)
DOTTED = st.lists(NAMES, min_size=1, max_size=3).map(
    lambda parts: nodes.Name(".".join(part.text for part in parts))
)

AWKWARD = st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        "\t",
        "\r",
        "{",
        "}",
        "“",
        "”",
        "‘",
        "#",
        "\x00",
        "\x1b",
        "\x7f",
        "\x85",
        "\u200b",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\u3000",
        "，",
        "。",
        "清朗",
        "e\u0301",
        "👩\u200d💻",
        "/*",
    ]
)
STRINGS_OF = st.one_of(
    st.sampled_from(["", "造假", "a text", "发布{content.topic}类信息须标注“来源”"]),
    st.lists(AWKWARD | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)).map("".join),
)
STRINGS = STRINGS_OF.map(nodes.String)


def paths(*taken: str) -> st.SearchStrategy[nodes.Path]:
    """Paths whose first part is none of the words taken; later parts may be anything."""
    later = st.one_of(NAMES.map(lambda name: name.text), STRINGS_OF)
    return st.builds(
        lambda first, rest: nodes.Path((first.text, *rest)),
        names(*taken),
        st.lists(later, max_size=3),
    )


PATHS = paths()


def texts() -> st.SearchStrategy[nodes.Texts]:
    """One text without a language, or some with theirs."""
    alone = st.builds(nodes.Text, st.just(""), STRINGS_OF).map(lambda text: (text,))
    return alone | labels(1)


def labels(at_least: int = 0) -> st.SearchStrategy[nodes.Texts]:
    text = st.builds(nodes.Text, st.sampled_from(["zh", "en"]), STRINGS_OF)
    return st.lists(text, min_size=at_least, max_size=3).map(tuple)


# ── Literals ─────────────────────────────────────────────────────────────────────────────────────

_DIGITS = st.one_of(
    st.integers(0, 10**9).map(Decimal),
    st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from(["0.50", "1E+5", "1E-7", "12345678901234567890.5", "0"]).map(Decimal),
)
COUNTS = st.builds(
    nodes.Number, _DIGITS, st.sampled_from(["", "%", "k", "M", "千", "万", "百万", "亿"])
)
NUMBERS = st.one_of(
    COUNTS, COUNTS.map(lambda number: nodes.Number(number.digits.copy_negate(), number.suffix))
)
DURATIONS = st.builds(
    nodes.Duration,
    st.integers(0, 10**6).map(Decimal) | st.decimals(0, 1000, places=2),
    st.sampled_from(_UNITS),
)
DATES = st.dates().map(lambda day: nodes.Date(day.isoformat()))
INSTANTS = st.one_of(
    st.datetimes().map(lambda at: at.isoformat(timespec="minutes")),
    st.datetimes().map(lambda at: at.isoformat(timespec="seconds") + "Z"),
    st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "+08:00"),
).map(nodes.Instant)
MOMENTS = DATES | INSTANTS
BOOLEANS = st.booleans().map(nodes.Boolean)
CLOCKS = st.one_of(
    st.times().map(lambda time: time.isoformat(timespec="minutes")), st.just("24:00")
)
VALUES = names("true", "false")
LISTS = st.lists(st.one_of(NUMBERS, DURATIONS, STRINGS, BOOLEANS, VALUES, MOMENTS), max_size=5).map(
    lambda items: nodes.ListOf(tuple(items))
)
STRING_LISTS = st.lists(STRINGS, max_size=4).map(lambda items: nodes.ListOf(tuple(items)))
FILES = STRINGS.map(nodes.FileOf)
SIGNED = st.one_of(NUMBERS, DURATIONS, MOMENTS)

# ── Expressions ──────────────────────────────────────────────────────────────────────────────────

OPERANDS = ("count", "strikes", "similarity", "not", "true", "false")
_PATTERNS = st.lists(
    st.sampled_from(["a", "谣言", r"\/", r"\d+", "[^x]", " ", "#", '"', "(a|b)*", "“”"]), min_size=1
).map("".join)
_LEAVES = st.one_of(
    paths(*OPERANDS),
    NUMBERS,
    DURATIONS,
    MOMENTS,
    STRINGS,
    BOOLEANS,
    st.builds(nodes.CountOf, PATHS),
    st.builds(nodes.StrikesOf, NAMES),
    st.builds(nodes.Similarity, PATHS, NAMES),
)


def _compound(inner: st.SearchStrategy[nodes.Expression]) -> st.SearchStrategy[nodes.Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    compare = st.lists(st.tuples(signs, inner), min_size=1, max_size=2)
    values = LISTS | NAMES
    return st.one_of(
        st.builds(nodes.Or, several),
        st.builds(nodes.And, several),
        st.builds(nodes.Not, inner),
        st.builds(
            lambda first, rest: nodes.Compare(
                (first, *(operand for _, operand in rest)), tuple(sign for sign, _ in rest)
            ),
            inner,
            compare,
        ),
        st.builds(nodes.In, inner, values, st.booleans()),
        st.builds(nodes.Has, inner, values, st.booleans()),
        st.builds(nodes.Between, inner, CLOCKS, CLOCKS),
        st.builds(nodes.Contains, inner, STRING_LISTS | NAMES),
        st.builds(nodes.Matches, inner, _PATTERNS),
        st.builds(nodes.IsMissing, inner, st.booleans()),
        st.builds(nodes.Arithmetic, st.sampled_from("+-*/"), inner, inner),
        # A minus before a number without a sign is that number's sign.
        st.builds(
            nodes.Minus,
            inner.filter(lambda e: not isinstance(e, nodes.Number) or e.digits.is_signed()),
        ),
    )


EXPRESSIONS = st.recursive(_LEAVES, _compound, max_leaves=8)

# ── Measures ─────────────────────────────────────────────────────────────────────────────────────

_ARGUMENT_VALUES = st.one_of(NUMBERS, DURATIONS, STRINGS, BOOLEANS, PLAIN, LISTS)
_ARGUMENTS = st.lists(
    st.builds(nodes.Argument, st.none() | PLAIN, _ARGUMENT_VALUES), max_size=3
).map(tuple)
_PERIODS = st.one_of(st.none(), DURATIONS, st.builds(nodes.UntilFixed, st.none() | DURATIONS))
_SAFEGUARDS = {
    "arguments": _ARGUMENTS,
    "target": st.none() | NAMES,
    "period": _PERIODS,
    "interim": st.booleans(),
    "review": st.integers(0, 2),
}
MEASURES = st.builds(nodes.Measure, names("ladder"), **_SAFEGUARDS)
CONSEQUENCES = st.lists(
    st.one_of(
        MEASURES,
        st.builds(nodes.LadderStrike, NAMES),
        st.builds(nodes.LadderStrike, NAMES, NAMES, st.none() | COUNTS | NAMES),
    ),
    min_size=1,
    max_size=3,
).map(tuple)

# ── Declarations ─────────────────────────────────────────────────────────────────────────────────


def _some(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


def _several(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, min_size=1, max_size=4).map(tuple)


VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True)
CLAUSE_IDS = st.from_regex(
    r"[0-9]{1,2}[0-9A-Za-z]{0,2}(\.[0-9A-Za-z]{1,3}){0,2}", fullmatch=True
).map(nodes.Name)

HEADER_ENTRIES = st.one_of(
    st.builds(nodes.Title, texts()),
    st.builds(nodes.Notice, STRINGS),
    st.builds(nodes.InForce, MOMENTS, st.none() | MOMENTS),
    st.just(nodes.InForce(None, None)),
    st.builds(nodes.TimeZone, STRINGS),
    st.builds(nodes.Use, DOTTED, VERSIONS),
)
POLICIES = st.builds(nodes.Policy, DOTTED, VERSIONS, _some(HEADER_ENTRIES))
LIBRARIES = st.builds(nodes.Library, DOTTED, VERSIONS, _some(HEADER_ENTRIES))
CLAUSES = st.one_of(
    st.builds(nodes.Clause, CLAUSE_IDS, STRINGS),
    st.builds(
        nodes.Clause,
        CLAUSE_IDS,
        STRINGS,
        st.sampled_from(["organisational", "pending", "not enforced"]),
        st.just(()) | texts(),
    ),
)
EVENTS = st.builds(
    nodes.Event, _some(st.builds(nodes.EventEntry, st.sampled_from(["time", "id"]), PATHS))
)
TARGETS = st.builds(nodes.Target, NAMES, PATHS, labels())
TYPES = st.recursive(
    st.one_of(
        st.sampled_from(_SCALARS).map(nodes.ScalarType),
        st.builds(nodes.EnumType, _several(st.builds(nodes.EnumValue, NAMES, labels()))),
    ),
    lambda inner: st.builds(nodes.SetType, inner) | st.builds(nodes.MapType, inner),
    max_leaves=2,
)
FIELD_NAMES = names("required", "zh", "en")
FIELDS = st.recursive(
    st.builds(nodes.Field, FIELD_NAMES, TYPES, st.booleans(), labels()),
    lambda inner: st.builds(nodes.Group, FIELD_NAMES, _some(inner), labels()),
    max_leaves=4,
)
SCHEMAS = st.builds(nodes.Schema, NAMES, _some(FIELDS), labels())
_IN_SANCTION = [
    "dsa",
    "grade",
    "implies",
    "joins",
    "needs",
    "on",
    "once",
    "permanent",
    "title",
    "wording",
]
_SANCTION_NAMES = _several(names(*_IN_SANCTION))
SANCTION_ENTRIES = st.one_of(
    st.builds(nodes.Title, texts()),
    st.builds(nodes.On, _SANCTION_NAMES),
    st.builds(nodes.Grade, COUNTS),
    st.builds(nodes.Needs, st.sampled_from(["duration", "review", "review by two"])),
    st.builds(nodes.Permanence, st.sampled_from(["permanent", "once"])),
    st.builds(nodes.Joins, st.sampled_from(["strictest", "union", "latest"])),
    st.builds(nodes.Joins, st.sampled_from(["highest", "lowest"]), NAMES),
    st.builds(nodes.Implies, _SANCTION_NAMES),
    st.builds(nodes.Wording, texts()),
    st.builds(nodes.Dsa, NAMES),
)
PARAMETERS = st.builds(
    nodes.Parameter,
    NAMES,
    TYPES,
    st.none() | st.one_of(NUMBERS, DURATIONS, STRINGS, BOOLEANS, VALUES, LISTS),
)
SANCTIONS = st.builds(nodes.Sanction, NAMES, _some(PARAMETERS), _some(SANCTION_ENTRIES))
PARAMS = st.builds(nodes.Param, NAMES, SIGNED, st.none() | st.tuples(SIGNED, SIGNED), labels())
TERMS = st.builds(nodes.Terms, NAMES, STRING_LISTS | FILES)
LETS = st.builds(nodes.Let, NAMES, EXPRESSIONS)
_WHERE = st.none() | EXPRESSIONS
TALLIES = st.one_of(
    st.builds(
        nodes.Tally, NAMES, st.sampled_from(["count", "rate"]), st.none(), PATHS, DURATIONS, _WHERE
    ),
    st.builds(
        nodes.Tally, NAMES, st.sampled_from(["distinct", "sum"]), PATHS, PATHS, DURATIONS, _WHERE
    ),
)
SAMPLES = st.builds(nodes.Samples, NAMES, STRING_LISTS | FILES, PATHS)
CELLS = st.one_of(
    st.builds(nodes.AnyCell),
    st.builds(nodes.RangeCell, SIGNED, st.none() | SIGNED),
    st.builds(nodes.RangeCell, st.none(), SIGNED),
    st.builds(nodes.ValueCell, st.one_of(names("any", "true", "false"), BOOLEANS, LISTS)),
)
TABLES = st.builds(
    nodes.Table, NAMES, _several(PATHS), _some(st.builds(nodes.Row, _several(CELLS), SIGNED))
)
MEASURE_SETS = st.builds(nodes.MeasureSet, NAMES, _several(MEASURES))
STEPS = st.builds(nodes.Step, st.integers(0, 1000), st.booleans(), CONSEQUENCES)
LADDER_ENTRIES = st.one_of(
    st.builds(nodes.Families, _several(st.builds(nodes.EnumValue, NAMES, labels()))),
    st.builds(nodes.Weights, _several(st.builds(nodes.Weight, NAMES, COUNTS))),
    st.builds(nodes.Counts, _several(st.sampled_from(["family", "all", "half of all"]))),
    st.builds(
        nodes.Life,
        _several(st.builds(nodes.Lifetime, st.none() | DURATIONS, st.none() | COUNTS)),
    ),
    st.builds(nodes.Jumps, _several(st.builds(nodes.Jump, NAMES, st.integers(0, 1000)))),
    st.builds(nodes.Probation, DURATIONS, NAMES),
)
LADDERS = st.builds(
    nodes.Ladder,
    NAMES,
    NAMES,
    st.none() | DURATIONS,
    _some(STEPS),
    labels(),
    _some(LADDER_ENTRIES),
)
CITATIONS = st.builds(
    nodes.Citation, CLAUSE_IDS, st.none() | st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
)
RULE_ENTRIES = st.one_of(
    st.builds(nodes.Title, texts()),
    st.builds(nodes.Cites, _several(CITATIONS)),
    st.builds(nodes.When, EXPRESSIONS),
    st.builds(nodes.Unless, EXPRESSIONS),
    st.builds(nodes.Severity, NAMES),
    st.builds(nodes.Mode, st.sampled_from(["enforce", "shadow"])),
    st.builds(nodes.Supersedes, _several(DOTTED)),
    st.builds(nodes.Rollout, COUNTS, PATHS),
    st.builds(nodes.Brake, COUNTS, NAMES, st.none() | COUNTS, st.none() | DURATIONS),
    st.builds(nodes.Then, CONSEQUENCES),
    st.builds(nodes.Because, texts()),
)
RULES = st.builds(nodes.Rule, NAMES, _some(RULE_ENTRIES))

_SAME = st.one_of(
    st.builds(nodes.Same, paths("policy"), st.none() | DURATIONS),
    st.builds(nodes.Same, st.none(), DURATIONS),
)
INCIDENTS = st.builds(nodes.Incident, NAMES, _some(_SAME))
_IN_PROCEDURE = [
    "appeal",
    "appeals",
    "decide",
    "keep",
    "lapse",
    "late",
    "no",
    "review",
    "title",
]
_LIFTED = _several(names(*_IN_PROCEDURE))
_PENDING = st.sampled_from(["interim", "proposed"]).map(nodes.Name)
_DEADLINES = st.builds(
    nodes.Deadlines,
    DURATIONS,
    _some(st.builds(nodes.Deadline, DURATIONS, st.none() | COUNTS)),
)
_AGES = COUNTS | DURATIONS
PROCEDURE_ENTRIES = st.one_of(
    st.builds(nodes.Title, texts()),
    st.builds(nodes.Reviews, _DEADLINES),
    st.builds(nodes.Lapse, _several(_PENDING)),
    st.builds(nodes.Appeals, DURATIONS, st.booleans()),
    st.builds(nodes.Decisions, _DEADLINES),
    st.builds(nodes.Late, _LIFTED),
    st.builds(nodes.Delay, _LIFTED),
    st.builds(nodes.Pause, st.none() | NAMES),
    st.builds(nodes.TooOld, PATHS, _AGES, _some(st.builds(nodes.AgeFrom, _AGES, NAMES))),
    st.builds(nodes.Keep, DURATIONS, _LIFTED),
)
PROCEDURES = st.builds(nodes.Procedure, _some(PROCEDURE_ENTRIES))

COLUMNS = st.tuples(NAMES, NAMES)
STATISTICS = st.one_of(
    st.tuples(st.sampled_from(["mean", "median", "most", "least", "latest"]), st.none()),
    st.tuples(st.just("percentile"), COUNTS),
)
FIGURES = st.one_of(
    st.builds(lambda s, column: nodes.Figure(s[0], (column,), "", s[1]), STATISTICS, NAMES),
    st.builds(
        lambda s, columns, unit: nodes.Figure(s[0], columns, unit, s[1]),
        STATISTICS,
        COLUMNS,
        st.sampled_from(["hours", "days"]),
    ),
    st.builds(nodes.Figure, st.just("share"), COLUMNS | st.tuples(NAMES)),
    st.builds(nodes.Figure, st.just("ratio"), COLUMNS),
    st.builds(nodes.Figure, st.just("count"), st.just(()) | st.tuples(NAMES)),
)
DUTY_ENTRIES = st.one_of(
    st.builds(nodes.Title, texts()),
    st.builds(nodes.Cites, _several(CITATIONS)),
    FIGURES,
    st.builds(nodes.InTable, NAMES),
    st.builds(nodes.TimeColumn, NAMES),
    st.builds(
        nodes.Threshold,
        st.sampled_from(["most", "least"]),
        NUMBERS | DURATIONS | NAMES,
        st.booleans(),
    ),
    st.builds(nodes.Over, DURATIONS),
    st.builds(nodes.Because, texts()),
)
DUTIES = st.builds(nodes.Duty, NAMES, _some(DUTY_ENTRIES))

# ── Tests and files ──────────────────────────────────────────────────────────────────────────────

_FAMILIES = NAMES.filter(lambda name: grammar().quantity.fullmatch(f"2 {name.text}") is None)
"""Names that are no units: after a number these belong to it."""
PAST_STRIKES = st.builds(nodes.PastStrike, COUNTS, _FAMILIES) | st.builds(
    nodes.PastStrike,
    COUNTS,
    _FAMILIES,
    MOMENTS,
    st.none() | MOMENTS,
    st.none() | st.builds(nodes.Served, st.integers(0, 1000), MOMENTS),
)
_GIVEN_VALUES = st.one_of(
    NUMBERS,
    DURATIONS,
    STRINGS,
    BOOLEANS,
    names("true", "false", "missing", "failed"),
    LISTS,
    MOMENTS,
    st.builds(nodes.Missing),
    st.builds(nodes.Failed),
    st.builds(nodes.PastStrikes, _several(PAST_STRIKES)),
)
ASSIGNMENTS = st.builds(nodes.Assignment, paths("at", "decided", "expect", "given"), _GIVEN_VALUES)
EXPECTATIONS = st.one_of(
    st.builds(
        nodes.ExpectMeasure,
        names("ladder", "not", "nothing", "only", "undetermined"),
        negated=st.booleans(),
        bound=st.none() | st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), COUNTS),
        **_SAFEGUARDS,
    ),
    st.builds(nodes.ExpectUndetermined, NAMES),
    st.builds(nodes.ExpectStep, NAMES, st.integers(0, 1000)),
    st.builds(nodes.ExpectOnly, _some(NAMES)),
    st.builds(nodes.ExpectNothing),
)
TEST_ENTRIES = st.one_of(
    st.builds(nodes.At, MOMENTS),
    st.builds(nodes.Decided, MOMENTS),
    st.builds(nodes.Given, _several(ASSIGNMENTS)),
    st.builds(nodes.Expect, _several(EXPECTATIONS)),
)
TESTS = st.builds(nodes.Test, STRINGS, _some(TEST_ENTRIES))

DECLARATIONS: dict[type, st.SearchStrategy[Any]] = {
    nodes.Policy: POLICIES,
    nodes.Library: LIBRARIES,
    nodes.Clause: CLAUSES,
    nodes.Event: EVENTS,
    nodes.Target: TARGETS,
    nodes.Schema: SCHEMAS,
    nodes.Sanction: SANCTIONS,
    nodes.Param: PARAMS,
    nodes.Terms: TERMS,
    nodes.Let: LETS,
    nodes.Tally: TALLIES,
    nodes.Samples: SAMPLES,
    nodes.Table: TABLES,
    nodes.MeasureSet: MEASURE_SETS,
    nodes.Ladder: LADDERS,
    nodes.Rule: RULES,
    nodes.Duty: DUTIES,
    nodes.Incident: INCIDENTS,
    nodes.Procedure: PROCEDURES,
    nodes.Test: TESTS,
}
"""For each kind of declaration, its trees."""


@st.composite
def files(draw: st.DrawFn) -> nodes.File:
    """Files of a few declarations, without comments."""
    kinds = draw(st.lists(st.sampled_from(list(DECLARATIONS)), max_size=4))
    return nodes.File(tuple(draw(DECLARATIONS[kind]) for kind in kinds))
