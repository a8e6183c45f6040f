"""Many events for the platform of `tests.support.enforced`, some of which have consequences."""

from __future__ import annotations

import random
from pathlib import Path

from tests.support.enforced import event, forum


def many(count: int, seed: int = 1) -> list[bytes]:
    """So many events in the order of their acts; of every ten about three have findings."""
    chance = random.Random(seed)
    return [
        event(
            f"e-{number}",
            number / 20,
            account=f"a-{chance.randrange(12)}",
            content=f"c-{chance.randrange(count)}",
            content__staged=chance.choice(["none"] * 8 + ["suspected", "confirmed"]),
            content__spam=chance.choice([0] * 8 + [0.5, 0.9]),
            account__earns=chance.random() < 0.1,
            account__verified=chance.random() < 0.5,
        )
        for number in range(count)
    ]


def saved(folder: Path, events: list[bytes]) -> tuple[Path, Path]:
    """A bundle and a file of events in a folder."""
    bundle, file = folder / "forum.clausal", folder / "events.ndjson"
    forum().save(bundle)
    file.write_bytes(b"".join(one + b"\n" for one in events))
    return bundle, file
