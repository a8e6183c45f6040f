"""A Redis server of our own, on a free port of this machine, gone with the tests that use it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def redis_server(*options: str, port: int = 0) -> Iterator[str]:
    """The URL of a server that keeps nothing; skips where there is none, unless that is an error."""
    import redis

    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI") or os.environ.get("CLAUSAL_REQUIRE_SERVERS"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    port = port or free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with tempfile.TemporaryDirectory() as folder:
        command = [
            binary,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            folder,
        ]
        with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as server:
            try:
                with contextlib.closing(redis.Redis.from_url(url)) as client:
                    for _ in range(500):
                        try:
                            client.ping()
                        except redis.AuthenticationError:
                            break
                        except redis.ConnectionError:
                            time.sleep(0.02)
                        else:
                            break
                yield url
            finally:
                server.kill()
