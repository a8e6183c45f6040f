"""Messages to an HTTP endpoint, signed: one request each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from clausal.dsl.version import __version__
from clausal.enforcement.delivery.adapter import Failure, envelope
from clausal.enforcement.delivery.signature import sign
from clausal.enforcement.ledger import Waiting

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_SHOWN: Final = 200
"""Characters of an answer that are kept with a failure."""

_READ: Final = 64 * 1024
"""Bytes of an answer that are read, so that the connection can be used again."""

_AGAIN: Final = frozenset((408, 425, 429))
"""Statuses between 400 and 499 that speak of the moment, not of the message."""


class WebhookAdapter:
    """Posts each message to a URL; 2xx means that it arrived.

    Connections are kept open. Redirects are not followed, and count as failures that may pass.

    Args:
        url: ``http`` or ``https``.
        secrets: Keys of the signature, see `clausal.enforcement.delivery.signature`.
        lanes: Requests at once.
        timeout: Seconds for connecting, and for each wait for the receiver.
        clock: Tells now in seconds since 1970, for the signature and for dates in ``Retry-After``.
    """

    batch: Final = 1

    def __init__(
        self,
        url: str,
        secrets: Sequence[bytes],
        *,
        lanes: int = 8,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        import urllib3  # noqa: PLC0415 - an extra

        self.lanes = lanes
        self._url = url
        self._secrets = tuple(secrets)
        self._clock = clock
        self._pool = urllib3.PoolManager(
            maxsize=lanes, retries=False, timeout=urllib3.Timeout(timeout)
        )

    def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
        """See `Adapter.deliver`."""
        return [self._post(message) for message in messages]

    def close(self) -> None:
        """See `Adapter.close`."""
        self._pool.clear()

    def _post(self, message: Waiting) -> Failure | None:
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - an extra

        body = envelope(message)
        headers = {
            "content-type": "application/json",
            "user-agent": f"clausal/{__version__}",
            **sign(self._secrets, message.message.id, int(self._clock()), body),
        }
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                answer = response.read(_READ + 1)
            finally:
                # What is left of a long answer is not worth reading for the connection's sake.
                response.close() if response.length_remaining else response.release_conn()
        except (HTTPError, OSError) as error:
            return Failure(_described(error))
        return self._judged(response, answer)

    def _judged(self, response: BaseHTTPResponse, answer: bytes) -> Failure | None:
        status = response.status
        if 200 <= status < 300:
            return None
        text = answer[: 4 * _SHOWN].decode("utf-8", "replace")
        text = " ".join(text.split())[:_SHOWN]
        error = f"HTTP {status}: {text}" if text else f"HTTP {status}"
        permanent = 400 <= status < 500 and status not in _AGAIN
        after = seconds_of(response.headers.get("retry-after", ""), self._clock())
        return Failure(error, permanent=permanent, after=0.0 if permanent else after)


def seconds_of(header: str, now: float) -> float:
    """The seconds that a ``Retry-After`` header asks for: a number or a date; 0 for what is neither."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _described(error: Exception) -> str:
    """What happened, without the addresses of objects that the client's messages begin with."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text.rpartition('>: ')[2]}"[:_SHOWN]
