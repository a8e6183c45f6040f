"""What carries messages to the platform: the protocol that an adapter keeps, and what it sends.

An adapter of your own is a class with two numbers and two methods. It delivers each message at least
once and says what came of it; when to try again is the dispatcher's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from clausal.enforcement.ledger import Waiting


class AdapterError(Exception):
    """An adapter cannot begin: its place is not there, or what it needs is not set.

    ``hint`` says what to do about it, if that is known.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Failure(msgspec.Struct, frozen=True):
    """Why a message did not arrive.

    Attributes:
        error: For people, in one line.
        permanent: Trying again would not help: the receiver refused it for what it is.
        after: Seconds for which the receiver asked to be left alone; it is sent nothing until then.
    """

    error: str
    permanent: bool = False
    after: float = 0.0


class Adapter(Protocol):
    """A way to the platform. The dispatcher calls `deliver` from up to ``lanes`` threads at once.

    Attributes:
        lanes: How many calls of `deliver` may run at once.
        batch: How many messages one call takes at most; no two of them have one key.
    """

    @property
    def lanes(self) -> int: ...  # noqa: D102 - the class says it

    @property
    def batch(self) -> int: ...  # noqa: D102 - the class says it

    def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
        """Deliver messages, and return for each, in order, None or why it did not arrive.

        It must end within a bounded time. Whether a message that was on its way when the connection
        broke did arrive is not known: then it is a failure, and the message comes again. An exception
        counts as the failure of all.
        """

    def close(self) -> None:
        """Let go of what it holds; no `deliver` runs any more."""


_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def envelope(waiting: Waiting) -> bytes:
    """A message as it leaves: one JSON object on one line, the same bytes each time it is sent.

    It begins with what every message has, and goes on with its body:

    * ``id``: what is to be done once; a message that comes again has the same.
    * ``number``: grows from message to message of one ledger, and so of one key.
    * ``key``: messages of one key arrive in order of their numbers.
    * ``action``: a measure begins (``apply``) or ends before its time (``end``), or people are told
      something (``notice``).
    """
    message = waiting.message
    first = {
        "id": message.id,
        "number": waiting.number,
        "key": message.key,
        "action": message.action,
    }
    body = {
        name: value for name, value in _fields.decode(message.body).items() if name not in first
    }
    # What the body says stays; how it was laid out does not, for a line is a line.
    return msgspec.json.format(msgspec.json.encode({**first, **body}), indent=-1)
