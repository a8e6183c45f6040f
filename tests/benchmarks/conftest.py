"""Makes `benchmarks` importable: the folder above it must not be on the path (see `run.py`)."""

import sys
from pathlib import Path
from types import ModuleType

if "benchmarks" not in sys.modules:
    package = ModuleType("benchmarks")
    package.__path__ = [str(Path(__file__).parents[2] / "benchmarks")]
    sys.modules["benchmarks"] = package
