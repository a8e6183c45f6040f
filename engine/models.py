"""Decisions and events as Pydantic models, and the JSON Schemas that are published of them.

`DecisionModel` has the fields of `clausal.engine.decision.Decision`, for programs that work with
Pydantic; `decision_schema` is its JSON Schema. `event_model` makes a model of the events that the
libraries of a bundle declare: what such a model accepts, the engine accepts, with the same meaning,
as both ask `clausal.engine.values.convert`.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, assert_never

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    Tag,
    WithJsonSchema,
    create_model,
)
from pydantic_core import CoreSchema

from clausal.compiler.ir import Bilingual, SchemaField, Severity
from clausal.compiler.types import (
    LARGEST_INTEGER,
    Enum,
    MapOf,
    Scalar,
    SetOf,
    Type,
    describe,
)
from clausal.engine.decision import Decision, Mode
from clausal.engine.objects import FAILED_KEY, HISTORY_KEY, fields_of
from clausal.engine.values import ConversionError, convert

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# ── Decisions ────────────────────────────────────────────────────────────────────────────────────


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
        model_title_generator=lambda model: model.__name__.removesuffix("Model"),
    )


class BilingualModel(_Model):
    """A text in both languages; a language that the author did not write is empty."""

    zh: str = ""
    en: str = ""


class ClauseRefModel(_Model):
    """A clause of a notice that a rule cites."""

    notice: str
    """The file of the notice."""
    id: str
    """The number of the clause."""
    quote: str
    """Its text, verbatim."""
    fingerprint: str
    """The first 8 hex digits of the SHA-256 of the text that the rule was compiled against."""


class FindingModel(_Model):
    """A rule that fired."""

    policy: str
    version: str
    rule: str
    severity: Severity
    mode: Mode
    clauses: tuple[ClauseRefModel, ...]
    title: BilingualModel
    reason: BilingualModel
    """Why it fired, with the values of the event."""


class TargetRefModel(_Model):
    """What a measure applies to."""

    kind: str
    id: str | None
    """None when the event did not say which one it is."""


class StepModel(_Model):
    """The step of a ladder that a measure comes from."""

    ladder: str
    step: int


class MeasureModel(_Model):
    """One consequence, after joining."""

    sanction: str
    title: BilingualModel
    grade: int
    target: TargetRefModel
    mode: Mode
    arguments: dict[str, float | bool | str | tuple[str, ...]]
    """The parameters of the sanction by name; shares from 0 to 1, durations in seconds."""
    start: str
    """The instant of the decision, RFC 3339."""
    end: str | None
    """When it ends by itself; null when it does not, or when it ends otherwise."""
    permanent: bool = False
    once: bool = False
    until_fixed: tuple[str, ...] = ()
    """The rules, "policy.rule", whose silence, all of them together, ends the measure."""
    interim: bool = False
    """Whether it is precautionary: it rests on a suspicion."""
    review: int = 0
    """How many people must decide before it takes effect: 0, 1 or 2."""
    findings: tuple[int, ...] = ()
    """Indices of the findings that caused it."""
    steps: tuple[StepModel, ...] = ()
    yields_to: int | None = None
    """Index of a heavier measure that covers this one while it runs."""
    notice: BilingualModel = BilingualModel()
    """What the affected user is told."""


class LackModel(_Model):
    """A value that was not there."""

    field: str
    cause: Literal["absent", "failed"]


class UndeterminedModel(_Model):
    """A rule that could not be settled, with what it lacked."""

    policy: str
    version: str
    rule: str
    mode: Mode
    lacks: tuple[LackModel, ...]


class StandingModel(_Model):
    """Where a strike leaves its subject on a ladder."""

    ladder: str
    target: TargetRefModel
    mode: Mode
    active: int | None
    """Active strikes, or points, before this event; null when no history was given."""
    step: int | None
    """The step that this strike leads to, 0 for none; null when that is not known."""
    if_clean: int | None
    """The step that an empty history would give; null when the points are not known."""
    findings: tuple[int, ...]
    family: str | None = None
    """The family of this strike, on a ladder of points."""
    points: int | None = None
    """The points of this strike, on a ladder of points."""
    counts: int | None = None
    """The points that count after this strike."""
    next_step_at: int | None = None
    """The points from which the next step holds; null when there is none."""
    expires: str | None = None
    """When this strike ends to be active, RFC 3339; null for never, and when it is not known."""
    lacks: tuple[LackModel, ...] = ()
    """What could make the step another one."""


class BoundsModel(_Model):
    """The lightest and the heaviest outcome that the missing values could lead to."""

    lightest: tuple[MeasureModel, ...]
    heaviest: tuple[MeasureModel, ...]
    fetch_next: str | None
    """The missing field whose value would settle the most."""


class DecisionModel(_Model):
    """All findings and joined measures for one event."""

    event_id: str | None
    acted_at: str
    """The instant of the act, RFC 3339."""
    decided_at: str
    """The instant of the decision, RFC 3339."""
    bundle: str
    """The digest of the bundle that decided."""
    findings: tuple[FindingModel, ...] = ()
    measures: tuple[MeasureModel, ...] = ()
    undetermined: tuple[UndeterminedModel, ...] = ()
    ladders: tuple[StandingModel, ...] = ()
    bounds: BoundsModel | None = None
    """Given on request."""

    @classmethod
    def of(cls, decision: Decision) -> DecisionModel:
        """The model of a decision."""
        return cls.model_validate(decision.to_dict())

    def to_decision(self) -> Decision:
        """The decision that this is the model of."""
        return Decision.from_dict(self.model_dump())


def decision_schema() -> dict[str, Any]:
    """The JSON Schema of decisions, as `Decision.to_json` writes them."""
    schema = DecisionModel.model_json_schema(mode="serialization")
    return {"$schema": _DIALECT, **schema}


# ── Events ───────────────────────────────────────────────────────────────────────────────────────

UnknownKeys = Literal["ignore", "forbid", "allow"]


class Failed(BaseModel):
    """Stands for a value, or a group of values, that was asked for and could not be had."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    reason: str = Field(alias=FAILED_KEY, description="Why it could not be had.")


def _tag(value: object) -> str:
    if isinstance(value, Failed):
        return "failed"
    fields = fields_of(value)
    return "failed" if fields is not None and FAILED_KEY in fields else "value"


class _AnyOf:
    """Pydantic says "one of", yet an object with unknown keys fits a group, whatever the keys."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core)
        return {"anyOf" if key == "oneOf" else key: value for key, value in schema.items()}


def _or_failed(inner: Any) -> Any:
    """A value, or what says that it could not be had."""
    return Annotated[
        Annotated[inner, Tag("value")] | Annotated[Failed, Tag("failed")],
        Discriminator(_tag),
        _AnyOf(),
    ]


def event_model(
    fields: Iterable[SchemaField], *, unknown: UnknownKeys = "ignore", name: str = "Event"
) -> type[BaseModel]:
    """A model of the events that libraries declare; its instances can be evaluated.

    Groups of fields are models within it. A field may be left out or null unless the library says
    that it is required. In the JSON Schema each field has its type in words and its labels:
    ``x-label`` holds both languages, ``x-labels`` those of the values of an enum. A name that
    Pydantic cannot use for an attribute gets an underscore at its end; the key stays what it is.

    Args:
        fields: What the libraries of a bundle declare.
        unknown: What happens to keys that no library declares. The engine ignores them.
        name: The name of the model.
    """
    tree: dict[str, Any] = {}
    for field in fields:
        inner = tree
        for part in field.path[:-1]:
            inner = inner.setdefault(part, {})
        inner[field.path[-1]] = field
    config = ConfigDict(extra=unknown, populate_by_name=True, protected_namespaces=(), title=name)
    members = _members(tree, config, name)
    attribute = _attribute("history", members)
    described = "Figures about the past, if they are not handed over beside the event."
    members[attribute] = (
        _or_failed(_history_model()) | None,
        Field(default=None, alias=HISTORY_KEY, description=described),
    )
    model: type[BaseModel] = create_model(name, __config__=config, **members)
    return model


def _members(tree: Mapping[str, Any], config: ConfigDict, name: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, below in tree.items():
        attribute = _attribute(key, members)
        alias = None if attribute == key else key
        if isinstance(below, SchemaField):
            members[attribute] = _member(below, alias)
            continue
        title = f"{name}{key[:1].upper()}{key[1:]}"
        own = config | ConfigDict(title=title)
        group: Any = create_model(title, __config__=own, **_members(below, config, title))
        required = _is_required(below)
        kind = _or_failed(group)
        members[attribute] = (
            kind if required else kind | None,
            Field(alias=alias) if required else Field(default=None, alias=alias),
        )
    return members


def _is_required(below: Mapping[str, Any]) -> bool:
    return any(
        part.required if isinstance(part, SchemaField) else _is_required(part)
        for part in below.values()
    )


def _attribute(key: str, taken: Mapping[str, object]) -> str:
    """A name for an attribute that Pydantic takes; most often the key itself."""
    attribute = key
    if not key.isidentifier():
        attribute = "field_" + "".join(c if f"_{c}".isidentifier() else "_" for c in key)
    elif key.startswith("_") or keyword.iskeyword(key) or hasattr(BaseModel, key):
        attribute = f"{key.strip('_') or 'field'}_"
    while attribute in taken:
        attribute += "_"
    return attribute


def _member(field: SchemaField, alias: str | None) -> tuple[Any, Any]:
    kind = _or_failed(_python_type(field.type))
    extra = _labels(field)
    label = field.label
    words = " · ".join(text for text in (label.zh, label.en) if text)
    description = f"{words} ({describe(field.type)})" if words else describe(field.type)
    if field.required:
        return kind, Field(alias=alias, description=description, json_schema_extra=extra)
    return kind | None, Field(
        default=None, alias=alias, description=description, json_schema_extra=extra
    )


def _labels(field: SchemaField) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if field.label != Bilingual():
        extra["x-label"] = {"zh": field.label.zh, "en": field.label.en}
    item = field.type.item if isinstance(field.type, SetOf | MapOf) else field.type
    if isinstance(item, Enum):
        labelled = {
            value.name: {"zh": value.zh, "en": value.en}
            for value in item.values
            if value.zh or value.en
        }
        if labelled:
            extra["x-labels"] = labelled
    return extra


def _python_type(type: Type) -> Any:
    match type:
        case Scalar():
            return _scalar(type)
        case Enum():
            return Literal[type.names]
        case SetOf(item=item):
            return GenericAlias(list, (_python_type(item),))
        case MapOf(item=item):
            return _by_name(_python_type(item))
        case _:
            assert_never(type)


def _scalar(type: Scalar) -> Any:
    """A Python type that takes what the engine takes."""
    python: Any
    shown: dict[str, Any]
    make: Callable[[Any, Any], object] = _as_given
    match type.name:
        case "bool":
            python, shown = bool, {"type": "boolean"}
        case "integer":
            python, make = int, _whole
            shown = {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
        case "number":
            python, make, shown = float, _held, {"type": "number"}
        case "share":
            python, make, shown = float, _held, {"type": "number", "minimum": 0, "maximum": 1}
        case "instant":
            python, make, shown = datetime, _instant, {"type": "string", "format": "date-time"}
        case "date":
            python, make, shown = date, _date, {"type": "string", "format": "date"}
        case "duration":
            # Pydantic would write ISO 8601, which the language does not read.
            python = Annotated[timedelta, PlainSerializer(timedelta.total_seconds)]
            make = _duration
            described = 'Seconds, or a duration such as "48h".'
            shown = {"type": ["number", "string"], "description": described}
        case "string" | "text":
            python, shown = str, {"type": "string"}
        case _:
            assert_never(type.name)
    return Annotated[python, BeforeValidator(partial(_read, type, make)), WithJsonSchema(shown)]


def _read(type: Scalar, make: Callable[[Any, Any], object], value: object) -> object:
    try:
        held = convert(type, value)
    except ConversionError as problem:
        raise ValueError(str(problem)) from None
    return make(value, held)


def _as_given(_: object, held: object) -> object:
    return held


def _held(_: object, held: float) -> float:
    return held


def _whole(_: object, held: float) -> int:
    return int(held)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(value: object, held: float) -> datetime:
    return value if isinstance(value, datetime) else _EPOCH + timedelta(microseconds=held)


def _duration(_: object, held: float) -> timedelta:
    return timedelta(microseconds=held)


def _date(_: object, held: float) -> date:
    return _EPOCH.date() + timedelta(days=held)


def _history_model() -> Any:
    integer, number, share, instant = (
        _scalar(Scalar(name)) for name in ("integer", "number", "share", "instant")
    )
    count: Any = Annotated[integer, Field(ge=0)]
    served = create_model(
        "ServedStep", __config__=ConfigDict(extra="forbid"), step=(count, ...), until=(instant, ...)
    )
    past = create_model(
        "PastStrike",
        __config__=ConfigDict(extra="forbid"),
        issued=(instant, ...),
        points=(count, ...),
        family=(str, ...),
        expires=(instant | None, None),
        served=(served | None, None),
    )
    strikes = (
        count
        | GenericAlias(list, (instant,))
        | GenericAlias(list, (past,))
        | GenericAlias(dict, (str, count))
    )
    groups = {"strikes": strikes, "tallies": number, "similarity": share}
    members: dict[str, Any] = {
        name: (_or_failed(_by_name(item)) | None, Field(default=None))
        for name, item in groups.items()
    }
    return create_model("EventHistory", __config__=ConfigDict(extra="forbid"), **members)


def _by_name(item: Any) -> Any:
    return GenericAlias(dict, (str, _or_failed(item) | None))
