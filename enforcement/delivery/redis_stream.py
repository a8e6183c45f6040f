"""Messages to a Redis stream: for consumers that read with XREAD or in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clausal.enforcement.delivery.adapter import AdapterError, Failure, envelope
from clausal.enforcement.ledger import Waiting

_ADD: Final = """
if redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[1]) then
  local id
  if ARGV[2] == '0' then
    id = redis.pcall('XADD', KEYS[1], '*', 'id', ARGV[3], 'message', ARGV[4])
  else
    id = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'id', ARGV[3], 'message', ARGV[4])
  end
  if type(id) == 'table' and id.err then
    redis.call('DEL', KEYS[2])
  end
  return id
end
return false
"""
"""Adds a message unless one of its id was added: Redis runs a script as one step."""

REMEMBERED: Final = 30 * 86400
"""Seconds for which ids are remembered, if the URL does not say."""


class RedisStreamAdapter:
    """Adds each message to a stream, once: fields ``id`` and ``message``, which is the envelope.

    The id of each message is kept under a key of its own for a time, in the slot of the stream.

    Args:
        url: Of the server, as redis-py takes it.
        stream: The stream's key.
        password: The server's, if it wants one.
        remembered: Seconds for which ids are known: longer than a message can wait.
        longest: About how many messages the stream keeps; 0: all.
        timeout: Seconds for connecting and for each answer.

    Raises:
        AdapterError: if the URL is not one of a Redis server.
    """

    lanes: Final = 1
    batch: Final = 500

    def __init__(
        self,
        url: str,
        stream: str,
        *,
        password: str | None = None,
        remembered: int = REMEMBERED,
        longest: int = 0,
        timeout: float = 10.0,
    ) -> None:
        import redis  # noqa: PLC0415 - an extra

        self._stream = stream
        self._remembered = remembered
        self._longest = longest
        try:
            self._redis = redis.Redis.from_url(
                url, password=password, socket_timeout=timeout, socket_connect_timeout=timeout
            )
        except ValueError as error:
            raise AdapterError(f"this is no address of a Redis server: {error}") from error
        self._add = self._redis.register_script(_ADD)

    def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
        """See `Adapter.deliver`."""
        import redis  # noqa: PLC0415 - an extra

        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for one in messages:
                    name = one.message.id
                    self._add(
                        keys=[self._stream, f"{_slot(self._stream)}:sent:{name}"],
                        args=[self._remembered, self._longest, name, envelope(one)],
                        client=pipe,
                    )
                answers = pipe.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as error:
            return [Failure(_described(error))] * len(messages)
        return [
            Failure(_described(answer)) if isinstance(answer, Exception) else None
            for answer in answers
        ]

    def close(self) -> None:
        """See `Adapter.close`."""
        self._redis.close()


def _slot(stream: str) -> str:
    """A beginning of keys that lie where the stream lies, in a cluster, too."""
    return stream if "{" in stream else f"{{{stream}}}"


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
