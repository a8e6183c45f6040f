"""A PostgreSQL server of the tests' own: on a free port of 127.0.0.1, gone with the tests.

Each process of the tests has one (they may run side by side), and each test a database in it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_USER = "postgres"
_SECONDS = 30


@dataclass
class Server:
    """A server that runs."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """Make an empty database, and return its address."""
        name = f"test_{next(self._numbers)}"
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run a statement, as whoever may do everything."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def ask(self, query: str, database: str = "postgres") -> str:
        """The one value that a query gives."""
        import psycopg

        with psycopg.connect(self.url(database)) as connection:
            (value,) = connection.execute(query.encode()).fetchone() or ("",)
            return str(value)


def _programs() -> Path | None:
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).parent
    # Debian keeps them out of the way, by version.
    kept = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((path.parent for path in kept), key=_version, default=None)


def _version(programs: Path) -> int:
    name = programs.parent.name
    return int(name) if name.isdigit() else 0


def _as_its_user(*, dies_with_us: bool) -> list[str]:
    """What goes before a command of the server, which does not run as root."""
    setpriv = shutil.which("setpriv")
    words: list[str] = []
    if os.geteuid() == 0:
        words += [f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"]
    if dies_with_us:
        words += ["--pdeathsig=INT"]
    if setpriv is None:
        return ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    return [setpriv, *words, "--"] if words else []


@contextlib.contextmanager
def running(folder: Path | None = None, *, durable: bool = False) -> Iterator[Server]:
    """Start a server, and stop it at the end.

    Args:
        folder: Where its files lie meanwhile; by default where temporary files do.
        durable: Flush each commit to the disk, which tests can do without.

    Raises:
        FileNotFoundError: if its programs are not installed.
        RuntimeError: if it does not start.
    """
    programs = _programs()
    if programs is None:
        raise FileNotFoundError("the programs of PostgreSQL are not installed")
    # Its own place: pytest's folders are closed to the user that the server runs as.
    home = Path(tempfile.mkdtemp(prefix="clausal-postgres-", dir=folder))
    try:
        if os.geteuid() == 0:
            shutil.chown(home, _USER, _USER)
        data = home / "data"
        made = subprocess.run(
            [
                *_as_its_user(dies_with_us=False),
                *(programs / "initdb", "-D", data, "-U", _USER, "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
        with _started(programs, home, data, durable=durable) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _started(programs: Path, home: Path, data: Path, *, durable: bool) -> Iterator[Server]:
    port = _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(home),
    }
    if not durable:
        # What the tests kill are clients, never the server or the machine.
        settings |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *_as_its_user(dies_with_us=True),
                *(programs / "postgres", "-D", data, "-p", str(port)),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            cwd=home,
            stdout=log,
            stderr=log,
        )
    try:
        server = Server(port)
        _wait(server, process, home / "log")
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nobody needs the files any more
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    until = time.monotonic() + _SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from error
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def required() -> bool:
    """Whether a server that is not installed fails the tests that need it, instead of skipping them."""
    return any(os.environ.get(name) for name in ("CI", "CLAUSAL_REQUIRE_SERVERS"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server, started when the first test asks for it."""
    if _programs() is None and not required():
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with running() as server:
        yield server
