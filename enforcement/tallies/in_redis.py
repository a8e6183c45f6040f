"""`RedisTallies`: the tallies of several processes, in one Redis server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from importlib import resources
from typing import Any, Final, TypeVar

import msgspec
import redis

from clausal.compiler.types import MICROSECONDS
from clausal.enforcement.tallies.definition import Definition, Kind
from clausal.enforcement.tallies.store import (
    BUCKETS,
    EXACT,
    FILTER_BITS,
    FILTER_PROBES,
    Step,
    StoreError,
    Watermark,
)

_T = TypeVar("_T")
_Encodable = bytes | bytearray | memoryview | str | int | float

RETENTION: Final = timedelta(days=7)

_SCRIPT: Final = resources.files("clausal.enforcement.tallies").joinpath("take.lua").read_bytes()
_SHA: Final = hashlib.sha1(_SCRIPT, usedforsecurity=False).hexdigest()
"""The name by which Redis knows a script."""

_CHUNK: Final = 100
"""As many steps are one call of the script: others wait while it runs, a millisecond or so."""

_HOW: Final[Mapping[Kind, bytes]] = {"count": b"c", "rate": b"c", "distinct": b"d", "sum": b"s"}


class _Known(msgspec.Struct, frozen=True):
    """A tally as the server remembers it; entries of another generation are forgotten."""

    definition: Definition
    generation: int


class RedisTallies:
    """Tallies of several processes.

    A batch of events is one round trip; the server does each step whole, so processes never see one
    another's half done. Each process has its own `Watermark`: the lateness must cover how far they
    are apart. What is kept of a key ends by itself when nothing was taken up for the window, the
    lateness and the retention.

    Redis Cluster is not supported: the script makes up the names of its keys.

    Args:
        url: Of the server, as redis-py takes it.
        prefix: What the names of all keys begin with.
        retention: For how long processes may stand still and go on with what was counted.
        timeout: Seconds for connecting and for each answer.

    Attributes:
        watermark: See `Watermark`.

    Raises:
        StoreError: if the URL is not one of a Redis server.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "clausal:tallies",
        retention: timedelta = RETENTION,
        timeout: float = 10.0,
    ) -> None:
        self.watermark = Watermark()
        self._prefix = prefix
        self._retention = retention // timedelta(milliseconds=1)
        self._known: dict[str, _Known] = {}
        self._lateness = 0
        try:
            self._redis = redis.Redis.from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout
            )
        except ValueError as error:
            raise StoreError(f"this is no address of a Redis server: {error}") from error

    def known(self) -> Mapping[str, Definition]:
        """The definitions that the server remembers; see `TallyStore`."""
        return {name: known.definition for name, known in self._read().items()}

    def _read(self) -> dict[str, _Known]:
        found: Any = self._try(lambda: self._redis.hgetall(f"{self._prefix}:known"))
        try:
            return {
                name.decode(): msgspec.json.decode(data, type=_Known)
                for name, data in found.items()
            }
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"`{self._prefix}:known` holds no tallies: {error}") from None

    def begin(
        self, definitions: Mapping[str, Definition], reset: AbstractSet[str], lateness: int
    ) -> None:
        """Remember definitions, and forget the tallies that begin anew; see `TallyStore`.

        Processes that run already go on with the generation that they began with.
        """
        before = self._read()
        for name, definition in definitions.items():
            generation = before[name].generation if name in before else 0
            self._known[name] = _Known(definition, generation + (name in reset))
        told: dict[_Encodable, _Encodable] = {
            name: msgspec.json.encode(self._known[name]) for name in definitions
        }
        if told:
            self._try(lambda: self._redis.hset(f"{self._prefix}:known", mapping=told))
        self._try(lambda: self._redis.script_load(_SCRIPT))
        self._lateness = lateness

    def take(self, steps: Sequence[Step]) -> list[float | None]:
        """Do steps in order; see `TallyStore`."""
        try:
            answers = self._try(lambda: self._call(steps))
        except _ScriptGone:
            self._try(lambda: self._redis.script_load(_SCRIPT))
            answers = self._try(lambda: self._call(steps))
        figures: list[float | None] = []
        for step, answer in zip(steps, (one for chunk in answers for one in chunk), strict=True):
            figure = None if answer is None else float(answer)
            definition = self._known[step.name].definition
            if figure is not None and definition.kind == "rate":
                figure *= MICROSECONDS / definition.over
            figures.append(figure)
        return figures

    def _call(self, steps: Sequence[Step]) -> Any:
        with self._redis.pipeline(transaction=False) as pipe:
            for start in range(0, len(steps), _CHUNK):
                chunk = steps[start : start + _CHUNK]
                keys = [self._key(step) for step in chunk]
                told: list[bytes | str | int] = [EXACT, FILTER_BITS, FILTER_PROBES]
                for step in chunk:
                    told += self._told(step)
                pipe.evalsha(_SHA, len(keys), *keys, *told)
            return pipe.execute()

    def _key(self, step: Step) -> str:
        # With its length before it, no key is another with something behind it.
        generation = self._known[step.name].generation
        return f"{self._prefix}:{step.name}:{generation}:{len(step.key)}:{step.key}"

    def _told(self, step: Step) -> tuple[bytes | str | int, ...]:
        definition = self._known[step.name].definition
        value = b"" if step.value is None else str(step.value).encode()
        return (
            _HOW[definition.kind],
            b"%d:%b%b" % (len(value), value, step.id.encode()),
            step.at,
            step.at - definition.over,
            step.floor,
            max(1, definition.over // BUCKETS),
            (definition.over + self._lateness) // 1000 + self._retention,
            int(step.counts),
            int(step.asked),
        )

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @staticmethod
    def _try(call: Callable[[], _T]) -> _T:
        try:
            return call()
        except redis.exceptions.NoScriptError as error:
            raise _ScriptGone from error
        except (redis.RedisError, OSError) as error:
            raise StoreError(f"the Redis server of the tallies: {error}") from error


class _ScriptGone(Exception):  # noqa: N818 - it is mended at once
    """The server was started anew, or somebody flushed its scripts."""
