"""Events as Arrow columns: where the values of a bundle's slots lie, and what a row means.

A column is named for its field: ``content.score.staged``, or ``content.score["a-b"]`` for a key that
is no identifier. Groups may be structs, or dotted names, or both; an open map may be a map. A row
means the dictionary that `row_of` makes of it, where nulls are left out; what `EventReader` makes of
that dictionary is what the columns mean, and no value is read from a column unless it is just that.
Rows with anything unusual (a value that is refused, a history, ``$failed``) are read one by one.

Buffers are read where they are, and nothing is copied but strings in views, maps, and dictionaries
that hold nulls.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final

import msgspec

from clausal.compiler.ir import Slot
from clausal.engine._batch import READINGS, Columns, Matcher
from clausal.engine.layout import Form, form_of
from clausal.engine.objects import HISTORY_KEY
from clausal.engine.problem import EventError, Problem, below, shown
from clausal.engine.problem import place as place_of


@cache
def arrow(part: str = "") -> Any:
    """The module `pyarrow`, which is an extra, or a part of it.

    Raises:
        ModuleNotFoundError: if it is not installed, with the way to install it.
    """
    try:
        return importlib.import_module(f"pyarrow.{part}" if part else "pyarrow")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Arrow columns need pyarrow: pip install 'clausal[parquet]'", name="pyarrow"
        ) from error


Path = tuple[str, ...]

# What pyarrow has under these names; it comes without types, and may not be installed.
Array = Any
DataType = Any
RecordBatch = Any
Schema = Any

_PART: Final = re.compile(r"""(?:(?<=.)\.|^(?!\.))([^\W\d]\w*)|\["([^"]+)"\]""")


class TableError(ValueError):
    """Columns that cannot hold events, whatever is in their rows.

    Attributes:
        column: The name of the column; empty for the table as a whole.
        detail: What is wrong with it.
    """

    def __init__(self, column: str, detail: str) -> None:
        self.column = column
        self.detail = detail
        super().__init__(column, detail)

    def __str__(self) -> str:
        return f"column `{self.column}`: {self.detail}" if self.column else self.detail


# ── Names of columns ─────────────────────────────────────────────────────────────────────────────


def column_path(name: str) -> Path | None:
    """The field that a column is named for; None when the name is not one of a field."""
    if name.startswith("$"):
        return (name,)
    parts: list[str] = []
    at = 0
    while at < len(name):
        match = _PART.match(name, at)
        if match is None or (not parts and match.group(1) is None):
            return None
        parts.append(match.group(1) or match.group(2))
        at = match.end()
    return tuple(parts) or None


def column_paths(names: Iterable[str]) -> list[Path]:
    """The fields that the columns of one table are named for.

    Raises:
        TableError: for a name that is none, or where two columns would be one field or a part of
            each other.
    """
    paths: list[Path] = []
    for name in names:
        path = column_path(name)
        if path is None:
            raise TableError("", f"`{_short(name)}` is no name of a column")
        paths.append(path)
    seen: set[Path] = set()
    for path in paths:
        if path in seen:
            raise TableError("", f"two columns are named `{_short('.'.join(path))}`")
        seen.add(path)
    for path in paths:
        for length in range(1, len(path)):
            if path[:length] in seen:
                outer, inner = _short(".".join(path[:length])), _short(".".join(path))
                raise TableError(
                    "", f"column `{outer}` is a value and column `{inner}` a part of it"
                )
    return paths


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def read_columns(names: Sequence[str], slots: Iterable[Slot]) -> list[str]:
    """The columns that have a say in events, of all those of a table.

    They are those that slots read, and those with `$` names. Beside such a name nothing else may
    stand, so that all of its group has a say.

    Raises:
        TableError: see `column_paths`.
    """
    fields = [slot.path for slot in slots if slot.source == "field"]
    paths = column_paths(names)
    groups = [path[:-1] for path in paths if path[-1].startswith("$") and len(path) > 1]
    return [
        name
        for name, path in zip(names, paths, strict=True)
        if path[0].startswith("$")
        or any(path[: len(group)] == group for group in groups)
        or any(path[: len(field)] == field[: len(path)] for field in fields)
    ]


def put(event: dict[str, object], path: Path, value: object) -> None:
    """Put a value into nested mappings. INVARIANT: no prefix of a path is a path."""
    group: dict[str, Any] = event
    for part in path[:-1]:
        group = group.setdefault(part, {})
    group[path[-1]] = value


# ── One row ──────────────────────────────────────────────────────────────────────────────────────

place: Final = lru_cache(4096)(place_of)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1)
_TICKS: Final[Mapping[str, tuple[int, int]]] = {
    "s": (1_000_000, 1),
    "ms": (1000, 1),
    "us": (1, 1),
    "ns": (1, 1000),
}
"""By unit of a timestamp or duration: what makes microseconds of it; the rest is cut off."""
_DAY_MS: Final = 86_400_000


def row_of(columns: Sequence[Array], row: int, paths: Sequence[Path]) -> dict[str, object]:
    """The event that a row of columns is, as a dictionary without nulls.

    Raises:
        EventError: if a value is none that Python has, such as text that is not UTF-8.
    """
    event: dict[str, object] = {}
    plain = _plain_types()
    for column, path in zip(columns, paths, strict=True):
        scalar = column[row]
        if not scalar.is_valid:
            continue
        value = scalar.as_py() if scalar.type.id in plain else _value(scalar, place(path))
        if path == (HISTORY_KEY,) and isinstance(value, str):
            value = _json(value)
        if value is not None:
            put(event, path, value)
    return event


@cache
def _plain_types() -> frozenset[int]:
    """The types whose values are those of Python, and need no more than to be asked for."""
    pa = arrow()
    kinds = (pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16())
    return frozenset(
        kind.id for kind in (*kinds, pa.uint32(), pa.uint64(), pa.float32(), pa.float64())
    )


def _value(scalar: Any, where: str) -> object:
    """The value of one element of a column, and None for a null."""
    pa = arrow()
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if kind.id in _plain_types() or pa.types.is_string(kind):
        return _python(scalar, where)
    if pa.types.is_struct(kind):
        fields = {
            kind.field(at).name: _value(scalar[at], below(where, kind.field(at).name))
            for at in range(kind.num_fields)
        }
        # A group in which nothing is there is not there: structs of some libraries are never null.
        return {name: value for name, value in fields.items() if value is not None} or None
    if pa.types.is_map(kind):
        return _mapping(scalar, where)
    if _is_list(kind):
        return [_value(item, f"{where}[{at}]") for at, item in enumerate(scalar)]
    if pa.types.is_dictionary(kind) or isinstance(kind, pa.ExtensionType):
        return _value(scalar.value, where)
    if pa.types.is_timestamp(kind):
        multiply, divide = _TICKS[kind.unit]
        microseconds = scalar.value * multiply // divide
        try:
            instant = _EPOCH + timedelta(microseconds=microseconds)
        except OverflowError:
            raise _unreadable(
                where, "an instant in the years 1685 to 2254", "another one"
            ) from None
        return instant if kind.tz is not None else instant.replace(tzinfo=None)
    if pa.types.is_duration(kind):
        multiply, divide = _TICKS[kind.unit]
        try:
            return timedelta(microseconds=scalar.value * multiply // divide)
        except OverflowError:
            raise _unreadable(where, "a duration of at most 285 years", "a longer one") from None
    if pa.types.is_date(kind):
        days, rest = (
            (scalar.value, 0) if pa.types.is_date32(kind) else divmod(scalar.value, _DAY_MS)
        )
        try:
            day = _EPOCH_DAY + timedelta(days=days)
        except OverflowError:
            raise _unreadable(where, "a day in the years 1 to 9999", "another one") from None
        if rest:
            raise _unreadable(where, "a whole day", "a part of one")
        return day
    return _python(scalar, where)


def _python(scalar: Any, where: str) -> object:
    """The value as pyarrow has it."""
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        byte = f"the byte 0x{error.object[error.start]:02X} at byte {error.start + 1}"
        raise _unreadable(where, "text in UTF-8", byte) from None


def _json(text: str) -> object:
    """The JSON value that a text is, or the text itself: the engine then says what is wrong."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return text


def _mapping(scalar: Any, where: str) -> dict[object, object] | None:
    fields: dict[object, object] = {}
    for pair in scalar.values or ():
        key = _value(pair[0], where)
        if key in fields:
            raise _unreadable(below(where, str(key)), "the key once", "it again")
        fields[key] = _value(pair[1], below(where, str(key)))
    return {key: value for key, value in fields.items() if value is not None} or None


def _unreadable(where: str, expected: str, got: str) -> EventError:
    return EventError([Problem(where, expected, got)])


def _is_list(kind: DataType) -> bool:
    pa = arrow()
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


# ── Columns of slots ─────────────────────────────────────────────────────────────────────────────

_EXPECTED: Final[Mapping[Form, str]] = {
    Form.BOOL: "bool",
    Form.INTEGER: "integers or floats",
    Form.NUMBER: "integers or floats",
    Form.SHARE: "floats or integers",
    Form.INSTANT: "timestamps with a time zone, or strings",
    Form.DURATION: "durations, seconds as numbers, or strings",
    Form.DATE: "dates, or strings",
    Form.NAME: "strings, or a dictionary of strings",
    Form.STRING: "strings, or a dictionary of strings",
    Form.NAMES: "lists of strings",
    Form.STRINGS: "lists of strings",
}
_NUMBERS: Final = frozenset(
    ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double")
)
_NUMERIC: Final = frozenset({Form.INTEGER, Form.NUMBER, Form.SHARE, Form.DURATION})
_STRANGE: Final = READINGS["strange"]


class ColumnReader:
    """Finds the columns of a bundle's slots in tables of one schema.

    Raises:
        TableError: see `column_paths`.
    """

    def __init__(self, matcher: Matcher, slots: Sequence[Slot], schema: Schema) -> None:
        self.paths: Final = column_paths(schema.names)
        self._matcher = matcher
        self._names = schema.names
        self._codes: dict[int, tuple[Any, Any]] = {}
        by_path = {path: index for index, path in enumerate(self.paths)}
        # Slots by the column that they lie in, with the path from there on.
        self._slots: list[tuple[int, Form, int, Path]] = []
        for number, slot in enumerate(slots):
            if slot.source != "field":
                continue
            for length in range(len(slot.path), 0, -1):
                column = by_path.get(slot.path[:length])
                if column is not None:
                    form = form_of(slot.type)
                    self._slots.append((number, form, column, slot.path[length:]))
                    break
        groups = {
            slot.path[:depth]
            for slot in slots
            if slot.source == "field"
            for depth in range(len(slot.path))
        }
        # `$history`, and names that no event may have in a place that is read.
        self._reserved = [
            index
            for index, path in enumerate(self.paths)
            if path[-1].startswith("$") and (path[:-1] in groups or path == (HISTORY_KEY,))
        ]

    def read(self, batch: RecordBatch) -> Columns:
        """The columns of the slots.

        Raises:
            TableError: if a column has values of a type that its field never has.
        """
        columns = Columns(self._matcher, batch.num_rows)
        arrays = batch.columns
        for index in self._reserved:
            _mark(columns, arrays[index])
        opened: dict[tuple[int, Path], Any] = {}
        for slot, form, column, rest in self._slots:
            array = _plain(arrays[column])
            for depth, name in enumerate(rest):
                key = column, rest[:depth]
                if key not in opened:
                    opened[key] = self._open(columns, array, column, rest[:depth])
                array = opened[key](name)
                if array is None:
                    break
                array = _plain(array)
            if array is not None and array.null_count < len(array):
                self._place(columns, slot, form, array, column, rest)
        return columns

    def column_of(self, slot: int, batch: RecordBatch) -> Any:
        """The column of a slot, nulls where a group around it is null; None if there is none."""
        pa, pc = arrow(), arrow("compute")
        for number, _, column, rest in self._slots:
            if number != slot:
                continue
            array = _plain(batch.column(column))
            for name in rest:
                if pa.types.is_map(array.type):
                    array = _plain(pc.map_lookup(array, pa.scalar(name), "first"))
                    continue
                if not pa.types.is_struct(array.type) or array.type.get_field_index(name) < 0:
                    return None
                array = _plain(array.flatten()[array.type.get_field_index(name)])
            return array
        return None

    def row_of(self, batch: RecordBatch, row: int, slots: Collection[int]) -> dict[str, object]:
        """The event that a row is, with what some slots read and perhaps more.

        Raises:
            EventError: as of the function `row_of`.
        """
        places = sorted({column for slot, _, column, _ in self._slots if slot in slots})
        return row_of(
            [batch.column(place) for place in places], row, [self.paths[place] for place in places]
        )

    def _open(self, columns: Columns, array: Any, column: int, path: Path) -> Any:
        """A function from names to the arrays inside of a group."""
        pa = arrow()
        pc = arrow("compute")
        kind = array.type
        if array.null_count == len(array):
            return lambda name: None
        if pa.types.is_struct(kind):
            names = [kind.field(at).name for at in range(kind.num_fields)]
            # Where the group is null, so are its fields.
            fields = dict(zip(names, array.flatten(), strict=True))
            if len(fields) < len(names):
                raise TableError(self._name(column, path), "it has two fields of one name")
            for name, field in fields.items():
                if name.startswith("$"):
                    _mark(columns, field)
            return fields.get
        if pa.types.is_map(kind) and pa.types.is_string(kind.key_type):

            def look_up(name: str) -> Any:
                first = pc.map_lookup(array, pa.scalar(name), "first")
                every = pc.map_lookup(array, pa.scalar(name), "all")
                # A key that is there twice is refused, whatever its values are.
                twice = pc.greater(pc.list_value_length(every), 1)
                _mark(columns, pc.if_else(twice, True, None))
                return first

            if pc.any(pc.starts_with(array.keys, "$")).as_py():
                _mark(columns, array)
            return look_up
        raise TableError(
            self._name(column, path), f"expected a group of fields (a struct), got {kind}"
        )

    def _place(
        self, columns: Columns, slot: int, form: Form, array: Any, column: int, rest: Path
    ) -> None:
        """Say how a slot is read from an array with at least one value."""
        pa = arrow()
        kind = array.type
        offset, valid = array.offset, _valid(array)
        name = str(kind)
        buffers = array.buffers()
        if pa.types.is_struct(kind) or pa.types.is_union(kind):
            columns.place(slot, _STRANGE, array, offset, valid, 0)
        elif form is Form.BOOL and pa.types.is_boolean(kind):
            columns.place(slot, READINGS["bits"], array, offset, valid, buffers[1].address)
        elif form in _NUMERIC and name in _NUMBERS:
            columns.place(slot, READINGS[name], array, offset, valid, buffers[1].address)
        elif (form is Form.DURATION and pa.types.is_duration(kind)) or (
            form is Form.INSTANT and pa.types.is_timestamp(kind) and kind.tz is not None
        ):
            multiply, divide = _TICKS[kind.unit]
            columns.place(
                slot,
                READINGS["ticks64"],
                array,
                offset,
                valid,
                buffers[1].address,
                multiply=multiply,
                divide=divide,
            )
        elif form is Form.DATE and pa.types.is_date(kind):
            small = pa.types.is_date32(kind)
            columns.place(
                slot,
                READINGS["ticks32" if small else "ticks64"],
                array,
                offset,
                valid,
                buffers[1].address,
                divide=1 if small else _DAY_MS,
            )
        elif form in {Form.INSTANT, Form.DATE} and name in {"string", "large_string"}:
            self._place_texts(columns, slot, form, array, items=False)
        elif form in {Form.INSTANT, Form.DATE, Form.DURATION} and _is_text(kind):
            columns.place(slot, _STRANGE, array, offset, valid, 0)
        elif form in {Form.NAME, Form.STRING} and _is_text(kind):
            self._place_texts(columns, slot, form, array, items=False)
        elif form in {Form.NAMES, Form.STRINGS} and _is_list(kind) and _holds_text(kind):
            self._place_lists(columns, slot, form, array)
        else:
            raise TableError(
                self._name(column, rest), f"expected {_EXPECTED[form]}, got {shown(name)}"
            )

    def _place_texts(
        self, columns: Columns, slot: int, form: Form, array: Any, *, items: bool
    ) -> None:
        pa = arrow()
        kind = array.type
        offset, valid = array.offset, _valid(array)
        if form in {Form.STRING, Form.STRINGS} and not _is_sound(array):
            columns.place(slot, _STRANGE, array, offset, valid, 0, items=items)
            return
        if pa.types.is_dictionary(kind):
            wanted = form is not Form.STRING or self._matcher.asks(slot)
            columns.place(
                slot,
                READINGS[f"index{kind.index_type.bit_width}"],
                array,
                offset,
                valid,
                array.indices.buffers()[1].address,
                codes=self._codes_of(slot, array) if wanted else None,
                text=None if items else array,
                items=items,
            )
            return
        where = _texts(array)
        columns.place(
            slot,
            where["reading"],
            array,
            offset,
            valid,
            where["data"],
            offsets=where["offsets"],
            size=where["size"],
            items=items,
        )

    def _place_lists(self, columns: Columns, slot: int, form: Form, array: Any) -> None:
        pa = arrow()
        kind = array.type
        items = _plain(array.values)
        fixed = pa.types.is_fixed_size_list(kind)
        large = pa.types.is_large_list(kind)
        columns.place(
            slot,
            READINGS["list_fixed" if fixed else "list64" if large else "list32"],
            array,
            array.offset,
            _valid(array),
            0,
            offsets=0 if fixed else array.buffers()[1].address,
            size=len(items),
            width=kind.list_size if fixed else 0,
        )
        if len(items) and not pa.types.is_null(items.type):
            self._place_texts(columns, slot, form, items, items=True)

    def _codes_of(self, slot: int, array: Any) -> Any:
        """The codes of a dictionary; those of the batch before if it is the same one."""
        dictionary = _plain(array.dictionary)
        where = _texts(dictionary)
        key = (dictionary.offset, len(dictionary), *where.values())
        known = self._codes.get(slot)
        if known is not None and known[0][1:] == key:
            return known[1]
        codes = self._matcher.codes(
            slot,
            where["reading"],
            len(dictionary),
            dictionary.offset,
            where["data"],
            where["offsets"],
            where["size"],
        )
        # As long as the dictionary is kept, nothing else lies where it does.
        self._codes[slot] = ((dictionary, *key), codes)
        return codes

    def _name(self, column: int, path: Path) -> str:
        return shown(".".join((self._names[column], *path)))


def _plain(array: Any) -> Any:
    """The array as one whose buffers can be read."""
    pa = arrow()
    pc = arrow("compute")
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(array.storage)
    if pa.types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(array))
    if pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if pa.types.is_float16(kind):
        return array.cast(pa.float32())
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return array.cast(pa.large_list(kind.value_type))
    if pa.types.is_dictionary(kind):
        values = array.dictionary
        if not _is_text(values.type) or values.null_count:
            return _plain(array.dictionary_decode())
    return array


def _is_text(kind: DataType) -> bool:
    pa = arrow()
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _holds_text(kind: Any) -> bool:
    pa = arrow()
    return _is_text(kind.value_type) or pa.types.is_null(kind.value_type)


def _is_sound(array: Any) -> bool:
    """Whether all texts are UTF-8."""
    pa = arrow()
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _valid(array: Any) -> int:
    """Where the bits lie that say which elements are there; 0: all are."""
    if array.null_count == 0:
        return 0
    buffer = array.buffers()[0]
    return 0 if buffer is None else int(buffer.address)


def _texts(array: Any) -> dict[str, int]:
    """Where the texts of an array of strings lie."""
    pa = arrow()
    _, offsets, data = array.buffers()
    return {
        "reading": READINGS["text64" if pa.types.is_large_string(array.type) else "text32"],
        "data": 0 if data is None else data.address,
        "offsets": 0 if offsets is None else offsets.address,
        "size": 0 if data is None else data.size,
    }


def _mark(columns: Columns, array: Any) -> None:
    """Rows in which the array has a value are to be read one by one."""
    if array.null_count < len(array):
        columns.place_strange(array, array.offset, _valid(array))


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────


def batches_of(source: Any) -> tuple[Schema, Iterator[RecordBatch]]:
    """The schema and the record batches of a table, of whatever library it is.

    Args:
        source: A `pyarrow.Table`, a record batch, a reader or an iterable of record batches of one
            schema, or anything that has ``__arrow_c_stream__`` or ``__arrow_c_array__``.

    Raises:
        TypeError: for anything else.
    """
    pa = arrow()
    if isinstance(source, pa.RecordBatch):
        return source.schema, iter((source,))
    if isinstance(source, pa.Table):
        return source.schema, _whole(source)
    if isinstance(source, pa.RecordBatchReader):
        return source.schema, iter(source)
    if hasattr(source, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(source)
        return reader.schema, iter(reader)
    if hasattr(source, "__arrow_c_array__"):
        batch = pa.record_batch(source)
        return batch.schema, iter((batch,))
    if isinstance(source, Iterable):
        return _peeked(iter(source))
    raise TypeError(f"expected Arrow columns, got `{type(source).__name__}`")


def _peeked(source: Iterator[Any]) -> tuple[Schema, Iterator[RecordBatch]]:
    pa = arrow()
    first = next(source, None)
    if first is None:
        return pa.schema([]), iter(())
    schema, batches = batches_of(first)

    def every() -> Iterator[RecordBatch]:
        yield from batches
        for item in source:
            other, more = batches_of(item)
            if not other.equals(schema):
                raise TableError("", "the batches have different columns")
            yield from more

    return schema, every()


_SMALL: Final = 4096
"""Chunks that hold fewer rows on average are put together first: each batch has a fixed cost."""


def _whole(table: Any) -> Iterator[RecordBatch]:
    chunks = max((column.num_chunks for column in table.columns), default=1)
    if chunks > 1 and table.num_rows < chunks * _SMALL:
        table = table.combine_chunks()
    yield from table.to_batches()
