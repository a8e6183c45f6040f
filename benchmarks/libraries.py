"""Install what Clausal is measured beside, as far as it can be had: the extra `bench`, one by one.

One that cannot be installed does not keep the others away; it is reported as missing when the
contestants race.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

SETTINGS: Final = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main() -> None:
    """Install, and say what could not be."""
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    wanted: list[str] = settings["project"]["optional-dependencies"]["bench"]
    install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    for requirement in wanted:
        done = subprocess.run(
            [*install, "--only-binary", ":all:", requirement], capture_output=True, check=False
        )
        if done.returncode:
            print(f"   without {requirement}: there is no wheel of it for this machine")


if __name__ == "__main__":
    main()
