"""Where results are kept: one JSON file a part, each replaced whole or not at all."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from clausal.dsl.version import __version__

FOLDER: Final = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, str]:
    """The facts of this machine, as a table shows them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Processor": _processor(),
        "Cores": str(os.cpu_count()),
        "Memory": f"{memory:.0f} GiB",
        "System": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Clausal": __version__,
        "Measured": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def load(part: str) -> dict[str, Any]:
    """The results of a part; empty if it was not measured yet."""
    path = FOLDER / f"{part}.json"
    if not path.exists():
        return {}
    results: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return results


def store(part: str, results: dict[str, Any]) -> None:
    """Replace the results of a part."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{part}.json"
    text = msgspec.json.format(msgspec.json.encode(results), indent=1)
    replace(path, text + b"\n")


def replace(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)
