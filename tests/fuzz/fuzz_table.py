"""Whatever the layout and the values of a table are, its rows mean what they mean as dictionaries.

The bytes of an input are the dice with which a table is written: for which bundle, of which events,
how their fields are grouped into columns of which types, and how these are cut into chunks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["clausal.engine"]):
    from clausal.engine.evaluator import Bundle
    from clausal.engine.problem import EventError
from clausal.compiler.bundle import assemble
from clausal.compiler.emit import emit
from clausal.compiler.pipeline import optimise
from tests.strategies.events import EventWriter
from tests.strategies.ir import write_corpus
from tests.strategies.tables import write_table
from tests.support.rows import row_of

CORPORA = [write_corpus(Random(number), 8) for number in range(16)]
BUNDLES = [Bundle(assemble(corpus, emit(optimise(corpus)), ())) for corpus in CORPORA]


class Dice(Random):
    """Bytes for chance; after the last one, everything is the first choice."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def getrandbits(self, k: int, /) -> int:
        """So many bits."""
        size = -(-k // 8)
        taken = self._data[self._at : self._at + size].ljust(size, b"\0")
        self._at += size
        return int.from_bytes(taken, "little") & ((1 << k) - 1)

    def random(self) -> float:
        """A number from 0 to 1, 1 left out."""
        return self.getrandbits(16) / 65536


def fuzz(data: bytes) -> None:
    """Match and decide one table, and its rows one by one."""
    dice = Dice(data)
    number = dice.randrange(len(CORPORA))
    corpus, bundle = CORPORA[number], BUNDLES[number]
    writer = EventWriter(dice, corpus)
    events = [writer.event() for _ in range(dice.randint(0, 5))]
    table, meant = write_table(dice, corpus, events)
    matched = bundle.match_table(table).to_pylist()
    decided = bundle.evaluate_table(table).to_pylist()
    for event, found, row in zip(meant, matched, decided, strict=True):
        if row != row_of(bundle, event):
            raise AssertionError("decided in another way as a dictionary")
        if found != rules_of(bundle, event):
            raise AssertionError("other rules as a dictionary")


def rules_of(bundle: Bundle, event: dict[str, object]) -> dict[str, object]:
    """The rules of an event that is decided as a dictionary, as tables of matches have them."""
    try:
        decision = bundle.evaluate(event)
    except EventError as error:
        return {"fired": [], "undetermined": [], "error": str(error)}
    return {
        "fired": [f"{one.policy}.{one.rule}" for one in decision.findings],
        "undetermined": [f"{one.policy}.{one.rule}" for one in decision.undetermined],
        "error": None,
    }


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
