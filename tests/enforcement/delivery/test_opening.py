"""Places to deliver to, as they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from clausal.enforcement.delivery.adapter import AdapterError
from clausal.enforcement.delivery.file import FileAdapter
from clausal.enforcement.delivery.opening import open_adapter
from clausal.enforcement.delivery.redis_stream import RedisStreamAdapter
from clausal.enforcement.delivery.webhook import WebhookAdapter

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://platform.example/measures", WebhookAdapter),
        ("http://127.0.0.1:8000/", WebhookAdapter),
        ("redis://127.0.0.1:6379/0?stream=measures", RedisStreamAdapter),
        ("rediss://r.example?stream=m&maxlen=1000&remember=60", RedisStreamAdapter),
    ],
)
def test_urls(url: str, kind: type) -> None:
    adapter = open_adapter(url, {"CLAUSAL_WEBHOOK_SECRET": f"{SECRET} {SECRET}"})
    assert type(adapter) is kind
    adapter.close()


def test_paths(tmp_path: Path) -> None:
    adapter = open_adapter(str(tmp_path / "measures.ndjson"), {})
    assert type(adapter) is FileAdapter
    adapter.close()


def test_secrets_may_lie_in_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    variables = {"CLAUSAL_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}
    open_adapter("https://platform.example/", variables).close()


@pytest.mark.parametrize(
    ("url", "variables", "error"),
    [
        ("https://platform.example/", {}, "`CLAUSAL_WEBHOOK_SECRET` is not set"),
        ("https://platform.example/", {"CLAUSAL_WEBHOOK_SECRET": ""}, "is not set"),
        ("https://platform.example/", {"CLAUSAL_WEBHOOK_SECRET": "x"}, "a secret is `whsec_`"),
        (
            "https://platform.example/",
            {"CLAUSAL_WEBHOOK_SECRET": "whsec_eHg="},
            "a secret has 24 bytes or more",
        ),
        (
            "https://platform.example/",
            {"CLAUSAL_WEBHOOK_SECRET_FILE": "/nowhere/at/all"},
            "No such file",
        ),
        (
            "https://platform.example/",
            {"CLAUSAL_WEBHOOK_SECRET_FILE": "/dev/null"},
            "is empty",
        ),
        ("https://user:word@platform.example/", {}, "no user and no password"),
        ("redis://:word@127.0.0.1/0?stream=m", {}, "no user and no password"),
        ("redis://127.0.0.1/0", {}, "which stream is not said"),
        ("redis://127.0.0.1/0?stream=m&strem=n", {}, "`strem` means nothing here"),
        ("redis://127.0.0.1/0?stream=m&maxlen=many", {}, "`maxlen` is a whole number"),
        ("redis://127.0.0.1/x?stream=m", {}, "no number of a database"),
        ("kafka://127.0.0.1/x", {}, "`kafka://127.0.0.1` is no place"),
        ("https:///x", {}, "is no place"),
        ("http://[::1/x", {}, "no URL"),
        ("http://127.0.0.1:many/x", {}, "no URL"),
    ],
)
def test_mistakes(url: str, variables: dict[str, str], error: str) -> None:
    with pytest.raises(AdapterError, match=error) as raised:
        open_adapter(url, variables)
    assert "word" not in str(raised.value).replace("password", "")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://user:word@platform.example/", "webhooks are signed"),
        ("redis://:word@127.0.0.1/0?stream=m", "CLAUSAL_REDIS_PASSWORD"),
    ],
)
def test_what_takes_the_place_of_a_password_in_a_url(url: str, hint: str) -> None:
    with pytest.raises(AdapterError) as raised:
        open_adapter(url, {})
    assert hint in raised.value.hint
