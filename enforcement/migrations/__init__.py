"""How the tables of a ledger came to be what they are, version by version; Alembic runs them.

A version that is out is never changed: what is to be different comes in a new one after it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def versions() -> list[str]:
    """All versions that there are, from the first."""
    script = ScriptDirectory.from_config(_config())
    return [one.revision for one in script.walk_revisions()][::-1]


def upgrade(connection: Connection) -> None:
    """Bring the tables up to the newest version, within the transaction that the connection is in."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
