"""Decisions as Arrow columns.

What follows from rules that fired depends on the event only by the ids of targets and the instant of
the decision, so the columns are made as templates are (`clausal.engine.templates`): what is the same
for all events lies ready as Arrow lists, from which rows take theirs; ids and times are filled in from
columns. Nothing here is done row by row, but for rows of which a decision was made already.

Texts that are rendered for each event, reasons and notices, are in no column: `Bundle.decide_rows`
has them.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from clausal.compiler.ir import SEVERITIES, Corpus
from clausal.engine.columns import Array, DataType, RecordBatch, Schema, arrow
from clausal.engine.decide import Context
from clausal.engine.decision import Decision
from clausal.engine.lacks import Lacks
from clausal.engine.problem import EventError

_KEPT: Final = 65_536
"""As many templates and lacks lie ready at once."""


def decisions_schema(zone: str) -> Schema:
    """The columns of `Bundle.evaluate_table`: those of a decision, and the refusal."""
    pa = arrow()
    instant = pa.timestamp("us", zone)
    name = pa.dictionary(pa.int32(), pa.string())
    title = pa.struct([("zh", name), ("en", name)])
    target = pa.struct([("kind", name), ("id", pa.string())])
    numbers = pa.list_(pa.int32())
    clause = pa.struct([("notice", name), ("id", name), ("quote", name), ("fingerprint", name)])
    finding = pa.struct(
        [
            ("policy", name),
            ("version", name),
            ("rule", name),
            ("severity", name),
            ("mode", name),
            ("clauses", pa.list_(clause)),
            ("title", title),
        ]
    )
    measure = pa.struct(
        [
            ("sanction", name),
            ("title", title),
            ("grade", pa.int32()),
            ("target", target),
            ("mode", name),
            ("arguments", pa.string()),
            ("start", instant),
            ("end", instant),
            ("permanent", pa.bool_()),
            ("once", pa.bool_()),
            ("until_fixed", pa.list_(name)),
            ("interim", pa.bool_()),
            ("review", pa.int32()),
            ("findings", numbers),
            ("steps", pa.list_(pa.struct([("ladder", name), ("step", pa.int32())]))),
            ("yields_to", pa.int32()),
        ]
    )
    lacks = pa.list_(pa.struct([("field", name), ("cause", name)]))
    undetermined = pa.struct(
        [
            ("policy", name),
            ("version", name),
            ("rule", name),
            ("mode", name),
            ("lacks", lacks),
        ]
    )
    standing = pa.struct(
        [
            ("ladder", name),
            ("target", target),
            ("mode", name),
            ("active", pa.int32()),
            ("step", pa.int32()),
            ("if_clean", pa.int32()),
            ("findings", numbers),
            ("family", name),
            ("points", pa.int32()),
            ("counts", pa.int32()),
            ("next_step_at", pa.int32()),
            ("expires", instant),
            ("lacks", lacks),
        ]
    )
    problem = pa.struct([("path", pa.string()), ("expected", pa.string()), ("got", pa.string())])
    return pa.schema(
        [
            pa.field("event_id", pa.string()),
            pa.field("acted_at", instant),
            pa.field("decided_at", instant),
            pa.field("bundle", pa.dictionary(pa.int8(), pa.string()), nullable=False),
            pa.field("findings", pa.list_(finding), nullable=False),
            pa.field("measures", pa.list_(measure), nullable=False),
            pa.field("undetermined", pa.list_(undetermined), nullable=False),
            pa.field("ladders", pa.list_(standing), nullable=False),
            pa.field("errors", pa.list_(problem), nullable=False),
        ]
    )


# ── What lies ready ──────────────────────────────────────────────────────────────────────────────


class Names:
    """The dictionaries of the columns: all texts that a bundle can say, the same in all batches."""

    def __init__(self, corpus: Corpus, rules: Iterable[str]) -> None:
        """Take a corpus and the names of its rules, "policy.rule"."""
        titles = [rule.title for rule in corpus.rules]
        titles += [sanction.title for sanction in corpus.sanctions]
        versions, clauses = corpus.versions, corpus.clauses
        texts: dict[str, Iterable[str]] = {
            "policy": (version.policy for version in versions),
            "version": (version.version for version in versions),
            "rule": (rule.name for rule in corpus.rules),
            "severity": SEVERITIES,
            "mode": ("enforced", "shadow"),
            "notice": (versions[clause.version].notice for clause in clauses),
            "id": (clause.id for clause in clauses),
            "quote": (clause.quote for clause in clauses),
            "fingerprint": (clause.fingerprint for clause in clauses),
            "zh": (title.zh for title in titles),
            "en": (title.en for title in titles),
            "sanction": (sanction.name for sanction in corpus.sanctions),
            "kind": (target.name for target in corpus.targets),
            "until_fixed": rules,
            "ladder": (ladder.name for ladder in corpus.ladders),
            "family": (
                family.name
                for ladder in corpus.ladders
                if ladder.points is not None
                for family in ladder.points.families
            ),
            "field": (slot.name for slot in corpus.slots),
            "cause": ("absent", "failed"),
        }
        pa = arrow()
        self._known = {
            name: pa.array(list(dict.fromkeys(known)), pa.string()) for name, known in texts.items()
        }

    def array(self, items: Sequence[object], kind: DataType) -> Array:
        """An array of items, as builtins, with names encoded by these dictionaries."""
        return self._encoded(arrow().array(items, _bare(kind)), kind, "")

    def _encoded(self, values: Array, kind: DataType, name: str) -> Array:
        pa = arrow()
        if pa.types.is_dictionary(kind):
            known = self._known[name]
            return pa.DictionaryArray.from_arrays(
                arrow("compute").index_in(values, known).cast(pa.int32()), known
            )
        if pa.types.is_struct(kind):
            fields = [kind.field(at) for at in range(kind.num_fields)]
            return pa.StructArray.from_arrays(
                [
                    self._encoded(values.field(at), field.type, field.name)
                    for at, field in enumerate(fields)
                ],
                fields=fields,
            )
        if pa.types.is_list(kind):
            inner = self._encoded(values.values, kind.value_type, name)
            return pa.ListArray.from_arrays(values.offsets, inner, type=kind)
        return values


def _bare(kind: DataType) -> DataType:
    """The type without dictionaries."""
    pa = arrow()
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        fields = [kind.field(at) for at in range(kind.num_fields)]
        return pa.struct([(field.name, _bare(field.type)) for field in fields])
    if pa.types.is_list(kind):
        return pa.list_(_bare(kind.value_type))
    return kind


class Shelf:
    """Items of a column that lie ready, each under a number. Threads may share it."""

    def __init__(self, names: Names, kind: DataType) -> None:
        """Begin with none."""
        self._names = names
        self._kind = kind
        self._lock = threading.Lock()
        self._numbers: dict[object, int] = {}
        self._ready: Array = names.array([], kind)

    def take(self, keys: Sequence[Any], make: Callable[[Any], object]) -> tuple[list[int], Array]:
        """The numbers of some items, and the array in which these stand.

        Args:
            keys: What names the items.
            make: Makes an item that is not there yet, as builtins.
        """
        pa = arrow()
        with self._lock:
            new = [key for key in dict.fromkeys(keys) if key not in self._numbers]
            if new:
                items = self._names.array([make(key) for key in new], self._kind)
                if len(self._numbers) + len(new) > _KEPT:
                    # All of these at least are wanted, the others perhaps never again.
                    old = [key for key in dict.fromkeys(keys) if key in self._numbers]
                    places = pa.array([self._numbers[key] for key in old], pa.int32())
                    self._ready = self._ready.take(places)
                    self._numbers = {key: number for number, key in enumerate(old)}
                self._ready = pa.concat_arrays([self._ready, items])
                for key in new:
                    self._numbers[key] = len(self._numbers)
            return [self._numbers[key] for key in keys], self._ready


# ── Columns out ──────────────────────────────────────────────────────────────────────────────────


class Rows:
    """Rows that were matched, as far as decisions need them. `clausal.engine.tables` makes them.

    Attributes:
        count: How many there are.
        fired, undetermined: The rules of each row, as lists of int32.
        acted: int64, microseconds since 1970.
        ids: A function from slots to the ids that rows have there, as strings.
        there: A function from slots to whether rows have a value there: a Boolean for each, or
            one for all.
        lacking: A function from a rule and a row in which it is undetermined to what it lacks.
    """

    def __init__(
        self,
        count: int,
        fired: Array,
        undetermined: Array,
        acted: Array,
        ids: Callable[[int], Array],
        there: Callable[[int], Array | bool],
        lacking: Callable[[int, int], tuple[int, ...]],
    ) -> None:
        self.count: Final = count
        self.fired: Final = fired
        self.undetermined: Final = undetermined
        self.acted: Final = acted
        self.ids: Final = ids
        self.there: Final = there
        self.lacking: Final = lacking


Results = Mapping[int, Decision | EventError]
"""The decisions of some rows, or what is wrong with them."""


class Tabulator:
    """Makes the columns of the decisions of one bundle. Threads may share it."""

    def __init__(self, corpus: Corpus, context: Context, lacks: Lacks) -> None:
        """Prepare what all tables have in common."""
        pa = arrow()
        self.schema: Final = decisions_schema(context.zone)
        self._context = context
        self._decider = decider = context.decider
        self._lacks = lacks
        self._names = names = Names(corpus, decider.consequences.names)
        self._bundle = pa.array([context.bundle])
        self._kinds = [target.name for target in corpus.targets]
        self._target_slots = [target.slot for target in corpus.targets]
        self._wavering = pa.array(
            [rule for rule in range(len(corpus.rules)) if decider.hangs_on_event(rule)], pa.int32()
        )
        self._type = {name: self.schema.field(name).type for name in self.schema.names}
        self._findings = Shelf(names, self._type["findings"].value_type)
        self._undetermined = Shelf(names, self._type["undetermined"].value_type)
        self._measures = Shelf(names, pa.list_(_relative(self._type["measures"].value_type)))
        self._ladders = Shelf(names, pa.list_(_relative(self._type["ladders"].value_type)))
        self._lacking: dict[tuple[int, tuple[int, ...]], tuple[int, ...] | None] = {}

    def tabulate(
        self, rows: Rows, decided: Array, alone: set[int], decide: Callable[[list[int]], Results]
    ) -> RecordBatch:
        """The decisions of rows.

        Args:
            rows: The rows.
            decided: int64, the instants of the decisions in microseconds since 1970.
            alone: Rows whose decisions depend on more than their rules and targets.
            decide: Makes decisions one by one.
        """
        pa = arrow()
        if len(self._wavering):
            for lists in (rows.fired, rows.undetermined):
                alone |= _rows_with(lists, self._wavering)
        columns = {
            "findings": self._findings_of(rows.fired),
            "undetermined": self._undetermined_of(rows),
            **self._consequences_of(rows, decided),
        }
        slot = self._context.id_slot
        columns["event_id"] = pa.nulls(rows.count, pa.string()) if slot is None else rows.ids(slot)
        columns["acted_at"] = rows.acted
        columns["decided_at"] = decided
        columns["errors"] = _empty(rows.count, self._type["errors"])
        if alone:
            results = decide(sorted(alone))
            columns = self._mended(columns, results)
        columns["bundle"] = pa.DictionaryArray.from_arrays(
            pa.Array.from_buffers(pa.int8(), rows.count, [None, pa.py_buffer(bytes(rows.count))]),
            self._bundle,
        )
        for name in ("acted_at", "decided_at"):
            columns[name] = columns[name].cast(self._type[name])
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in self.schema.names], schema=self.schema
        )

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────

    def _findings_of(self, fired: Array) -> Array:
        pa, pc = arrow(), arrow("compute")
        rules = pc.unique(fired.values).to_pylist()
        if not rules:
            return _empty(len(fired), self._type["findings"])
        numbers, ready = self._findings.take(rules, self._finding)
        places = _looked_up(fired.values, rules, numbers)
        return pa.ListArray.from_arrays(
            fired.offsets, ready.take(places), type=self._type["findings"]
        )

    def _finding(self, rule: int) -> object:
        return msgspec.to_builtins(self._decider.finding_head(rule))

    def _undetermined_of(self, rows: Rows) -> Array:
        """The undetermined rules with what they lack."""
        pa, pc = arrow(), arrow("compute")
        lists = rows.undetermined
        kind = self._type["undetermined"]
        if not len(lists.values):
            return _empty(rows.count, kind)
        of_row = pc.list_parent_indices(lists)
        there: dict[int, Array | bool] = {}
        rules = pc.unique(lists.values).to_pylist()
        alike: list[tuple[int, tuple[int, ...]]] = []
        keys: list[tuple[int, tuple[int, ...]]] = []
        places: list[Array] = []
        several: list[int] = []
        for rule in rules:
            where = pc.indices_nonzero(pc.equal(lists.values, pa.scalar(rule, pa.int32())))
            row = of_row.take(where)
            missing: list[int] = []
            mixed: list[tuple[int, Array]] = []
            for slot in self._lacks.slots(rule):
                if slot not in there:
                    there[slot] = rows.there(slot)
                column = there[slot]
                if column is False:
                    missing.append(slot)
                elif column is not True:
                    mixed.append((slot, column))
            told: list[tuple[tuple[int, ...], Array | None]] = []
            for absent, these in _patterns(row, mixed):
                lacks = self._lacked(rule, tuple(sorted((*missing, *absent))))
                if lacks is not None:
                    told.append((lacks, these))
                    continue
                # That depends on the values of these rows.
                one_by_one = range(len(row)) if these is None else these.to_pylist()
                told += [
                    (rows.lacking(rule, row[one].as_py()), pa.array([one], where.type))
                    for one in one_by_one
                ]
            if len(told) == 1:
                alike.append((rule, told[0][0]))
                continue
            alike.append((rule, ()))
            several.append(rule)
            for lacks, these in told:
                keys.append((rule, lacks))
                places.append(where.take(these))
        numbers, ready = self._undetermined.take([*alike, *keys], self._open)
        of_pair = _looked_up(lists.values, rules, numbers)
        if several:
            order = pc.array_sort_indices(pa.concat_arrays(places))
            found = pa.concat_arrays(
                [
                    pa.repeat(pa.scalar(number, pa.int32()), len(those))
                    for number, those in zip(numbers[len(rules) :], places, strict=True)
                ]
            )
            some = pc.is_in(lists.values, pa.array(several, lists.values.type))
            of_pair = pc.replace_with_mask(of_pair, some, found.take(order))
        return pa.ListArray.from_arrays(lists.offsets, ready.take(of_pair), type=kind)

    def _lacked(self, rule: int, absent: tuple[int, ...]) -> tuple[int, ...] | None:
        key = rule, absent
        if key not in self._lacking:
            lacks = self._lacks.of(rule, frozenset(absent))
            if len(self._lacking) >= _KEPT:
                self._lacking.clear()
            self._lacking[key] = None if lacks is None else tuple(lacks)
        return self._lacking.get(key)

    def _open(self, key: tuple[int, tuple[int, ...]]) -> object:
        return msgspec.to_builtins(self._decider.open_rule(*key))

    # ── Consequences ─────────────────────────────────────────────────────────────────────────────

    def _consequences_of(self, rows: Rows, decided: Array) -> dict[str, Array]:
        """The measures and the ladders of each row."""
        pa, pc = arrow(), arrow("compute")
        kinds = self._type["measures"], self._type["ladders"]
        if not len(rows.fired.values):
            return {
                name: _empty(rows.count, kind)
                for name, kind in zip(("measures", "ladders"), kinds, strict=True)
            }
        some = pc.greater(pc.list_value_length(rows.fired), pa.scalar(0, pa.int32()))
        row = pc.indices_nonzero(some)
        # The rules of a row as one value, so that rows of the same rules are found in one go.
        starts = pc.multiply(rows.fired.offsets.cast(pa.int64()), pa.scalar(4, pa.int64()))
        sets = (
            pa.Array.from_buffers(
                pa.large_binary(),
                rows.count,
                [None, starts.buffers()[1], rows.fired.values.buffers()[1]],
            )
            .take(row)
            .dictionary_encode()
        )
        keys = [tuple(array("i", rules)) for rules in sets.dictionary.to_pylist()]
        # How many rows with rules are before each row, and before the end.
        before = pa.concat_arrays(
            [pa.array([0], pa.int32()), pc.cumulative_sum(some.cast(pa.int32()))]
        )
        columns = {}
        for name, shelf, make in (
            ("measures", self._measures, self._template),
            ("ladders", self._ladders, self._standings),
        ):
            numbers, ready = shelf.take(keys, make)
            lists = ready.take(pa.array(numbers, pa.int32()).take(sets.indices))
            kind = self._type[name]
            items = lists.flatten()
            if not len(items):
                columns[name] = _empty(rows.count, kind)
                continue
            of_item = row.take(pc.list_parent_indices(lists))
            columns[name] = pa.ListArray.from_arrays(
                lists.offsets.take(before),
                self._placed(items, kind.value_type, of_item, rows, decided),
                type=kind,
            )
        return columns

    def _template(self, rules: tuple[int, ...]) -> list[object]:
        template, _ = self._decider.without_event(rules)
        return [
            {
                **_plain(one.head),
                "target": {"kind": one.kind, "id": None},
                "length": one.length,
            }
            for one in template.measures
        ]

    def _standings(self, rules: tuple[int, ...]) -> list[object]:
        _, standings = self._decider.without_event(rules)
        return [
            {**msgspec.to_builtins(standing), "length": length} for standing, length in standings
        ]

    def _placed(
        self, items: Array, kind: DataType, row: Array, rows: Rows, decided: Array
    ) -> Array:
        """Measures or ladders of rows with the ids of targets and the times filled in."""
        pa, pc = arrow(), arrow("compute")
        parts = {"target": self._aimed(items.field("target"), row, rows, kind)}
        if items.type.get_field_index("length") >= 0:
            start = decided.take(row)
            end = pc.add(start, items.field("length"))
            for name, instants in (("start", start), ("end", end), ("expires", end)):
                if kind.get_field_index(name) >= 0:
                    parts[name] = instants.cast(kind.field(name).type)
        fields = [kind.field(at) for at in range(kind.num_fields)]
        arrays = [
            parts[field.name] if field.name in parts else items.field(field.name)
            for field in fields
        ]
        return pa.StructArray.from_arrays(arrays, fields=fields)

    def _aimed(self, target: Array, row: Array, rows: Rows, kind: DataType) -> Array:
        pa, pc = arrow(), arrow("compute")
        kinds = target.field("kind")
        names = kinds.dictionary.to_pylist()
        found: Array = pa.nulls(len(row), pa.string())
        for name in pc.unique(kinds.indices).to_pylist():
            ids = rows.ids(self._target_slots[self._kinds.index(names[name])]).take(row)
            found = pc.if_else(pc.equal(kinds.indices, pa.scalar(name, pa.int32())), ids, found)
        shape = kind.field("target").type
        return pa.StructArray.from_arrays([kinds, found], fields=[shape.field(0), shape.field(1)])

    # ── Rows by themselves ───────────────────────────────────────────────────────────────────────

    def _mended(self, columns: dict[str, Array], results: Results) -> dict[str, Array]:
        """The columns with the results of some rows in their places."""
        pa = arrow()
        count = len(columns["acted_at"])
        order = array("q", range(count))
        for place, row in enumerate(results):
            order[row] = count + place
        places = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(order)])
        given: dict[str, list[Any]] = {name: [] for name in columns}
        for result in results.values():
            for name, value in _row(result).items():
                given[name].append(value)
        return {
            name: pa.concat_arrays([column, self._names.array(given[name], column.type)]).take(
                places
            )
            for name, column in columns.items()
        }


def _row(result: Decision | EventError) -> dict[str, Any]:
    """The columns of one row, as builtins; unnamed instants are microseconds since 1970."""
    if isinstance(result, EventError):
        return {
            "event_id": None,
            "acted_at": None,
            "decided_at": None,
            "findings": [],
            "measures": [],
            "undetermined": [],
            "ladders": [],
            "errors": [msgspec.to_builtins(problem) for problem in result.problems],
        }
    return {
        "event_id": result.event_id,
        "acted_at": result.instants[0],
        "decided_at": result.instants[1],
        "findings": [msgspec.to_builtins(one.head) for one in result.findings],
        "measures": [
            {
                **_plain(one.head),
                "target": msgspec.to_builtins(one.target),
                "start": one.span[0],
                "end": one.span[1],
            }
            for one in result.measures
        ],
        "undetermined": msgspec.to_builtins(result.undetermined),
        "ladders": [
            {
                **msgspec.to_builtins(one),
                "expires": None if one.expires is None else datetime.fromisoformat(one.expires),
            }
            for one in result.ladders
        ],
        "errors": [],
    }


def _plain(head: msgspec.Struct) -> dict[str, Any]:
    """The head of a measure as builtins; arguments, whose types differ, as JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(head)
    plain["arguments"] = msgspec.json.encode(plain["arguments"]).decode()
    return plain


def _relative(measure: DataType) -> DataType:
    """The type of what lies ready: how long it lasts stands for when it begins and ends."""
    pa = arrow()
    fields = [measure.field(at) for at in range(measure.num_fields)]
    kept = [field for field in fields if field.name not in {"start", "end", "expires"}]
    return pa.struct([*kept, pa.field("length", pa.int64())])


def _patterns(
    row: Array, columns: Sequence[tuple[int, Array]]
) -> list[tuple[tuple[int, ...], Array | None]]:
    """Which slots are absent in rows, and the places of the rows for which that is so; None: all."""
    pc = arrow("compute")
    count = len(row)
    found: list[tuple[tuple[int, ...], Array | None]] = [((), None)]
    for slot, column in columns:
        here = column.take(row)
        there = here.true_count
        if there == count:
            continue
        if there == 0:
            found = [((*absent, slot), places) for absent, places in found]
            continue
        split: list[tuple[tuple[int, ...], Array | None]] = []
        for absent, places in found:
            some = here if places is None else here.take(places)
            for known, within in (
                (absent, pc.indices_nonzero(some)),
                ((*absent, slot), pc.indices_nonzero(pc.invert(some))),
            ):
                if len(within):
                    split.append((known, within if places is None else places.take(within)))
        found = split
    return found


def _looked_up(values: Array, keys: list[int], numbers: list[int]) -> Array:
    """The number of each value, by the key that it equals."""
    pa, pc = arrow(), arrow("compute")
    found = pc.index_in(values, pa.array(keys, values.type))
    return pa.array(numbers, pa.int32()).take(found)


def _rows_with(lists: Array, rules: Array) -> set[int]:
    """The rows with any of these rules."""
    pc = arrow("compute")
    some = pc.indices_nonzero(pc.is_in(lists.values, rules))
    return set(pc.list_parent_indices(lists).take(some).to_pylist())


def _empty(count: int, kind: DataType) -> Array:
    """A column of empty lists."""
    pa = arrow()
    offsets = pa.Array.from_buffers(
        pa.int32(), count + 1, [None, pa.py_buffer(bytes(4 * (count + 1)))]
    )
    return pa.ListArray.from_arrays(offsets, pa.nulls(0, kind.value_type), type=kind)
