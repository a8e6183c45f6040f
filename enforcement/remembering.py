"""What rules remember of earlier events and of known items, as the history of each event."""

from __future__ import annotations

from collections.abc import Sequence

from clausal.enforcement.reading import Event
from clausal.enforcement.samples import SampleLibrary
from clausal.enforcement.tallies import Tallies
from clausal.engine.history import History


class Memory:
    """Tallies and samples together, as an `Enforcer` asks for them.

    Args:
        tallies: Those of a bundle; None: no event has tallies.
        samples: Those of the same bundle; None: no event has similarities.
    """

    def __init__(
        self, tallies: Tallies | None = None, samples: SampleLibrary | None = None
    ) -> None:
        self.tallies = tallies
        self.samples = samples

    def histories(self, events: Sequence[Event]) -> list[History]:
        """The tallies and similarities of each event.

        Each has its figures as of just before it, and is taken up: an event that comes again changes
        nothing. One that cannot be read has none, and is not taken up.

        Args:
            events: In the order in which they came, as objects or JSON.

        Raises:
            StoreError: if the store of the tallies cannot be reached. Events can be given again.
            SampleError: if the file of the samples cannot be read.
        """
        # Samples first: if their file cannot be read, no event was taken up for nothing.
        likenesses = self.samples.similarities(events) if self.samples is not None else None
        figures = self.tallies.take(events) if self.tallies is not None else None
        return [
            History(
                tallies={} if figures is None else figures[number],
                similarity={} if likenesses is None else likenesses[number],
            )
            for number in range(len(events))
        ]
