"""What every contestant is: made from the rules, given events, asked which rules fire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, ClassVar, Literal

from benchmarks.workload import Rule, Workload

Way = Literal["objects", "JSON", "columns"]
"""In which form the events are handed in."""

Event = dict[str, Any]


class Unavailable(Exception):  # noqa: N818 - it is no error, and its text is shown
    """Why a contestant cannot take part."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be decided.

    Attributes:
        workload: Where the rules and the events come from.
        rules: The rules.
        bundle: The file of the bundle that they are compiled into.
    """

    workload: Workload
    rules: tuple[Rule, ...]
    bundle: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is said of a contestant.

    Attributes:
        title: What the table calls it.
        way: The form of events that suits it best. What turns events into that form is not timed.
        library: The distribution that it comes from, of which it takes the version; None for what
            is Python itself.
        module: The module to import, if there is one.
        floor: Whether it only reads the events, which is the least that any way must do.
        batch: At most how many events it is given at once.
        how: How it is used, in one sentence.
    """

    title: str
    way: Way
    library: str | None = None
    module: str | None = None
    floor: bool = False
    batch: int = 1_000
    how: str


class Peer(ABC):
    """A way of finding the rules that fire."""

    about: ClassVar[About]

    def __init__(self, task: Task) -> None:
        """Take the rules, in the form that is its own.

        Raises:
            Unavailable: if it cannot.
        """
        self.rules = task.rules

    @classmethod
    def imported(cls) -> Any:
        """The module it comes from.

        Raises:
            Unavailable: if it is not installed.
        """
        assert cls.about.module is not None
        try:
            return import_module(cls.about.module)
        except ImportError as error:
            raise Unavailable(f"not installed: {error}") from error

    @classmethod
    def version(cls) -> str | None:
        """The version of its library, if it has one that is installed."""
        if cls.about.library is None:
            return None
        try:
            return metadata.version(cls.about.library)
        except metadata.PackageNotFoundError:
            return None

    @abstractmethod
    def prepare(self, events: Sequence[Event]) -> Any:
        """The events in the form that suits it; not timed."""

    @abstractmethod
    def run(self, events: Any) -> Any:
        """Decide what `prepare` made; this is what is timed."""

    @abstractmethod
    def answers(self, result: Any) -> list[set[str]]:
        """What `run` found, as the names of the rules that fire for each event."""


class EachEvent(Peer):
    """One that is given one event after the other, and answers each with what names rules."""

    def prepare(self, events: Sequence[Event]) -> list[Any]:
        return list(events)

    @abstractmethod
    def decide(self, event: Any) -> Any:
        """The answer for one event."""

    def run(self, events: list[Any]) -> list[Any]:
        decide = self.decide
        return [decide(event) for event in events]

    def answers(self, result: list[Any]) -> list[set[str]]:
        return [set(names) for names in result]
