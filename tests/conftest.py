"""What every test run shares: Hypothesis profiles, and which build is under test.

`CLAUSAL_TEST_PROFILE` chooses how hard the property tests try: `dev` (the default, seconds),
`ci` (the same examples each time), `long`, or `brief`, for builds on which all takes longer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import clausal
from clausal.engine import _core

PROFILES = {"brief": 10, "dev": 30, "ci": 100, "long": 5_000}
PROFILE = os.environ.get("CLAUSAL_TEST_PROFILE", "dev")

for name, examples in PROFILES.items():
    settings.register_profile(
        name,
        max_examples=examples,
        # A busy machine is not a failing test; pytest's own timeout stops what hangs.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=name == "ci",
        print_blob=True,
    )
settings.load_profile(PROFILE)


def pytest_report_header() -> list[str]:
    """Say which build and which profile the results are about."""
    return [f"clausal {clausal.__version__} from {clausal.__file__}", f"hypothesis: {PROFILE}"]


def pytest_configure() -> None:
    """Refuse to pass on a build that was not asked for.

    Raises:
        pytest.UsageError: `CLAUSAL_PACKAGE_UNDER_TEST` names a folder, and the package or its
            extension was imported from another one.
    """
    wanted = os.environ.get("CLAUSAL_PACKAGE_UNDER_TEST")
    if wanted is None:
        return
    for module in (clausal, _core):
        file = Path(str(module.__file__)).resolve()
        if not file.is_relative_to(Path(wanted).resolve()):
            raise pytest.UsageError(f"`{module.__name__}` was imported from {file}, not {wanted}")
