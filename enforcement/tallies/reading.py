"""What tallies read of an event: whose it is, when it was, and which of them count it.

The conditions of all tallies are compiled into one small program, which is the decision program of a
bundle whose rules they are: the same three-valued meaning, and an event costs a microsecond or two.
"""

from __future__ import annotations

from typing import NamedTuple

from clausal.compiler import ir
from clausal.compiler.checking.numbering import Renumbering, slots_of, terms_in
from clausal.enforcement.inputs import ALWAYS, Inputs, frame_of
from clausal.enforcement.reading import Event, digest, fields
from clausal.engine.values import Missing, Value


class Part(NamedTuple):
    """What an event is to one tally. ``counts`` says that it is one of those that are counted."""

    key: str | Missing
    value: Value | None
    counts: bool


class Read(NamedTuple):
    """What tallies read of an event: ``at`` is in microseconds since 1970."""

    id: str
    at: int
    parts: list[Part]


class TallyReader:
    """Reads events for the tallies of a corpus, in their order. Threads may share it."""

    def __init__(self, corpus: ir.Corpus) -> None:
        tallies = corpus.tallies
        inputs = Inputs(corpus)
        self._id = (
            None if corpus.id_slot is None else inputs.slot(corpus.slots[corpus.id_slot].path)
        )
        self._by = [inputs.slot(tally.by) for tally in tallies]
        self._of = [None if tally.of is None else inputs.slot(tally.of) for tally in tallies]
        for tally in tallies:
            for slot in slots_of(tally.where):
                inputs.slot(corpus.slots[slot].path)
        lists = sorted({number for tally in tallies for number in terms_in(tally.where)})
        new = Renumbering(
            {
                old: inputs.slot(slot.path)
                for old, slot in enumerate(corpus.slots)
                if slot.path in inputs.numbers
            },
            {old: number for number, old in enumerate(lists)},
        )
        rules = [
            ir.RuleDef(
                name=tally.name,
                version=0,
                clauses=(),
                when=new.condition(tally.where),
                unless=ir.NEVER,
                condition=ir.NEVER,
                measures=(),
                ladders=(),
            )
            for tally in tallies
        ]
        self._core = inputs.core(rules, [corpus.terms[number] for number in lists])

    def read(self, event: Event) -> Read | None:
        """What an event is to each tally; None without an instant, which an event must have.

        Raises:
            EventError: if what the tallies read of it cannot be read.
        """
        frame = frame_of(self._core, event)
        value = frame.value
        at = value(0)
        if isinstance(at, Missing):
            return None
        assert isinstance(at, float)
        fired, _ = self._core.run(frame, ALWAYS)
        parts: list[Part] = []
        for number, (by, of) in enumerate(zip(self._by, self._of, strict=True)):
            key = value(by)
            if isinstance(key, str):
                key = storable(key)
            assert isinstance(key, str | Missing)
            counts = number in fired and not isinstance(key, Missing)
            measured: Value | None = None
            if of is not None and counts:
                found = value(of)
                if isinstance(found, Missing):
                    counts = False
                else:
                    measured = storable(found) if isinstance(found, str) else found
            parts.append(Part(key, measured, counts))
        id = None if self._id is None else value(self._id)  # noqa: A001 - the word for it
        name = storable(id) if isinstance(id, str) else digest(fields(event))
        return Read(name, int(at), parts)


def storable(text: str) -> str:
    """The text, or one in its stead that is Unicode: JSON may hold half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "\0" + text.encode("utf-8", "surrogatepass").hex()
    return text
