"""Whatever the bytes of a bundle are, loading refuses them by name or gives a program that runs.

An input is a list of edits to the payload of a sound bundle, sealed again with the right digest: the
digest would turn away every other input before anything is decoded.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["clausal.compiler"]):
    from clausal.compiler.bundle import FORMAT, MAGIC, BundleError, assemble, pack, unpack
    from clausal.compiler.emit import emit
    from clausal.compiler.pipeline import optimise
from clausal.engine._core import Core
from clausal.engine.event import EventError
from tests.strategies.events import EventWriter
from tests.strategies.ir import write_corpus

HEADER = 50
CORPUS = write_corpus(Random(2), rules=3)
PAYLOAD = pack(assemble(CORPUS, emit(optimise(CORPUS)), ()))[HEADER:]
EVENTS = [EventWriter(Random(seed), CORPUS).event() for seed in range(3)]


def fuzz(data: bytes) -> None:
    """Load one input, and run it if it loads."""
    provider = atheris.FuzzedDataProvider(data)
    payload = bytearray(PAYLOAD)
    if provider.ConsumeProbability() < 0.05:
        payload = bytearray(provider.ConsumeBytes(200))
    else:
        for _ in range(provider.ConsumeIntInRange(1, 6)):
            start = provider.ConsumeIntInRange(0, len(payload))
            replaced = provider.ConsumeIntInRange(0, 4)
            payload[start : start + replaced] = provider.ConsumeBytes(replaced)
    digest = hashlib.sha256(payload).digest()
    header = struct.pack("<8sHQ32s", MAGIC, FORMAT, len(payload), digest)
    try:
        artifact = unpack(header + bytes(payload))
        meta, ladders = artifact.meta, artifact.corpus.ladders
    except BundleError:
        return
    try:
        core = Core(
            artifact.program,
            meta.slots,
            time_slot=meta.time_slot,
            ladders=ladders,
            verified=True,
        )
    except ValueError:
        # A pattern or a time zone that is none, or ladders that count one history differently.
        return
    for event in EVENTS:
        try:
            values = core.read(event)
        except EventError:
            continue
        for instant in (0, *[version.start for version in meta.versions]):
            core.run(values, instant)


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
