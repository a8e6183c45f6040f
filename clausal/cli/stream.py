"""Events in, decisions out: the loop of `clausal run`."""

from __future__ import annotations

import base64
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from clausal.cli.progress import Progress
from clausal.cli.shell import CommandError, Exit, inline
from clausal.dsl.render.visible import escape_json
from clausal.engine.decision import Decision
from clausal.engine.decode import decode_json
from clausal.engine.problem import EventError, Problem
from clausal.reading import STDIN, EventFile, Format, InputError, Record, Rejected, open_events
from clausal.summary import Summary

if TYPE_CHECKING:
    from datetime import datetime

    from clausal.engine.evaluator import Bundle
    from clausal.histories import Histories

_OFTEN: Final = 64
"""After so many events the progress is looked at."""


INSPECTED: Final = 1000
"""In so many events unknown keys are looked for: a field that is misspelt is so in all of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How events are decided, and which decisions are written."""

    at: datetime | None = None
    bounds: bool = False
    matched: bool = False
    undetermined: bool = False
    strict: bool = False
    histories: Histories | None = None


class RejectedLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line of the file of bad events.

    `raw` is what stood there, as text; where it was not UTF-8, `raw_base64` has the bytes.
    """

    file: str
    unit: str
    number: int
    cause: str
    detail: str
    problems: tuple[Problem, ...] = ()
    raw: str
    raw_base64: str = ""


class Stopper:
    """Ctrl-C between two events, never within a line of output; a second one acts at once.

    Args:
        signals: What is taken for it.
    """

    def __init__(self, *signals: signal.Signals) -> None:
        self._signals = signals or (signal.SIGINT,)
        self.asked = False
        self.waiting = False
        """Whether the next event is being read: then there is nothing to leave unfinished."""

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        if self.asked or self.waiting:
            raise KeyboardInterrupt
        self.asked = True

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take Ctrl-C while this lasts; Python allows that in the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self) for number in self._signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Stream:
    """One run over event files.

    Args:
        bundle: What decides.
        settings: How.
        out: Takes the decisions, one line each.
        rejects: Takes the bad events, one line each.
        for_terminal: Decisions go to a terminal, which must not obey what they hold.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: Settings,
        out: BinaryIO,
        rejects: BinaryIO | None = None,
        *,
        for_terminal: bool = False,
    ) -> None:
        self._bundle = bundle
        self._settings = settings
        self._out = out
        self._rejects = rejects
        self._for_terminal = for_terminal
        self._several = False
        self._stopper = Stopper()
        self.summary = Summary.of(bundle.artifact.corpus)
        self.written = 0
        """How many decisions were written."""

    def decide(
        self, names: Sequence[str], format: Format | None, *, progress: bool
    ) -> KeyboardInterrupt | InputError | CommandError | None:
        """Decide the events of all files, and return what ended it early, if anything did."""
        self._several = len(names) > 1
        fields = self._bundle.artifact.corpus.fields
        start = time.perf_counter()
        end: KeyboardInterrupt | InputError | CommandError | None = None
        try:
            with contextlib.ExitStack() as stack:
                # All are opened before the first is read: a name mistyped is known at once.
                files = [stack.enter_context(open_events(name, format, fields)) for name in names]
                bar = stack.enter_context(Progress(sys.stderr, files, shown=progress))
                stack.enter_context(self._stopper.installed())
                for file in files:
                    self._file(file, bar)
        except (KeyboardInterrupt, InputError, CommandError) as early:
            end = early
        self._out.flush()
        self.summary.seconds = time.perf_counter() - start
        return end

    def _file(self, file: EventFile, bar: Progress) -> None:
        records = iter(file)
        stopper = self._stopper
        since = 0
        while True:
            stopper.waiting = True
            record = next(records, None)
            stopper.waiting = False
            if record is None:
                break
            self._record(record, file)
            if stopper.asked:
                raise KeyboardInterrupt
            since += 1
            if since == _OFTEN:
                since = 0
                bar.update(self.summary.events)
        bar.update(self.summary.events)

    def _record(self, record: Record | Rejected, file: EventFile) -> None:
        if isinstance(record, Rejected):
            self._reject(record, file)
            return
        try:
            decision = self._decision(record.value)
        except EventError as error:
            bad = rejected(record, error)
            self._reject(bad, file, error.problems)
            return
        self.summary.add(decision)
        if self._wanted(decision):
            self._write(decision)

    def _decision(self, value: bytes | dict[str, object]) -> Decision:
        settings = self._settings
        inspected = self.summary.inspected < INSPECTED
        if isinstance(value, bytes) and (inspected or settings.histories is not None):
            value = decode_json(value)
        if isinstance(value, bytes):
            return self._bundle.evaluate_json(value, at=settings.at, bounds=settings.bounds)
        if inspected:
            self.summary.inspect(self._bundle.unknown_keys(value))
        if settings.histories is not None:
            value = settings.histories.attach(value)
        return self._bundle.evaluate(value, at=settings.at, bounds=settings.bounds)

    def _wanted(self, decision: Decision) -> bool:
        settings = self._settings
        if settings.matched and decision.findings:
            return True
        if settings.undetermined and decision.undetermined:
            return True
        return not (settings.matched or settings.undetermined)

    def _write(self, decision: Decision) -> None:
        line = decision.to_json()
        if self._for_terminal:
            line = escape_json(line.decode()).encode()
        self._out.write(line + b"\n")
        self.written += 1

    def _reject(self, bad: Rejected, file: EventFile, problems: tuple[Problem, ...] = ()) -> None:
        name = "standard input" if file.name == STDIN else file.name
        place = f"{file.unit} {bad.number}"
        if self._rejects is not None:
            self._rejects.write(rejected_line(bad, name, file.unit, problems))
        if self._settings.strict:
            raise CommandError(f"{inline(name)}, {place}: {bad.detail}", code=Exit.INPUT)
        self.summary.reject(bad.cause, f"{name}, {place}" if self._several else place)


def rejected(record: Record, error: EventError) -> Rejected:
    """A record that turned out to be no event of the schema."""
    detail = "; ".join(str(error).splitlines())
    return Rejected(record.number, _cause(error.problems[0]), detail, record.raw)


def _cause(problem: Problem) -> str:
    place = f"`{problem.path}`: " if problem.path else ""
    return f"{place}expected {problem.expected}"


def rejected_line(bad: Rejected, name: str, unit: str, problems: tuple[Problem, ...]) -> bytes:
    """What the file of bad events says of one."""
    text = bad.raw.decode("utf-8", "replace")
    line = RejectedLine(
        file=name.encode("utf-8", "replace").decode(),
        unit=unit,
        number=bad.number,
        cause=bad.cause,
        detail=bad.detail,
        problems=problems,
        raw=text,
        raw_base64="" if text.encode() == bad.raw else base64.b64encode(bad.raw).decode(),
    )
    return msgspec.json.encode(line) + b"\n"
