"""The syntax tree: what the author wrote, in the author's own terms.

Nodes are frozen and compare by meaning: a node's span tells where it stands in the source and takes
no part in equality, so that printing a tree and parsing it again gives an equal tree. Names are not
resolved here and units are not converted; the compiler does both. The node sets are closed: each
union below lists its members, and a ``match`` over one ends in ``assert_never``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from clausal.dsl.source import Span

NOWHERE = Span(0, 0)
"""The span of a node that was built by a program rather than parsed."""


def _span() -> Span:
    return field(default=NOWHERE, compare=False, repr=False)


# ── Words ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier, or several joined by dots: ``standard.platform``."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Path:
    """A field of an event, outermost group first: ``content.score.staged``, ``content.score["a-b"]``.

    A path of one part may also be the name of a ``let``, ``param``, ``tally`` or ``table``, or the
    value of an enum; the compiler tells them apart.
    """

    parts: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Text:
    """One text in one language; ``language`` is "zh", "en", or "" where the author named none."""

    language: str
    value: str
    span: Span = _span()


Texts = tuple[Text, ...]

# ── Literals ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: its digits and its suffix ("", "%", "k", "M", "千", "万", "百万", "亿")."""

    digits: Decimal
    suffix: str = ""
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as written; ``unit`` is one of s m h d w or a Chinese unit (小时, 天, ...)."""

    amount: Decimal
    unit: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day, ``2024-04-23``, in the policy's time zone."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time, ``2024-05-01T12:00+08:00``; without an offset, in the policy's time zone."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class String:
    """A text in quotes, without them and with its escapes resolved."""

    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``."""

    value: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of literals, ``[likes, comments]``."""

    items: tuple[Literal, ...]
    span: Span = _span()


Literal = Number | Duration | Date | Instant | String | Boolean | Name | ListOf

# ── Expressions ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Or:
    """``a or b or c``: two items or more."""

    items: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class And:
    """``a and b and c``: two items or more."""

    items: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Not:
    """``not a``."""

    item: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain of comparisons: ``0.2 <= x < 0.5`` has three operands and two operators.

    Operators are "<", "<=", ">", ">=", "==" and "!=".
    """

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class In:
    """``x in [a, b]``, or ``x not in [a, b]`` when negated; a name stands for a ``terms`` list."""

    item: Expression
    values: ListOf | Name
    negated: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Has:
    """``x has any [a, b]`` (``every`` false) or ``x has all [a, b]`` (``every`` true)."""

    item: Expression
    values: ListOf | Name
    every: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Between:
    """``x between 22:00 and 06:00``: wall clock, half-open, over midnight if the end is earlier."""

    item: Expression
    start: str
    end: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Contains:
    """``text contains any TERMS``; ``terms`` is a name or a list of strings."""

    item: Expression
    terms: ListOf | Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Matches:
    """``text matches /pattern/``; the pattern is kept as written between the slashes."""

    item: Expression
    pattern: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class IsMissing:
    """``x is missing``, or ``x is not missing`` when negated."""

    item: Expression
    negated: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left + right`` with one of "+", "-", "*", "/"."""

    operator: str
    left: Expression
    right: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Minus:
    """``-x``; a minus before the digits of a number belongs to the number instead."""

    item: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class CountOf:
    """``count of content.declared``: how many elements a set holds."""

    path: Path
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class StrikesOf:
    """``strikes of fabrication``: active strikes of the ladder's subject."""

    ladder: Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Similarity:
    """``similarity(content.text, known_hoaxes)``: a share, 1 for an identical sample."""

    path: Path
    samples: Name
    span: Span = _span()


Expression = (
    Or
    | And
    | Not
    | Compare
    | In
    | Has
    | Between
    | Contains
    | Matches
    | IsMissing
    | Arithmetic
    | Minus
    | CountOf
    | StrikesOf
    | Similarity
    | Path
    | Number
    | Duration
    | Date
    | Instant
    | String
    | Boolean
)

# ── Types ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ScalarType:
    """bool, integer, number, share, string, text, instant, duration or date."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A value of an enum and what it is called in texts for users."""

    name: Name
    labels: Texts = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class EnumType:
    """``enum [a, b]``."""

    values: tuple[EnumValue, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class SetType:
    """``set of T``."""

    item: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class MapType:
    """``map of T``: open keys, such as the names of classifiers."""

    item: Type
    span: Span = _span()


Type = ScalarType | EnumType | SetType | MapType

# ── Headers ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Title:
    """What the policy, rule or sanction is called."""

    texts: Texts
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Notice:
    """The file of the notice that the policy encodes."""

    file: String
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class InForce:
    """Half-open; without an end the policy holds until a later version says otherwise.

    Without a start the dates are unknown, and the policy does not hold until somebody sets them.
    """

    start: Date | Instant | None
    end: Date | Instant | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TimeZone:
    """The zone in which days and times of day are meant, by its IANA name."""

    name: String
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Use:
    """A library and the version asked for: ``1`` takes the newest 1.x.y, ``1.2`` the newest 1.2.y."""

    library: Name
    version: str
    span: Span = _span()


HeaderEntry = Title | Notice | InForce | TimeZone | Use


@dataclass(frozen=True, slots=True)
class Policy:
    """``policy NAME VERSION { ... }``: the header of a file of rules."""

    name: Name
    version: str
    entries: tuple[HeaderEntry, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Library:
    """``library NAME VERSION { ... }``: the header of a file that others use."""

    name: Name
    version: str
    entries: tuple[HeaderEntry, ...] = ()
    span: Span = _span()


# ── Notice ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the notice, quoted; ``status`` is "", "organisational", "pending", "not enforced"."""

    id: Name
    quote: String
    status: str = ""
    reason: Texts = ()
    span: Span = _span()


# ── Libraries ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EventEntry:
    """Which field plays a role that the evaluator needs; ``role`` is "time" or "id"."""

    role: str
    path: Path
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Event:
    """Which fields of an event mean something to the evaluator itself."""

    entries: tuple[EventEntry, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a measure can be applied to, and the field that identifies it."""

    name: Name
    by: Path
    labels: Texts = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a schema."""

    name: Name
    type: Type
    required: bool = False
    labels: Texts = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under a common name: ``review { verdict enum [...] }``."""

    name: Name
    fields: tuple[Field | Group, ...]
    labels: Texts = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of one top-level group of an event."""

    name: Name
    fields: tuple[Field | Group, ...]
    labels: Texts = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a sanction, with the value that it takes when a measure does not give one."""

    name: Name
    type: Type
    default: Literal | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class On:
    """The kinds of target that the sanction can be applied to."""

    targets: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Grade:
    """How heavy the sanction is: the higher, the heavier."""

    value: Number
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Needs:
    """What every measure of the sanction must have: "duration", "review" or "review by two"."""

    what: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Permanence:
    """Either "permanent" (never ends by itself) or "once" (an act without a period)."""

    kind: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Joins:
    """How measures of one kind on one target join.

    ``law`` is "strictest", "highest", "lowest" (each pointwise over time), "union" or "latest";
    ``parameter`` names the parameter that "highest" and "lowest" compare.
    """

    law: str
    parameter: Name | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Implies:
    """Lesser sanctions that this one includes."""

    sanctions: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Wording:
    """What the affected user is told about a measure of this sanction."""

    texts: Texts
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Dsa:
    """The value of the European transparency database that stands for the sanction."""

    value: Name
    span: Span = _span()


SanctionEntry = Title | On | Grade | Needs | Permanence | Joins | Implies | Wording | Dsa


@dataclass(frozen=True, slots=True)
class Sanction:
    """A kind of consequence, declared by a library."""

    name: Name
    parameters: tuple[Parameter, ...]
    entries: tuple[SanctionEntry, ...]
    span: Span = _span()


# ── Procedure ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Same:
    """What findings of one incident have in common: a field, or the policy if there is no path.

    ``within`` is how far from the first of them the others may lie; None: as far as they like.
    """

    path: Path | None
    within: Duration | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Incident:
    """Which findings of one target are one incident: those that share any of ``same``."""

    by: Name
    same: tuple[Same, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Deadline:
    """A shorter time for measures from a grade up, or without a grade for interim measures."""

    within: Duration
    grade: Number | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long people have; of several times that apply, the shortest."""

    within: Duration
    others: tuple[Deadline, ...] = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Reviews:
    """How long people have for a review."""

    deadlines: Deadlines
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Lapse:
    """What ends when nobody reviewed it in time: "interim" or "proposed" measures."""

    pending: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Appeals:
    """How long a decision can be appealed against, and whether ``again`` with new evidence."""

    within: Duration
    again: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Decisions:
    """How long people have to decide an appeal."""

    deadlines: Deadlines
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Late:
    """The sanctions that are lifted when an appeal is not decided in time."""

    sanctions: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Delay:
    """The sanctions that take effect only when the time for appeals is over."""

    sanctions: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Pause:
    """Strikes below a severity (all without one) do not count while an appeal is undecided."""

    below: Name | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class AgeFrom:
    """The age that is too old from a severity up."""

    over: Number | Duration
    severity: Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TooOld:
    """Items whose age, a field, is over this carry no strike."""

    path: Path
    over: Number | Duration
    others: tuple[AgeFrom, ...] = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Keep:
    """How long data are kept after one of these sanctions took effect."""

    length: Duration
    sanctions: tuple[Name, ...]
    span: Span = _span()


ProcedureEntry = (
    Title | Reviews | Lapse | Appeals | Decisions | Late | Delay | Pause | TooOld | Keep
)


@dataclass(frozen=True, slots=True)
class Procedure:
    """How people take part in decisions, and in which time."""

    entries: tuple[ProcedureEntry, ...]
    span: Span = _span()


# ── Names that rules use ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Param:
    """A tunable value; ``range`` bounds it, both ends included."""

    name: Name
    value: Literal
    range: tuple[Literal, Literal] | None = None
    labels: Texts = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class FileOf:
    """A file beside the policy that holds a list, one entry a line."""

    file: String
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Terms:
    """A named list of words and phrases to search texts for."""

    name: Name
    source: ListOf | FileOf
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Let:
    """A named condition or value."""

    name: Name
    value: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Tally:
    """A figure over a sliding window; ``kind`` is "count", "distinct", "sum" or "rate"."""

    name: Name
    kind: str
    of: Path | None
    by: Path
    over: Duration
    where: Expression | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Samples:
    """Known texts, to which the field `on` is compared."""

    name: Name
    source: ListOf | FileOf
    on: Path
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class AnyCell:
    """A cell that every value fits."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class RangeCell:
    """A half-open range of numbers; an absent end is open."""

    start: Literal | None
    end: Literal | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ValueCell:
    """One value or a list of them."""

    value: Name | Boolean | ListOf
    span: Span = _span()


Cell = AnyCell | RangeCell | ValueCell


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a decision table: its conditions, in the order of the columns, and its result."""

    cells: tuple[Cell, ...]
    result: Literal
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table: one row fits each combination of its columns, and gives a number."""

    name: Name
    columns: tuple[Path, ...]
    rows: tuple[Row, ...]
    span: Span = _span()


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Argument:
    """``name`` is None for a positional argument."""

    name: Name | None
    value: Literal
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class UntilFixed:
    """The measure ends when the rule no longer fires for its target, and after ``within`` at most."""

    within: Duration | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Measure:
    """A sanction (or a ``bundle`` of measures) with its arguments, target, period and safeguards.

    ``review`` is the number of people who must decide before it takes effect: 0, 1 or 2.
    """

    sanction: Name
    arguments: tuple[Argument, ...] = ()
    target: Name | None = None
    period: Duration | UntilFixed | None = None
    interim: bool = False
    review: int = 0
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class LadderStrike:
    """``ladder fabrication``: one strike on the ladder, and the measures of the step it leads to.

    On a ladder of points ``family`` is there; ``points`` is a number, or the name of a param or of a
    table, and where it is left out the severity of the rule says how much the strike weighs.
    """

    ladder: Name
    family: Name | None = None
    points: Number | Name | None = None
    span: Span = _span()


Consequence = Measure | LadderStrike


@dataclass(frozen=True, slots=True)
class MeasureSet:
    """``bundle NAME = ...``: measures that belong together, used as one."""

    name: Name
    measures: tuple[Measure, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Step:
    """``2 => ...`` or, with ``and_above``, ``4+ => ...``."""

    number: int
    and_above: bool
    consequences: tuple[Consequence, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Families:
    """``families [truth, fraud]``: the kinds of conduct whose points add up by themselves."""

    values: tuple[EnumValue, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Weight:
    """``low 1``: the points of a strike by a rule of that severity."""

    severity: Name
    points: Number
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Weights:
    """``points low 1, medium 2``."""

    weights: tuple[Weight, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Counts:
    """``counts family, half of all``: of these sums of active points the greatest counts.

    Each is "family", "all" or "half of all".
    """

    sums: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Lifetime:
    """``365d from 3 points``; a length of None is written ``permanent``."""

    length: Duration | None
    points: Number | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Life:
    """``life 90d, 365d from 3 points``: how long a strike is active, by its points."""

    spans: tuple[Lifetime, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Jump:
    """``severe step 5``: a strike by a rule of that severity leads to that step at least."""

    severity: Name
    step: int
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Jumps:
    """``from severe step 5, critical step 6``."""

    jumps: tuple[Jump, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Probation:
    """``probation 30d after mute``."""

    length: Duration
    sanction: Name
    span: Span = _span()


LadderEntry = Families | Weights | Counts | Life | Jumps | Probation


@dataclass(frozen=True, slots=True)
class Ladder:
    """Graded measures for repeated conduct of one subject.

    With ``within`` it counts strikes within that window, and without it their points add up as its
    ``entries`` say; then a step has the number of points from which it holds.
    """

    name: Name
    by: Name
    within: Duration | None
    steps: tuple[Step, ...]
    labels: Texts = ()
    entries: tuple[LadderEntry, ...] = ()
    span: Span = _span()


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Citation:
    """A clause, and the fingerprint (8 hex digits) under which the rule was affirmed, if pinned."""

    clause: Name
    pin: str | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Cites:
    """The clauses on which the rule rests."""

    citations: tuple[Citation, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Supersedes:
    """The rules of other policies whose place the rule takes, each "policy.rule"."""

    rules: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class When:
    """The rule fires only where this is true."""

    condition: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Unless:
    """The rule fires only where this is false: an exception."""

    condition: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Severity:
    """How grave the conduct is; a word of the platform."""

    level: Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Mode:
    """Either "enforce" or "shadow": evaluated and reported, never enforced."""

    mode: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Rollout:
    """Enforced for this share of the keys, in shadow for the rest."""

    share: Number
    by: Path
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Brake:
    """The rule goes into shadow when it fires for more targets of a kind in a day.

    ``most`` is a number of them, or a share, which holds once there are more than ``least``;
    ``after_change`` is how long after a change of the rule the brake holds, None: always.
    """

    most: Number
    by: Name
    least: Number | None = None
    after_change: Duration | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Then:
    """Measures that the rule asks for."""

    consequences: tuple[Consequence, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Because:
    """The reason that the affected user is shown."""

    texts: Texts
    span: Span = _span()


RuleEntry = (
    Title | Cites | Supersedes | When | Unless | Severity | Mode | Rollout | Brake | Then | Because
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One conditional provision."""

    name: Name
    entries: tuple[RuleEntry, ...]
    span: Span = _span()


# ── Duties ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured of the rows of a table.

    ``statistic`` is "mean", "median", "percentile", "most", "least" or "latest" of one column, or,
    with a ``unit`` ("hours", "days"), of the time from the first column to the second; or "share"
    of one boolean column (among another), "ratio" of one column to another, or "count". ``rank``
    is the percentile's.
    """

    statistic: str
    columns: tuple[Name, ...]
    unit: str = ""
    rank: Number | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class InTable:
    """The table whose rows are measured."""

    table: Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """The column that says to which time, so to which window, a row belongs."""

    column: Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Threshold:
    """``at most`` or ``at least`` (``kind``) so much: a literal, or a ``param``.

    It holds in each window, or with ``per_period`` for the whole period that is reported on.
    """

    kind: str
    value: Number | Duration | Name
    per_period: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Over:
    """The length of the windows into which a period is cut."""

    window: Duration
    span: Span = _span()


DutyEntry = Title | Cites | Figure | InTable | TimeColumn | Threshold | Over | Because


@dataclass(frozen=True, slots=True)
class Duty:
    """What a platform owes over a period."""

    name: Name
    entries: tuple[DutyEntry, ...]
    span: Span = _span()


# ── Tests ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class At:
    """The instant of the act."""

    moment: Date | Instant
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Decided:
    """The instant of the decision; the act's own when a test does not say."""

    moment: Date | Instant
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Missing:
    """The value of a field that is taken away."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Failed:
    """The value of a signal that was asked for and failed."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Served:
    """``served step 3 until 2024-06-04``: the step of a measure that has ended, and when it did."""

    step: int
    until: Date | Instant
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class PastStrike:
    """``2 truth at 2024-04-15 until 2024-07-14``; without ``at``: the active points of a family."""

    points: Number
    family: Name
    at: Date | Instant | None = None
    until: Date | Instant | None = None
    served: Served | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class PastStrikes:
    """``[2 truth at 2024-03-01, 1 fraud at 2024-04-15]``: the history of a ladder of points."""

    strikes: tuple[PastStrike, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Assignment:
    """A field of the event, or the history of a ladder, tally or samples list, and its value."""

    path: Path
    value: Literal | Missing | Failed | PastStrikes
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Given:
    """Fields of the event that the test evaluates."""

    assignments: tuple[Assignment, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ExpectMeasure:
    """A rule that fires, or a measure that is decided; ``bound`` compares its strength parameter.

    With nothing but a name it may be either; the compiler tells which.
    """

    name: Name
    negated: bool = False
    bound: tuple[str, Number] | None = None
    arguments: tuple[Argument, ...] = ()
    target: Name | None = None
    period: Duration | UntilFixed | None = None
    interim: bool = False
    review: int = 0
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ExpectUndetermined:
    """The rule could not be settled, for want of fields."""

    rule: Name
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ExpectStep:
    """The ladder stands at this step."""

    ladder: Name
    step: int
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ExpectOnly:
    """Exactly these rules fire."""

    rules: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ExpectNothing:
    """No rule fires."""

    span: Span = _span()


Expectation = ExpectMeasure | ExpectUndetermined | ExpectStep | ExpectOnly | ExpectNothing


@dataclass(frozen=True, slots=True)
class Expect:
    """What the test expects of the decision."""

    expectations: tuple[Expectation, ...]
    span: Span = _span()


TestEntry = At | Decided | Given | Expect


@dataclass(frozen=True, slots=True)
class Test:
    """An event, its history, and the decision expected."""

    title: String
    entries: tuple[TestEntry, ...]
    span: Span = _span()


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Broken:
    """A declaration that could not be parsed; its name is kept so that uses of it are not blamed."""

    kind: str
    name: str
    span: Span = _span()


Declaration = (
    Policy
    | Library
    | Clause
    | Event
    | Target
    | Schema
    | Sanction
    | Param
    | Terms
    | Let
    | Tally
    | Samples
    | Table
    | MeasureSet
    | Ladder
    | Rule
    | Duty
    | Incident
    | Procedure
    | Test
    | Broken
)


@dataclass(frozen=True, slots=True)
class Comment:
    """A ``#`` comment; ``own_line`` when nothing but space stands before it on its line."""

    text: str
    own_line: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class File:
    """A parsed file: its declarations in the order written, and its comments beside them."""

    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...] = ()
    span: Span = _span()


def operands(node: Expression) -> Iterator[Expression]:
    """The expressions directly inside ``node``, left to right."""
    match node:
        case Or(items) | And(items):
            yield from items
        case Not(item) | Minus(item):
            yield item
        case Compare(operands=parts):
            yield from parts
        case Arithmetic(left=left, right=right):
            yield left
            yield right
        case In() | Has() | Between() | Contains() | Matches() | IsMissing():
            yield node.item
        case _:
            return
