"""Corpora as the checker leaves them: every kind of slot and condition, several versions, params.

`corpora` is the Hypothesis strategy; `write_corpus` makes one from any random generator.
"""

from __future__ import annotations

import hashlib
from random import Random

import msgspec
from hypothesis import strategies as st

from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    SEVERITIES,
    All,
    ArgumentValue,
    Bilingual,
    BrakeDef,
    ClauseDef,
    Constant,
    Corpus,
    DeadlinesDef,
    FamilyDef,
    Hole,
    IncidentDef,
    LadderDef,
    Law,
    LifeDef,
    MeasureDef,
    Negation,
    Param,
    ParamDef,
    PointsDef,
    ProcedureDef,
    RuleDef,
    SameDef,
    SamplesDef,
    SanctionDef,
    SanctionParam,
    SchemaField,
    Severity,
    Slot,
    StepDef,
    StrikeDef,
    Sum,
    TallyDef,
    TargetDef,
    Template,
    TermsDef,
    VersionDef,
    WeightDef,
)
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from tests.strategies.conditions import CONSTANTS, DAY, HOUR, START, ZONES, ConditionWriter

TOPIC = Enum((EnumValue("news", "新闻", "news"), EnumValue("society"), EnumValue("Society")))
KIND = Enum((EnumValue("society"), EnumValue("newsroom"), EnumValue("person")))
_FAMILIES = ["fraud", "safety", "truth"]
_SUMS: list[tuple[Sum, ...]] = [
    ("family",),
    ("all",),
    ("half of all",),
    ("family", "half of all"),
]
WIDE = Enum(tuple([EnumValue(f"v{number}") for number in range(70)]))
"""More values than a machine word has bits."""

_ALWAYS_THERE = [
    Slot(("account", "id"), Scalar("string")),
    Slot(("content", "id"), Scalar("string")),
    Slot(("time",), Scalar("instant"), required=True),
]
_PALETTE = [
    Slot(("account", "age"), Scalar("duration")),
    Slot(("account", "born"), Scalar("date")),
    Slot(("account", "kind"), KIND),
    Slot(("account", "name"), Scalar("string"), label=Bilingual("昵称", "name")),
    Slot(("account", "seen", "last"), Scalar("instant")),
    Slot(("account", "verified"), Scalar("bool")),
    Slot(("content", "category"), WIDE),
    Slot(("content", "declared"), SetOf(TOPIC)),
    Slot(("content", "features"), SetOf(WIDE)),
    Slot(("content", "labelled"), Scalar("bool")),
    Slot(("content", "score", "ai-生成"), Scalar("share")),
    Slot(("content", "score", "staged"), Scalar("share")),
    Slot(("content", "tags"), SetOf(Scalar("string"))),
    Slot(("content", "text"), Scalar("text")),
    Slot(("content", "title"), Scalar("text")),
    Slot(("content", "topic"), TOPIC, label=Bilingual("话题", "topic")),
    Slot(("traffic", "ratio"), Scalar("number")),
    Slot(("traffic", "views"), Scalar("integer")),
    Slot(("cn.a.hoaxes",), Scalar("share"), "similarity"),
    Slot(("cn.a.posts",), Scalar("number"), "tally"),
    Slot(("cn.b.posts",), Scalar("number"), "tally"),
]

_TERMS = (
    TermsDef("cn.a.breaking", ("刚刚", "突发", "ＡＢ")),
    TermsDef("cn.b.words", ("a", "b c", "ﬁne")),
)

_REASONS = ["", "含有", "疑似造假；"]


def _sanctions() -> tuple[SanctionDef, ...]:
    """One of each law and each manner of ending, sorted by name."""
    share, days = Scalar("share"), Scalar("duration")
    strictest = Law("strictest")
    library = "standard.sanctions"
    return (
        SanctionDef(
            "close_account",
            library,
            (),
            ("account",),
            9,
            strictest,
            review=1,
            permanent=True,
            implies=(3,),
            title=Bilingual("关闭账号", "Account closed"),
        ),
        SanctionDef(
            "exclude_from",
            library,
            (SanctionParam("surfaces", SetOf(TOPIC)),),
            ("content",),
            2,
            Law("union"),
        ),
        SanctionDef(
            "limit_reach",
            library,
            (SanctionParam("cut", share),),
            ("content", "account"),
            3,
            Law("strictest", strength=0),
            needs_duration=True,
        ),
        SanctionDef("mute", library, (), ("account",), 5, strictest, needs_duration=True),
        SanctionDef(
            "require_fix",
            library,
            (SanctionParam("what", TOPIC), SanctionParam("deadline", days)),
            ("content",),
            1,
            Law("strictest", strength=1, lowest=True),
        ),
        SanctionDef(
            "restrict",
            library,
            (
                SanctionParam("level", TOPIC),
                SanctionParam("silent", Scalar("bool"), default=False),
            ),
            ("content",),
            4,
            Law("strictest", strength=0),
        ),
        SanctionDef("warn", library, (), ("account",), 0, Law("latest"), once=True),
    )


SANCTIONS = _sanctions()
_CLOSE, _LIMIT, _MUTE, _WARN = (
    [sanction.name for sanction in SANCTIONS].index(name)
    for name in ("close_account", "limit_reach", "mute", "warn")
)


class CorpusWriter:
    """Writes one corpus at random."""

    def __init__(self, random: Random, rules: int) -> None:
        self.random = random
        self._most_rules = rules
        self._policies = ["cn.a", "cn.b", "eu.c"][: random.choice([1, 2, 2, 3])]
        self.versions = self._versions()
        self._ladder_names = sorted(
            {f"{version.policy}.fabrication" for version in self.versions if random.random() < 0.5}
        )
        self._points = {
            name: sorted(random.sample(_FAMILIES, random.randint(1, len(_FAMILIES))))
            for name in self._ladder_names
            if random.random() < 0.5
        }
        self._probations = {name: random.choice([0, 30 * DAY]) for name in self._ladder_names}
        self._withins = {name: random.choice([DAY, 30 * DAY]) for name in self._ladder_names}
        self.slots = self._make_slots()
        self._numbers = {(slot.source, slot.path): index for index, slot in enumerate(self.slots)}
        self.params = self._params()
        self.conditions = ConditionWriter(random, self.slots, self.params, len(_TERMS))

    def corpus(self) -> Corpus:
        """The corpus."""
        account, content = self._field("account", "id"), self._field("content", "id")
        ladders = self._ladders()
        clauses = self._clauses()
        fields = [
            SchemaField(slot.path, slot.type, slot.required, slot.label)
            for slot in (*self.slots, Slot(("zz", "unread"), Scalar("number")))
            if slot.source == "field"
        ]
        return Corpus(
            slots=self.slots,
            time_slot=self._field("time"),
            id_slot=content if self.random.random() < 0.8 else None,
            fields=tuple(fields),
            versions=self.versions,
            clauses=clauses,
            params=self.params,
            terms=_TERMS,
            tallies=self._tallies(),
            samples=self._samples(),
            targets=(TargetDef("account", account), TargetDef("content", content)),
            sanctions=SANCTIONS,
            ladders=ladders,
            rules=tuple(map(self._braked, self._rules(clauses, ladders))),
            incident=self._incident(),
            procedure=self._procedure(),
        )

    # ── Procedure ────────────────────────────────────────────────────────────────────────────────

    def _braked(self, rule: RuleDef) -> RuleDef:
        random = self.random
        if rule.shadow or random.random() < 0.8:
            return rule
        limit, share = random.choice([(1, 0.0), (500, 0.0), (0, 0.02), (50, 0.02)])
        target, after = random.choice(["account", "content"]), random.choice([None, DAY])
        return msgspec.structs.replace(rule, brakes=(BrakeDef(target, limit, share, after),))

    def _incident(self) -> IncidentDef | None:
        same = (SameDef(("content", "id")), SameDef(None, DAY))
        target = self.random.choice([None, "account", "content"])
        return None if target is None else IncidentDef(target, same, "standard.procedure")

    def _procedure(self) -> ProcedureDef:
        random = self.random
        if random.random() < 0.5:
            return ProcedureDef()
        names = sorted(sanction.name for sanction in SANCTIONS)
        return ProcedureDef(
            library="standard.procedure",
            review=DeadlinesDef(3 * DAY, ((4, DAY),), random.choice([None, HOUR])),
            lapse=random.choice([(), ("interim",), ("interim", "proposed")]),
            appeal=random.choice([HOUR, 180 * DAY]),
            again=random.random() < 0.5,
            decide=DeadlinesDef(7 * DAY),
            lifted=tuple(names[:2]),
            waiting=tuple(names[2:3]),
            pauses=SEVERITIES[: random.randint(1, 6)],
        )

    def _field(self, *path: str) -> int:
        return self._numbers["field", path]

    # ── What rules are about ─────────────────────────────────────────────────────────────────────

    def _make_slots(self) -> tuple[Slot, ...]:
        paths: list[tuple[str, ...]] = [(name,) for name in self._ladder_names]
        for name, families in self._points.items():
            paths += [(name, family) for family in families]
            if self._probations[name]:
                paths += [(name, family, "served") for family in families]
        strikes = [Slot(path, Scalar("integer"), "strikes") for path in paths]
        chosen = [slot for slot in _PALETTE if self.random.random() < 0.7]
        found = [*_ALWAYS_THERE, *chosen, *strikes]
        return tuple(sorted(found, key=lambda slot: (slot.source, slot.path)))

    def _versions(self) -> tuple[VersionDef, ...]:
        random = self.random
        found = []
        for policy in self._policies:
            start = START + random.choice([0, 0, 10, 100]) * DAY
            count = random.choice([1, 1, 2, 3])
            for number in range(count):
                length = random.choice([1, HOUR, 30 * DAY, 100 * DAY])
                last = number == count - 1
                end = None if last and random.random() < 0.5 else start + length
                found.append(
                    VersionDef(
                        policy,
                        f"1.{number}.0",
                        start,
                        end,
                        random.choice(ZONES),
                        Bilingual("标题", "Title"),
                        "notice.txt",
                    )
                )
                start += length + random.choice([0, 0, DAY])
        return tuple(found)

    def _params(self) -> tuple[ParamDef, ...]:
        random = self.random
        found = []
        for policy in self._policies:
            for name, of in (("cutoff", "share"), ("factor", "number"), ("limit", "duration")):
                if random.random() < 0.5:
                    stock = [0.25, 0.5, 1.0] if of == "share" else CONSTANTS[of][:4]
                    value = random.choice(stock) + 0.0
                    low, high = (0.25, 1.0) if of == "share" else (None, None)
                    found.append(ParamDef(f"{policy}.{name}", of, value, low, high))
        return tuple(found)

    def _tallies(self) -> tuple[TallyDef, ...]:
        return tuple(
            TallyDef(slot.path[0], "count", None, ("account", "id"), HOUR, ALWAYS, index)
            for index, slot in enumerate(self.slots)
            if slot.source == "tally"
        )

    def _samples(self) -> tuple[SamplesDef, ...]:
        return tuple(
            SamplesDef(slot.path[0], ("刚刚 突发",), ("content", "text"), index)
            for index, slot in enumerate(self.slots)
            if slot.source == "similarity"
        )

    # ── Rules and what follows from them ─────────────────────────────────────────────────────────

    def _clauses(self) -> tuple[ClauseDef, ...]:
        found = []
        for version in range(len(self.versions)):
            for number in range(self.random.choice([1, 2])):
                quote = f"第{number}条"
                digest = hashlib.sha256(quote.encode()).hexdigest()[:8]
                found.append(ClauseDef(f"1.{number}", quote, version, digest))
        return tuple(found)

    def _ladders(self) -> tuple[LadderDef, ...]:
        found = []
        for name in self._ladder_names:
            for version, of in enumerate(self.versions):
                if name.startswith(f"{of.policy}."):
                    count = self.random.randint(1, 3)
                    points = self._points_of(name, count) if name in self._points else None
                    since = [0] * count
                    if points is not None:
                        since = sorted(self.random.sample(range(1, 12), count))
                    steps = tuple(
                        StepDef(
                            step + 1, step == count - 1, (self._measure("account"),), since[step]
                        )
                        for step in range(count)
                    )
                    slot = self._numbers["strikes", (name,)]
                    within = 0 if points is not None else self._withins[name]
                    found.append(
                        LadderDef(
                            name, version, "account", within, steps, slot, Bilingual(), points
                        )
                    )
        return tuple(found)

    def _points_of(self, name: str, steps: int) -> PointsDef:
        """How points add up. Ladders of one name read their history alike."""
        random = self.random
        probation = self._probations[name]
        severities: list[Severity] = ["info", "medium", "critical"]
        return PointsDef(
            tuple(
                FamilyDef(
                    family,
                    self._numbers["strikes", (name, family)],
                    self._numbers["strikes", (name, family, "served")] if probation else None,
                )
                for family in self._points[name]
            ),
            random.choice(_SUMS),
            (LifeDef(0, 30 * DAY), LifeDef(3, 90 * DAY), LifeDef(8, None)),
            tuple(
                (severity, random.randint(1, steps))
                for severity in severities
                if random.random() < 0.3
            ),
            probation,
        )

    def _strikes(self, ladder: int, of: LadderDef) -> tuple[StrikeDef, ...]:
        """What a rule does to a ladder; one of points it may strike in several families."""
        random = self.random
        assert of.points is not None
        families = range(len(of.points.families))
        return tuple(
            StrikeDef(ladder, family, self._weights())
            for family in sorted(random.sample(families, random.randint(1, min(2, len(families)))))
        )

    def _weights(self) -> tuple[WeightDef, ...]:
        """Points that are always the same, or those of a table of two or three rows."""
        random = self.random
        numbers = [Constant(float(random.choice([0, 1, 2, 4, 8]))) for _ in range(3)]
        if random.random() < 0.5:
            return (WeightDef(ALWAYS, numbers[0]),)
        one, two = self.conditions.condition(1), self.conditions.condition(1)
        return (
            WeightDef(one, numbers[0]),
            WeightDef(All((Negation(one), two)), numbers[1]),
            WeightDef(All((Negation(one), Negation(two))), numbers[2]),
        )

    def _measure(self, target: str) -> MeasureDef:
        """A measure that the language allows, on the target if the sanction is about such."""
        random = self.random
        usable = [i for i, sanction in enumerate(SANCTIONS) if target in sanction.targets]
        sanction = random.choice(usable)
        review = random.choice([0, 0, 1, 2])
        if sanction == _WARN:
            return MeasureDef(sanction, target, review=review)
        if sanction == _CLOSE:
            return MeasureDef(sanction, target, review=max(1, review))
        arguments = self._arguments(sanction)
        length = random.choice([HOUR, DAY, 7 * DAY])
        if sanction in {_LIMIT, _MUTE} or random.random() < 0.6:
            interim = random.random() < 0.3
            return MeasureDef(sanction, target, arguments, length, interim=interim, review=review)
        within = random.choice([None, length])
        return MeasureDef(
            sanction, target, arguments, until_fixed=True, within=within, review=review
        )

    def _arguments(self, sanction: int) -> tuple[ArgumentValue, ...]:
        random = self.random
        match SANCTIONS[sanction].name:
            case "exclude_from":
                return (random.choice([("news",), ("news", "society"), ("society",)]),)
            case "limit_reach":
                return (self._share(),)
            case "require_fix":
                return ("news", Constant(random.choice([0.0, float(DAY)])))
            case "restrict":
                return (random.choice(TOPIC.names), random.random() < 0.5)
            case _:
                return ()

    def _share(self) -> Constant:
        shares = [i for i, param in enumerate(self.params) if param.type == "share"]
        if shares and self.random.random() < 0.5:
            index = self.random.choice(shares)
            return Constant(self.params[index].value, Param(index))
        return Constant(self.random.choice([0.0, 0.5, 0.7, 1.0]))

    def _reason(self) -> Template:
        if self.random.random() < 0.4:
            return ()
        slot = self.random.randrange(len(self.slots))
        return (self.random.choice(_REASONS), Hole(slot), "。")

    def _rules(
        self, clauses: tuple[ClauseDef, ...], ladders: tuple[LadderDef, ...]
    ) -> tuple[RuleDef, ...]:
        found = []
        for version in range(len(self.versions)):
            own_clauses = [i for i, clause in enumerate(clauses) if clause.version == version]
            own_ladders = [i for i, ladder in enumerate(ladders) if ladder.version == version]
            found += [
                self._rule(f"r{number:04}", version, own_clauses, own_ladders, ladders)
                for number in range(self.random.randint(0, self._most_rules))
            ]
        return tuple(found)

    def _rule(
        self,
        name: str,
        version: int,
        clauses: list[int],
        ladders: list[int],
        of: tuple[LadderDef, ...],
    ) -> RuleDef:
        random = self.random
        rollout = random.choice([None, None, None, 0.0, 0.5, 1.0])
        strikes = bool(ladders) and random.random() < 0.4
        counting = [ladder for ladder in ladders if of[ladder].points is None]
        adding = [ladder for ladder in ladders if of[ladder].points is not None]
        count = random.choice([0, 1, 2] if strikes else [1, 1, 2])
        return RuleDef(
            name=name,
            version=version,
            clauses=tuple(clauses[: random.randint(1, len(clauses))]),
            when=self.conditions.condition(),
            unless=self.conditions.condition(2) if random.random() < 0.4 else NEVER,
            condition=NEVER,
            measures=tuple(
                self._measure(random.choice(["account", "content"])) for _ in range(count)
            ),
            ladders=tuple(counting[:1]) if strikes else (),
            strikes=self._strikes(adding[0], of[adding[0]]) if strikes and adding else (),
            severity=random.choice(["info", "medium", "critical"]),
            shadow=random.random() < 0.15,
            rollout=rollout,
            rollout_slot=None if rollout is None else self._field("account", "id"),
            title=Bilingual("规则", "Rule"),
            because_zh=self._reason(),
            because_en=self._reason(),
        )


def write_corpus(random: Random, rules: int = 4) -> Corpus:
    """A corpus with at most so many rules in each version."""
    return CorpusWriter(random, rules).corpus()


@st.composite
def corpora(draw: st.DrawFn, rules: int = 3) -> Corpus:
    """Corpora with at most so many rules in each version."""
    return write_corpus(draw(st.randoms(use_true_random=False)), rules)
