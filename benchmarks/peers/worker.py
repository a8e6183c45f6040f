"""One contestant in a process of its own, which does as it is told, line by line.

So each can be timed in turn, and one that hangs or dies takes nobody with it. Lines in and out are
JSON; whatever the library prints goes to standard error.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.peers.peer import Peer, Task, Unavailable
from benchmarks.peers.registry import PEERS
from benchmarks.workload import Workload


class Worker:
    """What it is told: `build`, then `check` and `prepare`, then `round` any number of times."""

    def __init__(self) -> None:
        self.peer: Peer
        self.task: Task
        self.events: Any = None

    def build(self, name: str, workload: dict[str, Any], bundle: str) -> dict[str, Any]:
        """Make the contestant from the rules of a workload."""
        given = Workload(**workload)
        self.task = Task(given, given.neutral(), Path(bundle))
        start = time.perf_counter()
        self.peer = PEERS[name](self.task)
        return {"seconds": time.perf_counter() - start, "version": self.peer.version()}

    def check(self, start: int, stop: int) -> dict[str, Any]:
        """Answer some of the events."""
        events = list(self.task.workload.events(stop))[start:]
        prepared = self.peer.prepare(events)
        begin = time.perf_counter()
        result = self.peer.run(prepared)
        seconds = time.perf_counter() - begin
        answers = (
            [] if self.peer.about.floor else [sorted(names) for names in self.peer.answers(result)]
        )
        return {"seconds": seconds, "answers": answers}

    def prepare(self, events: int) -> dict[str, Any]:
        """Hold events ready for the rounds, in the form that suits the contestant."""
        self.events = self.peer.prepare(list(self.task.workload.events(events)))
        gc.collect()
        gc.freeze()
        return {}

    def round(self, passes: int) -> dict[str, Any]:
        """Decide them all, so many times."""
        run, events = self.peer.run, self.events
        start = time.perf_counter()
        result = run(events)
        for _ in range(passes - 1):
            result = run(events)
        seconds = time.perf_counter() - start
        del result
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"seconds": seconds, "memory": memory}


def main() -> None:
    """Serve until standard input ends."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin.buffer:
        operation, arguments = msgspec.json.decode(line)
        try:
            answer = getattr(worker, operation)(**arguments)
        except Unavailable as error:
            answer = {"refused": str(error)}
        except Exception as error:  # a library may fail in any way; the reason is reported
            answer = {"refused": f"{type(error).__name__}: {str(error)[:200]}"}
        channel.write(msgspec.json.encode(answer) + b"\n")


if __name__ == "__main__":
    main()
