"""Signatures of webhooks, as Standard Webhooks has them (https://www.standardwebhooks.com).

HMAC-SHA256 over the id, the second of sending and the body, joined by periods. Receivers find ready-made
code for many languages there; in Python, `verify` does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets begin with, not one
_SHORTEST: Final = 24
_VERSION: Final = "v1,"


class SignatureError(Exception):
    """A message that is not from whom it says, not what was sent, or too old."""


def secret_of(text: str) -> bytes:
    """A secret as it is written: ``whsec_`` and at least 24 bytes in base64.

    Raises:
        ValueError: if it is anything else.
    """
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        secret = b""
    if not secret or not text.startswith(SECRET_PREFIX):
        raise ValueError("a secret is `whsec_` and base64")
    if len(secret) < _SHORTEST:
        raise ValueError(f"a secret has {_SHORTEST} bytes or more")
    return secret


def sign(secrets: Sequence[bytes], id: str, second: int, body: bytes) -> dict[str, str]:
    """The headers of a message.

    Args:
        secrets: The keys; several while one takes the place of another.
        id: The message's.
        second: Now, in seconds since 1970.
        body: The bytes that are sent.
    """
    made = (_VERSION + _digest(secret, id, str(second), body) for secret in secrets)
    return {ID: id, TIMESTAMP: str(second), SIGNATURE: " ".join(made)}


def verify(
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    tolerance: float = 300.0,
) -> str:
    """The id of a message, if it is genuine and fresh.

    Args:
        secrets: The keys that are good.
        headers: Those that came; the names in lower case, or a mapping that does not care.
        body: The bytes that came, before anything is made of them.
        now: In seconds since 1970.
        tolerance: Seconds by which the times of the two sides may differ.

    Raises:
        SignatureError: if it is not.
    """
    name, time, signatures = (headers.get(name) for name in (ID, TIMESTAMP, SIGNATURE))
    if not name or not time or not signatures:
        raise SignatureError("the message is not signed")
    if not time.isascii() or not time.isdigit():
        raise SignatureError("the time of the message is no number of seconds")
    given = [
        one.removeprefix(_VERSION) for one in signatures.split(" ") if one.startswith(_VERSION)
    ]
    good = [_digest(secret, name, time, body) for secret in secrets]
    # All pairs are compared, each in constant time: the time taken tells nothing.
    found = [hmac.compare_digest(one.encode(), other.encode()) for one in given for other in good]
    if not any(found):
        raise SignatureError("the signature is not ours")
    if abs(now - int(time)) > tolerance:
        raise SignatureError("the message is too old, or from the future")
    return name


def _digest(secret: bytes, id: str, second: str, body: bytes) -> str:
    signed = b".".join((id.encode(), second.encode(), body))
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
