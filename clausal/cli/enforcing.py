"""Events in, facts and messages out: the loop of `clausal enforce`."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

import msgspec

from clausal.cli.progress import Progress
from clausal.cli.shell import CommandError, Exit, inline, report, show
from clausal.cli.stream import Stopper, rejected, rejected_line
from clausal.enforcement.facts import AnyFact, Applied, Braked, Ended, Measure, Strike
from clausal.enforcement.ledger import LedgerError
from clausal.reading import STDIN, Format, InputError, Record, Rejected, open_events
from clausal.resuming import Resumable

if TYPE_CHECKING:
    from clausal.cli.remembered import Remembered
    from clausal.enforcement.delivery.dispatcher import Background
    from clausal.enforcement.ledger import Ledger
    from clausal.enforcement.processing import Processed
    from clausal.engine.evaluator import Bundle
    from clausal.engine.problem import Problem

_SAVING: Final = 10.0
"""Seconds after which tallies are saved again, where they are kept in a file."""

_SWEEPING: Final = 60.0
"""Seconds after which it is looked again at what time brings about."""

_AHEAD: Final = timedelta(days=1)
"""No clock goes wrong by more than this: events that are dated later are bad ones."""

_TOLD: Final = 10
"""So many bad events are told one by one; all are counted, and written where --rejects says."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How events are read and decided."""

    at: datetime | None
    batch: int
    format: Format | None
    sweep: bool = False


class Enforcing:
    """One run over event files.

    Args:
        bundle: What decides.
        ledger: What holds the facts.
        settings: How.
        remembered: Tallies and samples.
        rejects: Takes the bad events, one line each.
    """

    def __init__(
        self,
        bundle: Bundle,
        ledger: Ledger,
        settings: Settings,
        remembered: Remembered,
        rejects: BinaryIO | None = None,
    ) -> None:
        from clausal.enforcement.processing import Enforcer

        self._bundle = bundle
        self._enforcer = Enforcer(bundle, ledger, remembered=remembered.memory)
        self._remembered = remembered
        self._saved = self._swept = time.monotonic()
        self._places: dict[str, str] = {}
        self._ledger = ledger
        self._settings = settings
        self._rejects = rejects
        self._stopper = Stopper(signal.SIGINT, signal.SIGTERM)
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self.background: Background | None = None
        """What delivers beside, if anything does."""
        self.bad = 0
        self.decided = 0

    def run(
        self, names: Sequence[str], *, drain: float, progress: bool
    ) -> KeyboardInterrupt | InputError | LedgerError | CommandError | None:
        """Enforce the events of all files, and return what ended it early, if anything did.

        Args:
            names: The files.
            drain: Seconds to wait at the end for what is not delivered.
            progress: Whether to show it.
        """
        start = time.perf_counter()
        end: KeyboardInterrupt | InputError | LedgerError | CommandError | None = None
        fields = self._bundle.artifact.corpus.fields
        with self._stopper.installed():
            try:
                with contextlib.ExitStack() as stack:
                    # All are opened before the first is read: a name mistyped is known at once.
                    sources = [
                        Resumable(
                            stack.enter_context(open_events(name, self._settings.format, fields))
                        )
                        for name in names
                    ]
                    for source in sources:
                        self._find_place(source)
                    bar = stack.enter_context(
                        Progress(sys.stderr, [one.file for one in sources], shown=progress)
                    )
                    self._sweep()
                    try:
                        for source in sources:
                            self._file(source, bar)
                    finally:
                        self._save()
                    self._sweep()
            except (KeyboardInterrupt, InputError, LedgerError) as early:
                end = early
            except self._remembered.failures as error:
                end = CommandError(str(error), code=Exit.INPUT)
            self._seconds = time.perf_counter() - start
            if self.background is not None:
                # Ctrl-C ends the wait; what is on its way is waited for, and the rest waits.
                self.background.finish(drain if end is None else 0.0, lambda: self._stopper.asked)
        return end

    def _find_place(self, source: Resumable) -> None:
        if source.source is None:
            return
        place = self._ledger.position(self._checkpoint(source.source))
        if place is not None:
            source.resume(place)
            self._counts["before"] += source.behind

    def _file(self, source: Resumable, bar: Progress) -> None:
        """Enforce what a file holds, batch by batch."""
        records = iter(source)
        stopper = self._stopper
        batch: list[Record | Rejected] = []
        while True:
            record = None
            try:
                # While the next event is waited for there is nothing to leave unfinished.
                stopper.waiting = source.file.size is None
                record = next(records, None)
            except KeyboardInterrupt:
                stopper.asked = True
            finally:
                stopper.waiting = False
            if record is not None:
                batch.append(record)
            over = record is None
            if batch and (over or len(batch) >= self._settings.batch or source.file.waits):
                self._batch(source, batch, over=over)
                batch = []
                bar.update(self.decided + self.bad)
            if stopper.asked:
                raise KeyboardInterrupt
            if over:
                return

    def _batch(self, source: Resumable, batch: Sequence[Record | Rejected], *, over: bool) -> None:
        """Enforce some events in one transaction, with the place behind them."""
        events = [one for one in batch if isinstance(one, Record)]
        place = None if source.source is None else (source.source, source.position())
        if over and source.ragged and not self._readable(batch[-1]):
            # Somebody may be writing this line: the next run looks at it, and at this batch, again.
            place = None
        if place is None:
            # With a place there is a transaction, which does so: these events may mend what other
            # processes opened, and they are not seen again.
            self._enforcer.catch_up()
        done = self._enforcer.process(
            [one.value for one in events],
            at=self._settings.at,
            latest=datetime.now(UTC) + _AHEAD,
            position=place,
        )
        for one in batch:
            if isinstance(one, Rejected):
                self._reject(one, source)
        for problem in done.problems:
            record = events[problem.index]
            self._reject(rejected(record, problem.error), source, problem.error.problems)
        if place is not None:
            self._places[place[0]] = place[1]
        if time.monotonic() - self._saved > _SAVING:
            self._save()
        if time.monotonic() - self._swept > _SWEEPING:
            self._sweep()
        self.decided += len(events) - len(done.problems)
        self._counts["findings"] += done.cases
        self._counts["repeated"] += done.repeated
        self._take(done)

    def _sweep(self) -> None:
        """Do what time brings about, if that is wanted."""
        self._swept = time.monotonic()
        if self._settings.sweep:
            self._take(self._enforcer.sweep(self._settings.at or datetime.now(UTC)))

    def _take(self, done: Processed) -> None:
        self._counts["messages"] += len(done.messages)
        self._count(done.facts)
        if done.messages and self.background is not None:
            self.background.wake()

    def _checkpoint(self, source: str) -> str:
        """By what name the place in a source is remembered from which another run goes on.

        Tallies in a file are behind the ledger when the process dies. Then events are read again from
        where these were saved; what the ledger knows of them stays as it is, and they are counted.
        """
        file = self._remembered.file
        return source if file is None else f"{source} with {file.resolve()}"

    def _save(self) -> None:
        """Save the tallies, and up to where the events are in them."""
        self._saved = time.monotonic()
        # Without events, too: a choice about a tally that changed is in it.
        self._remembered.save()
        if self._remembered.file is None or not self._places:
            return
        with self._ledger.transaction() as writing:
            for source, place in self._places.items():
                writing.move(self._checkpoint(source), place)
        self._places.clear()

    def _readable(self, record: Record | Rejected) -> bool:
        """Whether a record is at least JSON."""
        if isinstance(record, Rejected) or not isinstance(record.value, bytes):
            return isinstance(record, Record)
        try:
            msgspec.json.decode(record.value, type=msgspec.Raw)
        except msgspec.DecodeError:
            return False
        return True

    def _count(self, facts: Sequence[AnyFact]) -> None:
        counts = self._counts
        counts["facts"] += len(facts)
        for fact in facts:
            match fact:
                case Measure():
                    counts["proposed" if fact.review else "applied"] += 1
                case Strike():
                    counts["strikes"] += 1
                case Applied():
                    counts["applied"] += 1
                case Ended():
                    counts["ended"] += 1
                case Braked():
                    counts["braked"] += 1
                    report(
                        "brake",
                        f"rule `{fact.rule}` is in shadow from now on: {fact.counted} of {fact.limit}",
                        f"`clausal brake release {fact.rule} --by NAME` lets it go on",
                        style="bold yellow",
                    )
                case _:
                    pass

    def _reject(self, bad: Rejected, source: Resumable, problems: tuple[Problem, ...] = ()) -> None:
        file = source.file
        name = "standard input" if file.name == STDIN else file.name
        self.bad += 1
        if self._rejects is not None:
            self._rejects.write(rejected_line(bad, name, file.unit, problems))
        if self.bad <= _TOLD:
            report("bad event", f"{inline(name)}, {file.unit} {bad.number}: {inline(bad.detail)}")
        elif self.bad == _TOLD + 1:
            report("bad event", "there are more: they are counted", "--rejects FILE keeps them all")

    def figures(self) -> dict[str, Any]:
        """What the run came to, as JSON has it."""
        counts = self._counts
        sent = self.background.figures if self.background is not None else None
        events = self.decided + self.bad
        return {
            "bundle": self._bundle.digest,
            "seconds": round(self._seconds, 3),
            "events": events,
            "events_per_second": round(events / self._seconds, 1) if self._seconds else 0.0,
            "events_read_before": counts["before"],
            "bad_events": self.bad,
            "events_with_findings": counts["findings"],
            "events_known_before": counts["repeated"],
            "facts": counts["facts"],
            "strikes": counts["strikes"],
            "measures": {name: counts[name] for name in ("applied", "proposed", "ended")},
            "rules_braked": counts["braked"],
            "messages": {
                "made": counts["messages"],
                "sent": 0 if sent is None else sent.sent,
                "failed_attempts": 0 if sent is None else sent.failed,
                "given_up": 0 if sent is None else sent.dead,
                "waiting": self._ledger.outbox.waiting(),
                "dead": len(self._ledger.outbox.dead()),
            },
        }


def print_figures(figures: dict[str, Any], stream: TextIO, *, stopped: bool) -> None:
    """Print what a run came to."""
    from rich.text import Text

    from clausal.cli.summary import table

    measures, messages = figures["measures"], figures["messages"]
    lines = (
        (figures["events"], "events", ""),
        (figures["events_read_before"], "read in an earlier run", "dim"),
        (figures["bad_events"], "bad", "red"),
        (figures["events_with_findings"], "with findings", ""),
        (figures["events_known_before"], "with findings, known before", "dim"),
        (figures["facts"], "facts recorded", ""),
        (figures["strikes"], "strikes", ""),
        (measures["applied"], "measures applied", ""),
        (measures["proposed"], "measures proposed", ""),
        (measures["ended"], "measures ended", ""),
        (figures["rules_braked"], "rules braked", "yellow"),
        (messages["sent"], "messages sent", ""),
        (messages["waiting"], "messages waiting", "yellow"),
        (messages["dead"], "messages given up", "red"),
    )
    rows = table(("", "count"), ("", "text"))
    rows.show_header = False
    for value, what, style in lines:
        if value or not style:
            rows.add_row(Text(f"{value:,}", style=style), Text(what, style=style))
    rate = f"{figures['seconds']:,.1f} s, {figures['events_per_second']:,.0f} events/s"
    how = Text("stopped after " if stopped else "done in ", style="bold").append(rate)
    show(rows, "", how, stream=stream)
