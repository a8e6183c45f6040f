"""Look into a wheel: one import package, with the data that it needs at run time."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Folders whose every file with one of these endings must be in the wheel, and where.
DATA = {
    "clausal/pages": ("clausal/pages", {".css", ".html", ".md"}),
    "compiler": ("clausal/compiler", {".pyi", ".pyx", ".pxd"}),
    "dsl": ("clausal/dsl", {".lark", ".md"}),
    "engine": ("clausal/engine", {".h", ".pyi", ".pyx", ".pxd"}),
    "policies": ("clausal/policies", {".policy", ".txt", ".jsonl"}),
}


def problems(wheel: Path) -> list[str]:
    """Return what is wrong with the wheel at `wheel`, one line each."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    found = [
        f"installs `{top}` at the top of site-packages"
        for top in sorted({name.split("/")[0] for name in names})
        if top != "clausal" and not top.endswith(".dist-info")
    ]
    if "clausal/py.typed" not in names:
        found.append("has no `clausal/py.typed`: its types would be ignored")
    for source in sorted([*ROOT.glob("compiler/**/_*.pyx"), *ROOT.glob("engine/**/_*.pyx")]):
        start = f"clausal/{source.relative_to(ROOT).with_suffix('').as_posix()}"
        if not any(name.startswith(f"{start}.") and name.endswith(".so") for name in names):
            found.append(f"has no compiled `{start.replace('/', '.')}`")
    for folder, (home, endings) in DATA.items():
        for path in sorted((ROOT / folder).rglob("*")):
            name = f"{home}/{path.relative_to(ROOT / folder).as_posix()}"
            if path.suffix in endings and name not in names:
                found.append(f"lacks `{name}`")
    return found


def main() -> int:
    """Check the wheels that the command line names."""
    status = 0
    for argument in sys.argv[1:]:
        for problem in problems(Path(argument)):
            print(f"{argument}: {problem}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
