"""A policy with a slot of every type and source: what events are made to harm."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clausal.dsl.source import Source

FOLDER: Final = Path(__file__).parents[1] / "fuzz" / "every_slot"

LIBRARY: Final = Source.read(FOLDER / "fields.policy", "fields.policy")
RULES: Final = Source.read(FOLDER / "rules.policy", "rules.policy")
