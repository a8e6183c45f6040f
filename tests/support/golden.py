"""Golden files: the expected output of a test, stored under `tests/golden/` and read in review.

Run the tests with ``CLAUSAL_UPDATE_GOLDENS=1`` to write what they got, and read the difference
before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDENS = Path(__file__).parent.parent / "golden"
UPDATE = os.environ.get("CLAUSAL_UPDATE_GOLDENS") == "1"


def assert_golden(path: str | Path, actual: str) -> None:
    """Compare `actual` with the golden file at `path`, relative to `tests/golden/`.

    A file ends with one line feed, which `actual` may lack.
    """
    file = GOLDENS / path
    text = actual if actual.endswith("\n") else actual + "\n"
    if UPDATE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        return
    assert file.exists(), (
        f"there is no {file}; write it with CLAUSAL_UPDATE_GOLDENS=1, then read it"
    )
    with file.open(encoding="utf-8", newline="") as stored:
        expected = stored.read()
    assert text == expected, f"differs from {file}"
