"""Run a module of this folder as a program: `python -P benchmarks/run.py peers --rules 1000`.

The folder above holds `clausal/`, which is only a part of the package of that name, so it must not
be on the path; this is how `benchmarks` is imported without it.
"""

import runpy
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Run the module that the first argument names, with the other arguments."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -P benchmarks/run.py MODULE [ARGUMENTS]")
    # The tests lend some of what they work with.
    for folder in (FOLDER, FOLDER.parent / "tests"):
        package = ModuleType(folder.name)
        package.__path__ = [str(folder)]
        sys.modules[folder.name] = package
    name = sys.argv.pop(1)
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
