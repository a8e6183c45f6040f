"""`Bundle`: a compiled bundle that decides events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from pydantic import BaseModel

from clausal.compiler.bundle import Artifact, BundleError, BundleProblem, assemble, pack, save
from clausal.compiler.ir import UNKNOWN, VersionDef
from clausal.compiler.rebind import BindingError, rebind
from clausal.compiler.types import Scalar
from clausal.engine._core import Core
from clausal.engine._frame import Frame
from clausal.engine.decide import Context, in_force
from clausal.engine.decision import Decision
from clausal.engine.event import KnownFields
from clausal.engine.explain import Explainer, Explanation
from clausal.engine.history import History
from clausal.engine.models import event_model
from clausal.engine.problem import EventError
from clausal.engine.values import ConversionError, convert

if TYPE_CHECKING:
    import pyarrow as pa

    from clausal.engine.tables import TableEvaluator

Event = Mapping[str, object] | BaseModel
"""An event as an object; its form is that of the schema of the bundle."""

Json = bytes | bytearray | memoryview | str
"""An event as JSON."""

Past = History | Mapping[str, object]
"""What is known of the past: a `History`, or the object that an event has under ``$history``."""

Instant = datetime | str
"""An aware datetime, or an RFC 3339 text with an offset."""

Table = Any
"""Events as Arrow columns: see `Bundle.evaluate_table`."""

_INSTANT: Final = Scalar("instant")


class Bundle:
    """A bundle, ready to decide. It never changes, and threads may share it.

    Evaluation is a pure function of the bundle, the event, the history and the instant of the
    decision: it reads no clock, does no input or output, and remembers nothing.
    """

    def __init__(self, artifact: Artifact) -> None:
        """Get a bundle ready that was compiled or loaded.

        Raises:
            BundleError: if the bundle is not what its digest promises.
        """
        self.artifact: Final = artifact
        meta = artifact.meta
        counts_strikes = any(slot.source == "strikes" for slot in meta.slots)
        ladders = artifact.corpus.ladders if counts_strikes else ()
        try:
            self._core = Core(
                artifact.program,
                meta.slots,
                time_slot=meta.time_slot,
                ladders=ladders,
                verified=True,
                index=artifact.index,
            )
        except ValueError as error:
            # Only one that was forged comes so far: the compiler makes no such slots or patterns.
            raise BundleError(
                BundleProblem.MALFORMED, f"the bundle is malformed: section `program`: {error}"
            ) from error
        self._context = Context(
            meta.versions,
            meta.id_slot,
            artifact.digest,
            lambda: artifact.corpus,
            self._core.lacking,
        )
        self._core.serve(Decision, self._context, meta.id_slot)

    @property
    def digest(self) -> str:
        """What names the bundle, in every decision too: ``sha256:`` and 64 hex digits."""
        return self.artifact.digest

    def to_bytes(self) -> bytes:
        """The bundle as the bytes of a file, for `clausal.load`: the same for the same sources."""
        return pack(self.artifact)

    def save(self, path: str | Path) -> None:
        """Write the bundle to a file, whole or not at all.

        Raises:
            OSError: if it cannot be written.
        """
        save(self.artifact, Path(path))

    def __repr__(self) -> str:
        return f"<Bundle {self.digest[:19]} of {self.artifact.meta.rules} rules>"

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.artifact.corpus, self._context.decider)

    @cached_property
    def _tables(self) -> TableEvaluator:
        from clausal.engine.tables import TableEvaluator  # noqa: PLC0415 - most programs need none

        return TableEvaluator(self.artifact, self._core, self._context)

    @cached_property
    def _known(self) -> KnownFields:
        return KnownFields(self.artifact.meta.fields)

    # ── Deciding ─────────────────────────────────────────────────────────────────────────────────

    def evaluate(
        self,
        event: Event,
        *,
        history: Past | None = None,
        at: Instant | None = None,
        bounds: bool = False,
    ) -> Decision:
        """Decide an event.

        Args:
            event: A dictionary or another mapping, an instance of `event_model` or of any other
                Pydantic model or dataclass of that form.
            history: Strikes, tallies and similarities, unless the event carries them.
            at: The instant of the decision; by default that of the act.
            bounds: Whether to say between which outcomes the missing values leave the decision.

        Raises:
            EventError: if the event cannot be decided, with everything that is wrong with it; also
                if the act is after the decision.
            ValueError: if ``at`` is no instant with an offset.
        """
        # Nothing here that can be left out: for most events it takes longer than their rules.
        return self._core.evaluate(
            event,
            None if history is None else _past(history),
            None if at is None else _instant(at),
            bounds,
        )

    def evaluate_json(
        self,
        event: Json,
        *,
        history: Past | None = None,
        at: Instant | None = None,
        bounds: bool = False,
    ) -> Decision:
        """Decide an event that is JSON: UTF-8 bytes, or text. See `evaluate`.

        Raises:
            EventError: also for what is not JSON, or not one object, or has a key twice.
            ValueError: if ``at`` is no instant with an offset.
        """
        return self._core.evaluate_json(
            _bytes(event),
            None if history is None else _past(history),
            None if at is None else _instant(at),
            bounds,
        )

    @overload
    def evaluate_many(
        self,
        events: Iterable[Event | Json],
        *,
        at: Instant | None = None,
        bounds: bool = False,
        errors: Literal["raise"] = "raise",
    ) -> Iterator[Decision]: ...

    @overload
    def evaluate_many(
        self,
        events: Iterable[Event | Json],
        *,
        at: Instant | None = None,
        bounds: bool = False,
        errors: Literal["yield"],
    ) -> Iterator[Decision | EventError]: ...

    def evaluate_many(
        self,
        events: Iterable[Event | Json],
        *,
        at: Instant | None = None,
        bounds: bool = False,
        errors: Literal["raise", "yield"] = "raise",
    ) -> Iterator[Decision | EventError]:
        """Decide events one after the other, as they are asked for.

        Args:
            events: Objects, or JSON as of `evaluate_json`; histories ride on them.
            at: As of `evaluate`, for all of them.
            bounds: As of `evaluate`.
            errors: What becomes of an event that cannot be decided: "raise" ends the iteration,
                "yield" yields the error in its place, so that results stay in step with events.

        Raises:
            EventError: for such an event, if ``errors`` is "raise".
            ValueError: if ``at`` is no instant with an offset.
        """
        decided_at = None if at is None else _instant(at)
        for event in events:
            try:
                if isinstance(event, Json):
                    yield self._core.evaluate_json(_bytes(event), None, decided_at, bounds)
                else:
                    yield self._core.evaluate(event, None, decided_at, bounds)
            except EventError as error:
                if errors == "raise":
                    raise
                yield error

    def match_table(self, source: Table, *, threads: int = 1) -> pa.Table:
        """Find the rules of a table of events, without deciding what follows.

        Args:
            source: As of `evaluate_table`.
            threads: As of `evaluate_table`.

        Returns:
            One row for each event, in their order: ``fired`` and ``undetermined``, the rules in
            force at the act, "policy.rule", as lists of dictionary-encoded strings; ``error``, why
            the event cannot be decided, or null.

        Raises:
            TableError: as of `evaluate_table`.
        """
        found: pa.Table = self._tables.matches_table(self._tables.match(source, threads=threads))
        return found

    def evaluate_table(
        self, source: Table, *, at: Instant | None = None, threads: int = 1
    ) -> pa.Table:
        """Decide a table of events: a row is an event, and a column a field.

        A column is named for its field (``content.topic``), or is a struct of fields; nulls are
        absent fields. What a row means is what `evaluate` makes of it as a dictionary.

        Args:
            source: A `pyarrow.Table` or record batch, or anything with ``__arrow_c_stream__``, such
                as a data frame of Polars; or an iterable of them with equal columns.
            at: The instant of the decisions; by default that of each act.
            threads: How many threads look for the rules.

        Returns:
            One row for each event, in their order, with the columns of a decision:
            ``event_id``; ``acted_at``, ``decided_at``, timestamps; ``bundle``; ``findings``,
            ``measures``, ``undetermined`` and ``ladders``, lists of structs whose fields are those
            of `Decision.to_dict`; and ``errors``, a list of what is wrong with an event that cannot
            be decided: then all else is null or empty. The arguments of measures are JSON, their
            ``start`` and ``end`` timestamps. Reasons and notices, which are rendered for each event,
            are left out: `decide_rows` has them.

        Raises:
            TableError: if a column cannot hold its field, whatever is in its rows.
            ValueError: if ``at`` is no instant with an offset.
        """
        batches = self._tables.evaluate(
            source, decided_at=None if at is None else _instant(at), threads=threads
        )
        table: pa.Table = self._tables.decisions_table(batches)
        return table

    def evaluate_batches(
        self, source: Table, *, at: Instant | None = None, threads: int = 1
    ) -> Iterator[pa.RecordBatch]:
        """Decide a stream of events: as `evaluate_table`, but one record batch after the other.

        Memory does not grow with the stream: only so many rows are read ahead as threads need.
        """
        return self._tables.evaluate(
            source, decided_at=None if at is None else _instant(at), threads=threads
        )

    def columns_of(self, names: Sequence[str]) -> list[str]:
        """The columns that the bundle reads, of all the columns of a table.

        A table of these alone is decided alike: nothing else needs to be read from a file.

        Args:
            names: The names of all columns.

        Raises:
            TableError: if they cannot be the columns of one table of events.
        """
        return self._tables.columns_of(names)

    def decide_rows(
        self, source: Table, *, at: Instant | None = None, threads: int = 1
    ) -> Iterator[Decision | EventError]:
        """Decide a table of events: the decision of each row, or what is wrong with it.

        The arguments are those of `evaluate_table`, and rows are read as they are asked for.
        """
        return self._tables.decisions(
            source, decided_at=None if at is None else _instant(at), threads=threads
        )

    def trial(
        self,
        version: int,
        event: Event,
        *,
        history: Past | None = None,
        at: Instant | None = None,
    ) -> Decision:
        """Decide an event as if one policy were all that the bundle holds.

        That is how the tests of a policy are decided: what other policies say cannot change them. A
        version without dates is tried as if it were in force.

        Args:
            version: The number of one of the policy's versions in the corpus.
            event: As of `evaluate`, and so are ``history`` and ``at``.
            history: See above.
            at: See above.

        Raises:
            EventError: as of `evaluate`.
            ValueError: as of `evaluate`.
        """
        values = self._core.read(event, None if history is None else _past(history))
        instant = None if at is None else _instant(at)
        decision = self._core.decided(values, instant, False)
        versions = self.artifact.corpus.versions
        if versions[version].start == UNKNOWN:
            act, later = self._own(values, UNKNOWN, {version}), None
        else:
            policy = versions[version].policy
            own = {index for index, other in enumerate(versions) if other.policy == policy}
            acted = values.value(self.artifact.meta.time_slot)
            assert isinstance(acted, float)
            act = self._own(values, int(acted), own)
            later = None
            if instant is not None and instant != acted:
                later = self._own(values, instant, own)
        return self._core.narrowed(decision, *act, later)

    def _own(
        self, values: Frame, instant: int, versions: Collection[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The rules of some versions that fire at an instant, and those that are undetermined."""
        rules = self.artifact.corpus.rules
        fired, undetermined = self._core.run(values, instant)
        return (
            tuple([rule for rule in fired if rules[rule].version in versions]),
            tuple([rule for rule in undetermined if rules[rule].version in versions]),
        )

    def explain(
        self,
        event: Event,
        *,
        history: Past | None = None,
        at: Instant | None = None,
        bounds: bool = False,
        rules: Collection[str] = (),
        nearly: bool = False,
    ) -> Explanation:
        """Decide an event and say why: the trees of rules with their values, and the versions.

        Args:
            event: As of `evaluate`, and so are ``history``, ``at`` and ``bounds``.
            history: See above.
            at: See above.
            bounds: See above.
            rules: Rules to tell about whatever became of them: "policy.rule", or bare names.
            nearly: Whether to tell about the rules that nearly fired, too: of what they ask for
                exactly one thing was denied. To find them, all rules in force are gone through.

        Raises:
            EventError: as of `evaluate`.
            ValueError: as of `evaluate`.
        """
        values = self._core.read(event, None if history is None else _past(history))
        decided_at = None if at is None else _instant(at)
        decision = self._core.decided(values, decided_at, bounds)
        return self._explainer.explain(decision, rules, nearly=nearly)

    # ── About the bundle ─────────────────────────────────────────────────────────────────────────

    @cached_property
    def event_model(self) -> type[BaseModel]:
        """A Pydantic model of the events that the bundle's libraries declare.

        Keys that they do not declare are ignored, as `evaluate` ignores them;
        `clausal.engine.models.event_model` makes models that forbid or keep them.
        """
        return event_model(self.artifact.meta.fields)

    def unknown_keys(self, event: Event) -> tuple[str, ...]:
        """The keys of an event that no library declares, which evaluation ignores: typos, perhaps."""
        return self._known.unknown_keys(event)

    def in_force(self, at: Instant) -> tuple[VersionDef, ...]:
        """The versions of policies that are in force at an instant, sorted by policy.

        Raises:
            ValueError: if it is no instant with an offset.
        """
        instant = _instant(at)
        versions = self.artifact.meta.versions
        return tuple(versions[index] for index in in_force(versions, instant))

    def rebind(self, **params: float | timedelta | datetime | date) -> Bundle:
        """The bundle with other values of its params, without compiling anew.

        The new bundle has the digest that compiling with these values would give.

        Args:
            params: Values by name, qualified (``**{"cn.traffic.cutoff": 0.9}``) or, where it means
                one param alone, bare. Plain numbers are what the engine holds: durations and
                instants in microseconds, dates in days since 1970.

        Raises:
            BindingError: if a param does not exist, or cannot have the value.
        """
        values = {name: _number(value) for name, value in params.items()}
        artifact = self.artifact
        program, corpus = rebind(artifact.program, artifact.corpus, values)
        return Bundle(assemble(corpus, program, artifact.sources, artifact.profile))


def _past(history: Past) -> History:
    return history if isinstance(history, History) else History.parse(history)


def _bytes(event: Json) -> bytes | bytearray | memoryview:
    return event.encode("utf-8", "surrogatepass") if isinstance(event, str) else event


def _instant(at: Instant) -> int:
    """Microseconds since 1970."""
    try:
        value = convert(_INSTANT, at)
    except ConversionError as problem:
        raise ValueError(f"`at`: {problem}") from None
    assert isinstance(value, float)
    return int(value)


def _number(value: float | timedelta | datetime | date) -> float:
    """The value of a param as the engine holds it."""
    match value:
        case timedelta():
            return value / timedelta(microseconds=1)
        case datetime() | date():
            name: Literal["instant", "date"] = "instant" if isinstance(value, datetime) else "date"
            try:
                held = convert(Scalar(name), value)
            except ConversionError as problem:
                raise BindingError(str(problem)) from None
            assert isinstance(held, float)
            return held
        case _:
            return value
