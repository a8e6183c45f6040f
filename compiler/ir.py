"""The checked policies: names resolved to numbers, types settled, nothing optional left open.

``check`` builds a `Corpus` from syntax trees; the passes rewrite its conditions; ``emit`` lays them
out as the decision program. A rule's condition is three-valued, after Kleene: true, false, unknown.
Every node is an immutable value, so equal conditions are equal objects to a dictionary, and none is
part of a cycle: the garbage collector is spared them (``gc=False``), which makes loading ten thousand
rules ten times as fast and leaves nothing to walk through while events are decided.

What each condition means, given the values of the slots (the reference interpreter, in
``clausal.engine.reference``, is this table as code):

* a slot is *absent* (the event has no such field), *failed* (the signal was asked for and failed)
  or holds a value of its type;
* any condition on a slot that is absent or failed is unknown, but for `Absent`, which is true on an
  absent slot, unknown on a failed one, and false otherwise;
* a quantity that is not finite (a division by zero) is unknown, and so is a comparison with it.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from clausal.compiler.types import LARGEST_INTEGER, MICROSECONDS, Type

# ── Quantities ───────────────────────────────────────────────────────────────────────────────────


class Constant(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A number. ``origin`` is what it was folded from when that depends on a param, else None."""

    value: float
    origin: Quantity | None = None


class Param(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The value of `Corpus.params[index]`."""

    index: int


class Reading(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The value of a slot of a quantity type."""

    slot: int


class Count(msgspec.Struct, frozen=True, gc=False, tag=True):
    """How many elements a set slot holds."""

    slot: int


class Arithmetic(msgspec.Struct, frozen=True, gc=False, tag=True):
    """``left operator right`` in 64-bit floats; a result that is not finite is unknown."""

    operator: Literal["+", "-", "*", "/"]
    left: Quantity
    right: Quantity


Quantity = Constant | Param | Reading | Count | Arithmetic

# ── Conditions ───────────────────────────────────────────────────────────────────────────────────


class Truth(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A condition that does not depend on the event."""

    value: bool


class All(msgspec.Struct, frozen=True, gc=False, tag=True):
    """False if an item is false, else unknown if an item is unknown, else true."""

    items: tuple[Condition, ...]


class Any(msgspec.Struct, frozen=True, gc=False, tag=True):
    """True if an item is true, else unknown if an item is unknown, else false."""

    items: tuple[Condition, ...]


class Negation(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Unknown stays unknown."""

    item: Condition


class Flag(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The value of a bool slot."""

    slot: int


class Comparison(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Two quantities of types that the checker found comparable."""

    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Quantity
    right: Quantity


class Member(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether an enum, string or text slot holds exactly one of ``values`` (sorted, not empty)."""

    slot: int
    values: tuple[str, ...]


class Same(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether two enum or two string slots hold the same value; ``left`` < ``right``."""

    left: int
    right: int


class Overlap(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether a set slot holds any (or, with ``every``, all) of ``values`` (sorted, not empty)."""

    slot: int
    values: tuple[str, ...]
    every: bool


class Absent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """``is missing``."""

    slot: int


class WallClock(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether the local time of day of an instant slot lies in [start, end).

    ``start`` and ``end`` are minutes after midnight, 0 to 1440; an end that is not after the start
    is on the next day. ``zone`` is an IANA name.
    """

    slot: int
    zone: str
    start: int
    end: int


class Mentions(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether a text slot, folded, contains any term of `Corpus.terms[terms]`."""

    slot: int
    terms: int


class Pattern(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether a string slot, or a text slot folded, matches a regular expression somewhere."""

    slot: int
    pattern: str


class Predicate(msgspec.Struct, frozen=True, gc=False, tag=True):
    """`Corpus.predicates[index]`, or its negation: what ``intern_predicates`` leaves."""

    index: int
    negated: bool = False


class Shared(msgspec.Struct, frozen=True, gc=False, tag=True):
    """`Corpus.shared[index]`: a sub-condition that occurs more than once."""

    index: int


Condition = (
    Truth
    | All
    | Any
    | Negation
    | Flag
    | Comparison
    | Member
    | Same
    | Overlap
    | Absent
    | WallClock
    | Mentions
    | Pattern
    | Predicate
    | Shared
)

ALWAYS: Final = Truth(True)
NEVER: Final = Truth(False)

Severity = Literal["info", "low", "medium", "high", "severe", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high", "severe", "critical")
"""From the lightest to the gravest."""

# ── What a corpus declares ───────────────────────────────────────────────────────────────────────


class Bilingual(msgspec.Struct, frozen=True, gc=False):
    """A text in both languages; a language that the author did not write is empty."""

    zh: str = ""
    en: str = ""


class Slot(msgspec.Struct, frozen=True, gc=False):
    """One input of the program.

    ``source`` says where its value comes from: a "field" of the event at ``path``, or the history:
    a "tally" (number), a "similarity" (share) or the "strikes" of a ladder (integer), whose path is
    the one qualified name of what was declared. A ladder of points has further slots of strikes for
    each family, whose paths go on with its name: one for its active points, and one that ends in
    "served" for the highest step that is on probation.
    """

    path: tuple[str, ...]
    type: Type
    source: Literal["field", "tally", "similarity", "strikes"] = "field"
    required: bool = False
    label: Bilingual = Bilingual()

    @property
    def name(self) -> str:
        """The path as an author writes it."""
        first, *rest = self.path
        parts = (f".{part}" if part.isidentifier() else f'["{part}"]' for part in rest)
        return first + "".join(parts)


class SchemaField(msgspec.Struct, frozen=True, gc=False):
    """A field of the event as a library declares it, whether a rule reads it or not."""

    path: tuple[str, ...]
    type: Type
    required: bool = False
    label: Bilingual = Bilingual()


class ParamDef(msgspec.Struct, frozen=True, gc=False):
    """A tunable value. ``name`` is qualified: ``cn.self_media_traffic.staged_cutoff``.

    ``type`` is the name of a quantity type; ``low`` and ``high``, both included, bound re-binding.
    """

    name: str
    type: str
    value: float
    low: float | None = None
    high: float | None = None
    label: Bilingual = Bilingual()


class TermsDef(msgspec.Struct, frozen=True, gc=False):
    """Words and phrases that texts are searched for."""

    name: str
    terms: tuple[str, ...]


class TallyDef(msgspec.Struct, frozen=True, gc=False):
    """A figure over a sliding window of earlier events, filled in before evaluation."""

    name: str
    kind: Literal["count", "distinct", "sum", "rate"]
    of: tuple[str, ...] | None
    by: tuple[str, ...]
    over: int
    where: Condition
    slot: int | None
    """The slot that rules read it through; None when no rule reads it."""


class SamplesDef(msgspec.Struct, frozen=True, gc=False):
    """Known items, and the text field that is held against them."""

    name: str
    items: tuple[str, ...]
    on: tuple[str, ...]
    slot: int | None


class TargetDef(msgspec.Struct, frozen=True, gc=False):
    """What a measure can be applied to; ``slot`` identifies it."""

    name: str
    slot: int
    label: Bilingual = Bilingual()


class SanctionParam(msgspec.Struct, frozen=True, gc=False):
    """``type`` is a share, number, integer, duration, bool, string, enum, or set of enum or string.

    An ordered enum (as the strength of a law) is ordered by declaration, the last the strictest.
    """

    name: str
    type: Type
    default: ArgumentValue | None = None


class Law(msgspec.Struct, frozen=True, gc=False):
    """How measures of one sanction on one target join: pointwise over time, the strictest wins.

    ``strength`` is the index of the parameter that is compared (None: all are equally strict), and
    ``lowest`` says that a smaller value is stricter. Elements of set parameters are joined one by
    one, so a union keeps the end of each. See ``clausal.engine.join``.
    """

    kind: Literal["strictest", "union", "latest"]
    strength: int | None = None
    lowest: bool = False


class SanctionDef(msgspec.Struct, frozen=True, gc=False):
    """``name`` is the name that policies use; ``implies`` are indices of other sanctions.

    ``review`` is the number of people that every measure needs before it takes effect.
    """

    name: str
    library: str
    params: tuple[SanctionParam, ...]
    targets: tuple[str, ...]
    grade: int
    law: Law
    needs_duration: bool = False
    review: int = 0
    permanent: bool = False
    once: bool = False
    implies: tuple[int, ...] = ()
    title: Bilingual = Bilingual()
    wording: Bilingual = Bilingual()
    dsa: str = ""


ArgumentValue = Constant | str | bool | tuple[str, ...]
"""The value of an argument: a quantity (perhaps folded from params), a name or text, a set."""


class MeasureDef(msgspec.Struct, frozen=True, gc=False):
    """A measure as a policy states it. Durations are microseconds.

    ``arguments`` has one value for each parameter of the sanction, defaults filled in. Exactly one
    holds: ``duration`` is given; ``until_fixed``; or neither, for a sanction that is permanent,
    that happens once, or that lasts until it is reversed.
    """

    sanction: int
    target: str
    arguments: tuple[ArgumentValue | None, ...] = ()
    duration: int | None = None
    until_fixed: bool = False
    within: int | None = None
    interim: bool = False
    review: int = 0


class StepDef(msgspec.Struct, frozen=True, gc=False):
    """The measures of one step; ``and_above`` on the last step only.

    ``since`` is the number of points from which it holds, on a ladder of points.
    """

    number: int
    and_above: bool
    measures: tuple[MeasureDef, ...]
    since: int = 0


class FamilyDef(msgspec.Struct, frozen=True, gc=False):
    """A kind of conduct whose points add up by themselves.

    ``slot`` holds its active points before this event, ``served`` the highest step of it that is on
    probation, 0 for none; the ladder has no probation where that is None.
    """

    name: str
    slot: int
    served: int | None = None
    label: Bilingual = Bilingual()


class LifeDef(msgspec.Struct, frozen=True, gc=False):
    """Strikes of so many ``points`` and more are active for ``length``; None: for ever."""

    points: int
    length: int | None


Sum = Literal["family", "all", "half of all"]
"""Active points that are added up; a half is rounded up."""


class PointsDef(msgspec.Struct, frozen=True, gc=False):
    """How the points of strikes add up.

    Families are sorted by name. Of ``sums`` the greatest counts. ``lives`` begin with 0 points and
    ascend; ``jumps`` say to which step at least a strike by a rule of a severity leads. A new strike
    leads at least to the step that its family last served, for ``probation`` after that ended: after the
    measure of the sanction named ``after`` did.
    """

    families: tuple[FamilyDef, ...]
    sums: tuple[Sum, ...]
    lives: tuple[LifeDef, ...]
    jumps: tuple[tuple[Severity, int], ...] = ()
    probation: int = 0
    after: str = ""


class LadderDef(msgspec.Struct, frozen=True, gc=False):
    """Graded measures for repeated conduct of a target. Steps run from 1 without gaps.

    One without ``points`` counts strikes, each active for ``within`` after its issue. One with
    ``points`` adds these up, and ``within`` is 0. ``slot`` holds the number of active strikes, or of
    all active points, before this event. ``version`` is None for a ladder of a library.
    """

    name: str
    version: int | None
    target: str
    within: int
    steps: tuple[StepDef, ...]
    slot: int
    label: Bilingual = Bilingual()
    points: PointsDef | None = None


class Hole(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A place in a text that takes the value of a slot."""

    slot: int


Template = tuple[str | Hole, ...]
"""A text for users: fixed parts and holes."""


class ClauseDef(msgspec.Struct, frozen=True, gc=False):
    """``status`` is "" (cited by rules or duties, or unaccounted), organisational, pending or not enforced.

    ``fingerprint`` is the first 8 hex digits of SHA-256 over the quote in NFC with white space
    taken out, so that a change of layout is no change of the text.
    """

    id: str
    quote: str
    version: int
    fingerprint: str
    status: str = ""
    reason: Bilingual = Bilingual()


UNKNOWN: Final = LARGEST_INTEGER
"""A start after every instant that an event or a policy can name."""


class VersionDef(msgspec.Struct, frozen=True, gc=False):
    """One version of a policy. Instants are microseconds since 1970, half-open, None: open.

    A ``start`` of `UNKNOWN` says that the dates are not known: no instant is that late, so the
    version is in force at none until somebody sets them.
    """

    policy: str
    version: str
    start: int
    end: int | None
    zone: str
    title: Bilingual = Bilingual()
    notice: str = ""
    source: str = ""


class WeightDef(msgspec.Struct, frozen=True, gc=False):
    """Where ``condition`` is true, a strike has so many ``points``: a quantity that no event changes."""

    condition: Condition
    points: Quantity


class StrikeDef(msgspec.Struct, frozen=True, gc=False):
    """What a rule does to a ladder of points, by its number.

    ``family`` is the number of one of its families; one of ``weights``, no more, fits each event.
    """

    ladder: int
    family: int
    weights: tuple[WeightDef, ...]


class BrakeDef(msgspec.Struct, frozen=True, gc=False):
    """When a rule is taken out of force until a person releases it: too many targets in a day.

    It trips at an instant when the rule has fired, in the `DAY` up to and including it, for more
    different targets of the kind ``target`` than ``limit``, and for more than the ``share`` of those
    that the ledger has seen an event of in that day. ``after_change`` restricts it to so many
    microseconds after the rule was changed; None: it always holds.
    """

    target: str
    limit: int = 0
    share: float = 0.0
    after_change: int | None = None


class RuleDef(msgspec.Struct, frozen=True, gc=False):
    """A rule fires when its condition is true, where the condition is ``when and not unless``.

    The checker fills ``when`` and ``unless``; ``push_negations`` sets ``condition`` and the passes
    after it work on that alone. ``rollout`` is a share of the values of slot ``rollout_slot``.
    ``clauses`` and ``ladders`` are indices into the corpus: ``ladders`` count the strikes of the rule,
    and ``strikes`` are those on ladders of points. ``line`` is where the rule begins.
    ``supersedes`` names the rules of other policies, "policy.rule", whose place it takes; they may be
    of policies that are not in the bundle.
    """

    name: str
    version: int
    clauses: tuple[int, ...]
    when: Condition
    unless: Condition
    condition: Condition
    measures: tuple[MeasureDef, ...]
    ladders: tuple[int, ...]
    severity: Severity = "medium"
    shadow: bool = False
    rollout: float | None = None
    rollout_slot: int | None = None
    title: Bilingual = Bilingual()
    because_zh: Template = ()
    because_en: Template = ()
    line: int = 0
    supersedes: tuple[str, ...] = ()
    brakes: tuple[BrakeDef, ...] = ()
    strikes: tuple[StrikeDef, ...] = ()

    @property
    def struck(self) -> tuple[int, ...]:
        """The ladders that the rule strikes, each once, ascending."""
        return tuple(sorted({*self.ladders, *(strike.ladder for strike in self.strikes)}))


Statistic = Literal[
    "mean", "median", "percentile", "most", "least", "latest", "share", "ratio", "count"
]


Unit = Literal["", "hours", "days"]
UNITS: Final = {"hours": 3600 * MICROSECONDS, "days": 24 * 3600 * MICROSECONDS}
"""Microseconds in the units of a figure."""


class FigureDef(msgspec.Struct, frozen=True, gc=False):
    """What a duty measures of the rows of a table.

    With a ``unit`` the statistic is of the time from one column of instants to another, in that
    unit. "share" is that of the rows in which the first column is true (among those in which the
    second is), "count" the number of rows (in which the column is true), "ratio" the sum of the
    first column by that of the second, "latest" the value of the row with the latest time. ``rank``
    belongs to "percentile", over 0 and at most 100.
    """

    statistic: Statistic
    columns: tuple[str, ...]
    unit: Unit = ""
    rank: float | None = None


class DutyDef(msgspec.Struct, frozen=True, gc=False):
    """What a platform owes over a period, told from a table that it hands in.

    ``threshold`` is in the unit of the figure, or a param, of which a duration is converted. The
    figure holds in each window of ``over`` microseconds, or without ``over`` or with ``per_period``
    in the whole period. ``time`` is the column that places a row. ``clauses`` and ``version`` are
    indices into the corpus; ``line`` is where the duty begins.
    """

    name: str
    version: int
    clauses: tuple[int, ...]
    figure: FigureDef
    table: str
    time: str
    bound: Literal["most", "least"]
    threshold: Constant | Param
    per_period: bool = False
    over: int | None = None
    title: Bilingual = Bilingual()
    because: Bilingual = Bilingual()
    line: int = 0


SHORTEST_WINDOW: Final = 3600 * MICROSECONDS
"""A duty is not held to less than an hour."""


# ── Procedure ────────────────────────────────────────────────────────────────────────────────────

DAY: Final = 24 * 3600 * MICROSECONDS


class SameDef(msgspec.Struct, frozen=True, gc=False):
    """What two findings of one target have in common when they are one incident.

    ``path`` is the field of the event whose values are equal, which need not be a slot; None stands
    for the policy, whatever its version. A field that is absent or failed is like no other.
    ``within`` is the longest time from the first act of the incident, exclusive; None: any.
    """

    path: tuple[str, ...] | None
    within: int | None = None


class IncidentDef(msgspec.Struct, frozen=True, gc=False):
    """Which findings are one incident, of which there is one strike: those that share any of ``same``.

    ``target`` is the kind of target whose findings are joined; ``library`` is who says so.
    """

    target: str
    same: tuple[SameDef, ...]
    library: str = ""


class DeadlinesDef(msgspec.Struct, frozen=True, gc=False):
    """How long people have, in microseconds: the shortest time that applies.

    ``grades`` are pairs of a grade and the time that holds from it; they are in the order of grades,
    and each time is shorter than the one before it. ``interim`` holds for interim measures.
    """

    within: int
    grades: tuple[tuple[int, int], ...] = ()
    interim: int | None = None

    def of(self, grade: int, *, interim: bool = False) -> int:
        """The time for a decision whose gravest measure has this grade."""
        times = [self.within, *(time for least, time in self.grades if grade >= least)]
        if interim and self.interim is not None:
            times.append(self.interim)
        return min(times)


class OldDef(msgspec.Struct, frozen=True, gc=False):
    """Which items are too old for a strike: those whose number at ``path`` is over the limit.

    ``path`` is a field of a number or a duration, and need not be a slot; ``limits`` has one number
    for each of `SEVERITIES` (microseconds for a duration). An age that is not told is not too old.
    """

    path: tuple[str, ...]
    limits: tuple[float, ...]


class ProcedureDef(msgspec.Struct, frozen=True, gc=False):
    """How people take part in decisions. Without a declaration all of it is as the defaults say.

    Attributes:
        library: Who says so; empty when nobody does.
        review: How long people have for a review; None: as long as they like.
        lapse: What ends when nobody has reviewed in time: "interim" measures, which are in effect;
            "proposed" ones, which then never take effect.
        appeal: How long after a decision it can be appealed against, in microseconds.
        again: Whether there may be a second appeal, with new evidence.
        decide: How long people have to decide an appeal; None: as long as they like.
        lifted: Names of sanctions whose measures end while an appeal that was not decided in time
            remains undecided; sorted.
        waiting: Names of sanctions whose measures take effect only when the time for appeals is
            over, and no appeal is undecided; sorted.
        pauses: The severities whose strikes do not count while an appeal made in time is undecided.
        old: Which items are too old for a strike; None: none.
        keep: How long data are kept after one of ``closures`` took effect, in microseconds.
        closures: Names of sanctions; sorted.
    """

    library: str = ""
    review: DeadlinesDef | None = None
    lapse: tuple[Literal["interim", "proposed"], ...] = ()
    appeal: int = 180 * DAY
    again: bool = False
    decide: DeadlinesDef | None = None
    lifted: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    pauses: tuple[Severity, ...] = ("info", "low", "medium", "high")
    old: OldDef | None = None
    keep: int | None = None
    closures: tuple[str, ...] = ()
    title: Bilingual = Bilingual()


class ExpectedMeasure(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A measure that must be (or, negated, must not be) among the effective measures.

    Only what is given is compared: ``bound`` is (operator, value) on the strength parameter.
    """

    sanction: int
    negated: bool = False
    bound: tuple[str, float] | None = None
    arguments: tuple[ArgumentValue | None, ...] = ()
    target: str = ""
    duration: int | None = None
    until_fixed: bool = False
    interim: bool = False
    review: int = 0
    line: int = 0
    text: str = ""


class ExpectedRule(msgspec.Struct, frozen=True, gc=False, tag=True):
    """``state`` is "fires", "silent" (does not fire) or "undetermined"."""

    rule: int
    state: Literal["fires", "silent", "undetermined"]
    line: int = 0
    text: str = ""


class ExpectedStep(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The step that a strike on the ladder leads to."""

    ladder: int
    step: int
    line: int = 0
    text: str = ""


class ExpectedOnly(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Exactly these rules fire; empty: none does."""

    rules: tuple[int, ...]
    line: int = 0
    text: str = ""


Expected = ExpectedMeasure | ExpectedRule | ExpectedStep | ExpectedOnly


class TestDef(msgspec.Struct, frozen=True, gc=False):
    """A ``test`` block. ``event`` and ``history`` are JSON objects as a platform would send them."""

    title: str
    version: int
    event: bytes
    history: bytes
    acted_at: int
    decided_at: int
    expected: tuple[Expected, ...]
    source: str = ""
    line: int = 0


class Corpus(msgspec.Struct, frozen=True, gc=False):
    """Everything that was compiled together, in an order that does not depend on the sources'.

    Versions are sorted by policy and start, rules by version and name, slots by source and path,
    sanctions, terms, tallies, samples and ladders by name, duties as rules are. ``time_slot`` is the instant of the act;
    ``id_slot`` identifies the event. ``predicates`` and ``shared`` are filled by the passes.
    """

    slots: tuple[Slot, ...]
    time_slot: int
    id_slot: int | None
    fields: tuple[SchemaField, ...]
    versions: tuple[VersionDef, ...]
    clauses: tuple[ClauseDef, ...]
    params: tuple[ParamDef, ...]
    terms: tuple[TermsDef, ...]
    tallies: tuple[TallyDef, ...]
    samples: tuple[SamplesDef, ...]
    targets: tuple[TargetDef, ...]
    sanctions: tuple[SanctionDef, ...]
    ladders: tuple[LadderDef, ...]
    rules: tuple[RuleDef, ...]
    tests: tuple[TestDef, ...] = ()
    predicates: tuple[Condition, ...] = ()
    shared: tuple[Condition, ...] = ()
    duties: tuple[DutyDef, ...] = ()
    incident: IncidentDef | None = None
    """None: findings of one event are one incident."""
    procedure: ProcedureDef = ProcedureDef()
