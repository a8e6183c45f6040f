"""The fields of an event that enforcement reads by itself, through a decision program of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from clausal.compiler import ir
from clausal.compiler.emit import emit
from clausal.compiler.pipeline import optimise
from clausal.compiler.types import MapOf, Type
from clausal.enforcement.reading import Event
from clausal.engine._core import Core
from clausal.engine._frame import Frame

ALWAYS: Final = 0
"""An instant at which the one version of such a program is in force."""


def frame_of(core: Core, event: Event) -> Frame:
    """The values that a program reads of an event, an object or JSON.

    Raises:
        EventError: if they cannot be read.
    """
    if isinstance(event, str):
        return core.read_json(event.encode("utf-8", "surrogatepass"))
    if isinstance(event, bytes | bytearray | memoryview):
        return core.read_json(event)
    return core.read(event)


class Inputs:
    """Slots as they are asked for, each once; slot 0 is the instant of the act."""

    def __init__(self, corpus: ir.Corpus) -> None:
        self._corpus = corpus
        self._known = {slot.path: slot for slot in corpus.slots if slot.source == "field"}
        self._types = {field.path: field.type for field in corpus.fields}
        self.slots: list[ir.Slot] = []
        self.numbers: dict[tuple[str, ...], int] = {}
        self.slot(corpus.slots[corpus.time_slot].path)

    def slot(self, path: tuple[str, ...]) -> int:
        """The number of the slot at a path."""
        number = self.numbers.get(path)
        if number is None:
            number = self.numbers[path] = len(self.slots)
            slot = self._known.get(path)
            if slot is None:
                slot = ir.Slot(path, self._type(path))
            # Refusing an event that lacks something is the evaluator's business.
            self.slots.append(msgspec.structs.replace(slot, required=False))
        return number

    def _type(self, path: tuple[str, ...]) -> Type:
        """The type of a field that no rule reads; one in a map has the type of its items."""
        if path in self._types:
            return self._types[path]
        held = self._types[path[:-1]]
        assert isinstance(held, MapOf)
        return held.item

    def core(self, rules: Sequence[ir.RuleDef] = (), terms: Sequence[ir.TermsDef] = ()) -> Core:
        """A program with these slots and rules, in force at `ALWAYS`; the first slot is the time."""
        corpus = msgspec.structs.replace(
            self._corpus,
            slots=tuple(self.slots),
            time_slot=0,
            id_slot=None,
            versions=(ir.VersionDef("inputs", "1", start=ALWAYS, end=None, zone="UTC"),),
            clauses=(),
            terms=tuple(terms),
            tallies=(),
            samples=(),
            targets=(),
            sanctions=(),
            ladders=(),
            rules=tuple(rules),
            tests=(),
            duties=(),
        )
        return Core(emit(optimise(corpus)), self.slots, time_slot=0)
