"""`Tallies`: the figures of events, each before it is taken up itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from clausal.enforcement.reading import Event
from clausal.enforcement.tallies.definition import Choice, define, settle
from clausal.enforcement.tallies.reading import Read, TallyReader
from clausal.enforcement.tallies.store import Step, TallyStore
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventError
from clausal.engine.values import FAILED, FIRST_INSTANT, Missing

Figures = dict[str, float | Missing]
"""The figures of an event by the qualified names of the tallies; what is absent is left out."""

LATENESS: Final = timedelta(hours=1)


class Tallies:
    """What the tallies of a bundle have counted.

    The figure of an event at t is over the events of its key with ``t - over <= u < t`` that were
    taken up before it, whatever the order in which they came. It is

    - absent, if the event lacks the field that says whose it is, or if it is so late that entries
      of its window may have been forgotten;
    - failed, if that field failed.

    An event that is taken up again changes nothing. One that cannot be read is not taken up.

    Args:
        bundle: The bundle that declares them.
        store: Where they are kept.
        lateness: By how much an event may be behind the events that came before it.
        choices: For tallies that the store knows by another definition: whether to go on with
            their entries, or to begin anew.

    Raises:
        TallyChanged: if there is such a tally without a choice.
        StoreError: if the store cannot be reached or read.
        ValueError: if a choice names no tally.
    """

    def __init__(
        self,
        bundle: Bundle,
        store: TallyStore,
        *,
        lateness: timedelta = LATENESS,
        choices: Mapping[str, Choice] | None = None,
    ) -> None:
        corpus = bundle.artifact.corpus
        self._store = store
        self._lateness = lateness // timedelta(microseconds=1)
        self._tallies = corpus.tallies
        self._reader = TallyReader(corpus) if corpus.tallies else None
        definitions = {tally.name: define(tally, corpus) for tally in corpus.tallies}
        reset = settle(store.known(), definitions, choices or {})
        store.begin(definitions, reset, self._lateness)

    def take(self, events: Sequence[Event]) -> list[Figures]:
        """Give each event its figures, and take it up, one after the other.

        The result is that of taking them one at a time, but the store is asked once.

        Raises:
            StoreError: if the store cannot be reached; the events can be taken again.
        """
        figures: list[Figures] = [{} for _ in events]
        if self._reader is None:
            return figures
        steps: list[Step] = []
        places: list[tuple[int, str]] = []
        for number, event in enumerate(events):
            try:
                read = self._reader.read(event)
            except EventError:
                continue
            if read is not None:
                for step in self._steps(read, figures[number]):
                    steps.append(step)
                    places.append((number, step.name))
        if steps:
            for (number, name), figure in zip(places, self._store.take(steps), strict=True):
                if figure is not None:
                    figures[number][name] = figure
        return figures

    def _steps(self, read: Read, figures: Figures) -> list[Step]:
        """What the store is to do for an event; figures that it need not be asked for are set."""
        mark = self._store.watermark.at
        oldest = FIRST_INSTANT if mark is None else mark - self._lateness
        steps: list[Step] = []
        for tally, part in zip(self._tallies, read.parts, strict=True):
            if isinstance(part.key, Missing):
                if part.key is FAILED:
                    figures[tally.name] = FAILED
                continue
            asked = tally.slot is not None and read.at >= oldest
            if asked or part.counts:
                value = part.value
                if tally.kind == "distinct" and value is not None:
                    value = value if isinstance(value, str) else repr(value)
                assert value is None or isinstance(value, float | str)
                floor = oldest - tally.over
                steps.append(
                    Step(tally.name, part.key, read.at, read.id, value, part.counts, asked, floor)
                )
        self._store.watermark.see(read.at, read.id)
        return steps
