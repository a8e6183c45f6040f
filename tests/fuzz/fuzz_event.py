"""Whatever bytes come in as an event, they are refused in words, or decided as they mean.

The bundle has a slot of every type and source. What it decides is held against the reference
interpreter, which sees the event as Python's own decoder reads it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["clausal.engine"]):
    from clausal.engine.decode import decode_json
    from clausal.engine.evaluator import Bundle
    from clausal.engine.problem import EventError
    from clausal.engine.reference import Reference
from clausal.compiler.pipeline import compile_sources
from tests.strategies.spoiled import JUNK, KEYS
from tests.support.every_slot import LIBRARY, RULES

SEEDS = Path(__file__).parent / "seeds" / "event"
BUNDLE = Bundle(compile_sources([LIBRARY, RULES]))
CORPUS = BUNDLE.artifact.corpus
REFERENCE = Reference(CORPUS)
SOME = [json.loads(seed.read_bytes()) for seed in sorted(SEEDS.glob("*.json"))]


def fuzz(data: bytes) -> None:
    """Decide one input in every way, if it can be decided."""
    try:
        decision = BUNDLE.evaluate_json(data)
    except EventError as error:
        if not (error.problems and str(error)):
            raise AssertionError("the refusal says nothing") from error
        with contextlib.suppress(EventError):
            BUNDLE.evaluate(decode_json(data))
            raise AssertionError("refused as JSON alone") from error
        return
    event = json.loads(data, parse_int=whole)
    acted_at = BUNDLE.evaluate(event, at=decision.acted_at)
    if not BUNDLE.evaluate(event) == acted_at == decision:
        raise AssertionError("decided in another way as a dictionary")
    outcome = REFERENCE.run(event, None, instant(event))
    fired = {finding.rule for finding in decision.findings}
    if fired != {CORPUS.rules[rule].name for rule in outcome.fired}:
        raise AssertionError("other rules fired than in the reference")
    lacking = {one.rule: {lack.field for lack in one.lacks} for one in decision.undetermined}
    if lacking != {
        CORPUS.rules[rule].name: {CORPUS.slots[slot].name for slot in slots}
        for rule, slots in outcome.undetermined.items()
    }:
        raise AssertionError("other rules are undetermined than in the reference")
    json.loads(BUNDLE.evaluate(event, bounds=True).to_json())
    BUNDLE.explain(event)
    BUNDLE.unknown_keys(event)


def whole(digits: str) -> int:
    """A whole number; beyond any float, and beyond what Python reads, one that is huge as well."""
    if len(digits) < 400:
        return int(digits)
    return -(10**400) if digits.startswith("-") else 10**400


def instant(event: object) -> int:
    """The instant of the act as the plain reader reads it."""
    acted_at = REFERENCE.reader.read(event)[CORPUS.time_slot]
    if not isinstance(acted_at, float):
        raise TypeError("an event without a time was decided")
    return int(acted_at)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change bytes, or, in what is JSON, a value or a key anywhere in it."""
    random = Random(seed)
    if random.random() < 0.5:
        return atheris.Mutate(data, max_size)
    try:
        tree = json.loads(data, parse_int=whole)
    except (ValueError, RecursionError):
        tree = random.choice(SOME)
    for _ in range(random.choice([1, 1, 2])):
        tree = changed(tree, random)
    mutated = json.dumps(tree, ensure_ascii=random.random() < 0.5)
    return mutated.encode("utf-8", "replace")[:max_size]


def changed(tree: object, random: Random) -> object:
    """The tree with one of its values replaced, taken away, or with a neighbour."""
    if isinstance(tree, dict) and tree and random.random() < 0.9:
        key = random.choice(list(tree))
        chance = random.random()
        if chance < 0.1:
            return {one: value for one, value in tree.items() if one != key}
        if chance < 0.2:
            return {**tree, random.choice(KEYS): random.choice(JUNK)}
        return {**tree, key: changed(tree[key], random)}
    if isinstance(tree, list) and tree and random.random() < 0.7:
        at = random.randrange(len(tree))
        return [*tree[:at], changed(tree[at], random), *tree[at + random.choice([0, 1]) :]]
    if isinstance(tree, str) and tree and random.random() < 0.5:
        at = random.randrange(len(tree))
        return tree[:at] + random.choice(tree + "09aA:+-. \u200b刚\udc00") + tree[at + 1 :]
    if isinstance(tree, float) and random.random() < 0.5:
        return tree * random.choice([-1.0, 0.5, 10.0, 1e16])
    return random.choice(JUNK)


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz, custom_mutator=mutate)
    atheris.Fuzz()
