"""The progress of a long run, on standard error: how far, how fast, how long yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Self, TextIO

from clausal.cli.shell import console_for

if TYPE_CHECKING:
    from rich import progress as rich_progress

    from clausal.reading import EventFile

_INTERVAL: Final = 0.1
"""Seconds between two looks at the clock that change the display."""


class Counter:
    """A progress bar over so many things; a count of them, if nobody knows how many there are.

    On a stream that is no terminal, where it was asked for, it writes a line every few seconds.
    """

    def __init__(self, stream: TextIO, total: int | None, noun: str, *, shown: bool) -> None:
        self._stream = stream
        self._shown = shown
        self._total = total
        self._noun = noun
        self._start = self._last = time.monotonic()
        self._bar: rich_progress.Progress | None = None
        self._task: rich_progress.TaskID | None = None

    def __enter__(self) -> Self:
        if self._shown and self._stream.isatty():
            self._bar = _bar(self._stream, self._noun, known=bool(self._total))
            self._task = self._bar.add_task("", total=self._total or None, count=0, rate=0.0)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, count: int) -> None:
        """Tell how many are done."""
        self._show(count, lambda: count)

    def _show(self, count: int, done: Callable[[], int]) -> None:
        if not self._shown:
            return
        now = time.monotonic()
        if now - self._last < (_INTERVAL if self._bar is not None else 5.0):
            return
        self._last = now
        rate = count / (now - self._start)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done(), count=count, rate=rate)
        else:
            line = _line(count, self._noun, rate, done(), self._total, now - self._start)
            self._stream.write(line)
            self._stream.flush()


class Progress(Counter):
    """A progress bar over the bytes of files; without their sizes, a count of events."""

    def __init__(self, stream: TextIO, files: Sequence[EventFile], *, shown: bool) -> None:
        sizes = [file.size for file in files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        super().__init__(stream, total, "events", shown=shown)
        self._files = files

    def update(self, count: int) -> None:
        """Tell how many events are done."""
        self._show(count, lambda: sum(file.position for file in self._files))


def _bar(stream: TextIO, noun: str, *, known: bool) -> rich_progress.Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    figures = TextColumn(
        f"{{task.fields[count]:,}} {noun}  {{task.fields[rate]:,.0f}}/s", markup=False
    )
    console = console_for(stream)
    if not known:
        return Progress(figures, console=console, transient=True)
    return Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%", markup=False),
        figures,
        TimeRemainingColumn(compact=True),
        TextColumn("left", markup=False),
        console=console,
        transient=True,
    )


def _line(count: int, noun: str, rate: float, done: int, total: int | None, elapsed: float) -> str:
    line = f"{count:,} {noun}, {rate:,.0f}/s"
    if total and done:
        left = elapsed * (total - done) / done
        line += f", {done / total:.0%}, {left:,.0f} s left"
    return line + "\n"
