"""The compiled core: evaluates the decision program on the values of an event."""

from collections.abc import Sequence
from typing import Any, final

from typing_extensions import disjoint_base

from clausal.compiler.index import Index
from clausal.compiler.ir import LadderDef, Slot
from clausal.compiler.program import Program
from clausal.engine._frame import Frame
from clausal.engine.decision import Context, Decision, Parts
from clausal.engine.history import History

__all__ = ("Core", "Outcome")

@disjoint_base
class Outcome:
    """What the rules said about one event, and what a decision needs of it: its base class."""

    _context: Context | None
    """What works out the parts of the decision; None if there are parts."""
    _parts: Parts | None
    """The parts, as soon as there are some; None before that."""
    _values: Frame | str | None
    """The values of the event; its name alone, or None, where no rule has a say."""
    _acted_at: int
    """Microseconds since 1970."""
    _decided_at: int
    """Microseconds since 1970."""
    _later: tuple[tuple[int, ...], tuple[int, ...]] | None
    """The rules in force at the decision that fired, and those undetermined, if they are others."""
    _unsettled: (
        tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, ...], tuple[int, ...]] | None]
        | None
    )
    """Everything once more, with each absent value taken for one that is unknown."""

    @property
    def _fired(self) -> tuple[int, ...]:
        """The rules that fired, ascending."""

    @property
    def _undetermined(self) -> tuple[int, ...]:
        """The rules that are undetermined, ascending."""

@final
class Core:
    """A decision program, ready to run. Threads may share it."""

    def __new__(
        cls,
        program: Program,
        slots: Sequence[Slot],
        *,
        time_slot: int,
        ladders: Sequence[LadderDef] = (),
        verified: bool = False,
        index: Index | None = None,
    ) -> Core:
        """Make ready to run a program.

        Args:
            program: The program.
            slots: The slots of the corpus that it was made of.
            time_slot: The slot of the instant of the act.
            ladders: The ladders of the corpus, which say how long strikes are active.
            verified: Whether the program was verified with these slots already, as one that comes
                out of `unpack` was; otherwise it is verified now.
            index: The index of the program, which finds the rules that may fire; without it, every
                rule in force is tried, with the same outcome.

        Raises:
            ProgramError: if the program is not sound.
            ValueError: if the slots of strikes and the ladders do not fit.
        """

    def read(self, event: object, history: History | None = None) -> Frame:
        """The values of an event and its history, to be evaluated.

        Args:
            event: A dictionary or whatever else `fields_of` takes.
            history: What is known of the past, unless the event carries it.

        Raises:
            EventError: with everything that is wrong with what the slots read.
        """

    def read_json(
        self, data: bytes | bytearray | memoryview, history: History | None = None
    ) -> Frame:
        """The values of an event that is JSON, to be evaluated.

        They are those that `read` has for the dictionary that `decode_json` makes of it.

        Args:
            data: The bytes.
            history: As of `read`.

        Raises:
            EventError: as of `decode_json` and `read`.
        """

    def run(
        self, values: Frame, instant: int, *, blind: bool = False
    ) -> tuple[list[int], list[int]]:
        """The rules that fire, and those that are undetermined, both ascending.

        Args:
            values: From `read` of this core.
            instant: Selects the versions in force, in microseconds since 1970.
            blind: Whether an absent value might be there after all: ``is missing`` is then unknown.

        Raises:
            ValueError: if the values were read by another core.
        """

    def left_open(self, values: Frame, instant: int) -> list[int]:
        """The rules whose conditions have to be looked at, because the index leaves them open.

        The index settles all others: they are false, or fire, or are undetermined.

        Raises:
            ValueError: if the values were read by another core, or there is no index.
        """

    def lacking(self, values: Frame, rule: int, *, blind: bool = False) -> list[int]:
        """The slots whose values an undetermined rule lacks, ascending; none for other rules.

        Raises:
            IndexError: if there is no such rule.
            ValueError: if the values were read by another core.
        """

    def serve(self, kind: type[Decision], context: object, id_slot: int | None) -> None:
        """Say what decisions are made of, before the first one is.

        Args:
            kind: The class of decisions.
            context: What works out the parts of decisions.
            id_slot: The slot of the name of the event.

        Raises:
            TypeError: if the class is no `Outcome`.
        """

    def evaluate(
        self, event: object, history: History | None, decided_at: int | None, bounds: bool
    ) -> Decision:
        """The decision for an event, no part of which is worked out yet.

        Args:
            event: As of `read`.
            history: As of `read`.
            decided_at: Microseconds since 1970; None: at the instant of the act.
            bounds: Whether bounds are wanted.

        Raises:
            EventError: as of `read`; also if the act is after the decision.
            ValueError: if nobody said what decisions are made of.
        """

    def evaluate_json(
        self,
        data: bytes | bytearray | memoryview,
        history: History | None,
        decided_at: int | None,
        bounds: bool,
    ) -> Decision:
        """The decision for an event that is JSON, as of `read_json`; otherwise as of `evaluate`."""

    def decided(self, values: Frame, decided_at: int | None, bounds: bool) -> Decision:
        """The decision for values that were read, which it keeps in any case; as of `evaluate`."""

    def narrowed(
        self,
        decision: Outcome,
        fired: Sequence[int],
        undetermined: Sequence[int],
        later: tuple[tuple[int, ...], tuple[int, ...]] | None,
    ) -> Decision:
        """A decision for the same values, that some of the rules alone have a say in.

        Args:
            decision: From `decided`.
            fired: Rules that fire, ascending.
            undetermined: Rules that are undetermined, ascending.
            later: The same for the instant of the decision, if other versions are in force then.
        """

    def touch(self, event: dict[str, Any]) -> int:
        """How many fields that are read have a value, found by looking for each and no more.

        It is the least that reading the event can cost, to compare with.
        """
