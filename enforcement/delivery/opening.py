"""Adapters by the URL that `--deliver` takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit, urlunsplit

from clausal.enforcement.delivery.adapter import Adapter, AdapterError
from clausal.enforcement.delivery.file import FileAdapter
from clausal.enforcement.delivery.signature import secret_of

SECRET: Final = "CLAUSAL_WEBHOOK_SECRET"  # noqa: S105 - a name
"""The variable of the environment that holds the keys of signatures, with blanks between them."""

PASSWORD: Final = "CLAUSAL_REDIS_PASSWORD"  # noqa: S105 - a name
"""The variable of the environment that holds the password of a Redis server."""

_FILE: Final = "_FILE"
"""At the end of a variable's name: it names a file that holds the value."""


def open_adapter(url: str, environment: Mapping[str, str] | None = None) -> Adapter:
    """The adapter for a place.

    ``http://…`` and ``https://…``: a webhook, whose secret is in `SECRET`, or in the file that
    ``CLAUSAL_WEBHOOK_SECRET_FILE`` names. ``redis://host:port/db?stream=NAME`` (also ``rediss://``), with
    ``maxlen`` and ``remember`` (seconds): a stream. Anything else: the path of a file.

    Args:
        url: The place.
        environment: Where secrets are; without it, the environment of the process.

    Raises:
        AdapterError: if it is no place, a secret is missing or in the wrong one, or a library is.
    """
    variables = os.environ if environment is None else environment
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise AdapterError(f"this is no URL: {error}") from error
    if not parts.scheme or "://" not in url:
        return FileAdapter(Path(url))
    _refuse_secrets(parts)
    try:
        match parts.scheme:
            case "http" | "https" if host:
                return _webhook(url, variables)
            case "redis" | "rediss" if host:
                return _redis(parts, variables)
    except ModuleNotFoundError as error:
        extra = "redis" if parts.scheme.startswith("redis") else "enforce"
        raise AdapterError(
            f"the library `{error.name}` is not installed",
            hint=f"`pip install clausal[{extra}]` brings it",
        ) from error
    raise AdapterError(
        f"`{parts.scheme}://{parts.netloc}` is no place to deliver to",
        hint="write `https://…`, `redis://…/0?stream=NAME`, or the path of a file",
    )


def redis_url(url: str, environment: Mapping[str, str] | None = None) -> str:
    """The address of a Redis server as redis-py takes it, with the password of `PASSWORD`.

    Raises:
        AdapterError: if it is no such address, or holds a password that others can see.
    """
    variables = os.environ if environment is None else environment
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise AdapterError(f"this is no URL: {error}") from error
    if parts.scheme not in {"redis", "rediss"} or not host:
        raise AdapterError(
            "this is no address of a Redis server", hint="write `redis://HOST:PORT/DB`"
        )
    _refuse_secrets(parts)
    password = _secret(PASSWORD, variables)
    if password is None:
        return url
    return urlunsplit(parts._replace(netloc=f":{quote(password, safe='')}@{parts.netloc}"))


def _refuse_secrets(parts: SplitResult) -> None:
    if parts.username is not None or parts.password is not None:
        instead = "webhooks are signed instead"
        if parts.scheme in {"redis", "rediss"}:
            instead = f"set `{PASSWORD}`, or `{PASSWORD}{_FILE}`"
        raise AdapterError(
            "a URL here holds no user and no password",
            hint=f"others can see command lines: {instead}",
        )


def _webhook(url: str, variables: Mapping[str, str]) -> Adapter:
    from clausal.enforcement.delivery.webhook import WebhookAdapter  # noqa: PLC0415 - an extra

    text = _secret(SECRET, variables)
    if text is None:
        raise AdapterError(
            f"a webhook is signed, and `{SECRET}` is not set",
            hint=f"set it, or `{SECRET}{_FILE}`, to `whsec_` and 24 to 64 random bytes in base64",
        )
    try:
        secrets = [secret_of(one) for one in text.split()]
    except ValueError as error:
        raise AdapterError(f"`{SECRET}`: {error}") from error
    return WebhookAdapter(url, secrets)


def _redis(parts: SplitResult, variables: Mapping[str, str]) -> Adapter:
    from clausal.enforcement.delivery.redis_stream import (  # noqa: PLC0415 - an extra
        REMEMBERED,
        RedisStreamAdapter,
    )

    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    stream = query.pop("stream", "")
    numbers = {name: query.pop(name, "") for name in ("maxlen", "remember")}
    if not stream or query:
        raise AdapterError(
            f"`{next(iter(query))}` means nothing here" if query else "which stream is not said",
            hint="write `redis://host:6379/0?stream=NAME`; `maxlen` and `remember` may follow",
        )
    if parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise AdapterError(f"`{parts.path}` is no number of a database")
    for name, text in numbers.items():
        if text and not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
            raise AdapterError(f"`{name}` is a whole number from 1")
    return RedisStreamAdapter(
        urlunsplit(parts._replace(query="")),
        stream,
        password=_secret(PASSWORD, variables),
        remembered=int(numbers["remember"] or REMEMBERED),
        longest=int(numbers["maxlen"] or 0),
    )


def _secret(name: str, variables: Mapping[str, str]) -> str | None:
    """What a variable, or the file that another one names, holds; None if neither is set."""
    path = variables.get(name + _FILE)
    if path is None:
        return variables.get(name) or None
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise AdapterError(f"cannot read what `{name}{_FILE}` names: {why}") from error
    if not text:
        raise AdapterError(f"the file that `{name}{_FILE}` names is empty")
    return text
