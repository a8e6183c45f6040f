"""What rules remember of earlier events and of known items, as the history of each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clausal.enforcement.samples import SampleLibrary
from clausal.enforcement.tallies import Tallies
from clausal.engine.objects import FAILED_KEY
from clausal.engine.values import Missing

GroupOfHistory = dict[str, Any]
"""Figures by their qualified names: numbers, or the object that stands for what failed."""


class Remembered:
    """Tallies and samples together.

    Args:
        tallies: Those of a bundle; None: no event has tallies.
        samples: Those of the same bundle; None: no event has similarities.
    """

    def __init__(
        self, tallies: Tallies | None = None, samples: SampleLibrary | None = None
    ) -> None:
        self.tallies = tallies
        self.samples = samples

    def histories(self, events: Sequence[Mapping[str, object]]) -> list[dict[str, GroupOfHistory]]:
        """The groups ``tallies`` and ``similarity`` of each event's ``$history``.

        Each event has its figures as of just before it, and is taken up: an event that comes again
        changes nothing. Whoever has other figures of an event, such as strikes, puts them beside.

        Args:
            events: In the order in which they came.

        Raises:
            StoreError: if the store of the tallies cannot be reached. Events can be given again.
            SampleError: if the file of the samples cannot be read.
        """
        found: list[dict[str, GroupOfHistory]] = [{"tallies": {}, "similarity": {}} for _ in events]
        # Samples first: if their file cannot be read, no event was taken up for nothing.
        if self.samples is not None:
            for history, likeness in zip(found, self.samples.similarities(events), strict=True):
                history["similarity"] = _told(likeness)
        if self.tallies is not None:
            for history, figures in zip(found, self.tallies.take(events), strict=True):
                history["tallies"] = _told(figures)
        return found


def _told(figures: Mapping[str, float | Missing]) -> GroupOfHistory:
    """Figures as JSON has them."""
    return {
        name: {FAILED_KEY: "a field that it is taken from failed"}
        if isinstance(figure, Missing)
        else figure
        for name, figure in figures.items()
    }
