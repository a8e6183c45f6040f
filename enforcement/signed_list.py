"""Blacklists that leave the house: JSON in its canonical form, signed with Ed25519.

The signature is over the list without it, as JSON with sorted keys and no white space. Whoever reads a list
trusts keys, not what a list says of itself: the issuer's key is given by other means.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from clausal.compiler.ir import Bilingual

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT: Final = "clausal-blacklist-1"
_KEY: Final = "ed25519:"
_LARGEST: Final = 64 * 1024 * 1024


class ListError(Exception):
    """A list or a key that cannot be used. ``hint`` says what to do about it, if that is known."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody is on a list: a clause of a policy, and what was found."""

    policy: str
    version: str
    clauses: tuple[str, ...]
    text: Bilingual


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry. ``since`` and ``until`` are in microseconds since 1970; None: it has no end."""

    subject: str
    reason: Reason
    since: int
    until: int | None


class SignedList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list, and whose it is.

    ``created`` and ``expires`` are in microseconds since 1970: an old list may hold people who were taken
    off it since, so it is not used for ever.
    """

    format: str
    issuer: str
    created: int
    expires: int
    entries: tuple[Listing, ...]
    key: str = ""
    signature: str = ""


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(SignedList).decode


def make_key(path: Path) -> str:
    """Make a private key in a new file that only its owner may read, and return the public one.

    Raises:
        ListError: if the file is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.generate()
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except FileExistsError:
        raise ListError(
            f"there is a file `{path}` already", hint="a key is not written over"
        ) from None
    except OSError as error:
        raise ListError(f"cannot write `{path}`: {error.strerror}") from error
    return public_key(key)


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises:
        ListError: if there is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - an extra
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ListError(f"cannot read `{path}`: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ListError(f"`{path}` holds no private key without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ListError(f"`{path}` holds a key of another kind", hint="it must be an Ed25519 key")
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    """The public part of a key, as text: ``ed25519:`` and base64."""
    return _KEY + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(made: SignedList, key: Ed25519PrivateKey) -> bytes:
    """A list with its signature, ready to be sent: JSON on one line."""
    unsigned = msgspec.structs.replace(made, key=public_key(key), signature="")
    signature = base64.b64encode(key.sign(_encode(unsigned))).decode()
    return _encode(msgspec.structs.replace(unsigned, signature=signature)) + b"\n"


def verify(data: bytes, trusted: Mapping[str, str], at: int) -> SignedList:
    """The list in some bytes, if it is from whom it says, as it was made, and not too old.

    Args:
        data: What came.
        trusted: Public keys by the names of the issuers that are trusted.
        at: Now, in microseconds since 1970.

    Raises:
        ListError: if it is not.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    if len(data) > _LARGEST:
        raise ListError("the list is larger than 64 MiB")
    try:
        found = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ListError(f"this is no signed list: {error}") from error
    if found.format != FORMAT:
        raise ListError(f"this is no list of the form `{FORMAT}`")
    wanted = trusted.get(found.issuer)
    if wanted is None:
        raise ListError(
            f"the issuer `{found.issuer}` is not trusted",
            hint="name its key, which you have from the issuer itself: `--trust NAME=ed25519:…`",
        )
    if found.key != wanted:
        raise ListError(f"the list is signed with another key than that of `{found.issuer}`")
    try:
        key = Ed25519PublicKey.from_public_bytes(raw_key(wanted))
        signature = base64.b64decode(found.signature, validate=True)
        key.verify(signature, _encode(msgspec.structs.replace(found, signature="")))
    except (InvalidSignature, binascii.Error, ValueError):
        raise ListError(
            "the signature does not fit: the list was changed after it was signed"
        ) from None
    if at >= found.expires:
        raise ListError("the list is too old", hint="ask the issuer for a new one")
    if found.created > at:
        raise ListError("the list is from the future", hint="one of the two clocks is wrong")
    _check(found)
    return found


def raw_key(text: str) -> bytes:
    """The bytes of a public key.

    Raises:
        ListError: if it is none.
    """
    try:
        raw = base64.b64decode(text.removeprefix(_KEY), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(_KEY) or len(raw) != 32:
        raise ListError("a public key is `ed25519:` and 32 bytes in base64")
    return raw


def _check(found: SignedList) -> None:
    """Refuse what an honest issuer would not sign."""
    seen: set[str] = set()
    for entry in found.entries:
        if not entry.subject:
            raise ListError("an entry names no subject")
        if entry.subject in seen:
            raise ListError(f"the subject `{entry.subject}` is on the list twice")
        seen.add(entry.subject)
        if entry.since > found.created or (entry.until is not None and entry.until <= entry.since):
            raise ListError(f"the times of the subject `{entry.subject}` make no sense")
