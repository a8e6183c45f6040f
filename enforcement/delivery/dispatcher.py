"""From the outbox to an adapter: at least once, in order per key, until it arrives or is given up."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from random import Random
from typing import Final

import msgspec

from clausal.enforcement.delivery.adapter import Adapter, Failure
from clausal.enforcement.delivery.backoff import Backoff
from clausal.enforcement.ledger import Outbox, Waiting

_AHEAD: Final = 1000
"""Messages that are fetched at once; the outbox is asked again when they are used up."""

_LOOK: Final = 0.25
"""Seconds between two looks into an outbox in which nothing was due."""

_TROUBLE: Final = 1.0
"""Seconds of rest after the outbox could not be used."""

_LONGEST_PAUSE: Final = 3600.0
"""Seconds that a receiver may ask for at most: more would be a mistake."""


def wall_clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


class Figures(msgspec.Struct):
    """What a dispatcher did: messages that arrived, attempts that failed, messages given up."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


class Dispatcher:
    """Delivers what waits in an outbox.

    A message leaves only after the one before it of the same key arrived or was given up. What was
    delivered when the process dies, but not yet noted, is delivered again, under the same id. Several
    dispatchers on one outbox do no harm, but deliver much of it twice.

    Use it from one thread; it makes its own for the adapter.

    Args:
        outbox: Where messages wait.
        adapter: Where they go. It is closed with the dispatcher.
        backoff: When to try again, and how often.
        random: Makes the waits differ.
    """

    def __init__(
        self,
        outbox: Outbox,
        adapter: Adapter,
        backoff: Backoff | None = None,
        random: Random | None = None,
    ) -> None:
        self.outbox = outbox
        self._adapter = adapter
        self._backoff = backoff or Backoff()
        # Spread, not secrecy.
        self._random = random or Random()  # noqa: S311
        self._pool = ThreadPoolExecutor(adapter.lanes, thread_name_prefix="clausal-delivery")
        self._out: dict[Future[Sequence[Failure | None]], list[Waiting]] = {}
        self._busy: set[str] = set()
        self._ready: deque[Waiting] = deque()
        self._paused_until = 0
        self.figures = Figures()

    def step(self, at: int) -> bool:
        """Note what came of messages that are out, send those that are due, and do not wait.

        Args:
            at: Now, in microseconds since 1970.

        Returns:
            Whether any is out.
        """
        self._settle(at)
        self._send(at)
        return bool(self._out)

    def drain(self, at: int) -> None:
        """Send whatever is due at an instant, and what becomes due by that, until nothing is."""
        while self.step(at):
            wait(self._out, return_when=FIRST_COMPLETED)

    def wait(self, seconds: float) -> None:
        """Wait until something came of a message that is out; for so long at most."""
        wait(self._out, seconds, return_when=FIRST_COMPLETED)

    def land(self, at: int) -> None:
        """Wait for the messages that are out, and send no others."""
        self._ready.clear()
        wait(self._out)
        self._settle(at)

    def close(self) -> None:
        """Let go of the threads and the adapter; `land` first."""
        self._pool.shutdown()
        self._adapter.close()

    def _settle(self, at: int) -> None:
        """Note what came of the messages that are back."""
        arrived: list[int] = []
        lost: list[tuple[Waiting, Failure]] = []
        back = [future for future in self._out if future.done()]
        for future in back:
            messages = self._out.pop(future)
            for message, failure in zip(messages, _outcomes(future, messages), strict=True):
                if failure is None:
                    arrived.append(message.number)
                else:
                    lost.append((message, failure))
            # Their keys are free even if the outbox cannot be told: then they come again.
            self._busy.difference_update(one.message.key for one in messages)
        if arrived:
            self.outbox.sent(arrived, at)
            self.figures.sent += len(arrived)
        for message, failure in lost:
            self._lost(message, failure, at)

    def _lost(self, message: Waiting, failure: Failure, at: int) -> None:
        attempts = message.attempts + 1
        pause = int(min(failure.after, _LONGEST_PAUSE) * 1_000_000)
        self._paused_until = max(self._paused_until, at + pause)
        self.figures.failed += 1
        if failure.permanent or attempts >= self._backoff.attempts:
            self.outbox.bury(message.number, failure.error)
            self.figures.dead += 1
        else:
            due = at + max(pause, self._backoff.wait(attempts, self._random))
            self.outbox.failed(message.number, due, failure.error)

    def _send(self, at: int) -> None:
        lanes = self._adapter.lanes - len(self._out)
        if lanes <= 0 or at < self._paused_until:
            return
        if not self._ready:
            out = sum(map(len, self._out.values()))
            due = self.outbox.due(at, _AHEAD + out)
            self._ready.extend(one for one in due if one.message.key not in self._busy)
        while lanes and self._ready:
            size = min(self._adapter.batch, len(self._ready))
            messages = [self._ready.popleft() for _ in range(size)]
            self._busy.update(one.message.key for one in messages)
            self._out[self._pool.submit(self._adapter.deliver, messages)] = messages
            lanes -= 1


def _outcomes(
    future: Future[Sequence[Failure | None]], messages: list[Waiting]
) -> Sequence[Failure | None]:
    """What came of messages; an adapter that fails has delivered none for certain."""
    error = future.exception()
    if error is not None:
        return [Failure(f"{type(error).__name__}: {error}")] * len(messages)
    outcomes = future.result()
    if len(outcomes) != len(messages):
        return [Failure("the adapter does not say what came of each message")] * len(messages)
    return outcomes


class Background:
    """A dispatcher in a thread of its own, beside what fills the outbox.

    Args:
        dispatcher: What it runs.
        clock: Tells now, in microseconds since 1970.
        trouble: Is called, in that thread, with an error of the outbox; delivery goes on after a rest.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        clock: Callable[[], int] = wall_clock,
        trouble: Callable[[Exception], None] | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._trouble = trouble
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clausal-delivery", daemon=True)
        self._thread.start()

    @property
    def figures(self) -> Figures:
        """What was done so far."""
        return self._dispatcher.figures

    def wake(self) -> None:
        """Tell it that there is something new."""
        self._wake.set()

    def finish(self, seconds: float, stopped: Callable[[], bool] = lambda: False) -> None:
        """Wait until nothing waits, for so long at most or until ``stopped``, and end the thread.

        What is on its way by then is waited for: an adapter ends in a bounded time.
        """
        end = time.monotonic() + seconds
        self.wake()
        while self._thread.is_alive() and time.monotonic() < end and not stopped():
            if not self._dispatcher.outbox.waiting():
                break
            self._thread.join(0.05)
        self._stop.set()
        self.wake()
        self._thread.join()
        self._dispatcher.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._dispatcher.step(self._clock()):
                    self._dispatcher.wait(_LOOK)
                    continue
            except Exception as error:
                # A database that is away may come back.
                self._tell(error)
                self._stop.wait(_TROUBLE)
                continue
            self._wake.wait(_LOOK)
            self._wake.clear()
        with suppress(Exception):  # They are delivered again.
            self._dispatcher.land(self._clock())

    def _tell(self, error: Exception) -> None:
        if self._trouble is not None:
            self._trouble(error)
