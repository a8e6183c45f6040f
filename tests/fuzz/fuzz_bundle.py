"""Whatever the bytes of a bundle are, it is refused by name, or decides and tells like any other.

An input is a list of edits to the payload of a sound bundle, sealed again with the right digest (the
digest would turn away every other input before anything is decoded), or the seed of a forgery, in
which values of a section are traded for others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["clausal.compiler", "clausal.engine"]):
    from clausal.compiler.bundle import BundleError, unpack
    from clausal.engine.evaluator import Bundle
    from clausal.engine.problem import EventError
from clausal.compiler.pipeline import compile_sources
from tests.strategies.forged import Forger, sealed
from tests.support.every_slot import LIBRARY, RULES

SOUND = compile_sources([LIBRARY, RULES])
FORGER = Forger(SOUND)
SEEDS = Path(__file__).parent / "seeds" / "event"
EVENTS = [seed.read_bytes() for seed in sorted(SEEDS.glob("*.json"))]


def fuzz(data: bytes) -> None:
    """Load one input, and do all that can be done with it if it loads."""
    try:
        use(Bundle(unpack(bundle(atheris.FuzzedDataProvider(data)))))
    except BundleError as error:
        if not str(error):
            raise AssertionError("the refusal says nothing") from error


def bundle(provider: atheris.FuzzedDataProvider) -> bytes:
    """The file that an input stands for."""
    if provider.ConsumeProbability() < 0.5:
        return FORGER.forge(Random(provider.ConsumeIntInRange(0, 2**32)))
    if provider.ConsumeProbability() < 0.05:
        return sealed(provider.ConsumeBytes(200))
    payload = bytearray(SOUND.payload)
    for _ in range(provider.ConsumeIntInRange(1, 6)):
        start = provider.ConsumeIntInRange(0, len(payload))
        replaced = provider.ConsumeIntInRange(0, 4)
        payload[start : start + replaced] = provider.ConsumeBytes(replaced)
    return sealed(bytes(payload))


def use(bundle: Bundle) -> None:
    """Decide and explain events, and ask the bundle about itself."""
    for event in EVENTS:
        for at in (None, "2254-12-31T00:00:00Z"):
            try:
                decision = bundle.evaluate_json(event, at=at, bounds=True)
                explanation = bundle.explain(json.loads(event.replace(b"1e400", b"1")), at=at)
            except EventError:
                continue
            json.loads(decision.to_json())
            json.loads(explanation.to_json())
    bundle.in_force("2024-05-01T00:00:00Z")
    _ = bundle.artifact.sources
    _ = bundle.artifact.profile


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
